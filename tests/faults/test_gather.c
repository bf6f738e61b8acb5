/* Waiting for several futures while memory fails, allocation by allocation: a call that can't begin
 * says so, and has cancelled nothing; one that has begun ends as with all the memory there is. */
#include <sched.h>

#include "support/actors.h"
#include "support/futures.h"
#include "support/tasks.h"

enum { COUNT = 8 }; /* more than need no memory */

typedef struct crowd {
    tr_future *fs[COUNT]; /* at home on both loops in turn */
    tr_future *task;      /* the one that waits */
    tr_future *ender;     /* one that then ends those from `first` on, on the same loop */
    tr_event is_time;
    int (*wait)(struct crowd *c);
    int loop;
    int first;
} crowd;

static int gather(crowd *c)
{
    return tr_gather(c->fs, COUNT, 0);
}

static int wait_for_all(crowd *c)
{
    int rc = tr_wait(c->fs, COUNT, TR_ALL_COMPLETED, TR_FOREVER);

    return rc == COUNT ? 0 : rc;
}

static int see_each(crowd *c)
{
    int seen = 0;
    int rc;

    TR_FOREACH_COMPLETED(&rc, i, c->fs, COUNT)
    seen++;
    ck_assert_int_eq(seen, rc == 0 ? COUNT : 0);
    return rc;
}

static int wait_in_task(void *arg)
{
    crowd *c = arg;

    ck_assert_int_eq(tr_event_set(&c->is_time), 0);
    return c->wait(c);
}

static int end_them(void *arg)
{
    crowd *c = arg;

    ck_assert_int_eq(tr_event_wait(&c->is_time), 0);
    for (int i = c->first; i < COUNT; i++)
        ck_assert_int_eq(tr_future_resolve(c->fs[i], NULL, NULL), 0); /* nobody has cancelled it */
    return 0;
}

static void begin_crowd(void *arg)
{
    crowd *c = arg;

    for (int i = 0; i < COUNT; i++)
        c->fs[i] = kit_future_on(i % 2);
    c->task = NULL;
    c->is_time = (tr_event){ 0 };
    ck_assert_int_eq(tr_submit(&c->ender, TR_LOOP(c->loop), end_them, c), 0);
    kit_settle(c->loop); /* it has its stack, and waits */
}

static void attempt_crowd(void *arg)
{
    crowd *c = arg;
    int rc = tr_submit(&c->task, TR_LOOP(c->loop), wait_in_task, c);

    if (rc == 0)
        rc = tr_future_wait(c->task, KIT_PATIENCE_S);
    ck_assert_msg(rc == 0 || rc == TR_ENOMEM, "%s", tr_err_name(rc));
    ck_assert_int_eq(tr_event_set(&c->is_time), 0); /* the task may not have run */
    ck_assert_int_eq(tr_future_wait(c->ender, KIT_PATIENCE_S), 0);
}

static void check_crowd(void *arg, bool struck)
{
    crowd *c = arg;
    bool was_run = c->task != NULL && tr_future_status(c->task) == 0;

    ck_assert(struck || was_run);
    for (int i = 0; i < COUNT; i++) {
        if (i < c->first) /* it has lost a race, or was left alone */
            ck_assert_int_eq(tr_future_status(c->fs[i]), was_run ? TR_ECANCELED : TR_EAGAIN);
        else
            ck_assert_int_eq(tr_future_status(c->fs[i]), 0);
        (void)tr_future_cancel(c->fs[i]);
        tr_future_unref(c->fs[i]);
    }
    tr_future_unref(c->task);
    tr_future_unref(c->ender);
}

static void for_every_fault(int (*wait)(crowd *c), int first)
{
    static const kit_faulty steps = { begin_crowd, attempt_crowd, check_crowd };

    for (int way = 0; way < 4; way++) {
        crowd c = { .wait = wait, .loop = way / 2, .first = first };

        kit_start(2);
        /* The task, the array, and four proxies. */
        ck_assert_int_ge(kit_for_every_fault_of(&steps, &c, way % 2 == 1), 6);
        kit_stop();
    }
}

START_TEST(gather_without_memory_cancels_nothing)
{
    for_every_fault(gather, 0);
}
END_TEST

START_TEST(wait_without_memory_says_so)
{
    for_every_fault(wait_for_all, 0);
}
END_TEST

START_TEST(loop_without_memory_has_no_turn)
{
    for_every_fault(see_each, 0);
}
END_TEST

static int race(crowd *c)
{
    int winner;
    int rc = tr_race(&winner, c->fs, COUNT);

    ck_assert_int_eq(winner, rc == 0 ? c->first : -1);
    return rc;
}

START_TEST(race_without_memory_cancels_nothing)
{
    for_every_fault(race, COUNT - 1);
}
END_TEST

/* ---- a caller who is cancelled already ---- */

enum { STUBBORN = 3 };

