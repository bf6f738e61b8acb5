/* Many asks at once: ten thousand tasks that wait for one actor, ten thousand actors that are
 * suspended, and a storm of asks of which many are given up, or never answered. */
#include <errno.h>
#include <pthread.h>
#include <string.h>

#include "support/gate.h"
#include "support/told.h"

/* Each has a stack; sanitizers take many times as much for each. */
#ifdef __SANITIZE_THREAD__
enum { MOST = 1000, ROUNDS = 20 };
#elif defined(__SANITIZE_ADDRESS__) || KIT_EMULATED
enum { MOST = 2000, ROUNDS = 50 };
#else
enum { MOST = 10000, ROUNDS = 200 };
#endif

/* ---- asks in flight ---- */

/* Answers nobody before all have asked; then the last one first. */
static tr_asker waiting[MOST];
static int waiting_count;

static int gather_receive(tr_self *self, void *state, tr_msg *msg)
{
    const struct kit_ask *asked = tr_as(msg, kit_ask);

    if (asked == NULL)
        return kit_act_or_unhandled(self, state, msg);
    ck_assert_int_lt(waiting_count, MOST);
    waiting[waiting_count++] = tr_take_asker(self);
    if (waiting_count < MOST)
        return 0;
    while (waiting_count > 0) {
        waiting_count--;
        ck_assert_int_eq(tr_answer(waiting[waiting_count], kit_value, .a = waiting_count), 0);
    }
    return 0;
}

static const tr_actor_class gather_class = { .name = "gathering", .receive = gather_receive };

static int ask_once(void *arg)
{
    struct kit_value answer;
    int rc = tr_ask(&answer, *(const tr_pid *)arg, TR_FOREVER, kit_ask, .a = 1);

    return rc < 0 ? rc : (int)answer.a;
}

static void expect_each_number_once(tr_future *const *f)
{
    static bool seen[MOST];

    memset(seen, 0, sizeof(seen));
    for (int i = 0; i < MOST; i++) {
        int number = tr_future_wait(f[i], KIT_PATIENCE_S);

        ck_assert_int_ge(number, 0);
        ck_assert_int_lt(number, MOST);
        ck_assert(!seen[number]);
        seen[number] = true;
        tr_future_unref(f[i]);
    }
}

START_TEST(ten_thousand_tasks_wait_for_one_actor)
{
    static tr_future *f[MOST];

    for (int loops = 1; loops <= 2; loops++) {
        tr_pid pid;

        kit_start(loops);
        pid = kit_spawn(&gather_class, NULL, 0);
        for (int i = 0; i < MOST; i++)
            ck_assert_int_eq(tr_submit(&f[i], TR_LOOP(i % loops), ask_once, &pid), 0);
        expect_each_number_once(f);
        kit_stop();
    }
}
END_TEST

START_TEST(ten_thousand_futures_wait_for_one_actor)
{
    static tr_future *f[MOST];

    for (int loop = 0; loop < 2; loop++) {
        tr_pid pid;

        kit_start(2);
        pid = kit_spawn(&gather_class, NULL, loop);
        for (int i = 0; i < MOST; i++)
            ck_assert_int_eq(tr_ask_future(&f[i], pid, 1000, kit_ask, .a = 1), 0);
        for (int i = 0; i < MOST; i++) {
            ck_assert_int_eq(tr_future_wait(f[i], KIT_PATIENCE_S), 0);
            ck_assert_int_lt(((struct kit_value *)tr_future_peek(f[i]))->a, MOST);
            tr_future_unref(f[i]);
        }
        kit_stop();
    }
}
END_TEST

/* ---- actors that are suspended ---- */

static kit_gate gate;

static int pass_and_answer(tr_self *self, void *state, tr_msg *msg)
{
    int rc = kit_gate_pass(&gate);

    (void)state;
    (void)msg;
    return rc < 0 ? rc : tr_reply(self, kit_value, .a = 1);
}

