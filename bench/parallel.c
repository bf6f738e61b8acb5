/* Many items on the threads of a pool: parallel_for, map_reduce.
 *
 * An item computes for about 10 us, always the same: how many steps that takes is found out first.
 * A task on loop 0 has n of them done, three times in a round: by a plain loop, in one job; by one
 * thread; and by two, or --threads. Each round goes through the three in another order, and what is
 * compared is always of one round: so a machine that gets slower meanwhile does not show as a
 * result. A table of medians goes to stderr, with the CPU time of all threads, which shows what the
 * library takes also where the cores are not idle. The result is the time of an item on all
 * threads.
 */
#include "bench.h"

#include <stdio.h>
#include <stdlib.h>

#define ITEM_S 10e-6

enum { ROUNDS = 9, WAYS = 3, TRIES = 50, CALIBRATION = 200000 };

typedef enum way { PLAIN, ONE, ALL } way;

typedef struct figures {
    double wall_s[ROUNDS];
    double cpu_s[ROUNDS];
} figures;

typedef struct parallel {
    bench_context *context;
    bool reduces;
    size_t n;
    int threads;
    int64_t steps; /* of an item */
    uint64_t expected;
    figures ways[WAYS];
} parallel;

/* ---- an item ---- */

static uint64_t do_compute(uint64_t i, int64_t steps)
{
    uint64_t state = bench_seed(i);

    for (int64_t step = 0; step < steps; step++)
        (void)bench_random(&state);
    return state;
}

/* Through a pointer that may change: so all ways run the same code, and none is left out. */
static uint64_t (*volatile compute)(uint64_t i, int64_t steps) = do_compute;

static int do_item(size_t i, void *arg)
{
    (void)compute(i, ((const parallel *)arg)->steps);
    return 0;
}

static int add_item(size_t i, void *gathered, void *arg)
{
    *(uint64_t *)gathered += compute(i, ((const parallel *)arg)->steps);
    return 0;
}

static void add_sums(void *gathered, const void *other, void *arg)
{
    (void)arg;
    *(uint64_t *)gathered += *(const uint64_t *)other;
}

/* What somebody writes who has no library. */
static int loop_over_all(void *arg)
{
    const parallel *p = arg;
    uint64_t sum = 0;

    for (size_t i = 0; i < p->n; i++)
        if (!p->reduces)
            (void)do_item(i, arg);
        else
            sum += compute(i, p->steps);
    return p->reduces && sum != p->expected ? TR_EPROTO : 0;
}

/* ---- a measurement ---- */

static int run(parallel *p, int threads)
{
    const tr_parallel_options options = { .threads = threads };
    uint64_t sum = 0;
    int rc;

    if (!p->reduces)
        return tr_parallel_for_with(p->n, do_item, p, &options);
    rc = tr_map_reduce_with(&sum, sizeof(sum), p->n, add_item, add_sums, p, &options);
    return rc == 0 && sum != p->expected ? TR_EPROTO : rc;
}

static int measure(parallel *p, way how, int round)
{
    figures *f = &p->ways[how];
    int rc;

    f->cpu_s[round] = bench_cpu_s();
    f->wall_s[round] = bench_now_s();
    rc = how == PLAIN ? tr_pool_run(TR_POOL_CPU, loop_over_all, p)
                      : run(p, how == ONE ? 1 : p->threads);
    f->wall_s[round] = bench_now_s() - f->wall_s[round];
    f->cpu_s[round] = bench_cpu_s() - f->cpu_s[round];
    return rc;
}

/* The fastest of several tries: nothing has interrupted that. */
static double fastest_step_s(void)
{
    double fastest_s = 1;

    for (int i = 0; i < TRIES; i++) {
        double begun_s = bench_now_s();
        double took_s;

        (void)compute((uint64_t)i, CALIBRATION);
        took_s = (bench_now_s() - begun_s) / CALIBRATION;
        fastest_s = took_s < fastest_s ? took_s : fastest_s;
    }
    return fastest_s;
}

static int calibrate(void *arg)
{
    parallel *p = arg;

    p->steps = (int64_t)(ITEM_S / fastest_step_s());
    p->expected = 0;
    for (size_t i = 0; i < p->n && p->reduces; i++)
        p->expected += compute(i, p->steps);
    return 0;
}

/* ---- the table ---- */

static int by_value(const void *a, const void *b)
{
    double x = *(const double *)a, y = *(const double *)b;

    return (x > y) - (x < y);
}

static double median(const double *values)
{
    double sorted[ROUNDS];

    for (int i = 0; i < ROUNDS; i++)
        sorted[i] = values[i];
    qsort(sorted, ROUNDS, sizeof(*sorted), by_value);
    return sorted[ROUNDS / 2];
}

/* Of a round's plain loop to another way. */
static double median_ratio(const double *plain, const double *other)
{
    double ratios[ROUNDS];

    for (int i = 0; i < ROUNDS; i++)
        ratios[i] = plain[i] / other[i];
    return median(ratios);
}

static void report(const parallel *p)
{
    static const char *const names[] = { "a plain loop", "one thread", "all threads" };

    (void)fprintf(stderr, "%-16s %9s %9s %9s %9s\n", p->context->name, "ns", "faster", "cpu ns",
                  "cpu");
    for (int i = 0; i < WAYS; i++)
        (void)fprintf(stderr, "%-16s %9.1f %9.3f %9.1f %9.3f\n", names[i],
                      median(p->ways[i].wall_s) / (double)p->n * 1e9,
                      median_ratio(p->ways[PLAIN].wall_s, p->ways[i].wall_s),
                      median(p->ways[i].cpu_s) / (double)p->n * 1e9,
                      1 / median_ratio(p->ways[PLAIN].cpu_s, p->ways[i].cpu_s));
}

static int run_rounds(void *arg)
{
    parallel *p = arg;
    int rc = tr_pool_run(TR_POOL_CPU, calibrate, p);

    if (rc == 0) /* all threads have been started afterwards */
        rc = run(p, p->threads);
    bench_begin(p->context);
    for (int round = 0; round < ROUNDS && rc == 0; round++)
        for (int i = 0; i < WAYS && rc == 0; i++)
            rc = measure(p, (way)((round + i) % WAYS), round);
    bench_end(p->context, (double)p->n * ROUNDS * WAYS);
    if (rc < 0)
        return rc;
    report(p);
    p->context->outcome.per_op = median(p->ways[ALL].wall_s) / (double)p->n * 1e9;
    return 0;
}

static int start(bench_context *context, bool reduces)
{
    parallel p = { .context = context, .reduces = reduces };
    tr_future *f;
    int rc;

    p.n = (size_t)context->options->n;
    p.threads = context->options->threads > 1 ? context->options->threads : 0;
    rc = tr_submit(&f, TR_LOOP(0), run_rounds, &p);
    if (rc == 0) {
        rc = tr_future_wait(f, TR_FOREVER);
        tr_future_unref(f);
    }
    return rc < 0 ? bench_fail(context, "%s", tr_strerror(rc)) : 0;
}

int bench_parallel_for(bench_context *context)
{
    return start(context, false);
}

int bench_map_reduce(bench_context *context)
{
    return start(context, true);
}
