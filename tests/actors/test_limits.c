/* Limits of mailboxes: by count and by bytes, each policy, on one loop, between loops and from
 * foreign threads; what always gets in; and the warning of a mailbox without a limit. */
#include "support/actors.h"

enum { LIMIT = 4, SMALL_BYTES = 32 };

#define LIMITED(text, policy)                                                                      \
    {                                                                                              \
        .name = text, .receive = kit_collect, .mailbox_limit = LIMIT, .on_full = policy            \
    }

static const tr_actor_class default_class = LIMITED("default", TR_FULL_DEFAULT);
static const tr_actor_class reject_class = LIMITED("reject", TR_FULL_REJECT);
static const tr_actor_class drop_new_class = LIMITED("drop_new", TR_FULL_DROP_NEW);
static const tr_actor_class drop_old_class = LIMITED("drop_old", TR_FULL_DROP_OLD);

static int stop_reason;

static void note_stop(tr_self *self, void *state, int reason)
{
    (void)self;
    (void)state;
    stop_reason = reason;
}

static const tr_actor_class stop_class = {
    .name = "stop",
    .receive = kit_collect,
    .stop = note_stop,
    .mailbox_limit = LIMIT,
    .on_full = TR_FULL_STOP,
};

typedef struct flood {
    tr_pid to;
    int count;
    int results[16];
} flood;

/* Sends values 0 to count - 1, all before the receiver can run. */
static int send_flood(tr_self *self, void *arg)
{
    flood *f = arg;

    (void)self;
    for (int i = 0; i < f->count; i++)
        f->results[i] = tr_send(f->to, kit_value, .a = i);
    return 0;
}

/* Start a runtime, let an actor on loop `from` flood one of that class on loop 0. */
static flood flood_from(const tr_actor_class *cls, int from, int count)
{
    flood f = { .count = count };

    kit_watch_dead_letters();
    kit_start(2);
    f.to = kit_spawn(cls, NULL, 0);
    (void)kit_do(kit_actor(from), send_flood, &f);
    kit_settle(from);
    kit_settle(0);
    return f;
}

static void expect_seen(int first, int count)
{
    ck_assert_int_eq(kit_seen_count(), count);
    for (int i = 0; i < count; i++)
        ck_assert_int_eq(kit_seen(i), first + i);
}

static void expect_rejected(const tr_actor_class *cls)
{
    flood f = flood_from(cls, 0, 6);

    for (int i = 0; i < 6; i++)
        ck_assert_int_eq(f.results[i], i < LIMIT ? 0 : TR_EFULL);
    expect_seen(0, LIMIT);
    ck_assert_int_eq(kit_dead(TR_EFULL), 2);
    ck_assert(tr_pid_eq(kit_last_letter().to, f.to));
    ck_assert_int_eq(kit_last_letter().value, 5);
    kit_stop();
    ck_assert_uint_eq(kit_stats().dead_full, 2);
}

START_TEST(a_full_mailbox_rejects_by_default)
{
    expect_rejected(&default_class);
}
END_TEST

START_TEST(a_full_mailbox_that_rejects_tells_a_sender_on_its_loop)
{
    expect_rejected(&reject_class);
}
END_TEST

START_TEST(a_full_mailbox_that_drops_new_ones_lets_the_send_succeed)
{
    flood f = flood_from(&drop_new_class, 0, 6);

    for (int i = 0; i < 6; i++)
        ck_assert_int_eq(f.results[i], 0);
    expect_seen(0, LIMIT);
    ck_assert_int_eq(kit_dead(TR_EFULL), 2);
    ck_assert_int_eq(kit_last_letter().value, 5);
    kit_stop();
}
END_TEST

START_TEST(a_full_mailbox_that_drops_old_ones_keeps_the_latest)
{
    flood f = flood_from(&drop_old_class, 0, 6);

    for (int i = 0; i < 6; i++)
        ck_assert_int_eq(f.results[i], 0);
    expect_seen(2, LIMIT);
    ck_assert_int_eq(kit_dead(TR_EFULL), 2);
    ck_assert_int_eq(kit_last_letter().value, 1);
    kit_stop();
}
END_TEST

START_TEST(a_full_mailbox_that_stops_ends_its_actor_at_once)
{
    flood f = flood_from(&stop_class, 0, 6);

    for (int i = 0; i < 6; i++)
        ck_assert_int_eq(f.results[i], i < LIMIT ? 0 : TR_EFULL);
    ck_assert_int_eq(kit_seen_count(), 0);
    ck_assert_int_eq(stop_reason, TR_EFULL);
    ck_assert_int_eq(kit_dead(TR_EFULL), 2);
    ck_assert_int_eq(kit_dead(TR_EDEAD), LIMIT);
    kit_stop();
}
END_TEST

