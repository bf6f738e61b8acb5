/* Shared immutable bytes: a payload that many messages refer to without copying it. */
#ifndef TROUPE_BYTES_H
#define TROUPE_BYTES_H

#include <troupe/core.h>

#ifdef __cplusplus
extern "C" {
#endif

typedef struct tr_bytes tr_bytes;

/* Make bytes from a copy of data (NULL only with size 0). *out is NULL on error.
 * Ownership: the caller has one reference.
 * Threads:   any.
 * Errors:    TR_ENOMEM; TR_EINVAL. */
TR_API int tr_bytes_new(tr_bytes **out, const void *data, size_t size);

/* Make bytes from data as it stands; free_fn(data, arg) runs when the last reference goes, on
 * whichever thread that happens (NULL: nothing is to be freed). data may be NULL with size 0. *out
 * is NULL on error.
 * Ownership: takes data on success only; the caller has one reference.
 * Threads:   any.
 * Errors:    TR_ENOMEM; TR_EINVAL. */
TR_API int tr_bytes_adopt(tr_bytes **out, void *data, size_t size,
                          void (*free_fn)(void *data, void *arg), void *arg);

/* One more reference; returns b. NULL is NULL.
 * Threads: any. */
TR_API tr_bytes *tr_bytes_ref(tr_bytes *b);

/* Give back one reference. NULL is allowed.
 * Threads: any. */
TR_API void tr_bytes_unref(tr_bytes *b);

/* The bytes themselves; NULL for NULL.
 * Ownership: borrowed as long as the caller holds a reference.
 * Threads:   any. */
TR_API const void *tr_bytes_data(const tr_bytes *b);

/* How many there are; 0 for NULL.
 * Threads: any. */
TR_API size_t tr_bytes_size(const tr_bytes *b);

#ifdef __cplusplus
}
#endif
#endif
