/* An actor's timers. A timer's block is its message: the tr__timed stands at the end of it, so that
 * firing needs no memory.
 *
 *     waiting --fires--> queued --handled--> gone; a repeating one is waiting all the while
 *        |                 |
 *        +--- cancelled ---+--> dropped when the dispatcher comes to it
 */
#ifndef TR_ACTORS_TIMED_H
#define TR_ACTORS_TIMED_H

#include "actors/home.h"

typedef struct tr__timed {
    tr__timer timer;
    tr__list link; /* in one of its actor's lists; zero: it was cancelled */
    tr_self *self;
    tr_msg *msg;        /* the block that it stands in */
    uint64_t key;       /* 0: none */
    uint64_t period_ns; /* 0: once */
    bool is_queued;     /* its message is in the mailbox, or being handled */
} tr__timed;

static inline tr__timed *tr__msg_timed(const tr_msg *msg)
{
    TR_DCHECK(msg->tr__head & TR__MSG_TIMED);
    return (tr__timed *)(void *)((char *)(uintptr_t)msg + tr__msg_bytes(msg) - sizeof(tr__timed));
}

/* Its message has come up. true: let the actor handle it; false: it was cancelled, and is gone. */
bool tr__timed_admit(tr__home *home, tr_msg *msg);

/* The handler has returned: end the message, or keep it for the next time. */
void tr__timed_handled(tr__home *home, tr_msg *msg);

/* What tr_msg_keep gets of a repeating one: a copy. NULL: out of memory. */
tr_msg *tr__timed_copy(tr__home *home, const tr_msg *msg);

/* The actor ends: stop its timers. Those queued are ended with the mailbox. */
void tr__timed_end(tr__home *home, tr_self *self);

#endif
