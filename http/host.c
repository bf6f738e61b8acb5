/* The value of a Host header. */
#include "http/host.h"

#include <arpa/inet.h>

/* Unreserved, and what RFC 3986 lets stand in a name. A comma would be allowed, too, but whoever
 * joins two headers makes one. */
static bool is_name_byte(char c)
{
    return tr__is_alpha(c) || tr__is_digit(c) || (c != 0 && strchr("-._~!$&'()*+;=", c) != NULL);
}

static bool is_name(tr__slice text)
{
    for (size_t i = 0; i < text.bytes; i++) {
        if (is_name_byte(text.at[i]))
            continue;
        if (text.at[i] != '%' || text.bytes - i < 3 || tr__hex_value(text.at[i + 1]) < 0 ||
            tr__hex_value(text.at[i + 2]) < 0)
            return false;
        i += 2;
    }
    return true;
}

/* What stands between brackets: IPv6. Other kinds to come (IPvFuture) have not come. */
static bool is_ipv6(tr__slice text)
{
    char copy[INET6_ADDRSTRLEN];
    struct in6_addr address;

    if (text.bytes >= sizeof(copy) || tr__slice_index(text, 0) != text.bytes)
        return false;
    if (text.bytes > 0)
        memcpy(copy, text.at, text.bytes);
    copy[text.bytes] = 0;
    return inet_pton(AF_INET6, copy, &address) == 1;
}

static bool parse_port(tr__slice text, uint16_t *port)
{
    uint64_t value = 0;

    if (text.bytes == 0)
        return true;
    if (text.at[0] != ':')
        return false;
    text = tr__slice_tail(text, 1);
    if (text.bytes > 0 && !tr__slice_to_u64(text, UINT16_MAX, &value))
        return false;
    *port = (uint16_t)value;
    return true;
}

bool tr__host_parse(tr__slice text, tr__slice *host, uint16_t *port)
{
    bool is_bracketed = text.bytes > 0 && text.at[0] == '[';
    size_t bytes = tr__slice_index(text, is_bracketed ? ']' : ':');

    *port = 0;
    if (is_bracketed) {
        if (bytes == text.bytes || !is_ipv6((tr__slice){ text.at + 1, bytes - 1 }))
            return false;
        bytes++;
    } else if (!is_name(tr__slice_head(text, bytes))) {
        return false;
    }
    *host = tr__slice_head(text, bytes);
    return parse_port(tr__slice_tail(text, bytes), port) && (bytes > 0 || text.bytes == 0);
}

bool tr__host_is_valid(tr__slice text)
{
    tr__slice host;
    uint16_t port;

    return tr__host_parse(text, &host, &port);
}
