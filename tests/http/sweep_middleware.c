/* Sweeps over what stands around handlers: see sweep.h. */
#include <zlib.h>

#include "http/sweep.h"

enum { WHOLE = 5000, LARGE = 100000, PIECES = 20, PIECE = 1000 };

/* ---- compression ---- */

static char text[LARGE];

static int send_text(tr_http_request *req, tr_http_response *res, void *ctx)
{
    (void)req;
    return tr_http_send(res, 200, "text/plain", text, (size_t)(intptr_t)ctx);
}

static int send_tagged(tr_http_request *req, tr_http_response *res, void *ctx)
{
    int rc = tr_http_set_header(res, "ETag", "\"tag\"");

    return rc < 0 ? rc : send_text(req, res, ctx);
}

/* Compressed already. */
static int send_packed(tr_http_request *req, tr_http_response *res, void *ctx)
{
    int rc = tr_http_set_header(res, "Content-Encoding", "br");

    return rc < 0 ? rc : send_text(req, res, ctx);
}

/* Of its headers' buffer only so many bytes are left. */
static int send_filled(tr_http_request *req, tr_http_response *res, void *ctx)
{
    static const char around[] = "Vary: Accept-Encoding\r\nETag: \"tag\"\r\nX-Fill: \r\n";
    char filler[4096];
    int64_t left;
    int rc = tr_http_param_int(req, "left", &left);

    (void)ctx;
    if (rc < 0)
        return rc;
    memset(filler, 'x', sizeof(filler));
    filler[sizeof(filler) - strlen(around) - (size_t)left] = 0;
    rc = tr_http_set_header(res, "ETag", "\"tag\"");
    if (rc == 0)
        rc = tr_http_set_header(res, "X-Fill", filler);
    if (rc == 0 && strcmp(tr_http_method(req), "GET") == 0)
        return tr_http_send(res, 200, "text/plain", text, WHOLE);
    if (rc == 0)
        rc = tr_http_begin(res, 200, "text/plain", WHOLE);
    return rc < 0 ? rc : tr_http_write(res, text, WHOLE);
}

static int send_pieces(tr_http_request *req, tr_http_response *res, void *ctx)
{
    int rc = tr_http_begin(res, 200, "text/plain", -1);

    (void)req;
    (void)ctx;
    for (int i = 0; rc == 0 && i < PIECES; i++) {
        rc = tr_http_write(res, text + (size_t)i * PIECE, PIECE);
        if (rc == 0 && i == PIECES / 2)
            rc = tr_http_flush(res);
    }
    return rc;
}

static int build_compressing(tr_http_server *server)
{
    int rc = tr_http_use(server, tr_http_compress(NULL));

    for (size_t i = 0; i < sizeof(text); i++)
        text[i] = (char)('a' + i % 26 + i / 1000 % 5);
    if (rc == 0)
        rc = tr_http_route(server, "GET", "/whole", send_text, (void *)WHOLE);
    if (rc == 0)
        rc = tr_http_route(server, "GET", "/large", send_text, (void *)LARGE);
    if (rc == 0)
        rc = tr_http_route(server, "GET", "/tagged", send_tagged, (void *)WHOLE);
    if (rc == 0)
        rc = tr_http_route(server, "GET", "/packed", send_packed, (void *)WHOLE);
    if (rc == 0)
        rc = tr_http_route(server, "GET", "/filled/:left", send_filled, NULL);
    if (rc == 0)
        rc = tr_http_route(server, "DELETE", "/filled/:left", send_filled, NULL);
    return rc == 0 ? tr_http_route(server, "GET", "/pieces", send_pieces, NULL) : rc;
}

/* Unpack what was heard. */
static void unpack(client *c)
{
    static unsigned char plain[SWEEP_ROOM];
    z_stream stream = { .next_in = (unsigned char *)c->body,
                        .avail_in = (unsigned)c->bytes,
                        .next_out = plain,
                        .avail_out = sizeof(plain) };

    MUST(inflateInit2(&stream, MAX_WBITS + 16) == Z_OK);
    MUST(inflate(&stream, Z_FINISH) == Z_STREAM_END && stream.avail_in == 0);
    MUST(inflateEnd(&stream) == Z_OK);
    c->bytes = sizeof(plain) - stream.avail_out;
    memcpy(c->body, plain, c->bytes);
}

