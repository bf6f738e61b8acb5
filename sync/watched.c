/* Watched values: the latest one, and a line of those who wait for another. */
#include <math.h>
#include <string.h>

#include <troupe/broadcast.h>

#include "base/seam.h"
#include "sync/wait_queue.h"

enum { ITEM_BYTES_MOST = 64 * 1024 };

struct tr_watch {
    tr__wait_queue waiters; /* `place`: a sight */
    size_t item_bytes;
    uint64_t version;
    bool is_closed;
    char item[];
};

/* What one who waits is to see. */
typedef struct sight {
    void *item;
    uint64_t version;
} sight;

static void lock(tr_watch *w)
{
    tr__wait_queue_lock(&w->waiters);
}

static void unlock(tr_watch *w)
{
    tr__wait_queue_unlock(&w->waiters);
}

int tr_watch_new(tr_watch **out, size_t item_bytes, const void *item)
{
    tr_watch *w;

    if (out == NULL)
        return TR_EINVAL;
    *out = NULL;
    if (item == NULL || item_bytes == 0 || item_bytes > ITEM_BYTES_MOST)
        return TR_EINVAL;
    w = tr__alloc(sizeof(*w) + item_bytes);
    if (w == NULL)
        return TR_ENOMEM;
    memset(w, 0, sizeof(*w));
    w->item_bytes = item_bytes;
    w->version = 1;
    memcpy(w->item, item, item_bytes);
    *out = w;
    return 0;
}

int tr_watch_free(tr_watch *w)
{
    bool is_used;

    if (w == NULL)
        return 0;
    lock(w);
    is_used = w->waiters.line.first != NULL;
    unlock(w);
    if (is_used)
        return TR_EBUSY;
    tr__free(w);
    return 0;
}

/* Under the lock. */
static void show(const tr_watch *w, void *item, uint64_t *version)
{
    memcpy(item, w->item, w->item_bytes);
    if (version != NULL)
        *version = w->version;
}

int tr_watch_set(tr_watch *w, const void *item)
{
    tr__wakes wakes;
    tr__queued *waiter;
    int rc = TR_EPIPE;

    if (w == NULL || item == NULL)
        return TR_EINVAL;
    tr__wakes_init(&wakes);
    lock(w);
    if (!w->is_closed) {
        memcpy(w->item, item, w->item_bytes);
        w->version++;
        while ((waiter = tr__claim_first(&w->waiters.line)) != NULL) {
            sight *s = waiter->place;

            show(w, s->item, &s->version);
            tr__grant_claimed(waiter, 0, &wakes);
        }
        rc = 0;
    }
    unlock(w);
    tr__wakes_send(&wakes);
    return rc;
}

int tr_watch_get(tr_watch *w, void *item, uint64_t *version)
{
    if (w == NULL || item == NULL)
        return TR_EINVAL;
    lock(w);
    show(w, item, version);
    unlock(w);
    return 0;
}

static const tr__sought a_change = {
    .what = "a new value of a watch",
    .line_offset = offsetof(tr_watch, waiters.line),
};

int tr_watch_changed_for(tr_watch *w, void *item, uint64_t *version, double timeout)
{
    sight s = { .item = item };
    tr__queued waiter = { .sought = &a_change, .place = &s };
    int rc;

    if (w == NULL || item == NULL || version == NULL || isnan(timeout))
        return TR_EINVAL;
    rc = tr__may_wait();
    if (rc < 0)
        return rc;
    lock(w);
    if (w->version == *version && !w->is_closed) {
        rc = tr__wait_in(&w->waiters, &waiter, timeout);
        if (rc == 0)
            *version = s.version;
        return rc;
    }
    if (w->version != *version)
        show(w, item, version);
    else
        rc = TR_EPIPE;
    unlock(w);
    return rc;
}

int tr_watch_close(tr_watch *w)
{
    tr__wakes wakes;

    if (w == NULL)
        return TR_EINVAL;
    tr__wakes_init(&wakes);
    lock(w);
    w->is_closed = true;
    tr__grant_all(&w->waiters.line, TR_EPIPE, &wakes);
    unlock(w);
    tr__wakes_send(&wakes);
    return 0;
}
