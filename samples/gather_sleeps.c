/* gather_sleeps: many tasks at once, and three ways in which they end.
 *
 * Each of 5,000 tasks sleeps; together they take as long as the longest, for a task that sleeps
 * costs some memory, and no thread. TR_SCOPE waits for all that were started in it (asyncio:
 * TaskGroup, or gather; Go: a WaitGroup). If one fails, the others are cancelled: their sleeps end
 * at once with TR_ECANCELED. TR_DEADLINE cancels what is in it when the time has passed (asyncio:
 * timeout(); Go: context.WithTimeout), and only the block that set it reports TR_ETIMEDOUT.
 *
 *   Build:   cc gather_sleeps.c $(pkg-config --cflags --libs troupe)
 *   Prints:  5000 sleeps, 1250 s in all: TR_OK, 5000 slept, together 0.5 s
 *            one fails: TR_EAGAIN, 0 slept, 4999 were cancelled
 *            a deadline: TR_ETIMEDOUT, 1 slept, 4999 were cancelled */
#include <stdio.h>
#include <time.h>
#include <troupe.h>

enum { TASKS = 5000 };

struct tally {
    unsigned slept, cancelled; /* siblings share it without a lock: they are on one loop */
};

struct nap_args {
    struct tally *tally;
    double seconds;
    int result;
};

static int nap(void *arg)
{
    const struct nap_args *a = arg;
    int rc = tr_sleep(a->seconds);

    if (rc < 0) {
        a->tally->cancelled++;
        return rc; /* a child that was cancelled has not failed */
    }
    a->tally->slept += a->result >= 0;
    return a->result;
}

/* The last one sleeps longest, the first one hardly, and it may fail. */
static int nap_all(struct tally *tally, double longest, int result_of_first)
{
    int rc;

    TR_SCOPE(naps, &rc) {
        for (int i = 0; i < TASKS; i++)
            tr_go(naps, nap, .tally = tally, .seconds = i > 0 ? longest * (i + 1) / TASKS : 0,
                  .result = i > 0 ? 0 : result_of_first);
    }
    return rc;
}

static double now(void)
{
    struct timespec t;

    (void)clock_gettime(CLOCK_MONOTONIC, &t);
    return (double)t.tv_sec + (double)t.tv_nsec * 1e-9;
}

static int app(void *arg)
{
    struct tally all = { 0 }, failing = { 0 }, late = { 0 };
    double start = now(), seconds;
    int rc = nap_all(&all, 0.5, 0);

    (void)arg;
    seconds = now() - start;
    printf("%d sleeps, 1250 s in all: %s, %u slept, together %.1f s\n", TASKS, tr_err_name(rc),
           all.slept, seconds);

    rc = nap_all(&failing, 1e6, TR_EAGAIN);
    printf("one fails: %s, %u slept, %u were cancelled\n", tr_err_name(rc), failing.slept,
           failing.cancelled);

    TR_DEADLINE(0.1, &rc) {
        rc = nap_all(&late, 1e6, 0);
    }
    printf("a deadline: %s, %u slept, %u were cancelled\n", tr_err_name(rc), late.slept,
           late.cancelled);
    return 0;
}

int main(int argc, char **argv)
{
    return tr_main(argc, argv, app, NULL, NULL);
}
