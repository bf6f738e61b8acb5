/* Sweeps over a server's whole life: made with all that it may have, served on two loops, asked,
 * drained. See sweep.h. */
#include <sys/stat.h>

#include "http/sweep.h"

/* ---- all options ---- */

struct thing {
    char *name;
    int64_t count;
};

TR_DECLARE(thing, TR_TEXT(thing, name, .about = "Of what", .required = true, .pattern = "^a+$"),
           TR_INTEGER(thing, count, TR_AT_LEAST(0)));

static int give_thing(tr_http_request *req, tr_http_response *res, void *ctx)
{
    (void)ctx;
    return tr_http_answer(res, 200, &tr_declared_thing, tr_http_body_as(req));
}

static int hello(tr_http_request *req, tr_http_response *res, void *ctx)
{
    (void)ctx;
    return tr_http_text(res, 200, "hello, %s", tr_http_param(req, "name"));
}

static int is_ready(void *ctx)
{
    (void)ctx;
    return 0;
}

static int nobody(tr_http_request *req, const char *user, const char *password, void *ctx)
{
    (void)req;
    (void)user;
    (void)password;
    (void)ctx;
    return 0;
}

static int build_routes(tr_http_server *server)
{
    static const tr_http_parameter query[] = { { "unit", "Of it", TR_FIELD_TEXT, true }, { 0 } };
    const tr_http_route_options described = { .body = &tr_declared_thing,
                                              .answer = &tr_declared_thing,
                                              .summary = "A thing",
                                              .tag = "things",
                                              .query = query };
    tr_http_server *api, *inner;
    int rc = tr_http_group(&api, server, "/api");

    if (rc == 0)
        rc = tr_http_group(&inner, api, "/v1");
    if (rc == 0)
        rc = tr_http_use(api, tr_http_request_id());
    if (rc == 0)
        rc = tr_http_route_with(inner, "POST", "/things", give_thing, NULL, &described);
    if (rc == 0)
        rc = tr_http_route(inner, "GET", "/hello/:name", hello, NULL);
    if (rc == 0)
        rc = tr_http_health(server, is_ready, NULL);
    return rc;
}

static int build_middleware(tr_http_server *server)
{
    tr_http_server *closed;
    int rc = tr_http_use(server, tr_http_log(NULL));

    if (rc == 0)
        rc = tr_http_use(server, tr_http_compress(NULL));
    if (rc == 0)
        rc = tr_http_use(server, tr_http_cors(&(tr_http_cors_options){ .origins = "https://a.org",
                                                                       .headers = "X-A" }));
    if (rc == 0)
        rc = tr_http_use(server, tr_http_rate_limit(&(tr_http_rate_options){
                                     .per_second = 1000, .header = "X-Client" }));
    if (rc == 0)
        rc = tr_http_group(&closed, server, "/closed");
    if (rc == 0)
        rc = tr_http_use(closed, tr_http_basic("nobody's", nobody, NULL));
    return rc == 0 ? tr_http_route(closed, "GET", "/:name", hello, NULL) : rc;
}

static int build(tr_http_server *server)
{
    int rc = build_middleware(server);

    if (rc == 0)
        rc = build_routes(server);
    return rc == 0 ? tr_http_files(server, "/files", "/dev", NULL) : rc;
}

/* The same each time, or none. */
static void get_same(client *c, const char *path, char **kept)
{
    get(c, path, "", 200, *kept);
    if (*kept == NULL)
        *kept = strdup(c->body);
    MUST(*kept != NULL);
}

static char *description, *page;

static void talk(client *c)
{
    get_same(c, "/openapi.json", &description);
    MUST(strstr(c->body, "A thing") != NULL && strstr(c->body, "things") != NULL);
    get_same(c, "/docs", &page);
    get(c, "/healthz", "", 200, "ok\n");
    get(c, "/readyz", "", 200, "ready\n");
    get(c, "/api/v1/hello/ann", "", 200, "hello, ann");
    MUST(says(c, "X-Request-Id: ") && says(c, "Server: troupe\r\n"));
    ask(c,
        "POST /api/v1/things HTTP/1.1\r\nHost: a\r\nContent-Length: 24\r\n\r\n"
        "{\"name\":\"aaa\",\"count\":1}",
        200, "{\"name\":\"aaa\",\"count\":1}");
    get(c, "/closed/ann", "", 401, NULL);
}

