/* A strict reader of requests. */
#include "fuzz/requests.h"

#include <string.h>

#include "fuzz/fuzz.h"

/* ---- pieces of grammar: each takes what it is from the text's begin ---- */

static bool is_token_byte(char c)
{
    return (c >= '0' && c <= '9') || (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') ||
           (c != 0 && strchr("!#$%&'*+-.^_`|~", c) != NULL);
}

static bool is_value_byte(char c)
{
    return c == '\t' || ((unsigned char)c >= ' ' && c != 0x7f);
}

static bool take(tr__slice *text, const char *what)
{
    if (!tr__slice_begins(*text, what))
        return false;
    *text = tr__slice_tail(*text, strlen(what));
    return true;
}

static bool take_bytes(tr__slice *text, bool (*fits)(char c), tr__slice *out)
{
    size_t count = 0;

    while (count < text->bytes && fits(text->at[count]))
        count++;
    *out = tr__slice_head(*text, count);
    *text = tr__slice_tail(*text, count);
    return count > 0;
}

static bool is_target_byte(char c)
{
    return c > ' ' && c < 0x7f;
}

/* A line of a header: false where there is none. */
static bool take_line(tr__slice *text, tr__slice *name, tr__slice *value)
{
    if (!take_bytes(text, is_token_byte, name) || !take(text, ":"))
        return false;
    (void)take_bytes(text, is_value_byte, value); /* it may be empty */
    *value = tr__slice_trim(*value);
    return take(text, "\r\n");
}

/* ---- heads ---- */

typedef struct framing {
    bool is_old; /* HTTP/1.0 */
    int hosts, lengths, codings;
    uint64_t length;
} framing;

static bool note_length(framing *f, tr__slice value)
{
    f->lengths++;
    for (size_t i = 0; i < value.bytes; i++) {
        if (value.at[i] < '0' || value.at[i] > '9' || f->length > UINT64_MAX / 10 - 1)
            return false;
        f->length = f->length * 10 + (uint64_t)(value.at[i] - '0');
    }
    return value.bytes > 0 && f->lengths == 1;
}

static bool note_line(framing *f, tr__slice name, tr__slice value)
{
    if (tr__slice_is_ignoring_case(name, "Host"))
        return ++f->hosts == 1;
    if (tr__slice_is_ignoring_case(name, "Content-Length"))
        return note_length(f, value) && f->codings == 0;
    if (!tr__slice_is_ignoring_case(name, "Transfer-Encoding"))
        return true;
    return ++f->codings == 1 && f->lengths == 0 && !f->is_old &&
           tr__slice_is_ignoring_case(value, "chunked");
}

static bool take_lines(tr__slice *text, framing *f)
{
    tr__slice name, value;

    while (!take(text, "\r\n"))
        if (!take_line(text, &name, &value) || !note_line(f, name, value))
            return false;
    return true;
}

static bool take_head(tr__slice *text, fuzz_request *out, framing *f)
{
    while (take(text, "\r\n"))
        ; /* RFC 9112, 2.2 */
    if (!take_bytes(text, is_token_byte, &out->method) || !take(text, " ") ||
        !take_bytes(text, is_target_byte, &out->target))
        return false;
    f->is_old = tr__slice_begins(*text, " HTTP/1.0\r\n");
    if (!take(text, f->is_old ? " HTTP/1.0\r\n" : " HTTP/1.1\r\n"))
        return false;
    return take_lines(text, f) && (f->is_old || f->hosts == 1);
}

/* ---- bodies ---- */

static bool put(fuzz_request *out, tr__slice data)
{
    if (data.bytes > FUZZ_BODY_BYTES - out->body_bytes)
        return false;
    if (data.bytes > 0)
        memcpy(out->body + out->body_bytes, data.at, data.bytes);
    out->body_bytes += data.bytes;
    return true;
}

static bool take_data(tr__slice *text, fuzz_request *out, uint64_t bytes)
{
    size_t count = bytes < text->bytes ? (size_t)bytes : text->bytes;
    bool is_put = put(out, tr__slice_head(*text, count));

    *text = tr__slice_tail(*text, count);
    return is_put && count == bytes;
}

static bool take_size(tr__slice *text, uint64_t *size)
{
    size_t count = 0;

    /* Zeros before it are no part of it. */
    for (*size = 0; count < text->bytes && *size >> 60 == 0; count++) {
        const char *digits = "0123456789abcdef";
        char c = text->at[count];
        const char *at = c != 0 ? strchr(digits, c >= 'A' && c <= 'F' ? c + 32 : c) : NULL;

        if (at == NULL)
            break;
        *size = *size << 4 | (uint64_t)(at - digits);
    }
    *text = tr__slice_tail(*text, count);
    return count > 0;
}

/* What stands behind a size; how it is made up is not looked at. */
static bool take_extensions(tr__slice *text)
{
    tr__slice unused;

    if (tr__slice_begins(*text, ";"))
        (void)take_bytes(text, is_value_byte, &unused);
    return take(text, "\r\n");
}

static bool take_chunks(tr__slice *text, fuzz_request *out)
{
    tr__slice name, value;
    uint64_t size;

    do {
        if (!take_size(text, &size) || !take_extensions(text) || !take_data(text, out, size))
            return false;
        if (size > 0 && !take(text, "\r\n"))
            return false;
    } while (size > 0);
    while (!take(text, "\r\n"))
        if (!take_line(text, &name, &value))
            return false;
    return true;
}

size_t fuzz_read_requests(tr__slice text, fuzz_request *out, size_t most)
{
    size_t count = 0;

    while (count < most) {
        fuzz_request *request = &out[count];
        framing f = { 0 };

        request->body_bytes = 0;
        if (!take_head(&text, request, &f))
            break;
        request->is_whole =
            f.codings > 0 ? take_chunks(&text, request) : take_data(&text, request, f.length);
        count++;
        if (!request->is_whole)
            break;
    }
    return count;
}
