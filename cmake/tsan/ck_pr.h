/* A stand-in for ck's <ck_pr.h>, for ThreadSanitizer only.
 *
 * ck_pr is inline assembly, which TSan cannot see: it would miss every happens-before edge, and
 * report races where there are none. The tsan build puts this folder first in the include path, and
 * so this file takes the place of the real one, also for ck's own headers (ck_ring.h, ck_ec.h ...).
 *
 * Orders follow what ck_pr means on x86-64 (TSO): loads acquire, stores release, read-modify-write
 * operations and strict fences sequentially consistent. So TSan cannot tell a missing release here:
 * base/atomic.h tells it itself which loads and stores are relaxed.
 *
 * It refuses: double, the bit test operations, and the rarely used wide types (8_16, 16_8, 32_4). */
#ifndef CK_PR_H
#define CK_PR_H

#include <ck_cc.h>
#include <ck_limits.h>
#include <ck_md.h>
#include <ck_stdbool.h>
#include <ck_stdint.h>

/* What ck's other headers ask for before they use an operation. The list of the architecture, since
 * every operation on it that they use stands below. */
#if defined(__x86_64__)
#include <gcc/x86_64/ck_f_pr.h>
#elif defined(__aarch64__)
#include <gcc/aarch64/ck_f_pr.h>
#else
#error "ThreadSanitizer is supported on x86-64 and AArch64 only"
#endif
#define CK_F_PR

/* ---- fences ---- */

CK_CC_INLINE static void ck_pr_barrier(void)
{
    __asm__ __volatile__("" ::: "memory");
}

CK_CC_INLINE static void ck_pr_stall(void)
{
#if defined(__x86_64__)
    __asm__ __volatile__("pause" ::: "memory");
#else
    __asm__ __volatile__("yield" ::: "memory");
#endif
}

/* TSan does not model fences; gcc says so each time (-Wtsan). The instruction is still needed: the
 * program under test must work. */
#pragma GCC diagnostic push
#ifndef __clang__
#pragma GCC diagnostic ignored "-Wtsan"
#endif
#define CK_PR_FENCE(T, ORDER)                                                                      \
    CK_CC_INLINE static void ck_pr_fence_strict_##T(void)                                          \
    {                                                                                              \
        __atomic_thread_fence(ORDER);                                                              \
    }                                                                                              \
    CK_CC_INLINE static void ck_pr_fence_##T(void)                                                 \
    {                                                                                              \
        __atomic_thread_fence(ORDER);                                                              \
    }

CK_PR_FENCE(atomic, __ATOMIC_SEQ_CST)
CK_PR_FENCE(atomic_load, __ATOMIC_SEQ_CST)
CK_PR_FENCE(atomic_store, __ATOMIC_SEQ_CST)
CK_PR_FENCE(store_atomic, __ATOMIC_SEQ_CST)
CK_PR_FENCE(load_atomic, __ATOMIC_SEQ_CST)
CK_PR_FENCE(load_depends, __ATOMIC_ACQUIRE)
CK_PR_FENCE(load_store, __ATOMIC_ACQUIRE)
CK_PR_FENCE(store_load, __ATOMIC_SEQ_CST)
CK_PR_FENCE(load, __ATOMIC_ACQUIRE)
CK_PR_FENCE(store, __ATOMIC_RELEASE)
CK_PR_FENCE(memory, __ATOMIC_SEQ_CST)
CK_PR_FENCE(acquire, __ATOMIC_ACQUIRE)
CK_PR_FENCE(release, __ATOMIC_RELEASE)
CK_PR_FENCE(acqrel, __ATOMIC_ACQ_REL)
CK_PR_FENCE(lock, __ATOMIC_SEQ_CST)
CK_PR_FENCE(unlock, __ATOMIC_SEQ_CST)

#undef CK_PR_FENCE
#pragma GCC diagnostic pop

CK_CC_INLINE static void ck_pr_rfo(const void *m)
{
    (void)m;
}

/* ---- loads, stores, and read-modify-write ----
 *
 * S is ck's name of the type, M what the caller's pointer points to (void for ptr), T the type of
 * the value, A what arithmetic is done in. */

