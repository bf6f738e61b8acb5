/* Calls of the C library's that block a loop, named with their place: while debug mode runs, calls
 * of the functions in blocking.c are led through ours (hooks.h), which look whether this is a
 * loop's thread that runs something, and whether the call would block; report it; and do it.
 *
 * What is not seen: calls that the C library makes itself (fread and fgets, whose read is its own),
 * system calls without a function of its, functions that are not on the list (open of a pipe,
 * fcntl(F_SETLKW)), and whatever hooks.h can't lead astray. */
#ifndef TR_OBSERVE_BLOCKING_H
#define TR_OBSERVE_BLOCKING_H

#include <stdbool.h>

/* Before the watcher starts. 0, or TR_ENOMEM. */
int tr__blocking_open(void);
/* After the watcher has ended. */
void tr__blocking_close(void);

/* The watcher's: see to objects that have been loaded since. */
void tr__blocking_follow(void);
/* The watcher's: as tr__sites_report. */
void tr__blocking_report(bool is_last);

#endif
