/* Names of addresses, for people: function and line by addr2line of binutils, run as a program of
 * its own; without it, what the dynamic linker knows: the function if it is exported, the object,
 * and an offset.
 *
 * TROUPE_ADDR2LINE names another program that takes the same arguments (llvm-addr2line, say);
 * empty: none.
 *
 * Threads: one at a time; in debug mode the watcher's. */
#ifndef TR_OBSERVE_SYMBOLS_H
#define TR_OBSERVE_SYMBOLS_H

#include <stdbool.h>

/* 0, or TR_ENOMEM. gives_up is asked while addr2line runs: true, and it is ended. */
int tr__symbols_open(bool (*gives_up)(void));
void tr__symbols_close(void);

/* Find the names of these addresses, if they are not known yet. */
void tr__symbols_find(void *const *pc, int count);
/* The name of one of those that were found last: "function (folder/file.c:12)", followed by
 * " < caller (...)" where the function is inlined; valid until the next ones are found. */
const char *tr__symbol_of(const void *pc);

#endif
