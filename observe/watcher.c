/* The watcher's thread, and its two signals. */
#include "observe/watcher.h"

#include <errno.h>
#include <signal.h>
#include <ucontext.h>
#include <unistd.h>

#include "base/atomic.h"
#include "base/log.h"
#include "base/seam.h"
#include "base/threads.h"
#include "observe/blocking.h"
#include "observe/observer.h"
#include "observe/step_reports.h"
#include "observe/symbols.h"
#include "observe/watched.h"
#include "runtime/runtime.h"
#include "runtime/thread.h"

#define NS_PER_MS UINT64_C(1000000)
#define NS_PER_S  UINT64_C(1000000000)

/* After a stop, addr2line may go on for so long: the last reports are worth it. */
#define PATIENCE_NS (3 * NS_PER_S)

enum { LOOKS = 4 /* in slow_ms */ };

static struct {
    tr__watched *loops;
    uint32_t count;
    uint64_t slow_ns;
    pthread_t thread;
    int signo; /* that asks a loop's thread; 0: none was free */
    bool has_usr1;
    struct sigaction usr1_before;
    /* Shared; static, for a handler may come late. */
    uint32_t pokes;
    uint32_t is_dump_wanted;
    uint32_t is_stopping;
    uint64_t give_up_ns;
} watcher;

static TR__THREAD_LOCAL_FAST tr__watched *watched_of_thread;

void tr__watcher_poke(void)
{
    /* ordered: what there is to do comes before; the watcher reads the word before it looks. */
    (void)tr__add_ordered_u32(&watcher.pokes, 1);
    tr__futex_wake(&watcher.pokes, 1);
}

/* ---- on the loops' threads ---- */

/* Where the signal has struck; NULL: not known on this machine. */
static void *place_of(const void *machine)
{
    const ucontext_t *context = machine;

#if defined(__x86_64__)
    return (void *)(uintptr_t)context->uc_mcontext.gregs[REG_RIP];
#elif defined(__aarch64__)
    return (void *)(uintptr_t)context->uc_mcontext.pc;
#else
    (void)context;
    return NULL;
#endif
}

static void on_ask(int signo, siginfo_t *info, void *machine)
{
    tr__watched *watched = watched_of_thread;
    int error = errno;
    uint32_t asked;

    (void)signo;
    (void)info;
    if (watched == NULL)
        return;
    /* acquire: pairs with the release in ask: the watcher does not look at `seen` any more. */
    asked = tr__load_acquire_u32(&watched->asked);
    if (asked == tr__load_relaxed_u32(&watched->answered)) /* relaxed: our own */
        return; /* a signal of somebody else's: `seen` is the watcher's */
    tr__watched_answer(watched, &watched->seen.answer);
    tr__runner_note(&watched->seen.runner, watched->loop);
    tr__trace_take(&watched->seen.trace, place_of(machine), true);
    watched->seen.call = NULL;
    /* release: publishes `seen`; pairs with the acquire in take_answer. */
    tr__store_release_u32(&watched->answered, asked);
    tr__watcher_poke();
    errno = error;
}

static void open_signal(int how)
{
    sigset_t set;

    (void)sigemptyset(&set); /* these can't fail: the signal exists */
    (void)sigaddset(&set, watcher.signo);
    if (watcher.signo != 0)
        (void)pthread_sigmask(how, &set, NULL);
}

void tr__watcher_enter(tr__loop *loop)
{
    tr__watched *watched = &watcher.loops[loop->number - 1];

    tr__note_u64(&watched->resumed_ns, tr__now_ns());
    watched_of_thread = watched;
    tr__mutex_lock(&watched->lock);
    watched->thread = tr__thread_self();
    watched->id = gettid();
    watched->is_there = true;
    tr__mutex_unlock(&watched->lock);
    open_signal(SIG_UNBLOCK);
}

void tr__watcher_leave(tr__loop *loop)
{
    tr__watched *watched = &watcher.loops[loop->number - 1];

    open_signal(SIG_BLOCK); /* one that is on its way ends with the thread */
    tr__mutex_lock(&watched->lock);
    watched->is_there = false;
    tr__mutex_unlock(&watched->lock);
    watched_of_thread = NULL;
}

