/* Waiting for whichever comes first.
 *
 * A task that chooses first looks at each case, beginning at one by chance. If none is ready, it
 * stands in all lines, with one choice between them (wait_queue.h), and waits. Where one becomes
 * ready while it is standing in line, it claims its own choice, leaves all lines, and looks again;
 * if somebody was quicker to claim it, it has been served. So exactly one is ever taken, without
 * holding two locks. */
#include "sync/select.h"

#include <math.h>

#include "base/random.h"
#include "base/seam.h"
#include "runtime/runtime.h"
#include "runtime/watch.h"
#include "sync/event.h"
#include "sync/queue.h"

/* On its loop: what stands at that place is served, unless something else was. */
static void end_choice(tr__choice *choice, void *place, int result)
{
    if (!tr__choice_claim(choice))
        return;
    choice->taken = place;
    tr__wait_end(&choice->wait, result);
}

/* ---- queues ---- */

static tr__queued *queued_of(tr_case *c)
{
    return tr__case_place(c);
}

static void leave_line(tr_case *c)
{
    tr__leave_line(queued_of(c));
}

static void describe_line(tr_case *c, tr__awaited *awaited)
{
    tr__queued_describe(queued_of(c), awaited);
}

static bool take_get(tr_case *c, int *status)
{
    *status = tr_queue_try_get(c->tr__source, c->tr__place);
    return *status != TR_EAGAIN;
}

static bool stand_get(tr_case *c, tr__choice *choice)
{
    queued_of(c)->place = c->tr__place;
    return tr__queue_stand_to_get(c->tr__source, queued_of(c), choice);
}

static bool take_put(tr_case *c, int *status)
{
    *status = tr_queue_try_put(c->tr__source, c->tr__place);
    return *status != TR_EFULL;
}

static bool stand_put(tr_case *c, tr__choice *choice)
{
    queued_of(c)->place = c->tr__place;
    return tr__queue_stand_to_put(c->tr__source, queued_of(c), choice);
}

/* ---- events ---- */

static bool take_event(tr_case *c, int *status)
{
    *status = 0;
    return tr__event_take(c->tr__source);
}

static bool stand_event(tr_case *c, tr__choice *choice)
{
    return tr__event_stand(c->tr__source, queued_of(c), choice);
}

/* ---- futures ---- */

typedef struct future_place {
    tr__watch watch;
    tr__choice *choice;
    int error; /* it can't be waited for */
} future_place;

static bool take_future(tr_case *c, int *status)
{
    tr_future *f = c->tr__source;

    *status = ((future_place *)tr__case_place(c))->error;
    if (*status < 0)
        return true;
    if (!tr__future_has_ended(f))
        return false;
    *status = tr__future_look(f);
    return true;
}

static void arrive_future(tr__watch *watch, int status)
{
    future_place *place = TR__CONTAINER_OF(watch, future_place, watch);

    end_choice(place->choice, place, status);
}

static bool stand_future(tr_case *c, tr__choice *choice)
{
    future_place *place = tr__case_place(c);
    int rc = tr__watch_begin(&place->watch, c->tr__source, arrive_future);

    place->choice = choice;
    place->error = rc < 0 ? rc : 0;
    return rc == 0;
}

static void leave_future(tr_case *c)
{
    tr__watch_end(&((future_place *)tr__case_place(c))->watch);
}

static void describe_future(tr_case *c, tr__awaited *awaited)
{
    tr__future_await_describe(c->tr__source, awaited);
}

/* ---- time ---- */

typedef struct sleep_place {
    tr__timer timer;
    tr__choice *choice;
    uint64_t due_ns; /* since it stood in line first */
} sleep_place;

static bool take_sleep(tr_case *c, int *status)
{
    (void)c;
    *status = 0;
    return false; /* it is asked last of all: see look */
}

static void on_time(tr__timer *timer)
{
    sleep_place *place = TR__CONTAINER_OF(timer, sleep_place, timer);

    end_choice(place->choice, place, 0);
}

static bool stand_sleep(tr_case *c, tr__choice *choice)
{
    sleep_place *place = tr__case_place(c);

    if (place->due_ns == 0)
        place->due_ns = tr__due_ns(c->tr__seconds);
    place->timer = (tr__timer){ 0 };
    place->choice = choice;
    if (place->due_ns != UINT64_MAX)
        tr__timer_start(&tr__loop_here()->wheel, &place->timer, place->due_ns, on_time);
    return true;
}

static void leave_sleep(tr_case *c)
{
    sleep_place *place = tr__case_place(c);

    tr__timer_stop(&tr__loop_here()->wheel, &place->timer);
}

static void describe_sleep(tr_case *c, tr__awaited *awaited)
{
    awaited->until_ns = ((sleep_place *)tr__case_place(c))->due_ns;
}

static const tr__case_kind get_kind = { take_get, stand_get, leave_line, describe_line };
static const tr__case_kind put_kind = { take_put, stand_put, leave_line, describe_line };
static const tr__case_kind event_kind = { take_event, stand_event, leave_line, describe_line };
static const tr__case_kind future_kind = { take_future, stand_future, leave_future,
                                           describe_future };
