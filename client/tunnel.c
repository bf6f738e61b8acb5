/* Tunnels: what is said to a proxy before it is the server that one talks to. */
#include <arpa/inet.h>
#include <errno.h>
#include <stdio.h>
#include <troupe/core.h>

#include "base/log.h"
#include "base/seam.h"
#include "client/proxy.h"

enum {
    ANSWER_MOST = 16 * 1024, /* of a proxy's head */
    SOCKS = 5,
    SOCKS_PASSWORD = 2, /* the method */
    SOCKS_NAME_MOST = 255
};

/* ---- CONNECT ---- */

static int say_connect(tr_io *io, const tr__proxy *proxy, const tr__url *url)
{
    const char *authorization = proxy->authorization != NULL ? proxy->authorization : "";
    size_t room = 2 * strlen(url->address) + strlen(authorization) + 64;
    char *text = tr__alloc(room);
    int bytes;
    int rc;

    if (text == NULL)
        return TR_ENOMEM;
    bytes = snprintf(text, room, "CONNECT %s HTTP/1.1\r\nHost: %s\r\n%s%s%s\r\n", url->address,
                     url->address, proxy->authorization != NULL ? "Proxy-Authorization: " : "",
                     authorization, proxy->authorization != NULL ? "\r\n" : "");
    rc = tr_write_all(io, text, (size_t)bytes);
    tr__free(text);
    return rc;
}

/* "HTTP/1.1 200 Connection established". -1: it is no answer. */
static int status_of(tr__slice head)
{
    int status = 0;

    if (head.bytes < 14 || !tr__slice_begins(head, "HTTP/1.") || head.at[8] != ' ')
        return -1;
    for (int i = 9; i < 12; i++) {
        if (!tr__is_digit(head.at[i]))
            return -1;
        status = status * 10 + (head.at[i] - '0');
    }
    return head.at[12] == ' ' || head.at[12] == '\r' ? status : -1;
}

static int tunnel_http(tr_io *io, const tr__proxy *proxy, const tr__url *url)
{
    const char *head;
    ssize_t bytes;
    int status;
    int rc = say_connect(io, proxy, url);

    if (rc < 0)
        return rc;
    bytes = tr_read_until(io, &head, "\r\n\r\n", ANSWER_MOST);
    if (bytes <= 0)
        return bytes == 0 ? TR_EEND : bytes == TR_ETOOLARGE ? TR_ESYNTAX : (int)bytes;
    status = status_of((tr__slice){ head, (size_t)bytes });
    if (status < 0)
        return TR_ESYNTAX;
    if (status >= 200 && status < 300)
        return 0;
    tr__log(TR_LOG_INFO, "http: the proxy %s answers %d to a tunnel to %s", proxy->url.address,
            status, url->address);
    return TR_EPROXY;
}

/* ---- SOCKS 5 ---- */

/* RFC 1929. */
static int say_password(tr_io *io, const tr__proxy *proxy)
{
    const char *user = proxy->url.user;
    const char *password = proxy->url.password != NULL ? proxy->url.password : "";
    unsigned char text[3 + 2 * SOCKS_NAME_MOST];
    unsigned char answer[2] = { 0, 0 };
    size_t user_bytes = strlen(user);
    size_t password_bytes = strlen(password);
    int rc;

    text[0] = 1;
    text[1] = (unsigned char)user_bytes;
    for (size_t i = 0; i < user_bytes; i++)
        text[2 + i] = (unsigned char)user[i];
    text[2 + user_bytes] = (unsigned char)password_bytes;
    for (size_t i = 0; i < password_bytes; i++)
        text[3 + user_bytes + i] = (unsigned char)password[i];
    rc = tr_write_all(io, text, 3 + user_bytes + password_bytes);
    if (rc == 0)
        rc = tr_read_exact(io, answer, sizeof(answer));
    return rc < 0 ? rc : answer[1] == 0 ? 0 : TR_EPROXY;
}

static int greet(tr_io *io, const tr__proxy *proxy)
{
    bool has_user = proxy->url.user != NULL;
    const unsigned char text[] = { SOCKS, has_user ? 2 : 1, 0, SOCKS_PASSWORD };
    unsigned char answer[2] = { 0, 0 };
    int rc = tr_write_all(io, text, has_user ? 4 : 3);

    if (rc == 0)
        rc = tr_read_exact(io, answer, sizeof(answer));
    if (rc < 0)
        return rc;
    if (answer[0] != SOCKS)
        return TR_ESYNTAX;
    if (answer[1] == SOCKS_PASSWORD && has_user)
        return say_password(io, proxy);
    return answer[1] == 0 ? 0 : TR_EPROXY;
}

/* Where to: a name, which the proxy looks up, or an address. */
static size_t put_target(unsigned char *at, const tr__url *url)
{
    size_t bytes;

    if (inet_pton(AF_INET, url->name, at + 1) == 1) {
        at[0] = 1;
        bytes = 4;
    } else if (url->is_numeric) {
        (void)inet_pton(AF_INET6, url->name, at + 1); /* it is one */
        at[0] = 4;
        bytes = 16;
    } else {
        at[0] = 3;
        bytes = strlen(url->name); /* at most 253 */
        at[1] = (unsigned char)bytes;
        memcpy(at + 2, url->name, bytes);
        bytes++;
    }
    at[1 + bytes] = (unsigned char)(url->port >> 8);
    at[2 + bytes] = (unsigned char)(url->port & 255);
    return 3 + bytes;
}

/* What an answer other than 0 means. */
static int error_of(unsigned char reply)
{
    switch (reply) {
    case 3:
        return -ENETUNREACH;
    case 4:
        return -EHOSTUNREACH;
    case 5:
        return TR_ECONNREFUSED;
    case 6:
        return TR_ETIMEDOUT;
    default:
        return TR_EPROXY;
    }
}

/* The address from where it has connected, which nobody wants to know, and its port. */
static int skip_address(tr_io *io, unsigned char kind)
{
    unsigned char rest[SOCKS_NAME_MOST + 2];
    size_t bytes = kind == 1 ? 4 : 16;
    int rc;

    if (kind == 3) {
        rc = tr_read_exact(io, rest, 1);
        if (rc < 0)
            return rc;
        bytes = rest[0];
    } else if (kind != 1 && kind != 4) {
        return TR_ESYNTAX;
    }
    return tr_read_exact(io, rest, bytes + 2);
}

static int tunnel_socks(tr_io *io, const tr__proxy *proxy, const tr__url *url)
{
    unsigned char text[4 + SOCKS_NAME_MOST + 4] = { SOCKS, 1 /* connect */, 0 };
    unsigned char answer[4];
    int rc = greet(io, proxy);

    if (rc == 0)
        rc = tr_write_all(io, text, 3 + put_target(text + 3, url));
    if (rc == 0)
        rc = tr_read_exact(io, answer, sizeof(answer));
    if (rc == 0 && answer[0] != SOCKS)
        rc = TR_ESYNTAX;
    if (rc == 0)
        rc = answer[1] == 0 ? skip_address(io, answer[3]) : error_of(answer[1]);
    if (rc == TR_EPROXY)
        tr__log(TR_LOG_INFO, "http: the proxy %s refuses a way to %s", proxy->url.address,
                url->address);
    return rc;
}

int tr__proxy_tunnel(tr_io *io, const tr__proxy *proxy, const tr__url *url)
{
    return proxy->kind == TR__PROXY_SOCKS5 ? tunnel_socks(io, proxy, url)
                                           : tunnel_http(io, proxy, url);
}
