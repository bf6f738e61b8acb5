/* Handlers that use what requests and answers have. */
#include "fuzz/routes.h"

#include <stdio.h>
#include <string.h>

#include "fuzz/fuzz.h"
#include "http/order.h"

fuzz_log fuzz_asked_for;

/* The one that is handled: for a moment only, as a handler that waits is overtaken by none of the
 * same connection, but may be by another's. */
static fuzz_asked *asked_by(tr_http_request *req)
{
    return tr_http_value(req, &fuzz_asked_for);
}

/* ---- what stands around ---- */

static void note_body(fuzz_asked *asked, const void *data, size_t bytes)
{
    EXPECT(bytes <= sizeof(asked->body) - asked->body_bytes);
    if (bytes > 0)
        memcpy(asked->body + asked->body_bytes, data, bytes);
    asked->body_bytes += bytes;
}

/* Whether its body is read by its handler. */
static bool is_streaming(const tr_http_request *req)
{
    static const char *const patterns[] = { "/stream", "/back", "/early", "/upload" };

    for (size_t i = 0; i < sizeof(patterns) / sizeof(patterns[0]); i++)
        if (strcmp(tr_http_pattern(req), patterns[i]) == 0)
            return true;
    return false;
}

static int watch(tr_http_request *req, tr_http_response *res, tr_http_next *next, void *ctx)
{
    fuzz_asked *asked = &fuzz_asked_for.asked[fuzz_asked_for.count++];
    int rc;

    (void)ctx;
    EXPECT(fuzz_asked_for.count <= FUZZ_ASKED);
    memset(asked, 0, sizeof(*asked));
    (void)snprintf(asked->method, sizeof(asked->method), "%s", tr_http_method(req));
    EXPECT(strlen(tr_http_target(req)) < sizeof(asked->target));
    (void)snprintf(asked->target, sizeof(asked->target), "%s", tr_http_target(req));
    EXPECT(tr_http_set_value(req, &fuzz_asked_for, asked, NULL) == 0);
    if (!is_streaming(req)) {
        size_t bytes;
        const char *body = tr_http_body(req, &bytes);

        EXPECT(body[bytes] == 0);
        note_body(asked, body, bytes);
        asked->has_whole_body = true;
    }
    TELL("%s %s, %zu bytes", asked->method, asked->target, asked->body_bytes);
    rc = tr_http_next_call(next);
    asked->status = tr_http_answer_status(res);
    return rc;
}

static void drop_line(void *ctx, const char *line)
{
    (void)ctx;
    EXPECT(strpbrk(line, "\r\n") == NULL);
}

/* ---- handlers ---- */

static int greet(tr_http_request *req, tr_http_response *res, void *ctx)
{
    (void)req;
    (void)ctx;
    return tr_http_text(res, 200, "hello\n");
}

static int show_user(tr_http_request *req, tr_http_response *res, void *ctx)
{
    int64_t id = -1;
    double part = 0;
    int rc = tr_http_param_int(req, "id", &id);

    (void)ctx;
    if (rc == 0)
        rc = tr_http_query_double(req, "part", &part);
    if (rc < 0 && rc != TR_ENOENT)
        return rc;
    return tr_http_text(res, 200, "%lld, %g\n", (long long)id, part);
}

static int show_rest(tr_http_request *req, tr_http_response *res, void *ctx)
{
    const char *rest = tr_http_param(req, "path");

    (void)ctx;
    EXPECT(rest != NULL && strstr(rest, "/../") == NULL);
    return tr_http_send(res, 200, "text/plain", rest, strlen(rest));
}

