/* Waiting for whichever comes first. */
#include <string.h>

#include "sync/queues.h"

CASE(what_is_ready_is_taken_at_once)
{
    tr_queue *a = new_queue(1);
    tr_queue *b = new_queue(1);
    int which = 7;
    int item = 0;

    put(b, 5);
    EXPECT(tr_select(&which, tr_case_get(a, &item), tr_case_get(b, &item)) == 0);
    EXPECT(which == 1 && item == 5);
    EXPECT(tr_queue_count(b) == 0);
    free_queue(a);
    free_queue(b);
}

CASE(exactly_one_of_those_that_are_ready_is_taken)
{
    tr_queue *a = new_queue(1);
    tr_queue *b = new_queue(1);
    int seen[2] = { 0, 0 };

    put(a, 0);
    put(b, 1);
    for (int i = 0; i < 64; i++) {
        int item = -1;
        int which;

        EXPECT(tr_select(&which, tr_case_get(a, &item), tr_case_get(b, &item)) == 0);
        EXPECT(item == which);
        EXPECT(tr_queue_count(a) + tr_queue_count(b) == 1);
        put(which == 0 ? a : b, item);
        seen[which]++;
    }
    EXPECT(seen[0] > 0 && seen[1] > 0); /* neither starves */
    free_queue(a);
    free_queue(b);
}

struct choose_args {
    tr_queue *a;
    tr_queue *b;
};

static int choose(void *arg)
{
    const struct choose_args *c = arg;
    int item = -1;
    int which;
    int rc = tr_select(&which, tr_case_get(c->a, &item), tr_case_get(c->b, &item));

    EXPECT(rc == 0 || which == -1 || rc == TR_EPIPE);
    if (rc == 0)
        note((char)('a' + item));
    return rc;
}

CASE(whichever_comes_first_is_taken_and_the_other_left)
{
    tr_queue *a = new_queue(1);
    tr_queue *b = new_queue(1);
    int rc;

    TR_SCOPE(s, &rc) {
        tr_go(s, choose, a, b);
        let_others_run();
        put(b, 1);
        put(a, 0);
    }
    EXPECT(rc == 0 && strcmp(notes(), "b") == 0);
    EXPECT(tr_queue_count(a) == 1 && tr_queue_count(b) == 0);
    free_queue(a);
    free_queue(b);
}

CASE(who_has_chosen_does_not_stand_in_the_way_of_others)
{
    tr_queue *a = new_queue(1);
    tr_queue *b = new_queue(1);
    int item;
    int rc;

    TR_SCOPE(s, &rc) {
        tr_go(s, choose, a, b);
        let_others_run();
        put(b, 1); /* its line in a is not left yet */
        put(a, 0);
        EXPECT(tr_queue_try_get(a, &item) == 0 && item == 0);
    }
    EXPECT(rc == 0 && strcmp(notes(), "b") == 0);
    free_queue(a);
    free_queue(b);
}

CASE(room_in_a_queue_can_be_waited_for_too)
{
    tr_queue *full = new_queue(1);
    tr_queue *empty = new_queue(1);
    int out = 3;
    int in = -1;
    int which;

    EXPECT(tr_select(&which, tr_case_put(full, &out), tr_case_get(empty, &in)) == 0);
    EXPECT(which == 0 && tr_queue_count(full) == 1);
    put(empty, 9);
    EXPECT(tr_select(&which, tr_case_put(full, &out), tr_case_get(empty, &in)) == 0);
    EXPECT(which == 1 && in == 9);
    EXPECT(tr_queue_try_get(full, &in) == 0 && in == 3);
    free_queue(full);
    free_queue(empty);
}

struct swap_args {
    tr_queue *q;
    int own;
    int *other;
};

/* Puts what it has, or gets what another has: of two, one gives and one takes. */
static int swap(void *arg)
{
    const struct swap_args *a = arg;
    int item = -1;
    int which;
    int rc = tr_select(&which, tr_case_put(a->q, &a->own), tr_case_get(a->q, &item));

    if (rc == 0)
        *a->other = which == 1 ? item : -2;
    return rc;
}

