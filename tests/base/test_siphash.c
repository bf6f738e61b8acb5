/* SipHash: its authors' own example, and that all of the input counts. */
#include "base/siphash.h"
#include "support/kit.h"

static const uint64_t key[2] = { UINT64_C(0x0706050403020100), UINT64_C(0x0f0e0d0c0b0a0908) };

START_TEST(the_example_of_its_authors_comes_out)
{
    unsigned char data[15];

    for (unsigned char i = 0; i < sizeof(data); i++)
        data[i] = i;
    ck_assert_uint_eq(tr__siphash(key, data, sizeof(data)), UINT64_C(0xa129ca6149be45e5));
    ck_assert_uint_eq(tr__siphash(key, data, 0), UINT64_C(0x726fdb47dd0e0e31));
}
END_TEST

START_TEST(each_byte_and_the_length_count)
{
    unsigned char data[24] = { 0 };

    for (size_t bytes = 0; bytes < sizeof(data); bytes++) {
        uint64_t hash = tr__siphash(key, data, bytes);

        ck_assert_uint_ne(hash, tr__siphash(key, data, bytes + 1));
        for (size_t i = 0; i < bytes; i++) {
            data[i] = 0x80;
            ck_assert_uint_ne(hash, tr__siphash(key, data, bytes));
            data[i] = 0;
        }
    }
}
END_TEST

START_TEST(each_word_of_the_key_counts)
{
    uint64_t hash = tr__siphash(key, "abc", 3);

    for (int i = 0; i < 2; i++) {
        uint64_t other[2] = { key[0], key[1] };

        other[i] ^= 1;
        ck_assert_uint_ne(hash, tr__siphash(other, "abc", 3));
    }
}
END_TEST

KIT_MAIN("base/siphash", the_example_of_its_authors_comes_out, each_byte_and_the_length_count,
         each_word_of_the_key_counts)
