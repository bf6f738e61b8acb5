/* What handlers and middleware see of a request, and say; and what they may not. */
#include <math.h>
#include <stdio.h>
#include <stdlib.h>

#include "http/service.h"

struct item {
    char *name;
    int64_t pieces;
};

TR_DECLARE(item, TR_TEXT(item, name, .required = true, .max_length = 5),
           TR_INTEGER(item, pieces, TR_AT_LEAST(1)));

static const char key;
static int dropped;

static void count_drop(void *value)
{
    (void)value;
    dropped++;
}

/* ---- requests ---- */

/* As JSON, or as text, whichever is liked better. */
static int answer_as_liked(tr_http_request *req, tr_http_response *res, void *ctx)
{
    static const char *const types[] = { "application/json", "text/plain" };
    const int chosen = tr_http_accepts(req, types, 2);

    (void)ctx;
    EXPECT(tr_http_accepts(req, NULL, 1) == TR_EINVAL);
    EXPECT(tr_http_accepts(req, types, 0) == TR_EINVAL);
    EXPECT(tr_http_accepts(req, &(const char *){ NULL }, 1) == TR_EINVAL);
    EXPECT(tr_http_add_header(res, "Vary", "Accept") == 0);
    if (chosen < 0)
        return tr_http_problem(res, 406, "JSON or text");
    return chosen == 0 ? tr_http_send(res, 200, "application/json", "{}", 2)
                       : tr_http_text(res, 200, "nothing");
}

CASE(the_type_that_a_client_likes_best_is_chosen)
{
    tr_http_server *server = new_server(&(tr_http_config){ 0 });
    char text[1024];
    service s;
    tr_io *io;

    EXPECT(tr_http_route(server, "GET", "/", answer_as_liked, NULL) == 0);
    begin_service(&s, server);
    io = open_client(&s);
    say(io, "GET / HTTP/1.1\r\nHost: a\r\n\r\n");
    EXPECT(hear(io, text, sizeof(text)) == 200 && strstr(text, "{}") != NULL);
    say(io, "GET / HTTP/1.1\r\nHost: a\r\nAccept: */*;q=0.1\r\nAccept: text/*\r\n\r\n");
    EXPECT(hear(io, text, sizeof(text)) == 200 && strstr(text, "nothing") != NULL);
    say(io, "GET / HTTP/1.1\r\nHost: a\r\nAccept: image/png\r\n\r\n");
    EXPECT(hear(io, text, sizeof(text)) == 406 && strstr(text, "Vary: Accept") != NULL);
    EXPECT(tr_close(io) == 0);
    end_service(&s);
}

static int look(tr_http_request *req, tr_http_response *res, void *ctx)
{
    const char *name, *value;
    int64_t number = -1;
    double real = -1;

    (void)ctx;
    EXPECT(strcmp(tr_http_method(req), "GET") == 0);
    EXPECT(strcmp(tr_http_path(req), "/look/a b") == 0);
    EXPECT(strncmp(tr_http_target(req), "/look/a%20b?", 12) == 0);
    EXPECT(strcmp(tr_http_pattern(req), "/look/:what") == 0);
    EXPECT(strcmp(tr_http_param(req, "what"), "a b") == 0 && tr_http_param(req, "x") == NULL);
    EXPECT(strcmp(tr_http_header(req, "x-tWice"), "one, two") == 0);
    EXPECT(tr_http_header(req, "none") == NULL);
    EXPECT(tr_http_header_at(req, 0, &name, &value) && strcmp(name, "Host") == 0);
    EXPECT(!tr_http_header_at(req, 99, &name, &value));
    EXPECT(strcmp(tr_http_query(req, "q"), "1 2") == 0 && tr_http_query(req, "z") == NULL);
    EXPECT(strcmp(tr_http_query_at(req, "q", 1), "3") == 0);
    EXPECT(strcmp(tr_http_cookie(req, "b"), "2") == 0 && tr_http_cookie(req, "c") == NULL);
    EXPECT(tr_http_query_int(req, "n", &number) == 0 && number == -7);
    EXPECT(tr_http_query_int(req, "q", &number) == TR_EINVAL && number == -7);
    EXPECT(tr_http_query_int(req, "none", &number) == TR_ENOENT);
    EXPECT(tr_http_param_int(req, "what", &number) == TR_EINVAL);
    EXPECT(tr_http_query_double(req, "d", &real) == 0 && real == 1.5);
    EXPECT(tr_http_query_double(req, "q", &real) == TR_EINVAL);
    EXPECT(strncmp(tr_http_peer(req), "127.0.0.1:", 10) == 0 && !tr_http_is_secure(req));
    EXPECT(tr_http_alloc(req, 100) != NULL);
    EXPECT(tr_http_set_value(req, &key, &dropped, count_drop) == 0);
    EXPECT(tr_http_value(req, &key) == &dropped && tr_http_value(req, &dropped) == NULL);
    EXPECT(tr_http_body_as(req) == NULL && strcmp(tr_http_last_event_id(req), "") == 0);
    return tr_http_text(res, 200, "seen");
}

