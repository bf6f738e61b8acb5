/* The access log: lines of both formats, whatever a client says. */
#include <jansson.h>

#include "http/service.h"

enum { LINES = 8, LINE_BYTES = 4096 };

static char lines[2][LINES][LINE_BYTES]; /* of both formats */
static int counts[2];

static void keep(void *ctx, const char *line)
{
    int i = *(const int *)ctx;

    EXPECT(counts[i] < LINES && strlen(line) < LINE_BYTES);
    (void)snprintf(lines[i][counts[i]++], LINE_BYTES, "%s", line);
}

static int greet(tr_http_request *req, tr_http_response *res, void *ctx)
{
    (void)req;
    (void)ctx;
    return tr_http_text(res, 200, "hello");
}

static int is_user(tr_http_request *req, const char *user, const char *password, void *ctx)
{
    (void)req;
    (void)user;
    (void)password;
    (void)ctx;
    return 1;
}

static int nothing(tr_http_request *req, tr_http_response *res, void *ctx)
{
    (void)req;
    (void)res;
    (void)ctx;
    return TR_ENOENT;
}

static void begin(service *s)
{
    static const int numbers[] = { 0, 1 };
    tr_http_server *server = new_server(&(tr_http_config){ 0 });

    counts[0] = counts[1] = 0;
    for (int i = 0; i < 2; i++)
        EXPECT(tr_http_use(server, tr_http_log(&(tr_http_log_options){
                                       .format = i == 0 ? TR_HTTP_LOG_COMBINED : TR_HTTP_LOG_JSON,
                                       .write = keep,
                                       .ctx = (void *)(uintptr_t)&numbers[i] })) == 0);
    EXPECT(tr_http_use(server, tr_http_request_id()) == 0);
    EXPECT(tr_http_use(server, tr_http_basic("a", is_user, NULL)) == 0);
    EXPECT(tr_http_route(server, "GET", "/hello/:name", greet, NULL) == 0);
    EXPECT(tr_http_route(server, "GET", "/nothing", nothing, NULL) == 0);
    begin_service(s, server);
}

/* One request; its line of either format. The line stands before its answer goes out. */
static int ask(service *s, const char *target, const char *headers)
{
    char request[4096];
    char text[4096];
    tr_io *io = open_client(s);
    int status;

    (void)snprintf(request, sizeof(request), "GET %s HTTP/1.1\r\nHost: a\r\n%s\r\n", target,
                   headers);
    say(io, request);
    status = hear(io, text, sizeof(text));
    EXPECT(tr_close(io) == 0);
    return status;
}

static const char *combined(int i)
{
    return lines[0][i];
}

static json_t *parsed(int i)
{
    json_t *line = json_loads(lines[1][i], 0, NULL);

    if (line == NULL)
        fprintf(stderr, "no JSON: %s\n", lines[1][i]);
    EXPECT(json_is_object(line));
    return line;
}

static bool says(json_t *line, const char *name, const char *text)
{
    const char *value = json_string_value(json_object_get(line, name));

    return value != NULL && strcmp(value, text) == 0;
}

/* "ann:" */
#define ANN "Authorization: Basic YW5uOg==\r\n"

CASE(a_line_tells_who_has_asked_for_what)
{
    service s;
    json_t *line;

    begin(&s);
    EXPECT(ask(&s, "/hello/x?a=b",
               ANN "User-Agent: curl/8\r\nReferer: http://a.org/\r\n"
                   "X-Request-Id: r-1\r\n") == 200);
    EXPECT(counts[0] == 1 && counts[1] == 1);
    EXPECT(strncmp(combined(0), "127.0.0.1 - ann [", 17) == 0);
    EXPECT(strstr(combined(0), " +0000] \"GET /hello/x?a=b HTTP/1.1\" 200 5 "
                               "\"http://a.org/\" \"curl/8\" ") != NULL);
    line = parsed(0);
    EXPECT(says(line, "client", "127.0.0.1") && says(line, "method", "GET"));
    EXPECT(says(line, "target", "/hello/x?a=b") && says(line, "route", "/hello/:name"));
    EXPECT(says(line, "user", "ann") && says(line, "agent", "curl/8") && says(line, "id", "r-1"));
    EXPECT(json_integer_value(json_object_get(line, "status")) == 200);
    EXPECT(json_integer_value(json_object_get(line, "bytes")) == 5);
    EXPECT(json_is_number(json_object_get(line, "seconds")));
    json_decref(line);
    end_service(&s);
}

