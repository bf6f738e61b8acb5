/* A task that watches several futures at once, and waits until what it has seen is enough.
 *
 *     begin ----> wait, again and again ----> end
 *
 * Each future has a watch of its own (runtime/watch.h), also one that stands in the array twice.
 * All memory is taken by tr__watches_begin: what comes after can't fail for want of it. Ends are
 * noted as they come, also while the task does something else.
 *
 * Invariant: `ended` is the length of the list that begins at `first`; each of the others has a
 * watch that stands.
 *
 * Threads: everything here is the loop's of the task. */
#ifndef TR_SYNC_WATCHES_H
#define TR_SYNC_WATCHES_H

#include "runtime/task.h"
#include "runtime/watch.h"

typedef struct tr__watched {
    tr__watch watch;
    struct tr__watches *all;
    struct tr__watched *next; /* the one that ended after it */
    int status;               /* how it has ended */
    bool has_ended;
} tr__watched;

/* So many need no memory. */
enum { TR__WATCHED_FEW = 5 };

typedef struct __attribute__((may_alias)) tr__watches {
    tr_future *const *fs;
    size_t n;
    tr__watched *each; /* `few`, or the allocator's */
    /* Those that have ended, in that order. */
    size_t ended;
    tr__watched *first;
    tr__watched **last;
    tr__watched *success; /* the first with such an end; NULL */
    tr__watched *error;
    tr__watched *failure; /* an error other than TR_ECANCELED */
    /* The task, while it waits. */
    tr__wait wait;
    bool (*is_enough)(const struct tr__watches *w); /* NULL: it does not wait */
    tr__watched few[TR__WATCHED_FEW];
} tr__watches;

/* Whether the caller may wait for these: a task, cancelled or not.
 * Errors: TR_EINVAL; TR_EWRONGPLACE; TR_EDEADLK. */
int tr__watches_check(tr_future *const *fs, size_t n);

/* The array stays the caller's, and as it is, until the end.
 * Errors: TR_ENOMEM; TR_ESHUTDOWN: there is nothing to end. */
int tr__watches_begin(tr__watches *w, tr_future *const *fs, size_t n);
void tr__watches_end(tr__watches *w);

/* Wait until it is enough, which may be at once.
 * Errors: TR_ECANCELED, only if can_withdraw. */
int tr__watches_wait(tr__watches *w, bool (*is_enough)(const tr__watches *w), bool can_withdraw);

/* Cancel all that have not ended, and wait until they have. */
void tr__watches_join(tr__watches *w);

bool tr__watches_all_ended(const tr__watches *w);

#endif
