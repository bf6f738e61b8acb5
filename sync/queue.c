/* Queues: one lock, and three lines of those who wait. See troupe/queue.h.
 *
 * Invariants, under the lock: who waits for an item does so only while there is none; who waits for
 * room, only while there are `capacity` items; both not in a closed queue. So an item goes from
 * hand to hand where somebody waits for it, and nobody is passed. */
#include "sync/queue.h"

#include <math.h>
#include <string.h>

#include "base/seam.h"
#include "base/threads.h"
#include "runtime/observer.h"
#include "sync/items.h"
#include "sync/wait_queue.h"

enum { ITEM_BYTES_MOST = 64 * 1024 };

struct tr_queue {
    tr__latch latch;
    tr__line getters; /* `place`: where the item goes */
    tr__line putters; /* `place`: where it comes from */
    tr__line joiners;
    tr__items items;
    size_t capacity;
    void (*drop)(void *item);
    uint64_t unfinished;  /* items that were put, and are not done */
    uint64_t last_putter; /* in debug mode: tr__who of who tried it last */
    uint64_t last_getter;
    int fd;            /* -1: nobody has asked for it */
    bool is_signalled; /* it is readable */
    bool is_closed;
    bool is_abandoned; /* closed at once: nobody joins any more */
};

/* ---- making and freeing ---- */

static int check_options(tr_queue_options *o, const tr_queue_options *given, size_t size)
{
    memset(o, 0, sizeof(*o));
    memcpy(o, given, size < sizeof(*o) ? size : sizeof(*o));
    if (o->item_bytes == 0 || o->item_bytes > ITEM_BYTES_MOST ||
        (unsigned)o->order > TR_QUEUE_PRIORITY)
        return TR_EINVAL;
    return (o->order == TR_QUEUE_PRIORITY) == (o->compare != NULL) ? 0 : TR_EINVAL;
}

int tr__queue_new(tr_queue **out, const tr_queue_options *options, size_t options_size)
{
    tr_queue_options o;
    tr_queue *q;

    if (out == NULL)
        return TR_EINVAL;
    *out = NULL;
    if (options == NULL || check_options(&o, options, options_size) < 0)
        return TR_EINVAL;
    q = tr__alloc_zeroed(sizeof(*q));
    if (q == NULL)
        return TR_ENOMEM;
    q->items.item_bytes = o.item_bytes;
    q->items.slot_bytes = o.item_bytes;
    if (o.order == TR_QUEUE_PRIORITY)
        q->items.slot_bytes += sizeof(q->items.number);
    q->items.order = o.order;
    q->items.compare = o.compare;
    q->capacity = o.capacity;
    q->drop = o.drop;
    q->fd = -1;
    *out = q;
    return 0;
}

int tr_queue_free(tr_queue *q)
{
    bool is_used;

    if (q == NULL)
        return 0;
    tr__latch_lock(&q->latch); /* so that whoever was let go has left */
    is_used = q->getters.first != NULL || q->putters.first != NULL || q->joiners.first != NULL;
    tr__latch_unlock(&q->latch);
    if (is_used)
        return TR_EBUSY;
    tr__items_clear(&q->items, q->drop);
    if (q->fd >= 0)
        tr__descriptor_close(q->fd);
    tr__free(q);
    return 0;
}

/* ---- with the lock ---- */

/* For who looks for a cycle of those who wait for each other. */
static void note_user(uint64_t *last)
{
    if (tr__is_debugging())
        /* relaxed: it publishes nothing. */
        tr__store_relaxed_u64(last, tr__who());
}

static bool has_something(const tr_queue *q)
{
    return q->items.count > 0 || q->putters.first != NULL || q->is_closed;
}

/* Let the descriptor say whether something can be got. */
static void settle_fd(tr_queue *q, bool is_ready)
{
    if (q->fd < 0 || is_ready == q->is_signalled)
        return;
    q->is_signalled = is_ready;
    if (is_ready)
        tr__eventfd_signal(q->fd);
    else
        tr__eventfd_clear(q->fd);
}

static int put(tr_queue *q, const void *item, tr__wakes *wakes)
{
    tr__queued *getter;

    if (q->is_closed)
        return TR_EPIPE;
    getter = q->items.count == 0 ? tr__claim_first(&q->getters) : NULL;
    if (getter != NULL) {
        memcpy(getter->place, item, q->items.item_bytes);
        tr__grant_claimed(getter, 0, wakes);
    } else if (q->items.count >= q->capacity) {
        return TR_EFULL;
    } else if (!tr__items_reserve(&q->items)) {
        return TR_ENOMEM;
    } else {
        tr__items_push(&q->items, item);
    }
    q->unfinished++;
    return 0;
}

