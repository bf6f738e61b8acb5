/* Which task holds which lock, and where it took it: in debug mode.
 *
 * Threads: any. */
#ifndef TR_OBSERVE_LOCKS_H
#define TR_OBSERVE_LOCKS_H

#include "runtime/task.h"

void tr__locks_take(const tr_task *task, const void *lock, const char *what, const void *place);
/* false: the task was not known to have it. */
bool tr__locks_give(const tr_task *task, const void *lock);
/* A task has ended: name the locks that it holds still, and forget them. */
void tr__locks_report(const tr_task *task);
/* Forget all. */
void tr__locks_clear(void);

#endif
