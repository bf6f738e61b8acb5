/* Datagrams: UDP over IPv4 and IPv6. */
#ifndef TROUPE_UDP_H
#define TROUPE_UDP_H

#include <sys/types.h>
#include <troupe/address.h>

#ifdef __cplusplus
extern "C" {
#endif

typedef struct tr_udp tr_udp;

/* Zero means the default. */
typedef struct tr_udp_options {
    bool shares_port; /* SO_REUSEPORT */
    bool broadcasts;  /* it may send to broadcast addresses */
} tr_udp_options;

TR_API int tr__udp_open(tr_udp **out, const char *address, const tr_udp_options *options,
                        size_t options_size);

/* Open a socket at an address, "127.0.0.1:0" or ":53": tr_udp_open(&u, address, NULL), or with
 * options. *out is NULL on error.
 * Ownership: the caller's, until tr_udp_close.
 * Threads:   tasks, loop callbacks; it belongs to their loop.
 * Errors:    as tr_listen. */
#define tr_udp_open(out, address, ...)                                                             \
    tr__udp_open((out), (address), (__VA_ARGS__), sizeof(tr_udp_options))

/* Send only there, and receive only from there, from now on; errors of the network are told then.
 * Threads: its loop.
 * Errors:  TR_EINVAL; of the system; TR_EWRONGPLACE. */
TR_API int tr_udp_connect(tr_udp *u, const tr_address *peer);

/* Send a datagram, whole or not at all; to NULL: to whom it is connected.
 * Threads: tasks of its loop; one waits at a time.
 * Errors:  -EMSGSIZE it is too large; TR_ECONNREFUSED (connected) nobody listens there;
 *          TR_EINVAL; -EDESTADDRREQ; TR_ECANCELED; TR_EBUSY; TR_EPIPE; TR_EWRONGPLACE. */
TR_API int tr_udp_send(tr_udp *u, const tr_address *to, const void *data, size_t bytes);

/* Receive the next one: how many bytes, which may be 0. from may be NULL.
 * Threads: tasks of its loop, one at a time.
 * Errors:  TR_ETOOLARGE it is larger than the buffer, which has its beginning; TR_ECONNREFUSED
 *          (connected) of something sent before; TR_ECANCELED; TR_EBUSY; TR_EPIPE; TR_EINVAL;
 *          TR_EWRONGPLACE. */
TR_API ssize_t tr_udp_receive(tr_udp *u, void *buffer, size_t bytes, tr_address *from);

/* Where it is: "127.0.0.1:40123"; and its descriptor, for options of the system.
 * Threads: its loop. */
TR_API const char *tr_udp_address(const tr_udp *u);
TR_API int tr_udp_fd(const tr_udp *u);

/* NULL is allowed. Who waits is told TR_EPIPE.
 * Threads: its loop; any, when the runtime has stopped.
 * Errors:  TR_EWRONGPLACE: it is not closed. */
TR_API int tr_udp_close(tr_udp *u);

static inline void tr__cleanup_udp(tr_udp **at)
{
    (void)tr_udp_close(*at); /* on the loop where the block ran, which is its own */
}
#define tr_cleanup_udp __attribute__((cleanup(tr__cleanup_udp)))

#ifdef __cplusplus
}
#endif
#endif
