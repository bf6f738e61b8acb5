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
 *     the hosts file, then servers, for A and AAAA at once; where a name does not exist, it is
 *     tried with each search domain. The cache keeps the answer.
 *
 * A task that is cancelled leaves the question alone: its answer is kept for the next one. */
#include "net/dns.h"

#include <arpa/nameser.h>
#include <netinet/in.h>
#include <stdio.h>
#include <string.h>

#include "base/seam.h"
#include "net/address.h"
#include "net/dns_answer.h"
#include "net/dns_channel.h"
#include "net/dns_names.h"
#include "net/dns_order.h"
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

/* What is being asked of servers for an entry. */
typedef struct question question;
typedef struct half {
    question *whole;
    int status; /* a code of ours */
} half;

struct question {
    tr__dns_entry *entry;
    half ipv4;
    half ipv6;
    int open; /* halves */
    int next; /* of the names to be tried */
    uint64_t ttl_ns;
    uint64_t negative_ttl_ns;
    size_t count;
    tr_address found[2 * TR__DNS_MOST];
};

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
    uint64_t most_ns = r->config.ttl_most_ns;

    if (r->is_retired || (status < 0 && status != TR_ENONAME))
        return 0;
    if (status == TR_ENONAME && most_ns > r->config.negative_ttl_most_ns)
        most_ns = r->config.negative_ttl_most_ns;
    if (status == 0 && ttl_ns < r->config.ttl_least_ns)
        return r->config.ttl_least_ns;
    return ttl_ns < most_ns ? ttl_ns : most_ns;
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

