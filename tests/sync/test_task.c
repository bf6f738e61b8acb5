/* Tasks: when they begin, that each ends once, and what a cancellation does to them. */
#include <errno.h>
#include <string.h>

#include "sync/cases.h"

static void unref(void *task)
{
    tr_task_unref(task);
}

static int end_of(tr_task *t)
{
    int rc = tr_task_wait(t, TR_FOREVER);

    tr_task_unref(t);
    return rc;
}

/* ---- beginning, turns ---- */

static int take_turns(void *letter)
{
    for (int i = 0; i < 3; i++) {
        note(*(const char *)letter);
        EXPECT(tr_yield() == 0);
    }
    return 0;
}

CASE(tasks_begin_when_the_caller_awaits_and_take_turns_in_order)
{
    static char letters[] = "abc";
    tr_task *tasks[3];

    for (int i = 0; i < 3; i++)
        EXPECT(tr_task_spawn(&tasks[i], take_turns, &letters[i]) == 0);
    EXPECT(strcmp(notes(), "") == 0);
    for (int i = 0; i < 3; i++)
        EXPECT(end_of(tasks[i]) == 0);
    EXPECT(strcmp(notes(), "abcabcabc") == 0);
}

static int stay(void *loop)
{
    for (int i = 0; i < 5; i++) {
        EXPECT(tr_loop_current() == TR_LOOP(*(const int *)loop));
        EXPECT((i % 2 == 0 ? tr_yield() : tr_sleep(0.0001)) == 0);
    }
    return *(const int *)loop;
}

static int spawn_everywhere(void *unused)
{
    static const int loops[] = { 0, 1 };

    (void)unused;
    for (int i = 0; i < 2; i++) {
        tr_task *t;

        EXPECT(tr_task_spawn_on(&t, TR_LOOP(i), stay, (void *)&loops[i]) == 0);
        EXPECT(end_of(t) == i);
    }
    return 0;
}

CASE(a_task_stays_on_the_loop_that_it_is_spawned_on)
{
    tr_task *tasks[2];

    for (int i = 0; i < 2; i++)
        EXPECT(tr_task_spawn_on(&tasks[i], TR_LOOP(i), spawn_everywhere, NULL) == 0);
    for (int i = 0; i < 2; i++)
        EXPECT(end_of(tasks[i]) == 0);
}

static int add(void *sum)
{
    count_up(sum);
    return tr_yield();
}

CASE(many_tasks_on_all_loops_all_end)
{
    enum { MANY = 100 };
    counter sum = { 0 };
    tr_task *tasks[MANY];

    for (int i = 0; i < MANY; i++)
        EXPECT(tr_task_spawn_on(&tasks[i], TR_LOOP(i % 2), add, &sum) == 0);
    for (int i = MANY; i-- > 0;)
        EXPECT(end_of(tasks[i]) == 0);
    EXPECT(count_of(&sum) == MANY);
}

static void spawn_here(void *sum)
{
    tr_task *t = NULL;
    int rc = tr_task_spawn(&t, add, sum);

    EXPECT(rc == 0 || rc == TR_EWRONGPLACE);
    EXPECT((rc == 0) == (t != NULL));
    EXPECT(rc == 0 || tr_loop_current() <= 0);
    tr_task_detach(t);
}

CASE(tasks_are_spawned_on_loops_only)
{
    counter sum = { 0 };

    call_elsewhere(spawn_here, &sum); /* a handler, a loop callback; and a thread, which may not */
    for (int i = 0; i < 2; i++) {
        tr_task *t;

        EXPECT(tr_task_spawn_on(&t, TR_LOOP(1), add, &sum) == 0);
        EXPECT(end_of(t) == 0); /* those from before have run by now */
    }
    EXPECT(count_of(&sum) == 4);
}

CASE(a_spawn_that_is_refused_leaves_no_task)
{
    counter sum = { 0 };
    tr_task *t = (tr_task *)(void *)&sum;
    tr_future *f = (tr_future *)(void *)&sum;

    EXPECT(tr_task_spawn_on(&t, TR_LOOP(2), add, &sum) == TR_EINVAL && t == NULL);
    EXPECT(tr_submit(&f, TR_LOOP(2), add, &sum) == TR_EINVAL && f == NULL);
    EXPECT(tr_task_spawn_with(&t, add, &sum, &(tr_task_options){ .stack_bytes = 1 }) == TR_EINVAL);
    EXPECT(t == NULL && tr_task_future(NULL) == NULL && tr_task_ref(NULL) == NULL);
    EXPECT(tr_task_wait(NULL, 0) == TR_EINVAL && tr_task_cancel(NULL) == TR_EINVAL);
    let_others_run();
    EXPECT(count_of(&sum) == 0);
}

