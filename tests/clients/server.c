/* What real clients talk to: one set of routes, served plainly, by TLS, and by TLS with a
 * certificate of the client's.
 *
 *     server ADDRESS FOLDER     FOLDER has ca.pem, server.pem, other.pem (for other.test), their
 *                               keys, and public/
 *
 * It says "listening on ADDRESS"; GET /ports tells the other two. SIGTERM ends it. */
#include <stdio.h>
#include <string.h>
#include <troupe/net.h>
#include <unistd.h>
#include <zlib.h>

enum { PIECE = 16 * 1024 };

typedef struct site {
    const char *name;
    tr_http_server *server;
    tr_tls *tls;
} site;

static site sites[] = { { .name = "plain" }, { .name = "tls" }, { .name = "mutual" } };
enum { SITES = sizeof(sites) / sizeof(sites[0]) };

/* ---- small answers ---- */

static int hello(tr_http_request *req, tr_http_response *res, void *ctx)
{
    (void)ctx;
    return tr_http_text(res, 200, "hello, %s\n", tr_http_is_secure(req) ? "secretly" : "world");
}

static int ports(tr_http_request *req, tr_http_response *res, void *ctx)
{
    (void)req;
    (void)ctx;
    return tr_http_text(res, 200, "%d %d", tr_http_port(sites[1].server),
                        tr_http_port(sites[2].server));
}

static int tell_peer(tr_http_request *req, tr_http_response *res, void *ctx)
{
    (void)ctx;
    return tr_http_text(res, 200, "%s", tr_http_peer(req));
}

static int wait_a_while(tr_http_request *req, tr_http_response *res, void *ctx)
{
    double seconds = 0.01;
    int rc = tr_http_query_double(req, "seconds", &seconds);

    (void)ctx;
    if (rc == 0 || rc == TR_ENOENT)
        rc = tr_sleep(seconds);
    return rc < 0 ? rc : tr_http_text(res, 200, "waited\n");
}

struct order {
    char *name;
    int64_t pieces;
};

TR_DECLARE(order, TR_TEXT(order, name, .required = true, .max_length = 80),
           TR_INTEGER(order, pieces, TR_AT_LEAST(1), TR_AT_MOST(100), .default_integer = 1));

static int take_order(tr_http_request *req, tr_http_response *res, void *ctx)
{
    (void)ctx;
    return tr_http_answer(res, 201, &tr_declared_order, tr_http_body_as(req));
}

static int reload(tr_http_request *req, tr_http_response *res, void *ctx)
{
    int rc = 0;

    (void)req;
    (void)res;
    (void)ctx;
    for (int i = 0; rc == 0 && i < SITES; i++)
        if (sites[i].tls != NULL)
            rc = tr_tls_reload(sites[i].tls); /* small files: it does not matter that it blocks */
    return rc;
}

/* ---- bodies ---- */

static int echo(tr_http_request *req, tr_http_response *res, void *ctx)
{
    size_t bytes;
    const char *body = tr_http_body(req, &bytes);

    (void)ctx;
    return tr_http_send(res, 200, tr_http_header(req, "Content-Type"), body, bytes);
}

/* Whoever leaves in the midst of a body, of either way, is remembered; that is nobody's fault. */
static tr_event abandoned;

static int remember_leaving(void)
{
    (void)tr_event_set(&abandoned); /* it is an event */
    return TR_ECANCELED;
}

static int relay(tr_http_request *req, tr_http_response *res, void *ctx)
{
    char piece[PIECE];
    ssize_t count = 0;
    int rc = tr_http_begin(res, 200, "application/octet-stream", -1);

    (void)ctx;
    while (rc == 0 && (count = tr_http_read(req, piece, sizeof(piece))) > 0)
        if ((rc = tr_http_write(res, piece, (size_t)count)) == 0)
            rc = tr_http_flush(res);
    return rc < 0 || count < 0 ? remember_leaving() : 0;
}

static int count_upload(tr_http_request *req, tr_http_response *res, void *ctx)
{
    char piece[PIECE];
    unsigned long sum = crc32(0, NULL, 0);
    long bytes = 0;
    ssize_t count;

    (void)ctx;
    while ((count = tr_http_read(req, piece, sizeof(piece))) > 0) {
        sum = crc32(sum, (const Bytef *)piece, (unsigned)count);
        bytes += count;
    }
    if (count < 0)
        return remember_leaving();
    return tr_http_text(res, 200, "%ld %08lx\n", bytes, sum);
}

static int endless(tr_http_request *req, tr_http_response *res, void *ctx)
{
    static const char piece[PIECE];
    int rc = tr_http_begin(res, 200, "application/octet-stream", -1);

    (void)req;
    (void)ctx;
    while (rc == 0)
        rc = tr_http_write(res, piece, sizeof(piece));
    return remember_leaving();
}

/* Answers when somebody has left since it was asked last. */
static int tell_abandoned(tr_http_request *req, tr_http_response *res, void *ctx)
{
    int rc = tr_event_wait_for(&abandoned, 30);

    (void)req;
    (void)ctx;
    if (rc == 0)
        rc = tr_event_clear(&abandoned);
    return rc < 0 ? rc : tr_http_text(res, 200, "somebody has left\n");
}

