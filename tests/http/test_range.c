/* Ranges of bytes. */
#include <inttypes.h>
#include <stdio.h>

#include "http/range.h"
#include "support/kit.h"

/* "0+5 10+2", or "all", or "none". */
static const char *ranges(const char *header, uint64_t total)
{
    static char text[1024];
    tr__range out[TR__RANGES_MOST];
    size_t count;
    size_t bytes = 0;
    tr__ranged what = tr__range_parse(tr__slice_of(header), total, out, &count);

    if (what != TR__RANGE_SOME)
        return what == TR__RANGE_ALL ? "all" : "none";
    for (size_t i = 0; i < count; i++)
        bytes += (size_t)snprintf(text + bytes, sizeof(text) - bytes, "%s%" PRIu64 "+%" PRIu64,
                                  i > 0 ? " " : "", out[i].first, out[i].bytes);
    return text;
}

START_TEST(ranges_are_cut_to_what_there_is)
{
    ck_assert_str_eq(ranges("bytes=0-4", 10), "0+5");
    ck_assert_str_eq(ranges(" Bytes=5-", 10), "5+5");
    ck_assert_str_eq(ranges("bytes=-3", 10), "7+3");
    ck_assert_str_eq(ranges("bytes=-30", 10), "0+10");
    ck_assert_str_eq(ranges("bytes=9-9223372036854775807", 10), "9+1");
    ck_assert_str_eq(ranges("bytes=9-9", 10), "9+1");
    ck_assert_str_eq(ranges("bytes= 0-0 ,, 5-5", 10), "0+1 5+1");
    ck_assert_str_eq(ranges("bytes=20-30,1-1", 10), "1+1");
}
END_TEST

START_TEST(ranges_of_nothing_are_unsatisfiable)
{
    ck_assert_str_eq(ranges("bytes=10-", 10), "none");
    ck_assert_str_eq(ranges("bytes=-0", 10), "none");
    ck_assert_str_eq(ranges("bytes=0-", 0), "none");
    ck_assert_str_eq(ranges("bytes=-5", 0), "none");
}
END_TEST

START_TEST(malformed_ranges_are_as_if_none_were_asked)
{
    static const char *const bad[] = { "",
                                       "bytes",
                                       "bytes=",
                                       "bytes=-",
                                       "bytes=a-b",
                                       "lines=0-1",
                                       "bytes=5-4",
                                       "bytes=1",
                                       "bytes=0-1,x",
                                       "bytes=0 - 1",
                                       "bytes=--1",
                                       "bytes=+1-2",
                                       "bytes=1-2-3",
                                       "bytes=99999999999999999999-" };

    for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++)
        ck_assert_str_eq(ranges(bad[i], 10), "all");
}
END_TEST

START_TEST(ranges_that_meet_are_one)
{
    ck_assert_str_eq(ranges("bytes=0-4,5-9,20-29", 100), "0+10 20+10");
    ck_assert_str_eq(ranges("bytes=20-29,0-4,3-9", 100), "20+10 0+10");
    ck_assert_str_eq(ranges("bytes=0-1,4-5,2-3", 100), "0+6");
    ck_assert_str_eq(ranges("bytes=50-59,0-1,4-5,2-3,70-70", 100), "50+10 0+6 70+1");
    ck_assert_str_eq(ranges("bytes=4-5,0-1,2-3", 100), "0+6");
}
END_TEST

START_TEST(too_many_ranges_are_refused)
{
    char header[200] = "bytes=0-0";

    for (int i = 1; i < TR__RANGES_MOST; i++)
        (void)snprintf(header + strlen(header), sizeof(header) - strlen(header), ",%d-%d", 2 * i,
                       2 * i);
    ck_assert_str_ne(ranges(header, 100), "all");
    strcat(header, ",90-90");
    ck_assert_str_eq(ranges(header, 100), "all");
    ck_assert_str_eq(ranges("bytes=0-,0-,0-", 100), "0+100");
    ck_assert_str_eq(ranges("bytes=0-,0-,0-,0-", 100), "all");
}
END_TEST

START_TEST(content_ranges_are_written)
{
    char text[TR__CONTENT_RANGE_BYTES];
    tr__range range = { UINT64_MAX - 10, 5 };

    ck_assert_int_eq(tr__content_range_format(NULL, 10, text), 10);
    ck_assert_str_eq(text, "bytes */10");
    ck_assert_int_eq(tr__content_range_format(&range, UINT64_MAX, text), (int)strlen(text));
    ck_assert_str_eq(text, "bytes 18446744073709551605-18446744073709551609/18446744073709551615");
}
END_TEST

KIT_MAIN("http/range", ranges_are_cut_to_what_there_is, ranges_of_nothing_are_unsatisfiable,
         malformed_ranges_are_as_if_none_were_asked, ranges_that_meet_are_one,
         too_many_ranges_are_refused, content_ranges_are_written)
