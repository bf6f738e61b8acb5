/* Waiting for futures on loops: tasks, and continuations.
 *
 * On the future's home loop a task stands in its list itself. From elsewhere a proxy does:
 *
 *     waiter's loop                                  home loop of the future
 *     made     ---- enlist (a runnable) ------------> stands in the list
 *              <--- back   (a runnable) ------------- told that the future has ended
 *     gives up ---- leave  (a runnable) ------------> taken off the list
 *              <--- gone   (a runnable) ------------- the home does not know it any more
 *
 * Whoever gives up goes on at once; the proxy is freed when all that is on its way has come. Each
 * runnable goes at most once. One may overtake another (a lane by the inlet, when memory has run
 * out): `leave` before `enlist` is remembered, and `gone` says whether `back` was sent.
 *
 * Who may touch what:   was_enlisted, has_left, waiter   the home loop
 *                       was_sent, status                 the home loop; the waiter's when back or
 *                                                        gone has come
 *                       the rest                         the waiter's loop */
#include <math.h>

#include "base/seam.h"
#include "runtime/runtime.h"
#include "runtime/task.h"
#include "runtime/watch.h"

typedef struct proxy {
    tr_future *f; /* with a reference */
    tr__runnable enlist;
    tr__runnable back;
    tr__runnable leave;
    tr__runnable gone;
    /* The home loop's. */
    tr__waiter waiter;
    bool was_enlisted; /* enlist has come */
    bool has_left;     /* leave has come before */
    bool was_sent;     /* back was sent */
    int status;
    /* The waiter's loop's. */
    uint16_t loop;
    bool gives_up; /* leave was sent */
    bool is_gone;  /* gone has come */
    bool is_back;  /* back has come */
    /* Called once, with the status, or with TR_ESHUTDOWN if it has given up before. */
    void (*arrive)(struct proxy *p, int status);
    void (*free)(struct proxy *p); /* called last; the reference to f is given back before */
} proxy;

/* ---- on the home loop ---- */

static void send_back(proxy *p, int status)
{
    p->was_sent = true;
    p->status = status;
    (void)tr__loop_post(p->loop, &p->back); /* it does not quit before its proxies are back */
}

static void send_gone(proxy *p)
{
    (void)tr__loop_post(p->loop, &p->gone); /* as above */
}

static void on_end(tr__waiter *waiter, int status)
{
    send_back(TR__CONTAINER_OF(waiter, proxy, waiter), status);
}

static uint32_t run_enlist(tr__runnable *runnable, tr__loop *loop)
{
    proxy *p = TR__CONTAINER_OF(runnable, proxy, enlist);

    (void)loop;
    p->was_enlisted = true;
    if (p->has_left)
        send_gone(p);
    else if (!tr__future_enlist(p->f, &p->waiter))
        send_back(p, tr__future_look(p->f));
    return 1;
}

static uint32_t run_leave(tr__runnable *runnable, tr__loop *loop)
{
    proxy *p = TR__CONTAINER_OF(runnable, proxy, leave);

    (void)loop;
    tr__future_delist(&p->waiter);
    p->has_left = true;
    if (p->was_enlisted)
        send_gone(p);
    return 1;
}

/* ---- on the waiter's loop ---- */

/* Free it if nothing that refers to it is on its way. */
static void settle_proxy(proxy *p)
{
    bool is_whole = p->gives_up ? p->is_gone && (p->is_back || !p->was_sent) : p->is_back;

    if (!is_whole)
        return;
    tr__loop_here()->proxies--;
    tr_future_unref(p->f);
    p->free(p);
}

static uint32_t run_back(tr__runnable *runnable, tr__loop *loop)
{
    proxy *p = TR__CONTAINER_OF(runnable, proxy, back);

    (void)loop;
    p->is_back = true;
    p->arrive(p, p->status);
    settle_proxy(p);
    return 1;
}

static uint32_t run_gone(tr__runnable *runnable, tr__loop *loop)
{
    proxy *p = TR__CONTAINER_OF(runnable, proxy, gone);

    (void)loop;
    p->is_gone = true;
    if (!p->was_sent)
        p->arrive(p, TR_ESHUTDOWN);
    settle_proxy(p);
    return 1;
}

static void init_proxy(proxy *p, tr_future *f, uint16_t loop, void (*arrive)(proxy *p, int status),
                       void (*free_fn)(proxy *p))
{
    *p = (proxy){ .f = tr_future_ref(f), .loop = loop, .arrive = arrive, .free = free_fn };
    p->enlist.run = run_enlist;
    p->back.run = run_back;
    p->leave.run = run_leave;
    p->gone.run = run_gone;
    p->waiter.notify = on_end;
}

