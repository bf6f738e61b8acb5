/* Timers of actors: once and again and again, their keys, and their ends. */
#include <math.h>

#include "support/actors.h"
#include "support/reports.h"

#include "base/seam.h"

TR_MESSAGE(tick)
{
    int64_t a;
};
TR_MESSAGE(big_tick)
{
    int64_t a;
    char text[6000];
};

static tr_msg *kept;
static int period_count;
static uint64_t begun_ns;
static uint32_t drops;

enum { PERIODS = 5 };

/* What a tick does is told by its a. */
enum { REPORT = 1, KEEP = 100, COUNT, CANCEL_ITSELF, REPLACE_ITSELF, FORWARD, REFUSE, STOP, LEND };

static int on_tick(tr_self *self, tr_msg *msg, int64_t a)
{
    switch (a) {
    case KEEP:
        kept = tr_msg_keep(msg);
        ck_assert_ptr_nonnull(kept);
        return kit_report(a, kept != msg);
    case COUNT:
        return ++period_count == PERIODS ? kit_report(a, 0) : 0;
    case CANCEL_ITSELF:
        return kit_report(a, tr_timer_cancel(self, 7));
    case REPLACE_ITSELF:
        ck_assert_int_eq(tr_send_after(self, 0, 7, tick, .a = REPORT), 0);
        ck_assert(tr_as(msg, tick)->a == a);
        return 0;
    case FORWARD:
        ck_assert_int_eq(tr_timer_cancel(self, 7), 1);
        return tr_forward(msg, kit_reports_pid);
    case REFUSE:
        (void)tr_timer_cancel(self, 7);
        (void)kit_report(a, 0);
        return TR_UNHANDLED;
    case STOP:
        (void)kit_report(a, 0);
        return tr_exit(self, 0);
    case LEND:
        ck_assert_int_eq(tr_send_msg(kit_reports_pid, msg), TR_EINVAL);
        tr_msg_free(msg);
        (void)tr_timer_cancel(self, 7);
        return kit_report(a, 0);
    default:
        return kit_report(a, 0);
    }
}

static int timed_receive(tr_self *self, void *state, tr_msg *msg)
{
    const struct tick *t = tr_as(msg, tick);
    const struct big_tick *big = tr_as(msg, big_tick);
    const struct kit_owned *owned = tr_as(msg, kit_owned);

    if (t != NULL)
        return on_tick(self, msg, t->a);
    if (owned != NULL)
        return kit_report(owned->a, 0);
    if (big != NULL)
        return kit_report(big->a, big->text[5999]);
    return kit_act_or_unhandled(self, state, msg);
}

static const tr_actor_class timed_class = { .name = "timed", .receive = timed_receive };

static tr_pid begin(void)
{
    kit_watch_dead_letters();
    kit_start(1);
    kit_reports_begin();
    return kit_spawn(&timed_class, NULL, 0);
}

static void end(void)
{
    kit_reports_end();
    kit_stop();
}

/* ---- once ---- */

static int start_once(tr_self *self, void *arg)
{
    begun_ns = tr__now_ns();
    return tr_send_after(self, *(double *)arg, 0, tick, .a = REPORT);
}

START_TEST(a_timer_never_fires_early)
{
    tr_pid pid = begin();

    for (int i = 0; i < 20; i++) {
        double seconds = 0.0003 * i;

        kit_do(pid, start_once, &seconds);
        (void)kit_expect_report(REPORT);
        ck_assert_uint_ge(tr__now_ns() - begun_ns, (uint64_t)(seconds * 1e9));
    }
    end();
}
END_TEST

static int start_past(tr_self *self, void *arg)
{
    (void)arg;
    ck_assert_int_eq(tr_send_after(self, -5, 0, tick, .a = 1), 0);
    ck_assert_int_eq(tr_send_after(self, 0, 0, tick, .a = 2), 0);
    ck_assert_int_eq(tr_send_after(self, -INFINITY, 0, tick, .a = 3), 0);
    return 0;
}

