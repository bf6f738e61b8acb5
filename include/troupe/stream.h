/* Streams: items that a generator makes one by one, while others take them.
 *
 *     static int count(tr_stream *out, void *arg)          a generator: a task that emits
 *     {
 *         const struct count_args *a = arg;
 *         for (int i = a->from; i < a->to; i++) {
 *             int rc = tr_emit(out, &i);                   waits until the item is taken
 *             if (rc < 0)
 *                 return rc;                               nobody wants more: clean up and go
 *         }
 *         return 0;
 *     }
 *
 *     tr_stream *numbers tr_cleanup_stream = NULL;
 *     rc = tr_generate(&numbers, sizeof(int), count, .from = 1, .to = 5);
 *     TR_FOREACH(int, n, numbers) { ... }
 *     rc = tr_stream_status(numbers);
 *
 * A generator begins with the first item that is asked for, on the loop of whoever asks, and makes
 * the next one while the last is dealt with; with a capacity it may be further ahead. Leaving the
 * loop before the end cancels it, and waits until it has cleaned up. Whatever stands between (map,
 * filter, merge, ...) is a generator, too, so that a pipeline works on all its stages at once. */
#ifndef TROUPE_STREAM_H
#define TROUPE_STREAM_H

#include <troupe/select.h>
#include <troupe/task.h>

