/* JSON, token by token (RFC 8259): forms, escapes and UTF-8 are checked; nothing is copied, nothing
 * allocated, and nothing calls itself: a task's stack may be small.
 *
 * A function that returns false has said in `wrong` what it expected where `at` points. */
#ifndef TR_HTTP_SCAN_H
#define TR_HTTP_SCAN_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/compiler.h"

#define TR__JSON_DEPTH 64 /* of lists and objects in each other: a bit each */

typedef struct tr__scan {
    const char *at;
    const char *start;
    const char *end;
    const char *wrong; /* NULL: nothing yet */
    unsigned depth;    /* lists and objects that are open */
    unsigned most;     /* that may be */
    bool is_too_deep;
} tr__scan;

/* A string between its quotes, as it was sent. */
typedef struct tr__json_string {
    const char *at;
    size_t bytes;
    bool is_escaped;
    bool has_zero; /* \u0000 */
} tr__json_string;

typedef struct tr__json_number {
    const char *at;
    size_t bytes;
    bool is_whole; /* digits only, with or without a sign */
} tr__json_number;

void tr__scan_init(tr__scan *scan, const char *text, size_t bytes, unsigned most);

static inline void tr__scan_space(tr__scan *scan)
{
    while (scan->at < scan->end &&
           (*scan->at == ' ' || *scan->at == '\n' || *scan->at == '\r' || *scan->at == '\t'))
        scan->at++;
}

/* What comes next, space skipped; 0 at the end. */
static inline char tr__scan_peek(tr__scan *scan)
{
    tr__scan_space(scan);
    return scan->at < scan->end ? *scan->at : '\0';
}

/* Remember what is wrong; false. */
bool tr__scan_refuse(tr__scan *scan, const char *wrong);

/* Take this character, space skipped. */
static inline bool tr__scan_take(tr__scan *scan, char wanted, const char *otherwise)
{
    if (TR__LIKELY(tr__scan_peek(scan) == wanted && scan->at < scan->end)) {
        scan->at++;
        return true;
    }
    return tr__scan_refuse(scan, otherwise);
}

bool tr__scan_string(tr__scan *scan, tr__json_string *string);
bool tr__scan_number(tr__scan *scan, tr__json_number *number);
/* true, false or null. */
bool tr__scan_word(tr__scan *scan, const char *word);
/* A list or an object begins: it is counted. */
bool tr__scan_open(tr__scan *scan);
static inline void tr__scan_close(tr__scan *scan)
{
    scan->at++;
    scan->depth--;
}
/* A whole value, whatever it is. */
bool tr__scan_value(tr__scan *scan);
/* Nothing may follow. */
bool tr__scan_end(tr__scan *scan);

/* The text of a string; it takes at most string->bytes, without a 0 at its end. How many bytes. */
size_t tr__json_unescape(const tr__json_string *string, char *text);

/* Line and column of a place, from 1. */
void tr__scan_place(const tr__scan *scan, const char *at, size_t *line, size_t *column);

/* The length of the UTF-8 sequence of more than one byte at `at`; 0: it is none. */
size_t tr__utf8_length(const char *at, const char *end);

#endif
