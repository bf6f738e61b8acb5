/* Memory that is freed all at once: chunks. */
#include "http/arena.h"

#include <string.h>

#include "base/seam.h"

#define HEADER_BYTES                                                                               \
    ((sizeof(tr__arena_chunk) + TR__ARENA_ALIGN - 1) & ~(size_t)(TR__ARENA_ALIGN - 1))

static char *content_of(tr__arena_chunk *chunk)
{
    return (char *)chunk + HEADER_BYTES;
}

static void free_chunks(tr__arena_chunk *chunk)
{
    while (chunk != NULL) {
        tr__arena_chunk *next = chunk->next;

        tr__free(chunk);
        chunk = next;
    }
}

void tr__arena_fini(tr__arena *arena)
{
    free_chunks(arena->chunks);
    tr__arena_init(arena);
}

void tr__arena_reset(tr__arena *arena)
{
    tr__arena_chunk *newest = arena->chunks;

    if (newest == NULL)
        return;
    free_chunks(newest->next);
    newest->next = NULL;
    arena->at = content_of(newest);
    arena->end = arena->at + newest->bytes;
}

static tr__arena_chunk *take_chunk(size_t bytes)
{
    tr__arena_chunk *chunk;

    if (bytes > SIZE_MAX / 2)
        return NULL;
    chunk = tr__alloc(HEADER_BYTES + bytes);
    if (chunk != NULL)
        *chunk = (tr__arena_chunk){ .bytes = bytes };
    return chunk;
}

/* The size of the next ordinary chunk. */
static size_t next_bytes(const tr__arena *arena)
{
    size_t bytes = arena->chunks == NULL ? TR__ARENA_FIRST : 2 * arena->chunks->bytes;

    return bytes < TR__ARENA_MOST ? bytes : TR__ARENA_MOST;
}

/* A block that has a chunk of its own: the newest one stays the newest. */
static void *take_large(tr__arena *arena, size_t bytes)
{
    tr__arena_chunk *chunk = take_chunk(bytes);

    if (chunk == NULL)
        return NULL;
    chunk->next = arena->chunks->next;
    arena->chunks->next = chunk;
    return content_of(chunk);
}

/* Chunks are aligned for whatever type. */
void *tr__arena_take_chunk(tr__arena *arena, size_t bytes)
{
    size_t ordinary = next_bytes(arena);
    tr__arena_chunk *chunk;

    if (bytes > ordinary / 2 && arena->chunks != NULL)
        return take_large(arena, bytes);
    chunk = take_chunk(bytes < ordinary ? ordinary : bytes);
    if (chunk == NULL)
        return NULL;
    chunk->next = arena->chunks;
    arena->chunks = chunk;
    arena->at = content_of(chunk) + bytes;
    arena->end = content_of(chunk) + chunk->bytes;
    return content_of(chunk);
}

void *tr__arena_take_zeroed(tr__arena *arena, size_t bytes)
{
    void *block = tr__arena_take(arena, bytes);

    return block == NULL ? NULL : memset(block, 0, bytes);
}

char *tr__arena_copy(tr__arena *arena, const char *text, size_t bytes)
{
    char *copy = bytes == SIZE_MAX ? NULL : tr__arena_take_aligned(arena, bytes + 1, 1);

    if (copy == NULL)
        return NULL;
    if (bytes > 0)
        memcpy(copy, text, bytes);
    copy[bytes] = '\0';
    return copy;
}
