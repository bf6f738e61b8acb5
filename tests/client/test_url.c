/* URLs: how they are taken apart, refused, joined and put together. */
#include "client/url.h"
#include "support/kit.h"

/* The text of a URL, or the name of the error. */
static const char *text_of(tr__url *url, int rc)
{
    static char out[512];

    if (rc < 0) {
        ck_assert_ptr_null(url->text);
        return tr_err_name(rc);
    }
    ck_assert_uint_lt(strlen(url->text), sizeof(out));
    memcpy(out, url->text, strlen(url->text) + 1);
    tr__url_fini(url);
    ck_assert_ptr_null(url->text);
    return out;
}

static const char *parsed(const char *text)
{
    tr__url url;

    return text_of(&url, tr__url_parse(&url, tr__slice_of(text)));
}

static const char *joined(const char *base, const char *reference)
{
    tr__url from, url;
    int rc = tr__url_parse(&from, tr__slice_of(base));

    ck_assert_int_eq(rc, 0);
    rc = tr__url_join(&url, &from, tr__slice_of(reference));
    tr__url_fini(&from);
    return text_of(&url, rc);
}

static const char *composed(const char *base, const char *text, const char *const *query)
{
    tr__url url;

    return text_of(&url, tr__url_compose(&url, base, text, query));
}

START_TEST(a_url_is_taken_apart)
{
    tr__url url;

    ck_assert_int_eq(
        tr__url_parse(&url, tr__slice_of("HTTPS://An%40n:p%3Aw@Example.ORG:8443/a/b?c=d&e#f")), 0);
    ck_assert_str_eq(url.text, "https://example.org:8443/a/b?c=d&e");
    ck_assert(tr__slice_is(url.origin, "https://example.org:8443"));
    ck_assert(tr__slice_is(url.authority, "example.org:8443"));
    ck_assert(tr__slice_is(url.host, "example.org"));
    ck_assert(tr__slice_is(url.path, "/a/b"));
    ck_assert_str_eq(url.target, "/a/b?c=d&e");
    ck_assert_str_eq(url.address, "example.org:8443");
    ck_assert_str_eq(url.name, "example.org");
    ck_assert_str_eq(url.user, "An@n");
    ck_assert_str_eq(url.password, "p:w");
    ck_assert_uint_eq(url.port, 8443);
    ck_assert(url.is_secure && !url.is_numeric);
    tr__url_fini(&url);
}
END_TEST

START_TEST(what_is_not_said_is_the_default)
{
    tr__url url;

    ck_assert_int_eq(tr__url_parse(&url, tr__slice_of("http://a")), 0);
    ck_assert_str_eq(url.text, "http://a/");
    ck_assert_str_eq(url.address, "a:80");
    ck_assert_ptr_null(url.user);
    ck_assert_ptr_null(url.password);
    tr__url_fini(&url);
    ck_assert_int_eq(tr__url_parse(&url, tr__slice_of("https://u@a:?")), 0);
    ck_assert_str_eq(url.text, "https://a/?");
    ck_assert_str_eq(url.address, "a:443");
    ck_assert_str_eq(url.user, "u");
    ck_assert_ptr_null(url.password);
    tr__url_fini(&url);
    ck_assert_str_eq(parsed("http://a:80/"), "http://a/");
    ck_assert_str_eq(parsed("https://a:443"), "https://a/");
    ck_assert_str_eq(parsed("http://a:443"), "http://a:443/");
    ck_assert_str_eq(parsed("http://a:0080"), "http://a/");
}
END_TEST

START_TEST(addresses_have_one_form)
{
    tr__url url;

    ck_assert_int_eq(tr__url_parse(&url, tr__slice_of("http://[0:0:0:0:0:0:0:1]:8080/x")), 0);
    ck_assert_str_eq(url.text, "http://[::1]:8080/x");
    ck_assert_str_eq(url.address, "[::1]:8080");
    ck_assert_str_eq(url.name, "::1");
    ck_assert(url.is_numeric);
    tr__url_fini(&url);
    ck_assert_int_eq(tr__url_parse(&url, tr__slice_of("http://127.0.0.1")), 0);
    ck_assert(url.is_numeric);
    tr__url_fini(&url);
    ck_assert_str_eq(parsed("http://[FE80::A]/"), "http://[fe80::a]/");
    ck_assert_str_eq(parsed("http://[::7f00:1]"), "http://[::127.0.0.1]/");
}
END_TEST

START_TEST(a_dot_behind_a_name_is_not_in_its_certificate)
{
    tr__url url;

    ck_assert_int_eq(tr__url_parse(&url, tr__slice_of("https://example.org./")), 0);
    ck_assert_str_eq(url.address, "example.org.:443");
    ck_assert_str_eq(url.name, "example.org");
    tr__url_fini(&url);
}
END_TEST

