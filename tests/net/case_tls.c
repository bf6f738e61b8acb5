/* TLS over streams: who is trusted, what is agreed on, what is noticed. */
#include <string.h>
#include <troupe/net.h>

#include "sync/cases.h"

#include "net/certificates.h"

typedef struct wrap_server_args {
    tr_io **io;
    tr_tls *tls;
    int *rc;
} wrap_server_args;

static int wrap_server(void *arg)
{
    wrap_server_args *a = arg;

    *a->rc = tr_tls_wrap_server(a->io, a->tls);
    return 0;
}

/* Shake hands over a pair; the results of both sides. */
static void shake(tr_io **server, tr_io **client, tr_tls *of_server, tr_tls *of_client,
                  const char *host, int *server_rc, int *client_rc)
{
    wrap_server_args args = { server, of_server, server_rc };
    tr_task *task;

    EXPECT(tr_socketpair(server, client) == 0);
    EXPECT(tr_task_spawn(&task, wrap_server, &args) == 0);
    *client_rc = tr_tls_wrap_client(client, of_client, host);
    EXPECT(tr_task_wait(task, TR_FOREVER) == 0);
    tr_task_unref(task);
}

static tr_tls *new_server(certificates *c, const char *name, const tr_tls_options *more)
{
    tr_tls_options options = more != NULL ? *more : (tr_tls_options){ 0 };
    char certificate[32];
    char key[32];
    tr_tls *tls;

    (void)snprintf(certificate, sizeof(certificate), "%s.pem", name);
    (void)snprintf(key, sizeof(key), "%s.key", name);
    options.certificate = file_of(c, certificate);
    options.key = file_of(c, key);
    EXPECT(tr_tls_server_new(&tls, &options) == 0);
    return tls;
}

static tr_tls *new_client(certificates *c, const tr_tls_options *more)
{
    tr_tls_options options = more != NULL ? *more : (tr_tls_options){ 0 };
    tr_tls *tls;

    options.authorities = file_of(c, "good.pem");
    EXPECT(tr_tls_client_new(&tls, &options) == 0);
    return tls;
}

static void talk(tr_io *server, tr_io *client)
{
    char text[8];

    EXPECT(tr_write_all(client, "ping", 4) == 0);
    EXPECT(tr_read_exact(server, text, 4) == 0 && memcmp(text, "ping", 4) == 0);
    EXPECT(tr_write_all(server, "pong", 4) == 0);
    EXPECT(tr_read_exact(client, text, 4) == 0 && memcmp(text, "pong", 4) == 0);
}

CASE(both_sides_talk_and_know_what_was_agreed_on)
{
    certificates c;
    tr_tls *of_server, *of_client;
    tr_io *server, *client;
    char byte;
    int server_rc, client_rc;

    begin_certificates(&c);
    make_certificate(&c, "leaf", "localhost", "DNS:localhost,IP:127.0.0.1", 30, &c.good);
    of_server = new_server(&c, "leaf", &(tr_tls_options){ .protocols = "h2 http/1.1" });
    of_client = new_client(&c, &(tr_tls_options){ .protocols = "http/1.1" });
    shake(&server, &client, of_server, of_client, "127.0.0.1", &server_rc, &client_rc);
    EXPECT(server_rc == 0 && client_rc == 0);
    EXPECT(strcmp(tr_tls_version(client), "TLSv1.3") == 0);
    EXPECT(strcmp(tr_tls_protocol(client), "http/1.1") == 0);
    EXPECT(strcmp(tr_tls_protocol(server), "http/1.1") == 0);
    EXPECT(strcmp(tr_tls_peer(client), "CN=localhost") == 0 &&
           strcmp(tr_tls_peer(server), "") == 0);
    talk(server, client);
    EXPECT(tr_close(client) == 0);
    EXPECT(tr_read(server, &byte, 1) == 0);
    EXPECT(tr_close(server) == 0);
    tr_tls_unref(of_server);
    tr_tls_unref(of_client);
    end_certificates(&c);
}

