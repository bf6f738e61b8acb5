/* Cookies that are kept: who may set which, and with which requests they go. */
#include <stdio.h>
#include <stdlib.h>

#include "client/jar.h"
#include "client/set_cookie.h"
#include "support/kit.h"

enum { NOW_S = 784111777 }; /* Sun, 06 Nov 1994 08:49:37 GMT */

static tr__jar *new_jar(void)
{
    tr__jar *jar;

    ck_assert_int_eq(tr__jar_new(&jar), 0);
    return jar;
}

static void set_at(tr__jar *jar, const char *from, const char *line, int64_t now_s)
{
    tr__url url;

    ck_assert_int_eq(tr__url_parse(&url, tr__slice_of(from)), 0);
    ck_assert_int_eq(tr__jar_set(jar, &url, tr__slice_of(line), now_s), 0);
    tr__url_fini(&url);
}

static void set(tr__jar *jar, const char *from, const char *line)
{
    set_at(jar, from, line, NOW_S);
}

/* What goes with a request; lent until the next call. */
static const char *get_at(tr__jar *jar, const char *to, int64_t now_s)
{
    static char text[2048];
    tr__buffer out = { 0 };
    tr__url url;

    ck_assert_int_eq(tr__url_parse(&url, tr__slice_of(to)), 0);
    ck_assert_int_eq(tr__jar_get(jar, &url, now_s, &out), 0);
    ck_assert_uint_lt(tr__buffer_count(&out), sizeof(text));
    (void)snprintf(text, sizeof(text), "%.*s", (int)tr__buffer_count(&out),
                   out.bytes != NULL ? out.bytes : "");
    tr__buffer_free(&out);
    tr__url_fini(&url);
    return text;
}

static const char *get(tr__jar *jar, const char *to)
{
    return get_at(jar, to, NOW_S);
}

/* What a jar with one line in it sends; lent until the next call. */
static const char *sent(const char *from, const char *line, const char *to)
{
    tr__jar *jar = new_jar();
    const char *text;

    set(jar, from, line);
    text = get(jar, to);
    tr__jar_free(jar);
    return text;
}

START_TEST(a_cookie_goes_back_where_it_came_from)
{
    ck_assert_str_eq(sent("http://example.org/", "a=1", "http://example.org/"), "a=1");
    ck_assert_str_eq(sent("http://example.org/", "a=1", "https://example.org:8080/b"), "a=1");
    ck_assert_str_eq(sent("http://example.org/", " a = b c=d ; x", "http://example.org/"),
                     "a=b c=d");
    ck_assert_str_eq(sent("http://example.org/", "a=\"1\"", "http://example.org/"), "a=\"1\"");
    ck_assert_str_eq(sent("http://example.org/", "a=", "http://example.org/"), "a=");
    ck_assert_str_eq(sent("http://example.org/", "a=1", "http://www.example.org/"), "");
    ck_assert_str_eq(sent("http://www.example.org/", "a=1", "http://example.org/"), "");
    ck_assert_str_eq(sent("http://127.0.0.1/", "a=1", "http://127.0.0.1/"), "a=1");
    ck_assert_str_eq(sent("http://[::1]/", "a=1", "http://[::1]:81/"), "a=1");
    ck_assert_str_eq(sent("http://localhost/", "a=1", "http://localhost/"), "a=1");
}
END_TEST

START_TEST(a_domain_has_all_hosts_below_it)
{
    ck_assert_str_eq(
        sent("http://www.example.org/", "a=1; Domain=example.org", "http://example.org/"), "a=1");
    ck_assert_str_eq(
        sent("http://example.org/", "a=1; Domain=.EXAMPLE.org", "http://a.b.example.org/"), "a=1");
    ck_assert_str_eq(sent("http://example.org/", "a=1; Domain=example.org", "http://xexample.org/"),
                     "");
    ck_assert_str_eq(sent("http://example.org/", "a=1; domain=", "http://www.example.org/"), "");
    ck_assert_str_eq(sent("http://example.org/", "a=1; domain=x.org; domain=example.org",
                          "http://www.example.org/"),
                     "a=1");
}
END_TEST

