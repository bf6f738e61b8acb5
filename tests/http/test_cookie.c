/* Cookies: what comes is read kindly, what goes out is strict. */
#include <math.h>

#include "http/cookie.h"
#include "support/kit.h"

START_TEST(cookies_are_found_amid_whatever_else_is_sent)
{
    tr__slice header = tr__slice_of("junk; a=1;b = \"two\" ;; =x; a=3; c=d=e; q=\"");
    tr__slice value;

    ck_assert(tr__cookie_find(header, tr__slice_of("a"), &value) && tr__slice_is(value, "1"));
    ck_assert(tr__cookie_find(header, tr__slice_of("b"), &value) && tr__slice_is(value, "two"));
    ck_assert(tr__cookie_find(header, tr__slice_of("c"), &value) && tr__slice_is(value, "d=e"));
    ck_assert(tr__cookie_find(header, tr__slice_of("q"), &value) && tr__slice_is(value, "\""));
    ck_assert(!tr__cookie_find(header, tr__slice_of("A"), &value));
    ck_assert(!tr__cookie_find(header, tr__slice_of(""), &value));
    ck_assert(!tr__cookie_find(header, tr__slice_of("junk"), &value));
    ck_assert(!tr__cookie_find((tr__slice){ NULL, 0 }, tr__slice_of("a"), &value));
}
END_TEST

static char text[TR__COOKIE_BYTES];

static int format(const char *name, const char *value, tr__cookie_options options, bool is_secure)
{
    return tr__cookie_format(name, value, &options, is_secure, text, sizeof(text));
}

START_TEST(cookies_go_out_with_what_was_asked_for)
{
    tr__cookie_options all = { .path = "/x",
                               .domain = "example.org",
                               .max_age = 59.5,
                               .expires = 784111777,
                               .is_script_seen = true,
                               .is_partitioned = true,
                               .same_site = "none" };

    ck_assert_int_eq(format("a", "", (tr__cookie_options){ 0 }, false), (int)strlen(text));
    ck_assert_str_eq(text, "a=; Path=/; SameSite=Lax; HttpOnly");
    ck_assert_int_gt(format("a", "1", all, true), 0);
    ck_assert_str_eq(text, "a=1; Path=/x; Domain=example.org; Max-Age=60; "
                           "Expires=Sun, 06 Nov 1994 08:49:37 GMT; SameSite=None; Secure; "
                           "Partitioned");
    ck_assert_int_gt(format("a", "", (tr__cookie_options){ .max_age = -1 }, true), 0);
    ck_assert_str_eq(text, "a=; Path=/; Max-Age=0; SameSite=Lax; HttpOnly; Secure");
    ck_assert_int_gt(format("a", "", (tr__cookie_options){ .max_age = INFINITY }, false), 0);
    ck_assert_str_eq(text, "a=; Path=/; Max-Age=34560000; SameSite=Lax; HttpOnly");
}
END_TEST

START_TEST(nothing_can_be_put_into_a_cookie_that_is_not_its_own)
{
    static const char *const names[] = { "", "a b", "a=b", "a;b", "a\r\nb", "\xe4" };
    static const char *const values[] = {
        "a;b", "a b", "a\r\nb", "a,b", "\"", "\\", "\xe4", "\x7f"
    };
    static const char *const paths[] = { "", "x", "/;", "/\n", "/\xe4" };
    static const char *const domains[] = { "", "a;b", "a b", "a\n" };

    for (size_t i = 0; i < sizeof(names) / sizeof(names[0]); i++)
        ck_assert_int_eq(format(names[i], "", (tr__cookie_options){ 0 }, false), TR_EINVAL);
    for (size_t i = 0; i < sizeof(values) / sizeof(values[0]); i++)
        ck_assert_int_eq(format("a", values[i], (tr__cookie_options){ 0 }, false), TR_EINVAL);
    for (size_t i = 0; i < sizeof(paths) / sizeof(paths[0]); i++)
        ck_assert_int_eq(format("a", "", (tr__cookie_options){ .path = paths[i] }, false),
                         TR_EINVAL);
    for (size_t i = 0; i < sizeof(domains) / sizeof(domains[0]); i++)
        ck_assert_int_eq(format("a", "", (tr__cookie_options){ .domain = domains[i] }, false),
                         TR_EINVAL);
    ck_assert_int_eq(format("a", "", (tr__cookie_options){ .same_site = "Lax; x" }, false),
                     TR_EINVAL);
    ck_assert_int_eq(format("a", "", (tr__cookie_options){ .max_age = NAN }, false), TR_EINVAL);
}
END_TEST

START_TEST(what_browsers_would_refuse_is_refused)
{
    tr__cookie_options none = { .same_site = "None" };
    tr__cookie_options insecure = { .is_insecure = true };

    ck_assert_int_eq(format("a", "", none, false), TR_EINVAL);
    ck_assert_int_eq(format("a", "", (tr__cookie_options){ .is_partitioned = true }, false),
                     TR_EINVAL);
    ck_assert_int_eq(format("__Secure-a", "", insecure, true), TR_EINVAL);
    ck_assert_int_gt(format("__Secure-a", "", (tr__cookie_options){ 0 }, true), 0);
    ck_assert_int_eq(format("__host-a", "", (tr__cookie_options){ .path = "/x" }, true), TR_EINVAL);
    ck_assert_int_eq(format("__Host-a", "", (tr__cookie_options){ .domain = "x" }, true),
                     TR_EINVAL);
    ck_assert_int_gt(format("__Host-a", "", (tr__cookie_options){ .path = "/" }, true), 0);
}
END_TEST

START_TEST(cookies_that_do_not_fit_are_refused)
{
    tr__cookie_options options = { 0 };
    int bytes = format("a", "1", options, false);

    for (int room = 0; room <= bytes; room++)
        ck_assert_int_eq(tr__cookie_format("a", "1", &options, false, text, (size_t)room),
                         TR_ETOOLARGE);
    ck_assert_int_eq(tr__cookie_format("a", "1", &options, false, text, (size_t)bytes + 1), bytes);
}
END_TEST

KIT_MAIN("http/cookie", cookies_are_found_amid_whatever_else_is_sent,
         cookies_go_out_with_what_was_asked_for,
         nothing_can_be_put_into_a_cookie_that_is_not_its_own,
         what_browsers_would_refuse_is_refused, cookies_that_do_not_fit_are_refused)
