/* The order in which addresses are best tried: that of RFC 6724, by the address from which this
 * machine would reach each of them. Nothing is sent to find that out. */
#ifndef TR_NET_DNS_ORDER_H
#define TR_NET_DNS_ORDER_H

#include <troupe/address.h>

enum { TR__ORDERED_MOST = 64 };

/* Equals stay in their order; beyond TR__ORDERED_MOST, or without memory, all do. */
void tr__addresses_sort(tr_address *addresses, size_t count);

#endif
