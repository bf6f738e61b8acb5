/* The log hook, and the default one behind it. */
#include "base/log.h"

#include <pthread.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <strings.h>

#include "base/assert.h"
#include "base/threads.h"

enum { LINE_BYTES = 1024 };

static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;
static tr_log_fn hook;
static void *hook_ctx;

static const char *level_name(tr_log_level level)
{
    static const char *const names[] = { "off", "error", "warn", "info", "debug" };

    return names[level];
}

/* The most talkative level that TROUPE_LOG lets through to stderr. */
static int default_threshold(void)
{
    const char *wanted = getenv("TROUPE_LOG");

    for (int level = 0; wanted != NULL && level <= TR_LOG_DEBUG; level++)
        if (strcasecmp(wanted, level_name((tr_log_level)level)) == 0)
            return level;
    return TR_LOG_WARN;
}

void tr_log_set(tr_log_fn fn, void *ctx)
{
    tr__mutex_lock(&lock);
    hook = fn;
    hook_ctx = ctx;
    tr__mutex_unlock(&lock);
}

void tr__log(tr_log_level level, const char *format, ...)
{
    char line[LINE_BYTES];
    va_list args;

    va_start(args, format);
    (void)vsnprintf(line, sizeof(line), format, args); /* a cut line is better than none */
    va_end(args);
    tr__mutex_lock(&lock);
    if (hook != NULL)
        hook(hook_ctx, level, line);
    else if ((int)level <= default_threshold())
        (void)fprintf(stderr, "troupe: %s: %s\n", level_name(level),
                      line); /* nowhere to complain */
    tr__mutex_unlock(&lock);
}

_Noreturn void tr__assert_failed(const char *file, int line, const char *what)
{
    tr__log(TR_LOG_ERROR, "%s:%d: assertion failed: %s", file, line, what);
    abort();
}

_Noreturn void tr__die(const char *why)
{
    tr__log(TR_LOG_ERROR, "%s", why);
    abort();
}
