/* Atomics with the order in the name, on concurrencykit's ck_pr.
 *
 * A relaxed access only keeps a word whole: on x86-64 and AArch64 it is a plain move. An acquire
 * load sees all that came before the release store it reads from. tr__fence_full orders a store
 * before a later load, which nothing else does. Every use says what it publishes and what it pairs
 * with. */
#ifndef TR_BASE_ATOMIC_H
#define TR_BASE_ATOMIC_H

#include <ck_pr.h>
#include <stdbool.h>
#include <stdint.h>

#include "base/compiler.h"
#include "base/sanitize.h"

/* In a simulation another thread may go on before each of these; and in an exhaustive one
 * (sim/exhaust.h) a store may become visible later than what comes after it, as on a processor with
 * a store buffer: until a fence, a locked instruction, or a release store behind it. */
#if TR__SIM
void tr__sim_step(void);
/* The store waits in the thread's buffer: true. */
bool tr__sim_delays_store(void *to, uint64_t value, unsigned bytes);
/* What the thread itself would read there: from its buffer, if it has a store to it. */
bool tr__sim_reads_own(const void *from, uint64_t *value);
/* All that the thread has stored becomes visible. */
void tr__sim_drain(void);
#define TR__STEP()                   tr__sim_step()
#define TR__DRAIN()                  tr__sim_drain()
#define TR__DELAYS(to, value, bytes) tr__sim_delays_store((to), (uint64_t)(value), (bytes))
#define TR__READS_OWN(from, value)   tr__sim_reads_own((from), (value))
#else
#define TR__STEP()                   ((void)0)
#define TR__DRAIN()                  ((void)0)
#define TR__DELAYS(to, value, bytes) false
#define TR__READS_OWN(from, value)   false
#endif

/* ThreadSanitizer is told what is relaxed: to ck's stand-in (cmake/tsan) every load acquires, and
 * every store releases, as on x86-64. */
#ifdef TR__TSAN
#define TR__PLAIN_LOAD(ck, from)       __atomic_load_n((from), __ATOMIC_RELAXED)
#define TR__PLAIN_STORE(ck, to, value) __atomic_store_n((to), (value), __ATOMIC_RELAXED)
#define TR__PLAIN_ADD(ck, to, value)   __atomic_fetch_add((to), (value), __ATOMIC_RELAXED)
#else
#define TR__PLAIN_LOAD(ck, from)       ck_pr_load_##ck(from)
#define TR__PLAIN_STORE(ck, to, value) ck_pr_store_##ck((to), (value))
#define TR__PLAIN_ADD(ck, to, value)   ck_pr_faa_##ck((to), (value))
#endif

#define TR__ATOMIC_INTEGER(suffix, type, ck)                                                       \
    static inline type tr__load_relaxed_##suffix(const type *from)                                 \
    {                                                                                              \
        uint64_t own;                                                                              \
                                                                                                   \
        TR__STEP();                                                                                \
        if (TR__READS_OWN(from, &own))                                                             \
            return (type)own;                                                                      \
        return TR__PLAIN_LOAD(ck, from);                                                           \
    }                                                                                              \
    static inline type tr__load_acquire_##suffix(const type *from)                                 \
    {                                                                                              \
        uint64_t own;                                                                              \
        type value;                                                                                \
                                                                                                   \
        TR__STEP();                                                                                \
        value = TR__READS_OWN(from, &own) ? (type)own : ck_pr_load_##ck(from);                     \
        ck_pr_fence_acquire();                                                                     \
        return value;                                                                              \
    }                                                                                              \
    static inline void tr__store_relaxed_##suffix(type *to, type value)                            \
    {                                                                                              \
        TR__STEP();                                                                                \
        if (!TR__DELAYS(to, value, sizeof(type)))                                                  \
            TR__PLAIN_STORE(ck, to, value);                                                        \
    }                                                                                              \
    static inline void tr__store_release_##suffix(type *to, type value)                            \
    {                                                                                              \
        TR__STEP();                                                                                \
        TR__DRAIN();                                                                               \
        ck_pr_fence_release();                                                                     \
        if (!TR__DELAYS(to, value, sizeof(type)))                                                  \
            ck_pr_store_##ck(to, value);                                                           \
    }

TR__ATOMIC_INTEGER(u16, uint16_t, 16)
TR__ATOMIC_INTEGER(u32, uint32_t, 32)
TR__ATOMIC_INTEGER(u64, uint64_t, 64)

#undef TR__ATOMIC_INTEGER

/* Pointers to pointers, as void *: C has no generic `T **`. */
static inline void *tr__load_relaxed_ptr(const void *from)
{
    uint64_t own;

    TR__STEP();
    if (TR__READS_OWN(from, &own))
        return (void *)(uintptr_t)own;
    return TR__PLAIN_LOAD(ptr, (void *const *)from);
}

