/* Many actors: fjcreate, skynet, skynet-async, idle.
 *
 * fjcreate: an actor spawns n actors one after another and sends each a number; each answers to a
 * sink, and ends; an operation is such a life. skynet: a tree of actors, ten children each, with
 * n leaves; numbers are added up on the way back; an operation is an actor. idle: not time but
 * bytes of RSS for each of n actors that have 16 bytes of state and have handled one message.
 *
 * The spawners of fjcreate and idle work in slices: after each they send themselves bench_go_on,
 * and what they spawned has its turn. So children end while their memory is still in the cache. */
#include "bench.h"

#include <stdlib.h>

enum { SLICE = 1000 };

/* ---- the spawner: spawns n actors, and sends each its number ---- */

typedef struct spawner_args {
    const tr_actor_class *cls; /* whose init takes the pid of the sink */
    tr_pid out;
    int64_t n;
    int64_t slice;
    tr_pid *pids; /* where to note whom it spawned, or NULL */
} spawner_args;

typedef struct spawner {
    spawner_args job;
    tr_pid sink;
    int64_t next;
} spawner;

static int spawner_init(tr_self *self, void *state, const void *args)
{
    spawner *s = state;
    int rc;

    s->job = *(const spawner_args *)args;
    rc = bench_spawn_sink(&s->sink, s->job.out, s->job.n);
    return rc < 0 ? rc : tr_send(tr_self_pid(self), bench_go_on);
}

static int spawner_receive(tr_self *self, void *state, tr_msg *msg)
{
    spawner *s = state;
    int64_t end = bench_min(s->job.n, s->next + s->job.slice);
    int rc = 0;

    if (!tr_is(msg, bench_go_on))
        return TR_UNHANDLED;
    for (; s->next < end && rc >= 0; s->next++) {
        tr_pid child;

        rc = tr_spawn(&child, s->job.cls, &s->sink);
        if (s->job.pids)
            s->job.pids[s->next] = child;
        if (rc >= 0)
            rc = tr_send(child, bench_value, .value = s->next);
    }
    return rc < 0 || s->next == s->job.n ? rc : tr_send(tr_self_pid(self), bench_go_on);
}

static const tr_actor_class spawner_class = {
    .name = "spawner",
    .state_size = sizeof(spawner),
    .args_size = sizeof(spawner_args),
    .init = spawner_init,
    .receive = spawner_receive,
};

/* ---- fjcreate ---- */

typedef struct fj_child {
    tr_pid sink;
} fj_child;

static int fj_child_init(tr_self *self, void *state, const void *args)
{
    (void)self;
    ((fj_child *)state)->sink = *(const tr_pid *)args;
    return 0;
}

static int fj_child_receive(tr_self *self, void *state, tr_msg *msg)
{
    const struct bench_value *message = tr_as(msg, bench_value);
    fj_child *child = state;

    if (!message)
        return TR_UNHANDLED;
    (void)tr_exit(self, 0); /* can't fail in a handler */
    return tr_send(child->sink, bench_value, .value = (message->value * message->value) & 1);
}

static const tr_actor_class fj_child_class = {
    .name = "fj_child",
    .state_size = sizeof(fj_child),
    .args_size = sizeof(tr_pid),
    .init = fj_child_init,
    .receive = fj_child_receive,
};

int bench_fjcreate(bench_context *context)
{
    const bench_options *options = context->options;
    spawner_args args = { .cls = &fj_child_class, .out = context->out, .n = options->n };

    args.slice = bench_slice(options, SLICE);
    return bench_measure(context, &spawner_class, &args, (double)args.n, args.n / 2);
}

/* ---- skynet, skynet-async ---- */

enum { SKY_CHILDREN = 10 };

typedef struct sky_args {
    tr_pid parent;
    int64_t number;
    int64_t size; /* leaves below, itself if it is one */
} sky_args;

typedef struct sky {
    tr_pid parent;
    int64_t sum;
    int left;
} sky;

static int sky_init(tr_self *self, void *state, const void *args);
static int sky_async_init(tr_self *self, void *state, const void *args);

