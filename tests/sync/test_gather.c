/* Gathering, racing, and the first that succeeds. */
#include <string.h>

#include "sync/cases.h"

/* ---- all ---- */

CASE(all_that_end_well_are_a_success)
{
    errand e[4] = { { .result = 0 }, { .result = 7 }, { .result = 0 }, { .result = 1 } };
    tr_future *fs[4];

    for (int i = 0; i < 4; i++) {
        fs[i] = start_errand(&e[i], i % 2);
        let_go(&e[i]);
    }
    EXPECT(tr_gather(fs, 4, 0) == 0);
    for (int i = 0; i < 4; i++) {
        EXPECT(e[i].was_done && tr_future_is_done(fs[i]));
        EXPECT(tr_future_status(fs[i]) == e[i].result);
    }
    unref_all(fs, 4);
}

CASE(nothing_at_all_is_a_success)
{
    EXPECT(tr_gather(NULL, 0, 0) == 0);
    EXPECT(tr_gather(NULL, 0, TR_GATHER_ALL) == 0);
}

static int note_turn(void *unused)
{
    (void)unused;
    note('t');
    return 0;
}

CASE(what_has_ended_before_is_not_waited_for)
{
    tr_future *fs[2];
    tr_task *other;

    for (int i = 0; i < 2; i++) {
        fs[i] = open_future(i);
        resolve(fs[i]);
    }
    EXPECT(tr_task_spawn(&other, note_turn, NULL) == 0);
    EXPECT(tr_gather(fs, 2, 0) == 0);
    EXPECT(strcmp(notes(), "") == 0); /* nobody else had a turn */
    EXPECT(tr_task_wait(other, TR_FOREVER) == 0);
    tr_task_unref(other);
    unref_all(fs, 2);
}

CASE(the_first_error_is_returned_and_the_rest_are_joined)
{
    for (int loop = 0; loop < 2; loop++) {
        errand e[3] = { { .result = 0 }, { .result = TR_EBUSY }, { .result = 0 } };
        tr_future *fs[3];

        for (int i = 0; i < 3; i++)
            fs[i] = start_errand(&e[i], (loop + i) % 2);
        let_go(&e[1]);
        EXPECT(tr_gather(fs, 3, 0) == TR_EBUSY);
        EXPECT(e[1].was_done);
        EXPECT(e[0].was_cut && e[2].was_cut); /* they have cleaned up */
        EXPECT(tr_future_status(fs[0]) == TR_ECANCELED);
        unref_all(fs, 3);
    }
}

CASE(of_those_that_have_failed_before_the_first_in_the_array_counts)
{
    tr_future *fs[3] = { open_future(0), open_future(1), open_future(0) };

    EXPECT(tr_future_fail(fs[2], TR_EPIPE) == 0);
    EXPECT(tr_future_fail(fs[1], TR_EBUSY) == 0);
    EXPECT(tr_gather(fs, 3, 0) == TR_EBUSY);
    EXPECT(tr_future_status(fs[0]) == TR_ECANCELED);
    unref_all(fs, 3);
}

CASE(of_those_that_fail_the_first_in_time_counts)
{
    tr_future *fs[2] = { open_future(0), open_future(0) };

    EXPECT(tr_post(TR_LOOP(0), fail_future, fs[1]) == 0);
    EXPECT(tr_gather(fs, 2, 0) == TR_EBUSY);
    EXPECT(tr_future_status(fs[1]) == TR_EBUSY && tr_future_status(fs[0]) == TR_ECANCELED);
    unref_all(fs, 2);
}

CASE(one_that_was_cancelled_counts_as_an_error)
{
    errand e[2] = { { .result = 0 }, { .result = 0 } };
    tr_future *fs[2] = { start_errand(&e[0], 0), start_errand(&e[1], 1) };

    EXPECT(tr_future_cancel(fs[0]) == 1);
    EXPECT(tr_gather(fs, 2, 0) == TR_ECANCELED);
    EXPECT(!tr_cancel_requested());
    EXPECT(e[0].was_cut && e[1].was_cut);
    unref_all(fs, 2);
}

