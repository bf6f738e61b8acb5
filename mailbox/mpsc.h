/* The inlet: nodes (letters, runnables) from any thread to one loop. Lock-free: a stack that
 * producers push to by compare and swap, and that the consumer takes whole, by one exchange, and
 * turns round, so that each producer's order is kept. (A push-only stack that is taken whole knows
 * no ABA.)
 *
 * States of top:   closed   CLOSED: pushes are refused; the state before the first open, too
 *                  empty    NULL
 *                  filled   the latest node
 * Transitions:     closed -> empty          open (owner)
 *                  empty, filled -> filled  push (anybody)
 *                  filled -> empty          take (owner)
 *                  empty, filled -> closed  close (owner)
 * The linearization point of a push is its compare and swap, of the others their exchange.
 *
 * Who may touch what: top anybody, by the functions below; a node its pusher until the push, then
 * the owner. The one who fills an empty inlet is told so: it is the one who must wake the owner. */
#ifndef TR_MAILBOX_MPSC_H
#define TR_MAILBOX_MPSC_H

#include <stddef.h>

#include "base/atomic.h"
#include "base/compiler.h"
#include "base/list.h"
#include "mailbox/parcel.h"

/* A parcel of a foreign thread's. */
typedef struct tr__letter {
    tr__link link;
    tr__parcel parcel;
} tr__letter;

static inline tr__letter *tr__letter_of(tr__link *link)
{
    return TR__CONTAINER_OF(link, tr__letter, link);
}

typedef struct tr__inlet {
    tr__link *top;
} tr__inlet;

typedef enum tr__push_result {
    TR__PUSH_OK,    /* there was something in it already */
    TR__PUSH_FIRST, /* it was empty: the caller must see to it that the owner wakes */
    TR__PUSH_CLOSED /* the node is still the caller's */
} tr__push_result;

#define TR__INLET_CLOSED ((tr__link *)(uintptr_t)1)
#define TR__INLET_INIT                                                                             \
    {                                                                                              \
        TR__INLET_CLOSED                                                                           \
    }

/* Owner: accept nodes from now on. */
static inline void tr__inlet_open(tr__inlet *inlet)
{
    /* ordered: what the owner set up before is visible to who pushes after. */
    (void)tr__exchange_ordered_ptr(&inlet->top, NULL);
}

/* Anybody. Takes the node unless it is closed. */
static inline tr__push_result tr__inlet_push_mpsc(tr__inlet *inlet, tr__link *link)
{
    tr__link *top;

    do {
        /* relaxed: only a guess, which the compare and swap proves. */
        top = tr__load_relaxed_ptr(&inlet->top);
        if (top == TR__INLET_CLOSED)
            return TR__PUSH_CLOSED;
        link->next = top;
        /* ordered: publishes the node; pairs with the exchange in tr__inlet_take_mpsc. It is the
         * full fence between this push and the caller's look at whether the owner sleeps, too. */
    } while (!tr__cas_ordered_ptr(&inlet->top, top, link));
    return top == NULL ? TR__PUSH_FIRST : TR__PUSH_OK;
}

/* Whether there is something to take; any thread may ask, the owner's answer is exact. */
static inline bool tr__inlet_is_empty(const tr__inlet *inlet)
{
    /* relaxed: what is in it is read only after the exchange in tr__inlet_take_mpsc. */
    const tr__link *top = tr__load_relaxed_ptr(&inlet->top);

    return top == NULL || top == TR__INLET_CLOSED;
}

/* Turn a stack into the order its nodes came in. */
static inline tr__link *tr__links_turn(tr__link *link)
{
    tr__link *turned = NULL;

    while (link != NULL && link != TR__INLET_CLOSED) {
        tr__link *next = link->next;

        link->next = turned;
        turned = link;
        link = next;
    }
    return turned;
}

/* Owner: all nodes, oldest first; NULL when there are none. Not when closed. */
static inline tr__link *tr__inlet_take_mpsc(tr__inlet *inlet)
{
    if (tr__inlet_is_empty(inlet))
        return NULL;
    /* ordered: pairs with the push: the nodes are visible. */
    return tr__links_turn(tr__exchange_ordered_ptr(&inlet->top, NULL));
}

/* Owner: refuse nodes from now on; returns those still in it, oldest first. */
static inline tr__link *tr__inlet_close(tr__inlet *inlet)
{
    /* ordered: as in tr__inlet_take_mpsc. */
    return tr__links_turn(tr__exchange_ordered_ptr(&inlet->top, TR__INLET_CLOSED));
}

#endif
