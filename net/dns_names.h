/* Names of hosts, as texts: what is one, and what is known of it without asking. Pure functions. */
#ifndef TR_NET_DNS_NAMES_H
#define TR_NET_DNS_NAMES_H

#include <troupe/address.h>

enum { TR__NAME_BYTES = 256 }; /* of a name as text, its dot and the 0 included */

/* Copy a name in lower case. false: no host has such a name. */
bool tr__name_copy(char to[TR__NAME_BYTES], const char *name);
/* Whether it means this machine, whatever servers say (RFC 6761). It is in lower case. */
bool tr__name_is_local(const char *name);
/* Whether servers must not be asked for it (RFC 7686). */
bool tr__name_is_secret(const char *name);
/* Let addresses of both families take turns, beginning with that of the first; within each family
 * the order stays (RFC 8305, 4). */
void tr__addresses_interleave(tr_address *addresses, size_t count);
/* Look for a name, which is in lower case, in the text of a hosts file, which ends with a 0 and is
 * changed. Returns how many addresses were written, most at most. */
size_t tr__hosts_find(char *text, const char *name, tr_address *out, size_t most);

#endif
