/* Calls by TLS. */
#include "http/service.h"
#include "net/certificates.h"

typedef struct secure {
    service s;
    certificates certificates;
    tr_tls *of_server, *of_client;
    tr_http_client *client;
} secure;

static int hello(tr_http_request *req, tr_http_response *res, void *ctx)
{
    size_t bytes;
    const char *body = tr_http_body(req, &bytes);

    (void)ctx;
    return tr_http_text(res, 200, "%s %zu%.1s", tr_http_is_secure(req) ? "secure" : "open", bytes,
                        bytes > 0 ? body : "");
}

static void begin_secure(secure *at, const char *vouches)
{
    certificates *c = &at->certificates;
    tr_http_server *server;
    char base[128];

    begin_certificates(c);
    make_certificate(c, "server", "server", "IP:127.0.0.1", 30, &c->good);
    EXPECT(tr_tls_server_new(&at->of_server,
                             &(tr_tls_options){ .certificate = file_of(c, "server.pem"),
                                                .key = file_of(c, "server.key") }) == 0);
    EXPECT(tr_tls_client_new(&at->of_client, &(tr_tls_options){ .authorities = file_of(c, vouches),
                                                                .protocols = "http/1.1" }) == 0);
    server = new_server(&(tr_http_config){ .tls = at->of_server, .loops = 1, .drain = 0.1 });
    EXPECT(tr_http_route(server, "GET", "/", hello, NULL) == 0);
    EXPECT(tr_http_route(server, "POST", "/", hello, NULL) == 0);
    begin_service(&at->s, server);
    (void)snprintf(base, sizeof(base), "https://%s", at->s.address);
    EXPECT(tr_http_client_new(&at->client,
                              &(tr_http_client_config){ .base = base, .tls = at->of_client }) == 0);
}

static void end_secure(secure *at)
{
    tr_http_client_unref(at->client);
    end_service(&at->s);
    tr_tls_unref(at->of_server);
    tr_tls_unref(at->of_client);
    end_certificates(&at->certificates);
}

static void expect(tr_http_client *client, const void *body, size_t bytes, const char *text)
{
    tr_http_reply *reply;
    int rc = tr_http_fetch(&reply, client,
                           &(tr_http_call){ .url = "/", .body = body, .body_bytes = bytes });

    if (rc < 0 || strcmp(tr_http_reply_text(reply), text) != 0)
        fprintf(stderr, "%s: %s\n", tr_strerror(rc), tr_http_reply_text(reply));
    EXPECT(rc == 0 && strcmp(tr_http_reply_text(reply), text) == 0);
    tr_http_reply_free(reply);
}

CASE(calls_by_tls_share_a_connection)
{
    static char large[300000];
    tr_http_client_stats stats;
    char text[32];
    secure at;

    begin_secure(&at, "good.pem");
    memset(large, 'x', sizeof(large));
    (void)snprintf(text, sizeof(text), "secure %zux", sizeof(large));
    for (int i = 0; i < 3; i++) {
        expect(at.client, NULL, 0, "secure 0");
        expect(at.client, "y", 1, "secure 1y");
        expect(at.client, large, sizeof(large), text);
    }
    EXPECT(tr_http_client_statistics(at.client, &stats) == 0);
    EXPECT(stats.connections == 1 && stats.reused == 8 && stats.idle == 1);
    end_secure(&at);
}

CASE(a_server_that_nobody_vouches_for_gets_nothing)
{
    tr_http_client_stats stats;
    tr_http_reply *reply;
    secure at;

    begin_secure(&at, "server.pem"); /* which is no authority's */
    EXPECT(tr_http_fetch(&reply, at.client, &(tr_http_call){ .url = "/" }) == TR_ECERTIFICATE ||
           CASES_SIMULATED);
    tr_http_reply_free(reply);
    EXPECT(tr_http_client_statistics(at.client, &stats) == 0);
    EXPECT(stats.open == stats.idle);
    end_secure(&at);
}

CASES("tls", calls_by_tls_share_a_connection, a_server_that_nobody_vouches_for_gets_nothing)
