/* Retrying: see troupe/retry.h. */
#include "sync/retry.h"

#include <math.h>
#include <string.h>

#include "base/seam.h"
#include "runtime/task.h"

static double or_default(double value, double otherwise)
{
    return value != 0 ? value : otherwise;
}

static bool is_valid(const tr_retry_policy *p)
{
    return p->first_delay > 0 && p->factor >= 1 && p->longest_delay > 0 && p->jitter <= 1;
}

/* NaN is invalid in each field: no comparison with it holds. */
int tr__retry_read_policy(tr_retry_policy *p, const tr_retry_policy *policy, size_t size)
{
    memset(p, 0, sizeof(*p));
    if (size == 0 || size > sizeof(*p))
        return TR_EINVAL;
    if (policy != NULL)
        memcpy(p, policy, size);
    if (p->attempts == 0)
        p->attempts = 5;
    p->first_delay = or_default(p->first_delay, 0.1);
    p->factor = or_default(p->factor, 2);
    p->longest_delay = or_default(p->longest_delay, 30);
    p->jitter = or_default(p->jitter, 1);
    return is_valid(p) ? 0 : TR_EINVAL;
}

/* Between 0 and 1, without 1. */
static double chance(void)
{
    return (double)(tr__dice() >> 11) * 0x1p-53;
}

double tr__retry_delay(const tr_retry_policy *policy, double *delay)
{
    double wait = fmin(*delay, policy->longest_delay);

    *delay = fmin(wait * policy->factor, policy->longest_delay);
    return policy->jitter > 0 ? wait * (1 - policy->jitter * chance()) : wait;
}

static bool may_retry(const tr_retry_policy *p, int64_t attempt, int error, void *arg)
{
    if (error >= 0 || error == TR_ECANCELED || attempt == p->attempts)
        return false;
    return p->is_transient == NULL || p->is_transient(error, arg);
}

int tr__retry(tr_task_fn fn, void *arg, const tr_retry_policy *policy, size_t policy_size)
{
    tr_retry_policy p;
    double delay;
    int rc = fn != NULL ? tr__retry_read_policy(&p, policy, policy_size) : TR_EINVAL;

    if (rc == 0)
        rc = tr__task_here() != NULL ? tr__task_checkpoint(tr__task_here()) : TR_EWRONGPLACE;
    if (rc < 0)
        return rc;
    delay = p.first_delay;
    for (int64_t attempt = 1;; attempt++) {
        rc = fn(arg);
        if (!may_retry(&p, attempt, rc, arg))
            return rc;
        rc = tr_sleep(tr__retry_delay(&p, &delay));
        if (rc < 0)
            return rc;
    }
}
