/* Percent-encoding, and paths that lead nowhere else. */
#include "http/percent.h"
#include "support/kit.h"

/* What a text decodes to, or the name of the error. */
static const char *decoded(const char *text, unsigned flags)
{
    static char out[64];
    ssize_t bytes = tr__percent_decode(tr__slice_of(text), out, sizeof(out) - 1, flags);

    if (bytes < 0)
        return tr_err_name((int)bytes);
    out[bytes] = 0;
    return out;
}

START_TEST(decoding_is_strict)
{
    ck_assert_str_eq(decoded("a%20b%2f%E4", 0), "a b/\xe4");
    ck_assert_str_eq(decoded("a+b", 0), "a+b");
    ck_assert_str_eq(decoded("a+b%2B", TR__PERCENT_PLUS), "a b+");
    ck_assert_str_eq(decoded("%", 0), "TR_ESYNTAX");
    ck_assert_str_eq(decoded("%4", 0), "TR_ESYNTAX");
    ck_assert_str_eq(decoded("%4g", 0), "TR_ESYNTAX");
    ck_assert_str_eq(decoded("%%41", 0), "TR_ESYNTAX");
    ck_assert_str_eq(decoded("%2541", 0), "%41");
    ck_assert_str_eq(decoded("", 0), "");
}
END_TEST

START_TEST(a_zero_is_refused_unless_it_is_allowed)
{
    char out[3];

    ck_assert_str_eq(decoded("a%00b", 0), "TR_ESYNTAX");
    ck_assert_int_eq(tr__percent_decode(tr__slice_of("a%00b"), out, 3, TR__PERCENT_NUL), 3);
    ck_assert_mem_eq(out, "a\0b", 3);
}
END_TEST

START_TEST(decoding_needs_no_more_room_than_there_is)
{
    char out[2] = { 'x', 'x' };

    ck_assert_int_eq(tr__percent_decode(tr__slice_of("%41%42"), out, 2, 0), 2);
    ck_assert_int_eq(tr__percent_decode(tr__slice_of("%41%42"), out, 1, 0), TR_ETOOLARGE);
    ck_assert(tr__percent_decodes_to(tr__slice_of("%41+"), tr__slice_of("A "), TR__PERCENT_PLUS));
    ck_assert(!tr__percent_decodes_to(tr__slice_of("%41+"), tr__slice_of("A"), TR__PERCENT_PLUS));
    ck_assert(!tr__percent_decodes_to(tr__slice_of("A"), tr__slice_of("AB"), 0));
    ck_assert(!tr__percent_decodes_to(tr__slice_of("%4"), tr__slice_of("%4"), 0));
}
END_TEST

START_TEST(each_byte_survives_encoding_and_decoding)
{
    char all[256];
    char encoded[3 * sizeof(all)];
    char back[sizeof(all)];

    for (size_t i = 0; i < sizeof(all); i++)
        all[i] = (char)i;
    for (int is_query = 0; is_query < 2; is_query++) {
        tr__slice text = { all, sizeof(all) };
        ssize_t bytes = is_query ? tr__percent_encode_query(text, encoded, sizeof(encoded))
                                 : tr__percent_encode_segment(text, encoded, sizeof(encoded));

        ck_assert_int_gt(bytes, 256);
        ck_assert(memchr(encoded, is_query ? '&' : '/', (size_t)bytes) == NULL);
        ck_assert_int_eq(tr__percent_decode((tr__slice){ encoded, (size_t)bytes }, back,
                                            sizeof(back),
                                            TR__PERCENT_NUL | (is_query ? TR__PERCENT_PLUS : 0)),
                         256);
        ck_assert_mem_eq(back, all, sizeof(all));
        ck_assert_int_eq(tr__percent_encode_segment(text, encoded, 200), TR_ETOOLARGE);
    }
}
END_TEST

static const char *normal(const char *path)
{
    static char out[64];
    ssize_t bytes;

    ck_assert_uint_lt(strlen(path), sizeof(out));
    strcpy(out, path);
    bytes = tr__path_normalize(tr__slice_of(out), out);
    if (bytes < 0)
        return tr_err_name((int)bytes);
    ck_assert_uint_le((size_t)bytes, strlen(path));
    out[bytes] = 0;
    return out;
}

