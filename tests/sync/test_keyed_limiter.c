/* Limiters with a bucket for each key. Of the time see test_limiter.c. */
#include <math.h>
#include <stdio.h>
#include <string.h>

#include "sync/cases.h"

#define HOURLY (1.0 / 3600)

static tr_keyed_limiter *made(double rate, double burst, size_t keys)
{
    tr_keyed_limiter *l;

    EXPECT(tr_keyed_limiter_new(&l, rate, burst, keys) == 0);
    return l;
}

static void unmade(tr_keyed_limiter *l)
{
    EXPECT(tr_keyed_limiter_free(l) == 0);
}

CASE(each_key_has_its_own_bucket)
{
    tr_keyed_limiter *l = made(HOURLY, 2, 10);
    double wait = -1;

    EXPECT(tr_keyed_limiter_keys(l) == 0);
    EXPECT(tr_keyed_limiter_acquire(l, "ann") == 0);
    EXPECT(tr_keyed_limiter_acquire_for(l, "ann", 0) == 0);
    EXPECT(tr_keyed_limiter_acquire_for(l, "ann", 0) == TR_ETIMEDOUT);
    EXPECT(tr_keyed_limiter_try_acquire(l, "ann", &wait) == TR_EBUSY);
    EXPECT(wait > 1800 && wait <= 3600);
    EXPECT(tr_keyed_limiter_try_acquire(l, "bob", &wait) == 0);
    EXPECT(wait == 0);
    EXPECT(tr_keyed_limiter_try_acquire_many(l, "bob", 3, 2, NULL) == TR_EBUSY);
    EXPECT(tr_keyed_limiter_acquire_many(l, "eve", 3, 2, 0) == 0);
    EXPECT(tr_keyed_limiter_keys(l) == 3);
    unmade(l);
}

CASE(keys_are_bytes_up_to_a_length)
{
    tr_keyed_limiter *l = made(HOURLY, 1, 10);
    char key[TR_LIMITER_KEY_MAX + 2];

    memset(key, 'k', sizeof(key) - 1);
    key[sizeof(key) - 1] = '\0';
    EXPECT(tr_keyed_limiter_try_acquire(l, "", NULL) == 0);
    EXPECT(tr_keyed_limiter_try_acquire(l, "", NULL) == TR_EBUSY);
    EXPECT(tr_keyed_limiter_try_acquire_many(l, "\0", 1, 1, NULL) == 0);
    EXPECT(tr_keyed_limiter_try_acquire_many(l, "a\0b", 3, 1, NULL) == 0);
    EXPECT(tr_keyed_limiter_try_acquire_many(l, "a\0c", 3, 1, NULL) == 0);
    EXPECT(tr_keyed_limiter_try_acquire_many(l, "a\0b", 3, 1, NULL) == TR_EBUSY);
    EXPECT(tr_keyed_limiter_try_acquire(l, "a", NULL) == 0);
    EXPECT(tr_keyed_limiter_try_acquire_many(l, key, TR_LIMITER_KEY_MAX, 1, NULL) == 0);
    EXPECT(tr_keyed_limiter_try_acquire(l, key + 1, NULL) == TR_EBUSY); /* the same */
    EXPECT(tr_keyed_limiter_try_acquire(l, key, NULL) == TR_EINVAL);
    EXPECT(tr_keyed_limiter_keys(l) == 6);
    unmade(l);
}

/* ---- how many keys ---- */

CASE(a_key_with_a_full_bucket_is_forgotten_for_a_new_one)
{
    tr_keyed_limiter *l = made(1000, 10, 2);

    EXPECT(tr_keyed_limiter_acquire_many(l, "ann", 3, 10, 0) == 0);
    EXPECT(tr_keyed_limiter_acquire(l, "bob") == 0);
    EXPECT(tr_sleep(0.02) == 0);
    EXPECT(tr_keyed_limiter_acquire(l, "eve") == 0);
    EXPECT(tr_keyed_limiter_acquire(l, "joe") == 0);
    EXPECT(tr_keyed_limiter_keys(l) == 2);
    EXPECT(tr_sleep(0.02) == 0);
    EXPECT(tr_keyed_limiter_acquire_many(l, "ann", 3, 10, 0) == 0); /* as if never used */
    unmade(l);
}

CASE(a_key_whose_bucket_is_not_full_is_not_forgotten)
{
    tr_keyed_limiter *l = made(HOURLY, 10, 2);
    double wait = -1;

    EXPECT(tr_keyed_limiter_acquire(l, "ann") == 0);
    EXPECT(tr_keyed_limiter_acquire(l, "bob") == 0);
    EXPECT(tr_keyed_limiter_acquire(l, "eve") == TR_EAGAIN);
    EXPECT(tr_keyed_limiter_try_acquire(l, "eve", &wait) == TR_EAGAIN);
    EXPECT(wait == 0);
    EXPECT(tr_keyed_limiter_acquire(l, "bob") == 0); /* those who are known go on */
    EXPECT(tr_keyed_limiter_try_acquire_many(l, "ann", 3, 9, NULL) == 0);
    EXPECT(tr_keyed_limiter_keys(l) == 2);
    unmade(l);
}

