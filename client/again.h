/* Whether a call is tried again, and when: what has failed so far, and the policy that counts.
 *
 * Transient is what may go better the next time: the server could not be reached, or is gone before
 * its answer's end, or does not answer in time; or it says so (429, 502, 503, 504). A policy's
 * is_transient, if there is one, judges instead; of an answer it is asked as of TR_ESTATUS. A name
 * that does not exist, a certificate that is not trusted, or what is no HTTP stays so.
 *
 * Between two attempts lies the policy's delay, or what the server has asked for (Retry-After,
 * RFC 9110, 10.2.3) if that is more. What it asks for beyond the policy's longest delay, or the
 * time that the call has left, is not waited for: the answer is handed on.
 *
 * Threads: any, one at a time. */
#ifndef TR_CLIENT_AGAIN_H
#define TR_CLIENT_AGAIN_H

#include <troupe/retry.h>

#include "http/slice.h"

typedef struct tr__again {
    tr_retry_policy policy; /* with its defaults filled in */
    int64_t attempt;        /* from 1 */
    double delay;           /* before the next one, but for chance */
    void *call;             /* what is_transient is told */
} tr__again;

/* policy is as tr__retry_read_policy has it; NULL: one attempt. */
void tr__again_begin(tr__again *again, const tr_retry_policy *policy, void *call);

/* Whether a method may be repeated without anybody noticing (RFC 9110, 9.2.2). */
bool tr__again_may_repeat(const char *method);

/* Whether there is another attempt after this error, or an answer of this status (retry_after.at is
 * NULL: it asks for no time); *wait is how many seconds before it. left: of the call, seconds. */
bool tr__again_after_error(tr__again *again, int error, double left, double *wait);
bool tr__again_after_status(tr__again *again, int status, tr__slice retry_after, int64_t now_s,
                            double left, double *wait);

/* Seconds until the time that a Retry-After says, or has said: 0. false: it says none. */
bool tr__again_read_retry_after(tr__slice text, int64_t now_s, double *seconds);

#endif
