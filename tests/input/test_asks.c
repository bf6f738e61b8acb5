/* Bad arguments of asks, and of inboxes of tasks. */
#include <math.h>

#include "base/atomic.h"
#include "support/actors.h"
#include "support/parcels.h"

KIT_ASKS_FOR_ABSURD_SIZES

static uint32_t drops;

/* A request that owns something. */
static void drop_question(void *payload);
typedef struct kit_value tr_answer_of_own_question;
TR__DESCRIBE(own_question, __LINE__, "own_question", &tr_type_kit_value, drop_question);
struct own_question {
    uint64_t number;
};
static void drop_question(void *payload)
{
    (void)payload;
    (void)tr__add_ordered_u32(&drops, 1); /* ordered: a counter */
}

static int reply_receive(tr_self *self, void *state, tr_msg *msg)
{
    (void)state;
    (void)msg;
    return tr_reply(self, kit_value, .a = 3);
}

static const tr_actor_class reply_class = { .name = "reply", .receive = reply_receive };

/* In a task, and in a foreign thread. */
static int ask_with_bad_values(void *arg)
{
    const tr_pid *to = arg;
    tr_future *f = (tr_future *)(uintptr_t)1;
    struct kit_value answer = { .a = 7 };

    ck_assert_int_eq(tr_ask(&answer, *to, NAN, own_question, .number = 1), TR_EINVAL);
    ck_assert_int_eq(answer.a, 0);
    ck_assert_int_eq(tr_ask(NULL, *to, NAN, own_question, .number = 1), TR_EINVAL);
    ck_assert_int_eq(tr_ask_future(&f, *to, NAN, own_question, .number = 1), TR_EINVAL);
    ck_assert_ptr_null(f);
    ck_assert_int_eq(tr_ask_future(NULL, *to, 1, own_question, .number = 1), TR_EINVAL);
    ck_assert_int_eq(tr_ask_future(NULL, *to, NAN, own_question, .number = 1), TR_EINVAL);
    ck_assert_int_eq(tr_ask(NULL, TR_PID_NONE, INFINITY, own_question, .number = 1), TR_EDEAD);
    return 0;
}

static int ask_with_long_times(void *arg)
{
    static const double times[] = { INFINITY, 1e300, 1e18, 1e10, 1e9 };
    static const double past[] = { 5e-324, 0, -1, -1e300, -INFINITY };
    const tr_pid *to = arg;

    for (size_t i = 0; i < 5; i++) {
        struct kit_value answer = { .a = 7 };
        int rc = tr_ask(&answer, *to, past[i], kit_ask, .a = 1);

        ck_assert(rc == TR_ETIMEDOUT || rc == 0);
        ck_assert_int_eq(answer.a, rc == 0 ? 3 : 0);
        ck_assert_int_eq(tr_ask(&answer, *to, times[i], kit_ask, .a = 1), 0);
        ck_assert_int_eq(answer.a, 3);
    }
    return 0;
}

START_TEST(asking_refuses_bad_values)
{
    tr_pid pid;

    kit_start(2);
    drops = 0;
    ck_assert_int_eq(tr_spawn(&pid, &reply_class, NULL), 0);
    ck_assert_int_eq(ask_with_bad_values(&pid), 0);
    kit_settle(0); /* the asker is told, and then it is dropped */
    ck_assert_uint_eq(drops, 6);
    for (int loop = 0; loop < 2; loop++)
        ck_assert_int_eq(kit_in_task(loop, ask_with_bad_values, &pid), 0);
    ck_assert_uint_eq(drops, 18);
    ck_assert_int_eq(ask_with_long_times(&pid), 0);
    for (int loop = 0; loop < 2; loop++)
        ck_assert_int_eq(kit_in_task(loop, ask_with_long_times, &pid), 0);
    kit_stop();
}
END_TEST

/* Larger than any memory. */
static int ask_giants(void *arg)
{
    static const size_t sizes[] = { SIZE_MAX, SIZE_MAX - 64, ((size_t)1 << 40) + 1 };
    const tr_pid *to = arg;
    struct own_question payload = { 0 };
    tr_future *f = NULL;

    for (size_t i = 0; i < sizeof(sizes) / sizeof(sizes[0]); i++) {
        tr_type giant = { 0, 1, "giant kit_ask", "here", &tr_type_kit_value, drop_question };

        ck_assert_int_eq(tr__ask_await(NULL, *to, 1, &giant, &payload, sizes[i], 16), TR_ENOMEM);
        ck_assert_int_eq(tr__ask_future(&f, *to, 1, &giant, &payload, sizes[i], 16), TR_ENOMEM);
        ck_assert_ptr_null(f);
        ck_assert_int_eq(tr__ask_future(&f, *to, 1, &giant, &payload, 16, sizes[i]), TR_ENOMEM);
        ck_assert_ptr_null(f);
    }
    return 0;
}

START_TEST(a_request_that_no_machine_has_is_out_of_memory)
{
    tr_pid pid;

    kit_start(1);
    drops = 0;
    ck_assert_int_eq(tr_spawn(&pid, &reply_class, NULL), 0);
    ck_assert_int_eq(ask_giants(&pid), 0);
    ck_assert_int_eq(kit_in_task(0, ask_giants, &pid), 0);
    kit_stop();
    ck_assert_uint_eq(drops, 18);
}
END_TEST

static int use_inbox_badly(void *arg)
{
    tr_msg *msg = (tr_msg *)(uintptr_t)1;
    tr_inbox *in = (tr_inbox *)(uintptr_t)1;

    (void)arg;
    ck_assert_int_eq(tr_inbox_new(NULL, 0), TR_EINVAL);
    ck_assert_int_eq(tr_inbox_receive(NULL, &msg, 0), TR_EINVAL);
    ck_assert_ptr_null(msg);
    ck_assert_int_eq(tr_inbox_new(&in, SIZE_MAX), 0);
    ck_assert_int_eq(tr_inbox_receive(in, NULL, 0), TR_EINVAL);
    ck_assert_int_eq(tr_inbox_receive(in, &msg, NAN), TR_EINVAL);
    ck_assert_int_eq(tr_inbox_receive(in, &msg, -INFINITY), TR_ETIMEDOUT);
    ck_assert_int_eq(tr_inbox_receive(in, &msg, 5e-324), TR_ETIMEDOUT);
    ck_assert_int_eq(tr_inbox_request(NULL, TR_PID_NONE, 1, 1, own_question), TR_EINVAL);
    ck_assert_int_eq(tr_inbox_request(in, TR_PID_NONE, NAN, 1, own_question), TR_EINVAL);
    ck_assert_int_eq(tr_inbox_request(in, TR_PID_NONE, INFINITY, 1, own_question), 0);
    ck_assert_int_eq(tr_inbox_receive(in, &msg, INFINITY), 0);
    ck_assert_int_eq(tr_as(msg, tr_request_failed)->error, TR_EDEAD);
    tr_inbox_free(in);
    tr_inbox_free(NULL);
    return 0;
}

START_TEST(inboxes_of_tasks_refuse_null_and_bad_times)
{
    kit_start(2);
    drops = 0;
    ck_assert_int_eq(kit_in_task(1, use_inbox_badly, NULL), 0);
    kit_stop();
    ck_assert_uint_eq(drops, 3);
}
END_TEST

KIT_MAIN("asks", asking_refuses_bad_values, a_request_that_no_machine_has_is_out_of_memory,
         inboxes_of_tasks_refuse_null_and_bad_times)
