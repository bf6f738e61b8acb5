/* The tree of tasks, as tr_dump writes it. */
#include "sync/drawn.h"

#include <errno.h>
#include <unistd.h>

/* ---- children and parents ---- */

static int sleeps(void *unused)
{
    return sleep_for_ever(unused);
}

static int leaf(void *unused)
{
    return sleep_for_ever(unused);
}

static int branch(void *unused)
{
    int rc;

    (void)unused;
    TR_SCOPE(s, &rc) {
        EXPECT(tr_scope_spawn(s, leaf, NULL) == 0);
        EXPECT(tr_scope_spawn(s, sleeps, NULL) == 0);
    }
    return rc;
}

/* Two scopes, and children on both loops. */
static int trunk(void *unused)
{
    int rc;

    (void)unused;
    TR_SCOPE(s, &rc) {
        int inner;

        EXPECT(tr_scope_spawn(s, sleeps, NULL) == 0);
        EXPECT(tr_scope_spawn(s, branch, NULL) == 0);
        TR_SCOPE(t, &inner) {
            int other = tr_loop_current() == TR_LOOP(0) ? 1 : 0;

            EXPECT(tr_scope_spawn(t, leaf, NULL) == 0);
            EXPECT(tr_scope_spawn_on(t, TR_LOOP(other), branch, NULL) == 0);
            EXPECT(tr_scope_spawn_on(t, TR_LOOP(other), leaf, NULL) == 0);
        }
    }
    return rc;
}

static const char whole_tree[] = "  task 'trunk' of loop %d: awaits its children\n"
                                 "  ├─ task 'sleeps' of loop %d: sleeps for ever\n"
                                 "  ├─ task 'branch' of loop %d: awaits its children\n"
                                 "  │  ├─ task 'leaf' of loop %d: sleeps for ever\n"
                                 "  │  └─ task 'sleeps' of loop %d: sleeps for ever\n"
                                 "  ├─ task 'leaf' of loop %d: sleeps for ever\n"
                                 "  ├─ task 'branch' of loop %d: awaits its children\n"
                                 "  │  ├─ task 'leaf' of loop %d: sleeps for ever\n"
                                 "  │  └─ task 'sleeps' of loop %d: sleeps for ever\n"
                                 "  └─ task 'leaf' of loop %d: sleeps for ever\n";

/* Those of this loop first, each lot in the order in which it was started. */
static void expect_tree_of(int here)
{
    int there = 1 - here;
    char wanted[1024];
    char *text;
    tr_future *f;

    EXPECT(tr_submit(&f, TR_LOOP(here), trunk, NULL) == 0);
    let_both_run();
    text = draw();
    (void)snprintf(wanted, sizeof(wanted), whole_tree, here, here, here, here, here, here, there,
                   there, there, there);
    EXPECT_OF(text, strstr(text, wanted) != NULL);
    free(text);
    EXPECT(tr_future_cancel(f) == 1);
    EXPECT(tr_await(f) == TR_ECANCELED);
    tr_future_unref(f);
}

CASE(children_stand_under_their_parents_in_the_order_in_which_they_were_started)
{
    expect_tree_of(0);
    expect_tree_of(1);
}

CASE(what_has_ended_is_not_in_the_picture)
{
    tr_future *f;

    EXPECT(tr_submit(&f, TR_LOOP(1), branch, NULL) == 0);
    expect_drawn("*'branch' of loop 1: *", 1);
    EXPECT(tr_future_cancel(f) == 1);
    EXPECT(tr_await(f) == TR_ECANCELED);
    tr_future_unref(f);
    expect_drawn("*'branch'*", 0);
    expect_drawn("*'leaf'*", 0);
    expect_drawn("troupe: loops: 2, tasks: 1, actors: 0", 1);
}

/* ---- states ---- */

CASE(a_task_that_runs_says_so_and_one_that_has_not_begun)
{
    int rc;

    TR_SCOPE(s, &rc) {
        EXPECT(tr_scope_spawn(s, sleeps, NULL) == 0);
        expect_drawn("*'root_task' of loop 0: runs, or is about to", 1);
        expect_drawn("*'sleeps' of loop 0: has not begun", 1);
        EXPECT(tr_scope_cancel(s) >= 0);
        expect_drawn("*'sleeps' of loop 0: has not begun; it is cancelled", 1);
    }
    EXPECT(rc == 0);
}