static int get(tr_queue *q, void *item, tr__wakes *wakes)
{
    bool is_empty = q->items.count == 0;
    tr__queued *putter;

    if (!is_empty)
        tr__items_pop(&q->items, item);
    putter = tr__claim_first(&q->putters);
    if (putter != NULL) {
        if (is_empty)
            memcpy(item, putter->place, q->items.item_bytes); /* a rendezvous */
        else
            tr__items_push(&q->items, putter->place); /* there is room: one has just gone */
        q->unfinished++;
        tr__grant_claimed(putter, 0, wakes);
    } else if (is_empty) {
        return q->is_closed ? TR_EPIPE : TR_EAGAIN;
    }
    return 0;
}

static void unlock(tr_queue *q, tr__wakes *wakes)
{
    settle_fd(q, has_something(q));
    tr__latch_unlock(&q->latch);
    tr__wakes_send(wakes);
}

/* Begin what changes it; ended by unlock. */
static void lock(tr_queue *q, tr__wakes *wakes)
{
    tr__wakes_init(wakes);
    tr__latch_lock(&q->latch);
}

/* ---- putting ---- */

int tr_queue_try_put(tr_queue *q, const void *item)
{
    tr__wakes wakes;
    int rc;

    if (q == NULL || item == NULL)
        return TR_EINVAL;
    lock(q, &wakes);
    note_user(&q->last_putter);
    rc = put(q, item, &wakes);
    unlock(q, &wakes);
    return rc;
}

static uint64_t last_putter(const tr__queued *waiter)
{
    /* relaxed: it may be another one already. */
    return tr__load_relaxed_u64(&TR__CONTAINER_OF(waiter->line, tr_queue, getters)->last_putter);
}

static uint64_t last_getter(const tr__queued *waiter)
{
    /* relaxed: likewise. */
    return tr__load_relaxed_u64(&TR__CONTAINER_OF(waiter->line, tr_queue, putters)->last_getter);
}

static const tr__sought an_item = {
    .what = "an item of a queue",
    .line_offset = offsetof(tr_queue, getters),
    .holder = last_putter,
    .is_guess = true,
};
static const tr__sought room = {
    .what = "room in a queue",
    .line_offset = offsetof(tr_queue, putters),
    .holder = last_getter,
    .is_guess = true,
};
static const tr__sought all_done = {
    .what = "the last item of a queue to be done",
    .line_offset = offsetof(tr_queue, joiners),
};

/* With the latch, which it gives back: wait in one of the lines, with a place for an item. */
static TR__NOINLINE int wait(tr_queue *q, tr__line *line, const tr__sought *sought, void *place,
                             double timeout)
{
    tr__queued waiter = { .sought = sought, .place = place };

    return tr__wait_in_line(&q->latch, line, &waiter, timeout);
}

int tr_queue_put_for(tr_queue *q, const void *item, double timeout)
{
    tr__wakes wakes;
    int rc;

    if (q == NULL || item == NULL || isnan(timeout))
        return TR_EINVAL;
    rc = tr__may_wait();
    if (rc < 0)
        return rc;
    lock(q, &wakes);
    note_user(&q->last_putter);
    rc = put(q, item, &wakes);
    if (rc == TR_EFULL) {
        settle_fd(q, true); /* there is something: what it will wait with */
        return wait(q, &q->putters, &room, (void *)(uintptr_t)item, timeout);
    }
    unlock(q, &wakes);
    return rc;
}

/* ---- getting ---- */

int tr_queue_try_get(tr_queue *q, void *item)
{
    tr__wakes wakes;
    int rc;

    if (q == NULL || item == NULL)
        return TR_EINVAL;
    lock(q, &wakes);
    note_user(&q->last_getter);
    rc = get(q, item, &wakes);
    unlock(q, &wakes);
    return rc;
}

int tr_queue_get_for(tr_queue *q, void *item, double timeout)
{
    tr__wakes wakes;
    int rc;

    if (q == NULL || item == NULL || isnan(timeout))
        return TR_EINVAL;
    rc = tr__may_wait();
    if (rc < 0)
        return rc;
    lock(q, &wakes);
    note_user(&q->last_getter);
    rc = get(q, item, &wakes);
    if (rc == TR_EAGAIN)
        return wait(q, &q->getters, &an_item, item, timeout);
    unlock(q, &wakes);
    return rc;
}

