/* Target url: percent-encoding, paths and queries, which lead nowhere else and survive a round. */
#include "fuzz/fuzz.h"

#include <string.h>

#include "http/percent.h"
#include "http/query.h"

enum { TEXT_BYTES = 4096 };

static void try_encoding(tr__slice text)
{
    static char encoded[3 * TEXT_BYTES];
    static char back[TEXT_BYTES];

    for (int is_query = 0; is_query < 2; is_query++) {
        ssize_t bytes = is_query ? tr__percent_encode_query(text, encoded, sizeof(encoded))
                                 : tr__percent_encode_segment(text, encoded, sizeof(encoded));
        ssize_t back_bytes;

        EXPECT(bytes >= (ssize_t)text.bytes && bytes <= 3 * (ssize_t)text.bytes);
        back_bytes = tr__percent_decode((tr__slice){ encoded, (size_t)bytes }, back, text.bytes,
                                        TR__PERCENT_NUL | (is_query ? TR__PERCENT_PLUS : 0));
        EXPECT(back_bytes == (ssize_t)text.bytes);
        EXPECT(tr__slice_equals(text, (tr__slice){ back, text.bytes }));
    }
}

static void try_decoding(tr__slice text)
{
    static char decoded[TEXT_BYTES];
    static char in_place[TEXT_BYTES];
    ssize_t bytes = tr__percent_decode(text, decoded, text.bytes, TR__PERCENT_PLUS);

    if (text.bytes > 0)
        memcpy(in_place, text.at, text.bytes);
    EXPECT(tr__percent_decode((tr__slice){ in_place, text.bytes }, in_place, text.bytes,
                              TR__PERCENT_PLUS) == bytes);
    if (bytes < 0)
        return;
    EXPECT(memchr(decoded, 0, (size_t)bytes) == NULL);
    EXPECT(memcmp(in_place, decoded, (size_t)bytes) == 0);
    EXPECT(tr__percent_decodes_to(text, (tr__slice){ decoded, (size_t)bytes }, TR__PERCENT_PLUS));
}

/* No piece between separators is made of dots. */
static void expect_no_dots(tr__slice path)
{
    tr__slice segment;

    while (tr__slice_split(&path, '/', &segment))
        EXPECT(!tr__slice_is(segment, ".") && !tr__slice_is(segment, ".."));
}

static void try_path(tr__slice text)
{
    static char normal[TEXT_BYTES];
    static char again[TEXT_BYTES];
    static char file[TEXT_BYTES];
    ssize_t bytes = tr__path_normalize(text, normal);
    ssize_t file_bytes;
    tr__slice path;

    if (bytes < 0)
        return;
    path = (tr__slice){ normal, (size_t)bytes };
    EXPECT(bytes > 0 && (size_t)bytes <= text.bytes && normal[0] == '/');
    expect_no_dots(path);
    memcpy(again, text.at, text.bytes);
    EXPECT(tr__path_normalize((tr__slice){ again, text.bytes }, again) == bytes);
    EXPECT(tr__slice_equals(path, (tr__slice){ again, (size_t)bytes }));
    EXPECT(tr__path_normalize(path, again) == bytes);
    EXPECT(tr__slice_equals(path, (tr__slice){ again, (size_t)bytes }));
    file_bytes = tr__path_decode(path, file, sizeof(file));
    if (file_bytes <= 0)
        return;
    EXPECT(file[0] != '/' && memchr(file, 0, (size_t)file_bytes) == NULL);
    EXPECT(memchr(file, '\\', (size_t)file_bytes) == NULL);
    expect_no_dots((tr__slice){ file, (size_t)file_bytes });
}

static void try_query(tr__slice query)
{
    static char decoded[TEXT_BYTES];
    tr__slice rest = query;
    tr__slice name, value, found;
    size_t count = 0;
    size_t bytes = 0;

    while (tr__query_next(&rest, &name, &value)) {
        ssize_t name_bytes = tr__percent_decode(name, decoded, sizeof(decoded), TR__PERCENT_PLUS);

        count++;
        bytes += name.bytes + value.bytes;
        EXPECT(bytes <= query.bytes);
        if (name_bytes < 0) {
            EXPECT(!tr__query_is_valid(query, SIZE_MAX));
            continue;
        }
        EXPECT(tr__query_find(query, (tr__slice){ decoded, (size_t)name_bytes }, 0, &found));
    }
    EXPECT(count == 0 || !tr__query_is_valid(query, count - 1));
}

void fuzz_target(fuzz_input *in)
{
    size_t bytes = in->left < TEXT_BYTES ? in->left : TEXT_BYTES;
    char *copy = malloc(bytes > 0 ? bytes : 1); /* beside of which nothing may be read */
    tr__slice text = { copy, bytes };

    EXPECT(copy != NULL);
    if (bytes > 0)
        memcpy(copy, in->at, bytes);
    try_encoding(text);
    try_decoding(text);
    try_path(text);
    try_query(text);
    free(copy);
}