CASE(a_session_is_resumed)
{
    certificates c;
    tr_tls *of_server, *of_client;
    tr_io *server, *client;
    int server_rc, client_rc;

    begin_certificates(&c);
    make_certificate(&c, "leaf", "localhost", "DNS:localhost", 30, &c.good);
    of_server = new_server(&c, "leaf", NULL);
    of_client = new_client(&c, NULL);
    for (int i = 0; i < 3; i++) {
        shake(&server, &client, of_server, of_client, "localhost", &server_rc, &client_rc);
        EXPECT(server_rc == 0 && client_rc == 0);
        talk(server, client); /* the ticket comes behind the handshake */
        EXPECT(tr_tls_is_resumed(client) == (i > 0));
        EXPECT(tr_close(client) == 0 && tr_close(server) == 0);
    }
    tr_tls_unref(of_server);
    tr_tls_unref(of_client);
    end_certificates(&c);
}

static void expect_refusal(certificates *c, const char *name, const char *host)
{
    tr_tls *of_server = new_server(c, name, NULL);
    tr_tls *of_client = new_client(c, NULL);
    tr_io *server, *client;
    int server_rc, client_rc;

    shake(&server, &client, of_server, of_client, host, &server_rc, &client_rc);
    EXPECT(client_rc == TR_ECERTIFICATE && client == NULL);
    EXPECT(server_rc < 0 && server == NULL);
    tr_tls_unref(of_server);
    tr_tls_unref(of_client);
}

CASE(who_is_not_to_be_trusted_is_refused)
{
    certificates c;

    begin_certificates(&c);
    make_certificate(&c, "leaf", "localhost", "DNS:localhost", 30, &c.good);
    make_certificate(&c, "late", "localhost", "DNS:localhost", -1, &c.good);
    make_certificate(&c, "own", "localhost", "DNS:localhost", 30, NULL);
    expect_refusal(&c, "leaf", "example.org");
    expect_refusal(&c, "leaf", "127.0.0.1");
    expect_refusal(&c, "late", "localhost");
    expect_refusal(&c, "own", "localhost");
    end_certificates(&c);
}

CASE(clients_show_certificates_where_servers_demand_them)
{
    certificates c;
    tr_tls *of_server, *of_client;
    tr_io *server, *client;
    char byte;
    int server_rc, client_rc;

    begin_certificates(&c);
    make_certificate(&c, "leaf", "localhost", "DNS:localhost", 30, &c.good);
    make_certificate(&c, "alice", "alice", "email:alice@example.org", 30, &c.good);
    of_server = new_server(
        &c, "leaf",
        &(tr_tls_options){ .authorities = file_of(&c, "good.pem"), .requires_certificate = true });
    of_client = new_client(&c, &(tr_tls_options){ .certificate = file_of(&c, "alice.pem"),
                                                  .key = file_of(&c, "alice.key") });
    shake(&server, &client, of_server, of_client, "localhost", &server_rc, &client_rc);
    EXPECT(server_rc == 0 && client_rc == 0 && strcmp(tr_tls_peer(server), "CN=alice") == 0);
    talk(server, client);
    EXPECT(tr_close(client) == 0 && tr_close(server) == 0);
    tr_tls_unref(of_client);
    of_client = new_client(&c, NULL);
    shake(&server, &client, of_server, of_client, "localhost", &server_rc, &client_rc);
    EXPECT(server_rc == TR_ECERTIFICATE);
    /* With TLS 1.3 the client has shaken hands before it is refused. */
    EXPECT(client_rc < 0 || tr_read(client, &byte, 1) < 0);
    EXPECT(tr_close(client) == 0);
    tr_tls_unref(of_server);
    tr_tls_unref(of_client);
    end_certificates(&c);
}

