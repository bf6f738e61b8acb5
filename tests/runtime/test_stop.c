/* Stopping: phases, time limits, what is said of loops that do not finish, and who may meddle. */
#include <math.h>
#include <pthread.h>
#include <sched.h>
#include <semaphore.h>

#include "base/atomic.h"
#include "base/seam.h"
#include "base/threads.h"
#include "runtime/runtime.h"
#include "support/kit.h"

static void wait_for(sem_t *permission)
{
    while (sem_wait(permission) != 0)
        ; /* a signal came */
}

static void block_until_permitted(void *permission)
{
    wait_for(permission);
}

static void do_nothing(void *unused)
{
    (void)unused;
}

START_TEST(shutdown_refuses_what_is_no_time)
{
    kit_start(1);
    ck_assert_int_eq(tr_shutdown(NAN), TR_EINVAL);
    kit_on_loop(0, NULL, NULL); /* it goes on */
    kit_stop();
    ck_assert_int_eq(tr_shutdown(NAN), TR_EINVAL);
}
END_TEST

START_TEST(shutdown_for_ever_and_for_the_configured_time_end)
{
    kit_start(2);
    ck_assert_int_eq(tr_shutdown(TR_FOREVER), 0);
    kit_start_with(&(tr_config){ .loops = 2, .shutdown_s = KIT_PATIENCE_S });
    ck_assert_int_eq(tr_shutdown(0), 0);
    ck_assert_int_eq(tr_shutdown(0), TR_ESHUTDOWN);
}
END_TEST

/* ---- what takes too long ---- */

START_TEST(shutdown_that_times_out_names_the_loop_and_can_be_repeated)
{
    sem_t permission;

    sem_init(&permission, 0, 0);
    kit_start(3);
    ck_assert_int_eq(tr_post(TR_LOOP(1), block_until_permitted, &permission), 0);
    ck_assert_int_eq(tr_shutdown(0.001), TR_ETIMEDOUT);
    ck_assert(kit_log_contains("shutdown: loop 1 has not finished phase 'cease' in time: a task "
                               "or a callback has not returned"));
    ck_assert_int_eq(tr_start(NULL), TR_ESHUTDOWN);
    ck_assert_int_eq(tr_post(TR_LOOP(0), do_nothing, NULL), TR_ESHUTDOWN);
    ck_assert_int_eq(tr_shutdown(0.001), TR_ETIMEDOUT);
    sem_post(&permission);
    kit_stop();
    sem_destroy(&permission);
}
END_TEST

START_TEST(shutdown_uses_the_configured_time_where_none_is_given)
{
    sem_t permission;

    sem_init(&permission, 0, 0);
    kit_start_with(&(tr_config){ .loops = 1, .shutdown_s = 0.001 });
    ck_assert_int_eq(tr_post(TR_LOOP(0), block_until_permitted, &permission), 0);
    ck_assert_int_eq(tr_shutdown(0), TR_ETIMEDOUT);
    ck_assert_int_eq(tr_shutdown(-1), TR_ETIMEDOUT);
    sem_post(&permission);
    kit_stop();
    sem_destroy(&permission);
}
END_TEST

typedef struct sleeper {
    sem_t permission;
    uint32_t is_in_handler;
} sleeper;

static int sleep_in_handler(tr_self *self, void *state, tr_msg *msg)
{
    sleeper *s = *(sleeper **)state;

    (void)self;
    (void)msg;
    tr__store_release_u32(&s->is_in_handler, 1);
    wait_for(&s->permission);
    return 0;
}

static int keep_args(tr_self *self, void *state, const void *args)
{
    (void)self;
    *(sleeper **)state = *(sleeper *const *)args;
    return 0;
}

static const tr_actor_class sleeper_class = {
    .name = "sleeper",
    .state_size = sizeof(sleeper *),
    .args_size = sizeof(sleeper *),
    .init = keep_args,
    .receive = sleep_in_handler,
};

