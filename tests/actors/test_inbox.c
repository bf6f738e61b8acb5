/* Inboxes: mailboxes with a pid for foreign threads. */
#include <math.h>
#include <poll.h>
#include <pthread.h>

#include "support/actors.h"

static bool is_readable(tr_inbox *in, int timeout_ms)
{
    struct pollfd fd = { .fd = tr_inbox_fd(in), .events = POLLIN };
    int ready = poll(&fd, 1, timeout_ms);

    ck_assert_int_ge(ready, 0);
    return ready == 1;
}

/* kit_stop counts descriptors: an inbox's is still open there. */
static void stop_with_inbox(void)
{
    ck_assert_int_eq(tr_shutdown(KIT_PATIENCE_S), 0);
    kit_expect_balance();
}

static int answer_receive(tr_self *self, void *state, tr_msg *msg)
{
    const struct kit_ask *ask = tr_as(msg, kit_ask);

    if (ask == NULL)
        return kit_act_or_unhandled(self, state, msg);
    return ask->a < 0 ? tr_reply_error(self, (int)ask->a)
                      : (ask->a == 0 ? 0 : tr_reply(self, kit_value, .a = ask->a));
}

static const tr_actor_class answer_class = { .name = "answer", .receive = answer_receive };

START_TEST(messages_arrive_in_order_from_everywhere)
{
    tr_inbox *in;
    tr_pid to;

    kit_start(2);
    in = kit_inbox();
    to = tr_inbox_pid(in);
    ck_assert(!tr_pid_is_none(to));
    for (int loop = -1; loop < 2; loop++) {
        tr_pid from = loop < 0 ? to : kit_spawn(&kit_relay_class, &to, loop);

        for (int i = 0; i < 100; i++)
            ck_assert_int_eq(tr_send(from, kit_value, .a = i), 0);
        for (int i = 0; i < 100; i++)
            (void)kit_expect_value(in, i);
    }
    tr_inbox_free(in);
    kit_stop();
}
END_TEST

START_TEST(a_limit_of_time_that_has_passed_takes_what_is_there)
{
    tr_inbox *in;
    tr_msg *msg = (tr_msg *)&in;

    kit_start(1);
    in = kit_inbox();
    ck_assert_int_eq(tr_inbox_receive(in, &msg, 0), TR_ETIMEDOUT);
    ck_assert_ptr_null(msg);
    ck_assert_int_eq(tr_inbox_receive(in, &msg, -1), TR_ETIMEDOUT);
    ck_assert_int_eq(tr_inbox_receive(in, &msg, 0.002), TR_ETIMEDOUT);
    ck_assert_int_eq(tr_send(tr_inbox_pid(in), kit_notice), 0);
    ck_assert(is_readable(in, -1));
    ck_assert_int_eq(tr_inbox_receive(in, &msg, -1), 0);
    ck_assert(tr_is(msg, kit_notice));
    ck_assert_int_eq(tr_send(tr_inbox_pid(in), kit_notice), 0);
    ck_assert_int_eq(tr_inbox_receive(in, &msg, TR_FOREVER), 0);
    tr_inbox_free(in);
    kit_stop();
}
END_TEST

static void misuse_on_loop(void *arg)
{
    tr_inbox *other = arg;
    tr_msg *msg = arg;

    ck_assert_int_eq(tr_inbox_receive(arg, &msg, 0), TR_EWRONGPLACE);
    ck_assert_ptr_null(msg);
    ck_assert_int_eq(tr_inbox_new(&other, 0), TR_EWRONGPLACE);
    ck_assert_ptr_null(other);
    ck_assert_int_eq(tr_inbox_request(arg, TR_PID_NONE, 1, 1, kit_ask, .a = 1), TR_EWRONGPLACE);
}

