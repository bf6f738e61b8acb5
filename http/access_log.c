/* Middleware: a line for each answer. */
#include <stdio.h>
#include <string.h>

#include "base/log.h"
#include "base/seam.h"
#include "http/connection.h"
#include "http/middleware.h"
#include "http/utf8.h"
#include "net/system.h"

#define NS_PER_S 1e9

enum {
    LINE_BYTES = 4096,
    TIME_BYTES = 40,
    /* Of what may be long, escaped: together they leave some hundred for the rest. */
    TARGET_MOST = 2000,
    ROUTE_MOST = 400,
    USER_MOST = 200,
    REFERER_MOST = 600,
    AGENT_MOST = 600,
    ID_MOST = 64,
    METHOD_MOST = 32,
    ESCAPED_BYTES = 8
};

typedef enum escaping { AS_COMBINED, AS_JSON, AS_JSON_IN_UTF8 } escaping;

/* A line in the making: what does not fit is left out. */
typedef struct line {
    char text[LINE_BYTES];
    size_t bytes;
} line;

static void add(line *l, const char *text, size_t bytes)
{
    size_t room = sizeof(l->text) - 1 - l->bytes;

    if (bytes > room)
        bytes = room;
    memcpy(l->text + l->bytes, text, bytes);
    l->bytes += bytes;
    l->text[l->bytes] = 0;
}

static void add_text(line *l, const char *text)
{
    add(l, text, strlen(text));
}

static void add_number(line *l, const char *format, double number)
{
    char text[32];

    (void)snprintf(text, sizeof(text), format, number); /* it fits */
    add_text(l, text);
}

/* What stands for the character that text begins with, so that it ends neither a field nor the
 * line: quotes, backslashes and what is not printable are escaped, as Apache does ("\xhh"), or as
 * JSON does. Returns how many bytes of the text it is. */
static size_t escape(const char *text, escaping how, char escaped[ESCAPED_BYTES])
{
    static const char *const formats[] = {
        [AS_COMBINED] = "\\x%02x", [AS_JSON] = "\\u%04x", [AS_JSON_IN_UTF8] = "\\u%04x"
    };
    unsigned char c = (unsigned char)*text;
    size_t bytes = how != AS_JSON_IN_UTF8 || c < 0x80 ? 1 : c < 0xe0 ? 2 : c < 0xf0 ? 3 : 4;

    if (c == '"' || c == '\\')
        (void)snprintf(escaped, ESCAPED_BYTES, "\\%c", c);
    else if (bytes == 1 && (c < ' ' || c >= 127))
        (void)snprintf(escaped, ESCAPED_BYTES, formats[how], c);
    else {
        memcpy(escaped, text, bytes);
        escaped[bytes] = 0;
    }
    return bytes;
}

/* What a client says, in so many bytes at most: all fields have room, then. */
static void add_escaped(line *l, const char *text, bool is_json, size_t most)
{
    escaping how = !is_json                                ? AS_COMBINED
                   : tr__utf8_is_valid(text, strlen(text)) ? AS_JSON_IN_UTF8
                                                           : AS_JSON;
    size_t end = l->bytes + most;
    char escaped[ESCAPED_BYTES];

    while (*text != 0) {
        text += escape(text, how, escaped);
        if (l->bytes + strlen(escaped) > end)
            break;
        add_text(l, escaped);
    }
}

static const char *or_dash(const char *text)
{
    return text != NULL && text[0] != 0 ? text : "-";
}

/* Its address without the port. */
static void add_host(line *l, tr_http_request *req)
{
    const char *peer = tr_http_peer(req);
    const char *colon = strrchr(peer, ':');

    if (strncmp(peer, "unix:", 5) == 0 || colon == NULL)
        add_text(l, or_dash(peer));
    else if (peer[0] == '[')
        add(l, peer + 1, (size_t)(colon - peer) - 2);
    else
        add(l, peer, (size_t)(colon - peer));
}