static int keep_errno(void *value)
{
    for (int i = 0; i < 5; i++) {
        errno = *(const int *)value;
        EXPECT((i % 2 == 0 ? tr_yield() : tr_sleep(0.0001)) == 0);
        EXPECT(errno == *(const int *)value);
    }
    return 0;
}

CASE(errno_is_each_tasks_own)
{
    static int values[] = { EIO, EPIPE, 0, EIO };
    tr_task *tasks[4];

    for (int i = 0; i < 4; i++)
        EXPECT(tr_task_spawn_on(&tasks[i], TR_LOOP(i / 3), keep_errno, &values[i]) == 0);
    for (int i = 0; i < 4; i++)
        EXPECT(end_of(tasks[i]) == 0);
}

/* ---- results ---- */

static int wait_for_task(void *task)
{
    return tr_task_wait(task, TR_FOREVER);
}

static int wait_for_event(void *event)
{
    int rc = tr_event_wait(event);

    return rc < 0 ? rc : 7;
}

CASE(many_wait_for_one_task_and_get_its_result)
{
    for (int loop = 0; loop < 2; loop++) {
        tr_event go = { 0 };
        tr_task *t;
        tr_task *waiters[6];

        EXPECT(tr_task_spawn_on(&t, TR_LOOP(loop), wait_for_event, &go) == 0);
        for (int i = 0; i < 6; i++)
            EXPECT(tr_task_spawn_on(&waiters[i], TR_LOOP(i % 2), wait_for_task, t) == 0);
        let_others_run();
        EXPECT(tr_event_set(&go) == 0);
        for (int i = 0; i < 6; i++)
            EXPECT(end_of(waiters[i]) == 7);
        EXPECT(tr_task_wait(t, 0) == 7); /* again and again */
        EXPECT(tr_future_status(tr_task_future(t)) == 7 && tr_await(tr_task_future(t)) == 7);
        EXPECT(tr_task_cancel(t) == 0);
        tr_task_unref(t);
    }
}

static int work_and_note(void *go)
{
    int rc = tr_event_wait(go);

    note(rc == 0 ? 'd' : 'c');
    return rc;
}

static int set_event(void *event)
{
    return tr_event_set(event);
}

CASE(a_task_whose_handle_was_dropped_goes_on)
{
    for (int loop = 0; loop < 2; loop++) {
        tr_event go = { 0 };
        tr_future *f;
        tr_task *t;

        EXPECT(tr_task_spawn_on(&t, TR_LOOP(loop), work_and_note, &go) == 0);
        f = tr_future_ref(tr_task_future(t));
        EXPECT(tr_task_ref(t) == t);
        foreign_end(foreign_start(unref, t));
        EXPECT(tr_post(TR_LOOP(1), unref, t) == 0);
        EXPECT(tr_task_spawn_on(NULL, TR_LOOP(1), set_event, &go) == 0);
        EXPECT(tr_await(f) == 0);
        tr_future_unref(f);
    }
    EXPECT(strcmp(notes(), "dd") == 0);
}

/* ---- failures that nobody looks at ---- */

static counter complaints;

static void count_complaint(void *unused, tr_log_level level, const char *line)
{
    (void)unused;
    (void)level;
    if (strstr(line, "nobody has looked at") != NULL)
        count_up(&complaints);
}

static int fail_with(void *error)
{
    return *(const int *)error;
}

CASE(a_failure_that_nobody_looks_at_is_reported_once)
{
    static int errors[] = { TR_EBUSY, TR_ECANCELED, 0 };
    tr_task *t;

    complaints = (counter){ 0 };
    tr_log_set(count_complaint, NULL);
    for (int i = 0; i < 6; i++) {
        tr_future *f;

        EXPECT(tr_task_spawn_on(&t, TR_LOOP(i / 3), fail_with, &errors[i % 3]) == 0);
        tr_task_detach(t);
        EXPECT(tr_submit(&f, TR_LOOP(i / 3), fail_with, &errors[i % 3]) == 0);
        EXPECT(tr_await(f) == errors[i % 3]); /* looked at; and the one before has ended */
        tr_future_unref(f);
    }
    EXPECT(tr_task_spawn_on(&t, TR_LOOP(1), fail_with, &errors[2]) == 0);
    EXPECT(end_of(t) == 0);
    EXPECT(count_of(&complaints) == 2); /* of TR_EBUSY, on each loop */
    tr_log_set(NULL, NULL);
}