CASE(a_handler_sees_all_of_a_request)
{
    tr_http_server *server = new_server(&(tr_http_config){ 0 });
    char text[1024];
    service s;
    tr_io *io;

    dropped = 0;
    EXPECT(tr_http_route(server, "GET", "/look/:what", look, NULL) == 0);
    begin_service(&s, server);
    io = open_client(&s);
    say(io, "GET /look/a%20b?q=1+2&n=-7&d=1.5&q=3 HTTP/1.1\r\nHost: a\r\nX-Twice: one\r\n"
            "Cookie: a=1; b=2\r\nX-Twice: two\r\n\r\n");
    EXPECT(hear(io, text, sizeof(text)) == 200 && strstr(text, "seen") != NULL);
    EXPECT(tr_close(io) == 0);
    end_service(&s);
    EXPECT(dropped == 1);
}

static const tr_local local = { "what a handler has set" };

static int set_local(tr_http_request *req, tr_http_response *res, void *ctx)
{
    bool had = tr_local_get(&local) != NULL;

    (void)req;
    EXPECT(tr_local_set(&local, ctx, count_drop) == 0);
    return tr_http_text(res, 200, had ? "another's" : "none");
}

/* Though one task answers them all. */
CASE(values_of_a_task_are_gone_with_the_request)
{
    static const char request[] = "GET / HTTP/1.1\r\nHost: a\r\n\r\n";
    tr_http_server *server = new_server(&(tr_http_config){ .loops = 1 });
    char text[1024];
    service s;
    tr_io *io;

    dropped = 0;
    EXPECT(tr_http_route(server, "GET", "/", set_local, text) == 0);
    begin_service(&s, server);
    io = open_client(&s);
    (void)snprintf(text, sizeof(text), "%s%s", request, request);
    say(io, text);
    for (int i = 0; i < 2; i++)
        EXPECT(hear(io, text, sizeof(text)) == 200 && strstr(text, "\r\n\r\nnone") != NULL);
    EXPECT(tr_close(io) == 0);
    end_service(&s);
    EXPECT(dropped == 2);
}

/* ---- errors ---- */

static int return_it(tr_http_request *req, tr_http_response *res, void *ctx)
{
    (void)req;
    (void)res;
    return *(int *)ctx;
}

/* And a sentence that says no more than the client is to know. */
CASE(an_error_has_the_status_of_its_code)
{
    static const struct {
        int rc, status;
        const char *detail;
    } errors[] = {
        { TR_EINVAL, 400, "an argument is invalid" },
        { TR_ENOENT, 404, "there is nothing at /" },
        { TR_EEXIST, 409, "it exists already" },
        { TR_ECONSTRAINT, 409, "a constraint of the database forbids it" },
        { TR_EBUSY, 503, "in use" },
        { TR_ENOSPC, 503, "no space is left on the device" },
        { TR_ECONNREFUSED, 502, "nobody listens there" },
        { TR_ESTATUS, 502, "the server has answered with an error" },
        { TR_ESQL, 500, "the server has failed" },
    };
    tr_http_server *server = new_server(&(tr_http_config){ 0 });
    char text[1024], detail[100];
    service s;
    tr_io *io;
    int rc;

    EXPECT(tr_http_route(server, "GET", "/", return_it, &rc) == 0);
    begin_service(&s, server);
    io = open_client(&s);
    for (size_t i = 0; i < sizeof(errors) / sizeof(errors[0]); i++) {
        rc = errors[i].rc;
        say(io, "GET / HTTP/1.1\r\nHost: a\r\n\r\n");
        EXPECT(hear(io, text, sizeof(text)) == errors[i].status);
        (void)snprintf(detail, sizeof(detail), "\"detail\":\"%s\"}", errors[i].detail);
        EXPECT(strstr(text, detail) != NULL);
    }
    EXPECT(tr_close(io) == 0);
    end_service(&s);
}

