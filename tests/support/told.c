/* An actor that is told by each ask what to do with it. */
#include "support/told.h"

#include <errno.h>
#include <sched.h>

tr_asker told_taken;
uint32_t told_takes;

void told_await_takes(uint32_t takes)
{
    while (kit_counted(&told_takes) < takes)
        sched_yield();
}

int64_t told_outcome(int64_t what)
{
    static const int64_t outcomes[] = {
        [TOLD_ANSWER] = 100,
        [TOLD_ANSWER_TWICE] = 101,
        [TOLD_ANSWER_ERROR] = -EIO,
        [TOLD_ANSWER_WRONG_TYPE] = TR_EPROTO,
        [TOLD_FAIL] = TR_EDEAD,
        [TOLD_EXIT] = TR_EDEAD,
        [TOLD_EXIT_AND_DEAD_SEND] = TR_EDEAD,
        [TOLD_UNHANDLED] = TR_EUNHANDLED,
        [TOLD_KEEP_AND_FREE] = TR_EUNHANDLED,
        [TOLD_TAKE_TWICE] = 200,
        [TOLD_BAD_ERROR] = 300,
        [TOLD_DEAD_SEND] = 400,
    };

    return outcomes[what];
}

static int take_twice(tr_self *self)
{
    tr_asker who = tr_take_asker(self);

    ck_assert(!tr_asker_is_none(who));
    ck_assert(tr_asker_is_none(tr_take_asker(self)));
    /* It counts as answered: this does nothing. */
    ck_assert_int_eq(tr_reply(self, kit_value, .a = 1), 0);
    return tr_answer(who, kit_value, .a = 200);
}

static int do_as_told(tr_self *self, int64_t what, tr_msg *msg)
{
    switch (what) {
    case TOLD_ANSWER:
        return tr_reply(self, kit_value, .a = 100);
    case TOLD_ANSWER_TWICE:
        ck_assert_int_eq(tr_reply(self, kit_value, .a = 101), 0);
        ck_assert_int_eq(tr_reply_error(self, -EIO), 0);
        return tr_reply(self, kit_value, .a = 102);
    case TOLD_ANSWER_ERROR:
        return tr_reply_error(self, -EIO);
    case TOLD_ANSWER_WRONG_TYPE:
        ck_assert_int_eq(tr_reply(self, kit_large, .a = 1), TR_EPROTO);
        return 0;
    case TOLD_IGNORE:
        return 0;
    case TOLD_FAIL:
        return -EIO;
    case TOLD_EXIT:
        return tr_exit(self, 0);
    case TOLD_EXIT_AND_DEAD_SEND:
        ck_assert_int_eq(tr_exit(self, 0), 0);
        return tr_send(TR_PID_NONE, kit_notice);
    case TOLD_UNHANDLED:
        return TR_UNHANDLED;
    case TOLD_TAKE:
        told_taken = tr_take_asker(self);
        kit_count(&told_takes);
        return 0;
    case TOLD_KEEP_AND_FREE:
        tr_msg_free(tr_msg_keep(msg));
        ck_assert(tr_asker_is_none(tr_take_asker(self)));
        return 0;
    case TOLD_TAKE_TWICE:
        return take_twice(self);
    case TOLD_BAD_ERROR:
        ck_assert_int_eq(tr_reply_error(self, 0), TR_EINVAL);
        ck_assert_int_eq(tr_reply_error(self, 5), TR_EINVAL);
        return tr_reply(self, kit_value, .a = 300);
    default:
        (void)tr_reply(self, kit_value, .a = 400);
        return tr_send(TR_PID_NONE, kit_notice);
    }
}

int told_receive(tr_self *self, void *state, tr_msg *msg)
{
    const struct kit_ask *asked = tr_as(msg, kit_ask);

    if (asked != NULL)
        return do_as_told(self, asked->a, msg);
    if (tr_is(msg, told_query))
        return tr_reply(self, kit_value, .a = 500);
    return kit_act_or_unhandled(self, state, msg);
}

const tr_actor_class told_class = { .name = "told", .receive = told_receive };

int told_ask(void *asking)
{
    told_asking *a = asking;
    int rc;

    a->answer = (struct kit_value){ .a = -1, .b = -1 };
    rc = tr_ask(&a->answer, a->to, a->timeout, kit_ask, .a = a->what);
    if (rc < 0) {
        ck_assert_int_eq(a->answer.a, 0);
        ck_assert_int_eq(a->answer.b, 0);
    }
    return rc;
}

int told_ask_from(int loop, told_asking *a)
{
    return loop == TOLD_FOREIGN ? told_ask(a) : kit_in_task(loop, told_ask, a);
}

int told_occupy(tr_self *self, void *go)
{
    (void)self;
    while (kit_counted(go) == 0)
        sched_yield();
    return 0;
}
