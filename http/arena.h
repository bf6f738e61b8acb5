/* Memory that is freed all at once: what belongs to a request, or to a parsed body.
 *
 *   chunks:   [ newest: used | free ] -> [ older: used ] -> ... -> NULL
 *             ^ at ^ end
 *
 * A block is cut from the newest chunk; where it does not fit, a chunk of twice the size of the one
 * before (from TR__ARENA_FIRST to TR__ARENA_MOST bytes) is taken from the allocator, or one of the
 * block's own size where that is large. Such a chunk stands behind the newest, so that the free
 * rest of that one is not lost.
 *
 * Threads: one at a time. */
#ifndef TR_HTTP_ARENA_H
#define TR_HTTP_ARENA_H

#include <stddef.h>
#include <stdint.h>

#include "base/compiler.h"

#define TR__ARENA_FIRST 1024
#define TR__ARENA_MOST  (64 * 1024)
#define TR__ARENA_ALIGN 16

typedef struct tr__arena_chunk {
    struct tr__arena_chunk *next;
    size_t bytes; /* behind this header */
} tr__arena_chunk;

/* Zeroed, it is an arena that holds nothing. */
typedef struct tr__arena {
    char *at;  /* the free part of the newest chunk, */
    char *end; /* NULL where there is none */
    tr__arena_chunk *chunks;
} tr__arena;

static inline void tr__arena_init(tr__arena *arena)
{
    *arena = (tr__arena){ 0 };
}

/* All of its memory goes back to the allocator; it may be used again. */
void tr__arena_fini(tr__arena *arena);

/* Everything that it holds is forgotten; the newest chunk is kept for what comes next. */
void tr__arena_reset(tr__arena *arena);

void *tr__arena_take_chunk(tr__arena *arena, size_t bytes);

/* A block, aligned to a power of two of at most 16, not zeroed; NULL: no memory. */
static inline void *tr__arena_take_aligned(tr__arena *arena, size_t bytes, size_t align)
{
    size_t skip = -(uintptr_t)arena->at & (align - 1);
    size_t room = (size_t)(arena->end - arena->at);
    char *block;

    if (TR__UNLIKELY(room < skip || room - skip < bytes || arena->at == NULL))
        return tr__arena_take_chunk(arena, bytes);
    block = arena->at + skip;
    arena->at = block + bytes;
    return block;
}

/* A block for whatever type. */
static inline void *tr__arena_take(tr__arena *arena, size_t bytes)
{
    return tr__arena_take_aligned(arena, bytes, TR__ARENA_ALIGN);
}

/* The same, zeroed. */
void *tr__arena_take_zeroed(tr__arena *arena, size_t bytes);

/* A copy of so many bytes, and a 0 behind them. */
char *tr__arena_copy(tr__arena *arena, const char *text, size_t bytes);

/* Give back the end of the block that was taken last: used of its bytes stay. Any other block is
 * left as it is. */
static inline void tr__arena_trim(tr__arena *arena, void *block, size_t bytes, size_t used)
{
    if ((char *)block + bytes == arena->at)
        arena->at = (char *)block + used;
}

#endif