static void format_time(char text[TIME_BYTES], const char *format)
{
    time_t seconds = (time_t)(tr__sys_wall_ns() / (uint64_t)NS_PER_S);
    struct tm parts;

    (void)gmtime_r(&seconds, &parts);                 /* the year fits */
    (void)strftime(text, TIME_BYTES, format, &parts); /* and so does the text */
}

/* host - user [time] "request" status bytes "referer" "agent" seconds */
static void format_combined(line *l, tr_http_request *req, tr_http_response *res, double seconds)
{
    char time[TIME_BYTES];

    format_time(time, " [%d/%b/%Y:%H:%M:%S +0000] \"");
    add_host(l, req);
    add_text(l, " - ");
    add_escaped(l, or_dash(tr_http_user(req)), false, USER_MOST);
    add_text(l, time);
    add_text(l, tr_http_method(req));
    add_text(l, " ");
    add_escaped(l, tr_http_target(req), false, TARGET_MOST);
    add_number(l, " HTTP/1.%.0f\" ", req->parser.http_minor);
    add_number(l, "%.0f ", tr_http_answer_status(res));
    add_number(l, "%.0f \"", (double)tr_http_answer_bytes(res));
    add_escaped(l, or_dash(tr_http_header(req, "Referer")), false, REFERER_MOST);
    add_text(l, "\" \"");
    add_escaped(l, or_dash(tr_http_header(req, "User-Agent")), false, AGENT_MOST);
    add_number(l, "\" %.6f", seconds);
}

static void add_field(line *l, const char *name, const char *value, size_t most)
{
    add_text(l, ",\"");
    add_text(l, name);
    add_text(l, "\":\"");
    add_escaped(l, value != NULL ? value : "", true, most);
    add_text(l, "\"");
}

static void format_json(line *l, tr_http_request *req, tr_http_response *res, double seconds)
{
    char time[TIME_BYTES];

    format_time(time, "{\"time\":\"%Y-%m-%dT%H:%M:%SZ\"");
    add_text(l, time);
    add_text(l, ",\"client\":\"");
    add_host(l, req);
    add_text(l, "\"");
    add_field(l, "method", tr_http_method(req), METHOD_MOST);
    add_field(l, "target", tr_http_target(req), TARGET_MOST);
    add_field(l, "route", tr_http_pattern(req), ROUTE_MOST);
    add_number(l, ",\"status\":%.0f", tr_http_answer_status(res));
    add_number(l, ",\"bytes\":%.0f", (double)tr_http_answer_bytes(res));
    add_number(l, ",\"seconds\":%.6f", seconds);
    add_field(l, "id", tr_http_id(req), ID_MOST);
    add_field(l, "user", tr_http_user(req), USER_MOST);
    add_field(l, "agent", tr_http_header(req, "User-Agent"), AGENT_MOST);
    add_text(l, "}");
}

/* A handler's error, and no answer at all, are turned into one only after this: say which. */
static int log_answer(tr_http_request *req, tr_http_response *res, tr_http_next *next, void *ctx)
{
    const tr_http_log_options *options = ctx;
    uint64_t begin_ns = tr__now_ns();
    int rc = tr_http_next_call(next);
    double seconds;
    line *l = tr__alloc(sizeof(*l)); /* a handler's stack may be small */

    tr__route_settle(req, rc);
    seconds = (double)(tr__now_ns() - begin_ns) / NS_PER_S;
    if (l == NULL)
        return rc; /* better no line than no answer */
    l->bytes = 0;
    if (options->format == TR_HTTP_LOG_JSON)
        format_json(l, req, res, seconds);
    else
        format_combined(l, req, res, seconds);
    if (options->write != NULL)
        options->write(options->ctx, l->text);
    else
        tr__log(TR_LOG_INFO, "%s", l->text);
    tr__free(l);
    return rc;
}

tr_http_middleware tr_http_log(const tr_http_log_options *options)
{
    static const tr_http_log_options usual = { 0 };

    return tr__middleware(log_answer, options != NULL ? options : &usual, sizeof(*options), NULL);
}
