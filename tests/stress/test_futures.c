/* Storms of futures: tasks on all loops and foreign threads wait for the same ones, give up, cancel
 * and end them, while continuations come and go; amid shutdowns, too. */
#include <pthread.h>
#include <sched.h>

#include "support/actors.h"

#if defined(__SANITIZE_THREAD__) || defined(__SANITIZE_ADDRESS__) || KIT_EMULATED
enum { SLOWER = 5 };
#else
enum { SLOWER = 1 };
#endif

enum { LOOPS = 3, THREADS = 3, SLOTS = 16, STEPS = 6000 / SLOWER, ROUNDS = 20000 / SLOWER };

static uint32_t drops;
static uint32_t values; /* that were given to a future */
static uint32_t takes;

static void drop_value(void *value)
{
    (void)value;
    kit_count(&drops);
}

/* ---- no wake-up is lost ---- */

static int resolve_soon(void *f)
{
    return tr_future_resolve(f, NULL, NULL);
}

static void *sleep_for_it(void *f)
{
    return (void *)(intptr_t)tr_future_wait(f, KIT_PATIENCE_S);
}

START_TEST(sleepers_on_a_future_are_woken_each_time)
{
    kit_start(2);
    for (int i = 0; i < ROUNDS / 4; i++) {
        tr_future *f;
        pthread_t other;
        void *rc;

        ck_assert_int_eq(tr_future_new(&f), 0);
        ck_assert_int_eq(pthread_create(&other, NULL, sleep_for_it, f), 0);
        ck_assert_int_eq(tr_submit(NULL, TR_LOOP(i % 2), resolve_soon, f), 0);
        ck_assert_int_eq(tr_future_wait(f, i % 3 ? KIT_PATIENCE_S : TR_FOREVER), 0);
        pthread_join(other, &rc);
        ck_assert_int_eq((intptr_t)rc, 0);
        tr_future_unref(f);
    }
    kit_stop();
}
END_TEST

/* ---- all at once ---- */

typedef struct storm {
    pthread_mutex_t lock;
    tr_future *slots[SLOTS];
    uint32_t thens;
    uint32_t calls;
} storm;

static storm all;

static uint32_t next_random(uint64_t *state)
{
    *state = *state * UINT64_C(6364136223846793005) + UINT64_C(1442695040888963407);
    return (uint32_t)(*state >> 33);
}

/* One with a reference of the caller's; NULL: the runtime does not make any more. */
static tr_future *borrow(uint32_t slot, bool renew)
{
    tr_future *old = NULL;
    tr_future *f = NULL;

    if (renew && tr_future_new(&f) < 0)
        return NULL;
    pthread_mutex_lock(&all.lock);
    if (f != NULL) {
        old = all.slots[slot];
        all.slots[slot] = f;
    }
    f = tr_future_ref(all.slots[slot]);
    pthread_mutex_unlock(&all.lock);
    if (old != NULL)
        (void)tr_future_cancel(old); /* whoever waits for it goes on */
    tr_future_unref(old);
    return f;
}

static void count_call(tr_future *f, int status, void *arg)
{
    (void)arg;
    ck_assert(status == TR_ESHUTDOWN || status == tr_future_status(f));
    kit_count(&all.calls);
}

static void end_it(tr_future *f, uint32_t random)
{
    if (random % 3 == 0) {
        (void)tr_future_cancel(f);
    } else if (random % 3 == 1) {
        (void)tr_future_fail(f, -7);
        (void)tr_future_status(f);
    } else {
        kit_count(&values);
        (void)tr_future_resolve(f, &all, drop_value);
    }
}

static void take_it(tr_future *f)
{
    void *value;

    (void)tr_future_peek(f);
    if (tr_future_take(f, &value) == 0)
        kit_count(&takes);
}