/* All that can be asked of a request. */
static int look(tr_http_request *req, tr_http_response *res, void *ctx)
{
    static const char *const types[] = { "text/html", "application/json" };
    const char *name, *value;
    size_t lines = 0;
    int type = tr_http_accepts(req, types, 2);

    (void)ctx;
    while (tr_http_header_at(req, lines, &name, &value)) {
        EXPECT(name[0] != 0 && strpbrk(name, " \t\r\n:") == NULL && strpbrk(value, "\r\n") == NULL);
        EXPECT(tr_http_header(req, name) != NULL);
        lines++;
    }
    value = tr_http_cookie(req, "session");
    if (value != NULL)
        (void)tr_http_set_cookie(res, "session", value, NULL); /* it need not fit */
    value = tr_http_query(req, "to");
    if (value != NULL && tr_http_redirect(res, 303, value) == 0)
        return 0;
    value = tr_http_query(req, "say");
    if (value != NULL && tr_http_set_header(res, "X-Said", value) == 0)
        EXPECT(strpbrk(tr_http_answer_header(res, "X-Said"), "\r\n") == NULL);
    return tr_http_text(res, 200, "%zu headers, %d, %s from %s\n", lines, type, tr_http_path(req),
                        tr_http_peer(req));
}

static int give_back(tr_http_request *req, tr_http_response *res, void *ctx)
{
    size_t bytes;
    const char *body = tr_http_body(req, &bytes);

    (void)ctx;
    return tr_http_send(res, 200, tr_http_header(req, "Content-Type"), body, bytes);
}

static int take_order(tr_http_request *req, tr_http_response *res, void *ctx)
{
    (void)ctx;
    return tr_http_answer(res, 201, &tr_declared_order, tr_http_body_as(req));
}

static int take_form(tr_http_request *req, tr_http_response *res, void *ctx)
{
    tr_http_upload file;
    int rc = tr_http_form_read(req);
    const char *name;

    (void)ctx;
    if (rc < 0)
        return rc;
    name = tr_http_form(req, "name");
    rc = tr_http_upload_at(req, "file", 0, &file);
    return tr_http_text(res, 200, "%s, %zu bytes\n", name != NULL ? name : "nobody",
                        rc == 0 ? (size_t)file.bytes : 0);
}

/* Reads all of it; what it answers goes out at the same time. */
static int stream(tr_http_request *req, tr_http_response *res, void *ctx)
{
    fuzz_asked *asked = asked_by(req);
    bool is_answering = ctx != NULL;
    char piece[100];
    ssize_t count;
    int rc = is_answering ? tr_http_begin(res, 200, "text/plain", -1) : 0;

    while (rc == 0 && (count = tr_http_read(req, piece, sizeof(piece))) != 0) {
        if (count < 0) {
            asked->is_failing = is_answering;
            return (int)count;
        }
        note_body(asked, piece, (size_t)count);
        rc = is_answering ? tr_http_write(res, piece, (size_t)count) : 0;
    }
    asked->has_whole_body = rc == 0;
    asked->is_failing = rc < 0;
    if (rc < 0 || is_answering)
        return rc;
    return tr_http_text(res, 200, "%zu bytes\n", asked->body_bytes);
}

/* Reads nothing of the body. */
static int answer_early(tr_http_request *req, tr_http_response *res, void *ctx)
{
    (void)req;
    (void)ctx;
    return tr_http_text(res, 202, "later\n");
}

/* More than what fits on its way. */
static int be_long(tr_http_request *req, tr_http_response *res, void *ctx)
{
    static char text[3000];
    int rc = tr_http_begin(res, 200, ctx, tr_http_query(req, "length") != NULL ? 60000 : -1);

    memset(text, 'x', sizeof(text));
    for (int i = 0; i < 20 && rc == 0; i++)
        rc = tr_http_write(res, text, sizeof(text));
    asked_by(req)->is_failing = rc < 0;
    return rc;
}

static int fail_halfway(tr_http_request *req, tr_http_response *res, void *ctx)
{
    int rc = tr_http_begin(res, 200, "text/plain", 10);

    (void)ctx;
    asked_by(req)->is_failing = true;
    if (rc == 0)
        rc = tr_http_write(res, "half", 4);
    return rc;
}

static int refuse(tr_http_request *req, tr_http_response *res, void *ctx)
{
    (void)req;
    (void)res;
    (void)ctx;
    return TR_EPERM;
}

