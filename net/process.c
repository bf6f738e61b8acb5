/* Programs that run beside this one: from their start to their end.
 *
 * The descriptor of a process (its pidfd) can be read from when it has ended. A callback of the
 * loop waits for that from the beginning, takes how it has ended, and sets an event, for whoever
 * waits. So a process is waited for once, at once, and until then its descriptor is open. */
#include "net/process.h"

#include <errno.h>
#include <math.h>
#include <signal.h>
#include <string.h>
#include <troupe/event.h>
#include <troupe/pool.h>

#include "base/seam.h"
#include "net/io.h"
#include "net/system.h"
#include "net/system_process.h"
#include "runtime/task.h"

struct tr_process {
    tr__tenant tenant;
    const tr__loop *home; /* NULL: it has closed */
    tr__ready ready;      /* its descriptor */
    tr__way_waiter at_end;
    tr_event has_ended;
    pid_t pid;
    int status;
    int failure; /* of the wait for it; 0 */
    /* Tasks that wait, and the callback: it is freed when it is given back, and the last of them
     * has left. */
    uint32_t users;
    bool is_freed;
    tr_io *pipes[3]; /* this process's ends; NULL: none */
};

static bool is_over(const tr_process *p)
{
    return p->ready.net == NULL;
}

/* ---- the end ---- */

static void leave(tr_process *p)
{
    p->users--;
    if (!p->is_freed || p->users > 0)
        return;
    if (p->home != NULL)
        tr__tenant_leave(&p->tenant);
    tr__free(p);
}

/* It may be gone then. */
static void conclude(tr_process *p, int rc)
{
    p->failure = rc;
    tr__ready_close(&p->ready);
    (void)tr_event_set(&p->has_ended); /* it can't fail */
    leave(p);
}

static void on_end(tr__way_waiter *waiter, int result)
{
    tr_process *p = TR__CONTAINER_OF(waiter, tr_process, at_end);
    int rc;

    if (result < 0)
        return; /* its descriptor is closed: that is known */
    rc = tr__sys_reap(p->ready.fd, false, &p->status);
    if (rc == -EAGAIN) {
        tr__ready_call(&p->ready, &p->ready.in, &p->at_end);
        return;
    }
    conclude(p, rc);
}

/* Its loop closes. This tenant entered before the descriptor did, and so it goes before. */
static void evict(tr__tenant *tenant)
{
    tr_process *p = TR__CONTAINER_OF(tenant, tr_process, tenant);
    int rc;

    p->home = NULL;
    if (is_over(p))
        return;
    rc = tr__sys_kill(p->ready.fd, SIGKILL);
    tr__ready_call_off(&p->ready.in, &p->at_end);
    /* One that may not be killed is not waited for: that could take for ever. */
    rc = tr__sys_reap(p->ready.fd, rc == 0, &p->status);
    conclude(p, rc == -EAGAIN ? -ECHILD : rc);
}

/* ---- the start ---- */

/* The one end of a pipe becomes a stream, the other one is for the program. */
static int open_pipe(tr__child *child, tr_process *p, int which)
{
    int ours = which == 0 ? 1 : 0;
    int ends[2];
    int rc = tr__sys_pipe_half(ends, ours);

    if (rc < 0)
        return rc;
    rc = tr__io_new(&p->pipes[which], ends[ours], false);
    if (rc < 0) {
        tr__sys_close(ends[0]);
        tr__sys_close(ends[1]);
        return rc;
    }
    child->files[which] = ends[1 - ours];
    return 0;
}

static int open_files(tr__child *child, tr_process *p, const int wanted[3])
{
    int rc = 0;

    for (int i = 0; i < 3; i++) {
        child->files[i] = TR__CHILD_INHERITS;
        if (wanted[i] == TR_STDIO_NULL)
            child->files[i] = TR__CHILD_NULL;
        else if (wanted[i] == TR_STDIO_OUT)
            child->files[i] = TR__CHILD_OUT;
        else if (wanted[i] > 0)
            child->files[i] = wanted[i] - 1;
    }
    for (int i = 0; rc == 0 && i < 3; i++)
        if (wanted[i] == TR_STDIO_PIPE)
            rc = open_pipe(child, p, i);
    return rc;
}

/* The program has its own by now, or will never have them. */
static void close_files(const tr__child *child, const tr_process *p)
{
    for (int i = 0; i < 3; i++)
        if (p->pipes[i] != NULL)
            tr__sys_close(child->files[i]);
}

/* Nothing that is still to go out is waited for: nobody might read it. */
static void close_pipes(tr_process *p)
{
    TR_DEADLINE(0) {
        for (int i = 0; i < 3; i++)
            (void)tr_close(p->pipes[i]); /* what becomes of the rest does not matter */
    }
}

static int spawn_in_pool(void *child)
{
    return tr__sys_spawn(child);
}

static int kill_and_reap(int pidfd)
{
    int status;
    int rc = tr__sys_kill(pidfd, SIGKILL);

    return rc == 0 ? tr__sys_reap(pidfd, true, &status) : rc;
}

