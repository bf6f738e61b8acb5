/* Stands in for the test kit where there is neither Check nor a second process: cases run one after
 * the other, and the first that fails ends the program. As much as test_context.c needs. */
#ifndef TR_TESTS_CROSS_KIT_H
#define TR_TESTS_CROSS_KIT_H

#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define START_TEST(name) static void name(void)
#define END_TEST

#define ck_assert(x)                                                                               \
    ((x) ? (void)0                                                                                 \
         : ((void)fprintf(stderr, "%s:%d: %s: %s\n", __FILE__, __LINE__, __func__, #x), exit(1)))
#define ck_assert_int_eq(a, b)   ck_assert((intmax_t)(a) == (intmax_t)(b))
#define ck_assert_int_ge(a, b)   ck_assert((intmax_t)(a) >= (intmax_t)(b))
#define ck_assert_int_gt(a, b)   ck_assert((intmax_t)(a) > (intmax_t)(b))
#define ck_assert_int_le(a, b)   ck_assert((intmax_t)(a) <= (intmax_t)(b))
#define ck_assert_int_lt(a, b)   ck_assert((intmax_t)(a) < (intmax_t)(b))
#define ck_assert_uint_eq(a, b)  ck_assert((uintmax_t)(a) == (uintmax_t)(b))
#define ck_assert_ptr_eq(a, b)   ck_assert((a) == (b))
#define ck_assert_ptr_nonnull(a) ck_assert((a) != NULL)
#define ck_assert_str_eq(a, b)   ck_assert(strcmp(a, b) == 0)

#define KIT_MAIN(name, ...)                                                                        \
    int main(void)                                                                                 \
    {                                                                                              \
        void (*const tests[])(void) = { __VA_ARGS__ };                                             \
                                                                                                   \
        for (size_t i = 0; i < sizeof(tests) / sizeof(tests[0]); i++)                              \
            tests[i]();                                                                            \
        (void)printf("%s: %zu cases\n", name, sizeof(tests) / sizeof(tests[0]));                   \
        return 0;                                                                                  \
    }

#endif
