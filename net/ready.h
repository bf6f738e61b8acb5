/* A descriptor whose loop tells when it can be read or written.
 *
 * A way (in, or out) has a watcher of libev's, and at most one who waits for it: a task, or a
 * callback. The watcher stays
 * started when the wait is over, for the next wait usually follows; it is stopped when something
 * comes and nobody waits. So a conversation costs no call of epoll_ctl but the first.
 *
 * Threads: the loop's on which it was opened. */
#ifndef TR_NET_READY_H
#define TR_NET_READY_H

#include <ev.h>

#include "net/home.h"
#include "runtime/wait.h"

/* Who waits for a way, once. */
typedef struct tr__way_waiter {
    /* It is ready; or, below 0: it was closed meanwhile. */
    void (*end)(struct tr__way_waiter *waiter, int result);
} tr__way_waiter;

typedef struct tr__way {
    ev_io watcher;
    tr__way_waiter *waiter; /* NULL: nobody waits */
} tr__way;

typedef struct tr__ready {
    tr__tenant tenant;
    tr__net *net; /* NULL: closed, or its loop has closed */
    int fd;       /* -1: closed, or taken away */
    tr__way in;
    tr__way out;
} tr__ready;

/* Watch a descriptor, which is non-blocking, on the caller's loop.
 * Ownership: takes fd on success.
 * Errors:    as tr__net_here. */
int tr__ready_open(tr__ready *ready, int fd);
/* Stop watching, and take the descriptor away; -1 if there is none any more. Whoever waits is told
 * TR_EPIPE. */
int tr__ready_take(tr__ready *ready);
/* The same, and close it. */
void tr__ready_close(tr__ready *ready);

/* Let the running task wait until a call may succeed; what is for people, such as "data from a
 * socket". Errors that the descriptor has met end the wait, too: the call then tells.
 * Ownership: whoever waits keeps `ready`, also while it is closed.
 * Errors: TR_ECANCELED; TR_EBUSY another task waits; TR_EPIPE it was closed meanwhile;
 *         TR_EWRONGPLACE. */
int tr__ready_await(tr__ready *ready, tr__way *way, const char *what);

/* The call itself, made as soon as it may succeed, before the task runs: what has come is taken off
 * the descriptor then, so that the loop, which looks again while others run, is not told of it once
 * more. */
typedef struct tr__way_attempt {
    /* False: it has to wait all the same. */
    bool (*run)(struct tr__way_attempt *attempt);
} tr__way_attempt;

/* The same, until the attempt has been made. It is not made on error. */
int tr__ready_attempt(tr__ready *ready, tr__way *way, const char *what, tr__way_attempt *attempt);

/* Have a callback called when a call may succeed; nobody else waits. */
void tr__ready_call(tr__ready *ready, tr__way *way, tr__way_waiter *waiter);
/* It is not called, if it would have been. */
static inline void tr__ready_call_off(tr__way *way, const tr__way_waiter *waiter)
{
    if (way->waiter == waiter)
        way->waiter = NULL;
}

/* A call begins that may succeed without waiting: after many of these in a row, others run first.
 * Errors: as tr__ready_await. */
int tr__ready_take_turns(tr__ready *ready, uint8_t *streak);

/* Whether the caller is a task of the loop that this belongs to: 0, TR_EWRONGPLACE, or TR_EPIPE if
 * it is closed. */
int tr__ready_check(const tr__ready *ready);

#endif
