/* Signals as streams. All listening is done on loop 0, where signals are at home; what has come is
 * a set of bits, of which the generator makes items on its own loop. */
#include <troupe/signals.h>

#include <signal.h>
#include <stdarg.h>
#include <troupe/event.h>

#include "base/atomic.h"
#include "base/seam.h"
#include "runtime/loop.h"
#include "runtime/runtime.h"
#include "runtime/signal.h"
#include "sync/stream.h"

enum { SIGNALS = 64 };

typedef struct signals signals;

typedef struct ear {
    tr__signal_listener listener;
    signals *owner;
} ear;

struct signals {
    uint64_t wanted; /* a bit for each signal: the lowest one is that of 1 */
    uint64_t come;   /* the same; set on loop 0, taken by the generator */
    tr_event has_come;
    bool is_listening;
    /* What is asked of loop 0. */
    tr__runnable errand;
    int (*what)(signals *s);
    int answer;
    tr_event is_answered;
    ear ears[SIGNALS];
};

static uint64_t bit_of(int signo)
{
    return UINT64_C(1) << (signo - 1);
}

/* ---- on loop 0 ---- */

static void hear(tr__signal_listener *listener, int signo)
{
    signals *s = TR__CONTAINER_OF(listener, ear, listener)->owner;
    uint64_t come;

    do
        come = tr__load_relaxed_u64(&s->come); /* relaxed: the compare and swap judges it */
    /* ordered: pairs with the one in take_all; the event wakes the generator. */
    while (!tr__cas_ordered_u64(&s->come, come, come | bit_of(signo)));
    (void)tr_event_set(&s->has_come); /* it can't fail */
}

static int stop_listening(signals *s)
{
    for (int signo = 1; signo <= SIGNALS; signo++)
        tr__signal_unlisten(signo, &s->ears[signo - 1].listener);
    return 0;
}

static int start_listening(signals *s)
{
    int rc = 0;

    for (int signo = 1; rc == 0 && signo <= SIGNALS; signo++)
        if ((s->wanted & bit_of(signo)) != 0) {
            ear *e = &s->ears[signo - 1];

            *e = (ear){ .listener = { .fn = hear }, .owner = s };
            rc = tr__signal_listen(signo, &e->listener);
        }
    if (rc < 0)
        (void)stop_listening(s); /* it can't fail */
    return rc;
}

static uint32_t run_errand(tr__runnable *runnable, tr__loop *loop)
{
    signals *s = TR__CONTAINER_OF(runnable, signals, errand);

    (void)loop;
    s->answer = s->what(s);
    (void)tr_event_set(&s->is_answered); /* s may be gone then */
    return 1;
}

static int stop_and_free(signals *s)
{
    (void)stop_listening(s); /* it can't fail */
    tr__free(s);
    return 0;
}

static uint32_t run_last_errand(tr__runnable *runnable, tr__loop *loop)
{
    (void)loop;
    (void)stop_and_free(TR__CONTAINER_OF(runnable, signals, errand)); /* likewise */
    return 1;
}

/* ---- elsewhere ---- */

static bool is_loop_0(void)
{
    return tr__loop_here() != NULL && tr__loop_here()->number == 1;
}

static bool may_wait(void)
{
    return tr__loop_here() == NULL || tr__loop_here()->task != NULL;
}

/* Have it done on loop 0, and wait for that.
 * Errors: its own; TR_ESHUTDOWN that loop has quit; TR_EFORKED there is none in this process. */
static int ask(signals *s, int (*what)(signals *s))
{
    if (is_loop_0())
        return what(s);
    if (tr__loop_here() == NULL && tr__runtime_check() == TR_EFORKED)
        return TR_EFORKED;
    s->what = what;
    s->errand.run = run_errand;
    (void)tr_event_clear(&s->is_answered); /* neither can fail, for it is shielded */
    if (!tr__loop_post(1, &s->errand))
        return TR_ESHUTDOWN;
    TR_SHIELD(TR_FOREVER) {
        (void)tr_event_wait(&s->is_answered);
    }
    return s->answer;
}

static void end_listening(signals *s)
{
    if (!s->is_listening)
        return;
    s->is_listening = false;
    (void)ask(s, stop_listening); /* a loop that has quit has ended it */
}

/* The stream is freed. Who can't wait is a handler, and the generator has not begun. */
static void fini(void *arg)
{
    signals *s = arg;

    if (s->is_listening && !is_loop_0() && !may_wait()) {
        s->errand.run = run_last_errand;
        if (!tr__loop_post(1, &s->errand))
            tr__free(s);
        return;
    }
    end_listening(s);
    tr__free(s);
}

static uint64_t take_all(signals *s)
{
    uint64_t come;

    do
        come = tr__load_relaxed_u64(&s->come); /* relaxed: the compare and swap judges it */
    /* ordered: pairs with the one in hear. */
    while (!tr__cas_ordered_u64(&s->come, come, 0));
    return come;
}

static int emit_all(tr_stream *out, uint64_t come)
{
    for (int signo = 1; signo <= SIGNALS; signo++) {
        int rc = (come & bit_of(signo)) != 0 ? tr_emit(out, &signo) : 0;

        if (rc < 0)
            return rc;
    }
    return 0;
}

static int generate(tr_stream *out, void *arg)
{
    signals *s = arg;
    int rc;

    while ((rc = tr_event_wait(&s->has_come)) == 0) {
        (void)tr_event_clear(&s->has_come); /* before the look: what comes behind sets it again */
        rc = emit_all(out, take_all(s));
        if (rc < 0)
            break;
    }
    end_listening(s);
    return rc;
}

static int begin(tr_stream **out, uint64_t wanted)
{
    static const tr_stream_options of_numbers = { .item_bytes = sizeof(int) };
    signals *s = tr__alloc_zeroed(sizeof(*s));
    int rc;

    if (s == NULL)
        return TR_ENOMEM;
    s->wanted = wanted;
    rc = tr__stream_new(out, &of_numbers, sizeof(of_numbers), generate, s, NULL, 0);
    if (rc < 0) {
        tr__free(s);
        return rc;
    }
    tr__stream_own(*out, fini);
    rc = ask(s, start_listening);
    s->is_listening = rc == 0;
    if (rc < 0) {
        (void)tr_stream_free(*out); /* it has not begun */
        *out = NULL;
    }
    return rc;
}

int tr_signals(tr_stream **out, ...)
{
    uint64_t wanted = 0;
    va_list list;
    int signo;

    if (out == NULL)
        return TR_EINVAL;
    *out = NULL;
    va_start(list, out);
    while ((signo = va_arg(list, int)) > 0 && signo <= SIGNALS)
        wanted |= bit_of(signo);
    va_end(list);
    if (signo != 0 || wanted == 0)
        return TR_EINVAL;
    if (!is_loop_0() && !may_wait())
        return TR_EWRONGPLACE;
    return begin(out, wanted);
}
