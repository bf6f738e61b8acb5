/* Words for the compiler. */
#ifndef TR_BASE_COMPILER_H
#define TR_BASE_COMPILER_H

#include <stddef.h>

#define TR__LIKELY(x)   __builtin_expect(!!(x), 1)
#define TR__UNLIKELY(x) __builtin_expect(!!(x), 0)
#define TR__COLD        __attribute__((cold, noinline))
#define TR__NOINLINE    __attribute__((noinline))
#define TR__CACHE_LINE  64
#define TR__ALIGNED(n)  __attribute__((aligned(n)))

/* A build that counts what the tests reach counts each function once, not at each of its calls. */
#ifdef TR__COVERAGE
#define TR__ALWAYS_INLINE inline
#else
#define TR__ALWAYS_INLINE inline __attribute__((always_inline))
#endif

#define TR__CONTAINER_OF(pointer, type, member)                                                    \
    ((type *)(void *)((char *)(pointer)-offsetof(type, member)))

#endif
