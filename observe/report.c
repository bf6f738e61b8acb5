#include "observe/report.h"

#include <dlfcn.h>
#include <stdarg.h>
#include <stdio.h>

#include "base/log.h"

enum { LINE_BYTES = 512 };

/* The symbol, which is known of functions that are exported, and the place in the file, as
 * addr2line takes it. */
static void print_place(const void *place, char *text, size_t bytes)
{
    Dl_info info = { 0 };

    if (place == NULL || dladdr(place, &info) == 0 || info.dli_fname == NULL)
        text[0] = '\0';
    else if (info.dli_sname == NULL)
        (void)snprintf(text, bytes, "; from %s+%#tx", info.dli_fname,
                       (const char *)place - (const char *)info.dli_fbase);
    else
        (void)snprintf(text, bytes, "; from %s (%s+%#tx)", info.dli_sname, info.dli_fname,
                       (const char *)place - (const char *)info.dli_fbase);
}

void tr__report(const void *place, const char *format, ...)
{
    char line[LINE_BYTES];
    char where[LINE_BYTES];
    va_list args;

    va_start(args, format);
    (void)vsnprintf(line, sizeof(line), format, args); /* a cut line is better than none */
    va_end(args);
    print_place(place, where, sizeof(where));
    tr__log(TR_LOG_WARN, "%s%s", line, where);
}
