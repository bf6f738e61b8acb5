/* Opening connections: names, TCP, TLS. */
#include "client/open.h"

#include <string.h>
#include <troupe/task.h>

#include "base/atomic.h"

tr__slice tr__open_key(const tr__client_call *call)
{
    return call->url.origin;
}

static int open_plain(const tr__client_call *call, tr_io **io)
{
    const char *there = call->client->config.connect_to;

    return tr_tcp_connect(io, there != NULL ? there : call->url.address,
                          &(tr_connect_options){ .timeout = -1 });
}

static int secure(const tr__client_call *call, tr_io **io)
{
    const char *protocol;
    tr_tls *tls;
    int rc = tr__client_tls(call->client, &tls);

    if (rc == 0)
        rc = tr_tls_wrap_client(io, tls, call->url.name);
    if (rc < 0)
        return rc;
    protocol = tr_tls_protocol(*io);
    return protocol[0] == 0 || strcmp(protocol, "http/1.1") == 0 ? 0 : TR_EPROTO;
}

int tr__open_conn(const tr__client_call *call, tr__client_conn *conn)
{
    const double seconds = call->client->config.connect_timeout;
    int rc = 0;

    TR_DEADLINE(seconds, &rc) {
        rc = open_plain(call, &conn->io);
        if (rc == 0 && call->url.is_secure)
            rc = secure(call, &conn->io);
    }
    if (rc == 0)
        tr__bump_u64(&conn->room->tally.connections, 1);
    return rc;
}
