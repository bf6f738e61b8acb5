/* The pairs of a query. */
#include "http/query.h"
#include "support/kit.h"

START_TEST(pairs_come_in_order_and_empty_ones_do_not)
{
    tr__slice rest = tr__slice_of("&a=1&&b&=x&c==&");
    tr__slice name, value;

    ck_assert(tr__query_next(&rest, &name, &value));
    ck_assert(tr__slice_is(name, "a") && tr__slice_is(value, "1"));
    ck_assert(tr__query_next(&rest, &name, &value));
    ck_assert(tr__slice_is(name, "b") && tr__slice_is(value, ""));
    ck_assert(tr__query_next(&rest, &name, &value));
    ck_assert(tr__slice_is(name, "") && tr__slice_is(value, "x"));
    ck_assert(tr__query_next(&rest, &name, &value));
    ck_assert(tr__slice_is(name, "c") && tr__slice_is(value, "="));
    ck_assert(!tr__query_next(&rest, &name, &value));
}
END_TEST

START_TEST(a_name_is_found_however_it_is_encoded_and_repeatedly)
{
    tr__slice query = tr__slice_of("a=1&%61=2&x+y=3&a&%=4");
    tr__slice value;

    ck_assert(tr__query_find(query, tr__slice_of("a"), 0, &value) && tr__slice_is(value, "1"));
    ck_assert(tr__query_find(query, tr__slice_of("a"), 1, &value) && tr__slice_is(value, "2"));
    ck_assert(tr__query_find(query, tr__slice_of("a"), 2, &value) && tr__slice_is(value, ""));
    ck_assert(!tr__query_find(query, tr__slice_of("a"), 3, &value));
    ck_assert(tr__query_find(query, tr__slice_of("x y"), 0, &value) && tr__slice_is(value, "3"));
    ck_assert(!tr__query_find(query, tr__slice_of("%"), 0, &value));
    ck_assert(!tr__query_find((tr__slice){ NULL, 0 }, tr__slice_of("a"), 0, &value));
}
END_TEST

START_TEST(queries_are_valid_when_they_decode_and_are_not_too_many)
{
    ck_assert(tr__query_is_valid(tr__slice_of("a=%20&b=+"), 2));
    ck_assert(!tr__query_is_valid(tr__slice_of("a=%20&b=+"), 1));
    ck_assert(!tr__query_is_valid(tr__slice_of("a=%2"), 2));
    ck_assert(!tr__query_is_valid(tr__slice_of("%zz=1"), 2));
    ck_assert(!tr__query_is_valid(tr__slice_of("a=%00"), 2));
    ck_assert(!tr__query_is_valid((tr__slice){ "a=\0", 3 }, 2));
    ck_assert(tr__query_is_valid((tr__slice){ NULL, 0 }, 0));
}
END_TEST

KIT_MAIN("http/query", pairs_come_in_order_and_empty_ones_do_not,
         a_name_is_found_however_it_is_encoded_and_repeatedly,
         queries_are_valid_when_they_decode_and_are_not_too_many)