START_TEST(nobody_sets_cookies_for_others)
{
    static const char *const lines[] = {
        "a=1; Domain=example.com", "a=1; Domain=org",          "a=1; Domain=www.example.org",
        "a=1; Domain=ample.org",   "a=1; Domain=example.org.", "a=1; Domain=..example.org"
    };

    for (size_t i = 0; i < sizeof(lines) / sizeof(lines[0]); i++) {
        ck_assert_str_eq(sent("http://example.org/", lines[i], "http://example.org/"), "");
        ck_assert_str_eq(sent("http://example.org/", lines[i], "http://www.example.org/"), "");
        ck_assert_str_eq(sent("http://example.org/", lines[i], "http://example.com/"), "");
    }
    ck_assert_str_eq(sent("http://127.0.0.1/", "a=1; Domain=0.0.1", "http://127.0.0.1/"), "");
    ck_assert_str_eq(sent("http://127.0.0.1/", "a=1; Domain=127.0.0.1", "http://127.0.0.1/"),
                     "a=1");
}
END_TEST

START_TEST(what_is_open_to_registration_has_no_cookies)
{
    ck_assert_str_eq(sent("http://a.co.uk/", "a=1; Domain=co.uk", "http://b.co.uk/"), "");
    ck_assert_str_eq(sent("http://a.github.io/", "a=1; Domain=github.io", "http://b.github.io/"),
                     "");
    ck_assert_str_eq(sent("http://a.b.co.uk/", "a=1; Domain=b.co.uk", "http://b.co.uk/"), "a=1");
    /* But for a host of just that name, alone. */
    ck_assert_str_eq(sent("http://github.io/", "a=1; Domain=github.io", "http://github.io/"),
                     "a=1");
    ck_assert_str_eq(sent("http://github.io/", "a=1; Domain=github.io", "http://b.github.io/"), "");
    ck_assert_str_eq(sent("http://a.internal/", "a=1; Domain=internal", "http://b.internal/"), "");
}
END_TEST

START_TEST(paths_bound_where_a_cookie_goes)
{
    static const char from[] = "http://a.org/b/c?d/e";

    ck_assert_str_eq(sent(from, "a=1", "http://a.org/b"), "a=1");
    ck_assert_str_eq(sent(from, "a=1", "http://a.org/b/"), "a=1");
    ck_assert_str_eq(sent(from, "a=1", "http://a.org/b/x/y"), "a=1");
    ck_assert_str_eq(sent(from, "a=1", "http://a.org/bc"), "");
    ck_assert_str_eq(sent(from, "a=1", "http://a.org/"), "");
    ck_assert_str_eq(sent(from, "a=1; Path=/", "http://a.org/x"), "a=1");
    ck_assert_str_eq(sent(from, "a=1; Path=/x/", "http://a.org/x/y"), "a=1");
    ck_assert_str_eq(sent(from, "a=1; Path=/x/", "http://a.org/x"), "");
    ck_assert_str_eq(sent(from, "a=1; Path=x", "http://a.org/b"), "a=1");
    ck_assert_str_eq(sent("http://a.org/b", "a=1", "http://a.org/c"), "a=1");
    ck_assert_str_eq(sent("http://a.org", "a=1", "http://a.org/c"), "a=1");
}
END_TEST

START_TEST(secure_cookies_go_by_tls_only)
{
    ck_assert_str_eq(sent("https://a.org/", "a=1; Secure", "https://a.org/"), "a=1");
    ck_assert_str_eq(sent("https://a.org/", "a=1; Secure", "http://a.org/"), "");
    ck_assert_str_eq(sent("http://a.org/", "a=1; Secure", "https://a.org/"), "");
    ck_assert_str_eq(sent("https://a.org/", "a=1; HttpOnly; SameSite=Strict", "http://a.org/"),
                     "a=1");
}
END_TEST