static int cleans_up(void *go)
{
    int rc = sleep_for_ever(NULL);

    TR_SHIELD(TR_FOREVER) {
        EXPECT(tr_event_wait(go) == 0);
    }
    return rc;
}

CASE(a_cancelled_task_that_cleans_up_says_so)
{
    for (int loop = 0; loop < 2; loop++) {
        tr_event go = { 0 };
        tr_future *f;

        EXPECT(tr_submit(&f, TR_LOOP(loop), cleans_up, &go) == 0);
        let_both_run();
        expect_drawn("*'cleans_up'*: sleeps for ever", 1);
        EXPECT(tr_future_cancel(f) == 1);
        let_both_run();
        expect_drawn("*'cleans_up'*: awaits an event (0x*); it is cancelled", 1);
        EXPECT(tr_event_set(&go) == 0);
        EXPECT(tr_await(f) == TR_ECANCELED);
        tr_future_unref(f);
    }
}

/* ---- many, and deep ---- */

CASE(many_that_are_alike_are_one_line)
{
    int rc;

    TR_SCOPE(s, &rc) {
        EXPECT(tr_scope_spawn(s, leaf, NULL) == 0);
        for (int i = 0; i < 100; i++)
            EXPECT(tr_scope_spawn(s, sleeps, NULL) == 0);
        for (int i = 0; i < 4; i++) /* no more than one line would save */
            EXPECT(tr_scope_spawn(s, leaf, NULL) == 0);
        let_others_run();
        expect_drawn("*'sleeps'*", 3);
        expect_drawn("*├─ and 97 more like it", 1);
        expect_drawn("*'leaf'*", 5);
        EXPECT(tr_scope_cancel(s) >= 0);
    }
    EXPECT(rc == 0);
}

CASE(ten_thousand_tasks_are_drawn)
{
    int many = CASES_SIMULATED ? 300 : 10000;
    char line[64];
    int rc;

    TR_SCOPE(s, &rc) {
        for (int i = 0; i < many; i++)
            EXPECT(tr_scope_spawn(s, sleeps, NULL) == 0);
        (void)snprintf(line, sizeof(line), "*and %d more like it", many - 3);
        expect_drawn(line, 1);
        EXPECT(tr_scope_cancel(s) >= 0); /* they have not begun, and need no stack */
    }
    EXPECT(rc == 0);
}

/* Has a child, which has a child, and so on. */
static int descend(void *arg)
{
    int *left = arg;
    int rc;

    if (--*left == 0)
        return sleep_for_ever(NULL);
    TR_SCOPE(s, &rc) {
        EXPECT(tr_scope_spawn(s, descend, left) == 0);
    }
    return rc;
}

static void expect_depth(int depth, int shown)
{
    int left = depth;
    tr_future *f;

    EXPECT(tr_submit(&f, TR_LOOP(0), descend, &left) == 0);
    for (int i = 0; i < depth; i++)
        EXPECT(tr_yield() == 0);
    expect_drawn("*'descend'*", shown);
    expect_drawn("*└─ and deeper ones", shown < depth);
    EXPECT(tr_future_cancel(f) == 1);
    EXPECT(tr_await(f) == TR_ECANCELED);
    tr_future_unref(f);
}

CASE(a_tree_that_is_too_deep_says_so)
{
    expect_depth(64, 64);
    expect_depth(65, 64);
    expect_depth(100, 64);
}

/* ---- actors ---- */

TR_NOTICE(nudge);

static int ignore(tr_self *self, void *state, tr_msg *msg)
{
    (void)self;
    (void)state;
    (void)msg;
    return 0;
}

CASE(actors_are_counted_by_class_and_loop)
{
    static const tr_actor_class cats = { .name = "cat", .receive = ignore };
    static const tr_actor_class dogs = { .name = "dog", .receive = ignore, .awaits = true };
    tr_pid pids[3];

    EXPECT(tr_spawn(&pids[0], &cats, NULL) == 0);
    EXPECT(tr_spawn(&pids[1], &cats, NULL) == 0);
    EXPECT(tr_spawn_with(&pids[2], &dogs, NULL, &(tr_spawn_options){ .on = TR_LOOP(1) }) == 0);
    for (int i = 0; i < 5; i++)
        EXPECT(tr_send(pids[i % 2], nudge) == 0);
    expect_drawn("troupe: loops: 2, tasks: 1, actors: 3", 1);
    expect_drawn("  loop 0: actors 'cat': 2, for which 5 messages wait", 1);
    expect_drawn("  loop 1: actors 'dog': 1, for which 0 messages wait", 1);
    let_others_run();
    expect_drawn("  loop 0: actors 'cat': 2, for which 0 messages wait", 1);
    for (int i = 0; i < 3; i++)
        EXPECT(tr_stop(pids[i]) == 0);
}

