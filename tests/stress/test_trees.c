/* Trees of tasks that grow at random over all loops, with deadlines, shields, failures and
 * cancellations from everywhere; after each block what it says must fit what happened in it. */
#include <sched.h>

#include "base/seam.h"
#include "support/actors.h"
#include "support/kit.h"

#if defined(__SANITIZE_THREAD__) || defined(__SANITIZE_ADDRESS__) || KIT_EMULATED
enum { ROUNDS = 30 };
#else
enum { ROUNDS = 100 };
#endif

enum { LOOPS = 3, DEEPEST = 4, FAILURE = -100 };

/* What happened in one scope; of all loops. */
typedef struct history {
    uint32_t cancelled; /* children that were */
    uint32_t failed;
    uint32_t begun;
    uint32_t ended;
} history;

struct grow_args {
    uint64_t dice;
    int depth;
    history *history;
};

static tr_pid repliers[LOOPS];
static uint32_t all_begun;
static uint32_t is_ending; /* a shutdown may have begun */

static unsigned throw_dice(uint64_t *dice, unsigned sides)
{
    *dice = *dice * UINT64_C(6364136223846793005) + UINT64_C(1442695040888963407);
    return (unsigned)(*dice >> 33) % sides;
}

static double short_time(uint64_t *dice)
{
    return throw_dice(dice, 8) * 0.0002;
}

/* ---- what a task does ---- */

static int grow(void *arg);

static int sleep_and_give(void *seconds)
{
    return tr_sleep(*(double *)seconds);
}

static int wait_for_another(uint64_t *dice)
{
    double seconds = short_time(dice);
    tr_task *task;
    int rc =
        tr_task_spawn_on(&task, TR_LOOP((int)throw_dice(dice, LOOPS)), sleep_and_give, &seconds);

    if (rc == TR_ESHUTDOWN && kit_counted(&is_ending) != 0)
        return 0;
    ck_assert_int_eq(rc, 0);
    rc = tr_task_wait(task, short_time(dice));
    ck_assert(tr_future_is_done(tr_task_future(task)));
    tr_task_unref(task);
    if (rc == TR_ECANCELED && !tr_cancel_requested()) {
        ck_assert_uint_ne(kit_counted(&is_ending), 0); /* a shutdown has cancelled the other one */
        return 0;
    }
    ck_assert(rc == 0 || rc == TR_ETIMEDOUT || rc == TR_ECANCELED);
    return rc == TR_ETIMEDOUT ? 0 : rc;
}

static int ask_somebody(uint64_t *dice)
{
    struct kit_value answer;
    int64_t a = throw_dice(dice, 1000);
    int rc = tr_ask(&answer, repliers[throw_dice(dice, LOOPS)], KIT_PATIENCE_S, kit_ask, .a = a);

    ck_assert(rc == 0 || (rc == TR_ECANCELED && tr_cancel_requested()));
    ck_assert_int_eq(answer.a, rc == 0 ? a : 0);
    return rc;
}

/* Children on all loops; returns what the block says, after a look whether that is right. */
static int branch_out(uint64_t *dice, int depth)
{
    history h = { 0 };
    bool is_cancelled_within = false;
    unsigned children = throw_dice(dice, 5);
    uint32_t accepted = 0;
    int rc = 1;

    TR_SCOPE(s, &rc) {
        for (unsigned i = 0; i < children; i++) {
            struct grow_args args = { *dice + i, depth + 1, &h };
            int loop = (int)throw_dice(dice, LOOPS + 1);
            int spawned = tr_go_on(s, loop, grow, args.dice, args.depth, args.history);

            ck_assert(spawned == 0 || (spawned == TR_ECANCELED && tr_cancel_requested()));
            accepted += spawned == 0;
        }
        if (throw_dice(dice, 3) == 0)
            (void)tr_sleep(short_time(dice));
        if (throw_dice(dice, 8) == 0)
            is_cancelled_within = tr_scope_cancel(s) == 1;
        if (throw_dice(dice, 8) == 0)
            (void)tr_scope_join(s);
    }
    ck_assert_uint_eq(kit_counted(&h.begun), accepted);
    ck_assert_uint_eq(kit_counted(&h.ended), accepted);
    if (kit_counted(&h.failed) > 0)
        ck_assert_int_eq(rc, FAILURE);
    else
        ck_assert_int_eq(rc, tr_cancel_requested() ? TR_ECANCELED : 0);
    if (rc == 0 && !is_cancelled_within)
        ck_assert_uint_eq(kit_counted(&h.cancelled), 0); /* none is cancelled for no reason */
    return rc;
}

static int act(uint64_t *dice, int depth);

static int act_in_deadline(uint64_t *dice, int depth)
{
    double seconds = short_time(dice);
    uint64_t due_ns = tr__now_ns() + (uint64_t)(seconds * 1e9);
    int rc;

    TR_DEADLINE(seconds, &rc) {
        ck_assert(tr_deadline_left() <= seconds);
        rc = act(dice, depth);
    }
    if (rc == TR_ETIMEDOUT)
        ck_assert_uint_ge(tr__now_ns(), due_ns);
    if (rc == TR_ECANCELED)
        ck_assert(tr_cancel_requested()); /* from outside */
    return rc == TR_ETIMEDOUT ? 0 : rc;
}

