/* Connections: TCP over IPv4 and IPv6, and sockets of the file system ("unix:/path"). Addresses are
 * texts, as address.h has them; where one connects to, a host may also be a name. */
#ifndef TROUPE_TCP_H
#define TROUPE_TCP_H

#include <troupe/address.h>
#include <troupe/io.h>

#ifdef __cplusplus
extern "C" {
#endif

/* ---- connecting ---- */

/* Zero means the default. */
typedef struct tr_connect_options {
    double timeout;    /* for all of it, seconds; default 30; below 0: none */
    double stagger;    /* until the next address of a name is tried beside the last; default 0.25 */
    const char *local; /* where to connect from, "192.0.2.1:0"; default: as the system likes */
    bool delays;       /* small writes wait for company (no TCP_NODELAY) */
    double keepalive;  /* seconds of silence until the system asks whether the other side is there
                          (SO_KEEPALIVE); default: it does not */
} tr_connect_options;

TR_API int tr__tcp_connect(tr_io **out, const char *address, const tr_connect_options *options,
                           size_t options_size);

/* Connect to "example.org:80", "[::1]:80" or "unix:/run/x": tr_tcp_connect(&io, address, NULL), or
 * with options. The addresses of a name are tried one after the other, of both families in turn,
 * and the first that answers wins (RFC 8305). *out is NULL on error.
 * Ownership: the stream is the caller's.
 * Threads:   tasks.
 * Errors:    of the first address: TR_ECONNREFUSED, TR_ETIMEDOUT, -ENETUNREACH, -EHOSTUNREACH, ...;
 *            TR_ENOENT there is no such socket; TR_ENONAME, TR_ERESOLVE; TR_EINVAL; TR_EMFILE;
 *            TR_ENOMEM; TR_ECANCELED; TR_EWRONGPLACE. */
#define tr_tcp_connect(out, address, ...)                                                          \
    tr__tcp_connect((out), (address), (__VA_ARGS__), sizeof(tr_connect_options))

/* ---- listening ---- */

typedef struct tr_listener tr_listener;

/* Zero means the default. */
typedef struct tr_listen_options {
    int backlog;      /* connections that wait to be accepted; default 4096 (the system may allow
                         fewer) */
    bool shares_port; /* others may listen there, too (SO_REUSEPORT): on each loop one */
    unsigned mode; /* rights of a socket in the file system, 0600 say; default: as umask leaves */
    bool delays;   /* see tr_connect_options */
} tr_listen_options;

TR_API int tr__listen(tr_listener **out, const char *address, const tr_listen_options *options,
                      size_t options_size);

/* Listen: tr_listen(&l, "127.0.0.1:0", NULL), or with options. ":80" is every address of the
 * machine. Port 0 is any: see tr_listener_address. A socket in the file system that nobody listens
 * on any more is replaced; it is removed when the listener is closed, unless another's stands there
 * by then. *out is NULL on error.
 * Ownership: the caller's; it is closed with its loop at the latest, and freed by
 *            tr_listener_close.
 * Threads:   tasks, loop callbacks; it belongs to their loop.
 * Errors:    TR_EADDRINUSE; -EACCES, -EADDRNOTAVAIL; TR_EINVAL, also for a name; TR_EMFILE;
 *            TR_ENOMEM; TR_EWRONGPLACE; TR_ESHUTDOWN. */
#define tr_listen(out, address, ...)                                                               \
    tr__listen((out), (address), (__VA_ARGS__), sizeof(tr_listen_options))

/* Accept the next connection. Where the process has no descriptor left, it waits until it has, and
 * says so in the log.
 * Ownership: the stream is the caller's.
 * Threads:   tasks of the listener's loop, one at a time.
 * Errors:    TR_ECANCELED; TR_EPIPE it was closed; TR_EBUSY; TR_ENOMEM the connection was closed;
 *            TR_EWRONGPLACE; TR_EINVAL. */
TR_API int tr_accept(tr_io **out, tr_listener *l);

/* Where it listens: "127.0.0.1:40123".
 * Ownership: lent until it is closed.
 * Threads:   its loop. */
TR_API const char *tr_listener_address(const tr_listener *l);
TR_API int tr_listener_port(const tr_listener *l);

/* NULL is allowed. Who waits in tr_accept is told TR_EPIPE. Connections that the system has
 * accepted, and the program has not, are reset; tr_serve does better.
 * Threads: its loop; any, when the runtime has stopped.
 * Errors:  TR_EWRONGPLACE: it is not closed. */
TR_API int tr_listener_close(tr_listener *l);

/* ---- serving ---- */

/* A connection: it is closed when the function returns. Its result is logged, if it is an error of
 * this side's; that the other side has gone is none. */
typedef int (*tr_io_handler)(tr_io *io, void *arg);

/* Zero means the default. */
typedef struct tr_serve_options {
    tr_listen_options listen;
    long most; /* connections at a time; more wait to be accepted; default: as many as there can
                       be descriptors */
    long most_each; /* of one address, or network of IPv6 (/64); what is more is closed at once;
                       default: no limit */
    double grace; /* seconds for handlers to end when serving ends, until they are cancelled; 10 */
    int loops;    /* it is served on so many; default: all */
    size_t stack_bytes; /* of a handler's task */
    /* It listens there now; called once, in the task that serves. */
    void (*on_ready)(void *arg, const char *address);
} tr_serve_options;

TR_API int tr__serve(const char *address, tr_io_handler fn, void *arg,
                     const tr_serve_options *options, size_t options_size);

/* Serve an address until the calling task is cancelled: tr_serve("127.0.0.1:7", fn, arg, &options);
 * options may be NULL. On each loop there is a listener, and a task for each connection that it
 * accepts. In the end nobody whom the system has accepted is reset: new ones are refused, those are
 * served.
 * Ownership: arg stays the caller's; handlers of several loops have it at the same time.
 * Threads:   tasks.
 * Errors:    as tr_listen; TR_ECANCELED. */
#define tr_serve(address, fn, arg, ...)                                                            \
    tr__serve((address), (fn), (arg), (__VA_ARGS__), sizeof(tr_serve_options))

static inline void tr__cleanup_listener(tr_listener **at)
{
    (void)tr_listener_close(*at); /* on the loop where the block ran, which is its own */
}
#define tr_cleanup_listener __attribute__((cleanup(tr__cleanup_listener)))

#ifdef __cplusplus
}
#endif
#endif
