/* Words for the compiler. */
#ifndef TR_BASE_COMPILER_H
#define TR_BASE_COMPILER_H

#include <stddef.h>

/* Whether this is the library of simulations: see sim/. */
#ifndef TR__SIM
#define TR__SIM 0
#endif

#define TR__LIKELY(x)   __builtin_expect(!!(x), 1)
#define TR__UNLIKELY(x) __builtin_expect(!!(x), 0)
#define TR__COLD        __attribute__((cold, noinline))
#define TR__NOINLINE    __attribute__((noinline))
#define TR__NO_TSAN     __attribute__((no_sanitize_thread, noinline))
#define TR__CACHE_LINE  64
#define TR__ALIGNED(n)  __attribute__((aligned(n)))

/* What troupe's other libraries call, too: it is seen from outside, but is no API, and changes with
 * any version. cmake/troupe.map lists these. */
#define TR__SHARED __attribute__((visibility("default")))

/* A build that counts what the tests reach counts each function once, not at each of its calls. */
#ifdef TR__COVERAGE
#define TR__ALWAYS_INLINE inline
#else
#define TR__ALWAYS_INLINE inline __attribute__((always_inline))
#endif

/* What each thread has of its own. In a simulation, where one thread plays all, it stands in a
 * section that sim/ exchanges when another one goes on. */
#if TR__SIM
#define TR__THREAD_LOCAL      __attribute__((section("tr_locals")))
#define TR__THREAD_LOCAL_FAST TR__THREAD_LOCAL
#else
#define TR__THREAD_LOCAL      _Thread_local
#define TR__THREAD_LOCAL_FAST _Thread_local __attribute__((tls_model("initial-exec")))
#endif

#define TR__CONTAINER_OF(pointer, type, member)                                                    \
    ((type *)(void *)((char *)(pointer)-offsetof(type, member)))

#endif
