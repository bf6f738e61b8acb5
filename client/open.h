/* Opening connections: names, TCP, proxies, TLS. */
#ifndef TR_CLIENT_OPEN_H
#define TR_CLIENT_OPEN_H

#include "client/call.h"

/* Choose the way of the next request: the proxy, if there is one.
 * Errors: TR_EINVAL an https proxy can't be the way to an https URL; TR_ENOMEM. */
int tr__open_choose(tr__client_call *call);

/* What says which connections may carry a call: they are in the pool under this key.
 * Ownership: lent by the call. */
tr__slice tr__open_key(const tr__client_call *call);

/* Open one that the pool has permitted, within the client's connect_timeout.
 * Errors: those of tr_tls_connect, and tr__proxy_tunnel; TR_EPROTO the server wants to speak
 *         another protocol. */
int tr__open_conn(const tr__client_call *call, tr__client_conn *conn);

#endif
