/* Names as texts, the order of addresses, and what is read of answers. */
#include <check.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "net/address.h"
#include "net/dns_answer.h"
#include "net/dns_names.h"
#include "net/dns_order.h"
#include "support/suite.h"

START_TEST(names_are_copied_in_lower_case)
{
    char name[TR__NAME_BYTES];

    ck_assert(tr__name_copy(name, "WWW.Example.ORG"));
    ck_assert_str_eq(name, "www.example.org");
    ck_assert(tr__name_copy(name, "_sip._tcp.xn--caf-dma.test."));
    ck_assert(tr__name_copy(name, "4u.1a"));
    ck_assert(!tr__name_copy(name, "1.2.3.4."));
    ck_assert(!tr__name_copy(name, "a.."));
}
END_TEST

START_TEST(a_name_has_253_bytes_at_most_and_a_dot)
{
    char name[TR__NAME_BYTES];
    char text[300];

    for (size_t i = 0; i < sizeof(text); i++)
        text[i] = i % 50 == 49 ? '.' : 'a';
    text[253] = 0;
    ck_assert(tr__name_copy(name, text));
    text[253] = '.';
    text[254] = 0;
    ck_assert(tr__name_copy(name, text));
    text[253] = 'a';
    ck_assert(!tr__name_copy(name, text));
}
END_TEST

START_TEST(some_names_are_known_by_their_last_label)
{
    ck_assert(tr__name_is_local("localhost"));
    ck_assert(tr__name_is_local("a.localhost."));
    ck_assert(!tr__name_is_local("notlocalhost"));
    ck_assert(!tr__name_is_local("localhost.test"));
    ck_assert(!tr__name_is_local("host"));
    ck_assert(tr__name_is_secret("a.onion"));
    ck_assert(!tr__name_is_secret("onion.test"));
}
END_TEST

/* Both are addresses with blanks between. */
static void expect_order(void (*sort)(tr_address *, size_t), const char *given,
                         const char *expected)
{
    tr_address all[16];
    char copy[256], is[256] = "", text[128];
    char *at = NULL;
    size_t count = 0, used = 0;

    (void)snprintf(copy, sizeof(copy), "%s", given);
    for (char *word = strtok_r(copy, " ", &at); word != NULL; word = strtok_r(NULL, " ", &at))
        ck_assert(tr__address_of_host(&all[count++], word, 1));
    sort(all, count);
    for (size_t i = 0; i < count; i++) {
        ck_assert_int_gt(tr_address_format(&all[i], text, sizeof(text)), 0);
        used += (size_t)snprintf(is + used, sizeof(is) - used, "%s%s", i > 0 ? " " : "", text);
    }
    ck_assert_str_eq(is, expected);
}

START_TEST(families_take_turns)
{
    expect_order(tr__addresses_interleave, "::1 ::2 ::3 127.0.0.1 127.0.0.2",
                 "[::1]:1 127.0.0.1:1 [::2]:1 127.0.0.2:1 [::3]:1");
    expect_order(tr__addresses_interleave, "127.0.0.1 127.0.0.2 ::1",
                 "127.0.0.1:1 [::1]:1 127.0.0.2:1");
    expect_order(tr__addresses_interleave, "::1", "[::1]:1");
}
END_TEST

/* What can't be reached comes last; 240.0.0.1 never can. Equals stay as they are. */
START_TEST(what_can_be_reached_comes_first)
{
    expect_order(tr__addresses_sort, "240.0.0.1 127.0.0.2 127.0.0.1",
                 "127.0.0.2:1 127.0.0.1:1 240.0.0.1:1");
    expect_order(tr__addresses_sort, "127.0.0.1", "127.0.0.1:1");
}
END_TEST

/* NXDOMAIN for "a.", with an SOA of 60 s whose minimum is 258 s. */
static const unsigned char negative[] = { 0, 1, 0x81, 0x83, 0, 1,    0,  0, 0, 1, 0, 0, 1, 'a',
                                          0, 0, 1,    0,    1, 0xc0, 12, 0, 6, 0, 1, 0, 0, 4,
                                          0, 0, 22,   0,    0, 0,    0,  0, 1, 0, 0, 0, 2, 0,
                                          0, 0, 3,    0,    0, 0,    4,  0, 0, 1, 2 };

START_TEST(the_time_of_a_negative_answer_is_the_soas)
{
    unsigned char copy[sizeof(negative)];

    ck_assert_uint_eq(tr__dns_negative_ttl(negative, sizeof(negative)), 258);
    memcpy(copy, negative, sizeof(copy));
    copy[27] = 0; /* the record itself is good for none */
    ck_assert_uint_eq(tr__dns_negative_ttl(copy, sizeof(copy)), 0);
    ck_assert_uint_eq(tr__dns_negative_ttl(NULL, 0), 0);
}
END_TEST

START_TEST(an_answer_that_is_cut_or_changed_anywhere_does_no_harm)
{
    for (size_t bytes = 0; bytes < sizeof(negative); bytes++) {
        unsigned char *copy = malloc(bytes > 0 ? bytes : 1); /* the sanitizer knows its end */

        ck_assert_ptr_nonnull(copy);
        memcpy(copy, negative, bytes);
        ck_assert_uint_eq(tr__dns_negative_ttl(copy, bytes), 0);
        for (size_t i = 0; i < bytes * 256; i++) {
            copy[i / 256] = (unsigned char)i;
            (void)tr__dns_negative_ttl(copy, bytes);
            copy[i / 256] = negative[i / 256];
        }
        free(copy);
    }
}
END_TEST

SUITE_MAIN("dns_names", names_are_copied_in_lower_case, a_name_has_253_bytes_at_most_and_a_dot,
           some_names_are_known_by_their_last_label, families_take_turns,
           what_can_be_reached_comes_first, the_time_of_a_negative_answer_is_the_soas,
           an_answer_that_is_cut_or_changed_anywhere_does_no_harm)
