/* interrupted_read: somebody else's blocking code on a thread, which asks the program, and is left
 * in time.
 *
 * A library reads records from a descriptor, blocks while there is none, and calls back for each:
 * so it needs a thread, tr_pool_run. Two things are hard about that elsewhere.
 *
 * The callback runs on that thread, and what it needs lives on the loops. tr_call_from_thread runs
 * a task there, which may await all it likes, and waits for its result (anyio: from_thread.run;
 * asyncio: run_coroutine_threadsafe and result()).
 *
 * And the thread can't be left while it blocks: asyncio and anyio abandon it, and its arguments
 * with it. Here the job allows an interruption: when its task is cancelled, by the deadline, a
 * signal lets read fail with EINTR; the library gives up, and then the await returns. So all may
 * stand on the task's stack.
 *
 *   Build:   cc interrupted_read.c $(pkg-config --cflags --libs troupe)
 *   Prints:  record 1: 10 in all
 *            record 2: 30 in all
 *            record 3: 60 in all
 *            no more in time; the reader has ended: 3 records */
#include <errno.h>
#include <stdio.h>
#include <troupe.h>
#include <unistd.h>

/* ---- the library: it knows nothing of troupe ---- */

typedef int (*record_fn)(int value, void *ctx);

/* Returns how many there were, when the other side has closed it, or the callback had enough. */
static int read_records(int fd, record_fn fn, int (*is_over)(void), void *ctx)
{
    int count = 0;
    int value;

    for (;;) {
        ssize_t n = read(fd, &value, sizeof(value)); /* blocks */

        if (n < 0 && errno == EINTR && !is_over())
            continue;
        if (n != (ssize_t)sizeof(value) || fn(value, ctx) < 0)
            return count;
        count++;
    }
}

/* ---- on the loop ---- */

struct ledger {
    int records, sum; /* the loop's: no lock */
};

struct entry {
    struct ledger *ledger;
    int value;
};

/* A task: it may await. */
static int enter(void *arg)
{
    const struct entry *e = arg;
    int rc = tr_sleep(0.001); /* as a database would take it */

    if (rc < 0)
        return rc;
    e->ledger->records++;
    e->ledger->sum += e->value;
    printf("record %d: %d in all\n", e->ledger->records, e->ledger->sum);
    return 0;
}

/* ---- on the thread ---- */

static int on_record(int value, void *ctx)
{
    struct entry e = { .ledger = ctx, .value = value };

    return tr_call_from_thread(TR_LOOP(0), TR_FOREVER, enter, &e);
}

static int is_over(void)
{
    return tr_cancelled();
}

struct source {
    int fd;
    struct ledger *ledger;
};

static int read_all(void *arg)
{
    const struct source *s = arg;

    return read_records(s->fd, on_record, is_over, s->ledger);
}

/* ---- the program ---- */

static int app(void *arg)
{
    const tr_job_options options = { .interrupt = true, .name = "the reader of records" };
    static const int records[] = { 10, 20, 30 };
    struct ledger ledger = { 0 };
    int ends[2];
    int rc = 0;

    (void)arg;
    if (pipe(ends) != 0)
        return -errno;
    if (write(ends[1], records, sizeof(records)) != (ssize_t)sizeof(records))
        return -errno;
    TR_DEADLINE(0.5) { /* nobody closes the pipe */
        struct source s = { ends[0], &ledger };

        rc = tr_pool_run_with(TR_POOL_IO, read_all, &s, &options);
    }
    if (rc >= 0)
        printf("no more in time; the reader has ended: %d records\n", rc);
    (void)close(ends[0]);
    (void)close(ends[1]);
    return rc;
}

int main(int argc, char **argv)
{
    return tr_main(argc, argv, app, NULL, NULL);
}
