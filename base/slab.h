/* Pools of small blocks: a slab a loop, without any lock on the common path, and one depot, through
 * which blocks that gather on one loop flow back to another.
 *
 *   class        0    1    2    3     4     5     6     7
 *   block bytes  32   64   128  256   512   1024  2048  4096       more: from the allocator
 *
 * A slab holds a magazine a class: a list of free blocks of at most TR__MAGAZINE, and a second,
 * full one or none. Taking from an empty magazine gets the second one, then one from the depot,
 * then fresh memory; giving to a full one moves the second one to the depot. So a loop that
 * alternates at a boundary never goes to the depot (Bonwick's magazines, USENIX 2001).
 *
 * Invariants: count is the length of top; spare is NULL or holds TR__MAGAZINE blocks; every list in
 * the depot holds TR__MAGAZINE blocks. Memory goes back to the system only with the depot: until
 * then a block stays a block of its class.
 *
 * Handles are blocks that somebody outside may keep longer than the runtime runs (futures, tasks).
 * They are counted, and a depot that is retired while some are out stays until the last is back.
 * Invariant: handles out = the sum of `handles` over the depot and its slabs.
 *
 * Threads: a slab belongs to its loop; the depot is anybody's. */
#ifndef TR_BASE_SLAB_H
#define TR_BASE_SLAB_H

#include <pthread.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/compiler.h"
#include "base/sanitize.h"
#include "base/seam.h"

#define TR__CLASSES         8
#define TR__CLASS_MIN_BYTES 32
#define TR__CLASS_MAX_BYTES 4096
#define TR__MAGAZINE        128

/* A free block; what is behind these words is undefined. */
typedef struct tr__block {
    struct tr__block *next;
    struct tr__block *next_list; /* of the first block of a list in the depot */
} tr__block;

typedef struct tr__depot {
    pthread_mutex_t lock;
    tr__block *lists[TR__CLASSES];   /* full ones */
    tr__block *singles[TR__CLASSES]; /* given back by foreign threads */
    struct tr__arena *arenas;
    int64_t handles;
    bool is_retired; /* no slab is left */
} tr__depot;

typedef struct tr__magazine {
    tr__block *top;
    uint32_t count;
    tr__block *spare;
    char *fresh; /* memory never used yet: [fresh, fresh_end) */
    char *fresh_end;
} tr__magazine;

typedef struct tr__slab {
    tr__magazine magazines[TR__CLASSES];
    tr__depot *depot;
    int64_t handles;
    char *run; /* memory that runs for magazines are cut from: [run, run_end) */
    char *run_end;
} tr__slab;

void tr__depot_init(tr__depot *depot);
/* Give all memory back; no slab of this depot may be used afterwards. */
void tr__depot_fini(tr__depot *depot);
/* A depot of its own; NULL: out of memory. */
tr__depot *tr__depot_new(void);
/* All its slabs are gone: free it now, or with the last handle. Returns how many are out. */
int64_t tr__depot_retire(tr__depot *depot);
/* Give a block back from a thread that has no slab. */
void tr__depot_put(tr__depot *depot, void *block, unsigned size_class);

/* The same for a handle; the depot may be retired. */
void tr__depot_put_handle(tr__depot *depot, void *block, unsigned size_class);

void tr__slab_init(tr__slab *slab, tr__depot *depot);
/* The slab is not used any more: its depot goes on counting its handles. */
void tr__slab_fini(tr__slab *slab);

/* The class of blocks of at least bytes (1 to TR__CLASS_MAX_BYTES). */
static inline unsigned tr__class_of(size_t bytes)
{
    return bytes <= TR__CLASS_MIN_BYTES
               ? 0
               : 59U - (unsigned)__builtin_clzll((unsigned long long)(bytes - 1));
}

static inline size_t tr__class_bytes(unsigned size_class)
{
    return (size_t)TR__CLASS_MIN_BYTES << size_class;
}

/* The slow halves of the two below. */
void *tr__slab_refill(tr__slab *slab, unsigned size_class);
void tr__slab_flush(tr__slab *slab, unsigned size_class);

/* A block from the magazine, not zeroed; NULL: it is empty.
 * Threads: the slab's loop. */
static TR__ALWAYS_INLINE void *tr__slab_take_ready(tr__slab *slab, unsigned size_class)
{
    tr__magazine *magazine = &slab->magazines[size_class];
    tr__block *block = magazine->top;

    if (TR__UNLIKELY(block == NULL) || tr__faults_are_armed())
        return NULL;
    magazine->top = block->next;
    magazine->count--;
    tr__memory_unpoison(block, tr__class_bytes(size_class));
    return block;
}

/* A block, not zeroed; NULL: out of memory.
 * Threads: the slab's loop. */
static TR__ALWAYS_INLINE void *tr__slab_take(tr__slab *slab, unsigned size_class)
{
    tr__magazine *magazine = &slab->magazines[size_class];
    tr__block *block = magazine->top;

    if (tr__fault_strikes(TR__FAULT_MEMORY))
        return NULL;
    if (TR__UNLIKELY(block == NULL))
        return tr__slab_refill(slab, size_class);
    magazine->top = block->next;
    magazine->count--;
    tr__memory_unpoison(block, tr__class_bytes(size_class));
    return block;
}

/* Give a block back; it may come from any slab of the same depot.
 * Threads: the slab's loop. */
static TR__ALWAYS_INLINE void tr__slab_give(tr__slab *slab, void *block, unsigned size_class)
{
    tr__magazine *magazine = &slab->magazines[size_class];
    tr__block *freed = block;

    freed->next = magazine->top;
    magazine->top = freed;
    tr__memory_poison(freed + 1, tr__class_bytes(size_class) - sizeof(*freed));
    if (TR__UNLIKELY(++magazine->count == TR__MAGAZINE))
        tr__slab_flush(slab, size_class);
}

#endif
