/* The bridge: whoever ends a future, waits for it or cancels it, may do so from everywhere. Tables
 * of all combinations, in a task, a handler, a handler that awaits, a loop callback, a job of a
 * pool, and a foreign thread; one case for each place of who waits. */
#include <string.h>

#include "sync/cases.h"

typedef enum place {
    IN_TASK,
    IN_HANDLER,
    IN_AWAITING_HANDLER,
    IN_CALLBACK,
    IN_JOB,
    IN_THREAD,
    PLACES_OF_CODE,
    NOWHERE = PLACES_OF_CODE
} place;

/* ---- a call somewhere, which the test does not wait for ---- */

typedef struct visit {
    void (*fn)(void *arg);
    void *arg;
    tr_event done;
    foreign *thread;
} visit;

TR_MESSAGE(visit_wanted)
{
    visit *v;
};

static void call_visit(void *arg)
{
    visit *v = arg;

    v->fn(v->arg);
    EXPECT(tr_event_set(&v->done) == 0);
}

static int call_visit_as_task(void *v)
{
    call_visit(v);
    return 0;
}

static int host_receive(tr_self *self, void *state, tr_msg *msg)
{
    const struct visit_wanted *wanted = tr_as(msg, visit_wanted);

    (void)self;
    (void)state;
    if (wanted == NULL)
        return TR_UNHANDLED;
    call_visit(wanted->v);
    return 0;
}

static const tr_actor_class host_classes[] = {
    { .name = "host", .receive = host_receive },
    { .name = "awaiting host", .receive = host_receive, .awaits = true },
};

/* One that awaits handles nothing else meanwhile: who acts has another host than who waits. */
enum { WAITS, ACTS };
static tr_pid hosts[2][2][2]; /* by that, loop, and whether they await */

static void open_hosts(void)
{
    for (int i = 0; i < 8; i++)
        EXPECT(tr_spawn_with(&hosts[i / 4][i / 2 % 2][i % 2], &host_classes[i % 2], NULL,
                             &(tr_spawn_options){ .on = TR_LOOP(i / 2 % 2) }) == 0);
}

static void close_hosts(void)
{
    for (int i = 0; i < 8; i++)
        EXPECT(tr_stop(hosts[i / 4][i / 2 % 2][i % 2]) == 0);
}

static void begin_visit(visit *v, int role, place there, int loop, void (*fn)(void *arg), void *arg)
{
    *v = (visit){ .fn = fn, .arg = arg };
    switch (there) {
    case IN_TASK:
        EXPECT(tr_submit(NULL, TR_LOOP(loop), call_visit_as_task, v) == 0);
        break;
    case IN_HANDLER:
    case IN_AWAITING_HANDLER:
        EXPECT(tr_send(hosts[role][loop][there == IN_AWAITING_HANDLER], visit_wanted, .v = v) == 0);
        break;
    case IN_CALLBACK:
        EXPECT(tr_post(TR_LOOP(loop), call_visit, v) == 0);
        break;
    case IN_JOB:
        EXPECT(tr_pool_submit(NULL, TR_POOL_IO, call_visit_as_task, v, NULL) == 0);
        break;
    default:
        v->thread = foreign_start(call_visit, v);
    }
}

static void end_visit(visit *v)
{
    EXPECT(tr_event_wait(&v->done) == 0);
    if (v->thread != NULL)
        foreign_end(v->thread);
}

/* ---- who waits ---- */

typedef struct listener {
    tr_future *f;
    place there;
    visit visit;
    int status;
    tr_event heard;
} listener;

static void hear(tr_future *f, int status, void *arg)
{
    listener *l = arg;

    EXPECT(f == l->f && tr_future_is_done(f));
    l->status = status;
    EXPECT(tr_event_set(&l->heard) == 0);
}

static void listen(void *arg)
{
    listener *l = arg;

    if (l->there == IN_HANDLER || l->there == IN_CALLBACK) {
        EXPECT(tr_await(l->f) == TR_EWRONGPLACE);
        EXPECT(tr_future_wait(l->f, 1) == TR_EWRONGPLACE);
        EXPECT(tr_future_then(l->f, TR_LOOP_ANY, hear, l) == 0);
        return;
    }
    hear(l->f,
         l->there == IN_JOB || l->there == IN_THREAD ? tr_future_wait(l->f, TR_FOREVER)
                                                     : tr_await(l->f),
         l);
}

