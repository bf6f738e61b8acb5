/* Batches. */
#include <math.h>
#include <string.h>

#include "sync/cases.h"

enum { LONG = 1000 };

typedef struct query {
    int number;
    int answer;
} query;

/* What is done with a batch: it notes how many there are, answers them, and waits until it may
 * end. */
typedef struct server {
    tr_batcher *b;
    tr_event go; /* not used if `is_held` is false */
    bool is_held;
    int result;
    _Atomic int loop; /* where the last batch ran */
    counter items;    /* that were done */
    counter batches;
} server;

static int answer_all(void *const *items, size_t n, void *ctx)
{
    server *s = ctx;

    count_up(&s->batches);
    note((char)('0' + n));
    s->loop = tr_loop_current();
    for (size_t i = 0; i < n; i++) {
        query *q = items[i];

        EXPECT(q->answer == 0); /* nobody is done twice */
        q->answer = 2 * q->number;
        count_up(&s->items);
    }
    if (s->is_held)
        EXPECT(tr_event_wait(&s->go) == 0);
    return s->result;
}

static server *begin_server(server *s, size_t most, double longest)
{
    *s = (server){ .b = NULL };
    EXPECT(tr_batcher_new(&s->b,
                          &(tr_batcher_options){
                              .fn = answer_all, .ctx = s, .most = most, .longest = longest }) == 0);
    return s;
}

static void end_server(server *s)
{
    EXPECT(tr_batcher_close(s->b) == 0);
    EXPECT(tr_batcher_join(s->b) == 0);
    EXPECT(tr_batcher_free(s->b) == 0);
}

struct ask_args {
    server *s;
    int number;
    int expected; /* result */
};

static int ask(void *arg)
{
    const struct ask_args *a = arg;
    query q = { .number = a->number };
    int rc = tr_batcher_call(a->s->b, &q);

    EXPECT(rc == a->expected);
    EXPECT(q.answer == (rc == TR_ECANCELED || rc == TR_EPIPE ? 0 : 2 * a->number));
    return 0;
}

/* ---- when a batch begins ---- */

CASE(a_full_batch_is_done_at_once)
{
    server s;
    int rc;

    (void)begin_server(&s, 3, LONG);
    TR_SCOPE(scope, &rc) {
        for (int i = 1; i <= 6; i++)
            tr_go(scope, ask, &s, i, 0);
    }
    EXPECT(rc == 0 && strcmp(notes(), "33") == 0);
    end_server(&s);
}

CASE(when_its_time_is_over_it_is_done_with_what_has_come)
{
    server s;
    int rc;

    (void)begin_server(&s, 100, 1e-3);
    TR_SCOPE(scope, &rc) {
        for (int i = 1; i <= 4; i++)
            tr_go(scope, ask, &s, i, 0);
    }
    EXPECT(rc == 0 && strcmp(notes(), "4") == 0);
    end_server(&s);
}

CASE(by_default_it_does_not_wait_for_long)
{
    server s;
    query q = { .number = 4 };

    (void)begin_server(&s, 0, 0);
    EXPECT(tr_batcher_call(s.b, &q) == 0 && q.answer == 8);
    end_server(&s);
}

CASE(without_time_it_takes_what_comes_in_one_turn)
{
    server s;
    int rc;

    (void)begin_server(&s, 100, -1);
    TR_SCOPE(scope, &rc) {
        for (int i = 1; i <= 4; i++)
            tr_go(scope, ask, &s, i, 0);
    }
    EXPECT(rc == 0 && strcmp(notes(), "4") == 0);
    end_server(&s);
}

CASE(one_at_a_time_is_a_batch_too)
{
    server s;
    query q = { .number = 4 };

    (void)begin_server(&s, 1, LONG);
    for (int i = 0; i < 3; i++, q.answer = 0)
        EXPECT(tr_batcher_call(s.b, &q) == 0 && q.answer == 8);
    EXPECT(strcmp(notes(), "111") == 0);
    end_server(&s);
}

