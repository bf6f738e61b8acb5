/* Children that are awaited until they are ready, and all that has failed in a scope. */
#include <string.h>

#include "sync/cases.h"

struct serve_args {
    int result;       /* that it ends with */
    bool is_ready;    /* it says so before */
    tr_event *finish; /* NULL: it ends at once */
};

static int serve(void *arg)
{
    const struct serve_args *a = arg;
    int rc;

    note('b');
    rc = tr_yield();
    if (rc == 0 && a->is_ready) {
        note('r');
        EXPECT(tr_ready() == 0);
        EXPECT(tr_ready() == 0); /* once more does nothing */
    }
    if (rc == 0 && a->finish != NULL)
        rc = tr_event_wait(a->finish);
    note(rc < 0 ? 'c' : 'e');
    return rc < 0 ? rc : a->result;
}

CASE(starting_waits_until_the_child_is_ready)
{
    tr_event finish = { 0 };
    int rc;

    TR_SCOPE(s, &rc) {
        EXPECT(tr_go_start(s, serve, 0, true, &finish) == 0);
        EXPECT(strcmp(notes(), "br") == 0);
        EXPECT(tr_event_set(&finish) == 0);
    }
    EXPECT(rc == 0 && strcmp(notes(), "bre") == 0);
}

CASE(a_child_that_is_ready_at_its_end_was_ready)
{
    int rc;

    TR_SCOPE(s, &rc) {
        EXPECT(tr_go_start(s, serve, 0, true, NULL) == 0);
    }
    EXPECT(rc == 0);
}

CASE(a_child_that_fails_before_it_is_ready_fails_its_start_only)
{
    int rc;

    TR_SCOPE(s, &rc) {
        EXPECT(tr_go_start(s, serve, TR_EBUSY, false, NULL) == TR_EBUSY);
        EXPECT(tr_yield() == 0); /* the scope is not cancelled */
        EXPECT(tr_scope_errors(s, NULL, 0) == 0);
    }
    EXPECT(rc == 0);
}

CASE(a_child_that_ends_without_being_ready_is_named)
{
    int rc;

    TR_SCOPE(s, &rc) {
        EXPECT(tr_go_start(s, serve, 0, false, NULL) == TR_EUNREADY);
    }
    EXPECT(rc == 0);
}

CASE(a_child_that_fails_after_it_was_ready_fails_the_scope)
{
    tr_event finish = { 0 };
    int rc;

    TR_SCOPE(s, &rc) {
        EXPECT(tr_go_start(s, serve, TR_EBUSY, true, &finish) == 0);
        EXPECT(tr_event_set(&finish) == 0);
        EXPECT(tr_sleep(TR_FOREVER) == TR_ECANCELED);
    }
    EXPECT(rc == TR_EBUSY);
}

CASE(who_nobody_waits_for_may_say_that_he_is_ready)
{
    int rc;

    EXPECT(tr_ready() == 0);
    TR_SCOPE(s, &rc) {
        tr_go(s, serve, 0, true, NULL);
    }
    EXPECT(rc == 0);
}

struct start_args {
    tr_event *never;
    int *result;
};

static int start_for_ever(void *arg)
{
    const struct start_args *a = arg;
    int rc;

    TR_SCOPE(s, &rc) {
        /* It waits for `never` before it could be ready. */
        *a->result = tr_go_start(s, serve, 0, false, a->never);
        note('s');
    }
    return rc;
}

CASE(a_start_that_is_cancelled_ends_its_child_before_it_returns)
{
    tr_event never = { 0 };
    int result = 0;
    struct start_args args = { &never, &result };
    tr_task *task;

    EXPECT(tr_task_spawn(&task, start_for_ever, &args) == 0);
    let_others_run();
    EXPECT(strcmp(notes(), "b") == 0);
    EXPECT(tr_task_wait(task, 0) == TR_ETIMEDOUT);
    tr_task_unref(task);
    EXPECT(result == TR_ECANCELED);
    EXPECT(strcmp(notes(), "bcs") == 0);
}

