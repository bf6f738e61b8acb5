/* An event. `is_set` changes under the queue's lock, and is read without. A wait that succeeds has
 * had the lock: so whoever has set the event has left it, and it may be gone then. */
#include "sync/event.h"

#include <math.h>

#include "base/atomic.h"

typedef struct event {
    uint32_t is_set;
    tr__wait_queue queue;
} event;

_Static_assert(sizeof(event) <= sizeof(tr_event), "fits its public place");

static const tr__sought an_event = {
    .what = "an event",
    .line_offset = offsetof(event, queue.line),
};

static event *inside(const tr_event *e)
{
    return (event *)(uintptr_t)e;
}

bool tr_event_is_set(const tr_event *e)
{
    /* acquire: what came before tr_event_set is visible; pairs with the release there. */
    return e != NULL && tr__load_acquire_u32(&inside(e)->is_set) != 0;
}

int tr_event_set(tr_event *e)
{
    tr__wakes wakes;

    if (e == NULL)
        return TR_EINVAL;
    tr__wakes_init(&wakes);
    tr__wait_queue_lock(&inside(e)->queue);
    /* release: pairs with the acquire in tr_event_is_set. */
    tr__store_release_u32(&inside(e)->is_set, 1);
    tr__grant_all(&inside(e)->queue.line, 0, &wakes);
    tr__wait_queue_unlock(&inside(e)->queue);
    tr__wakes_send(&wakes);
    return 0;
}

int tr_event_clear(tr_event *e)
{
    if (e == NULL)
        return TR_EINVAL;
    tr__wait_queue_lock(&inside(e)->queue);
    /* relaxed: it publishes nothing. */
    tr__store_relaxed_u32(&inside(e)->is_set, 0);
    tr__wait_queue_unlock(&inside(e)->queue);
    return 0;
}

int tr_event_wait_for(tr_event *e, double timeout)
{
    tr__queued waiter = { .sought = &an_event };
    int rc;

    if (e == NULL || isnan(timeout))
        return TR_EINVAL;
    rc = tr__may_wait();
    if (rc < 0)
        return rc;
    /* With the lock, also if it is set: then who has set it has let go of it, and it may be freed.
     * */
    tr__wait_queue_lock(&inside(e)->queue);
    if (!tr_event_is_set(e))
        return tr__wait_in(&inside(e)->queue, &waiter, timeout);
    tr__wait_queue_unlock(&inside(e)->queue);
    return 0;
}

bool tr__event_take(tr_event *e)
{
    bool has_happened;

    if (!tr_event_is_set(e))
        return false;
    /* With the lock, as in tr_event_wait_for. */
    tr__wait_queue_lock(&inside(e)->queue);
    has_happened = tr_event_is_set(e);
    tr__wait_queue_unlock(&inside(e)->queue);
    return has_happened;
}

bool tr__event_stand(tr_event *e, tr__queued *waiter, tr__choice *choice)
{
    tr__wait_queue *queue = &inside(e)->queue;
    bool has_happened;

    tr__wait_queue_lock(queue);
    has_happened = tr_event_is_set(e);
    if (!has_happened) {
        waiter->sought = &an_event;
        tr__stand_in_line(&queue->latch, &queue->line, waiter, choice);
    }
    tr__wait_queue_unlock(queue);
    return !has_happened;
}
