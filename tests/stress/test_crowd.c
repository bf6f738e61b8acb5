/* Crowds: a million actors, and a mailbox of a million messages. */
#include "support/kit.h"

#ifdef __SANITIZE_THREAD__
enum { MOST = 50000 };
#elif defined(__SANITIZE_ADDRESS__) || KIT_EMULATED
enum { MOST = 200000 };
#else
enum { MOST = 1000000 };
#endif

enum { BATCH = 5000 };

static uint32_t stopped;

static int hold_receive(tr_self *self, void *state, tr_msg *msg)
{
    (void)self;
    *(uint32_t *)state += tr_is(msg, kit_notice);
    return 0;
}

static void count_stop(tr_self *self, void *state, int reason)
{
    (void)self;
    (void)state;
    (void)reason;
    (void)__atomic_add_fetch(&stopped, 1, __ATOMIC_RELAXED);
}

static const tr_actor_class head_class = {
    .name = "head",
    .state_size = sizeof(uint32_t),
    .receive = hold_receive,
    .stop = count_stop,
};

/* ---- a million actors ---- */

TR_MESSAGE(muster)
{
    uint32_t wanted;
    tr_pid done;
    bool stop_all; /* else they live until the end */
};

typedef struct captain {
    struct muster order;
    uint32_t spawned;
} captain;

static int captain_receive(tr_self *self, void *state, tr_msg *msg)
{
    const struct muster *order = tr_as(msg, muster);
    captain *c = state;

    if (order != NULL)
        c->order = *order;
    for (int i = 0; i < BATCH && c->spawned < c->order.wanted; i++) {
        tr_pid pid;

        c->spawned++;
        ck_assert_int_eq(tr_spawn(&pid, &head_class, NULL), 0);
        ck_assert_int_eq(tr_send(pid, kit_notice), 0);
        if (c->order.stop_all)
            ck_assert_int_eq(c->spawned % 2 ? tr_stop(pid) : tr_kill(pid), 0);
    }
    return c->spawned < c->order.wanted ? tr_send(tr_self_pid(self), kit_notice)
                                        : tr_send(c->order.done, kit_notice);
}

static const tr_actor_class captain_class = {
    .name = "captain",
    .state_size = sizeof(captain),
    .receive = captain_receive,
};

static void raise_crowd(int loops, bool stop_all)
{
    tr_inbox *in;
    tr_msg *msg;
    tr_stats stats;

    kit_start(loops);
    stopped = 0;
    in = kit_inbox();
    for (int i = 0; i < loops; i++) {
        tr_pid pid;

        ck_assert_int_eq(
            tr_spawn_with(&pid, &captain_class, NULL, &(tr_spawn_options){ .on = TR_LOOP(i) }), 0);
        ck_assert_int_eq(tr_send(pid, muster, .wanted = (uint32_t)(MOST / loops),
                                 .done = tr_inbox_pid(in), .stop_all = stop_all),
                         0);
    }
    for (int i = 0; i < loops; i++)
        ck_assert_int_eq(tr_inbox_receive(in, &msg, TR_FOREVER), 0);
    tr_inbox_free(in);
    kit_stop();
    stats = kit_stats();
    ck_assert_uint_eq(stopped, MOST);
    ck_assert_uint_eq(stats.spawned, (uint64_t)MOST + (uint64_t)loops + 1);
    if (stop_all) /* a stop overtakes the message */
        ck_assert_uint_ge(stats.dead_ended + stats.dead_shutdown, MOST);
}

START_TEST(million_actors_live_until_the_shutdown)
{
    raise_crowd(2, false);
}
END_TEST

START_TEST(million_actors_come_and_go)
{
    raise_crowd(2, true);
}
END_TEST

/* ---- a million messages ---- */

static int pile_up(tr_self *self, void *arg)
{
    (void)self;
    for (int64_t i = 0; i < MOST; i++)
        ck_assert_int_eq(tr_send(*(tr_pid *)arg, kit_value, .a = i), 0);
    return 0;
}