START_TEST(dots_are_collapsed_however_they_are_written)
{
    ck_assert_str_eq(normal("/"), "/");
    ck_assert_str_eq(normal("/a/b/"), "/a/b/");
    ck_assert_str_eq(normal("/a/./b/../c"), "/a/c");
    ck_assert_str_eq(normal("/a/%2e/b/%2E./c"), "/a/c");
    ck_assert_str_eq(normal("/a/."), "/a/");
    ck_assert_str_eq(normal("/a/.."), "/");
    ck_assert_str_eq(normal("/a//../b"), "/a/b");
    ck_assert_str_eq(normal("/.../..a/a.."), "/.../..a/a..");
    ck_assert_str_eq(normal("/./././"), "/");
}
END_TEST

START_TEST(no_path_leads_above_the_root)
{
    ck_assert_str_eq(normal("/.."), "TR_ESYNTAX");
    ck_assert_str_eq(normal("/../a"), "TR_ESYNTAX");
    ck_assert_str_eq(normal("/a/../.."), "TR_ESYNTAX");
    ck_assert_str_eq(normal("/%2e%2e/a"), "TR_ESYNTAX");
    ck_assert_str_eq(normal("/.%2e"), "TR_ESYNTAX");
    ck_assert_str_eq(normal("/a/./../../b/c"), "TR_ESYNTAX");
}
END_TEST

START_TEST(what_must_stay_encoded_does_so_in_one_way)
{
    ck_assert_str_eq(normal("/a%2fb%2F..%2f"), "/a%2Fb%2F..%2F");
    ck_assert_str_eq(normal("/%41%7e%c3%a4"), "/A~%C3%A4");
    ck_assert_str_eq(normal("/%252e%252e/"), "/%252e%252e/");
    ck_assert_str_eq(normal("/%5c%3f"), "/%5C%3F");
}
END_TEST

START_TEST(malformed_paths_are_refused)
{
    static const char *const bad[] = { "",     "a",     "*",     "/a%",   "/%4",  "/%zz",
                                       "/a\\", "/a#b",  "/a?b",  "/a\nb", "/%0a", "/%00",
                                       "/%7f", "/\x7f", "%2f..", "./a",   "/a/%", "/\\..\\" };

    for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++)
        ck_assert_str_eq(normal(bad[i]), "TR_ESYNTAX");
    ck_assert_int_eq(tr__path_normalize((tr__slice){ "/\0", 2 }, (char[2]){ 0 }), TR_ESYNTAX);
}
END_TEST

static const char *file_of(const char *path)
{
    static char out[64];
    ssize_t bytes = tr__path_decode(tr__slice_of(path), out, sizeof(out) - 1);

    if (bytes < 0)
        return tr_err_name((int)bytes);
    out[bytes] = 0;
    return out;
}

START_TEST(files_are_looked_for_below_their_folder_only)
{
    ck_assert_str_eq(file_of("/"), "");
    ck_assert_str_eq(file_of("/a/b%20c.txt"), "a/b c.txt");
    ck_assert_str_eq(file_of("/a/"), "a/");
    ck_assert_str_eq(file_of("/..%2Fa"), "TR_ESYNTAX");
    ck_assert_str_eq(file_of("/..%5Ca"), "TR_ESYNTAX");
    ck_assert_str_eq(file_of("//etc"), "TR_ESYNTAX");
    ck_assert_str_eq(file_of("/a/../b"), "TR_ESYNTAX");
    ck_assert_str_eq(file_of("a"), "TR_ESYNTAX");
    ck_assert_str_eq(file_of("/%"), "TR_ESYNTAX");
    ck_assert_int_eq(tr__path_decode(tr__slice_of("/ab/c"), (char[2]){ 0 }, 2), TR_ETOOLARGE);
    ck_assert_int_eq(tr__path_decode(tr__slice_of("/ab"), (char[1]){ 0 }, 1), TR_ETOOLARGE);
}
END_TEST

KIT_MAIN("http/percent", decoding_is_strict, a_zero_is_refused_unless_it_is_allowed,
         decoding_needs_no_more_room_than_there_is, each_byte_survives_encoding_and_decoding,
         dots_are_collapsed_however_they_are_written, no_path_leads_above_the_root,
         what_must_stay_encoded_does_so_in_one_way, malformed_paths_are_refused,
         files_are_looked_for_below_their_folder_only)
