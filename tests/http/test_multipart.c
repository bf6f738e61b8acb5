/* multipart/form-data: the same events, however it is cut. */
#include <stdio.h>

#include "http/multipart.h"
#include "support/kit.h"

/* What was told, in text: "<name|filename|type>data!" for each part. */
typedef struct told {
    char text[8192];
    size_t bytes;
    int code; /* what the next event says */
} told;

static void tell(told *t, const char *at, size_t bytes)
{
    ck_assert_uint_lt(t->bytes + bytes, sizeof(t->text));
    if (bytes > 0)
        memcpy(t->text + t->bytes, at, bytes);
    t->bytes += bytes;
    t->text[t->bytes] = 0;
}

static int on_begin(void *context, const tr__part *part)
{
    told *t = context;

    tell(t, "<", 1);
    tell(t, part->name.at, part->name.bytes);
    tell(t, "|", 1);
    tell(t, part->filename.at != NULL ? part->filename.at : "-",
         part->filename.at != NULL ? part->filename.bytes : 1);
    tell(t, "|", 1);
    tell(t, part->type.at, part->type.bytes);
    tell(t, ">", 1);
    return t->code;
}

static int on_data(void *context, const char *at, size_t bytes)
{
    ck_assert_uint_gt(bytes, 0);
    tell(context, at, bytes);
    return ((told *)context)->code;
}

static int on_end(void *context)
{
    tell(context, "!", 1);
    return ((told *)context)->code;
}

static const tr__multipart_events events = { on_begin, on_data, on_end };

static int feed_cut(told *t, tr__slice body, size_t first, size_t second)
{
    tr__multipart m;

    *t = (told){ .bytes = 0 };
    ck_assert_int_eq(tr__multipart_init(&m, tr__slice_of("B-b"), 3, &events, t), 0);
    (void)tr__multipart_feed(&m, body.at, first);
    (void)tr__multipart_feed(&m, body.at + first, second - first);
    (void)tr__multipart_feed(&m, body.at + second, body.bytes - second);
    return tr__multipart_end(&m);
}

/* Whatever two cuts there are, and byte by byte, it must come to this. */
static void expect(const char *text, int rc, const char *what)
{
    tr__slice body = tr__slice_of(text);
    tr__multipart m;
    told t;

    for (size_t first = 0; first <= body.bytes; first++)
        for (size_t second = first; second <= body.bytes; second++) {
            ck_assert_int_eq(feed_cut(&t, body, first, second), rc);
            if (rc == 0)
                ck_assert_str_eq(t.text, what);
        }
    t = (told){ .bytes = 0 };
    ck_assert_int_eq(tr__multipart_init(&m, tr__slice_of("B-b"), 3, &events, &t), 0);
    for (size_t i = 0; i < body.bytes; i++)
        (void)tr__multipart_feed(&m, body.at + i, 1);
    ck_assert_int_eq(tr__multipart_end(&m), rc);
    if (rc == 0)
        ck_assert_str_eq(t.text, what);
}

#define NAMED(parameters) "--B-b\r\nContent-Disposition: form-data; " parameters "\r\n\r\n"
#define LAST              "\r\n--B-b--"

START_TEST(parts_come_the_same_however_they_are_cut)
{
    expect(NAMED("name=a") "1" LAST, 0, "<a|-|>1!");
    expect(NAMED("name=a") "" LAST "\r\nepilogue\r\n--B-b\r\n", 0, "<a|-|>!");
    expect("preamble\r\n" NAMED("name=\"a b\"") "\r\n--B-" LAST, 0, "<a b|-|>\r\n--B-!");
    expect(NAMED("name=a") "\r\r\n-\r\n--\r\n--B-B\n" LAST, 0, "<a|-|>\r\r\n-\r\n--\r\n--B-B\n!");
    expect(NAMED("name=a") "1\r\n--B-b \t\r\nX-Other: 1\r\ncontent-type:text/x\r\n"
                           "CONTENT-DISPOSITION: FORM-DATA;filename=\"f\";name=b\r\n\r\n2" LAST,
           0, "<a|-|>1!<b|f|text/x>2!");
    expect("--B-b--", 0, "");
}
END_TEST

START_TEST(names_are_decoded_as_browsers_write_them)
{
    expect(NAMED("name=\"a%22b%0D%0a%41%2\"; filename=\"\\\"q\\\\ C:\\x%\"") LAST, 0,
           "<a\"b\r\n%41%2|\"q\\ C:\\x%|>!");
    expect(NAMED("name=\"\"; filename=\"\"") LAST, 0, "<||>!");
    expect(NAMED("name=\"\xc3\xa4;=\"") LAST, 0, "<\xc3\xa4;=|-|>!");
}
END_TEST

