/* Calls from one loaded object to another, led through functions of ours: each object has a table
 * of the addresses of what it calls elsewhere (the global offset table), whose entries are replaced
 * while debug mode runs. So it costs nothing when it is off, and asks for no LD_PRELOAD.
 *
 * Not led astray are calls that an object makes to itself (so the C library's own), those of the
 * sanitizers, and those of programs that are linked statically. On machines other than x86-64 and
 * AArch64 nothing is. */
#ifndef TR_OBSERVE_HOOKS_H
#define TR_OBSERVE_HOOKS_H

#include <stdbool.h>

typedef struct tr__hook {
    const char *name; /* of a function */
    void *ours;       /* that is called in its place */
    void **real;      /* where the address of the real one is put, for ours; it stays there. NULL
                         there: nobody has such a function */
} tr__hook;

/* Replace the entries of all objects. The hooks, in the order of their names, must last until they
 * are removed; one set at a time. false: some objects could not be written to. */
bool tr__hooks_install(const tr__hook *hooks, int count);
/* The same for objects that have been loaded since; to be called now and then, for what is new to
 * one call is visited by the next, when the linker is done with it. */
bool tr__hooks_follow(void);
/* Put the real ones back. Threads may be within ours, and stay there for a while. */
void tr__hooks_remove(void);

#endif
