/* Calls on loops: where, in which order, and that none is lost. */
#include <pthread.h>
#include <sched.h>
#include <semaphore.h>

#include "base/atomic.h"
#include "base/seam.h"
#include "mailbox/spsc.h"
#include "runtime/runtime.h"
#include "support/kit.h"

static void do_nothing(void *unused)
{
    (void)unused;
}

START_TEST(post_refuses_what_makes_no_sense)
{
    ck_assert_int_eq(tr_post(TR_LOOP(0), NULL, NULL), TR_EINVAL);
    ck_assert_int_eq(tr_post(TR_LOOP(0), do_nothing, NULL), TR_ESHUTDOWN);
    kit_start(2);
    ck_assert_int_eq(tr_post(TR_LOOP(0), NULL, NULL), TR_EINVAL);
    ck_assert_int_eq(tr_post(TR_LOOP(2), do_nothing, NULL), TR_EINVAL);
    ck_assert_int_eq(tr_post(-1, do_nothing, NULL), TR_EINVAL);
    ck_assert_int_eq(tr_post(INT32_MAX, do_nothing, NULL), TR_EINVAL);
    kit_stop();
    ck_assert_int_eq(tr_post(TR_LOOP(0), do_nothing, NULL), TR_ESHUTDOWN);
}
END_TEST

static void note_loop(void *arg)
{
    *(int *)arg = tr_loop_current();
}

START_TEST(post_calls_on_the_loop_that_was_named)
{
    kit_start(3);
    for (int i = 0; i < 3; i++) {
        int where = 0;

        kit_on_loop(i, note_loop, &where);
        ck_assert_int_eq(where, TR_LOOP(i));
    }
    ck_assert_int_eq(tr_loop_current(), TR_EWRONGPLACE);
    kit_stop();
}
END_TEST

/* ---- the loop of one's own ---- */

typedef struct own_loop {
    int where[3];
    uint32_t calls;
    bool is_nested;
} own_loop;

static void note_own(void *arg)
{
    own_loop *o = arg;

    ck_assert(!o->is_nested);
    o->where[o->calls] = tr_loop_current();
    tr__store_release_u32(&o->calls, o->calls + 1);
}

static void post_to_own(void *arg)
{
    own_loop *o = arg;

    o->is_nested = true; /* posted calls come after this one, never within */
    ck_assert_int_eq(tr_post(TR_LOOP_ANY, note_own, o), 0);
    ck_assert_int_eq(tr_post(tr_loop_current(), note_own, o), 0);
    o->is_nested = false;
}

START_TEST(post_to_any_loop_is_to_ones_own)
{
    kit_start(3);
    for (int i = 0; i < 3; i++) {
        own_loop o = { .calls = 0 };

        kit_on_loop(i, post_to_own, &o);
        while (tr__load_acquire_u32(&o.calls) < 2)
            sched_yield();
        ck_assert_int_eq(o.where[0], TR_LOOP(i));
        ck_assert_int_eq(o.where[1], TR_LOOP(i));
    }
    kit_stop();
}
END_TEST

START_TEST(post_of_a_foreign_thread_to_any_loop_is_always_to_the_same)
{
    own_loop o = { .calls = 0 };

    kit_start(3);
    for (uint32_t i = 0; i < 3; i++) {
        ck_assert_int_eq(tr_post(TR_LOOP_ANY, note_own, &o), 0);
        while (tr__load_acquire_u32(&o.calls) == i)
            sched_yield();
    }
    ck_assert_int_eq(o.where[1], o.where[0]);
    ck_assert_int_eq(o.where[2], o.where[0]);
    kit_stop();
}
END_TEST

static void *note_entry(void *out)
{
    *(uint32_t *)out = tr__runtime_entry();
    return NULL;
}

START_TEST(foreign_threads_are_served_by_the_loops_in_turn)
{
    uint32_t entries[4];

    kit_start(2);
    for (int i = 0; i < 4; i++) {
        pthread_t thread;

        ck_assert_int_eq(pthread_create(&thread, NULL, note_entry, &entries[i]), 0);
        pthread_join(thread, NULL);
        ck_assert_uint_lt(entries[i], 2);
        if (i > 0)
            ck_assert_uint_ne(entries[i], entries[i - 1]);
    }
    kit_stop();
}
END_TEST

/* ---- order ---- */