/* It comes compressed, or, where something has failed, as it is. */
static void ask_for_text(client *c, const char *method, const char *path, size_t bytes)
{
    char request[256];

    (void)snprintf(request, sizeof(request),
                   "%s %s HTTP/1.1\r\nHost: a\r\nAccept-Encoding: gzip, br;q=0.5\r\n\r\n", method,
                   path);
    ask(c, request, 200, NULL);
    MUST(says(c, "Vary: Accept-Encoding\r\n"));
    if (says(c, "Content-Encoding: gzip\r\n"))
        unpack(c);
    else
        MUST(has_struck() && !says(c, "Content-Encoding: "));
    MUST(c->bytes == bytes && memcmp(c->body, text, bytes) == 0);
}

static void get_text(client *c, const char *path, size_t bytes)
{
    ask_for_text(c, "GET", path, bytes);
}

static void talk_of_compressed(client *c)
{
    get_text(c, "/whole", WHOLE);
    get_text(c, "/pieces", PIECES * PIECE);
    get_text(c, "/tagged", WHOLE);
    MUST(says(c, says(c, "gzip\r\n") ? "ETag: W/\"tag\"\r\n" : "ETag: \"tag\"\r\n"));
    get(c, "/packed", "Accept-Encoding: gzip\r\n", 200, NULL);
    MUST(c->bytes == WHOLE && says(c, "Content-Encoding: br\r\n"));
    get_text(c, "/large", LARGE);
    get_text(c, "/whole", WHOLE);
}

/* Another representation has another tag, in whichever buffer it stands. */
static void talk_of_tags(client *c)
{
    static const char *const paths[] = { "/filled/10", "/filled/24", "/filled/100" };

    for (int i = 0; i < 6; i++) {
        ask_for_text(c, i % 2 == 0 ? "GET" : "DELETE", paths[i / 2], WHOLE);
        MUST(says(c, says(c, "gzip\r\n") ? "ETag: W/\"tag\"\r\n" : "ETag: \"tag\"\r\n"));
    }
}

SWEEP(what_is_compressed_has_another_tag, { .build = build_compressing, .talk = talk_of_tags })

SWEEP(what_is_compressed_is_called_so, { .build = build_compressing, .talk = talk_of_compressed })

/* ---- all others ---- */

static int lines; /* of the access log */

static void count_line(void *ctx, const char *line)
{
    (void)ctx;
    MUST(strchr(line, '\n') == NULL);
    lines++;
}

static int is_password(tr_http_request *req, const char *user, const char *password, void *ctx)
{
    (void)req;
    (void)ctx;
    return strcmp(user, "ann") == 0 && strcmp(password, "secret") == 0;
}

static int is_token(tr_http_request *req, const char *token, void *ctx)
{
    int rc = strcmp(token, "abc") == 0 ? tr_http_set_user(req, "bob") : 0;

    (void)ctx;
    return rc < 0 ? rc : strcmp(token, "abc") == 0;
}

static int greet(tr_http_request *req, tr_http_response *res, void *ctx)
{
    (void)ctx;
    return tr_http_text(res, 200, "%s %s", tr_http_user(req), tr_http_id(req));
}

/* A middleware of the program's own, which takes some memory of the request. */
static int remember(tr_http_request *req, tr_http_response *res, tr_http_next *next, void *ctx)
{
    static const char key;
    int rc = tr_http_set_value(req, &key, tr_http_alloc(req, 600), NULL);

    (void)ctx;
    if (rc == 0 && tr_http_value(req, &key) == NULL)
        rc = TR_ENOMEM;
    if (rc == 0)
        rc = tr_http_next_call(next);
    return rc < 0 ? rc : tr_http_add_header(res, "X-Seen", "yes");
}

static int build_group(tr_http_server *server, const char *prefix, tr_http_middleware middleware)
{
    tr_http_server *group;
    int rc = tr_http_group(&group, server, prefix);

    if (rc == 0)
        return tr_http_use(group, middleware) < 0 ? -1
                                                  : tr_http_route(group, "GET", "/", greet, NULL);
    if (middleware.drop != NULL)
        middleware.drop(middleware.ctx);
    return rc;
}

