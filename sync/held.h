/* In debug mode it is known which locks a task holds, and where it took them: so that one which
 * ends with a lock can be told. Elsewhere nothing is done. */
#ifndef TR_SYNC_HELD_H
#define TR_SYNC_HELD_H

#include "runtime/observer.h"
#include "runtime/task.h"

/* Out of line, for debug mode. */
void tr__held_note(const void *lock, const char *what, const void *place);
void tr__held_drop(const void *lock);

/* The caller has taken a lock; `place` is where. */
static inline void tr__held_take(const void *lock, const char *what, const void *place)
{
    if (tr__is_debugging())
        tr__held_note(lock, what, place);
}

/* It is about to give it back. */
static inline void tr__held_give(const void *lock)
{
    if (tr__is_debugging())
        tr__held_drop(lock);
}

#endif
