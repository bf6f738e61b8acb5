/* What tasks share: mutex, semaphore, queue, stream, gather, cancelstorm.
 *
 * All on loop 0. mutex: n times take a free mutex and give it back. semaphore: two tasks hand a
 * permit to each other, n times. queue: one puts n items into a queue of 64, another gets them.
 * stream: the same by a generator. gather: n tasks that sleep 1 ms are awaited together.
 * cancelstorm: n tasks are asleep, and one scope that is cancelled ends them all; that they begin
 * and fall asleep is not timed. gather-warm, cancelstorm-warm: what the third round costs, whose
 * stacks and blocks are there already. */
#include "bench.h"

#include <stdlib.h>

enum { WARM_ROUNDS = 3 };

/* ---- mutex ---- */

static int mutex(void *arg)
{
    const bench_task *run = arg;
    tr_mutex lock = { { 0 } };
    int rc = 0;

    bench_begin(run->context);
    for (int64_t i = 0; i < run->n && rc == 0; i++) {
        rc = tr_lock(&lock);
        if (rc == 0)
            rc = tr_unlock(&lock);
    }
    bench_end(run->context, (double)run->n);
    return rc;
}

int bench_mutex(bench_context *context)
{
    return bench_measure_task(context, mutex);
}

/* ---- semaphore ---- */

struct pass_args {
    tr_semaphore *take;
    tr_semaphore *give;
    int64_t n;
};

static int pass(void *arg)
{
    const struct pass_args *a = arg;
    int rc = 0;

    for (int64_t i = 0; i < a->n && rc == 0; i++) {
        rc = tr_semaphore_acquire(a->take);
        if (rc == 0)
            rc = tr_semaphore_release(a->give);
    }
    return rc;
}

static int semaphore(void *arg)
{
    const bench_task *run = arg;
    tr_semaphore first = TR_SEMAPHORE_INIT(1);
    tr_semaphore second = TR_SEMAPHORE_INIT(0);
    int64_t half = run->n / 2;
    int rc;

    bench_begin(run->context);
    TR_SCOPE(s, &rc) {
        tr_go(s, pass, &first, &second, half);
        tr_go(s, pass, &second, &first, half);
    }
    bench_end(run->context, (double)half * 2);
    return rc;
}

int bench_semaphore(bench_context *context)
{
    return bench_measure_task(context, semaphore);
}

/* ---- queue and stream ---- */

enum { AHEAD = 64 };

struct produce_args {
    tr_queue *q;
    int64_t n;
};

static int produce(void *arg)
{
    const struct produce_args *a = arg;
    int rc = 0;

    for (int64_t i = 0; i < a->n && rc == 0; i++)
        rc = tr_queue_put(a->q, &i);
    return rc;
}

static int consume(const bench_task *run, tr_queue *q)
{
    int rc;

    bench_begin(run->context);
    TR_SCOPE(s, &rc) {
        int64_t item;

        tr_go(s, produce, q, run->n);
        for (int64_t i = 0; i < run->n; i++)
            if (tr_queue_get(q, &item) < 0 || item != i)
                return TR_EPROTO;
    }
    bench_end(run->context, (double)run->n);
    return rc;
}

static int queue(void *arg)
{
    tr_queue *q tr_cleanup_queue = NULL;
    int rc = tr_queue_new(&q, sizeof(int64_t), AHEAD, NULL);

    return rc == 0 ? consume(arg, q) : rc;
}

int bench_queue(bench_context *context)
{
    return bench_measure_task(context, queue);
}

static int generate(tr_stream *out, void *n)
{
    int rc = 0;

    for (int64_t i = 0; i < *(const int64_t *)n && rc == 0; i++)
        rc = tr_emit(out, &i);
    return rc;
}

static int stream(void *arg)
{
    bench_task *run = arg;
    tr_stream *s tr_cleanup_stream = NULL;
    tr_stream_options options = { .item_bytes = sizeof(int64_t), .capacity = AHEAD };
    int64_t expected = 0;
    int rc = tr_stream_new(&s, generate, &run->n, &options);

    if (rc < 0)
        return rc;
    bench_begin(run->context);
    TR_FOREACH(int64_t, item, s)
    expected += item == expected;
    bench_end(run->context, (double)run->n);
    return expected == run->n ? tr_stream_status(s) : TR_EPROTO;
}

int bench_stream(bench_context *context)
{
    return bench_measure_task(context, stream);
}

/* ---- gather ---- */

static int nap(void *arg)
{
    (void)arg;
    return tr_sleep(0.001);
}

static int gather_all(const bench_task *run, tr_future **futures)
{
    int rc = 0;

    bench_begin(run->context);
    for (int64_t i = 0; i < run->n && rc == 0; i++)
        rc = tr_submit(&futures[i], TR_LOOP_ANY, nap, NULL);
    if (rc == 0)
        rc = tr_gather(futures, (size_t)run->n, 0);
    bench_end(run->context, (double)run->n);
    for (int64_t i = 0; i < run->n; i++)
        tr_future_unref(futures[i]);
    return rc;
}

/* What is measured is the last round. */
static int gather_rounds(const bench_task *run, int rounds)
{
    tr_future **futures = calloc((size_t)run->n, sizeof(tr_future *));
    int rc = futures != NULL ? 0 : TR_ENOMEM;

    for (int round = 0; round < rounds && rc == 0; round++)
        rc = gather_all(run, futures);
    free(futures);
    return rc;
}

static int gather(void *arg)
{
    return gather_rounds(arg, 1);
}

static int gather_warm(void *arg)
{
    return gather_rounds(arg, WARM_ROUNDS);
}

int bench_gather(bench_context *context)
{
    return bench_measure_task(context, gather);
}

int bench_gather_warm(bench_context *context)
{
    return bench_measure_task(context, gather_warm);
}

/* ---- cancelstorm ---- */

static int sleep_an_hour(void *arg)
{
    (void)arg;
    return tr_sleep(3600); /* with a timer, as the peers' have */
}

static int storm(const bench_task *run)
{
    int rc;

    TR_SCOPE(s, &rc) {
        for (int64_t i = 0; i < run->n; i++)
            tr_scope_spawn(s, sleep_an_hour, NULL);
        (void)tr_sleep(0); /* they begin, and sleep */
        bench_begin(run->context);
        (void)tr_scope_cancel(s); /* it is not cancelled yet */
    }
    bench_end(run->context, (double)run->n);
    return rc;
}

static int cancelstorm(void *arg)
{
    return storm(arg);
}

static int cancelstorm_warm(void *arg)
{
    int rc = 0;

    for (int round = 0; round < WARM_ROUNDS && rc == 0; round++)
        rc = storm(arg);
    return rc;
}

int bench_cancelstorm(bench_context *context)
{
    return bench_measure_task(context, cancelstorm);
}

int bench_cancelstorm_warm(bench_context *context)
{
    return bench_measure_task(context, cancelstorm_warm);
}
