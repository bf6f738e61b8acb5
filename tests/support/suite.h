/* How a program of tests runs them, with whichever library. */
#ifndef TR_TESTS_SUITE_H
#define TR_TESTS_SUITE_H

#include <stdlib.h>
#include <troupe/check.h>

/* Each test in a process of its own, for so many seconds at most; 0: ctest guards against hangs.
 * Returns the program's exit status. */
static inline int run_suite(const char *name, double timeout, const TTest *const *tests, int count)
{
    Suite *suite = suite_create(name);
    TCase *tcase = tcase_create(name);
    SRunner *runner;
    int failed;

    tcase_set_timeout(tcase, timeout);
    for (int i = 0; i < count; i++)
        tcase_add_test(tcase, tests[i]);
    suite_add_tcase(suite, tcase);
    runner = srunner_create(suite);
    srunner_run_all(runner, CK_ENV);
    failed = srunner_ntests_failed(runner);
    srunner_free(runner);
    return failed == 0 ? EXIT_SUCCESS : EXIT_FAILURE;
}

/* main of a test program without a kit: SUITE_MAIN("sim/locks", a_test, another_test) */
#define SUITE_MAIN(name, ...)                                                                      \
    int main(void)                                                                                 \
    {                                                                                              \
        const TTest *const tests[] = { __VA_ARGS__ };                                              \
                                                                                                   \
        return run_suite(name, 0, tests, (int)(sizeof(tests) / sizeof(tests[0])));                 \
    }

#endif
