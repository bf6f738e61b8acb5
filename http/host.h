/* The value of a Host header (RFC 9110, 7.2): uri-host [ ":" port ] (RFC 3986, 3.2.2), and no more:
 * no user, no blanks, no list.
 *
 * Threads: any. */
#ifndef TR_HTTP_HOST_H
#define TR_HTTP_HOST_H

#include "http/slice.h"

/* Take it apart: the host, with its brackets, and the port; 0: none is said. false: malformed. An
 * empty one is valid: so a client says that it knows none. */
bool tr__host_parse(tr__slice text, tr__slice *host, uint16_t *port);
bool tr__host_is_valid(tr__slice text);

#endif
