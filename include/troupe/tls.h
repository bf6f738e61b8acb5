/* TLS, versions 1.2 and 1.3, by OpenSSL: over any stream of bytes.
 *
 * A context (tr_tls) has certificates and rules; streams are made of it. Clients verify the
 * server's certificate and name unless they are told not to, in so many words. Sessions are resumed
 * where both sides can. There is neither renegotiation nor compression.
 *
 *     tr_tls *tls tr_cleanup_tls = NULL;
 *     int rc = tr_tls_client_new(&tls, NULL);
 *     if (rc == 0)
 *         rc = tr_tls_connect(&io, "example.org:443", tls, NULL);
 *
 * A stream that ends without a word of goodbye (close_notify) was cut, by somebody: then reading is
 * TR_EEND, where a plain one would be 0. */
#ifndef TROUPE_TLS_H
#define TROUPE_TLS_H

#include <troupe/tcp.h>

#ifdef __cplusplus
extern "C" {
#endif

typedef struct tr_tls tr_tls;

/* Zero means the default. Paths are of files in PEM. */
typedef struct tr_tls_options {
    const char *certificate; /* a chain, one's own first; a server must have one */
    const char *key;
    const char *authorities;   /* who may sign the other side's certificate: a file, or a folder as
                                c_rehash makes it; default: of a client, the system's; of a server:
                                clients need no certificate */
    bool requires_certificate; /* of a server: clients must have one (mutual TLS) */
    bool is_unverified;        /* of a client: ANYBODY may be at the other end */
    const char *protocols;     /* ALPN, the best first, separated by spaces: "http/1.1" */
    bool is_1_3_only;
} tr_tls_options;

TR_API int tr__tls_server_new(tr_tls **out, const tr_tls_options *options, size_t options_size);
TR_API int tr__tls_client_new(tr_tls **out, const tr_tls_options *options, size_t options_size);

/* Make a context of a server, or a client: tr_tls_server_new(&tls, &options); a client's options
 * may be NULL. Files are read now; it blocks, for a moment. *out is NULL on error, and the log says
 * what was wrong.
 * Ownership: the caller has one reference.
 * Threads:   any.
 * Errors:    TR_ENOENT, -EACCES a file can't be read; TR_ESYNTAX it is malformed, or the key does
 *            not belong to the certificate; TR_EINVAL; TR_ENOMEM. */
#define tr_tls_server_new(out, ...) tr__tls_server_new((out), (__VA_ARGS__), sizeof(tr_tls_options))
#define tr_tls_client_new(out, ...) tr__tls_client_new((out), (__VA_ARGS__), sizeof(tr_tls_options))

/* One more reference; returns tls. NULL is NULL.
 * Threads: any. */
TR_API tr_tls *tr_tls_ref(tr_tls *tls);
/* NULL is allowed. Streams that were made of it go on.
 * Threads: any. */
TR_API void tr_tls_unref(tr_tls *tls);

/* One more certificate of a server, for a host ("example.org", or "*.example.org", which stands for
 * one label); who asks for no known host gets the first.
 * Threads: any; blocks.
 * Errors:  as tr_tls_server_new; TR_EINVAL also for a client's context. */
TR_API int tr_tls_add_certificate(tr_tls *tls, const char *host, const char *certificate,
                                  const char *key);

/* Read all files again: streams that are made from now on have what is in them. If anything is
 * wrong, nothing has changed.
 * Threads: any; blocks.
 * Errors:  as tr_tls_server_new. */
TR_API int tr_tls_reload(tr_tls *tls);

/* ---- streams ---- */

TR_API int tr__tls_connect(tr_io **out, const char *address, tr_tls *tls,
                           const tr_connect_options *options, size_t options_size);

/* Connect, and shake hands: tr_tls_connect(&io, "example.org:443", tls, NULL), or with options,
 * whose timeout is for both. *out is NULL on error.
 * Ownership: the stream is the caller's; the context gets a reference.
 * Threads:   tasks.
 * Errors:    as tr_tcp_connect; TR_ECERTIFICATE; TR_ETLS; TR_EEND; TR_ECONNRESET. The log says
 *            more, at level info. */
#define tr_tls_connect(out, address, tls, ...)                                                     \
    tr__tls_connect((out), (address), (tls), (__VA_ARGS__), sizeof(tr_connect_options))

/* Let a plain stream, on which nothing waits, be TLS from now on: as the client of a host (a name
 * or an address, which its certificate must be for), or as the server.
 * Ownership: *io is the same stream; on error it is closed, and *io is NULL.
 * Threads:   tasks of its loop.
 * Errors:    as tr_tls_connect; TR_EINVAL; TR_EBUSY. */
TR_API int tr_tls_wrap_client(tr_io **io, tr_tls *tls, const char *host);
TR_API int tr_tls_wrap_server(tr_io **io, tr_tls *tls);

/* What was agreed on: "TLSv1.3"; the protocol of ALPN; whether an earlier session was resumed; and
 * whose certificate it was, as in RFC 2253 ("CN=alice,O=Example"). "" and false: none, or no TLS.
 * Ownership: lent until the stream is closed.
 * Threads:   its loop. */
TR_API const char *tr_tls_version(const tr_io *io);
TR_API const char *tr_tls_protocol(const tr_io *io);
TR_API bool tr_tls_is_resumed(const tr_io *io);
TR_API const char *tr_tls_peer(tr_io *io);

static inline void tr__cleanup_tls(tr_tls **at)
{
    tr_tls_unref(*at);
}
#define tr_cleanup_tls __attribute__((cleanup(tr__cleanup_tls)))

#ifdef __cplusplus
}
#endif
#endif