CASE(what_is_flushed_is_done_at_once)
{
    server s;
    int rc;

    (void)begin_server(&s, 100, TR_FOREVER);
    EXPECT(tr_batcher_flush(s.b) == 0); /* nothing */
    TR_SCOPE(scope, &rc) {
        tr_go(scope, ask, &s, 1, 0);
        tr_go(scope, ask, &s, 2, 0);
        let_others_run();
        EXPECT(count_of(&s.batches) == 0);
        EXPECT(tr_batcher_flush(s.b) == 0);
        tr_go(scope, ask, &s, 3, 0);
        let_others_run();
        EXPECT(tr_batcher_flush(s.b) == 0);
    }
    EXPECT(rc == 0 && strcmp(notes(), "21") == 0);
    end_server(&s);
}

static int note_order(void *const *items, size_t n, void *unused)
{
    (void)unused;
    for (size_t i = 0; i < n; i++)
        note(*(const char *)items[i]);
    return 0;
}

struct hand_in_args {
    tr_batcher *b;
    char letter;
};

static int hand_in(void *arg)
{
    struct hand_in_args *a = arg;

    return tr_batcher_call(a->b, &a->letter);
}

CASE(items_come_in_the_order_of_their_callers)
{
    tr_batcher *b;
    int rc;

    EXPECT(tr_batcher_new(&b, &(tr_batcher_options){ .fn = note_order, .most = 5 }) == 0);
    TR_SCOPE(scope, &rc) {
        for (char c = 'a'; c <= 'e'; c++)
            tr_go(scope, hand_in, b, c);
    }
    EXPECT(rc == 0 && strcmp(notes(), "abcde") == 0);
    EXPECT(tr_batcher_join(b) == 0 && tr_batcher_free(b) == 0);
}

/* ---- results ---- */

CASE(its_result_goes_to_all_of_a_batch)
{
    static const int results[] = { TR_EBUSY, 7, 0 };

    for (int i = 0; i < 3; i++) {
        server s;
        int rc;

        (void)begin_server(&s, 2, LONG);
        s.result = results[i];
        TR_SCOPE(scope, &rc) {
            tr_go(scope, ask, &s, 1, results[i]);
            tr_go(scope, ask, &s, 2, results[i]);
        }
        EXPECT(rc == 0);
        end_server(&s);
    }
}

CASE(a_batch_that_ends_as_cancelled_is_no_cancelled_caller)
{
    server s;
    query q = { .number = 1 };

    (void)begin_server(&s, 1, LONG);
    s.result = TR_ECANCELED;
    EXPECT(tr_batcher_call(s.b, &q) == TR_ECANCELED);
    EXPECT(q.answer == 2 && !tr_cancel_requested());
    end_server(&s);
}

CASE(a_batch_is_collected_while_another_runs)
{
    server s;
    int rc;

    (void)begin_server(&s, 2, LONG);
    s.is_held = true;
    TR_SCOPE(scope, &rc) {
        for (int i = 1; i <= 4; i++)
            tr_go(scope, ask, &s, i, 0);
        let_others_run();
        EXPECT(count_of(&s.batches) == 2 && count_of(&s.items) == 4);
        EXPECT(tr_event_set(&s.go) == 0);
    }
    EXPECT(rc == 0);
    end_server(&s);
}

CASE(it_runs_on_the_loop_that_was_asked_for)
{
    for (int loop = 0; loop < 2; loop++) {
        server s = { .b = NULL };
        query q = { .number = 3 };

        EXPECT(tr_batcher_new(&s.b, &(tr_batcher_options){ .fn = answer_all,
                                                           .ctx = &s,
                                                           .longest = 1e-4,
                                                           .on = TR_LOOP(loop) }) == 0);
        EXPECT(tr_batcher_call(s.b, &q) == 0 && q.answer == 6);
        EXPECT(s.loop == TR_LOOP(loop));
        end_server(&s);
    }
}

/* ---- cancellation ---- */

