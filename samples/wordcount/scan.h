/* From text to words. */
#ifndef WORDCOUNT_SCAN_H
#define WORDCOUNT_SCAN_H

#include "table.h"

/* Bytes behind a text that must be readable, for it is read in steps, and must not be letters. */
enum { SCAN_PADDING = 16 };

/* Whether c belongs to a word. In no locale, so that it is the same everywhere. */
static inline bool is_letter(char c)
{
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z');
}

/* Count each word of a text. Its letters may be made small as it stands: so it is not const.
 * Errors: TR_ENOMEM. */
int scan_words(struct table *table, char *text, size_t size);

#endif
