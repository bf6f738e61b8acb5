/* UTF-8 (RFC 3629): no overlong forms, no surrogates, nothing above U+10FFFF.
 *
 * Threads: any. */
#ifndef TR_HTTP_UTF8_H
#define TR_HTTP_UTF8_H

#include <stdbool.h>
#include <stddef.h>

bool tr__utf8_is_valid(const char *text, size_t bytes);

#endif
