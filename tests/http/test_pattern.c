/* Patterns: as JavaScript has them, bounded, and compiled once, whoever comes first. */
#include "http/pattern.h"

#include <pthread.h>
#include <string.h>

#include "base/seam.h"
#include "support/kit.h"

/* A cache that was never used: what is compiled lasts as long as the process, and so does this. */
static struct tr__pattern_cache *fresh_cache(void)
{
    static struct tr__pattern_cache caches[200];
    static int used;

    ck_assert_int_lt(used, 200);
    return &caches[used++];
}

static int matches(const char *pattern, const char *text)
{
    return tr__pattern_matches(fresh_cache(), pattern, text, strlen(text));
}

START_TEST(a_pattern_matches_somewhere_unless_it_is_anchored)
{
    ck_assert_int_eq(matches("b", "abc"), 1);
    ck_assert_int_eq(matches("^b", "abc"), 0);
    ck_assert_int_eq(matches("^abc$", "abc"), 1);
    ck_assert_int_eq(matches("^abc$", "abc\n"), 0);
    ck_assert_int_eq(matches("^$", ""), 1);
    ck_assert_int_eq(matches("^(?:[A-Z]{2}\\d+|x?)$", "AB12"), 1);
}
END_TEST

START_TEST(characters_are_not_bytes)
{
    ck_assert_int_eq(matches("^.$", "\xf0\x9f\x98\x80"), 1);
    ck_assert_int_eq(matches("^[\xc3\xa4]$", "\xc3\xa4"), 1);
    ck_assert_int_eq(matches("^\\u00e4$", "\xc3\xa4"), 1);
}
END_TEST

START_TEST(what_is_no_pattern_is_refused)
{
    ck_assert_int_eq(matches("(", ""), TR_EINVAL);
    ck_assert_int_eq(matches("[", ""), TR_EINVAL);
    ck_assert_int_eq(matches("*", ""), TR_EINVAL);
}
END_TEST

START_TEST(a_match_that_would_take_for_ever_is_none)
{
    ck_assert_int_eq(matches("^(a|a)*$", "aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaab"), 0);
    ck_assert_int_eq(matches("^(a+)+$", "aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaab"), 0);
}
END_TEST

static void match_with_faults(void *ctx, int n)
{
    int rc = tr__pattern_matches(fresh_cache(), "^a+b$", "aab", 3);

    (void)ctx;
    (void)n;
    ck_assert(rc == 1 || rc == TR_ENOMEM);
}

START_TEST(without_memory_nothing_is_said_of_a_text)
{
    ck_assert_int_ge(kit_for_every_fault(match_with_faults, NULL), 5);
}
END_TEST

static struct tr__pattern_cache shared;

static void *match_often(void *unused)
{
    (void)unused;
    for (int i = 0; i < 2000; i++) {
        ck_assert_int_eq(tr__pattern_matches(&shared, "^a+b$", "aaab", 4), 1);
        ck_assert_int_eq(tr__pattern_matches(&shared, "^a+b$", "aaac", 4), 0);
    }
    return NULL;
}

START_TEST(threads_may_match_at_the_same_time)
{
    pthread_t threads[4];

    for (int i = 0; i < 4; i++)
        ck_assert_int_eq(pthread_create(&threads[i], NULL, match_often, NULL), 0);
    for (int i = 0; i < 4; i++)
        ck_assert_int_eq(pthread_join(threads[i], NULL), 0);
}
END_TEST

KIT_MAIN("http/pattern", a_pattern_matches_somewhere_unless_it_is_anchored,
         characters_are_not_bytes, what_is_no_pattern_is_refused,
         a_match_that_would_take_for_ever_is_none, without_memory_nothing_is_said_of_a_text,
         threads_may_match_at_the_same_time)