static unsigned long sum_of(const tr_http_upload *u)
{
    unsigned long sum = crc32(0, NULL, 0);
    char piece[PIECE];
    ssize_t count;

    if (u->data != NULL)
        return crc32(sum, (const Bytef *)u->data, (unsigned)u->bytes);
    for (off_t at = 0; (count = pread(u->fd, piece, sizeof(piece), at)) > 0; at += count)
        sum = crc32(sum, (const Bytef *)piece, (unsigned)count);
    return sum;
}

static int take_form(tr_http_request *req, tr_http_response *res, void *ctx)
{
    tr_http_upload u;
    const char *title;
    int rc = tr_http_upload_at(req, "file", 0, &u);

    (void)ctx;
    if (rc < 0)
        return rc;
    title = tr_http_form(req, "title");
    return tr_http_text(res, 201, "%s %s %s %lu %08lx\n", title != NULL ? title : "-", u.filename,
                        u.type, (unsigned long)u.bytes, sum_of(&u));
}

static int numbers(tr_http_request *req, tr_http_response *res, void *ctx)
{
    int64_t count = 10;
    int rc = tr_http_query_int(req, "count", &count);
    char line[32];

    (void)ctx;
    if (rc == 0 || rc == TR_ENOENT)
        rc = tr_http_begin(res, 200, "text/plain", -1);
    for (int64_t i = 0; rc == 0 && i < count; i++)
        rc = tr_http_write(res, line, (size_t)snprintf(line, sizeof(line), "%d\n", (int)i));
    return rc;
}

static int events(tr_http_request *req, tr_http_response *res, void *ctx)
{
    int rc = tr_http_events(res);

    (void)req;
    (void)ctx;
    if (rc == 0)
        rc = tr_http_event(res, "first", "1", "a\nb");
    return rc < 0 ? rc : tr_http_event(res, NULL, "2", "c");
}

/* ---- WebSockets ---- */

static int speak(tr_ws *ws, tr_http_request *req, void *ctx)
{
    tr_ws_message m;
    int rc;

    (void)req;
    (void)ctx;
    while ((rc = tr_ws_receive(ws, &m)) > 0)
        if ((rc = tr_ws_send(ws, m.type, m.data, m.bytes)) < 0)
            break;
    return rc;
}

/* Say goodbye with the code that is asked for. */
static int part(tr_ws *ws, tr_http_request *req, void *ctx)
{
    int64_t code = 1000;
    int rc = tr_http_query_int(req, "code", &code);

    (void)ctx;
    return rc < 0 ? rc : tr_ws_close(ws, (int)code, "as you wish");
}

/* The code that somebody has said goodbye with. */
static tr_queue *codes;

static int hear_goodbye(tr_ws *ws, tr_http_request *req, void *ctx)
{
    tr_ws_message m;
    int rc;
    int code;

    (void)req;
    (void)ctx;
    while ((rc = tr_ws_receive(ws, &m)) > 0)
        ;
    code = tr_ws_close_code(ws);
    return rc < 0 ? rc : tr_queue_put(codes, &code);
}

static int tell_code(tr_http_request *req, tr_http_response *res, void *ctx)
{
    int code;
    int rc = tr_queue_get(codes, &code);

    (void)req;
    (void)ctx;
    return rc < 0 ? rc : tr_http_text(res, 200, "%d", code);
}

/* Be the client of another server, which is to send everything back. */
static int say_and_hear(tr_ws *ws, tr_ws_type type, const void *data, size_t bytes)
{
    tr_ws_message m = { 0 };
    int rc = tr_ws_send(ws, type, data, bytes);

    if (rc == 0)
        rc = tr_ws_receive(ws, &m);
    if (rc <= 0)
        return rc == 0 ? TR_EEND : rc;
    return m.type == type && m.bytes == bytes && memcmp(m.data, data, bytes) == 0 ? 0 : TR_EPROTO;
}

/* Talk to a server, and tell what became of it. */
static int dial(tr_http_request *req, tr_http_response *res, void *ctx)
{
    int64_t bytes = 5;
    const char *url = tr_http_query(req, "url");
    void *block;
    tr_ws *ws = NULL;
    int rc = url == NULL ? TR_EINVAL : tr_http_query_int(req, "bytes", &bytes);

    (void)ctx;
    block = rc == 0 ? tr_http_alloc(req, (size_t)bytes) : NULL;
    if (block == NULL)
        return rc < 0 ? rc : TR_ENOMEM;
    rc = tr_ws_connect(&ws, url, NULL, &(tr_ws_options){ .message_most = 16 * 1024 * 1024 });
    if (rc == 0)
        rc = say_and_hear(ws, TR_WS_TEXT, memset(block, 'x', (size_t)bytes), (size_t)bytes);
    if (rc == 0)
        rc = say_and_hear(ws, TR_WS_BINARY, "\0\377", 2);
    if (rc == 0)
        rc = tr_ws_close(ws, 4001, "that is all");
    else
        (void)tr_ws_close(ws, 0, NULL); /* the error is told */
    return tr_http_text(res, 200, "%s", tr_err_name(rc));
}

