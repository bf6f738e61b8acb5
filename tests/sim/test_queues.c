/* Queues between threads, and between tasks of two loops, in all interleavings with a few
 * preemptions: each item goes one way, once. */
#include <string.h>

#include "sim/all_ways.h"
#include "support/suite.h"

/* What the parties of a run share. */
static struct {
    tr_queue *q;
    int accepted; /* items that somebody was told are put */
    int got;
    int dropped;
    int last[2]; /* number that was got last, of each who puts */
} here;

/* Over all ways of a program: what came of it. */
static int met[3];

static void drop(void *item)
{
    (void)item;
    here.dropped++;
}

static void begin(size_t capacity)
{
    memset(&here, 0, sizeof(here));
    HOLDS(tr_queue_new(&here.q, sizeof(int), capacity, drop) == 0);
}

/* Nobody waits in it. */
static void end(void)
{
    HOLDS(tr_queue_free(here.q) == 0);
    HOLDS(here.accepted == here.got + here.dropped);
}

static int put(int item)
{
    int rc = tr_queue_put(here.q, &item);

    here.accepted += rc == 0;
    return rc;
}

static int try_put(int item)
{
    int rc = tr_queue_try_put(here.q, &item);

    here.accepted += rc == 0;
    return rc;
}

static int get_for(double timeout)
{
    int item;
    int rc = tr_queue_get_for(here.q, &item, timeout);

    here.got += rc == 0;
    return rc;
}

static int try_get(void)
{
    int item;
    int rc = tr_queue_try_get(here.q, &item);

    here.got += rc == 0;
    return rc;
}

static void together(void *(*fn)(void *arg), void *(*other)(void *arg), void (*rest)(void))
{
    static int numbers[2] = { 0, 1 };
    tr_sim_thread *threads[2];

    threads[0] = start("first", fn, &numbers[0]);
    threads[1] = start("second", other, &numbers[1]);
    rest();
    for (int i = 0; i < 2; i++)
        (void)tr_sim_thread_join(threads[i]);
}

/* ---- in order ---- */

static void *put_two(void *me)
{
    for (int i = 1; i <= 2; i++)
        HOLDS(put(*(const int *)me * 10 + i) == 0);
    return NULL;
}

static void get_four(void)
{
    for (int i = 0; i < 4; i++) {
        int item;

        HOLDS(tr_queue_get(here.q, &item) == 0);
        HOLDS(item % 10 == here.last[item / 10] + 1);
        here.last[item / 10] = item % 10;
        here.got++;
    }
}

static void put_and_get_in_order(size_t capacity)
{
    begin(capacity);
    together(put_two, put_two, get_four);
    end();
}

static void with_one_place(void *unused)
{
    (void)unused;
    put_and_get_in_order(1);
}

static void from_hand_to_hand(void *unused)
{
    (void)unused;
    put_and_get_in_order(TR_RENDEZVOUS);
}

START_TEST(items_come_in_order_and_all)
{
    go_all_ways("queue: two put, one gets", with_one_place, 2);
}
END_TEST

START_TEST(items_go_from_hand_to_hand)
{
    go_all_ways("rendezvous: two put, one gets", from_hand_to_hand, 2);
}
END_TEST

/* ---- without waiting ---- */

static void *try_putting(void *unused)
{
    int rc = try_put(1);

    (void)unused;
    HOLDS(rc == 0 || rc == TR_EFULL);
    met[rc == 0 ? 0 : 1]++;
    return NULL;
}

static void *get_one(void *unused)
{
    (void)unused;
    HOLDS(get_for(TR_FOREVER) == 0);
    return NULL;
}

static void put_one(void)
{
    HOLDS(put(2) == 0);
    if (here.accepted == 2)
        HOLDS(get_for(TR_FOREVER) == 0); /* the other one, or else that */
}

static void meet_by_chance(void *unused)
{
    (void)unused;
    begin(1);
    together(try_putting, get_one, put_one);
    while (try_get() == 0)
        ;
    end();
}

START_TEST(who_does_not_wait_loses_nothing)
{
    memset(met, 0, sizeof(met));
    go_all_ways("queue: try, put, get", meet_by_chance, 3);
    ck_assert(met[0] > 0 && met[1] > 0);
}
END_TEST

/* ---- closing ---- */

static void *put_until_closed(void *unused)
{
    (void)unused;
    for (int i = 0; i < 2; i++) {
        int rc = put(i);

        HOLDS(rc == 0 || rc == TR_EPIPE);
    }
    return NULL;
}

static void *close_it(void *unused)
{
    (void)unused;
    HOLDS(tr_queue_close(here.q) == 0);
    return NULL;
}

static void *close_it_now(void *unused)
{
    (void)unused;
    HOLDS(tr_queue_close_now(here.q) == 0);
    return NULL;
}

static void get_until_closed(void)
{
    int rc;

    while ((rc = get_for(TR_FOREVER)) == 0)
        ;
    HOLDS(rc == TR_EPIPE && put(9) == TR_EPIPE);
    met[here.accepted]++;
}

static void close_meanwhile(void *unused)
{
    (void)unused;
    begin(1);
    together(put_until_closed, close_it, get_until_closed);
    HOLDS(here.dropped == 0);
    end();
}

static void close_now_meanwhile(void *unused)
{
    (void)unused;
    begin(1);
    together(put_until_closed, close_it_now, get_until_closed);
    end();
}

START_TEST(what_was_put_before_the_end_is_got)
{
    memset(met, 0, sizeof(met));
    go_all_ways("queue: closed", close_meanwhile, 3);
    ck_assert(met[0] > 0 && met[1] > 0 && met[2] > 0);
}
END_TEST

