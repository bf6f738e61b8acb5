/* Scopes: blocks in which child tasks run, and that end when all of them have.
 *
 * Children on the scope's loop stand in `children` by their own link. A child on another loop is
 * known by a record here, which waits for the child's future as anybody would, and through which it
 * is cancelled. Invariant: alive is the number of both. */
#ifndef TR_RUNTIME_SCOPE_H
#define TR_RUNTIME_SCOPE_H

#include "runtime/cancel.h"
#include "runtime/task.h"

typedef struct __attribute__((may_alias)) tr__scope {
    tr__cancel node; /* node.task NULL: the scope was entered where no task runs */
    tr__list children;
    tr__list remote;
    size_t alive;
    tr__wait *joiner;             /* NULL: nobody waits for the children yet */
    tr__list starters;            /* who waits until a child says that it is ready */
    struct tr__failure *failures; /* the oldest first */
    struct tr__failure **failures_end;
    size_t failure_count; /* of those that had no memory to be kept, too */
    int *rc;
    int failure; /* the first one; 0: none */
    uint16_t loop;
    bool is_joined; /* no more children may be started */
} tr__scope;

_Static_assert(sizeof(tr__scope) <= sizeof(tr_scope), "fits its public place");

/* A child on this loop is about to end: afterwards it may be gone. Returns what its result is for
 * the scope. */
int tr__scope_child_ends(tr__scope *scope, tr_task *child, int result);
/* It has ended, and who awaited it has been told: they hear of that before the scope is cancelled.
 */
void tr__scope_child_ended(tr__scope *scope, int result);

/* For the walk of cancel.c: the roots of local children that have begun, one after the other; those
 * that have not are marked. */
tr__cancel *tr__scope_first_root(tr__scope *scope);
tr__cancel *tr__scope_next_root(const tr_task *child);
/* Cancel the children on other loops. */
void tr__scope_cancel_remote(tr__scope *scope);
/* Call fn for each of them. */
void tr__scope_visit_remote(const tr__scope *scope, void (*fn)(void *ctx, const tr_task *child),
                            void *ctx);

#endif
