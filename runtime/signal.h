/* Signals of the process, for several who want to hear of the same one. */
#ifndef TR_RUNTIME_SIGNAL_H
#define TR_RUNTIME_SIGNAL_H

#include "base/compiler.h"
#include "base/list.h"

typedef struct tr__signal_listener {
    tr__list link; /* zero: it does not listen */
    /* The signal has come. It must not end any listening. */
    void (*fn)(struct tr__signal_listener *listener, int signo);
} tr__signal_listener;

/* Call listener->fn on loop 0 each time the signal comes, before the callback that tr_on_signal has
 * set. What the signal did before is restored when neither is left.
 * Threads: loop 0.
 * Errors:  TR_EINVAL a signal that can't be caught; TR_ENOMEM; TR_ESHUTDOWN. */
TR__SHARED int tr__signal_listen(int signo, tr__signal_listener *listener);
/* No more. Nothing happens where the loop has closed meanwhile, which has ended it.
 * Threads: loop 0. */
TR__SHARED void tr__signal_unlisten(int signo, tr__signal_listener *listener);

#endif