static int build_around(tr_http_server *server)
{
    static const tr_http_cors_options origins = { .origins = "https://a.org https://b.org",
                                                  .exposed = "X-Seen",
                                                  .has_credentials = true };
    const tr_http_log_options combined = { .write = count_line };
    const tr_http_log_options json = { .write = count_line, .format = TR_HTTP_LOG_JSON };
    int rc = tr_http_use(server, tr_http_log(&combined));

    if (rc == 0)
        rc = tr_http_use(server, tr_http_log(&json));
    if (rc == 0)
        rc = tr_http_use(server, tr_http_request_id());
    if (rc == 0)
        rc = tr_http_use(server, tr_http_cors(&origins));
    if (rc == 0)
        rc = tr_http_use(server, (tr_http_middleware){ .fn = remember });
    if (rc == 0)
        rc = build_group(server, "/basic", tr_http_basic("here", is_password, NULL));
    if (rc == 0)
        rc = build_group(server, "/bearer", tr_http_bearer("here", is_token, NULL));
    if (rc == 0)
        rc = build_group(server, "/rare",
                         tr_http_rate_limit(&(tr_http_rate_options){
                             .per_second = 0.001, .burst = 1, .header = "X-Client" }));
    if (rc == 0)
        rc = build_group(
            server, "/seldom",
            tr_http_rate_limit(&(tr_http_rate_options){ .per_second = 0.001, .burst = 1 }));
    if (rc == 0)
        rc = build_group(server, "/often", tr_http_rate_limit(NULL));
    return rc;
}

static void talk_around(client *c)
{
    get(c, "/basic/", "Authorization: Basic YW5uOnNlY3JldA==\r\nX-Request-Id: x1\r\n", 200,
        "ann x1");
    MUST(says(c, "X-Request-Id: x1\r\n") && says(c, "X-Seen: yes\r\n"));
    get(c, "/basic/", "Authorization: Basic YW5uOndyb25n\r\n", 401, NULL);
    MUST(says(c, "WWW-Authenticate: Basic realm=\"here\", charset=\"UTF-8\"\r\n"));
    get(c, "/bearer/", "Authorization: Bearer abc\r\nX-Request-Id: x2\r\n", 200, "bob x2");
    get(c, "/bearer/", "", 401, NULL);
    get(c, "/often/", "Origin: https://b.org\r\nX-Request-Id: x3\r\nUser-Agent: one\r\n", 200,
        " x3");
    MUST(says(c, "Access-Control-Allow-Origin: https://b.org\r\n") && says(c, "Vary: Origin\r\n"));
    MUST(says(c, "Access-Control-Allow-Credentials: true\r\n"));
    MUST(says(c, "Access-Control-Expose-Headers: X-Seen\r\n"));
    ask(c,
        "OPTIONS /often/ HTTP/1.1\r\nHost: a\r\nOrigin: https://a.org\r\n"
        "Access-Control-Request-Method: GET\r\nAccess-Control-Request-Headers: X-A\r\n\r\n",
        204, NULL);
    MUST(says(c, "Access-Control-Allow-Headers: X-A\r\n"));
}

SWEEP(what_stands_around_handlers_lets_nobody_in_by_failing,
      { .build = build_around, .talk = talk_around })

/* false: it has failed; whether it was counted, the client can't know. */
static bool is_welcome(client *c, const char *path, const char *name)
{
    char request[128];

    (void)snprintf(request, sizeof(request), "GET %s HTTP/1.1\r\nHost: a\r\nX-Client: %s\r\n\r\n",
                   path, name);
    (void)try_to_ask(c, request, strlen(request));
    MUST(c->status == 200 || (has_struck() && is_failure(c)));
    return c->status == 200;
}

/* Who has had what there is gets no more of it because something fails. */
static void talk_too_often(client *c)
{
    if (is_welcome(c, "/rare/", "ann")) {
        get(c, "/rare/", "X-Client: ann\r\n", 429, NULL);
        MUST(says(c, "Retry-After: "));
    }
    MUST(is_welcome(c, "/rare/", "bob") || is_welcome(c, "/rare/", "cid"));
    hang_up(c); /* its address is looked up once for each connection */
    if (is_welcome(c, "/seldom/", ""))
        get(c, "/seldom/", "", 429, NULL);
}

SWEEP(each_client_has_its_rate, { .build = build_around, .talk = talk_too_often })

SUITE_MAIN("http/sweep_middleware", what_is_compressed_is_called_so,
           what_is_compressed_has_another_tag,
           what_stands_around_handlers_lets_nobody_in_by_failing, each_client_has_its_rate)