CASE(with_all_everyone_is_waited_for_whatever_fails)
{
    errand e[3] = { { .result = TR_EBUSY }, { .result = 3 }, { .result = TR_EPIPE } };
    tr_future *fs[4];

    for (int i = 0; i < 3; i++) {
        fs[i] = start_errand(&e[i], i % 2);
        let_go(&e[i]);
    }
    fs[3] = open_future(1);
    EXPECT(tr_future_cancel(fs[3]) == 1);
    EXPECT(tr_gather(fs, 4, TR_GATHER_ALL) == 0);
    for (int i = 0; i < 3; i++)
        EXPECT(e[i].was_done && tr_future_status(fs[i]) == e[i].result);
    EXPECT(tr_future_status(fs[3]) == TR_ECANCELED);
    unref_all(fs, 4);
}

CASE(values_are_there_afterwards_in_their_places)
{
    static int values[2] = { 10, 11 };
    tr_future *fs[2] = { open_future(0), open_future(1) };

    EXPECT(tr_future_resolve(fs[1], &values[1], NULL) == 0);
    EXPECT(tr_future_resolve(fs[0], &values[0], NULL) == 0);
    EXPECT(tr_gather(fs, 2, 0) == 0);
    for (int i = 0; i < 2; i++)
        EXPECT(tr_future_peek(fs[i]) == &values[i]);
    unref_all(fs, 2);
}

/* ---- wherever they live, however many ---- */

CASE(futures_of_both_loops_are_ended_from_both)
{
    for (int from = 0; from < 2; from++) {
        tr_future *fs[2] = { open_future(0), open_future(1) };

        for (int i = 0; i < 2; i++)
            EXPECT(tr_post(TR_LOOP(from), resolve, fs[i]) == 0);
        EXPECT(tr_gather(fs, 2, 0) == 0);
        unref_all(fs, 2);
    }
}

CASE(a_foreign_thread_ends_what_is_gathered)
{
    tr_future *fs[2] = { open_future(0), open_future(1) };
    foreign *threads[2];

    for (int i = 0; i < 2; i++)
        threads[i] = foreign_start(i == 0 ? resolve : fail_future, fs[i]);
    EXPECT(tr_gather(fs, 2, TR_GATHER_ALL) == 0);
    for (int i = 0; i < 2; i++)
        foreign_end(threads[i]);
    EXPECT(tr_future_status(fs[1]) == TR_EBUSY);
    unref_all(fs, 2);
}

CASE(the_same_one_may_be_there_twice)
{
    tr_future *f = open_future(1);
    errand e = { .result = TR_EBUSY };
    tr_future *failing = start_errand(&e, 0);
    tr_future *fs[5] = { f, failing, f, f, failing };

    let_go(&e);
    EXPECT(tr_gather(fs, 5, 0) == TR_EBUSY);
    EXPECT(tr_future_status(f) == TR_ECANCELED);
    EXPECT(tr_gather(fs, 5, TR_GATHER_ALL) == 0);
    tr_future_unref(f);
    tr_future_unref(failing);
}

CASE(more_than_a_handful_are_gathered)
{
    enum { MANY = 40 };
    errand e[MANY];
    tr_future *fs[MANY];

    for (int failing = -1; failing < MANY; failing += MANY) {
        for (int i = 0; i < MANY; i++) {
            e[i].result = i == failing ? TR_EBUSY : i;
            fs[i] = start_errand(&e[i], i % 2);
        }
        for (int i = MANY - 1; i >= 0; i--)
            if (failing < 0 || i == failing)
                let_go(&e[i]);
        EXPECT(tr_gather(fs, MANY, 0) == (failing < 0 ? 0 : TR_EBUSY));
        for (int i = 0; i < MANY; i++)
            EXPECT(e[i].was_cut == (failing >= 0 && i != failing));
        unref_all(fs, MANY);
    }
}

static int gather_two(void *arg)
{
    return tr_gather(arg, 2, 0);
}

CASE(tasks_that_gather_are_gathered)
{
    errand e[4] = { { .result = 0 }, { .result = 0 }, { .result = TR_EPIPE }, { .result = 0 } };
    tr_future *fs[4];
    tr_future *pairs[2];

    for (int i = 0; i < 4; i++)
        fs[i] = start_errand(&e[i], i % 2);
    for (int i = 0; i < 2; i++)
        EXPECT(tr_submit(&pairs[i], TR_LOOP(i), gather_two, &fs[2 * (size_t)i]) == 0);
    let_others_run();
    let_go(&e[2]);
    EXPECT(tr_gather(pairs, 2, 0) == TR_EPIPE);
    EXPECT(e[0].was_cut && e[1].was_cut && e[3].was_cut); /* all the way down */
    unref_all(pairs, 2);
    unref_all(fs, 4);
}

