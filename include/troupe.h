/* troupe: actors, tasks and blocking work on one event loop a core.
 *
 * This header is all that a program needs. It is C11 and C++17.
 *
 * The words used in the comments of all public headers:
 *   Ownership   who owns an argument afterwards; silent where nothing changes hands.
 *   Threads     where a function may be called. A *task* may await; a *handler* is an actor's init,
 *               receive or stop function; a *loop callback* is a function that a loop calls
 *               (tr_post, a libev watcher); a *foreign thread* is any thread that is not a loop's,
 *               those of the pools included. Handlers and loop callbacks must not block; the
 *               receive and stop functions of an actor that awaits are tasks as well.
 *   Errors      what may come back; 0 or more is success. See tr_strerror. */
#ifndef TROUPE_H
#define TROUPE_H

#include <troupe/core.h>

#include <troupe/actor.h>
#include <troupe/batcher.h>
#include <troupe/broadcast.h>
#include <troupe/bytes.h>
#include <troupe/cleanup.h>
#include <troupe/event.h>
#include <troupe/future.h>
#include <troupe/gather.h>
#include <troupe/inbox.h>
#include <troupe/limiter.h>
#include <troupe/message.h>
#include <troupe/observe.h>
#include <troupe/parallel.h>
#include <troupe/pool.h>
#include <troupe/queue.h>
#include <troupe/registry.h>
#include <troupe/retry.h>
#include <troupe/runtime.h>
#include <troupe/select.h>
#include <troupe/stream.h>
#include <troupe/sync.h>
#include <troupe/task.h>

#endif