START_TEST(prefixes_of_names_hold_what_they_promise)
{
    static const char s[] = "https://a.org/";

    ck_assert_str_eq(sent(s, "__Secure-a=1; Secure", s), "__Secure-a=1");
    ck_assert_str_eq(sent(s, "__secure-a=1", s), "");
    ck_assert_str_eq(sent("http://a.org/", "__Secure-a=1; Secure", s), "");
    ck_assert_str_eq(sent(s, "__Host-a=1; Secure; Path=/", s), "__Host-a=1");
    ck_assert_str_eq(sent(s, "__Host-a=1; Secure", s), "");
    ck_assert_str_eq(sent(s, "__HOST-a=1; Path=/", s), "");
    ck_assert_str_eq(sent(s, "__Host-a=1; Secure; Path=/; Domain=a.org", s), "");
    ck_assert_str_eq(sent(s, "=__Host-a=1", s), "");
}
END_TEST

START_TEST(insecure_answers_leave_secure_cookies_alone)
{
    tr__jar *jar = new_jar();

    set(jar, "https://www.a.org/", "a=1; Secure; Domain=a.org; Path=/b");
    set(jar, "http://www.a.org/", "a=2; Path=/b");
    set(jar, "http://www.a.org/", "a=2; Path=/b/c; Domain=a.org");
    set(jar, "http://a.org/", "a=2; Path=/b; Domain=a.org; Max-Age=0");
    ck_assert_str_eq(get(jar, "https://www.a.org/b/c"), "a=1");
    set(jar, "http://www.a.org/", "a=2; Path=/"); /* which shadows nothing */
    ck_assert_str_eq(get(jar, "https://www.a.org/b"), "a=1; a=2");
    set(jar, "https://www.a.org/", "a=3; Secure; Domain=a.org; Path=/b");
    ck_assert_str_eq(get(jar, "https://www.a.org/b"), "a=3; a=2");
    tr__jar_free(jar);
}
END_TEST

START_TEST(cookies_are_replaced_and_deleted)
{
    tr__jar *jar = new_jar();

    set(jar, "http://a.org/", "a=1");
    set(jar, "http://a.org/", "b=2");
    set(jar, "http://a.org/", "a=3"); /* it keeps its place */
    ck_assert_str_eq(get(jar, "http://a.org/"), "a=3; b=2");
    set(jar, "http://a.org/", "A=4"); /* names have a case */
    set(jar, "http://a.org/", "a=5; Path=/c");
    set(jar, "http://a.org/", "a=6; Domain=a.org");
    ck_assert_str_eq(get(jar, "http://a.org/c"), "a=5; a=3; b=2; A=4; a=6");
    set(jar, "http://a.org/", "a=; Max-Age=0");
    set(jar, "http://a.org/", "b=; Expires=Thu, 01 Jan 1970 00:00:00 GMT");
    set(jar, "http://a.org/", "x=; Max-Age=-1");
    ck_assert_str_eq(get(jar, "http://a.org/c"), "a=5; A=4; a=6");
    tr__jar_free(jar);
}
END_TEST

START_TEST(cookies_live_as_long_as_they_were_told)
{
    tr__jar *jar = new_jar();

    set(jar, "http://a.org/", "a=1; Max-Age=10");
    set(jar, "http://a.org/", "b=1; Expires=Sun, 06 Nov 1994 08:49:57 GMT");
    set(jar, "http://a.org/", "c=1; Max-Age=30; Expires=Sun, 06 Nov 1994 08:00:00 GMT");
    set(jar, "http://a.org/", "d=1; Expires=Sun, 06 Nov 1994 08:00:00 GMT; Max-Age=40");
    set(jar, "http://a.org/", "e=1; Max-Age=99999999999999999999");
    set(jar, "http://a.org/", "f=1; Expires=Sun, 06 Nov 2094 08:00:00 GMT");
    set(jar, "http://a.org/", "g=1; Max-Age=1x; Expires=soon");
    ck_assert_str_eq(get_at(jar, "http://a.org/", NOW_S + 9), "a=1; b=1; c=1; d=1; e=1; f=1; g=1");
    ck_assert_str_eq(get_at(jar, "http://a.org/", NOW_S + 10), "b=1; c=1; d=1; e=1; f=1; g=1");
    ck_assert_str_eq(get_at(jar, "http://a.org/", NOW_S + 20), "c=1; d=1; e=1; f=1; g=1");
    ck_assert_str_eq(get_at(jar, "http://a.org/", NOW_S + 40), "e=1; f=1; g=1");
    ck_assert_str_eq(get_at(jar, "http://a.org/", NOW_S + 400L * 86400 - 1), "e=1; f=1; g=1");
    ck_assert_str_eq(get_at(jar, "http://a.org/", NOW_S + 400L * 86400), "g=1");
    tr__jar_free(jar);
}
END_TEST