CASE(two_who_choose_meet_in_a_rendezvous)
{
    for (int loop = 0; loop < 2; loop++) {
        tr_queue *q = new_queue(TR_RENDEZVOUS);
        int got[2] = { -1, -1 };
        int rc;

        TR_SCOPE(s, &rc) {
            EXPECT(tr_go_on(s, TR_LOOP(0), swap, q, 10, &got[0]) == 0);
            EXPECT(tr_go_on(s, TR_LOOP(loop), swap, q, 11, &got[1]) == 0);
        }
        EXPECT(rc == 0);
        EXPECT((got[0] == 11 && got[1] == -2) || (got[0] == -2 && got[1] == 10));
        free_queue(q);
    }
}

CASE(one_alone_does_not_meet_itself)
{
    tr_queue *q = new_queue(TR_RENDEZVOUS);
    int out = 1;
    int in = -1;
    int which;

    EXPECT(tr_select(&which, tr_case_put(q, &out), tr_case_get(q, &in), tr_case_sleep(0.001)) == 0);
    EXPECT(which == 2 && in == -1);
    free_queue(q);
}

CASE(a_queue_that_is_closed_is_ready)
{
    tr_queue *a = new_queue(1);
    tr_queue *b = new_queue(1);
    struct choose_args args = { a, b };
    tr_task *task;
    int item = 1;
    int which;

    EXPECT(tr_task_spawn_on(&task, TR_LOOP(1), choose, &args) == 0);
    let_others_run();
    EXPECT(tr_queue_close(b) == 0);
    EXPECT(tr_task_wait(task, TR_FOREVER) == TR_EPIPE);
    tr_task_unref(task);
    EXPECT(tr_select(&which, tr_case_put(b, &item), tr_case_get(a, &item)) == TR_EPIPE);
    EXPECT(which == 0);
    free_queue(a);
    free_queue(b);
}

/* ---- futures, events, time ---- */

CASE(the_end_of_a_future_is_waited_for_wherever_it_lives)
{
    for (int loop = 0; loop < 2; loop++) {
        tr_future *f = NULL;
        tr_event never = { 0 };
        int which;

        EXPECT(tr_future_new(&f) == 0);
        EXPECT(tr_post(TR_LOOP(loop), loop == 0 ? resolve : fail_future, f) == 0);
        EXPECT(tr_select(&which, tr_case_event(&never), tr_case_future(f)) ==
               (loop == 0 ? 0 : TR_EBUSY));
        EXPECT(which == 1);
        EXPECT(tr_select(&which, tr_case_future(f), tr_case_event(&never)) ==
               (loop == 0 ? 0 : TR_EBUSY)); /* it stays as it is */
        EXPECT(which == 0);
        tr_future_unref(f);
    }
}

static int make_future(void *out)
{
    return tr_future_new(out);
}

CASE(a_future_of_another_loop_is_left_alone_when_something_else_comes)
{
    tr_future *f = NULL;
    tr_event now = { 0 };
    tr_task *maker;
    int which;

    EXPECT(tr_task_spawn_on(&maker, TR_LOOP(1), make_future, &f) == 0);
    EXPECT(tr_task_wait(maker, TR_FOREVER) == 0);
    tr_task_unref(maker);
    EXPECT(tr_select(&which, tr_case_future(f), tr_case_sleep(0.001)) == 0);
    EXPECT(which == 1);
    EXPECT(tr_event_set(&now) == 0);
    EXPECT(tr_select(&which, tr_case_future(f), tr_case_event(&now)) == 0);
    EXPECT(which == 1);
    EXPECT(!tr_future_is_done(f));
    EXPECT(tr_post(TR_LOOP(1), resolve, f) == 0);
    EXPECT(tr_select(&which, tr_case_future(f)) == 0);
    tr_future_unref(f);
}