static int double_it(void *number)
{
    *(int *)number *= 2;
    return *(int *)number;
}

CASE(jobs_of_a_pool_are_gathered)
{
    int numbers[3] = { 1, 2, 3 };
    tr_future *fs[3];

    for (int i = 0; i < 3; i++)
        EXPECT(tr_pool_submit(&fs[i], TR_POOL_IO, double_it, &numbers[i], NULL) == 0);
    EXPECT(tr_gather(fs, 3, 0) == 0);
    for (int i = 0; i < 3; i++)
        EXPECT(numbers[i] == 2 * (i + 1) && tr_future_status(fs[i]) == numbers[i]);
    unref_all(fs, 3);
}

static int fail_at_once(void *unused)
{
    (void)unused;
    return TR_EAGAIN;
}

static void wait_in_handler(void *arg)
{
    tr_future **fs = arg;
    int seen = 0;
    int rc;

    EXPECT(tr_wait(fs, 2, TR_FIRST_COMPLETED, 0) == TR_ETIMEDOUT);
    EXPECT(tr_post(TR_LOOP(0), resolve, fs[0]) == 0);
    EXPECT(tr_post(TR_LOOP(1), resolve, fs[1]) == 0);
    EXPECT(tr_gather(fs, 2, 0) == 0);
    TR_FOREACH_COMPLETED(&rc, i, fs, 2)
    seen++;
    EXPECT(rc == 0 && seen == 2);
}

CASE(handlers_that_await_gather_too)
{
    tr_future *fs[2] = { open_future(0), open_future(1) };

    call_in_handler(true, wait_in_handler, fs);
    unref_all(fs, 2);
}

CASE(a_task_that_has_failed_before_anybody_gathers_counts)
{
    tr_task *task;
    tr_future *fs[2];

    EXPECT(tr_task_spawn_on(&task, TR_LOOP(1), fail_at_once, NULL) == 0);
    EXPECT(tr_await(tr_task_future(task)) == TR_EAGAIN);
    fs[0] = open_future(1);
    fs[1] = tr_task_future(task);
    EXPECT(tr_gather(fs, 2, 0) == TR_EAGAIN);
    EXPECT(tr_future_status(fs[0]) == TR_ECANCELED);
    tr_future_unref(fs[0]);
    tr_task_unref(task);
}

/* ---- cancellation ---- */

typedef struct gathering {
    errand e[3];
    tr_future *fs[4];
    unsigned flags;
    tr_event is_released;
} gathering;

static int gather_them(void *arg)
{
    gathering *g = arg;

    return AWAIT(tr_gather(g->fs, 4, g->flags));
}

static void start_all(gathering *g)
{
    for (int i = 0; i < 3; i++) {
        g->e[i].result = 0;
        g->fs[i] = start_errand(&g->e[i], i % 2);
    }
    g->fs[3] = open_future(1);
    let_go(&g->e[1]);
}

/* Whenever it was cancelled, all have really ended. */
static void expect_all_joined(gathering *g)
{
    for (int i = 0; i < 4; i++)
        EXPECT(tr_future_is_done(g->fs[i]));
    for (int i = 0; i < 3; i++)
        EXPECT(g->e[i].was_cut != g->e[i].was_done);
    unref_all(g->fs, 4);
}

static int gather_four(void *arg)
{
    gathering *g = arg;

    return tr_gather(g->fs, 4, g->flags);
}

CASE(who_is_cancelled_while_he_gathers_joins_all)
{
    for (int way = 0; way < 4; way++) {
        gathering g = { .flags = way < 2 ? 0 : TR_GATHER_ALL };
        tr_task *task;

        start_all(&g);
        EXPECT(tr_task_spawn_on(&task, TR_LOOP(way % 2), gather_four, &g) == 0);
        let_others_run();
        EXPECT(tr_task_cancel(task) == 1);
        EXPECT(tr_task_wait(task, TR_FOREVER) == TR_ECANCELED);
        tr_task_unref(task);
        EXPECT(tr_future_status(g.fs[3]) == TR_ECANCELED);
        EXPECT(g.e[0].was_cut && g.e[2].was_cut);
        expect_all_joined(&g);
    }
}

CASE(who_was_cancelled_before_joins_all_the_same)
{
    for (int loop = 0; loop < 2; loop++) {
        gathering g = { .flags = 0 };
        tr_task *task;

        start_all(&g);
        EXPECT(tr_task_spawn_on(&task, TR_LOOP(loop), gather_four, &g) == 0);
        EXPECT(tr_task_cancel(task) == 1);
        EXPECT(tr_task_wait(task, TR_FOREVER) == TR_ECANCELED);
        tr_task_unref(task);
        expect_all_joined(&g);
    }
}