CASE(one_whose_bucket_was_emptied_does_not_keep_others_from_being_forgotten)
{
    tr_keyed_limiter *l = made(1000, 1e9, 3);
    char key[16];

    EXPECT(tr_keyed_limiter_acquire_many(l, "greedy", 6, 1000000000, 0) == 0); /* for 11 days */
    for (int i = 0; i < 10; i++) {
        (void)snprintf(key, sizeof(key), "k%d", i);
        EXPECT(tr_keyed_limiter_acquire(l, key) == 0);
        EXPECT(tr_sleep(0.01) == 0);
    }
    EXPECT(tr_keyed_limiter_keys(l) == 3);
    EXPECT(tr_keyed_limiter_try_acquire_many(l, "greedy", 6, 100000000, NULL) == TR_EBUSY);
    unmade(l);
}

/* Each takes another number of tokens; so they are full in another order than they came. */
CASE(of_many_keys_each_is_known_and_in_time_forgotten)
{
    enum { KEYS = 60, TOKENS = 97 };
    tr_keyed_limiter *l = made(100000, TOKENS, KEYS);
    char key[16];

    for (int round = 0; round < 3; round++) {
        for (int i = 0; i < KEYS; i++) {
            int length = snprintf(key, sizeof(key), "key %d/%d", round, i);
            uint64_t n = 1 + (uint64_t)(i * 37 + round) % TOKENS;

            EXPECT(tr_keyed_limiter_acquire_many(l, key, (size_t)length, n, 0) == 0);
            if (i % 3 == 0)
                EXPECT(tr_keyed_limiter_acquire(l, key) == 0);
        }
        EXPECT(tr_keyed_limiter_keys(l) == KEYS);
        EXPECT(tr_sleep(0.005) == 0); /* all are full */
    }
    unmade(l);
}

static void take_tokens(tr_keyed_limiter *l, char key, uint64_t n)
{
    EXPECT(tr_keyed_limiter_acquire_many(l, &key, 1, n, 0) == 0);
}

/* One that is used again leaves its place among those that are not used: whoever takes that must
 * find the right one. In the heap they stand in this order. */
CASE(those_that_are_full_are_found_behind_one_that_is_used_again)
{
    static const uint64_t hours = 100 * 1000 * 1000;
    tr_keyed_limiter *l = made(1000, 1e9, 7);

    take_tokens(l, 'a', 1);
    take_tokens(l, 'b', hours);
    take_tokens(l, 'c', 4);
    take_tokens(l, 'd', 2 * hours);
    take_tokens(l, 'e', 3 * hours);
    take_tokens(l, 'f', 7);
    take_tokens(l, 'g', 10);
    take_tokens(l, 'd', 1);
    EXPECT(tr_sleep(0.02) == 0);
    for (char key = '0'; key < '4'; key++)
        take_tokens(l, key, 4 * hours);
    EXPECT(tr_keyed_limiter_try_acquire(l, "new", NULL) == TR_EAGAIN);
    EXPECT(tr_keyed_limiter_keys(l) == 7);
    unmade(l);
}

/* ---- those who wait ---- */

struct take_args {
    tr_keyed_limiter *l;
    const char *key;
    char letter;
};

static int take(void *arg)
{
    const struct take_args *a = arg;
    int rc = tr_keyed_limiter_acquire(a->l, a->key);

    note(rc == 0 ? a->letter : '-');
    return rc;
}

CASE(those_who_wait_for_one_key_are_in_nobody_elses_way)
{
    tr_keyed_limiter *l = made(HOURLY, 1, 10);
    struct take_args args = { l, "ann", 'a' };
    tr_task *waiter;

    EXPECT(tr_keyed_limiter_acquire(l, "ann") == 0);
    EXPECT(tr_task_spawn(&waiter, take, &args) == 0);
    let_others_run();
    EXPECT(tr_keyed_limiter_acquire(l, "bob") == 0);
    EXPECT(tr_keyed_limiter_try_acquire(l, "ann", NULL) == TR_EBUSY);
    EXPECT(tr_task_wait(waiter, 0) == TR_ETIMEDOUT);
    tr_task_unref(waiter);
    unmade(l);
}

CASE(tokens_of_a_key_go_to_whoever_came_first)
{
    tr_keyed_limiter *l = made(1000, 1, 10);
    int rc;

    EXPECT(tr_keyed_limiter_acquire(l, "ann") == 0);
    TR_SCOPE(s, &rc) {
        for (char letter = 'a'; letter <= 'e'; letter++)
            tr_go(s, take, l, "ann", letter);
    }
    EXPECT(rc == 0);
    EXPECT(strcmp(notes(), "abcde") == 0);
    unmade(l);
}

