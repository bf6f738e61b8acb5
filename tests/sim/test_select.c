/* Tasks that choose, in all interleavings with a few preemptions: exactly one thing is taken, and
 * all others are left. */
#include <string.h>
#include <sys/mman.h>

#include "sim/all_ways.h"
#include "support/suite.h"

enum { PAGE = 4096 };
static const double SOON = 0.001;

static struct {
    tr_queue *a;
    tr_queue *b;
    tr_event *event; /* on a page of its own */
    int taken;       /* items */
} here;

/* Over all ways of a program: what came of it. */
static int met[2];

static void begin(size_t capacity)
{
    memset(&here, 0, sizeof(here));
    HOLDS(tr_queue_new(&here.a, sizeof(int), capacity, NULL) == 0);
    HOLDS(tr_queue_new(&here.b, sizeof(int), capacity, NULL) == 0);
    here.event = mmap(NULL, PAGE, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    HOLDS((void *)here.event != MAP_FAILED);
}

/* Nobody stands in line any more. */
static void end(void)
{
    HOLDS(tr_queue_free(here.a) == 0 && tr_queue_free(here.b) == 0);
    HOLDS(munmap(here.event, PAGE) == 0);
}

static void *put_into(void *queue)
{
    int item = 1;

    HOLDS(tr_queue_try_put(queue, &item) == 0);
    is_through();
    return NULL;
}

/* Take an item of either queue. */
static int choose_an_item(void)
{
    int which;
    int item;
    int rc = tr_select(&which, tr_case_get(here.a, &item), tr_case_get(here.b, &item));

    HOLDS(rc == 0 ? which == 0 || which == 1 : which == -1);
    here.taken += rc == 0;
    if (rc == 0)
        met[which]++;
    is_through();
    return rc;
}

static int choose_afar(void *unused)
{
    (void)unused;
    return choose_an_item();
}

/* Of the items that were put, all are taken or there. */
static int are_all_there(int put)
{
    size_t left = tr_queue_count(here.a) + tr_queue_count(here.b);

    HOLDS(here.taken + (int)left == put);
    for (int item; tr_queue_try_get(here.a, &item) == 0 || tr_queue_try_get(here.b, &item) == 0;)
        ;
    return 0;
}

/* ---- items of two queues ---- */

static int choose_one_of_two(void *unused)
{
    tr_sim_thread *threads[2];

    (void)unused;
    all_ways_of(3);
    threads[0] = start("puts", put_into, here.a);
    threads[1] = start("puts", put_into, here.b);
    HOLDS(choose_an_item() == 0);
    for (int i = 0; i < 2; i++)
        (void)tr_sim_thread_join(threads[i]);
    HOLDS(here.taken == 1);
    return are_all_there(2);
}

static void two_come(void *unused)
{
    (void)unused;
    begin(1);
    run_on_two_loops(choose_one_of_two);
    end();
}

START_TEST(one_is_taken_and_the_other_left)
{
    go_all_ways("select: two come", two_come, 1);
    ck_assert(met[0] > 0 && met[1] > 0);
}
END_TEST

/* ---- two who choose ---- */

static int choose_here_and_afar(void *unused)
{
    tr_task *afar = begin_afar(choose_afar, NULL);
    tr_sim_thread *threads[2];

    (void)unused;
    HOLDS(tr_sleep(SOON) == 0); /* it stands in both lines */
    all_ways_of(4);
    threads[0] = start("puts", put_into, here.a);
    threads[1] = start("puts", put_into, here.b);
    HOLDS(choose_an_item() == 0);
    HOLDS(end_of(afar) == 0);
    for (int i = 0; i < 2; i++)
        (void)tr_sim_thread_join(threads[i]);
    HOLDS(here.taken == 2);
    return are_all_there(2);
}

static void two_choose(void *unused)
{
    (void)unused;
    begin(1);
    run_on_two_loops(choose_here_and_afar);
    end();
}

START_TEST(each_of_two_gets_one)
{
    go_all_ways("select: two choose", two_choose, 1);
    ck_assert(met[0] > 0 && met[1] > 0);
}
END_TEST

/* ---- choices that meet ---- */

static int put_into_either(void *unused)
{
    int one = 1;
    int which;

    (void)unused;
    HOLDS(tr_select(&which, tr_case_put(here.a, &one), tr_case_put(here.b, &one)) == 0);
    is_through();
    return which;
}

static int get_from_either(void *unused)
{
    tr_task *afar;
    int item = 0;
    int which;

    (void)unused;
    all_ways_of(2);
    afar = begin_afar(put_into_either, NULL);
    HOLDS(tr_select(&which, tr_case_get(here.a, &item), tr_case_get(here.b, &item)) == 0);
    is_through();
    HOLDS(item == 1);
    HOLDS(end_of(afar) == which);
    return 0;
}

static void choices_meet(void *unused)
{
    (void)unused;
    begin(TR_RENDEZVOUS);
    run_on_two_loops(get_from_either);
    end();
}

START_TEST(two_who_choose_meet_in_one_place)
{
    go_all_ways("select: choices meet", choices_meet, 2);
}
END_TEST

/* ---- cancelled ---- */

static int cancel_who_chooses(void *unused)
{
    tr_task *afar = begin_afar(choose_afar, NULL);
    tr_sim_thread *thread;
    int rc;

    (void)unused;
    HOLDS(tr_sleep(SOON) == 0); /* as above */
    all_ways_of(3);
    thread = start("puts", put_into, here.b);
    (void)tr_task_cancel(afar); /* it may have ended */
    is_through();
    rc = end_of(afar);
    (void)tr_sim_thread_join(thread);
    HOLDS(rc == 0 || rc == TR_ECANCELED);
    met[0] += rc < 0;
    return are_all_there(1);
}

static void choose_and_be_cancelled(void *unused)
{
    (void)unused;
    begin(1);
    run_on_two_loops(cancel_who_chooses);
    end();
}

START_TEST(who_is_cancelled_has_taken_one_or_none)
{
    go_all_ways("select: cancelled", choose_and_be_cancelled, 2);
    ck_assert(met[0] > 0 && met[1] > 0);
}
END_TEST

/* ---- an event, and time ---- */

static int set_event(void)
{
    HOLDS(tr_event_set(here.event) == 0);
    is_through();
    return 0;
}

static void *set_at_once(void *unused)
{
    (void)unused;
    (void)set_event();
    return NULL;
}

static int set_at_the_end(void *unused)
{
    (void)unused;
    HOLDS(tr_sleep(SOON) == 0);
    return set_event();
}

/* Who has chosen the event may end it. */
static void choose_event_or_time(void)
{
    int which;

    HOLDS(tr_select(&which, tr_case_event(here.event), tr_case_sleep(SOON)) == 0);
    if (which == 0)
        HOLDS(mprotect(here.event, PAGE, PROT_NONE) == 0);
    met[which]++;
    is_through();
}

static int choose_at_once(void *unused)
{
    tr_sim_thread *thread;

    (void)unused;
    all_ways_of(2);
    thread = start("sets", set_at_once, NULL);
    choose_event_or_time();
    (void)tr_sim_thread_join(thread);
    return 0;
}

/* It is set just when the time is over. */
static int choose_at_the_end(void *unused)
{
    tr_task *afar;

    (void)unused;
    all_ways_of(2);
    afar = begin_afar(set_at_the_end, NULL);
    choose_event_or_time();
    return end_of(afar);
}

static void event_comes_at_once(void *unused)
{
    (void)unused;
    begin(1);
    run_on_two_loops(choose_at_once);
    end();
}

static void event_comes_at_the_end(void *unused)
{
    (void)unused;
    begin(1);
    run_on_two_loops(choose_at_the_end);
    end();
}

START_TEST(an_event_may_go_when_it_was_chosen)
{
    go_all_ways("select: event", event_comes_at_once, 2);
    ck_assert_int_eq(met[1], 0);
}
END_TEST

START_TEST(an_event_comes_in_time_or_not)
{
    go_all_ways("select: event or time", event_comes_at_the_end, 2);
    ck_assert(met[0] > 0 && met[1] > 0);
}
END_TEST

SUITE_MAIN("sim/select", one_is_taken_and_the_other_left, each_of_two_gets_one,
           two_who_choose_meet_in_one_place, who_is_cancelled_has_taken_one_or_none,
           an_event_may_go_when_it_was_chosen, an_event_comes_in_time_or_not)
