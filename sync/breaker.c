/* Circuit breakers: see troupe/retry.h.
 *
 * Each change of state begins a new round, whose number is the pass: so what was begun in an
 * earlier one, and ends late, says nothing about this one. */
#include <troupe/retry.h>

#include "base/seam.h"
#include "base/threads.h"
#include "runtime/thread.h"
#include "sync/latch.h"

typedef struct __attribute__((may_alias)) breaker {
    tr__latch latch;
    uint32_t state; /* half-open only once somebody has come to try */
    uint32_t round;
    uint32_t failed;    /* closed: in a row */
    uint32_t trying;    /* half-open: trials that have not ended */
    uint32_t succeeded; /* half-open: trials that have */
    uint64_t until_ns;  /* open */
} breaker;

_Static_assert(sizeof(breaker) <= sizeof(((tr_breaker *)0)->tr__opaque), "fits its public place");

static breaker *inside(tr_breaker *b)
{
    return (breaker *)(void *)b->tr__opaque;
}

static bool is_valid(const tr_breaker *b)
{
    return b != NULL && b->open_for >= 0; /* NaN is not */
}

static unsigned or_default(unsigned value, unsigned otherwise)
{
    return value != 0 ? value : otherwise;
}

/* ---- with the lock ---- */

static void change(breaker *in, uint32_t state)
{
    in->state = state;
    in->round++;
    in->failed = 0;
    in->trying = 0;
    in->succeeded = 0;
}

static void open_it(const tr_breaker *b, breaker *in)
{
    change(in, TR_BREAKER_OPEN);
    in->until_ns = tr__deadline_ns(tr__now_ns(), b->open_for > 0 ? b->open_for : 30);
}

static bool is_let_in(const tr_breaker *b, breaker *in)
{
    if (in->state == TR_BREAKER_CLOSED)
        return true;
    if (in->state == TR_BREAKER_OPEN) {
        if (tr__now_ns() < in->until_ns)
            return false;
        change(in, TR_BREAKER_HALF_OPEN);
    }
    if (in->trying + in->succeeded >= or_default(b->trials, 1))
        return false;
    in->trying++;
    return true;
}

static int pass_of(const breaker *in)
{
    return (int)(in->round & INT32_MAX);
}

static void note_success(const tr_breaker *b, breaker *in)
{
    in->failed = 0;
    if (in->state == TR_BREAKER_HALF_OPEN && ++in->succeeded == or_default(b->trials, 1))
        change(in, TR_BREAKER_CLOSED);
}

static void note_failure(const tr_breaker *b, breaker *in)
{
    if (in->state == TR_BREAKER_HALF_OPEN || ++in->failed >= or_default(b->failures, 5))
        open_it(b, in);
}

/* What was begun in this round has ended. */
static int note_end(const tr_breaker *b, breaker *in, bool is_cancelled, bool is_failure)
{
    if (in->state == TR_BREAKER_HALF_OPEN && in->trying-- == 0) {
        in->trying = 0;
        return TR_EINVAL;
    }
    if (is_failure)
        note_failure(b, in);
    else if (!is_cancelled)
        note_success(b, in);
    return 0;
}

/* ---- the API ---- */

int tr_breaker_enter(tr_breaker *b)
{
    breaker *in;
    int pass;

    if (!is_valid(b))
        return TR_EINVAL;
    in = inside(b);
    tr__latch_lock(&in->latch);
    pass = is_let_in(b, in) ? pass_of(in) : TR_EOPEN;
    tr__latch_unlock(&in->latch);
    return pass;
}

int tr_breaker_leave(tr_breaker *b, int pass, int result)
{
    bool is_failure = result < 0 && result != TR_ECANCELED;
    breaker *in;
    int rc;

    if (!is_valid(b) || pass < 0)
        return TR_EINVAL;
    if (is_failure && b->is_failure != NULL)
        is_failure = b->is_failure(result);
    in = inside(b);
    tr__latch_lock(&in->latch);
    rc = pass != pass_of(in) ? 0 : note_end(b, in, result == TR_ECANCELED, is_failure);
    tr__latch_unlock(&in->latch);
    return rc;
}

int tr_breaker_call(tr_breaker *b, tr_task_fn fn, void *arg)
{
    int pass = fn != NULL ? tr_breaker_enter(b) : TR_EINVAL;
    int rc;

    if (pass < 0)
        return pass;
    rc = fn(arg);
    (void)tr_breaker_leave(b, pass, rc); /* it was valid above */
    return rc;
}

int tr_breaker_state(tr_breaker *b)
{
    breaker *in;
    int state;

    if (!is_valid(b))
        return TR_EINVAL;
    in = inside(b);
    tr__latch_lock(&in->latch);
    state = (int)in->state;
    if (state == TR_BREAKER_OPEN && tr__now_ns() >= in->until_ns)
        state = TR_BREAKER_HALF_OPEN; /* for whoever comes next */
    tr__latch_unlock(&in->latch);
    return state;
}
