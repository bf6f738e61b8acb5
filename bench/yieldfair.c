/* yieldfair: how long others wait beside tasks that do nothing but yield.
 *
 * On loop 0, beside 0, 1, 10 and 1,000 of them, for --seconds each: a foreign thread writes the
 * time into a pipe that the loop watches, and submits a task with the time, every 300 us; a task
 * sleeps for 1 ms, again and again; and one of those that yield looks how long it was away. What
 * counts is the time from the writing until the task that awaits the pipe has its turn; until the
 * submitted task has its; from when the sleep should be over until it is; and between two turns of
 * the one that yields. A table goes to stderr, the result is the 99th percentile of the pipe beside
 * 1,000. */
#include "bench.h"

#include <ev.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <time.h>
#include <unistd.h>

#define PERIOD_S        300e-6
#define SLEEP_S         1e-3
#define DEFAULT_SECONDS 1.0

enum { MOST = 1 << 22 /* delays that are kept of a kind */ };

typedef struct delays {
    const char *name;
    double *seconds;
    size_t count;
} delays;

typedef struct fair {
    delays pipe, task, sleep, turn;
    ev_io watcher;
    tr_queue *arrived; /* the times read from the pipe */
    int ends[2];
    double end_s;
    bool is_over; /* for tasks of loop 0 */
    int rc;       /* the foreign thread's */
} fair;

static void note(delays *d, double since_s)
{
    if (d->count < MOST)
        d->seconds[d->count++] = bench_now_s() - since_s;
}

/* ---- those who yield ---- */

static int only_yield(void *arg)
{
    const fair *f = arg;
    int rc = 0;

    while (rc == 0 && !f->is_over)
        rc = tr_yield();
    return rc;
}

/* One that looks at the clock, and tells the others when the time is over. */
static int yield_and_look(void *arg)
{
    fair *f = arg;
    double last_s = bench_now_s();
    int rc = 0;

    while (rc == 0 && last_s < f->end_s) {
        rc = tr_yield();
        note(&f->turn, last_s);
        last_s = bench_now_s();
    }
    f->is_over = true;
    return rc;
}

/* ---- those who wait ---- */

static int sleep_again(void *arg)
{
    fair *f = arg;
    int rc = 0;

    while (rc == 0 && bench_now_s() < f->end_s) {
        double due_s = bench_now_s() + SLEEP_S;

        rc = tr_sleep(SLEEP_S);
        note(&f->sleep, due_s);
    }
    return rc;
}

static void on_readable(struct ev_loop *ev, ev_io *watcher, int events)
{
    fair *f = watcher->data;
    double sent_s;

    (void)ev, (void)events;
    if (read(watcher->fd, &sent_s, sizeof(sent_s)) == sizeof(sent_s))
        (void)tr_queue_try_put(f->arrived, &sent_s); /* no memory: one delay less */
}

static int await_pipe(void *arg)
{
    fair *f = arg;
    double sent_s;
    int rc = tr_queue_get(f->arrived, &sent_s);

    while (rc == 0 && sent_s > 0) {
        note(&f->pipe, sent_s);
        rc = tr_queue_get(f->arrived, &sent_s);
    }
    return rc;
}

/* ---- those who come from elsewhere ---- */

typedef struct visit {
    fair *f;
    double sent_s;
} visit;

static int on_visit(void *arg)
{
    visit *v = arg;

    note(&v->f->task, v->sent_s);
    free(v);
    return 0;
}

static int send_both(fair *f)
{
    double now_s = bench_now_s();
    visit *v = malloc(sizeof(*v));
    int rc;

    if (!v)
        return TR_ENOMEM;
    *v = (visit){ f, now_s };
    rc = tr_submit(NULL, TR_LOOP(0), on_visit, v);
    if (rc < 0)
        free(v);
    now_s = bench_now_s();
    if (rc == 0 && write(f->ends[1], &now_s, sizeof(now_s)) != sizeof(now_s))
        rc = TR_EPIPE;
    return rc;
}

/* Until the time is over; a time of 0 says so. */
static void *send_all(void *arg)
{
    const struct timespec period = { .tv_nsec = (long)(PERIOD_S * 1e9) };
    fair *f = arg;
    double over = 0;

    while (f->rc == 0 && bench_now_s() < f->end_s) {
        f->rc = send_both(f);
        (void)nanosleep(&period, NULL); /* a signal shortens a period */
    }
    if (write(f->ends[1], &over, sizeof(over)) != sizeof(over) && f->rc == 0)
        f->rc = TR_EPIPE;
    return NULL;
}

