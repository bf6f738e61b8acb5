/* Trying again. */
#include "client/again.h"

#include <errno.h>
#include <math.h>

#include "http/date.h"
#include "sync/retry.h"

void tr__again_begin(tr__again *again, const tr_retry_policy *policy, void *call)
{
    *again = (tr__again){ .attempt = 1, .call = call };
    if (policy != NULL)
        again->policy = *policy;
    else
        again->policy.attempts = 1;
    again->delay = again->policy.first_delay;
}

bool tr__again_may_repeat(const char *method)
{
    static const char *const methods[] = { "GET", "HEAD", "OPTIONS", "PUT", "DELETE", "TRACE" };

    for (size_t i = 0; i < sizeof(methods) / sizeof(methods[0]); i++)
        if (strcmp(method, methods[i]) == 0)
            return true;
    return false;
}

bool tr__again_read_retry_after(tr__slice text, int64_t now_s, double *seconds)
{
    const uint64_t most = UINT32_MAX; /* as good as never */
    uint64_t value = most;
    int64_t date;

    if (text.bytes > 0 && tr__is_digit(text.at[0])) {
        for (size_t i = 0; i < text.bytes; i++)
            if (!tr__is_digit(text.at[i]))
                return false;
        (void)tr__slice_to_u64(text, most, &value); /* or it is more */
        *seconds = (double)value;
        return true;
    }
    if (!tr__date_parse(text, now_s, &date))
        return false;
    *seconds = fmax((double)(date - now_s), 0);
    return true;
}

static bool is_transient_error(int error)
{
    switch (error) {
    case TR_ECONNREFUSED:
    case TR_ECONNRESET:
    case TR_EPIPE:
    case TR_EEND:
    case TR_ETIMEDOUT:
    case TR_ERESOLVE:
    case TR_ESTATUS: /* one of those that say so */
    case -ENETUNREACH:
    case -EHOSTUNREACH:
    case -ENETDOWN:
        return true;
    default:
        return false;
    }
}

static bool is_transient_status(int status)
{
    return status == 429 || (status >= 502 && status <= 504);
}

static bool is_transient(const tr__again *again, int error)
{
    if (again->policy.is_transient != NULL)
        return again->policy.is_transient(error, again->call);
    return is_transient_error(error);
}

static bool has_another(tr__again *again, int error, double at_least, double left, double *wait)
{
    if (error == TR_ECANCELED || again->attempt == again->policy.attempts ||
        !is_transient(again, error))
        return false;
    again->attempt++;
    *wait = fmax(tr__retry_delay(&again->policy, &again->delay), at_least);
    return *wait < left;
}

bool tr__again_after_error(tr__again *again, int error, double left, double *wait)
{
    return has_another(again, error, 0, left, wait);
}

bool tr__again_after_status(tr__again *again, int status, tr__slice retry_after, int64_t now_s,
                            double left, double *wait)
{
    double asked = 0;

    if (!is_transient_status(status))
        return false;
    if (retry_after.at != NULL &&
        tr__again_read_retry_after(tr__slice_trim(retry_after), now_s, &asked) &&
        asked > again->policy.longest_delay)
        return false;
    return has_another(again, TR_ESTATUS, asked, left, wait);
}