START_TEST(from_another_loop_a_refusal_is_found_out_later)
{
    flood f = flood_from(&reject_class, 1, 6);

    for (int i = 0; i < 6; i++)
        ck_assert_int_eq(f.results[i], 0);
    /* How many fit depends on when the receiver runs; none is lost. */
    ck_assert_int_eq(kit_seen_count() + kit_dead(TR_EFULL), 6);
    kit_stop();
}
END_TEST

static int fill_and_hold(tr_self *self, void *arg)
{
    const tr_pid *to = arg;

    (void)self;
    for (int i = 0; i < LIMIT; i++)
        ck_assert_int_eq(tr_send(*to, kit_value, .a = i), 0);
    return 0;
}

static void fill_from_callback(void *arg)
{
    (void)fill_and_hold(NULL, arg);
}

START_TEST(from_a_foreign_thread_a_refusal_is_a_dead_letter)
{
    tr_pid to;

    kit_watch_dead_letters();
    kit_start(1);
    to = kit_spawn(&reject_class, NULL, 0);
    for (int i = 0; i < 2000; i++) {
        ck_assert_int_eq(tr_send(to, kit_value, .a = i), 0);
        ck_assert_int_eq(tr_send(to, kit_large, .a = i), 0);
    }
    kit_stop();
    /* kit_large is unhandled, where it fits. */
    ck_assert_int_eq(kit_seen_count() + kit_dead(0), 4000);
}
END_TEST

START_TEST(from_a_loop_callback_a_refusal_is_told_too)
{
    tr_pid to;

    kit_watch_dead_letters();
    kit_start(1);
    to = kit_spawn(&reject_class, NULL, 0);
    kit_on_loop(0, fill_from_callback, &to);
    kit_settle(0);
    expect_seen(0, LIMIT);
    ck_assert_int_eq(kit_dead(0), 0);
    kit_stop();
}
END_TEST

/* ---- by bytes ---- */

static const tr_actor_class bytes_class = {
    .name = "bytes",
    .receive = kit_collect,
    .mailbox_bytes = (size_t)LIMIT * SMALL_BYTES,
};

START_TEST(bytes_are_limited_too)
{
    flood f = flood_from(&bytes_class, 0, 6);

    for (int i = 0; i < 6; i++)
        ck_assert_int_eq(f.results[i], i < LIMIT ? 0 : TR_EFULL);
    expect_seen(0, LIMIT);
    /* What was handled makes room again. */
    kit_do(kit_actor(0), send_flood, &f);
    kit_settle(0);
    ck_assert_int_eq(f.results[LIMIT - 1], 0);
    ck_assert_int_eq(f.results[LIMIT], TR_EFULL);
    ck_assert_int_eq(kit_seen_count(), 2 * LIMIT);
    kit_stop();
}
END_TEST

static const tr_actor_class bytes_drop_old_class = {
    .name = "bytes_drop_old",
    .receive = kit_collect,
    .mailbox_bytes = 512,
    .on_full = TR_FULL_DROP_OLD,
};

typedef struct mix {
    tr_pid to;
    uint32_t drops;
    int result;
} mix;

/* 16 small messages fill 512 bytes; one of 256 bytes takes the place of eight. */
static int send_mix(tr_self *self, void *arg)
{
    mix *m = arg;

    (void)self;
    for (int i = 0; i < 16; i++)
        ck_assert_int_eq(tr_send(m->to, kit_value, .a = i), 0);
    m->result = tr_send(m->to, kit_owned_large, .a = 16, .drops = &m->drops);
    return 0;
}

START_TEST(one_large_message_takes_the_place_of_several_old_ones)
{
    mix m = { .drops = 0 };

    kit_watch_dead_letters();
    kit_start(1);
    m.to = kit_spawn(&bytes_drop_old_class, NULL, 0);
    kit_do(kit_actor(0), send_mix, &m);
    kit_settle(0);
    ck_assert_int_eq(m.result, 0);
    expect_seen(8, 9);
    ck_assert_int_eq(kit_dead(TR_EFULL), 8);
    ck_assert_uint_eq(kit_counted(&m.drops), 1);
    kit_stop();
}
END_TEST

static int send_mix_to_itself(tr_self *self, void *arg)
{
    mix *m = arg;

    m->to = tr_self_pid(self);
    return send_mix(self, arg);
}

