/* WebSockets of clients: the handshake (RFC 6455, 4.1). */
#include <llhttp.h>
#include <math.h>
#include <stdio.h>
#include <string.h>
#include <troupe/task.h>
#include <troupe/tcp.h>

#include "base/seam.h"
#include "http/base64.h"
#include "http/extension.h"
#include "http/header_name.h"
#include "http/ws.h"
#include "net/address.h"
#include "runtime/task.h"

enum {
    URL_MOST = 4096,
    HEAD_MOST = 16 * 1024, /* of the server's answer */
    KEY_RANDOM = 16,
    OPEN_S = 30 /* to connect, and for the server's answer */
};

typedef struct target {
    bool is_secure;
    char address[TR__HOST_BYTES + 16]; /* host:port */
    char host[TR__HOST_BYTES + 8];     /* as the Host header has it */
    const char *path;                  /* within the URL; "" means "/" */
} target;

/* What the server has answered. */
typedef struct answer {
    int status;
    char accept[64];
    char upgrade[32];
    char connection[64];
    char extensions[256];
    char protocol[128];
} answer;

/* ---- the URL ---- */

/* "ws://host[:port]/path?query". Fragments have no meaning, and no place (RFC 6455, 3). */
static bool parse_url(const char *url, target *t)
{
    size_t skip = strncmp(url, "wss://", 6) == 0 ? 6 : strncmp(url, "ws://", 5) == 0 ? 5 : 0;
    const char *authority = url + skip;
    size_t bytes = strcspn(authority, "/?#");
    char host[TR__HOST_BYTES];
    uint16_t port;

    t->is_secure = skip == 6;
    t->path = authority + bytes;
    if (skip == 0 || bytes == 0 || bytes >= TR__HOST_BYTES || strlen(url) > URL_MOST ||
        strpbrk(url, "# \t\r\n") != NULL || memchr(authority, '@', bytes) != NULL)
        return false;
    (void)snprintf(t->host, sizeof(t->host), "%.*s", (int)bytes, authority); /* it fits */
    if (tr__address_split(t->host, host, &port))
        (void)snprintf(t->address, sizeof(t->address), "%s", t->host);
    else
        (void)snprintf(t->address, sizeof(t->address), "%.*s:%d", (int)bytes, authority,
                       t->is_secure ? 443 : 80);
    return tr__address_split(t->address, host, &port) && host[0] != 0;
}

/* ---- the request ---- */

static void make_key(char key[TR__KEY_BYTES + 1])
{
    uint64_t random[KEY_RANDOM / sizeof(uint64_t)] = { tr__dice(), tr__dice() };

    (void)tr__base64_encode((tr__slice){ (const char *)random, KEY_RANDOM }, key);
    key[TR__KEY_BYTES] = 0;
}

static int ask(tr_io *io, const target *t, const char *key, const tr_ws_options *options)
{
    size_t room = URL_MOST + 1024 + (options->protocols != NULL ? strlen(options->protocols) : 0);
    char *text = tr__alloc(room);
    int bytes;
    int rc;

    if (text == NULL)
        return TR_ENOMEM;
    bytes = snprintf(text, room,
                     "GET %s%s HTTP/1.1\r\nHost: %s\r\nUpgrade: websocket\r\n"
                     "Connection: Upgrade\r\nSec-WebSocket-Key: %s\r\n"
                     "Sec-WebSocket-Version: 13\r\n%s",
                     t->path[0] == '/' ? "" : "/", t->path, t->host, key,
                     options->is_uncompressed
                         ? ""
                         : "Sec-WebSocket-Extensions: permessage-deflate; "
                           "server_no_context_takeover; client_no_context_takeover\r\n");
    if (options->protocols != NULL) {
        bytes += snprintf(text + bytes, room - (size_t)bytes, "Sec-WebSocket-Protocol: ");
        for (const char *at = options->protocols; *at != 0; at++) {
            text[bytes++] = *at == ' ' ? ',' : *at;
        }
        bytes += snprintf(text + bytes, room - (size_t)bytes, "\r\n");
    }
    bytes += snprintf(text + bytes, room - (size_t)bytes, "\r\n");
    rc = tr_write_all(io, text, (size_t)bytes);
    tr__free(text);
    return rc;
}

/* ---- the answer ---- */

/* Values of one name are joined; what does not fit is no answer that is understood. */
static bool keep(char *kept, size_t room, tr__slice value)
{
    size_t before = strlen(kept);

    return snprintf(kept + before, room - before, "%s%.*s", before > 0 ? ", " : "",
                    (int)value.bytes, value.at) < (int)(room - before);
}

static bool note_line(answer *a, tr__slice name, tr__slice value)
{
    switch (tr__header_known(name)) {
    case TR__KNOWN_UPGRADE:
        return keep(a->upgrade, sizeof(a->upgrade), value);
    case TR__KNOWN_CONNECTION:
        return keep(a->connection, sizeof(a->connection), value);
    case TR__KNOWN_SEC_WEBSOCKET_ACCEPT:
        return keep(a->accept, sizeof(a->accept), value);
    case TR__KNOWN_SEC_WEBSOCKET_EXTENSIONS:
        return keep(a->extensions, sizeof(a->extensions), value);
    case TR__KNOWN_SEC_WEBSOCKET_PROTOCOL:
        return keep(a->protocol, sizeof(a->protocol), value);
    default:
        return true;
    }
}

