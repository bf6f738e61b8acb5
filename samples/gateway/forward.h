/* Passing a request on, and its answer back. */
#ifndef GATEWAY_FORWARD_H
#define GATEWAY_FORWARD_H

#include "upstream.h"

/* A handler: ctx is a struct route. Both bodies go through while they come. A request that may be
 * repeated goes to another upstream where one has failed before its answer; what comes of it is the
 * upstream's answer, or 502, 503 or 504. Where the upstream answers that it speaks WebSocket now,
 * all that is said passes, until both sides have ended. */
int forward(tr_http_request *req, tr_http_response *res, void *ctx);

#endif
