/* Starting and stopping: a thousand times, by many threads, and while others are blocked in it. */
#include <pthread.h>

#include "base/atomic.h"
#include "support/actors.h"
#include "support/parcels.h"

#ifdef __SANITIZE_THREAD__
enum { STARTS = 150, ROUNDS = 40 };
#else
enum { STARTS = 1000, ROUNDS = 150 };
#endif

enum { THREADS = 4 };

static uint32_t made;

static void send_made(tr_pid to)
{
    (void)tr__add_ordered_u32(&made, 1); /* ordered: a counter */
    (void)tr_send(to, kit_parcel, .number = 1);
}

/* ---- again and again ---- */

static void carry_some(int loops)
{
    const tr_spawn_options spread = { .place = TR_PLACE_SPREAD };
    tr_inbox *in = kit_inbox();
    tr_pid to = tr_inbox_pid(in);

    for (int i = 0; i < loops + 1; i++) {
        tr_pid next = to;

        ck_assert_int_eq(tr_spawn_with(&to, &kit_forwarder_class, &next, &spread), 0);
    }
    for (int i = 0; i < 3; i++)
        send_made(to);
    ck_assert(tr_is(kit_next(in), kit_parcel)); /* the others may be under way */
    tr_inbox_free(in);
}

START_TEST(runtime_starts_and_stops_again_and_again)
{
    for (int i = 0; i < STARTS; i++) {
        int loops = 1 + i % 4;

        kit_start(loops);
        carry_some(loops);
        kit_stop();
        ck_assert_uint_eq(kit_drops, made);
    }
}
END_TEST

/* ---- several users of one runtime ---- */

static uint32_t uses;

/* A library that starts the runtime for itself, uses it and gives it back. */
static void *use_runtime(void *arg)
{
    (void)arg;
    for (int i = 0; i < ROUNDS; i++) {
        int rc = tr_start(&(tr_config){ .loops = 2 });

        ck_assert(rc == 0 || rc == TR_ESHUTDOWN);
        if (rc < 0)
            continue;
        (void)tr__add_ordered_u32(&uses, 1); /* ordered: a counter */
        carry_some(2);
        /* While this user counts, the runtime runs. */
        ck_assert_int_eq(tr_loop_count(), 2);
        rc = tr_shutdown(KIT_PATIENCE_S);
        ck_assert_msg(rc == 0, "shutdown gave %d", rc);
    }
    return NULL;
}

static void run_threads(void *(*fn)(void *), void *arg)
{
    pthread_t threads[THREADS];

    for (int i = 0; i < THREADS; i++)
        ck_assert_int_eq(pthread_create(&threads[i], NULL, fn, arg), 0);
    for (int i = 0; i < THREADS; i++)
        pthread_join(threads[i], NULL);
}

START_TEST(users_of_one_runtime_do_not_disturb_each_other)
{
    kit_start(1); /* for its log */
    kit_stop();
    run_threads(use_runtime, NULL);
    ck_assert_uint_gt(uses, ROUNDS);
    ck_assert_int_eq(tr_loop_count(), 0);
    ck_assert_uint_eq(kit_drops, made);
}
END_TEST

/* ---- several shutdowns at once ---- */

static uint32_t zeroes;

static void *shut_down(void *arg)
{
    int rc = tr_shutdown(KIT_PATIENCE_S);

    (void)arg;
    ck_assert_msg(rc == 0 || rc == TR_EBUSY || rc == TR_ESHUTDOWN, "shutdown gave %d", rc);
    if (rc == 0)
        (void)tr__add_ordered_u32(&zeroes, 1); /* ordered: a counter */
    return NULL;
}

START_TEST(one_of_several_shutdowns_stops_the_runtime)
{
    for (int i = 0; i < ROUNDS; i++) {
        kit_start(2);
        carry_some(2);
        zeroes = 0;
        run_threads(shut_down, NULL);
        ck_assert_uint_eq(zeroes, 1);
        kit_expect_balance();
    }
    ck_assert_uint_eq(kit_drops, made);
}
END_TEST