/* Addresses that were found become the entry's, in their order. */
static int keep_found(tr__dns_entry *entry, tr_address *found, size_t count)
{
    tr__addresses_sort(found, count);
    tr__addresses_interleave(found, count);
    if (count > TR__DNS_MOST)
        count = TR__DNS_MOST;
    entry->addresses = tr__alloc(count * sizeof(*found));
    if (entry->addresses == NULL)
        return TR_ENOMEM;
    memcpy(entry->addresses, found, count * sizeof(*found));
    entry->count = count;
    return 0;
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

/* How many addresses it has there. */
static int look_into_hosts(question *q, const char *path)
{
    int fd = tr__sys_open_read(path);
    char *text;

    if (fd < 0)
        return 0;
    text = tr__alloc(HOSTS_BYTES + 1);
    if (text != NULL) {
        read_text(fd, text);
        q->count = tr__hosts_find(text, q->entry->name, q->found, TR__DNS_MOST);
    }
    tr__sys_close(fd);
    tr__free(text);
    return text != NULL ? (int)q->count : TR_ENOMEM;
}

/* ---- servers ---- */

static void end_question(question *q, int status, uint64_t ttl_ns)
{
    tr__dns_entry *entry = q->entry;

    if (status == 0)
        status = keep_found(entry, q->found, q->count);
    tr__free(q);
    answer(entry, status, ttl_ns);
}

static int dots_of(const char *name)
{
    int dots = 0;

    for (; *name != 0; name++)
        dots += *name == '.';
    return dots;
}

/* The n-th name to be tried. A name with dots enough is tried as it is first, others last. false:
 * there is none. */
static bool name_to_try(const question *q, char to[TR__NAME_BYTES], int n)
{
    const struct ares_options *system = &((resolver *)q->entry->owner)->channel.system;
    const char *name = q->entry->name;
    bool is_whole = name[strlen(name) - 1] == '.';
    int plain = is_whole || dots_of(name) >= system->ndots ? 0 : system->ndomains;

    if (n > (is_whole ? 0 : system->ndomains))
        return false;
    if (n == plain)
        (void)snprintf(to, TR__NAME_BYTES, "%s", name);
    else
        (void)snprintf(to, TR__NAME_BYTES, "%s.%s", name, system->domains[n - (n > plain)]);
    return true;
}

static void note_ttl(question *q, int seconds)
{
    uint64_t ttl_ns = seconds > 0 ? (uint64_t)seconds * SECOND_NS : 0;

    if (ttl_ns < q->ttl_ns)
        q->ttl_ns = ttl_ns;
}

static int take_ipv4(question *q, const unsigned char *bytes, int count)
{
    struct ares_addrttl records[TR__DNS_MOST];
    int found = TR__DNS_MOST;
    int status = ares_parse_a_reply(bytes, count, NULL, records, &found);

    for (int i = 0; status == ARES_SUCCESS && i < found; i++) {
        tr_address *address = &q->found[q->count++];
        struct sockaddr_in *in = (struct sockaddr_in *)&address->tr__storage;

        in->sin_family = AF_INET;
        in->sin_addr = records[i].ipaddr;
        address->tr__bytes = sizeof(*in);
        note_ttl(q, records[i].ttl);
    }
    return status == ARES_SUCCESS && found == 0 ? ARES_ENODATA : status;
}

static int take_ipv6(question *q, const unsigned char *bytes, int count)
{
    struct ares_addr6ttl records[TR__DNS_MOST];
    int found = TR__DNS_MOST;
    int status = ares_parse_aaaa_reply(bytes, count, NULL, records, &found);

    for (int i = 0; status == ARES_SUCCESS && i < found; i++) {
        tr_address *address = &q->found[q->count++];
        struct sockaddr_in6 *in6 = (struct sockaddr_in6 *)&address->tr__storage;

        in6->sin6_family = AF_INET6;
        memcpy(&in6->sin6_addr, &records[i].ip6addr, sizeof(in6->sin6_addr));
        address->tr__bytes = sizeof(*in6);
        note_ttl(q, records[i].ttl);
    }
    return status == ARES_SUCCESS && found == 0 ? ARES_ENODATA : status;
}

static void try_next(question *q);

/* A failure of one half hides behind what the other has found, but not behind that it has found
 * nothing. */
static void conclude(question *q)
{
    bool has_failed = (q->ipv4.status < 0 && q->ipv4.status != TR_ENONAME) ||
                      (q->ipv6.status < 0 && q->ipv6.status != TR_ENONAME);

    if (q->count > 0)
        end_question(q, 0, has_failed ? 0 : q->ttl_ns);
    else if (!has_failed)
        try_next(q);
    else
        end_question(q, q->ipv4.status != TR_ENONAME ? q->ipv4.status : q->ipv6.status, 0);
}

static void on_answer(void *arg, int status, int timeouts, unsigned char *bytes, int count)
{
    half *part = arg;
    question *q = part->whole;

    (void)timeouts;
    if (status == ARES_SUCCESS)
        status = part == &q->ipv4 ? take_ipv4(q, bytes, count) : take_ipv6(q, bytes, count);
    part->status = tr__dns_error(status);
    if (part->status == TR_ENONAME) {
        uint64_t ttl_ns = (uint64_t)tr__dns_negative_ttl(bytes, (size_t)count) * SECOND_NS;

        q->negative_ttl_ns = ttl_ns < q->negative_ttl_ns ? ttl_ns : q->negative_ttl_ns;
    }
    q->open--;
    if (q->open == 0)
        conclude(q);
}

static void try_next(question *q)
{
    ares_channel ares = ((resolver *)q->entry->owner)->channel.ares;
    char name[TR__NAME_BYTES];

    if (!name_to_try(q, name, q->next)) {
        end_question(q, TR_ENONAME, q->negative_ttl_ns);
        return;
    }
    q->next++;
    q->open = 2;
    ares_query(ares, name, ns_c_in, ns_t_a, on_answer, &q->ipv4);
    ares_query(ares, name, ns_c_in, ns_t_aaaa, on_answer, &q->ipv6);
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
    question *q = tr__alloc_zeroed(sizeof(*q));
    int count;

    r->asked++;
    if (q == NULL) {
        answer(entry, TR_ENOMEM, 0);
        return;
    }
    q->entry = entry;
    q->ipv4.whole = q;
    q->ipv6.whole = q;
    q->ttl_ns = UINT64_MAX;
    q->negative_ttl_ns = UINT64_MAX;
    count = look_into_hosts(q, r->config.hosts_file);
    if (count == 0)
        try_next(q);
    else
        end_question(q, count < 0 ? count : 0, HOSTS_TTL_NS);
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

/* ---- other records ---- */

typedef struct record_query record_query;

/* Who waits for records, on the task's stack. */
typedef struct record_wait {
    tr__wait wait;
    record_query *query;
    int (*take)(void *arg, const unsigned char *bytes, int count);
    void *arg;
    bool is_suspended;
    bool is_over; /* before it was */
    int result;
} record_wait;

struct record_query {
    resolver *r;
    record_wait *waiter; /* NULL: it has given up */
};

static bool give_up(tr__wait *wait)
{
    TR__CONTAINER_OF(wait, record_wait, wait)->query->waiter = NULL;
    return true;
}

static void describe_records(const tr__wait *wait, tr__awaited *awaited)
{
    (void)wait;
    awaited->what = "records of a name";
}

static const tr__wait_kind records_kind = { give_up, describe_records };

static void on_records(void *arg, int status, int timeouts, unsigned char *bytes, int count)
{
    record_query *query = arg;
    record_wait *waiter = query->waiter;
    resolver *r = query->r;

    (void)timeouts;
    tr__free(query);
    r->asked--;
    end_if_idle(r);
    if (waiter == NULL)
        return;
    waiter->is_over = true;
    waiter->result =
        status == ARES_SUCCESS ? waiter->take(waiter->arg, bytes, count) : tr__dns_error(status);
    if (waiter->is_suspended)
        tr__wait_end(&waiter->wait, waiter->result);
}

static int query_records(resolver *r, record_wait *waiter, const char *name, int type)
{
    waiter->query = tr__alloc(sizeof(*waiter->query));
    if (waiter->query == NULL)
        return TR_ENOMEM;
    *waiter->query = (record_query){ r, waiter };
    r->asked++;
    ares_query(r->channel.ares, name, ns_c_in, type, on_records, waiter->query);
    tr__dns_channel_settle(&r->channel);
    if (waiter->is_over)
        return waiter->result;
    waiter->wait.task = tr__task_here();
    waiter->is_suspended = true;
    return tr__wait_suspend(&waiter->wait);
}

int tr__dns_query(const char *name, int type,
                  int (*take)(void *arg, const unsigned char *bytes, int count), void *arg)
{
    record_wait waiter = { .wait = { .kind = &records_kind }, .take = take, .arg = arg };
    resolver *r = NULL;
    int rc;

    if (tr__task_here() == NULL)
        return TR_EWRONGPLACE;
    rc = tr__task_checkpoint(tr__task_here());
    if (rc == 0)
        rc = resolver_here(&r);
    return rc < 0 || r == NULL ? rc : query_records(r, &waiter, name, type);
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
    if (tr__name_is_secret(name))
        return TR_ENONAME;
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
