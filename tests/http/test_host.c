/* The value of a Host header. */
#include "http/host.h"
#include "support/kit.h"

START_TEST(hosts_are_taken_apart)
{
    tr__slice host;
    uint16_t port;

    ck_assert(tr__host_parse(tr__slice_of("Example.org:8080"), &host, &port));
    ck_assert(tr__slice_is(host, "Example.org") && port == 8080);
    ck_assert(tr__host_parse(tr__slice_of("[::1]:65535"), &host, &port));
    ck_assert(tr__slice_is(host, "[::1]") && port == 65535);
    ck_assert(tr__host_parse(tr__slice_of("127.0.0.1:"), &host, &port));
    ck_assert(tr__slice_is(host, "127.0.0.1") && port == 0);
    ck_assert(tr__host_parse(tr__slice_of("a%2cb_c"), &host, &port) && port == 0);
    ck_assert(tr__host_parse((tr__slice){ NULL, 0 }, &host, &port) && host.bytes == 0);
}
END_TEST

START_TEST(what_is_no_host_is_refused)
{
    static const char *const bad[] = {
        "a b",          "u@a",    "a,b",
        "a:65536",      "a:1x",   "a/b",
        ":80",          "[::1",   "[::1]80",
        "[]",           "[v1.a]", "::1",
        "a:1:2",        "a%2",    "a%zz",
        "a?b",          "a#b",    "[1.2.3.4]",
        "[::1%25eth0]", "\xe4",   "a\n",
        "a:-1",         "[",      "[0000:0000:0000:0000:0000:0000:0000:0000:0000:0000:0000]"
    };

    for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++)
        ck_assert_msg(!tr__host_is_valid(tr__slice_of(bad[i])), "%s", bad[i]);
    ck_assert(!tr__host_is_valid((tr__slice){ "a\0b", 3 }));
    ck_assert(!tr__host_is_valid((tr__slice){ "[::1\0]", 6 }));
}
END_TEST

KIT_MAIN("http/host", hosts_are_taken_apart, what_is_no_host_is_refused)