START_TEST(shutdown_that_times_out_names_the_actor)
{
    sleeper s = { .is_in_handler = 0 };
    sleeper *arg = &s;
    tr_pid pid;

    sem_init(&s.permission, 0, 0);
    kit_start(2);
    ck_assert_int_eq(
        tr_spawn_with(&pid, &sleeper_class, &arg, &(tr_spawn_options){ .on = TR_LOOP(1) }), 0);
    ck_assert_int_eq(tr_send(pid, kit_notice), 0);
    while (tr__load_acquire_u32(&s.is_in_handler) == 0)
        sched_yield();
    ck_assert_int_eq(tr_shutdown(0.001), TR_ETIMEDOUT);
    ck_assert(kit_log_contains("loop 1 has not finished phase 'cease'"));
    ck_assert(kit_log_contains("(sleeper) has not returned from its handler"));
    sem_post(&s.permission);
    kit_stop();
    sem_destroy(&s.permission);
}
END_TEST

static void close_slowly(void *permission)
{
    ck_assert_int_eq(tr_loop_on_close(block_until_permitted, permission), 0);
}

START_TEST(shutdown_that_waits_for_a_guest_names_the_last_phase)
{
    sem_t permission;

    sem_init(&permission, 0, 0);
    kit_start(2);
    kit_on_loop(0, close_slowly, &permission);
    /* Phases are many, and each may take long on a busy machine: until the last one is reached. */
    while (!kit_log_contains("loop 0 has not finished phase 'quit'"))
        ck_assert_int_eq(tr_shutdown(0.001), TR_ETIMEDOUT);
    sem_post(&permission);
    kit_stop();
    sem_destroy(&permission);
}
END_TEST

/* ---- who may meddle ---- */

static void *shut_down(void *unused)
{
    (void)unused;
    return (void *)(intptr_t)tr_shutdown(KIT_PATIENCE_S);
}

START_TEST(shutdown_of_one_thread_is_not_disturbed_by_others)
{
    pthread_t stopper;
    sem_t permission;
    void *result;

    sem_init(&permission, 0, 0);
    kit_start(2);
    ck_assert_int_eq(tr_post(TR_LOOP(1), block_until_permitted, &permission), 0);
    ck_assert_int_eq(pthread_create(&stopper, NULL, shut_down, NULL), 0);
    while (tr__runtime_state() != TR__STATE_STOPPING)
        sched_yield();
    ck_assert_int_eq(tr_shutdown(KIT_PATIENCE_S), TR_EBUSY);
    ck_assert_int_eq(tr_start(NULL), TR_ESHUTDOWN);
    ck_assert_int_eq(tr_loop_count(), 2);
    sem_post(&permission);
    pthread_join(stopper, &result);
    ck_assert_int_eq((intptr_t)result, 0);
    ck_assert_int_eq(tr_loop_count(), 0);
    sem_destroy(&permission);
}
END_TEST

/* ---- what is under way ---- */

typedef struct hopper {
    uint64_t called; /* by loops, added up */
    uint64_t accepted;
} hopper;

static void hop(void *arg)
{
    hopper *h = arg;
    int next = tr_loop_current() == TR_LOOP(0) ? 1 : 0;

    (void)tr__add_relaxed_u64(&h->called, 1);
    if (tr_post(TR_LOOP(next), hop, h) == 0)
        (void)tr__add_relaxed_u64(&h->accepted, 1);
    (void)tr_post(TR_LOOP_ANY, do_nothing, NULL);
}

START_TEST(calls_that_were_accepted_are_called_also_while_loops_stop)
{
    for (int round = 0; round < 30; round++) {
        hopper h = { 0, 0 };

        kit_start(2);
        for (int i = 0; i < 10; i++)
            if (tr_post(TR_LOOP(i % 2), hop, &h) == 0)
                (void)tr__add_relaxed_u64(&h.accepted, 1);
        while (tr__load_relaxed_u64(&h.called) < 1000)
            sched_yield();
        kit_stop(); /* they hop for ever otherwise */
        ck_assert_uint_eq(h.called, h.accepted);
    }
}
END_TEST

typedef struct last_words {
    int post;
    int on_close;
    int current;
    bool has_ev;
} last_words;