void tr__watcher_rest(void)
{
    /* relaxed: the watcher, which reads it a moment late, asks the thread itself. */
    tr__store_relaxed_u32(&watched_of_thread->rests, 1);
}

void tr__watcher_resume(void)
{
    tr__watched *watched = watched_of_thread;

    tr__note_u64(&watched->resumed_ns, tr__now_ns());
    /* release: whoever sees it awake sees since when; pairs with the acquire in look_at. */
    tr__store_release_u32(&watched->rests, 0);
}

tr__watched *tr__watched_here(void)
{
    tr__watched *watched = watched_of_thread;

    /* relaxed: this thread's own; and one that is set in a process of one thread. */
    if (watched == NULL || tr__load_relaxed_u32(&watched->rests) != 0 ||
        tr__load_relaxed_u32(&tr__runtime.forked) != 0) /* relaxed: as above */
        return NULL;
    return watched;
}

/* ---- looking ---- */

/* Whether the thread is in a call that it has told of: then *sample is where. */
static bool is_in_call(tr__watched *watched, tr__sample *sample)
{
    bool is_in_call;

    tr__mutex_lock(&watched->lock);
    is_in_call = watched->is_in_call;
    if (is_in_call)
        *sample = watched->call;
    tr__mutex_unlock(&watched->lock);
    sample->answer.now_ns = tr__now_ns();
    return is_in_call;
}

static bool is_asked(const tr__watched *watched)
{
    /* acquire: pairs with the release in on_ask.
     * relaxed: the watcher's own. */
    return tr__load_acquire_u32(&watched->answered) != tr__load_relaxed_u32(&watched->asked);
}

/* If it can't be sent (too many are queued), the next look tries again. */
static void send_signal(tr__watched *watched)
{
    tr__mutex_lock(&watched->lock); /* it does not leave meanwhile */
    if (watched->is_there && watcher.signo != 0 && !watched->is_sent)
        watched->is_sent = pthread_kill(watched->thread, watcher.signo) == 0;
    tr__mutex_unlock(&watched->lock);
}

/* What its thread has answered. */
static void hear(tr__watched *watched, const tr__sample *sample)
{
    switch (tr__step_answer(&watched->step, &sample->answer)) {
    case TR__STEP_SLOW:
        tr__report_slow(watched, sample);
        break;
    case TR__STEP_OVER:
        tr__report_over(watched);
        break;
    default:
        break;
    }
}

/* Where is it? Its thread answers later, unless it is in a call that it has told of. */
static void ask(tr__watched *watched, uint64_t now_ns)
{
    tr__sample sample;

    if (is_in_call(watched, &sample)) {
        hear(watched, &sample);
        return;
    }
    watched->asked_ns = now_ns;
    watched->is_sent = false;
    /* relaxed: the watcher's own.
     * release: it does not look at `seen` any more; pairs with the acquire in on_ask. */
    tr__store_release_u32(&watched->asked, tr__load_relaxed_u32(&watched->asked) + 1);
    send_signal(watched);
}

/* There is no answer yet. */
static void ask_again(tr__watched *watched)
{
    send_signal(watched);
    if (tr__step_unanswered(&watched->step))
        tr__report_unanswered(watched, watcher.signo);
}

static bool is_open(tr__watched *watched)
{
    bool is_there;

    tr__mutex_lock(&watched->lock);
    is_there = watched->is_there;
    tr__mutex_unlock(&watched->lock);
    return is_there;
}

static tr__usage usage_of(tr__watched *watched)
{
    tr__usage usage = { 0 };

    tr__mutex_lock(&watched->lock); /* as in send_signal */
    if (watched->is_there)
        usage = tr__thread_usage(watched->thread, watched->id);
    tr__mutex_unlock(&watched->lock);
    return usage;
}

static tr__view view_of(tr__watched *watched)
{
    tr__view view = { .now_ns = tr__now_ns() };
    tr__usage usage;

    /* acquire: pairs with the release in tr__watcher_resume. */
    view.is_resting = tr__load_acquire_u32(&watched->rests) != 0;
    view.start_ns = tr__watched_start_ns(watched);
    if (!tr__step_wants_figures(&watched->step, &view))
        return view;
    usage = usage_of(watched);
    view.cpu_ns = usage.cpu_ns;
    view.queue_ns = usage.queue_ns;
    view.is_runnable = usage.is_runnable;
    return view;
}

