/* The door of a loop: every transition of its sleep flag, and that no wake-up is lost. */
#include <poll.h>
#include <pthread.h>
#include <sched.h>

#include "base/seam.h"
#include "base/threads.h"
#include "runtime/port.h"
#include "support/kit.h"

static tr__port port = { .inlet = TR__INLET_INIT, .runs = TR__INLET_INIT };

static void open_port(void)
{
    port.wake_fd = tr__eventfd_new();
    ck_assert_int_ge(port.wake_fd, 0);
    tr__inlet_open(&port.inlet);
    tr__inlet_open(&port.runs);
}

static void close_port(void)
{
    tr__port_settle(&port);
    (void)tr__inlet_close(&port.inlet);
    (void)tr__inlet_close(&port.runs);
    tr__descriptor_close(port.wake_fd);
}

/* Whether it was rung; silences it. */
static bool was_rung(void)
{
    struct pollfd poller = { .fd = port.wake_fd, .events = POLLIN };
    bool rung = poll(&poller, 1, 0) == 1;

    tr__eventfd_clear(port.wake_fd);
    return rung;
}

START_TEST(port_of_a_loop_that_is_awake_is_not_rung)
{
    open_port();
    tr__port_ring(&port);
    tr__port_wake(&port); /* not even when asked for: it is awake */
    ck_assert(!was_rung());
    ck_assert_uint_eq(port.sleep, TR__AWAKE);
    close_port();
}
END_TEST

START_TEST(port_of_a_loop_that_sleeps_is_rung_once)
{
    open_port();
    ck_assert(tr__port_fall_asleep(&port));
    ck_assert_uint_eq(port.sleep, TR__ASLEEP);
    tr__port_ring(&port);
    ck_assert_uint_eq(port.sleep, TR__AWAKE);
    ck_assert(was_rung());
    tr__port_ring(&port);
    ck_assert(!was_rung());
    tr__port_wake_up(&port); /* after it was woken: stays awake */
    ck_assert_uint_eq(port.sleep, TR__AWAKE);
    close_port();
}
END_TEST

START_TEST(port_owner_wakes_by_itself)
{
    open_port();
    ck_assert(tr__port_fall_asleep(&port));
    tr__port_wake_up(&port);
    ck_assert_uint_eq(port.sleep, TR__AWAKE);
    tr__port_ring(&port);
    ck_assert(!was_rung());
    close_port();
}
END_TEST

START_TEST(port_owner_does_not_sleep_while_a_signal_is_in_flight)
{
    open_port();
    port.sleep = TR__WAKING; /* a bringer between its two steps */
    ck_assert(!tr__port_fall_asleep(&port));
    tr__port_wake_up(&port);
    ck_assert_uint_eq(port.sleep, TR__WAKING); /* only the bringer leaves it */
    tr__port_ring(&port);
    ck_assert(!was_rung());
    port.sleep = TR__AWAKE;
    close_port();
}
END_TEST

static void *finish_waking(void *arg)
{
    (void)arg;
    for (int i = 0; i < 100; i++)
        (void)sched_yield();
    tr__eventfd_signal(port.wake_fd);
    tr__store_release_u32(&port.sleep, TR__AWAKE);
    return NULL;
}

START_TEST(port_settles_when_the_signal_has_arrived)
{
    pthread_t bringer;

    open_port();
    tr__port_settle(&port); /* awake: at once */
    port.sleep = TR__WAKING;
    ck_assert_int_eq(pthread_create(&bringer, NULL, finish_waking, NULL), 0);
    tr__port_settle(&port);
    ck_assert(was_rung());
    pthread_join(bringer, NULL);
    close_port();
}
END_TEST

START_TEST(port_takes_letters_while_it_is_open_and_rings_at_the_first)
{
    tr__letter letters[3] = { { .link = { NULL } } };

    ck_assert(!tr__port_post(&port, &letters[0]));
    open_port();
    ck_assert(tr__port_fall_asleep(&port));
    ck_assert(tr__port_post(&port, &letters[0]));
    ck_assert(was_rung());
    ck_assert(tr__port_fall_asleep(&port));
    ck_assert(tr__port_post(&port, &letters[1]));
    ck_assert(!was_rung()); /* the owner has not looked since: it will not block */
    tr__port_wake_up(&port);
    ck_assert_ptr_eq(tr__inlet_take_mpsc(&port.inlet), &letters[0].link);
    close_port();
    ck_assert(!tr__port_post(&port, &letters[2]));
}
END_TEST