static const tr__case_kind sleep_kind = { take_sleep, stand_sleep, leave_sleep, describe_sleep };

_Static_assert(sizeof(tr__queued) <= sizeof(((tr_case *)0)->tr__opaque), "fits its place");
_Static_assert(sizeof(future_place) <= sizeof(((tr_case *)0)->tr__opaque), "fits its place");
_Static_assert(sizeof(sleep_place) <= sizeof(((tr_case *)0)->tr__opaque), "fits its place");

/* ---- making cases ---- */

static tr_case make(const tr__case_kind *kind, void *source, void *place)
{
    tr_case c = { .tr__kind = source != NULL && place != NULL ? kind : NULL,
                  .tr__error = TR_EINVAL,
                  .tr__source = source,
                  .tr__place = place };

    return c;
}

tr_case tr_case_get(tr_queue *q, void *item)
{
    return make(&get_kind, q, item);
}

tr_case tr_case_put(tr_queue *q, const void *item)
{
    return make(&put_kind, q, (void *)(uintptr_t)item);
}

tr_case tr_case_future(tr_future *f)
{
    return make(&future_kind, f, f);
}

tr_case tr_case_event(tr_event *e)
{
    return make(&event_kind, e, e);
}

tr_case tr_case_sleep(double seconds)
{
    tr_case c = { .tr__kind = isnan(seconds) ? NULL : &sleep_kind,
                  .tr__error = TR_EINVAL,
                  .tr__seconds = seconds };

    return c;
}

/* ---- choosing ---- */

/* Where a look at n cases begins. */
static size_t begin_at(size_t n)
{
    static TR__THREAD_LOCAL tr__random dice; /* not secret, and it need not differ */

    return (size_t)(tr__random_next(&dice) % n);
}

/* Take one that is ready; false: there is none. */
static bool look(int *which, tr_case *cases, size_t n, int *status)
{
    size_t first = begin_at(n);

    for (size_t i = 0; i < n; i++) {
        size_t at = (first + i) % n;

        if (cases[at].tr__kind->take(&cases[at], status)) {
            *which = (int)at;
            return true;
        }
    }
    for (size_t i = 0; i < n; i++)
        if (cases[i].tr__kind == &sleep_kind && cases[i].tr__seconds <= 0) {
            *which = (int)i;
            *status = 0;
            return true;
        }
    return false;
}

/* Stand in line for all; returns for how many: fewer if the next one has become ready. */
static size_t stand(tr_case *cases, size_t n, tr__choice *choice)
{
    size_t standing = 0;

    while (standing < n && cases[standing].tr__kind->stand(&cases[standing], choice))
        standing++;
    return standing;
}

typedef struct selection {
    tr__choice choice;
    tr_case *cases;
    size_t n;
} selection;

static bool withdraw(tr__wait *wait)
{
    return tr__choice_claim(TR__CONTAINER_OF(wait, tr__choice, wait));
}

static void describe(const tr__wait *wait, tr__awaited *awaited)
{
    const selection *s = TR__CONTAINER_OF(wait, const selection, choice.wait);

    for (size_t i = 0; i < s->n; i++)
        s->cases[i].tr__kind->describe(&s->cases[i], awaited);
    awaited->what = "the first of several";
    awaited->object = NULL;
    awaited->is_choice = s->n > 1;
}

static const tr__wait_kind select_kind = { withdraw, describe };

/* Which case stands at that place. */
static int number_of(const tr_case *cases, const void *place)
{
    return (int)(((const char *)place - (const char *)cases) / (ptrdiff_t)sizeof(tr_case));
}

/* Wait until one is served; false: one became ready meanwhile, look again. */
static bool wait(int *which, tr_case *cases, size_t n, int *status)
{
    selection s = { .choice.wait = { .task = tr__task_here(), .kind = &select_kind },
                    .cases = cases,
                    .n = n };
    size_t standing = stand(cases, n, &s.choice);
    bool is_served = standing == n || !tr__choice_claim(&s.choice);

    if (is_served)
        *status = tr__wait_suspend(&s.choice.wait);
    for (size_t i = 0; i < standing; i++)
        cases[i].tr__kind->leave(&cases[i]);
    if (s.choice.taken != NULL)
        *which = number_of(cases, s.choice.taken);
    return is_served;
}

int tr_select_from(int *which, tr_case *cases, size_t n)
{
    tr_task *task = tr__task_here();
    int status = 0;

    if (which == NULL)
        return TR_EINVAL;
    *which = -1;
    if (cases == NULL || n == 0 || n > INT32_MAX)
        return TR_EINVAL;
    for (size_t i = 0; i < n; i++)
        if (cases[i].tr__kind == NULL)
            return cases[i].tr__error;
    if (task == NULL)
        return TR_EWRONGPLACE;
    status = tr__task_checkpoint(task);
    if (status < 0)
        return status;
    while (!look(which, cases, n, &status) && !wait(which, cases, n, &status))
        ;
    return status;
}