CASE(a_key_that_is_waited_for_is_not_forgotten_and_not_freed)
{
    tr_keyed_limiter *l = made(HOURLY, 1, 1);
    struct take_args args = { l, "ann", 'a' };
    tr_task *waiter;

    EXPECT(tr_keyed_limiter_acquire(l, "ann") == 0);
    EXPECT(tr_task_spawn(&waiter, take, &args) == 0);
    let_others_run();
    EXPECT(tr_keyed_limiter_acquire(l, "bob") == TR_EAGAIN);
    EXPECT(tr_keyed_limiter_free(l) == TR_EBUSY);
    EXPECT(tr_keyed_limiter_keys(l) == 1);
    EXPECT(tr_task_wait(waiter, 0) == TR_ETIMEDOUT);
    tr_task_unref(waiter);
    unmade(l);
}

typedef struct crowd {
    tr_keyed_limiter *l;
    counter taken;
} crowd;

static int take_of_all(void *arg)
{
    static const char *const keys[] = { "ann", "bob", "eve" };
    crowd *c = arg;

    for (int i = 0; i < 9; i++) {
        EXPECT(tr_keyed_limiter_acquire(c->l, keys[i % 3]) == 0);
        count_up(&c->taken);
    }
    return 0;
}

static void take_of_all_as_thread(void *c)
{
    EXPECT(take_of_all(c) == 0);
}

CASE(all_loops_and_threads_share_it)
{
    crowd c = { .l = made(10000, 2, 3) };
    foreign *thread = foreign_start(take_of_all_as_thread, &c);
    int rc;

    TR_SCOPE(s, &rc) {
        for (int i = 0; i < 4; i++)
            EXPECT(tr_scope_spawn_on(s, TR_LOOP(i % 2), take_of_all, &c) == 0);
    }
    foreign_end(thread);
    EXPECT(rc == 0);
    EXPECT(count_of(&c.taken) == 5 * 9);
    EXPECT(tr_keyed_limiter_keys(c.l) == 3);
    unmade(c.l);
}

static int take_new_ones(void *arg)
{
    crowd *c = arg;
    char key[32];

    for (int i = 0; i < 20; i++) {
        int rc;

        (void)snprintf(key, sizeof(key), "%p/%d", (void *)&key, i);
        while ((rc = tr_keyed_limiter_acquire(c->l, key)) == TR_EAGAIN)
            EXPECT(tr_sleep(0.0001) == 0);
        EXPECT(rc == 0);
        count_up(&c->taken);
    }
    return 0;
}

CASE(keys_come_and_go_on_all_loops)
{
    crowd c = { .l = made(20000, 2, 4) };
    int rc;

    TR_SCOPE(s, &rc) {
        for (int i = 0; i < 4; i++)
            EXPECT(tr_scope_spawn_on(s, TR_LOOP(i % 2), take_new_ones, &c) == 0);
    }
    EXPECT(rc == 0);
    EXPECT(count_of(&c.taken) == 4 * 20);
    EXPECT(tr_keyed_limiter_keys(c.l) <= 4);
    unmade(c.l);
}

static void wait_in_vain(void *l)
{
    EXPECT(tr_keyed_limiter_acquire_for(l, "ann", 0) == TR_ETIMEDOUT);
    EXPECT(tr_keyed_limiter_acquire_for(l, "ann", 0.001) == TR_ETIMEDOUT);
}

CASE(a_thread_waits_as_long_as_it_wants)
{
    tr_keyed_limiter *l = made(HOURLY, 1, 1);

    EXPECT(tr_keyed_limiter_acquire(l, "ann") == 0);
    foreign_end(foreign_start(wait_in_vain, l));
    unmade(l);
}

/* ---- every await ---- */

typedef struct shared {
    tr_keyed_limiter *l;
    tr_task *rival;
} shared;

static int take_twice(void *arg)
{
    shared *all = arg;
    int rc = AWAIT(tr_keyed_limiter_acquire(all->l, "ann"));

    return rc < 0 ? rc : AWAIT(tr_keyed_limiter_acquire_for(all->l, "ann", 1000));
}

static int rival_takes(void *arg)
{
    shared *all = arg;

    for (int i = 0; i < 2; i++)
        EXPECT(tr_keyed_limiter_acquire(all->l, "ann") == 0);
    return 0;
}

static void start_rival(void *arg)
{
    shared *all = arg;

    all->l = made(5000, 1, 1);
    EXPECT(tr_task_spawn_on(&all->rival, TR_LOOP(1), rival_takes, arg) == 0);
}

