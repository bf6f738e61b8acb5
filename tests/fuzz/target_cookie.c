/* Target cookie: cookies, and what other headers say. */
#include "fuzz/fuzz.h"

#include <string.h>

#include "http/base64.h"
#include "http/cookie.h"
#include "http/date.h"
#include "http/etag.h"
#include "http/header_name.h"
#include "http/host.h"
#include "http/mime.h"
#include "http/negotiate.h"
#include "http/range.h"

enum { TEXT_BYTES = 4096 };

static void try_cookies(tr__slice text)
{
    tr__slice rest = text;
    tr__slice name, value, found;
    size_t bytes = 0;

    while (tr__cookie_next(&rest, &name, &value)) {
        bytes += name.bytes + 1 + value.bytes;
        EXPECT(name.bytes > 0 && bytes <= text.bytes);
        EXPECT(tr__cookie_find(text, name, &found));
    }
}

/* What goes out can be read back, and has no line's end and no ';' of the caller's. */
static void try_set_cookie(tr__slice text)
{
    static char line[TR__COOKIE_BYTES];
    char name[TEXT_BYTES + 1];
    tr__cookie_options options = { 0 };
    size_t at = tr__slice_index(text, '\n');
    tr__slice found;
    char *value;
    int rc;

    if (text.bytes > 0)
        memcpy(name, text.at, text.bytes);
    name[text.bytes] = 0;
    value = name + (at < text.bytes ? at + 1 : at);
    name[at] = 0;
    options.path = value[0] == '/' ? value : NULL;
    rc = tr__cookie_format(name, value, &options, true, line, sizeof(line));
    if (rc < 0)
        return;
    EXPECT((size_t)rc == strlen(line) && tr__header_value_is_valid(tr__slice_of(line)));
    EXPECT(tr__cookie_find(tr__slice_of(line), tr__slice_of(name), &found));
    EXPECT(tr__slice_is(found, value));
}

static void try_range(tr__slice text)
{
    tr__range out[TR__RANGES_MOST];
    uint64_t total = text.bytes * 16;
    size_t count;

    if (tr__range_parse(text, total, out, &count) != TR__RANGE_SOME)
        return;
    EXPECT(count > 0 && count <= TR__RANGES_MOST);
    for (size_t i = 0; i < count; i++) {
        EXPECT(out[i].bytes > 0 && out[i].first < total && out[i].bytes <= total - out[i].first);
        for (size_t k = 0; k < i; k++)
            EXPECT(out[k].first + out[k].bytes < out[i].first ||
                   out[i].first + out[i].bytes < out[k].first);
    }
}

static void try_date(tr__slice text)
{
    char again[TR__DATE_BYTES + 1];
    int64_t seconds, back;

    if (!tr__date_parse(text, 1700000000, &seconds))
        return;
    tr__date_format(seconds, again);
    EXPECT(tr__date_parse(tr__slice_of(again), 0, &back));
    /* The leap second of the last day there is has none behind it. */
    EXPECT(back == seconds || seconds - back == 1);
}

static void try_base64(tr__slice text)
{
    static char out[TEXT_BYTES];
    static char again[TEXT_BYTES + 4];
    ssize_t bytes = tr__base64_decode(text, out, sizeof(out));

    if (bytes < 0)
        return;
    EXPECT(tr__base64_encode((tr__slice){ out, (size_t)bytes }, again) == text.bytes);
    EXPECT(tr__slice_equals(text, (tr__slice){ again, text.bytes }));
}

static void try_types(tr__slice text)
{
    static char out[TEXT_BYTES];
    tr__media_type media;
    int quality = tr__accept_quality(text, "text/html");

    EXPECT(quality >= 0 && quality <= 1000);
    quality = tr__accept_encoding_quality(text, "gzip");
    EXPECT(quality >= 0 && quality <= 1000);
    EXPECT(tr__mime_of_file(text) != NULL);
    if (tr__media_type_parse(text, &media))
        EXPECT(tr__media_type_parameter(&media, "charset", out, sizeof(out)) <= (int)text.bytes);
}

static void try_names(tr__slice text)
{
    tr__known known = tr__header_known(text);
    tr__slice host;
    uint16_t port;

    EXPECT(known == TR__KNOWN_NONE || tr__header_name_is_valid(text));
    if (tr__host_parse(text, &host, &port))
        EXPECT(host.bytes <= text.bytes && tr__header_value_is_valid(text));
    if (tr__etag_is_valid(text)) {
        EXPECT(tr__etag_equals_weakly(text, text));
        EXPECT(!tr__if_none_match(text, text));
    }
    (void)tr__if_match(text, tr__slice_of("\"a\""));
}

void fuzz_target(fuzz_input *in)
{
    size_t bytes = in->left < TEXT_BYTES ? in->left : TEXT_BYTES;
    char *copy = malloc(bytes > 0 ? bytes : 1); /* beside of which nothing may be read */
    tr__slice text = { copy, bytes };

    EXPECT(copy != NULL);
    if (bytes > 0)
        memcpy(copy, in->at, bytes);
    try_cookies(text);
    try_set_cookie(text);
    try_range(text);
    try_date(text);
    try_base64(text);
    try_types(text);
    try_names(text);
    free(copy);
}
