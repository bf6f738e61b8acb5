/* Sweeps over calls by TLS through a proxy's tunnel, in one of which OpenSSL's memory fails, too:
 * the answer comes from whom it should, or there is an error. The proxy plays the server behind
 * itself. */
#include "client/sweep_client.h"
#include "net/sweep_openssl.h"

#define EXPECT MUST
#include "net/certificates.h"

static certificates files;
static tr_tls *of_server;

static size_t answer(const char *request, char *out, size_t room)
{
    MUST(strstr(request, "Proxy-Authorization") == NULL); /* that is not the server's to know */
    return say(out, room, "200 OK", "through");
}

/* Below 0: the client has gone, or something has failed. */
static int welcome(tr_io **io)
{
    const char *head;
    ssize_t bytes = tr_read_until(*io, &head, "\r\n\r\n", 1000);
    int rc;

    if (bytes <= 0)
        return TR_EEND;
    MUST(asks_for(head, "CONNECT a.test:443 HTTP/1.1\r\nHost: a.test:443\r\n"
                        "Proxy-Authorization: Basic dTpw\r\n"));
    rc = tr_write_all(*io, "HTTP/1.1 200 Here\r\n\r\n", 21);
    return rc < 0 ? rc : tr_tls_wrap_server(io, of_server);
}

static void talk(tr_http_client *client)
{
    expect_text(client, &(tr_http_call){ .url = "https://a.test/x" }, "through");
    expect_text(client, &(tr_http_call){ .url = "https://a.test/y" }, "through");
}

static tr_tls *make_tls(void)
{
    tr_tls *tls;

    MUST(tr_tls_client_new(&tls, &(tr_tls_options){ .authorities = file_of(&files, "good.pem"),
                                                    .protocols = "http/1.1" }) == 0);
    return tls;
}

static void begin(void)
{
    begin_certificates(&files);
    make_certificate(&files, "leaf", "a.test", "DNS:a.test", 30, &files.good);
    MUST(tr_tls_server_new(&of_server,
                           &(tr_tls_options){ .certificate = file_of(&files, "leaf.pem"),
                                              .key = file_of(&files, "leaf.key") }) == 0);
}

static void sweep_tunnel(uint64_t share)
{
    begin();
    sweep_now.share = share;
    program = &(client_program){ .scheme = "http://u:p@",
                                 .welcome = welcome,
                                 .answer = answer,
                                 .talk = talk,
                                 .make_tls = make_tls };
    sweep_with_openssl(run);
    tr_tls_unref(of_server);
    end_certificates(&files);
}

START_TEST(whatever_fails_a_tunnel_leads_to_the_answer_or_an_error)
{
    is_spared = true;
    sweep_tunnel(0);
}
END_TEST

START_TEST(whatever_fails_in_openssl_there_is_the_answer_or_an_error)
{
    sweep_tunnel(8);
}
END_TEST

TLS_SWEEPS("client/sweep_tunnels", whatever_fails_a_tunnel_leads_to_the_answer_or_an_error,
           whatever_fails_in_openssl_there_is_the_answer_or_an_error)