static void begin_listening(listener *l, place there, int loop, tr_future *f)
{
    *l = (listener){ .f = f, .there = there };
    begin_visit(&l->visit, WAITS, there, loop, listen, l);
}

static int end_listening(listener *l)
{
    EXPECT(tr_event_wait(&l->heard) == 0);
    end_visit(&l->visit);
    return l->status;
}

/* ---- who cancels ---- */

static void cancel_it(void *f)
{
    EXPECT(tr_future_cancel(f) >= 0);
}

/* ---- a future that somebody resolves ---- */

typedef struct resolver {
    tr_future *f;
    counter drops;
    int rc;
} resolver;

static void drop(void *value)
{
    count_up(value);
}

static void resolve_it(void *arg)
{
    resolver *r = arg;

    r->rc = tr_future_resolve(r->f, &r->drops, drop);
}

/* Its value, if it has one, is taken: those who waited elsewhere may have it for a moment yet. */
static void give_back(tr_future *f, const counter *value)
{
    void *taken;

    if (value != NULL)
        EXPECT(tr_future_take(f, &taken) == 0 && taken == value);
    tr_future_unref(f);
}

/* One end, which all see, and one who has the value. */
static void expect_one_end(resolver *r, int heard, bool was_cancelled)
{
    EXPECT(heard == tr_future_status(r->f));
    EXPECT(heard == 0 || (was_cancelled && heard == TR_ECANCELED));
    EXPECT(r->rc == (heard == 0 ? 0 : TR_EALREADY));
    EXPECT(count_of(&r->drops) == (heard != 0));
    give_back(r->f, heard == 0 ? &r->drops : NULL);
}

static void try_open_future(place resolves, place waits, place cancels, int loop)
{
    resolver r = { .f = open_future(loop) };
    visit resolving;
    visit cancelling;
    listener l;

    begin_listening(&l, waits, 1 - loop, r.f);
    if (cancels != NOWHERE)
        begin_visit(&cancelling, ACTS, cancels, loop, cancel_it, r.f);
    begin_visit(&resolving, ACTS, resolves, 1 - loop, resolve_it, &r);
    end_visit(&resolving);
    if (cancels != NOWHERE)
        end_visit(&cancelling);
    expect_one_end(&r, end_listening(&l), cancels != NOWHERE);
}

/* ---- a task, and a job, that somebody starts ---- */

typedef struct worker {
    bool is_job;
    tr_future *f;
    tr_event go;
} worker;

static int work_as_task(void *arg)
{
    worker *w = arg;
    int rc = tr_event_wait(&w->go);

    return rc < 0 ? rc : 11;
}

static int work_as_job(void *arg)
{
    worker *w = arg;

    while (!tr_cancelled())
        if (tr_event_wait_for(&w->go, 0.0001) == 0)
            return 11;
    return TR_ECANCELED;
}

static void start_worker(void *arg)
{
    worker *w = arg;

    if (w->is_job)
        EXPECT(tr_pool_submit(&w->f, TR_POOL_CPU, work_as_job, w, NULL) == 0);
    else
        EXPECT(tr_submit(&w->f, TR_LOOP_ANY, work_as_task, w) == 0);
}

static void try_worker(bool is_job, place starts, place waits, place cancels, int loop)
{
    worker w = { .is_job = is_job };
    visit starting;
    visit cancelling;
    listener l;
    int heard;

    begin_visit(&starting, ACTS, starts, loop, start_worker, &w);
    end_visit(&starting);
    begin_listening(&l, waits, 1 - loop, w.f);
    if (cancels != NOWHERE) {
        begin_visit(&cancelling, ACTS, cancels, loop, cancel_it, w.f);
        end_visit(&cancelling);
    } else {
        EXPECT(tr_event_set(&w.go) == 0);
    }
    heard = end_listening(&l);
    EXPECT(heard == (cancels != NOWHERE ? TR_ECANCELED : 11));
    EXPECT(heard == tr_future_status(w.f));
    tr_future_unref(w.f);
}

