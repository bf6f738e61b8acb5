/* Cancellation: it is a state of what a task is inside of, and loses nothing. Shutdowns, which
 * cancel everything. */
#include <pthread.h>
#include <sched.h>

#include "base/atomic.h"
#include "runtime/runtime.h"
#include "support/tasks.h"

TR_REQUEST(question, kit_value)
{
    int64_t a;
};

static int answer(tr_self *self, void *state, tr_msg *msg)
{
    (void)state;
    return tr_is(msg, question) ? tr_reply(self, kit_value, .a = tr_as(msg, question)->a)
                                : TR_UNHANDLED;
}

static const tr_actor_class answering_class = { .name = "answering", .receive = answer };

/* ---- every await ---- */

static int await_in_vain(void *unused)
{
    struct kit_value value;
    tr_msg *msg;
    tr_future *done;
    tr_future *open;
    tr_inbox *in;
    tr_task *t;
    tr_pid pid;

    (void)unused;
    ck_assert_int_eq(tr_future_new(&done), 0);
    ck_assert_int_eq(tr_future_resolve(done, NULL, NULL), 0);
    ck_assert_int_eq(tr_future_new(&open), 0);
    ck_assert_int_eq(tr_inbox_new(&in, 0), 0);
    ck_assert_int_eq(tr_spawn(&pid, &answering_class, NULL), 0);
    ck_assert_int_eq(tr_task_spawn(&t, kit_forever, NULL), 0);
    TR_DEADLINE(0) {
        ck_assert(tr_cancel_requested());
        for (int i = 0; i < 3; i++) { /* retrying does not catch it */
            ck_assert_int_eq(tr_yield(), TR_ECANCELED);
            ck_assert_int_eq(tr_sleep(0), TR_ECANCELED);
            ck_assert_int_eq(tr_sleep(1), TR_ECANCELED);
            ck_assert_int_eq(tr_await(done), TR_ECANCELED);
            ck_assert_int_eq(tr_await(open), TR_ECANCELED);
            ck_assert_int_eq(tr_wait_for(done, 1), TR_ECANCELED);
            ck_assert_int_eq(tr_inbox_receive(in, &msg, 1), TR_ECANCELED);
            ck_assert_int_eq(tr_ask(&value, pid, 1, question, .a = 1), TR_ECANCELED);
        }
        ck_assert(!tr_future_is_done(open)); /* an await leaves it alone */
        ck_assert_int_eq(tr_wait_for(open, 1), TR_ECANCELED);
        ck_assert(tr_future_is_done(open));
        ck_assert_int_eq(tr_task_wait(t, 1), TR_ECANCELED);
        ck_assert(tr_future_is_done(tr_task_future(t)));
    }
    ck_assert(!tr_cancel_requested());
    ck_assert_int_eq(tr_ask(&value, pid, KIT_PATIENCE_S, question, .a = 4), 0);
    ck_assert_int_eq(value.a, 4);
    ck_assert_int_eq(tr_yield(), 0);
    tr_task_unref(t);
    tr_inbox_free(in);
    tr_future_unref(done);
    tr_future_unref(open);
    return 0;
}

START_TEST(every_await_fails_inside_of_what_is_cancelled_and_none_outside)
{
    kit_run_task(2, await_in_vain, NULL);
}
END_TEST

/* ---- delivery ---- */

static int await_value(void *future)
{
    int rc = tr_await(future);

    kit_note(rc == 0 ? "value " : "lost ");
    ck_assert_int_eq(tr_yield(), TR_ECANCELED); /* it shows at the next one */
    return rc;
}

static int deliver_and_cancel(void *unused)
{
    tr_future *f;
    tr_task *t;

    (void)unused;
    for (int order = 0; order < 2; order++) {
        ck_assert_int_eq(tr_future_new(&f), 0);
        ck_assert_int_eq(tr_task_spawn(&t, await_value, f), 0);
        ck_assert_int_eq(tr_yield(), 0);
        if (order == 0)
            ck_assert_int_eq(tr_future_resolve(f, NULL, NULL), 0);
        ck_assert_int_eq(tr_task_cancel(t), 1);
        if (order == 1)
            ck_assert_int_eq(tr_future_resolve(f, NULL, NULL), 0);
        ck_assert_int_eq(tr_task_wait(t, TR_FOREVER), order == 0 ? 0 : TR_ECANCELED);
        tr_task_unref(t);
        tr_future_unref(f);
    }
    ck_assert_str_eq(kit_trace(), "value lost ");
    return 0;
}

START_TEST(what_was_delivered_before_is_not_lost)
{
    kit_run_task(1, deliver_and_cancel, NULL);
}
END_TEST

typedef struct receiving {
    tr_inbox *in;
    uint32_t is_there;
    int64_t got;
} receiving;

