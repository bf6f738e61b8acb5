/* The slow halves of a pool of stacks: regions, guards, what is spare, and other sizes. */
#include "runtime/stack.h"

#include "base/assert.h"
#include "runtime/observer.h"
#include "runtime/stack_guard.h"

enum { REGION_STACKS = TR__GUARDS_EACH, PAGES_MIN = 4 };

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
        region->guarded = tr__guard_install_each(region->at, pool->page_bytes, pool->bytes,
                                                 &region->mapped_guards);
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

static tr__stack *take_cold(tr__stack_pool *pool)
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

/* One that lay between these addresses has lost its memory. */
static void note_cold(tr__stack_pool *pool, tr__stack_region *region, const char *low)
{
    if (region->cold == 0) {
        region->next_ready = pool->ready;
        pool->ready = region;
    }
    region->cold |= UINT64_C(1) << (size_t)(low - region->at) / pool->bytes;
}

/* ---- spare stacks ---- */

static void push_spare(tr__stack_pool *pool, tr__stack *stack)
{
    stack->next = pool->spare;
    pool->spare = stack;
    pool->spare_count++;
}

static tr__stack *pop_spare(tr__stack_pool *pool)
{
    tr__stack *stack = pool->spare;

    pool->spare = stack->next;
    pool->spare_count--;
    return stack;
}

/* What must outlast a stack's record. */
typedef struct remains {
    tr__stack *stack;
    tr__stack_region *region;
    unsigned valgrind;
} remains;

/* Give the memory of that many back, and the records with it. Those that the system refuses stay
 * spare. */
static void cool(tr__stack_pool *pool, size_t count)
{
    struct iovec runs[TR__STACKS_COOLED] = { { 0 } };
    remains of[TR__STACKS_COOLED];
    size_t done;

    for (size_t i = 0; i < count; i++) {
        tr__stack *stack = pop_spare(pool);

        of[i] = (remains){ stack, stack->region, stack->valgrind };
        runs[i] = (struct iovec){ stack->low, stack->bytes - stack->guard_bytes };
    }
    done = tr__pages_discard_each(runs, count);
    for (size_t i = 0; i < count; i++) {
        if (i >= done && !tr__pages_discard(runs[i].iov_base, runs[i].iov_len)) {
            push_spare(pool, of[i].stack);
            continue;
        }
        tr__valgrind_stack_removed(of[i].valgrind);
        note_cold(pool, of[i].region, runs[i].iov_base);
    }
}

static size_t lesser(size_t a, size_t b)
{
    return a < b ? a : b;
}

/* How many may grow cold now: TR__STACKS_COOLED for each tick since the last step, so that it takes
 * a loop about a seventh of its time. One that sleeps wakes less often, and makes larger steps. */
static size_t a_step(const tr__stack_pool *pool, uint64_t now_ns)
{
    uint64_t ticks = (now_ns - pool->cooled_ns) >> TR__TICK_SHIFT;

    return TR__STACKS_COOLED * (ticks < 1 ? 1 : lesser(ticks, TR__STACKS_STEPS_MOST));
}

/* A second is over, or there is more to cool after one. */
static void on_trim(tr__timer *timer)
{
    tr__stack_pool *pool = TR__CONTAINER_OF(timer, tr__stack_pool, trimmer);
    uint64_t now_ns = tr__now_ns();
    uint64_t due_ns = now_ns + 1; /* in another tick */

    if (pool->surplus == 0) {
        pool->surplus = pool->spare_least;
        pool->cooled_ns = now_ns;
    }
    pool->surplus = lesser(pool->surplus, pool->spare_count);
    for (size_t left = lesser(pool->surplus, a_step(pool, now_ns)); left > 0;) {
        size_t count = lesser(left, TR__STACKS_COOLED);

        cool(pool, count);
        pool->surplus -= count;
        left -= count;
    }
    pool->cooled_ns = now_ns;
    if (pool->surplus == 0) {
        pool->spare_least = pool->spare_count;
        due_ns += TR__STACKS_SPARE_NS;
    }
    if (pool->spare_count > 0)
        tr__timer_start(pool->wheel, &pool->trimmer, due_ns, on_trim);
}

static void keep_spare(tr__stack_pool *pool, tr__stack *stack)
{
    if (pool->wheel != NULL && !tr__timer_is_started(&pool->trimmer)) {
        pool->spare_least = pool->spare_count;
        tr__timer_start(pool->wheel, &pool->trimmer, tr__now_ns() + TR__STACKS_SPARE_NS, on_trim);
    }
    push_spare(pool, stack);
}

tr__stack *tr__stack_take_slowly(tr__stack_pool *pool)
{
    tr__stack *stack;

    if (pool->spare == NULL)
        return take_cold(pool);
    stack = pop_spare(pool);
    pool->spare_least = lesser(pool->spare_least, pool->spare_count);
    tr__memory_unpoison(stack->low, (size_t)(stack->top - stack->low));
    return stack;
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
    } else if (pool->free_count >= TR__STACKS_FREE_MAX) {
        keep_spare(pool, stack);
    } else {
        stack->next = pool->free;
        pool->free = stack;
        pool->free_count++;
    }
}

/* ---- pools ---- */

void tr__stack_pool_init(tr__stack_pool *pool, size_t default_bytes, bool guarded, tr__wheel *wheel)
{
    *pool = (tr__stack_pool){
        .free_quick = TR__STACKS_FREE_MAX,
        .page_bytes = tr__page_bytes(),
        .is_guarded = guarded,
        .wheel = wheel,
    };
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
    for (const tr__stack *stack = pool->spare; stack != NULL; stack = stack->next)
        tr__valgrind_stack_removed(stack->valgrind);
}

void tr__stack_pool_fini(tr__stack_pool *pool)
{
    size_t taken = 0;

    if (pool->wheel != NULL)
        tr__timer_stop(pool->wheel, &pool->trimmer);
    dismiss_free(pool);
    while (pool->regions != NULL) {
        tr__stack_region *region = pool->regions;

        pool->regions = region->next;
        taken += REGION_STACKS - (size_t)__builtin_popcountll(region->cold);
        free_region(pool, region);
    }
    TR_ASSERT(taken == pool->free_count + pool->spare_count);
    while (pool->sized != NULL)
        free_sized(pool, unlink_sized(pool, &pool->sized));
    TR_ASSERT(pool->sized_made == 0);
}
