/* UTF-8 (RFC 3629): no overlong forms, no surrogates, nothing above U+10FFFF.
 *
 * Threads: any. */
#ifndef TR_HTTP_UTF8_H
#define TR_HTTP_UTF8_H

#include <stdbool.h>
#include <stddef.h>

bool tr__utf8_is_valid(const char *text, size_t bytes);
/* How many bytes of a valid text are its longest beginning that ends with a character, and has at
 * most so many. */
size_t tr__utf8_cut(const char *text, size_t most);

#endif
