/* The order of addresses. */
#include "net/dns_order.h"

#include <netinet/in.h>
#include <string.h>

#include "base/seam.h"
#include "net/address.h"
#include "net/system.h"

enum { IN6_BYTES = 16, PREFIX_MOST = 64, LINK_SCOPE = 2, SITE_SCOPE = 5, GLOBAL_SCOPE = 14 };

/* What the rules look at. */
typedef struct place {
    unsigned char bytes[IN6_BYTES]; /* IPv4 is mapped into IPv6 */
    int scope;
    int label;
    int precedence;
    bool is_ipv6;
} place;

typedef struct choice {
    tr_address address;
    place to;
    place from;
    bool is_reachable;
} choice;

/* RFC 6724, 2.1: the first that fits is the longest. */
typedef struct policy {
    unsigned char prefix[IN6_BYTES];
    unsigned bits;
    int precedence;
    int label;
} policy;

static const policy policies[] = {
    { { [15] = 1 }, 128, 50, 0 },  { { [10] = 0xff, [11] = 0xff }, 96, 35, 4 },
    { { 0 }, 96, 1, 3 },           { { 0x20, 0x01 }, 32, 5, 5 },
    { { 0x20, 0x02 }, 16, 30, 2 }, { { 0x3f, 0xfe }, 16, 1, 12 },
    { { 0xfe, 0xc0 }, 10, 1, 11 }, { { 0xfc }, 7, 3, 13 },
    { { 0 }, 0, 40, 1 },
};

/* So many bits at their beginning are the same, at most most. */
static unsigned common_bits(const unsigned char *a, const unsigned char *b, unsigned most)
{
    unsigned bits = 0;

    while (bits < most && ((a[bits / 8] ^ b[bits / 8]) & (0x80 >> bits % 8)) == 0)
        bits++;
    return bits;
}

static int scope_of_ipv4(const unsigned char *bytes)
{
    return bytes[0] == 127 || (bytes[0] == 169 && bytes[1] == 254) ? LINK_SCOPE : GLOBAL_SCOPE;
}

static int scope_of_ipv6(const unsigned char *bytes)
{
    if (bytes[0] == 0xff)
        return bytes[1] & 0xf;
    if ((bytes[0] == 0xfe && (bytes[1] & 0xc0) == 0x80) || IN6_IS_ADDR_LOOPBACK(bytes))
        return LINK_SCOPE;
    return bytes[0] == 0xfe && (bytes[1] & 0xc0) == 0xc0 ? SITE_SCOPE : GLOBAL_SCOPE;
}

static void understand(place *p, const struct sockaddr_storage *address)
{
    const policy *fits = policies;

    memset(p, 0, sizeof(*p));
    p->is_ipv6 = address->ss_family == AF_INET6;
    if (p->is_ipv6) {
        memcpy(p->bytes, &((const struct sockaddr_in6 *)address)->sin6_addr, IN6_BYTES);
        p->scope = scope_of_ipv6(p->bytes);
    } else {
        p->bytes[10] = p->bytes[11] = 0xff;
        memcpy(p->bytes + 12, &((const struct sockaddr_in *)address)->sin_addr, 4);
        p->scope = scope_of_ipv4(p->bytes + 12);
    }
    while (common_bits(p->bytes, fits->prefix, fits->bits) < fits->bits)
        fits++;
    p->label = fits->label;
    p->precedence = fits->precedence;
}

/* A socket that is connected has an address of its own, though nothing has been sent. */
static bool find_source(place *from, const tr_address *to)
{
    struct sockaddr_storage name;
    socklen_t bytes;
    int fd = tr__sys_socket(to->tr__storage.ss_family, SOCK_DGRAM);
    bool is_found;

    if (fd < 0)
        return false;
    is_found = tr__sys_connect(fd, tr__address_of(to), to->tr__bytes) == 0 &&
               tr__sys_local_name(fd, &name, &bytes) == 0;
    tr__sys_close(fd);
    if (is_found)
        understand(from, &name);
    return is_found;
}

/* Above 0: a is better; 0: the rules do not tell. Rules 3, 4 and 7 ask what no program can know. */
static int compare(const choice *a, const choice *b)
{
    int a_fits = a->to.scope == a->from.scope, b_fits = b->to.scope == b->from.scope;
    int a_is_alike = a->to.label == a->from.label, b_is_alike = b->to.label == b->from.label;

    if (a->is_reachable != b->is_reachable)
        return a->is_reachable - b->is_reachable;
    if (a->is_reachable && a_fits != b_fits)
        return a_fits - b_fits;
    if (a->is_reachable && a_is_alike != b_is_alike)
        return a_is_alike - b_is_alike;
    if (a->to.precedence != b->to.precedence)
        return a->to.precedence - b->to.precedence;
    if (a->to.scope != b->to.scope)
        return b->to.scope - a->to.scope;
    if (!a->is_reachable || !a->to.is_ipv6 || !b->to.is_ipv6)
        return 0;
    return (int)common_bits(a->to.bytes, a->from.bytes, PREFIX_MOST) -
           (int)common_bits(b->to.bytes, b->from.bytes, PREFIX_MOST);
}

static void insert(choice *sorted, size_t count, const tr_address *address)
{
    choice made = { .address = *address };
    size_t at = count;

    understand(&made.to, &address->tr__storage);
    made.is_reachable = find_source(&made.from, address);
    for (; at > 0 && compare(&made, &sorted[at - 1]) > 0; at--)
        sorted[at] = sorted[at - 1];
    sorted[at] = made;
}

void tr__addresses_sort(tr_address *addresses, size_t count)
{
    choice *sorted = NULL; /* too large for the stack of a task */

    if (count >= 2 && count <= TR__ORDERED_MOST)
        sorted = tr__alloc(count * sizeof(*sorted));
    if (sorted == NULL)
        return;
    for (size_t i = 0; i < count; i++)
        insert(sorted, i, &addresses[i]);
    for (size_t i = 0; i < count; i++)
        addresses[i] = sorted[i].address;
    tr__free(sorted);
}