START_TEST(what_is_due_already_comes_at_once)
{
    kit_do(begin(), start_past, NULL);
    (void)kit_expect_report(1);
    (void)kit_expect_report(2);
    (void)kit_expect_report(3);
    end();
    ck_assert_uint_eq(kit_stats().sent, 7); /* the act, three ticks, and three reports */
}
END_TEST

static int start_many(tr_self *self, void *arg)
{
    (void)arg;
    for (int i = 9; i >= 0; i--)
        ck_assert_int_eq(tr_send_after(self, 0.01 * i + 0.001, 0, tick, .a = i), 0);
    return 0;
}

START_TEST(timers_come_in_the_order_of_their_times)
{
    kit_do(begin(), start_many, NULL);
    for (int i = 0; i < 10; i++)
        (void)kit_expect_report(i);
    end();
}
END_TEST

static int start_large(tr_self *self, void *arg)
{
    (void)arg;
    return tr_send_after(self, 0.001, 0, big_tick, .a = 4, .text[5999] = 'x');
}

START_TEST(large_messages_may_be_timed)
{
    kit_do(begin(), start_large, NULL);
    ck_assert_int_eq(kit_expect_report(4), 'x');
    end();
}
END_TEST

static int start_bad(tr_self *self, void *arg)
{
    (void)arg;
    ck_assert_int_eq(tr_send_after(self, NAN, 0, tick, .a = 1), TR_EINVAL);
    ck_assert_int_eq(tr_send_every(self, NAN, 0, tick, .a = 1), TR_EINVAL);
    ck_assert_int_eq(tr_send_every(self, 0.00005, 0, tick, .a = 1), TR_EINVAL);
    ck_assert_int_eq(tr_send_every(self, 0, 0, tick, .a = 1), TR_EINVAL);
    ck_assert_int_eq(tr_send_every(self, TR_FOREVER, 0, tick, .a = 1), TR_EINVAL);
    ck_assert_int_eq(tr_send_every(self, 1, 0, kit_owned, .drops = &drops), TR_EINVAL);
    ck_assert_uint_eq(kit_counted(&drops), 1);
    ck_assert_int_eq(tr_send_after(NULL, 1, 0, kit_owned, .drops = &drops), TR_EWRONGPLACE);
    ck_assert_uint_eq(kit_counted(&drops), 2);
    ck_assert_int_eq(tr_timer_cancel(self, 0), TR_EINVAL);
    ck_assert_int_eq(tr_timer_cancel(self, 1), 0);
    ck_assert_int_eq(tr_timer_cancel(NULL, 1), TR_EWRONGPLACE);
    return 0;
}

START_TEST(bad_timers_are_refused)
{
    kit_do(begin(), start_bad, NULL);
    ck_assert_int_eq(tr_send_after(NULL, 1, 0, tick, .a = 1), TR_EWRONGPLACE);
    ck_assert_int_eq(tr_timer_cancel(NULL, 1), TR_EWRONGPLACE);
    end();
}
END_TEST

/* ---- keys ---- */

static int replace_keys(tr_self *self, void *arg)
{
    (void)arg;
    ck_assert_int_eq(tr_send_after(self, 0.001, 7, kit_owned, .a = 1, .drops = &drops), 0);
    ck_assert_int_eq(tr_send_after(self, 0.001, 8, tick, .a = 2), 0);
    ck_assert_int_eq(tr_send_after(self, 0.002, 7, tick, .a = 3), 0);
    ck_assert_uint_eq(kit_counted(&drops), 1);
    return 0;
}

START_TEST(a_new_timer_replaces_that_of_its_key)
{
    kit_do(begin(), replace_keys, NULL);
    (void)kit_expect_report(2);
    (void)kit_expect_report(3);
    end();
}
END_TEST

