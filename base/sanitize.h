/* What the tools that watch memory are told: AddressSanitizer, which pooled memory is in use, so
 * that it finds a use after free in pools, too; valgrind, where stacks lie. Without a tool these
 * are nothing, or (valgrind's) a few instructions that do nothing. */
#ifndef TR_BASE_SANITIZE_H
#define TR_BASE_SANITIZE_H

#include <stdbool.h>
#include <stddef.h>

#if defined(__has_feature)
#if __has_feature(address_sanitizer)
#define TR__ASAN 1
#endif
#if __has_feature(thread_sanitizer)
#define TR__TSAN 1
#endif
#endif
#if defined(__SANITIZE_ADDRESS__)
#define TR__ASAN 1
#endif
#if defined(__SANITIZE_THREAD__)
#define TR__TSAN 1
#endif

#if defined(__has_include)
#if __has_include(<valgrind/valgrind.h>)
#define TR__VALGRIND 1
#endif
#endif

#ifdef TR__ASAN

#include <sanitizer/asan_interface.h>

static inline void tr__memory_poison(void *at, size_t bytes)
{
    __asan_poison_memory_region(at, bytes);
}

static inline void tr__memory_unpoison(void *at, size_t bytes)
{
    __asan_unpoison_memory_region(at, bytes);
}

#else

static inline void tr__memory_poison(void *at, size_t bytes)
{
    (void)at;
    (void)bytes;
}

static inline void tr__memory_unpoison(void *at, size_t bytes)
{
    (void)at;
    (void)bytes;
}

#endif

#ifdef TR__VALGRIND

#include <valgrind/valgrind.h>

static inline bool tr__valgrind_listens(void)
{
    return RUNNING_ON_VALGRIND != 0;
}

/* The stack [low, top) exists; returns its number. */
static inline unsigned tr__valgrind_stack_added(const void *low, const void *top)
{
    return (unsigned)VALGRIND_STACK_REGISTER(low, (const char *)top - 1);
}

static inline void tr__valgrind_stack_removed(unsigned number)
{
    VALGRIND_STACK_DEREGISTER(number);
}

#else

static inline bool tr__valgrind_listens(void)
{
    return false;
}

static inline unsigned tr__valgrind_stack_added(const void *low, const void *top)
{
    (void)low;
    (void)top;
    return 0;
}

static inline void tr__valgrind_stack_removed(unsigned number)
{
    (void)number;
}

#endif
#endif