#define CK_PR_ACCESS(S, M, T, STORED)                                                              \
    CK_CC_INLINE static T ck_pr_md_load_##S(const M *target)                                       \
    {                                                                                              \
        return __atomic_load_n((T const *)target, __ATOMIC_ACQUIRE);                               \
    }                                                                                              \
    CK_CC_INLINE static void ck_pr_md_store_##S(M *target, STORED value)                           \
    {                                                                                              \
        __atomic_store_n((STORED *)target, value, __ATOMIC_RELEASE);                               \
    }                                                                                              \
    CK_CC_INLINE static T ck_pr_fas_##S(M *target, T value)                                        \
    {                                                                                              \
        return __atomic_exchange_n((T *)target, value, __ATOMIC_SEQ_CST);                          \
    }                                                                                              \
    CK_CC_INLINE static bool ck_pr_cas_##S(M *target, T compare, T set)                            \
    {                                                                                              \
        return __atomic_compare_exchange_n((T *)target, &compare, set, false, __ATOMIC_SEQ_CST,    \
                                           __ATOMIC_SEQ_CST);                                      \
    }                                                                                              \
    CK_CC_INLINE static bool ck_pr_cas_##S##_value(M *target, T compare, T set, M *value)          \
    {                                                                                              \
        bool done = __atomic_compare_exchange_n((T *)target, &compare, set, false,                 \
                                                __ATOMIC_SEQ_CST, __ATOMIC_SEQ_CST);               \
                                                                                                   \
        *(T *)value = compare;                                                                     \
        return done;                                                                               \
    }

#define CK_PR_BINARY(K, S, M, A)                                                                   \
    CK_CC_INLINE static void ck_pr_##K##_##S(M *target, A operand)                                 \
    {                                                                                              \
        (void)__atomic_fetch_##K((A *)target, operand, __ATOMIC_SEQ_CST);                          \
    }

#define CK_PR_COUNT(K, BY, S, M, A)                                                                \
    CK_CC_INLINE static void ck_pr_##K##_##S(M *target)                                            \
    {                                                                                              \
        (void)__atomic_fetch_##BY((A *)target, (A)1, __ATOMIC_SEQ_CST);                            \
    }                                                                                              \
    CK_CC_INLINE static bool ck_pr_##K##_##S##_is_zero(M *target)                                  \
    {                                                                                              \
        return __atomic_##BY##_fetch((A *)target, (A)1, __ATOMIC_SEQ_CST) == 0;                    \
    }                                                                                              \
    CK_CC_INLINE static void ck_pr_##K##_##S##_zero(M *target, bool *zero)                         \
    {                                                                                              \
        *zero = ck_pr_##K##_##S##_is_zero(target);                                                 \
    }

/* not and neg: ck has them; the loop is what ck does where an architecture lacks them. */
#define CK_PR_UNARY(K, S, M, A, EXPRESSION)                                                        \
    CK_CC_INLINE static void ck_pr_##K##_##S(M *target)                                            \
    {                                                                                              \
        A old = __atomic_load_n((A *)target, __ATOMIC_ACQUIRE);                                    \
                                                                                                   \
        while (!__atomic_compare_exchange_n((A *)target, &old, (A)(EXPRESSION), false,             \
                                            __ATOMIC_SEQ_CST, __ATOMIC_SEQ_CST))                   \
            ck_pr_stall();                                                                         \
    }

#define CK_PR_ARITHMETIC(S, M, A)                                                                  \
    CK_CC_INLINE static A ck_pr_faa_##S(M *target, A operand)                                      \
    {                                                                                              \
        return __atomic_fetch_add((A *)target, operand, __ATOMIC_SEQ_CST);                         \
    }                                                                                              \
    CK_PR_BINARY(add, S, M, A)                                                                     \
    CK_PR_BINARY(sub, S, M, A)                                                                     \
    CK_PR_BINARY(and, S, M, A)                                                                     \
    CK_PR_BINARY(or, S, M, A)                                                                      \
    CK_PR_BINARY(xor, S, M, A)                                                                     \
    CK_PR_COUNT(inc, add, S, M, A)                                                                 \
    CK_PR_COUNT(dec, sub, S, M, A)                                                                 \
    CK_PR_UNARY(not, S, M, A, ~old)                                                                \
    CK_PR_UNARY(neg, S, M, A, 0 - old)

#define CK_PR_TYPE(S, T)                                                                           \
    CK_PR_ACCESS(S, T, T, T)                                                                       \
    CK_PR_ARITHMETIC(S, T, T)

CK_PR_ACCESS(ptr, void, void *, const void *)
CK_PR_ARITHMETIC(ptr, void, uintptr_t)
CK_PR_TYPE(64, uint64_t)
CK_PR_TYPE(32, uint32_t)
CK_PR_TYPE(16, uint16_t)
CK_PR_TYPE(8, uint8_t)
CK_PR_TYPE(uint, unsigned int)
CK_PR_TYPE(int, int)
CK_PR_TYPE(char, char)

#undef CK_PR_TYPE
#undef CK_PR_ARITHMETIC
#undef CK_PR_UNARY
#undef CK_PR_COUNT
#undef CK_PR_BINARY
#undef CK_PR_ACCESS

