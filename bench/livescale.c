/* livescale: what a message costs as the number of live actors grows.
 *
 * The actors form one ring in random order; up to 64 tokens hop through it, n hops in all: so every
 * message goes to an actor that was chosen at random, which passes it on to another one. Each actor
 * holds the pid of the next in its state: a hop touches nothing of the benchmark's own. Making the
 * actors is not timed. An operation is a hop; besides, RSS for each live actor is measured. */
#include "bench.h"

#include <stdlib.h>

enum { SLICE = 1000, TOKENS = 64 };

TR_NOTICE(live_start);
TR_MESSAGE(live_next)
{
    tr_pid pid;
};

typedef struct live_actor {
    tr_pid next;
    tr_pid ready; /* sink of those that know their next one */
    tr_pid done;  /* sink of tokens that have arrived */
} live_actor;

typedef struct live_root {
    tr_pid ready;
    tr_pid done;
    tr_pid *pids;
    int64_t actors;
    int64_t at;
    int64_t n;
    int64_t slice;
    bool all_spawned;
} live_root;

typedef struct live_args {
    tr_pid out;
    tr_pid *pids;
    int64_t actors;
    int64_t n;
    int64_t slice;
} live_args;

static int64_t live_tokens(int64_t actors)
{
    return bench_min(actors, TOKENS);
}

static int live_actor_init(tr_self *self, void *state, const void *args)
{
    const live_root *root = args;
    live_actor *actor = state;

    (void)self;
    actor->ready = root->ready;
    actor->done = root->done;
    return 0;
}

static int live_actor_receive(tr_self *self, void *state, tr_msg *msg)
{
    const struct bench_value *token = tr_as(msg, bench_value);
    const struct live_next *next;
    live_actor *actor = state;

    (void)self;
    if (token) {
        if (token->value == 0)
            return tr_send(actor->done, bench_value, .value = 1);
        return tr_send(actor->next, bench_value, .value = token->value - 1);
    }
    if (!(next = tr_as(msg, live_next)))
        return TR_UNHANDLED;
    actor->next = next->pid;
    return tr_send(actor->ready, bench_value, .value = 1);
}

/* No args_size: init gets the pointer to the root's state, which it reads within tr_spawn only. */
static const tr_actor_class live_actor_class = {
    .name = "live_actor",
    .state_size = sizeof(live_actor),
    .init = live_actor_init,
    .receive = live_actor_receive,
};

static int live_root_init(tr_self *self, void *state, const void *args)
{
    const live_args *given = args;
    live_root *root = state;
    int rc = bench_spawn_sink(&root->ready, given->out, given->actors);

    if (rc >= 0)
        rc = bench_spawn_sink(&root->done, given->out, live_tokens(given->actors));
    root->pids = given->pids;
    root->actors = given->actors;
    root->n = given->n;
    root->slice = given->slice;
    return rc < 0 ? rc : tr_send(tr_self_pid(self), bench_go_on);
}

static void shuffle(tr_pid *pids, int64_t count)
{
    uint64_t random = bench_seed(0);
    int64_t i;

    for (i = count - 1; i > 0; i--) {
        int64_t j = (int64_t)(bench_random(&random) % (uint64_t)(i + 1));
        tr_pid pid = pids[i];

        pids[i] = pids[j];
        pids[j] = pid;
    }
}

/* A slice of spawning, and, when all are there, of telling each its next one. */
static int live_root_go_on(tr_self *self, live_root *root)
{
    int64_t end = bench_min(root->actors, root->at + root->slice);
    int rc = 0;

    for (; root->at < end && rc >= 0; root->at++) {
        if (!root->all_spawned)
            rc = tr_spawn(&root->pids[root->at], &live_actor_class, root);
        else
            rc = tr_send(root->pids[root->at], live_next,
                         .pid = root->pids[(root->at + 1) % root->actors]);
    }
    if (rc < 0 || (root->at == root->actors && root->all_spawned))
        return rc;
    if (root->at == root->actors) {
        shuffle(root->pids, root->actors);
        root->all_spawned = true;
        root->at = 0;
    }
    return tr_send(tr_self_pid(self), bench_go_on);
}

static int live_root_start(const live_root *root)
{
    int64_t i, tokens = live_tokens(root->actors), apart = root->actors / tokens;
    int rc = 0;

    for (i = 0; i < tokens && rc >= 0; i++)
        rc = tr_send(root->pids[i * apart], bench_value, .value = root->n / tokens);
    return rc;
}

static int live_root_receive(tr_self *self, void *state, tr_msg *msg)
{
    if (tr_is(msg, bench_go_on))
        return live_root_go_on(self, state);
    return tr_is(msg, live_start) ? live_root_start(state) : TR_UNHANDLED;
}

static const tr_actor_class live_root_class = {
    .name = "live_root",
    .state_size = sizeof(live_root),
    .args_size = sizeof(live_args),
    .init = live_root_init,
    .receive = live_root_receive,
};

static int run_livescale(bench_context *context, const live_args *args)
{
    int64_t before = bench_rss_bytes();
    tr_pid root;
    int rc;

    if (bench_spawn_root(context, &root, &live_root_class, args, NULL) < 0 ||
        bench_expect(context, args->actors) < 0)
        return -1;
    context->outcome.rss_bytes_per_actor =
        (double)(bench_rss_bytes() - before) / (double)args->actors;
    bench_begin(context);
    rc = tr_send(root, live_start);
    if (rc < 0)
        return bench_fail(context, "start: %s", tr_strerror(rc));
    if (bench_expect(context, live_tokens(args->actors)) < 0)
        return -1;
    bench_end(context, (double)args->n);
    return 0;
}

int bench_livescale(bench_context *context)
{
    const bench_options *options = context->options;
    live_args args = { .out = context->out, .actors = options->actors, .n = options->n };
    int64_t i;
    int rc;

    args.slice = bench_slice(options, SLICE);
    args.pids = malloc((size_t)args.actors * sizeof(*args.pids));
    if (!args.pids)
        return bench_fail(context, "out of memory");
    for (i = 0; i < args.actors; i++)
        args.pids[i] = TR_PID_NONE; /* touched before RSS is measured: they are not the actors' */
    rc = run_livescale(context, &args);
    if (rc == 0)
        free(args.pids); /* else the root may still write there */
    return rc;
}