/* ---- names ---- */

static int have_a_name(void *unused)
{
    (void)unused;
    EXPECT(strcmp(tr_task_name(NULL), "have_a_name") == 0);
    EXPECT(tr_task_set_name(NULL, "another") == 0);
    EXPECT(tr_yield() == 0);
    EXPECT(strcmp(tr_task_name(NULL), "another") == 0);
    EXPECT(tr_task_set_name(NULL, NULL) == TR_EINVAL);
    return 0;
}

static void be_nameless(void *unused)
{
    (void)unused;
    EXPECT(strcmp(tr_task_name(NULL), "") == 0);
    EXPECT(tr_task_set_name(NULL, "x") == TR_EWRONGPLACE);
}

CASE(a_task_has_the_name_of_its_function_until_it_is_renamed)
{
    tr_task *tasks[2];
    tr_task *t;

    for (int i = 0; i < 2; i++)
        EXPECT(tr_task_spawn_on(&tasks[i], TR_LOOP(i), have_a_name, NULL) == 0);
    EXPECT(tr_task_set_name(tasks[1], "x") == TR_EWRONGPLACE); /* of another loop */
    EXPECT(end_of(tasks[1]) == 0);
    EXPECT(tr_task_wait(tasks[0], TR_FOREVER) == 0);
    EXPECT(strcmp(tr_task_name(tasks[0]), "another") == 0);
    tr_task_unref(tasks[0]);
    call_elsewhere(be_nameless, NULL);
    EXPECT(tr_task_spawn_with(&t, sleep_for_ever, NULL, &(tr_task_options){ .name = "own" }) == 0);
    EXPECT(strcmp(tr_task_name(t), "own") == 0);
    EXPECT(tr_task_set_name(t, "new") == 0 && strcmp(tr_task_name(t), "new") == 0);
    EXPECT(tr_task_cancel(t) == 1 && end_of(t) == TR_ECANCELED);
}

/* ---- cancellation ---- */

static int clean_up(void *ended)
{
    int rc = tr_sleep(TR_FOREVER);

    TR_SHIELD(TR_FOREVER) {
        EXPECT(tr_sleep(0.0001) == 0);
    }
    count_up(ended);
    return rc;
}

CASE(a_task_that_is_cancelled_before_it_begins_begins_and_cleans_up)
{
    counter ended = { 0 };

    for (int loop = 0; loop < 2; loop++) {
        tr_task *t;
        tr_future *f;

        EXPECT(tr_task_spawn_on(&t, TR_LOOP(loop), clean_up, &ended) == 0);
        EXPECT(tr_task_cancel(t) == 1);
        EXPECT(end_of(t) == TR_ECANCELED);
        EXPECT(tr_submit(&f, TR_LOOP(loop), clean_up, &ended) == 0);
        EXPECT(tr_future_cancel(f) == 1);
        EXPECT(tr_await(f) == TR_ECANCELED);
        tr_future_unref(f);
        EXPECT(tr_task_spawn_on(&t, TR_LOOP(loop), clean_up, &ended) == 0);
        EXPECT(tr_task_wait(t, 0) == TR_ETIMEDOUT);
        tr_task_unref(t);
    }
    EXPECT(count_of(&ended) == 6);
}

typedef struct things {
    tr_event event;
    tr_future *future;
    tr_queue *queue;
    tr_semaphore semaphore;
} things;

static void fail_all(things *x)
{
    int item;

    for (int i = 0; i < 3; i++) {
        EXPECT(tr_cancel_requested());
        EXPECT(tr_sleep(1) == TR_ECANCELED && tr_sleep(0) == TR_ECANCELED);
        EXPECT(tr_yield() == TR_ECANCELED);
        EXPECT(tr_event_wait(&x->event) == TR_ECANCELED);
        EXPECT(tr_await(x->future) == TR_ECANCELED);
        EXPECT(tr_queue_get(x->queue, &item) == TR_ECANCELED);
        EXPECT(tr_semaphore_acquire(&x->semaphore) == TR_ECANCELED);
    }
}

