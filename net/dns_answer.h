/* What c-ares does not tell of an answer. */
#ifndef TR_NET_DNS_ANSWER_H
#define TR_NET_DNS_ANSWER_H

#include <stddef.h>
#include <stdint.h>

/* For how many seconds it may be remembered that there is nothing (RFC 2308, 5): 0 if the answer
 * does not say, or is malformed. answer may be NULL. */
uint32_t tr__dns_negative_ttl(const unsigned char *answer, size_t bytes);

#endif
