/* Futures: a result that comes later, once. Whoever has a reference may resolve it, wait for it, or
 * cancel what works on it, from any thread.
 *
 * A future ends in one of three ways: with a value, with an error, or cancelled (the error
 * TR_ECANCELED). The first end counts. A value may have a destructor, which runs exactly once:
 * when the future is freed, or when its value is refused because it has ended before; not when
 * somebody has taken the value. */
#ifndef TROUPE_FUTURE_H
#define TROUPE_FUTURE_H

#include <troupe/core.h>

#ifdef __cplusplus
extern "C" {
#endif

typedef struct tr_future tr_future;

/* Make a future for the caller to resolve. *out is NULL on error.
 * Ownership: the caller has one reference.
 * Threads:   any.
 * Errors:    TR_ENOMEM; TR_EINVAL; TR_ESHUTDOWN; TR_EFORKED. */
TR_API int tr_future_new(tr_future **out);

/* One more reference; returns f. NULL is NULL.
 * Threads: any. */
TR_API tr_future *tr_future_ref(tr_future *f);

/* Give back one reference; NULL is allowed. What works on it goes on: an error that nobody has
 * looked at is logged, once, when the last reference goes. References may be given back after the
 * runtime has stopped, too.
 * Threads: any. */
TR_API void tr_future_unref(tr_future *f);

/* End a future of tr_future_new with a value; NULL: without one. drop may be NULL.
 * Ownership: takes value, also on error: drop(value) has run then, if there is a value.
 * Threads:   any; never blocks. Whoever waits goes on later, never within this call.
 * Errors:    TR_EALREADY another end came first (where that is just being written on another
 *            thread, it shows a moment later); TR_EINVAL f is NULL, or somebody else's to resolve
 *            (a task's, a job's, a request's). */
TR_API int tr_future_resolve(tr_future *f, void *value, void (*drop)(void *value));

/* End it with an error, a negative code.
 * Threads: any; never blocks.
 * Errors:  as tr_future_resolve; TR_EINVAL also if error is not negative. */
TR_API int tr_future_fail(tr_future *f, int error);

/* Ask that it ends soon. One of tr_future_new ends now, with TR_ECANCELED; a task is cancelled, a
 * queued job is taken back, a running one sees tr_cancelled, a request is given up. Returns 1 if it
 * had not ended yet, 0 if it had; after 1 it may still end otherwise, where another end came first.
 * Threads: any; never blocks.
 * Errors:  TR_EINVAL. */
TR_API int tr_future_cancel(tr_future *f);

/* Whether it has ended; false for NULL.
 * Threads: any. */
TR_API bool tr_future_is_done(const tr_future *f);

/* How it has ended: 0 or more with a value, or the error; TR_EAGAIN: it has not.
 * Threads: any.
 * Errors:  TR_EINVAL. */
TR_API int tr_future_status(tr_future *f);

/* The value; NULL if there is none (yet, or any more).
 * Ownership: borrowed while the caller has a reference and nobody takes the value.
 * Threads:   any. */
TR_API void *tr_future_peek(tr_future *f);

/* Take the value away: its destructor will not run. *value is NULL on error.
 * Ownership: the value is the caller's.
 * Threads:   any.
 * Errors:    TR_EAGAIN it has not ended; its own error; TR_EALREADY there is no value, or it was
 *            taken; TR_EINVAL. */
TR_API int tr_future_take(tr_future *f, void **value);

/* Await its end. A task that is cancelled meanwhile leaves the future alone.
 * Threads: tasks; a handler of an actor that awaits.
 * Errors:  the future's own; TR_ECANCELED the caller is cancelled (or the future was);
 *          TR_EWRONGPLACE; TR_EDEADLK it is the calling task's own; TR_ENOMEM the future lives on
 *          another loop, and there was no memory to ask there; TR_ESHUTDOWN it was made in an
 *          earlier run, on a loop that this run does not have; TR_EINVAL. */
TR_API int tr_await(tr_future *f);

/* The same for a future that a guest's callback resolves (a libev watcher, another library):
 * on_cancel(arg) is called when the caller is cancelled before, so that the callback can be called
 * off; it must not await. */
TR_API int tr_await_or(tr_future *f, void (*on_cancel)(void *arg), void *arg);

/* Await its end at most timeout seconds; else cancel it, and return when it has really ended. When
 * the caller is cancelled, so is the future. A timeout of 0 or less: its result if it has ended.
 * Threads: as tr_await.
 * Errors:  TR_ETIMEDOUT; else as tr_await; TR_EINVAL also for NaN. */
TR_API int tr_wait_for(tr_future *f, double timeout);

/* Block until it has ended, at most timeout seconds. It goes on after a timeout.
 * Threads: foreign threads; blocks.
 * Errors:  the future's own; TR_ETIMEDOUT; TR_EDEADLK the caller is a pool's job, timeout is
 *          TR_FOREVER, and the future is that of a job which can't begin, since all threads that
 *          could run it wait for jobs, in a circle (the log names them); TR_EWRONGPLACE on a loop;
 *          TR_EINVAL, also for NaN. */
TR_API int tr_future_wait(tr_future *f, double timeout);

/* Cancel it, and block until it has really ended; returns how.
 * Threads: foreign threads; blocks.
 * Errors:  as tr_future_wait. */
TR_API int tr_future_cancel_wait(tr_future *f);

/* What is called when a future has ended: status is as tr_future_status gives it; TR_ESHUTDOWN if
 * the runtime stops and it has not. f is lent. It is a loop callback: it must not block. */
typedef void (*tr_future_fn)(tr_future *f, int status, void *arg);

/* Call fn(f, status, arg) on a loop when f has ended: later, also if it has ended already, and
 * exactly once. TR_LOOP_ANY: the caller's loop, or the one that serves this foreign thread.
 * Ownership: arg stays the caller's until fn is called; f has one more reference until then.
 * Threads:   any; never blocks.
 * Errors:    TR_ENOMEM; TR_EINVAL; TR_ESHUTDOWN; TR_EFORKED: fn will not be called. */
TR_API int tr_future_then(tr_future *f, int loop, tr_future_fn fn, void *arg);

#ifdef __cplusplus
}
#endif
#endif
