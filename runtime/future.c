/* Futures: making, ending and freeing them, and what any thread may do with one. */
#include "runtime/future.h"

#include <limits.h>
#include <math.h>

#include "base/log.h"
#include "base/seam.h"
#include "base/threads.h"
#include "runtime/pool.h"
#include "runtime/runtime.h"

/* ---- memory ---- */

static tr_future *take_block(const tr__future_kind *kind, size_t bytes)
{
    tr__loop *here = tr__loop_here();
    tr_future *f;

    if (here == NULL || bytes > TR__CLASS_MAX_BYTES) {
        f = tr__alloc(bytes);
        if (f != NULL)
            f->depot = NULL;
    } else {
        unsigned size_class = tr__class_of(bytes);

        f = tr__slab_take(&here->slab, size_class);
        if (f != NULL) {
            here->slab.handles++;
            f->depot = here->slab.depot;
            f->size_class = (uint8_t)size_class;
        }
    }
    if (f != NULL)
        f->kind = kind;
    return f;
}

tr_future *tr__future_make(const tr__future_kind *kind, uint16_t home, size_t bytes)
{
    tr_future *f = take_block(kind, bytes);

    if (f == NULL)
        return NULL;
    f->state = TR__FUTURE_ONE;
    f->status = 0;
    f->home = home;
    f->seen = 0;
    f->ends_at_home = false;
    f->value = NULL;
    f->drop = NULL;
    tr__list_init(&f->waiters);
    return f;
}

/* It goes, and nobody has looked at how it ended. */
static TR__COLD void report_unseen(const tr_future *f)
{
    const char *what = f->kind->describe != NULL ? f->kind->describe(f) : f->kind->what;

    if (f->status >= 0)
        tr__upper_observer.miss_await(what, f->seen);
    else if (f->status != TR_ECANCELED)
        tr__log(TR_LOG_WARN, "%s ended with an error that nobody has looked at: %s (%s)", what,
                tr_strerror(f->status), tr_err_name(f->status));
}

/* NULL is no value: there is nothing to drop. */
static void drop_value(void *value, void (*drop)(void *value))
{
    if (value != NULL && drop != NULL)
        drop(value);
}

/* The last reference is gone. */
static TR__NOINLINE void free_future(tr_future *f)
{
    tr__loop *here = tr__loop_here();
    tr__depot *depot = f->depot;
    unsigned size_class = f->size_class;

    if (TR__UNLIKELY(f->seen != TR__FUTURE_SEEN && (f->status < 0 || f->seen != 0)))
        report_unseen(f);
    drop_value(f->value, f->drop);
    if (f->kind->fini != NULL)
        f->kind->fini(f);
    if (depot == NULL) {
        tr__free(f);
    } else if (here != NULL && here->slab.depot == depot) {
        here->slab.handles--;
        tr__slab_give(&here->slab, f, size_class);
    } else {
        tr__depot_put_handle(depot, f, size_class);
    }
}

tr_future *tr_future_ref(tr_future *f)
{
    if (f != NULL)
        /* ordered: more than a counter needs; the caller has a reference, so it can't be freed. */
        (void)tr__add_ordered_u32(&f->state, TR__FUTURE_ONE);
    return f;
}

/* Whether that was all that kept it. */
static bool is_last(uint32_t before)
{
    return before / TR__FUTURE_ONE == 1 && !(before & TR__FUTURE_HELD);
}

void tr_future_unref(tr_future *f)
{
    if (f == NULL)
        return;
    /* acquire: if ours is the only reference nobody else can make one, and what those before us did
     * is visible; pairs with the ordered add below. It saves a locked instruction. */
    if (!is_last(tr__load_acquire_u32(&f->state)) &&
        /* ordered: what we did is visible to who frees it. */
        !is_last(tr__add_ordered_u32(&f->state, -TR__FUTURE_ONE)))
        return;
    free_future(f);
}

/* ---- ending ---- */

static void tell(tr__list *waiters, int status)
{
    tr__list *node;

    while ((node = tr__list_take_first(waiters)) != NULL) {
        tr__waiter *waiter = TR__CONTAINER_OF(node, tr__waiter, link);

        waiter->notify(waiter, status);
    }
}

/* The holder, from elsewhere than home, or from home after the end. */
static void let_go(tr_future *f, uint32_t what)
{
    /* ordered: as in tr_future_unref. */
    uint32_t before = tr__add_ordered_u32(&f->state, -what);

    if ((before - what) / TR__FUTURE_ONE == 0 && !((before - what) & TR__FUTURE_HELD))
        free_future(f);
}

static uint32_t run_wake(tr__runnable *runnable, tr__loop *loop)
{
    tr_future *f = TR__CONTAINER_OF(runnable, tr_future, wake);

    (void)loop;
    tell(&f->waiters, tr__future_look(f));
    tr_future_unref(f);
    return 1;
}

