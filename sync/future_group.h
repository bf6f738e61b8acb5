/* Several futures that one task watches at once: it waits until what it has seen of them is enough.
 *
 *     begin ----> wait, again and again ----> end
 *
 * Each future has a watch of its own (runtime/watch.h), also one that stands in the array twice.
 * All memory is taken by tr__future_group_begin: what comes after can't fail for want of it. Ends
 * are noted as they come, also while the task does something else.
 *
 * Invariant: `ended` is the length of the list that begins at `first`; each of the others has a
 * watch that stands.
 *
 * Threads: everything here is the loop's of the task. */
#ifndef TR_SYNC_FUTURE_GROUP_H
#define TR_SYNC_FUTURE_GROUP_H

#include "runtime/task.h"
#include "runtime/watch.h"

typedef struct tr__grouped_future {
    tr__watch watch;
    struct tr__future_group *group;
    struct tr__grouped_future *next; /* the one that ended after it */
    int status;                      /* how it has ended */
    bool has_ended;
} tr__grouped_future;

/* So many need no memory. */
enum { TR__FUTURE_GROUP_FEW = 5 };

typedef struct __attribute__((may_alias)) tr__future_group {
    tr_future *const *fs;
    size_t n;
    tr__grouped_future *each; /* `few`, or the allocator's */
    /* Those that have ended, in that order. */
    size_t ended;
    tr__grouped_future *first;
    tr__grouped_future **last;
    tr__grouped_future *success; /* the first with such an end; NULL */
    tr__grouped_future *error;
    tr__grouped_future *failure; /* an error other than TR_ECANCELED */
    /* The task, while it waits. */
    tr__wait wait;
    bool (*is_enough)(const struct tr__future_group *group); /* NULL: it does not wait */
    tr__grouped_future few[TR__FUTURE_GROUP_FEW];
} tr__future_group;

/* Whether the caller may wait for these: a task, cancelled or not.
 * Errors: TR_EINVAL; TR_EWRONGPLACE; TR_EDEADLK. */
int tr__future_group_check(tr_future *const *fs, size_t n);

/* The array stays the caller's, and as it is, until the end.
 * Errors: TR_ENOMEM; TR_ESHUTDOWN: there is nothing to end. */
int tr__future_group_begin(tr__future_group *group, tr_future *const *fs, size_t n);
void tr__future_group_end(tr__future_group *group);

/* Wait until it is enough, which may be at once.
 * Errors: TR_ECANCELED, only if can_withdraw. */
int tr__future_group_wait(tr__future_group *group, bool (*is_enough)(const tr__future_group *group),
                          bool can_withdraw);

/* Cancel all that have not ended, and wait until they have. */
void tr__future_group_join(tr__future_group *group);

bool tr__future_group_all_ended(const tr__future_group *group);

#endif