START_TEST(an_actor_may_push_out_its_own_old_messages_while_it_handles_one)
{
    mix m = { .drops = 0 };
    mix again = { .drops = 0 };
    tr_pid pid;

    kit_watch_dead_letters();
    kit_start(1);
    pid = kit_spawn(&bytes_drop_old_class, NULL, 0);
    kit_tell(pid, send_mix_to_itself, &m);
    kit_settle(0);
    ck_assert_int_eq(kit_seen_count(), 9);
    kit_do(pid, send_mix_to_itself, &again);
    kit_settle(0);
    ck_assert_uint_eq(kit_counted(&again.drops), 1);
    kit_stop();
}
END_TEST

typedef struct burst {
    tr_pid to;
    uint32_t drops;
} burst;

/* In the mailbox before it runs: the act below, and 15 small ones. The act's own send of a large
 * message drops eight of those that this activation was going to handle. */
static int send_large_to_itself(tr_self *self, void *arg)
{
    burst *b = arg;

    return tr_send(tr_self_pid(self), kit_owned_large, .a = 99, .drops = &b->drops);
}

static int queue_burst(tr_self *self, void *arg)
{
    burst *b = arg;

    (void)self;
    kit_tell(b->to, send_large_to_itself, b);
    for (int i = 0; i < 15; i++)
        ck_assert_int_eq(tr_send(b->to, kit_value, .a = i), 0);
    return 0;
}

START_TEST(messages_that_an_activation_counted_on_may_be_pushed_out)
{
    burst b = { .drops = 0 };

    kit_watch_dead_letters();
    kit_start(1);
    b.to = kit_spawn(&bytes_drop_old_class, NULL, 0);
    kit_do(kit_actor(0), queue_burst, &b);
    kit_settle(0);
    ck_assert_int_eq(kit_seen_count() + kit_dead(TR_EFULL), 16);
    ck_assert_int_eq(kit_seen(kit_seen_count() - 1), 99);
    ck_assert_uint_eq(kit_counted(&b.drops), 1);
    kit_stop();
}
END_TEST

typedef struct giant {
    tr_pid to;
    int result;
} giant;

static int send_giant(tr_self *self, void *arg)
{
    giant *g = arg;

    (void)self;
    ck_assert_int_eq(tr_send(g->to, kit_value, .a = 1), 0);
    g->result = tr_send(g->to, kit_large, .a = 2);
    return 0;
}

START_TEST(a_message_larger_than_the_whole_mailbox_is_refused_and_drops_none)
{
    giant g = { .result = 0 };

    kit_watch_dead_letters();
    kit_start(1);
    g.to = kit_spawn(&bytes_drop_old_class, NULL, 0);
    kit_do(kit_actor(0), send_giant, &g);
    kit_settle(0);
    ck_assert_int_eq(g.result, TR_EFULL);
    ck_assert_int_eq(kit_dead(TR_EFULL), 1);
    expect_seen(1, 1);
    kit_stop();
}
END_TEST

/* ---- what always gets in ---- */

typedef struct full {
    tr_pid to;
    tr_pid helper;
} full;

static int answer_seen;
static int timer_seen;

TR_NOTICE(limits_tick);

static int control_receive(tr_self *self, void *state, tr_msg *msg)
{
    if (tr_msg_tag(msg) == 7) {
        answer_seen++;
        return 0;
    }
    if (tr_is(msg, limits_tick)) {
        timer_seen++;
        return 0;
    }
    return kit_collect(self, state, msg);
}

static const tr_actor_class control_class = {
    .name = "control",
    .receive = control_receive,
    .stop = note_stop,
    .mailbox_limit = LIMIT,
};

static const tr_actor_class control_drop_old_class = {
    .name = "control_drop_old",
    .receive = control_receive,
    .mailbox_limit = 2,
    .on_full = TR_FULL_DROP_OLD,
};

static int answer_receive(tr_self *self, void *state, tr_msg *msg)
{
    (void)state;
    return tr_is(msg, kit_ask) ? tr_reply(self, kit_value, .a = 1) : TR_UNHANDLED;
}

static const tr_actor_class answer_class = { .name = "answer", .receive = answer_receive };

static int ask_and_fill(tr_self *self, void *arg)
{
    full *f = arg;

    ck_assert_int_eq(tr_send_after(self, -1, 0, limits_tick), 0);
    ck_assert_int_eq(tr_request(self, f->helper, TR_FOREVER, 7, kit_ask, .a = 1), 0);
    /* A dead target: its failure comes at once. */
    ck_assert_int_eq(tr_request(self, (tr_pid){ 0 }, TR_FOREVER, 7, kit_ask, .a = 1), 0);
    while (tr_send(tr_self_pid(self), kit_value, .a = 1) == 0)
        ;
    return 0;
}