static int await_everything(void *arg)
{
    things *x = arg;
    int rc;

    EXPECT(tr_sleep(TR_FOREVER) == TR_ECANCELED);
    fail_all(x);
    TR_SHIELD(TR_FOREVER) {
        EXPECT(!tr_cancel_requested());
        EXPECT(tr_yield() == 0 && tr_sleep(0.0001) == 0);
        EXPECT(tr_event_wait_for(&x->event, 0.0001) == TR_ETIMEDOUT);
        TR_SHIELD(0) {
            fail_all(x);
        }
        EXPECT(tr_yield() == 0);
    }
    fail_all(x);
    TR_DEADLINE(3600, &rc) {
        fail_all(x);
    }
    return 5;
}

CASE(every_await_of_a_cancelled_task_fails_but_in_a_shield)
{
    for (int loop = 0; loop < 2; loop++) {
        things x = { .future = open_future(1) };
        tr_task *t;

        EXPECT(tr_queue_new(&x.queue, sizeof(int), 1, NULL) == 0);
        EXPECT(tr_task_spawn_on(&t, TR_LOOP(loop), await_everything, &x) == 0);
        let_others_run();
        EXPECT(tr_task_cancel(t) == 1);
        EXPECT(end_of(t) == 5); /* its own result counts */
        EXPECT(!tr_future_is_done(x.future));
        tr_future_unref(x.future);
        EXPECT(tr_queue_free(x.queue) == 0);
    }
}

static int yield_in_vain(void *unused)
{
    (void)unused;
    EXPECT(tr_yield() == TR_ECANCELED);
    note('x');
    EXPECT(tr_yield() == TR_ECANCELED); /* lets nobody run */
    note('y');
    return 0;
}

static int note_z(void *unused)
{
    (void)unused;
    note('z');
    return 0;
}

CASE(an_await_that_fails_lets_nobody_run)
{
    tr_task *t;
    tr_task *other;

    EXPECT(tr_task_spawn(&t, yield_in_vain, NULL) == 0);
    EXPECT(tr_task_spawn(&other, note_z, NULL) == 0);
    EXPECT(tr_task_cancel(t) == 1);
    EXPECT(end_of(t) == 0 && end_of(other) == 0);
    EXPECT(strcmp(notes(), "xyz") == 0);
}

static int cancel_oneself(void *self)
{
    EXPECT(tr_yield() == 0);
    EXPECT(tr_task_cancel(*(tr_task **)self) == 1);
    EXPECT(tr_task_cancel(*(tr_task **)self) == 1); /* it is still running */
    EXPECT(tr_cancel_requested());
    return tr_yield();
}

CASE(a_task_may_cancel_itself)
{
    tr_task *t;

    EXPECT(tr_task_spawn(&t, cancel_oneself, &t) == 0);
    EXPECT(tr_task_wait(t, TR_FOREVER) == TR_ECANCELED);
    EXPECT(tr_task_cancel(t) == 0);
    tr_task_unref(t);
    EXPECT(!tr_cancel_requested());
}

typedef struct hunt {
    tr_task *prey;
    tr_event done;
    counter found; /* it running */
} hunt;

static void hunt_it(void *arg)
{
    hunt *h = arg;
    int rc = tr_task_cancel(h->prey);

    EXPECT(rc == 0 || rc == 1);
    if (rc == 1)
        count_up(&h->found);
}

static void hunt_on_loop(void *arg)
{
    hunt_it(arg);
    EXPECT(tr_event_set(&((hunt *)arg)->done) == 0);
}

CASE(a_task_that_is_cancelled_from_everywhere_ends_once)
{
    for (int loop = 0; loop < 2; loop++) {
        counter ended = { 0 };
        hunt h = { .done = { { 0 } } };
        foreign *threads[2];

        EXPECT(tr_task_spawn_on(&h.prey, TR_LOOP(loop), clean_up, &ended) == 0);
        EXPECT(tr_post(TR_LOOP(1), hunt_on_loop, &h) == 0);
        for (int i = 0; i < 2; i++)
            threads[i] = foreign_start(hunt_it, &h);
        hunt_it(&h);
        EXPECT(tr_task_wait(h.prey, TR_FOREVER) == TR_ECANCELED);
        for (int i = 0; i < 2; i++)
            foreign_end(threads[i]);
        EXPECT(tr_event_wait(&h.done) == 0);
        EXPECT(count_of(&ended) == 1 && count_of(&h.found) >= 1);
        tr_task_unref(h.prey);
    }
}