CASE(an_outer_deadline_joins_all_and_shows_as_its_own)
{
    gathering g = { .flags = TR_GATHER_ALL };
    int rc = 0;

    start_all(&g);
    TR_DEADLINE(0.001, &rc) {
        rc = tr_gather(g.fs, 4, g.flags);
        EXPECT(rc == TR_ECANCELED);
    }
    EXPECT(rc == TR_ETIMEDOUT);
    expect_all_joined(&g);
}

static int gather_shielded(void *arg)
{
    int rc = TR_EINVAL;

    TR_SHIELD(TR_FOREVER) {
        rc = tr_gather(arg, 2, 0);
    }
    return rc;
}

CASE(a_shield_keeps_cancellation_from_what_is_gathered)
{
    errand e[2] = { { .result = 0 }, { .result = 0 } };
    tr_future *fs[2] = { start_errand(&e[0], 0), start_errand(&e[1], 1) };
    tr_task *task;

    EXPECT(tr_task_spawn(&task, gather_shielded, fs) == 0);
    let_others_run();
    EXPECT(tr_task_cancel(task) == 1);
    let_others_run();
    let_go(&e[0]);
    let_go(&e[1]);
    EXPECT(tr_task_wait(task, TR_FOREVER) == 0);
    EXPECT(e[0].was_done && e[1].was_done);
    tr_task_unref(task);
    unref_all(fs, 2);
}

CASE(all_that_has_ended_is_a_success_though_its_caller_is_cancelled_meanwhile)
{
    tr_future *fs[2] = { open_future(0), open_future(0) };
    tr_task *task;

    EXPECT(tr_task_spawn(&task, gather_two, fs) == 0);
    let_others_run();
    resolve(fs[0]);
    resolve(fs[1]);
    EXPECT(tr_task_cancel(task) == 1);
    EXPECT(tr_task_wait(task, TR_FOREVER) == 0);
    tr_task_unref(task);
    unref_all(fs, 2);
}

CASE(an_error_outranks_a_cancellation_that_comes_while_others_are_joined)
{
    errand e[2] = { { .result = 0 }, { .result = TR_EPIPE } };
    tr_future *fs[2] = { start_errand(&e[0], 1), start_errand(&e[1], 0) };
    tr_task *task;

    EXPECT(tr_task_spawn(&task, gather_two, fs) == 0);
    let_others_run();
    let_go(&e[1]);
    EXPECT(tr_await(fs[1]) == TR_EPIPE); /* the one who gathers knows, too */
    (void)tr_task_cancel(task);          /* it may have ended */
    EXPECT(tr_task_wait(task, TR_FOREVER) == TR_EPIPE);
    EXPECT(e[0].was_cut);
    tr_task_unref(task);
    unref_all(fs, 2);
}

static void release(void *arg)
{
    gathering *g = arg;

    let_go(&g->e[0]);
    let_go(&g->e[2]);
    (void)tr_future_resolve(g->fs[3], NULL, NULL); /* it may have been cancelled */
    EXPECT(tr_event_set(&g->is_released) == 0);
}

static void begin_gathering(void *arg)
{
    gathering *g = arg;

    g->is_released = (tr_event){ 0 };
    start_all(g);
    EXPECT(tr_post(TR_LOOP(1), release, g) == 0);
}

static void expect_end_of_gathering(void *arg, int rc)
{
    gathering *g = arg;

    EXPECT(rc == 0 || rc == TR_ECANCELED);
    for (int i = 0; i < 3 && rc == 0; i++)
        EXPECT(g->e[i].was_done);
    EXPECT(tr_event_wait(&g->is_released) == 0);
    expect_all_joined(g);
}

CASE(whenever_who_gathers_is_cancelled_nothing_is_left_running)
{
    static const attempt steps = { begin_gathering, gather_them, expect_end_of_gathering };

    for (unsigned flags = 0; flags <= TR_GATHER_ALL; flags++) {
        gathering g = { .flags = flags };

        cancel_at_every_await(&steps, &g);
    }
}

/* ---- racing ---- */