/* ---- from anywhere ---- */

static void expect_root_drawn(void *unused)
{
    (void)unused;
    expect_drawn("*'root_task' of loop 0: *", 1);
}

static int draw_as_job(void *unused)
{
    expect_root_drawn(unused);
    return 0;
}

CASE(a_picture_can_be_asked_for_anywhere)
{
    expect_root_drawn(NULL);
    call_in_handler(true, expect_root_drawn, NULL);
    call_elsewhere(expect_root_drawn, NULL);
    EXPECT(tr_to_thread(draw_as_job, NULL) == 0);
}

/* ---- what can go wrong ---- */

static ssize_t draw_into_another(void *seen, const char *text, size_t bytes)
{
    (void)text;
    *(int *)seen = tr_dump(stderr);
    return (ssize_t)bytes;
}

CASE(only_one_picture_is_drawn_at_a_time)
{
    int seen = 0;
    FILE *out = fopencookie(&seen, "w", (cookie_io_functions_t){ .write = draw_into_another });

    EXPECT(out != NULL);
    EXPECT(tr_dump(out) == 0);
    EXPECT(seen == TR_EBUSY);
    EXPECT(fclose(out) == 0);
    free(draw()); /* it is over */
}

CASE(what_can_not_be_written_is_an_error)
{
    static const int modes[] = { _IOFBF, _IOLBF, _IONBF };

    for (int i = 0; i < 3; i++) {
        FILE *out = fopen("/dev/full", "w");

        EXPECT(out != NULL);
        EXPECT(setvbuf(out, NULL, modes[i], BUFSIZ) == 0);
        /* Which one is known only if it is met at the end. */
        EXPECT(tr_dump(out) == (modes[i] == _IOFBF ? -ENOSPC : -EIO));
        (void)fclose(out);
    }
}

static ssize_t fail_once(void *times, const char *text, size_t bytes)
{
    (void)text;
    return ++*(int *)times == 1 ? 0 : (ssize_t)bytes;
}

CASE(an_earlier_error_of_the_stream_is_not_blamed_on_this_picture)
{
    int times = 0;
    FILE *out = fopencookie(&times, "w", (cookie_io_functions_t){ .write = fail_once });

    EXPECT(out != NULL);
    EXPECT(setvbuf(out, NULL, _IONBF, 0) == 0);
    EXPECT(fputc('x', out) == EOF);
    EXPECT(tr_dump(out) == 0);
    EXPECT(times > 1);
    EXPECT(fclose(out) == 0);
}

static void be_busy(void *unused)
{
    (void)unused;
    (void)sleep(10);
}

CASE(a_loop_that_does_not_answer_is_named)
{
    if (!CASES_SIMULATED)
        return; /* where the time that this takes does pass */
    EXPECT(tr_post(TR_LOOP(1), be_busy, NULL) == 0);
    EXPECT(tr_sleep(1) == 0);
    expect_drawn("  loop 1 does not answer: a task or a callback has not returned, *", 1);
    EXPECT(tr_sleep(60) == 0);
    expect_drawn("*does not answer*", 0);
}

CASES("dump", children_stand_under_their_parents_in_the_order_in_which_they_were_started,
      what_has_ended_is_not_in_the_picture, a_task_that_runs_says_so_and_one_that_has_not_begun,
      a_cancelled_task_that_cleans_up_says_so, many_that_are_alike_are_one_line,
      ten_thousand_tasks_are_drawn, a_tree_that_is_too_deep_says_so,
      actors_are_counted_by_class_and_loop, a_picture_can_be_asked_for_anywhere,
      only_one_picture_is_drawn_at_a_time, what_can_not_be_written_is_an_error,
      an_earlier_error_of_the_stream_is_not_blamed_on_this_picture,
      a_loop_that_does_not_answer_is_named)
