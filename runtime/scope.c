/* Scopes, deadlines, shields and deferred calls, as the public macros use them. */
#include "runtime/scope.h"

#include <math.h>
#include <stdio.h>
#include <string.h>

#include "base/seam.h"
#include "runtime/locals.h"
#include "runtime/runtime.h"

/* A child on another loop. */
typedef struct remote_child {
    tr__waiter waiter; /* in the list of the child's future, whose home is here */
    tr__list link;     /* in the scope's `remote` */
    tr__scope *scope;
    tr_task *task;    /* with a reference */
    const char *name; /* of its function: its own may change */
} remote_child;

static tr__scope *inside(tr_scope *s)
{
    return (tr__scope *)(void *)s;
}

/* ---- children that are awaited until they are ready ---- */

/* On the stack of who has started it. */
typedef struct starter {
    tr__wait wait;
    tr__list link; /* in the scope's `starters` */
    tr_task *child;
} starter;

/* The child is ready, or has ended: its starter goes on. */
static void end_start(tr__scope *scope, tr_task *child, int result)
{
    tr__list *node = scope->starters.next;

    while (TR__CONTAINER_OF(node, starter, link)->child != child)
        node = node->next;
    tr__list_remove(node);
    child->is_starting = false;
    tr__wait_end(&TR__CONTAINER_OF(node, starter, link)->wait, result);
}

int tr_ready(void)
{
    tr_task *task = tr__task_here();

    if (task == NULL)
        return TR_EWRONGPLACE;
    if (task->is_starting)
        end_start(task->scope, task, 0);
    return 0;
}

static bool withdraw_start(tr__wait *wait)
{
    starter *s = TR__CONTAINER_OF(wait, starter, wait);

    tr__list_remove(&s->link);
    s->child->is_starting = false;
    return true;
}

static void describe_start(const tr__wait *wait, tr__awaited *awaited)
{
    const starter *s = TR__CONTAINER_OF(wait, const starter, wait);

    awaited->what = "the readiness of a child";
    tr__awaited_add(awaited, "is to be ready", (tr__blocker){ (uintptr_t)s->child, false });
}

static const tr__wait_kind start_kind = { withdraw_start, describe_start };

/* ---- failures ---- */

typedef struct tr__failure {
    struct tr__failure *next;
    tr_scope_error error;
} failure;

static void keep_failure(tr__scope *scope, int result, const char *name)
{
    failure *f = tr__alloc_zeroed(sizeof(*f));

    scope->failure_count++;
    if (f == NULL)
        return;
    f->error.error = result;
    (void)snprintf(f->error.task, sizeof(f->error.task), "%s", name);
    *scope->failures_end = f;
    scope->failures_end = &f->next;
}

static void free_failures(tr__scope *scope)
{
    failure *next;

    for (failure *f = scope->failures; f != NULL; f = next) {
        next = f->next;
        tr__free(f);
    }
}

static bool is_failure(int result)
{
    return result < 0 && result != TR_ECANCELED; /* a cancelled child is no failure */
}

static void apply_failure(tr__scope *scope, int result)
{
    if (!is_failure(result))
        return;
    if (scope->failure == 0)
        scope->failure = result;
    if (scope->node.task != NULL && !scope->node.is_cancelled)
        tr__cancel_apply(&scope->node);
}

static void note_failure(tr__scope *scope, int result, const char *name)
{
    if (is_failure(result))
        keep_failure(scope, result, name);
    apply_failure(scope, result);
}

size_t tr_scope_errors(const tr_scope *s, tr_scope_error *errors, size_t most)
{
    const tr__scope *scope = (const tr__scope *)(const void *)s;
    size_t count = 0;

    if (s == NULL || (errors == NULL && most > 0))
        return 0;
    for (const failure *f = scope->failures; f != NULL && count < most; f = f->next)
        errors[count++] = f->error;
    return scope->failure_count;
}

/* ---- children's ends ---- */

static void drop_child(tr__scope *scope)
{
    if (--scope->alive == 0 && scope->joiner != NULL)
        tr__wait_end(scope->joiner, 0);
}

int tr__scope_child_ends(tr__scope *scope, tr_task *child, int result)
{
    if (child->is_starting) {
        end_start(scope, child, result < 0 ? result : TR_EUNREADY);
        return 0; /* its starter deals with it */
    }
    if (is_failure(result))
        keep_failure(scope, result, child->name);
    return result;
}

void tr__scope_child_ended(tr__scope *scope, int result)
{
    apply_failure(scope, result);
    drop_child(scope);
}

