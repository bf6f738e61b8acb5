/* mixed: short tasks on the loops beside heavy jobs on a pool.
 *
 * Every 100 us a task is due, on each loop in turn, whether those before have ended or not (an open
 * loop: a delay is not hidden by the delay of what comes next), 10,000 a second for --seconds. What
 * counts is how late each runs: the time from when it was due to its first turn. It includes what
 * the loop's timer adds, for a task on the loop starts those that are due there. Measured twice,
 * without and with 8 jobs that compute all the while on a pool of 8 threads; a table goes to
 * stderr, the result is the 99th percentile with the jobs. Where there are fewer cores than
 * threads, the operating system shares them between the loops and the jobs: so it is the scheduler
 * of the kernel that is measured here, too. */
#include "bench.h"

#include <stdio.h>
#include <stdlib.h>

#define PERIOD_S        100e-6
#define DEFAULT_SECONDS 5.0

enum { HEAVY_JOBS = 8 };

typedef struct delays {
    double *seconds;
    size_t count;
} delays;

/* ---- the short tasks ---- */

/* Before it runs *slot is when it is due, afterwards how late it was. */
static int note_delay(void *slot)
{
    double *seconds = slot;

    *seconds = bench_now_s() - *seconds;
    return 0;
}

struct generate_args {
    delays *all;
    size_t first; /* the tasks of this loop: first, first + step, ... */
    size_t step;
    double begun_s;
};

/* Start all that have become due, then sleep until the next one is. */
static int generate(void *arg)
{
    const struct generate_args *a = arg;
    size_t i = a->first;
    int rc;

    TR_SCOPE(s, &rc) {
        while (i < a->all->count && !tr_cancel_requested()) {
            double due_s = a->begun_s + (double)i * PERIOD_S;
            double early_s = due_s - bench_now_s();

            if (early_s > 0) {
                (void)tr_sleep(early_s); /* cancelled: the condition of the loop sees it */
                continue;
            }
            a->all->seconds[i] = due_s;
            (void)tr_scope_spawn(s, note_delay, &a->all->seconds[i]); /* a failure is the scope's */
            i += a->step;
        }
    }
    return rc;
}

static int generate_all(delays *d)
{
    size_t loops = (size_t)tr_loop_count();
    double begun_s = bench_now_s();
    int rc;

    TR_SCOPE(s, &rc) {
        for (size_t i = 0; i < loops; i++)
            tr_go_on(s, TR_LOOP((int)i), generate, .all = d, .first = i, .step = loops,
                     .begun_s = begun_s);
    }
    return rc;
}

/* ---- the heavy jobs ---- */

typedef struct heavy_job {
    tr_future *begun; /* the job resolves it */
    tr_future *ended; /* the pool's */
    uint64_t sum;     /* so that the work can't be optimized away */
} heavy_job;

static int compute(void *arg)
{
    heavy_job *job = arg;
    uint64_t state = bench_seed(1);
    int rc = tr_future_resolve(job->begun, NULL, NULL);

    while (rc == 0 && !tr_cancelled())
        for (int i = 0; i < 10000; i++)
            job->sum += bench_random(&state);
    return rc;
}

/* Start a job, and wait until it runs. */
static int start_job(heavy_job *job, tr_pool *pool)
{
    int rc = tr_future_new(&job->begun);

    if (rc == 0)
        rc = tr_pool_submit(&job->ended, pool, compute, job, NULL);
    return rc == 0 ? tr_await(job->begun) : rc;
}

static int with_heavy_jobs(delays *d)
{
    heavy_job jobs[HEAVY_JOBS] = { { .sum = 0 } };
    tr_pool *pool;
    int rc = tr_pool_new(&pool, "heavy", HEAVY_JOBS);

    for (int i = 0; i < HEAVY_JOBS && rc == 0; i++)
        rc = start_job(&jobs[i], pool);
    if (rc == 0)
        rc = generate_all(d);
    for (int i = 0; i < HEAVY_JOBS; i++)
        if (jobs[i].ended)
            (void)tr_future_cancel(jobs[i].ended); /* it can't fail: the future exists */
    if (pool)
        (void)tr_pool_free(pool); /* waits for the jobs: they are on this stack */
    for (int i = 0; i < HEAVY_JOBS; i++) {
        tr_future_unref(jobs[i].begun);
        tr_future_unref(jobs[i].ended);
    }
    return rc;
}

/* ---- the measurement ---- */

static int by_value(const void *a, const void *b)
{
    double x = *(const double *)a, y = *(const double *)b;

    return (x > y) - (x < y);
}

/* Of sorted delays: the one that a share of them does not exceed. */
static double percentile_us(const delays *d, double share)
{
    return d->seconds[(size_t)(share * (double)(d->count - 1))] * 1e6;
}

static void report(const char *what, delays *d)
{
    qsort(d->seconds, d->count, sizeof(*d->seconds), by_value);
    (void)fprintf(stderr, "%-16s %9.1f %9.1f %9.1f %9.1f\n", what, percentile_us(d, 0.5),
                  percentile_us(d, 0.99), percentile_us(d, 0.999), percentile_us(d, 1));
}

static int mixed(void *arg)
{
    bench_context *context = arg;
    double seconds = context->options->seconds > 0 ? context->options->seconds : DEFAULT_SECONDS;
    delays d = { .count = (size_t)(seconds / PERIOD_S) + 1 };
    int rc;

    d.seconds = malloc(d.count * sizeof(*d.seconds));
    if (!d.seconds)
        return TR_ENOMEM;
    rc = generate_all(&d);
    if (rc == 0) {
        (void)fprintf(stderr, "%-16s %9s %9s %9s %9s\n", "mixed: delay, us", "p50", "p99", "p99.9",
                      "max");
        report("alone", &d);
        bench_begin(context);
        rc = with_heavy_jobs(&d);
        bench_end(context, 1);
    }
    if (rc == 0) {
        report("with 8 jobs", &d);
        context->outcome.per_op = percentile_us(&d, 0.99) * 1e3;
    }
    free(d.seconds);
    return rc;
}

int bench_mixed(bench_context *context)
{
    tr_future *f;
    int rc = tr_submit(&f, TR_LOOP(0), mixed, context);

    if (rc == 0) {
        rc = tr_future_wait(f, TR_FOREVER);
        tr_future_unref(f);
    }
    return rc < 0 ? bench_fail(context, "%s", tr_strerror(rc)) : 0;
}
