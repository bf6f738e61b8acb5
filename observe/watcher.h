/* The watcher of debug mode: one thread that looks at each loop a few times in tr_config.slow_ms.
 *
 *     watcher                                    a loop's thread
 *     looks: awake, and in one stretch for too
 *     long (steps.h); sends a signal  ---------> handler: where am I, and for whom?
 *     finds the names, logs           <--------- pokes the watcher
 *
 * All that takes time is done by the watcher: names are looked up, lines are logged, by nobody
 * else. It never takes the runtime's gate: who stops the runtime has it, and waits for the watcher.
 *
 * The signal is one of the real-time ones that nobody has a handler for; it interrupts a call of
 * the kernel's as any signal does, most of which go on by themselves (SA_RESTART). Calls that
 * blocking.h knows are not interrupted: there the thread has written down where it is before. */
#ifndef TR_OBSERVE_WATCHER_H
#define TR_OBSERVE_WATCHER_H

#include <troupe/runtime.h>

#include "runtime/loop.h"

/* With the loops made, but none started. 0, TR_ENOMEM, or TR_EAGAIN: no thread. */
int tr__watcher_open(const tr_config *config);
/* The loops' threads have left. What is to be reported is, before it returns. */
void tr__watcher_close(void);

/* On each loop's thread: see tr__observer. */
void tr__watcher_enter(tr__loop *loop);
void tr__watcher_leave(tr__loop *loop);
void tr__watcher_rest(void);
void tr__watcher_resume(void);

/* There is something to do for the watcher. Async-signal-safe. */
void tr__watcher_poke(void);

#endif