static void on_remote_end(tr__waiter *waiter, int status)
{
    remote_child *child = TR__CONTAINER_OF(waiter, remote_child, waiter);
    tr__scope *scope = child->scope;

    if (status == TR_ECANCELED)
        tr__deadline_catch_up(&scope->node); /* it may be what has cancelled it */
    note_failure(scope, status, child->name);
    tr__list_remove(&child->link);
    tr_task_unref(child->task);
    tr__free(child);
    drop_child(scope);
}

/* ---- cancelling ---- */

/* What the walk touches of the children behind this one: the block of the third, and what that of
 * the second says. They are many, and on a page each. Hints, that may be of the list's head. */
static TR__ALWAYS_INLINE void fetch_behind(const tr__list *node, const tr__list *head)
{
    const tr__list *second = node->next != head ? node->next->next : head;
    const tr_task *task = TR__CONTAINER_OF(second, tr_task, link);

    if (second == head)
        return;
    __builtin_prefetch(task->innermost, 1);
    __builtin_prefetch(task->wait);
    __builtin_prefetch(&TR__CONTAINER_OF(second->next, tr_task, link)->wait, 1);
    __builtin_prefetch(TR__CONTAINER_OF(second->next, tr_task, link), 1);
}

/* The root of this child or, while those have not begun, of one behind it; NULL: there is none. */
static tr__cancel *root_from(const tr__scope *scope, tr__list *node)
{
    for (; node != &scope->children; node = node->next) {
        tr_task *child = TR__CONTAINER_OF(node, tr_task, link);
        tr__cancel *root = tr__task_root(child);

        fetch_behind(node, &scope->children);
        if (root != NULL)
            return root;
        child->is_cancelled = true;
    }
    return NULL;
}

tr__cancel *tr__scope_first_root(tr__scope *scope)
{
    return root_from(scope, scope->children.next);
}

tr__cancel *tr__scope_next_root(const tr_task *child)
{
    return root_from(child->scope, child->link.next);
}

void tr__scope_cancel_remote(tr__scope *scope)
{
    tr__list *next;

    for (tr__list *node = scope->remote.next; node != &scope->remote; node = next) {
        next = node->next;
        (void)tr_task_cancel(
            TR__CONTAINER_OF(node, remote_child, link)->task); /* if it still runs */
    }
}

void tr__scope_visit_remote(const tr__scope *scope, void (*fn)(void *ctx, const tr_task *child),
                            void *ctx)
{
    for (const tr__list *node = scope->remote.next; node != &scope->remote; node = node->next)
        fn(ctx, TR__CONTAINER_OF(node, const remote_child, link)->task);
}

int tr_scope_cancel(tr_scope *s)
{
    tr__scope *scope = inside(s);
    const tr__loop *here = tr__loop_here();

    if (s == NULL)
        return TR_EINVAL;
    if (scope->node.task == NULL || here == NULL || here->number != scope->loop)
        return TR_EWRONGPLACE;
    if (scope->node.is_cancelled)
        return 0;
    tr__cancel_apply(&scope->node);
    return 1;
}

/* ---- spawning ---- */

/* Whether the caller may touch it: it is on the scope's loop, or no task has entered the scope,
 * which is nobody else's then. */
static bool is_ours(const tr__scope *scope)
{
    const tr__loop *here = tr__loop_here();

    return scope->node.task == NULL || (here != NULL && here->number == scope->loop);
}

static int may_spawn(const tr__scope *scope, tr_task_fn fn)
{
    if (scope->node.task == NULL || !is_ours(scope))
        return TR_EWRONGPLACE;
    if (fn == NULL)
        return TR_EINVAL;
    if (scope->is_joined)
        return TR_EALREADY;
    return scope->node.is_effective ? TR_ECANCELED : 0;
}

static int start_local(tr__scope *scope, tr_task *child)
{
    child->scope = scope;
    tr__list_append(&scope->children, &child->link);
    scope->alive++;
    (void)tr__task_start(child); /* on this loop: it can't have quit */
    return 0;
}

/* Start a child on another loop, and wait for it here. */
static int start_remote(tr__scope *scope, tr_task *task)
{
    remote_child *child = tr__alloc_zeroed(sizeof(*child));

    if (child == NULL) {
        tr__task_free(task);
        return TR_ENOMEM;
    }
    child->scope = scope;
    child->task = tr_task_ref(task);
    child->name = task->name;
    child->waiter.notify = on_remote_end;
    task->is_remote = true;
    task->deadline_ns = scope->node.deadline_ns;
    (void)tr__future_enlist(&task->future, &child->waiter); /* it has not ended: it has not begun */
    if (!tr__task_start(task)) {
        tr__future_delist(&child->waiter);
        tr_task_unref(task);
        tr__task_free(task);
        tr__free(child);
        return TR_ESHUTDOWN;
    }
    tr__list_append(&scope->remote, &child->link);
    scope->alive++;
    return 0;
}