/* ---- two words at once ----
 *
 * As with ck, the target must be 16-aligned. TSan brings the 16-byte operations along. */

typedef unsigned __int128 ck_pr__pair __attribute__((__may_alias__));

CK_CC_INLINE static ck_pr__pair ck_pr__pair_of(const uint64_t word[2])
{
    return (ck_pr__pair)word[1] << 64 | word[0];
}

CK_CC_INLINE static bool ck_pr_cas_64_2_value(uint64_t target[2], uint64_t compare[2],
                                              uint64_t set[2], uint64_t value[2])
{
    ck_pr__pair old = ck_pr__pair_of(compare);
    bool done =
        __atomic_compare_exchange_n((ck_pr__pair *)(void *)target, &old, ck_pr__pair_of(set), false,
                                    __ATOMIC_SEQ_CST, __ATOMIC_SEQ_CST);

    value[0] = (uint64_t)old;
    value[1] = (uint64_t)(old >> 64);
    return done;
}

CK_CC_INLINE static bool ck_pr_cas_64_2(uint64_t target[2], uint64_t compare[2], uint64_t set[2])
{
    uint64_t old[2];

    return ck_pr_cas_64_2_value(target, compare, set, old);
}

CK_CC_INLINE static bool ck_pr_cas_ptr_2_value(void *target, void *compare, void *set, void *value)
{
    return ck_pr_cas_64_2_value(CK_CPP_CAST(uint64_t *, target), CK_CPP_CAST(uint64_t *, compare),
                                CK_CPP_CAST(uint64_t *, set), CK_CPP_CAST(uint64_t *, value));
}

CK_CC_INLINE static bool ck_pr_cas_ptr_2(void *target, void *compare, void *set)
{
    uint64_t old[2];

    return ck_pr_cas_ptr_2_value(target, compare, set, old);
}

CK_CC_INLINE static void ck_pr_load_64_2(const uint64_t target[2], uint64_t value[2])
{
    ck_pr__pair now = __atomic_load_n((const ck_pr__pair *)(const void *)target, __ATOMIC_ACQUIRE);

    value[0] = (uint64_t)now;
    value[1] = (uint64_t)(now >> 64);
}

CK_CC_INLINE static void ck_pr_load_ptr_2(const void *target, void *value)
{
    ck_pr_load_64_2(CK_CPP_CAST(const uint64_t *, target), CK_CPP_CAST(uint64_t *, value));
}

/* ---- the names that programs use ----
 *
 * As in ck's own: a store checks that the value fits the target, a load of a pointer has the type of
 * what it loads. */

#define CK_PR_STORE_SAFE(DST, VAL, TYPE)                                                           \
    ck_pr_md_store_##TYPE(((void)sizeof(*(DST) = (VAL)), (DST)), (VAL))

#define ck_pr_store_ptr(DST, VAL)        CK_PR_STORE_SAFE((DST), (VAL), ptr)
#define ck_pr_store_ptr_unsafe(DST, VAL) ck_pr_md_store_ptr((DST), (VAL))
#define ck_pr_store_64(DST, VAL)         CK_PR_STORE_SAFE((DST), (VAL), 64)
#define ck_pr_store_32(DST, VAL)         CK_PR_STORE_SAFE((DST), (VAL), 32)
#define ck_pr_store_16(DST, VAL)         CK_PR_STORE_SAFE((DST), (VAL), 16)
#define ck_pr_store_8(DST, VAL)          CK_PR_STORE_SAFE((DST), (VAL), 8)
#define ck_pr_store_uint(DST, VAL)       CK_PR_STORE_SAFE((DST), (VAL), uint)
#define ck_pr_store_int(DST, VAL)        CK_PR_STORE_SAFE((DST), (VAL), int)
#define ck_pr_store_char(DST, VAL)       CK_PR_STORE_SAFE((DST), (VAL), char)

#define ck_pr_load_ptr(SRC)  ((CK_CC_TYPEOF(*(SRC), (void *)))ck_pr_md_load_ptr((SRC)))
#define ck_pr_load_64(SRC)   ck_pr_md_load_64((SRC))
#define ck_pr_load_32(SRC)   ck_pr_md_load_32((SRC))
#define ck_pr_load_16(SRC)   ck_pr_md_load_16((SRC))
#define ck_pr_load_8(SRC)    ck_pr_md_load_8((SRC))
#define ck_pr_load_uint(SRC) ck_pr_md_load_uint((SRC))
#define ck_pr_load_int(SRC)  ck_pr_md_load_int((SRC))
#define ck_pr_load_char(SRC) ck_pr_md_load_char((SRC))

#endif
