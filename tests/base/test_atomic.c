/* Atomics: each one does what its name says, and the read-modify-write ones lose nothing. */
#include <pthread.h>

#include "base/atomic.h"
#include "support/kit.h"

enum { ROUNDS = 100000, THREADS = 4 };

START_TEST(atomic_loads_see_what_was_stored)
{
    uint16_t small = 0;
    uint32_t middle = 0;
    uint64_t large = 0;

    tr__store_relaxed_u16(&small, 0xffff);
    tr__store_relaxed_u32(&middle, UINT32_MAX);
    tr__store_relaxed_u64(&large, UINT64_MAX);
    ck_assert_uint_eq(tr__load_acquire_u16(&small), 0xffff);
    ck_assert_uint_eq(tr__load_acquire_u32(&middle), UINT32_MAX);
    ck_assert_uint_eq(tr__load_acquire_u64(&large), UINT64_MAX);
    tr__store_release_u16(&small, 7);
    tr__store_release_u32(&middle, 8);
    tr__store_release_u64(&large, 9);
    ck_assert_uint_eq(tr__load_relaxed_u16(&small), 7);
    ck_assert_uint_eq(tr__load_relaxed_u32(&middle), 8);
    ck_assert_uint_eq(tr__load_relaxed_u64(&large), 9);
}
END_TEST

START_TEST(atomic_pointers_travel_whole)
{
    int a = 0;
    int b = 0;
    int *at = NULL;

    tr__store_relaxed_ptr(&at, &a);
    ck_assert_ptr_eq(tr__load_acquire_ptr(&at), &a);
    tr__store_release_ptr(&at, &b);
    ck_assert_ptr_eq(tr__load_relaxed_ptr(&at), &b);
    ck_assert_ptr_eq(tr__exchange_ordered_ptr(&at, &a), &b);
    ck_assert(!tr__cas_ordered_ptr(&at, &b, NULL));
    ck_assert_ptr_eq(at, &a);
    ck_assert(tr__cas_ordered_ptr(&at, &a, NULL));
    ck_assert_ptr_null(at);
}
END_TEST

START_TEST(atomic_compare_and_swap_changes_only_what_was_expected)
{
    uint32_t word = 5;

    ck_assert(!tr__cas_ordered_u32(&word, 4, 6));
    ck_assert_uint_eq(word, 5);
    ck_assert(tr__cas_ordered_u32(&word, 5, 6));
    ck_assert_uint_eq(word, 6);
}
END_TEST

START_TEST(atomic_adds_return_what_was_before_and_wrap)
{
    uint32_t word = UINT32_MAX;
    uint64_t large = UINT64_MAX - 1;

    ck_assert_uint_eq(tr__add_ordered_u32(&word, 2), UINT32_MAX);
    ck_assert_uint_eq(word, 1);
    ck_assert_uint_eq(tr__add_relaxed_u64(&large, 3), UINT64_MAX - 1);
    ck_assert_uint_eq(large, 1);
    tr__bump_u64(&large, 41);
    ck_assert_uint_eq(large, 42);
}
END_TEST

typedef struct counters {
    uint32_t small;
    uint64_t large;
    uint32_t lock;
    uint64_t guarded;
} counters;

static void *count_up(void *arg)
{
    counters *c = arg;

    for (int i = 0; i < ROUNDS; i++) {
        (void)tr__add_ordered_u32(&c->small, 1);
        (void)tr__add_relaxed_u64(&c->large, 3);
        while (!tr__cas_ordered_u32(&c->lock, 0, 1))
            tr__spin_pause();
        c->guarded++;
        tr__store_release_u32(&c->lock, 0);
    }
    return NULL;
}

START_TEST(atomic_counts_of_four_threads_lose_none)
{
    pthread_t threads[THREADS];
    counters c = { 0 };

    for (int i = 0; i < THREADS; i++)
        ck_assert_int_eq(pthread_create(&threads[i], NULL, count_up, &c), 0);
    for (int i = 0; i < THREADS; i++)
        pthread_join(threads[i], NULL);
    ck_assert_uint_eq(c.small, (uint32_t)THREADS * ROUNDS);
    ck_assert_uint_eq(c.large, UINT64_C(3) * THREADS * ROUNDS);
    ck_assert_uint_eq(c.guarded, (uint64_t)THREADS * ROUNDS);
}
END_TEST

/* Dekker's trial: each stores its own flag, then (fence) looks at the other's. Both may see the
 * other's; never may neither. */
typedef struct trial {
    pthread_barrier_t begin;
    pthread_barrier_t end;
    uint32_t flag[2];
    uint32_t seen[2];
} trial;

enum { TRIALS = 20000 };

static void play(trial *t, int me)
{
    tr__store_relaxed_u32(&t->flag[me], 1);
    tr__fence_full();
    t->seen[me] = tr__load_relaxed_u32(&t->flag[1 - me]);
}

static void *be_second(void *arg)
{
    trial *t = arg;

    for (int i = 0; i < TRIALS; i++) {
        pthread_barrier_wait(&t->begin);
        play(t, 1);
        pthread_barrier_wait(&t->end);
    }
    return NULL;
}

START_TEST(atomic_full_fence_orders_a_store_before_a_later_load)
{
    trial t = { .flag = { 0, 0 } };
    pthread_t thread;

    pthread_barrier_init(&t.begin, NULL, 2);
    pthread_barrier_init(&t.end, NULL, 2);
    ck_assert_int_eq(pthread_create(&thread, NULL, be_second, &t), 0);
    for (int i = 0; i < TRIALS; i++) {
        t.flag[0] = 0;
        t.flag[1] = 0;
        pthread_barrier_wait(&t.begin);
        play(&t, 0);
        pthread_barrier_wait(&t.end);
        ck_assert(t.seen[0] != 0 || t.seen[1] != 0);
    }
    pthread_join(thread, NULL);
    pthread_barrier_destroy(&t.begin);
    pthread_barrier_destroy(&t.end);
}
END_TEST

KIT_MAIN("base/atomic", atomic_loads_see_what_was_stored, atomic_pointers_travel_whole,
         atomic_compare_and_swap_changes_only_what_was_expected,
         atomic_adds_return_what_was_before_and_wrap, atomic_counts_of_four_threads_lose_none,
         atomic_full_fence_orders_a_store_before_a_later_load)
