/* Looking up names of hosts.
 *
 *     tr__dns_lookup
 *        |  an address, or this machine's name? ----> known at once
 *        v
 *     the loop's resolver: is it of the configuration in force? ---- no ----> a new one; the old
 *        |                                                one goes when its last answer has come
 *        v
 *     its cache ---- answered ----> copied
 *        |     \---- being asked ----> wait with the others
 *        v
 *     the hosts file, then c-ares: wait for the answer, which the cache keeps
 *
 * A task that is cancelled leaves the question alone: its answer is kept for the next one. */
#include "net/dns.h"

#include <fcntl.h>
#include <netinet/in.h>
#include <stdlib.h>
#include <string.h>

#include "base/seam.h"
#include "net/address.h"
#include "net/dns_channel.h"
#include "net/dns_names.h"
#include "net/system.h"
#include "runtime/task.h"

#define HOSTS_BYTES  (1 << 20) /* of a hosts file are read */
#define HOSTS_TTL_NS 5000000000U
#define SECOND_NS    1000000000U

typedef struct resolver {
    tr__tenant tenant;
    tr__net *net;
    uint32_t version; /* of its configuration */
    tr__dns_config config;
    tr__dns_channel channel;
    tr__dns_cache cache;
    size_t asked;    /* questions */
    bool is_retired; /* it ends when all are answered */
    bool is_closing;
    tr__flush end;
} resolver;

/* What a task waits for, on its stack. */
typedef struct name_wait {
    tr__wait wait;
    tr__list link; /* in the entry's waiters */
    tr_address *out;
    size_t most;
    size_t count;
    bool is_suspended;
    bool is_over; /* before it was */
    int result;
} name_wait;

static TR__THREAD_LOCAL resolver *current;

/* ---- the resolver of a loop ---- */

static void free_resolver(resolver *r)
{
    r->is_closing = true; /* what is told now finds nobody */
    tr__flush_call_off(&r->end);
    tr__dns_channel_close(&r->channel);
    tr__dns_cache_fini(&r->cache);
    tr__free(r);
}

static void evict(tr__tenant *tenant)
{
    resolver *r = TR__CONTAINER_OF(tenant, resolver, tenant);

    if (current == r)
        current = NULL;
    free_resolver(r);
}

static void end_retired(tr__flush *flush)
{
    resolver *r = TR__CONTAINER_OF(flush, resolver, end);

    tr__tenant_leave(&r->tenant);
    free_resolver(r);
}

/* c-ares must not be ended within one of its calls: later. */
static void end_if_idle(resolver *r)
{
    if (r->is_retired && r->asked == 0 && !r->is_closing)
        tr__flush_ask(r->net, &r->end);
}

static int open_resolver(tr__net *net)
{
    resolver *r = tr__alloc_zeroed(sizeof(*r));
    int rc;

    if (r == NULL)
        return TR_ENOMEM;
    r->net = net;
    r->end.fn = end_retired;
    r->version = tr__dns_config_get(&r->config);
    rc = tr__dns_channel_open(&r->channel, net, &r->config);
    if (rc < 0) {
        tr__free(r);
        return rc;
    }
    tr__dns_cache_init(&r->cache, r->config.cache_entries);
    tr__tenant_enter(net, &r->tenant, evict);
    current = r;
    return 0;
}

static int resolver_here(resolver **out)
{
    tr__net *net;
    int rc = tr__net_here(&net);

    if (rc < 0)
        return rc;
    if (current != NULL && current->version != tr__dns_config_version()) {
        current->is_retired = true;
        end_if_idle(current);
        current = NULL;
    }
    if (current == NULL && (rc = open_resolver(net)) < 0)
        return rc;
    *out = current;
    return 0;
}

/* ---- answers ---- */

static int take_answer(name_wait *waiter, const tr__dns_entry *entry)
{
    waiter->count = entry->count < waiter->most ? entry->count : waiter->most;
    if (waiter->count > 0)
        memcpy(waiter->out, entry->addresses, waiter->count * sizeof(*waiter->out));
    return entry->status;
}

static void tell(name_wait *waiter, const tr__dns_entry *entry)
{
    int result = take_answer(waiter, entry);

    if (waiter->is_suspended) {
        tr__wait_end(&waiter->wait, result);
        return;
    }
    waiter->is_over = true;
    waiter->result = result;
}

