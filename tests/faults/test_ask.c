/* Asking, inboxes of tasks, and spawning from tasks while memory runs out: whatever fails says so,
 * nobody waits for ever, and all that is owned is dropped once or belongs to somebody. */
#include <stdlib.h>

#include "base/seam.h"
#include "support/actors.h"

/* A request that owns something; its answer, kit_owned, does, too. */
static void drop_request(void *payload);
typedef struct kit_owned tr_answer_of_own_ask;
TR__DESCRIBE(own_ask, __LINE__, "own_ask", &tr_type_kit_owned, drop_request);
struct own_ask {
    bool is_late; /* answered by somebody else, later */
};

static uint32_t asks;
static uint32_t asks_dropped;
static uint32_t answers;
static uint32_t answers_dropped;
static uint32_t answers_received;
static uint32_t messages;
static uint32_t messages_dropped;

static void drop_request(void *payload)
{
    (void)payload;
    kit_count(&asks_dropped);
}

/* ---- who is asked ---- */

TR_MESSAGE(answer_him)
{
    tr_asker who;
};

static int respond(tr_self *self, void *state, tr_msg *msg)
{
    const struct own_ask *asked = tr_as(msg, own_ask);
    const struct answer_him *later = tr_as(msg, answer_him);
    tr_asker who;

    (void)state;
    if (later == NULL && asked == NULL)
        return TR_UNHANDLED;
    who = later != NULL ? later->who : tr_take_asker(self);
    if (asked != NULL && asked->is_late) {
        if (tr_send(tr_self_pid(self), answer_him, .who = who) == 0)
            return 0;
    }
    kit_count(&answers);
    (void)tr_answer(who, kit_owned, .drops = &answers_dropped);
    return 0;
}

static const tr_actor_class plain_class = { .name = "plain", .receive = respond };
static const tr_actor_class await_class = { .name = "awaits", .receive = respond, .awaits = true };

/* ---- trials ---- */

enum { RESPONDERS = 4 };
#define LIMIT_S 0.02

typedef struct trial trial;
typedef void (*trial_fn)(trial *t);

struct trial {
    uint64_t n;
    bool lasting;
    bool struck;
    int loops;
    tr_pid responders[RESPONDERS]; /* on the first loop, and on the last */
    trial_fn fn;
};

/* What may happen to an ask; only where nothing has failed it must succeed. */
static void expect_result(int rc)
{
    ck_assert_msg(rc == 0 || rc == TR_ENOMEM || rc == TR_ETIMEDOUT, "gave %d", rc);
}

static void receive_answer(const struct kit_owned *answer)
{
    ck_assert_ptr_eq(answer->drops, &answers_dropped);
    kit_count(&answers_received);
}

static void ask_each(trial *t)
{
    for (int i = 0; i < 4 * RESPONDERS; i++) {
        tr_pid to = t->responders[i % RESPONDERS];
        bool wants_answer = i / RESPONDERS % 2;
        bool is_late = i / RESPONDERS / 2;
        struct kit_owned answer;
        int rc;

        kit_count(&asks);
        rc = wants_answer ? tr_ask(&answer, to, LIMIT_S, own_ask, .is_late = is_late)
                          : tr_ask(NULL, to, LIMIT_S, own_ask, .is_late = is_late);
        expect_result(rc);
        if (wants_answer && rc == 0)
            receive_answer(&answer);
        else if (wants_answer)
            ck_assert_ptr_null(answer.drops);
    }
}

static int await(tr_future *f)
{
    return tr_loop_current() < 0 ? tr_future_wait(f, KIT_PATIENCE_S) : tr_await(f);
}

static void nothing(tr_future *f, int status, void *arg)
{
    (void)f;
    (void)status;
    (void)arg;
}

/* Taken, left, called off, or not even looked at. */
static void end_future(tr_future *f, int how)
{
    void *value;

    if (how == 0 && await(f) == 0 && tr_future_take(f, &value) == 0) {
        receive_answer(value);
        free(value);
    } else if (how == 1) {
        expect_result(await(f));
    } else if (how == 2) {
        (void)tr_future_then(f, TR_LOOP_ANY, nothing, NULL);
        (void)tr_future_cancel(f);
    }
    tr_future_unref(f);
}

static void ask_futures(trial *t)
{
    for (int i = 0; i < 4 * RESPONDERS; i++) {
        tr_future *f;
        int rc;

        kit_count(&asks);
        rc = tr_ask_future(&f, t->responders[i % RESPONDERS], LIMIT_S, own_ask);
        ck_assert(rc == 0 || rc == TR_ENOMEM);
        ck_assert_int_eq(f == NULL, rc < 0);
        if (rc == 0)
            end_future(f, i / RESPONDERS);
    }
}

/* ---- running them ---- */

static int run_in_task(void *arg)
{
    trial *t = arg;

    tr__fault_arm(t->n, t->lasting);
    t->fn(t);
    if (t->lasting)
        t->struck = tr__fault_disarm();
    return 0;
}

static void begin(trial *t)
{
    asks = asks_dropped = answers = answers_dropped = answers_received = 0;
    messages = messages_dropped = 0;
    kit_start(t->loops);
    for (int i = 0; i < RESPONDERS; i++)
        t->responders[i] =
            kit_spawn(i % 2 ? &await_class : &plain_class, NULL, i / 2 * (t->loops - 1));
}

