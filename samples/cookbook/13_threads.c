/* Threads: what blocks runs on those of a pool; of one's own, too, or of the one that computes.
 *
 *   Prints:  sensor 1: 21 degrees
 *            sensor 2: 22 degrees
 *            25 primes below 100 */
#include <stdio.h>
#include <time.h>
#include <troupe.h>

static int read_sensor(void *number) /* it blocks: on a loop it would hold up all others */
{
    (void)nanosleep(&(struct timespec){ .tv_nsec = 10000000 }, NULL);
    return 20 + *(int *)number;
}

static int count_primes(void *limit)
{
    int count = 0;

    for (int n = 2, d; n < *(int *)limit; n++) {
        if (tr_cancelled())
            return TR_ECANCELED; /* nobody wants it any more, but somebody waits */
        for (d = 2; n % d != 0;)
            d++;
        count += d == n;
    }
    return count;
}

static int app(void *arg)
{
    tr_pool *one tr_cleanup_pool = NULL;
    int first = 1, second = 2, limit = 100, rc;

    (void)arg;
    if ((rc = tr_to_thread(read_sensor, &first)) < 0)
        return rc;
    printf("sensor 1: %d degrees\n", rc);
    if ((rc = tr_pool_new(&one, "one", 1)) < 0 || (rc = tr_pool_run(one, read_sensor, &second)) < 0)
        return rc;
    printf("sensor 2: %d degrees\n", rc);
    rc = tr_pool_run(TR_POOL_CPU, count_primes, &limit);
    return rc < 0 ? rc : printf("%d primes below %d\n", rc, limit);
}

int main(int argc, char **argv)
{
    return tr_main(argc, argv, app, NULL, NULL);
}
