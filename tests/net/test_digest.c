/* Digests, by published examples. */
#include <string.h>

#include "base/seam.h"
#include "net/digest.h"
#include "support/kit.h"

START_TEST(digests_are_those_that_are_published)
{
    static const unsigned char sha1[] = { 0xa9, 0x99, 0x3e, 0x36, 0x47, 0x06, 0x81,
                                          0x6a, 0xba, 0x3e, 0x25, 0x71, 0x78, 0x50,
                                          0xc2, 0x6c, 0x9c, 0xd0, 0xd8, 0x9d };
    static const unsigned char sha256[] = { 0xba, 0x78, 0x16, 0xbf, 0x8f, 0x01, 0xcf, 0xea };
    unsigned char out[TR__SHA256_BYTES];

    ck_assert_int_eq(tr__digest_sha1("abc", 3, out), 0);
    ck_assert_mem_eq(out, sha1, TR__SHA1_BYTES);
    ck_assert_int_eq(tr__digest_sha256("abc", 3, out), 0);
    ck_assert_mem_eq(out, sha256, sizeof(sha256));
}
END_TEST

START_TEST(a_digest_without_memory_says_so)
{
    unsigned char out[TR__SHA256_BYTES];

    tr__fault_arm(1, false);
    ck_assert_int_eq(tr__digest_sha1("abc", 3, out), TR_ENOMEM);
    ck_assert(tr__fault_disarm());
}
END_TEST

START_TEST(secrets_are_equal_or_not)
{
    ck_assert(tr__secret_equals("abc", "abc", 3));
    ck_assert(!tr__secret_equals("abc", "abd", 3));
    ck_assert(tr__secret_equals("a", "b", 0));
}
END_TEST

KIT_MAIN("net/digest", digests_are_those_that_are_published, a_digest_without_memory_says_so,
         secrets_are_equal_or_not)