START_TEST(what_could_lead_to_another_server_is_refused)
{
    static const char *const bad[] = {
        "",
        "a",
        "/a",
        "//a",
        "http",
        "http:",
        "http:a",
        "http:/a",
        "http://",
        "http:///",
        "http://:80",
        "http://?a",
        "ftp://a",
        "httpx://a",
        "1http://a",
        "ws://a",
        " http://a",
        "http://a b",
        "http://a ",
        "http://a\\b",
        "http://a\\@b",
        "http://a@b@c",
        "http://a,b",
        "http://a%41",
        "http://\xc3\xa4",
        "http://a..b",
        "http://.a",
        "http://.",
        "http://a:b",
        "http://a:80:80",
        "http://a:-1",
        "http://a:+1",
        "http://a:0",
        "http://a:65536",
        "http://a: 80",
        "http://a:99999999999999999999",
        "http://127.1",
        "http://0x7f.0.0.1",
        "http://0x7f000001",
        "http://2130706433",
        "http://127.0.0.01",
        "http://1.2.3.4.5",
        "http://256.1.1.1",
        "http://a.1",
        "http://[::1",
        "http://::1",
        "http://[]",
        "http://[::g]",
        "http://[::1]a",
        "http://a[::1]",
        "http://[fe80::1%25eth0]",
        "http://[127.0.0.1]",
        "http://a]/",
        "http://a/\n",
        "http://a/\r\nX: y",
        "http://a/\x7f",
        "http://a\t/",
        "ht\ntp://a/",
        "http://u%@a",
        "http://u%4@a",
        "http://u%00@a",
        "http://u%0a@a",
        "http://u%3a@a",
        "http://u:%0d@a",
        "http://a/#\n",
    };
    char label[80];

    for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++)
        ck_assert_msg(strcmp(parsed(bad[i]), "TR_EINVAL") == 0, "%s was taken", bad[i]);
    memset(label, 'a', sizeof(label));
    memcpy(label, "http://", 7);
    label[7 + 63] = 0;
    ck_assert_str_ne(parsed(label), "TR_EINVAL");
    label[7 + 63] = 'a';
    label[7 + 64] = 0;
    ck_assert_str_eq(parsed(label), "TR_EINVAL");
}
END_TEST

START_TEST(a_zero_within_is_no_end)
{
    tr__url url;

    ck_assert_int_eq(tr__url_parse(&url, (tr__slice){ "http://a\0b/", 11 }), TR_EINVAL);
    ck_assert_int_eq(tr__url_parse(&url, (tr__slice){ "http://a/\0", 10 }), TR_EINVAL);
}
END_TEST

START_TEST(what_may_not_stand_in_a_path_or_query_is_encoded)
{
    ck_assert_str_eq(parsed("http://a/b c"), "http://a/b%20c");
    ck_assert_str_eq(parsed("http://a/100%"), "http://a/100%25");
    ck_assert_str_eq(parsed("http://a/%4g%41%e4"), "http://a/%254g%41%e4");
    ck_assert_str_eq(parsed("http://a/\xc3\xa4?\xc3\xb6"), "http://a/%C3%A4?%C3%B6");
    ck_assert_str_eq(parsed("http://a/\\..\\b"), "http://a/%5C..%5Cb");
    ck_assert_str_eq(parsed("http://a/<\">`{|}^[]"), "http://a/%3C%22%3E%60%7B%7C%7D%5E%5B%5D");
    ck_assert_str_eq(parsed("http://a?b?c/../d"), "http://a/?b?c/../d");
    ck_assert_str_eq(parsed("http://a/-._~!$&'()*+,;=:@?-._~!$&'()*+,;=:@/?"),
                     "http://a/-._~!$&'()*+,;=:@?-._~!$&'()*+,;=:@/?");
}
END_TEST

START_TEST(dots_of_a_path_are_gone)
{
    ck_assert_str_eq(parsed("http://a/b/c/./../../g"), "http://a/g");
    ck_assert_str_eq(parsed("http://a/.."), "http://a/");
    ck_assert_str_eq(parsed("http://a/../../b/."), "http://a/b/");
    ck_assert_str_eq(parsed("http://a/b/.."), "http://a/");
    ck_assert_str_eq(parsed("http://a/b//../c//"), "http://a/b/c//");
    ck_assert_str_eq(parsed("http://a//"), "http://a//");
    ck_assert_str_eq(parsed("http://a/..."), "http://a/...");
}
END_TEST