START_TEST(longer_paths_go_first_then_older_cookies)
{
    tr__jar *jar = new_jar();

    set(jar, "http://a.org/", "a=1; Path=/");
    set(jar, "http://a.org/", "b=1; Path=/x/y");
    set(jar, "http://a.org/", "c=1; Path=/x");
    set(jar, "http://a.org/", "d=1; Path=/x/y");
    ck_assert_str_eq(get(jar, "http://a.org/x/y/z"), "b=1; d=1; c=1; a=1");
    tr__jar_free(jar);
}
END_TEST

START_TEST(what_is_no_cookie_is_left_out)
{
    static const char *const lines[] = {
        "", ";", "a", "=1", "=", " =1; a=2", "a=1\n", "a\r=1", "a=1\x7f", "a=1; Path=/\x01"
    };
    tr__jar *jar = new_jar();
    char line[5000];
    tr__url url;

    for (size_t i = 0; i < sizeof(lines) / sizeof(lines[0]); i++)
        set(jar, "http://a.org/", lines[i]);
    ck_assert_int_eq(tr__url_parse(&url, tr__slice_of("http://a.org/")), 0);
    ck_assert_int_eq(tr__jar_set(jar, &url, (tr__slice){ "a=\0", 3 }, NOW_S), 0);
    memset(line, 'x', sizeof(line));
    line[1] = '=';
    ck_assert_int_eq(tr__jar_set(jar, &url, (tr__slice){ line, 4098 }, NOW_S), 0);
    ck_assert_str_eq(get(jar, "http://a.org/"), "");
    ck_assert_int_eq(tr__jar_set(jar, &url, (tr__slice){ line, 4097 }, NOW_S), 0);
    tr__url_fini(&url);
    tr__jar_free(jar);
}
END_TEST

START_TEST(an_attribute_too_long_is_left_out)
{
    char line[2000] = "a=1; Path=/";

    memset(line + strlen(line), 'x', 1024);
    ck_assert_str_eq(sent("http://a.org/b/c", line, "http://a.org/b"), "a=1");
}
END_TEST

/* How many cookies go with a request. */
static int count(tr__jar *jar, const char *to)
{
    tr__buffer out = { 0 };
    tr__url url;
    int n = 0;

    ck_assert_int_eq(tr__url_parse(&url, tr__slice_of(to)), 0);
    ck_assert_int_eq(tr__jar_get(jar, &url, NOW_S, &out), 0);
    for (size_t i = out.begin; i < out.end; i++)
        n += out.bytes[i] == '=';
    tr__buffer_free(&out);
    tr__url_fini(&url);
    return n;
}

static void set_many(tr__jar *jar, const char *from, const char *attributes, int first, int n)
{
    char line[64];

    for (int i = first; i < first + n; i++) {
        (void)snprintf(line, sizeof(line), "c%d=1%s", i, attributes);
        set(jar, from, line);
    }
}

