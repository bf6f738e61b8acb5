/* Media types, and parameters. */
#include "http/mime.h"
#include "support/kit.h"

static const char *type_of(const char *name)
{
    return tr__mime_of_file(tr__slice_of(name));
}

START_TEST(files_have_the_type_of_their_extension)
{
    ck_assert_str_eq(type_of("index.html"), "text/html; charset=utf-8");
    ck_assert_str_eq(type_of("/a.b/C.PNG"), "image/png");
    ck_assert_str_eq(type_of("a.tar.gz"), "application/gzip");
    ck_assert_str_eq(type_of("7z.7z"), "application/x-7z-compressed");
    ck_assert_str_eq(type_of("a.zst"), "application/zstd");
    ck_assert_str_eq(type_of("a.js"), "text/javascript; charset=utf-8");
    ck_assert_str_eq(type_of("a.json"), "application/json");
    ck_assert_str_eq(type_of("a.jsonx"), "application/octet-stream");
    ck_assert_str_eq(type_of("a.html/b"), "application/octet-stream");
    ck_assert_str_eq(type_of("a."), "application/octet-stream");
    ck_assert_str_eq(type_of(""), "application/octet-stream");
}
END_TEST

/* The value of a parameter of this Content-Type, or the error's name. */
static const char *parameter(const char *text, const char *name)
{
    static char out[32];
    tr__media_type media;
    int bytes;

    ck_assert(tr__media_type_parse(tr__slice_of(text), &media));
    bytes = tr__media_type_parameter(&media, name, out, sizeof(out));
    return bytes < 0 ? tr_err_name(bytes) : out;
}

START_TEST(content_types_are_taken_apart)
{
    tr__media_type media;

    ck_assert(tr__media_type_parse(tr__slice_of(" Text/HTML ; charset=utf-8"), &media));
    ck_assert(tr__media_type_is(&media, "text", "html"));
    ck_assert(!tr__media_type_is(&media, "text", "htm"));
    ck_assert_str_eq(parameter("a/b; x=1 ;; Charset=\"ut\\\"f\\\\\"; y=2;", "charset"), "ut\"f\\");
    ck_assert_str_eq(parameter("a/b;boundary=abc", "boundary"), "abc");
    ck_assert_str_eq(parameter("a/b;x=\"\"", "x"), "");
    ck_assert_str_eq(parameter("a/b", "x"), "TR_ENOENT");
}
END_TEST

START_TEST(malformed_content_types_are_refused)
{
    static const char *const bad[] = { "", "a", "a/", "/b", "a/b c", "a b/c", "a/b,c/d", "a/b/" };
    static const char *const bad_parameters[] = { "a/b;x",       "a/b;x=",       "a/b;=1",
                                                  "a/b;x=\"1",   "a/b;x=\"\\\"", "a/b;x=1 y",
                                                  "a/b;x=1;x=2", "a/b;x=\"\n\"", "a/b;x =1" };
    tr__media_type media;

    for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++)
        ck_assert(!tr__media_type_parse(tr__slice_of(bad[i]), &media));
    ck_assert(!tr__media_type_parse((tr__slice){ NULL, 0 }, &media));
    for (size_t i = 0; i < sizeof(bad_parameters) / sizeof(bad_parameters[0]); i++)
        ck_assert_str_eq(parameter(bad_parameters[i], "x"), "TR_ESYNTAX");
    ck_assert_str_eq(parameter("a/b;x=01234567890123456789012345678901", "x"), "TR_ETOOLARGE");
    ck_assert_str_eq(parameter("a/b;x=012345678901234567890123456789012", "x"), "TR_ETOOLARGE");
}
END_TEST

KIT_MAIN("http/mime", files_have_the_type_of_their_extension, content_types_are_taken_apart,
         malformed_content_types_are_refused)