static void look_at(tr__watched *watched)
{
    bool was_asked = watched->asked_ns != 0;
    tr__finding finding;
    tr__view view;

    if (!is_open(watched))
        return;
    if (was_asked && !is_asked(watched)) {
        watched->asked_ns = 0;
        hear(watched, &watched->seen);
    }
    view = view_of(watched);
    finding = tr__step_look(&watched->step, &view);
    if (finding == TR__STEP_STARVED)
        tr__report_starved(watched);
    else if (finding == TR__STEP_OVER)
        tr__report_over(watched);
    else if (finding == TR__STEP_ASK && watched->asked_ns == 0)
        ask(watched, view.now_ns);
    else if (finding == TR__STEP_ASK)
        ask_again(watched);
}

/* ---- the thread ---- */

static bool is_stopping(void)
{
    /* acquire: pairs with the release in tr__watcher_close. */
    return tr__load_acquire_u32(&watcher.is_stopping) != 0;
}

static bool gives_up(void)
{
    return is_stopping() && tr__now_ns() >= watcher.give_up_ns;
}

static void look_around(void)
{
    for (uint32_t i = 0; i < watcher.count; i++)
        look_at(&watcher.loops[i]);
    tr__blocking_follow();
    tr__blocking_report(false);
    /* ordered: one dump for all signals that have come. */
    if (tr__exchange_ordered_u32(&watcher.is_dump_wanted, 0) != 0)
        tr__dump_requested();
}

/* SIGUSR1 is to find a thread, also where the program's own block it. */
static void open_usr1(void)
{
    sigset_t set;

    (void)sigemptyset(&set); /* these can't fail: the signal exists */
    (void)sigaddset(&set, SIGUSR1);
    if (watcher.has_usr1)
        (void)pthread_sigmask(SIG_UNBLOCK, &set, NULL);
}

static void *watch(void *unused)
{
    (void)unused;
    open_usr1();
    while (!is_stopping()) {
        /* acquire: what was done before a poke is seen in the look; pairs with tr__watcher_poke. */
        uint32_t pokes = tr__load_acquire_u32(&watcher.pokes);

        look_around();
        (void)tr__futex_wait(&watcher.pokes, pokes, tr__now_ns() + watcher.slow_ns / LOOKS);
    }
    tr__blocking_report(true);
    return NULL;
}

/* ---- the signals ---- */

static void on_usr1(int signo)
{
    int error = errno;

    /* relaxed: set in a process of one thread. */
    if (tr__load_relaxed_u32(&tr__runtime.forked) != 0) {
        (void)sigaction(signo, &watcher.usr1_before, NULL); /* a child has no watcher */
        (void)raise(signo);
    } else {
        tr__store_relaxed_u32(&watcher.is_dump_wanted, 1); /* relaxed: the poke publishes it */
        tr__watcher_poke();
    }
    errno = error;
}

static bool is_free(int signo, struct sigaction *before)
{
    return sigaction(signo, NULL, before) == 0 && !(before->sa_flags & SA_SIGINFO) &&
           before->sa_handler == SIG_DFL;
}

/* Send it to this thread, where the handler does nothing. Emulators take a handler for signals that
 * they can't send. */
static bool is_sendable(int signo)
{
    sigset_t set;
    sigset_t before;
    bool is_sent;

    (void)sigemptyset(&set); /* these can't fail: the signal exists */
    (void)sigaddset(&set, signo);
    (void)pthread_sigmask(SIG_UNBLOCK, &set, &before);
    is_sent = pthread_kill(tr__thread_self(), signo) == 0; /* handled before it returns */
    (void)pthread_sigmask(SIG_SETMASK, &before, NULL);
    return is_sent;
}