static void end(trial *t)
{
    if (!t->lasting)
        t->struck = tr__fault_disarm();
    for (int loop = 0; loop < t->loops; loop++)
        kit_settle(loop);
    kit_stop();
    ck_assert_uint_eq(asks, asks_dropped);
    ck_assert_uint_eq(answers, answers_dropped + answers_received);
    ck_assert_uint_eq(messages, messages_dropped);
}

/* In a task of the first loop, or in this thread. */
static bool try_once(trial *t, bool foreign)
{
    tr_future *f = NULL;

    begin(t);
    if (foreign) {
        (void)run_in_task(t);
    } else {
        ck_assert_int_eq(tr_submit(&f, TR_LOOP(0), run_in_task, t), 0);
        ck_assert_int_eq(tr_future_wait(f, KIT_PATIENCE_S), 0);
        tr_future_unref(f);
    }
    end(t);
    return t->struck;
}

static void try_every(trial_fn fn, bool foreign, int loops)
{
    /* A foreign thread that waits would wait behind what has no memory to land. */
    for (int lasting = 0; lasting <= !foreign; lasting++)
        for (uint64_t n = 1;; n++) {
            trial t = { .n = n, .lasting = lasting, .loops = loops, .fn = fn };

            if (!try_once(&t, foreign))
                break;
            ck_assert_uint_lt(n, 1000);
        }
}

START_TEST(a_task_asks_without_memory)
{
    try_every(ask_each, false, 1);
    try_every(ask_each, false, 2);
}
END_TEST

START_TEST(a_foreign_thread_asks_without_memory)
{
    try_every(ask_each, true, 1);
    try_every(ask_each, true, 2);
}
END_TEST

START_TEST(a_task_asks_for_futures_without_memory)
{
    try_every(ask_futures, false, 1);
    try_every(ask_futures, false, 2);
}
END_TEST

START_TEST(a_foreign_thread_asks_for_futures_without_memory)
{
    try_every(ask_futures, true, 1);
    try_every(ask_futures, true, 2);
}
END_TEST

/* ---- inboxes ---- */

static void use_inbox(trial *t)
{
    tr_inbox *in;
    tr_msg *msg;
    int rc = tr_inbox_new(&in, 10);
    int expected = 0;

    ck_assert(rc == 0 || rc == TR_ENOMEM);
    ck_assert_int_eq(in == NULL, rc < 0);
    if (rc < 0)
        return;
    for (int i = 0; i < 3; i++) {
        kit_count(&messages);
        expected += tr_send(tr_inbox_pid(in), kit_owned, .drops = &messages_dropped) == 0;
        kit_count(&messages);
        expected += tr_send(tr_inbox_pid(in), kit_owned_large, .drops = &messages_dropped) == 0;
    }
    for (uint64_t i = 0; i < RESPONDERS; i++) {
        kit_count(&asks);
        expected += tr_inbox_request(in, t->responders[i], LIMIT_S, i, own_ask) == 0;
    }
    /* What was accepted comes; answers are dropped with their messages. */
    while (expected > 0 && tr_inbox_receive(in, &msg, 10 * LIMIT_S) == 0)
        expected--;
    ck_assert_int_eq(expected, 0);
    tr_inbox_free(in);
}

START_TEST(an_inbox_of_a_task_works_without_memory)
{
    try_every(use_inbox, false, 1);
    try_every(use_inbox, false, 2);
}
END_TEST

/* ---- spawning elsewhere ---- */

static uint32_t inits;

static int count_init(tr_self *self, void *state, const void *args)
{
    (void)self;
    (void)state;
    (void)args;
    kit_count(&inits);
    return 0;
}

static const tr_actor_class start_classes[] = {
    { .name = "plain", .receive = respond, .init = count_init },
    { .name = "state", .receive = respond, .init = count_init, .state_size = 9000, .args_size = 9 },
    { .name = "awaits",
      .receive = respond,
      .init = count_init,
      .mailbox_limit = 5,
      .awaits = true },
};

static void spawn_elsewhere(trial *t)
{
    static const char args[9];

    for (size_t i = 0; i < sizeof(start_classes) / sizeof(start_classes[0]); i++)
        for (int loop = 0; loop < t->loops; loop++) {
            uint32_t before = kit_counted(&inits);
            tr_pid pid;
            int rc = tr_spawn_with(&pid, &start_classes[i], args,
                                   &(tr_spawn_options){ .on = TR_LOOP(loop) });

            ck_assert_msg(rc == 0 || rc == TR_ENOMEM, "gave %d", rc);
            ck_assert_int_eq(tr_pid_is_none(pid), rc < 0);
            ck_assert_uint_eq(kit_counted(&inits), before + (rc == 0));
        }
}

START_TEST(a_task_spawns_elsewhere_without_memory)
{
    try_every(spawn_elsewhere, false, 2);
    try_every(spawn_elsewhere, false, 3);
}
END_TEST

KIT_MAIN("ask", a_task_asks_without_memory, a_foreign_thread_asks_without_memory,
         a_task_asks_for_futures_without_memory, a_foreign_thread_asks_for_futures_without_memory,
         an_inbox_of_a_task_works_without_memory, a_task_spawns_elsewhere_without_memory)