/* ---- the tables ---- */

static void try_all_for(place waits)
{
    open_hosts();
    for (int a = 0; a < PLACES_OF_CODE; a++)
        for (int cancels = 0; cancels <= NOWHERE; cancels++) {
            int loop = (a + cancels) % 2;

            try_open_future((place)a, waits, (place)cancels, loop);
            try_worker(false, (place)a, waits, (place)cancels, loop);
            try_worker(true, (place)a, waits, (place)cancels, 1 - loop);
        }
    close_hosts();
}

CASE(a_task_waits_for_all_that_anybody_ends_or_cancels)
{
    try_all_for(IN_TASK);
}

CASE(a_handler_hears_of_all_that_anybody_ends_or_cancels)
{
    try_all_for(IN_HANDLER);
}

CASE(a_handler_that_awaits_waits_for_all_that_anybody_ends_or_cancels)
{
    try_all_for(IN_AWAITING_HANDLER);
}

CASE(a_callback_hears_of_all_that_anybody_ends_or_cancels)
{
    try_all_for(IN_CALLBACK);
}

CASE(a_job_waits_for_all_that_anybody_ends_or_cancels)
{
    try_all_for(IN_JOB);
}

CASE(a_thread_waits_for_all_that_anybody_ends_or_cancels)
{
    try_all_for(IN_THREAD);
}

/* ---- all of them wait for the same ---- */

static void expect_all_to_hear(tr_future *f, place ends, void (*end)(void *arg), void *arg,
                               int status)
{
    listener all[PLACES_OF_CODE];
    visit ending;

    for (int i = 0; i < PLACES_OF_CODE; i++)
        begin_listening(&all[i], (place)i, i % 2, f);
    begin_visit(&ending, ACTS, ends, 1, end, arg);
    end_visit(&ending);
    for (int i = 0; i < PLACES_OF_CODE; i++)
        EXPECT(end_listening(&all[i]) == status);
}

CASE(all_places_hear_of_one_end)
{
    open_hosts();
    for (int ends = 0; ends < PLACES_OF_CODE; ends++) {
        resolver r = { .f = open_future(ends % 2) };

        expect_all_to_hear(r.f, (place)ends, resolve_it, &r, 0);
        give_back(r.f, &r.drops);
        r = (resolver){ .f = open_future(ends % 2) };
        expect_all_to_hear(r.f, (place)ends, cancel_it, r.f, TR_ECANCELED);
        tr_future_unref(r.f);
    }
    close_hosts();
}

/* All of them end it: one does. */
CASE(of_all_places_that_end_it_one_does)
{
    open_hosts();
    for (int loop = 0; loop < 2; loop++) {
        tr_future *f = open_future(loop);
        resolver all[PLACES_OF_CODE];
        visit visits[PLACES_OF_CODE];
        const counter *value = NULL;

        for (int i = 0; i < PLACES_OF_CODE; i++) {
            all[i] = (resolver){ .f = f };
            begin_visit(&visits[i], ACTS, (place)i, i % 2, resolve_it, &all[i]);
        }
        EXPECT(tr_await(f) == 0);
        for (int i = 0; i < PLACES_OF_CODE; i++) {
            end_visit(&visits[i]);
            EXPECT(count_of(&all[i].drops) == (all[i].rc != 0));
            EXPECT(all[i].rc != 0 || value == NULL);
            value = all[i].rc == 0 ? &all[i].drops : value;
        }
        EXPECT(value != NULL);
        give_back(f, value);
    }
    close_hosts();
}

CASES("bridge", a_task_waits_for_all_that_anybody_ends_or_cancels,
      a_handler_hears_of_all_that_anybody_ends_or_cancels,
      a_handler_that_awaits_waits_for_all_that_anybody_ends_or_cancels,
      a_callback_hears_of_all_that_anybody_ends_or_cancels,
      a_job_waits_for_all_that_anybody_ends_or_cancels,
      a_thread_waits_for_all_that_anybody_ends_or_cancels, all_places_hear_of_one_end,
      of_all_places_that_end_it_one_does)