/* Which answers are kept: those of servers, for as long as they say. */
static uint64_t ttl_of(const resolver *r, int status, uint64_t ttl_ns)
{
    if (status == TR_ENONAME)
        return r->config.negative_ttl_most_ns;
    if (status < 0 || r->is_retired)
        return 0;
    if (ttl_ns < r->config.ttl_least_ns)
        return r->config.ttl_least_ns;
    return ttl_ns < r->config.ttl_most_ns ? ttl_ns : r->config.ttl_most_ns;
}

/* The entry may be gone afterwards. */
static void answer(tr__dns_entry *entry, int status, uint64_t ttl_ns)
{
    resolver *r = entry->owner;
    uint64_t now_ns = tr__now_ns();
    tr__list *node;

    entry->status = status;
    while ((node = tr__list_take_first(&entry->waiters)) != NULL)
        tell(TR__CONTAINER_OF(node, name_wait, link), entry);
    tr__dns_cache_keep(&r->cache, entry, now_ns + ttl_of(r, status, ttl_ns), now_ns);
    r->asked--;
    end_if_idle(r);
}

static bool is_usable(const struct ares_addrinfo_node *node)
{
    return (node->ai_family == AF_INET || node->ai_family == AF_INET6) &&
           node->ai_addrlen <= sizeof(struct sockaddr_storage);
}

/* The least of all records by which the answer came. */
static uint64_t least_ttl(const struct ares_addrinfo *found)
{
    int least = INT32_MAX;

    for (const struct ares_addrinfo_node *node = found->nodes; node != NULL; node = node->ai_next)
        least = node->ai_ttl < least ? node->ai_ttl : least;
    for (const struct ares_addrinfo_cname *name = found->cnames; name != NULL; name = name->next)
        least = name->ttl < least ? name->ttl : least;
    return least > 0 ? (uint64_t)least * SECOND_NS : 0;
}

static int copy_found(tr__dns_entry *entry, const struct ares_addrinfo *found)
{
    entry->addresses = tr__alloc_zeroed(TR__DNS_MOST * sizeof(*entry->addresses));
    if (entry->addresses == NULL)
        return TR_ENOMEM;
    for (const struct ares_addrinfo_node *node = found->nodes;
         node != NULL && entry->count < TR__DNS_MOST; node = node->ai_next) {
        tr_address *address = &entry->addresses[entry->count];

        if (!is_usable(node))
            continue;
        memcpy(&address->tr__storage, node->ai_addr, node->ai_addrlen);
        address->tr__bytes = node->ai_addrlen;
        entry->count++;
    }
    tr__addresses_interleave(entry->addresses, entry->count);
    return entry->count > 0 ? 0 : TR_ENONAME;
}

static void on_answer(void *arg, int status, int timeouts, struct ares_addrinfo *found)
{
    tr__dns_entry *entry = arg;
    int rc = tr__dns_error(status);
    uint64_t ttl_ns = 0;

    (void)timeouts;
    if (rc == 0) {
        rc = found != NULL ? copy_found(entry, found) : TR_ERESOLVE;
        ttl_ns = found != NULL ? least_ttl(found) : 0;
    }
    if (found != NULL)
        ares_freeaddrinfo(found);
    answer(entry, rc, ttl_ns);
}

/* ---- the hosts file ---- */

/* What can't be read has no names in it. */
static void read_text(int fd, char *text)
{
    size_t bytes = 0;
    ssize_t count;

    do {
        count = tr__sys_read(fd, text + bytes, HOSTS_BYTES - bytes);
        bytes += count > 0 ? (size_t)count : 0;
    } while (count > 0 && bytes < HOSTS_BYTES);
    text[bytes] = 0;
}

/* 1: the entry has addresses; 0: it has none. */
static int look_into_hosts(tr__dns_entry *entry, const char *path)
{
    int fd = tr__sys_open_read(path);
    char *text;

    if (fd < 0)
        return 0;
    text = tr__alloc(HOSTS_BYTES + 1);
    entry->addresses = tr__alloc_zeroed(TR__DNS_MOST * sizeof(*entry->addresses));
    if (text != NULL && entry->addresses != NULL) {
        read_text(fd, text);
        entry->count = tr__hosts_find(text, entry->name, entry->addresses, TR__DNS_MOST);
    }
    tr__sys_close(fd);
    tr__free(text);
    if (text == NULL || entry->addresses == NULL)
        return TR_ENOMEM;
    if (entry->count > 0)
        return 1;
    tr__free(entry->addresses);
    entry->addresses = NULL;
    return 0;
}

