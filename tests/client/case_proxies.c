/* Calls by proxies. */
#include "client/echo.h"
#include "client/middlemen.h"
#include "net/certificates.h"

/* A client that goes through a middleman. */
static tr_http_client *client_by(const middleman *m, const char *scheme, tr_tls *tls)
{
    tr_http_client *client;
    char proxy[128];

    (void)snprintf(proxy, sizeof(proxy), "%s%s", scheme, m->address);
    EXPECT(tr_http_client_new(&client, &(tr_http_client_config){ .proxy = proxy, .tls = tls }) ==
           0);
    return client;
}

static int refusal_of(tr_http_client *client, const char *url)
{
    tr_http_reply *reply;
    int rc = tr_http_fetch(&reply, client, &(tr_http_call){ .url = url });

    EXPECT(rc < 0 && reply == NULL);
    return rc;
}

CASE(http_goes_by_a_proxy_in_absolute_form)
{
    middleman m = { 0 };
    tr_http_client_stats stats;
    tr_http_client *client;
    service s;

    begin_echo(&s);
    m.target = s.address;
    begin_middleman(&m);
    client = client_by(&m, "http://", NULL);
    expect_text(client, &(tr_http_call){ .url = "http://example.test:81/echo?a" },
                "GET /echo|-|-|-|");
    EXPECT(strcmp(m.asked, "example.test:81") == 0);
    expect_text(
        client,
        &(tr_http_call){ .url = "http://example.test:81/echo", .body = "x", .body_bytes = 1 },
        "POST /echo|application/octet-stream|-|-|x");
    EXPECT(tr_http_client_statistics(client, &stats) == 0);
    EXPECT(stats.connections == 1 && stats.reused == 1 && m.tunnels == 0);
    tr_http_client_unref(client);
    end_middleman(&m);
    end_service(&s);
}

CASE(a_proxy_may_want_to_know_who_asks)
{
    middleman m = { .password = "dTpw" /* u:p */ };
    tr_http_client *client;
    service s;

    begin_echo(&s);
    m.target = s.address;
    begin_middleman(&m);
    client = client_by(&m, "http://u:p@", NULL);
    /* It is the proxy that is told. */
    expect_text(client, &(tr_http_call){ .url = "http://a.test/echo" }, "GET /echo|-|-|-|");
    tr_http_client_unref(client);
    client = client_by(&m, "http://u:wrong@", NULL);
    EXPECT(refusal_of(client, "http://a.test/echo") == TR_EPROXY);
    EXPECT(refusal_of(client, "https://a.test/echo") == TR_EPROXY);
    tr_http_client_unref(client);
    end_middleman(&m);
    end_service(&s);
}

CASE(socks_makes_a_tunnel_to_a_name)
{
    middleman m = { .is_socks = true };
    tr_http_client_stats stats;
    tr_http_client *client;
    service s;

    begin_echo(&s);
    m.target = s.address;
    begin_middleman(&m);
    client = client_by(&m, "socks5://", NULL);
    for (int i = 0; i < 3; i++)
        expect_text(client, &(tr_http_call){ .url = "http://example.test:81/echo" },
                    "GET /echo|-|-|-|");
    EXPECT(strcmp(m.asked, "example.test:81") == 0);
    EXPECT(tr_http_client_statistics(client, &stats) == 0);
    EXPECT(stats.connections == 1 && stats.reused == 2 && m.tunnels == 1);
    /* Another origin is another tunnel. */
    expect_text(client, &(tr_http_call){ .url = "http://127.1.2.3:81/echo" }, "GET /echo|-|-|-|");
    EXPECT(strcmp(m.asked, "127.1.2.3:81") == 0);
    expect_text(client, &(tr_http_call){ .url = "http://[::5]:81/echo" }, "GET /echo|-|-|-|");
    EXPECT(strcmp(m.asked, "[...5]:81") == 0 && m.tunnels == 3);
    tr_http_client_unref(client);
    end_middleman(&m);
    end_service(&s);
}

CASE(socks_may_want_to_know_who_asks)
{
    middleman m = { .is_socks = true, .password = "secret" };
    tr_http_client *client;
    service s;

    begin_echo(&s);
    m.target = s.address;
    begin_middleman(&m);
    client = client_by(&m, "socks5h://u:secret@", NULL);
    expect_text(client, &(tr_http_call){ .url = "http://a.test/echo" }, "GET /echo|-|-|-|");
    tr_http_client_unref(client);
    client = client_by(&m, "socks5://u:wrong@", NULL);
    EXPECT(refusal_of(client, "http://a.test/echo") == TR_EPROXY);
    tr_http_client_unref(client);
    client = client_by(&m, "socks5://", NULL);
    EXPECT(refusal_of(client, "http://a.test/echo") == TR_EPROXY);
    tr_http_client_unref(client);
    end_middleman(&m);
    end_service(&s);
}

