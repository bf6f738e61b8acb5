/* Actors that many workloads share: the sink, which adds up a known number of values, and the
 * handler of roots, which only set a workload up and end. */
#include "bench.h"

typedef struct sink {
    tr_pid out;
    int64_t left;
    int64_t sum;
} sink;

typedef struct sink_args {
    tr_pid out;
    int64_t count;
} sink_args;

static int sink_init(tr_self *self, void *state, const void *args)
{
    const sink_args *given = args;
    sink *s = state;

    (void)self;
    s->out = given->out;
    s->left = given->count;
    return 0;
}

static int sink_receive(tr_self *self, void *state, tr_msg *msg)
{
    const struct bench_value *message = tr_as(msg, bench_value);
    sink *s = state;

    if (!message)
        return TR_UNHANDLED;
    s->sum += message->value;
    if (--s->left > 0)
        return 0;
    (void)tr_exit(self, 0); /* can't fail in a handler */
    return tr_send(s->out, bench_value, .value = s->sum);
}

static const tr_actor_class sink_class = {
    .name = "sink",
    .state_size = sizeof(sink),
    .args_size = sizeof(sink_args),
    .init = sink_init,
    .receive = sink_receive,
};

int bench_spawn_sink(tr_pid *sink_pid, tr_pid out, int64_t count)
{
    return tr_spawn(sink_pid, &sink_class, &(sink_args){ .out = out, .count = count });
}

int bench_no_receive(tr_self *self, void *state, tr_msg *msg)
{
    (void)self, (void)state, (void)msg;
    return TR_UNHANDLED;
}