/* How a child is started: with a copy of args, or with arg itself. */
typedef struct start_call {
    int loop;
    tr_task_fn fn;
    void *arg;
    const void *args;
    size_t args_size;
    const char *name;
} start_call;

/* A child that is not started yet, or NULL. */
static TR__ALWAYS_INLINE tr_task *make_child(const tr__scope *scope, const start_call *call,
                                             int target)
{
    const tr_task *parent = scope->node.task;
    tr_task *child = tr__task_make(call->fn, call->arg, call->args, call->args_size, call->name,
                                   scope->loop, (uint16_t)(target + 1));

    if (child == NULL)
        return NULL;
    child->is_under_actor = parent->is_actors || parent->is_under_actor;
    child->locals = tr__locals_inherit();
    return child;
}

static TR__ALWAYS_INLINE int spawn_checked(tr__scope *scope, const start_call *call)
{
    int target = call->loop != TR_LOOP_ANY ? tr__loop_resolve(call->loop) : scope->loop - 1;
    tr_task *child = target >= 0 ? make_child(scope, call, target) : NULL;

    if (child == NULL)
        return target < 0 ? target : TR_ENOMEM;
    return child->loop == scope->loop ? start_local(scope, child) : start_remote(scope, child);
}

/* What a failed start is to its scope: a failure. */
static int conclude(tr__scope *scope, int rc, const char *name)
{
    if (rc < 0 && is_ours(scope))
        note_failure(scope, rc, name);
    return rc;
}

static TR__ALWAYS_INLINE int spawn_child(tr_scope *s, const start_call *call)
{
    tr__scope *scope = inside(s);
    int rc;

    if (scope == NULL)
        return TR_EINVAL;
    rc = may_spawn(scope, call->fn);
    if (rc == 0)
        rc = spawn_checked(scope, call);
    return conclude(scope, rc, call->name);
}

int tr__scope_spawn(tr_scope *s, int loop, tr_task_fn fn, const void *args, size_t args_size,
                    const char *name)
{
    return spawn_child(
        s, &(start_call){
               .loop = loop, .fn = fn, .args = args, .args_size = args_size, .name = name });
}

int tr__scope_spawn_arg(tr_scope *s, int loop, tr_task_fn fn, void *arg, const char *name)
{
    return spawn_child(s, &(start_call){ .loop = loop, .fn = fn, .arg = arg, .name = name });
}

/* Start it, and wait until it is ready. One whose starter is cancelled is, too, and has ended when
 * this returns. */
static int start_until_ready(tr__scope *scope, const start_call *call)
{
    starter s = { .wait = { .task = tr__task_here(), .kind = &start_kind } };
    int rc = tr__task_checkpoint(s.wait.task);
    int unused;

    if (rc < 0)
        return rc;
    s.child = make_child(scope, call, scope->loop - 1);
    if (s.child == NULL)
        return conclude(scope, TR_ENOMEM, call->name);
    s.child->is_starting = true;
    (void)tr_task_ref(s.child);
    (void)start_local(scope, s.child); /* it never fails */
    tr__list_append(&scope->starters, &s.link);
    rc = tr__wait_suspend(&s.wait);
    if (rc == TR_ECANCELED && !tr__future_has_ended(&s.child->future)) {
        tr__task_cancel_here(s.child);
        (void)tr__await_end(&s.child->future, false, &unused); /* on its own loop: it can't fail */
    }
    tr_task_unref(s.child);
    return rc;
}

int tr__scope_start(tr_scope *s, tr_task_fn fn, const void *args, size_t args_size,
                    const char *name)
{
    tr__scope *scope = inside(s);
    int rc;

    if (scope == NULL)
        return TR_EINVAL;
    rc = may_spawn(scope, fn);
    if (rc == 0 && tr__task_here() == NULL)
        rc = TR_EWRONGPLACE;
    if (rc < 0)
        return conclude(scope, rc, name);
    return start_until_ready(
        scope, &(start_call){ .fn = fn, .args = args, .args_size = args_size, .name = name });
}

/* ---- entering, joining, leaving ---- */

