/* To be told of the end of a future, on the loop of the task that wants to know, whichever loop is
 * its home. For who waits for several things at once: see await.c.
 *
 * Threads: everything here is the watching loop's. */
#ifndef TR_RUNTIME_WATCH_H
#define TR_RUNTIME_WATCH_H

#include "runtime/future.h"

typedef struct tr__watch {
    tr__waiter waiter;             /* where the future's home is this loop */
    struct tr__watch_proxy *proxy; /* where it is another; else NULL */
    /* Called at most once, with how it has ended; the watch is over then. It may end others. */
    void (*arrive)(struct tr__watch *watch, int status);
} tr__watch;

/* Begin; the caller keeps a reference to the future, and the watch stays where it is until it is
 * over. 1: the future has ended already, and there is no watch.
 * Errors: TR_ENOMEM; TR_ESHUTDOWN its home is gone. */
int tr__watch_begin(tr__watch *watch, tr_future *f,
                    void (*arrive)(struct tr__watch *watch, int status));
/* End it before it has arrived: it never will. Nothing happens to one that is over. */
void tr__watch_end(tr__watch *watch);

#endif