CASE(a_deadline_ends_a_start)
{
    tr_event never = { 0 };
    int rc;

    TR_SCOPE(s, &rc) {
        int started = 0;

        TR_DEADLINE(0.001, &started) {
            started = tr_go_start(s, serve, 0, false, &never);
        }
        EXPECT(started == TR_ETIMEDOUT);
        EXPECT(strcmp(notes(), "bc") == 0);
    }
    EXPECT(rc == 0);
}

struct start_in_args {
    tr_scope *s;
};

static int start_in(void *arg)
{
    const struct start_in_args *a = arg;

    return tr_go_start(a->s, serve, 0, true, NULL);
}

CASE(children_may_start_children_of_the_same_scope)
{
    int rc;

    TR_SCOPE(s, &rc) {
        for (int i = 0; i < 3; i++)
            tr_go(s, start_in, s);
        let_others_run();
        EXPECT(strlen(notes()) == 9); /* each has begun, was ready, and has ended */
    }
    EXPECT(rc == 0);
}

/* ---- every await ---- */

static int start_one(void *arg)
{
    int rc;

    (void)arg;
    TR_SCOPE(s, &rc) {
        (void)AWAIT(tr_go_start(s, serve, 0, true, NULL));
        (void)AWAIT(tr_go_start(s, serve, 0, true, NULL));
    }
    return rc;
}

static void expect_ended(void *arg, int rc)
{
    size_t begun = 0, over = 0;

    (void)arg;
    EXPECT(rc == 0 || rc == TR_ECANCELED);
    for (const char *at = notes(); *at != '\0'; at++) {
        begun += *at == 'b';
        over += *at == 'c' || *at == 'e';
    }
    EXPECT(begun == over);
}

CASE(a_start_survives_a_cancellation_at_every_await)
{
    cancel_at_every_await(&(attempt){ NULL, start_one, expect_ended }, NULL);
}

/* ---- all that has failed ---- */

struct end_badly_args {
    int error;
    tr_event *when;
};

static int end_badly(void *arg)
{
    const struct end_badly_args *a = arg;

    TR_SHIELD(TR_FOREVER) {
        EXPECT(tr_event_wait(a->when) == 0);
    }
    return a->error;
}

CASE(all_failures_of_a_scope_can_be_listed)
{
    tr_scope_error errors[8];
    tr_event when[3] = { { { 0 } } };
    int rc;

    TR_SCOPE(s, &rc) {
        tr_go(s, end_badly, TR_EBUSY, &when[1]);
        tr_go(s, end_badly, TR_ECANCELED, &when[0]);
        EXPECT(tr_go_on(s, TR_LOOP(1), end_badly, TR_EPIPE, &when[2]) == 0);
        let_others_run();
        for (int i = 0; i < 3; i++)
            EXPECT(tr_event_set(&when[i]) == 0);
        EXPECT(tr_scope_join(s) < 0);
        EXPECT(tr_scope_errors(s, errors, 8) == 2); /* a cancelled child is no failure */
        EXPECT(errors[0].error + errors[1].error == TR_EBUSY + TR_EPIPE);
        EXPECT(strcmp(errors[0].task, "end_badly") == 0 &&
               strcmp(errors[1].task, "end_badly") == 0);
        EXPECT(tr_scope_errors(s, errors, 1) == 2);
        EXPECT(tr_scope_errors(s, NULL, 0) == 2);
    }
    EXPECT(rc == TR_EBUSY || rc == TR_EPIPE);
}

CASE(a_failed_spawn_is_listed_too)
{
    tr_scope_error error;
    int rc;

    TR_SCOPE(s, &rc) {
        EXPECT(tr_go_on(s, TR_LOOP(7), end_badly, 0, NULL) == TR_EINVAL);
        EXPECT(tr_scope_errors(s, &error, 1) == 1);
        EXPECT(error.error == TR_EINVAL && strcmp(error.task, "end_badly") == 0);
    }
    EXPECT(rc == TR_EINVAL);
}

static int fail_under_another_name(void *unused)
{
    (void)unused;
    EXPECT(tr_task_set_name(NULL, "somebody else, with a name of his own") == 0);
    return TR_EBUSY;
}

