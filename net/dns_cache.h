/* Answers about names that a loop remembers, and questions that are being asked.
 *
 * An entry stands in a table from its question on. While it is asked for, tasks wait in it; once
 * it is answered it is also in the line of ages, whose first is the one that was used longest ago.
 *
 * Invariants: `count` entries are in the line; is_asked says that an entry is in the table only.
 *
 * Threads: the loop's own. */
#ifndef TR_NET_DNS_CACHE_H
#define TR_NET_DNS_CACHE_H

#include <troupe/address.h>

#include "base/list.h"

enum { TR__DNS_BUCKETS = 256, TR__DNS_MOST = 32 /* addresses of a name */ };

typedef struct tr__dns_entry {
    tr__list link; /* of its bucket */
    tr__list age;
    tr__list waiters;
    void *owner;
    bool is_asked;
    int status;
    uint64_t expires_ns;
    tr_address *addresses; /* NULL: none */
    size_t count;
    char name[];
} tr__dns_entry;

typedef struct tr__dns_cache {
    uint64_t key[2];
    size_t count;
    size_t most;
    tr__list ages;
    tr__list buckets[TR__DNS_BUCKETS];
} tr__dns_cache;

void tr__dns_cache_init(tr__dns_cache *cache, size_t most);
/* Nothing is being asked any more. */
void tr__dns_cache_fini(tr__dns_cache *cache);
/* The entry of a name, which is in lower case, answered or being asked for; NULL: there is none, or
 * its time is over. */
tr__dns_entry *tr__dns_cache_find(tr__dns_cache *cache, const char *name, uint64_t now_ns);
/* A new entry of a name that has none, being asked for. NULL: out of memory. */
tr__dns_entry *tr__dns_cache_add(tr__dns_cache *cache, const char *name);
/* It has been answered, and is good until then; if not beyond now_ns, it is gone. Nobody waits in
 * it any more.
 * Ownership: the entry's addresses are the cache's. */
void tr__dns_cache_keep(tr__dns_cache *cache, tr__dns_entry *entry, uint64_t expires_ns,
                        uint64_t now_ns);

#endif
