/* Contexts of TLS, inside. The only rooms of OpenSSL are the tls files, and digest.c. */
#ifndef TR_NET_TLS_CONTEXT_H
#define TR_NET_TLS_CONTEXT_H

#include <openssl/ssl.h>
#include <troupe/tls.h>

/* Whether OpenSSL has had too little memory for something of this thread's since its errors were
 * cleared, which they are. */
bool tr__tls_was_starved(void);
/* A connection of the present certificates; NULL: out of memory. host: of a client. */
SSL *tr__tls_context_connection(tr_tls *context, const char *host);
bool tr__tls_context_is_server(const tr_tls *context);
/* Of the host (a string of OPENSSL_strdup) among what an SSL carries. */
int tr__tls_host_index(void);
/* A session of a client's that may be resumed, once; NULL: none. The caller's. */
SSL_SESSION *tr__tls_session_take(tr_tls *context, const char *host);

#endif
