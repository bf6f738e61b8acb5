/* Signals of the process, as calls on loop 0: libev's signal watchers, and what the signals did
 * before. All state belongs to loop 0. */
#include <ev.h>
#include <signal.h>

#include "base/seam.h"
#include "runtime/runtime.h"

typedef struct signal_watch {
    ev_signal watcher;
    struct sigaction before;
    void (*fn)(void *arg, int signo);
    void *arg;
} signal_watch;

static signal_watch *watches[NSIG];
static bool closer_is_set; /* on this run of the runtime */

typedef struct signal_request {
    int signo;
    void (*fn)(void *arg, int signo);
    void *arg;
    tr__handover *handover;
} signal_request;

static void on_signal(struct ev_loop *ev, ev_signal *watcher, int events)
{
    signal_watch *watch = TR__CONTAINER_OF(watcher, signal_watch, watcher);

    (void)ev;
    (void)events;
    watch->fn(watch->arg, watcher->signum);
}

static void unwatch(int signo)
{
    signal_watch *watch = watches[signo];

    if (watch == NULL)
        return;
    watches[signo] = NULL;
    ev_signal_stop(tr__loop_here()->ev, &watch->watcher);
    (void)sigaction(signo, &watch->before, NULL); /* it was accepted before */
    tr__free(watch);
}

static void unwatch_all(void *unused)
{
    (void)unused;
    closer_is_set = false;
    for (int signo = 1; signo < NSIG; signo++)
        unwatch(signo);
}

static signal_watch *new_watch(int signo)
{
    signal_watch *watch = tr__alloc_zeroed(sizeof(*watch));

    if (watch == NULL)
        return NULL;
    (void)sigaction(signo, NULL, &watch->before); /* signo was checked */
    ev_signal_init(&watch->watcher, on_signal, signo);
    ev_signal_start(tr__loop_here()->ev, &watch->watcher);
    watches[signo] = watch;
    return watch;
}

static int watch_signal(const signal_request *request)
{
    signal_watch *watch = watches[request->signo];
    int rc = closer_is_set ? 0 : tr_loop_on_close(unwatch_all, NULL);

    if (rc < 0)
        return rc;
    closer_is_set = true;
    /* One that is watched already stays so: what it did before may be to end the process. */
    if (watch == NULL)
        watch = new_watch(request->signo);
    if (watch == NULL)
        return TR_ENOMEM;
    watch->fn = request->fn;
    watch->arg = request->arg;
    return 0;
}

static int apply(const signal_request *request)
{
    if (request->fn != NULL)
        return watch_signal(request);
    unwatch(request->signo);
    return 0;
}

static void apply_and_answer(void *arg)
{
    const signal_request *request = arg;

    tr__handover_complete(request->handover, apply(request));
}

static bool can_be_caught(int signo)
{
    struct sigaction unused;

    return signo > 0 && signo < NSIG && signo != SIGKILL && signo != SIGSTOP &&
           sigaction(signo, NULL, &unused) == 0;
}

int tr_on_signal(int signo, void (*fn)(void *arg, int signo), void *arg)
{
    tr__handover handover;
    signal_request request = { .signo = signo, .fn = fn, .arg = arg, .handover = &handover };
    const tr__loop *here = tr__loop_here();
    int rc;

    if (!can_be_caught(signo))
        return TR_EINVAL;
    if (here != NULL)
        return here->number == 1 ? apply(&request) : TR_EWRONGPLACE;
    tr__handover_init(&handover);
    rc = tr_post(TR_LOOP(0), apply_and_answer, &request);
    if (rc < 0) {
        tr__gate_fini(&handover.gate);
        return rc;
    }
    return tr__handover_await(&handover);
}
