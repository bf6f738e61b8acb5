/* Guards: marked where the kernel can, else mapped within a limit. */
#include "runtime/stack_guard.h"

#include "base/atomic.h"
#include "base/log.h"
#include "base/seam.h"
#include "runtime/topology.h"

static uint32_t mapped_count; /* of the process */
static uint32_t mapped_limit; /* 0: not asked for yet */
static uint32_t is_warned;

static uint32_t limit(void)
{
    /* relaxed: whoever finds it unset works it out, with the same result. */
    uint32_t most = tr__load_relaxed_u32(&mapped_limit);

    if (most == 0) {
        most = tr__topology_mappings() / 4; /* each guard takes two, of half of them */
        most = most > 0 ? most : 1;
        tr__store_relaxed_u32(&mapped_limit, most); /* relaxed: as above */
    }
    return most;
}

static void warn_once(void)
{
    /* ordered: more than a flag needs; one of those who come at once finds it unset. */
    if (tr__cas_ordered_u32(&is_warned, 0, 1))
        tr__log(TR_LOG_WARN, "some stacks have no guard page: the kernel has no more mappings "
                             "(vm.max_map_count) for them");
}

void tr__guards_begin(void)
{
    (void)limit(); /* for later */
    /* relaxed: published by starting the loops' threads. */
    tr__store_relaxed_u32(&is_warned, 0);
}

static bool map_guard(void *at, size_t bytes)
{
    /* ordered: more than a counter needs; it publishes nothing, and is cold. */
    if (tr__add_ordered_u32(&mapped_count, 1) < limit() && tr__pages_forbid(at, bytes))
        return true;
    tr__guard_forget(1);
    return false;
}

tr__guard tr__guard_install(void *at, size_t bytes)
{
    if (tr__pages_guard(at, bytes))
        return TR__GUARD_MARKED;
    if (map_guard(at, bytes))
        return TR__GUARD_MAPPED;
    warn_once();
    return TR__GUARD_NONE;
}

uint64_t tr__guard_install_each(void *at, size_t bytes, size_t apart, uint32_t *mapped)
{
    struct iovec runs[TR__GUARDS_EACH];
    uint64_t made = 0;
    size_t marked;

    for (size_t i = 0; i < TR__GUARDS_EACH; i++)
        runs[i] = (struct iovec){ .iov_base = (char *)at + i * apart, .iov_len = bytes };
    marked = tr__pages_guard_each(runs, TR__GUARDS_EACH);
    *mapped = 0;
    for (size_t i = 0; i < TR__GUARDS_EACH; i++) {
        tr__guard guard =
            i < marked ? TR__GUARD_MARKED : tr__guard_install(runs[i].iov_base, bytes);

        made |= (uint64_t)(guard != TR__GUARD_NONE) << i;
        *mapped += guard == TR__GUARD_MAPPED;
    }
    return made;
}

void tr__guard_forget(uint32_t mapped)
{
    (void)tr__add_ordered_u32(&mapped_count, -mapped); /* ordered: as in map_guard */
}