static tr_task *start_ask(struct ask_args *a)
{
    tr_task *task;

    EXPECT(tr_task_spawn(&task, ask, a) == 0);
    let_others_run();
    return task;
}

static void end_ask(tr_task *task)
{
    EXPECT(tr_task_wait(task, TR_FOREVER) == 0);
    tr_task_unref(task);
}

CASE(who_is_cancelled_before_takes_his_item_out)
{
    server s;
    struct ask_args stays = { &s, 1, 0 };
    struct ask_args leaves = { &s, 2, TR_ECANCELED };
    tr_task *tasks[3];

    (void)begin_server(&s, 100, LONG);
    tasks[0] = start_ask(&stays);
    tasks[1] = start_ask(&leaves);
    tasks[2] = start_ask(&stays);
    EXPECT(tr_task_cancel(tasks[1]) == 1);
    end_ask(tasks[1]);
    EXPECT(tr_batcher_flush(s.b) == 0);
    end_ask(tasks[0]);
    end_ask(tasks[2]);
    EXPECT(strcmp(notes(), "2") == 0);
    end_server(&s);
}

CASE(a_place_that_was_left_is_another_s)
{
    server s;
    struct ask_args stays = { &s, 1, 0 };
    struct ask_args leaves = { &s, 2, TR_ECANCELED };
    tr_task *tasks[3];

    (void)begin_server(&s, 2, LONG);
    tasks[0] = start_ask(&leaves);
    EXPECT(tr_task_cancel(tasks[0]) == 1);
    end_ask(tasks[0]);
    tasks[1] = start_ask(&stays);
    EXPECT(count_of(&s.batches) == 0);
    tasks[2] = start_ask(&stays);
    end_ask(tasks[1]);
    end_ask(tasks[2]);
    EXPECT(strcmp(notes(), "2") == 0);
    end_server(&s);
}

CASE(if_all_have_left_nothing_is_done)
{
    server s;
    struct ask_args leaves = { &s, 2, TR_ECANCELED };
    tr_task *task;

    (void)begin_server(&s, 2, LONG);
    task = start_ask(&leaves);
    EXPECT(tr_task_cancel(task) == 1);
    end_ask(task);
    end_server(&s); /* which need not wait for its time */
    EXPECT(strcmp(notes(), "") == 0);
}

CASE(who_is_cancelled_after_it_has_begun_has_its_result)
{
    server s;
    struct ask_args stays = { &s, 1, 5 };
    tr_task *tasks[2];

    (void)begin_server(&s, 2, LONG);
    s.is_held = true;
    s.result = 5;
    tasks[0] = start_ask(&stays);
    tasks[1] = start_ask(&stays);
    EXPECT(count_of(&s.batches) == 1);
    EXPECT(tr_task_cancel(tasks[0]) == 1);
    let_others_run();
    EXPECT(!tr_future_is_done(tr_task_future(tasks[0])));
    EXPECT(tr_event_set(&s.go) == 0);
    end_ask(tasks[0]);
    end_ask(tasks[1]);
    end_server(&s);
}

CASE(a_deadline_before_it_begins_is_a_cancellation)
{
    server s;
    query q = { .number = 1 };
    int rc = 0;

    (void)begin_server(&s, 2, LONG);
    TR_DEADLINE(1e-3, &rc) {
        rc = tr_batcher_call(s.b, &q);
    }
    EXPECT(rc == TR_ETIMEDOUT && q.answer == 0);
    end_server(&s);
}

static int ask_thrice(void *arg)
{
    server *s = arg;

    for (int i = 1; i <= 3; i++) {
        query q = { .number = i };
        int rc = AWAIT(tr_batcher_call(s->b, &q));

        EXPECT(rc == 0 || rc == TR_ECANCELED);
        EXPECT(q.answer == (rc == 0 ? 2 * i : 0));
        if (rc < 0)
            return rc;
        count_down(&s->items);
    }
    return 0;
}

static void begin_short(void *arg)
{
    (void)begin_server(arg, 2, 1e-4);
}