/* ---- questions ---- */

static bool withdraw(tr__wait *wait)
{
    tr__list_remove(&TR__CONTAINER_OF(wait, name_wait, wait)->link);
    return true;
}

static void describe(const tr__wait *wait, tr__awaited *awaited)
{
    (void)wait;
    awaited->what = "the addresses of a host";
}

static const tr__wait_kind kind = { withdraw, describe };

/* It may be answered, and gone, when this returns. */
static void ask(resolver *r, tr__dns_entry *entry)
{
    struct ares_addrinfo_hints hints = { .ai_family = AF_UNSPEC, .ai_socktype = SOCK_STREAM };
    int rc = look_into_hosts(entry, r->config.hosts_file);

    r->asked++;
    if (rc != 0) {
        tr__addresses_interleave(entry->addresses, entry->count);
        answer(entry, rc < 0 ? rc : 0, HOSTS_TTL_NS);
        return;
    }
    ares_getaddrinfo(r->channel.ares, entry->name, NULL, &hints, on_answer, entry);
    tr__dns_channel_settle(&r->channel);
}

static int await_answer(name_wait *waiter)
{
    if (waiter->is_over)
        return waiter->result;
    waiter->wait.task = tr__task_here();
    waiter->is_suspended = true;
    return tr__wait_suspend(&waiter->wait);
}

static int look_up(name_wait *waiter, const char *name)
{
    tr__dns_entry *entry;
    resolver *r;
    int rc = resolver_here(&r);

    if (rc < 0)
        return rc;
    entry = tr__dns_cache_find(&r->cache, name, tr__now_ns());
    if (entry != NULL && !entry->is_asked)
        return take_answer(waiter, entry);
    if (entry != NULL) {
        tr__list_append(&entry->waiters, &waiter->link);
        return await_answer(waiter);
    }
    entry = tr__dns_cache_add(&r->cache, name);
    if (entry == NULL)
        return TR_ENOMEM;
    entry->owner = r;
    tr__list_append(&entry->waiters, &waiter->link);
    ask(r, entry);
    return await_answer(waiter);
}

/* ---- the calls ---- */

static void set_port(tr_address *address, uint16_t port)
{
    struct sockaddr_in *in = (struct sockaddr_in *)&address->tr__storage;
    struct sockaddr_in6 *in6 = (struct sockaddr_in6 *)&address->tr__storage;

    if (address->tr__storage.ss_family == AF_INET)
        in->sin_port = htons(port);
    else
        in6->sin6_port = htons(port);
}

/* Names that are known without asking; 0: none. */
static size_t know(const char *host, tr_address *out, size_t most)
{
    char name[TR__NAME_BYTES];

    if (tr__address_of_host(out, host, 0))
        return 1;
    if (!tr__name_copy(name, host) || !tr__name_is_local(name))
        return 0;
    (void)tr__address_of_host(out, "::1", 0); /* they are addresses */
    if (most == 1)
        return 1;
    (void)tr__address_of_host(out + 1, "127.0.0.1", 0);
    return 2;
}

static int look_up_name(name_wait *waiter, const char *host)
{
    char name[TR__NAME_BYTES];
    int rc;

    if (!tr__name_copy(name, host))
        return TR_EINVAL;
    rc = tr__task_checkpoint(tr__task_here());
    return rc < 0 ? rc : look_up(waiter, name);
}

int tr__dns_lookup(const char *host, uint16_t port, tr_address *out, size_t most, size_t *count)
{
    name_wait waiter = { .wait = { .kind = &kind }, .out = out, .most = most };
    int rc = 0;

    *count = 0;
    if (tr__task_here() == NULL)
        return TR_EWRONGPLACE;
    waiter.count = know(host, out, most);
    if (waiter.count == 0)
        rc = look_up_name(&waiter, host);
    if (rc < 0)
        return rc;
    for (size_t i = 0; i < waiter.count; i++)
        set_port(&out[i], port);
    *count = waiter.count;
    return 0;
}
