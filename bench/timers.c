/* Time that passes: timers, idlecpu.
 *
 * timers: an actor starts n timers of 1 to 1000 ms and waits for all; an operation is a timer,
 * and what is measured is CPU time, of all threads. idlecpu: the runtime runs and has nothing to
 * do, or, with --timer 1, one actor with one timer a second; what is measured is CPU time in ms
 * over --seconds. */
#include "bench.h"

#include <time.h>

enum { SLICE = 1000, MAX_MS = 1000 };

#define DEFAULT_SECONDS 10.0 /* of idlecpu */

TR_NOTICE(timer_tick);

typedef struct timers_args {
    tr_pid out;
    int64_t n;
    int64_t slice;
} timers_args;

typedef struct timers {
    tr_pid out;
    int64_t to_start;
    int64_t to_come;
    int64_t slice;
    uint64_t random;
} timers;

static int timers_init(tr_self *self, void *state, const void *args)
{
    const timers_args *given = args;
    timers *t = state;

    t->out = given->out;
    t->to_start = t->to_come = given->n;
    t->slice = given->slice;
    t->random = bench_seed(0);
    return tr_send(tr_self_pid(self), bench_go_on);
}

static int timers_start(tr_self *self, timers *t)
{
    int64_t i, now = bench_min(t->to_start, t->slice);
    int rc = 0;

    for (i = 0; i < now && rc >= 0; i++) {
        double ms = (double)(1 + bench_random(&t->random) % MAX_MS);

        rc = tr_send_after(self, ms / 1000.0, 0, timer_tick);
    }
    t->to_start -= now;
    return rc < 0 || t->to_start == 0 ? rc : tr_send(tr_self_pid(self), bench_go_on);
}

static int timers_receive(tr_self *self, void *state, tr_msg *msg)
{
    timers *t = state;

    if (tr_is(msg, timer_tick))
        return --t->to_come > 0 ? 0 : tr_send(t->out, bench_value, .value = 0);
    return tr_is(msg, bench_go_on) ? timers_start(self, t) : TR_UNHANDLED;
}

static const tr_actor_class timers_class = {
    .name = "timers",
    .state_size = sizeof(timers),
    .args_size = sizeof(timers_args),
    .init = timers_init,
    .receive = timers_receive,
};

int bench_timers(bench_context *context)
{
    const bench_options *options = context->options;
    timers_args args = { .out = context->out, .n = options->n };
    double began_s = bench_cpu_s();

    args.slice = bench_slice(options, SLICE);
    if (bench_measure(context, &timers_class, &args, (double)args.n, 0) < 0)
        return -1;
    context->outcome.seconds = bench_cpu_s() - began_s;
    context->outcome.per_op = context->outcome.seconds * 1e9 / (double)args.n;
    return 0;
}

/* ---- idlecpu ---- */

static int ticker_init(tr_self *self, void *state, const void *args)
{
    (void)state, (void)args;
    return tr_send_every(self, 1.0, 0, timer_tick);
}

static int ticker_receive(tr_self *self, void *state, tr_msg *msg)
{
    (void)self, (void)state;
    return tr_is(msg, timer_tick) ? 0 : TR_UNHANDLED;
}

static const tr_actor_class ticker_class = {
    .name = "ticker",
    .init = ticker_init,
    .receive = ticker_receive,
};

static void pause_s(double seconds)
{
    struct timespec left = { .tv_sec = (time_t)seconds };

    left.tv_nsec = (long)((seconds - (double)left.tv_sec) * 1e9);
    while (nanosleep(&left, &left) != 0)
        ; /* interrupted by a signal: sleep the rest */
}

int bench_idlecpu(bench_context *context)
{
    const bench_options *options = context->options;
    double began_s;
    tr_pid pid;

    if (options->timer && bench_spawn_root(context, &pid, &ticker_class, NULL, NULL) < 0)
        return -1;
    pause_s(0.1); /* the loops have started, have nothing to do, and have stopped to spin */
    began_s = bench_cpu_s();
    bench_begin(context);
    pause_s(options->seconds > 0 ? options->seconds : DEFAULT_SECONDS);
    bench_end(context, 1.0);
    context->outcome.per_op = (bench_cpu_s() - began_s) * 1e3;
    return 0;
}
