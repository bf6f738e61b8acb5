/* The slow halves of the slabs, and their depot. */
#include "base/slab.h"

#include <string.h>

#include "base/assert.h"
#include "base/threads.h"

/* Arenas are what is asked of the system: small at first, then huge pages, for the first touch of a
 * fresh 4 KiB page costs about 2 us. */
enum {
    FIRST_ARENA_BYTES = 256 << 10,
    ARENA_BYTES = 2 << 20,
    RUN_BYTES = 16 << 10, /* what a magazine takes from its arena at a time */
    FRESH_BLOCKS = 16     /* what it cuts from that at a time */
};

typedef struct tr__arena {
    struct tr__arena *next;
    size_t bytes;
    char *at;
} tr__arena;

void tr__depot_init(tr__depot *depot)
{
    memset(depot, 0, sizeof(*depot));
    (void)pthread_mutex_init(&depot->lock, NULL); /* default attributes: can't fail */
}

void tr__depot_fini(tr__depot *depot)
{
    while (depot->arenas != NULL) {
        tr__arena *arena = depot->arenas;

        depot->arenas = arena->next;
        tr__memory_unpoison(arena->at, arena->bytes);
        tr__pages_unmap(arena->at, arena->bytes);
        tr__free(arena);
    }
    (void)pthread_mutex_destroy(&depot->lock);
}

tr__depot *tr__depot_new(void)
{
    tr__depot *depot = tr__alloc(sizeof(*depot));

    if (depot != NULL)
        tr__depot_init(depot);
    return depot;
}

static void free_depot(tr__depot *depot)
{
    tr__depot_fini(depot);
    tr__free(depot);
}

int64_t tr__depot_retire(tr__depot *depot)
{
    int64_t out;

    tr__mutex_lock(&depot->lock);
    out = depot->handles;
    depot->is_retired = true;
    tr__mutex_unlock(&depot->lock);
    if (out == 0)
        free_depot(depot);
    return out;
}

/* With the depot locked. */
static void put(tr__depot *depot, tr__block *freed, unsigned size_class)
{
    freed->next = depot->singles[size_class];
    depot->singles[size_class] = freed;
    tr__memory_poison(freed + 1, tr__class_bytes(size_class) - sizeof(*freed));
}

void tr__depot_put(tr__depot *depot, void *block, unsigned size_class)
{
    tr__mutex_lock(&depot->lock);
    put(depot, block, size_class);
    tr__mutex_unlock(&depot->lock);
}

void tr__depot_put_handle(tr__depot *depot, void *block, unsigned size_class)
{
    bool is_last;

    tr__mutex_lock(&depot->lock);
    put(depot, block, size_class);
    is_last = --depot->handles == 0 && depot->is_retired;
    tr__mutex_unlock(&depot->lock);
    if (is_last)
        free_depot(depot);
}

void tr__slab_init(tr__slab *slab, tr__depot *depot)
{
    memset(slab, 0, sizeof(*slab));
    slab->depot = depot;
}

void tr__slab_fini(tr__slab *slab)
{
    tr__mutex_lock(&slab->depot->lock);
    slab->depot->handles += slab->handles;
    tr__mutex_unlock(&slab->depot->lock);
    slab->handles = 0;
}

/* Map an arena and make it this slab's. */
static bool open_arena(tr__slab *slab)
{
    bool first = slab->run_end == NULL;
    size_t bytes = first ? FIRST_ARENA_BYTES : ARENA_BYTES;
    tr__arena *arena = tr__alloc(sizeof(*arena));

    if (arena == NULL)
        return false;
    arena->bytes = bytes;
    arena->at = tr__pages_map(bytes, bytes);
    if (arena->at == NULL) {
        tr__free(arena);
        return false;
    }
    if (!first)
        tr__pages_prefer_huge(arena->at, bytes);
    tr__mutex_lock(&slab->depot->lock);
    arena->next = slab->depot->arenas;
    slab->depot->arenas = arena;
    tr__mutex_unlock(&slab->depot->lock);
    slab->run = arena->at;
    slab->run_end = arena->at + bytes;
    return true;
}

/* A full list from the depot, or what foreign threads gave back; its length goes to *count. */
static tr__block *take_from_depot(tr__depot *depot, unsigned size_class, uint32_t *count)
{
    tr__block *list;

    tr__mutex_lock(&depot->lock);
    list = depot->lists[size_class];
    *count = TR__MAGAZINE;
    if (list != NULL) {
        depot->lists[size_class] = list->next_list;
    } else if (depot->singles[size_class] != NULL) {
        list = depot->singles[size_class];
        depot->singles[size_class] = list->next;
        list->next = NULL;
        *count = 1;
    }
    tr__mutex_unlock(&depot->lock);
    return list;
}

/* See to it that there is memory for this class that was never used. */
static bool open_run(tr__slab *slab, tr__magazine *magazine)
{
    if (magazine->fresh != magazine->fresh_end)
        return true;
    if (slab->run == slab->run_end && !open_arena(slab))
        return false;
    magazine->fresh = slab->run;
    magazine->fresh_end = slab->run + RUN_BYTES;
    slab->run += RUN_BYTES;
    return true;
}

/* Put some fresh blocks into an empty magazine, and return one; not many, for it touches them. They
 * are taken in the order of their addresses, which the core's prefetcher likes. */
static void *cut_fresh(tr__slab *slab, unsigned size_class)
{
    tr__magazine *magazine = &slab->magazines[size_class];
    size_t bytes = tr__class_bytes(size_class);
    size_t blocks;
    char *first;

    if (!open_run(slab, magazine))
        return NULL;
    first = magazine->fresh;
    blocks = (size_t)(magazine->fresh_end - first) / bytes;
    if (blocks > FRESH_BLOCKS)
        blocks = FRESH_BLOCKS;
    magazine->fresh += blocks * bytes;
    for (size_t i = blocks - 1; i > 0; i--) {
        tr__block *fresh = (tr__block *)(void *)(first + i * bytes);

        fresh->next = magazine->top;
        magazine->top = fresh;
        magazine->count++;
        tr__memory_poison(fresh + 1, bytes - sizeof(*fresh));
    }
    return first;
}

void *tr__slab_refill(tr__slab *slab, unsigned size_class)
{
    tr__magazine *magazine = &slab->magazines[size_class];
    tr__block *list = magazine->spare;
    uint32_t count = TR__MAGAZINE;

    TR_DCHECK(size_class < TR__CLASSES && magazine->count == 0);
    magazine->spare = NULL;
    if (list == NULL)
        list = take_from_depot(slab->depot, size_class, &count);
    if (list == NULL)
        return cut_fresh(slab, size_class);
    magazine->top = list->next;
    magazine->count = count - 1;
    tr__memory_unpoison(list, tr__class_bytes(size_class));
    return list;
}

void tr__slab_flush(tr__slab *slab, unsigned size_class)
{
    tr__magazine *magazine = &slab->magazines[size_class];
    tr__depot *depot = slab->depot;

    if (magazine->spare != NULL) {
        tr__mutex_lock(&depot->lock);
        magazine->spare->next_list = depot->lists[size_class];
        depot->lists[size_class] = magazine->spare;
        tr__mutex_unlock(&depot->lock);
    }
    magazine->spare = magazine->top;
    magazine->top = NULL;
    magazine->count = 0;
}
