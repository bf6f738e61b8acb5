/* TLS for several hosts: each with its certificate (SNI), one of which is renewed meanwhile.
 *
 *   Before:  for who in a.test b.test renewed; do
 *                openssl req -x509 -newkey ec -pkeyopt ec_paramgen_curve:P-256 -nodes -days 1 \
 *                    -subj /CN=$who -addext subjectAltName=DNS:a.test,DNS:b.test \
 *                    -keyout $who.key -out $who.pem
 *            done; cat *.pem >all.pem
 *   Prints:  a.test has CN=a.test
 *            b.test has CN=b.test
 *            b.test has CN=renewed */
#include <stdio.h>
#include <troupe/net.h>

static int copy(const char *to, const char *from)
{
    char *text;
    size_t bytes;
    int rc = tr_file_load(&text, &bytes, from, 10000);

    if (rc == 0)
        rc = tr_file_save(to, text, bytes, 0600);
    tr_file_data_free(text);
    return rc;
}

struct welcome_args {
    tr_io **io;
    tr_tls *tls;
};

static int welcome(void *arg)
{
    const struct welcome_args *a = arg;
    tr_tls *tls tr_cleanup_tls = tr_tls_ref(a->tls); /* whatever others do with theirs */

    return tr_tls_wrap_server(a->io, tls);
}

static int visit(tr_tls *server, tr_tls *client, const char *host)
{
    tr_io *here tr_cleanup_io = NULL;
    tr_io *there tr_cleanup_io = NULL;
    int rc = tr_socketpair(&here, &there), shaken = 0;

    if (rc < 0)
        return rc;
    TR_SCOPE(s, &rc) {
        tr_go(s, welcome, .io = &there, .tls = server);
        shaken = tr_tls_wrap_client(&here, client, host);
    }
    if (rc < 0 || shaken < 0)
        return rc < 0 ? rc : shaken;
    return printf("%s has %s\n", host, tr_tls_peer(here));
}

static int serve_hosts(tr_tls *server, tr_tls *client)
{
    int rc;

    if ((rc = copy("now.pem", "b.test.pem")) < 0 || (rc = copy("now.key", "b.test.key")) < 0 ||
        (rc = tr_tls_add_certificate(server, "b.test", "now.pem", "now.key")) < 0 ||
        (rc = visit(server, client, "a.test")) < 0 || (rc = visit(server, client, "b.test")) < 0)
        return rc;
    if ((rc = copy("now.pem", "renewed.pem")) < 0 || (rc = copy("now.key", "renewed.key")) < 0 ||
        (rc = tr_tls_reload(server)) < 0) /* on SIGHUP, say; where it fails, all is as it was */
        return rc;
    return visit(server, client, "b.test");
}

static int app(void *arg)
{
    tr_tls_options ours = { .certificate = "a.test.pem", .key = "a.test.key" };
    tr_tls *server;
    tr_tls *client;
    int rc = tr_tls_server_new(&server, &ours);

    (void)arg;
    if (rc < 0)
        return rc;
    rc = tr_tls_client_new(&client, &(tr_tls_options){ .authorities = "all.pem" });
    if (rc == 0)
        rc = serve_hosts(server, client);
    tr_tls_unref(client); /* NULL is allowed */
    tr_tls_unref(server);
    return rc;
}

int main(int argc, char **argv)
{
    return tr_main(argc, argv, app, NULL, NULL);
}