static int receive_one(void *arg)
{
    receiving *r = arg;
    tr_msg *msg;
    int rc;

    rc = tr_inbox_receive(r->in, &msg, TR_FOREVER);
    if (rc == 0)
        r->got = tr_as(msg, kit_value)->a;
    return rc;
}

static int cancel_receivers(void *unused)
{
    receiving r = { .got = 0 };
    tr_msg *msg;
    tr_task *t;

    (void)unused;
    ck_assert_int_eq(tr_inbox_new(&r.in, 0), 0);
    for (int i = 1; i < 20; i++) {
        ck_assert_int_eq(tr_task_spawn(&t, receive_one, &r), 0);
        ck_assert_int_eq(tr_yield(), 0);
        ck_assert_int_eq(tr_send(tr_inbox_pid(r.in), kit_value, .a = i), 0);
        for (int turns = 0; turns < i % 3; turns++)
            ck_assert_int_eq(tr_yield(), 0);
        (void)tr_task_cancel(t); /* it may have ended by now */
        if (tr_task_wait(t, TR_FOREVER) == TR_ECANCELED) {
            /* It has not eaten what came for it. */
            ck_assert_int_eq(tr_inbox_receive(r.in, &msg, KIT_PATIENCE_S), 0);
            r.got = tr_as(msg, kit_value)->a;
        }
        ck_assert_int_eq(r.got, i);
        tr_task_unref(t);
    }
    tr_inbox_free(r.in);
    return 0;
}

START_TEST(cancelled_receiver_eats_no_message)
{
    kit_run_task(1, cancel_receivers, NULL);
}
END_TEST

/* ---- before it begins ---- */

static int begin_cancelled(void *unused)
{
    (void)unused;
    kit_note("begun ");
    ck_assert(tr_cancel_requested());
    ck_assert_int_eq(tr_sleep(1), TR_ECANCELED);
    TR_SHIELD(TR_FOREVER) {
        ck_assert_int_eq(tr_yield(), 0);
        kit_note("cleaned ");
    }
    return TR_ECANCELED;
}

static int cancel_before(void *unused)
{
    int rc;
    tr_task *t;

    (void)unused;
    ck_assert_int_eq(tr_task_spawn(&t, begin_cancelled, NULL), 0);
    ck_assert_int_eq(tr_task_cancel(t), 1);
    ck_assert_int_eq(tr_task_wait(t, TR_FOREVER), TR_ECANCELED);
    tr_task_unref(t);
    TR_SCOPE(s, &rc) {
        ck_assert_int_eq(tr_scope_spawn(s, begin_cancelled, NULL), 0);
        ck_assert_int_eq(tr_scope_cancel(s), 1);
    }
    ck_assert_int_eq(rc, 0);
    ck_assert_str_eq(kit_trace(), "begun cleaned begun cleaned ");
    /* From the loop's side: on another loop, it may have begun or not. */
    ck_assert_int_eq(tr_task_spawn_on(&t, TR_LOOP(1), kit_forever, NULL), 0);
    ck_assert_int_eq(tr_task_cancel(t), 1);
    ck_assert_int_eq(tr_task_wait(t, TR_FOREVER), TR_ECANCELED);
    tr_task_unref(t);
    return 0;
}

START_TEST(task_cancelled_before_it_began_begins_all_the_same)
{
    for (int round = 0; round < 20; round++) {
        kit_trace_clear();
        kit_run_task(2, cancel_before, NULL);
    }
}
END_TEST

/* ---- a task that does not listen ---- */

static int fail_seldom(void *unused)
{
    (void)unused;
    for (int i = 0; i < 10; i++) {
        TR_DEADLINE(0) {
            for (int j = 0; j < 500; j++)
                ck_assert_int_eq(tr_yield(), TR_ECANCELED);
        }
        ck_assert_int_eq(tr_yield(), 0); /* in between it lets others run */
    }
    return 0;
}

START_TEST(task_that_awaits_in_vain_now_and_then_is_not_named)
{
    kit_run_task(1, fail_seldom, NULL);
    ck_assert(!kit_log_contains("has awaited"));
}
END_TEST

/* ---- from anywhere ---- */

typedef struct hunt {
    tr_task *prey;
    uint32_t is_there;
    uint32_t cancels; /* that found it running */
} hunt;

static int be_prey(void *arg)
{
    hunt *h = arg;

    h->prey = NULL;
    ck_assert_int_eq(tr_task_spawn(&h->prey, kit_forever, NULL), 0);
    tr__store_release_u32(&h->is_there, 1);
    return 0;
}

static void *hunt_from_thread(void *arg)
{
    hunt *h = arg;

    while (tr_task_cancel(h->prey) == 1)
        (void)tr__add_ordered_u32(&h->cancels, 1);
    return NULL;
}

