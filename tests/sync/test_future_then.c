/* Continuations of futures, and guests that resolve them. */
#include <string.h>

#include "sync/cases.h"

/* ---- tr_await_or ---- */

typedef struct guest {
    tr_future *f;
    tr_event begun;
    int loop;
    uint32_t calls; /* of on_cancel */
    int rc;
    int after;
} guest;

static void call_off(void *arg)
{
    guest *g = arg;

    EXPECT(tr_loop_current() == g->loop);
    g->calls++;
}

static int wait_for_a_guest(void *arg)
{
    guest *g = arg;

    g->loop = tr_loop_current();
    EXPECT(tr_event_set(&g->begun) == 0);
    g->rc = tr_await_or(g->f, call_off, g);
    g->after = tr_yield();
    return 0;
}

static void meet_guest(int home, int loop, bool ends, bool is_cut)
{
    guest g = { .f = open_future(home) };
    tr_task *t;

    EXPECT(tr_task_spawn_on(&t, TR_LOOP(loop), wait_for_a_guest, &g) == 0);
    EXPECT(tr_event_wait(&g.begun) == 0);
    if (ends)
        EXPECT(tr_future_resolve(g.f, NULL, NULL) == 0);
    if (is_cut)
        (void)tr_task_cancel(t); /* it may have ended */
    EXPECT(tr_task_wait(t, TR_FOREVER) == 0);
    EXPECT(g.rc == 0 || g.rc == TR_ECANCELED);
    EXPECT(ends || g.rc == TR_ECANCELED);
    EXPECT(is_cut || g.rc == 0);
    EXPECT(g.calls == (g.rc == TR_ECANCELED ? 1 : 0));
    EXPECT(g.rc == 0 || g.after == TR_ECANCELED);
    tr_task_unref(t);
    tr_future_unref(g.f);
}

CASE(what_calls_a_guest_off_is_called_once_and_only_when_it_is_cancelled)
{
    for (int i = 0; i < 4; i++) {
        meet_guest(i % 2, i / 2, true, false);
        meet_guest(i % 2, i / 2, false, true);
        meet_guest(i % 2, i / 2, true, true);
    }
}

/* ---- continuations ---- */

typedef struct continued {
    tr_future *f;
    int loop;
    int status;
    counter calls;
    tr_event called;
    char letter;
} continued;

static void note_end(tr_future *f, int status, void *arg)
{
    continued *c = arg;

    EXPECT(f == c->f && tr_loop_current() == TR_LOOP(c->loop));
    c->status = status;
    note(c->letter);
    count_up(&c->calls);
    EXPECT(tr_event_set(&c->called) == 0);
}

static void ask(void *arg)
{
    continued *c = arg;

    EXPECT(tr_future_then(c->f, TR_LOOP(c->loop), note_end, c) == 0);
}

CASE(a_continuation_is_called_once_on_its_loop_whoever_asks)
{
    for (where there = OWN_LOOP; there < PLACES; there++)
        for (int i = 0; i < 8; i++) {
            bool has_ended = i / 4 == 1;
            continued c = { .f = open_future(i % 2), .loop = i / 2 % 2, .letter = 'c' };

            if (has_ended)
                EXPECT(tr_future_fail(c.f, TR_EBUSY) == 0);
            in_place(there, ask, &c);
            if (!has_ended)
                EXPECT(tr_future_fail(c.f, TR_EBUSY) == 0);
            EXPECT(tr_event_wait(&c.called) == 0);
            let_others_run();
            EXPECT(c.status == TR_EBUSY && count_of(&c.calls) == 1);
            tr_future_unref(c.f);
        }
}

CASE(continuations_are_called_later_and_in_order)
{
    for (int home = 0; home < 2; home++) {
        tr_future *f = open_future(home);
        continued c[3];

        for (int i = 0; i < 3; i++) {
            c[i] = (continued){ .f = f, .letter = (char)('a' + i) };
            ask(&c[i]);
        }
        EXPECT(tr_future_resolve(f, NULL, NULL) == 0);
        note('r'); /* never within */
        for (int i = 0; i < 3; i++)
            EXPECT(tr_event_wait(&c[i].called) == 0);
        tr_future_unref(f);
    }
    EXPECT(strcmp(notes(), "rabcrabc") == 0);
}

static void cancel(void *f)
{
    EXPECT(tr_future_cancel(f) == 1);
}

CASE(a_continuation_that_is_asked_for_while_it_ends_is_called_once)
{
    for (int i = 0; i < 4; i++) {
        continued c = { .f = open_future(i % 2), .loop = i / 2, .letter = 'c' };
        tr_future *f = tr_future_ref(c.f);
        foreign *thread = foreign_start(cancel, f);

        ask(&c);
        tr_future_unref(c.f);
        EXPECT(tr_event_wait(&c.called) == 0);
        foreign_end(thread);
        EXPECT(c.status == TR_ECANCELED && count_of(&c.calls) == 1);
        tr_future_unref(f);
    }
}

static void ask_for_the_next(tr_future *f, int status, void *arg)
{
    continued *c = arg;

    EXPECT(status == 0);
    if (count_of(&c->calls) == 5) {
        EXPECT(tr_event_set(&c->called) == 0);
        return;
    }
    count_up(&c->calls);
    c->loop = 1 - c->loop;
    EXPECT(tr_future_then(f, TR_LOOP(c->loop), ask_for_the_next, c) == 0);
}

CASE(a_continuation_may_ask_for_the_next_on_another_loop)
{
    continued c = { .f = open_future(1) };

    EXPECT(tr_future_then(c.f, TR_LOOP_ANY, ask_for_the_next, &c) == 0);
    EXPECT(tr_future_resolve(c.f, NULL, NULL) == 0);
    tr_future_unref(c.f); /* a continuation has a reference of its own */
    EXPECT(tr_event_wait(&c.called) == 0);
    EXPECT(count_of(&c.calls) == 5);
}

CASES("future_then", what_calls_a_guest_off_is_called_once_and_only_when_it_is_cancelled,
      a_continuation_is_called_once_on_its_loop_whoever_asks,
      continuations_are_called_later_and_in_order,
      a_continuation_that_is_asked_for_while_it_ends_is_called_once,
      a_continuation_may_ask_for_the_next_on_another_loop)
