/* The lock that is biased to the loop that uses it first, and what is built on it, in all
 * interleavings with a few preemptions, and with a few stores that are seen late. Threads of the
 * world play loops: they have a number, and that is all that a latch wants to know. */
#include <stdio.h>
#include <stdlib.h>
#include <sys/mman.h>

#include <troupe.h>
#include <troupe/check.h>
#include <troupe/sim.h>

#include "runtime/loop.h"
#include "sim/all_ways.h"
#include "support/suite.h"
#include "sync/latch.h"

enum { PAGE = 4096 };

typedef struct shared {
    tr__latch latch;
    tr_mutex mutex;
    tr_semaphore semaphore;
    uint32_t inside; /* how many are; an atomic word, so that another one may go on meanwhile */
    uint32_t entered;
    uint32_t users; /* whoever is the last of them ends it all */
} shared;

static shared *here;
static tr__loop loops[2]; /* nothing but their numbers */

static void begin(void)
{
    here = mmap(NULL, PAGE, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    HOLDS(here != MAP_FAILED);
    for (uint16_t i = 0; i < 2; i++)
        loops[i].number = (uint16_t)(i + 1);
    tr__biased_locks_begin();
}

/* Nobody may touch it from now on. */
static void end(void)
{
    tr__fence_full(); /* a store to it may wait */
    HOLDS(mprotect(here, PAGE, PROT_NONE) == 0);
}

static void forget(void)
{
    HOLDS(munmap(here, PAGE) == 0);
}

/* Be a loop from now on; NULL: a foreign thread. */
static void play(tr__loop *loop)
{
    tr__loop_of_thread = loop;
}

/* One at a time: a plain counter tells. */
static bool be_inside(void)
{
    bool is_last;

    HOLDS(here->inside == 0);
    here->inside = 1;
    tr__sim_step();
    here->entered++;
    is_last = --here->users == 0;
    HOLDS(here->inside == 1);
    here->inside = 0;
    return is_last;
}

/* ---- the latch itself ---- */

static int rounds; /* of each */

static void *use_latch(void *loop)
{
    bool is_last = false;

    play(loop);
    for (int i = 0; i < rounds; i++) {
        tr__latch_lock(&here->latch);
        is_last = be_inside();
        tr__latch_unlock(&here->latch);
    }
    if (is_last)
        end();
    play(NULL);
    return NULL;
}

static void use_latch_with(tr__loop *first, tr__loop *second, tr__loop *third, bool is_biased)
{
    tr_sim_thread *others[2];

    begin();
    rounds = third != NULL ? 1 : 2;
    here->users = third != NULL ? 3 : 4;
    if (is_biased) {
        here->users++;
        play(first);
        HOLDS(tr__latch_enter(&here->latch));
        (void)be_inside();
        tr__latch_leave(&here->latch);
    }
    others[0] = start("second", use_latch, second);
    if (third != NULL)
        others[1] = start("third", use_latch, third);
    (void)use_latch(first);
    (void)tr_sim_thread_join(others[0]);
    if (third != NULL)
        (void)tr_sim_thread_join(others[1]);
    forget();
}

static void a_loop_and_a_thread(void *unused)
{
    (void)unused;
    use_latch_with(&loops[0], NULL, NULL, true);
}

static void two_loops_at_first(void *unused)
{
    (void)unused;
    use_latch_with(&loops[0], &loops[1], NULL, false);
}

static void a_loop_and_two_threads(void *unused)
{
    (void)unused;
    use_latch_with(&loops[0], NULL, &loops[1], true);
}

START_TEST(a_latch_is_held_by_one_at_a_time_and_may_go_when_its_last_user_has_left)
{
    go_all_ways_late("latch: a loop and a thread", a_loop_and_a_thread, 3, 2);
    go_all_ways_late("latch: two loops at first", two_loops_at_first, 3, 1);
    go_all_ways_late("latch: two loops, a thread", a_loop_and_two_threads, 2, 1);
}
END_TEST

/* ---- a mutex ---- */

static void *lock_as_thread(void *unused)
{
    bool is_last;

    (void)unused;
    HOLDS(tr_lock(&here->mutex) == 0);
    is_last = be_inside();
    HOLDS(tr_unlock(&here->mutex) == 0);
    if (is_last)
        end();
    return NULL;
}

static void lock_as_both(void *unused)
{
    tr_sim_thread *other;
    bool is_last = false;

    (void)unused;
    begin();
    here->users = 3;
    play(&loops[0]);
    HOLDS(tr_try_lock(&here->mutex) == 0);
    (void)be_inside();
    other = start("locks", lock_as_thread, NULL);
    HOLDS(tr_unlock(&here->mutex) == 0);
    if (tr_try_lock(&here->mutex) == 0) {
        is_last = be_inside();
        HOLDS(tr_unlock(&here->mutex) == 0);
    }
    play(NULL);
    if (is_last)
        end();
    (void)tr_sim_thread_join(other);
    forget();
}

START_TEST(a_mutex_changes_from_a_loop_to_a_thread)
{
    go_all_ways_late("mutex: a loop, a thread", lock_as_both, 3, 1);
}
END_TEST

/* ---- a semaphore: no permit is lost, none is taken twice ---- */

static void *acquire_as_thread(void *unused)
{
    (void)unused;
    HOLDS(tr_semaphore_acquire(&here->semaphore) == 0);
    (void)be_inside();
    HOLDS(tr_semaphore_release(&here->semaphore) == 0);
    return NULL;
}

static void acquire_as_both(void *unused)
{
    tr_sim_thread *other;

    (void)unused;
    begin();
    here->users = 3;
    play(&loops[0]);
    HOLDS(tr_semaphore_release(&here->semaphore) == 0);
    other = start("acquires", acquire_as_thread, NULL);
    for (int i = 0; i < 2; i++)
        if (tr_semaphore_try_acquire(&here->semaphore, 1) == 0) {
            (void)be_inside();
            HOLDS(tr_semaphore_release(&here->semaphore) == 0);
        }
    play(NULL);
    (void)tr_sim_thread_join(other);
    HOLDS(tr_semaphore_permits(&here->semaphore) == 1);
    forget();
}

START_TEST(a_semaphore_changes_from_a_loop_to_a_thread)
{
    go_all_ways_late("semaphore: a loop, a thread", acquire_as_both, 3, 1);
}
END_TEST

/* ---- credit ---- */

/* Whether a new latch is biased to the loop that uses it first. */
static bool is_biased_at_first(void)
{
    tr__latch latch = { 0 };
    bool is_biased;

    play(&loops[0]);
    is_biased = tr__latch_enter(&latch);
    if (is_biased)
        tr__latch_leave(&latch);
    play(NULL);
    return is_biased;
}

static void *want_too(void *latch)
{
    tr__latch_lock(latch);
    tr__latch_unlock(latch);
    return NULL;
}

/* How many of so many latches are biased, of which each is wanted by a foreign thread. */
static int make_and_revoke(int latches)
{
    int biased = 0;

    for (int i = 0; i < latches; i++) {
        tr__latch latch = { 0 };

        play(&loops[0]);
        if (tr__latch_enter(&latch)) {
            tr__latch_leave(&latch);
            biased++;
        }
        play(NULL);
        (void)want_too(&latch);
    }
    return biased;
}

static void spend_credit(void *unused)
{
    int biased;

    (void)unused;
    begin();
    biased = make_and_revoke(10000);
    HOLDS(biased > 64 && biased < 64 + 10000 / 64 + 2);
    HOLDS(!is_biased_at_first());
    for (int i = 0; i < 64; i++)
        (void)is_biased_at_first();
    HOLDS(is_biased_at_first());
    forget();
}

START_TEST(latches_that_are_always_revoked_begin_shared_after_a_while)
{
    ck_assert_int_eq(tr_sim_run(spend_credit, NULL, NULL, NULL), 0);
}
END_TEST

SUITE_MAIN("sim/latch", a_latch_is_held_by_one_at_a_time_and_may_go_when_its_last_user_has_left,
           a_mutex_changes_from_a_loop_to_a_thread, a_semaphore_changes_from_a_loop_to_a_thread,
           latches_that_are_always_revoked_begin_shared_after_a_while)