CASE(a_stream_that_is_cut_is_no_end)
{
    certificates c;
    tr_tls *of_server, *of_client;
    tr_io *server, *client;
    char byte;
    int server_rc, client_rc;

    begin_certificates(&c);
    make_certificate(&c, "leaf", "localhost", "DNS:localhost", 30, &c.good);
    of_server = new_server(&c, "leaf", NULL);
    of_client = new_client(&c, NULL);
    shake(&server, &client, of_server, of_client, "localhost", &server_rc, &client_rc);
    EXPECT(server_rc == 0 && client_rc == 0);
    talk(server, client);
    EXPECT(shutdown(tr_io_fd(client), SHUT_WR) == 0);
    EXPECT(tr_read(server, &byte, 1) == TR_EEND);
    EXPECT(tr_close(client) == 0 && tr_close(server) == 0);
    tr_tls_unref(of_server);
    tr_tls_unref(of_client);
    end_certificates(&c);
}

CASE(certificates_are_chosen_by_name_and_read_again)
{
    certificates c;
    tr_tls *of_server, *of_client;
    tr_io *server, *client;
    int server_rc, client_rc;

    begin_certificates(&c);
    make_certificate(&c, "leaf", "first", "DNS:localhost", 30, &c.good);
    make_certificate(&c, "other", "other", "DNS:www.example.org", 30, &c.good);
    of_server = new_server(&c, "leaf", NULL);
    EXPECT(tr_tls_add_certificate(of_server, "*.example.org", file_of(&c, "other.pem"),
                                  file_of(&c, "other.key")) == 0);
    of_client = new_client(&c, NULL);
    shake(&server, &client, of_server, of_client, "www.example.org", &server_rc, &client_rc);
    EXPECT(client_rc == 0 && strcmp(tr_tls_peer(client), "CN=other") == 0);
    EXPECT(tr_close(client) == 0 && tr_close(server) == 0);
    make_certificate(&c, "leaf", "second", "DNS:localhost", 30, &c.good);
    EXPECT(tr_tls_reload(of_server) == 0);
    shake(&server, &client, of_server, of_client, "localhost", &server_rc, &client_rc);
    EXPECT(client_rc == 0 && strcmp(tr_tls_peer(client), "CN=second") == 0);
    EXPECT(tr_close(client) == 0 && tr_close(server) == 0);
    tr_tls_unref(of_server);
    tr_tls_unref(of_client);
    end_certificates(&c);
}

CASE(bad_files_and_options_are_refused_with_a_reason)
{
    certificates c;
    tr_tls *tls;

    begin_certificates(&c);
    make_certificate(&c, "leaf", "localhost", "DNS:localhost", 30, &c.good);
    make_certificate(&c, "other", "other", "DNS:other", 30, &c.good);
    EXPECT(tr_tls_server_new(&tls, &(tr_tls_options){ .certificate = file_of(&c, "none.pem"),
                                                      .key = file_of(&c, "leaf.key") }) ==
           TR_ENOENT);
    EXPECT(tls == NULL);
    EXPECT(tr_tls_server_new(&tls, &(tr_tls_options){ .certificate = file_of(&c, "leaf.pem"),
                                                      .key = file_of(&c, "other.key") }) ==
           TR_ESYNTAX);
    EXPECT(tr_tls_server_new(&tls, &(tr_tls_options){ .certificate = file_of(&c, "leaf.key"),
                                                      .key = file_of(&c, "leaf.key") }) ==
           TR_ESYNTAX);
    EXPECT(tr_tls_server_new(&tls, &(tr_tls_options){ 0 }) == TR_EINVAL);
    EXPECT(tr_tls_client_new(&tls, &(tr_tls_options){ .requires_certificate = true }) == TR_EINVAL);
    EXPECT(tr_tls_reload(NULL) == TR_EINVAL);
    end_certificates(&c);
}

CASES("tls", both_sides_talk_and_know_what_was_agreed_on, a_session_is_resumed,
      who_is_not_to_be_trusted_is_refused, clients_show_certificates_where_servers_demand_them,
      a_stream_that_is_cut_is_no_end, certificates_are_chosen_by_name_and_read_again,
      bad_files_and_options_are_refused_with_a_reason)
