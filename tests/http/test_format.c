/* Formats of texts: what is one, and what is not. */
#include "http/format.h"

#include <string.h>

#include "support/kit.h"

/* Texts that end with NULL: all must be, or not be, of the format. */
static void expect_all(tr_format format, bool wanted, const char *const *texts)
{
    for (; *texts != NULL; texts++)
        ck_assert_msg(tr__format_is(format, *texts, strlen(*texts)) == wanted, "%s: %s",
                      tr__format_name(format), *texts);
}

#define EXPECT_ALL(format, wanted, ...)                                                            \
    expect_all(format, wanted, (const char *const[]){ __VA_ARGS__, NULL })

START_TEST(dates_are_days_of_the_calendar)
{
    EXPECT_ALL(TR_FORMAT_DATE, true, "2026-11-28", "2024-02-29", "2000-02-29", "0000-12-31",
               "2026-04-30");
    EXPECT_ALL(TR_FORMAT_DATE, false, "", "2026-11-31", "2023-02-29", "1900-02-29", "2026-13-01",
               "2026-00-01", "2026-01-00", "2026-1-1", "20261128", "2026-11-28 ", "x026-11-28",
               "2026-11");
}
END_TEST

START_TEST(times_are_rfc_3339s)
{
    EXPECT_ALL(TR_FORMAT_DATE_TIME, true, "2026-11-28T00:00:00Z", "2026-11-28t23:59:60z",
               "2026-11-28T12:30:00.123456+01:00", "2026-11-28T12:30:00-23:59");
    EXPECT_ALL(TR_FORMAT_DATE_TIME, false, "2026-11-28T00:00:00", "2026-11-28 00:00:00Z",
               "2026-11-28T24:00:00Z", "2026-11-28T00:60:00Z", "2026-11-28T00:00:61Z",
               "2026-11-28T00:00:00.Z", "2026-11-28T00:00Z", "2026-11-28T00:00:00+0100",
               "2026-11-28T00:00:00+24:00", "2026-11-28", "2026-02-30T00:00:00Z");
}
END_TEST

START_TEST(uuids_have_their_dashes)
{
    EXPECT_ALL(TR_FORMAT_UUID, true, "123e4567-e89b-12d3-a456-426614174000",
               "FFFFFFFF-FFFF-FFFF-FFFF-FFFFFFFFFFFF");
    EXPECT_ALL(TR_FORMAT_UUID, false, "", "123e4567-e89b-12d3-a456-42661417400",
               "123e4567-e89b-12d3-a456-4266141740000", "123e4567ee89b-12d3-a456-426614174000",
               "123g4567-e89b-12d3-a456-426614174000", "{23e4567-e89b-12d3-a456-426614174000}");
}
END_TEST

START_TEST(addresses_of_mail_have_a_name_and_a_domain)
{
    EXPECT_ALL(TR_FORMAT_EMAIL, true, "a@b.org", "first.last+tag@sub.example.co", "x_y@a-b.de",
               "!#$%&'*+/=?^_`{|}~-@example.org");
    EXPECT_ALL(TR_FORMAT_EMAIL, false, "", "a", "a@", "@b.org", "a@b", "a@b.", "a@.org", "a@b..org",
               "a@-b.org", "a@b-.org", ".a@b.org", "a.@b.org", "a..b@c.org", "a b@c.org",
               "a@b c.org", "a@b@c.org", "a@b_c.org",
               "aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa@b.org",
               "a@aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa.org");
}
END_TEST

START_TEST(uris_have_a_scheme)
{
    EXPECT_ALL(TR_FORMAT_URI, true, "https://example.org/a?b=c#d", "mailto:a@b.org", "urn:x:y",
               "http://[::1]:80/%20", "a+b-c.d:e");
    EXPECT_ALL(TR_FORMAT_URI, false, "", "/a/b", "example.org", "://x", "1a:b", "a:", "http://a b",
               "http://a/%2", "http://a/%zz", "http://\xc3\xa4", "http://a/\"");
}
END_TEST

START_TEST(any_text_is_of_no_format)
{
    ck_assert(tr__format_is(TR_FORMAT_ANY, "", 0));
    ck_assert(tr__format_is(TR_FORMAT_ANY, "\n", 1));
    ck_assert_ptr_null(tr__format_name(TR_FORMAT_ANY));
    ck_assert(!tr__format_is(TR_FORMAT_EMAIL, "a\0@b.org", 8));
}
END_TEST

KIT_MAIN("http/format", dates_are_days_of_the_calendar, times_are_rfc_3339s,
         uuids_have_their_dashes, addresses_of_mail_have_a_name_and_a_domain, uris_have_a_scheme,
         any_text_is_of_no_format)