static inline void *tr__load_acquire_ptr(const void *from)
{
    uint64_t own;
    void *value;

    TR__STEP();
    value =
        TR__READS_OWN(from, &own) ? (void *)(uintptr_t)own : ck_pr_load_ptr((void *const *)from);
    ck_pr_fence_acquire();
    return value;
}

static inline void tr__store_relaxed_ptr(void *to, const void *value)
{
    TR__STEP();
    if (!TR__DELAYS(to, (uintptr_t)value, sizeof(value)))
        TR__PLAIN_STORE(ptr, (void **)to, (void *)(uintptr_t)value);
}

static inline void tr__store_release_ptr(void *to, const void *value)
{
    TR__STEP();
    TR__DRAIN();
    ck_pr_fence_release();
    if (!TR__DELAYS(to, (uintptr_t)value, sizeof(value)))
        ck_pr_store_ptr((void **)to, (void *)(uintptr_t)value);
}

/* Compare and swap, and exchange: full fences both, on every machine. */
static inline bool tr__cas_ordered_u32(uint32_t *at, uint32_t expected, uint32_t wanted)
{
    bool swapped;

    TR__STEP();
    TR__DRAIN();
    ck_pr_fence_release();
    swapped = ck_pr_cas_32(at, expected, wanted);
    ck_pr_fence_acquire();
    return swapped;
}

static inline bool tr__cas_ordered_u64(uint64_t *at, uint64_t expected, uint64_t wanted)
{
    bool swapped;

    TR__STEP();
    TR__DRAIN();
    ck_pr_fence_release();
    swapped = ck_pr_cas_64(at, expected, wanted);
    ck_pr_fence_acquire();
    return swapped;
}

static inline uint32_t tr__exchange_ordered_u32(uint32_t *at, uint32_t wanted)
{
    uint32_t before;

    TR__STEP();
    TR__DRAIN();
    ck_pr_fence_release();
    before = ck_pr_fas_32(at, wanted);
    ck_pr_fence_acquire();
    return before;
}

static inline bool tr__cas_ordered_ptr(void *at, void *expected, void *wanted)
{
    bool swapped;

    TR__STEP();
    TR__DRAIN();
    ck_pr_fence_release();
    swapped = ck_pr_cas_ptr(at, expected, wanted);
    ck_pr_fence_acquire();
    return swapped;
}

static inline void *tr__exchange_ordered_ptr(void *at, void *wanted)
{
    void *before;

    TR__STEP();
    TR__DRAIN();
    ck_pr_fence_release();
    before = ck_pr_fas_ptr(at, wanted);
    ck_pr_fence_acquire();
    return before;
}

/* Add, and return what was there before; ordered as the exchange. */
static inline uint32_t tr__add_ordered_u32(uint32_t *at, uint32_t amount)
{
    uint32_t before;

    TR__STEP();
    TR__DRAIN();
    ck_pr_fence_release();
    before = ck_pr_faa_32(at, amount);
    ck_pr_fence_acquire();
    return before;
}

static inline uint64_t tr__add_relaxed_u64(uint64_t *at, uint64_t amount)
{
    TR__DRAIN();
    return TR__PLAIN_ADD(64, at, amount);
}

/* A figure that one thread writes and others may read: no locked instruction. */
static inline void tr__bump_u64(uint64_t *at, uint64_t amount)
{
    /* relaxed: a statistic; it publishes nothing, and only its owner writes it. */
    TR__PLAIN_STORE(64, at, TR__PLAIN_LOAD(64, at) + amount);
}

/* The same, set instead of added to. */
static inline void tr__note_u64(uint64_t *at, uint64_t value)
{
    /* relaxed: as above. */
    TR__PLAIN_STORE(64, at, value);
}

/* What hardly ever changes, and publishes nothing: no other thread of a simulation goes on before
 * it. */
static inline uint32_t tr__peek_u32(const uint32_t *from)
{
    return TR__PLAIN_LOAD(32, from); /* relaxed: see above */
}

/* Orders every earlier access before every later one. */
static inline void tr__fence_full(void)
{
    TR__DRAIN();
#if defined(__x86_64__) && !defined(__SANITIZE_THREAD__)
    /* A locked add to the stack is a full fence at half the price of mfence, which
     * ck_pr_fence_memory emits: 9 against 19 ns. */
    __asm__ __volatile__("lock; addl $0, -4(%%rsp)" ::: "memory", "cc");
#else
    ck_pr_fence_memory();
#endif
}

/* Keeps the compiler, but not the processor, from moving accesses across it: see tr__membarrier. */
static inline void tr__fence_light(void)
{
    __asm__ __volatile__("" ::: "memory");
}

/* Tell the core that this is a spin. */
static inline void tr__spin_pause(void)
{
    ck_pr_stall();
}

#endif
