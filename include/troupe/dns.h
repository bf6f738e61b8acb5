/* Names of hosts: from names to addresses, by DNS and the hosts file, without a thread.
 *
 * Each loop asks on its own, and remembers answers for as long as their records say: tasks that ask
 * for the same name at the same time make one query. Nothing is served when its time is over. */
#ifndef TROUPE_DNS_H
#define TROUPE_DNS_H

#include <troupe/address.h>

#ifdef __cplusplus
extern "C" {
#endif

typedef struct tr_resolve_options {
    int family; /* AF_INET or AF_INET6: only addresses of this family; default both */
} tr_resolve_options;

TR_API int tr__resolve(tr_address **out, size_t *count, const char *host, uint16_t port,
                       const tr_resolve_options *options, size_t options_size);

/* The addresses of a host, in the order in which they are best tried (RFC 6724), of both families
 * in turns (RFC 8305): tr_resolve(&addresses, &count, "example.org", 443, NULL), or options. There
 * are 32 at most, and at least one on success. Numeric hosts, "localhost" and names that end in
 * ".localhost" are never asked for; then comes the hosts file, then DNS.
 *
 * host consists of letters, digits, hyphens, underscores and dots; international names are given in
 * Punycode. A dot at the end says that no search domain is to be tried.
 * Ownership: *out is the caller's, to be freed by tr_resolve_free; NULL on error.
 * Threads:   tasks.
 * Errors:    TR_ENONAME there is no such name, or it has no address; TR_ERESOLVE the servers have
 *            failed, refused, or not answered in time; TR_ECANCELED; TR_ENOMEM; TR_EINVAL, also for
 *            a host that can't be a name; TR_EWRONGPLACE; TR_ESHUTDOWN. */
#define tr_resolve(out, count, host, port, ...)                                                    \
    tr__resolve((out), (count), (host), (port), (__VA_ARGS__), sizeof(tr_resolve_options))

/* NULL is allowed.
 * Threads: any. */
TR_API void tr_resolve_free(tr_address *addresses);

/* The name of an address, as DNS has it (PTR): written in lower case, cut never. 254 bytes are
 * always enough. Anybody can claim any name for his addresses: look its addresses up before you
 * trust it. Nothing is remembered. Returns how many bytes it has, without the 0 behind it; text is
 * empty on error.
 * Threads: tasks.
 * Errors:  TR_ETOOLARGE it does not fit; TR_EINVAL, also for an address that is not of IPv4 or
 *          IPv6; else as tr_resolve. */
TR_API int tr_resolve_name(char *text, size_t bytes, const tr_address *address);

/* Where a service is to be had. */
typedef struct tr_service {
    uint16_t priority; /* those with a lower one are to be tried first */
    uint16_t weight;
    uint16_t port;
    char host[256];
} tr_service;

/* Where to find a service, such as "_http._tcp.example.org" (SRV, RFC 2782): in the order in which
 * they are to be tried, which is another each time where several have the same priority. There are
 * 64 at most, and at least one on success. Nothing is remembered, and no search domain is tried.
 * Ownership: *out is the caller's, to be freed by tr_resolve_services_free; NULL on error.
 * Threads:   tasks.
 * Errors:    TR_ENONAME also where the service is said not to be available; else as tr_resolve. */
TR_API int tr_resolve_services(tr_service **out, size_t *count, const char *name);

/* NULL is allowed.
 * Threads: any. */
TR_API void tr_resolve_services_free(tr_service *services);

/* ---- how names are looked up in this process ---- */

typedef struct tr_dns_options {
    /* Numeric, with commas between: "127.0.0.1:5353,[::1]:53,192.0.2.1"; at most 8. Default: those
     * of TROUPE_DNS_SERVERS in the environment, or else of resolv_conf. */
    const char *servers;
    const char *resolv_conf; /* default "/etc/resolv.conf" */
    const char *hosts_file;  /* default "/etc/hosts" */
    double timeout;       /* seconds for the first try of a server; doubled with each; default 2 */
    int tries;            /* of each server; default 3 */
    size_t cache_entries; /* of a loop; default 1024; the one that was used longest ago goes */
    double ttl_least;     /* seconds; default 0: records that may not be kept are not */
    double ttl_most;      /* default 86400 */
    double negative_ttl_most; /* that a name does not exist is remembered for so long; default 5 */
} tr_dns_options;

TR_API int tr__dns_configure(const tr_dns_options *options, size_t options_size);

/* Look names up in this way from now on: tr_dns_configure(&options), before or during a run; NULL:
 * by the defaults. What is being asked just now goes on as it began; what was remembered is
 * forgotten.
 * Ownership: texts are copied.
 * Threads:   any.
 * Errors:    TR_EINVAL; the configuration stays as it was then. */
#define tr_dns_configure(...) tr__dns_configure((__VA_ARGS__), sizeof(tr_dns_options))

/* Forget all answers, on all loops, and read the system's configuration again before the next
 * question.
 * Threads: any. */
TR_API void tr_dns_flush(void);

#ifdef __cplusplus
}
#endif
#endif