#ifdef __cplusplus
extern "C" {
#endif

typedef struct tr_stream tr_stream;

/* 0: all was emitted; below 0: the error with which the stream ends. */
typedef int (*tr_stream_fn)(tr_stream *out, void *arg);

typedef struct tr_stream_options {
    size_t item_bytes;        /* of an item: 1 to 64 KiB */
    size_t capacity;          /* items that the generator may be ahead */
    void (*drop)(void *item); /* of items that nobody takes; may be NULL */
} tr_stream_options;

TR_API int tr__stream_new(tr_stream **out, const tr_stream_options *options, size_t options_size,
                          tr_stream_fn fn, void *arg, const void *args, size_t args_size);

/* Make a stream: tr_generate(&s, item_bytes, fn, .field = value, ...) with `struct fn_args`, which
 * is copied into it. *out is NULL on error.
 * Ownership: the caller's, until tr_stream_free.
 * Threads:   any.
 * Errors:    TR_ENOMEM; TR_EINVAL. */
#define tr_generate(out, item_bytes, ...) TR__GENERATE(out, item_bytes, __VA_ARGS__, )
#define TR__GENERATE(out, bytes, fn, ...)                                                          \
    tr__stream_new((out), TR__STREAM_OF(bytes), sizeof(tr_stream_options), (fn), NULL,             \
                   TR__ARGS(fn, __VA_ARGS__), sizeof(struct fn##_args))

/* The same with options, and an arg that must live as long as the stream:
 * tr_stream_new(&s, fn, arg, &options). */
#define tr_stream_new(out, fn, arg, ...)                                                           \
    tr__stream_new((out), (__VA_ARGS__), sizeof(tr_stream_options), (fn), (arg), NULL, 0)
#ifndef __cplusplus
#define TR__STREAM_OF(bytes) (__extension__ & (const tr_stream_options){ .item_bytes = (bytes) })
#else
#define TR__STREAM_OF(bytes)                                                                       \
    (__extension__ tr__address_of(tr_stream_options{ (bytes), 0, nullptr }))
#endif

/* In a generator, or a child of it: hand an item on, and wait until somebody takes it, or there is
 * room.
 * Ownership: what the item owns is the stream's on success, else still the caller's.
 * Threads:   tasks.
 * Errors:    TR_ECANCELED nobody wants more, or the caller is cancelled; TR_ENOMEM;
 *            TR_EWRONGPLACE; TR_EINVAL. */
TR_API int tr_emit(tr_stream *out, const void *item);

/* Take the next item, and wait for it at most timeout seconds: 1, or 0 when the stream has ended.
 * Ownership: what the item owns is the caller's.
 * Threads:   tasks; foreign threads (blocks). One at a time.
 * Errors:    the generator's own, when all that it has emitted was taken; TR_ETIMEDOUT;
 *            TR_ECANCELED; TR_ENOMEM, TR_ESHUTDOWN it could not begin; TR_EWRONGPLACE; TR_EINVAL.
 *            */
TR_API int tr_stream_next_for(tr_stream *s, void *item, double timeout);
static inline int tr_stream_next(tr_stream *s, void *item)
{
    return tr_stream_next_for(s, item, TR_FOREVER);
}

/* A case of tr_select: as tr_queue_get, so that its end is TR_EPIPE. Then tr_stream_next tells how
 * it has ended. */
TR_API tr_case tr_case_next(tr_stream *s, void *item);

/* How it has ended: 0, or the error; 0 also if it was left before its end. TR_EAGAIN: it has not.
 * Threads: who takes its items.
 * Errors:  TR_EINVAL. */
TR_API int tr_stream_status(const tr_stream *s);

/* Let it end: its generator is cancelled, and has ended when this returns, also if the caller is
 * cancelled. Nothing can be taken any more.
 * Threads: tasks; foreign threads (blocks).
 * Errors:  TR_EWRONGPLACE; TR_EINVAL. */
TR_API int tr_stream_close(tr_stream *s);

/* Close and free it, with all that it is made of. NULL is allowed.
 * Threads: as tr_stream_close.
 * Errors:  TR_EWRONGPLACE: it is not freed. */
TR_API int tr_stream_free(tr_stream *s);

typedef struct tr_foreach {
    tr_stream *tr__stream;
    bool tr__is_over;
} tr_foreach;

TR_API bool tr__foreach_next(tr_foreach *loop, void *item, size_t item_bytes);
TR_API void tr__foreach_leave(tr_foreach *loop);

/* TR_FOREACH(type, item, stream) { }: once for each item. The stream is closed whichever way the
 * loop is left; tr_stream_status tells how it has ended. */
#define TR_FOREACH(type, item, stream)     TR__FOREACH(__COUNTER__, type, item, stream)
#define TR__FOREACH(n, type, item, stream) TR__FOREACH_(n, type, item, stream)
#define TR__FOREACH_(n, type, item, stream)                                                        \
    for (tr_foreach TR__PASTE(tr_f_, n) TR__CLEANUP(tr__foreach_leave) = { (stream), false };      \
         !TR__PASTE(tr_f_, n).tr__is_over; TR__PASTE(tr_f_, n).tr__is_over = true)                 \
        for (type item; tr__foreach_next(&TR__PASTE(tr_f_, n), &item, sizeof(item));)

/* ---- what stands between ----
 *
 * Each makes a stream of another (of others), which is its own from then on, also on error: it is
 * freed with it. Where an item is not handed on, the source's drop is called. ctx stays the
 * caller's, and must live as long as the stream.
 * Threads: any (on error: as tr_stream_free).
 * Errors:  TR_ENOMEM; TR_EINVAL. */

/* fn(in, out, ctx) makes an item of another size from each; below 0 ends the stream. What `in` owns
 * is fn's. */
TR_API int tr_stream_map(tr_stream **out, tr_stream *source, size_t item_bytes,
                         int (*fn)(const void *in, void *out, void *ctx), void *ctx);
/* Only those for which keep(item, ctx) holds. */
TR_API int tr_stream_filter(tr_stream **out, tr_stream *source,
                            bool (*keep)(const void *item, void *ctx), void *ctx);
/* The first n; then the source is closed. */
TR_API int tr_stream_take(tr_stream **out, tr_stream *source, uint64_t n);
/* The source may be n items ahead. */
TR_API int tr_stream_buffer(tr_stream **out, tr_stream *source, size_t n);
/* The items of n streams of the same kind, as they come. The first that fails ends it. */
TR_API int tr_stream_merge(tr_stream **out, tr_stream *const *sources, size_t n);
/* At most one item in so many seconds. */
TR_API int tr_stream_throttle(tr_stream **out, tr_stream *source, double seconds);
/* It ends with TR_ETIMEDOUT when the source takes longer than that for an item. */
TR_API int tr_stream_timeout(tr_stream **out, tr_stream *source, double seconds);

/* Several items, one behind the other. */
typedef struct tr_chunk {
    void *items;
    size_t count;
    size_t tr__item_bytes;
    void (*tr__drop)(void *item);
} tr_chunk;

/* Chunks of n items; fewer at the end, or when `seconds` have passed since the first of them came
 * (TR_FOREVER: never).
 * Ownership: a chunk belongs to whoever takes it, until tr_chunk_free; so does what its items
 *            own. */
TR_API int tr_stream_chunk(tr_stream **out, tr_stream *source, size_t n, double seconds);
/* Threads: any. */
TR_API void tr_chunk_free(tr_chunk *chunk);

#ifdef __cplusplus
}
#endif
#endif
