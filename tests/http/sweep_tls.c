/* A sweep over a server that speaks TLS, in which OpenSSL's own memory fails, too: see sweep.h, and
 * net/sweep_tls.h. */
#include "net/sweep_tls.h"

#include "http/sweep.h"

static tr_tls *of_server, *of_client;
static char large[60000];

static int send_large(tr_http_request *req, tr_http_response *res, void *ctx)
{
    (void)ctx;
    if (!tr_http_is_secure(req))
        return TR_EPERM;
    return tr_http_send(res, 200, "text/plain", large, sizeof(large));
}

/* In pieces, each of which goes out. */
static int send_pieces(tr_http_request *req, tr_http_response *res, void *ctx)
{
    int rc = tr_http_begin(res, 200, "text/plain", -1);

    (void)req;
    (void)ctx;
    for (int i = 0; rc == 0 && i < 3; i++) {
        rc = tr_http_write(res, "piece ", 6);
        if (rc == 0)
            rc = tr_http_flush(res);
    }
    return rc;
}

static int build(tr_http_server *server)
{
    int rc = make_client(&of_client, NULL);

    memset(large, 'l', sizeof(large));
    if (rc == 0)
        rc = tr_http_route(server, "GET", "/large", send_large, NULL);
    return rc == 0 ? tr_http_route(server, "GET", "/pieces", send_pieces, NULL) : rc;
}

static void talk(client *c)
{
    c->tls = of_client;
    get(c, "/large", "", 200, NULL);
    MUST(c->bytes == sizeof(large) && memcmp(c->body, large, sizeof(large)) == 0);
    get(c, "/pieces", "", 200, "piece piece piece ");
    get(c, "/pieces", "Connection: close\r\n", 200, "piece piece piece ");
}

static void end(void)
{
    tr_tls_unref(of_client);
    of_client = NULL;
}

static tr_http_config config;

/* Once, without a fault. */
static void play(const scene *s)
{
    sweep_scene = s;
    ck_assert_int_eq(tr_sim_run(sweep_run, NULL, &(tr_sim_options){ .seed = 1 }, NULL), 0);
}

START_TEST(an_answer_by_tls_is_whole_or_seen_to_fail)
{
    static const scene s = { .config = &config, .build = build, .talk = talk, .end = end };

    begin_files();
    ck_assert_int_eq(make_server(&of_server, "leaf", NULL), 0);
    config.tls = of_server;
    sweep_now.share = 1;
    play(&s); /* what OpenSSL keeps, it has then */
    sweep_play(&s);
    tr_tls_unref(of_server);
    end_certificates(&files);
}
END_TEST

/* The rest of the record does not come. */
static void talk_in_part(client *c)
{
    uint64_t before;

    MUST(tr_tcp_connect(&c->io, c->address, NULL) == 0);
    MUST(tr_write_all(c->io, "\x16\x03\x01\x02\x00\x01", 6) == 0);
    MUST(tr_sleep(0.5) == 0);
    before = tr__sim.calls;
    MUST(tr_sleep(1) == 0);
    MUST(tr__sim.calls - before < 50);
}

START_TEST(a_record_that_comes_in_part_is_waited_for)
{
    static const scene s = { .config = &config, .build = build, .talk = talk_in_part, .end = end };

    begin_files();
    ck_assert_int_eq(make_server(&of_server, "leaf", NULL), 0);
    config.tls = of_server;
    play(&s);
    tr_tls_unref(of_server);
    end_certificates(&files);
}
END_TEST

TLS_SWEEPS("http/sweep_tls", an_answer_by_tls_is_whole_or_seen_to_fail,
           a_record_that_comes_in_part_is_waited_for)