static void speak_last(void *arg)
{
    last_words *w = arg;

    w->post = tr_post(TR_LOOP(0), do_nothing, NULL);
    w->on_close = tr_loop_on_close(do_nothing, NULL);
    w->current = tr_loop_current();
    w->has_ev = tr_loop_ev(TR_LOOP_ANY) != NULL;
}

static void ask_for_last_words(void *arg)
{
    ck_assert_int_eq(tr_loop_on_close(speak_last, arg), 0);
}

START_TEST(guests_that_end_find_their_loop_but_start_nothing_new)
{
    last_words w = { 0 };

    kit_start(2);
    kit_on_loop(1, ask_for_last_words, &w);
    kit_stop();
    ck_assert_int_eq(w.post, TR_ESHUTDOWN);
    ck_assert_int_eq(w.on_close, TR_ESHUTDOWN);
    ck_assert_int_eq(w.current, TR_LOOP(1));
    ck_assert(w.has_ev);
}
END_TEST

/* ---- a letter that comes as the inlet is about to close ---- */

typedef struct blocker {
    tr__runnable runnable;
    sem_t begun;
    sem_t permission;
} blocker;

static uint32_t run_blocker(tr__runnable *runnable, tr__loop *loop)
{
    blocker *b = TR__CONTAINER_OF(runnable, blocker, runnable);

    (void)loop;
    sem_post(&b->begun);
    wait_for(&b->permission);
    return 1;
}

/* On a loop, within one of its turns. */
static void block(blocker *b, int loop)
{
    *b = (blocker){ .runnable = { .run = run_blocker } };
    sem_init(&b->begun, 0, 0);
    sem_init(&b->permission, 0, 0);
    ck_assert(tr__port_post_run(&tr__ports[loop], &b->runnable));
    wait_for(&b->begun);
}

static bool has_reported(int loop, tr__phase phase)
{
    bool has;

    tr__gate_lock(&tr__runtime_gate);
    has = tr__runtime.loops[loop]->reported == phase;
    tr__gate_unlock(&tr__runtime_gate);
    return has;
}

static void note_call(void *calls)
{
    (void)tr__add_ordered_u32(calls, 1); /* ordered: a counter */
}

/* Loop 0 has looked at its inlet, and finds a new phase when it comes back: between the two, a
 * thread that was let in before the shutdown brings a letter. */
START_TEST(letter_that_comes_as_the_inlet_closes_is_not_lost)
{
    tr__letter *letter = tr__alloc(sizeof(*letter));
    blocker blockers[2];
    pthread_t stopper;
    uint32_t calls = 0;
    void *rc;

    kit_start(2);
    block(&blockers[1], 1);
    ck_assert_int_eq(pthread_create(&stopper, NULL, shut_down, NULL), 0);
    while (!has_reported(0, TR__PHASE_CEASE))
        sched_yield();
    block(&blockers[0], 0);
    sem_post(&blockers[1].permission);
    while (tr__runtime_phase() != TR__PHASE_HALT)
        sched_yield();
    letter->parcel = tr__parcel_call(note_call, &calls);
    ck_assert(tr__port_post(&tr__ports[0], letter));
    sem_post(&blockers[0].permission);
    ck_assert_int_eq(pthread_join(stopper, &rc), 0);
    ck_assert_ptr_null(rc);
    /* acquire: pairs with the add. */
    ck_assert_uint_eq(tr__load_acquire_u32(&calls), 1);
    for (int i = 0; i < 2; i++) {
        sem_destroy(&blockers[i].begun);
        sem_destroy(&blockers[i].permission);
    }
}
END_TEST

KIT_MAIN("runtime/stop", shutdown_refuses_what_is_no_time,
         shutdown_for_ever_and_for_the_configured_time_end,
         shutdown_that_times_out_names_the_loop_and_can_be_repeated,
         shutdown_uses_the_configured_time_where_none_is_given,
         shutdown_that_times_out_names_the_actor,
         shutdown_that_waits_for_a_guest_names_the_last_phase,
         shutdown_of_one_thread_is_not_disturbed_by_others,
         calls_that_were_accepted_are_called_also_while_loops_stop,
         guests_that_end_find_their_loop_but_start_nothing_new,
         letter_that_comes_as_the_inlet_closes_is_not_lost)
