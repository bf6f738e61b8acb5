/* Buckets by key: a hash table that never grows, and a heap of those that nobody uses.
 *
 * A bucket that is full is as good as none: so the heap has at its top the one that is full first,
 * and a new key takes its place as soon as it is. A bucket in use stands in no heap, and stays.
 *
 * The table's lock guards all but the buckets' own tokens. Keys come from outside, perhaps from
 * somebody who wants them to collide: hence SipHash, under a key that nobody knows. */
#include <math.h>
#include <string.h>

#include "base/seam.h"
#include "base/siphash.h"
#include "sync/latch.h"
#include "sync/limiter.h"

typedef struct bucket {
    tr__limiter limiter;
    struct bucket *next; /* in its slot */
    uint64_t hash;
    uint64_t full_ns; /* of one in the heap: when it is full again */
    size_t place;     /* in the heap */
    uint32_t users;   /* 0: it is in the heap */
    uint8_t key_bytes;
    unsigned char key[];
} bucket;

struct tr_keyed_limiter {
    tr__latch latch;
    double rate;
    double burst;
    uint64_t secret[2];
    size_t most;
    size_t count;
    size_t mask; /* of slots */
    bucket **slots;
    bucket **heap; /* as many as are not used */
    size_t idle;
};

/* ---- the heap ---- */

static void put_at(tr_keyed_limiter *l, size_t place, bucket *b)
{
    l->heap[place] = b;
    b->place = place;
}

/* Put it at that place, or above where it belongs. */
static void sift_up(tr_keyed_limiter *l, size_t place, bucket *b)
{
    while (place > 0 && b->full_ns < l->heap[(place - 1) / 2]->full_ns) {
        put_at(l, place, l->heap[(place - 1) / 2]);
        place = (place - 1) / 2;
    }
    put_at(l, place, b);
}

/* The same, below. */
static void sift_down(tr_keyed_limiter *l, size_t place, bucket *b)
{
    size_t child;

    while ((child = 2 * place + 1) < l->idle) {
        if (child + 1 < l->idle && l->heap[child + 1]->full_ns < l->heap[child]->full_ns)
            child++;
        if (b->full_ns <= l->heap[child]->full_ns)
            break;
        put_at(l, place, l->heap[child]);
        place = child;
    }
    put_at(l, place, b);
}

static void add_to_heap(tr_keyed_limiter *l, bucket *b)
{
    sift_up(l, l->idle++, b);
}

static void take_off_heap(tr_keyed_limiter *l, const bucket *b)
{
    bucket *last = l->heap[--l->idle];

    if (last == b)
        return;
    sift_down(l, b->place, last);
    sift_up(l, last->place, last);
}

/* ---- the table ---- */

static bucket **slot_of(const tr_keyed_limiter *l, uint64_t hash)
{
    return &l->slots[hash & l->mask];
}

static bucket *find(const tr_keyed_limiter *l, uint64_t hash, const void *key, size_t bytes)
{
    bucket *b = *slot_of(l, hash);

    while (b != NULL &&
           (b->hash != hash || b->key_bytes != bytes || memcmp(b->key, key, bytes) != 0))
        b = b->next;
    return b;
}

static void forget(tr_keyed_limiter *l, bucket *b)
{
    bucket **at = slot_of(l, b->hash);

    while (*at != b)
        at = &(*at)->next;
    *at = b->next;
    l->count--;
    take_off_heap(l, b);
    tr__free(b);
}

/* Whether there is room for one more key, if need be in the place of another. */
static bool make_room(tr_keyed_limiter *l)
{
    if (l->count < l->most)
        return true;
    if (l->idle == 0 || l->heap[0]->full_ns > tr__now_ns())
        return false;
    forget(l, l->heap[0]);
    return true;
}

/* In the table, and used once. */
static int add(tr_keyed_limiter *l, uint64_t hash, const void *key, size_t bytes, bucket **out)
{
    bucket *b;

    if (!make_room(l))
        return TR_EAGAIN;
    b = tr__alloc_zeroed(sizeof(*b) + bytes);
    if (b == NULL)
        return TR_ENOMEM;
    b->limiter.rate = l->rate;
    b->limiter.burst = l->burst;
    b->hash = hash;
    b->users = 1;
    b->key_bytes = (uint8_t)bytes;
    memcpy(b->key, key, bytes);
    b->next = *slot_of(l, hash);
    *slot_of(l, hash) = b;
    l->count++;
    *out = b;
    return 0;
}

/* The bucket of a key, used once more. */
static int begin_use(tr_keyed_limiter *l, const void *key, size_t bytes, bucket **out)
{
    uint64_t hash = tr__siphash(l->secret, key, bytes);
    int rc = 0;

    tr__latch_lock(&l->latch);
    *out = find(l, hash, key, bytes);
    if (*out == NULL)
        rc = add(l, hash, key, bytes, out);
    else if ((*out)->users++ == 0)
        take_off_heap(l, *out);
    tr__latch_unlock(&l->latch);
    return rc;
}