static void expect_balance(void *arg, int rc)
{
    server *s = arg;

    EXPECT(rc == 0 || rc == TR_ECANCELED);
    EXPECT(count_of(&s->items) == 0); /* all that was done has been told */
    end_server(s);
}

CASE(whenever_a_caller_is_cancelled_his_item_is_done_or_it_is_not)
{
    server s;

    cancel_at_every_await(&(attempt){ begin_short, ask_thrice, expect_balance }, &s);
}

/* ---- from everywhere ---- */

static void ask_as_thread(void *arg)
{
    server *s = arg;

    for (int i = 1; i <= 10; i++) {
        query q = { .number = i };

        EXPECT(tr_batcher_call(s->b, &q) == 0 && q.answer == 2 * i);
    }
}

static int ask_often(void *arg)
{
    ask_as_thread(arg);
    return 0;
}

CASE(all_loops_and_threads_share_one)
{
    server s;
    foreign *threads[2];
    int rc;

    (void)begin_server(&s, 3, 1e-4);
    for (int i = 0; i < 2; i++)
        threads[i] = foreign_start(ask_as_thread, &s);
    TR_SCOPE(scope, &rc) {
        for (int i = 0; i < 4; i++)
            EXPECT(tr_scope_spawn_on(scope, TR_LOOP(i % 2), ask_often, &s) == 0);
    }
    EXPECT(rc == 0);
    for (int i = 0; i < 2; i++)
        foreign_end(threads[i]);
    EXPECT(count_of(&s.items) == 60);
    end_server(&s);
}

/* ---- the end ---- */

CASE(what_was_handed_in_before_it_closed_is_done)
{
    server s;
    struct ask_args early = { &s, 1, 0 };
    struct ask_args late = { &s, 1, TR_EPIPE };
    tr_task *task;

    (void)begin_server(&s, 100, LONG);
    task = start_ask(&early);
    EXPECT(tr_batcher_close(s.b) == 0);
    EXPECT(tr_batcher_close(s.b) == 0);
    EXPECT(ask(&late) == 0);
    end_ask(task);
    EXPECT(strcmp(notes(), "1") == 0);
    EXPECT(tr_batcher_flush(s.b) == 0);
    end_server(&s);
}

CASE(joining_waits_for_what_runs_and_has_a_limit)
{
    server s;
    struct ask_args a = { &s, 1, 0 };
    tr_task *task;
    int rc = 0;

    (void)begin_server(&s, 1, LONG);
    EXPECT(tr_batcher_join(s.b) == 0); /* nothing runs */
    s.is_held = true;
    task = start_ask(&a);
    EXPECT(tr_batcher_free(s.b) == TR_EBUSY);
    EXPECT(tr_batcher_join_for(s.b, 0) == TR_ETIMEDOUT);
    EXPECT(tr_batcher_join_for(s.b, 1e-3) == TR_ETIMEDOUT);
    TR_DEADLINE(1e-3, &rc) {
        rc = tr_batcher_join(s.b);
    }
    EXPECT(rc == TR_ETIMEDOUT);
    EXPECT(tr_event_set(&s.go) == 0);
    end_server(&s); /* the caller may not have run yet */
    end_ask(task);
}

CASE(it_may_be_freed_though_who_was_cancelled_has_not_returned_yet)
{
    for (int i = 0; i < 2; i++) {
        server s;
        struct ask_args leaves = { &s, 1, TR_ECANCELED };
        tr_task *task;

        (void)begin_server(&s, 2, LONG);
        EXPECT(tr_task_spawn_on(&task, TR_LOOP(i), ask, &leaves) == 0);
        let_others_run();
        EXPECT(tr_task_cancel(task) == 1);
        if (i == 0) {
            end_server(&s);
            end_ask(task);
        } else { /* it may not have called yet */
            end_ask(task);
            end_server(&s);
        }
    }
}

/* ---- wrong ---- */