static void use(tr_future *f, uint32_t random, bool in_task)
{
    switch (random % 8) {
    case 0:
    case 1:
        end_it(f, random / 8);
        break;
    case 2:
        take_it(f);
        break;
    case 3:
        if (tr_future_then(f, (int)(random / 8 % (LOOPS + 1)), count_call, NULL) == 0)
            kit_count(&all.thens);
        break;
    case 4:
        (void)(in_task ? tr_wait_for(f, 0.0002) : tr_future_cancel_wait(f));
        break;
    case 5:
        if (in_task)
            TR_DEADLINE(0.0001 * (random / 8 % 4)) {
                (void)tr_await(f);
            }
        else
            (void)tr_future_wait(f, 0.0001 * (random / 8 % 4));
        break;
    default:
        if (in_task)
            TR_DEADLINE(0.002) {
                (void)tr_await(f);
            }
        else
            (void)tr_future_wait(f, 0.002);
    }
}

static void storm_on(uint64_t seed, bool in_task)
{
    for (int i = 0; i < STEPS && !(in_task && tr_cancel_requested()); i++) {
        uint32_t random = next_random(&seed);
        tr_future *f = borrow(random % SLOTS, random / SLOTS % 4 == 0);

        if (f == NULL)
            return;
        use(f, random / SLOTS / 4, in_task);
        tr_future_unref(f);
    }
}

static void *storm_in_thread(void *seed)
{
    storm_on((uint64_t)(uintptr_t)seed, false);
    return NULL;
}

static int storm_in_task(void *seed)
{
    storm_on((uint64_t)(uintptr_t)seed, true);
    return 0;
}

enum { TASKS = 12 };

static void begin_storm(pthread_t *threads, tr_future **tasks, int round)
{
    kit_start(LOOPS);
    for (uint32_t i = 0; i < SLOTS; i++)
        tr_future_unref(borrow(i, true));
    for (uintptr_t i = 0; i < TASKS; i++)
        ck_assert_int_eq(tr_submit(&tasks[i], TR_LOOP((int)i % LOOPS), storm_in_task,
                                   (void *)(i + 100 * (uintptr_t)round)),
                         0);
    for (uintptr_t i = 0; i < THREADS; i++)
        ck_assert_int_eq(pthread_create(&threads[i], NULL, storm_in_thread,
                                        (void *)(i + 50 + 100 * (uintptr_t)round)),
                         0);
}

static void end_storm(pthread_t *threads, tr_future **tasks)
{
    for (int i = 0; i < THREADS; i++)
        pthread_join(threads[i], NULL);
    for (int i = 0; i < TASKS; i++) {
        ck_assert_int_eq(tr_future_wait(tasks[i], KIT_PATIENCE_S), 0);
        tr_future_unref(tasks[i]);
    }
}

static void expect_nothing_lost(void)
{
    for (int i = 0; i < SLOTS; i++) {
        tr_future_unref(all.slots[i]);
        all.slots[i] = NULL;
    }
    ck_assert_uint_eq(all.calls, all.thens);
    ck_assert_uint_eq(drops + takes, values);
}

START_TEST(storm_of_futures_loses_no_value_and_no_call)
{
    pthread_t threads[THREADS];
    tr_future *tasks[TASKS];

    pthread_mutex_init(&all.lock, NULL);
    begin_storm(threads, tasks, 1);
    end_storm(threads, tasks);
    kit_stop();
    expect_nothing_lost();
}
END_TEST

START_TEST(storm_of_futures_amid_shutdowns_loses_no_value_and_no_call)
{
    pthread_mutex_init(&all.lock, NULL);
    for (int round = 0; round < 20 / SLOWER; round++) {
        pthread_t threads[THREADS];
        tr_future *tasks[TASKS];
        uint32_t goal = kit_counted(&values) + 100;

        begin_storm(threads, tasks, round);
        while (kit_counted(&values) < goal && !tr_future_is_done(tasks[0]))
            sched_yield();
        ck_assert_int_eq(tr_shutdown(KIT_PATIENCE_S), 0);
        end_storm(threads, tasks);
        expect_nothing_lost();
        kit_expect_balance();
    }
}
END_TEST

KIT_MAIN("stress/futures", sleepers_on_a_future_are_woken_each_time,
         storm_of_futures_loses_no_value_and_no_call,
         storm_of_futures_amid_shutdowns_loses_no_value_and_no_call)
