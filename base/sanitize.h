/* Tells AddressSanitizer which pooled memory is in use, so that it finds a use after free in pools,
 * too. Without it these are nothing. */
#ifndef TR_BASE_SANITIZE_H
#define TR_BASE_SANITIZE_H

#include <stddef.h>

#if defined(__has_feature)
#if __has_feature(address_sanitizer)
#define TR__ASAN 1
#endif
#endif
#if defined(__SANITIZE_ADDRESS__)
#define TR__ASAN 1
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
#endif
