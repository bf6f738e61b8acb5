#include <math.h>

#include "base/seam.h"
#include "sync/limiter.h"

static const double NS_PER_S = 1e9;

_Static_assert(sizeof(tr__limiter) <= sizeof(tr_limiter), "fits its public place");

static tr__limiter *inside(tr_limiter *l)
{
    return (tr__limiter *)(void *)l;
}

bool tr__limiter_allows(double rate, double burst, uint64_t n)
{
    /* NaN is in no order. */
    return rate > 0 && burst >= 1 && isfinite(rate) && isfinite(burst) && (double)n <= burst;
}

/* ---- the bucket, with the lock ---- */

static void fill(tr__limiter *l)
{
    uint64_t now_ns = tr__now_ns();

    l->missing = fmax(0, l->missing - (double)(now_ns - l->at_ns) / NS_PER_S * l->rate);
    l->at_ns = now_ns;
}

/* In how many seconds so many are there; 0: they are. A nanosecond is nothing: figures are
 * rounded. */
static double seconds_until(const tr__limiter *l, double tokens)
{
    double seconds = (l->missing + tokens - l->burst) / l->rate;

    return seconds * NS_PER_S < 1 ? 0 : seconds;
}

/* 0: taken; else how long it takes. */
static double take(tr__limiter *l, uint64_t n)
{
    double seconds;

    fill(l);
    seconds = seconds_until(l, (double)n);
    if (seconds == 0)
        l->missing = fmin(l->burst, l->missing + (double)n);
    return seconds;
}

uint64_t tr__limiter_full_ns(tr__limiter *l)
{
    double ns;

    tr__wait_queue_lock(&l->queue);
    ns = (double)l->at_ns + ceil(l->missing / l->rate * NS_PER_S);
    tr__wait_queue_unlock(&l->queue);
    return ns < (double)UINT64_MAX ? (uint64_t)ns : UINT64_MAX;
}

/* ---- the turn ---- */

/* With the lock. */
static void pass_turn_on(tr__limiter *l, tr__wakes *wakes)
{
    tr__queued *next = l->queue.line.first;

    l->has_turn = next != NULL;
    if (next == NULL)
        return;
    l->first = next->wants;
    (void)tr__grant(next, 0, wakes); /* nobody chooses here */
}

static const tr__sought a_time = { .what = "a time, for a limiter" };

static int nap(double seconds)
{
    tr__wait_queue nobody = { .line = { NULL, NULL, 0 } };
    tr__queued sleeper = { .sought = &a_time };
    int rc;

    tr__wait_queue_lock(&nobody);
    rc = tr__wait_in(&nobody, &sleeper, seconds);
    return rc == TR_ETIMEDOUT ? 0 : rc;
}

/* Who has the turn: take the tokens, and pass it on; or how long it takes until they are there. */
static double take_in_turn(tr__limiter *l, uint64_t n)
{
    tr__wakes wakes;
    double seconds;

    tr__wakes_init(&wakes);
    tr__wait_queue_lock(&l->queue);
    seconds = take(l, n);
    if (seconds == 0)
        pass_turn_on(l, &wakes);
    tr__wait_queue_unlock(&l->queue);
    tr__wakes_send(&wakes);
    return seconds;
}

/* Without the tokens. */
static int give_up_turn(tr__limiter *l, int rc)
{
    tr__wakes wakes;

    tr__wakes_init(&wakes);
    tr__wait_queue_lock(&l->queue);
    pass_turn_on(l, &wakes);
    tr__wait_queue_unlock(&l->queue);
    tr__wakes_send(&wakes);
    return rc;
}

static int wait_with_turn(tr__limiter *l, uint64_t n, uint64_t due_ns)
{
    double seconds;

    while ((seconds = take_in_turn(l, n)) > 0) {
        double left = tr__seconds_left(due_ns);
        int rc = left > 0 ? nap(fmin(seconds, left)) : TR_ETIMEDOUT;

        if (rc < 0)
            return give_up_turn(l, rc);
    }
    return 0;
}

static const tr__sought a_turn = {
    .what = "its turn at a limiter",
    .line_offset = offsetof(tr__limiter, queue.line),
};

int tr__limiter_acquire(tr__limiter *l, uint64_t n, double timeout)
{
    tr__queued waiter = { .sought = &a_turn, .wants = n };
    uint64_t due_ns = tr__due_ns(timeout);
    bool is_taken = false;
    int rc = tr__may_wait();

    if (rc < 0)
        return rc;
    tr__wait_queue_lock(&l->queue);
    if (l->has_turn) {
        rc = tr__wait_in(&l->queue, &waiter, timeout);
    } else {
        is_taken = take(l, n) == 0;
        l->has_turn = !is_taken;
        l->first = n;
        tr__wait_queue_unlock(&l->queue);
    }
    return rc < 0 || is_taken ? rc : wait_with_turn(l, n, due_ns);
}

int tr__limiter_try(tr__limiter *l, uint64_t n, double *wait)
{
    bool has_turn;

    tr__wait_queue_lock(&l->queue);
    has_turn = l->has_turn;
    if (has_turn) {
        fill(l);
        *wait = seconds_until(l, (double)l->first + (double)n);
    } else {
        *wait = take(l, n);
    }
    tr__wait_queue_unlock(&l->queue);
    return has_turn || *wait > 0 ? TR_EBUSY : 0;
}

/* ---- for the public ---- */

int tr_limiter_acquire_many(tr_limiter *l, uint64_t n, double timeout)
{
    if (l == NULL || isnan(timeout) || !tr__limiter_allows(l->tr__rate, l->tr__burst, n))
        return TR_EINVAL;
    return tr__limiter_acquire(inside(l), n, timeout);
}

int tr_limiter_try_acquire(tr_limiter *l, uint64_t n, double *wait)
{
    double unused;

    if (wait == NULL)
        wait = &unused;
    *wait = 0;
    if (l == NULL || !tr__limiter_allows(l->tr__rate, l->tr__burst, n))
        return TR_EINVAL;
    return tr__limiter_try(inside(l), n, wait);
}

double tr_limiter_tokens(tr_limiter *l)
{
    double tokens;

    if (l == NULL || !tr__limiter_allows(l->tr__rate, l->tr__burst, 0))
        return 0;
    tr__wait_queue_lock(&inside(l)->queue);
    fill(inside(l));
    tokens = inside(l)->burst - inside(l)->missing;
    tr__wait_queue_unlock(&inside(l)->queue);
    return tokens;
}
