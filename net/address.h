/* Addresses, inside. */
#ifndef TR_NET_ADDRESS_H
#define TR_NET_ADDRESS_H

#include <troupe/address.h>

enum { TR__ADDRESS_TEXT = 128, TR__HOST_BYTES = 256 };

static inline const struct sockaddr *tr__address_of(const tr_address *address)
{
    return (const struct sockaddr *)&address->tr__storage;
}

/* Take "host:port" apart: the host without its brackets, which may be empty. false: it is none. */
bool tr__address_split(const char *text, char host[TR__HOST_BYTES], uint16_t *port);
/* An address of a numeric host. false: it is a name. */
bool tr__address_of_host(tr_address *out, const char *host, uint16_t port);
bool tr__address_is_unix(const char *text);
/* The text of a socket's own address.
 * Errors: -ENOBUFS. */
int tr__address_of_socket(int fd, char text[TR__ADDRESS_TEXT]);

#endif