/* End it on its home loop. */
static void publish_here(tr_future *f, uint32_t held)
{
    tr__list waiters;
    int status = f->status;
    uint32_t before;

    tr__list_init(&waiters);
    if (!tr__list_is_empty(&f->waiters)) {
        tr__list_move(&waiters, &f->waiters);
        (void)tr__future_look(f); /* they do */
    }
    /* ordered: publishes status and value; pairs with the acquires that look for ENDED. It returns
     * who sleeps by now; whoever comes later sees ENDED. */
    before = tr__add_ordered_u32(&f->state, TR__FUTURE_ENDED - held);
    if (before & TR__FUTURE_SLEEPERS)
        tr__futex_wake(&f->state, INT_MAX);
    if (held != 0 && before / TR__FUTURE_ONE == 0)
        free_future(f);
    tell(&waiters, status);
}

static void publish_afar(tr_future *f, uint32_t held)
{
    /* ordered: as in publish_here; WAITED, too, is seen here. */
    uint32_t before = tr__add_ordered_u32(&f->state, TR__FUTURE_ENDED);

    if (before & TR__FUTURE_SLEEPERS)
        tr__futex_wake(&f->state, INT_MAX);
    if (before & TR__FUTURE_WAITED) {
        f->wake.run = run_wake;
        (void)tr_future_ref(f);
        if (!tr__loop_post(f->home, &f->wake))
            tr_future_unref(f); /* the loop has quit, and its waiters with it */
    }
    if (held != 0)
        let_go(f, held);
}

void tr__future_publish(tr_future *f, int status, void *value, void (*drop)(void *value))
{
    const tr__loop *here = tr__loop_here();
    /* acquire: nobody else can have it if there is no reference; pairs with the add of who gave
     * back the last one. */
    uint32_t state = tr__load_acquire_u32(&f->state);
    uint32_t held = state & TR__FUTURE_HELD;

    f->status = status;
    f->value = value;
    f->drop = drop;
    if (state / TR__FUTURE_ONE == 0 && tr__list_is_empty(&f->waiters))
        free_future(f); /* HELD alone */
    else if (here != NULL && here->number == f->home)
        publish_here(f, held);
    else
        publish_afar(f, held);
}

/* Set bits unless one of those in `unless` is set; returns the state before. */
static uint32_t set_unless(tr_future *f, uint32_t bits, uint32_t unless)
{
    for (;;) {
        /* acquire: who finds it ended sees status and value; pairs with the adds above. */
        uint32_t state = tr__load_acquire_u32(&f->state);

        /* ordered: CLAIMED makes status and value ours; WAITED and SLEEPERS are seen by the
         * add that ends it. */
        if ((state & unless) != 0 || tr__cas_ordered_u32(&f->state, state, state | bits))
            return state;
    }
}

bool tr__future_end(tr_future *f, int status, void *value, void (*drop)(void *value))
{
    if (set_unless(f, TR__FUTURE_CLAIMED, TR__FUTURE_CLAIMED) & TR__FUTURE_CLAIMED) {
        drop_value(value, drop);
        return false;
    }
    tr__future_publish(f, status, value, drop);
    return true;
}

/* ---- futures of anybody's ---- */

static void cancel_open(tr_future *f)
{
    (void)tr__future_end(f, TR_ECANCELED, NULL, NULL); /* it may have ended meanwhile */
}

static const tr__future_kind open_kind = { .what = "a future", .cancel = cancel_open };

int tr_future_new(tr_future **out)
{
    const tr__loop *here = tr__loop_here();
    int rc = here != NULL ? 0 : tr__runtime_check();

    if (out == NULL)
        return TR_EINVAL;
    *out = NULL;
    if (rc < 0)
        return rc;
    *out = tr__future_make(
        &open_kind, here != NULL ? (uint16_t)here->number : (uint16_t)(tr__runtime_entry() + 1),
        sizeof(**out));
    return *out != NULL ? 0 : TR_ENOMEM;
}

int tr_future_resolve(tr_future *f, void *value, void (*drop)(void *value))
{
    if (f == NULL || f->kind != &open_kind) {
        drop_value(value, drop);
        return TR_EINVAL;
    }
    return tr__future_end(f, 0, value, drop) ? 0 : TR_EALREADY;
}

int tr_future_fail(tr_future *f, int error)
{
    if (f == NULL || f->kind != &open_kind || error >= 0)
        return TR_EINVAL;
    return tr__future_end(f, error, NULL, NULL) ? 0 : TR_EALREADY;
}

int tr_future_cancel(tr_future *f)
{
    if (f == NULL)
        return TR_EINVAL;
    if (tr__future_has_ended(f))
        return 0;
    f->kind->cancel(f);
    return 1;
}

/* ---- looking ---- */

int tr__future_look(tr_future *f)
{
    /* Nobody misses a success but in debug mode, where it is wanted somewhere. */
    if (TR__UNLIKELY(f->status < 0 || tr__peek_u32(&f->seen) > TR__FUTURE_SEEN) &&
        tr__peek_u32(&f->seen) != TR__FUTURE_SEEN)
        /* relaxed: a flag for the log; any thread may set it. */
        tr__store_relaxed_u32(&f->seen, TR__FUTURE_SEEN);
    return f->status;
}