CASE(the_first_to_end_wins_and_the_others_are_joined)
{
    for (int loop = 0; loop < 2; loop++) {
        errand e[3] = { { .result = 0 }, { .result = 0 }, { .result = 5 } };
        tr_future *fs[3];
        int winner;

        for (int i = 0; i < 3; i++)
            fs[i] = start_errand(&e[i], (i + loop) % 2);
        let_go(&e[2]);
        EXPECT(tr_race(&winner, fs, 3) == 5);
        EXPECT(winner == 2 && e[0].was_cut && e[1].was_cut);
        unref_all(fs, 3);
    }
}

CASE(a_failure_may_win_a_race)
{
    tr_future *fs[2] = { open_future(1), open_future(0) };
    int winner;

    EXPECT(tr_post(TR_LOOP(1), fail_future, fs[0]) == 0);
    EXPECT(tr_race(&winner, fs, 2) == TR_EBUSY);
    EXPECT(winner == 0 && tr_future_status(fs[1]) == TR_ECANCELED);
    unref_all(fs, 2);
}

CASE(of_those_that_have_ended_before_a_race_the_first_in_the_array_wins)
{
    tr_future *fs[3] = { open_future(0), open_future(1), open_future(0) };
    int winner;

    resolve(fs[2]);
    resolve(fs[1]);
    EXPECT(tr_race(&winner, fs, 3) == 0 && winner == 1);
    EXPECT(tr_race(NULL, fs, 3) == TR_ECANCELED); /* what the first race has done */
    unref_all(fs, 3);
}

CASE(a_race_of_one_is_an_await)
{
    errand e = { .result = 4 };
    tr_future *f = start_errand(&e, 1);
    int winner;

    let_go(&e);
    EXPECT(tr_race(&winner, &f, 1) == 4 && winner == 0);
    tr_future_unref(f);
}

CASE(the_first_success_counts_though_others_have_failed)
{
    errand e[4] = { { .result = 0 }, { .result = TR_EBUSY }, { .result = 3 }, { .result = 0 } };
    tr_future *fs[4];
    int winner;

    for (int i = 0; i < 4; i++)
        fs[i] = start_errand(&e[i], i % 2);
    let_go(&e[1]);
    EXPECT(tr_await(fs[1]) == TR_EBUSY);
    let_go(&e[2]);
    EXPECT(tr_any(&winner, fs, 4) == 3);
    EXPECT(winner == 2 && e[0].was_cut && e[3].was_cut);
    unref_all(fs, 4);
}

CASE(if_none_succeeds_the_first_error_is_returned)
{
    tr_future *fs[3] = { open_future(0), open_future(1), open_future(0) };
    int winner = 1;

    EXPECT(tr_future_fail(fs[0], TR_EPIPE) == 0);
    EXPECT(tr_post(TR_LOOP(1), fail_future, fs[1]) == 0);
    EXPECT(tr_future_cancel(fs[2]) == 1);
    EXPECT(tr_any(&winner, fs, 3) == TR_EPIPE);
    EXPECT(winner == -1);
    unref_all(fs, 3);
}

static int race_them(void *arg)
{
    gathering *g = arg;
    int winner;
    int rc = AWAIT(tr_race(&winner, &g->fs[2], 2));

    EXPECT((rc == 0) == (winner >= 0));
    EXPECT(winner < 0 || tr_future_status(g->fs[2 + winner]) == 0);
    return rc;
}

static int any_of_them(void *arg)
{
    gathering *g = arg;
    int winner;
    int rc = AWAIT(tr_any(&winner, &g->fs[2], 2));

    EXPECT((rc == 0) == (winner >= 0));
    return rc;
}

static void expect_end_of_race(void *arg, int rc)
{
    gathering *g = arg;

    EXPECT(rc == 0 || rc == TR_ECANCELED);
    EXPECT(tr_future_is_done(g->fs[2]) && tr_future_is_done(g->fs[3]));
    EXPECT(tr_event_wait(&g->is_released) == 0);
    EXPECT(tr_gather(g->fs, 2, 0) == 0); /* they were not in it */
    unref_all(g->fs, 4);
}

CASE(whenever_who_lets_them_race_is_cancelled_nothing_is_left_running)
{
    static const attempt races[] = { { begin_gathering, race_them, expect_end_of_race },
                                     { begin_gathering, any_of_them, expect_end_of_race } };
    gathering g = { .flags = 0 };

    for (int i = 0; i < 2; i++)
        cancel_at_every_await(&races[i], &g);
}

/* ---- wrong ---- */

static tr_future *own[1];

