/* Names and values of headers, and the well-known names as numbers. */
#include "http/header_name.h"
#include "support/kit.h"

static const char *const known_names[] = {
#define NAME(number, name, slot) [number] = (name),
    TR__KNOWN_HEADERS(NAME)
#undef NAME
};

START_TEST(each_well_known_name_is_found_in_its_slot_in_any_case)
{
    for (int known = TR__KNOWN_NONE + 1; known < TR__KNOWN_COUNT; known++) {
        tr__slice name = tr__slice_of(known_names[known]);
        char large[64];

        ck_assert_int_eq(tr__header_known(name), known);
        for (size_t i = 0; i < name.bytes; i++)
            large[i] =
                name.at[i] >= 'a' && name.at[i] <= 'z' ? (char)(name.at[i] - 32) : name.at[i];
        ck_assert_int_eq(tr__header_known((tr__slice){ large, name.bytes }), known);
        for (size_t i = 0; i < 8 * name.bytes; i++) {
            bool is_case = i % 8 == 5 && name.at[i / 8] != '-';

            memcpy(large, name.at, name.bytes);
            large[i / 8] = (char)(large[i / 8] ^ 1 << i % 8);
            ck_assert_int_eq(tr__header_known((tr__slice){ large, name.bytes }),
                             is_case ? known : TR__KNOWN_NONE);
        }
    }
}
END_TEST

#define EXPECT_SLOT(number, name, slot) ck_assert_uint_eq(tr__known_slot(tr__slice_of(name)), slot);
START_TEST(slots_are_what_is_computed){ TR__KNOWN_HEADERS(EXPECT_SLOT) } END_TEST

    START_TEST(other_names_are_none_of_them)
{
    static const char *const others[] = {
        "", "h", "X-Ho", "Hosts", "HosT ", "h\x0fst", "H\xcfST", "Content_Length", "Content-Lengt"
    };

    for (size_t i = 0; i < sizeof(others) / sizeof(others[0]); i++)
        ck_assert_int_eq(tr__header_known(tr__slice_of(others[i])), TR__KNOWN_NONE);
    ck_assert_int_eq(tr__header_known((tr__slice){ NULL, 0 }), TR__KNOWN_NONE);
    ck_assert_int_eq(tr__header_known(tr__slice_of("hOsT")), TR__KNOWN_HOST);
}
END_TEST

START_TEST(names_are_tokens)
{
    int count = 0;

    for (int c = 0; c < 256; c++) {
        char byte = (char)c;

        count += tr__header_name_is_valid((tr__slice){ &byte, 1 });
    }
    ck_assert_int_eq(count, 26 + 26 + 10 + 15);
    ck_assert(!tr__header_name_is_valid((tr__slice){ NULL, 0 }));
    ck_assert(!tr__header_name_is_valid(tr__slice_of("a:b")));
    ck_assert(tr__header_name_is_valid(tr__slice_of("X-Request-Id")));
}
END_TEST

START_TEST(values_hold_no_control_characters)
{
    ck_assert(tr__header_value_is_valid((tr__slice){ NULL, 0 }));
    ck_assert(tr__header_value_is_valid(tr__slice_of("a\tb \xe4")));
    ck_assert(!tr__header_value_is_valid(tr__slice_of("a\r\nb")));
    ck_assert(!tr__header_value_is_valid(tr__slice_of("a\nb")));
    ck_assert(!tr__header_value_is_valid(tr__slice_of("a\x7f")));
    ck_assert(!tr__header_value_is_valid((tr__slice){ "a\0b", 3 }));
}
END_TEST

KIT_MAIN("http/header_name", each_well_known_name_is_found_in_its_slot_in_any_case,
         slots_are_what_is_computed, other_names_are_none_of_them, names_are_tokens,
         values_hold_no_control_characters)
