/* How names are looked up in this process.
 *
 * Threads: any. */
#ifndef TR_NET_DNS_CONFIG_H
#define TR_NET_DNS_CONFIG_H

#include <troupe/dns.h>

enum { TR__DNS_SERVERS = 8, TR__DNS_PATH = 256 };

typedef struct tr__dns_config {
    tr_address servers[TR__DNS_SERVERS];
    size_t server_count; /* 0: those of resolv_conf */
    char resolv_conf[TR__DNS_PATH];
    char hosts_file[TR__DNS_PATH];
    int timeout_ms;
    int tries;
    size_t cache_entries;
    uint64_t ttl_least_ns;
    uint64_t ttl_most_ns;
    uint64_t negative_ttl_most_ns;
} tr__dns_config;

/* A copy of it as it is now, and the number of its version. */
uint32_t tr__dns_config_get(tr__dns_config *out);
/* The number of the version that is in force. */
uint32_t tr__dns_config_version(void);

#endif
