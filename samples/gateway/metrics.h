/* What the gateway has done, as Prometheus reads it. */
#ifndef GATEWAY_METRICS_H
#define GATEWAY_METRICS_H

#include <troupe/net.h>

/* A handler: ctx is a struct gateway. */
int metrics(tr_http_request *req, tr_http_response *res, void *ctx);

#endif