typedef struct reader {
    int64_t next;
    tr_pid done;
} reader;

static int read_in_order(tr_self *self, void *state, tr_msg *msg)
{
    const struct kit_value *value = tr_as(msg, kit_value);
    reader *r = state;

    (void)self;
    ck_assert_ptr_nonnull(value);
    ck_assert_int_eq(value->a, r->next);
    r->next++;
    return r->next == MOST ? tr_send(r->done, kit_notice) : 0;
}

static const tr_actor_class reader_class = {
    .name = "reader",
    .state_size = sizeof(reader),
    .args_size = sizeof(reader),
    .receive = read_in_order,
};

START_TEST(mailbox_of_a_million_messages_is_read_in_order)
{
    reader args = { .next = 0 };
    tr_inbox *in;
    tr_pid pid;

    kit_start(1);
    in = kit_inbox();
    args.done = tr_inbox_pid(in);
    ck_assert_int_eq(tr_spawn(&pid, &reader_class, &args), 0);
    kit_in_handler(kit_puppet(0), pile_up, &pid);
    ck_assert(tr_is(kit_next(in), kit_notice));
    ck_assert(MOST < 100000 || kit_log_contains("does not keep up"));
    tr_inbox_free(in);
    kit_stop();
}
END_TEST

START_TEST(mailbox_of_a_million_messages_is_dropped_with_its_actor)
{
    tr_pid pid;

    kit_start(1);
    ck_assert_int_eq(tr_spawn(&pid, &head_class, NULL), 0);
    kit_in_handler(kit_puppet(0), pile_up, &pid);
    ck_assert_int_eq(tr_kill(pid), 0);
    kit_stop();
    ck_assert_uint_ge(kit_stats().handled + kit_stats().dead_ended, MOST);
}
END_TEST

/* ---- slots that move ---- */

enum { MOVERS = 3000, MOVES = 20 };

static tr_pid movers[MOVERS];

static int spawn_movers(tr_self *self, void *arg)
{
    (void)self;
    (void)arg;
    for (int i = 0; i < MOVERS; i++)
        ck_assert_int_eq(tr_spawn(&movers[i], &head_class, NULL), 0);
    return 0;
}

static int stop_movers(tr_self *self, void *arg)
{
    (void)self;
    (void)arg;
    for (int i = 0; i < MOVERS; i++)
        ck_assert_int_eq(tr_stop(movers[i]), 0);
    return 0;
}

/* In its own time on the other loop. */
static void spawn_others(void *arg)
{
    (void)arg;
    for (int i = 0; i < MOVERS; i++) {
        tr_pid pid;

        ck_assert_int_eq(tr_spawn(&pid, &head_class, NULL), 0);
        ck_assert_int_eq(tr_stop(pid), 0);
    }
}

static int send_to_stale(tr_self *self, void *arg)
{
    (void)self;
    (void)arg;
    for (int i = 0; i < MOVERS; i++)
        (void)tr_send(movers[i], kit_notice); /* dead, wherever its slot is now */
    return 0;
}

START_TEST(stale_pids_stay_stale_while_their_slots_move_to_another_loop)
{
    tr_pid puppet;

    kit_start(2);
    puppet = kit_puppet(0);
    for (int i = 0; i < MOVES; i++) {
        kit_in_handler(puppet, spawn_movers, NULL);
        kit_in_handler(puppet, stop_movers, NULL);
        kit_settle(0);
        ck_assert_int_eq(tr_post(TR_LOOP(1), spawn_others, NULL), 0);
        kit_in_handler(puppet, send_to_stale, NULL);
        kit_settle(1);
    }
    kit_stop();
    ck_assert_uint_eq(kit_stats().dead_ended, (uint64_t)MOVERS * MOVES);
}
END_TEST

KIT_MAIN("crowd", stale_pids_stay_stale_while_their_slots_move_to_another_loop,
         million_actors_live_until_the_shutdown, million_actors_come_and_go,
         mailbox_of_a_million_messages_is_read_in_order,
         mailbox_of_a_million_messages_is_dropped_with_its_actor)