START_TEST(misuse_is_refused)
{
    tr_inbox *in;
    tr_msg *msg;

    ck_assert_int_eq(tr_inbox_new(NULL, 0), TR_EINVAL);
    in = (tr_inbox *)&msg;
    ck_assert_int_eq(tr_inbox_new(&in, 0), TR_ESHUTDOWN);
    ck_assert_ptr_null(in);
    tr_inbox_free(NULL);
    ck_assert(tr_pid_is_none(tr_inbox_pid(NULL)));
    ck_assert_int_eq(tr_inbox_fd(NULL), TR_EINVAL);
    kit_start(1);
    in = kit_inbox();
    msg = (tr_msg *)&in;
    ck_assert_int_eq(tr_inbox_receive(in, &msg, NAN), TR_EINVAL);
    ck_assert_ptr_null(msg);
    msg = (tr_msg *)&in;
    ck_assert_int_eq(tr_inbox_receive(NULL, &msg, 0), TR_EINVAL);
    ck_assert_ptr_null(msg);
    ck_assert_int_eq(tr_inbox_receive(in, NULL, 0), TR_EINVAL);
    ck_assert_int_eq(tr_inbox_request(in, TR_PID_NONE, NAN, 1, kit_ask, .a = 1), TR_EINVAL);
    ck_assert_int_eq(tr_inbox_request(NULL, TR_PID_NONE, 1, 1, kit_ask, .a = 1), TR_EINVAL);
    kit_on_loop(0, misuse_on_loop, in);
    tr_inbox_free(in);
    kit_stop();
}
END_TEST

START_TEST(a_descriptor_is_readable_while_messages_wait)
{
    tr_inbox *in;
    tr_msg *msg;

    kit_start(1);
    in = kit_inbox();
    ck_assert(!is_readable(in, 0));
    ck_assert_int_eq(tr_send(tr_inbox_pid(in), kit_value, .a = 1), 0);
    ck_assert_int_eq(tr_send(tr_inbox_pid(in), kit_value, .a = 2), 0);
    ck_assert(is_readable(in, -1));
    (void)kit_expect_value(in, 1);
    kit_settle(0);
    ck_assert(is_readable(in, 0));
    ck_assert_int_eq(tr_inbox_receive(in, &msg, 0), 0);
    ck_assert(!is_readable(in, 0));
    stop_with_inbox();
    ck_assert(is_readable(in, 0)); /* so that a poller hears of the end */
    ck_assert_int_eq(tr_inbox_receive(in, &msg, TR_FOREVER), TR_ESHUTDOWN);
    ck_assert(is_readable(in, 0));
    tr_inbox_free(in);
}
END_TEST

START_TEST(what_is_beyond_the_limit_becomes_a_dead_letter)
{
    tr_inbox *in;
    uint32_t drops = 0;

    kit_watch_dead_letters();
    kit_start(1);
    ck_assert_int_eq(tr_inbox_new(&in, 2), 0);
    for (int i = 0; i < 5; i++)
        ck_assert_int_eq(tr_send(tr_inbox_pid(in), kit_owned, .a = i, .drops = &drops), 0);
    kit_settle(0);
    ck_assert_int_eq(kit_dead(TR_EFULL), 3);
    ck_assert_int_eq(kit_last_letter().value, 4);
    ck_assert(tr_pid_eq(kit_last_letter().to, tr_inbox_pid(in)));
    ck_assert_uint_eq(kit_counted(&drops), 3);
    ck_assert_int_eq(tr_as(kit_next(in), kit_owned)->a, 0);
    ck_assert_int_eq(tr_send(tr_inbox_pid(in), kit_owned, .a = 9, .drops = &drops), 0);
    ck_assert_int_eq(tr_as(kit_next(in), kit_owned)->a, 1);
    ck_assert_int_eq(tr_as(kit_next(in), kit_owned)->a, 9);
    tr_inbox_free(in);
    ck_assert_uint_eq(kit_counted(&drops), 6);
    kit_stop();
    ck_assert_uint_eq(kit_stats().dead_full, 3);
}
END_TEST

