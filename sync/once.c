/* Once. Under the queue's lock:
 *
 *     NEW ----> RUNNING ----> DONE                it has succeeded: all go on
 *      ^           |  ^
 *      |           |  +-- it has failed, and somebody waits: it is the first one's turn
 *      +-----------+----- it has failed, and nobody waits */
#include <math.h>

#include <troupe/event.h>

#include "base/atomic.h"
#include "sync/wait_queue.h"

enum { NEW, RUNNING, DONE };

/* A result of a claim: the caller is to run it. */
enum { ITS_TURN = 1 };

typedef struct once {
    uint32_t state; /* read without the lock, too */
    uint64_t runner;
    tr__wait_queue queue;
} once;

_Static_assert(sizeof(once) <= sizeof(tr_once), "fits its public place");

static once *inside(const tr_once *o)
{
    return (once *)(uintptr_t)o;
}

bool tr_once_is_done(const tr_once *o)
{
    /* acquire: what it did is visible; pairs with the release in finish. */
    return o != NULL && tr__load_acquire_u32(&inside(o)->state) == DONE;
}

static void set_state(once *o, uint32_t state)
{
    /* release: publishes what was run; pairs with the acquire in tr_once_is_done. */
    tr__store_release_u32(&o->state, state);
}

static void set_runner(once *o, uint64_t who)
{
    /* relaxed: it is written with the lock; who looks without is told that it may change. */
    tr__store_relaxed_u64(&o->runner, who);
}

static uint64_t runner(const tr__queued *waiter)
{
    /* relaxed: it may be another one already. */
    return tr__load_relaxed_u64(&TR__CONTAINER_OF(waiter->line, const once, queue.line)->runner);
}

static const tr__sought its_end = {
    .what = "the end of what is done once",
    .line_offset = offsetof(once, queue.line),
    .holder = runner,
};

/* Wait for the caller's turn, or for what makes it needless: ITS_TURN; 0. may_wait: what
 * tr__may_wait says. */
static int claim(tr_once *o, double timeout, int may_wait)
{
    tr__queued waiter = { .sought = &its_end, .wants = tr__who() };
    once *in = inside(o);
    int rc = 0;

    tr__wait_queue_lock(&in->queue);
    /* relaxed: it changes under the lock. */
    if (tr__load_relaxed_u32(&in->state) == RUNNING) {
        if (in->runner != tr__who() && may_wait == 0)
            return tr__wait_in(&in->queue, &waiter, timeout);
        rc = in->runner == tr__who() ? TR_EDEADLK : may_wait;
    } else if (!tr_once_is_done(o)) {
        set_state(in, RUNNING);
        set_runner(in, tr__who());
        rc = ITS_TURN;
    }
    tr__wait_queue_unlock(&in->queue);
    return rc;
}

static void finish(once *o, bool has_succeeded)
{
    tr__queued *next;
    tr__wakes wakes;

    tr__wakes_init(&wakes);
    tr__wait_queue_lock(&o->queue);
    next = o->queue.line.first;
    if (has_succeeded) {
        set_state(o, DONE);
        tr__grant_all(&o->queue.line, 0, &wakes);
    } else if (next != NULL) {
        set_runner(o, next->wants);
        (void)tr__grant(next, ITS_TURN, &wakes); /* nobody chooses here */
    } else {
        set_state(o, NEW);
    }
    tr__wait_queue_unlock(&o->queue);
    tr__wakes_send(&wakes);
}

int tr_once_run_for(tr_once *o, int (*fn)(void *arg), void *arg, double timeout)
{
    int rc;

    if (o == NULL || fn == NULL || isnan(timeout))
        return TR_EINVAL;
    if (tr_once_is_done(o))
        return 0;
    rc = tr__may_wait();
    if (rc != TR_ECANCELED)
        rc = claim(o, timeout, rc);
    if (rc != ITS_TURN)
        return rc;
    rc = fn(arg);
    finish(inside(o), rc >= 0);
    return rc < 0 ? rc : 0;
}
