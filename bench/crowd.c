/* Actors that all talk with each other: big, chameneos.
 *
 * big: 120 actors; each sends n pings, one at a time, to others chosen at random, and answers
 * theirs; an operation is a ping or a pong. chameneos: 100 creatures meet in pairs in a mall
 * until there have been n meetings; an operation is a meeting, which takes four messages. */
#include "bench.h"

/* ---- big ---- */

enum { BIG_ACTORS = 120 };

TR_NOTICE(big_start);
TR_NOTICE(big_pong);
TR_MESSAGE(big_ping)
{
    tr_pid from;
};

typedef struct big_args {
    tr_pid sink;
    int64_t n;
    uint64_t index;
} big_args;

typedef struct big {
    tr_pid sink;
    int64_t left;
    uint64_t index;
    uint64_t random;
} big;

/* Whom they can choose from. Written by the root before it sends the first message; only read
 * since. */
static tr_pid big_all[BIG_ACTORS];

static int big_init(tr_self *self, void *state, const void *args)
{
    const big_args *given = args;
    big *b = state;

    (void)self;
    b->sink = given->sink;
    b->left = given->n;
    b->index = given->index;
    b->random = bench_seed(given->index);
    return 0;
}

static int big_send(tr_self *self, big *b)
{
    uint64_t to = bench_random(&b->random) % (BIG_ACTORS - 1);

    if (to >= b->index)
        to++; /* never to itself */
    return tr_send(big_all[to], big_ping, .from = tr_self_pid(self));
}

static int big_receive(tr_self *self, void *state, tr_msg *msg)
{
    const struct big_ping *ping = tr_as(msg, big_ping);
    big *b = state;

    if (ping)
        return tr_send(ping->from, big_pong);
    if (tr_is(msg, big_pong)) {
        if (--b->left > 0)
            return big_send(self, b);
        return tr_send(b->sink, bench_value, .value = 1);
    }
    return tr_is(msg, big_start) ? big_send(self, b) : TR_UNHANDLED;
}

static const tr_actor_class big_class = {
    .name = "big",
    .state_size = sizeof(big),
    .args_size = sizeof(big_args),
    .init = big_init,
    .receive = big_receive,
};

typedef struct crowd_args {
    tr_pid out;
    int64_t n;
} crowd_args;

static int big_root_init(tr_self *self, void *state, const void *args)
{
    const crowd_args *given = args;
    big_args actor = { .n = given->n };
    int i, rc = bench_spawn_sink(&actor.sink, given->out, BIG_ACTORS);

    (void)state;
    for (i = 0; i < BIG_ACTORS && rc >= 0; i++) {
        actor.index = (uint64_t)i;
        rc = tr_spawn(&big_all[i], &big_class, &actor);
    }
    for (i = 0; i < BIG_ACTORS && rc >= 0; i++)
        rc = tr_send(big_all[i], big_start);
    return rc < 0 ? rc : tr_exit(self, 0);
}

static const tr_actor_class big_root_class = {
    .name = "big_root",
    .args_size = sizeof(crowd_args),
    .init = big_root_init,
    .receive = bench_no_receive,
};

int bench_big(bench_context *context)
{
    crowd_args args = { .out = context->out, .n = context->options->n };
    double ops = 2.0 * BIG_ACTORS * (double)args.n;

    return bench_measure(context, &big_root_class, &args, ops, BIG_ACTORS);
}

/* ---- chameneos ---- */

enum { CHAMENEOS = 100, COLORS = 3 };

TR_MESSAGE(chameneos_meet)
{
    tr_pid from;
    int32_t color;
};

TR_MESSAGE(chameneos_change)
{
    int32_t color;
};

TR_NOTICE(chameneos_leave);

typedef struct chameneo_args {
    tr_pid mall;
    tr_pid sink;
    int32_t color;
} chameneo_args;

typedef struct chameneo {
    tr_pid mall;
    tr_pid sink;
    int64_t meetings;
    int32_t color;
} chameneo;

/* Two of a color keep it; two others both take the third. */
static int32_t complement(int32_t a, int32_t b)
{
    return a == b ? a : COLORS - a - b;
}

static int chameneo_go(tr_self *self, chameneo *c)
{
    return tr_send(c->mall, chameneos_meet, .from = tr_self_pid(self), .color = c->color);
}

static int chameneo_init(tr_self *self, void *state, const void *args)
{
    const chameneo_args *given = args;
    chameneo *c = state;

    c->mall = given->mall;
    c->sink = given->sink;
    c->color = given->color;
    return chameneo_go(self, c);
}

static int chameneo_receive(tr_self *self, void *state, tr_msg *msg)
{
    const struct chameneos_meet *meet = tr_as(msg, chameneos_meet);
    const struct chameneos_change *change;
    chameneo *c = state;
    int rc;

    if (meet) {
        c->color = complement(c->color, meet->color);
        c->meetings++;
        rc = tr_send(meet->from, chameneos_change, .color = c->color);
        return rc < 0 ? rc : chameneo_go(self, c);
    }
    if ((change = tr_as(msg, chameneos_change))) {
        c->color = change->color;
        c->meetings++;
        return chameneo_go(self, c);
    }
    if (tr_is(msg, chameneos_leave))
        return tr_send(c->sink, bench_value, .value = c->meetings);
    return TR_UNHANDLED;
}

static const tr_actor_class chameneo_class = {
    .name = "chameneo",
    .state_size = sizeof(chameneo),
    .args_size = sizeof(chameneo_args),
    .init = chameneo_init,
    .receive = chameneo_receive,
};

typedef struct mall {
    tr_pid waiting; /* TR_PID_NONE: nobody */
    int64_t left;
} mall;

/* The mall is the root: it spawns those who meet in it. */
static int mall_init(tr_self *self, void *state, const void *args)
{
    const crowd_args *given = args;
    chameneo_args creature = { .mall = tr_self_pid(self) };
    int i, rc = bench_spawn_sink(&creature.sink, given->out, CHAMENEOS);
    tr_pid pid;

    ((mall *)state)->left = given->n;
    for (i = 0; i < CHAMENEOS && rc >= 0; i++) {
        creature.color = i % COLORS;
        rc = tr_spawn(&pid, &chameneo_class, &creature);
    }
    return rc;
}

static int mall_receive(tr_self *self, void *state, tr_msg *msg)
{
    const struct chameneos_meet *meet = tr_as(msg, chameneos_meet);
    mall *m = state;
    tr_pid first = m->waiting;

    (void)self;
    if (!meet)
        return TR_UNHANDLED;
    if (m->left == 0)
        return tr_send(meet->from, chameneos_leave);
    if (tr_pid_is_none(first)) {
        m->waiting = meet->from;
        return 0;
    }
    m->left--;
    m->waiting = TR_PID_NONE;
    return tr_send_value(first, chameneos_meet, meet);
}

static const tr_actor_class mall_class = {
    .name = "mall",
    .state_size = sizeof(mall),
    .args_size = sizeof(crowd_args),
    .init = mall_init,
    .receive = mall_receive,
};

int bench_chameneos(bench_context *context)
{
    crowd_args args = { .out = context->out, .n = context->options->n };

    return bench_measure(context, &mall_class, &args, (double)args.n, 2 * args.n);
}