START_TEST(what_is_in_a_freed_inbox_becomes_dead_letters)
{
    tr_inbox *in;
    tr_pid to;
    uint32_t drops = 0;

    kit_watch_dead_letters();
    kit_start(1);
    in = kit_inbox();
    to = tr_inbox_pid(in);
    for (int i = 0; i < 5; i++)
        ck_assert_int_eq(tr_send(to, kit_owned_large, .a = i, .drops = &drops), 0);
    kit_settle(0);
    ck_assert_int_eq(tr_as(kit_next(in), kit_owned_large)->a, 0);
    tr_inbox_free(in);
    kit_settle(0);
    ck_assert_int_eq(kit_dead(TR_EDEAD), 4);
    ck_assert_uint_eq(kit_counted(&drops), 5);
    ck_assert_int_eq(tr_send(to, kit_owned, .drops = &drops), 0);
    kit_settle(0);
    ck_assert_int_eq(kit_dead(TR_EDEAD), 5);
    kit_stop();
    ck_assert_uint_eq(kit_counted(&drops), 6);
}
END_TEST

START_TEST(an_inbox_may_be_read_and_freed_after_the_runtime_has_stopped)
{
    tr_inbox *in;
    tr_msg *msg;
    uint32_t drops = 0;

    kit_start(2);
    in = kit_inbox();
    for (int i = 0; i < 4; i++)
        ck_assert_int_eq(tr_send(tr_inbox_pid(in), kit_owned, .a = i, .drops = &drops), 0);
    kit_settle(0);
    kit_settle(1);
    stop_with_inbox();
    ck_assert_int_eq(tr_inbox_receive(in, &msg, 0), 0);
    ck_assert_int_eq(tr_as(msg, kit_owned)->a, 0);
    msg = tr_msg_keep(kit_next(in));
    ck_assert_uint_eq(kit_counted(&drops), 1);
    ck_assert_int_eq(tr_inbox_request(in, tr_inbox_pid(in), 1, 1, kit_ask, .a = 1), TR_ESHUTDOWN);
    tr_inbox_free(in);
    ck_assert_uint_eq(kit_counted(&drops), 3);
    tr_msg_free(msg);
    ck_assert_uint_eq(kit_counted(&drops), 4);
}
END_TEST

static void *wait_forever(void *arg)
{
    tr_msg *msg;

    return (void *)(intptr_t)tr_inbox_receive(arg, &msg, TR_FOREVER);
}

START_TEST(a_shutdown_wakes_who_waits)
{
    tr_inbox *in;
    pthread_t thread;
    void *rc;

    kit_start(1);
    in = kit_inbox();
    ck_assert_int_eq(pthread_create(&thread, NULL, wait_forever, in), 0);
    stop_with_inbox();
    pthread_join(thread, &rc);
    ck_assert_int_eq((int)(intptr_t)rc, TR_ESHUTDOWN);
    tr_inbox_free(in);
}
END_TEST

START_TEST(what_is_kept_is_the_threads_own)
{
    tr_inbox *in;
    tr_msg *kept[3];
    uint32_t drops = 0;

    kit_start(2);
    in = kit_inbox();
    for (int i = 0; i < 3; i++)
        ck_assert_int_eq(tr_send(tr_inbox_pid(in), kit_owned, .a = i, .drops = &drops), 0);
    for (int i = 0; i < 3; i++) {
        tr_msg *lent = kit_next(in);

        ck_assert_int_eq(tr_send_msg(tr_inbox_pid(in), lent), TR_EINVAL);
        ck_assert_int_eq(tr_try_send_msg(tr_inbox_pid(in), lent), TR_EINVAL);
        tr_msg_free(lent); /* only lent: left alone */
        kept[i] = tr_msg_keep(lent);
        ck_assert(kept[i] == lent);
        ck_assert(tr_msg_keep(lent) == lent);
    }
    tr_msg_free(kept[1]);
    ck_assert_uint_eq(kit_counted(&drops), 1);
    ck_assert_int_eq(tr_send_msg(tr_inbox_pid(in), kept[2]), 0);
    ck_assert_int_eq(tr_try_send_msg(tr_inbox_pid(in), kept[0]), 0);
    ck_assert_int_eq(tr_as(kit_next(in), kit_owned)->a, 2);
    ck_assert_int_eq(tr_as(kit_next(in), kit_owned)->a, 0);
    tr_inbox_free(in);
    ck_assert_uint_eq(kit_counted(&drops), 3);
    kit_stop();
}
END_TEST