static int cancel_keys(tr_self *self, void *arg)
{
    (void)arg;
    ck_assert_int_eq(tr_send_after(self, 0, 7, kit_owned, .a = 1, .drops = &drops), 0);
    ck_assert_int_eq(tr_send_every(self, 0.001, 8, tick, .a = 2), 0);
    ck_assert_int_eq(tr_send_after(self, TR_FOREVER, 9, tick, .a = 2), 0);
    ck_assert_int_eq(tr_timer_cancel(self, 7), 1);
    ck_assert_int_eq(tr_timer_cancel(self, 7), 0);
    ck_assert_int_eq(tr_timer_cancel(self, 8), 1);
    ck_assert_int_eq(tr_timer_cancel(self, 9), 1);
    ck_assert_int_eq(tr_send_after(self, 0.003, 0, tick, .a = 3), 0);
    return 0;
}

START_TEST(a_cancelled_timer_does_not_come)
{
    kit_do(begin(), cancel_keys, NULL);
    (void)kit_expect_report(3);
    ck_assert_uint_eq(kit_counted(&drops), 1);
    end();
    ck_assert_uint_eq(kit_stats().returned, 0);
}
END_TEST

static int start_due(tr_self *self, void *arg)
{
    (void)arg;
    ck_assert_int_eq(tr_send_after(self, 0, 7, kit_owned, .a = 1, .drops = &drops), 0);
    ck_assert_int_eq(tr_send_every(self, 0.0001, 8, tick, .a = 2), 0);
    return 0;
}

static int cancel_due(tr_self *self, void *arg)
{
    int *cancelled = arg;

    cancelled[0] = tr_timer_cancel(self, 7);
    cancelled[1] = tr_timer_cancel(self, 8);
    return 0;
}

/* Whether it is queued by then is a matter of luck: over many rounds both are met. */
START_TEST(a_timer_that_is_due_may_still_be_cancelled)
{
    tr_pid pid = begin();
    uint32_t came = 0;
    tr_msg *msg;

    for (int i = 0; i < 300; i++) {
        int cancelled[2];

        drops = 0;
        kit_tell(pid, start_due, NULL);
        kit_do(pid, cancel_due, cancelled);
        kit_settle(0);
        ck_assert_int_eq(cancelled[1], 1);
        ck_assert_uint_eq(kit_counted(&drops), 1);
        while (tr_inbox_receive(kit_reports, &msg, 0) == 0)
            came += tr_as(msg, kit_value)->a == 1;
    }
    ck_assert_uint_le(came, 300);
    end();
}
END_TEST

static int do_nothing(tr_self *self, void *arg)
{
    (void)self;
    (void)arg;
    return 0;
}

/* Until what was due now is due by all clocks. */
static int let_time_pass(tr_self *self, void *arg)
{
    uint64_t from_ns = tr__now_ns();

    (void)self;
    (void)arg;
    while (tr__now_ns() - from_ns < 2000000)
        ;
    return 0;
}

static int cancel_and_report(tr_self *self, void *arg)
{
    int cancelled[2];

    (void)arg;
    (void)cancel_due(self, cancelled);
    return kit_report(cancelled[0], cancelled[1]);
}

/* With a budget of 1, the loop looks at the clock between the first of these and the last: so the
 * timers' messages are queued behind the last one when that cancels them. */
static int queue_cancel(tr_self *self, void *arg)
{
    const tr_pid *to = arg;

    (void)self;
    kit_tell(*to, start_due, NULL);
    kit_tell(*to, let_time_pass, NULL);
    for (int i = 0; i < 200; i++)
        kit_tell(*to, do_nothing, NULL);
    kit_tell(*to, cancel_and_report, NULL);
    return 0;
}

START_TEST(a_queued_timer_may_still_be_cancelled)
{
    tr_pid pid;

    kit_start_with(&(tr_config){ .loops = 1, .budget_msgs = 1 });
    kit_reports_begin();
    pid = kit_spawn(&timed_class, NULL, 0);
    kit_do(kit_actor(0), queue_cancel, &pid);
    ck_assert_int_eq(kit_expect_report(1), 1);
    kit_do(pid, do_nothing, NULL); /* behind them in the mailbox */
    end();
    ck_assert_uint_eq(kit_stats().returned, 2);
    ck_assert_uint_eq(kit_counted(&drops), 1);
}
END_TEST

