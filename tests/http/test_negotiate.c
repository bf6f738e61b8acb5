/* Content negotiation. */
#include "http/negotiate.h"
#include "support/kit.h"

static int liked(const char *accept, const char *type)
{
    return tr__accept_quality(tr__slice_of(accept), type);
}

START_TEST(the_most_specific_range_counts)
{
    const char *accept = "text/*;q=0.3, text/html;q=0.7, text/html;level=1, */*;q=0.05";

    ck_assert_int_eq(liked(accept, "text/html; charset=utf-8"), 700);
    ck_assert_int_eq(liked(accept, "TEXT/plain"), 300);
    ck_assert_int_eq(liked(accept, "image/png"), 50);
    ck_assert_int_eq(liked("text/html", "image/png"), 0);
    ck_assert_int_eq(liked("text/html;q=0, */*", "text/html"), 0);
    ck_assert_int_eq(liked("tex/*", "text/html"), 0);
    ck_assert_int_eq(tr__accept_quality((tr__slice){ NULL, 0 }, "a/b"), 1000);
}
END_TEST

START_TEST(malformed_pieces_count_for_nothing)
{
    ck_assert_int_eq(liked("a/b;q=2", "a/b"), 0);
    ck_assert_int_eq(liked("a/b;q=1.5", "a/b"), 0);
    ck_assert_int_eq(liked("a/b;q=0.1234", "a/b"), 0);
    ck_assert_int_eq(liked("a/b;q=0,5", "a/b"), 0);
    ck_assert_int_eq(liked("a/b;q=.5", "a/b"), 0);
    ck_assert_int_eq(liked("a/b;q=0.x", "a/b"), 0);
    ck_assert_int_eq(liked("a/b;;;Q=\"0.5\"", "a/b"), 500);
    ck_assert_int_eq(liked("a/b;x, a/b;q=0.5", "a/b"), 500);
    ck_assert_int_eq(liked("a/b;x=\",\\\",a/c,\", a/c;q=0.2", "a/c"), 200);
    ck_assert_int_eq(liked(",, a/b;q=0.25", "a/b"), 250);
    ck_assert_int_eq(liked("\"\\", "a/b"), 1000);
}
END_TEST

START_TEST(the_best_of_the_offers_is_chosen)
{
    static const char *const offers[] = { "text/html", "application/json" };

    ck_assert_int_eq(tr__accept_choose(tr__slice_of("*/*"), offers, 2), 0);
    ck_assert_int_eq(tr__accept_choose(tr__slice_of("application/*, */*;q=0.5"), offers, 2), 1);
    ck_assert_int_eq(tr__accept_choose(tr__slice_of("image/png"), offers, 2), -1);
    ck_assert_int_eq(tr__accept_choose(tr__slice_of("*/*"), offers, 0), -1);
}
END_TEST

static int coded(const char *accept)
{
    static const char *const offers[] = { "gzip", "deflate", "identity" };

    return tr__accept_encoding_choose(tr__slice_of(accept), offers, 3);
}

START_TEST(codings_are_used_when_they_are_asked_for)
{
    ck_assert_int_eq(coded(""), 2);
    ck_assert_int_eq(coded("gzip"), 0);
    ck_assert_int_eq(coded("GZip;q=0.001"), 0);
    ck_assert_int_eq(coded("gzip;q=0.5, deflate"), 1);
    ck_assert_int_eq(coded("gzip;q=0"), 2);
    ck_assert_int_eq(coded("*"), 0);
    ck_assert_int_eq(coded("*, gzip;q=0"), 1);
    ck_assert_int_eq(coded("identity, gzip;q=0.5"), 2);
    ck_assert_int_eq(coded("br, *;q=0"), -1);
    ck_assert_int_eq(coded("identity;q=0"), -1);
    ck_assert_int_eq(coded("*;q=0, identity;q=0.1"), 2);
}
END_TEST

KIT_MAIN("http/negotiate", the_most_specific_range_counts, malformed_pieces_count_for_nothing,
         the_best_of_the_offers_is_chosen, codings_are_used_when_they_are_asked_for)