START_TEST(answers_and_timers_get_into_a_full_mailbox)
{
    full f;

    kit_start(1);
    f.helper = kit_spawn(&answer_class, NULL, 0);
    f.to = kit_spawn(&control_class, NULL, 0);
    kit_do(f.to, ask_and_fill, &f);
    /* Everything is in flight on this loop: settle a few times, until it has come round. */
    do
        kit_settle(0);
    while (answer_seen < 2 || timer_seen < 1);
    ck_assert_int_eq(answer_seen, 2);
    kit_stop();
}
END_TEST

static int only_control_left(tr_self *self, void *arg)
{
    int *result = arg;
    tr_pid me = tr_self_pid(self);

    /* Two failures of requests fill it: nothing ordinary is there to be dropped. */
    ck_assert_int_eq(tr_request(self, (tr_pid){ 0 }, TR_FOREVER, 7, kit_ask, .a = 1), 0);
    ck_assert_int_eq(tr_request(self, (tr_pid){ 0 }, TR_FOREVER, 7, kit_ask, .a = 1), 0);
    *result = tr_send(me, kit_value, .a = 1);
    return 0;
}

START_TEST(dropping_old_ones_never_drops_answers)
{
    int result = 0;

    kit_start(1);
    kit_do(kit_spawn(&control_drop_old_class, NULL, 0), only_control_left, &result);
    kit_settle(0);
    ck_assert_int_eq(result, TR_EFULL);
    ck_assert_int_eq(answer_seen, 2);
    ck_assert_int_eq(kit_seen_count(), 0);
    kit_stop();
}
END_TEST

static int mixed_with_control(tr_self *self, void *arg)
{
    tr_pid me = tr_self_pid(self);

    (void)arg;
    ck_assert_int_eq(tr_request(self, (tr_pid){ 0 }, TR_FOREVER, 7, kit_ask, .a = 1), 0);
    ck_assert_int_eq(tr_send(me, kit_value, .a = 1), 0);
    ck_assert_int_eq(tr_send(me, kit_value, .a = 2), 0);
    ck_assert_int_eq(tr_send(me, kit_value, .a = 3), 0);
    return 0;
}

START_TEST(dropping_old_ones_passes_over_answers)
{
    kit_start(1);
    kit_do(kit_spawn(&control_drop_old_class, NULL, 0), mixed_with_control, NULL);
    kit_settle(0);
    ck_assert_int_eq(answer_seen, 1);
    expect_seen(3, 1);
    kit_stop();
}
END_TEST

static int fill_then_stop(tr_self *self, void *arg)
{
    full *f = arg;

    (void)self;
    (void)fill_and_hold(self, &f->to);
    return tr_stop(f->to);
}

START_TEST(a_stop_gets_into_a_full_mailbox)
{
    full f;

    kit_watch_dead_letters();
    kit_start(1);
    f.to = kit_spawn(&control_class, NULL, 0);
    kit_do(kit_actor(0), fill_then_stop, &f);
    kit_settle(0);
    ck_assert_int_eq(stop_reason, TR_ESTOPPED);
    ck_assert_int_eq(kit_seen_count(), 0);
    ck_assert_int_eq(kit_dead(TR_EDEAD), LIMIT);
    kit_stop();
}
END_TEST

static int fill_itself(tr_self *self, void *arg)
{
    int *result = arg;

    do
        *result = tr_send(tr_self_pid(self), kit_value, .a = 1);
    while (*result == 0);
    return *result;
}

START_TEST(an_actor_that_overfills_itself_ends_after_its_handler)
{
    int result = 0;

    kit_watch_dead_letters();
    kit_start(1);
    kit_do(kit_spawn(&stop_class, NULL, 0), fill_itself, &result);
    kit_settle(0);
    ck_assert_int_eq(result, TR_EFULL);
    ck_assert_int_eq(stop_reason, TR_EFULL);
    ck_assert_int_eq(kit_dead(TR_EDEAD), LIMIT);
    kit_stop();
}
END_TEST

/* ---- before the actor has begun ---- */

typedef struct early {
    const tr_actor_class *cls;
    int loop;
    int count;
    int results[16];
} early;

static int spawn_and_flood(tr_self *self, void *arg)
{
    early *e = arg;
    tr_pid pid;

    (void)self;
    ck_assert_int_eq(
        tr_spawn_async(&pid, e->cls, NULL, &(tr_spawn_options){ .on = TR_LOOP(e->loop) }), 0);
    for (int i = 0; i < e->count; i++)
        e->results[i] = tr_send(pid, kit_value, .a = i);
    return 0;
}