static const tr_actor_class gated_class = {
    .name = "gated",
    .receive = pass_and_answer,
    .awaits = true,
};

/* Ask that many, which all wait; how they end. */
static void suspend_all(bool stop, int rc)
{
    static tr_pid pids[MOST];
    static tr_future *f[MOST];

    kit_start(2);
    kit_gate_init(&gate);
    for (int i = 0; i < MOST; i++) {
        pids[i] = kit_spawn(&gated_class, NULL, i % 2);
        ck_assert_int_eq(tr_ask_future(&f[i], pids[i], TR_FOREVER, kit_ask, .a = 1), 0);
    }
    kit_gate_await(&gate, MOST);
    if (!stop)
        kit_gate_open(&gate);
    for (int i = 0; stop && i < MOST; i++)
        ck_assert_int_eq(i % 3 ? tr_stop(pids[i]) : tr_kill(pids[i]), 0);
    for (int i = 0; i < MOST; i++) {
        ck_assert_int_eq(tr_future_wait(f[i], KIT_PATIENCE_S), rc);
        tr_future_unref(f[i]);
    }
    kit_stop();
    kit_gate_fini(&gate);
}

START_TEST(ten_thousand_actors_are_suspended_at_once)
{
    suspend_all(false, 0);
}
END_TEST

START_TEST(ten_thousand_suspended_actors_are_stopped_at_once)
{
    suspend_all(true, TR_EDEAD);
}
END_TEST

START_TEST(a_shutdown_ends_ten_thousand_that_are_suspended)
{
    static tr_future *f[MOST];

    kit_start(2);
    kit_gate_init(&gate);
    for (int i = 0; i < MOST; i++) {
        tr_pid pid = kit_spawn(&gated_class, NULL, i % 2);

        ck_assert_int_eq(tr_ask_future(&f[i], pid, TR_FOREVER, kit_ask, .a = 1), 0);
    }
    kit_gate_await(&gate, MOST);
    kit_stop();
    kit_gate_fini(&gate);
    for (int i = 0; i < MOST; i++) {
        int rc = tr_future_status(f[i]);

        /* Its actor ended first, or its loop did. */
        ck_assert(rc == TR_EDEAD || rc == TR_ESHUTDOWN);
        tr_future_unref(f[i]);
    }
}
END_TEST

/* ---- a storm ---- */

enum { ACTORS = 40, ASKERS = 60, THREADS = 3, LOOPS = 3 };

static tr_pid crew[ACTORS];

static uint64_t roll(uint64_t *seed)
{
    *seed ^= *seed << 13;
    *seed ^= *seed >> 7;
    *seed ^= *seed << 17;
    return *seed >> 8;
}

/* Everything that an ask may come to here. */
static void expect_possible(int rc)
{
    ck_assert_msg(rc >= 0 || rc == TR_ETIMEDOUT || rc == TR_EDEAD || rc == TR_EFULL ||
                      rc == TR_EUNHANDLED || rc == TR_EDEADLK || rc == TR_ECANCELED ||
                      rc == TR_ESHUTDOWN || rc == -EIO,
                  "an ask gave %d", rc);
}

/* a: how many more asks it leads to; b is the dice. */
TR_REQUEST(storm_ask, kit_value)
{
    int64_t depth;
    uint64_t dice;
};

static int storm_ask_one(uint64_t *dice, int64_t depth)
{
    static const double limits[] = { 0.0001, 0.001, 0.002, 0.005 };
    tr_pid to = crew[roll(dice) % ACTORS];
    double limit = limits[roll(dice) % 4];
    struct kit_value answer;
    int rc;

    if (roll(dice) % 2)
        rc = tr_ask(NULL, to, limit, storm_ask, .depth = depth, .dice = roll(dice));
    else
        rc = tr_ask(&answer, to, limit, storm_ask, .depth = depth, .dice = roll(dice));
    expect_possible(rc);
    return rc;
}

