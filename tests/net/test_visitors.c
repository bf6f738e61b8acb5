/* Connections by address. */
#include "net/visitors.h"

#include <stdio.h>
#include <troupe/core.h>

#include "base/seam.h"
#include "support/kit.h"

static tr_address address_of(const char *text)
{
    tr_address address;

    ck_assert_int_eq(tr_address_parse(&address, text), 0);
    return address;
}

/* Whether one more may come from there; it stays. */
static bool enters(tr__visitors *visitors, const char *text, tr__visitor **out)
{
    tr_address from = address_of(text);
    int rc = tr__visitors_enter(visitors, &from, out);

    ck_assert(rc == 0 || rc == TR_EFULL);
    return rc == 0;
}

START_TEST(each_address_has_its_own_count)
{
    tr__visitors *visitors = tr__visitors_new(2);
    tr__visitor *a, *b, *c, *other;

    ck_assert(enters(visitors, "10.0.0.1:1", &a) && enters(visitors, "10.0.0.1:2", &b));
    ck_assert(!enters(visitors, "10.0.0.1:3", &c) && c == NULL);
    ck_assert(enters(visitors, "10.0.0.2:1", &other));
    tr__visitors_leave(visitors, a);
    ck_assert(enters(visitors, "10.0.0.1:3", &c));
    tr__visitors_leave(visitors, b);
    tr__visitors_leave(visitors, c);
    tr__visitors_leave(visitors, other);
    tr__visitors_leave(visitors, NULL);
    tr__visitors_free(visitors);
    tr__visitors_free(NULL);
}
END_TEST

START_TEST(a_network_of_ipv6_counts_as_one_and_mapped_addresses_as_ipv4)
{
    tr__visitors *visitors = tr__visitors_new(1);
    tr__visitor *a, *b, *c, *d;

    ck_assert(enters(visitors, "[2001:db8:0:1::1]:1", &a));
    ck_assert(!enters(visitors, "[2001:db8:0:1:ffff::2]:1", &b));
    ck_assert(enters(visitors, "[2001:db8:0:2::1]:1", &b));
    ck_assert(enters(visitors, "[::ffff:10.0.0.1]:1", &c));
    ck_assert(!enters(visitors, "10.0.0.1:2", &d));
    ck_assert(enters(visitors, "[::ffff:10.0.0.2]:1", &d));
    tr__visitors_leave(visitors, a);
    tr__visitors_leave(visitors, b);
    tr__visitors_leave(visitors, c);
    tr__visitors_leave(visitors, d);
    tr__visitors_free(visitors);
}
END_TEST

START_TEST(who_has_no_address_is_not_counted)
{
    tr__visitors *visitors = tr__visitors_new(1);
    tr__visitor *a;

    for (int i = 0; i < 3; i++)
        ck_assert(enters(visitors, "unix:/run/x", &a) && a == NULL);
    tr__visitors_free(visitors);
}
END_TEST

START_TEST(many_addresses_come_and_go)
{
    enum { MANY = 10000 };
    static tr__visitor *all[MANY];
    tr__visitors *visitors = tr__visitors_new(1);
    char text[32];

    for (int round = 0; round < 2; round++) {
        for (int i = 0; i < MANY; i++) {
            (void)snprintf(text, sizeof(text), "10.1.%d.%d:1", i / 250, i % 250);
            ck_assert(enters(visitors, text, &all[i]));
        }
        for (int i = 0; i < MANY; i++)
            tr__visitors_leave(visitors, all[i]);
    }
    tr__visitors_free(visitors);
}
END_TEST

START_TEST(memory_that_runs_out_is_told)
{
    tr_address from = address_of("10.0.0.1:1");
    tr__visitors *visitors;
    tr__visitor *a;

    tr__fault_arm(1, false);
    ck_assert_ptr_null(tr__visitors_new(1));
    (void)tr__fault_disarm();
    visitors = tr__visitors_new(1);
    tr__fault_arm(1, false);
    ck_assert_int_eq(tr__visitors_enter(visitors, &from, &a), TR_ENOMEM);
    (void)tr__fault_disarm();
    ck_assert_ptr_null(a);
    ck_assert(enters(visitors, "10.0.0.1:1", &a)); /* what failed was not counted */
    tr__visitors_leave(visitors, a);
    tr__visitors_free(visitors);
}
END_TEST

KIT_MAIN("net/visitors", each_address_has_its_own_count,
         a_network_of_ipv6_counts_as_one_and_mapped_addresses_as_ipv4,
         who_has_no_address_is_not_counted, many_addresses_come_and_go,
         memory_that_runs_out_is_told)
