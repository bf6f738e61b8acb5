/* Addresses of the simulated network. All are of IPv6 here; those of IPv4 stand in it as
 * ::ffff:a.b.c.d, as for a socket that takes both. */
#ifndef TR_SIM_ENDPOINT_H
#define TR_SIM_ENDPOINT_H

#include <stdbool.h>
#include <stdint.h>
#include <sys/socket.h>

typedef struct tr__endpoint {
    unsigned char address[16];
    uint32_t scope;
    uint16_t port; /* 0: none */
} tr__endpoint;

/* An address that a program gave to a socket of that domain. 0, or -EINVAL, -EAFNOSUPPORT. */
int tr__endpoint_parse(tr__endpoint *out, int domain, const struct sockaddr *address,
                       socklen_t bytes);
/* The same back, as much as there is room for; *bytes: all that there is. */
void tr__endpoint_format(const tr__endpoint *endpoint, int domain, struct sockaddr *out,
                         socklen_t *bytes);
/* Copy an address as the kernel does: as much as there is room for. */
void tr__address_copy(const void *address, socklen_t count, struct sockaddr *out, socklen_t *bytes);

/* Every address: 0.0.0.0 or ::. */
bool tr__endpoint_is_any(const tr__endpoint *endpoint);
/* Of the nets that are kept for documentation (RFC 5737, 3849): nobody ever answers there. */
bool tr__endpoint_is_void(const tr__endpoint *endpoint);
/* Every address becomes the machine's own: 127.0.0.1 or ::1. */
void tr__endpoint_settle(tr__endpoint *endpoint);
bool tr__endpoint_is_same(const tr__endpoint *one, const tr__endpoint *other);
/* Whether a socket that is bound there takes what is sent to `to`. */
bool tr__endpoint_takes(const tr__endpoint *bound, bool v6_only, const tr__endpoint *to);

#endif