/* ---- again and again ---- */

static int start_every(tr_self *self, void *arg)
{
    begun_ns = tr__now_ns();
    return tr_send_every(self, 0.002, 7, tick, .a = *(int64_t *)arg);
}

static int cancel_seven(tr_self *self, void *arg)
{
    *(int *)arg = tr_timer_cancel(self, 7);
    return 0;
}

START_TEST(a_repeating_timer_comes_again_and_again)
{
    tr_pid pid = begin();
    int64_t what = COUNT;
    int cancelled;

    kit_do(pid, start_every, &what);
    (void)kit_expect_report(COUNT);
    ck_assert_uint_ge(tr__now_ns() - begun_ns, PERIODS * UINT64_C(2000000));
    kit_do(pid, cancel_seven, &cancelled);
    ck_assert_int_eq(cancelled, 1);
    end();
}
END_TEST

static uint64_t due_ns[64];
static int due_count;

static int note_receive(tr_self *self, void *state, tr_msg *msg)
{
    if (!tr_is(msg, tick))
        return kit_act_or_unhandled(self, state, msg);
    due_ns[due_count] = tr__now_ns();
    /* The third one takes two and a half periods: those missed are left out. */
    while (due_count == 2 && tr__now_ns() - due_ns[2] < 25000000)
        ;
    return ++due_count == 8 ? kit_report(1, tr_timer_cancel(self, 7)) : 0;
}

static int start_ten_ms(tr_self *self, void *arg)
{
    (void)arg;
    begun_ns = tr__now_ns();
    return tr_send_every(self, 0.01, 7, tick, .a = 1);
}

static const tr_actor_class note_class = { .name = "note", .receive = note_receive };

START_TEST(a_repeating_timer_has_no_drift_and_leaves_out_what_it_missed)
{
    tr_pid pid;

    (void)begin();
    pid = kit_spawn(&note_class, NULL, 0);
    kit_do(pid, start_ten_ms, NULL);
    ck_assert_int_eq(kit_expect_report(1), 1);
    /* Each is late at most, never before a multiple of its own: the n-th comes at n periods or
     * later, and the lag of 25 ms has cost two: the last comes at 9 periods or later. */
    for (int i = 0; i < 8; i++)
        ck_assert_uint_ge(due_ns[i] - begun_ns, (uint64_t)(i + 1) * 10000000);
    ck_assert_uint_ge(due_ns[7] - begun_ns, UINT64_C(90000000));
    end();
}
END_TEST

static void expect_tick(int64_t what, int64_t b)
{
    kit_do(begin(), start_every, &what);
    ck_assert_int_eq(kit_expect_report(what), b);
}

START_TEST(a_repeating_timer_may_be_cancelled_in_its_handler)
{
    expect_tick(CANCEL_ITSELF, 1);
    kit_settle(0);
    end();
}
END_TEST

START_TEST(a_repeating_timer_may_be_replaced_in_its_handler)
{
    int64_t what = REPLACE_ITSELF;

    kit_do(begin(), start_every, &what);
    (void)kit_expect_report(REPORT);
    kit_settle(0);
    end();
}
END_TEST

START_TEST(what_is_kept_of_a_repeating_timer_is_a_copy)
{
    expect_tick(KEEP, 1);
    (void)kit_expect_report(KEEP); /* it comes again */
    kit_reports_end();
    ck_assert_int_eq(tr_shutdown(KIT_PATIENCE_S), 0);
}
END_TEST

static int start_after(tr_self *self, void *arg)
{
    return tr_send_after(self, 0.001, 7, tick, .a = *(int64_t *)arg);
}

static int free_kept(tr_self *self, void *arg)
{
    (void)self;
    (void)arg;
    ck_assert_int_eq(tr_as(kept, tick)->a, KEEP);
    tr_msg_free(kept);
    return 0;
}

