/* What stands around handlers: other origins, who asks, how often, and which request it was. */
#include "http/service.h"

static int greet(tr_http_request *req, tr_http_response *res, void *ctx)
{
    (void)ctx;
    return tr_http_text(res, 200, "hello %s", tr_http_user(req));
}

static int say_id(tr_http_request *req, tr_http_response *res, void *ctx)
{
    (void)ctx;
    return tr_http_text(res, 200, "<%s>", tr_http_id(req));
}

/* A server with one middleware around "/". */
static void begin_with(service *s, tr_http_middleware middleware, tr_http_handler fn)
{
    tr_http_server *server = new_server(&(tr_http_config){ 0 });

    EXPECT(tr_http_use(server, middleware) == 0);
    EXPECT(tr_http_route(server, "GET", "/", fn, NULL) == 0);
    EXPECT(tr_http_route(server, "POST", "/", fn, NULL) == 0);
    begin_service(s, server);
}

static int ask(tr_io *io, const char *method, const char *headers, char *text, size_t room)
{
    char request[1024];

    (void)snprintf(request, sizeof(request), "%s / HTTP/1.1\r\nHost: a\r\n%s\r\n", method, headers);
    say(io, request);
    return hear(io, text, room);
}

static bool has(const char *text, const char *line)
{
    return strstr(text, line) != NULL;
}

/* ---- other origins ---- */

CASE(a_page_of_an_origin_that_is_known_may_ask_and_read)
{
    const tr_http_cors_options options = { .origins = "https://a.org https://b.org",
                                           .methods = "GET, PUT",
                                           .headers = "X-A",
                                           .exposed = "X-B",
                                           .has_credentials = true,
                                           .max_age = 60 };
    char text[1024];
    service s;
    tr_io *io;

    begin_with(&s, tr_http_cors(&options), greet);
    io = open_client(&s);
    EXPECT(ask(io, "OPTIONS",
               "Origin: https://b.org\r\nAccess-Control-Request-Method: PUT\r\n"
               "Access-Control-Request-Headers: X-Z\r\n",
               text, sizeof(text)) == 204);
    EXPECT(has(text, "Access-Control-Allow-Origin: https://b.org\r\n"));
    EXPECT(has(text, "Access-Control-Allow-Credentials: true\r\n"));
    EXPECT(has(text, "Access-Control-Allow-Methods: GET, PUT\r\n"));
    EXPECT(has(text, "Access-Control-Allow-Headers: X-A\r\n"));
    EXPECT(has(text, "Access-Control-Max-Age: 60\r\n") && has(text, "Vary: Origin\r\n"));
    EXPECT(ask(io, "GET", "Origin: https://a.org\r\n", text, sizeof(text)) == 200);
    EXPECT(has(text, "Access-Control-Allow-Origin: https://a.org\r\n"));
    EXPECT(has(text, "Access-Control-Expose-Headers: X-B\r\n") && has(text, "Vary: Origin\r\n"));
    EXPECT(!has(text, "Access-Control-Allow-Methods"));
    EXPECT(tr_close(io) == 0);
    end_service(&s);
}

/* It is answered, as anybody is: its browser keeps the answer from it. A preflight is then what it
 * is without all this. */
CASE(a_page_of_another_origin_is_allowed_nothing)
{
    static const char *const origins[] = { "https://c.org",        "https://a.org.c.org",
                                           "https://a.or",         "http://a.org",
                                           "https://a.org:8443",   "null",
                                           "https://b.org https:", "https://A.org/" };
    char headers[256], text[1024];
    service s;
    tr_io *io;

    begin_with(&s, tr_http_cors(&(tr_http_cors_options){ .origins = "https://a.org" }), greet);
    io = open_client(&s);
    for (size_t i = 0; i < sizeof(origins) / sizeof(origins[0]); i++) {
        (void)snprintf(headers, sizeof(headers),
                       "Origin: %s\r\nAccess-Control-Request-Method: GET\r\n", origins[i]);
        EXPECT(ask(io, "OPTIONS", headers, text, sizeof(text)) == 204);
        EXPECT(!has(text, "Access-Control-") && has(text, "Allow: "));
        EXPECT(ask(io, "GET", headers, text, sizeof(text)) == 200);
        EXPECT(!has(text, "Access-Control-"));
        EXPECT(has(text, "Vary: Origin\r\n")); /* a cache must not keep it for the others */
    }
    EXPECT(ask(io, "GET", "", text, sizeof(text)) == 200 && !has(text, "Access-Control-"));
    EXPECT(has(text, "Vary: Origin\r\n"));
    EXPECT(tr_close(io) == 0);
    end_service(&s);
}

