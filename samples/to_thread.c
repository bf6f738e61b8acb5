/* to_thread: blocking work on a thread of the pool, while the loop stays live.
 *
 * A task must not block: reading a file holds up all else on its loop. tr_to_thread runs a plain
 * function on a thread of TR_POOL_IO and awaits its end (asyncio: to_thread; in Go the runtime does
 * it unseen; in Node: fs.promises). So arguments and results may stand on the task's stack. The
 * files are read at the same time, each by a child of the scope.
 *
 * Meanwhile a ticker ticks. To prove it, each job lasts until it has seen the loop tick three
 * times: had it blocked the loop, this program would never end.
 *
 *   Build:   cc to_thread.c $(pkg-config --cflags --libs troupe)
 *   Run:     printf hello >greeting; ./a.out greeting missing
 *   Prints:  greeting: a430d84680aabd0b
 *            missing: No such file or directory
 *            the loop has ticked meanwhile */
#include <errno.h>
#include <inttypes.h>
#include <stdatomic.h>
#include <stdio.h>
#include <time.h>
#include <troupe.h>

static atomic_int ticks; /* the loop's, seen by the pool's threads */

struct hash_file_args {
    const char *path;
    uint64_t *hash;
    int *error;
};

/* On a thread of the pool. FNV-1a, whatever the file: errors are a result like any other. */
static int read_and_hash(void *arg)
{
    const struct hash_file_args *a = arg;
    FILE *file = fopen(a->path, "r");

    if (!file)
        return -errno;
    *a->hash = UINT64_C(0xcbf29ce484222325);
    for (int c; (c = getc(file)) != EOF;)
        *a->hash = (*a->hash ^ (unsigned)c) * UINT64_C(0x100000001b3);
    while (atomic_load(&ticks) < 3 && !tr_cancelled())
        (void)nanosleep(&(struct timespec){ .tv_nsec = 1000000 }, NULL);
    return fclose(file) == 0 ? 0 : -errno;
}

/* On the loop. If it failed, the other files would be cancelled: so it leaves its error behind. */
static int hash_file(void *arg)
{
    const struct hash_file_args *a = arg;

    *a->error = tr_to_thread(read_and_hash, arg);
    return 0;
}

struct ticker_args {
    double seconds;
};

static int ticker(void *arg)
{
    while (tr_sleep(((const struct ticker_args *)arg)->seconds) >= 0)
        atomic_fetch_add(&ticks, 1);
    return 0; /* cancelled: that is how it ends */
}

enum { MOST = 100 };

static int app(void *arg)
{
    char *const *paths = arg;
    uint64_t hashes[MOST];
    int errors[MOST];

    TR_SCOPE(ticking, NULL) {
        tr_go(ticking, ticker, .seconds = 0.01);
        TR_SCOPE(files, NULL) {
            for (int i = 0; i < MOST && paths[i]; i++)
                tr_go(files, hash_file, .path = paths[i], .hash = &hashes[i], .error = &errors[i]);
        }
        tr_scope_cancel(ticking);
    }
    for (int i = 0; i < MOST && paths[i]; i++) {
        if (errors[i] < 0)
            printf("%s: %s\n", paths[i], tr_strerror(errors[i]));
        else
            printf("%s: %016" PRIx64 "\n", paths[i], hashes[i]);
    }
    printf("the loop has%s ticked meanwhile\n", atomic_load(&ticks) >= 3 ? "" : " not");
    return 0;
}

int main(int argc, char **argv)
{
    return tr_main(argc, argv, app, argv + 1, NULL);
}
