/* Seeing what a program does: the tree of its tasks with what each awaits, and debug mode. */
#ifndef TROUPE_OBSERVE_H
#define TROUPE_OBSERVE_H

#include <stdio.h>

#include <troupe/core.h>

#ifdef __cplusplus
extern "C" {
#endif

/* Write to `out` (NULL: stderr) the tree of all tasks, with what each awaits and who is to give it,
 * the actors by class, and those tasks and actors that wait for each other in a circle: a deadlock.
 * What a foreign thread waits for is not known. Many that are alike are one line.
 * Each loop tells of its own between two activations; one that does not come to it within a second
 * is named, with what keeps it. So it is not the picture of one moment; but a circle is told only
 * if all of it stood still at one.
 * Threads: any, also tasks and handlers, which it keeps meanwhile; one at a time.
 * Errors:  TR_ESHUTDOWN no runtime runs; TR_EBUSY another one is being written; TR_ENOMEM it is not
 *          complete; an error of writing, as -errno, or -EIO. */
TR_API int tr_dump(FILE *out);

#ifdef __cplusplus
}
#endif
#endif
