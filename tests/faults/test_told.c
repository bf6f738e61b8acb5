/* An asker on another loop hears of a failure, however little memory there is: without any, and
 * with the lane to it full. It has no time limit, so it would wait for ever. */
#include "base/seam.h"
#include "support/actors.h"
#include "support/holder.h"

/* From here on nothing can be allocated, and the lane to the asker's loop has no room. */
static void run_out_of_memory(void)
{
    kit_fill_lane(0);
    tr__fault_arm(1, true);
}

static int fail_without_memory(tr_self *self, void *state, tr_msg *msg)
{
    (void)self;
    (void)state;
    (void)msg;
    run_out_of_memory();
    return TR_EINVAL; /* the actor ends */
}

static int reply_without_memory(tr_self *self, void *state, tr_msg *msg)
{
    int rc;

    (void)state;
    (void)msg;
    run_out_of_memory();
    rc = tr_reply(self, kit_value, .a = 1);
    ck_assert_int_eq(rc, TR_ENOMEM);
    return 0; /* it does not care */
}

static int reply_twice(tr_self *self, void *state, tr_msg *msg)
{
    (void)state;
    (void)msg;
    run_out_of_memory();
    ck_assert_int_eq(tr_reply(self, kit_value, .a = 1), TR_ENOMEM);
    ck_assert(tr__fault_disarm());
    return tr_reply(self, kit_value, .a = 2); /* it was not answered: it still can be */
}

static int refuse_without_memory(tr_self *self, void *state, tr_msg *msg)
{
    (void)state;
    (void)msg;
    run_out_of_memory();
    ck_assert_int_eq(tr_reply_error(self, -7), TR_ENOMEM);
    return 0;
}

static int handle_without_memory(tr_self *self, void *state, tr_msg *msg)
{
    (void)self;
    (void)state;
    (void)msg;
    run_out_of_memory();
    return TR_UNHANDLED;
}

static int ask_once(void *to)
{
    struct kit_value answer;
    int rc = tr_ask(&answer, *(const tr_pid *)to, TR_FOREVER, kit_ask, .a = 1);

    (void)tr__fault_disarm(); /* whether it was armed still */
    ck_assert_int_eq(answer.a, rc == 0 ? 2 : 0);
    return rc;
}

static void expect_end(tr_receive_fn receive, int end)
{
    const tr_actor_class cls = { .name = "poor", .receive = receive };
    tr_future *f;
    tr_pid pid;

    kit_start(2);
    ck_assert_int_eq(tr_spawn_with(&pid, &cls, NULL, &(tr_spawn_options){ .on = TR_LOOP(1) }), 0);
    ck_assert_int_eq(tr_submit(&f, TR_LOOP(0), ask_once, &pid), 0);
    ck_assert_int_eq(tr_future_wait(f, TR_FOREVER), end);
    tr_future_unref(f);
    kit_stop();
}

START_TEST(an_actor_that_fails_is_heard_of_without_memory)
{
    expect_end(fail_without_memory, TR_EDEAD);
}
END_TEST

START_TEST(an_answer_without_memory_is_heard_of)
{
    expect_end(reply_without_memory, TR_ENOMEM);
}
END_TEST

START_TEST(an_answer_that_failed_can_be_given_again)
{
    expect_end(reply_twice, 0);
}
END_TEST

START_TEST(an_error_that_cant_be_told_is_another_one)
{
    expect_end(refuse_without_memory, TR_ENOMEM);
}
END_TEST

START_TEST(an_unhandled_request_is_heard_of_without_memory)
{
    expect_end(handle_without_memory, TR_EUNHANDLED);
}
END_TEST

KIT_MAIN("told", an_actor_that_fails_is_heard_of_without_memory,
         an_answer_without_memory_is_heard_of, an_answer_that_failed_can_be_given_again,
         an_error_that_cant_be_told_is_another_one, an_unhandled_request_is_heard_of_without_memory)
