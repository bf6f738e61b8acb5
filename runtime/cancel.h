/* Cancellation: what a task is inside of.
 *
 * Each task has a chain of nodes, from its root inward: one for every scope, deadline and shield
 * that it has entered. A scope's node has child tasks, whose roots continue the tree:
 *
 *     root(app) <-> scope s <-> deadline 2 s          app's chain; the innermost decides
 *                     |
 *                     +-- root(fetch a) <-> shield
 *                     +-- root(fetch b)
 *
 * is_effective says that awaits inside fail. Invariants: it is true if and only if the node is
 * cancelled itself, or it is no shield and the node around it (for a child's root: the scope's) is
 * effective; `deadline_ns` is the nearest deadline that holds inside.
 *
 * Threads: the loop of the tasks; a tree never spans two loops. A child on another loop has a root
 * of its own, to which cancelling is posted. */
#ifndef TR_RUNTIME_CANCEL_H
#define TR_RUNTIME_CANCEL_H

#include <troupe/task.h>

#include "runtime/timer.h"

struct tr__scope;

typedef struct tr__cancel {
    struct tr__cancel *outer; /* NULL: a root */
    struct tr__cancel *inner; /* NULL: the innermost */
    tr_task *task;
    struct tr__scope *scope; /* whose node it is; NULL */
    uint64_t deadline_ns;
    bool is_shield;
    bool is_cancelled;
    bool is_effective;
} tr__cancel;

/* The root of a task's chain; outside NULL, or the scope's node that the task is a child of. */
void tr__cancel_root(tr__cancel *root, tr_task *task, const tr__cancel *outside);
/* Enter a node; it becomes the innermost of the task. */
void tr__cancel_enter(tr__cancel *node, tr_task *task, bool is_shield);
/* Leave it, and whatever is left inside of it. */
void tr__cancel_leave(tr__cancel *node);

/* Cancel a node: all inside of it, shields excepted, becomes effective, and tasks that wait there
 * for what can be withdrawn go on with TR_ECANCELED. Takes no stack, however deep the tree. */
void tr__cancel_apply(tr__cancel *node);

/* When a time limit in seconds (not NaN) is over, from now on: 0 if it has passed; UINT64_MAX:
 * never. */
uint64_t tr__due_ns(double seconds);
/* The time limit that is left then: 0 if it has passed; TR_FOREVER. */
double tr__seconds_left(uint64_t due_ns);

/* A node with a time limit. */
typedef struct __attribute__((may_alias)) tr__deadline {
    tr__cancel node;
    tr__timer timer;
    bool is_entered; /* it was entered by a task */
    bool has_expired;
    int *rc;
} tr__deadline;

void tr__deadline_begin(tr__deadline *deadline, tr_task *task, uint64_t due_ns, bool is_shield);
/* The nearest deadline of a node expires now if its time has passed, also if its timer has not come
 * yet: another loop's clock, to which it was handed on, may be ahead of this one's. */
void tr__deadline_catch_up(tr__cancel *node);
/* Whether it was this deadline, and nothing outside of it, that cancelled. */
bool tr__deadline_end(tr__deadline *deadline);

#endif