static void expect_unused(void *arg, int rc)
{
    shared *all = arg;

    EXPECT(rc == 0 || rc == TR_ECANCELED);
    EXPECT(tr_task_wait(all->rival, TR_FOREVER) == 0);
    tr_task_unref(all->rival);
    unmade(all->l); /* it is not in use */
}

CASE(a_keyed_limiter_survives_a_cancellation_at_every_await)
{
    shared all = { .l = NULL };

    cancel_at_every_await(&(attempt){ start_rival, take_twice, expect_unused }, &all);
}

CASE(one_who_is_cancelled_makes_no_key_known)
{
    tr_keyed_limiter *l = made(HOURLY, 1, 1);
    int rc;

    TR_SCOPE(s, &rc) {
        EXPECT(tr_scope_cancel(s) == 1);
        EXPECT(tr_keyed_limiter_acquire(l, "ann") == TR_ECANCELED);
    }
    EXPECT(rc == 0);
    EXPECT(tr_keyed_limiter_keys(l) == 0);
    unmade(l);
}

/* ---- wrong ---- */

typedef struct visit {
    tr_keyed_limiter *l;
    tr_event done;
} visit;

static void use_on_a_loop(void *arg)
{
    visit *v = arg;

    EXPECT(tr_keyed_limiter_acquire(v->l, "ann") == TR_EWRONGPLACE);
    EXPECT(tr_keyed_limiter_acquire_for(v->l, "ann", 0) == TR_EWRONGPLACE);
    EXPECT(tr_keyed_limiter_try_acquire(v->l, "ann", NULL) == 0);
    EXPECT(tr_event_set(&v->done) == 0);
}

CASE(a_loop_may_try_but_not_wait)
{
    visit v = { .l = made(HOURLY, 1, 1) };

    EXPECT(tr_post(TR_LOOP(1), use_on_a_loop, &v) == 0);
    EXPECT(tr_event_wait(&v.done) == 0);
    unmade(v.l);
}

CASE(bad_arguments_are_refused)
{
    tr_keyed_limiter *l = made(1000, 2, 1);
    tr_keyed_limiter *other = l;
    double wait = 7;

    EXPECT(tr_keyed_limiter_new(NULL, 1, 1, 1) == TR_EINVAL);
    EXPECT(tr_keyed_limiter_new(&other, 1, 1, 0) == TR_EINVAL);
    EXPECT(other == NULL);
    EXPECT(tr_keyed_limiter_new(&other, NAN, 1, 1) == TR_EINVAL);
    EXPECT(tr_keyed_limiter_new(&other, 1, 0, 1) == TR_EINVAL);
    EXPECT(tr_keyed_limiter_new(&other, 1, 1, SIZE_MAX) == TR_ENOMEM);
    EXPECT(tr_keyed_limiter_free(NULL) == 0);
    EXPECT(tr_keyed_limiter_keys(NULL) == 0);
    EXPECT(tr_keyed_limiter_acquire(NULL, "ann") == TR_EINVAL);
    EXPECT(tr_keyed_limiter_acquire(l, NULL) == TR_EINVAL);
    EXPECT(tr_keyed_limiter_acquire_for(l, "ann", NAN) == TR_EINVAL);
    EXPECT(tr_keyed_limiter_acquire_many(l, "ann", 3, 3, 0) == TR_EINVAL); /* never there */
    EXPECT(tr_keyed_limiter_acquire_many(l, "ann", TR_LIMITER_KEY_MAX + 1, 1, 0) == TR_EINVAL);
    EXPECT(tr_keyed_limiter_try_acquire(NULL, "ann", &wait) == TR_EINVAL);
    EXPECT(wait == 0);
    EXPECT(tr_keyed_limiter_try_acquire(l, NULL, NULL) == TR_EINVAL);
    EXPECT(tr_keyed_limiter_keys(l) == 0);
    unmade(l);
}

CASES("keyed_limiter", each_key_has_its_own_bucket, keys_are_bytes_up_to_a_length,
      a_key_with_a_full_bucket_is_forgotten_for_a_new_one,
      a_key_whose_bucket_is_not_full_is_not_forgotten,
      one_whose_bucket_was_emptied_does_not_keep_others_from_being_forgotten,
      of_many_keys_each_is_known_and_in_time_forgotten,
      those_that_are_full_are_found_behind_one_that_is_used_again,
      those_who_wait_for_one_key_are_in_nobody_elses_way, tokens_of_a_key_go_to_whoever_came_first,
      a_key_that_is_waited_for_is_not_forgotten_and_not_freed, all_loops_and_threads_share_it,
      keys_come_and_go_on_all_loops, a_thread_waits_as_long_as_it_wants,
      a_keyed_limiter_survives_a_cancellation_at_every_await,
      one_who_is_cancelled_makes_no_key_known, a_loop_may_try_but_not_wait,
      bad_arguments_are_refused)
