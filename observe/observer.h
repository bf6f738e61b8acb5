/* What debug mode offers to the rest of observe/. */
#ifndef TR_OBSERVE_OBSERVER_H
#define TR_OBSERVE_OBSERVER_H

/* SIGUSR1 has come, in debug mode, and nobody else had a handler for it: say what there is to be
 * said, to stderr. The loops may be stuck.
 * Threads: the watcher's. */
void tr__dump_requested(void);

#endif
