/* Broadcasts: a ring of the last items, numbered from 0 on, and where each subscription stands.
 *
 * Invariants, under the lock: the ring holds the items from max(0, sent - capacity) to sent - 1;
 * who waits has received all that was sent, and stands in the line. */
#include <math.h>
#include <string.h>

#include <troupe/broadcast.h>

#include "base/seam.h"
#include "sync/wait_queue.h"

enum { ITEM_BYTES_MOST = 64 * 1024 };

struct tr_broadcast {
    tr__wait_queue receivers; /* `place`: a reception */
    size_t item_bytes;
    size_t capacity;
    uint64_t sent;
    int subscriptions;
    bool is_closed;
    char items[];
};

struct tr_subscription {
    tr_broadcast *broadcast;
    uint64_t next;    /* the number of the item that it gets next, if that is still there */
    uint32_t waiting; /* somebody waits for it */
};

/* What one who waits is to get. */
typedef struct reception {
    tr_subscription *subscription;
    void *item;
} reception;

static void lock(tr_broadcast *b)
{
    tr__wait_queue_lock(&b->receivers);
}

static void unlock(tr_broadcast *b)
{
    tr__wait_queue_unlock(&b->receivers);
}

static char *slot(tr_broadcast *b, uint64_t number)
{
    return b->items + number % b->capacity * b->item_bytes;
}

/* ---- making and freeing ---- */

int tr_broadcast_new(tr_broadcast **out, size_t item_bytes, size_t capacity)
{
    tr_broadcast *b;

    if (out == NULL)
        return TR_EINVAL;
    *out = NULL;
    if (item_bytes == 0 || item_bytes > ITEM_BYTES_MOST || capacity == 0 ||
        capacity > (SIZE_MAX / 2) / item_bytes)
        return TR_EINVAL;
    b = tr__alloc(sizeof(*b) + capacity * item_bytes);
    if (b == NULL)
        return TR_ENOMEM;
    memset(b, 0, sizeof(*b));
    b->item_bytes = item_bytes;
    b->capacity = capacity;
    *out = b;
    return 0;
}

int tr_broadcast_free(tr_broadcast *b)
{
    bool is_used;

    if (b == NULL)
        return 0;
    lock(b);
    is_used = b->subscriptions > 0;
    unlock(b);
    if (is_used)
        return TR_EBUSY;
    tr__free(b);
    return 0;
}

int tr_broadcast_subscribe(tr_subscription **out, tr_broadcast *b)
{
    tr_subscription *s;

    if (out == NULL)
        return TR_EINVAL;
    *out = NULL;
    if (b == NULL)
        return TR_EINVAL;
    s = tr__alloc_zeroed(sizeof(*s));
    if (s == NULL)
        return TR_ENOMEM;
    s->broadcast = b;
    lock(b);
    s->next = b->sent;
    b->subscriptions++;
    unlock(b);
    *out = s;
    return 0;
}

void tr_subscription_free(tr_subscription *s)
{
    if (s == NULL)
        return;
    lock(s->broadcast);
    s->broadcast->subscriptions--;
    unlock(s->broadcast);
    tr__free(s);
}

/* ---- sending ---- */

static void grant_item(tr_broadcast *b, tr__queued *waiter, tr__wakes *wakes)
{
    const reception *r = waiter->place;

    memcpy(r->item, slot(b, r->subscription->next), b->item_bytes);
    r->subscription->next++;
    r->subscription->waiting = 0;
    tr__grant_claimed(waiter, 0, wakes);
}

int tr_broadcast_send(tr_broadcast *b, const void *item)
{
    tr__wakes wakes;
    tr__queued *waiter;
    int rc = TR_EPIPE;

    if (b == NULL || item == NULL)
        return TR_EINVAL;
    tr__wakes_init(&wakes);
    lock(b);
    if (!b->is_closed) {
        memcpy(slot(b, b->sent), item, b->item_bytes);
        b->sent++;
        while ((waiter = tr__claim_first(&b->receivers.line)) != NULL)
            grant_item(b, waiter, &wakes);
        rc = b->subscriptions;
    }
    unlock(b);
    tr__wakes_send(&wakes);
    return rc;
}

int tr_broadcast_close(tr_broadcast *b)
{
    tr__wakes wakes;

    if (b == NULL)
        return TR_EINVAL;
    tr__wakes_init(&wakes);
    lock(b);
    b->is_closed = true;
    tr__grant_all(&b->receivers.line, TR_EPIPE, &wakes);
    unlock(b);
    tr__wakes_send(&wakes);
    return 0;
}

/* ---- receiving ---- */

/* Under the lock: the next item that is there.
 * Errors: TR_EAGAIN; TR_EPIPE; TR_EBUSY. */
static int take(tr_subscription *s, void *item, uint64_t *missed)
{
    tr_broadcast *b = s->broadcast;
    uint64_t oldest = b->sent > b->capacity ? b->sent - b->capacity : 0;

    if (s->waiting)
        return TR_EBUSY;
    if (s->next == b->sent)
        return b->is_closed ? TR_EPIPE : TR_EAGAIN;
    if (s->next < oldest) {
        *missed = oldest - s->next;
        s->next = oldest;
    }
    memcpy(item, slot(b, s->next), b->item_bytes);
    s->next++;
    return 0;
}

static const tr__sought an_item = {
    .what = "an item of a broadcast",
    .line_offset = offsetof(tr_broadcast, receivers.line),
};

/* Under the lock, which it gives back. */
static int wait(tr_subscription *s, void *item, double timeout)
{
    tr_broadcast *b = s->broadcast;
    reception r = { s, item };
    tr__queued waiter = { .sought = &an_item, .place = &r };
    int rc;

    s->waiting = 1;
    rc = tr__wait_in(&b->receivers, &waiter, timeout);
    if (rc < 0) {
        lock(b);
        s->waiting = 0;
        unlock(b);
    }
    return rc;
}

int tr_subscription_receive_for(tr_subscription *s, void *item, uint64_t *missed, double timeout)
{
    uint64_t count = 0;
    int rc;

    if (s == NULL || item == NULL || isnan(timeout))
        return TR_EINVAL;
    rc = tr__may_wait();
    if (rc < 0)
        return rc;
    lock(s->broadcast);
    rc = take(s, item, &count);
    if (rc == TR_EAGAIN)
        rc = wait(s, item, timeout);
    else
        unlock(s->broadcast);
    if (rc == 0 && missed != NULL)
        *missed = count;
    return rc;
}