/* ---- the measurement ---- */

static int by_value(const void *a, const void *b)
{
    double x = *(const double *)a, y = *(const double *)b;

    return (x > y) - (x < y);
}

static double percentile_us(const delays *d, double share)
{
    return d->count > 0 ? d->seconds[(size_t)(share * (double)(d->count - 1))] * 1e6 : 0;
}

static void report(delays *d, int yielders)
{
    qsort(d->seconds, d->count, sizeof(*d->seconds), by_value);
    (void)fprintf(stderr, "%8d %-7s %9zu %9.1f %9.1f %9.1f %9.1f\n", yielders, d->name, d->count,
                  percentile_us(d, 0.5), percentile_us(d, 0.99), percentile_us(d, 0.999),
                  percentile_us(d, 1));
}

static int run_beside(fair *f, int yielders, double seconds)
{
    pthread_t thread;
    int rc;

    f->pipe.count = f->task.count = f->sleep.count = f->turn.count = 0;
    f->is_over = false;
    f->end_s = bench_now_s() + seconds;
    TR_SCOPE(s, &rc) {
        for (int i = 0; i < yielders; i++)
            tr_scope_spawn(s, i == 0 ? yield_and_look : only_yield, f);
        tr_scope_spawn(s, sleep_again, f);
        tr_scope_spawn(s, await_pipe, f);
        if (pthread_create(&thread, NULL, send_all, f) != 0)
            return TR_EAGAIN;
    }
    (void)pthread_join(thread, NULL); /* it has sent its last, which was awaited */
    return rc == 0 ? f->rc : rc;
}

static int run_all(bench_context *context, fair *f)
{
    static const int yielders[] = { 0, 1, 10, 1000 };
    double seconds = context->options->seconds > 0 ? context->options->seconds : DEFAULT_SECONDS;
    int rc = 0;

    (void)fprintf(stderr, "%8s %-7s %9s %9s %9s %9s %9s\n", "yielders", "us", "count", "p50", "p99",
                  "p99.9", "max");
    bench_begin(context);
    for (size_t i = 0; i < sizeof(yielders) / sizeof(yielders[0]) && rc == 0; i++) {
        rc = run_beside(f, yielders[i], seconds);
        report(&f->pipe, yielders[i]);
        report(&f->task, yielders[i]);
        report(&f->sleep, yielders[i]);
        report(&f->turn, yielders[i]);
    }
    bench_end(context, 1);
    context->outcome.per_op = percentile_us(&f->pipe, 0.99) * 1e3;
    return rc;
}

static int watch_and_run(bench_context *context, fair *f)
{
    struct ev_loop *ev = tr_loop_ev(TR_LOOP(0));
    int rc = tr_queue_new(&f->arrived, sizeof(double), TR_UNBOUNDED, NULL);

    if (rc < 0)
        return rc;
    if (pipe(f->ends) == 0) {
        ev_io_init(&f->watcher, on_readable, f->ends[0], EV_READ);
        f->watcher.data = f;
        ev_io_start(ev, &f->watcher);
        rc = run_all(context, f);
        ev_io_stop(ev, &f->watcher);
        (void)close(f->ends[0]), (void)close(f->ends[1]); /* nothing in it matters any more */
    } else {
        rc = TR_EAGAIN;
    }
    (void)tr_queue_free(f->arrived); /* nobody waits in it */
    return rc;
}

static int yieldfair(void *arg)
{
    fair f = {
        .pipe.name = "pipe", .task.name = "task", .sleep.name = "sleep", .turn.name = "turn"
    };
    delays *all[] = { &f.pipe, &f.task, &f.sleep, &f.turn };
    bool has_memory = true;
    int rc;

    for (int i = 0; i < 4; i++) {
        all[i]->seconds = malloc(MOST * sizeof(double));
        has_memory &= all[i]->seconds != NULL;
    }
    rc = has_memory ? watch_and_run(((const bench_task *)arg)->context, &f) : TR_ENOMEM;
    for (int i = 0; i < 4; i++)
        free(all[i]->seconds);
    return rc;
}

int bench_yieldfair(bench_context *context)
{
    return bench_measure_task(context, yieldfair);
}