struct ask_child_args {
    uint64_t dice;
    int64_t depth;
};

static int ask_child(void *arg)
{
    struct ask_child_args *a = arg;

    return storm_ask_one(&a->dice, a->depth) == TR_EDEAD ? -EIO : 0; /* which cancels the others */
}

/* Two tasks of the handler's ask at the same time. */
static void ask_in_scope(uint64_t *dice, int64_t depth)
{
    int rc;

    TR_SCOPE(s, &rc) {
        (void)tr_go(s, ask_child, .dice = roll(dice) | 1, .depth = depth);
        (void)tr_go(s, ask_child, .dice = roll(dice) | 1, .depth = depth);
        (void)storm_ask_one(dice, depth);
    }
    expect_possible(rc);
}

/* A task of its own forwards what the handler has kept. */
static int forward_later(void *arg)
{
    (void)tr_sleep(0.0002);
    (void)tr_forward(arg, crew[(uintptr_t)arg / 64 % ACTORS]); /* its asker is told of a failure */
    return 0;
}

static int hand_over(tr_msg *msg)
{
    tr_msg *kept = tr_msg_keep(msg);

    if (tr_task_spawn(NULL, forward_later, kept) < 0)
        tr_msg_free(kept); /* a shutdown */
    return 0;
}

static int storm_receive(tr_self *self, void *state, tr_msg *msg)
{
    const struct storm_ask *asked = tr_as(msg, storm_ask);
    uint64_t dice = asked != NULL ? asked->dice | 1 : 1;

    (void)state;
    if (asked == NULL)
        return TR_UNHANDLED;
    switch (roll(&dice) % 16) {
    case 0:
        return 0; /* its own limit ends it */
    case 1:
        return tr_reply_error(self, -EIO);
    case 2:
        return TR_UNHANDLED;
    case 3:
        return tr_forward(msg, crew[roll(&dice) % ACTORS]);
    case 4:
        if (tr_sleep(0.0005) < 0)
            return TR_ECANCELED;
        break;
    case 5:
        (void)tr_yield();
        break;
    case 6:
        return hand_over(msg);
    case 7:
        if (asked->depth > 0)
            ask_in_scope(&dice, asked->depth - 1);
        break;
    case 8:
        TR_SHIELD(0.001) {
            (void)tr_sleep(0.0005);
        }
        break;
    default:
        if (asked->depth > 0)
            (void)storm_ask_one(&dice, asked->depth - 1);
    }
    return tr_reply(self, kit_value, .a = asked->depth);
}

static const tr_actor_class storm_classes[] = {
    { .name = "awaiting", .receive = storm_receive, .awaits = true },
    { .name = "limited",
      .receive = storm_receive,
      .awaits = true,
      .mailbox_limit = 3,
      .on_full = TR_FULL_DROP_OLD },
};

static int ask_in_storm(void *arg)
{
    uint64_t dice = (uint64_t)(uintptr_t)arg * 2654435761U + 1;

    for (int i = 0; i < ROUNDS; i++) {
        int rc = 0;

        if (roll(&dice) % 4 != 0) {
            rc = storm_ask_one(&dice, 3);
        } else {
            TR_DEADLINE(0.001, &rc) {
                rc = storm_ask_one(&dice, 3);
            }
        }
        expect_possible(rc);
    }
    return 0;
}

static void *ask_from_thread(void *arg)
{
    uint64_t dice = (uint64_t)(uintptr_t)arg * 40503 + 7;

    for (int i = 0; i < ROUNDS; i++) {
        tr_future *f;

        ck_assert_int_eq(tr_ask_future(&f, crew[roll(&dice) % ACTORS], 0.005, storm_ask, .depth = 2,
                                       .dice = roll(&dice)),
                         0);
        if (roll(&dice) % 2)
            (void)tr_future_cancel(f);
        if (roll(&dice) % 2)
            expect_possible(tr_future_wait(f, KIT_PATIENCE_S));
        else
            (void)tr_future_status(f);
        tr_future_unref(f);
        (void)storm_ask_one(&dice, 2);
    }
    return NULL;
}