static void set(void *e)
{
    EXPECT(tr_event_set(e) == 0);
}

CASE(an_event_is_waited_for)
{
    tr_event e = { 0 };
    tr_queue *q = new_queue(1);
    int item;
    int which;

    EXPECT(tr_post(TR_LOOP(1), set, &e) == 0);
    EXPECT(tr_select(&which, tr_case_get(q, &item), tr_case_event(&e)) == 0);
    EXPECT(which == 1);
    EXPECT(tr_event_wait(&e) == 0); /* so that who has set it has let go */
    free_queue(q);
}

CASE(no_time_at_all_is_for_when_nothing_is_ready)
{
    tr_queue *q = new_queue(1);
    int item;
    int which;

    EXPECT(tr_select(&which, tr_case_sleep(0), tr_case_get(q, &item)) == 0);
    EXPECT(which == 0);
    put(q, 1);
    for (int i = 0; i < 20; i++) {
        EXPECT(tr_select(&which, tr_case_sleep(-1), tr_case_get(q, &item)) == 0);
        EXPECT(which == 1);
        put(q, 1);
    }
    free_queue(q);
}

CASE(the_shortest_time_comes_first)
{
    int which;

    EXPECT(tr_select(&which, tr_case_sleep(1000), tr_case_sleep(0.001),
                     tr_case_sleep(TR_FOREVER)) == 0);
    EXPECT(which == 1);
}

/* ---- inboxes ---- */

TR_MESSAGE(letter)
{
    int number;
};

static tr_inbox *new_inbox(void)
{
    tr_inbox *in = NULL;

    EXPECT(tr_inbox_new(&in, 0) == 0);
    return in;
}

CASE(a_message_is_waited_for_among_other_things)
{
    tr_inbox *in = new_inbox();
    tr_queue *q = new_queue(1);
    tr_msg *msg;
    int item;
    int which;

    EXPECT(tr_send(tr_inbox_pid(in), letter, .number = 5) == 0);
    EXPECT(tr_select(&which, tr_case_get(q, &item), tr_case_receive(in, &msg)) == 0);
    EXPECT(which == 1 && tr_as(msg, letter)->number == 5);
    put(q, 3);
    EXPECT(tr_select(&which, tr_case_receive(in, &msg), tr_case_get(q, &item)) == 0);
    EXPECT(which == 1 && item == 3 && msg == NULL);
    EXPECT(tr_select(&which, tr_case_receive(in, &msg), tr_case_receive(in, &msg),
                     tr_case_sleep(0.001)) == 0);
    EXPECT(which == 2);
    tr_inbox_free(in);
    free_queue(q);
}

static int send_two(void *pid)
{
    for (int i = 0; i < 2; i++)
        EXPECT(tr_send(*(tr_pid *)pid, letter, .number = i) == 0);
    return 0;
}

CASE(messages_from_another_loop_come_one_by_one)
{
    tr_inbox *in = new_inbox();
    tr_pid pid = tr_inbox_pid(in);
    tr_task *sender;

    EXPECT(tr_task_spawn_on(&sender, TR_LOOP(1), send_two, &pid) == 0);
    for (int i = 0; i < 2; i++) {
        tr_msg *msg;
        int which;

        EXPECT(tr_select(&which, tr_case_receive(in, &msg), tr_case_sleep(1000)) == 0);
        EXPECT(which == 0 && tr_as(msg, letter)->number == i);
    }
    EXPECT(tr_task_wait(sender, TR_FOREVER) == 0);
    tr_task_unref(sender);
    tr_inbox_free(in);
}

typedef struct choosing {
    tr_inbox *in;
    tr_queue *q;
    int which;
    int rc;
} choosing;

static int choose_message(void *arg)
{
    choosing *c = arg;
    tr_msg *msg;
    int item;

    c->rc = tr_select(&c->which, tr_case_receive(c->in, &msg), tr_case_get(c->q, &item));
    return 0;
}

