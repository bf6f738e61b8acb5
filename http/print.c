/* Formatted texts. */
#include "http/print.h"

#include <stdio.h>
#include <troupe/core.h>

#include "base/seam.h"

int tr__print(char **out, size_t *bytes, const char *format, va_list args)
{
    va_list again;
    int count;
    int rc = 0;

    *out = NULL;
    va_copy(again, args);
    count = vsnprintf(NULL, 0, format, args);
    if (count < 0)
        rc = TR_EINVAL;
    else if ((*out = tr__alloc((size_t)count + 1)) == NULL)
        rc = TR_ENOMEM;
    else
        *bytes = (size_t)vsnprintf(*out, (size_t)count + 1, format, again); /* as it was measured */
    va_end(again);
    return rc;
}
