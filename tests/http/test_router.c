/* Routes: which one a path leads to. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <troupe/core.h>

#include "http/router.h"
#include "support/kit.h"

enum { GET = 1, POST = 3 };

static int add(tr__router *router, const char *pattern, tr__destination *destination)
{
    return tr__router_add(router, pattern, GET, destination);
}

static const tr__destination *find(const tr__router *router, const char *path, tr__match *match)
{
    tr__router_find(router, (tr__slice){ path, strlen(path) }, match);
    return match->all;
}

START_TEST(the_most_literal_segment_wins_from_the_left)
{
    static const char *const patterns[] = { "/",     "/a",     "/:x",    "/a/:x", "/:x/b",
                                            "/*all", "/a/b/c", "/d/*in", "/d/e/f" };
    static const struct {
        const char *path;
        int to;
    } ways[] = { { "/", 0 },    { "/a", 1 },       { "/b", 2 },        { "/a/b", 3 },
                 { "/b/b", 4 }, { "/b/c", 5 },     { "/a/b/c", 6 },    { "/a/b/d", 5 },
                 { "/d/e", 7 }, { "/d/e/g", 7 },   { "/d/e/f", 8 },    { "/d/", 7 },
                 { "/%61", 1 }, { "/a%2Fb/b", 4 }, { "/a/%62/%63", 6 } };
    tr__destination to[sizeof(patterns) / sizeof(patterns[0])];
    tr__router router = { 0 };
    tr__match match;

    for (size_t i = 0; i < sizeof(patterns) / sizeof(patterns[0]); i++)
        ck_assert_int_eq(add(&router, patterns[i], &to[i]), 0);
    for (size_t i = 0; i < sizeof(ways) / sizeof(ways[0]); i++)
        ck_assert_msg(find(&router, ways[i].path, &match) == &to[ways[i].to], "%s", ways[i].path);
    tr__router_fini(&router);
}
END_TEST

START_TEST(what_names_stand_for_is_told)
{
    tr__destination to, rest;
    tr__router router = { 0 };
    tr__match match;

    ck_assert_int_eq(add(&router, "/:a/x/:b", &to), 0);
    ck_assert_int_eq(add(&router, "/:a/*rest", &rest), 0);
    ck_assert_ptr_eq(find(&router, "/1/x/2", &match), &to);
    ck_assert_uint_eq(match.param_count, 2);
    ck_assert(tr__slice_is(match.params[0], "1") && tr__slice_is(match.params[1], "2"));
    ck_assert_ptr_eq(find(&router, "/1/x/2/3", &match), &rest);
    ck_assert_uint_eq(match.param_count, 2);
    ck_assert(tr__slice_is(match.params[1], "x/2/3"));
    ck_assert_ptr_null(find(&router, "/1", &match));
    ck_assert_ptr_null(find(&router, "//x/2", &match));
    ck_assert_uint_eq(match.param_count, 0);
    tr__router_fini(&router);
}
END_TEST

START_TEST(malformed_patterns_are_refused)
{
    static const char *const malformed[] = {
        "",     "a",    "/:",   "/*",   "/*a/b", "/:a/:a", "/:a-b", "/%61",
        "/a b", "/a?b", "/a#b", "/a:b", "/a*",   "/.",     "/a/..", "/:a/*a",
    };
    tr__destination to;
    tr__router router = { 0 };

    for (size_t i = 0; i < sizeof(malformed) / sizeof(malformed[0]); i++)
        ck_assert_msg(add(&router, malformed[i], &to) == TR_EINVAL, "%s", malformed[i]);
    tr__router_fini(&router);
}
END_TEST

START_TEST(a_path_has_one_route_for_each_method)
{
    tr__destination one, other, third;
    tr__router router = { 0 };
    tr__match match;

    ck_assert_int_eq(add(&router, "/:a", &one), 0);
    ck_assert_int_eq(add(&router, "/:b", &third), TR_EALREADY);
    ck_assert_int_eq(tr__router_add(&router, "/:b", POST, &other), 0);
    ck_assert_ptr_eq(find(&router, "/x", &match), &one);
    ck_assert_ptr_eq(match.all->next, &other);
    tr__router_fini(&router);
}
END_TEST

KIT_MAIN("http/router", the_most_literal_segment_wins_from_the_left, what_names_stand_for_is_told,
         malformed_patterns_are_refused, a_path_has_one_route_for_each_method)