/* Begin it; some of the crew are stopped in the middle of it. */
static void rage(bool shut_down_early)
{
    tr_future *f[ASKERS];
    pthread_t threads[THREADS];

    kit_start(LOOPS);
    for (int i = 0; i < ACTORS; i++)
        crew[i] = kit_spawn(&storm_classes[i % 5 == 0], NULL, i % LOOPS);
    for (uintptr_t i = 0; i < ASKERS; i++)
        ck_assert_int_eq(tr_submit(&f[i], TR_LOOP((int)i % LOOPS), ask_in_storm, (void *)(i + 1)),
                         0);
    for (uintptr_t i = 0; i < THREADS && !shut_down_early; i++)
        ck_assert_int_eq(pthread_create(&threads[i], NULL, ask_from_thread, (void *)(i + 1)), 0);
    for (int i = 0; i < ACTORS / 4; i++)
        ck_assert_int_eq(i % 2 ? tr_stop(crew[i]) : tr_kill(crew[i]), 0);
    for (int i = 0; i < ASKERS && !shut_down_early; i++)
        ck_assert_int_eq(tr_future_wait(f[i], KIT_PATIENCE_S), 0);
    for (int i = 0; i < THREADS && !shut_down_early; i++)
        pthread_join(threads[i], NULL);
    kit_stop();
    for (int i = 0; i < ASKERS; i++)
        tr_future_unref(f[i]);
}

START_TEST(in_a_storm_each_ask_ends_once)
{
    rage(false);
}
END_TEST

START_TEST(a_shutdown_ends_the_storm)
{
    for (int i = 0; i < 5; i++)
        rage(true);
}
END_TEST

/* ---- a shutdown, and threads that ask all the time ---- */

static tr_pid target;

static void *ask_until_shutdown(void *arg)
{
    bool wants_future = (uintptr_t)arg % 2;
    tr_future *f;
    int rc = 0;

    while (rc != TR_ESHUTDOWN) {
        if (!wants_future) {
            rc = tr_ask(NULL, target, TR_FOREVER, kit_ask, .a = TOLD_ANSWER);
            ck_assert(rc == 0 || rc == TR_EDEAD || rc == TR_ESHUTDOWN);
            continue;
        }
        rc = tr_ask_future(&f, target, TR_FOREVER, kit_ask, .a = TOLD_ANSWER);
        ck_assert(rc == 0 || rc == TR_ESHUTDOWN);
        if (rc == 0)
            (void)tr_future_cancel(f);
        tr_future_unref(f);
    }
    return NULL;
}

START_TEST(a_shutdown_meets_threads_that_ask)
{
    pthread_t threads[4];

    for (int i = 0; i < ROUNDS; i++) {
        kit_start(2);
        target = kit_spawn(&told_class, NULL, i % 2);
        for (uintptr_t t = 0; t < 4; t++)
            ck_assert_int_eq(pthread_create(&threads[t], NULL, ask_until_shutdown, (void *)t), 0);
        ck_assert_int_eq(tr_ask(NULL, target, TR_FOREVER, kit_ask, .a = TOLD_ANSWER), 0);
        ck_assert_int_eq(tr_shutdown(KIT_PATIENCE_S), 0);
        for (int t = 0; t < 4; t++)
            pthread_join(threads[t], NULL);
        kit_expect_balance();
    }
}
END_TEST

KIT_MAIN("asks", ten_thousand_tasks_wait_for_one_actor, ten_thousand_futures_wait_for_one_actor,
         ten_thousand_actors_are_suspended_at_once,
         ten_thousand_suspended_actors_are_stopped_at_once,
         a_shutdown_ends_ten_thousand_that_are_suspended, in_a_storm_each_ask_ends_once,
         a_shutdown_ends_the_storm, a_shutdown_meets_threads_that_ask)
