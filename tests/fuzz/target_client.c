/* Target client: what servers send a client: references, cookies, compressed bodies, and times. */
#include "fuzz/fuzz.h"

#include <string.h>

#include "client/decompress.h"
#include "client/jar.h"
#include "client/set_cookie.h"
#include "client/url.h"

enum { TEXT_BYTES = 4096, OUT_MOST = 1 << 20, NOW_S = 1700000000 };

/* Each part lies in the text, in one form: read again, it is the same. */
static void expect_normal(const tr__url *url)
{
    size_t bytes = strlen(url->text);
    tr__url again;

    for (size_t i = 0; i < bytes; i++)
        EXPECT(url->text[i] > ' ' && url->text[i] < 0x7f);
    EXPECT(url->target[0] == '/' && url->target + strlen(url->target) == url->text + bytes);
    EXPECT(url->origin.at == url->text && url->text + url->origin.bytes == url->target);
    EXPECT(url->host.bytes > 0 && url->port > 0);
    EXPECT(tr__url_parse(&again, (tr__slice){ url->text, bytes }) == 0);
    EXPECT(strcmp(url->text, again.text) == 0 && strcmp(url->address, again.address) == 0);
    EXPECT(tr__url_is_same_origin(url, &again) && url->is_numeric == again.is_numeric);
    tr__url_fini(&again);
}

static void try_url(tr__slice text)
{
    tr__url base, url;

    if (tr__url_parse(&url, text) == 0) {
        expect_normal(&url);
        tr__url_fini(&url);
    }
    EXPECT(tr__url_parse(&base, tr__slice_of("https://example.org/a/b?c")) == 0);
    if (tr__url_join(&url, &base, text) == 0) {
        expect_normal(&url);
        tr__url_fini(&url);
    }
    tr__url_fini(&base);
}

/* A line of a server's each: what is kept goes back without a line's end in it. */
static void try_cookies(tr__slice text)
{
    tr__buffer out = { 0 };
    tr__slice line;
    tr__url url;
    tr__jar *jar;
    int64_t seconds;

    EXPECT(tr__jar_new(&jar) == 0);
    EXPECT(tr__url_parse(&url, tr__slice_of("https://www.example.org/a/b")) == 0);
    while (tr__slice_split(&text, '\n', &line)) {
        EXPECT(tr__jar_set(jar, &url, line, NOW_S) == 0);
        (void)tr__cookie_date_parse(line, &seconds);
    }
    EXPECT(tr__jar_get(jar, &url, NOW_S, &out) == 0);
    for (size_t i = out.begin; i < out.end; i++)
        EXPECT(((unsigned char)out.bytes[i] >= ' ' || out.bytes[i] == '\t') &&
               out.bytes[i] != 0x7f);
    tr__buffer_free(&out);
    tr__url_fini(&url);
    tr__jar_free(jar);
}

/* How much comes out, and how it ends, whatever the pieces. */
static size_t decompress(tr__coding coding, tr__slice wire, size_t piece, int *rc)
{
    char out[512];
    tr__decompressor *d;
    size_t total = 0;
    ssize_t count = 0;

    EXPECT(tr__decompressor_new(&d, coding) == 0);
    while (count >= 0 && wire.bytes > 0 && total < OUT_MOST) {
        tr__slice some = tr__slice_head(wire, piece < wire.bytes ? piece : wire.bytes);

        wire = tr__slice_tail(wire, some.bytes);
        while ((count = tr__decompress(d, &some, out, sizeof(out))) > 0 && total < OUT_MOST)
            total += (size_t)count;
        EXPECT(count != 0 || some.bytes == 0);
    }
    *rc = tr__decompress_end(d);
    tr__decompressor_free(d);
    return total;
}

static void try_decompressing(tr__slice text)
{
    static const tr__coding codings[] = { TR__CODING_GZIP, TR__CODING_DEFLATE };

    for (int i = 0; i < 2; i++) {
        int rc, other;
        size_t total = decompress(codings[i], text, SIZE_MAX, &rc);

        if (total < OUT_MOST) {
            EXPECT(decompress(codings[i], text, 7, &other) == total);
            EXPECT(rc == other);
        }
    }
}

void fuzz_target(fuzz_input *in)
{
    size_t bytes = in->left < TEXT_BYTES ? in->left : TEXT_BYTES;
    char *copy = malloc(bytes > 0 ? bytes : 1); /* beside of which nothing may be read */
    tr__slice text = { copy, bytes };

    EXPECT(copy != NULL);
    if (bytes > 0)
        memcpy(copy, in->at, bytes);
    try_url(text);
    try_cookies(text);
    try_decompressing(text);
    free(copy);
}