static void end_use(tr_keyed_limiter *l, bucket *b)
{
    tr__latch_lock(&l->latch);
    if (--b->users == 0) {
        b->full_ns = tr__limiter_full_ns(&b->limiter);
        add_to_heap(l, b);
    }
    tr__latch_unlock(&l->latch);
}

/* ---- for the public ---- */

/* Slots: a power of two, for half a key to two of them. */
static size_t slots_for(size_t keys)
{
    size_t slots = 1;

    while (slots < keys)
        slots *= 2;
    return slots;
}

static void discard(tr_keyed_limiter *l)
{
    for (size_t i = 0; i < l->idle; i++)
        tr__free(l->heap[i]);
    tr__free(l->slots);
    tr__free(l->heap);
    tr__free(l);
}

int tr_keyed_limiter_new(tr_keyed_limiter **out, double rate, double burst, size_t keys)
{
    tr_keyed_limiter *l;

    if (out == NULL)
        return TR_EINVAL;
    *out = NULL;
    if (!tr__limiter_allows(rate, burst, 0) || keys == 0)
        return TR_EINVAL;
    if (keys > SIZE_MAX / 64 || (l = tr__alloc_zeroed(sizeof(*l))) == NULL)
        return TR_ENOMEM;
    l->rate = rate;
    l->burst = burst;
    l->most = keys;
    l->secret[0] = tr__dice();
    l->secret[1] = tr__dice();
    l->mask = slots_for(keys) - 1;
    l->slots = tr__alloc_zeroed((l->mask + 1) * sizeof(bucket *));
    l->heap = tr__alloc_zeroed(keys * sizeof(bucket *));
    if (l->slots == NULL || l->heap == NULL) {
        discard(l);
        return TR_ENOMEM;
    }
    *out = l;
    return 0;
}

int tr_keyed_limiter_free(tr_keyed_limiter *l)
{
    bool is_used;

    if (l == NULL)
        return 0;
    tr__latch_lock(&l->latch);
    is_used = l->idle < l->count;
    tr__latch_unlock(&l->latch);
    if (is_used)
        return TR_EBUSY;
    discard(l);
    return 0;
}

static bool is_valid(const tr_keyed_limiter *l, const void *key, size_t bytes, uint64_t n)
{
    return l != NULL && key != NULL && bytes <= TR_LIMITER_KEY_MAX &&
           tr__limiter_allows(l->rate, l->burst, n);
}

int tr_keyed_limiter_acquire_many(tr_keyed_limiter *l, const void *key, size_t key_bytes,
                                  uint64_t n, double timeout)
{
    bucket *b;
    int rc;

    if (!is_valid(l, key, key_bytes, n) || isnan(timeout))
        return TR_EINVAL;
    rc = tr__may_wait();
    if (rc < 0 || (rc = begin_use(l, key, key_bytes, &b)) < 0)
        return rc;
    rc = tr__limiter_acquire(&b->limiter, n, timeout);
    end_use(l, b);
    return rc;
}

int tr_keyed_limiter_try_acquire_many(tr_keyed_limiter *l, const void *key, size_t key_bytes,
                                      uint64_t n, double *wait)
{
    double unused;
    bucket *b;
    int rc;

    if (wait == NULL)
        wait = &unused;
    *wait = 0;
    if (!is_valid(l, key, key_bytes, n))
        return TR_EINVAL;
    rc = begin_use(l, key, key_bytes, &b);
    if (rc < 0)
        return rc;
    rc = tr__limiter_try(&b->limiter, n, wait);
    end_use(l, b);
    return rc;
}

static size_t length_of(const char *key)
{
    return key != NULL ? strnlen(key, TR_LIMITER_KEY_MAX + 1) : 0;
}

int tr_keyed_limiter_acquire_for(tr_keyed_limiter *l, const char *key, double timeout)
{
    return tr_keyed_limiter_acquire_many(l, key, length_of(key), 1, timeout);
}

int tr_keyed_limiter_acquire(tr_keyed_limiter *l, const char *key)
{
    return tr_keyed_limiter_acquire_for(l, key, TR_FOREVER);
}

int tr_keyed_limiter_try_acquire(tr_keyed_limiter *l, const char *key, double *wait)
{
    return tr_keyed_limiter_try_acquire_many(l, key, length_of(key), 1, wait);
}

size_t tr_keyed_limiter_keys(tr_keyed_limiter *l)
{
    size_t count;

    if (l == NULL)
        return 0;
    tr__latch_lock(&l->latch);
    count = l->count;
    tr__latch_unlock(&l->latch);
    return count;
}
