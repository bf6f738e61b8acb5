/* Names of hosts, inside. */
#ifndef TR_NET_DNS_H
#define TR_NET_DNS_H

#include <troupe/dns.h>

#include "net/dns_cache.h"

/* The addresses of a host, most at most, as tr_resolve gives them. A task calls it; *count is 0 on
 * error.
 * Errors: as tr_resolve. */
int tr__dns_lookup(const char *host, uint16_t port, tr_address *out, size_t most, size_t *count);

/* Ask servers for records of a name, and wait. take(arg, bytes, count) is told the answer, while
 * the task waits: its result is the call's. It must not wait. Nothing is remembered.
 * Errors: as tr_resolve; take's. */
int tr__dns_query(const char *name, int type,
                  int (*take)(void *arg, const unsigned char *bytes, int count), void *arg);

#endif
