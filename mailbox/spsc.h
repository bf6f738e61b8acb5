/* A lane: parcels from one loop to another, by value, first in first out, unbounded.
 *
 * It is a chain of chunks. The producer fills the last chunk and links a new one when it is full;
 * the consumer empties the first, and hands it back for reuse through a slot for one chunk. So a
 * flow that keeps up goes round in two or three chunks of cache, and one that does not grows, in
 * order. There is no state 'full', so nobody ever waits for room.
 *
 *     first                                                     last
 *     +---------+     +---------+               +---------------------------+
 *     | popped  | --> | ready   | --> ... -->   | published | staged | free  |
 *     +---------+     +---------+               +---------------------------+
 *          ^ popped                                          ^ tail  ^ staged
 *
 * Positions count parcels from the beginning of time; the place of position p is p % TR__CHUNK of
 * its chunk. Invariant: popped <= seen <= tail <= staged.
 *
 * Who may touch what:          producer       consumer
 *   chunk cells [.., staged)   writes         -
 *   chunk cells [.., tail)     -              reads
 *   last, staged, published    reads, writes  -
 *   first, popped, seen        -              reads, writes
 *   tail                       release-stores acquire-loads     linearization point of a push: the
 *                                                               store of tail that covers it
 *   spare                      takes          gives             NULL: the consumer may give; else
 *                                                               the producer may take
 * One thread is the producer and one the consumer; both may change if the change itself is
 * synchronized. */
#ifndef TR_MAILBOX_SPSC_H
#define TR_MAILBOX_SPSC_H

#include <stdbool.h>
#include <stddef.h>

#include "base/atomic.h"
#include "base/compiler.h"
#include "mailbox/parcel.h"

#define TR__CHUNK 512 /* parcels: 16 KiB */

typedef struct tr__chunk {
    tr__parcel cells[TR__CHUNK];
    struct tr__chunk *next; /* written before the first parcel behind it is published */
} tr__chunk;

typedef struct tr__lane {
    /* The producer's. */
    TR__ALIGNED(TR__CACHE_LINE) tr__chunk *last;
    uint64_t staged;
    uint64_t published; /* a copy of tail */
    /* The producer writes it, the consumer reads it. */
    TR__ALIGNED(TR__CACHE_LINE) uint64_t tail;
    /* The consumer's. */
    TR__ALIGNED(TR__CACHE_LINE) tr__chunk *first;
    uint64_t popped;
    uint64_t seen;      /* a copy of tail, as last read */
    uint64_t first_end; /* position behind the first chunk */
    /* A chunk on its way back. */
    TR__ALIGNED(TR__CACHE_LINE) tr__chunk *spare;
} tr__lane;

/* NULL: out of memory. */
tr__lane *tr__lane_new(void);
/* Only when neither side uses it any more; parcels left in it are forgotten. NULL is allowed. */
void tr__lane_free(tr__lane *lane);

/* Producer: make the chunk that the next parcel needs. false: out of memory, nothing has
 * changed. */
bool tr__lane_grow_spsc(tr__lane *lane);
/* Consumer: leave a chunk that is used up for the next one, which must exist. */
void tr__lane_advance_spsc(tr__lane *lane);

/* Producer: stage a parcel; the consumer sees it after the next publish. false: out of memory. */
static TR__ALWAYS_INLINE bool tr__lane_stage_spsc(tr__lane *lane, const tr__parcel *parcel)
{
    size_t place = (size_t)(lane->staged % TR__CHUNK);

    if (TR__UNLIKELY(place == 0 && lane->staged != 0) && !tr__lane_grow_spsc(lane))
        return false;
    lane->last->cells[place] = *parcel;
    lane->staged++;
    return true;
}

/* Producer: how many parcels are staged and not published. */
static inline uint64_t tr__lane_unpublished(const tr__lane *lane)
{
    return lane->staged - lane->published;
}

/* Producer: let the consumer see all that is staged. */
static inline void tr__lane_publish_spsc(tr__lane *lane)
{
    lane->published = lane->staged;
    /* release: publishes the cells before it, and the links to their chunks; pairs with the acquire
     * in tr__lane_peek_spsc. */
    tr__store_release_u64(&lane->tail, lane->staged);
}

/* Consumer: the next parcel, without taking it; NULL when there is none.
 * It is borrowed until tr__lane_pop_spsc. */
static TR__ALWAYS_INLINE const tr__parcel *tr__lane_peek_spsc(tr__lane *lane)
{
    if (lane->popped == lane->seen) {
        /* acquire: pairs with the release in tr__lane_publish_spsc: the cells are visible. */
        lane->seen = tr__load_acquire_u64(&lane->tail);
        if (lane->popped == lane->seen)
            return NULL;
    }
    if (TR__UNLIKELY(lane->popped == lane->first_end))
        tr__lane_advance_spsc(lane);
    return &lane->first->cells[lane->popped % TR__CHUNK];
}

/* Consumer: take what was peeked at. */
static TR__ALWAYS_INLINE void tr__lane_pop_spsc(tr__lane *lane)
{
    lane->popped++;
}

#endif