START_TEST(what_is_lent_may_be_forwarded_and_taken)
{
    tr_inbox *in;
    tr_pid to;
    uint32_t drops = 0;

    kit_start(2);
    in = kit_inbox();
    to = kit_spawn(&kit_collector_class, NULL, 1);
    ck_assert_int_eq(tr_send(tr_inbox_pid(in), kit_owned, .a = 3, .drops = &drops), 0);
    ck_assert_int_eq(tr_send(tr_inbox_pid(in), kit_owned, .a = 4, .drops = &drops), 0);
    ck_assert_int_eq(tr_forward(kit_next(in), to), 0);
    ck_assert_int_eq(tr_take(kit_next(in), kit_owned)->a, 4);
    ck_assert_int_eq(tr_send(tr_inbox_pid(in), kit_notice), 0);
    (void)kit_next(in);
    kit_settle(1);
    kit_settle(0);
    tr_inbox_free(in);
    kit_stop();
    ck_assert_int_eq(kit_seen(0), 3);
    ck_assert_uint_eq(kit_counted(&drops), 1);
}
END_TEST

/* ---- asks that come ---- */

static int ask_inbox(tr_self *self, void *arg)
{
    const tr_pid *to = arg;

    for (uint64_t tag = 1; tag <= 5; tag++)
        ck_assert_int_eq(tr_request(self, *to, TR_FOREVER, tag, kit_ask, .a = (int64_t)tag), 0);
    return 0;
}

static int outcomes[8];

static int note_outcome(tr_self *self, void *state, tr_msg *msg)
{
    const struct tr_request_failed *failed = tr_as(msg, tr_request_failed);
    const struct kit_value *value = tr_as(msg, kit_value);

    if (failed == NULL && value == NULL)
        return kit_act_or_unhandled(self, state, msg);
    outcomes[tr_msg_tag(msg)] = failed != NULL ? failed->error : (int)value->a;
    return 0;
}

static const tr_actor_class asker_class = { .name = "asker", .receive = note_outcome };

START_TEST(a_thread_may_answer_what_its_inbox_is_asked)
{
    tr_inbox *in;
    tr_pid to;
    tr_msg *msg;
    tr_asker who;

    kit_start(2);
    in = kit_inbox();
    to = tr_inbox_pid(in);
    kit_do(kit_spawn(&asker_class, NULL, 1), ask_inbox, &to);
    msg = kit_next(in);
    who = tr_msg_take_asker(msg);
    ck_assert(!tr_asker_is_none(who));
    ck_assert(tr_asker_is_none(tr_msg_take_asker(msg)));
    ck_assert_int_eq(tr_answer(who, kit_value, .a = 11), 0);
    who = tr_msg_take_asker(kit_next(in));
    ck_assert_int_eq(tr_answer_error(who, -EIO), 0);
    tr_msg_free(tr_msg_keep(kit_next(in)));
    ck_assert_int_eq(tr_forward(kit_next(in), kit_spawn(&answer_class, NULL, 0)), 0);
    (void)kit_next(in); /* the fifth is not answered */
    kit_settle(0);
    kit_settle(1);
    kit_settle(0);
    kit_settle(1);
    tr_inbox_free(in);
    kit_stop();
    ck_assert_int_eq(outcomes[1], 11);
    ck_assert_int_eq(outcomes[2], -EIO);
    ck_assert_int_eq(outcomes[3], TR_EUNHANDLED);
    ck_assert_int_eq(outcomes[4], 4);
    ck_assert_int_eq(outcomes[5], 0);
}
END_TEST