START_TEST(a_url_may_be_long_but_not_too_long)
{
    static char text[TR__URL_MOST + 2] = "http://a/";
    tr__url url;

    memset(text + 9, ' ', sizeof(text) - 9); /* each of which becomes three */
    ck_assert_int_eq(tr__url_parse(&url, (tr__slice){ text, TR__URL_MOST }), 0);
    ck_assert_uint_eq(strlen(url.text), 9 + 3 * (TR__URL_MOST - 9));
    tr__url_fini(&url);
    ck_assert_int_eq(tr__url_parse(&url, (tr__slice){ text, TR__URL_MOST + 1 }), TR_EINVAL);
    ck_assert_int_eq(tr__url_parse(&url, (tr__slice){ 0 }), TR_EINVAL);
}
END_TEST

/* RFC 3986, 5.4: those of 5.4.1, and of 5.4.2. */
START_TEST(references_mean_what_the_standard_says)
{
    static const char *const examples[][2] = {
        { "g:h", "TR_EINVAL" }, /* another scheme */
        { "g", "http://a/b/c/g" },
        { "./g", "http://a/b/c/g" },
        { "g/", "http://a/b/c/g/" },
        { "/g", "http://a/g" },
        { "//g", "http://g/" },
        { "?y", "http://a/b/c/d;p?y" },
        { "g?y", "http://a/b/c/g?y" },
        { "#s", "http://a/b/c/d;p?q" },
        { "g#s", "http://a/b/c/g" },
        { "g?y#s", "http://a/b/c/g?y" },
        { ";x", "http://a/b/c/;x" },
        { "g;x", "http://a/b/c/g;x" },
        { "g;x?y#s", "http://a/b/c/g;x?y" },
        { "", "http://a/b/c/d;p?q" },
        { ".", "http://a/b/c/" },
        { "./", "http://a/b/c/" },
        { "..", "http://a/b/" },
        { "../", "http://a/b/" },
        { "../g", "http://a/b/g" },
        { "../..", "http://a/" },
        { "../../", "http://a/" },
        { "../../g", "http://a/g" },
        { "../../../g", "http://a/g" },
        { "../../../../g", "http://a/g" },
        { "/./g", "http://a/g" },
        { "/../g", "http://a/g" },
        { "g.", "http://a/b/c/g." },
        { ".g", "http://a/b/c/.g" },
        { "g..", "http://a/b/c/g.." },
        { "..g", "http://a/b/c/..g" },
        { "./../g", "http://a/b/g" },
        { "./g/.", "http://a/b/c/g/" },
        { "g/./h", "http://a/b/c/g/h" },
        { "g/../h", "http://a/b/c/h" },
        { "g;x=1/./y", "http://a/b/c/g;x=1/y" },
        { "g;x=1/../y", "http://a/b/c/y" },
        { "g?y/./x", "http://a/b/c/g?y/./x" },
        { "g?y/../x", "http://a/b/c/g?y/../x" },
        { "g#s/./x", "http://a/b/c/g" },
        { "g#s/../x", "http://a/b/c/g" },
        { "http:g", "TR_EINVAL" }, /* strict */
    };

    for (size_t i = 0; i < sizeof(examples) / sizeof(examples[0]); i++)
        ck_assert_str_eq(joined("http://a/b/c/d;p?q", examples[i][0]), examples[i][1]);
}
END_TEST

START_TEST(references_lead_where_they_say)
{
    ck_assert_str_eq(joined("https://a:8443/b", "//c/d"), "https://c/d");
    ck_assert_str_eq(joined("https://a:8443/b", "/d"), "https://a:8443/d");
    ck_assert_str_eq(joined("http://u:p@a/b", "c"), "http://a/c");
    ck_assert_str_eq(joined("http://a", "b"), "http://a/b");
    ck_assert_str_eq(joined("http://a/b?c/d", "e"), "http://a/e");
    ck_assert_str_eq(joined("http://a/b", "HTTPS://c"), "https://c/");
    ck_assert_str_eq(joined("http://a/b", "/c d"), "http://a/c%20d");
    ck_assert_str_eq(joined("http://a/b", "\\\\c"), "http://a/%5C%5Cc");
    ck_assert_str_eq(joined("http://a/b", "a:80"), "TR_EINVAL");
    ck_assert_str_eq(joined("http://a/b", "javascript:1"), "TR_EINVAL");
    ck_assert_str_eq(joined("http://a/b", "/\r\nX: y"), "TR_EINVAL");
    ck_assert_str_eq(joined("http://a/b", "///c"), "TR_EINVAL");
}
END_TEST

