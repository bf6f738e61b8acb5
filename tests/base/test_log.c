/* The log: its hook, the default behind it, and assertions, which end in it. */
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>

#include "base/assert.h"
#include "base/log.h"
#include "support/kit.h"

enum { TEXT_BYTES = 8192 };

typedef struct heard {
    int lines;
    tr_log_level level;
    char line[TEXT_BYTES];
} heard;

static void hear(void *ctx, tr_log_level level, const char *line)
{
    heard *h = ctx;

    h->lines++;
    h->level = level;
    ck_assert_uint_lt(strlen(line), sizeof(h->line));
    strcpy(h->line, line);
}

START_TEST(log_hook_gets_level_and_line)
{
    heard h = { 0 };

    tr_log_set(hear, &h);
    tr__log(TR_LOG_DEBUG, "%d %s", 42, "apples");
    tr_log_set(NULL, NULL);
    ck_assert_int_eq(h.lines, 1);
    ck_assert_int_eq(h.level, TR_LOG_DEBUG);
    ck_assert_str_eq(h.line, "42 apples");
}
END_TEST

START_TEST(log_lines_that_are_too_long_are_cut)
{
    char text[3000];
    heard h = { 0 };

    memset(text, 'x', sizeof(text) - 1);
    text[sizeof(text) - 1] = '\0';
    tr_log_set(hear, &h);
    tr__log(TR_LOG_WARN, "%s", text);
    tr_log_set(NULL, NULL);
    ck_assert_uint_eq(strlen(h.line), 1023);
    ck_assert_uint_eq(strspn(h.line, "x"), 1023);
}
END_TEST

static void log_at_each_level(void *wanted)
{
    if (wanted != NULL)
        setenv("TROUPE_LOG", wanted, 1);
    else
        unsetenv("TROUPE_LOG");
    tr_log_set(NULL, NULL);
    tr__log(TR_LOG_ERROR, "one");
    tr__log(TR_LOG_WARN, "two");
    tr__log(TR_LOG_INFO, "three");
    tr__log(TR_LOG_DEBUG, "four");
}

static void expect_stderr(const char *wanted, const char *expected)
{
    char text[TEXT_BYTES];
    int status = kit_in_child(log_at_each_level, (void *)(uintptr_t)wanted, text, sizeof(text));

    ck_assert_int_eq(status, 0);
    ck_assert_str_eq(text, expected);
}

START_TEST(log_without_a_hook_goes_to_stderr_as_the_environment_says)
{
    expect_stderr("off", "");
    expect_stderr("error", "troupe: error: one\n");
    expect_stderr("warn", "troupe: error: one\ntroupe: warn: two\n");
    expect_stderr("info", "troupe: error: one\ntroupe: warn: two\ntroupe: info: three\n");
    expect_stderr("debug", "troupe: error: one\ntroupe: warn: two\ntroupe: info: three\n"
                           "troupe: debug: four\n");
}
END_TEST

START_TEST(log_level_in_the_environment_may_be_in_capitals)
{
    expect_stderr("ERROR", "troupe: error: one\n");
}
END_TEST

START_TEST(log_without_a_level_or_with_nonsense_writes_warnings_and_errors)
{
    expect_stderr(NULL, "troupe: error: one\ntroupe: warn: two\n");
    expect_stderr("", "troupe: error: one\ntroupe: warn: two\n");
    expect_stderr("loud", "troupe: error: one\ntroupe: warn: two\n");
}
END_TEST

static void assert_nonsense(void *arg)
{
    int apples = *(int *)arg;

    tr_log_set(NULL, NULL);
    unsetenv("TROUPE_LOG");
    TR_ASSERT(apples == 1);
    TR_ASSERT(apples == 2);
}

START_TEST(assertion_that_fails_is_logged_and_ends_the_process)
{
    char text[TEXT_BYTES];
    int apples = 1;
    int status = kit_in_child(assert_nonsense, &apples, text, sizeof(text));

    ck_assert(WIFSIGNALED(status));
    ck_assert_int_eq(WTERMSIG(status), SIGABRT);
    ck_assert_ptr_nonnull(strstr(text, "troupe: error: "));
    ck_assert_ptr_nonnull(strstr(text, "test_log.c:"));
    ck_assert_ptr_nonnull(strstr(text, "assertion failed: apples == 2"));
}
END_TEST

KIT_MAIN("base/log", log_hook_gets_level_and_line, log_lines_that_are_too_long_are_cut,
         log_without_a_hook_goes_to_stderr_as_the_environment_says,
         log_level_in_the_environment_may_be_in_capitals,
         log_without_a_level_or_with_nonsense_writes_warnings_and_errors,
         assertion_that_fails_is_logged_and_ends_the_process)