CASE(a_cancellation_is_one_tasks_only)
{
    tr_event go = { 0 };
    tr_task *tasks[4];

    for (int i = 0; i < 4; i++)
        EXPECT(tr_task_spawn_on(&tasks[i], TR_LOOP(i % 2), wait_for_event, &go) == 0);
    for (int i = 0; i < 2; i++)
        EXPECT(tr_task_cancel(tasks[i]) == 1 && end_of(tasks[i]) == TR_ECANCELED);
    EXPECT(tr_event_set(&go) == 0);
    EXPECT(end_of(tasks[2]) == 7 && end_of(tasks[3]) == 7);
}

static int start_another(void *out)
{
    EXPECT(tr_sleep(TR_FOREVER) == TR_ECANCELED);
    EXPECT(tr_task_spawn(out, have_a_name, NULL) == 0);
    return 0;
}

CASE(a_cancelled_task_may_start_others_that_are_not)
{
    for (int loop = 0; loop < 2; loop++) {
        tr_task *other = NULL;
        tr_task *t;

        EXPECT(tr_task_spawn_on(&t, TR_LOOP(loop), start_another, &other) == 0);
        EXPECT(tr_task_cancel(t) == 1);
        EXPECT(end_of(t) == 0 && end_of(other) == 0);
    }
}

typedef struct pair {
    tr_task *parent;
    tr_event is_known;
    int loop; /* of the child */
    counter ended;
} pair;

static int cancel_the_parent(void *arg)
{
    pair *p = arg;
    int rc;

    EXPECT(tr_event_wait(&p->is_known) == 0);
    EXPECT(tr_task_cancel(p->parent) == 1);
    rc = tr_sleep(TR_FOREVER); /* the parent passes it on */
    count_up(&p->ended);
    return rc;
}

static int wait_for_the_child(void *arg)
{
    pair *p = arg;
    tr_task *child;
    int rc;

    EXPECT(tr_task_spawn_on(&child, TR_LOOP(p->loop), cancel_the_parent, p) == 0);
    rc = tr_task_wait(child, TR_FOREVER);
    EXPECT(count_of(&p->ended) == 1);
    tr_task_unref(child);
    return rc;
}

CASE(who_is_cancelled_by_the_task_that_it_waits_for_ends_it_first)
{
    for (int i = 0; i < 4; i++) {
        pair p = { .loop = i / 2 };

        EXPECT(tr_task_spawn_on(&p.parent, TR_LOOP(i % 2), wait_for_the_child, &p) == 0);
        EXPECT(tr_event_set(&p.is_known) == 0);
        EXPECT(end_of(p.parent) == TR_ECANCELED);
    }
}

/* ---- from anywhere ---- */

typedef struct order {
    int loop;
    int rc;
    counter begun;
    bool is_cancelled;
} order;

static int begin_and_sleep(void *arg)
{
    order *o = arg;

    EXPECT(tr_loop_current() == TR_LOOP(o->loop));
    count_up(&o->begun);
    return tr_sleep(o->is_cancelled ? TR_FOREVER : 0.0001);
}

static void submit_as_thread(void *arg)
{
    order *o = arg;
    tr_future *f;

    EXPECT(tr_submit(&f, TR_LOOP(o->loop), begin_and_sleep, o) == 0);
    o->rc = o->is_cancelled ? tr_future_cancel_wait(f) : tr_future_wait(f, TR_FOREVER);
    tr_future_unref(f);
}

CASE(threads_submit_tasks_wait_for_them_and_cancel_them)
{
    order orders[4];
    foreign *threads[4];

    for (int i = 0; i < 4; i++) {
        orders[i] = (order){ .loop = i % 2, .rc = 1, .is_cancelled = i / 2 == 1 };
        threads[i] = foreign_start(submit_as_thread, &orders[i]);
    }
    for (int i = 0; i < 4; i++) {
        foreign_end(threads[i]);
        EXPECT(orders[i].rc == (orders[i].is_cancelled ? TR_ECANCELED : 0));
        EXPECT(count_of(&orders[i].begun) == 1); /* also when it was cancelled before */
    }
}

