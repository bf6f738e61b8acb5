/* Slices: text that is not terminated. */
#include "http/slice.h"
#include "support/kit.h"

START_TEST(slices_are_equal_byte_by_byte_or_ignoring_case)
{
    tr__slice none = { NULL, 0 };

    ck_assert(tr__slice_is(tr__slice_of("Host"), "Host"));
    ck_assert(!tr__slice_is(tr__slice_of("Host"), "host"));
    ck_assert(!tr__slice_is(tr__slice_of("Hos"), "Host"));
    ck_assert(tr__slice_is_ignoring_case(tr__slice_of("hOST"), "Host"));
    ck_assert(!tr__slice_is_ignoring_case(tr__slice_of("[ost"), "{ost"));
    ck_assert(tr__slice_is(none, ""));
    ck_assert(tr__slice_is_ignoring_case(none, ""));
}
END_TEST

START_TEST(slices_begin_with_a_text_that_is_not_longer)
{
    ck_assert(tr__slice_begins(tr__slice_of("bytes=0-"), "bytes="));
    ck_assert(!tr__slice_begins(tr__slice_of("byte"), "bytes="));
    ck_assert(tr__slice_begins((tr__slice){ NULL, 0 }, ""));
}
END_TEST

START_TEST(slices_are_trimmed_of_blanks_only)
{
    ck_assert(tr__slice_is(tr__slice_trim(tr__slice_of(" \t a b\t ")), "a b"));
    ck_assert(tr__slice_is(tr__slice_trim(tr__slice_of(" \t ")), ""));
    ck_assert(tr__slice_is(tr__slice_trim(tr__slice_of("\na")), "\na"));
    ck_assert(tr__slice_is(tr__slice_trim((tr__slice){ NULL, 0 }), ""));
}
END_TEST

START_TEST(slices_are_split_in_order)
{
    tr__slice rest = tr__slice_of("a,,b,");
    tr__slice piece;

    ck_assert(tr__slice_split(&rest, ',', &piece) && tr__slice_is(piece, "a"));
    ck_assert(tr__slice_split(&rest, ',', &piece) && tr__slice_is(piece, ""));
    ck_assert(tr__slice_split(&rest, ',', &piece) && tr__slice_is(piece, "b"));
    ck_assert(!tr__slice_split(&rest, ',', &piece));
}
END_TEST

START_TEST(numbers_are_digits_and_nothing_else)
{
    uint64_t out = 7;

    ck_assert(!tr__slice_to_u64(tr__slice_of(""), UINT64_MAX, &out));
    ck_assert(!tr__slice_to_u64(tr__slice_of("+1"), UINT64_MAX, &out));
    ck_assert(!tr__slice_to_u64(tr__slice_of("1 "), UINT64_MAX, &out));
    ck_assert(!tr__slice_to_u64(tr__slice_of("18446744073709551616"), UINT64_MAX, &out));
    ck_assert(!tr__slice_to_u64(tr__slice_of("101"), 100, &out));
    ck_assert(!tr__slice_to_u64(tr__slice_of("9"), 5, &out));
    ck_assert_uint_eq(out, 7);
    ck_assert(tr__slice_to_u64(tr__slice_of("18446744073709551615"), UINT64_MAX, &out));
    ck_assert_uint_eq(out, UINT64_MAX);
    ck_assert(tr__slice_to_u64(tr__slice_of("00100"), 100, &out));
    ck_assert_uint_eq(out, 100);
}
END_TEST

KIT_MAIN("http/slice", slices_are_equal_byte_by_byte_or_ignoring_case,
         slices_begin_with_a_text_that_is_not_longer, slices_are_trimmed_of_blanks_only,
         slices_are_split_in_order, numbers_are_digits_and_nothing_else)
