/* Addresses of sockets, and their texts. */
#include "net/address.h"

#include <arpa/inet.h>
#include <net/if.h>
#include <netinet/in.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/un.h>

#include "net/system.h"

#define UNIX_PREFIX "unix:"

/* ---- texts to addresses ---- */

bool tr__address_is_unix(const char *text)
{
    return strncmp(text, UNIX_PREFIX, strlen(UNIX_PREFIX)) == 0;
}

static bool parse_port(const char *text, uint16_t *port)
{
    char *end;
    unsigned long value;

    if (text[0] < '0' || text[0] > '9') /* strtoul takes signs and spaces, too */
        return false;
    value = strtoul(text, &end, 10);
    *port = (uint16_t)value;
    return *end == 0 && value <= UINT16_MAX;
}

static bool copy_host(char host[TR__HOST_BYTES], const char *from, size_t bytes)
{
    if (bytes >= TR__HOST_BYTES)
        return false;
    memcpy(host, from, bytes);
    host[bytes] = 0;
    return true;
}

bool tr__address_split(const char *text, char host[TR__HOST_BYTES], uint16_t *port)
{
    const char *colon = strrchr(text, ':');
    size_t bytes;

    if (colon == NULL || !parse_port(colon + 1, port))
        return false;
    bytes = (size_t)(colon - text);
    if (text[0] != '[') /* IPv6 stands in brackets */
        return memchr(text, ':', bytes) == NULL && memchr(text, ']', bytes) == NULL &&
               copy_host(host, text, bytes);
    return bytes >= 3 && text[bytes - 1] == ']' && copy_host(host, text + 1, bytes - 2);
}

static bool parse_scope(const char *name, uint32_t *scope)
{
    char *end;
    unsigned long number = strtoul(name, &end, 10);

    *scope = if_nametoindex(name);
    if (*scope == 0 && name[0] >= '0' && name[0] <= '9' && *end == 0 && number <= UINT32_MAX)
        *scope = (uint32_t)number;
    return *scope != 0;
}

static bool parse_ipv6(tr_address *out, const char *host, uint16_t port)
{
    struct sockaddr_in6 *in6 = (struct sockaddr_in6 *)&out->tr__storage;
    char copy[TR__HOST_BYTES];
    char *percent;

    (void)snprintf(copy, sizeof(copy), "%s", host);
    percent = strchr(copy, '%');
    if (percent != NULL)
        *percent = 0;
    if (inet_pton(AF_INET6, copy, &in6->sin6_addr) != 1)
        return false;
    if (percent != NULL && !parse_scope(percent + 1, &in6->sin6_scope_id))
        return false;
    in6->sin6_family = AF_INET6;
    in6->sin6_port = htons(port);
    out->tr__bytes = sizeof(*in6);
    return true;
}

bool tr__address_of_host(tr_address *out, const char *host, uint16_t port)
{
    struct sockaddr_in *in = (struct sockaddr_in *)&out->tr__storage;

    memset(out, 0, sizeof(*out));
    if (inet_pton(AF_INET, host, &in->sin_addr) != 1)
        return parse_ipv6(out, host, port);
    in->sin_family = AF_INET;
    in->sin_port = htons(port);
    out->tr__bytes = sizeof(*in);
    return true;
}

/* "@name" is an abstract one: its first byte is 0, and no file stands for it. */
static bool parse_unix(tr_address *out, const char *path)
{
    struct sockaddr_un *un = (struct sockaddr_un *)&out->tr__storage;
    size_t bytes = strlen(path);

    if (bytes == 0 || bytes >= sizeof(un->sun_path))
        return false;
    un->sun_family = AF_UNIX;
    memcpy(un->sun_path, path, bytes);
    if (path[0] == '@')
        un->sun_path[0] = 0;
    out->tr__bytes =
        (socklen_t)(offsetof(struct sockaddr_un, sun_path) + bytes + (path[0] == '@' ? 0 : 1));
    return true;
}

static bool parse(tr_address *out, const char *text)
{
    char host[TR__HOST_BYTES];
    uint16_t port;

    if (tr__address_is_unix(text))
        return parse_unix(out, text + strlen(UNIX_PREFIX));
    return tr__address_split(text, host, &port) && tr__address_of_host(out, host, port);
}

int tr_address_parse(tr_address *out, const char *text)
{
    if (out == NULL)
        return TR_EINVAL;
    memset(out, 0, sizeof(*out));
    if (text == NULL || !parse(out, text)) {
        memset(out, 0, sizeof(*out));
        return TR_EINVAL;
    }
    return 0;
}

/* ---- addresses to texts ---- */

static int format_ipv4(const struct sockaddr_in *in, char *text, size_t bytes)
{
    char host[INET_ADDRSTRLEN];

    (void)inet_ntop(AF_INET, &in->sin_addr, host, sizeof(host)); /* it fits */
    return snprintf(text, bytes, "%s:%u", host, ntohs(in->sin_port));
}

static int format_ipv6(const struct sockaddr_in6 *in6, char *text, size_t bytes)
{
    char host[INET6_ADDRSTRLEN];
    char scope[IF_NAMESIZE + 1] = "";

    (void)inet_ntop(AF_INET6, &in6->sin6_addr, host, sizeof(host)); /* it fits */
    if (in6->sin6_scope_id != 0) {
        scope[0] = '%';
        if (if_indextoname(in6->sin6_scope_id, scope + 1) == NULL)
            (void)snprintf(scope + 1, sizeof(scope) - 1, "%u", in6->sin6_scope_id);
    }
    return snprintf(text, bytes, "[%s%s]:%u", host, scope, ntohs(in6->sin6_port));
}

static int format_unix(const tr_address *address, char *text, size_t bytes)
{
    const struct sockaddr_un *un = (const struct sockaddr_un *)&address->tr__storage;
    size_t count = address->tr__bytes - offsetof(struct sockaddr_un, sun_path);

    if (count > 0 && un->sun_path[0] == 0)
        return snprintf(text, bytes, UNIX_PREFIX "@%.*s", (int)count - 1, un->sun_path + 1);
    return snprintf(text, bytes, UNIX_PREFIX "%.*s", (int)count, un->sun_path);
}

int tr_address_format(const tr_address *address, char *text, size_t bytes)
{
    if (address == NULL || text == NULL || bytes == 0)
        return TR_EINVAL;
    text[0] = 0;
    switch (address->tr__bytes == 0 ? AF_UNSPEC : address->tr__storage.ss_family) {
    case AF_INET:
        return format_ipv4((const struct sockaddr_in *)&address->tr__storage, text, bytes);
    case AF_INET6:
        return format_ipv6((const struct sockaddr_in6 *)&address->tr__storage, text, bytes);
    case AF_UNIX:
        return format_unix(address, text, bytes);
    default:
        return TR_EINVAL;
    }
}

int tr__address_of_socket(int fd, char text[TR__ADDRESS_TEXT])
{
    tr_address local;
    int rc = tr__sys_local_name(fd, &local.tr__storage, &local.tr__bytes);

    if (rc == 0)
        (void)tr_address_format(&local, text, TR__ADDRESS_TEXT); /* it fits */
    return rc;
}

int tr_address_port(const tr_address *address)
{
    if (address == NULL || address->tr__bytes == 0)
        return 0;
    switch (address->tr__storage.ss_family) {
    case AF_INET:
        return ntohs(((const struct sockaddr_in *)&address->tr__storage)->sin_port);
    case AF_INET6:
        return ntohs(((const struct sockaddr_in6 *)&address->tr__storage)->sin6_port);
    default:
        return 0;
    }
}