/* Of a process that runs: let its loop tell of its end. */
static int watch(tr_process *p, const tr__child *child)
{
    tr__net *net;
    int rc = tr__net_here(&net);

    if (rc == 0) {
        tr__tenant_enter(net, &p->tenant, evict);
        rc = tr__ready_open(&p->ready, child->pidfd);
    }
    if (rc < 0) {
        if (net != NULL)
            tr__tenant_leave(&p->tenant);
        (void)kill_and_reap(child->pidfd); /* there is nobody to tell */
        tr__sys_close(child->pidfd);
        return rc;
    }
    p->home = net->loop;
    p->pid = child->pid;
    p->users = 1;
    p->at_end.end = on_end;
    tr__ready_call(&p->ready, &p->ready.in, &p->at_end);
    return 0;
}

static bool are_valid(const char *const *argv, const tr_process_options *o)
{
    return argv != NULL && argv[0] != NULL && argv[0][0] != 0 && o->in >= TR_STDIO_PIPE &&
           o->out >= TR_STDIO_PIPE && o->err >= TR_STDIO_OUT && (o->uid == 0) == (o->gid == 0);
}

int tr__process_start(tr_process **out, const char *const *argv, const tr_process_options *o)
{
    tr__child child = { .argv = argv,
                        .env = o->env,
                        .cwd = o->cwd,
                        .has_session = o->new_session,
                        .uid = o->uid,
                        .gid = o->gid };
    tr_process *p;
    int rc;

    if (!are_valid(argv, o))
        return TR_EINVAL;
    if (TR__SIM || tr__task_here() == NULL)
        return TR_EWRONGPLACE;
    p = tr__alloc_zeroed(sizeof(*p));
    if (p == NULL)
        return TR_ENOMEM;
    rc = open_files(&child, p, (const int[]){ o->in, o->out, o->err });
    if (rc == 0)
        rc = tr__pool_run(TR_POOL_IO, spawn_in_pool, &child, "the start of a program");
    close_files(&child, p);
    if (rc == 0)
        rc = watch(p, &child);
    if (rc < 0) {
        close_pipes(p);
        tr__free(p);
        return rc;
    }
    *out = p;
    return 0;
}

int tr__process_spawn(tr_process **out, const char *const *argv, const tr_process_options *options,
                      size_t options_size)
{
    tr_process_options o = { 0 };

    if (out == NULL)
        return TR_EINVAL;
    *out = NULL;
    if (options != NULL)
        memcpy(&o, options, options_size < sizeof(o) ? options_size : sizeof(o));
    return tr__process_start(out, argv, &o);
}

/* ---- what it has ---- */

tr_io *tr_process_stdin(const tr_process *p)
{
    return p != NULL ? p->pipes[0] : NULL;
}

tr_io *tr_process_stdout(const tr_process *p)
{
    return p != NULL ? p->pipes[1] : NULL;
}

tr_io *tr_process_stderr(const tr_process *p)
{
    return p != NULL ? p->pipes[2] : NULL;
}

pid_t tr_process_pid(const tr_process *p)
{
    return p != NULL ? p->pid : 0;
}

/* ---- waiting, and ending it ---- */

static bool is_elsewhere(const tr_process *p)
{
    return p->home != NULL && p->home != tr__loop_here();
}

int tr_process_wait(tr_process *p, int *status)
{
    int rc;

    if (status != NULL)
        *status = 0;
    if (p == NULL)
        return TR_EINVAL;
    if (tr__task_here() == NULL || is_elsewhere(p))
        return TR_EWRONGPLACE;
    p->users++;
    rc = tr_event_wait(&p->has_ended);
    if (rc == 0) {
        rc = p->failure;
        if (status != NULL && rc == 0)
            *status = p->status;
    }
    leave(p);
    return rc;
}

int tr_process_kill(tr_process *p, int signo)
{
    int rc;

    if (p == NULL)
        return TR_EINVAL;
    if (is_elsewhere(p))
        return TR_EWRONGPLACE;
    if (is_over(p))
        return TR_EALREADY;
    rc = tr__sys_kill(p->ready.fd, signo);
    return rc == -ESRCH ? TR_EALREADY : rc;
}

/* It has ended, in whichever way, when this returns 0. */
static int end_at_once(tr_process *p)
{
    int rc = tr_process_kill(p, SIGKILL);

    if (rc < 0 && rc != TR_EALREADY)
        return rc;
    TR_SHIELD(TR_FOREVER) {
        (void)tr_event_wait(&p->has_ended); /* nothing cancels it */
    }
    return 0;
}

int tr_process_stop(tr_process *p, double grace)
{
    int rc;

    if (p == NULL || isnan(grace))
        return TR_EINVAL;
    if (tr__task_here() == NULL || is_elsewhere(p))
        return TR_EWRONGPLACE;
    p->users++;
    rc = tr_process_kill(p, SIGTERM);
    if (rc == 0) {
        TR_DEADLINE(grace) {
            (void)tr_event_wait(&p->has_ended); /* whether it has is asked below */
        }
    }
    rc = is_over(p) ? 0 : end_at_once(p);
    leave(p);
    return rc;
}

int tr_process_free(tr_process *p)
{
    if (p == NULL)
        return 0;
    if (is_elsewhere(p) || (!is_over(p) && tr__task_here() == NULL))
        return TR_EWRONGPLACE;
    p->users++;
    if (!is_over(p))
        (void)end_at_once(p); /* one that may not be killed is freed when it ends */
    close_pipes(p);
    p->is_freed = true;
    leave(p);
    return 0;
}
