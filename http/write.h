/* JSON into a buffer that may be too small: what does not fit is counted, not written. */
#ifndef TR_HTTP_WRITE_H
#define TR_HTTP_WRITE_H

#include <stdbool.h>
#include <stdint.h>
#include <string.h>

#include <troupe/declare.h>

#include "base/compiler.h"

typedef struct tr__json_out {
    char *at;
    char *end;
    size_t bytes; /* that it takes */
} tr__json_out;

/* NOLINTNEXTLINE(readability-non-const-parameter): it is written to later */
static inline void tr__out_init(tr__json_out *out, char *buffer, size_t room)
{
    *out = (tr__json_out){ .at = buffer, .end = room > 0 ? buffer + room : buffer };
}

/* What does not fit as a whole ends the buffer: nothing is written behind a gap. */
static inline void tr__out_put(tr__json_out *out, const char *text, size_t bytes)
{
    out->bytes += bytes;
    if (TR__UNLIKELY((size_t)(out->end - out->at) < bytes))
        bytes = (size_t)(out->end - out->at);
    if (bytes == 0)
        return;
    memcpy(out->at, text, bytes);
    out->at += bytes;
}

static inline void tr__out_character(tr__json_out *out, char c)
{
    out->bytes++;
    if (TR__LIKELY(out->at < out->end))
        *out->at++ = c;
}

static inline void tr__out_text(tr__json_out *out, const char *text)
{
    tr__out_put(out, text, strlen(text));
}

/* A string with its quotes, escaped; bytes that are no UTF-8 become U+FFFD. */
void tr__out_string(tr__json_out *out, const char *text, size_t bytes);
/* A part of one, without quotes. */
void tr__out_escaped(tr__json_out *out, const char *text, size_t bytes);
void tr__out_integer(tr__json_out *out, int64_t value);
/* value is finite. */
void tr__out_number(tr__json_out *out, double value);

/* A declared struct.
 * Errors: TR_EVALUE; TR_ELIMIT. */
int tr__declared_write(const tr_declaration *declaration, const void *value, tr__json_out *out);

#endif