static void flood_early(early *e)
{
    kit_watch_dead_letters();
    kit_start(2);
    kit_do(kit_actor(0), spawn_and_flood, e);
    kit_settle(0);
    kit_settle(e->loop);
}

START_TEST(limits_hold_before_init_has_run)
{
    early e = { .cls = &reject_class, .loop = 0, .count = 6 };

    flood_early(&e);
    for (int i = 0; i < 6; i++)
        ck_assert_int_eq(e.results[i], i < LIMIT ? 0 : TR_EFULL);
    expect_seen(0, LIMIT);
    kit_stop();
}
END_TEST

START_TEST(limits_by_bytes_hold_before_init_has_run)
{
    early e = { .cls = &bytes_class, .loop = 0, .count = 6 };

    flood_early(&e);
    for (int i = 0; i < 6; i++)
        ck_assert_int_eq(e.results[i], i < LIMIT ? 0 : TR_EFULL);
    expect_seen(0, LIMIT);
    kit_stop();
}
END_TEST

START_TEST(limits_hold_on_another_loop_before_init_has_run)
{
    early e = { .cls = &drop_old_class, .loop = 1, .count = 6 };

    flood_early(&e);
    ck_assert_int_eq(kit_seen_count() + kit_dead(TR_EFULL), 6);
    ck_assert_int_eq(kit_seen(kit_seen_count() - 1), 5);
    kit_stop();
}
END_TEST

START_TEST(an_actor_overfilled_before_its_init_never_begins)
{
    early e = { .cls = &stop_class, .loop = 0, .count = 6 };

    flood_early(&e);
    ck_assert_int_eq(kit_seen_count(), 0);
    ck_assert_int_eq(kit_dead(TR_EDEAD), LIMIT);
    ck_assert_int_eq(kit_dead(TR_EFULL), 2);
    ck_assert_int_eq(stop_reason, 0);
    kit_stop();
}
END_TEST

/* ---- without a limit ---- */

static int queue_many(tr_self *self, void *arg)
{
    flood *f = arg;

    (void)self;
    for (int i = 0; i < f->count; i++)
        if (tr_send(f->to, kit_value, .a = i) < 0)
            ck_abort_msg("a send failed");
    return 0;
}

static void queue_to_collector(int count)
{
    flood f = { .count = count };

    f.to = kit_spawn(&kit_collector_class, NULL, 0);
    kit_do(kit_actor(0), queue_many, &f);
    kit_settle(0);
}

START_TEST(a_hundred_thousand_queued_messages_are_worth_a_warning)
{
    kit_start(1);
    queue_to_collector(99999);
    ck_assert(!kit_log_contains("does not keep up"));
    queue_to_collector(100000);
    ck_assert(kit_log_contains("(collector) has 100000 messages queued: it does not keep up"));
    kit_log_clear();
    queue_to_collector(199999);
    ck_assert(!kit_log_contains("does not keep up"));
    queue_to_collector(450000);
    ck_assert(kit_log_contains("(collector) has 450000 messages queued"));
    kit_log_clear();
    queue_to_collector(700000);
    ck_assert(!kit_log_contains("does not keep up"));
    kit_stop();
}
END_TEST

KIT_MAIN("limits", a_full_mailbox_rejects_by_default,
         a_full_mailbox_that_rejects_tells_a_sender_on_its_loop,
         a_full_mailbox_that_drops_new_ones_lets_the_send_succeed,
         a_full_mailbox_that_drops_old_ones_keeps_the_latest,
         a_full_mailbox_that_stops_ends_its_actor_at_once,
         from_another_loop_a_refusal_is_found_out_later,
         from_a_foreign_thread_a_refusal_is_a_dead_letter,
         from_a_loop_callback_a_refusal_is_told_too, bytes_are_limited_too,
         one_large_message_takes_the_place_of_several_old_ones,
         an_actor_may_push_out_its_own_old_messages_while_it_handles_one,
         messages_that_an_activation_counted_on_may_be_pushed_out,
         a_message_larger_than_the_whole_mailbox_is_refused_and_drops_none,
         answers_and_timers_get_into_a_full_mailbox, dropping_old_ones_never_drops_answers,
         dropping_old_ones_passes_over_answers, a_stop_gets_into_a_full_mailbox,
         an_actor_that_overfills_itself_ends_after_its_handler, limits_hold_before_init_has_run,
         limits_by_bytes_hold_before_init_has_run, limits_hold_on_another_loop_before_init_has_run,
         an_actor_overfilled_before_its_init_never_begins,
         a_hundred_thousand_queued_messages_are_worth_a_warning)
