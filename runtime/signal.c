/* Signals of the process, as calls on loop 0: libev's signal watchers, and what the signals did
 * before. A signal is watched while it has a callback, or a listener. All state belongs to loop
 * 0. */
#include "runtime/signal.h"

#include <ev.h>
#include <signal.h>

#include "base/seam.h"
#include "runtime/runtime.h"

typedef struct signal_watch {
    ev_signal watcher;
    struct sigaction before;
    void (*fn)(void *arg, int signo); /* NULL: none */
    void *arg;
    tr__list listeners;
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
    for (tr__list *node = watch->listeners.next; node != &watch->listeners; node = node->next) {
        tr__signal_listener *listener = TR__CONTAINER_OF(node, tr__signal_listener, link);

        listener->fn(listener, watcher->signum);
    }
    if (watch->fn != NULL)
        watch->fn(watch->arg, watcher->signum); /* which may give the signal up */
}

/* Unless somebody still wants to hear of it. */
static void unwatch(int signo)
{
    signal_watch *watch = watches[signo];

    if (watch == NULL || watch->fn != NULL || !tr__list_is_empty(&watch->listeners))
        return;
    watches[signo] = NULL;
    ev_signal_stop(tr__loop_here()->ev, &watch->watcher);
    (void)sigaction(signo, &watch->before, NULL); /* it was accepted before */
    tr__free(watch);
}

/* None of them listens any more, and may be gone when it likes. */
static void drop_listeners(signal_watch *watch)
{
    tr__list *node = watch->listeners.next;

    while (node != &watch->listeners) {
        tr__list *next = node->next;

        *node = (tr__list){ 0 };
        node = next;
    }
    tr__list_init(&watch->listeners);
}

static void unwatch_all(void *unused)
{
    (void)unused;
    closer_is_set = false;
    for (int signo = 1; signo < NSIG; signo++)
        if (watches[signo] != NULL) {
            watches[signo]->fn = NULL;
            drop_listeners(watches[signo]);
            unwatch(signo);
        }
}

static signal_watch *new_watch(int signo)
{
    signal_watch *watch = tr__alloc_zeroed(sizeof(*watch));

    if (watch == NULL)
        return NULL;
    tr__list_init(&watch->listeners);
    (void)sigaction(signo, NULL, &watch->before); /* signo was checked */
    ev_signal_init(&watch->watcher, on_signal, signo);
    ev_signal_start(tr__loop_here()->ev, &watch->watcher);
    watches[signo] = watch;
    return watch;
}

static int watch_signal(int signo, signal_watch **out)
{
    int rc = closer_is_set ? 0 : tr_loop_on_close(unwatch_all, NULL);

    if (rc < 0)
        return rc;
    closer_is_set = true;
    /* One that is watched already stays so: what it did before may be to end the process. */
    *out = watches[signo];
    if (*out == NULL)
        *out = new_watch(signo);
    return *out != NULL ? 0 : TR_ENOMEM;
}

static int apply(const signal_request *request)
{
    signal_watch *watch = watches[request->signo];
    int rc = request->fn != NULL ? watch_signal(request->signo, &watch) : 0;

    if (rc < 0 || watch == NULL)
        return rc;
    watch->fn = request->fn;
    watch->arg = request->arg;
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

int tr__signal_listen(int signo, tr__signal_listener *listener)
{
    signal_watch *watch;
    int rc = can_be_caught(signo) ? watch_signal(signo, &watch) : TR_EINVAL;

    if (rc == 0)
        tr__list_append(&watch->listeners, &listener->link);
    return rc;
}

void tr__signal_unlisten(int signo, tr__signal_listener *listener)
{
    if (!tr__list_is_linked(&listener->link))
        return; /* the loop has closed */
    tr__list_remove(&listener->link);
    unwatch(signo);
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