/* ---- answers ---- */

static int speak(tr_http_request *req, tr_http_response *res, void *ctx)
{
    (void)ctx;
    EXPECT(tr_http_set_header(res, "X-One", "1") == 0);
    EXPECT(tr_http_set_header(res, "X-One", "2") == 0);
    EXPECT(tr_http_add_header(res, "X-More", "a") == 0);
    EXPECT(tr_http_add_header(res, "X-More", "b") == 0);
    EXPECT(strcmp(tr_http_answer_header(res, "x-one"), "2") == 0);
    EXPECT(tr_http_set_header(res, "X-Bad\r\nSet-Cookie", "1") == TR_EINVAL);
    EXPECT(tr_http_set_header(res, "X-Bad", "1\r\nSet-Cookie: x") == TR_EINVAL);
    EXPECT(tr_http_set_header(res, "Content-Length", "1") == TR_EINVAL);
    EXPECT(tr_http_set_cookie(res, "sid", "1", NULL) == 0);
    EXPECT(tr_http_set_cookie(res, "s id", "1", NULL) == TR_EINVAL);
    EXPECT(tr_http_text(res, 99, "x") == TR_EINVAL && tr_http_text(res, 600, "x") == TR_EINVAL);
    EXPECT(tr_http_write(res, "x", 1) == TR_EWRONGPLACE && tr_http_flush(res) == TR_EWRONGPLACE);
    EXPECT(tr_http_read(req, &dropped, 1) == TR_EWRONGPLACE);
    EXPECT(tr_http_status(res, 204) == 0 && tr_http_redirect(res, 0, "/x") == 0);
    EXPECT(tr_http_answer_status(res) == 303);
    EXPECT(tr_http_problem(res, 409, "a \"%s\" is there", "b") == 0);
    EXPECT(tr_http_answer_bytes(res) > 20);
    return tr_http_send(res, 201, "text/x", "body", 4);
}

CASE(the_last_answer_counts_and_bad_ones_are_refused)
{
    tr_http_server *server = new_server(&(tr_http_config){ .server_name = "troupe" });
    char text[2048];
    service s;
    tr_io *io;

    EXPECT(tr_http_route(server, "GET", "/", speak, NULL) == 0);
    begin_service(&s, server);
    io = open_client(&s);
    say(io, "GET / HTTP/1.1\r\nHost: a\r\n\r\n");
    EXPECT(hear(io, text, sizeof(text)) == 201 && strstr(text, "\r\n\r\nbody") != NULL);
    EXPECT(strstr(text, "X-One: 2\r\n") != NULL && strstr(text, "X-One: 1") == NULL);
    EXPECT(strstr(text, "X-More: a\r\n") != NULL && strstr(text, "X-More: b\r\n") != NULL);
    EXPECT(strstr(text, "Set-Cookie: sid=1; ") != NULL && strstr(text, "X-Bad") == NULL);
    EXPECT(strstr(text, "Server: troupe\r\n") != NULL);
    EXPECT(strstr(text, "Content-Type: text/x\r\n") != NULL);
    EXPECT(tr_close(io) == 0);
    end_service(&s);
}

static int take_item(tr_http_request *req, tr_http_response *res, void *ctx)
{
    (void)ctx;
    return tr_http_answer(res, 201, &tr_declared_item, tr_http_body_as(req));
}

static int post(tr_io *io, const char *type, const char *body, char *text, size_t room)
{
    char request[512];

    (void)snprintf(request, sizeof(request),
                   "POST /items HTTP/1.1\r\nHost: a\r\nContent-Type: %s\r\n"
                   "Content-Length: %zu\r\n\r\n%s",
                   type, strlen(body), body);
    say(io, request);
    return hear(io, text, room);
}

