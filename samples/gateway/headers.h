/* Which headers a proxy passes on (RFC 9110, 7.6), and what it adds (RFC 7239). */
#ifndef GATEWAY_HEADERS_H
#define GATEWAY_HEADERS_H

#include <troupe/net.h>

/* The lines for the upstream, "Name: value", NULL at the end; they last as long as the request.
 * NULL: out of memory. */
const char *const *headers_to_send(tr_http_request *req);

/* Set what the upstream has answered, but for its type and length. */
int headers_take(tr_http_response *res, tr_http_reply *reply);

#endif