static int release(void *semaphore)
{
    return tr_semaphore_release(semaphore);
}

static void submit_and_forget(void *arg)
{
    for (int i = 0; i < 6; i++)
        EXPECT(tr_submit(NULL, i % 3 == 2 ? TR_LOOP_ANY : TR_LOOP(i % 3), release, arg) == 0);
}

CASE(what_is_submitted_and_forgotten_runs)
{
    tr_semaphore runs = { 0 };

    call_elsewhere(submit_and_forget, &runs);
    for (int i = 0; i < 18; i++)
        EXPECT(tr_semaphore_acquire(&runs) == 0);
    EXPECT(tr_semaphore_permits(&runs) == 0);
    for (int i = 0; i < 2; i++) {
        tr_task *last;

        EXPECT(tr_task_spawn_on(&last, TR_LOOP(i), fail_with, &(int){ 0 }) == 0);
        EXPECT(end_of(last) == 0); /* now nobody is inside of tr_semaphore_release any more */
    }
}

/* ---- every await ---- */

typedef struct crew {
    counter begun;
    counter ended;
} crew;

static int work_for_a_while(void *arg)
{
    crew *c = arg;
    int rc;

    count_up(&c->begun);
    rc = tr_sleep(0.0002);
    TR_SHIELD(TR_FOREVER) {
        EXPECT(tr_yield() == 0);
    }
    count_up(&c->ended);
    return rc;
}

static void dismiss(tr_task *t)
{
    TR_SHIELD(TR_FOREVER) {
        int rc = tr_task_wait(t, 0);

        EXPECT(rc == 0 || rc == TR_ETIMEDOUT || rc == TR_ECANCELED);
    }
    tr_task_unref(t);
}

static void begin_crew(void *arg)
{
    *(crew *)arg = (crew){ { 0 }, { 0 } };
}

static int lead(void *arg)
{
    tr_task *tasks[4];
    int rc = 0;

    for (int i = 0; i < 4; i++) {
        EXPECT(tr_task_spawn_on(&tasks[i], TR_LOOP(i % 2), work_for_a_while, arg) == 0);
        if (rc == 0)
            rc = AWAIT(tr_yield());
    }
    for (int i = 0; i < 2 && rc == 0; i++)
        rc = AWAIT(tr_task_wait(tasks[i], TR_FOREVER));
    for (int i = 0; i < 4; i++)
        dismiss(tasks[i]);
    return rc;
}

static void expect_dismissed(void *arg, int rc)
{
    const crew *c = arg;

    EXPECT(rc == 0 || rc == TR_ECANCELED);
    EXPECT(count_of(&c->begun) == 4 && count_of(&c->ended) == 4);
}

CASE(all_tasks_of_a_crew_end_whenever_its_leader_is_cancelled)
{
    crew c;

    cancel_at_every_await(&(attempt){ begin_crew, lead, expect_dismissed }, &c);
}

CASES("task", tasks_begin_when_the_caller_awaits_and_take_turns_in_order,
      a_task_stays_on_the_loop_that_it_is_spawned_on, many_tasks_on_all_loops_all_end,
      tasks_are_spawned_on_loops_only, a_spawn_that_is_refused_leaves_no_task,
      errno_is_each_tasks_own, many_wait_for_one_task_and_get_its_result,
      a_task_whose_handle_was_dropped_goes_on, a_failure_that_nobody_looks_at_is_reported_once,
      a_task_has_the_name_of_its_function_until_it_is_renamed,
      a_task_that_is_cancelled_before_it_begins_begins_and_cleans_up,
      every_await_of_a_cancelled_task_fails_but_in_a_shield, an_await_that_fails_lets_nobody_run,
      a_task_may_cancel_itself, a_task_that_is_cancelled_from_everywhere_ends_once,
      a_cancellation_is_one_tasks_only, a_cancelled_task_may_start_others_that_are_not,
      who_is_cancelled_by_the_task_that_it_waits_for_ends_it_first,
      threads_submit_tasks_wait_for_them_and_cancel_them, what_is_submitted_and_forgotten_runs,
      all_tasks_of_a_crew_end_whenever_its_leader_is_cancelled)