static void hunt_on_loop(void *arg)
{
    hunt *h = arg;

    (void)tr__add_ordered_u32(&h->cancels, tr_task_cancel(h->prey) == 1);
}

START_TEST(many_threads_cancel_one_task)
{
    for (int round = 0; round < 20; round++) {
        hunt h = { .is_there = 0 };
        pthread_t threads[3];

        kit_start(2);
        ck_assert_int_eq(kit_in_task(0, be_prey, &h), 0);
        for (int i = 0; i < 3; i++)
            ck_assert_int_eq(pthread_create(&threads[i], NULL, hunt_from_thread, &h), 0);
        for (int i = 0; i < 2; i++)
            kit_on_loop(i, hunt_on_loop, &h);
        for (int i = 0; i < 3; i++)
            pthread_join(threads[i], NULL);
        ck_assert_uint_gt(h.cancels, 0);
        ck_assert_int_eq(tr_task_wait(h.prey, KIT_PATIENCE_S), TR_ECANCELED);
        tr_task_unref(h.prey);
        kit_stop();
    }
}
END_TEST

/* ---- shutdowns ---- */

static tr_pid helper;
static int helped;

static int ask_when_cancelled(void *unused)
{
    struct kit_value value = { .a = 0 };
    int rc = tr_sleep(TR_FOREVER);
    int all;

    (void)unused;
    TR_SHIELD(TR_FOREVER) {
        ck_assert_int_eq(tr_ask(&value, helper, KIT_PATIENCE_S, question, .a = 5), 0);
        TR_SCOPE(s, &all) {
            ck_assert_int_eq(tr_scope_spawn(s, kit_give, NULL), 0);
            ck_assert_int_eq(tr_scope_spawn_on(s, TR_LOOP(1), kit_give, NULL), 0);
        }
        ck_assert_int_eq(all, 0);
        ck_assert_int_eq(tr_task_spawn(NULL, kit_give, NULL), TR_ESHUTDOWN);
    }
    helped += (int)value.a;
    return rc;
}

static int spawn_askers(void *unused)
{
    (void)unused;
    ck_assert_int_eq(tr_spawn(&helper, &answering_class, NULL), 0);
    for (int i = 0; i < 10; i++)
        ck_assert_int_eq(tr_task_spawn(NULL, ask_when_cancelled, NULL), 0);
    return 0;
}

START_TEST(tasks_clean_up_in_a_shutdown_with_actors_and_scopes)
{
    kit_start(2);
    ck_assert_int_eq(kit_in_task(0, spawn_askers, NULL), 0);
    kit_stop();
    ck_assert_int_eq(helped, 50);
}
END_TEST

static int ask_once(void *unused)
{
    struct kit_value value;
    int rc = 1;

    (void)unused;
    TR_SHIELD(TR_FOREVER) {
        rc = tr_ask(&value, helper, KIT_PATIENCE_S, question, .a = 5);
    }
    return rc;
}

/* A child that a shield covers, on whichever loop, is not cancelled by the shutdown itself. */
static int shielded[2];
static uint32_t in_shields;

static int work_in_shield(void *result)
{
    (void)tr__add_ordered_u32(&in_shields, 1); /* ordered: a counter */
    while (tr__runtime_phase() == TR__PHASE_RUN)
        if (tr_yield() < 0)
            return TR_EDEAD;
    for (int i = 0; i < 100; i++)
        if (tr_sleep(0.0001) < 0)
            return TR_EDEAD;
    *(int *)result = 1;
    return 0;
}

static int shield_children(void *unused)
{
    int rc = 1;

    (void)unused;
    TR_SHIELD(TR_FOREVER) {
        TR_SCOPE(s, &rc) {
            for (int i = 0; i < 2; i++)
                ck_assert_int_eq(tr_scope_spawn_on(s, TR_LOOP(i), work_in_shield, &shielded[i]), 0);
        }
    }
    return rc;
}

START_TEST(shield_covers_children_on_other_loops_from_a_shutdown)
{
    tr_future *f;

    kit_start(2);
    ck_assert_int_eq(tr_submit(&f, TR_LOOP(0), shield_children, NULL), 0);
    while (tr__load_acquire_u32(&in_shields) < 2)
        sched_yield();
    kit_stop();
    ck_assert_int_eq(tr_future_status(f), 0);
    ck_assert_int_eq(shielded[0] + shielded[1], 2);
    tr_future_unref(f);
}
END_TEST

static uint32_t under_actor;

static int wait_under_actor(void *unused)
{
    (void)unused;
    (void)tr__add_ordered_u32(&under_actor, 1); /* ordered: a counter */
    return tr_sleep(TR_FOREVER);
}