START_TEST(asks_in_a_freed_inbox_fail)
{
    tr_inbox *in;
    tr_pid to;
    tr_pid asker;

    kit_start(2);
    in = kit_inbox();
    to = tr_inbox_pid(in);
    asker = kit_spawn(&asker_class, NULL, 1);
    kit_do(asker, ask_inbox, &to);
    kit_settle(1);
    kit_settle(0);
    tr_inbox_free(in);
    kit_settle(0);
    kit_settle(1);
    for (int tag = 1; tag <= 5; tag++)
        ck_assert_int_eq(outcomes[tag], TR_EDEAD);
    kit_stop();
}
END_TEST

/* ---- asks that go ---- */

static void expect_outcome(tr_inbox *in, uint64_t tag, int64_t what)
{
    tr_msg *msg = kit_next(in);
    const struct tr_request_failed *failed = tr_as(msg, tr_request_failed);
    const struct kit_value *value = tr_as(msg, kit_value);

    ck_assert_uint_eq(tr_msg_tag(msg), tag);
    if (failed != NULL)
        ck_assert_uint_eq(failed->tag, tag);
    ck_assert_int_eq(failed != NULL ? failed->error : value->a, what);
}

START_TEST(a_thread_may_ask_through_its_inbox)
{
    kit_start(2);
    for (int loop = 0; loop < 2; loop++) {
        tr_inbox *in = kit_inbox();
        tr_pid to = kit_spawn(&answer_class, NULL, loop);
        tr_pid dead = kit_actor(loop);

        kit_stop_actor(dead, loop);
        ck_assert_int_eq(tr_inbox_request(in, to, TR_FOREVER, 21, kit_ask, .a = 5), 0);
        expect_outcome(in, 21, 5);
        ck_assert_int_eq(tr_inbox_request(in, to, TR_FOREVER, 22, kit_ask, .a = -EIO), 0);
        expect_outcome(in, 22, -EIO);
        ck_assert_int_eq(tr_inbox_request(in, dead, TR_FOREVER, 23, kit_ask, .a = 1), 0);
        expect_outcome(in, 23, TR_EDEAD);
        ck_assert_int_eq(tr_inbox_request(in, to, 0.002, 24, kit_ask, .a = 0), 0);
        expect_outcome(in, 24, TR_ETIMEDOUT);
        ck_assert_int_eq(tr_inbox_request(in, TR_PID_NONE, 1, 25, kit_ask, .a = 0), 0);
        expect_outcome(in, 25, TR_EDEAD);
        tr_inbox_free(in);
    }
    kit_stop();
}
END_TEST

START_TEST(an_inbox_may_be_freed_before_its_answers_come)
{
    kit_start(2);
    for (int i = 0; i < 50; i++) {
        tr_inbox *in = kit_inbox();
        tr_pid to = kit_spawn(&answer_class, NULL, i % 2);

        for (uint64_t tag = 0; tag < 10; tag++)
            ck_assert_int_eq(tr_inbox_request(in, to, TR_FOREVER, tag, kit_ask, .a = 1), 0);
        tr_inbox_free(in);
    }
    kit_stop();
}
END_TEST

/* ---- many threads ---- */

enum { THREADS = 4, ROUNDS = 200 };