CASE(what_socks_says_no_to_has_its_error)
{
    static const struct {
        unsigned char reply;
        int rc;
    } all[] = { { 1, TR_EPROXY },     { 2, TR_EPROXY },       { 3, -ENETUNREACH },
                { 4, -EHOSTUNREACH }, { 5, TR_ECONNREFUSED }, { 6, TR_ETIMEDOUT },
                { 8, TR_EPROXY } };
    middleman m = { .is_socks = true };
    tr_http_client *client;

    begin_middleman(&m);
    client = client_by(&m, "socks5://", NULL);
    for (size_t i = 0; i < sizeof(all) / sizeof(all[0]); i++) {
        m.reply = all[i].reply;
        EXPECT(refusal_of(client, "http://a.test/") == all[i].rc);
    }
    tr_http_client_unref(client);
    end_middleman(&m);
}

CASE(what_is_no_proxy_is_found_out)
{
    middleman m = { .refusal = "SSH-2.0-OpenSSH\r\n\r\n" };
    tr_http_client *client;

    begin_middleman(&m);
    client = client_by(&m, "http://", NULL);
    EXPECT(refusal_of(client, "https://a.test/") == TR_ESYNTAX);
    m.refusal = "HTTP/1.1 403 No\r\n\r\n";
    EXPECT(refusal_of(client, "https://a.test/") == TR_EPROXY);
    m.refusal = "HTTP/1.1 200";
    EXPECT(refusal_of(client, "https://a.test/") == TR_EEND);
    tr_http_client_unref(client);
    m.is_socks = true;
    client = client_by(&m, "http://", NULL);
    EXPECT(refusal_of(client, "https://a.test/") < 0);
    tr_http_client_unref(client);
    end_middleman(&m);
}

CASE(https_goes_through_a_tunnel)
{
    certificates c;
    tr_tls *of_server, *of_client;
    middleman m = { 0 }, socks = { .is_socks = true }, secret = { 0 };
    tr_http_server *server;
    tr_http_client *client;
    char url[128];
    service s;

    begin_certificates(&c);
    make_certificate(&c, "server", "server", "IP:127.0.0.1", 30, &c.good);
    EXPECT(
        tr_tls_server_new(&of_server, &(tr_tls_options){ .certificate = file_of(&c, "server.pem"),
                                                         .key = file_of(&c, "server.key") }) == 0);
    EXPECT(tr_tls_client_new(&of_client, &(tr_tls_options){ .authorities = file_of(&c, "good.pem"),
                                                            .protocols = "http/1.1" }) == 0);
    server = new_server(&(tr_http_config){ .tls = of_server, .loops = 1, .drain = 0.1 });
    route_echoes(server);
    begin_service(&s, server);
    secret.tls = of_server;
    begin_middleman(&m);
    begin_middleman(&socks);
    begin_middleman(&secret);
    (void)snprintf(url, sizeof(url), "https://%s/echo", s.address);
    client = client_by(&m, "http://", of_client);
    expect_text(client, &(tr_http_call){ .url = url }, "GET /echo|-|-|-|");
    EXPECT(strcmp(m.asked, s.address) == 0 && m.tunnels == 1);
    tr_http_client_unref(client);
    client = client_by(&socks, "socks5://", of_client);
    expect_text(client, &(tr_http_call){ .url = url }, "GET /echo|-|-|-|");
    EXPECT(strcmp(socks.asked, s.address) == 0 && socks.tunnels == 1);
    tr_http_client_unref(client);
    client = client_by(&secret, "https://", of_client);
    EXPECT(refusal_of(client, url) == TR_EINVAL); /* TLS within TLS */
    tr_http_client_unref(client);
    end_middleman(&secret);
    end_middleman(&socks);
    end_middleman(&m);
    end_service(&s);
    tr_tls_unref(of_server);
    tr_tls_unref(of_client);
    end_certificates(&c);
}

CASE(http_goes_by_an_https_proxy)
{
    certificates c;
    tr_tls *of_server, *of_client;
    middleman m = { 0 };
    tr_http_client *client;
    service s;

    begin_certificates(&c);
    make_certificate(&c, "server", "server", "IP:127.0.0.1", 30, &c.good);
    EXPECT(
        tr_tls_server_new(&of_server, &(tr_tls_options){ .certificate = file_of(&c, "server.pem"),
                                                         .key = file_of(&c, "server.key") }) == 0);
    EXPECT(tr_tls_client_new(&of_client,
                             &(tr_tls_options){ .authorities = file_of(&c, "good.pem") }) == 0);
    begin_echo(&s);
    m.target = s.address;
    m.tls = of_server;
    begin_middleman(&m);
    client = client_by(&m, "https://", of_client);
    expect_text(client, &(tr_http_call){ .url = "http://a.test/echo" }, "GET /echo|-|-|-|");
    EXPECT(m.requests == 1);
    tr_http_client_unref(client);
    end_middleman(&m);
    end_service(&s);
    tr_tls_unref(of_server);
    tr_tls_unref(of_client);
    end_certificates(&c);
}

CASES("proxies", http_goes_by_a_proxy_in_absolute_form, a_proxy_may_want_to_know_who_asks,
      socks_makes_a_tunnel_to_a_name, socks_may_want_to_know_who_asks,
      what_socks_says_no_to_has_its_error, what_is_no_proxy_is_found_out,
      https_goes_through_a_tunnel, http_goes_by_an_https_proxy)
