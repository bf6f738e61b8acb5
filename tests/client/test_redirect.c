/* Redirects: which method, and which headers, go on to where. */
#include "client/redirect.h"
#include "support/kit.h"

static tr__redirect read_from(const char *from, int status, const char *method,
                              const char *location, int expected)
{
    tr__redirect out;
    tr__url url;

    ck_assert_int_eq(tr__url_parse(&url, tr__slice_of(from)), 0);
    ck_assert_int_eq(tr__redirect_read(&out, status, method, &url, tr__slice_of(location)),
                     expected);
    tr__url_fini(&url);
    return out;
}

static bool becomes_get(int status, const char *method)
{
    tr__redirect r = read_from("http://a/b", status, method, "c", 0);

    ck_assert_str_eq(r.url.text, "http://a/c");
    ck_assert(r.becomes_get != tr__redirect_repeats(status, method));
    tr__url_fini(&r.url);
    return r.becomes_get;
}

static bool leaves(const char *from, const char *location)
{
    tr__redirect r = read_from(from, 302, "GET", location, 0);

    tr__url_fini(&r.url);
    return r.leaves_origin;
}

START_TEST(five_statuses_are_followed)
{
    int count = 0;

    for (int status = 100; status < 600; status++)
        count += tr__redirect_is(status);
    ck_assert_int_eq(count, 5);
    ck_assert(tr__redirect_is(301) && tr__redirect_is(302) && tr__redirect_is(303) &&
              tr__redirect_is(307) && tr__redirect_is(308));
}
END_TEST

START_TEST(methods_become_what_browsers_make_of_them)
{
    ck_assert(becomes_get(301, "POST") && becomes_get(302, "POST") && becomes_get(303, "POST"));
    ck_assert(!becomes_get(307, "POST") && !becomes_get(308, "POST"));
    ck_assert(!becomes_get(301, "PUT") && !becomes_get(302, "DELETE") && becomes_get(303, "PUT"));
    ck_assert(!becomes_get(303, "HEAD") && !becomes_get(303, "GET") && !becomes_get(301, "GET"));
    ck_assert(!becomes_get(301, "post")); /* methods have a case */
}
END_TEST

START_TEST(another_origin_is_another_scheme_host_or_port)
{
    ck_assert(!leaves("http://a/b", "c"));
    ck_assert(!leaves("http://a/b", "http://A:80/c"));
    ck_assert(leaves("http://a/b", "//c/b"));
    ck_assert(leaves("http://a/b", "http://a:81/b"));
    ck_assert(leaves("http://a/b", "https://a/b"));
    ck_assert(leaves("https://a/b", "https://a.b/b"));
}
END_TEST

START_TEST(nobody_is_led_from_https_to_http_or_to_nowhere)
{
    ck_assert_ptr_null(read_from("https://a/", 302, "GET", "http://a/", TR_EREDIRECTS).url.text);
    ck_assert_ptr_null(read_from("https://a/", 302, "GET", "ftp://a/", TR_EREDIRECTS).url.text);
    ck_assert_ptr_null(read_from("http://a/", 302, "GET", "http://", TR_EREDIRECTS).url.text);
    ck_assert_ptr_null(read_from("http://a/", 302, "GET", "//127.1/", TR_EREDIRECTS).url.text);
}
END_TEST

START_TEST(a_location_says_not_who_asks)
{
    tr__redirect r = read_from("http://a/", 302, "GET", "http://u:p@a/b", 0);

    ck_assert_ptr_null(r.url.user);
    ck_assert_ptr_null(r.url.password);
    ck_assert_str_eq(r.url.text, "http://a/b");
    tr__url_fini(&r.url);
}
END_TEST

START_TEST(headers_go_where_they_may)
{
    tr__redirect stays = { .leaves_origin = false };
    tr__redirect leaves_it = { .leaves_origin = true };
    tr__redirect gets = { .becomes_get = true };

    ck_assert(!tr__redirect_drops(&stays, TR__KNOWN_AUTHORIZATION));
    ck_assert(!tr__redirect_drops(&stays, TR__KNOWN_CONTENT_TYPE));
    ck_assert(tr__redirect_drops(&leaves_it, TR__KNOWN_AUTHORIZATION));
    ck_assert(tr__redirect_drops(&leaves_it, TR__KNOWN_COOKIE));
    ck_assert(tr__redirect_drops(&leaves_it, TR__KNOWN_HOST));
    ck_assert(tr__redirect_drops(&leaves_it, TR__KNOWN_PROXY_AUTHORIZATION));
    ck_assert(!tr__redirect_drops(&leaves_it, TR__KNOWN_CONTENT_TYPE));
    ck_assert(!tr__redirect_drops(&leaves_it, TR__KNOWN_ACCEPT));
    ck_assert(!tr__redirect_drops(&gets, TR__KNOWN_AUTHORIZATION));
    ck_assert(tr__redirect_drops(&gets, TR__KNOWN_CONTENT_TYPE));
    ck_assert(tr__redirect_drops(&gets, TR__KNOWN_CONTENT_ENCODING));
    ck_assert(!tr__redirect_drops(&gets, TR__KNOWN_NONE));
}
END_TEST

static void read_one(void *unused, int n)
{
    tr__redirect out;
    tr__url url;

    (void)unused;
    (void)n;
    if (tr__url_parse(&url, tr__slice_of("http://a/")) < 0)
        return;
    if (tr__redirect_read(&out, 302, "GET", &url, tr__slice_of("b")) == 0)
        tr__url_fini(&out.url);
    else
        ck_assert_ptr_null(out.url.text);
    tr__url_fini(&url);
}

START_TEST(without_memory_nothing_is_followed)
{
    ck_assert_int_eq(kit_for_every_fault(read_one, NULL), 3);
}
END_TEST

KIT_MAIN("client/redirect", five_statuses_are_followed, methods_become_what_browsers_make_of_them,
         another_origin_is_another_scheme_host_or_port,
         nobody_is_led_from_https_to_http_or_to_nowhere, a_location_says_not_who_asks,
         headers_go_where_they_may, without_memory_nothing_is_followed)
