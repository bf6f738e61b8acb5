/* The head of a request, as it goes out. What stands in it was looked at when it was given: nothing
 * in it ends a line. */
#include <stdio.h>
#include <string.h>

#include "base/seam.h"
#include "client/exchange.h"
#include "client/decompress.h"
#include "client/fields.h"
#include "client/jar.h"

/* Writes as long as there is memory. */
typedef struct writer {
    tr__buffer *out;
    bool has_failed;
} writer;

static void put(writer *w, const char *text, size_t bytes)
{
    tr__buffer *out = w->out;

    if (TR__UNLIKELY(out->capacity - out->end < bytes) && !tr__buffer_reserve(out, bytes)) {
        w->has_failed = true;
        return;
    }
    memcpy(out->bytes + out->end, text, bytes);
    out->end += bytes;
}

static void put_text(writer *w, const char *text)
{
    put(w, text, strlen(text));
}

static void put_line(writer *w, tr__slice name, tr__slice value)
{
    put(w, name.at, name.bytes);
    put(w, ": ", 2);
    put(w, value.at, value.bytes);
    put(w, "\r\n", 2);
}

/* Where a redirect has led elsewhere, nobody is told who asks, nor under which name. */
static bool is_secret(const tr__client_call *call, tr__known known)
{
    return call->has_left && (known == TR__KNOWN_AUTHORIZATION || known == TR__KNOWN_COOKIE ||
                              known == TR__KNOWN_HOST);
}

static bool has_line(const tr__client_call *call, const char *name)
{
    return tr__client_lines_have(call->lines, call->line_count, name) ||
           (!is_secret(call, tr__header_known(tr__slice_of(name))) &&
            tr__client_lines_have(call->client->lines, call->client->line_count, name));
}

/* What the client says by itself, unless the program does. */
static void put_default(writer *w, const tr__client_call *call, const char *name, tr__slice value)
{
    if (!has_line(call, name))
        put_line(w, tr__slice_of(name), value);
}

/* The same, but that the client's own headers do not count: it is about this call. */
static void put_own(writer *w, const tr__client_call *call, const char *name, const char *value)
{
    if (!tr__client_lines_have(call->lines, call->line_count, name))
        put_line(w, tr__slice_of(name), tr__slice_of(value));
}

static void put_framing(writer *w, const tr__client_call *call)
{
    char text[48];

    if (!call->has_body) {
        /* What is usually sent with one says that there is none (RFC 9110, 8.6). */
        if (strcmp(call->method, "POST") == 0 || strcmp(call->method, "PUT") == 0 ||
            strcmp(call->method, "PATCH") == 0)
            put_text(w, "Content-Length: 0\r\n");
        return;
    }
    if (call->given.source != NULL && call->given.source_bytes == 0) {
        put_text(w, "Transfer-Encoding: chunked\r\n");
        return;
    }
    (void)snprintf(text, sizeof(text), "Content-Length: %llu\r\n",
                   (unsigned long long)(call->given.source != NULL ? call->given.source_bytes
                                                                   : call->body_bytes));
    put_text(w, text);
}

static void put_upgrade(writer *w, const tr__client_call *call)
{
    if (call->given.upgrade == NULL)
        return;
    put_text(w, "Connection: Upgrade\r\n");
    put_line(w, (tr__slice){ "Upgrade", 7 }, tr__slice_of(call->given.upgrade));
}

/* What the jar has for it. */
static void put_cookies(writer *w, const tr__client_call *call)
{
    size_t before = w->out->end;
    size_t named;

    if (call->client->jar == NULL || has_line(call, "Cookie"))
        return;
    put_text(w, "Cookie: ");
    named = w->out->end;
    if (!w->has_failed && tr__jar_get(call->client->jar, &call->url, tr__call_wall_s(), w->out) < 0)
        w->has_failed = true;
    if (w->out->end > named)
        put(w, "\r\n", 2);
    else
        w->out->end = before;
}

/* The client's headers that the call has none of the same name for, nor something in their place;
 * then the call's. */
static void put_given(writer *w, const tr__client_call *call)
{
    const tr_http_client *client = call->client;

    for (size_t i = 0; i < client->line_count; i++) {
        const tr__client_line *line = &client->lines[i];
        tr__known known = tr__header_known(line->name);
        bool is_taken = is_secret(call, known) ||
                        (known == TR__KNOWN_CONTENT_TYPE && call->type != NULL) ||
                        (known == TR__KNOWN_AUTHORIZATION && call->authorization != NULL);

        for (size_t j = 0; j < call->line_count && !is_taken; j++)
            is_taken = tr__slice_equals_ignoring_case(line->name, call->lines[j].name);
        if (!is_taken)
            put_line(w, line->name, line->value);
    }
    for (size_t i = 0; i < call->line_count; i++)
        put_line(w, call->lines[i].name, call->lines[i].value);
}

int tr__request_write(const tr__client_call *call, tr__buffer *out)
{
    bool is_asked = tr__proxy_is_asked(call->proxy, &call->url);
    writer w = { .out = out };

    put_text(&w, call->method);
    put(&w, " ", 1);
    put_text(&w, is_asked ? call->url.text : call->url.target);
    put_text(&w, " HTTP/1.1\r\n");
    put_default(&w, call, "Host", call->url.authority);
    if (is_asked && call->proxy->authorization != NULL)
        put_line(&w, tr__slice_of("Proxy-Authorization"), tr__slice_of(call->proxy->authorization));
    put_default(&w, call, "User-Agent", tr__slice_of(call->client->agent));
    put_default(&w, call, "Accept", (tr__slice){ "*/*", 3 });
    if (call->decodes)
        put_text(&w, "Accept-Encoding: " TR__CODINGS_TAKEN "\r\n");
    if (call->authorization != NULL)
        put_own(&w, call, "Authorization", call->authorization);
    if (call->type != NULL)
        put_own(&w, call, "Content-Type", call->type);
    put_framing(&w, call);
    put_upgrade(&w, call);
    put_given(&w, call);
    put_cookies(&w, call);
    put(&w, "\r\n", 2);
    return w.has_failed ? TR_ENOMEM : 0;
}