static void *ping(void *arg)
{
    tr_inbox *in = kit_inbox();
    tr_pid me = tr_inbox_pid(in);
    tr_pid to = kit_spawn(&kit_relay_class, &me, (int)(intptr_t)arg % 2);
    tr_msg *msg;

    for (int i = 0; i < ROUNDS; i++) {
        if (tr_send(to, kit_value, .a = i) < 0 || tr_inbox_receive(in, &msg, KIT_PATIENCE_S) < 0)
            ck_abort_msg("no answer");
        if (tr_as(msg, kit_value)->a != i)
            ck_abort_msg("another answer");
    }
    tr_inbox_free(in);
    return NULL;
}

START_TEST(each_thread_has_its_own)
{
    pthread_t threads[THREADS];

    kit_start(2);
    for (intptr_t i = 0; i < THREADS; i++)
        ck_assert_int_eq(pthread_create(&threads[i], NULL, ping, (void *)i), 0);
    for (int i = 0; i < THREADS; i++)
        pthread_join(threads[i], NULL);
    kit_stop();
}
END_TEST

static void make_inbox(void *ctx, int n)
{
    tr_inbox *in;
    int rc = tr_inbox_new(&in, 0);

    (void)ctx;
    (void)n;
    ck_assert(rc == 0 ? in != NULL : in == NULL && rc < 0);
    tr_inbox_free(in);
}

START_TEST(without_memory_there_is_no_inbox)
{
    kit_start(1);
    ck_assert_int_ge(kit_for_every_fault(make_inbox, NULL), 3);
    kit_stop();
}
END_TEST

/* ---- last words ---- */

static int speaker_receive(tr_self *self, void *state, tr_msg *msg)
{
    (void)self;
    (void)state;
    (void)msg;
    return TR_UNHANDLED;
}

static void speak_last(tr_self *self, void *state, int reason)
{
    (void)self;
    ck_assert_int_eq(reason, TR_ESHUTDOWN);
    ck_assert_int_eq(tr_send(*(const tr_pid *)state, kit_value, .a = 7), 0);
}

static const tr_actor_class speaker_class = {
    .name = "speaker",
    .state_size = sizeof(tr_pid),
    .args_size = sizeof(tr_pid),
    .receive = speaker_receive,
    .stop = speak_last,
};

START_TEST(an_inbox_hears_what_actors_say_when_they_stop_at_a_shutdown)
{
    tr_inbox *in;
    tr_pid to;
    tr_pid speaker;
    tr_msg *msg;

    kit_start(2);
    in = kit_inbox();
    to = tr_inbox_pid(in);
    for (int loop = 0; loop < 2; loop++)
        ck_assert_int_eq(tr_spawn_with(&speaker, &speaker_class, &to,
                                       &(tr_spawn_options){ .on = TR_LOOP(loop) }),
                         0);
    ck_assert_int_eq(tr_shutdown(KIT_PATIENCE_S), 0);
    kit_expect_balance();
    (void)kit_expect_value(in, 7);
    (void)kit_expect_value(in, 7);
    ck_assert_int_eq(tr_inbox_receive(in, &msg, TR_FOREVER), TR_ESHUTDOWN);
    tr_inbox_free(in);
}
END_TEST

KIT_MAIN("inbox", messages_arrive_in_order_from_everywhere,
         a_limit_of_time_that_has_passed_takes_what_is_there, misuse_is_refused,
         a_descriptor_is_readable_while_messages_wait,
         what_is_beyond_the_limit_becomes_a_dead_letter,
         what_is_in_a_freed_inbox_becomes_dead_letters,
         an_inbox_may_be_read_and_freed_after_the_runtime_has_stopped, a_shutdown_wakes_who_waits,
         what_is_kept_is_the_threads_own, what_is_lent_may_be_forwarded_and_taken,
         a_thread_may_answer_what_its_inbox_is_asked, asks_in_a_freed_inbox_fail,
         a_thread_may_ask_through_its_inbox, an_inbox_may_be_freed_before_its_answers_come,
         each_thread_has_its_own, without_memory_there_is_no_inbox,
         an_inbox_hears_what_actors_say_when_they_stop_at_a_shutdown)
