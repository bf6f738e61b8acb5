/* Waiting for descriptors. */
#include "net/ready.h"

#include "base/compiler.h"
#include "net/system.h"
#include "runtime/task.h"

enum { STREAK = 64 }; /* calls that did not wait, until others run */

/* A task that waits. */
typedef struct way_wait {
    tr__way_waiter waiter;
    tr__wait wait;
    tr__way *way;
    const char *what;
    tr__way_attempt *attempt; /* NULL: none */
} way_wait;

static void end_wait(tr__way_waiter *waiter, int result)
{
    way_wait *w = TR__CONTAINER_OF(waiter, way_wait, waiter);

    if (result == 0 && w->attempt != NULL && !w->attempt->run(w->attempt))
        w->way->waiter = waiter; /* its watcher is started still */
    else
        tr__wait_end(&w->wait, result);
}

static void notify(tr__way *way, int result)
{
    tr__way_waiter *waiter = way->waiter;

    if (waiter == NULL)
        return;
    way->waiter = NULL;
    waiter->end(waiter, result);
}

static void on_ready(struct ev_loop *ev, ev_io *watcher, int events)
{
    tr__way *way = TR__CONTAINER_OF(watcher, tr__way, watcher);

    (void)events;
    if (way->waiter == NULL)
        ev_io_stop(ev, watcher);
    notify(way, 0);
}

static bool withdraw(tr__wait *wait)
{
    TR__CONTAINER_OF(wait, way_wait, wait)->way->waiter = NULL;
    return true;
}

static void describe(const tr__wait *wait, tr__awaited *awaited)
{
    const way_wait *waiter = TR__CONTAINER_OF(wait, way_wait, wait);

    awaited->what = waiter->what;
    awaited->object = waiter->way;
}

static const tr__wait_kind kind = { withdraw, describe };

static void stop(tr__ready *ready)
{
    ev_io_stop(ready->net->ev, &ready->in.watcher);
    ev_io_stop(ready->net->ev, &ready->out.watcher);
    ready->net = NULL;
}

/* No task waits any more: the loop has none. */
static void evict(tr__tenant *tenant)
{
    tr__ready *ready = TR__CONTAINER_OF(tenant, tr__ready, tenant);

    stop(ready);
    tr__sys_close(ready->fd);
    ready->fd = -1;
}

int tr__ready_open(tr__ready *ready, int fd)
{
    int rc = tr__net_here(&ready->net);

    ready->fd = -1;
    if (rc < 0)
        return rc;
    ready->fd = fd;
    ready->in.waiter = NULL;
    ready->out.waiter = NULL;
    ev_io_init(&ready->in.watcher, on_ready, fd, EV_READ);
    ev_io_init(&ready->out.watcher, on_ready, fd, EV_WRITE);
    tr__tenant_enter(ready->net, &ready->tenant, evict);
    return 0;
}

int tr__ready_take(tr__ready *ready)
{
    int fd = ready->fd;

    if (ready->net == NULL)
        return -1;
    notify(&ready->in, TR_EPIPE);
    notify(&ready->out, TR_EPIPE);
    tr__tenant_leave(&ready->tenant);
    stop(ready);
    ready->fd = -1;
    return fd;
}

void tr__ready_close(tr__ready *ready)
{
    int fd = tr__ready_take(ready);

    if (fd >= 0)
        tr__sys_close(fd);
}

int tr__ready_check(const tr__ready *ready)
{
    const tr_task *task = tr__task_here();

    if (task == NULL || (ready->net != NULL && ready->net->loop != tr__loop_here()))
        return TR_EWRONGPLACE;
    return ready->net != NULL ? 0 : TR_EPIPE;
}

void tr__ready_call(tr__ready *ready, tr__way *way, tr__way_waiter *waiter)
{
    if (!ev_is_active(&way->watcher))
        ev_io_start(ready->net->ev, &way->watcher);
    way->waiter = waiter;
}

int tr__ready_await(tr__ready *ready, tr__way *way, const char *what)
{
    return tr__ready_attempt(ready, way, what, NULL);
}

int tr__ready_attempt(tr__ready *ready, tr__way *way, const char *what, tr__way_attempt *attempt)
{
    way_wait waiter = { .waiter = { end_wait },
                        .wait = { .kind = &kind },
                        .way = way,
                        .what = what,
                        .attempt = attempt };
    int rc = tr__ready_check(ready);

    if (rc < 0)
        return rc;
    rc = tr__task_checkpoint(tr__task_here());
    if (rc < 0)
        return rc;
    if (way->waiter != NULL)
        return TR_EBUSY;
    waiter.wait.task = tr__task_here();
    tr__ready_call(ready, way, &waiter.waiter);
    rc = tr__wait_suspend(&waiter.wait);
    /* It may have been closed after it was ready, before this task has run. */
    return rc == 0 && ready->net == NULL ? TR_EPIPE : rc;
}

int tr__ready_take_turns(tr__ready *ready, uint8_t *streak)
{
    int rc;

    if (++*streak < STREAK)
        return 0;
    *streak = 0;
    rc = tr_yield();
    return rc == 0 && ready->net == NULL ? TR_EPIPE : rc;
}
