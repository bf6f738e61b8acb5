/* What a client is told when something could not be done. */
#ifndef LEDGER_FAILURE_H
#define LEDGER_FAILURE_H

#include <stdint.h>
#include <troupe/net.h>

/* Answer for an error of the database, or of what asks it: 503 with a reason and Retry-After, where
 * it is worth trying again, and nothing was done; else it returns rc, for the handler to return. */
int failure_answer(tr_http_response *res, int rc);

/* 503 with a reason, and when to come again. */
int failure_busy(tr_http_response *res, int seconds, const char *reason);

/* 400: a part of the URL, or a header, is no such number. */
int failure_number(tr_http_response *res, const char *name, int64_t least, int64_t most);

#endif
