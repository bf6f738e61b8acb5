/* Opening connections: names, TCP, proxies, TLS. */
#include "client/open.h"

#include <stdio.h>
#include <string.h>
#include <troupe/task.h>

#include "base/atomic.h"
#include "base/log.h"
#include "base/seam.h"

/* ---- the way ---- */

/* All that is asked of a proxy may go over the same connections; tunnels lead to one origin. */
static int make_key(tr__client_call *call)
{
    const tr__url *proxy = &call->proxy->url;
    bool is_asked = tr__proxy_is_asked(call->proxy, &call->url);
    size_t room = proxy->origin.bytes + 1 + call->url.origin.bytes + 1;

    call->key = tr__alloc(room);
    if (call->key == NULL)
        return TR_ENOMEM;
    (void)snprintf(call->key, room, "%.*s %.*s", (int)proxy->origin.bytes, proxy->origin.at,
                   is_asked ? 0 : (int)call->url.origin.bytes, call->url.origin.at); /* it fits */
    return 0;
}

int tr__open_choose(tr__client_call *call)
{
    const tr_http_client *client = call->client;

    tr__free(call->key);
    call->key = NULL;
    call->proxy =
        client->config.connect_to == NULL ? tr__proxies_for(&client->proxies, &call->url) : NULL;
    if (call->proxy == NULL)
        return 0;
    if (call->proxy->kind == TR__PROXY_HTTPS && call->url.is_secure) {
        tr__log(TR_LOG_WARN, "http: %s is no way to %s: there is no TLS within TLS",
                call->proxy->url.text, call->url.address);
        return TR_EINVAL;
    }
    return make_key(call);
}

tr__slice tr__open_key(const tr__client_call *call)
{
    return call->key != NULL ? tr__slice_of(call->key) : call->url.origin;
}

/* ---- opening ---- */

static int open_plain(const tr__client_call *call, tr_io **io)
{
    const char *there = call->client->config.connect_to;

    if (call->proxy != NULL)
        there = call->proxy->url.address;
    return tr_tcp_connect(io, there != NULL ? there : call->url.address,
                          &(tr_connect_options){ .timeout = -1 });
}

static int secure(const tr__client_call *call, tr_io **io, const char *name)
{
    const char *protocol;
    tr_tls *tls;
    int rc = tr__client_tls(call->client, &tls);

    if (rc == 0)
        rc = tr_tls_wrap_client(io, tls, name);
    if (rc < 0)
        return rc;
    protocol = tr_tls_protocol(*io);
    return protocol[0] == 0 || strcmp(protocol, "http/1.1") == 0 ? 0 : TR_EPROTO;
}

static int open_way(const tr__client_call *call, tr_io **io)
{
    const tr__proxy *proxy = call->proxy;
    int rc = open_plain(call, io);

    if (rc == 0 && proxy != NULL && proxy->kind == TR__PROXY_HTTPS)
        rc = secure(call, io, proxy->url.name);
    if (rc == 0 && proxy != NULL && !tr__proxy_is_asked(proxy, &call->url))
        rc = tr__proxy_tunnel(*io, proxy, &call->url);
    if (rc == 0 && call->url.is_secure)
        rc = secure(call, io, call->url.name);
    return rc;
}

int tr__open_conn(const tr__client_call *call, tr__client_conn *conn)
{
    const double seconds = call->client->config.connect_timeout;
    int rc = 0;

    TR_DEADLINE(seconds, &rc) {
        rc = open_way(call, &conn->io);
    }
    if (rc == 0)
        tr__bump_u64(&conn->room->tally.connections, 1);
    return rc;
}