START_TEST(calls_are_appended_to_their_base)
{
    ck_assert_str_eq(composed("https://a/v1", "/items", NULL), "https://a/v1/items");
    ck_assert_str_eq(composed("https://a/v1/", "/items?a", NULL), "https://a/v1/items?a");
    ck_assert_str_eq(composed("https://a", "//b/c", NULL), "https://a//b/c");
    ck_assert_str_eq(composed("https://a/v1", "http://b/c", NULL), "http://b/c");
    ck_assert_str_eq(composed(NULL, "/c", NULL), "TR_EINVAL");
    ck_assert_str_eq(composed("https://a", "c", NULL), "TR_EINVAL");
    ck_assert_str_eq(composed("https://a", "", NULL), "TR_EINVAL");
}
END_TEST

START_TEST(pairs_are_appended_encoded)
{
    static const char *const two[] = { "a b", "c&d=e#f", "\xc3\xa4+", "", NULL };
    static const char *const odd[] = { "a", "b", "c", NULL };
    static const char *const none[] = { NULL };

    ck_assert_str_eq(composed(NULL, "http://a", two), "http://a/?a%20b=c%26d%3De%23f&%C3%A4%2B=");
    ck_assert_str_eq(composed(NULL, "http://a/b?c=1#f", two),
                     "http://a/b?c=1&a%20b=c%26d%3De%23f&%C3%A4%2B=");
    ck_assert_str_eq(composed("http://a/", "/b?", two),
                     "http://a/b?a%20b=c%26d%3De%23f&%C3%A4%2B=");
    ck_assert_str_eq(composed(NULL, "http://a/b?c&", two),
                     "http://a/b?c&a%20b=c%26d%3De%23f&%C3%A4%2B=");
    ck_assert_str_eq(composed(NULL, "http://a", odd), "TR_EINVAL");
    ck_assert_str_eq(composed(NULL, "", two), "TR_EINVAL");
    ck_assert_str_eq(composed(NULL, "http://a", none), "http://a/");
}
END_TEST

START_TEST(a_base_has_neither_query_nor_fragment)
{
    ck_assert_int_eq(tr__url_check_base("https://a/v1"), 0);
    ck_assert_int_eq(tr__url_check_base("https://a/v1?"), TR_EINVAL);
    ck_assert_int_eq(tr__url_check_base("https://a/v1#"), TR_EINVAL);
    ck_assert_int_eq(tr__url_check_base("/v1"), TR_EINVAL);
    ck_assert_int_eq(tr__url_check_base(""), TR_EINVAL);
}
END_TEST

START_TEST(origins_are_schemes_hosts_and_ports)
{
    static const char *const texts[] = { "http://a/x", "http://A:80/y", "https://a/x",
                                         "http://a:81/x", "http://b/x" };
    tr__url urls[5];

    for (int i = 0; i < 5; i++)
        ck_assert_int_eq(tr__url_parse(&urls[i], tr__slice_of(texts[i])), 0);
    ck_assert(tr__url_is_same_origin(&urls[0], &urls[1]));
    for (int i = 2; i < 5; i++)
        ck_assert(!tr__url_is_same_origin(&urls[0], &urls[i]));
    for (int i = 0; i < 5; i++)
        tr__url_fini(&urls[i]);
}
END_TEST

static void compose_and_join(void *unused, int n)
{
    static const char *const query[] = { "a", "b", NULL };
    tr__url url, next;
    int rc = tr__url_compose(&url, "http://a", "/b", query);

    (void)unused;
    (void)n;
    ck_assert(rc == 0 || rc == TR_ENOMEM);
    if (rc < 0)
        return;
    rc = tr__url_join(&next, &url, tr__slice_of("c"));
    ck_assert(rc == 0 || rc == TR_ENOMEM);
    tr__url_fini(&next);
    tr__url_fini(&url);
}

START_TEST(without_memory_nothing_is_made)
{
    ck_assert_int_eq(kit_for_every_fault(compose_and_join, NULL), 4);
}
END_TEST

KIT_MAIN("client/url", a_url_is_taken_apart, what_is_not_said_is_the_default,
         addresses_have_one_form, a_dot_behind_a_name_is_not_in_its_certificate,
         what_could_lead_to_another_server_is_refused, a_zero_within_is_no_end,
         what_may_not_stand_in_a_path_or_query_is_encoded, dots_of_a_path_are_gone,
         a_url_may_be_long_but_not_too_long, references_mean_what_the_standard_says,
         references_lead_where_they_say, calls_are_appended_to_their_base,
         pairs_are_appended_encoded, a_base_has_neither_query_nor_fragment,
         origins_are_schemes_hosts_and_ports, without_memory_nothing_is_made)