/* ---- serving ---- */

static void add_routes(tr_http_server *srv, const char *public)
{
    static const tr_http_route_options streams = { .streams_body = true, .body_most = 1 << 30 };
    static const tr_http_route_options ordered = { .body = &tr_declared_order };
    static const tr_ws_options large = { .message_most = 16 * 1024 * 1024 };
    static const tr_ws_options watchful = { .ping_every = 0.05, .pong_within = 30 };

    tr_http_use(srv, tr_http_compress(NULL));
    tr_http_route(srv, "GET", "/", hello, NULL);
    tr_http_route(srv, "GET", "/ports", ports, NULL);
    tr_http_route(srv, "GET", "/peer", tell_peer, NULL);
    tr_http_route(srv, "GET", "/wait", wait_a_while, NULL);
    tr_http_route_with(srv, "POST", "/orders", take_order, NULL, &ordered);
    tr_http_route(srv, "POST", "/reload", reload, NULL);
    tr_http_route(srv, "POST", "/echo", echo, NULL);
    tr_http_route_with(srv, "POST", "/relay", relay, NULL, &streams);
    tr_http_route_with(srv, "PUT", "/upload", count_upload, NULL, &streams);
    tr_http_route_with(srv, "POST", "/form", take_form, NULL, &streams);
    tr_http_route(srv, "GET", "/endless", endless, NULL);
    tr_http_route(srv, "GET", "/abandoned", tell_abandoned, NULL);
    tr_http_route(srv, "GET", "/numbers", numbers, NULL);
    tr_http_route(srv, "GET", "/events", events, NULL);
    tr_http_route(srv, "GET", "/dial", dial, NULL);
    tr_http_route(srv, "GET", "/code", tell_code, NULL);
    tr_http_websocket(srv, "/speak", speak, NULL, &large);
    tr_http_websocket(srv, "/watched", speak, NULL, &watchful);
    tr_http_websocket(srv, "/part", part, NULL, NULL);
    tr_http_websocket(srv, "/goodbye", hear_goodbye, NULL, NULL);
    tr_http_files(srv, "/files", public, NULL);
    tr_http_health(srv, NULL, NULL);
}

static const char *path_in(const char *folder, const char *name)
{
    static char paths[8][256];
    static int next;
    char *path = paths[next++ % 8];

    (void)snprintf(path, sizeof(paths[0]), "%s/%s", folder, name);
    return path;
}

static int make_contexts(const char *folder)
{
    tr_tls_options options = { .certificate = path_in(folder, "server.pem"),
                               .key = path_in(folder, "server.key"),
                               .protocols = "http/1.1" };
    int rc = tr_tls_server_new(&sites[1].tls, &options);

    if (rc == 0)
        rc = tr_tls_add_certificate(sites[1].tls, "other.test", path_in(folder, "other.pem"),
                                    path_in(folder, "other.key"));
    options.authorities = path_in(folder, "ca.pem");
    options.requires_certificate = true;
    if (rc == 0)
        rc = tr_tls_server_new(&sites[2].tls, &options);
    return rc;
}

/* listen: of the plain one; the others have any port. */
static int make_servers(const char *listen, const char *folder)
{
    int rc = make_contexts(folder);

    for (int i = 0; rc == 0 && i < SITES; i++) {
        rc = tr_http_server_new(
            &sites[i].server,
            &(tr_http_config){ .listen = i == 0 ? listen : "127.0.0.1:0", .tls = sites[i].tls });
        if (rc == 0)
            add_routes(sites[i].server, path_in(folder, "public"));
    }
    return rc;
}

static int serve_one(void *server)
{
    return tr_http_serve(server);
}

static int serve_all(void)
{
    int rc;

    TR_SCOPE(scope, &rc) {
        int ready = 0;

        for (int i = 0; i < SITES; i++)
            tr_scope_spawn(scope, serve_one, sites[i].server);
        for (int i = 0; ready == 0 && i < SITES; i++)
            ready = tr_http_await_ready(sites[i].server);
        if (ready == 0)
            printf("listening on %s\n", tr_http_address(sites[0].server));
        fflush(stdout);
    }
    return rc;
}

static int run(void *arg)
{
    char **arguments = arg;
    int rc = tr_queue_new(&codes, sizeof(int), 16, NULL);

    if (rc == 0)
        rc = make_servers(arguments[1], arguments[2]);
    if (rc == 0)
        rc = serve_all();
    for (int i = 0; i < SITES; i++)
        tr_tls_unref(sites[i].tls);
    tr_queue_free(codes);
    return rc == TR_ECANCELED ? 0 : rc;
}

int main(int argc, char **argv)
{
    if (argc != 3) {
        fprintf(stderr, "usage: %s ADDRESS FOLDER\n", argv[0]);
        return 2;
    }
    return tr_main(argc, argv, run, argv, &(tr_config){ .loops = 2 });
}