static int sky_receive(tr_self *self, void *state, tr_msg *msg)
{
    const struct bench_value *message = tr_as(msg, bench_value);
    sky *s = state;

    if (!message)
        return TR_UNHANDLED;
    s->sum += message->value;
    if (--s->left > 0)
        return 0;
    (void)tr_exit(self, 0); /* can't fail in a handler */
    return tr_send(s->parent, bench_value, .value = s->sum);
}

static const tr_actor_class sky_class = {
    .name = "sky",
    .state_size = sizeof(sky),
    .args_size = sizeof(sky_args),
    .init = sky_init,
    .receive = sky_receive,
};

static const tr_actor_class sky_async_class = {
    .name = "sky_async",
    .state_size = sizeof(sky),
    .args_size = sizeof(sky_args),
    .init = sky_async_init,
    .receive = sky_receive,
};

/* Inlined into both inits, so that neither pays for the other's choice. */
static inline __attribute__((always_inline)) int sky_grow(tr_self *self, sky *s,
                                                          const sky_args *given, bool async)
{
    sky_args child = { .parent = tr_self_pid(self), .number = given->number };
    int i, rc = 0;

    if (given->size == 1) {
        rc = tr_send(given->parent, bench_value, .value = given->number);
        return rc < 0 ? rc : tr_exit(self, 0);
    }
    s->parent = given->parent;
    s->left = SKY_CHILDREN;
    child.size = given->size / SKY_CHILDREN;
    for (i = 0; i < SKY_CHILDREN && rc >= 0; i++, child.number += child.size) {
        tr_pid pid;

        rc = async ? tr_spawn_async(&pid, &sky_async_class, &child, NULL)
                   : tr_spawn(&pid, &sky_class, &child);
    }
    return rc;
}

/* Depth first: a child's init runs, and grows its own children, within the call that spawns it. */
static int sky_init(tr_self *self, void *state, const void *args)
{
    return sky_grow(self, state, args, false);
}

/* Breadth first: a child's init runs when its turn comes. */
static int sky_async_init(tr_self *self, void *state, const void *args)
{
    return sky_grow(self, state, args, true);
}

static int run_skynet(bench_context *context, const tr_actor_class *cls)
{
    int64_t n = context->options->n, size = n;
    sky_args args = { .parent = context->out, .size = n };

    while (size > 1 && size % SKY_CHILDREN == 0)
        size /= SKY_CHILDREN;
    if (size != 1)
        return bench_fail(context, "--n must be a power of ten");
    return bench_measure(context, cls, &args, (double)(n + (n - 1) / 9), n * (n - 1) / 2);
}

int bench_skynet(bench_context *context)
{
    return run_skynet(context, &sky_class);
}

int bench_skynet_async(bench_context *context)
{
    return run_skynet(context, &sky_async_class);
}

/* ---- idle ---- */

typedef struct idler {
    tr_pid sink;
    int64_t handled;
} idler;

_Static_assert(sizeof(idler) == 16, "an idle actor has 16 bytes of state");

static int idler_init(tr_self *self, void *state, const void *args)
{
    (void)self;
    ((idler *)state)->sink = *(const tr_pid *)args;
    return 0;
}

static int idler_receive(tr_self *self, void *state, tr_msg *msg)
{
    idler *i = state;

    (void)self;
    if (!tr_is(msg, bench_value))
        return TR_UNHANDLED;
    i->handled++;
    return tr_send(i->sink, bench_value, .value = i->handled);
}

static const tr_actor_class idler_class = {
    .name = "idler",
    .state_size = sizeof(idler),
    .args_size = sizeof(tr_pid),
    .init = idler_init,
    .receive = idler_receive,
};

/* The pids count, too: the peers must keep their actors' handles, or they would be collected. */
int bench_idle(bench_context *context)
{
    const bench_options *options = context->options;
    int64_t before = bench_rss_bytes();
    spawner_args args = { .cls = &idler_class, .out = context->out, .n = options->n };
    int rc;

    args.slice = bench_slice(options, SLICE);
    args.pids = calloc((size_t)args.n, sizeof(*args.pids));
    if (!args.pids)
        return bench_fail(context, "out of memory");
    rc = bench_measure(context, &spawner_class, &args, (double)args.n, args.n);
    context->outcome.per_op = (double)(bench_rss_bytes() - before) / (double)args.n;
    if (rc == 0)
        free(args.pids); /* else the spawner may still write there */
    return rc;
}
