/* Which proxy a call goes through. */
#include <stdio.h>
#include <stdlib.h>

#include "client/proxy.h"
#include "support/kit.h"

/* "kind address user authorization" of the proxy that a text says, or the name of the error. */
static const char *read_text(const char *text)
{
    static const char *const kinds[] = { "http", "https", "socks5" };
    static char out[512];
    tr__proxies proxies;
    int rc = tr__proxies_init(&proxies, text);
    const tr__proxy *p = &proxies.http;

    if (rc < 0)
        (void)snprintf(out, sizeof(out), "%s", tr_err_name(rc));
    else if (p->url.text == NULL)
        (void)snprintf(out, sizeof(out), "none");
    else
        (void)snprintf(out, sizeof(out), "%s %s %s %s", kinds[p->kind], p->url.address,
                       p->url.user != NULL ? p->url.user : "-",
                       p->authorization != NULL ? p->authorization : "-");
    tr__proxies_fini(&proxies);
    return out;
}

START_TEST(texts_say_which_proxy_it_is)
{
    ck_assert_str_eq(read_text(""), "none");
    ck_assert_str_eq(read_text("http://a:3128"), "http a:3128 - -");
    ck_assert_str_eq(read_text("http://a"), "http a:80 - -");
    ck_assert_str_eq(read_text("HTTPS://a/"), "https a:443 - -");
    ck_assert_str_eq(read_text("socks5://a"), "socks5 a:1080 - -");
    ck_assert_str_eq(read_text("socks5://a:80"), "socks5 a:80 - -");
    ck_assert_str_eq(read_text("socks5h://u:p@[::1]"), "socks5 [::1]:1080 u -");
    ck_assert_str_eq(read_text("socks5h://u:p@[::1]:90"), "socks5 [::1]:90 u -");
    ck_assert_str_eq(read_text("a:3128"), "http a:3128 - -");
    ck_assert_str_eq(read_text("http://u:p%40@a:1"), "http a:1 u Basic dTpwQA==");
    ck_assert_str_eq(read_text("http://u@a:1"), "http a:1 u Basic dTo=");
}
END_TEST

START_TEST(what_is_no_proxy_is_refused)
{
    static const char *const bad[] = { "ftp://a",       "socks4://a", "http://",   "http://a/b",
                                       "http://a?b",    "http://a:0", "http:// a", "http://a\n",
                                       "http://u:p@",   "://a",       "a b",       "http://a#",
                                       "socks5://a:1:2" };
    char user[300] = "socks5://";

    for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++)
        ck_assert_msg(strcmp(read_text(bad[i]), "TR_EINVAL") == 0, "%s was taken", bad[i]);
    memset(user + 9, 'u', 256);
    memcpy(user + 9 + 256, "@a", 3);
    ck_assert_str_eq(read_text(user), "TR_EINVAL");
}
END_TEST

static bool is_excepted(const char *list, const char *text)
{
    tr__url url;
    bool result;

    ck_assert_int_eq(tr__url_parse(&url, tr__slice_of(text)), 0);
    result = tr__no_proxy_has(list, &url);
    tr__url_fini(&url);
    return result;
}

START_TEST(lists_of_exceptions_have_names_addresses_and_networks)
{
    ck_assert(is_excepted("*", "http://a/"));
    ck_assert(is_excepted("b, a", "http://a/"));
    ck_assert(is_excepted("b a", "http://A/"));
    ck_assert(is_excepted("a.org", "http://a.org/") && is_excepted("a.org", "http://b.a.org/"));
    ck_assert(is_excepted(".a.org", "http://a.org/") && is_excepted("*.a.org", "http://b.a.org/"));
    ck_assert(!is_excepted("a.org", "http://ba.org/") && !is_excepted("a.org", "http://org/"));
    ck_assert(!is_excepted("", "http://a/") && !is_excepted(" ,,", "http://a/"));
    ck_assert(!is_excepted(".", "http://a/"));
    ck_assert(is_excepted("a:81", "http://a:81/") && !is_excepted("a:81", "http://a/"));
    ck_assert(is_excepted("a:443", "https://b.a/") && !is_excepted("a:x", "http://a/"));
    ck_assert(is_excepted("10.1.2.3", "http://10.1.2.3/"));
    ck_assert(is_excepted("10.1.2.3:80", "http://10.1.2.3/"));
    ck_assert(!is_excepted("1.2.3", "http://10.1.2.3/") && !is_excepted("3", "http://10.1.2.3/"));
    ck_assert(is_excepted("10.0.0.0/8", "http://10.1.2.3/"));
    ck_assert(!is_excepted("10.0.0.0/8", "http://11.1.2.3/"));
    ck_assert(is_excepted("10.1.2.0/23", "http://10.1.3.3/"));
    ck_assert(!is_excepted("10.1.2.0/23", "http://10.1.4.3/"));
    ck_assert(is_excepted("0.0.0.0/0", "http://9.9.9.9/"));
    ck_assert(!is_excepted("10.0.0.0/33", "http://10.0.0.0/"));
    ck_assert(!is_excepted("10.0.0.0/", "http://10.0.0.0/"));
    ck_assert(is_excepted("::1", "http://[::1]/") && is_excepted("[::1]", "http://[::1]/"));
    ck_assert(is_excepted("[::1]:81", "http://[::1]:81/"));
    ck_assert(!is_excepted("[::1]:81", "http://[::1]/"));
    ck_assert(is_excepted("fe80::/10", "http://[fe80::1]/"));
    ck_assert(!is_excepted("fe80::/10", "http://[ff80::1]/"));
    ck_assert(!is_excepted("0.0.0.0/0", "http://[::1]/"));
}
END_TEST

