/* Dates, against the C library's calendar. */
#include <time.h>

#include "http/date.h"
#include "support/kit.h"

static int64_t parsed(const char *text)
{
    int64_t out = -1;

    ck_assert_msg(tr__date_parse(tr__slice_of(text), 784111777, &out), "%s", text);
    return out;
}

START_TEST(the_three_formats_are_read)
{
    ck_assert_int_eq(parsed("Sun, 06 Nov 1994 08:49:37 GMT"), 784111777);
    ck_assert_int_eq(parsed("Sunday, 06-Nov-94 08:49:37 GMT"), 784111777);
    ck_assert_int_eq(parsed("Sun Nov  6 08:49:37 1994"), 784111777);
    ck_assert_int_eq(parsed("Sun Nov 16 08:49:37 1994"), 784111777 + 864000);
    ck_assert_int_eq(parsed("Sat, 31 Dec 2016 23:59:60 GMT"), 1483228800);
    ck_assert_int_eq(parsed("Tue, 29 Feb 2000 00:00:00 GMT"), 951782400);
}
END_TEST

START_TEST(short_years_are_at_most_fifty_years_ahead)
{
    ck_assert_int_eq(parsed("Friday, 01-Jan-44 00:00:00 GMT"), 2335219200);
    ck_assert_int_eq(parsed("Monday, 01-Jan-45 00:00:00 GMT"), -788918400);
}
END_TEST

START_TEST(what_is_no_date_is_refused)
{
    static const char *const bad[] = { "",
                                       "Sun, 06 Nov 1994 08:49:37 GM",
                                       "Sun, 06 Nov 1994 08:49:37 GMTx",
                                       "Sun, 06 Nov 1994 08:49:37 CET",
                                       "Sun, 6 Nov 1994 08:49:37 GMT",
                                       "Sun, 31 Nov 1994 08:49:37 GMT",
                                       "Sun, 00 Nov 1994 08:49:37 GMT",
                                       "Sun, 06 Nov 0000 08:49:37 GMT",
                                       "Sun, 06 Nov 1994 24:49:37 GMT",
                                       "Sun, 06 Nov 1994 08:60:37 GMT",
                                       "Sun, 06 Nov 1994 08:49:61 GMT",
                                       "Sun, 06 nov 1994 08:49:37 GMT",
                                       "Xun, 06 Nov 1994 08:49:37 GMT",
                                       "Wed, 29 Feb 1900 00:00:00 GMT",
                                       "Sun Nov 6 08:49:37 1994",
                                       "Sun Nov  x 08:49:37 1994",
                                       "Sunday, 06-Nov-9" };
    int64_t out = 7;

    for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++)
        ck_assert_msg(!tr__date_parse(tr__slice_of(bad[i]), 0, &out), "%s", bad[i]);
    ck_assert_int_eq(out, 7);
}
END_TEST

START_TEST(each_day_of_five_hundred_years_is_the_c_librarys)
{
    for (int64_t day = -100 * 365; day < 400 * 366; day++) {
        int64_t seconds = day * 86400 + day * 7 % 86400;
        time_t time = (time_t)seconds;
        char text[TR__DATE_BYTES + 1];
        char expected[40];
        int64_t back;
        struct tm tm;

        tr__date_format(seconds, text);
        ck_assert_ptr_nonnull(gmtime_r(&time, &tm));
        (void)strftime(expected, sizeof(expected), "%a, %d %b %Y %H:%M:%S GMT", &tm);
        ck_assert_str_eq(text, expected);
        ck_assert(tr__date_parse(tr__slice_of(text), 0, &back));
        ck_assert_int_eq(back, seconds);
    }
}
END_TEST

START_TEST(times_out_of_range_are_moved_to_its_end)
{
    char text[TR__DATE_BYTES + 1];
    int64_t out;

    tr__date_format(INT64_MIN, text);
    ck_assert_str_eq(text, "Mon, 01 Jan 0001 00:00:00 GMT");
    tr__date_format(INT64_MAX, text);
    ck_assert_str_eq(text, "Fri, 31 Dec 9999 23:59:59 GMT");
    ck_assert(tr__date_parse(tr__slice_of("Sunday, 06-Nov-94 08:49:37 GMT"), INT64_MIN, &out));
    ck_assert(tr__date_parse(tr__slice_of("Sunday, 06-Nov-94 08:49:37 GMT"), INT64_MAX, &out));
}
END_TEST

KIT_MAIN("http/date", the_three_formats_are_read, short_years_are_at_most_fifty_years_ahead,
         what_is_no_date_is_refused, each_day_of_five_hundred_years_is_the_c_librarys,
         times_out_of_range_are_moved_to_its_end)