START_TEST(a_site_has_so_many_and_the_least_used_goes)
{
    tr__jar *jar = new_jar();

    set_many(jar, "https://a.org/", "; Secure", 0, 10);
    set(jar, "https://a.org/", "old=1; Max-Age=5");
    set_many(jar, "https://www.a.org/", "", 10, TR__JAR_SITE_MOST - 12);
    set(jar, "https://a.org/only", "used=1; Path=/only");
    ck_assert_int_eq(count(jar, "https://a.org/"), 11);
    ck_assert_int_eq(count(jar, "https://www.a.org/"), TR__JAR_SITE_MOST - 12);
    ck_assert_int_eq(count(jar, "http://a.org/only"), 2); /* used last */
    set_at(jar, "https://a.org/", "new=1", NOW_S + 5);    /* in the place of what has expired */
    ck_assert_int_eq(count(jar, "https://www.a.org/"), TR__JAR_SITE_MOST - 12);
    ck_assert_int_eq(count(jar, "https://a.org/only"), 12);
    set_many(jar, "https://www.a.org/", "; Secure", 900, TR__JAR_SITE_MOST - 12);
    /* All that was not for TLS alone has gone but the last used. */
    ck_assert_int_eq(count(jar, "https://a.org/only"), 12);
    ck_assert_int_eq(count(jar, "https://www.a.org/"), TR__JAR_SITE_MOST - 12);
    ck_assert_int_eq(count(jar, "http://www.a.org/"), 0);
    tr__jar_free(jar);
}
END_TEST

START_TEST(a_jar_has_so_many_and_the_least_used_goes)
{
    tr__jar *jar = new_jar();
    char url[64];

    for (int i = 0; i < TR__JAR_MOST / 100; i++) {
        (void)snprintf(url, sizeof(url), "http://a%d.org/", i);
        set_many(jar, url, "", 0, 100);
    }
    ck_assert_int_eq(count(jar, "http://a0.org/"), 100); /* used: so those of the next go */
    set_many(jar, "http://b.org/", "", 0, 100);
    ck_assert_int_eq(count(jar, "http://a0.org/"), 100);
    ck_assert_int_eq(count(jar, "http://a1.org/"), 0);
    ck_assert_int_eq(count(jar, "http://a2.org/"), 100);
    ck_assert_int_eq(count(jar, "http://b.org/"), 100);
    set_many(jar, "http://c.org/", "", 0, 1);
    ck_assert_int_eq(count(jar, "http://a3.org/"), 99);
    tr__jar_free(jar);
}
END_TEST

static const char *date(const char *text)
{
    static char out[32];
    int64_t seconds;

    if (!tr__cookie_date_parse(tr__slice_of(text), &seconds))
        return "none";
    (void)snprintf(out, sizeof(out), "%lld", (long long)seconds);
    return out;
}

START_TEST(dates_are_read_whatever_they_look_like)
{
    static const char *const same[] = {
        "Sun, 06 Nov 1994 08:49:37 GMT",
        "Sunday, 06-Nov-94 08:49:37 GMT",
        "Sun Nov  6 08:49:37 1994",
        "6 november 94 8:49:37",
        "8:49:37;1994/Nov/6",
        "06nd Nov 1994ad 08:49:37.5",
        "94 8:49:37 6 Nov",
        "6,,NOVember,,1994,,,8:49:37,rest 7 Dec 1995 1:1:1",
    };
    static const char *const none[] = {
        "",
        "Sun",
        "06 Nov 1994",
        "06 Nov 1994 08:49",
        "06 Nov 08:49:37",
        "Nov 1994 08:49:37",
        "06 1994 08:49:37",
        "31 Nov 1994 08:49:37",
        "00 Nov 1994 08:49:37",
        "06 Nov 1600 08:49:37",
        "06 Nov 19941 08:49:37",
        "006 Nov 1994 08:49:37",
        "06 Nov 1994 24:49:37",
        "06 Nov 1994 08:60:37",
        "06 Nov 1994 08:49:60",
        "06 Nov 1994 008:49:37",
        "29 Feb 2001 00:00:00",
    };

    for (size_t i = 0; i < sizeof(same) / sizeof(same[0]); i++)
        ck_assert_msg(strcmp(date(same[i]), i == 6 ? "none" : "784111777") == 0, "%s is %s",
                      same[i], date(same[i]));
    for (size_t i = 0; i < sizeof(none) / sizeof(none[0]); i++)
        ck_assert_msg(strcmp(date(none[i]), "none") == 0, "%s is %s", none[i], date(none[i]));
    ck_assert_str_eq(date("1 Jan 69 00:00:00"), "3124224000"); /* 2069 */
    ck_assert_str_eq(date("1 Jan 70 00:00:00"), "0");
    ck_assert_str_eq(date("29 Feb 2000 00:00:00"), "951782400");
}
END_TEST

