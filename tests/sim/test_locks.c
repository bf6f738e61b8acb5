/* Locks and the like between threads, in all interleavings with a few preemptions. What they share
 * stands on a page that nobody may touch any more when the last of them has said so. */
#include <sys/mman.h>

#include "sim/all_ways.h"
#include "support/suite.h"
#include "sync/event.h"

enum { PAGE = 4096 };

typedef struct shared {
    tr_mutex mutex;
    tr_rwlock rwlock;
    tr_cond cond;
    tr_semaphore semaphore;
    tr_event event;
    tr_barrier barrier;
    tr_once once;
    tr_wait_group group;
    int users; /* whoever is the last of them ends it all */
    int a;
    int b;
} shared;

static shared *here;

static void begin(void)
{
    here = mmap(NULL, PAGE, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    HOLDS(here != MAP_FAILED);
}

/* Nobody may touch it from now on. */
static void end(void)
{
    HOLDS(mprotect(here, PAGE, PROT_NONE) == 0);
}

static void forget(void)
{
    HOLDS(munmap(here, PAGE) == 0);
}

/* fn runs in the calling thread and in that many others. */
static void together(void *(*fn)(void *arg), int others)
{
    tr_sim_thread *threads[2];

    for (int i = 0; i < others; i++)
        threads[i] = start("other", fn, NULL);
    (void)fn(NULL);
    for (int i = 0; i < others; i++)
        (void)tr_sim_thread_join(threads[i]);
}

/* ---- the mutex ---- */

static void *leave(void *unused)
{
    bool is_last;

    (void)unused;
    HOLDS(tr_lock(&here->mutex) == 0);
    HOLDS(here->a == 0);
    here->a = 1;
    is_last = --here->users == 0;
    here->a = 0;
    HOLDS(tr_unlock(&here->mutex) == 0);
    if (is_last)
        end();
    return NULL;
}

static void leave_one_after_the_other(void *unused)
{
    (void)unused;
    begin();
    here->users = 3;
    together(leave, 2);
    forget();
}

START_TEST(a_mutex_may_go_when_its_last_user_has_left)
{
    go_all_ways("mutex: three leave", leave_one_after_the_other, 2);
}
END_TEST

static void *give_up(void *unused)
{
    (void)unused;
    HOLDS(tr_lock_for(&here->mutex, 0.001) == TR_ETIMEDOUT);
    return NULL;
}

static void leave_after_one_gave_up(void *unused)
{
    tr_sim_thread *other;
    bool is_last;

    (void)unused;
    begin();
    here->users = 2;
    HOLDS(tr_lock(&here->mutex) == 0);
    (void)tr_sim_thread_join(start("gives up", give_up, NULL));
    other = start("other", leave, NULL);
    is_last = --here->users == 0;
    HOLDS(tr_unlock(&here->mutex) == 0);
    if (is_last)
        end();
    (void)tr_sim_thread_join(other);
    forget();
}

START_TEST(a_mutex_may_go_though_one_has_given_up)
{
    go_all_ways("mutex: one gives up", leave_after_one_gave_up, 3);
}
END_TEST

/* ---- readers and writers ---- */

static void *write_then_read(void *unused)
{
    (void)unused;
    HOLDS(tr_rwlock_write_lock(&here->rwlock) == 0);
    here->a++;
    HOLDS(here->a == here->b + 1);
    here->b++;
    HOLDS(tr_rwlock_unlock(&here->rwlock) == 0);
    HOLDS(tr_rwlock_read_lock(&here->rwlock) == 0);
    HOLDS(here->a == here->b);
    HOLDS(tr_rwlock_unlock(&here->rwlock) == 0);
    return NULL;
}

static void write_and_read(void *unused)
{
    (void)unused;
    begin();
    together(write_then_read, 1);
    HOLDS(here->a == 2);
    HOLDS(tr_rwlock_try_write_lock(&here->rwlock) == 0);
    forget();
}

START_TEST(readers_meet_no_writer)
{
    go_all_ways("rwlock: write, read", write_and_read, 3);
}
END_TEST

/* ---- the condition ---- */

static void *announce(void *unused)
{
    (void)unused;
    HOLDS(tr_lock(&here->mutex) == 0);
    here->a = 1;
    HOLDS(tr_unlock(&here->mutex) == 0);
    HOLDS(tr_cond_notify(&here->cond, 1) == 0); /* without the mutex */
    return NULL;
}

static void wait_for_news(void *unused)
{
    tr_sim_thread *other;

    (void)unused;
    begin();
    other = start("announces", announce, NULL);
    HOLDS(tr_lock(&here->mutex) == 0);
    while (here->a == 0)
        HOLDS(tr_cond_wait(&here->cond, &here->mutex) == 0);
    HOLDS(tr_unlock(&here->mutex) == 0);
    (void)tr_sim_thread_join(other);
    forget();
}

START_TEST(no_notification_is_lost)
{
    go_all_ways("condition: notify", wait_for_news, 3);
}
END_TEST

/* ---- the semaphore ---- */

static void *pass(void *unused)
{
    (void)unused;
    HOLDS(tr_semaphore_acquire(&here->semaphore) == 0);
    HOLDS(++here->a == 1);
    here->a--;
    HOLDS(tr_semaphore_release(&here->semaphore) == 0);
    return NULL;
}

static void pass_one_by_one(void *unused)
{
    (void)unused;
    begin();
    HOLDS(tr_semaphore_release(&here->semaphore) == 0);
    together(pass, 2);
    HOLDS(tr_semaphore_permits(&here->semaphore) == 1);
    forget();
}

START_TEST(one_permit_lets_one_pass)
{
    go_all_ways("semaphore: three pass", pass_one_by_one, 2);
}
END_TEST

/* ---- the event ---- */

static void *set(void *unused)
{
    (void)unused;
    HOLDS(tr_event_set(&here->event) == 0);
    return NULL;
}

static void wait_then_end(void *unused)
{
    tr_sim_thread *other;

    (void)unused;
    begin();
    other = start("sets", set, NULL);
    HOLDS(tr_event_wait(&here->event) == 0);
    end();
    (void)tr_sim_thread_join(other);
    forget();
}

/* As a task does that chooses: it looks before it waits. */
static void look_then_end(void *unused)
{
    tr_sim_thread *other;

    (void)unused;
    begin();
    other = start("sets", set, NULL);
    if (!tr__event_take(&here->event))
        HOLDS(tr_event_wait(&here->event) == 0);
    end();
    (void)tr_sim_thread_join(other);
    forget();
}

START_TEST(an_event_may_go_when_it_was_waited_for)
{
    go_all_ways("event: set, wait", wait_then_end, 3);
}
END_TEST

START_TEST(an_event_may_go_when_it_was_chosen)
{
    go_all_ways("event: set, chosen", look_then_end, 3);
}
END_TEST

/* ---- the barrier ---- */

static void *meet_twice(void *unused)
{
    (void)unused;
    for (int i = 1; i <= 2; i++) {
        int place;

        HOLDS(tr_lock(&here->mutex) == 0);
        here->a++;
        HOLDS(tr_unlock(&here->mutex) == 0);
        place = tr_barrier_wait(&here->barrier);
        HOLDS(place == 0 || place == 1);
        HOLDS(here->a >= 2 * i);
    }
    return NULL;
}

static void meet_again_and_again(void *unused)
{
    (void)unused;
    begin();
    here->barrier = (tr_barrier)TR_BARRIER_INIT(2);
    together(meet_twice, 1);
    HOLDS(tr_barrier_waiting(&here->barrier) == 0);
    forget();
}

START_TEST(a_barrier_lets_nobody_go_early)
{
    go_all_ways("barrier: two meet twice", meet_again_and_again, 2);
}
END_TEST

/* ---- once ---- */

static int succeed_the_second_time(void *unused)
{
    (void)unused;
    HOLDS(++here->b == 1); /* nobody else runs it */
    here->b--;
    return ++here->a == 2 ? 0 : TR_EAGAIN;
}

static void *need(void *unused)
{
    int rc = tr_once_run(&here->once, succeed_the_second_time, NULL);

    (void)unused;
    HOLDS(rc == 0 || rc == TR_EAGAIN);
    HOLDS(rc < 0 || here->a == 2);
    return NULL;
}

static void need_all(void *unused)
{
    (void)unused;
    begin();
    together(need, 2);
    HOLDS(tr_once_is_done(&here->once) && here->a == 2);
    forget();
}

START_TEST(it_runs_until_it_succeeds_and_no_more)
{
    go_all_ways("once: three need it", need_all, 2);
}
END_TEST

/* ---- the wait group ---- */

static void *finish(void *unused)
{
    (void)unused;
    HOLDS(tr_wait_group_done(&here->group) == 0);
    return NULL;
}

static void wait_for_two(void *unused)
{
    tr_sim_thread *threads[2];

    (void)unused;
    begin();
    HOLDS(tr_wait_group_add(&here->group, 2) == 0);
    for (int i = 0; i < 2; i++)
        threads[i] = start("finishes", finish, NULL);
    HOLDS(tr_wait_group_wait(&here->group) == 0);
    end();
    for (int i = 0; i < 2; i++)
        (void)tr_sim_thread_join(threads[i]);
    forget();
}

START_TEST(a_group_may_go_when_it_was_waited_for)
{
    go_all_ways("wait group: two finish", wait_for_two, 3);
}
END_TEST

SUITE_MAIN("sim/locks", a_mutex_may_go_when_its_last_user_has_left,
           a_mutex_may_go_though_one_has_given_up, readers_meet_no_writer, no_notification_is_lost,
           one_permit_lets_one_pass, an_event_may_go_when_it_was_waited_for,
           an_event_may_go_when_it_was_chosen, a_barrier_lets_nobody_go_early,
           it_runs_until_it_succeeds_and_no_more, a_group_may_go_when_it_was_waited_for)
