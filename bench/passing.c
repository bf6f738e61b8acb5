/* Messages that are passed on one at a time: pingpong, crossping, ring1, ring100.
 *
 * pingpong: n round trips of two actors; an operation is a message. crossping: the same between
 * loops 0 and 1; an operation is one way. ring: n hops of one or of 100 tokens through 100
 * actors. */
#include "load.h"

/* ---- pingpong, crossping ---- */

typedef struct ping_args {
    tr_pid out;
    int64_t n;
    size_t size;
    bool cross; /* pong lives on loop 1 */
} ping_args;

typedef struct ping {
    tr_pid pong;
    tr_pid out;
} ping;

typedef struct pong {
    tr_pid ping;
} pong;

static int pong_init(tr_self *self, void *state, const void *args)
{
    (void)self;
    ((pong *)state)->ping = *(const tr_pid *)args;
    return 0;
}

LOAD_INLINE int pong_receive(tr_self *self, void *state, tr_msg *msg, size_t size)
{
    const int64_t *value = load_value(msg, size);

    (void)self;
    return value ? load_send(((pong *)state)->ping, *value, size) : TR_UNHANDLED;
}

LOAD_CLASSES(pong_class, pong_receive, .name = "pong", .state_size = sizeof(pong),
             .args_size = sizeof(tr_pid), .init = pong_init);

static int ping_init(tr_self *self, void *state, const void *args)
{
    const ping_args *given = args;
    const tr_actor_class *cls = &pong_class[load_index(given->size)];
    tr_spawn_options there = { .on = TR_LOOP(1) };
    tr_pid me = tr_self_pid(self);
    ping *p = state;
    int rc =
        given->cross ? tr_spawn_async(&p->pong, cls, &me, &there) : tr_spawn(&p->pong, cls, &me);

    if (rc < 0)
        return rc;
    p->out = given->out;
    return load_send(p->pong, given->n, given->size);
}

/* The value that goes to and fro is the number of round trips left. */
LOAD_INLINE int ping_receive(tr_self *self, void *state, tr_msg *msg, size_t size)
{
    const int64_t *value = load_value(msg, size);
    ping *p = state;

    (void)self;
    if (!value)
        return TR_UNHANDLED;
    if (*value == 1)
        return tr_send(p->out, bench_value, .value = 0);
    return load_send(p->pong, *value - 1, size);
}

LOAD_CLASSES(ping_class, ping_receive, .name = "ping", .state_size = sizeof(ping),
             .args_size = sizeof(ping_args), .init = ping_init);

static int run_pingpong(bench_context *context, bool cross)
{
    const bench_options *options = context->options;
    const tr_actor_class *cls = &ping_class[load_index(options->size)];
    tr_spawn_options here = { .on = cross ? TR_LOOP(0) : TR_LOOP_ANY };
    ping_args args = {
        .out = context->out, .n = options->n, .size = options->size, .cross = cross
    };
    tr_pid root;

    bench_begin(context);
    if (bench_spawn_root(context, &root, cls, &args, &here) < 0 || bench_expect(context, 0) < 0)
        return -1;
    bench_end(context, 2.0 * (double)options->n);
    return 0;
}

int bench_pingpong(bench_context *context)
{
    return run_pingpong(context, false);
}

int bench_crossping(bench_context *context)
{
    if (tr_loop_count() < 2)
        return bench_fail(context, "needs two loops (--loops 2)");
    return run_pingpong(context, true);
}

/* ---- ring1, ring100 ---- */

enum { RING_ACTORS = 100 };

TR_MESSAGE(ring_next)
{
    tr_pid pid;
};

typedef struct ring_node {
    tr_pid next;
    tr_pid sink;
} ring_node;

typedef struct ring_args {
    tr_pid out;
    int64_t tokens;
    int64_t hops;
} ring_args;

static int ring_node_init(tr_self *self, void *state, const void *args)
{
    (void)self;
    ((ring_node *)state)->sink = *(const tr_pid *)args;
    return 0;
}

static int ring_node_receive(tr_self *self, void *state, tr_msg *msg)
{
    const struct bench_value *token;
    const struct ring_next *next;
    ring_node *node = state;

    (void)self;
    if ((token = tr_as(msg, bench_value))) {
        if (token->value == 0)
            return tr_send(node->sink, bench_value, .value = 1);
        return tr_send(node->next, bench_value, .value = token->value - 1);
    }
    if ((next = tr_as(msg, ring_next))) {
        node->next = next->pid;
        return 0;
    }
    return TR_UNHANDLED;
}

static const tr_actor_class ring_node_class = {
    .name = "ring_node",
    .state_size = sizeof(ring_node),
    .args_size = sizeof(tr_pid),
    .init = ring_node_init,
    .receive = ring_node_receive,
};

/* The root only sets the ring up. */
static int ring_init(tr_self *self, void *state, const void *args)
{
    const ring_args *given = args;
    tr_pid nodes[RING_ACTORS], sink;
    int i, rc = bench_spawn_sink(&sink, given->out, given->tokens);

    (void)state;
    for (i = 0; rc >= 0 && i < RING_ACTORS; i++)
        rc = tr_spawn(&nodes[i], &ring_node_class, &sink);
    for (i = 0; rc >= 0 && i < RING_ACTORS; i++)
        rc = tr_send(nodes[i], ring_next, .pid = nodes[(i + 1) % RING_ACTORS]);
    for (i = 0; rc >= 0 && i < given->tokens; i++)
        rc = tr_send(nodes[i % RING_ACTORS], bench_value, .value = given->hops / given->tokens);
    return rc < 0 ? rc : tr_exit(self, 0);
}

static const tr_actor_class ring_class = {
    .name = "ring",
    .args_size = sizeof(ring_args),
    .init = ring_init,
    .receive = bench_no_receive,
};

static int run_ring(bench_context *context, int64_t tokens)
{
    ring_args args = { .out = context->out, .tokens = tokens, .hops = context->options->n };

    return bench_measure(context, &ring_class, &args, (double)args.hops, tokens);
}

int bench_ring1(bench_context *context)
{
    return run_ring(context, 1);
}

int bench_ring100(bench_context *context)
{
    return run_ring(context, 100);
}
