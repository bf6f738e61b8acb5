/* The slow halves of a pool of stacks: regions, guards, and other sizes. */
#include "runtime/stack.h"

#include "base/assert.h"
#include "runtime/observer.h"
#include "runtime/stack_guard.h"

enum { REGION_STACKS = 64, PAGES_MIN = 4 };

struct tr__stack_region {
    tr__stack_region *next;
    tr__stack_region *next_ready; /* while it has cold stacks */
    char *at;
    uint64_t cold;    /* a bit a stack, as below */
    uint64_t guarded; /* has a guard, of whichever kind */
    uint32_t mapped_guards;
};

/* ---- one stack ---- */

static size_t rounded(const tr__stack_pool *pool, size_t bytes)
{
    size_t least = PAGES_MIN * pool->page_bytes;

    if (bytes < least)
        return least;
    return (bytes + pool->page_bytes - 1) / pool->page_bytes * pool->page_bytes;
}

/* Write the record of a stack that has none. */
static tr__stack *found(char *base, size_t bytes, size_t guard_bytes, size_t colour)
{
    char *end = base + bytes;
    char *at = end - TR__CACHE_LINE * (1 + colour % TR__STACK_COLOURS);
    tr__stack *stack = (tr__stack *)(void *)at;

    tr__memory_unpoison(base + guard_bytes, bytes - guard_bytes);
    *stack = (tr__stack){
        .low = base + guard_bytes, .top = at, .bytes = bytes, .guard_bytes = guard_bytes
    };
    stack->valgrind = tr__valgrind_stack_added(stack->low, stack->top);
    return stack;
}

static char *base_of(const tr__stack *stack)
{
    return stack->low - stack->guard_bytes;
}

/* Committed memory that huge pages keep away from: else each stack would have 2 MiB. */
static char *map_stacks(size_t bytes)
{
    char *at = tr__pages_reserve(bytes);

    if (at == NULL)
        return NULL;
    if (!tr__pages_commit(at, bytes)) {
        tr__pages_unmap(at, bytes);
        return NULL;
    }
    tr__pages_prefer_small(at, bytes);
    return at;
}

/* The allocator may get these addresses next, and knows nothing of our poison. */
static void unmap_stacks(char *at, size_t bytes)
{
    tr__memory_unpoison(at, bytes);
    tr__pages_unmap(at, bytes);
}

/* ---- regions ---- */

static void guard_region(const tr__stack_pool *pool, tr__stack_region *region)
{
    for (unsigned i = 0; i < REGION_STACKS; i++) {
        tr__guard guard = tr__guard_install(region->at + i * pool->bytes, pool->page_bytes);

        region->guarded |= (uint64_t)(guard != TR__GUARD_NONE) << i;
        region->mapped_guards += guard == TR__GUARD_MAPPED;
    }
}

static tr__stack_region *new_region(tr__stack_pool *pool)
{
    tr__stack_region *region = tr__alloc_zeroed(sizeof(*region));

    if (region == NULL)
        return NULL;
    region->at = map_stacks(REGION_STACKS * pool->bytes);
    if (region->at == NULL) {
        tr__free(region);
        return NULL;
    }
    if (pool->is_guarded)
        guard_region(pool, region);
    region->cold = UINT64_MAX;
    region->next = pool->regions;
    pool->regions = region;
    region->next_ready = pool->ready;
    pool->ready = region;
    return region;
}

static void free_region(const tr__stack_pool *pool, tr__stack_region *region)
{
    tr__guard_forget(region->mapped_guards);
    unmap_stacks(region->at, REGION_STACKS * pool->bytes);
    tr__free(region);
}

tr__stack *tr__stack_take_cold(tr__stack_pool *pool)
{
    tr__stack_region *region = pool->ready != NULL ? pool->ready : new_region(pool);
    size_t guard_bytes;
    tr__stack *stack;
    unsigned i;

    if (region == NULL)
        return NULL;
    i = (unsigned)__builtin_ctzll(region->cold);
    region->cold &= region->cold - 1;
    if (region->cold == 0)
        pool->ready = region->next_ready;
    guard_bytes = region->guarded >> i & 1 ? pool->page_bytes : 0;
    stack = found(region->at + i * pool->bytes, pool->bytes, guard_bytes, i);
    stack->region = region;
    return stack;
}