CASE(a_message_that_comes_too_late_stays_in_the_inbox)
{
    choosing c = { .in = new_inbox(), .q = new_queue(1) };
    tr_task *task;
    tr_msg *msg;

    EXPECT(tr_task_spawn(&task, choose_message, &c) == 0);
    let_others_run();
    put(c.q, 1);
    EXPECT(tr_send(tr_inbox_pid(c.in), letter, .number = 6) == 0);
    EXPECT(tr_task_wait(task, TR_FOREVER) == 0);
    tr_task_unref(task);
    EXPECT(c.rc == 0 && c.which == 1);
    EXPECT(tr_inbox_receive(c.in, &msg, 1000) == 0 && tr_as(msg, letter)->number == 6);
    tr_inbox_free(c.in);
    free_queue(c.q);
}

CASE(an_inbox_that_is_freed_lets_who_chooses_go)
{
    choosing c = { .in = new_inbox(), .q = new_queue(1) };
    tr_task *task;

    EXPECT(tr_task_spawn(&task, choose_message, &c) == 0);
    let_others_run();
    tr_inbox_free(c.in);
    EXPECT(tr_task_wait(task, TR_FOREVER) == 0);
    tr_task_unref(task);
    EXPECT(c.rc == TR_ESHUTDOWN && c.which == 0);
    free_queue(c.q);
}

static void free_and_put(choosing *c)
{
    put(c->q, 1);
    tr_inbox_free(c->in);
}

CASE(an_inbox_may_be_freed_when_something_else_was_taken)
{
    choosing c = { .in = new_inbox(), .q = new_queue(1) };
    tr_task *task;

    EXPECT(tr_task_spawn(&task, choose_message, &c) == 0);
    let_others_run();
    free_and_put(&c);
    EXPECT(tr_task_wait(task, TR_FOREVER) == 0);
    tr_task_unref(task);
    EXPECT(c.rc == 0 && c.which == 1);
    free_queue(c.q);
}

CASE(one_task_at_a_time_waits_for_an_inbox)
{
    choosing first = { .in = new_inbox(), .q = new_queue(1) };
    choosing second = { .in = first.in, .q = first.q };
    tr_task *task;

    EXPECT(tr_task_spawn(&task, choose_message, &first) == 0);
    let_others_run();
    EXPECT(choose_message(&second) == 0);
    EXPECT(second.rc == TR_EBUSY && second.which == 0);
    EXPECT(tr_task_wait(task, 0) == TR_ETIMEDOUT);
    tr_task_unref(task);
    EXPECT(first.rc == TR_ECANCELED && first.which == -1);
    tr_inbox_free(first.in);
    free_queue(first.q);
}

/* ---- cancellation ---- */

CASE(a_choice_that_is_cancelled_takes_nothing)
{
    tr_queue *a = new_queue(1);
    tr_queue *b = new_queue(1);
    struct choose_args args = { a, b };
    tr_task *task;

    EXPECT(tr_task_spawn(&task, choose, &args) == 0);
    let_others_run();
    EXPECT(tr_task_cancel(task) == 1);
    put(a, 0);
    put(b, 1);
    EXPECT(tr_task_wait(task, TR_FOREVER) == TR_ECANCELED);
    tr_task_unref(task);
    EXPECT(tr_queue_count(a) == 1 && tr_queue_count(b) == 1);
    free_queue(a);
    free_queue(b);
}

CASE(what_was_taken_stays_so_though_the_task_is_cancelled)
{
    tr_queue *a = new_queue(1);
    tr_queue *b = new_queue(1);
    struct choose_args args = { a, b };
    tr_task *task;

    EXPECT(tr_task_spawn(&task, choose, &args) == 0);
    let_others_run();
    put(a, 0);
    EXPECT(tr_task_cancel(task) == 1);
    EXPECT(tr_task_wait(task, TR_FOREVER) == 0);
    tr_task_unref(task);
    EXPECT(strcmp(notes(), "a") == 0 && tr_queue_count(a) == 0);
    free_queue(a);
    free_queue(b);
}

