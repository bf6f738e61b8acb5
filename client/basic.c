/* Basic authentication. */
#include "client/basic.h"

#include <stdio.h>
#include <string.h>
#include <troupe/core.h>

#include "base/seam.h"
#include "http/base64.h"

int tr__basic_make(char **out, const char *user, const char *password)
{
    size_t bytes = strlen(user) + 1 + strlen(password);
    char *plain, *text;

    if (strchr(user, ':') != NULL)
        return TR_EINVAL;
    plain = tr__alloc(bytes + 1);
    text = tr__alloc(7 + tr__base64_bytes(bytes));
    if (plain == NULL || text == NULL) {
        tr__free(plain);
        tr__free(text);
        return TR_ENOMEM;
    }
    (void)snprintf(plain, bytes + 1, "%s:%s", user, password); /* it fits */
    memcpy(text, "Basic ", 6);
    text[6 + tr__base64_encode((tr__slice){ plain, bytes }, text + 6)] = 0;
    tr__free(plain);
    *out = text;
    return 0;
}
