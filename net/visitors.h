/* Who is connected, by address: how many connections each has. Of IPv6, what shares the first 64
 * bits counts as one address, for whoever has one of these has them all. Only a server that limits
 * them keeps it, and it is touched when one begins and when it ends.
 *
 * Threads: any. */
#ifndef TR_NET_VISITORS_H
#define TR_NET_VISITORS_H

#include <stdbool.h>
#include <troupe/address.h>

typedef struct tr__visitor tr__visitor;
typedef struct tr__visitors tr__visitors;

/* At most so many connections of each; NULL: out of memory. */
tr__visitors *tr__visitors_new(long most);
/* NULL is allowed. Nobody is connected any more. */
void tr__visitors_free(tr__visitors *visitors);
/* One more connection. *out is NULL where there is no address: of a socket in the file system.
 * Ownership: *out is the caller's, for tr__visitors_leave.
 * Errors:    TR_EFULL that address has as many as are allowed; TR_ENOMEM. */
int tr__visitors_enter(tr__visitors *visitors, const tr_address *from, tr__visitor **out);
/* One less. NULL is allowed. */
void tr__visitors_leave(tr__visitors *visitors, tr__visitor *visitor);

#endif