typedef struct traffic {
    tr_queue *a;
    tr_queue *b;
    tr_task *rival;
    int sent;
    int got;
} traffic;

static int choose_some(void *arg)
{
    traffic *t = arg;

    for (int i = 0; i < 4; i++) {
        int item;
        int which;
        int rc = AWAIT(tr_select(&which, tr_case_get(t->a, &item), tr_case_get(t->b, &item),
                                 tr_case_sleep(1000)));

        if (rc < 0)
            return rc;
        EXPECT(which != 2);
        t->got++;
    }
    return 0;
}

static int put_in_turn(void *arg)
{
    traffic *t = arg;

    for (int i = 0; i < 4 && tr_queue_put(i % 2 == 0 ? t->a : t->b, &i) == 0; i++)
        t->sent++;
    return 0;
}

static void begin_traffic(void *arg)
{
    traffic *t = arg;

    *t = (traffic){ .a = new_queue(1), .b = new_queue(TR_RENDEZVOUS) };
    EXPECT(tr_task_spawn_on(&t->rival, TR_LOOP(1), put_in_turn, t) == 0);
}

static void expect_all_there(void *arg, int rc)
{
    traffic *t = arg;
    int item;

    EXPECT(rc == 0 || rc == TR_ECANCELED);
    EXPECT(tr_queue_close(t->a) == 0 && tr_queue_close(t->b) == 0);
    EXPECT(tr_task_wait(t->rival, TR_FOREVER) == 0);
    tr_task_unref(t->rival);
    while (tr_queue_get(t->a, &item) == 0)
        t->got++;
    EXPECT(tr_queue_get(t->b, &item) == TR_EPIPE);
    EXPECT(t->got == t->sent);
    free_queue(t->a);
    free_queue(t->b);
}

CASE(nothing_is_lost_whenever_a_choice_is_cancelled)
{
    traffic t;

    cancel_at_every_await(&(attempt){ begin_traffic, choose_some, expect_all_there }, &t);
}

/* ---- many at once ---- */

enum { EACH = 30 };

static int choose_until_closed(void *arg)
{
    traffic *t = arg;
    int open = 2;

    while (open > 0) {
        int item;
        int which;
        int rc = tr_select(&which, tr_case_get(t->a, &item), tr_case_get(t->b, &item));

        if (rc == 0)
            t->got++;
        else if (tr_queue_is_closed(t->a) && tr_queue_is_closed(t->b) &&
                 tr_queue_count(t->a) + tr_queue_count(t->b) == 0)
            open = 0;
        else
            EXPECT(rc == TR_EPIPE && tr_yield() == 0);
    }
    return 0;
}

static int offer_until_done(void *arg)
{
    traffic *t = arg;

    while (t->sent < EACH) {
        int which;
        int rc = tr_select(&which, tr_case_put(t->a, &t->sent), tr_case_put(t->b, &t->sent));

        EXPECT(rc == 0);
        t->sent++;
    }
    return 0;
}

CASE(many_who_choose_on_all_loops_lose_nothing)
{
    tr_queue *a = new_queue(1);
    tr_queue *b = new_queue(TR_RENDEZVOUS);
    traffic getters[3], putters[3];
    int got = 0;
    int rc, all;

    TR_SCOPE(outer, &all) {
        for (int i = 0; i < 3; i++) {
            getters[i] = (traffic){ .a = a, .b = b };
            EXPECT(tr_scope_spawn_on(outer, TR_LOOP(i % 2), choose_until_closed, &getters[i]) == 0);
        }
        TR_SCOPE(s, &rc) {
            for (int i = 0; i < 3; i++) {
                putters[i] = (traffic){ .a = a, .b = b };
                EXPECT(tr_scope_spawn_on(s, TR_LOOP(i % 2), offer_until_done, &putters[i]) == 0);
            }
        }
        EXPECT(rc == 0);
        EXPECT(tr_queue_close(a) == 0 && tr_queue_close(b) == 0);
    }
    EXPECT(all == 0);
    for (int i = 0; i < 3; i++)
        got += getters[i].got;
    EXPECT(got == 3 * EACH);
    free_queue(a);
    free_queue(b);
}