CASE(a_line_tells_what_was_answered_in_the_end)
{
    service s;
    json_t *line;

    begin(&s);
    EXPECT(ask(&s, "/nothing", ANN) == 404 && ask(&s, "/nowhere", ANN) == 404);
    EXPECT(ask(&s, "/hello/x", "") == 401);
    EXPECT(strstr(combined(0), "\"GET /nothing HTTP/1.1\" 404 ") != NULL);
    EXPECT(strstr(combined(1), "\"GET /nowhere HTTP/1.1\" 404 ") != NULL);
    EXPECT(strstr(combined(2), " - - [") != NULL && strstr(combined(2), "\" 401 ") != NULL);
    EXPECT(strstr(combined(2), "\"-\" \"-\" ") != NULL);
    for (int i = 0; i < 3; i++) {
        line = parsed(i);
        EXPECT(json_integer_value(json_object_get(line, "status")) == (i < 2 ? 404 : 401));
        EXPECT(json_integer_value(json_object_get(line, "bytes")) > 0);
        json_decref(line);
    }
    end_service(&s);
}

/* Quotes, backslashes, tabs, bytes that are no characters: they end no field, and no line. */
CASE(what_a_client_says_does_not_break_out_of_its_line)
{
    service s;
    json_t *line;

    begin(&s);
    /* The user is "a\"\n\x7f b". */
    EXPECT(ask(&s, "/hello/x?%22%0a\"\\",
               "Authorization: Basic YSIKfyBiOg==\r\nUser-Agent: \"\\\t\xff\xc3\xa4\" 200 1\r\n"
               "Referer: x\" \"y\r\n") == 200);
    EXPECT(counts[0] == 1 && counts[1] == 1);
    for (const char *at = combined(0); *at != 0; at++)
        EXPECT(*at >= ' ' && *at < 127);
    EXPECT(strstr(combined(0), " - a\\\"\\x0a\\x7f b [") != NULL);
    EXPECT(strstr(combined(0), "\"GET /hello/x?%22%0a\\\"\\\\ HTTP/1.1\" 200 5 \"x\\\" \\\"y\" "
                               "\"\\\"\\\\\\x09\\xff\\xc3\\xa4\\\" 200 1\" ") != NULL);
    for (const char *at = lines[1][0]; *at != 0; at++)
        EXPECT(*at >= ' ' && *at < 127);
    line = parsed(0);
    EXPECT(says(line, "target", "/hello/x?%22%0a\"\\"));
    EXPECT(says(line, "user", "a\"\n\x7f b"));
    EXPECT(json_integer_value(json_object_get(line, "status")) == 200);
    json_decref(line);
    EXPECT(ask(&s, "/hello/x", ANN "User-Agent: \xc3\xa4 \xe2\x82\xac\r\n") == 200);
    EXPECT(strstr(combined(1), "\"\\xc3\\xa4 \\xe2\\x82\\xac\"") != NULL);
    line = parsed(1);
    EXPECT(says(line, "agent", "\xc3\xa4 \xe2\x82\xac"));
    json_decref(line);
    end_service(&s);
}

/* What does not fit is left out, and what is left is still a line of its format. */
CASE(a_line_is_a_line_however_much_a_client_says)
{
    static const char *const ends[] = { "x", "\"", "\xff" };
    static char agent[3000], target[3000];
    service s;

    begin(&s);
    for (int i = 0; i < 3; i++) {
        char *at = agent + sprintf(agent, "User-Agent: ");

        for (int k = 0; k < 1500; k++)
            *at++ = *ends[i];
        (void)sprintf(at, "\r\n%s", i == 0 ? ANN : "");
        EXPECT(ask(&s, "/hello/x", agent) == (i == 0 ? 200 : 401));
        json_decref(parsed(i));
    }
    for (int i = 0; i < 3; i++) {
        char *at = target + sprintf(target, "/hello/");

        for (int k = 0; k < 1900 + 40 * i; k++)
            *at++ = i == 2 ? '"' : 'x';
        *at = 0;
        EXPECT(ask(&s, target, ANN "User-Agent: y\r\n") == 200);
        json_decref(parsed(3 + i));
    }
    EXPECT(counts[0] == 6);
    end_service(&s);
}

CASES("access_log", a_line_tells_who_has_asked_for_what, a_line_tells_what_was_answered_in_the_end,
      what_a_client_says_does_not_break_out_of_its_line,
      a_line_is_a_line_however_much_a_client_says)
