/* The ways of a message: from a sender to its receiver's mailbox, or to its end as a dead
 * letter. */
#ifndef TR_ACTORS_DELIVER_H
#define TR_ACTORS_DELIVER_H

#include "actors/home.h"

/* ---- at home ---- */

/* Put a message into a mailbox that is known to take it, and let the actor run. */
static TR__ALWAYS_INLINE void tr__push(tr__home *home, tr_self *self, tr_msg *msg)
{
    uint32_t word = self->word;

    tr__mailbox_push_local(&self->mailbox, msg);
    self->word = (word + TR__SLOT_COUNT_ONE) | TR__SLOT_QUEUED;
    if (!(word & TR__SLOT_QUEUED))
        tr__loop_schedule(&home->loop, &self->runnable);
}

/* The same, within the mailbox's limits, if it has any. TR_EFULL: msg is still the caller's. A
 * message that was dropped by the actor's policy counts as accepted. */
int tr__push_limited(tr__home *home, tr_self *self, tr_msg *msg);

/* ---- from a loop ---- */

/* Bring a message to an actor anywhere. On error msg is still the caller's.
 * Errors: TR_EDEAD, TR_EFULL (the receiver lives on this loop); TR_ENOMEM; TR_ESHUTDOWN. */
int tr__route(tr__home *home, tr_pid to, tr_msg *msg);

/* The slow half of the next. */
int tr__dispatch_slowly(tr__home *home, tr_pid to, tr_msg *msg);

/* tr__route, or bury it; msg is taken in any case, and counted as sent. */
static TR__ALWAYS_INLINE int tr__dispatch(tr__home *home, tr_pid to, tr_msg *msg)
{
    tr_self *self = tr__lives_here(home, to) ? tr__slot_of(to) : NULL;

    if (TR__UNLIKELY(self == NULL || (self->word & TR__SLOT_LIMITED) ||
                     (msg->tr__head & TR__MSG_ANSWERS)))
        return tr__dispatch_slowly(home, to, msg);
    tr__bump_u64(&home->ledger.sent, 1);
    tr__push(home, self, msg);
    return 0;
}

/* ---- from anywhere ---- */

/* The same for a message that any thread may hold (home NULL: a foreign thread; the message then
 * was made without a slab, or kept). */
int tr__dispatch_anywhere(tr_pid to, tr_msg *msg);

/* A parcel that is no message, to the home of an actor. */
int tr__send_parcel(tr_pid to, const tr__parcel *parcel);

/* ---- ends ---- */

/* Give a message's memory back, its owned things dropped first. home NULL: a foreign thread. */
void tr__msg_end(tr__home *home, tr_msg *msg);

/* The same for a message that asks, whose asker hears of an error; this needs no memory. */
void tr__msg_fail(tr__home *home, tr_msg *msg, int error);

/* A dead letter: count, tell, fail its asker, and end it. msg is taken. home NULL: a foreign
 * thread. */
void tr__bury(tr__home *home, tr_pid to, tr_msg *msg, int reason);

/* A dead letter that never became a message: a small one, whose two words are at hand. */
void tr__bury_small(tr__home *home, tr_pid to, uint32_t type, const uint64_t *word, int reason);

/* The same for a larger one, which there was no memory for. */
void tr__bury_unmade(tr__home *home, tr_pid to, uint32_t type, const void *payload);

/* The one who asked hears of an error. home NULL: a foreign thread. */
int tr__fail_asker(tr__home *home, tr_pid asker, uint64_t ref, int error);

#endif