/* ---- wrong ---- */

static void select_on_a_loop(void *done)
{
    int which;

    EXPECT(tr_select(&which, tr_case_sleep(0)) == TR_EWRONGPLACE);
    EXPECT(which == -1);
    EXPECT(tr_event_set(done) == 0);
}

static void select_as_thread(void *unused)
{
    int which;

    (void)unused;
    EXPECT(tr_select(&which, tr_case_sleep(0)) == TR_EWRONGPLACE);
}

CASE(only_tasks_choose)
{
    tr_event done = { 0 };

    EXPECT(tr_post(TR_LOOP(1), select_on_a_loop, &done) == 0);
    EXPECT(tr_event_wait(&done) == 0);
    foreign_end(foreign_start(select_as_thread, NULL));
}

CASE(bad_arguments_are_refused)
{
    tr_queue *q = new_queue(1);
    tr_case none;
    int item;
    int which = 3;

    EXPECT(tr_select(NULL, tr_case_sleep(0)) == TR_EINVAL);
    EXPECT(tr_select_from(&which, NULL, 1) == TR_EINVAL && which == -1);
    EXPECT(tr_select_from(&which, &none, 0) == TR_EINVAL);
    EXPECT(tr_select(&which, tr_case_sleep(0), tr_case_get(NULL, &item)) == TR_EINVAL);
    EXPECT(tr_select(&which, tr_case_get(q, NULL)) == TR_EINVAL);
    EXPECT(tr_select(&which, tr_case_put(NULL, &item)) == TR_EINVAL);
    EXPECT(tr_select(&which, tr_case_put(q, NULL)) == TR_EINVAL);
    EXPECT(tr_select(&which, tr_case_future(NULL)) == TR_EINVAL);
    EXPECT(tr_select(&which, tr_case_event(NULL)) == TR_EINVAL);
    EXPECT(tr_select(&which, tr_case_receive(NULL, NULL)) == TR_EINVAL);
    EXPECT(tr_select(&which, tr_case_sleep(__builtin_nan(""))) == TR_EINVAL);
    EXPECT(which == -1);
    free_queue(q);
}

CASES("select", what_is_ready_is_taken_at_once, exactly_one_of_those_that_are_ready_is_taken,
      whichever_comes_first_is_taken_and_the_other_left,
      who_has_chosen_does_not_stand_in_the_way_of_others, room_in_a_queue_can_be_waited_for_too,
      two_who_choose_meet_in_a_rendezvous, one_alone_does_not_meet_itself,
      a_queue_that_is_closed_is_ready, the_end_of_a_future_is_waited_for_wherever_it_lives,
      a_future_of_another_loop_is_left_alone_when_something_else_comes, an_event_is_waited_for,
      no_time_at_all_is_for_when_nothing_is_ready, the_shortest_time_comes_first,
      a_message_is_waited_for_among_other_things, messages_from_another_loop_come_one_by_one,
      a_message_that_comes_too_late_stays_in_the_inbox, an_inbox_that_is_freed_lets_who_chooses_go,
      an_inbox_may_be_freed_when_something_else_was_taken, one_task_at_a_time_waits_for_an_inbox,
      a_choice_that_is_cancelled_takes_nothing,
      what_was_taken_stays_so_though_the_task_is_cancelled,
      nothing_is_lost_whenever_a_choice_is_cancelled, many_who_choose_on_all_loops_lose_nothing,
      only_tasks_choose, bad_arguments_are_refused)
