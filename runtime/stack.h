/* Stacks for contexts, pooled by each loop.
 *
 *   a stack of bytes:  |guard|            free |  frames  | record |  colour |
 *                      base  low                        top       64 * (i % 16)
 *
 * A stack is address space; only what was touched has memory. Its record stands in its own top
 * page, so that a context that is parked with few frames keeps one page. Tops are coloured: at one
 * offset from their page's end all would lie in a few sets of the cache (12 ns a visit instead of
 * 47, over 100,000 stacks).
 *
 * Stacks of the default size are cut from regions of 64. Each is in one state:
 *
 *   cold   no memory behind it, and no record; a bit in its region
 *   free   on the free list; the last one given is the first one taken
 *   spare  as free, when the free list held TR__STACKS_FREE_MAX
 *   taken  a context's
 *
 * cold -> taken: none is free or spare.  spare -> cold: as many as were not needed for a second,
 * TR__STACKS_COOLED a tick: a timer of the loop's sees to that, and is started only while some
 * are spare (decision 024).
 * Regions are unmapped with the pool. Stacks of other sizes have a mapping each; the last few that
 * were given back are kept.
 *
 * The guard is one page: a function whose frame is larger may step over it, unless it was compiled
 * with -fstack-clash-protection, which touches each page.
 *
 * Threads: the owner's only. */
#ifndef TR_RUNTIME_STACK_H
#define TR_RUNTIME_STACK_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/compiler.h"
#include "base/sanitize.h"
#include "base/seam.h"
#include "runtime/timer.h"

#define TR__STACK_BYTES       ((size_t)64 << 10)
#define TR__STACK_BYTES_MAX   ((size_t)1 << 30)
#define TR__STACKS_FREE_MAX   16384
#define TR__STACKS_SPARE_NS   UINT64_C(1000000000)
#define TR__STACKS_COOLED     32
#define TR__STACKS_STEPS_MOST 8
#define TR__STACKS_SIZED_MAX  32 /* free ones of other sizes */
#define TR__STACK_COLOURS     16

typedef struct tr__stack_region tr__stack_region;

/* One cache line, next to the first frame. */
typedef struct tr__stack {
    struct tr__stack *next;   /* on the free list */
    char *low;                /* lowest usable byte */
    char *top;                /* the context begins here: 16-aligned, just below this record */
    size_t bytes;             /* with guard, record and colour */
    size_t guard_bytes;       /* below low; 0: it has no guard */
    tr__stack_region *region; /* NULL: a mapping of its own */
    uint32_t guard;           /* tr__guard, with a mapping of its own */
    uint32_t valgrind;        /* valgrind's number of it */
} TR__ALIGNED(TR__CACHE_LINE) tr__stack;

_Static_assert(sizeof(tr__stack) == TR__CACHE_LINE, "a line");

typedef struct tr__stack_pool {
    tr__stack *free;
    size_t free_count;
    tr__stack *spare;
    size_t spare_count;
    size_t spare_least;        /* the fewest since the second began */
    size_t surplus;            /* of the second before: still to be made cold */
    uint64_t cooled_ns;        /* when some were made so */
    tr__timer trimmer;         /* started while there are spare ones */
    tr__wheel *wheel;          /* NULL: spare ones stay until the end */
    tr__stack_region *ready;   /* those with cold stacks */
    tr__stack_region *regions; /* all */
    tr__stack *sized;          /* free ones of other sizes */
    size_t sized_count;
    size_t sized_made; /* and not unmapped */
    size_t free_quick; /* below so many free ones, giving is quick: TR__STACKS_FREE_MAX; in debug
                          mode, where each stack is looked at, 0 */
    size_t bytes;      /* of a stack */
    size_t page_bytes;
    bool is_guarded;
} tr__stack_pool;

/* default_bytes of address space a stack (0: 64 KiB), rounded up to pages: at least four, at most a
 * gigabyte. Memory is given back by a timer in that wheel, which outlasts the pool; NULL: with the
 * pool. */
void tr__stack_pool_init(tr__stack_pool *pool, size_t default_bytes, bool guarded,
                         tr__wheel *wheel);
/* Unmap all; every stack must be back. */
void tr__stack_pool_fini(tr__stack_pool *pool);

/* The slow halves of the two below. */
tr__stack *tr__stack_take_slowly(tr__stack_pool *pool) TR__COLD;
void tr__stack_give_slowly(tr__stack_pool *pool, tr__stack *stack) TR__COLD;

/* A stack of the default size; NULL: out of memory. */
static TR__ALWAYS_INLINE tr__stack *tr__stack_take(tr__stack_pool *pool)
{
    tr__stack *stack = pool->free;

    if (tr__fault_strikes(TR__FAULT_MEMORY))
        return NULL;
    if (TR__UNLIKELY(stack == NULL))
        return tr__stack_take_slowly(pool);
    pool->free = stack->next;
    pool->free_count--;
    tr__memory_unpoison(stack->low, (size_t)(stack->top - stack->low));
    return stack;
}

/* A stack of another size, rounded as there. NULL: out of memory, or more than a gigabyte. */
tr__stack *tr__stack_take_sized(tr__stack_pool *pool, size_t bytes);

/* Give back a stack of whichever size, that nothing runs on any more. */
static TR__ALWAYS_INLINE void tr__stack_give(tr__stack_pool *pool, tr__stack *stack)
{
    tr__memory_poison(stack->low, (size_t)(stack->top - stack->low));
    if (TR__UNLIKELY(stack->region == NULL || pool->free_count >= pool->free_quick)) {
        tr__stack_give_slowly(pool, stack);
        return;
    }
    stack->next = pool->free;
    pool->free = stack;
    pool->free_count++;
}

/* Whether the address lies in the stack's guard. Async-signal-safe. */
static inline bool tr__stack_guards(const tr__stack *stack, const void *address)
{
    uintptr_t at = (uintptr_t)address;
    uintptr_t low = (uintptr_t)stack->low;

    return at < low && at >= low - stack->guard_bytes;
}

#endif