/* ---- threads that are blocked ---- */

static uint32_t receiving;

static void *receive_for_ever(void *arg)
{
    tr_inbox *in;
    tr_msg *msg;
    int rc = tr_inbox_new(&in, 0);

    (void)arg;
    ck_assert_int_eq(rc, 0);
    send_made(tr_inbox_pid(in));
    send_made(tr_inbox_pid(in));
    (void)tr__add_ordered_u32(&receiving, 1); /* ordered: a counter */
    while ((rc = tr_inbox_receive(in, &msg, TR_FOREVER)) == 0)
        ck_assert(tr_is(msg, kit_parcel));
    ck_assert_int_eq(rc, TR_ESHUTDOWN);
    ck_assert_ptr_null(msg);
    tr_inbox_free(in);
    return NULL;
}

START_TEST(shutdown_wakes_threads_that_wait_for_messages)
{
    pthread_t threads[THREADS];

    for (int i = 0; i < ROUNDS; i++) {
        kit_start(1 + i % 3);
        receiving = 0;
        for (int j = 0; j < THREADS; j++)
            ck_assert_int_eq(pthread_create(&threads[j], NULL, receive_for_ever, NULL), 0);
        while (tr__load_acquire_u32(&receiving) < THREADS) /* acquire: a counter */
            sched_yield();
        ck_assert_int_eq(tr_shutdown(KIT_PATIENCE_S), 0);
        for (int j = 0; j < THREADS; j++)
            pthread_join(threads[j], NULL);
        kit_expect_balance();
        ck_assert_uint_eq(kit_drops, made);
    }
}
END_TEST

static uint32_t spawning;

static void *spawn_for_ever(void *arg)
{
    const tr_spawn_options spread = { .place = TR_PLACE_SPREAD };
    tr_pid pid;
    int rc;

    (void)arg;
    do {
        pid.tr__id = 1;
        (void)tr__add_ordered_u32(&spawning, 1); /* ordered: a counter */
        rc = tr_spawn_with(&pid, &kit_forwarder_class, &TR_PID_NONE, &spread);
        if (rc == 0)
            send_made(pid);
    } while (rc == 0);
    ck_assert_int_eq(rc, TR_ESHUTDOWN);
    ck_assert(tr_pid_is_none(pid));
    return NULL;
}

/* A loop that is busy, so that spawning waits. */
static void linger(void *arg)
{
    while (tr__load_acquire_u32(arg) < THREADS) /* acquire: a counter */
        sched_yield();
}

START_TEST(shutdown_answers_threads_that_wait_for_a_spawn)
{
    pthread_t threads[THREADS];

    for (int i = 0; i < ROUNDS; i++) {
        kit_start(1 + i % 3);
        spawning = 0;
        for (int j = 0; j < THREADS; j++)
            ck_assert_int_eq(pthread_create(&threads[j], NULL, spawn_for_ever, NULL), 0);
        if (i % 3 != 0)
            ck_assert_int_eq(tr_post(TR_LOOP(0), linger, &spawning), 0);
        while (tr__load_acquire_u32(&spawning) < THREADS) /* acquire: a counter */
            sched_yield();
        ck_assert_int_eq(tr_shutdown(KIT_PATIENCE_S), 0);
        for (int j = 0; j < THREADS; j++)
            pthread_join(threads[j], NULL);
        kit_expect_balance();
        ck_assert_uint_eq(kit_drops, made);
    }
}
END_TEST

KIT_MAIN("restart", runtime_starts_and_stops_again_and_again,
         users_of_one_runtime_do_not_disturb_each_other, one_of_several_shutdowns_stops_the_runtime,
         shutdown_wakes_threads_that_wait_for_messages,
         shutdown_answers_threads_that_wait_for_a_spawn)
