/* A lock for many readers or one writer, fair: a reader does not pass a writer who waits.
 *
 * word: the number of readers, or WRITER; and AWAITED: somebody waits, or has waited. While that is
 * set, the word changes under the queue's lock only; otherwise by compare and swap. A waiter wants
 * 1, or WRITER: what it will add to the word. */
#include <math.h>

#include <troupe/sync.h>

#include "base/atomic.h"
#include "sync/held.h"
#include "sync/wait_queue.h"

#define AWAITED (UINT64_C(1) << 63)
#define WRITER  (UINT64_C(1) << 62)
#define READER  UINT64_C(1)

typedef struct rwlock {
    uint64_t word;
    uint64_t writer; /* tr__who of it; written by who has the lock to write, or hands it over */
    tr__wait_queue queue;
} rwlock;

_Static_assert(sizeof(rwlock) <= sizeof(tr_rwlock), "fits its public place");

static rwlock *inside(tr_rwlock *l)
{
    return (rwlock *)(void *)l;
}

static bool is_writer(const rwlock *l)
{
    /* relaxed: nobody else ever writes the caller there. */
    return tr__load_relaxed_u64(&l->writer) == tr__who();
}

static void set_writer(rwlock *l, uint64_t who)
{
    /* relaxed: see is_writer. */
    tr__store_relaxed_u64(&l->writer, who);
}

/* Whether it may be added to a word without AWAITED. */
static bool fits(uint64_t word, uint64_t wanted)
{
    return wanted == WRITER ? word == 0 : (word & WRITER) == 0;
}

/* Take it if it is free for that and nobody waits. */
static bool take(rwlock *l, uint64_t wanted)
{
    for (;;) {
        /* relaxed: the exchange below fails if it has changed. */
        uint64_t word = tr__load_relaxed_u64(&l->word);

        if ((word & AWAITED) != 0 || !fits(word, wanted))
            return false;
        /* ordered: what those before did is visible; pairs with those in tr_rwlock_unlock. */
        if (tr__cas_ordered_u64(&l->word, word, word + wanted)) {
            if (wanted == WRITER)
                set_writer(l, tr__who());
            return true;
        }
    }
}

/* Say that somebody waits; false: the word has changed. */
static bool announce(rwlock *l, uint64_t word)
{
    /* ordered: who unlocks sees it, or came before. */
    return tr__cas_ordered_u64(&l->word, word, word | AWAITED);
}

/* Under the lock of the queue: take it, or false: somebody waits from now on. */
static bool take_or_announce(rwlock *l, uint64_t wanted)
{
    for (;;) {
        /* relaxed: as in take. */
        uint64_t word = tr__load_relaxed_u64(&l->word);

        if ((word & AWAITED) != 0 || (!fits(word, wanted) && announce(l, word)))
            return false;
        if (take(l, wanted))
            return true;
    }
}

/* Under the lock of the queue, with AWAITED: let those go on for whom it is free. */
static void serve(rwlock *l, tr__wakes *wakes)
{
    /* relaxed: nobody else changes it now. */
    uint64_t word = tr__load_relaxed_u64(&l->word) & ~AWAITED;
    tr__queued *first;

    while ((first = l->queue.line.first) != NULL && fits(word, first->wants)) {
        word += first->wants;
        if (first->wants == WRITER)
            set_writer(l, (uintptr_t)first->place);
        (void)tr__grant(first, 0, wakes); /* nobody chooses here */
    }
    /* release: pairs with the one in take. */
    tr__store_release_u64(&l->word, first != NULL ? word | AWAITED : word);
}

/* A writer who has left may have stood before readers. */
static void serve_others(rwlock *l)
{
    tr__wakes wakes;

    tr__wakes_init(&wakes);
    tr__wait_queue_lock(&l->queue);
    /* relaxed: it is set and reset under the lock. */
    if ((tr__load_relaxed_u64(&l->word) & AWAITED) != 0)
        serve(l, &wakes);
    tr__wait_queue_unlock(&l->queue);
    tr__wakes_send(&wakes);
}

static uint64_t holder(const tr__queued *waiter)
{
    const rwlock *l = TR__CONTAINER_OF(waiter->line, const rwlock, queue.line);

    /* relaxed: it may be another one already. */
    return tr__load_relaxed_u64(&l->writer);
}

static const tr__sought for_reading = {
    .what = "a lock, to read",
    .line_offset = offsetof(rwlock, queue.line),
    .holder = holder,
};
static const tr__sought for_writing = {
    .what = "a lock, to write",
    .line_offset = offsetof(rwlock, queue.line),
    .holder = holder,
};