enum { POSTERS = 4, LOOPS = 2, CALLS = 20000 };

/* The calls of one thread to one loop. */
typedef struct series {
    uint32_t next; /* that should come */
    uint32_t wrong;
} series;

typedef struct numbered_call {
    series *series;
    uint32_t number;
} numbered_call;

static series all_series[POSTERS][LOOPS];
static numbered_call calls[POSTERS][LOOPS][CALLS];

static void check_number(void *arg)
{
    const numbered_call *call = arg;
    uint32_t expected = call->series->next;

    call->series->wrong += call->number != expected;
    tr__store_release_u32(&call->series->next, expected + 1);
}

static void post_series(int poster)
{
    for (uint32_t n = 0; n < CALLS; n++)
        for (int loop = 0; loop < LOOPS; loop++) {
            numbered_call *call = &calls[poster][loop][n];

            *call = (numbered_call){ &all_series[poster][loop], n };
            if (tr_post(TR_LOOP(loop), check_number, call) != 0)
                ck_abort_msg("poster %d: call %u was refused", poster, n);
        }
}

static void expect_series(int poster)
{
    for (int loop = 0; loop < LOOPS; loop++) {
        const series *s = &all_series[poster][loop];

        while (tr__load_acquire_u32(&s->next) < CALLS)
            sched_yield();
        ck_assert_uint_eq(s->wrong, 0);
    }
}

static void *post_as_foreign_thread(void *arg)
{
    post_series((int)(intptr_t)arg);
    return NULL;
}

static void post_from_loop(void *arg)
{
    post_series((int)(intptr_t)arg);
}

START_TEST(posts_of_each_foreign_thread_are_called_in_order)
{
    pthread_t threads[POSTERS];

    kit_start(LOOPS);
    for (intptr_t i = 0; i < POSTERS; i++)
        ck_assert_int_eq(pthread_create(&threads[i], NULL, post_as_foreign_thread, (void *)i), 0);
    for (int i = 0; i < POSTERS; i++) {
        pthread_join(threads[i], NULL);
        expect_series(i);
    }
    kit_stop();
}
END_TEST

START_TEST(posts_of_a_loop_are_called_in_order)
{
    kit_start(LOOPS);
    for (intptr_t i = 0; i < LOOPS; i++)
        kit_on_loop((int)i, post_from_loop, (void *)i);
    for (int i = 0; i < LOOPS; i++)
        expect_series(i);
    kit_stop();
}
END_TEST

/* ---- none is lost ---- */

static void wait_for_each(int posts)
{
    for (int i = 0; i < posts; i++)
        kit_on_loop(i % tr_loop_count(), NULL, NULL);
}

START_TEST(post_wakes_a_loop_that_parks_each_time)
{
    kit_start_with(&(tr_config){ .loops = 1, .spin_us = -1 });
    wait_for_each(50000);
    kit_stop();
}
END_TEST

START_TEST(post_reaches_a_loop_that_spins_before_it_parks)
{
    kit_start_with(&(tr_config){ .loops = 2, .spin_us = 5 });
    wait_for_each(50000);
    kit_stop();
}
END_TEST

typedef struct rally {
    uint32_t left;
    sem_t is_over;
} rally;

static void play(void *arg)
{
    rally *r = arg;

    if (r->left-- == 0)
        sem_post(&r->is_over);
    else
        ck_assert_int_eq(
            tr_post(tr_loop_current() == TR_LOOP(0) ? TR_LOOP(1) : TR_LOOP(0), play, r), 0);
}

static void play_rally(int spin_us, uint32_t hops)
{
    rally r = { .left = hops };

    sem_init(&r.is_over, 0, 0);
    kit_start_with(&(tr_config){ .loops = 2, .spin_us = spin_us });
    ck_assert_int_eq(tr_post(TR_LOOP(0), play, &r), 0);
    while (sem_wait(&r.is_over) != 0)
        ;
    kit_stop();
    sem_destroy(&r.is_over);
}

START_TEST(posts_between_two_loops_wake_each_other)
{
    play_rally(-1, 10000); /* each hop sleeps: slow on a machine that has other work */
    play_rally(20, 100000);
}
END_TEST

typedef struct flood {
    uint64_t called;
    uint64_t accepted;
    uint32_t is_flowing;
} flood;

static void count_call(void *arg)
{
    (void)tr__add_relaxed_u64(&((flood *)arg)->called, 1);
}