START_TEST(what_is_left_at_the_end_is_dropped)
{
    go_all_ways("queue: closed at once", close_now_meanwhile, 3);
}
END_TEST

/* ---- joining ---- */

static void *get_and_do(void *unused)
{
    (void)unused;
    HOLDS(get_for(TR_FOREVER) == 0);
    here.last[0]++;
    HOLDS(tr_queue_task_done(here.q) == 0);
    return NULL;
}

static void put_and_join(void)
{
    HOLDS(put(1) == 0 && put(2) == 0);
    HOLDS(tr_queue_join(here.q) == 0);
    HOLDS(here.last[0] == 2);
}

static void join_two(void *unused)
{
    (void)unused;
    begin(1);
    together(get_and_do, get_and_do, put_and_join);
    end();
}

START_TEST(who_joins_goes_on_when_all_is_done)
{
    go_all_ways("queue: join", join_two, 2);
}
END_TEST

/* ---- out of time ---- */

static const double SOON = 0.001;

/* It comes just when the other one's time is over. */
static void *try_putting_late(void *unused)
{
    (void)unused;
    tr_sim_sleep(SOON);
    (void)try_put(1); /* somebody waits for it, or not any more */
    return NULL;
}

static void get_in_time(void *unused)
{
    tr_sim_thread *other;
    int rc;

    (void)unused;
    begin(TR_RENDEZVOUS);
    other = start("puts", try_putting_late, NULL);
    rc = get_for(SOON);
    (void)tr_sim_thread_join(other);
    HOLDS(rc == (here.accepted == 1 ? 0 : TR_ETIMEDOUT));
    met[here.accepted]++;
    end();
}

START_TEST(what_comes_in_time_is_got)
{
    memset(met, 0, sizeof(met));
    go_all_ways("rendezvous: out of time", get_in_time, 4);
    ck_assert(met[0] > 0 && met[1] > 0);
}
END_TEST

/* ---- cancelled ---- */

static int get_afar(void *unused)
{
    int rc = get_for(TR_FOREVER);

    (void)unused;
    is_through();
    return rc;
}

static int put_afar(void *unused)
{
    int rc = put(1);

    (void)unused;
    is_through();
    return rc;
}

static void *try_putting_meanwhile(void *unused)
{
    (void)unused;
    HOLDS(try_put(1) == 0);
    is_through();
    return NULL;
}

static void *try_getting_meanwhile(void *unused)
{
    (void)unused;
    (void)try_get(); /* somebody waits with an item, or not yet, or not any more */
    is_through();
    return NULL;
}

/* When it is cancelled, it waits already, or has only just been started. */
static bool is_waiting;

/* The task of the other loop is cancelled while a thread serves it. */
static int cancel_afar(int (*afar)(void *arg), void *(*serves)(void *arg))
{
    tr_sim_thread *thread;
    tr_task *task;
    int rc;

    task = begin_afar(afar, NULL);
    HOLDS(tr_sleep(is_waiting ? SOON : 0) == 0);
    all_ways_of(3);
    thread = start("serves", serves, NULL);
    (void)tr_task_cancel(task); /* it may have ended */
    is_through();
    rc = end_of(task);
    (void)tr_sim_thread_join(thread);
    HOLDS(rc == 0 || rc == TR_ECANCELED);
    met[rc == 0 ? 0 : 1]++;
    return rc;
}

static int cancel_who_gets(void *unused)
{
    int rc = cancel_afar(get_afar, try_putting_meanwhile);

    (void)unused;
    HOLDS(try_get() == (rc == 0 ? TR_EAGAIN : 0));
    return 0;
}

static int cancel_who_puts(void *unused)
{
    int rc = cancel_afar(put_afar, try_getting_meanwhile);

    (void)unused;
    HOLDS(here.got == (rc == 0));
    return 0;
}

static void get_and_be_cancelled(void *unused)
{
    (void)unused;
    begin(1);
    run_on_two_loops(cancel_who_gets);
    end();
}

static void put_and_be_cancelled(void *unused)
{
    (void)unused;
    begin(TR_RENDEZVOUS);
    run_on_two_loops(cancel_who_puts);
    end();
}

START_TEST(who_is_cancelled_has_an_item_or_none)
{
    memset(met, 0, sizeof(met));
    is_waiting = true;
    go_all_ways("queue: cancelled", get_and_be_cancelled, 2);
    is_waiting = false;
    go_all_ways("queue: cancelled early", get_and_be_cancelled, 1);
    ck_assert(met[0] > 0 && met[1] > 0);
}
END_TEST

START_TEST(who_is_cancelled_has_given_an_item_or_none)
{
    memset(met, 0, sizeof(met));
    is_waiting = true;
    go_all_ways("rendezvous: cancelled", put_and_be_cancelled, 2);
    is_waiting = false;
    go_all_ways("rendezvous: cancelled early", put_and_be_cancelled, 1);
    ck_assert(met[0] > 0 && met[1] > 0);
}
END_TEST

SUITE_MAIN("sim/queues", items_come_in_order_and_all, items_go_from_hand_to_hand,
           who_does_not_wait_loses_nothing, what_was_put_before_the_end_is_got,
           what_is_left_at_the_end_is_dropped, who_joins_goes_on_when_all_is_done,
           what_comes_in_time_is_got, who_is_cancelled_has_an_item_or_none,
           who_is_cancelled_has_given_an_item_or_none)
