/* Actors that await: their handlers run on a fiber, which an actor has only while it handles
 * messages.
 *
 *     idle --message--> activation on a new fiber <--> suspended, all frames kept
 *       ^                        |
 *       +------ mailbox empty, or the budget is used up
 *
 * While a handler is suspended the actor counts as queued, so that nothing schedules it; what
 * arrives waits in its mailbox. A stop cancels the fiber; when the handler has returned, the stop
 * function gets a fiber of its own.
 *
 * Threads: the home loop. */
#ifndef TR_ACTORS_FIBERED_H
#define TR_ACTORS_FIBERED_H

#include "actors/home.h"
#include "runtime/cancel.h"

typedef struct tr__fibered {
    tr_task *task;   /* that handles messages; NULL: none */
    tr__frame frame; /* while it is suspended */
    tr_pid asks;     /* whom it waits for; none */
    bool is_ending;  /* its stop function runs */
} tr__fibered;

/* What an actor that awaits needs besides. 0, or TR_ENOMEM. */
int tr__fibered_prepare(tr__home *home, tr_self *self);
void tr__fibered_free(tr__home *home, tr_self *self);

/* The run function of one with messages. */
uint32_t tr__fibered_activate(tr__runnable *runnable, tr__loop *loop);
/* End it, on a fiber for its stop function. */
void tr__fibered_end(tr__home *home, tr_self *self, int reason);
/* Its fiber, if that runs now: not another task, within which its init may have ended it. */
tr_task *tr__fibered_task_here(const tr__home *home, const tr_self *self);
/* Somebody wants it to end: interrupt its handler. */
void tr__fibered_interrupt(tr_self *self);
/* Whether its handler, which is suspended, has called tr_exit: it ends for that reason. */
bool tr__fibered_exits(const tr_self *self);

/* Around a stop function that may await: it is shielded, for stop_timeout. */
void tr__fibered_stop_begin(tr__home *home, tr_self *self, tr_task *task, tr__deadline *shield);
void tr__fibered_stop_end(tr__deadline *shield);

/* Before the running handler asks: TR_EDEADLK if whom it asks waits, over whatever others on this
 * loop, for this very actor. Else 0; 0 as well where a task asks. */
int tr__fibered_check_cycle(const tr__home *home, tr_pid to);
/* Where the running handler says whom it waits for: none again as soon as the wait is over, though
 * it may go on later only. NULL: no such handler runs. */
tr_pid *tr__fibered_asks(const tr__home *home);

#endif
