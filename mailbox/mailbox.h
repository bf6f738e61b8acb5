/* The mailbox of an actor at home: a queue that only its home loop touches, with plain stores.
 *
 * States:  empty    first == NULL, last == &first
 *          filled   first != NULL, *last == NULL
 *
 * Who may touch it: the loop that the actor lives on, nobody else. Messages of other threads reach
 * it through that loop's lanes (spsc.h) and inlet (mpsc.h), so a push never meets another. Whether
 * the receiver is still the one that was meant is decided before the push, by the generation in the
 * pid: a mailbox never holds a message for an earlier actor of its slot.
 *
 * The control lane of an actor is not a queue but two bits, stop and kill (actors/slot.h): requests
 * that mean the same merge, so it needs no memory, and is never full. */
#ifndef TR_MAILBOX_MAILBOX_H
#define TR_MAILBOX_MAILBOX_H

#include "mailbox/message.h"

typedef struct tr__mailbox {
    tr_msg *first;
    tr_msg **last; /* where the next message is linked */
} tr__mailbox;

static inline void tr__mailbox_init(tr__mailbox *box)
{
    box->first = NULL;
    box->last = &box->first;
}

static TR__ALWAYS_INLINE void tr__mailbox_push_local(tr__mailbox *box, tr_msg *msg)
{
    msg->tr__next = NULL;
    *box->last = msg;
    box->last = &msg->tr__next;
}

/* The oldest message, taken off; NULL when it is empty. */
static TR__ALWAYS_INLINE tr_msg *tr__mailbox_pop_local(tr__mailbox *box)
{
    tr_msg *msg = box->first;

    if (msg == NULL)
        return NULL;
    box->first = msg->tr__next;
    if (box->first == NULL)
        box->last = &box->first;
    return msg;
}

/* Take the message that *link points to out of the middle. */
static inline tr_msg *tr__mailbox_unlink_local(tr__mailbox *box, tr_msg **link)
{
    tr_msg *msg = *link;

    *link = msg->tr__next;
    if (*link == NULL)
        box->last = link;
    return msg;
}

static inline bool tr__mailbox_is_empty(const tr__mailbox *box)
{
    return box->first == NULL;
}

/* Walks it: for tests and debug builds. */
bool tr__mailbox_is_valid(const tr__mailbox *box, size_t count);

#endif
