/* Mutual TLS: clients have certificates, too; here on a connection that was plain (STARTTLS).
 *
 *   Before:  ec='ec -pkeyopt ec_paramgen_curve:P-256 -nodes -days 1 -x509'
 *            openssl req -newkey $ec -subj /CN=house -keyout house.key -out house.pem
 *            for who in server alice; do
 *                openssl req -newkey $ec -subj /CN=$who -addext subjectAltName=DNS:$who \
 *                    -CA house.pem -CAkey house.key -keyout $who.key -out $who.pem
 *            done
 *   Prints:  CN=server says: hello, CN=alice
 *            without a certificate: refused */
#include <stdio.h>
#include <troupe/net.h>

struct welcome_args {
    tr_io **io;
    tr_tls *tls;
};

static int welcome(void *arg)
{
    const struct welcome_args *a = arg;
    char text[100];
    int rc = tr_tls_wrap_server(a->io, a->tls), bytes;

    if (rc < 0) /* *a->io is NULL; the client hears why */
        return rc == TR_ECERTIFICATE || rc == TR_ETLS ? 0 : rc;
    bytes = snprintf(text, sizeof(text), "hello, %s\n", tr_tls_peer(*a->io));
    return tr_write_all(*a->io, text, (size_t)bytes);
}

static int visit(tr_tls *server, tr_tls *client, const char *who)
{
    tr_io *here tr_cleanup_io = NULL;
    tr_io *there tr_cleanup_io = NULL;
    const char *line = NULL;
    int rc = tr_socketpair(&here, &there), heard = 0;

    if (rc < 0)
        return rc;
    TR_SCOPE(s, &rc) {
        tr_go(s, welcome, .io = &there, .tls = server);
        if ((heard = tr_tls_wrap_client(&here, client, "server")) == 0)
            heard = (int)tr_read_until(here, &line, "\n", 100); /* by then it knows */
    }
    if (heard > 0)
        printf("%s says: %.*s", tr_tls_peer(here), heard, line);
    else if (rc == 0 && heard == TR_ETLS)
        rc = printf("%s: refused\n", who);
    return rc < 0 || heard >= 0 || heard == TR_ETLS ? rc : heard;
}

static int app(void *arg)
{
    tr_tls *server tr_cleanup_tls = NULL;
    tr_tls *alice tr_cleanup_tls = NULL;
    tr_tls *stranger tr_cleanup_tls = NULL;
    tr_tls_options options = { .certificate = "server.pem",
                               .key = "server.key",
                               .authorities = "house.pem",
                               .requires_certificate = true };
    int rc = tr_tls_server_new(&server, &options);

    (void)arg;
    options = (tr_tls_options){ .authorities = "house.pem" };
    if (rc == 0)
        rc = tr_tls_client_new(&stranger, &options);
    options.certificate = "alice.pem";
    options.key = "alice.key";
    if (rc == 0)
        rc = tr_tls_client_new(&alice, &options);
    if (rc == 0)
        rc = visit(server, alice, "alice");
    return rc < 0 ? rc : visit(server, stranger, "without a certificate");
}

int main(int argc, char **argv)
{
    return tr_main(argc, argv, app, NULL, NULL);
}
