/* What watches the runtime in debug mode, for people who look for a mistake. The runtime calls it
 * through this table and never includes it; the one instance is defined above
 * (observe/observer.c). */
#ifndef TR_RUNTIME_OBSERVER_H
#define TR_RUNTIME_OBSERVER_H

#include <stdbool.h>

#include <troupe/runtime.h>

#include "base/atomic.h"
#include "base/compiler.h"
#include "runtime/runnable.h"
#include "runtime/stack.h"

typedef struct tr_task tr_task;

typedef struct tr__observer {
    /* With the loops made, but no thread of theirs started. 0 or an error; on error all is
     * undone. */
    int (*start)(const tr_config *config);
    /* When the loops have quit. */
    void (*stop)(void);

    /* What follows is called in debug mode, from any thread. */

    /* A number above 1 for a place in the program, such as the caller of a function; 0: there are
     * too many of them. */
    uint32_t (*number_place)(const void *place);
    /* A future goes that somebody at that place wanted, and nobody has looked at how it ended. */
    void (*miss_await)(const char *what, uint32_t place);
    /* A task has taken that lock at that place, or gives it back; false: it was not known to have
     * it. */
    void (*take_lock)(const tr_task *task, const void *lock, const char *what, const void *place);
    bool (*give_lock)(const tr_task *task, const void *lock);
    /* A task has ended that holds locks still. */
    void (*miss_unlock)(const tr_task *task);
    /* On each loop's thread, when it begins, and when nothing of the program's runs there any
     * more. */
    void (*enter)(tr__loop *loop);
    void (*leave)(tr__loop *loop);
    /* On the loop's thread: libev is about to wait in the kernel; it has come back. */
    void (*rest)(void);
    void (*resume)(void);
    /* On the loop's thread: nothing runs any more on a task's stack, which has not been given away
     * yet. */
    void (*stack_given)(tr__stack *stack);
} tr__observer;

extern const tr__observer tr__upper_observer;

/* Whether this is debug mode: set before the loops' threads start, and for as long as they run. */
extern uint32_t tr__debugging;

/* For what is done in debug mode only, out of line. */
static TR__ALWAYS_INLINE bool tr__is_debugging(void)
{
    return TR__UNLIKELY(tr__peek_u32(&tr__debugging) != 0);
}

#endif