/* false: the home loop is gone. */
static bool send_proxy(proxy *p)
{
    if (!tr__loop_post(p->f->home, &p->enlist))
        return false;
    tr__loop_here()->proxies++;
    return true;
}

static void give_up(proxy *p)
{
    p->gives_up = true;
    (void)tr__loop_post(p->f->home, &p->leave); /* it does not quit before this loop's proxies do */
}

/* ---- watches ---- */

static void arrive_local(tr__waiter *waiter, int status)
{
    tr__watch *watch = TR__CONTAINER_OF(waiter, tr__watch, waiter);

    watch->arrive(watch, status);
}

/* watch is NULL when it was ended before. */
typedef struct tr__watch_proxy {
    proxy proxy;
    tr__watch *watch;
} watch_proxy;

static void arrive_remote(proxy *p, int status)
{
    watch_proxy *wp = TR__CONTAINER_OF(p, watch_proxy, proxy);

    if (wp->watch == NULL)
        return;
    wp->watch->proxy = NULL;
    wp->watch->arrive(wp->watch, status);
}

static void free_watch_proxy(proxy *p)
{
    tr__free(TR__CONTAINER_OF(p, watch_proxy, proxy));
}

static int watch_remote(tr__watch *watch, tr_future *f, uint16_t loop)
{
    watch_proxy *wp = tr__alloc(sizeof(*wp));

    if (wp == NULL)
        return TR_ENOMEM;
    wp->watch = watch;
    init_proxy(&wp->proxy, f, loop, arrive_remote, free_watch_proxy);
    if (!send_proxy(&wp->proxy)) {
        tr_future_unref(f);
        tr__free(wp);
        return TR_ESHUTDOWN;
    }
    watch->proxy = wp;
    return 0;
}

/* Inline, and field by field: awaiting a future at home is what is done most. */
static TR__ALWAYS_INLINE int begin_watch(tr__watch *watch, tr_future *f,
                                         void (*arrive)(tr__watch *watch, int status))
{
    const tr__loop *here = tr__loop_here();

    watch->waiter.link.next = NULL; /* it stands in no list */
    watch->waiter.notify = arrive_local;
    watch->proxy = NULL;
    watch->arrive = arrive;
    if (tr__future_has_ended(f))
        return 1;
    if (f->home != here->number)
        return watch_remote(watch, f, (uint16_t)here->number);
    return tr__future_enlist(f, &watch->waiter) ? 0 : 1;
}

int tr__watch_begin(tr__watch *watch, tr_future *f, void (*arrive)(tr__watch *watch, int status))
{
    return begin_watch(watch, f, arrive);
}

void tr__watch_end(tr__watch *watch)
{
    if (watch->proxy == NULL) {
        tr__future_delist(&watch->waiter);
        return;
    }
    watch->proxy->watch = NULL;
    give_up(&watch->proxy->proxy);
}

/* ---- tasks ---- */

typedef struct await_wait {
    tr__wait wait;
    tr__watch watch;
    const tr_future *f;
    int status;
} await_wait;

static void arrive_task(tr__watch *watch, int status)
{
    await_wait *w = TR__CONTAINER_OF(watch, await_wait, watch);

    w->status = status;
    tr__wait_end(&w->wait, 0);
}

static bool withdraw(tr__wait *wait)
{
    tr__watch_end(&TR__CONTAINER_OF(wait, await_wait, wait)->watch);
    return true;
}

static void describe(const tr__wait *wait, tr__awaited *awaited)
{
    tr__future_await_describe(TR__CONTAINER_OF(wait, const await_wait, wait)->f, awaited);
}

static const tr__wait_kind await_kind = { withdraw, describe };
static const tr__wait_kind join_kind = { NULL, describe };

int tr__await_end(tr_future *f, bool can_withdraw, int *status)
{
    await_wait w;
    int rc = begin_watch(&w.watch, f, arrive_task);

    if (rc == 1) {
        *status = tr__future_look(f);
        return 0;
    }
    if (rc < 0)
        return rc;
    w.status = 0;
    w.f = f;
    w.wait = (tr__wait){ .task = tr__task_here(), .kind = can_withdraw ? &await_kind : &join_kind };
    rc = tr__wait_suspend(&w.wait);
    *status = w.status;
    return rc;
}

