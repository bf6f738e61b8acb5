/* A strict reader of answers. */
#include "fuzz/answers.h"

#include <string.h>
#include <zlib.h>

#include "fuzz/fuzz.h"
#include "http/header_name.h"

typedef struct head {
    int lengths, codings, dates, types;
    uint64_t length;
} head;

/* ---- heads ---- */

static void note_line(head *h, fuzz_reply *out, tr__slice name, tr__slice value)
{
    if (tr__slice_is_ignoring_case(name, "Content-Length")) {
        h->lengths++;
        EXPECT(tr__slice_to_u64(value, INT64_MAX, &h->length));
    } else if (tr__slice_is_ignoring_case(name, "Transfer-Encoding")) {
        h->codings++;
        EXPECT(tr__slice_is(value, "chunked"));
    } else if (tr__slice_is_ignoring_case(name, "Connection")) {
        EXPECT(tr__slice_is(value, "close") || tr__slice_is(value, "keep-alive") ||
               out->status == 101);
        out->is_closing |= tr__slice_is(value, "close");
    } else if (tr__slice_is_ignoring_case(name, "Date")) {
        h->dates++;
        EXPECT(value.bytes == 29);
    } else if (tr__slice_is_ignoring_case(name, "Content-Type")) {
        h->types++;
    } else if (tr__slice_is_ignoring_case(name, "Content-Encoding")) {
        EXPECT(tr__slice_is(value, "gzip"));
        out->is_gzip = true;
    }
}

/* A line that ends with CR and LF, and has neither within; false: it is cut. */
static bool take_line(tr__slice *text, tr__slice *line)
{
    size_t end = tr__slice_index(*text, '\n');

    if (end == text->bytes)
        return false;
    EXPECT(end > 0 && text->at[end - 1] == '\r');
    *line = tr__slice_head(*text, end - 1);
    *text = tr__slice_tail(*text, end + 1);
    return true;
}

static void read_status(tr__slice line, fuzz_reply *out)
{
    uint64_t status;

    EXPECT(tr__slice_begins(line, "HTTP/1.1 ") && line.bytes > 13 && line.at[12] == ' ');
    EXPECT(tr__slice_to_u64((tr__slice){ line.at + 9, 3 }, 599, &status) && status >= 100);
    EXPECT(tr__header_value_is_valid(line));
    out->status = (int)status;
}

/* false: it is cut. */
static bool take_head(tr__slice *text, fuzz_reply *out, head *h)
{
    tr__slice line;

    if (!take_line(text, &line))
        return false;
    read_status(line, out);
    for (;;) {
        size_t colon;

        if (!take_line(text, &line))
            return false;
        if (line.bytes == 0)
            return true;
        colon = tr__slice_index(line, ':');
        EXPECT(colon + 1 < line.bytes && line.at[colon + 1] == ' ');
        EXPECT(tr__header_name_is_valid(tr__slice_head(line, colon)));
        EXPECT(tr__header_value_is_valid(tr__slice_tail(line, colon + 2)));
        note_line(h, out, tr__slice_head(line, colon), tr__slice_tail(line, colon + 2));
    }
}

static void check_head(const head *h, const fuzz_reply *out)
{
    EXPECT(h->lengths + h->codings <= 1);
    EXPECT(h->types <= 1);
    EXPECT(h->dates == (out->status >= 200));
    EXPECT(out->status >= 200 || h->lengths + h->codings + h->types == 0);
    EXPECT(out->status != 204 || h->lengths + h->codings == 0);
}

/* ---- bodies ---- */

static char body[FUZZ_ANSWER_BYTES];

static bool take_data(tr__slice *text, fuzz_reply *out, uint64_t bytes)
{
    size_t count = bytes < text->bytes ? (size_t)bytes : text->bytes;

    EXPECT(count <= sizeof(body) - out->body.bytes);
    if (count > 0)
        memcpy(body + out->body.bytes, text->at, count);
    out->body.bytes += count;
    *text = tr__slice_tail(*text, count);
    return count == bytes;
}

static uint64_t size_of(tr__slice line)
{
    uint64_t size = 0;

    EXPECT(line.bytes > 0 && line.bytes < 8 && (line.at[0] != '0' || line.bytes == 1));
    for (size_t i = 0; i < line.bytes; i++) {
        const char *digits = "0123456789abcdef";
        const char *at = line.at[i] != 0 ? strchr(digits, line.at[i]) : NULL;

        EXPECT(at != NULL);
        size = size << 4 | (uint64_t)(at - digits);
    }
    return size;
}

static bool take_chunks(tr__slice *text, fuzz_reply *out)
{
    tr__slice line;
    uint64_t size;

    do {
        if (!take_line(text, &line))
            return false;
        size = size_of(line);
        if (!take_data(text, out, size) || !take_line(text, &line))
            return false;
        EXPECT(line.bytes == 0);
    } while (size > 0);
    return true;
}

/* Compressed, it is one stream, which nothing stands behind. */
static void expect_gzip(tr__slice data)
{
    static char out[4096];
    z_stream stream = { .next_in = (Bytef *)(uintptr_t)data.at, .avail_in = (uInt)data.bytes };
    int z;

    EXPECT(inflateInit2(&stream, 16 + MAX_WBITS) == Z_OK);
    do {
        stream.next_out = (Bytef *)out;
        stream.avail_out = sizeof(out);
        z = inflate(&stream, Z_NO_FLUSH);
    } while (z == Z_OK);
    EXPECT(z == Z_STREAM_END && stream.avail_in == 0);
    (void)inflateEnd(&stream);
}

static bool has_body(const fuzz_reply *out, bool is_head)
{
    return !is_head && out->status >= 200 && out->status != 204 && out->status != 304;
}

static void take_body(tr__slice *text, fuzz_reply *out, const head *h)
{
    out->has_length = h->lengths > 0;
    if (h->lengths > 0) {
        out->is_cut = !take_data(text, out, h->length);
    } else if (h->codings > 0) {
        out->is_cut = !take_chunks(text, out);
    } else { /* until the end: whether it is cut nobody knows */
        EXPECT(out->is_closing);
        (void)take_data(text, out, text->bytes);
        return;
    }
    if (out->is_gzip && !out->is_cut)
        expect_gzip(out->body);
}

bool fuzz_read_reply(tr__slice *text, bool is_head, fuzz_reply *out)
{
    head h = { 0 };

    if (text->bytes == 0)
        return false;
    *out = (fuzz_reply){ .body = { body, 0 } };
    out->is_cut = !take_head(text, out, &h);
    if (out->is_cut) {
        *text = tr__slice_tail(*text, text->bytes);
        return true;
    }
    check_head(&h, out);
    if (has_body(out, is_head))
        take_body(text, out, &h);
    return true;
}
