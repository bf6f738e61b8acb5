/* Whole programs: a runtime around one task, and the signals that cancel it. */
#include <pthread.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>

#include "base/atomic.h"
#include "runtime/runtime.h"
#include "runtime/task.h"

/* The program whose task SIGINT and SIGTERM cancel: one in a process. Static, for a handler may
 * come late. */
static struct {
    uint32_t in_use;
    uint32_t signo; /* the first that came; 0: none. Read when the task has ended */
    tr_future *task;
} signalled;

static const int signals[] = { SIGINT, SIGTERM };

enum { SIGNALS = sizeof(signals) / sizeof(signals[0]) };

/* End the process as the signal would have without us. */
static void die_by(int signo)
{
    sigset_t set;

    (void)signal(signo, SIG_DFL); /* these can't fail: the signal exists */
    (void)sigemptyset(&set);
    (void)sigaddset(&set, signo);
    (void)raise(signo);
    (void)pthread_sigmask(SIG_UNBLOCK, &set, NULL);
}

/* On loop 0. The second one does not wait for anything. */
static void on_signal(void *arg, int signo)
{
    (void)arg;
    /* relaxed: written on this loop only. */
    if (tr__load_relaxed_u32(&signalled.signo) != 0)
        die_by(signo);
    /* release: pairs with the acquire in end_signals. */
    tr__store_release_u32(&signalled.signo, (uint32_t)signo);
    (void)tr_future_cancel(signalled.task); /* it may have ended just now */
}

/* What the parent has switched off stays off: a job in the background ignores SIGINT. */
static bool is_ignored(int signo)
{
    struct sigaction now;

    return sigaction(signo, NULL, &now) == 0 && now.sa_handler == SIG_IGN;
}

/* Back to what they did before; returns the one that came, or 0. Afterwards on_signal is not called
 * any more, unless the runtime has not stopped in time. */
static int end_signals(void)
{
    tr_future *task = signalled.task;
    int signo;

    if (tr_loop_count() > 0) /* it has not begun, or goes on for others */
        for (int i = 0; i < SIGNALS; i++)
            (void)tr_on_signal(signals[i], NULL, NULL); /* refused: it stops just now */
    /* acquire: pairs with the release in on_signal. */
    signo = (int)tr__load_acquire_u32(&signalled.signo);
    signalled.task = NULL;
    tr_future_unref(task);
    /* release: the next program finds it free. */
    tr__store_release_u32(&signalled.in_use, 0);
    return signo;
}

/* Before the task begins, which may want the signals for itself. *has_them: end_signals is to be
 * called. */
static int begin_signals(tr_future *task, bool *has_them)
{
    int rc = 0;

    /* ordered: one program at a time has the signals; a second one goes without. */
    *has_them = tr__cas_ordered_u32(&signalled.in_use, 0, 1);
    if (!*has_them)
        return 0;
    signalled.task = tr_future_ref(task);
    /* relaxed: no handler is there yet. */
    tr__store_relaxed_u32(&signalled.signo, 0);
    for (int i = 0; i < SIGNALS && rc == 0; i++)
        if (!is_ignored(signals[i]))
            rc = tr_on_signal(signals[i], on_signal, NULL);
    if (rc < 0) {
        (void)end_signals(); /* what came meanwhile is lost with the program */
        *has_them = false;
    }
    return rc;
}

/* In a running runtime: on loop 0. */
static int run_task(tr_task_fn fn, void *arg, const char *name, bool takes_signals, bool *has_them)
{
    tr_task *task = tr__task_make(fn, arg, NULL, 0, name, 1, 1);
    int rc;

    if (task == NULL)
        return TR_ENOMEM;
    task->future.state += TR__FUTURE_ONE; /* ours; nobody else has it yet */
    rc = takes_signals ? begin_signals(&task->future, has_them) : 0;
    if (rc < 0) {
        tr__task_free(task);
        return rc;
    }
    (void)tr__task_start(task); /* the runtime can't stop before we give it back */
    rc = tr_future_wait(&task->future, TR_FOREVER);
    tr_task_unref(task);
    return rc;
}

static bool wants_signals(const tr_config *cfg, size_t cfg_size)
{
    return cfg == NULL || cfg_size < offsetof(tr_config, signals) + sizeof(cfg->signals) ||
           cfg->signals >= 0;
}

static int run(tr_task_fn fn, void *arg, const char *name, const tr_config *cfg, size_t cfg_size,
               int *signo)
{
    bool has_signals = false;
    int stopped;
    int rc;

    if (fn == NULL)
        return TR_EINVAL;
    rc = tr_start_sized(cfg, cfg_size);
    if (rc < 0)
        return rc;
    rc = run_task(fn, arg, name, wants_signals(cfg, cfg_size), &has_signals);
    stopped = tr_shutdown(0);
    *signo = has_signals ? end_signals() : 0;
    return rc < 0 ? rc : stopped < 0 ? stopped : rc;
}

int tr__run(tr_task_fn fn, void *arg, const char *name, const tr_config *cfg, size_t cfg_size)
{
    int signo;

    return run(fn, arg, name, cfg, cfg_size, &signo);
}

static const char *program_name(int argc, char **argv)
{
    const char *path = argc > 0 && argv != NULL && argv[0] != NULL ? argv[0] : "troupe";
    const char *slash = strrchr(path, '/');

    return slash != NULL ? slash + 1 : path;
}

int tr__main(int argc, char **argv, tr_task_fn fn, void *arg, const char *name,
             const tr_config *cfg, size_t cfg_size)
{
    int signo = 0;
    int rc = run(fn, arg, name, cfg, cfg_size, &signo);

    if (rc >= 0)
        return 0;
    if (signo != 0) {
        (void)fflush(NULL); /* what it has printed is not lost */
        die_by(signo);
    }
    (void)fprintf(stderr, "%s: %s (%s)\n", program_name(argc, argv), tr_strerror(rc),
                  tr_err_name(rc));
    return 1;
}