/* ---- joining ---- */

int tr_queue_task_done(tr_queue *q)
{
    tr__wakes wakes;
    int rc = 0;

    if (q == NULL)
        return TR_EINVAL;
    lock(q, &wakes);
    if (q->unfinished == 0)
        rc = TR_EINVAL;
    else if (--q->unfinished == 0)
        tr__grant_all(&q->joiners, 0, &wakes);
    unlock(q, &wakes);
    return rc;
}

int tr_queue_join_for(tr_queue *q, double timeout)
{
    int rc;

    if (q == NULL || isnan(timeout))
        return TR_EINVAL;
    rc = tr__may_wait();
    if (rc < 0)
        return rc;
    tr__latch_lock(&q->latch);
    if (q->unfinished > 0 && !q->is_abandoned)
        return wait(q, &q->joiners, &all_done, NULL, timeout);
    rc = q->unfinished > 0 ? TR_EPIPE : 0;
    tr__latch_unlock(&q->latch);
    return rc;
}

/* ---- closing ---- */

static void close_locked(tr_queue *q, tr__wakes *wakes)
{
    q->is_closed = true;
    tr__grant_all(&q->getters, TR_EPIPE, wakes);
    tr__grant_all(&q->putters, TR_EPIPE, wakes);
}

int tr_queue_close(tr_queue *q)
{
    tr__wakes wakes;

    if (q == NULL)
        return TR_EINVAL;
    lock(q, &wakes);
    close_locked(q, &wakes);
    unlock(q, &wakes);
    return 0;
}

int tr_queue_close_now(tr_queue *q)
{
    tr__wakes wakes;
    tr__items items;

    if (q == NULL)
        return TR_EINVAL;
    lock(q, &wakes);
    close_locked(q, &wakes);
    q->is_abandoned = true;
    tr__grant_all(&q->joiners, TR_EPIPE, &wakes);
    items = q->items;
    q->items.slots = NULL;
    q->items.slot_count = 0;
    q->items.count = 0;
    unlock(q, &wakes);
    tr__items_clear(&items, q->drop); /* the user's function: without the lock */
    return 0;
}

/* ---- questions ---- */

size_t tr_queue_count(tr_queue *q)
{
    size_t count;

    if (q == NULL)
        return 0;
    tr__latch_lock(&q->latch);
    count = q->items.count;
    tr__latch_unlock(&q->latch);
    return count;
}

bool tr_queue_is_closed(tr_queue *q)
{
    bool is_closed;

    if (q == NULL)
        return true;
    tr__latch_lock(&q->latch);
    is_closed = q->is_closed;
    tr__latch_unlock(&q->latch);
    return is_closed;
}

int tr_queue_fd(tr_queue *q)
{
    int fd;

    if (q == NULL)
        return TR_EINVAL;
    tr__latch_lock(&q->latch);
    if (q->fd < 0) {
        fd = tr__eventfd_new();
        if (fd < 0) {
            tr__latch_unlock(&q->latch);
            return fd;
        }
        q->fd = fd;
        settle_fd(q, has_something(q));
    }
    fd = q->fd;
    tr__latch_unlock(&q->latch);
    return fd;
}

/* ---- choosing ---- */

/* Whether another task or thread than the one that chooses stands in line. */
static bool has_other(const tr__line *line, const tr__choice *choice)
{
    for (const tr__queued *waiter = line->first; waiter != NULL; waiter = waiter->next)
        if (waiter->choice != choice)
            return true;
    return false;
}

static bool stand(tr_queue *q, tr__line *line, bool is_ready, tr__queued *waiter,
                  tr__choice *choice)
{
    if (!is_ready) {
        waiter->sought = line == &q->getters ? &an_item : &room;
        tr__stand_in_line(&q->latch, line, waiter, choice);
    }
    settle_fd(q, has_something(q));
    tr__latch_unlock(&q->latch);
    return !is_ready;
}

bool tr__queue_stand_to_get(tr_queue *q, tr__queued *waiter, tr__choice *choice)
{
    tr__latch_lock(&q->latch);
    return stand(q, &q->getters,
                 q->items.count > 0 || q->is_closed || has_other(&q->putters, choice), waiter,
                 choice);
}

bool tr__queue_stand_to_put(tr_queue *q, tr__queued *waiter, tr__choice *choice)
{
    tr__latch_lock(&q->latch);
    return stand(q, &q->putters,
                 q->items.count < q->capacity || q->is_closed || has_other(&q->getters, choice),
                 waiter, choice);
}