static void *post_until_refused(void *arg)
{
    flood *f = arg;
    uint64_t accepted = 0;
    int rc;

    while ((rc = tr_post(TR_LOOP((int)(accepted % 2)), count_call, f)) == 0)
        if (++accepted == 100)
            (void)tr__add_ordered_u32(&f->is_flowing, 1);
    (void)tr__add_relaxed_u64(&f->accepted, accepted);
    return (void *)(intptr_t)rc;
}

START_TEST(posts_amid_a_shutdown_are_refused_or_called)
{
    for (int round = 0; round < 20; round++) {
        flood f = { 0, 0, 0 };
        pthread_t threads[POSTERS];

        kit_start(2);
        for (int i = 0; i < POSTERS; i++)
            ck_assert_int_eq(pthread_create(&threads[i], NULL, post_until_refused, &f), 0);
        while (tr__load_acquire_u32(&f.is_flowing) < POSTERS)
            sched_yield();
        ck_assert_int_eq(tr_shutdown(KIT_PATIENCE_S), 0);
        for (int i = 0; i < POSTERS; i++) {
            void *rc;

            pthread_join(threads[i], &rc);
            ck_assert_int_eq((intptr_t)rc, TR_ESHUTDOWN);
        }
        ck_assert_uint_eq(f.called, f.accepted);
    }
}
END_TEST

/* ---- want of memory ---- */

START_TEST(post_without_memory_says_so)
{
    kit_start(1);
    tr__fault_arm(1, false);
    ck_assert_int_eq(tr_post(TR_LOOP(0), do_nothing, NULL), TR_ENOMEM);
    ck_assert(tr__fault_disarm());
    kit_on_loop(0, NULL, NULL);
    kit_stop();
}
END_TEST

/* Two chunks' worth of calls to another loop: the lane, its first chunk and its second one fail. */
typedef struct scarce {
    uint64_t n; /* which call to the outside fails; 0: none */
    uint32_t refused;
    uint32_t called;
} scarce;

enum { SCARCE_CALLS = TR__CHUNK + 10 };

static void count_scarce(void *arg)
{
    (void)tr__add_ordered_u32(&((scarce *)arg)->called, 1);
}

static void post_scarcely(void *arg)
{
    scarce *s = arg;

    tr__fault_arm(s->n, false);
    for (int i = 0; i < SCARCE_CALLS; i++) {
        int rc = tr_post(TR_LOOP(1), count_scarce, s);

        ck_assert(rc == 0 || rc == TR_ENOMEM);
        s->refused += rc != 0;
    }
    (void)tr__fault_disarm();
}

START_TEST(post_from_a_loop_without_memory_loses_that_one_only)
{
    for (uint64_t n = 1; n <= 4; n++) {
        scarce s = { .n = n };

        kit_start(2);
        kit_on_loop(0, post_scarcely, &s);
        while (tr__load_acquire_u32(&s.called) + s.refused < SCARCE_CALLS)
            sched_yield();
        ck_assert_uint_eq(s.refused, n <= 3);
        kit_stop();
        ck_assert_uint_eq(s.called + s.refused, SCARCE_CALLS);
    }
}
END_TEST

/* ---- runnables ---- */

typedef struct counted_run {
    tr__runnable runnable;
    series *series;
    uint32_t number;
} counted_run;

enum { RUNS = 2000 };

static counted_run runs[POSTERS][RUNS];
static series run_series[POSTERS];

static uint32_t run_numbered(tr__runnable *runnable, tr__loop *loop)
{
    const counted_run *run = TR__CONTAINER_OF(runnable, counted_run, runnable);

    run->series->wrong += run->number != run->series->next || loop != tr__loop_here();
    tr__store_release_u32(&run->series->next, run->series->next + 1);
    return 1;
}

static void post_runs(uint32_t number, int poster)
{
    for (uint32_t n = 0; n < RUNS; n++) {
        counted_run *run = &runs[poster][n];

        *run = (counted_run){ .runnable = { .run = run_numbered },
                              .series = &run_series[poster],
                              .number = n };
        ck_assert(tr__loop_post(number, &run->runnable));
    }
}

static void expect_runs(int poster)
{
    while (tr__load_acquire_u32(&run_series[poster].next) < RUNS)
        sched_yield();
    ck_assert_uint_eq(run_series[poster].wrong, 0);
}