static int act_in_shield(uint64_t *dice, int depth)
{
    bool before = tr_cancel_requested();
    int rc;

    TR_SHIELD(TR_FOREVER) {
        ck_assert(!tr_cancel_requested());
        rc = act(dice, depth);
        ck_assert_int_ne(rc, TR_ECANCELED);
    }
    ck_assert(!before || tr_cancel_requested());
    return rc;
}

/* 0, FAILURE, or TR_ECANCELED. */
static int act(uint64_t *dice, int depth)
{
    switch (throw_dice(dice, depth < DEEPEST ? 12 : 7)) {
    case 0:
        return tr_sleep(short_time(dice));
    case 1:
        return tr_yield();
    case 2:
        return wait_for_another(dice);
    case 3:
    case 4:
        return ask_somebody(dice);
    case 5:
        return act_in_deadline(dice, depth);
    case 6:
        return act_in_shield(dice, depth);
    case 7:
        return throw_dice(dice, 4) == 0 ? FAILURE : 0;
    default:
        return branch_out(dice, depth);
    }
}

static int grow(void *arg)
{
    struct grow_args *a = arg;
    unsigned acts = throw_dice(&a->dice, 6);
    int rc = 0;

    kit_count(&a->history->begun);
    kit_count(&all_begun);
    for (unsigned i = 0; i < acts && rc == 0; i++)
        rc = act(&a->dice, a->depth);
    if (rc == FAILURE)
        kit_count(&a->history->failed);
    if (rc == TR_ECANCELED) {
        ck_assert(tr_cancel_requested());
        kit_count(&a->history->cancelled);
    }
    kit_count(&a->history->ended);
    return rc;
}

/* ---- trees ---- */

static int reply(tr_self *self, void *state, tr_msg *msg)
{
    (void)state;
    return tr_is(msg, kit_ask) ? tr_reply(self, kit_value, .a = tr_as(msg, kit_ask)->a)
                               : TR_UNHANDLED;
}

static const tr_actor_class replier_class = { .name = "replier", .receive = reply };

static void plant(int round)
{
    enum { ROOTS = 8 };
    history h[ROOTS] = { { 0 } };
    struct grow_args args[ROOTS];
    tr_future *f[ROOTS];

    for (int i = 0; i < ROOTS; i++) {
        args[i] = (struct grow_args){ (uint64_t)(round * ROOTS + i) * 7919, 0, &h[i] };
        ck_assert_int_eq(tr_submit(&f[i], TR_LOOP(i % LOOPS), grow, &args[i]), 0);
    }
    for (int i = 0; i < ROOTS; i++) {
        int rc;

        if (i % 3 == 2)
            (void)tr_future_cancel(f[i]);
        rc = tr_future_wait(f[i], KIT_PATIENCE_S);
        ck_assert(rc == 0 || rc == FAILURE || (rc == TR_ECANCELED && i % 3 == 2));
        ck_assert_uint_eq(kit_counted(&h[i].ended), 1);
        tr_future_unref(f[i]);
    }
}

START_TEST(what_blocks_say_fits_what_happened_in_them)
{
    kit_start(LOOPS);
    for (int i = 0; i < LOOPS; i++)
        repliers[i] = kit_spawn(&replier_class, NULL, i);
    for (int round = 0; round < ROUNDS; round++)
        plant(round);
    kit_stop();
    ck_assert_uint_gt(kit_counted(&all_begun), ROUNDS * 10);
}
END_TEST

/* ---- shutdowns ---- */

static int grow_for_ever(void *arg)
{
    struct grow_args *a = arg;
    int rc;

    do
        rc = act(&a->dice, a->depth);
    while (rc == 0 || rc == FAILURE);
    ck_assert_int_eq(rc, TR_ECANCELED);
    ck_assert(tr_cancel_requested());
    TR_SHIELD(TR_FOREVER) /* clean up, at length */
        for (int i = 0; i < 3; i++)
            (void)act(&a->dice, a->depth);
    kit_count(&a->history->ended);
    return rc;
}

static void cut_down(int round)
{
    enum { ROOTS = 6 };
    history h = { 0 };
    struct grow_args args[ROOTS];
    uint32_t enough;

    is_ending = 0;
    kit_start(LOOPS);
    for (int i = 0; i < LOOPS; i++)
        repliers[i] = kit_spawn(&replier_class, NULL, i);
    enough = kit_counted(&all_begun) + (uint32_t)round % 50;
    for (int i = 0; i < ROOTS; i++) {
        args[i] = (struct grow_args){ (uint64_t)(round * ROOTS + i) * 104729, 0, &h };
        ck_assert_int_eq(tr_submit(NULL, TR_LOOP(i % LOOPS), grow_for_ever, &args[i]), 0);
    }
    while (kit_counted(&all_begun) < enough)
        sched_yield();
    kit_count(&is_ending);
    kit_stop();
    ck_assert_uint_eq(kit_counted(&h.ended), ROOTS);
}

START_TEST(trees_are_cut_down_by_a_shutdown_whenever_it_comes)
{
    for (int round = 0; round < ROUNDS; round++)
        cut_down(round);
}
END_TEST

KIT_MAIN("trees", what_blocks_say_fits_what_happened_in_them,
         trees_are_cut_down_by_a_shutdown_whenever_it_comes)