CASE(declared_bodies_are_checked_before_the_handler)
{
    tr_http_server *server = new_server(&(tr_http_config){ 0 });
    char text[2048];
    service s;
    tr_io *io;

    EXPECT(tr_http_route_with(server, "POST", "/items", take_item, NULL,
                              &(tr_http_route_options){ .body = &tr_declared_item }) == 0);
    begin_service(&s, server);
    io = open_client(&s);
    EXPECT(post(io, "application/json", "{\"name\":\"ok\",\"pieces\":2}", text, sizeof(text)) ==
           201);
    EXPECT(strstr(text, "{\"name\":\"ok\",\"pieces\":2}") != NULL);
    EXPECT(post(io, "application/json", "{\"name\":\"too long\",\"pieces\":0}", text,
                sizeof(text)) == 422);
    EXPECT(strstr(text, "/name") != NULL && strstr(text, "/pieces") != NULL);
    EXPECT(post(io, "application/json", "{", text, sizeof(text)) == 400);
    EXPECT(post(io, "text/plain", "{}", text, sizeof(text)) == 415);
    EXPECT(tr_close(io) == 0);
    end_service(&s);
}

static int tick(tr_http_request *req, tr_http_response *res, void *ctx)
{
    int rc = tr_http_events(res);

    (void)ctx;
    EXPECT(rc == 0 && strcmp(tr_http_last_event_id(req), "6") == 0);
    EXPECT(tr_http_event(res, "a\nb", NULL, "x") == TR_EINVAL);
    EXPECT(tr_http_event_retry(res, NAN) == TR_EINVAL && tr_http_event_retry(res, 1.5) == 0);
    EXPECT(tr_http_event(res, "tick", "7", "one\ntwo") == 0 && tr_http_event_idle(res) == 0);
    return 0;
}

CASE(events_are_sent_as_they_happen)
{
    static const char wanted[] = "retry: 1500\n\nevent: tick\nid: 7\ndata: one\ndata: two\n\n:\n\n";
    tr_http_server *server = new_server(&(tr_http_config){ 0 });
    char got[512] = "";
    const char *line;
    service s;
    tr_io *io;

    EXPECT(tr_http_route(server, "GET", "/", tick, NULL) == 0);
    begin_service(&s, server);
    io = open_client(&s);
    say(io, "GET / HTTP/1.0\r\nHost: a\r\nLast-Event-ID: 6\r\n\r\n"); /* so without chunks */
    EXPECT(tr_read_until(io, &line, "\r\n\r\n", 1000) > 0);
    EXPECT(tr_read_exact(io, got, sizeof(wanted) - 1) == 0);
    EXPECT(strcmp(got, wanted) == 0);
    EXPECT(tr_read(io, got, 1) == 0);
    EXPECT(tr_close(io) == 0);
    end_service(&s);
}

/* ---- middleware ---- */

static int is_me(tr_http_request *req, const char *user, const char *password, void *ctx)
{
    (void)req;
    (void)ctx;
    return tr_http_equals(user, "me") && tr_http_equals(password, "secret");
}

static int is_token(tr_http_request *req, const char *token, void *ctx)
{
    (void)ctx;
    return tr_http_equals(token, "t") && tr_http_set_user(req, "robot") == 0;
}

static int around(tr_http_request *req, tr_http_response *res, tr_http_next *next, void *ctx)
{
    int rc = tr_http_next_call(next);

    (void)req;
    EXPECT(tr_http_next_call(next) == TR_EALREADY);
    return rc < 0 ? rc : tr_http_add_header(res, "X-Around", ctx);
}

static int who(tr_http_request *req, tr_http_response *res, void *ctx)
{
    (void)ctx;
    return tr_http_text(res, 200, "%s %d", tr_http_user(req), (int)strlen(tr_http_id(req)));
}

static char last_line[2048];

static void keep_line(void *ctx, const char *line)
{
    (void)ctx;
    (void)snprintf(last_line, sizeof(last_line), "%s", line);
}

static int get(tr_io *io, const char *path, const char *more, char *text, size_t room)
{
    char request[512];

    (void)snprintf(request, sizeof(request), "GET %s HTTP/1.1\r\nHost: a\r\n%s\r\n", path, more);
    say(io, request);
    return hear(io, text, room);
}