static void *post_runs_as_foreign_thread(void *poster)
{
    post_runs(1, (int)(intptr_t)poster);
    return NULL;
}

static void post_runs_to_loop_0(void *poster)
{
    post_runs(1, (int)(intptr_t)poster);
}

START_TEST(runnables_of_each_thread_run_in_order_on_their_loop)
{
    pthread_t threads[2];

    kit_start(2);
    for (intptr_t i = 0; i < 2; i++)
        ck_assert_int_eq(pthread_create(&threads[i], NULL, post_runs_as_foreign_thread, (void *)i),
                         0);
    for (intptr_t i = 2; i < 4; i++) /* from itself, and from another one */
        kit_on_loop((int)i % 2, post_runs_to_loop_0, (void *)i);
    for (int i = 0; i < 2; i++)
        pthread_join(threads[i], NULL);
    for (int i = 0; i < 4; i++)
        expect_runs(i);
    kit_stop();
}
END_TEST

START_TEST(runnable_wakes_a_loop_that_parks)
{
    kit_start_with(&(tr_config){ .loops = 2, .spin_us = -1 });
    for (uint32_t n = 0; n < RUNS; n++) {
        counted_run *run = &runs[0][n];

        *run = (counted_run){ .runnable = { .run = run_numbered },
                              .series = &run_series[0],
                              .number = n };
        ck_assert(tr__loop_post(2, &run->runnable));
        while (tr__load_acquire_u32(&run_series[0].next) <= n)
            sched_yield();
    }
    ck_assert_uint_eq(run_series[0].wrong, 0);
    kit_stop();
}
END_TEST

static void post_runs_without_memory(void *unused)
{
    (void)unused;
    tr__fault_arm(1, true); /* neither a lane nor a chunk: the inlet needs nothing */
    post_runs(2, 0);
    ck_assert(tr__fault_disarm());
}

START_TEST(runnables_of_a_loop_without_memory_run_all_the_same)
{
    kit_start(2);
    kit_on_loop(0, post_runs_without_memory, NULL);
    expect_runs(0);
    kit_stop();
}
END_TEST

static uint32_t run_late(tr__runnable *runnable, tr__loop *loop)
{
    counted_run *run = TR__CONTAINER_OF(runnable, counted_run, runnable);

    ck_assert_ptr_eq(loop, tr__loop_here());
    ck_assert_int_eq(tr__runtime_phase(), TR__PHASE_QUIT);
    run->number++;
    return 1;
}

static void post_at_close(void *arg)
{
    counted_run *run = arg;

    ck_assert(tr__loop_post(1, &run->runnable)); /* to itself */
}

static void register_close(void *arg)
{
    ck_assert_int_eq(tr_loop_on_close(post_at_close, arg), 0);
}

START_TEST(runnables_are_taken_until_the_loop_quits_and_refused_afterwards)
{
    counted_run run = { .runnable = { .run = run_late } };

    ck_assert(!tr__loop_post(1, &run.runnable));
    kit_start(1);
    kit_on_loop(0, register_close, &run);
    kit_stop();
    ck_assert_uint_eq(run.number, 1);
    ck_assert(!tr__loop_post(1, &run.runnable));
    ck_assert(!tr__loop_post(TR__LOOPS_MAX, &run.runnable));
}
END_TEST

KIT_MAIN("runtime/post", post_refuses_what_makes_no_sense, post_calls_on_the_loop_that_was_named,
         post_to_any_loop_is_to_ones_own,
         post_of_a_foreign_thread_to_any_loop_is_always_to_the_same,
         foreign_threads_are_served_by_the_loops_in_turn,
         posts_of_each_foreign_thread_are_called_in_order, posts_of_a_loop_are_called_in_order,
         post_wakes_a_loop_that_parks_each_time, post_reaches_a_loop_that_spins_before_it_parks,
         posts_between_two_loops_wake_each_other, posts_amid_a_shutdown_are_refused_or_called,
         post_without_memory_says_so, post_from_a_loop_without_memory_loses_that_one_only,
         runnables_of_each_thread_run_in_order_on_their_loop, runnable_wakes_a_loop_that_parks,
         runnables_of_a_loop_without_memory_run_all_the_same,
         runnables_are_taken_until_the_loop_quits_and_refused_afterwards)