START_TEST(malformed_bodies_are_refused_wherever_they_are_cut)
{
    expect("", TR_ESYNTAX, NULL);
    expect("no delimiter", TR_ESYNTAX, NULL);
    expect("--B-b", TR_ESYNTAX, NULL);
    expect("--B-b-", TR_ESYNTAX, NULL);
    expect("--B-b-x", TR_ESYNTAX, NULL);
    expect("--B-bx\r\n", TR_ESYNTAX, NULL);
    expect("--B-b\rx", TR_ESYNTAX, NULL);
    expect("--B-b\r\n\r\n" LAST, TR_ESYNTAX, NULL);
    expect(NAMED("name=a") "1", TR_ESYNTAX, NULL);
    expect(NAMED("name=a") "1\r\n--B-b", TR_ESYNTAX, NULL);
    expect(NAMED("x=a") LAST, TR_ESYNTAX, NULL);
    expect(NAMED("name=\"a") LAST, TR_ESYNTAX, NULL);
    expect(NAMED("name=a; name=b") LAST, TR_ESYNTAX, NULL);
    expect(NAMED("name=a; filename*=UTF-8''b") LAST, TR_ESYNTAX, NULL);
    expect("--B-b\r\nContent-Disposition: file; name=a\r\n\r\n" LAST, TR_ESYNTAX, NULL);
    expect("--B-b\r\nContent-Type: a/b\r\n\r\n" LAST, TR_ESYNTAX, NULL);
    expect("--B-b\r\nno colon\r\n\r\n" LAST, TR_ESYNTAX, NULL);
    expect("--B-b\r\nX: a\nb\r\n\r\n" LAST, TR_ESYNTAX, NULL);
    expect("--B-b\r\nX: a\rb\r\n\r\n" LAST, TR_ESYNTAX, NULL);
    expect("--B-b\r\nX: a\r\n folded\r\n\r\n" LAST, TR_ESYNTAX, NULL);
    expect("--B-b\r\nContent-Transfer-Encoding: base64\r\n" NAMED("name=a") LAST, TR_ESYNTAX, NULL);
}
END_TEST

START_TEST(what_is_said_twice_is_refused)
{
    expect("--B-b\r\nContent-Type: a/b\r\nContent-Type: a/b\r\n"
           "Content-Disposition: form-data; name=a\r\n\r\n" LAST,
           TR_ESYNTAX, NULL);
    expect("--B-b\r\nContent-Disposition: form-data; name=a\r\n"
           "Content-Disposition: form-data; name=a\r\n\r\n" LAST,
           TR_ESYNTAX, NULL);
    expect("--B-b\r\nContent-Transfer-Encoding: Binary\r\n"
           "Content-Disposition: form-data; name=a\r\n\r\n" LAST,
           0, "<a|-|>!");
}
END_TEST

START_TEST(too_many_parts_and_long_heads_are_refused)
{
    static char head[2 * TR__PART_HEAD_BYTES];
    static told t;
    tr__multipart m;

    expect(NAMED("name=a") "\r\n" NAMED("name=b") "\r\n" NAMED("name=c") LAST, 0,
           "<a|-|>!<b|-|>!<c|-|>!");
    expect(NAMED("name=a") "\r\n" NAMED("name=b") "\r\n" NAMED("name=c") "\r\n" NAMED("name=d")
               LAST,
           TR_ETOOLARGE, NULL);
    memset(head, 'a', sizeof(head));
    for (size_t piece = 1; piece < sizeof(head); piece = piece * 3 + 1) {
        int rc = 0;

        ck_assert_int_eq(tr__multipart_init(&m, tr__slice_of("x"), 3, &events, &t), 0);
        ck_assert_int_eq(tr__multipart_feed(&m, "--x\r\n", 5), 0);
        for (size_t i = 0; i + piece <= sizeof(head); i += piece)
            rc = tr__multipart_feed(&m, head, piece);
        ck_assert_int_eq(rc, TR_ETOOLARGE);
        ck_assert_int_eq(tr__multipart_end(&m), TR_ETOOLARGE);
    }
}
END_TEST

START_TEST(boundaries_are_of_one_to_seventy_bytes)
{
    char boundary[TR__BOUNDARY_BYTES + 1];
    tr__multipart m;

    memset(boundary, 'x', sizeof(boundary));
    ck_assert_int_eq(tr__multipart_init(&m, (tr__slice){ boundary, 70 }, 1, &events, NULL), 0);
    ck_assert_int_eq(tr__multipart_init(&m, (tr__slice){ boundary, 71 }, 1, &events, NULL),
                     TR_ESYNTAX);
    ck_assert_int_eq(tr__multipart_init(&m, tr__slice_of(""), 1, &events, NULL), TR_ESYNTAX);
    ck_assert_int_eq(tr__multipart_init(&m, tr__slice_of("a "), 1, &events, NULL), TR_ESYNTAX);
    ck_assert_int_eq(tr__multipart_init(&m, tr__slice_of("a\r\n"), 1, &events, NULL), TR_ESYNTAX);
    ck_assert_int_eq(tr__multipart_init(&m, (tr__slice){ "a\0b", 3 }, 1, &events, NULL),
                     TR_ESYNTAX);
}
END_TEST

START_TEST(an_event_can_end_it)
{
    static const char body[] = NAMED("name=a") "1" LAST;
    static told t;
    tr__multipart m;

    for (size_t cut = sizeof(NAMED("name=a")) - 3; cut < sizeof(body) - 3; cut++) {
        t = (told){ .bytes = 0 };
        ck_assert_int_eq(tr__multipart_init(&m, tr__slice_of("B-b"), 3, &events, &t), 0);
        ck_assert_int_eq(tr__multipart_feed(&m, body, cut), 0);
        t.code = TR_ENOMEM;
        ck_assert_int_eq(tr__multipart_feed(&m, body + cut, sizeof(body) - 1 - cut), TR_ENOMEM);
        ck_assert_int_eq(tr__multipart_feed(&m, "", 0), TR_ENOMEM);
        ck_assert_int_eq(tr__multipart_end(&m), TR_ENOMEM);
    }
}
END_TEST

KIT_MAIN("http/multipart", parts_come_the_same_however_they_are_cut,
         names_are_decoded_as_browsers_write_them,
         malformed_bodies_are_refused_wherever_they_are_cut, what_is_said_twice_is_refused,
         too_many_parts_and_long_heads_are_refused, boundaries_are_of_one_to_seventy_bytes,
         an_event_can_end_it)