CASE(middleware_stands_around_handlers_in_its_order)
{
    tr_http_server *server = new_server(&(tr_http_config){ .loops = 1 });
    tr_http_server *group, *robots;
    char text[2048];
    service s;
    tr_io *io;

    EXPECT(tr_http_use(server, tr_http_log(&(tr_http_log_options){ .write = keep_line })) == 0);
    EXPECT(tr_http_use(server, tr_http_request_id()) == 0);
    EXPECT(tr_http_use(server, tr_http_compress(&(tr_http_compress_options){ .least = 1 })) == 0);
    EXPECT(tr_http_use(server, tr_http_cors(
                                   &(tr_http_cors_options){ .origins = "http://a.example" })) == 0);
    EXPECT(tr_http_use(server, (tr_http_middleware){ .fn = around, .ctx = "1" }) == 0);
    EXPECT(tr_http_group(&group, server, "/private") == 0);
    EXPECT(tr_http_use(group, tr_http_basic("here", is_me, NULL)) == 0);
    EXPECT(tr_http_use(group, (tr_http_middleware){ .fn = around, .ctx = "2" }) == 0);
    EXPECT(tr_http_route(group, "GET", "/who", who, NULL) == 0);
    EXPECT(tr_http_group(&robots, server, "/robots") == 0);
    EXPECT(tr_http_use(robots, tr_http_bearer("here", is_token, NULL)) == 0);
    EXPECT(tr_http_use(robots, tr_http_rate_limit(&(tr_http_rate_options){ .per_second = 0.001,
                                                                           .burst = 1 })) == 0);
    EXPECT(tr_http_route(robots, "GET", "/who", who, NULL) == 0);
    begin_service(&s, server);
    io = open_client(&s);
    EXPECT(get(io, "/private/who", "", text, sizeof(text)) == 401);
    EXPECT(strstr(text, "WWW-Authenticate: Basic realm=\"here\"") != NULL);
    EXPECT(strstr(text, "X-Around: 1") != NULL && strstr(text, "X-Around: 2") == NULL);
    EXPECT(get(io, "/private/who", "Authorization: Basic bWU6c2VjcmV0\r\nX-Request-Id: abc\r\n",
               text, sizeof(text)) == 200);
    EXPECT(strstr(text, "\r\n\r\nme 3") != NULL && strstr(text, "X-Request-Id: abc") != NULL);
    EXPECT(strstr(text, "X-Around: 2\r\nX-Around: 1") != NULL);
    EXPECT(strstr(last_line, "me [") != NULL && strstr(last_line, "\" 200 ") != NULL);
    EXPECT(get(io, "/robots/who", "Authorization: Bearer t\r\nOrigin: http://a.example\r\n", text,
               sizeof(text)) == 200);
    EXPECT(strstr(text, "robot 36") != NULL);
    EXPECT(strstr(text, "Access-Control-Allow-Origin: http://a.example") != NULL);
    EXPECT(get(io, "/robots/who", "Authorization: Bearer t\r\n", text, sizeof(text)) == 429);
    EXPECT(strstr(text, "Retry-After: ") != NULL);
    EXPECT(get(io, "/nowhere", "", text, sizeof(text)) == 404);
    EXPECT(strstr(text, "X-Around: 1") != NULL);
    EXPECT(tr_close(io) == 0);
    end_service(&s);
}

/* ---- bad arguments ---- */

