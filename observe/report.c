#include "observe/report.h"

#include <dlfcn.h>
#include <stdarg.h>
#include <stdio.h>

#include "base/log.h"

enum { LINE_BYTES = 512 };

void tr__report(const void *place, const char *format, ...)
{
    char line[LINE_BYTES];
    va_list args;
    Dl_info info;

    va_start(args, format);
    (void)vsnprintf(line, sizeof(line), format, args); /* a cut line is better than none */
    va_end(args);
    if (place == NULL || dladdr(place, &info) == 0)
        tr__log(TR_LOG_WARN, "%s", line);
    else
        tr__log(TR_LOG_WARN, "%s; from %s+%#tx (%s)", line, info.dli_sname,
                (const char *)place - (const char *)info.dli_saddr, info.dli_fname);
}