static void call_on_loop(void *b)
{
    query q = { .number = 1 };

    EXPECT(tr_batcher_call(b, &q) == TR_EWRONGPLACE);
    EXPECT(tr_batcher_join(b) == TR_EWRONGPLACE);
    EXPECT(tr_batcher_flush(b) == 0);
}

static void call_and_say_so(void *arg)
{
    server *s = arg;

    call_on_loop(s->b);
    EXPECT(tr_event_set(&s->go) == 0);
}

CASE(who_may_not_wait_does_not_wait_for_a_batch)
{
    server s;

    (void)begin_server(&s, 2, LONG);
    call_in_handler(false, call_on_loop, s.b);
    EXPECT(tr_post(TR_LOOP(1), call_and_say_so, &s) == 0);
    EXPECT(tr_event_wait(&s.go) == 0);
    end_server(&s);
}

CASE(bad_arguments_are_refused)
{
    const tr_batcher_options bad[] = {
        { .fn = NULL },
        { .fn = answer_all, .most = ((size_t)1 << 20) + 1 },
        { .fn = answer_all, .longest = NAN },
        { .fn = answer_all, .on = -1 },
    };
    tr_batcher *b = (tr_batcher *)&b;
    query q = { .number = 1 };

    for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
        EXPECT(tr_batcher_new(&b, &bad[i]) == TR_EINVAL);
        EXPECT(b == NULL);
    }
    EXPECT(tr_batcher_new(&b, NULL) == TR_EINVAL);
    EXPECT(tr__batcher_new(&b, &(tr_batcher_options){ .fn = answer_all }, 0) == TR_EINVAL);
    EXPECT(tr__batcher_new(&b, &bad[1], sizeof(bad[1]) + 1) == TR_EINVAL);
    EXPECT(tr_batcher_new(NULL, &(tr_batcher_options){ .fn = answer_all }) == TR_EINVAL);
    EXPECT(tr_batcher_free(NULL) == 0);
    EXPECT(tr_batcher_call(NULL, &q) == TR_EINVAL);
    EXPECT(tr_batcher_flush(NULL) == TR_EINVAL && tr_batcher_close(NULL) == TR_EINVAL);
    EXPECT(tr_batcher_join(NULL) == TR_EINVAL);
    /* A loop that there is not shows when it is needed. */
    EXPECT(tr_batcher_new(&b, &(tr_batcher_options){ .fn = answer_all, .on = TR_LOOP(99) }) == 0);
    EXPECT(tr_batcher_call(b, &q) == TR_EINVAL);
    EXPECT(tr_batcher_call(b, NULL) == TR_EINVAL);
    EXPECT(tr_batcher_join_for(b, NAN) == TR_EINVAL);
    EXPECT(tr_batcher_free(b) == 0);
}

CASES("batcher", a_full_batch_is_done_at_once, when_its_time_is_over_it_is_done_with_what_has_come,
      by_default_it_does_not_wait_for_long, without_time_it_takes_what_comes_in_one_turn,
      one_at_a_time_is_a_batch_too, what_is_flushed_is_done_at_once,
      items_come_in_the_order_of_their_callers, its_result_goes_to_all_of_a_batch,
      a_batch_that_ends_as_cancelled_is_no_cancelled_caller,
      a_batch_is_collected_while_another_runs, it_runs_on_the_loop_that_was_asked_for,
      who_is_cancelled_before_takes_his_item_out, a_place_that_was_left_is_another_s,
      if_all_have_left_nothing_is_done, who_is_cancelled_after_it_has_begun_has_its_result,
      a_deadline_before_it_begins_is_a_cancellation,
      whenever_a_caller_is_cancelled_his_item_is_done_or_it_is_not, all_loops_and_threads_share_one,
      what_was_handed_in_before_it_closed_is_done, joining_waits_for_what_runs_and_has_a_limit,
      it_may_be_freed_though_who_was_cancelled_has_not_returned_yet,
      who_may_not_wait_does_not_wait_for_a_batch, bad_arguments_are_refused)
