/* A lane: parcels arrive once, whole, in order, through chunks that are used again.
 *
 * What it models: tr__lane_stage_spsc, tr__lane_publish_spsc, tr__lane_grow_spsc,
 * tr__lane_peek_spsc, tr__lane_pop_spsc, tr__lane_advance_spsc (mailbox/spsc.h, spsc.c), and their
 * use: staged one by one, published together (tr__loop_publish in runtime/loop.c). The fields are
 * named as there.
 *
 * What is abstracted, and why that is sound:
 *   - a chunk holds CHUNK parcels, not 512; nothing depends on the number, and the smallest ones
 *     meet each border most often. A parcel is its position, counted from 1.
 *   - the allocator is a bit for each chunk; what it hands out has cells and a link that hold
 *     rubbish: 0. It fails once, at any time.
 *   - who wakes the consumer is park.pml's matter: here it waits until tail has changed.
 * Memory is WEAK (memory.inc): on TSO no store passes another, and a release costs nothing and
 * proves nothing. Loads that are late or early are broken variants: NO_RELEASE_SPARE reads the last
 * cell of a chunk when it has given the chunk back, NO_ACQUIRE_TAIL reads a cell before tail.
 *
 * Properties: the consumer pops 1, 2, 3, ..., all of them; nobody touches a chunk that was freed; a
 * chunk is the chain's, or spare, or free, and none is lost.
 *
 * Bounds: PARCELS parcels, in chunks of CHUNK, of which there are CHUNKS at most: 2.3 and
 * 1.1 million states. */

/* bounds: CHUNK=1,PARCELS=5 CHUNK=2,PARCELS=6 */
/* broken: NO_RELEASE_TAIL NO_RELEASE_SPARE NO_ACQUIRE_TAIL LINKS_LATE GIVES_OVER KEEPS_SPARE */

#ifndef CHUNK
#define CHUNK 1
#endif
#ifndef PARCELS
#define PARCELS 4
#endif
#define CHUNKS 5

#define PRODUCER 0
#define CONSUMER 1
#define THREADS  2

/* Variables. Chunks are numbered from 1; 0 is NULL. */
#define TAIL 0
#define SPARE 1
#define NEXT(chunk) (1 + (chunk))
#define CELL(chunk, position) (2 + CHUNKS + ((chunk) - 1) * CHUNK + (position) % CHUNK)
#define VARS (2 + CHUNKS + CHUNKS * CHUNK)
#define BUFFER 6
#define WEAK
#include "memory.inc"

/* The allocator's. */
bit is_used[CHUNKS + 1];
bit has_failed;

/* The lane's, but for tail and spare. */
byte first = 1, last = 1;

#ifdef BROKEN_NO_RELEASE_TAIL
#define STORE_TAIL(value) STORE_RELAXED(TAIL, value)
#else
#define STORE_TAIL(value) STORE_RELEASE(TAIL, value)
#endif

/* ---- the producer ---- */

/* tr__alloc: a chunk whose memory holds rubbish, or NULL. */
inline alloc(into)
{
    if
    :: !has_failed -> has_failed = 1; into = 0
    :: d_step {
            into = 1;
            do
            :: is_used[into] -> into++
            :: else -> break
            od;
            is_used[into] = 1;
            mem[NEXT(into)] = 0;
            i = 0;
            do
            :: i < CHUNK -> mem[CELL(into, i)] = 0; i++
            :: else -> break
            od;
            i = 0
        }
    fi
}

/* tr__lane_grow_spsc; chunk is 0 afterwards if there was no memory. */
inline grow()
{
    LOAD(SPARE, chunk);
    if
    :: chunk != 0 ->
#ifndef BROKEN_KEEPS_SPARE
        STORE_RELAXED(SPARE, 0);
#endif
        STORE_RELAXED(NEXT(chunk), 0)
    :: else ->
        alloc(chunk);
        if
        :: chunk != 0 -> STORE_RELAXED(NEXT(chunk), 0)
        :: else
        fi
    fi;
    if
    :: chunk != 0 ->
#ifdef BROKEN_LINKS_LATE
        before = last;
#else
        STORE_RELAXED(NEXT(last), chunk);
#endif
        last = chunk
    :: else
    fi
}