static TR__NOINLINE int wait(rwlock *l, uint64_t wanted, double timeout)
{
    tr__queued waiter = { .sought = wanted == WRITER ? &for_writing : &for_reading,
                          .wants = wanted,
                          .place = (void *)(uintptr_t)tr__who() };
    int rc;

    tr__wait_queue_lock(&l->queue);
    if (take_or_announce(l, wanted)) {
        tr__wait_queue_unlock(&l->queue);
        return 0;
    }
    rc = tr__wait_in(&l->queue, &waiter, timeout);
    if (rc < 0)
        serve_others(l);
    return rc;
}

static int lock_for(tr_rwlock *lock, uint64_t wanted, double timeout, const void *place)
{
    rwlock *l = inside(lock);
    int rc;

    if (l == NULL || isnan(timeout))
        return TR_EINVAL;
    rc = tr__may_wait();
    if (rc == 0 && !take(l, wanted))
        rc = is_writer(l) ? TR_EDEADLK : wait(l, wanted, timeout);
    if (rc == 0)
        tr__held_take(l, "rwlock", place);
    return rc;
}

int tr_rwlock_read_lock_for(tr_rwlock *l, double timeout)
{
    return lock_for(l, READER, timeout, __builtin_return_address(0));
}

int tr_rwlock_write_lock_for(tr_rwlock *l, double timeout)
{
    return lock_for(l, WRITER, timeout, __builtin_return_address(0));
}

static int try_lock(tr_rwlock *l, uint64_t wanted, const void *place)
{
    if (l == NULL)
        return TR_EINVAL;
    if (!take(inside(l), wanted))
        return is_writer(inside(l)) ? TR_EDEADLK : TR_EBUSY;
    tr__held_take(l, "rwlock", place);
    return 0;
}

int tr_rwlock_try_read_lock(tr_rwlock *l)
{
    return try_lock(l, READER, __builtin_return_address(0));
}

int tr_rwlock_try_write_lock(tr_rwlock *l)
{
    return try_lock(l, WRITER, __builtin_return_address(0));
}

/* Where somebody waits, or has waited. *done: else that is over. */
static int give_to_waiters(rwlock *l, uint64_t held, bool *done)
{
    tr__wakes wakes;
    uint64_t word;
    bool is_held;

    tr__wakes_init(&wakes);
    tr__wait_queue_lock(&l->queue);
    /* relaxed: while AWAITED it changes under the lock only. */
    word = tr__load_relaxed_u64(&l->word);
    *done = (word & AWAITED) != 0;
    is_held = (word & ~AWAITED) >= held;
    if (*done && is_held) {
        /* release: pairs with the one in take. */
        tr__store_release_u64(&l->word, word - held);
        serve(l, &wakes);
    }
    tr__wait_queue_unlock(&l->queue);
    tr__wakes_send(&wakes);
    return is_held ? 0 : TR_EPERM;
}

static int give_back(rwlock *l, uint64_t held)
{
    for (;;) {
        /* relaxed: the exchange below fails if it has changed. */
        uint64_t word = tr__load_relaxed_u64(&l->word);
        bool done;
        int rc;

        if ((word & AWAITED) != 0) {
            rc = give_to_waiters(l, held, &done);
            if (done)
                return rc;
            continue;
        }
        if (word < held)
            return TR_EPERM;
        /* ordered: publishes what the caller did; pairs with the one in take. */
        if (tr__cas_ordered_u64(&l->word, word, word - held))
            return 0;
    }
}

int tr_rwlock_unlock(tr_rwlock *l)
{
    if (l == NULL)
        return TR_EINVAL;
    tr__held_give(l);
    if (is_writer(inside(l))) {
        set_writer(inside(l), 0);
        return give_back(inside(l), WRITER);
    }
    /* relaxed: while the caller reads, nobody writes. */
    if ((tr__load_relaxed_u64(&inside(l)->word) & WRITER) != 0)
        return TR_EPERM;
    return give_back(inside(l), READER);
}

/* ---- blocks ---- */

tr_rwlock_guard tr__rwlock_enter(tr_rwlock *l, bool to_write, int *rc)
{
    int result = lock_for(l, to_write ? WRITER : READER, TR_FOREVER, __builtin_return_address(0));

    if (rc != NULL)
        *rc = result;
    return (tr_rwlock_guard){ result == 0 ? l : NULL };
}

void tr__rwlock_leave(tr_rwlock_guard *guard)
{
    if (guard->tr__held != NULL)
        (void)tr_rwlock_unlock(guard->tr__held); /* it is the caller's */
    guard->tr__held = NULL;
}