/* Take it; false: it is another's, or can't be used. */
static bool take_signal(int signo, const struct sigaction *ours)
{
    struct sigaction before;

    if (!is_free(signo, &before) || tr__fault_strikes(TR__FAULT_CALL) ||
        sigaction(signo, ours, NULL) != 0)
        return false;
    if (is_sendable(signo))
        return true;
    (void)sigaction(signo, &before, NULL); /* it was accepted before */
    return false;
}

/* The last real-time signal that nobody has a handler for: others take the first ones. */
static void choose_signal(void)
{
    struct sigaction ours = { .sa_flags = SA_SIGINFO | SA_RESTART | SA_ONSTACK };

    watcher.signo = 0;
    ours.sa_sigaction = on_ask;
    (void)sigfillset(&ours.sa_mask); /* can't fail */
    for (int signo = SIGRTMAX; signo >= SIGRTMIN && watcher.signo == 0; signo--)
        if (take_signal(signo, &ours))
            watcher.signo = signo;
    if (watcher.signo == 0)
        tr__log(TR_LOG_WARN, "debug mode: no real-time signal is free, by which to ask a loop what "
                             "it does: slow steps have no backtrace");
}

static void choose_usr1(void)
{
    struct sigaction ours = { .sa_handler = on_usr1, .sa_flags = SA_RESTART };

    (void)sigemptyset(&ours.sa_mask); /* can't fail */
    watcher.has_usr1 =
        is_free(SIGUSR1, &watcher.usr1_before) && sigaction(SIGUSR1, &ours, NULL) == 0;
}

/* Whoever has set a handler since keeps it. */
static void return_signals(void)
{
    struct sigaction now;

    (void)sigaction(SIGUSR1, NULL, &now); /* these can't fail: the signals exist */
    if (watcher.has_usr1 && !(now.sa_flags & SA_SIGINFO) && now.sa_handler == on_usr1)
        (void)sigaction(SIGUSR1, &watcher.usr1_before, NULL);
    if (watcher.signo == 0)
        return;
    (void)sigaction(watcher.signo, NULL, &now);
    if ((now.sa_flags & SA_SIGINFO) && now.sa_sigaction == on_ask)
        (void)signal(watcher.signo, SIG_DFL);
}

/* ---- opening and closing ---- */

static int make_loops(const tr_config *config)
{
    watcher.count = (uint32_t)config->loops;
    watcher.slow_ns = (uint64_t)config->slow_ms * NS_PER_MS;
    watcher.loops = tr__alloc_zeroed(watcher.count * sizeof(*watcher.loops));
    if (watcher.loops == NULL)
        return TR_ENOMEM;
    for (uint32_t i = 0; i < watcher.count; i++) {
        tr__watched *watched = &watcher.loops[i];

        watched->loop = tr__runtime.loops[i];
        (void)pthread_mutex_init(&watched->lock, NULL); /* can't fail on Linux */
        tr__step_init(&watched->step, watcher.slow_ns);
    }
    return 0;
}

static void free_loops(void)
{
    for (uint32_t i = 0; i < watcher.count; i++)
        (void)pthread_mutex_destroy(&watcher.loops[i].lock); /* nobody has it */
    tr__free(watcher.loops);
    watcher.loops = NULL;
}

int tr__watcher_open(const tr_config *config)
{
    int rc = make_loops(config);

    if (rc < 0)
        return rc;
    rc = tr__symbols_open(gives_up);
    if (rc == 0) {
        tr__trace_prepare();
        /* relaxed: thread creation publishes it. */
        tr__store_relaxed_u32(&watcher.is_stopping, 0);
        tr__store_relaxed_u32(&watcher.is_dump_wanted, 0); /* relaxed: as above */
        choose_signal();
        choose_usr1();
        rc = tr__thread_new(&watcher.thread, "troupe/watch", watch, NULL);
        if (rc == 0)
            return 0;
        return_signals();
        tr__symbols_close();
    }
    free_loops();
    return rc;
}

void tr__watcher_close(void)
{
    watcher.give_up_ns = tr__now_ns() + PATIENCE_NS;
    /* release: publishes the time above; pairs with the acquire in is_stopping. */
    tr__store_release_u32(&watcher.is_stopping, 1);
    tr__watcher_poke();
    tr__thread_join(watcher.thread);
    return_signals();
    tr__symbols_close();
    free_loops();
}