/* Nobody has a handle: it is gone as soon as it has ended, and its name with it. */
CASE(a_child_that_was_renamed_is_listed_so)
{
    tr_scope_error error;
    int rc;

    TR_SCOPE(s, &rc) {
        EXPECT(tr_scope_spawn(s, fail_under_another_name, NULL) == 0);
        EXPECT(tr_scope_join(s) == TR_EBUSY);
        EXPECT(tr_scope_errors(s, &error, 1) == 1);
        EXPECT(strcmp(error.task, "somebody else, with a name of his own") == 0);
    }
    EXPECT(rc == TR_EBUSY);
}

/* ---- giving back ---- */

static tr_future *return_from_the_middle(void)
{
    tr_future *kept tr_cleanup_future = NULL;
    tr_future *given_back tr_cleanup_future = NULL;
    tr_future *result;

    EXPECT(tr_future_new(&kept) == 0 && tr_future_new(&given_back) == 0);
    result = kept;
    kept = NULL;
    return result;
}

CASE(variables_give_back_what_they_have_at_the_end_of_their_block)
{
    tr_future *f tr_cleanup_future = return_from_the_middle();
    tr_task *t tr_cleanup_task = NULL;
    tr_bytes *b tr_cleanup_bytes = NULL;
    tr_inbox *in tr_cleanup_inbox = NULL;
    tr_msg *msg tr_cleanup_msg = NULL;
    tr_queue *q tr_cleanup_queue = NULL;
    tr_pool *pool tr_cleanup_pool = NULL;

    EXPECT(tr_future_resolve(f, NULL, NULL) == 0);
    EXPECT(tr_task_spawn(&t, sleep_for_ever, NULL) == 0);
    EXPECT(tr_task_cancel(t) == 1);
    EXPECT(tr_bytes_new(&b, "x", 1) == 0);
    EXPECT(tr_inbox_new(&in, 0) == 0);
    EXPECT(msg == NULL);
    EXPECT(tr_queue_new(&q, 1, 1, NULL) == 0);
    EXPECT(tr_pool_new(&pool, "own", 1) == 0);
}

/* ---- wrong ---- */

static void start_on_a_loop(void *arg)
{
    EXPECT(tr_ready() == TR_EWRONGPLACE);
    EXPECT(tr_event_set(arg) == 0);
}

CASE(starts_in_the_wrong_place_are_refused)
{
    tr_event done = { 0 };
    int rc;

    EXPECT(tr_post(TR_LOOP(1), start_on_a_loop, &done) == 0);
    EXPECT(tr_event_wait(&done) == 0);
    EXPECT(tr_go_start(NULL, serve, 0, true, NULL) == TR_EINVAL);
    EXPECT(tr_scope_errors(NULL, NULL, 0) == 0);
    TR_SCOPE(s, &rc) {
        EXPECT(tr_scope_errors(s, NULL, 4) == 0);
        EXPECT(tr_scope_join(s) == 0);
        EXPECT(tr_go_start(s, serve, 0, true, NULL) == TR_EALREADY);
    }
    EXPECT(rc == TR_EALREADY);
    TR_SCOPE(s, &rc) {
        EXPECT(tr_scope_cancel(s) == 1);
        EXPECT(tr_go_start(s, serve, 0, true, NULL) == TR_ECANCELED);
    }
    EXPECT(rc == 0);
}

CASES("start", starting_waits_until_the_child_is_ready, a_child_that_is_ready_at_its_end_was_ready,
      a_child_that_fails_before_it_is_ready_fails_its_start_only,
      a_child_that_ends_without_being_ready_is_named,
      a_child_that_fails_after_it_was_ready_fails_the_scope,
      who_nobody_waits_for_may_say_that_he_is_ready,
      a_start_that_is_cancelled_ends_its_child_before_it_returns, a_deadline_ends_a_start,
      children_may_start_children_of_the_same_scope, a_start_survives_a_cancellation_at_every_await,
      all_failures_of_a_scope_can_be_listed, a_failed_spawn_is_listed_too,
      a_child_that_was_renamed_is_listed_so,
      variables_give_back_what_they_have_at_the_end_of_their_block,
      starts_in_the_wrong_place_are_refused)