static int open_scope(tr_self *self, void *state, tr_msg *msg)
{
    int rc;

    (void)self;
    (void)state;
    (void)msg;
    TR_SCOPE(s, &rc) {
        for (int i = 0; i < 2; i++)
            ck_assert_int_eq(tr_scope_spawn_on(s, TR_LOOP(i), wait_under_actor, NULL), 0);
    }
    ck_assert_int_eq(rc, TR_ECANCELED);
    return 0;
}

START_TEST(children_of_an_actor_end_with_it)
{
    static const tr_actor_class cls = { .name = "scoped", .receive = open_scope, .awaits = true };
    tr_pid pid;

    for (unsigned round = 1; round <= 20; round++) {
        kit_start(2);
        ck_assert_int_eq(tr_spawn(&pid, &cls, NULL), 0);
        ck_assert_int_eq(tr_send(pid, kit_notice), 0);
        while (tr__load_acquire_u32(&under_actor) < 2 * round)
            sched_yield();
        kit_stop();
    }
}
END_TEST

static uint32_t may_end;
static uint32_t is_stubborn;

static int do_not_end(void *unused)
{
    (void)unused;
    ck_assert_int_eq(tr_task_set_name(NULL, "stubborn"), 0);
    tr__store_release_u32(&is_stubborn, 1);
    TR_SHIELD(TR_FOREVER) {
        while (tr__load_acquire_u32(&may_end) == 0)
            ck_assert_int_eq(tr_sleep(0.0001), 0);
    }
    return 0;
}

static int spawn_stubborn(void *unused)
{
    (void)unused;
    ck_assert_int_eq(tr_task_spawn_on(NULL, TR_LOOP(1), do_not_end, NULL), 0);
    return tr_task_spawn(NULL, kit_forever, NULL);
}

START_TEST(task_that_does_not_end_is_named_and_shutdown_can_be_repeated)
{
    kit_start(2);
    ck_assert_int_eq(kit_in_task(0, spawn_stubborn, NULL), 0);
    while (tr__load_acquire_u32(&is_stubborn) == 0)
        sched_yield();
    ck_assert_int_eq(tr_shutdown(0.05), TR_ETIMEDOUT);
    ck_assert(kit_log_contains("loop 1 has not finished phase 'cease'"));
    ck_assert(kit_log_contains(
        "shutdown: task 'stubborn' of loop 1 has been cancelled, and has not ended"));
    ck_assert(!kit_log_contains("task 'kit_forever'"));
    ck_assert_int_eq(tr_shutdown(0.01), TR_ETIMEDOUT);
    tr__store_release_u32(&may_end, 1);
    kit_stop();
}
END_TEST

START_TEST(task_that_was_submitted_just_before_a_shutdown_still_finds_its_actors)
{
    for (int round = 0; round < 60; round++) {
        tr_future *f[2];

        kit_start(2);
        ck_assert_int_eq(tr_spawn(&helper, &answering_class, NULL), 0);
        for (int i = 0; i < 2; i++)
            ck_assert_int_eq(tr_submit(&f[i], TR_LOOP(i), ask_once, NULL), 0);
        kit_stop();
        for (int i = 0; i < 2; i++) {
            ck_assert_int_eq(tr_future_status(f[i]), 0);
            tr_future_unref(f[i]);
        }
    }
}
END_TEST

static uint64_t spawned;

static int breed(void *unused)
{
    (void)unused;
    for (;;) {
        if (tr_task_spawn_on(NULL, TR_LOOP(tr_loop_current() % 2), breed, NULL) < 0)
            return 0;
        (void)tr__add_relaxed_u64(&spawned, 1);
        if (tr_yield() < 0 || tr__load_relaxed_u64(&spawned) > 3000)
            return 0;
    }
}

START_TEST(spawning_goes_on_until_a_shutdown_refuses_it)
{
    for (int round = 0; round < 20; round++) {
        spawned = 0;
        kit_start(2);
        ck_assert_int_eq(tr_submit(NULL, TR_LOOP(round % 2), breed, NULL), 0);
        while (tr__load_relaxed_u64(&spawned) < 100U * (unsigned)round)
            sched_yield();
        kit_stop();
    }
}
END_TEST

KIT_MAIN("runtime/cancel", every_await_fails_inside_of_what_is_cancelled_and_none_outside,
         what_was_delivered_before_is_not_lost, cancelled_receiver_eats_no_message,
         task_cancelled_before_it_began_begins_all_the_same,
         task_that_awaits_in_vain_now_and_then_is_not_named, many_threads_cancel_one_task,
         tasks_clean_up_in_a_shutdown_with_actors_and_scopes,
         shield_covers_children_on_other_loops_from_a_shutdown, children_of_an_actor_end_with_it,
         task_that_does_not_end_is_named_and_shutdown_can_be_repeated,
         task_that_was_submitted_just_before_a_shutdown_still_finds_its_actors,
         spawning_goes_on_until_a_shutdown_refuses_it)