tr_scope *tr__scope_enter(tr_scope *s, int *rc)
{
    tr__scope *scope = inside(s);
    tr_task *task = tr__task_here();

    memset(scope, 0, sizeof(*scope));
    tr__list_init(&scope->children);
    tr__list_init(&scope->remote);
    tr__list_init(&scope->starters);
    scope->failures_end = &scope->failures;
    scope->rc = rc;
    if (rc != NULL)
        *rc = 0;
    if (task != NULL) {
        tr__cancel_enter(&scope->node, task, false);
        scope->node.scope = scope;
        scope->loop = task->loop;
    }
    return s;
}

typedef struct join_wait {
    tr__wait wait;
    tr__scope *scope;
    bool is_cut;
} join_wait;

/* A join that is cancelled, but not with its scope: by a block within. The children are cancelled,
 * and waited for all the same. */
static void cut_short(join_wait *w)
{
    if (w->scope->node.is_effective)
        return;
    w->is_cut = true;
    tr__cancel_apply(&w->scope->node);
}

static bool refuse_withdrawal(tr__wait *wait)
{
    cut_short(TR__CONTAINER_OF(wait, join_wait, wait));
    return false;
}

static void describe_join(const tr__wait *wait, tr__awaited *awaited)
{
    awaited->what = "its children";
    awaited->children_of = TR__CONTAINER_OF(wait, const join_wait, wait)->scope;
}

static const tr__wait_kind join_kind = { refuse_withdrawal, describe_join };

/* Wait until no child is left; true: it was cut short. */
static bool join(tr__scope *scope)
{
    tr_task *task = scope->node.task;
    join_wait w = { .wait = { .task = task, .kind = &join_kind }, .scope = scope };

    scope->is_joined = true;
    if (scope->alive == 0)
        return false;
    if (task->innermost->is_effective)
        cut_short(&w);
    scope->joiner = &w.wait;
    (void)tr__wait_suspend(&w.wait); /* always 0 */
    scope->joiner = NULL;
    return w.is_cut;
}

static int result_of(const tr__scope *scope)
{
    if (scope->failure != 0 || scope->node.task == NULL)
        return scope->failure;
    return scope->node.outer->is_effective ? TR_ECANCELED : 0;
}

int tr_scope_join(tr_scope *s)
{
    tr__scope *scope = inside(s);

    if (s == NULL)
        return TR_EINVAL;
    if (scope->node.task == NULL || scope->node.task != tr__task_here())
        return TR_EWRONGPLACE;
    return join(scope) && scope->failure == 0 ? TR_ECANCELED : result_of(scope);
}

void tr__scope_leave(tr_scope *s)
{
    tr__scope *scope = inside(s);

    if (scope->node.task != NULL) {
        (void)join(scope); /* nothing lies within any more that could cut it short */
        tr__cancel_leave(&scope->node);
    }
    free_failures(scope);
    if (scope->rc != NULL)
        *scope->rc = result_of(scope);
}

/* ---- deadlines and shields ---- */

typedef tr__deadline guard;

_Static_assert(sizeof(guard) <= sizeof(tr_guard), "fits its public place");

static tr_guard *enter_guard(tr_guard *opaque, double seconds, int *rc, bool is_shield)
{
    guard *g = (guard *)(void *)opaque;
    tr_task *task = tr__task_here();

    g->is_entered = task != NULL;
    g->rc = rc;
    if (task != NULL)
        tr__deadline_begin(g, task, isnan(seconds) ? 0 : tr__due_ns(seconds), is_shield);
    return opaque;
}

tr_guard *tr__deadline_enter(tr_guard *opaque, double seconds, int *rc)
{
    return enter_guard(opaque, seconds, rc, false);
}

tr_guard *tr__shield_enter(tr_guard *opaque, double seconds)
{
    return enter_guard(opaque, seconds, NULL, true);
}

void tr__guard_leave(tr_guard *opaque)
{
    guard *g = (guard *)(void *)opaque;

    if (g->is_entered && tr__deadline_end(g) && g->rc != NULL && *g->rc == TR_ECANCELED)
        *g->rc = TR_ETIMEDOUT;
}

/* ---- deferred calls ---- */

void tr__deferred_run(tr_deferred *deferred)
{
    tr_task *task = tr__task_here();
    tr__cancel shield;

    if (deferred->tr__fn == NULL)
        return;
    if (task != NULL)
        tr__cancel_enter(&shield, task, true);
    deferred->tr__fn(deferred->tr__arg);
    if (task != NULL)
        tr__cancel_leave(&shield);
}