CASE(any_origin_may_be_allowed_but_without_credentials)
{
    char text[1024];
    service s;
    tr_io *io;

    EXPECT(tr_http_cors(&(tr_http_cors_options){ .has_credentials = true }).error == TR_EINVAL);
    EXPECT(tr_http_cors(&(tr_http_cors_options){ .max_age = -1 }).error == TR_EINVAL);
    begin_with(&s, tr_http_cors(NULL), greet);
    io = open_client(&s);
    EXPECT(ask(io, "OPTIONS",
               "Origin: null\r\nAccess-Control-Request-Method: DELETE\r\n"
               "Access-Control-Request-Headers: X-Z, X-Y\r\n",
               text, sizeof(text)) == 204);
    EXPECT(has(text, "Access-Control-Allow-Origin: *\r\n") && !has(text, "Vary: "));
    EXPECT(has(text, "Access-Control-Allow-Headers: X-Z, X-Y\r\n"));
    EXPECT(has(text, "DELETE") && has(text, "Access-Control-Max-Age: 600\r\n"));
    EXPECT(!has(text, "Credentials"));
    /* Without a method that is asked for, it is no preflight. */
    EXPECT(ask(io, "OPTIONS", "Origin: https://a.org\r\n", text, sizeof(text)) == 204);
    EXPECT(has(text, "Allow: ") && has(text, "Access-Control-Allow-Origin: *\r\n"));
    EXPECT(tr_close(io) == 0);
    end_service(&s);
}

/* ---- who asks ---- */

static int is_ann(tr_http_request *req, const char *user, const char *password, void *ctx)
{
    (void)req;
    (void)ctx;
    if (strcmp(user, "broken") == 0)
        return TR_EPERM;
    return tr_http_equals(user, "ann") && tr_http_equals(password, "s:3");
}

CASE(a_user_tells_a_name_and_a_password)
{
    /* "ann:s:3", "ann:s:4", "ann", "", a 0 in it, no base64, nothing, others' schemes. */
    static const char *const wrong[] = {
        "",
        "Authorization: Basic YW5uOnM6NA==\r\n",
        "Authorization: Basic YW5u\r\n",
        "Authorization: Basic \r\n",
        "Authorization: Basic\r\n",
        "Authorization: Basic YW5uOnM6MwA=\r\n",
        "Authorization: Basic !!!!\r\n",
        "Authorization: Bearer YW5uOnM6Mw==\r\n",
        "Authorization: BasicYW5uOnM6Mw==\r\n",
        "Authorization: Basic YW5uOnM6Mw==\r\nAuthorization: Basic YW5uOnM6Mw==\r\n",
    };
    char text[1024];
    service s;
    tr_io *io;

    begin_with(&s, tr_http_basic("the house", is_ann, NULL), greet);
    io = open_client(&s);
    for (size_t i = 0; i < sizeof(wrong) / sizeof(wrong[0]); i++) {
        EXPECT(ask(io, "GET", wrong[i], text, sizeof(text)) == 401);
        EXPECT(has(text, "WWW-Authenticate: Basic realm=\"the house\", charset=\"UTF-8\"\r\n"));
        EXPECT(!has(text, "hello"));
    }
    EXPECT(ask(io, "GET", "Authorization: Basic YW5uOnM6Mw==\r\n", text, sizeof(text)) == 200);
    EXPECT(has(text, "hello ann") && !has(text, "WWW-Authenticate"));
    EXPECT(ask(io, "GET", "authorization: bASIC   YW5uOnM6Mw==\r\n", text, sizeof(text)) == 200);
    /* "broken:": the check itself fails. */
    EXPECT(ask(io, "GET", "Authorization: Basic YnJva2VuOg==\r\n", text, sizeof(text)) == 403);
    EXPECT(tr_close(io) == 0);
    end_service(&s);
}

static int is_token(tr_http_request *req, const char *token, void *ctx)
{
    (void)ctx;
    if (!tr_http_equals(token, "abc"))
        return 0;
    return tr_http_set_user(req, "bob") < 0 ? TR_ENOMEM : 1;
}

CASE(a_token_is_told_as_a_bearer_has_it)
{
    static const char *const wrong[] = { "",
                                         "Authorization: Bearer abd\r\n",
                                         "Authorization: Bearer abcd\r\n",
                                         "Authorization: Bearer\r\n",
                                         "Authorization: Bearer \r\n",
                                         "Authorization: Basic abc\r\n",
                                         "Authorization: abc\r\n" };
    char text[1024];
    service s;
    tr_io *io;

    begin_with(&s, tr_http_bearer("api", is_token, NULL), greet);
    io = open_client(&s);
    for (size_t i = 0; i < sizeof(wrong) / sizeof(wrong[0]); i++) {
        EXPECT(ask(io, "GET", wrong[i], text, sizeof(text)) == 401);
        EXPECT(has(text, "WWW-Authenticate: Bearer realm=\"api\"\r\n"));
    }
    EXPECT(ask(io, "GET", "Authorization: Bearer abc\r\n", text, sizeof(text)) == 200);
    EXPECT(has(text, "hello bob"));
    EXPECT(tr_close(io) == 0);
    end_service(&s);
}

