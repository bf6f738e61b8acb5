/* TLS: a server with a certificate, and clients that look at it.
 *
 *   Before:  openssl req -x509 -newkey ec -pkeyopt ec_paramgen_curve:P-256 -nodes -days 1 \
 *                -subj /CN=localhost -addext subjectAltName=DNS:localhost \
 *                -keyout key.pem -out certificate.pem
 *   Prints:  TLSv1.3, greeting/1, a new session: hello
 *            TLSv1.3, greeting/1, a resumed session: hello */
#include <stdio.h>
#include <troupe/net.h>

struct serve_args {
    tr_listener *listener;
    tr_tls *tls;
};

static int serve(void *arg)
{
    const struct serve_args *a = arg;
    int rc = 0;

    for (int i = 0; rc == 0 && i < 2; i++) {
        tr_io *io tr_cleanup_io = NULL; /* here one after the other; else a task for each */

        if ((rc = tr_accept(&io, a->listener)) == 0 && (rc = tr_tls_wrap_server(&io, a->tls)) == 0)
            rc = tr_write_all(io, "hello\n", 6);
    }
    return rc;
}

static int visit(int port, tr_tls *tls)
{
    tr_io *io tr_cleanup_io = NULL;
    char address[64];
    const char *line;
    ssize_t bytes;
    int rc;

    (void)snprintf(address, sizeof(address), "localhost:%d", port);
    rc = tr_tls_connect(&io, address, tls, NULL); /* its certificate must be for "localhost" */
    bytes = rc < 0 ? rc : tr_read_until(io, &line, "\n", 100);
    if (bytes <= 0)
        return bytes < 0 ? (int)bytes : TR_EEND;
    return printf("%s, %s, %s session: %.*s", tr_tls_version(io), tr_tls_protocol(io),
                  tr_tls_is_resumed(io) ? "a resumed" : "a new", (int)bytes, line);
}

static int app(void *arg)
{
    const tr_tls_options ours = { .certificate = "certificate.pem",
                                  .key = "key.pem",
                                  .protocols = "greeting/2 greeting/1" };
    const tr_tls_options theirs = { .authorities = "certificate.pem", /* default: the system's */
                                    .protocols = "greeting/1" };
    tr_tls *server tr_cleanup_tls = NULL;
    tr_tls *client tr_cleanup_tls = NULL;
    tr_listener *listener tr_cleanup_listener = NULL;
    int rc, visited = 0;

    (void)arg;
    if ((rc = tr_tls_server_new(&server, &ours)) < 0 ||
        (rc = tr_tls_client_new(&client, &theirs)) < 0 ||
        (rc = tr_listen(&listener, "127.0.0.1:0", NULL)) < 0)
        return rc;
    TR_SCOPE(s, &rc) {
        tr_go(s, serve, .listener = listener, .tls = server);
        for (int i = 0; visited >= 0 && i < 2; i++)
            visited = visit(tr_listener_port(listener), client);
        if (visited < 0)
            (void)tr_scope_cancel(s);
    }
    return rc < 0 ? rc : visited;
}

int main(int argc, char **argv)
{
    return tr_main(argc, argv, app, NULL, NULL);
}