static int tell_events(tr_http_request *req, tr_http_response *res, void *ctx)
{
    int rc = tr_http_events(res);

    (void)ctx;
    if (rc == 0)
        rc = tr_http_event(res, "one", "1", tr_http_last_event_id(req));
    if (rc == TR_EINVAL) /* it is no UTF-8 */
        rc = tr_http_event(res, "two", NULL, "a\nb");
    asked_by(req)->is_failing = rc < 0;
    return rc;
}

static int wait_a_while(tr_http_request *req, tr_http_response *res, void *ctx)
{
    int rc = tr_sleep(tr_http_query(req, "long") != NULL ? 10 : 0.005);

    (void)ctx;
    return rc < 0 ? rc : tr_http_status(res, 204);
}

/* ---- all of them ---- */

static int check_password(tr_http_request *req, const char *user, const char *password, void *ctx)
{
    (void)req;
    (void)ctx;
    return tr_http_equals(user, password);
}

static void add_group(tr_http_server *srv)
{
    tr_http_server *group;

    EXPECT(tr_http_group(&group, srv, "/inside") == 0);
    EXPECT(tr_http_use(group, tr_http_basic("inside", check_password, NULL)) == 0);
    EXPECT(tr_http_use(group, tr_http_cors(NULL)) == 0);
    EXPECT(tr_http_route(group, "GET", "/", greet, NULL) == 0);
    EXPECT(tr_http_route(group, "PUT", "/:a/:b", give_back, NULL) == 0);
}

static void add_streams(tr_http_server *srv)
{
    const tr_http_route_options streaming = { .streams_body = true };

    EXPECT(tr_http_route_with(srv, "POST", "/stream", stream, NULL, &streaming) == 0);
    EXPECT(tr_http_route_with(srv, "POST", "/back", stream, srv, &streaming) == 0);
    EXPECT(tr_http_route_with(srv, "POST", "/early", answer_early, NULL, &streaming) == 0);
    EXPECT(tr_http_route_with(srv, "POST", "/upload", take_form, NULL, &streaming) == 0);
}

void fuzz_add_routes(tr_http_server *srv)
{
    const tr_http_route_options declared = { .body = &tr_declared_order };

    EXPECT(tr_http_use(srv, (tr_http_middleware){ .fn = watch }) == 0);
    EXPECT(tr_http_use(srv, tr_http_log(&(tr_http_log_options){ .write = drop_line })) == 0);
    EXPECT(tr_http_use(srv, tr_http_request_id()) == 0);
    EXPECT(tr_http_use(srv, tr_http_compress(&(tr_http_compress_options){ .least = 64 })) == 0);
    EXPECT(tr_http_route(srv, "GET", "/", greet, NULL) == 0);
    EXPECT(tr_http_route(srv, "GET", "/users/:id", show_user, NULL) == 0);
    EXPECT(tr_http_route(srv, "GET", "/rest/*path", show_rest, NULL) == 0);
    EXPECT(tr_http_route(srv, "GET", "/look", look, NULL) == 0);
    EXPECT(tr_http_route(srv, "POST", "/", give_back, NULL) == 0);
    EXPECT(tr_http_route_with(srv, "POST", "/order", take_order, NULL, &declared) == 0);
    EXPECT(tr_http_route(srv, "POST", "/form", take_form, NULL) == 0);
    EXPECT(tr_http_route(srv, "GET", "/long", be_long, (void *)(uintptr_t) "text/plain") == 0);
    EXPECT(tr_http_route(srv, "GET", "/half", fail_halfway, NULL) == 0);
    EXPECT(tr_http_route(srv, "GET", "/no", refuse, NULL) == 0);
    EXPECT(tr_http_route(srv, "GET", "/events", tell_events, NULL) == 0);
    EXPECT(tr_http_route(srv, "GET", "/wait", wait_a_while, NULL) == 0);
    EXPECT(tr_http_files(srv, "/static", TR_FUZZ_FOLDER, NULL) == 0);
    EXPECT(tr_http_health(srv, NULL, NULL) == 0);
    add_streams(srv);
    add_group(srv);
}