inline publish()
{
    published = staged;
    STORE_TAIL(staged);
#ifdef BROKEN_LINKS_LATE
    if
    :: before != 0 -> STORE_RELAXED(NEXT(before), last); before = 0
    :: else
    fi
#endif
}

proctype Producer()
{
    byte self = PRODUCER, staged = 0, published = 0, chunk, i = 0;
#ifdef BROKEN_LINKS_LATE
    byte before = 0;
#endif

    do
    :: staged < PARCELS ->
        chunk = last;
        if
        :: staged % CHUNK == 0 && staged != 0 -> grow()
        :: else
        fi;
        if
        :: chunk != 0 ->
            assert(is_used[last]);
            STORE_RELAXED(CELL(last, staged), staged + 1);
            staged++
        :: else /* out of memory: the sender is told, and may try again */
        fi
    :: published < staged -> publish()
    :: else -> break
    od
}

/* ---- the consumer ---- */

inline pop(place)
{
    LOAD(place, value);
    assert(value == position + 1);
    position = 0; value = 0
}

/* tr__lane_advance_spsc */
inline advance()
{
    empty_one = first;
    LOAD(NEXT(first), first);
    assert(first != 0);
    first_end = first_end + CHUNK;
    LOAD(SPARE, value);
#ifdef BROKEN_GIVES_OVER
    value = 0;
#endif
    if
    :: value == 0 -> STORE_RELEASE(SPARE, empty_one)
    :: else ->
        d_step { /* tr__free */
            assert(is_used[empty_one]);
            is_used[empty_one] = 0
        }
    fi;
    value = 0;
#ifdef BROKEN_NO_RELEASE_SPARE
    position = popped - 1;
    pop(CELL(empty_one, position));
#endif
    empty_one = 0
}

proctype Consumer()
{
    byte self = CONSUMER, popped = 0, seen = 0, first_end = CHUNK;
    byte position = 0, value = 0, empty_one = 0;
#ifdef BROKEN_NO_ACQUIRE_TAIL
    bit is_early = 0;
#endif

    do
    :: popped < PARCELS ->
        /* tr__lane_peek_spsc */
#ifdef BROKEN_NO_ACQUIRE_TAIL
        if
        :: popped == seen && popped != first_end ->
            LOAD(CELL(first, popped), value);
            is_early = 1
        :: else
        fi;
#endif
        if
        :: popped == seen ->
            mem[TAIL] != seen;
            LOAD(TAIL, seen)
        :: else
        fi;
        if
        :: popped == first_end -> advance()
        :: else
        fi;
        assert(is_used[first]);
#if defined(BROKEN_NO_RELEASE_SPARE)
        if
        :: popped + 1 == first_end && popped + 1 < PARCELS /* it comes when it has moved on */
        :: else -> position = popped; pop(CELL(first, position))
        fi;
#elif defined(BROKEN_NO_ACQUIRE_TAIL)
        position = popped;
        if
        :: is_early ->
            assert(value == position + 1);
            is_early = 0; position = 0; value = 0
        :: else -> pop(CELL(first, position))
        fi;
#else
        position = popped;
        pop(CELL(first, position));
#endif
        popped++ /* tr__lane_pop_spsc */
    :: else -> break
    od
}

/* ---- the end ---- */

proctype Judge()
{
    byte chunk, chunks;

    timeout ->
    d_step {
        assert(mem[TAIL] == PARCELS);
        chunk = first;
        do
        :: chunk != 0 ->
            assert(is_used[chunk]);
            chunks++;
            chunk = mem[NEXT(chunk)]
        :: else -> break
        od;
        if
        :: mem[SPARE] != 0 -> assert(is_used[mem[SPARE]]); chunks++
        :: else
        fi;
        chunk = 1;
        do
        :: chunk <= CHUNKS -> chunks = chunks - is_used[chunk]; chunk++
        :: else -> break
        od;
        assert(chunks == 0)
    }
}

init {
    atomic {
        is_used[1] = 1; /* tr__lane_new */
        run Memory(PRODUCER);
        run Memory(CONSUMER);
        run Producer();
        run Consumer();
        run Judge()
    }
}
