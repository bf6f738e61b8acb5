/* Guards: pages at the low end of stacks that no one may touch, so that a stack that overflows ends
 * the program, and not the data below it. Since Linux 6.13 pages can be marked as guards; before, a
 * guard is a mapping of its own, of which a process may have some 65,000. We take half of them at
 * most; stacks beyond that have no guard, which is logged once a start.
 *
 * Threads: any. */
#ifndef TR_RUNTIME_STACK_GUARD_H
#define TR_RUNTIME_STACK_GUARD_H

#include <stddef.h>
#include <stdint.h>

#define TR__GUARDS_EACH 64

typedef enum tr__guard {
    TR__GUARD_NONE,
    TR__GUARD_MARKED, /* costs no mapping */
    TR__GUARD_MAPPED  /* costs two: it splits the one it lies in */
} tr__guard;

/* A runtime starts: what went wrong before is said once more. So that each run is like the first,
 * it works out now what needs to be worked out once. */
void tr__guards_begin(void);
/* Make a guard of committed pages. */
tr__guard tr__guard_install(void *at, size_t bytes);
/* Make TR__GUARDS_EACH of bytes each, one every `apart` bytes. Returns a bit for each that was
 * made; *mapped is how many of them are mapped. */
uint64_t tr__guard_install_each(void *at, size_t bytes, size_t apart, uint32_t *mapped);
/* That many mapped guards are about to be unmapped. */
void tr__guard_forget(uint32_t mapped);

#endif