/* Give the memory back, and the record with it; false: the system refuses. */
static bool cool(tr__stack_pool *pool, const tr__stack *stack)
{
    tr__stack_region *region = stack->region;
    size_t i = (size_t)(base_of(stack) - region->at) / pool->bytes;
    unsigned valgrind = stack->valgrind;

    if (!tr__pages_discard(stack->low, stack->bytes - stack->guard_bytes))
        return false;
    tr__valgrind_stack_removed(valgrind);
    if (region->cold == 0) {
        region->next_ready = pool->ready;
        pool->ready = region;
    }
    region->cold |= UINT64_C(1) << i;
    return true;
}

/* ---- other sizes ---- */

static tr__stack *new_sized(tr__stack_pool *pool, size_t bytes)
{
    tr__guard guard = TR__GUARD_NONE;
    char *base = map_stacks(bytes);
    tr__stack *stack;

    if (base == NULL)
        return NULL;
    if (pool->is_guarded)
        guard = tr__guard_install(base, pool->page_bytes);
    stack = found(base, bytes, guard != TR__GUARD_NONE ? pool->page_bytes : 0, pool->sized_made++);
    stack->guard = (uint32_t)guard;
    return stack;
}

static void free_sized(tr__stack_pool *pool, tr__stack *stack)
{
    pool->sized_made--;
    tr__valgrind_stack_removed(stack->valgrind);
    tr__guard_forget(stack->guard == TR__GUARD_MAPPED);
    unmap_stacks(base_of(stack), stack->bytes);
}

static tr__stack *unlink_sized(tr__stack_pool *pool, tr__stack **link)
{
    tr__stack *stack = *link;

    *link = stack->next;
    pool->sized_count--;
    return stack;
}

tr__stack *tr__stack_take_sized(tr__stack_pool *pool, size_t bytes)
{
    if (bytes > TR__STACK_BYTES_MAX)
        return NULL;
    bytes = rounded(pool, bytes);
    if (bytes == pool->bytes)
        return tr__stack_take(pool);
    for (tr__stack **link = &pool->sized; *link != NULL; link = &(*link)->next)
        if ((*link)->bytes == bytes) {
            tr__stack *stack = unlink_sized(pool, link);

            tr__memory_unpoison(stack->low, (size_t)(stack->top - stack->low));
            return stack;
        }
    return new_sized(pool, bytes);
}

/* Keep it, and not the one that has been unused for longest. */
static void keep_sized(tr__stack_pool *pool, tr__stack *stack)
{
    tr__stack **link = &pool->sized;

    stack->next = pool->sized;
    pool->sized = stack;
    if (++pool->sized_count <= TR__STACKS_SIZED_MAX)
        return;
    while ((*link)->next != NULL)
        link = &(*link)->next;
    free_sized(pool, unlink_sized(pool, link));
}

void tr__stack_give_slowly(tr__stack_pool *pool, tr__stack *stack)
{
    if (tr__is_debugging())
        tr__upper_observer.stack_given(stack);
    if (stack->region == NULL) {
        keep_sized(pool, stack);
    } else if (pool->free_count < TR__STACKS_FREE_MAX || !cool(pool, stack)) {
        stack->next = pool->free;
        pool->free = stack;
        pool->free_count++;
    }
}

/* ---- pools ---- */

void tr__stack_pool_init(tr__stack_pool *pool, size_t default_bytes, bool guarded)
{
    *pool = (tr__stack_pool){ .free_quick = TR__STACKS_FREE_MAX,
                              .page_bytes = tr__page_bytes(),
                              .is_guarded = guarded };
    if (default_bytes == 0)
        default_bytes = TR__STACK_BYTES;
    pool->bytes =
        rounded(pool, default_bytes < TR__STACK_BYTES_MAX ? default_bytes : TR__STACK_BYTES_MAX);
}

/* Only for valgrind's ears: the records go with the regions. */
static void dismiss_free(const tr__stack_pool *pool)
{
    if (!tr__valgrind_listens())
        return;
    for (const tr__stack *stack = pool->free; stack != NULL; stack = stack->next)
        tr__valgrind_stack_removed(stack->valgrind);
}

void tr__stack_pool_fini(tr__stack_pool *pool)
{
    size_t taken = 0;

    dismiss_free(pool);
    while (pool->regions != NULL) {
        tr__stack_region *region = pool->regions;

        pool->regions = region->next;
        taken += REGION_STACKS - (size_t)__builtin_popcountll(region->cold);
        free_region(pool, region);
    }
    TR_ASSERT(taken == pool->free_count);
    while (pool->sized != NULL)
        free_sized(pool, unlink_sized(pool, &pool->sized));
    TR_ASSERT(pool->sized_made == 0);
}