/* The address of the proxy for a URL, as the environment says; "-": none. */
static const char *proxy_of(const char *text)
{
    static char out[128];
    tr__proxies proxies;
    const tr__proxy *p;
    tr__url url;

    if (tr__proxies_init(&proxies, NULL) < 0) {
        tr__proxies_fini(&proxies);
        return "TR_EINVAL";
    }
    ck_assert_int_eq(tr__url_parse(&url, tr__slice_of(text)), 0);
    p = tr__proxies_for(&proxies, &url);
    (void)snprintf(out, sizeof(out), "%s", p != NULL ? p->url.address : "-");
    tr__url_fini(&url);
    tr__proxies_fini(&proxies);
    return out;
}

static void clear_environment(void)
{
    static const char *const names[] = { "http_proxy", "https_proxy", "all_proxy",
                                         "no_proxy",   "HTTP_PROXY",  "HTTPS_PROXY",
                                         "ALL_PROXY",  "NO_PROXY",    "REQUEST_METHOD" };

    for (size_t i = 0; i < sizeof(names) / sizeof(names[0]); i++)
        ck_assert_int_eq(unsetenv(names[i]), 0);
}

START_TEST(the_environment_says_which_proxy_serves)
{
    clear_environment();
    ck_assert_str_eq(proxy_of("http://a/"), "-");
    setenv("all_proxy", "all:1", 1);
    ck_assert_str_eq(proxy_of("http://a/"), "all:1");
    ck_assert_str_eq(proxy_of("https://a/"), "all:1");
    setenv("HTTPS_PROXY", "https:1", 1);
    setenv("http_proxy", "http:1", 1);
    ck_assert_str_eq(proxy_of("http://a/"), "http:1");
    ck_assert_str_eq(proxy_of("https://a/"), "https:1");
    setenv("https_proxy", "small:1", 1);
    ck_assert_str_eq(proxy_of("https://a/"), "small:1");
    setenv("no_proxy", "a.org", 1);
    ck_assert_str_eq(proxy_of("http://a.org/"), "-");
    ck_assert_str_eq(proxy_of("http://b.org/"), "http:1");
    setenv("http_proxy", "", 1);
    ck_assert_str_eq(proxy_of("http://a/"), "-");
    setenv("http_proxy", "ftp://x", 1);
    ck_assert_str_eq(proxy_of("http://a/"), "TR_EINVAL");
}
END_TEST

START_TEST(what_a_client_of_a_cgi_program_says_does_not_count)
{
    clear_environment();
    setenv("HTTP_PROXY", "evil:1", 1);
    ck_assert_str_eq(proxy_of("http://a/"), "evil:1");
    setenv("REQUEST_METHOD", "GET", 1);
    ck_assert_str_eq(proxy_of("http://a/"), "-");
    setenv("http_proxy", "good:1", 1);
    ck_assert_str_eq(proxy_of("http://a/"), "good:1");
}
END_TEST

START_TEST(the_environment_is_not_asked_for_this_machine)
{
    clear_environment();
    setenv("all_proxy", "all:1", 1);
    ck_assert_str_eq(proxy_of("http://localhost/"), "-");
    ck_assert_str_eq(proxy_of("http://127.0.0.2:8080/"), "-");
    ck_assert_str_eq(proxy_of("https://[::1]/"), "-");
    ck_assert_str_eq(proxy_of("https://[::2]/"), "all:1");
}
END_TEST

static void init_once(void *unused, int n)
{
    tr__proxies proxies;
    int rc = tr__proxies_init(&proxies, "http://u:p@a");

    (void)unused;
    (void)n;
    ck_assert(rc == 0 || rc == TR_ENOMEM);
    tr__proxies_fini(&proxies);
}

START_TEST(without_memory_there_is_no_proxy)
{
    ck_assert_int_eq(kit_for_every_fault(init_once, NULL), 6);
}
END_TEST

KIT_MAIN("client/proxy", texts_say_which_proxy_it_is, what_is_no_proxy_is_refused,
         lists_of_exceptions_have_names_addresses_and_networks,
         the_environment_says_which_proxy_serves,
         what_a_client_of_a_cgi_program_says_does_not_count,
         the_environment_is_not_asked_for_this_machine, without_memory_there_is_no_proxy)