START_TEST(what_is_kept_of_a_timer_that_fires_once_is_itself)
{
    int64_t what = KEEP;
    tr_pid pid = begin();

    kit_do(pid, start_after, &what);
    ck_assert_int_eq(kit_expect_report(KEEP), 0);
    kit_do(pid, free_kept, NULL);
    what = CANCEL_ITSELF; /* it is over when its handler runs */
    kit_do(pid, start_after, &what);
    ck_assert_int_eq(kit_expect_report(CANCEL_ITSELF), 0);
    end();
}
END_TEST

START_TEST(a_repeating_timers_message_may_be_forwarded)
{
    int64_t what = FORWARD;
    tr_msg *msg;

    kit_do(begin(), start_every, &what);
    msg = kit_next(kit_reports);
    ck_assert_int_eq(tr_as(msg, tick)->a, FORWARD);
    end();
}
END_TEST

START_TEST(a_repeating_timers_message_is_only_lent)
{
    expect_tick(LEND, 0);
    end();
}
END_TEST

START_TEST(a_repeating_timer_may_be_unhandled)
{
    expect_tick(REFUSE, 0);
    kit_settle(0);
    ck_assert_int_eq(kit_dead(TR_EUNHANDLED), 1);
    end();
}
END_TEST

START_TEST(a_repeating_timer_ends_with_an_actor_that_ends_in_its_handler)
{
    expect_tick(STOP, 0);
    end();
}
END_TEST

static int start_all_kinds(tr_self *self, void *arg)
{
    (void)arg;
    ck_assert_int_eq(tr_send_after(self, 1e6, 0, kit_owned, .drops = &drops), 0);
    ck_assert_int_eq(tr_send_after(self, 1e6, 1, kit_owned, .drops = &drops), 0);
    ck_assert_int_eq(tr_send_after(self, TR_FOREVER, 2, kit_owned_large, .drops = &drops), 0);
    ck_assert_int_eq(tr_send_after(self, 0, 3, kit_owned, .drops = &drops), 0);
    ck_assert_int_eq(tr_send_every(self, 0.001, 0, tick, .a = 1), 0);
    ck_assert_int_eq(tr_send_every(self, 1, 4, tick, .a = 1), 0);
    return tr_exit(self, 0);
}

START_TEST(timers_end_with_their_actor)
{
    kit_do(begin(), start_all_kinds, NULL);
    kit_settle(0);
    ck_assert_uint_eq(kit_counted(&drops), 4);
    end();
    ck_assert_int_eq(kit_dead(0), 0);
}
END_TEST

START_TEST(timers_end_with_the_runtime)
{
    kit_do(begin(), start_due, NULL);
    end();
    ck_assert_uint_eq(kit_counted(&drops), 1);
}
END_TEST

KIT_MAIN("timed", a_timer_never_fires_early, what_is_due_already_comes_at_once,
         timers_come_in_the_order_of_their_times, large_messages_may_be_timed,
         bad_timers_are_refused, a_new_timer_replaces_that_of_its_key,
         a_cancelled_timer_does_not_come, a_timer_that_is_due_may_still_be_cancelled,
         a_queued_timer_may_still_be_cancelled, a_repeating_timer_comes_again_and_again,
         a_repeating_timer_has_no_drift_and_leaves_out_what_it_missed,
         a_repeating_timer_may_be_cancelled_in_its_handler,
         a_repeating_timer_may_be_replaced_in_its_handler,
         what_is_kept_of_a_repeating_timer_is_a_copy,
         what_is_kept_of_a_timer_that_fires_once_is_itself,
         a_repeating_timers_message_may_be_forwarded, a_repeating_timers_message_is_only_lent,
         a_repeating_timer_may_be_unhandled,
         a_repeating_timer_ends_with_an_actor_that_ends_in_its_handler, timers_end_with_their_actor,
         timers_end_with_the_runtime)
