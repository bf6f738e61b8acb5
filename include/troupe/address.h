/* Addresses of sockets. As texts they look like this:
 *
 *     127.0.0.1:8080   [::1]:8080   [fe80::1%eth0]:8080   unix:/run/server.sock   unix:@abstract
 *
 * Where an address to listen on has no host (":8080"), every one is meant, of IPv4 and IPv6. Names
 * of hosts are looked up by those who connect. */
#ifndef TROUPE_ADDRESS_H
#define TROUPE_ADDRESS_H

#include <sys/socket.h>
#include <troupe/core.h>

#ifdef __cplusplus
extern "C" {
#endif

/* Copy it as you like. Zero is no address. */
typedef struct tr_address {
    struct sockaddr_storage tr__storage;
    socklen_t tr__bytes;
} tr_address;

/* Understand a numeric address; nothing is looked up. *out is zero on error.
 * Threads: any.
 * Errors:  TR_EINVAL it is none, or has a name in it, or no port of 0 to 65535. */
TR_API int tr_address_parse(tr_address *out, const char *text);

/* Write it as a text, which is cut where it does not fit; 128 bytes are always enough. Returns how
 * many bytes it has, without the 0 behind it.
 * Threads: any.
 * Errors:  TR_EINVAL. */
TR_API int tr_address_format(const tr_address *address, char *text, size_t bytes);

/* Its port; 0 for one that has none.
 * Threads: any. */
TR_API int tr_address_port(const tr_address *address);

#ifdef __cplusplus
}
#endif
#endif