CASE(bad_arguments_are_refused)
{
    tr_http_server *server = new_server(&(tr_http_config){ 0 });
    tr_http_server *group;
    const char *name, *value;
    int64_t number;
    double real;
    tr_tls *tls = NULL;
    tr_io *io;

    EXPECT(tr_http_server_new(NULL, NULL) == TR_EINVAL);
    EXPECT(tr_http_server_new(&group, &(tr_http_config){ .drain = NAN }) == TR_EINVAL);
    EXPECT(tr_http_route(NULL, "GET", "/", look, NULL) == TR_EINVAL);
    EXPECT(tr_http_route(server, "CONNECT", "/", look, NULL) == TR_EINVAL);
    EXPECT(tr_http_route(server, "GET", "no/slash", look, NULL) == TR_EINVAL);
    EXPECT(tr_http_group(&group, server, "/ends/") == TR_EINVAL && group == NULL);
    EXPECT(tr_http_use(server, (tr_http_middleware){ .error = TR_ENOMEM }) == TR_ENOMEM);
    EXPECT(tr_http_next_call(NULL) == TR_EINVAL);
    EXPECT(tr_http_cors(&(tr_http_cors_options){ .has_credentials = true }).error == TR_EINVAL);
    EXPECT(tr_http_basic(NULL, is_me, NULL).error == TR_EINVAL);
    EXPECT(tr_http_bearer("a\"b", is_token, NULL).error == TR_EINVAL);
    EXPECT(tr_http_rate_limit(&(tr_http_rate_options){ .per_second = -1 }).error == TR_EINVAL);
    EXPECT(tr_http_compress(&(tr_http_compress_options){ .level = 10 }).error == TR_EINVAL);
    EXPECT(strcmp(tr_http_method(NULL), "") == 0 && strcmp(tr_http_path(NULL), "") == 0);
    EXPECT(strcmp(tr_http_target(NULL), "") == 0 && strcmp(tr_http_pattern(NULL), "") == 0);
    EXPECT(tr_http_param(NULL, "x") == NULL && tr_http_header(NULL, "x") == NULL);
    EXPECT(!tr_http_header_at(NULL, 0, &name, &value) && tr_http_query(NULL, "x") == NULL);
    EXPECT(tr_http_query_at(NULL, "x", 0) == NULL && tr_http_cookie(NULL, "x") == NULL);
    EXPECT(tr_http_accepts(NULL, &(const char *){ "a/b" }, 1) == TR_EINVAL);
    EXPECT(tr_http_param_int(NULL, "x", &number) == TR_ENOENT);
    EXPECT(tr_http_query_int(NULL, "x", NULL) == TR_EINVAL);
    EXPECT(tr_http_query_double(NULL, "x", &real) == TR_ENOENT);
    EXPECT(tr_http_body_as(NULL) == NULL && strcmp(tr_http_peer(NULL), "") == 0);
    EXPECT(!tr_http_is_secure(NULL) && tr_http_alloc(NULL, 1) == NULL);
    EXPECT(tr_http_set_value(NULL, &key, NULL, NULL) == TR_EINVAL &&
           tr_http_value(NULL, &key) == NULL);
    EXPECT(tr_http_answer(NULL, 200, &tr_declared_item, &number) == TR_EINVAL);
    EXPECT(tr_http_problem(NULL, 400, "x") == TR_EINVAL && tr_http_status(NULL, 204) == TR_EINVAL);
    EXPECT(tr_http_redirect(NULL, 0, "/") == TR_EINVAL);
    EXPECT(tr_http_set_header(NULL, "a", "b") == TR_EINVAL);
    EXPECT(tr_http_add_header(NULL, "a", "b") == TR_EINVAL);
    EXPECT(tr_http_answer_header(NULL, "a") == NULL);
    EXPECT(tr_http_set_cookie(NULL, "a", "b", NULL) == TR_EINVAL);
    EXPECT(tr_http_flush(NULL) == TR_EINVAL && tr_http_events(NULL) == TR_EINVAL);
    EXPECT(tr_http_event(NULL, NULL, NULL, "x") == TR_EINVAL);
    EXPECT(tr_http_event_retry(NULL, 1) == TR_EINVAL && tr_http_event_idle(NULL) == TR_EINVAL);
    EXPECT(tr_http_answer_status(NULL) == 0 && tr_http_answer_bytes(NULL) == 0);
    EXPECT(strcmp(tr_http_id(NULL), "") == 0 && strcmp(tr_http_user(NULL), "") == 0);
    EXPECT(tr_http_set_user(NULL, "x") == TR_EINVAL && !tr_http_equals(NULL, "x"));
    EXPECT(tr_address_port(NULL) == 0 && tr_writev_all(NULL, NULL, 0) == TR_EINVAL);
    EXPECT(tr_tls_ref(NULL) == NULL && tr_tls_connect(&io, "a:1", tls, NULL) == TR_EINVAL);
    EXPECT(tr_udp_connect(NULL, NULL) == TR_EINVAL && tr_udp_fd(NULL) == -1);
    EXPECT(tr_ws_waiting(NULL) == 0 && tr_ws_dropped(NULL) == 0);
    EXPECT(tr_room_ref(NULL) == NULL && tr_room_leave(NULL, NULL) == TR_EINVAL);
    EXPECT(tr_room_text(NULL, "x") == TR_EINVAL);
    EXPECT(tr_http_serve(server) == TR_EINVAL); /* of the routes that could not be added */
}

CASES("handlers", a_handler_sees_all_of_a_request, the_type_that_a_client_likes_best_is_chosen,
      values_of_a_task_are_gone_with_the_request, an_error_has_the_status_of_its_code,
      the_last_answer_counts_and_bad_ones_are_refused,
      declared_bodies_are_checked_before_the_handler, events_are_sent_as_they_happen,
      middleware_stands_around_handlers_in_its_order, bad_arguments_are_refused)
