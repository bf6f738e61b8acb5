/* Entity tags, and conditions on them. */
#include "http/etag.h"
#include "support/kit.h"

START_TEST(tags_are_valid_with_their_quotes_only)
{
    static const char *const bad[] = { "",        "a",  "\"",     "\"a",    "a\"",
                                       "w/\"a\"", "W/", "\"a\"b", "\"a b\"" };

    ck_assert(tr__etag_is_valid(tr__slice_of("\"\"")));
    ck_assert(tr__etag_is_valid(tr__slice_of("W/\"a,b\xe4\"")));
    for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++)
        ck_assert(!tr__etag_is_valid(tr__slice_of(bad[i])));
    ck_assert(!tr__etag_is_valid((tr__slice){ NULL, 0 }));
}
END_TEST

START_TEST(weak_tags_are_equal_weakly_only)
{
    tr__slice weak = tr__slice_of("W/\"1\"");
    tr__slice strong = tr__slice_of("\"1\"");
    tr__slice other = tr__slice_of("W/\"2\"");
    tr__slice bad = tr__slice_of("1");

    ck_assert(!tr__etag_equals_strongly(weak, weak) && tr__etag_equals_weakly(weak, weak));
    ck_assert(!tr__etag_equals_weakly(weak, other) && !tr__etag_equals_strongly(strong, weak));
    ck_assert(tr__etag_equals_weakly(weak, strong) && tr__etag_equals_strongly(strong, strong));
    ck_assert(!tr__etag_equals_weakly(bad, bad) && !tr__etag_equals_strongly(bad, bad));
}
END_TEST

static bool has_match(const char *list, const char *etag)
{
    return tr__if_match(tr__slice_of(list), tr__slice_of(etag));
}

static bool has_none_match(const char *list, const char *etag)
{
    return tr__if_none_match(tr__slice_of(list), tr__slice_of(etag));
}

START_TEST(lists_are_searched_to_where_they_are_malformed)
{
    ck_assert(has_match("\"a\", \"b,c\" ,\"d\"", "\"d\""));
    ck_assert(has_match(",, \"a\"", "\"a\""));
    ck_assert(!has_match("W/\"a\"", "\"a\""));
    ck_assert(!has_match("\"a\" \"b\"", "\"b\""));
    ck_assert(!has_match("\"a\", b, \"c\"", "\"c\""));
    ck_assert(!has_match("", "\"c\""));
    ck_assert(!has_none_match("W/\"a\"", "\"a\""));
    ck_assert(has_none_match("\"b\"", "\"a\""));
    ck_assert(has_none_match("\"a", "\"a\""));
}
END_TEST

START_TEST(a_star_means_whatever_there_is)
{
    tr__slice nothing = { NULL, 0 };

    ck_assert(has_match(" * ", "\"a\"") && has_match("*", ""));
    ck_assert(!has_none_match("*", "\"a\"") && !has_none_match("*", ""));
    ck_assert(!tr__if_match(tr__slice_of("*"), nothing));
    ck_assert(tr__if_none_match(tr__slice_of("*"), nothing));
    ck_assert(!tr__if_match(tr__slice_of("\"a\""), nothing));
    ck_assert(!has_match("*, \"a\"", "\"a\""));
}
END_TEST

KIT_MAIN("http/etag", tags_are_valid_with_their_quotes_only, weak_tags_are_equal_weakly_only,
         lists_are_searched_to_where_they_are_malformed, a_star_means_whatever_there_is)
