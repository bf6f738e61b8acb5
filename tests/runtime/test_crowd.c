/* Crowds: so many tasks that their loop looks ahead at what the next ones will touch. Whatever
 * stands in the run queue, they take turns as ever. */
#include "runtime/ahead.h"
#include "support/tasks.h"

enum { CROWD = 4 * TR__CROWD, KINDS = 5, TURNS = 10 };

typedef struct crowd {
    int order[CROWD]; /* of the first turns */
    int begun;
    int ended;
    int upset; /* turns that were not in that order */
    int turns;
} crowd;

static crowd all;

static int numbers[CROWD]; /* a member's argument is the place of its number */

static int number_of(const void *arg)
{
    return (int)((const int *)arg - numbers);
}

static void begin(const void *arg)
{
    all.order[all.begun++] = number_of(arg);
}

/* ---- in turn ---- */

static int take_turns(void *arg)
{
    begin(arg);
    for (int turn = 0; turn < TURNS; turn++) {
        ck_assert_int_eq(tr_yield(), 0);
        all.upset += all.order[all.turns++ % CROWD] != number_of(arg);
    }
    all.ended++;
    return 0;
}

static int run_in_turn(void *unused)
{
    int rc;

    (void)unused;
    all = (crowd){ .begun = 0 };
    TR_SCOPE(s, &rc)
        for (int i = 0; i < CROWD; i++)
            tr_scope_spawn(s, take_turns, &numbers[i]);
    ck_assert_int_eq(all.ended, CROWD);
    ck_assert_int_eq(all.upset, 0);
    return rc;
}

START_TEST(tasks_of_a_crowd_have_their_turns_in_order)
{
    kit_run_task(1, run_in_turn, NULL);
}
END_TEST

/* ---- of all kinds ---- */

static int sleep_long(void *arg)
{
    begin(arg);
    all.ended += tr_sleep(3600) == TR_ECANCELED;
    return 0;
}

static int sleep_in_a_shield(void *arg)
{
    begin(arg);
    TR_SHIELD(1.0)
        (void)tr_sleep(0.0005);
    all.ended += tr_sleep(3600) == TR_ECANCELED;
    return 0;
}

static int yield_for_ever(void *arg)
{
    begin(arg);
    while (tr_yield() == 0)
        continue;
    all.ended++;
    return 0;
}

static int wait_for_a_child(void *arg)
{
    int rc;

    begin(arg);
    TR_SCOPE(s, &rc)
        tr_scope_spawn(s, kit_forever, NULL);
    all.ended++;
    return rc;
}

static int end_at_once(void *arg)
{
    begin(arg);
    all.ended++;
    return 0;
}

static int (*const kinds[KINDS])(void *arg) = { sleep_long, sleep_in_a_shield, yield_for_ever,
                                                wait_for_a_child, end_at_once };

/* Tasks with stacks of other sizes, and others' activations, stand between the children. */
static int spawn_all(void *late)
{
    const tr_task_options odd = { .stack_bytes = 32 << 10 };
    int rc;

    all = (crowd){ .begun = 0 };
    TR_SCOPE(s, &rc) {
        for (int i = 0; i < CROWD; i++) {
            tr_scope_spawn(s, kinds[i % KINDS], &numbers[i]);
            if (i % 97 == 0)
                ck_assert_int_eq(tr_task_spawn_with(NULL, kit_give, NULL, &odd), 0);
        }
        for (int turn = 0; turn < 3 && late == NULL; turn++)
            ck_assert_int_eq(tr_yield(), 0);
        ck_assert_int_eq(tr_scope_cancel(s), 1);
    }
    ck_assert_int_eq(all.begun, CROWD);
    ck_assert_int_eq(all.ended, CROWD);
    return rc;
}

START_TEST(crowd_of_all_kinds_is_cancelled_to_the_last)
{
    kit_run_task(1, spawn_all, NULL);
}
END_TEST

START_TEST(crowd_that_has_not_begun_is_cancelled_to_the_last)
{
    int late = 1;

    kit_run_task(1, spawn_all, &late);
}
END_TEST

KIT_MAIN("runtime/crowd", tasks_of_a_crowd_have_their_turns_in_order,
         crowd_of_all_kinds_is_cancelled_to_the_last,
         crowd_that_has_not_begun_is_cancelled_to_the_last)
