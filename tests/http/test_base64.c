/* Base64, by the examples of RFC 4648, and back. */
#include "http/base64.h"
#include "support/kit.h"

static const char *const plain[] = { "", "f", "fo", "foo", "foob", "fooba", "foobar" };
static const char *const encoded[] = { "",         "Zg==",     "Zm8=",    "Zm9v",
                                       "Zm9vYg==", "Zm9vYmE=", "Zm9vYmFy" };

START_TEST(the_examples_come_out_and_go_back)
{
    for (size_t i = 0; i < sizeof(plain) / sizeof(plain[0]); i++) {
        char out[16];
        size_t bytes = tr__base64_encode(tr__slice_of(plain[i]), out);

        ck_assert(tr__slice_is((tr__slice){ out, bytes }, encoded[i]));
        ck_assert_uint_eq(bytes, tr__base64_bytes(strlen(plain[i])));
        ck_assert_int_eq(tr__base64_decode((tr__slice){ out, bytes }, out, strlen(plain[i])),
                         (int)strlen(plain[i]));
        ck_assert(tr__slice_is((tr__slice){ out, strlen(plain[i]) }, plain[i]));
        if (i > 0)
            ck_assert_int_eq(tr__base64_decode(tr__slice_of(encoded[i]), out, i - 1), TR_ETOOLARGE);
    }
}
END_TEST

START_TEST(all_bytes_survive)
{
    char all[256];
    char text[344];
    char back[256];

    for (size_t i = 0; i < sizeof(all); i++)
        all[i] = (char)i;
    ck_assert_uint_eq(tr__base64_encode((tr__slice){ all, 256 }, text), 344);
    ck_assert(memchr(text, '+', 344) != NULL && memchr(text, '/', 344) != NULL);
    ck_assert_int_eq(tr__base64_decode((tr__slice){ text, 344 }, back, 256), 256);
    ck_assert_mem_eq(back, all, 256);
}
END_TEST

START_TEST(what_is_not_strict_is_refused)
{
    static const char *const bad[] = { "Z",    "Zg",   "Zg=",      "Zh==", "Zm9=", "=Zg=",
                                       "Z===", "====", "Zg==Zg==", "Zm 9", "Zm-_", "Zm9\n" };
    char out[16];

    for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++)
        ck_assert_int_eq(tr__base64_decode(tr__slice_of(bad[i]), out, sizeof(out)), TR_ESYNTAX);
}
END_TEST

KIT_MAIN("http/base64", the_examples_come_out_and_go_back, all_bytes_survive,
         what_is_not_strict_is_refused)