static void set_and_get(void *unused, int n)
{
    tr__buffer out = { 0 };
    tr__jar *jar;
    tr__url url;
    int rc;

    (void)unused;
    (void)n;
    if (tr__url_parse(&url, tr__slice_of("http://a.org/")) < 0)
        return;
    rc = tr__jar_new(&jar);
    ck_assert(rc == 0 || rc == TR_ENOMEM);
    if (rc == 0) {
        rc = tr__jar_set(jar, &url, tr__slice_of("a=1"), NOW_S);
        ck_assert(rc == 0 || rc == TR_ENOMEM);
        if (rc == 0)
            rc = tr__jar_get(jar, &url, NOW_S, &out);
        ck_assert(rc == TR_ENOMEM || tr__buffer_count(&out) == 3);
    }
    tr__buffer_free(&out);
    tr__jar_free(jar);
    tr__url_fini(&url);
}

START_TEST(without_memory_nothing_is_kept)
{
    ck_assert_int_eq(kit_for_every_fault(set_and_get, NULL), 5);
}
END_TEST

enum { THREADS = 4, ROUNDS = 3000 };

static tr__jar *shared;

/* Each has a site of its own, and one that all have. */
static void *use_jar(void *number)
{
    char own[64], line[64];

    (void)snprintf(own, sizeof(own), "http://a%d.org/", *(int *)number);
    for (int i = 0; i < ROUNDS; i++) {
        (void)snprintf(line, sizeof(line), "c%d=1", i % 200);
        set(shared, own, line);
        set(shared, "http://all.org/", line);
        ck_assert_int_le(count(shared, "http://all.org/"), TR__JAR_SITE_MOST);
    }
    return NULL;
}

START_TEST(all_threads_share_a_jar)
{
    pthread_t threads[THREADS];
    int numbers[THREADS];

    shared = new_jar();
    for (int i = 0; i < THREADS; i++) {
        numbers[i] = i;
        ck_assert_int_eq(pthread_create(&threads[i], NULL, use_jar, &numbers[i]), 0);
    }
    for (int i = 0; i < THREADS; i++)
        ck_assert_int_eq(pthread_join(threads[i], NULL), 0);
    ck_assert_int_eq(count(shared, "http://all.org/"), TR__JAR_SITE_MOST);
    ck_assert_int_eq(count(shared, "http://a0.org/"), TR__JAR_SITE_MOST);
    tr__jar_free(shared);
}
END_TEST

KIT_MAIN("client/jar", a_cookie_goes_back_where_it_came_from, a_domain_has_all_hosts_below_it,
         nobody_sets_cookies_for_others, what_is_open_to_registration_has_no_cookies,
         paths_bound_where_a_cookie_goes, secure_cookies_go_by_tls_only,
         prefixes_of_names_hold_what_they_promise, insecure_answers_leave_secure_cookies_alone,
         cookies_are_replaced_and_deleted, cookies_live_as_long_as_they_were_told,
         longer_paths_go_first_then_older_cookies, what_is_no_cookie_is_left_out,
         an_attribute_too_long_is_left_out, a_site_has_so_many_and_the_least_used_goes,
         a_jar_has_so_many_and_the_least_used_goes, dates_are_read_whatever_they_look_like,
         without_memory_nothing_is_kept, all_threads_share_a_jar)