static int gather_oneself(void *unused)
{
    int winner;

    (void)unused;
    EXPECT(tr_gather(own, 1, 0) == TR_EDEADLK);
    EXPECT(tr_race(&winner, own, 1) == TR_EDEADLK && winner == -1);
    EXPECT(tr_any(NULL, own, 1) == TR_EDEADLK);
    EXPECT(tr_wait(own, 1, TR_ALL_COMPLETED, 0) == TR_EDEADLK);
    return 0;
}

CASE(nobody_gathers_himself)
{
    tr_task *task;

    EXPECT(tr_task_spawn(&task, gather_oneself, NULL) == 0);
    own[0] = tr_task_future(task);
    EXPECT(tr_task_wait(task, TR_FOREVER) == 0);
    tr_task_unref(task);
}

static void gather_in_the_wrong_place(void *fs)
{
    int winner;

    EXPECT(tr_gather(fs, 1, 0) == TR_EWRONGPLACE);
    EXPECT(tr_gather(NULL, 0, 0) == TR_EWRONGPLACE);
    EXPECT(tr_race(&winner, fs, 1) == TR_EWRONGPLACE && winner == -1);
    EXPECT(tr_any(&winner, fs, 1) == TR_EWRONGPLACE && winner == -1);
}

CASE(only_tasks_gather)
{
    tr_future *f = open_future(1);

    call_elsewhere(gather_in_the_wrong_place, &f);
    EXPECT(!tr_future_is_done(f));
    resolve(f);
    tr_future_unref(f);
}

CASE(bad_arguments_are_refused_and_nothing_is_cancelled)
{
    tr_future *f = open_future(0);
    tr_future *fs[2] = { f, NULL };
    int winner = 3;

    EXPECT(tr_gather(NULL, 1, 0) == TR_EINVAL);
    EXPECT(tr_gather(fs, 2, 0) == TR_EINVAL);
    EXPECT(tr_gather(fs, 1, 2) == TR_EINVAL);
    EXPECT(tr_gather(fs, (size_t)INT32_MAX + 1, 0) == TR_EINVAL);
    EXPECT(tr_race(&winner, NULL, 1) == TR_EINVAL && winner == -1);
    EXPECT(tr_race(&winner, fs, 2) == TR_EINVAL);
    EXPECT(tr_race(&winner, fs, 0) == TR_EINVAL);
    EXPECT(tr_any(&winner, fs, 0) == TR_EINVAL);
    EXPECT(tr_any(NULL, fs, 2) == TR_EINVAL);
    EXPECT(!tr_future_is_done(f));
    resolve(f);
    tr_future_unref(f);
}

CASES("gather", all_that_end_well_are_a_success, nothing_at_all_is_a_success,
      what_has_ended_before_is_not_waited_for, the_first_error_is_returned_and_the_rest_are_joined,
      of_those_that_have_failed_before_the_first_in_the_array_counts,
      of_those_that_fail_the_first_in_time_counts, one_that_was_cancelled_counts_as_an_error,
      with_all_everyone_is_waited_for_whatever_fails, values_are_there_afterwards_in_their_places,
      futures_of_both_loops_are_ended_from_both, a_foreign_thread_ends_what_is_gathered,
      the_same_one_may_be_there_twice, more_than_a_handful_are_gathered,
      tasks_that_gather_are_gathered, jobs_of_a_pool_are_gathered, handlers_that_await_gather_too,
      a_task_that_has_failed_before_anybody_gathers_counts,
      who_is_cancelled_while_he_gathers_joins_all, who_was_cancelled_before_joins_all_the_same,
      an_outer_deadline_joins_all_and_shows_as_its_own,
      a_shield_keeps_cancellation_from_what_is_gathered,
      all_that_has_ended_is_a_success_though_its_caller_is_cancelled_meanwhile,
      an_error_outranks_a_cancellation_that_comes_while_others_are_joined,
      whenever_who_gathers_is_cancelled_nothing_is_left_running,
      the_first_to_end_wins_and_the_others_are_joined, a_failure_may_win_a_race,
      of_those_that_have_ended_before_a_race_the_first_in_the_array_wins, a_race_of_one_is_an_await,
      the_first_success_counts_though_others_have_failed,
      if_none_succeeds_the_first_error_is_returned,
      whenever_who_lets_them_race_is_cancelled_nothing_is_left_running, nobody_gathers_himself,
      only_tasks_gather, bad_arguments_are_refused_and_nothing_is_cancelled)
