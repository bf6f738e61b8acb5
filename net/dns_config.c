/* The configuration of names, which any thread may change. */
#include "net/dns_config.h"

#include <limits.h>
#include <netinet/in.h>
#include <pthread.h>
#include <stdlib.h>
#include <string.h>

#include "base/atomic.h"
#include "base/log.h"
#include "base/threads.h"
#include "net/address.h"

#define DNS_PORT     53
#define TIMEOUT_S    2
#define TIMEOUT_MOST 3600
#define TRIES        3
#define TRIES_MOST   16 /* each waits twice as long as the one before */
#define ENTRIES      1024
#define TTL_MOST_S   86400
#define TTL_LIMIT_S  (7.0 * 86400)
#define NEGATIVE_S   5

static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;
/* Behind the lock: */
static tr__dns_config config;
static bool is_set;

/* Written behind the lock, read anywhere. */
static uint32_t version = 1;

/* ---- servers ---- */

static bool parse_server(tr_address *out, const char *text)
{
    char host[TR__HOST_BYTES];
    uint16_t port;

    if (tr__address_of_host(out, text, DNS_PORT))
        return true;
    return tr__address_split(text, host, &port) && port != 0 &&
           tr__address_of_host(out, host, port);
}

/* false: one of them is no address, or there are none or too many. */
static bool parse_servers(tr__dns_config *to, const char *text)
{
    char server[TR__ADDRESS_TEXT];

    for (to->server_count = 0;; text++) {
        size_t bytes = strcspn(text, ",");

        if (to->server_count == TR__DNS_SERVERS || bytes >= sizeof(server))
            return false;
        memcpy(server, text, bytes);
        server[bytes] = 0;
        if (!parse_server(&to->servers[to->server_count], server))
            return false;
        to->server_count++;
        text += bytes;
        if (*text == 0)
            return true;
    }
}

static void take_environment(tr__dns_config *to)
{
    const char *servers = getenv("TROUPE_DNS_SERVERS");

    if (servers == NULL || *servers == 0 || parse_servers(to, servers))
        return;
    to->server_count = 0;
    tr__log(TR_LOG_WARN, "TROUPE_DNS_SERVERS is no list of numeric addresses: it is ignored");
}

/* ---- options ---- */

static bool copy_path(char to[TR__DNS_PATH], const char *path, const char *standard)
{
    const char *from = path != NULL ? path : standard;
    size_t bytes = strlen(from) + 1;

    if (bytes > TR__DNS_PATH)
        return false;
    memcpy(to, from, bytes);
    return true;
}

/* Seconds, of which 0 is the default; false: they are none. */
static bool take_seconds(uint64_t *out_ns, double seconds, double standard, double most)
{
    if (!(seconds >= 0) || seconds > most)
        return false;
    *out_ns = (uint64_t)((seconds > 0 ? seconds : standard) * 1e9);
    return true;
}

static bool take_options(tr__dns_config *to, const tr_dns_options *from)
{
    uint64_t timeout_ns;

    if (from->servers == NULL)
        take_environment(to);
    else if (!parse_servers(to, from->servers))
        return false;
    if (!copy_path(to->resolv_conf, from->resolv_conf, "/etc/resolv.conf") ||
        !copy_path(to->hosts_file, from->hosts_file, "/etc/hosts") ||
        !take_seconds(&timeout_ns, from->timeout, TIMEOUT_S, TIMEOUT_MOST) ||
        !take_seconds(&to->ttl_least_ns, from->ttl_least, 0, TTL_LIMIT_S) ||
        !take_seconds(&to->ttl_most_ns, from->ttl_most, TTL_MOST_S, TTL_LIMIT_S) ||
        !take_seconds(&to->negative_ttl_most_ns, from->negative_ttl_most, NEGATIVE_S, TTL_LIMIT_S))
        return false;
    if (from->tries < 0 || from->tries > TRIES_MOST || to->ttl_least_ns > to->ttl_most_ns)
        return false;
    to->timeout_ms = timeout_ns < 1000000 ? 1 : (int)(timeout_ns / 1000000);
    to->tries = from->tries > 0 ? from->tries : TRIES;
    to->cache_entries = from->cache_entries > 0 ? from->cache_entries : ENTRIES;
    return true;
}

static void advance(void)
{
    /* release: the version before the new one is in force; pairs with the acquire of
     * tr__dns_config_version. What it is the version of is read behind the lock. */
    tr__store_release_u32(&version, version + 1);
}

int tr__dns_configure(const tr_dns_options *options, size_t options_size)
{
    tr_dns_options known = { 0 };
    tr__dns_config wanted = { .server_count = 0 };

    if (options != NULL)
        memcpy(&known, options, options_size < sizeof(known) ? options_size : sizeof(known));
    if (!take_options(&wanted, &known))
        return TR_EINVAL;
    tr__mutex_lock(&lock);
    config = wanted;
    is_set = true;
    advance();
    tr__mutex_unlock(&lock);
    return 0;
}

void tr_dns_flush(void)
{
    tr__mutex_lock(&lock);
    advance();
    tr__mutex_unlock(&lock);
}

uint32_t tr__dns_config_get(tr__dns_config *out)
{
    uint32_t current;

    tr__mutex_lock(&lock);
    if (!is_set)
        (void)take_options(&config, &(tr_dns_options){ 0 }); /* the defaults are valid */
    is_set = true;
    *out = config;
    current = version;
    tr__mutex_unlock(&lock);
    return current;
}

uint32_t tr__dns_config_version(void)
{
    /* acquire: pairs with the release of advance. */
    return tr__load_acquire_u32(&version);
}