START_TEST(port_takes_runnables_in_order_while_it_is_open_and_rings_at_the_first)
{
    tr__runnable runnables[4] = { { .run = NULL } };
    tr__link *link;

    ck_assert(!tr__port_post_run(&port, &runnables[0]));
    open_port();
    ck_assert(tr__port_fall_asleep(&port));
    for (int i = 0; i < 3; i++) {
        ck_assert(tr__port_post_run(&port, &runnables[i]));
        ck_assert(was_rung() == (i == 0));
    }
    link = tr__inlet_take_mpsc(&port.runs);
    for (int i = 0; i < 3; i++, link = link->next)
        ck_assert_ptr_eq(tr__runnable_of(link), &runnables[i]);
    ck_assert_ptr_null(link);
    ck_assert(tr__inlet_is_empty(&port.runs));
    close_port();
    ck_assert(!tr__port_post_run(&port, &runnables[3]));
}
END_TEST

START_TEST(port_refuses_letters_before_it_refuses_runnables)
{
    tr__runnable runnables[2] = { { .run = NULL } };
    tr__letter letter = { .link = { NULL } };

    open_port();
    ck_assert(tr__port_post_run(&port, &runnables[0]));
    ck_assert_ptr_null(tr__inlet_close(&port.inlet));
    ck_assert(!tr__port_post(&port, &letter));
    ck_assert(tr__port_fall_asleep(&port));
    ck_assert(tr__port_post_run(&port, &runnables[1]));
    ck_assert(!was_rung()); /* the owner has not looked since: it will not block */
    tr__port_wake_up(&port);
    ck_assert_ptr_eq(tr__inlet_close(&port.runs), &runnables[0].link);
    ck_assert_ptr_eq(runnables[0].link.next, &runnables[1].link);
    close_port();
}
END_TEST

/* ---- no wake-up is lost ---- */

enum { BRINGERS = 3, LETTERS = 3000 };

static tr__letter mail[BRINGERS][LETTERS];

/* One letter at a time, each when the one before has been taken: so that the owner sleeps often. */
static void *bring(void *arg)
{
    tr__letter *mine = arg;

    for (int i = 0; i < LETTERS; i++) {
        if (!tr__port_post(&port, &mine[i]))
            return mine;
        while (tr__load_acquire_u64(&mine[i].parcel.word[0]) == 0)
            (void)sched_yield();
    }
    return NULL;
}

static int take_all(void)
{
    tr__link *link = tr__inlet_take_mpsc(&port.inlet);
    int count = 0;

    while (link != NULL) {
        tr__link *next = link->next;

        tr__store_release_u64(&tr__letter_of(link)->parcel.word[0], 1);
        link = next;
        count++;
    }
    return count;
}

/* As a loop does, but a wake-up that is lost ends the test and not only delays it. */
static void sleep_once(void)
{
    struct pollfd poller = { .fd = port.wake_fd, .events = POLLIN };

    if (!tr__port_fall_asleep(&port))
        return;
    if (tr__inlet_is_empty(&port.inlet))
        ck_assert_int_eq(poll(&poller, 1, (int)(KIT_PATIENCE_S * 1000)), 1);
    tr__port_wake_up(&port);
    tr__eventfd_clear(port.wake_fd);
}

START_TEST(port_loses_no_wake_up)
{
    pthread_t bringers[BRINGERS];
    int taken = 0;

    open_port();
    for (int i = 0; i < BRINGERS; i++)
        ck_assert_int_eq(pthread_create(&bringers[i], NULL, bring, mail[i]), 0);
    while (taken < BRINGERS * LETTERS) {
        int some = take_all();

        taken += some;
        if (some == 0)
            sleep_once();
    }
    for (int i = 0; i < BRINGERS; i++)
        pthread_join(bringers[i], NULL);
    close_port();
}
END_TEST

KIT_MAIN("runtime/port", port_of_a_loop_that_is_awake_is_not_rung,
         port_of_a_loop_that_sleeps_is_rung_once, port_owner_wakes_by_itself,
         port_owner_does_not_sleep_while_a_signal_is_in_flight,
         port_settles_when_the_signal_has_arrived,
         port_takes_letters_while_it_is_open_and_rings_at_the_first,
         port_takes_runnables_in_order_while_it_is_open_and_rings_at_the_first,
         port_refuses_letters_before_it_refuses_runnables, port_loses_no_wake_up)
