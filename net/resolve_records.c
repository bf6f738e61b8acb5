/* Names of addresses, and places of services: the API. */
#include <ares.h>
#include <arpa/nameser.h>
#include <netdb.h>
#include <netinet/in.h>
#include <stdio.h>
#include <string.h>

#include "base/seam.h"
#include "net/dns.h"
#include "net/dns_channel.h"
#include "net/dns_names.h"

enum { SERVICES_MOST = 64, REVERSE_BYTES = 80 };

/* ---- names of addresses ---- */

typedef struct reverse {
    const void *address;
    int bytes;
    int family;
    char name[TR__NAME_BYTES];
} reverse;

static void write_reverse_ipv4(char *to, const unsigned char *bytes)
{
    (void)snprintf(to, REVERSE_BYTES, "%u.%u.%u.%u.in-addr.arpa", bytes[3], bytes[2], bytes[1],
                   bytes[0]);
}

static void write_reverse_ipv6(char *to, const unsigned char *bytes)
{
    static const char digits[] = "0123456789abcdef";

    for (int i = 15; i >= 0; i--) {
        *to++ = digits[bytes[i] & 0xf];
        *to++ = '.';
        *to++ = digits[bytes[i] >> 4];
        *to++ = '.';
    }
    (void)snprintf(to, REVERSE_BYTES - 64, "ip6.arpa");
}

static bool begin_reverse(reverse *r, char to[REVERSE_BYTES], const tr_address *address)
{
    const struct sockaddr_in *in = (const struct sockaddr_in *)&address->tr__storage;
    const struct sockaddr_in6 *in6 = (const struct sockaddr_in6 *)&address->tr__storage;

    r->family = address->tr__bytes > 0 ? address->tr__storage.ss_family : AF_UNSPEC;
    if (r->family == AF_INET) {
        r->address = &in->sin_addr;
        r->bytes = sizeof(in->sin_addr);
        write_reverse_ipv4(to, r->address);
    } else if (r->family == AF_INET6) {
        r->address = &in6->sin6_addr;
        r->bytes = sizeof(in6->sin6_addr);
        write_reverse_ipv6(to, r->address);
    }
    return r->family == AF_INET || r->family == AF_INET6;
}

static int take_name(void *arg, const unsigned char *bytes, int count)
{
    reverse *r = arg;
    struct hostent *found = NULL;
    int status = ares_parse_ptr_reply(bytes, count, r->address, r->bytes, r->family, &found);
    bool is_name;

    if (status != ARES_SUCCESS)
        return tr__dns_error(status);
    is_name = found->h_name != NULL && tr__name_copy(r->name, found->h_name);
    ares_free_hostent(found);
    return is_name ? 0 : TR_ENONAME;
}

int tr_resolve_name(char *text, size_t bytes, const tr_address *address)
{
    char question[REVERSE_BYTES];
    reverse r;
    int rc;

    if (text == NULL || bytes == 0)
        return TR_EINVAL;
    text[0] = 0;
    if (address == NULL || !begin_reverse(&r, question, address))
        return TR_EINVAL;
    rc = tr__dns_query(question, ns_t_ptr, take_name, &r);
    if (rc < 0)
        return rc;
    if (strlen(r.name) >= bytes)
        return TR_ETOOLARGE;
    memcpy(text, r.name, strlen(r.name) + 1);
    return (int)strlen(r.name);
}

/* ---- services ---- */

typedef struct service_list {
    tr_service *all;
    size_t count;
} service_list;

/* "." says that there is none. */
static bool copy_service(tr_service *to, const struct ares_srv_reply *from)
{
    to->priority = from->priority;
    to->weight = from->weight;
    to->port = from->port;
    return tr__name_copy(to->host, from->host);
}

static int take_services(void *arg, const unsigned char *bytes, int count)
{
    service_list *s = arg;
    struct ares_srv_reply *found = NULL;
    int status = ares_parse_srv_reply(bytes, count, &found);

    if (status != ARES_SUCCESS)
        return tr__dns_error(status);
    for (const struct ares_srv_reply *one = found; one != NULL && s->count < SERVICES_MOST;
         one = one->next)
        if (copy_service(&s->all[s->count], one))
            s->count++;
    ares_free_data(found);
    return s->count > 0 ? 0 : TR_ENONAME;
}

/* Of those with the lowest priority, one by chance: the heavier the likelier; one more each, so
 * that those without weight are not left out. */
static size_t choose(const tr_service *all, size_t count)
{
    uint64_t sum = 0;
    uint16_t lowest = UINT16_MAX;
    uint64_t lot;
    size_t i;

    for (i = 0; i < count; i++)
        lowest = all[i].priority < lowest ? all[i].priority : lowest;
    for (i = 0; i < count; i++)
        sum += all[i].priority == lowest ? all[i].weight + 1U : 0;
    lot = tr__dice() % sum;
    for (i = 0; i < count; i++) {
        uint64_t share = all[i].priority == lowest ? all[i].weight + 1U : 0;

        if (lot < share)
            break;
        lot -= share;
    }
    return i;
}

static void order(service_list *s)
{
    for (size_t i = 0; i + 1 < s->count; i++) {
        size_t chosen = i + choose(s->all + i, s->count - i);
        tr_service first = s->all[chosen];

        s->all[chosen] = s->all[i];
        s->all[i] = first;
    }
}

static int resolve_services(service_list *s, const char *name)
{
    char copy[TR__NAME_BYTES];
    int rc = tr__name_copy(copy, name) ? 0 : TR_EINVAL;

    if (rc == 0)
        rc = tr__dns_query(copy, ns_t_srv, take_services, s);
    if (rc == 0)
        order(s);
    return rc;
}

int tr_resolve_services(tr_service **out, size_t *count, const char *name)
{
    service_list s = { .count = 0 };
    int rc;

    if (out == NULL || count == NULL)
        return TR_EINVAL;
    *out = NULL;
    *count = 0;
    if (name == NULL)
        return TR_EINVAL;
    s.all = tr__alloc_zeroed(SERVICES_MOST * sizeof(*s.all));
    if (s.all == NULL)
        return TR_ENOMEM;
    rc = resolve_services(&s, name);
    if (rc < 0) {
        tr__free(s.all);
        return rc;
    }
    *out = s.all;
    *count = s.count;
    return 0;
}

void tr_resolve_services_free(tr_service *services)
{
    tr__free(services);
}
