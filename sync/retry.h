/* Policies of retrying, for others that retry in their own way. */
#ifndef TR_SYNC_RETRY_H
#define TR_SYNC_RETRY_H

#include <troupe/retry.h>

#include "base/compiler.h"

/* Fill the defaults in; policy may be NULL: all of them.
 * Errors: TR_EINVAL. */
TR__SHARED int tr__retry_read_policy(tr_retry_policy *out, const tr_retry_policy *policy,
                                     size_t size);
/* How long to wait before the next attempt, chance included. *delay is that of this one without
 * it, at first the policy's first_delay, and becomes that of the next. */
TR__SHARED double tr__retry_delay(const tr_retry_policy *policy, double *delay);

#endif