typedef struct joining {
    kit_stubborn stubborn[STUBBORN]; /* on loop 1 */
    tr_future *fs[STUBBORN];
    tr_future *task;
    uint32_t begun;
} joining;

static int gather_when_cancelled(void *arg)
{
    joining *j = arg;
    int rc = 0;

    kit_count(&j->begun);
    TR_DEADLINE(0) {
        rc = tr_gather(j->fs, STUBBORN, 0);
    }
    ck_assert_int_eq(rc, TR_ECANCELED);
    for (int i = 0; i < STUBBORN; i++)
        ck_assert(tr_future_is_done(j->fs[i]));
    return 0;
}

static void begin_joining(void *arg)
{
    joining *j = arg;

    *j = (joining){ .begun = 0 };
    for (int i = 0; i < STUBBORN; i++) {
        ck_assert_int_eq(tr_submit(&j->fs[i], TR_LOOP(1), kit_hold_out, &j->stubborn[i]), 0);
        while (kit_counted(&j->stubborn[i].begun) == 0)
            sched_yield();
    }
}

static void attempt_joining(void *arg)
{
    joining *j = arg;
    int rc = tr_submit(&j->task, TR_LOOP(0), gather_when_cancelled, j);

    ck_assert(rc == 0 || rc == TR_ENOMEM);
    while (rc == 0 && kit_counted(&j->begun) == 0 && !tr_future_is_done(j->task))
        sched_yield();
}

static void check_joining(void *arg, bool struck)
{
    joining *j = arg;
    int rc = j->task != NULL ? tr_future_wait(j->task, KIT_PATIENCE_S) : TR_ENOMEM;

    ck_assert(rc == 0 || (struck && rc == TR_ENOMEM));
    tr_future_unref(j->task);
    for (int i = 0; i < STUBBORN; i++) {
        (void)tr_future_cancel_wait(j->fs[i]); /* unless that has been done */
        ck_assert_uint_eq(kit_counted(&j->stubborn[i].ended), 1);
        tr_future_unref(j->fs[i]);
    }
}

START_TEST(who_is_cancelled_joins_without_memory)
{
    static const kit_faulty steps = { begin_joining, attempt_joining, check_joining };

    for (int lasting = 0; lasting < 2; lasting++) {
        joining j;

        kit_start(2);
        ck_assert_int_ge(kit_for_every_fault_of(&steps, &j, lasting), 1);
        kit_stop();
    }
}
END_TEST

/* ---- a task for each item ---- */

enum { ITEMS = 6 };

typedef struct mapping {
    tr_future *task;
    int items[ITEMS]; /* how often each was done */
    int running;      /* all on one loop */
} mapping;

typedef struct item {
    mapping *m;
    int *done;
} item;

static int do_item(void *arg)
{
    const item *i = arg;
    int rc;

    i->m->running++;
    rc = tr_yield();
    i->m->running--;
    *i->done += rc == 0;
    return rc;
}

static int map_all(void *arg)
{
    mapping *m = arg;
    item items[ITEMS];
    int rc;

    for (int i = 0; i < ITEMS; i++)
        items[i] = (item){ m, &m->items[i] };
    rc = tr_map(items, ITEMS, sizeof(items[0]), 4, do_item);
    ck_assert_int_eq(m->running, 0);
    for (int i = 0; i < ITEMS; i++)
        ck_assert_int_le(m->items[i], 1);
    for (int i = 0; i < ITEMS && rc == 0; i++)
        ck_assert_int_eq(m->items[i], 1);
    return rc;
}

static void begin_mapping(void *arg)
{
    *(mapping *)arg = (mapping){ .running = 0 };
}

static void attempt_mapping(void *arg)
{
    mapping *m = arg;
    int rc = tr_submit(&m->task, TR_LOOP(0), map_all, m);

    if (rc == 0)
        rc = tr_future_wait(m->task, KIT_PATIENCE_S);
    ck_assert_msg(rc == 0 || rc == TR_ENOMEM, "%s", tr_err_name(rc));
}

static void check_mapping(void *arg, bool struck)
{
    mapping *m = arg;

    ck_assert(struck || tr_future_status(m->task) == 0);
    tr_future_unref(m->task);
}

START_TEST(map_without_memory_ends_what_it_has_begun)
{
    static const kit_faulty steps = { begin_mapping, attempt_mapping, check_mapping };

    for (int lasting = 0; lasting < 2; lasting++) {
        mapping m;

        kit_start(1);
        ck_assert_int_ge(kit_for_every_fault_of(&steps, &m, lasting), 1);
        kit_stop();
    }
}
END_TEST

KIT_MAIN("faults/gather", gather_without_memory_cancels_nothing, wait_without_memory_says_so,
         loop_without_memory_has_no_turn, race_without_memory_cancels_nothing,
         who_is_cancelled_joins_without_memory, map_without_memory_ends_what_it_has_begun)
