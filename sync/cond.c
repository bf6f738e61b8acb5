/* A condition: waiters who have given a mutex back, and take it again before they go on.
 *
 * A waiter stands in the queue before it gives the mutex back: so who changes something with the
 * mutex, and notifies then, finds it there. */
#include <math.h>

#include <troupe/sync.h>

#include "sync/mutex.h"

typedef struct condition {
    tr__wait_queue queue;
} condition;

_Static_assert(sizeof(condition) <= sizeof(tr_cond), "fits its public place");

static condition *inside(tr_cond *c)
{
    return (condition *)(void *)c;
}

/* Whether the caller may wait, with that mutex. */
static int check(const tr_cond *c, tr_mutex *m, double timeout)
{
    int rc;

    if (c == NULL || m == NULL || isnan(timeout))
        return TR_EINVAL;
    rc = tr__may_wait();
    if (rc == 0 && !tr__fair_mutex_is_mine(tr__fair_mutex_of(m)))
        return TR_EPERM;
    return rc;
}

static const tr__sought a_notification = {
    .what = "a notification of a condition",
    .line_offset = offsetof(condition, queue.line),
};

static int wait(condition *c, tr_mutex *m, double timeout)
{
    tr__queued waiter = { .sought = &a_notification };
    int rc;

    if (timeout <= 0)
        return TR_ETIMEDOUT;
    tr__wait_queue_lock(&c->queue);
    tr__wait_enter(&c->queue, &waiter);
    tr__wait_queue_unlock(&c->queue);
    tr__fair_mutex_give(tr__fair_mutex_of(m));
    rc = tr__wait_entered(&waiter, timeout);
    tr__fair_mutex_take_back(tr__fair_mutex_of(m));
    return rc;
}

int tr_cond_wait_for(tr_cond *c, tr_mutex *m, double timeout)
{
    int rc = check(c, m, timeout);

    return rc < 0 ? rc : wait(inside(c), m, timeout);
}

int tr_cond_wait_until(tr_cond *c, tr_mutex *m, bool (*predicate)(void *arg), void *arg,
                       double timeout)
{
    uint64_t due_ns;
    int rc = check(c, m, timeout);

    if (rc < 0 || predicate == NULL)
        return rc < 0 ? rc : TR_EINVAL;
    due_ns = tr__due_ns(timeout);
    while (!predicate(arg)) {
        if (rc < 0)
            return rc;
        rc = tr_cond_wait_for(c, m, tr__seconds_left(due_ns));
        if (rc < 0 && rc != TR_ETIMEDOUT)
            return rc;
    }
    return 0; /* also when it came true in the last moment */
}

int tr_cond_notify(tr_cond *c, size_t n)
{
    tr__wakes wakes;

    if (c == NULL)
        return TR_EINVAL;
    tr__wakes_init(&wakes);
    tr__wait_queue_lock(&inside(c)->queue);
    for (; n > 0 && inside(c)->queue.line.first != NULL; n--)
        (void)tr__grant(inside(c)->queue.line.first, 0, &wakes); /* nobody chooses */
    tr__wait_queue_unlock(&inside(c)->queue);
    tr__wakes_send(&wakes);
    return 0;
}