/* A head of lines that end with CR LF, and no folded ones. */
static bool parse_answer(tr__slice head, answer *a)
{
    static const char begin[] = "HTTP/1.1 ";
    tr__slice line;
    size_t end;

    if (!tr__slice_begins(head, begin) || head.bytes < sizeof(begin) + 3)
        return false;
    for (size_t i = 0; i < 3; i++) {
        char digit = head.at[sizeof(begin) - 1 + i];

        if (!tr__is_digit(digit))
            return false;
        a->status = a->status * 10 + (digit - '0');
    }
    if (head.at[sizeof(begin) + 2] != ' ' && head.at[sizeof(begin) + 2] != '\r')
        return false;
    head = tr__slice_tail(head, tr__slice_index(head, '\n') + 1);
    while (head.bytes > 2) {
        end = tr__slice_index(head, '\n');
        line = tr__slice_head(head, end);
        head = tr__slice_tail(head, end < head.bytes ? end + 1 : end);
        if (line.bytes == 0 || line.at[line.bytes - 1] != '\r')
            return false;
        line.bytes--;
        end = tr__slice_index(line, ':');
        if (end == line.bytes || !tr__header_name_is_valid(tr__slice_head(line, end)) ||
            !note_line(a, tr__slice_head(line, end), tr__slice_trim(tr__slice_tail(line, end + 1))))
            return false;
    }
    return true;
}

/* What the server has chosen must be what was offered. */
static bool is_agreed(const answer *a, const char *key, const tr_ws_options *options,
                      bool *is_deflating)
{
    char accept[TR__ACCEPT_BYTES + 1];

    *is_deflating = a->extensions[0] != 0;
    return a->status == 101 && tr__ws_accept_key(key, accept) && strcmp(accept, a->accept) == 0 &&
           tr__tokens_have(a->upgrade, ",", (tr__slice){ "websocket", 9 }) &&
           tr__tokens_have(a->connection, ",", (tr__slice){ "upgrade", 7 }) &&
           (a->extensions[0] == 0 ||
            (!options->is_uncompressed && tr__deflate_is_taken(a->extensions))) &&
           (a->protocol[0] == 0 ||
            (options->protocols != NULL &&
             tr__tokens_have(options->protocols, " ", tr__slice_of(a->protocol))));
}

static int shake_hands(tr_io *io, const target *t, const tr_ws_options *options, answer *a,
                       bool *is_deflating)
{
    char key[TR__KEY_BYTES + 1];
    const char *head;
    ssize_t bytes;
    int rc;

    make_key(key);
    rc = ask(io, t, key, options);
    if (rc < 0)
        return rc;
    bytes = tr_read_until(io, &head, "\r\n\r\n", HEAD_MOST);
    if (bytes <= 0)
        return bytes == TR_ETOOLARGE ? TR_EPROTO : bytes == 0 ? TR_EEND : (int)bytes;
    if (!parse_answer((tr__slice){ head, (size_t)bytes }, a) ||
        !is_agreed(a, key, options, is_deflating))
        return TR_EPROTO;
    return 0;
}

/* ---- opening ---- */

static int open_transport(tr_io **io, const target *t, tr_tls *tls)
{
    tr_tls *own = NULL;
    int rc = 0;

    if (!t->is_secure)
        return tr_tcp_connect(io, t->address, NULL);
    if (tls == NULL)
        rc = tr_tls_client_new(&own, NULL);
    if (rc == 0)
        rc = tr_tls_connect(io, t->address, tls != NULL ? tls : own, NULL);
    tr_tls_unref(own);
    return rc;
}

static int open_socket(tr_ws **out, const target *t, tr_tls *tls, const tr_ws_options *options)
{
    answer *a = tr__alloc_zeroed(sizeof(*a)); /* too much for a small stack */
    bool is_deflating = false;
    tr_io *io = NULL;
    int rc = a == NULL ? TR_ENOMEM : open_transport(&io, t, tls);

    if (rc == 0)
        rc = shake_hands(io, t, options, a, &is_deflating);
    if (rc < 0)
        (void)tr_close(io); /* on its loop */
    else
        rc = tr__ws_new(out, io, true, is_deflating, options);
    if (rc == 0 && a->protocol[0] != 0) {
        (*out)->protocol = tr__copy_string(a->protocol);
        if ((*out)->protocol == NULL) {
            tr__ws_free(*out);
            *out = NULL;
            rc = TR_ENOMEM;
        }
    }
    tr__free(a);
    return rc;
}

int tr__ws_connect(tr_ws **out, const char *url, tr_tls *tls, const tr_ws_options *options,
                   size_t options_size)
{
    tr_ws_options all = { 0 };
    target t;
    int rc = 0;

    if (out == NULL)
        return TR_EINVAL;
    *out = NULL;
    if (url == NULL || options_size > sizeof(all) || !parse_url(url, &t))
        return TR_EINVAL;
    if (tr__task_here() == NULL)
        return TR_EWRONGPLACE;
    if (options != NULL)
        memcpy(&all, options, options_size);
    if (all.protocols != NULL && !tr__header_value_is_valid(tr__slice_of(all.protocols)))
        return TR_EINVAL;
    tr__ws_fill_options(&all);
    TR_DEADLINE(OPEN_S, &rc) {
        rc = open_socket(out, &t, tls, &all);
    }
    return rc;
}
