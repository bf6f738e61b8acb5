/* Cancellation trees. */
#include "runtime/cancel.h"

#include "base/seam.h"
#include "runtime/scope.h"
#include "runtime/task.h"
#include "runtime/thread.h"

static uint64_t earlier(uint64_t a, uint64_t b)
{
    return a < b ? a : b;
}

void tr__cancel_root(tr__cancel *root, tr_task *task, const tr__cancel *outside)
{
    *root = (tr__cancel){
        .task = task,
        .deadline_ns = outside != NULL ? outside->deadline_ns : UINT64_MAX,
        .is_effective = outside != NULL && outside->is_effective,
    };
    task->innermost = root;
}

void tr__cancel_enter(tr__cancel *node, tr_task *task, bool is_shield)
{
    tr__cancel *outer = task->innermost;

    *node = (tr__cancel){
        .outer = outer,
        .task = task,
        .deadline_ns = is_shield ? UINT64_MAX : outer->deadline_ns,
        .is_shield = is_shield,
        .is_effective = !is_shield && outer->is_effective,
    };
    outer->inner = node;
    task->innermost = node;
}

void tr__cancel_leave(tr__cancel *node)
{
    node->outer->inner = NULL;
    node->task->innermost = node->outer;
}

/* ---- the walk ---- */

/* The tasks of a wait that can be taken back go on. */
static void interrupt(tr_task *task)
{
    tr__wait *wait = task->wait;

    if (wait != NULL && wait->kind->withdraw != NULL && wait->kind->withdraw(wait))
        tr__wait_end(wait, TR_ECANCELED);
}

static void visit(tr__cancel *node)
{
    node->is_effective = true;
    if (node->scope != NULL)
        tr__scope_cancel_remote(node->scope);
    if (node->inner == NULL)
        interrupt(node->task);
}

/* The node inside of this one to which cancelling goes on, or NULL. */
static tr__cancel *further_in(const tr__cancel *node)
{
    return node->inner != NULL && !node->inner->is_shield ? node->inner : NULL;
}

/* Where the walk goes from a node that it has visited: into the scope's children, then inward. */
static tr__cancel *descend(tr__cancel *node)
{
    tr__cancel *child = node->scope != NULL ? tr__scope_first_root(node->scope) : NULL;

    return child != NULL ? child : further_in(node);
}

/* Where it goes when all below a node is done; NULL: the walk, which began at `start`, is over. */
static tr__cancel *ascend(tr__cancel *node, const tr__cancel *start)
{
    while (node != start) {
        tr__cancel *next;

        if (node->outer != NULL) {
            node = node->outer; /* its children were visited before what is inside of it */
            continue;
        }
        next = tr__scope_next_root(node->task);
        if (next != NULL)
            return next;
        node = &node->task->scope->node;
        next = further_in(node);
        if (next != NULL)
            return next;
    }
    return NULL;
}

void tr__cancel_apply(tr__cancel *start)
{
    tr__cancel *node = start;

    start->is_cancelled = true;
    while (node != NULL) {
        tr__cancel *next;

        visit(node);
        next = descend(node);
        node = next != NULL ? next : ascend(node, start);
    }
}

/* ---- deadlines ---- */

uint64_t tr__due_ns(double seconds)
{
    if (seconds <= 0)
        return 0;
    return seconds < TR_FOREVER ? tr__deadline_ns(tr__now_ns(), seconds) : UINT64_MAX;
}

double tr__seconds_left(uint64_t due_ns)
{
    uint64_t now_ns;

    if (due_ns == UINT64_MAX)
        return TR_FOREVER;
    now_ns = tr__now_ns();
    return due_ns > now_ns ? (double)(due_ns - now_ns) / 1e9 : 0;
}

static void on_expiry(tr__timer *timer)
{
    tr__deadline *deadline = TR__CONTAINER_OF(timer, tr__deadline, timer);

    deadline->has_expired = true;
    tr__cancel_apply(&deadline->node);
}

void tr__deadline_begin(tr__deadline *deadline, tr_task *task, uint64_t due_ns, bool is_shield)
{
    tr__loop *loop = tr__loop_here();
    uint64_t outer_ns;

    tr__cancel_enter(&deadline->node, task, is_shield);
    deadline->timer = (tr__timer){ 0 };
    deadline->has_expired = false;
    outer_ns = deadline->node.deadline_ns;
    deadline->node.deadline_ns = earlier(outer_ns, due_ns);
    if (due_ns <= loop->now_ns)
        on_expiry(&deadline->timer);
    else if (due_ns < outer_ns) /* else the outer one comes first */
        tr__timer_start(&loop->wheel, &deadline->timer, due_ns, on_expiry);
}

/* The node around this one, if it is of this loop and holds inside; else NULL. */
static tr__cancel *around(const tr__cancel *node)
{
    if (node->is_shield)
        return NULL;
    if (node->outer != NULL)
        return node->outer;
    return node->task->scope != NULL ? &node->task->scope->node : NULL;
}

void tr__deadline_catch_up(tr__cancel *node)
{
    uint64_t due_ns = node->deadline_ns;
    tr__deadline *deadline;

    if (due_ns > tr__now_ns())
        return;
    /* It was set by the outermost node that has it. */
    for (tr__cancel *next = around(node); next != NULL && next->deadline_ns == due_ns;
         next = around(node))
        node = next;
    deadline = TR__CONTAINER_OF(node, tr__deadline, node);
    if (deadline->has_expired)
        return;
    tr__timer_stop(&tr__loop_here()->wheel, &deadline->timer);
    on_expiry(&deadline->timer);
}

bool tr__deadline_end(tr__deadline *deadline)
{
    const tr__cancel *outer = deadline->node.outer;

    tr__timer_stop(&tr__loop_here()->wheel, &deadline->timer);
    tr__cancel_leave(&deadline->node);
    return deadline->has_expired && !outer->is_effective;
}
