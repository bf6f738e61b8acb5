/* The error table. */
#include <string.h>

#include "support/kit.h"

typedef struct named_code {
    int code;
    const char *name;
} named_code;

#define NAMED(name, value, sentence) { name, #name },
static const named_code codes[] = { TR_ERRORS(NAMED) };
#undef NAMED

enum { CODES = sizeof(codes) / sizeof(codes[0]) };

START_TEST(errors_have_their_constant_as_name)
{
    for (int i = 0; i < CODES; i++)
        ck_assert_str_eq(tr_err_name(codes[i].code), codes[i].name);
}
END_TEST

START_TEST(errors_are_negative_distinct_and_no_success_as_exit_status)
{
    for (int i = 0; i < CODES; i++) {
        ck_assert_int_lt(codes[i].code, 0);
        ck_assert_int_ne(codes[i].code & 0xff, 0);
        for (int k = 0; k < i; k++)
            ck_assert_int_ne(codes[k].code, codes[i].code);
    }
}
END_TEST

START_TEST(errors_have_a_sentence_each)
{
    for (int i = 0; i < CODES; i++) {
        ck_assert_str_ne(tr_strerror(codes[i].code), "");
        ck_assert_str_ne(tr_strerror(codes[i].code), "an unknown error");
        for (int k = 0; k < i; k++)
            ck_assert_str_ne(tr_strerror(codes[k].code), tr_strerror(codes[i].code));
    }
    ck_assert_str_eq(tr_strerror(TR_EDEAD), "the actor has ended, or never was");
}
END_TEST

START_TEST(errors_of_zero_and_more_are_success)
{
    const int fine[] = { 0, 1, 20001, INT32_MAX };

    for (size_t i = 0; i < sizeof(fine) / sizeof(fine[0]); i++) {
        ck_assert_str_eq(tr_err_name(fine[i]), "TR_OK");
        ck_assert_str_eq(tr_strerror(fine[i]), "success");
    }
}
END_TEST

START_TEST(errors_of_errno_have_the_sentence_of_errno)
{
    ck_assert_str_eq(tr_strerror(-ENOTTY), strerror(ENOTTY));
    ck_assert_str_eq(tr_err_name(-ENOTTY), "TR_E?");
    ck_assert_ptr_nonnull(strstr(tr_strerror(-4095), "4095")); /* unknown to errno, too */
}
END_TEST

START_TEST(errors_that_are_unknown_have_a_name_and_a_sentence_too)
{
    const int unknown[] = { -4096, -20000, -20999, INT32_MIN };

    for (size_t i = 0; i < sizeof(unknown) / sizeof(unknown[0]); i++) {
        ck_assert_str_eq(tr_err_name(unknown[i]), "TR_E?");
        ck_assert_str_eq(tr_strerror(unknown[i]), "an unknown error");
    }
}
END_TEST

START_TEST(version_of_the_library_is_that_of_the_headers)
{
    ck_assert_str_eq(tr_version(), TR_VERSION);
}
END_TEST

KIT_MAIN("base/error", errors_have_their_constant_as_name,
         errors_are_negative_distinct_and_no_success_as_exit_status, errors_have_a_sentence_each,
         errors_of_zero_and_more_are_success, errors_of_errno_have_the_sentence_of_errno,
         errors_that_are_unknown_have_a_name_and_a_sentence_too,
         version_of_the_library_is_that_of_the_headers)