CASE(what_can_not_authenticate_anybody_is_refused)
{
    EXPECT(tr_http_basic("a", NULL, NULL).error == TR_EINVAL);
    EXPECT(tr_http_bearer(NULL, is_token, NULL).error == TR_EINVAL);
    EXPECT(tr_http_bearer("a\"b", is_token, NULL).error == TR_EINVAL);
    EXPECT(tr_http_basic("a\r\nb", is_ann, NULL).error == TR_EINVAL);
    EXPECT(tr_http_equals("", "") && !tr_http_equals("a", "") && !tr_http_equals("a", "b"));
    EXPECT(!tr_http_equals(NULL, "a") && !tr_http_equals("a", NULL));
}

/* ---- how often ---- */

CASE(who_asks_too_often_is_told_when_to_come_again)
{
    const tr_http_rate_options options = { .per_second = 0.001, .burst = 2, .header = "X-Client" };
    char text[1024];
    service s;
    tr_io *io;
    int wait;

    begin_with(&s, tr_http_rate_limit(&options), greet);
    io = open_client(&s);
    for (int i = 0; i < 2; i++)
        EXPECT(ask(io, "GET", "X-Client: ann\r\n", text, sizeof(text)) == 200);
    EXPECT(ask(io, "GET", "X-Client: ann\r\n", text, sizeof(text)) == 429);
    EXPECT(sscanf(strstr(text, "Retry-After: "), "Retry-After: %d\r\n", &wait) == 1);
    EXPECT(wait > 1 && wait <= 1000 && has(text, "application/problem+json"));
    /* Others have a rate of their own, and so has an address. */
    EXPECT(ask(io, "GET", "X-Client: bob\r\n", text, sizeof(text)) == 200);
    EXPECT(ask(io, "GET", "", text, sizeof(text)) == 200);
    EXPECT(ask(io, "GET", "", text, sizeof(text)) == 200);
    EXPECT(tr_close(io) == 0);
    io = open_client(&s); /* from another port */
    EXPECT(ask(io, "GET", "", text, sizeof(text)) == 429);
    EXPECT(tr_close(io) == 0);
    end_service(&s);
}

/* Those who are full of requests again are forgotten first; else nobody more is let in. */
CASE(so_many_clients_are_known_and_no_more)
{
    enum { CLIENTS = 8 };
    const tr_http_rate_options options = {
        .per_second = 0.001, .burst = 1, .clients = CLIENTS, .header = "X-Client"
    };
    char text[1024], headers[64];
    int refused = 0;
    service s;
    tr_io *io;

    begin_with(&s, tr_http_rate_limit(&options), greet);
    io = open_client(&s);
    for (int i = 0; i < 3 * CLIENTS; i++) {
        int status;

        (void)snprintf(headers, sizeof(headers), "X-Client: number-%d\r\n", i);
        status = ask(io, "GET", headers, text, sizeof(text));
        EXPECT(status == 200 || status == 429);
        EXPECT(status == 200 || has(text, "Retry-After: 1\r\n"));
        refused += status == 429;
    }
    EXPECT(refused == 2 * CLIENTS);
    EXPECT(tr_close(io) == 0);
    end_service(&s);
}

/* ---- which it was ---- */

CASE(a_request_keeps_the_id_that_it_came_with_or_gets_one)
{
    static const char *const wrong[] = {
        "",
        "X-Request-Id: \r\n",
        "X-Request-Id: a b\r\n",
        "X-Request-Id: a\"b\r\n",
        "X-Request-Id: \xc3\xa4\r\n",
        "X-Request-Id: a\r\nX-Request-Id: b\r\n",
        "X-Request-Id: "
        "12345678901234567890123456789012345678901234567890123456789012345\r\n"
    };
    char text[1024], id[40], other[40] = "";
    service s;
    tr_io *io;

    begin_with(&s, tr_http_request_id(), say_id);
    io = open_client(&s);
    EXPECT(ask(io, "GET", "X-Request-Id: Ab-9_.z\r\n", text, sizeof(text)) == 200);
    EXPECT(has(text, "X-Request-Id: Ab-9_.z\r\n") && has(text, "<Ab-9_.z>"));
    for (size_t i = 0; i < sizeof(wrong) / sizeof(wrong[0]); i++) {
        EXPECT(ask(io, "GET", wrong[i], text, sizeof(text)) == 200);
        EXPECT(sscanf(strstr(text, "X-Request-Id: "), "X-Request-Id: %36[0-9a-f-]\r\n", id) == 1);
        EXPECT(strlen(id) == 36 && id[14] == '4' && strchr("89ab", id[19]) != NULL);
        EXPECT(has(text, id) && strcmp(id, other) != 0);
        memcpy(other, id, sizeof(id));
    }
    EXPECT(tr_close(io) == 0);
    end_service(&s);
}

CASES("middleware", a_page_of_an_origin_that_is_known_may_ask_and_read,
      a_page_of_another_origin_is_allowed_nothing,
      any_origin_may_be_allowed_but_without_credentials, a_user_tells_a_name_and_a_password,
      a_token_is_told_as_a_bearer_has_it, what_can_not_authenticate_anybody_is_refused,
      who_asks_too_often_is_told_when_to_come_again, so_many_clients_are_known_and_no_more,
      a_request_keeps_the_id_that_it_came_with_or_gets_one)