static const tr_http_config all_options = {
    .loops = 2,
    .head_bytes_most = 8000,
    .headers_most = 20,
    .connections_most = 10,
    .connections_each = 5,
    .handler_timeout = 5,
    .drain = 0.1,
    .server_name = "troupe",
    .title = "Things",
    .version = "1.2",
};

SWEEP(a_server_begins_with_all_it_has_or_says_what_failed,
      { .config = &all_options, .build = build, .talk = talk, .loops = 2, .has_all = true })

/* ---- a name in the file system ---- */

static int build_hello(tr_http_server *server)
{
    return tr_http_route(server, "GET", "/hello/:name", hello, NULL);
}

static void talk_of_hello(client *c)
{
    get(c, "/hello/ann", "", 200, "hello, ann");
}

static char address[64]; /* of its own for each process */

static void expect_no_file(void)
{
    struct stat status;

    MUST(stat(address + strlen("unix:"), &status) < 0);
}

static const tr_http_config named = { .listen = address, .drain = 0.1 };

START_TEST(a_name_in_the_file_system_goes_with_its_server)
{
    static const scene s = { .config = &named,
                             .build = build_hello,
                             .talk = talk_of_hello,
                             .end = expect_no_file,
                             .has_all = true };

    (void)snprintf(address, sizeof(address), "unix:/tmp/troupe_sweep.%d", (int)getpid());
    sweep_play(&s);
}
END_TEST

/* ---- the end, while somebody is there ---- */

static int hold(tr_http_request *req, tr_http_response *res, void *ctx)
{
    int rc = tr_http_begin(res, 200, "text/plain", 10);

    (void)ctx;
    if (rc == 0)
        rc = tr_http_write(res, "hello", 5);
    if (rc == 0)
        rc = tr_http_flush(res);
    if (rc == 0 && strcmp(tr_http_param(req, "long"), "yes") == 0)
        rc = tr_sleep(TR_FOREVER);
    if (rc == 0)
        rc = tr_sleep(0.05);
    return rc < 0 ? rc : tr_http_write(res, "world", 5);
}

static int build_holding(tr_http_server *server)
{
    return tr_http_route(server, "GET", "/hold/:long", hold, NULL);
}

/* An answer that has begun; the connections stay open until the server has ended. */
static tr_io *open_held(const client *c, const char *path)
{
    char request[64];
    const char *head;
    tr_io *io;
    int rc = tr_tcp_connect(&io, c->address, NULL);

    (void)snprintf(request, sizeof(request), "GET %s HTTP/1.1\r\nHost: a\r\n\r\n", path);
    if (rc == 0 && path[0] != 0)
        rc = tr_write_all(io, request, strlen(request));
    if (rc == 0 && path[0] != 0 && tr_read_until(io, &head, "hello", 1000) <= 0)
        rc = TR_EEND;
    MUST(rc == 0 || has_struck());
    if (rc == 0)
        return io;
    (void)tr_close(io); /* as it has failed */
    return NULL;
}

static tr_io *held[3];

static void release_held(void)
{
    for (int i = 0; i < 3; i++) {
        (void)tr_close(held[i]); /* as it may have been cut */
        held[i] = NULL;
    }
}

static int close_held(void *unused)
{
    char rest[8];
    int rc = held[1] != NULL ? tr_read_exact(held[1], rest, 5) : TR_EEND;

    (void)unused;
    MUST(rc == 0 ? memcmp(rest, "world", 5) == 0 : has_struck());
    release_held();
    return 0;
}

static void talk_until_the_end(client *c)
{
    static const char *const paths[] = { "", "/hold/no", "/hold/yes" };
    tr_future *f;

    for (int i = 0; i < 3; i++)
        held[i] = open_held(c, paths[i]);
    if (tr_submit(&f, TR_LOOP(0), close_held, NULL) == 0)
        tr_future_unref(f);
    else
        (void)close_held(NULL);
}

static const tr_http_config draining = { .drain = 0.5 };

SWEEP(a_server_ends_whatever_fails, { .config = &draining,
                                      .build = build_holding,
                                      .talk = talk_until_the_end,
                                      .end = release_held,
                                      .has_all = true })

SUITE_MAIN("http/sweep_server", a_server_begins_with_all_it_has_or_says_what_failed,
           a_name_in_the_file_system_goes_with_its_server, a_server_ends_whatever_fails)
