/* Addresses of the simulated network. See endpoint.h. */
#include "sim/endpoint.h"

#include <errno.h>
#include <netinet/in.h>
#include <string.h>

static const unsigned char MAPPED[12] = { [10] = 0xff, [11] = 0xff };

static bool is_mapped(const tr__endpoint *endpoint)
{
    return memcmp(endpoint->address, MAPPED, sizeof(MAPPED)) == 0;
}

/* ---- as programs see them ---- */

static int parse_v4(tr__endpoint *out, const struct sockaddr *address, socklen_t bytes)
{
    struct sockaddr_in in;

    if (bytes < sizeof(in))
        return -EINVAL;
    memcpy(&in, address, sizeof(in));
    memcpy(out->address, MAPPED, sizeof(MAPPED));
    memcpy(out->address + sizeof(MAPPED), &in.sin_addr, 4);
    out->port = ntohs(in.sin_port);
    return 0;
}

static int parse_v6(tr__endpoint *out, const struct sockaddr *address, socklen_t bytes)
{
    struct sockaddr_in6 in6;

    if (bytes < sizeof(in6))
        return -EINVAL;
    memcpy(&in6, address, sizeof(in6));
    memcpy(out->address, &in6.sin6_addr, sizeof(out->address));
    out->scope = in6.sin6_scope_id;
    out->port = ntohs(in6.sin6_port);
    return 0;
}

int tr__endpoint_parse(tr__endpoint *out, int domain, const struct sockaddr *address,
                       socklen_t bytes)
{
    *out = (tr__endpoint){ .port = 0 };
    if (address == NULL || bytes < sizeof(sa_family_t))
        return -EINVAL;
    if (address->sa_family != domain)
        return -EAFNOSUPPORT;
    return domain == AF_INET ? parse_v4(out, address, bytes) : parse_v6(out, address, bytes);
}

void tr__address_copy(const void *address, socklen_t count, struct sockaddr *out, socklen_t *bytes)
{
    if (out == NULL || bytes == NULL)
        return;
    memcpy(out, address, count < *bytes ? count : *bytes);
    *bytes = count;
}

void tr__endpoint_format(const tr__endpoint *endpoint, int domain, struct sockaddr *out,
                         socklen_t *bytes)
{
    struct sockaddr_in in = { .sin_family = AF_INET, .sin_port = htons(endpoint->port) };
    struct sockaddr_in6 in6 = { .sin6_family = AF_INET6,
                                .sin6_port = htons(endpoint->port),
                                .sin6_scope_id = endpoint->scope };

    memcpy(&in.sin_addr, endpoint->address + sizeof(MAPPED), 4);
    memcpy(&in6.sin6_addr, endpoint->address, sizeof(endpoint->address));
    if (domain == AF_INET)
        tr__address_copy(&in, sizeof(in), out, bytes);
    else
        tr__address_copy(&in6, sizeof(in6), out, bytes);
}

/* ---- what they mean ---- */

bool tr__endpoint_is_any(const tr__endpoint *endpoint)
{
    static const unsigned char zeros[16];

    return memcmp(endpoint->address, zeros, sizeof(zeros)) == 0 ||
           (is_mapped(endpoint) && memcmp(endpoint->address + sizeof(MAPPED), zeros, 4) == 0);
}

static bool begins_with(const tr__endpoint *endpoint, size_t at, const char *bytes, size_t count)
{
    return memcmp(endpoint->address + at, bytes, count) == 0;
}

bool tr__endpoint_is_void(const tr__endpoint *endpoint)
{
    if (!is_mapped(endpoint))
        return begins_with(endpoint, 0, "\x20\x01\x0d\xb8", 4);
    return begins_with(endpoint, 12, "\xc0\x00\x02", 3) ||
           begins_with(endpoint, 12, "\xc6\x33\x64", 3) ||
           begins_with(endpoint, 12, "\xcb\x00\x71", 3);
}

void tr__endpoint_settle(tr__endpoint *endpoint)
{
    if (!tr__endpoint_is_any(endpoint))
        return;
    if (is_mapped(endpoint))
        endpoint->address[12] = 127;
    endpoint->address[15] = 1;
}

bool tr__endpoint_is_same(const tr__endpoint *one, const tr__endpoint *other)
{
    return one->port == other->port &&
           memcmp(one->address, other->address, sizeof(one->address)) == 0;
}

bool tr__endpoint_takes(const tr__endpoint *bound, bool v6_only, const tr__endpoint *to)
{
    if (bound->port != to->port)
        return false;
    if (!tr__endpoint_is_any(bound))
        return tr__endpoint_is_same(bound, to);
    return is_mapped(bound) == is_mapped(to) || (!is_mapped(bound) && !v6_only);
}
