/* Texts that are formatted, of any length.
 *
 * Threads: any. */
#ifndef TR_HTTP_PRINT_H
#define TR_HTTP_PRINT_H

#include <stdarg.h>
#include <stddef.h>

/* A text as of printf, of tr__alloc, with a 0 behind it.
 * Errors: TR_ENOMEM; TR_EINVAL the format can't be followed: *out is NULL. */
__attribute__((format(printf, 3, 0))) int tr__print(char **out, size_t *bytes, const char *format,
                                                    va_list args);

#endif
