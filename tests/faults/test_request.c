/* Asking and answering while memory runs out: each request that was accepted gets exactly one of an
 * answer and a failure, one that was refused gets nothing. */
#include <sched.h>

#include "base/atomic.h"
#include "base/seam.h"
#include "support/kit.h"

TR_REQUEST(question, kit_value)
{
    int64_t kind;
    tr_pid other;
};
TR_MESSAGE(begin_asking)
{
    struct trial *trial;
};

enum kind {
    REPLY,
    REPLY_ERROR,
    TAKE_AND_ANSWER,
    TAKE_AND_FAIL,
    UNHANDLED,
    WRONG_TYPE,
    FORWARD,
    KEEP_AND_FREE,
    IGNORE,
    FAIL,
    KINDS
};

typedef struct trial {
    tr_pid responder;
    tr_pid second;
    double timeout_s;
    uint64_t n;
    bool lasting;
    bool struck;
    bool has_silent; /* ask what is answered by the time limit only, too */
    uint32_t accepted;
    uint32_t begun;
    uint32_t outcomes; /* acquire, release: the asker's loop writes, the test reads */
    uint32_t outcome_of[KINDS + 1];
} trial;

/* ---- the one who is asked ---- */

static int take_and_answer(tr_self *self, bool with_error)
{
    tr_asker who = tr_take_asker(self);

    (void)(with_error ? tr_answer_error(who, -7) : tr_answer(who, kit_value, .a = 1));
    return tr_answer_error(who, -8) <= 0 ? 0 : -1; /* only the first one counts */
}

static int respond(tr_self *self, void *state, tr_msg *msg)
{
    const struct question *asked = tr_as(msg, question);

    (void)state;
    if (asked == NULL)
        return TR_UNHANDLED;
    switch ((enum kind)asked->kind) {
    case REPLY:
        (void)tr_reply(self, kit_value, .a = 1);
        return 0;
    case REPLY_ERROR:
        (void)tr_reply_error(self, -5);
        return 0;
    case TAKE_AND_ANSWER:
    case TAKE_AND_FAIL:
        return take_and_answer(self, asked->kind == TAKE_AND_FAIL);
    case UNHANDLED:
        return TR_UNHANDLED;
    case WRONG_TYPE:
        (void)tr_reply(self, kit_large, .a = 1);
        return 0;
    case FORWARD:
        (void)tr_forward(msg, asked->other);
        return 0;
    case KEEP_AND_FREE:
        tr_msg_free(tr_msg_keep(msg));
        return 0;
    case FAIL:
        return -6;
    default:
        return 0;
    }
}

static int reply_always(tr_self *self, void *state, tr_msg *msg)
{
    (void)state;
    (void)msg;
    (void)tr_reply(self, kit_value, .a = 2);
    return 0;
}

static const tr_actor_class responder_class = { .name = "responder", .receive = respond };
static const tr_actor_class second_class = { .name = "second", .receive = reply_always };

/* ---- the one who asks ---- */

static void note(trial *t, uint64_t tag)
{
    ck_assert_uint_ge(tag, 1);
    ck_assert_uint_le(tag, KINDS);
    ck_assert_uint_eq(t->outcome_of[tag], 1); /* it was accepted, and nothing has come yet */
    t->outcome_of[tag]++;
    (void)tr__add_ordered_u32(&t->outcomes, 1); /* ordered: a counter */
}

static void ask_all(tr_self *self, trial *t)
{
    tr__fault_arm(t->n, t->lasting);
    for (int kind = 0; kind < KINDS; kind++) {
        int rc;

        if (kind == IGNORE && !t->has_silent)
            continue;
        rc = tr_request(self, t->responder, kind == IGNORE ? 0.001 : t->timeout_s,
                        (uint64_t)kind + 1, question, .kind = kind, .other = t->second);
        ck_assert(rc == 0 || rc == TR_ENOMEM);
        t->outcome_of[kind + 1] = rc == 0;
        t->accepted += rc == 0;
    }
    if (t->lasting)
        t->struck = tr__fault_disarm();
    tr__store_release_u32(&t->begun, 1); /* release: accepted is set */
}

static int ask(tr_self *self, void *state, tr_msg *msg)
{
    trial **t = state;
    const struct begin_asking *begin = tr_as(msg, begin_asking);
    const struct tr_request_failed *failed = tr_as(msg, tr_request_failed);

    if (begin != NULL) {
        *t = begin->trial;
        ask_all(self, *t);
    } else if (failed != NULL) {
        ck_assert_int_lt(failed->error, 0);
        ck_assert_uint_eq(failed->tag, tr_msg_tag(msg));
        note(*t, failed->tag);
    } else {
        ck_assert(tr_is(msg, kit_value));
        note(*t, tr_msg_tag(msg));
    }
    return 0;
}

static const tr_actor_class asker_class = {
    .name = "asker",
    .state_size = sizeof(trial *),
    .receive = ask,
};

static tr_pid spawn_on(const tr_actor_class *cls, int loop)
{
    tr_pid pid;

    ck_assert_int_eq(tr_spawn_with(&pid, cls, NULL, &(tr_spawn_options){ .on = TR_LOOP(loop) }), 0);
    return pid;
}

static bool try_once(int loops, trial *t)
{
    tr_pid asker;

    kit_start(loops);
    asker = spawn_on(&asker_class, 0);
    t->responder = spawn_on(&responder_class, loops - 1);
    t->second = spawn_on(&second_class, loops > 2 ? 1 : 0);
    ck_assert_int_eq(tr_send(asker, begin_asking, .trial = t), 0);
    /* acquire: accepted is set before begun, and nothing but outcomes changes then. */
    while (tr__load_acquire_u32(&t->begun) == 0 ||
           tr__load_acquire_u32(&t->outcomes) < t->accepted) /* acquire: a counter */
        sched_yield();
    if (!t->lasting)
        t->struck = tr__fault_disarm();
    for (int loop = 0; loop < loops; loop++)
        kit_settle(loop);
    kit_stop();
    ck_assert_uint_eq(t->outcomes, t->accepted);
    return t->struck;
}

static void try_every(int loops, double timeout_s, bool has_silent)
{
    for (int lasting = 0; lasting < 2; lasting++)
        for (uint64_t n = 1;; n++) {
            trial t = {
                .n = n,
                .lasting = lasting,
                .timeout_s = timeout_s,
                .has_silent = has_silent,
            };

            if (!try_once(loops, &t))
                break;
            ck_assert_uint_lt(n, 1000);
        }
}

START_TEST(request_on_one_loop_gets_one_outcome_without_a_time_limit)
{
    try_every(1, TR_FOREVER, false);
}
END_TEST

START_TEST(request_on_one_loop_gets_one_outcome)
{
    try_every(1, 0.05, true);
    try_every(1, 0.0, true);
}
END_TEST

START_TEST(request_across_loops_gets_one_outcome)
{
    try_every(2, 0.05, true);
    try_every(3, 0.05, true);
}
END_TEST

KIT_MAIN("request", request_on_one_loop_gets_one_outcome_without_a_time_limit,
         request_on_one_loop_gets_one_outcome, request_across_loops_gets_one_outcome)