void tr__future_unwant(tr_future *f)
{
    if (tr__peek_u32(&f->seen) > TR__FUTURE_SEEN)
        /* relaxed: as in tr__future_look; who looks at the same time is not told either. */
        tr__store_relaxed_u32(&f->seen, 0);
}

bool tr_future_is_done(const tr_future *f)
{
    return f != NULL && tr__future_has_ended(f);
}

int tr_future_status(tr_future *f)
{
    if (f == NULL)
        return TR_EINVAL;
    return tr__future_has_ended(f) ? tr__future_look(f) : TR_EAGAIN;
}

void *tr_future_peek(tr_future *f)
{
    if (f == NULL || !tr__future_has_ended(f))
        return NULL;
    /* acquire: pairs with the exchange in tr__future_take_value; it may be taken meanwhile. */
    return tr__load_acquire_ptr(&f->value);
}

void *tr__future_take_value(tr_future *f)
{
    return tr__exchange_ordered_ptr(&f->value, NULL); /* ordered: only one takes it */
}

int tr_future_take(tr_future *f, void **value)
{
    if (value != NULL)
        *value = NULL;
    if (f == NULL || value == NULL)
        return TR_EINVAL;
    if (!tr__future_has_ended(f))
        return TR_EAGAIN;
    if (f->status < 0)
        return tr__future_look(f);
    *value = tr__future_take_value(f);
    if (*value == NULL)
        return TR_EALREADY;
    if (f->kind->has_block)
        tr__memory_leaves();
    return f->status;
}

void tr__future_await_describe(const tr_future *f, tr__awaited *awaited)
{
    tr__blocker blocker = { 0 };

    awaited->what = f->kind->what;
    awaited->object = f;
    if (f->kind->blocker != NULL)
        blocker = f->kind->blocker(f);
    tr__awaited_add(awaited, blocker.is_actor ? "is to answer" : "is to end", blocker);
}

/* ---- lists at home ---- */

bool tr__future_enlist(tr_future *f, tr__waiter *waiter)
{
    if (f->ends_at_home) {
        if (tr__future_has_ended(f))
            return false;
    } else if (set_unless(f, TR__FUTURE_WAITED, TR__FUTURE_ENDED | TR__FUTURE_WAITED) &
               TR__FUTURE_ENDED) {
        return false;
    }
    tr__list_append(&f->waiters, &waiter->link);
    return true;
}

void tr__future_delist(tr__waiter *waiter)
{
    if (tr__list_is_linked(&waiter->link))
        tr__list_remove(&waiter->link);
}

/* ---- foreign threads ---- */

bool tr__future_sleep(tr_future *f, uint64_t deadline_ns)
{
    for (;;) {
        uint32_t state = set_unless(f, TR__FUTURE_SLEEPERS, TR__FUTURE_ENDED | TR__FUTURE_SLEEPERS);

        if (state & TR__FUTURE_ENDED)
            return true;
        if (!tr__futex_wait(&f->state, state | TR__FUTURE_SLEEPERS, deadline_ns))
            return tr__future_has_ended(f);
    }
}

static bool sleep_as_job(void *f, uint64_t deadline_ns)
{
    return tr__future_sleep(f, deadline_ns);
}

static int wait_as_job(tr__worker *worker, tr_future *f, uint64_t deadline_ns)
{
    tr__wait_of_job wait = { .deadline_ns = deadline_ns, .sleep = sleep_as_job, .ctx = f };
    int rc;

    wait.job = tr__job_of_future(f, &wait.in);
    tr__worker_wait_begins(worker, &wait);
    rc = tr__worker_wait(worker, &wait);
    return rc < 0 ? rc : tr__future_look(f);
}

int tr_future_wait(tr_future *f, double timeout)
{
    uint64_t deadline_ns = UINT64_MAX;
    tr__worker *worker = tr__worker_here();

    if (f == NULL || isnan(timeout))
        return TR_EINVAL;
    if (tr__loop_here() != NULL)
        return TR_EWRONGPLACE;
    if (tr__future_has_ended(f))
        return tr__future_look(f);
    if (timeout <= 0)
        return TR_ETIMEDOUT;
    if (timeout < TR_FOREVER)
        deadline_ns = tr__deadline_ns(tr__now_ns(), timeout);
    if (worker != NULL)
        return wait_as_job(worker, f, deadline_ns);
    return tr__future_sleep(f, deadline_ns) ? tr__future_look(f) : TR_ETIMEDOUT;
}

int tr__future_wait_joined(tr_future *f)
{
    (void)tr__future_sleep(f, UINT64_MAX); /* without a deadline */
    return tr__future_look(f);
}

int tr_future_cancel_wait(tr_future *f)
{
    int rc;

    if (tr__loop_here() != NULL)
        return TR_EWRONGPLACE;
    rc = tr_future_cancel(f);
    return rc < 0 ? rc : tr__future_wait_joined(f);
}