/* What tr_await and its kin check first. */
static int may_await(const tr_future *f)
{
    tr_task *task = tr__task_here();

    if (f == NULL)
        return TR_EINVAL;
    if (task == NULL)
        return TR_EWRONGPLACE;
    if (f == &task->future)
        return TR_EDEADLK;
    return tr__task_checkpoint(task);
}

int tr_await(tr_future *f)
{
    int rc = may_await(f);
    int status = 0;

    if (rc == 0)
        rc = tr__await_end(f, true, &status);
    return rc < 0 ? rc : status;
}

int tr_await_or(tr_future *f, void (*on_cancel)(void *arg), void *arg)
{
    int rc = on_cancel != NULL ? may_await(f) : TR_EINVAL;
    int status = 0;

    if (rc == 0)
        rc = tr__await_end(f, true, &status);
    if (rc == TR_ECANCELED)
        on_cancel(arg);
    return rc < 0 ? rc : status;
}

void tr__future_join(tr_future *f)
{
    int status;

    /* Where there is no memory to wait from another loop, it ends on its own. */
    while (tr__await_end(f, false, &status) == TR_ENOMEM)
        tr__task_pause(tr__task_here());
}

static void cancel_and_join(tr_future *f)
{
    (void)tr_future_cancel(f); /* it may have ended */
    tr__future_join(f);
}

int tr_wait_for(tr_future *f, double timeout)
{
    int rc = isnan(timeout) ? TR_EINVAL : may_await(f);
    tr__deadline deadline;
    int status = 0;
    bool has_expired;

    if (rc < 0 && rc != TR_ECANCELED)
        return rc;
    if (rc == TR_ECANCELED) {
        cancel_and_join(f);
        return rc;
    }
    tr__deadline_begin(&deadline, tr__task_here(), tr__due_ns(timeout), false);
    if (tr_future_is_done(f) || !deadline.node.is_effective)
        rc = tr__await_end(f, true, &status);
    else
        rc = TR_ECANCELED;
    has_expired = tr__deadline_end(&deadline);
    if (rc == TR_ECANCELED)
        cancel_and_join(f);
    if (rc == 0)
        return status;
    return rc == TR_ECANCELED && has_expired ? TR_ETIMEDOUT : rc;
}

/* ---- continuations ---- */

typedef struct then {
    proxy proxy;
    tr__list link; /* in its loop's `thens`; from its first turn there until it is called */
    tr__runnable begin;
    tr_future_fn fn;
    void *arg;
} then;

/* One that was given up has not heard of an end that came meanwhile. */
static void arrive_then(proxy *p, int status)
{
    then *t = TR__CONTAINER_OF(p, then, proxy);

    if (status == TR_ESHUTDOWN && tr__future_has_ended(p->f))
        status = tr__future_look(p->f);
    tr__list_remove(&t->link);
    t->fn(p->f, status, t->arg);
}

static void free_then(proxy *p)
{
    tr__free(TR__CONTAINER_OF(p, then, proxy));
}

/* The first turn of a continuation, on the loop where it will be called. */
static uint32_t run_begin(tr__runnable *runnable, tr__loop *loop)
{
    then *t = TR__CONTAINER_OF(runnable, then, begin);
    tr_future *f = t->proxy.f;

    tr__list_append(&loop->thens, &t->link);
    if (loop->phase <= TR__PHASE_CEASE && send_proxy(&t->proxy))
        return 1;
    arrive_then(&t->proxy, TR_ESHUTDOWN);
    tr_future_unref(f);
    free_then(&t->proxy);
    return 1;
}

void tr__thens_shut_down(tr__loop *loop)
{
    for (tr__list *node = loop->thens.next; node != &loop->thens; node = node->next)
        give_up(&TR__CONTAINER_OF(node, then, link)->proxy);
}

int tr_future_then(tr_future *f, int loop, tr_future_fn fn, void *arg)
{
    int rc = tr__loop_here() != NULL ? 0 : tr__runtime_check();
    int target;
    then *t;

    if (f == NULL || fn == NULL)
        return TR_EINVAL;
    target = rc == 0 ? tr__loop_resolve(loop) : rc;
    if (target < 0)
        return target;
    t = tr__alloc_zeroed(sizeof(*t));
    if (t == NULL)
        return TR_ENOMEM;
    init_proxy(&t->proxy, f, (uint16_t)(target + 1), arrive_then, free_then);
    t->begin.run = run_begin;
    t->fn = fn;
    t->arg = arg;
    if (tr__loop_post(t->proxy.loop, &t->begin))
        return 0;
    tr_future_unref(f);
    tr__free(t);
    return TR_ESHUTDOWN;
}
