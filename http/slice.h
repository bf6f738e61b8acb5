/* Slices: text that is not terminated, of which somebody else is the owner.
 *
 * at may be NULL in an empty one. Case is ASCII's, whatever the locale.
 *
 * Threads: any. */
#ifndef TR_HTTP_SLICE_H
#define TR_HTTP_SLICE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

typedef struct tr__slice {
    const char *at;
    size_t bytes;
} tr__slice;

static inline tr__slice tr__slice_of(const char *text)
{
    return (tr__slice){ text, strlen(text) };
}

static inline char tr__lower(char c)
{
    return c >= 'A' && c <= 'Z' ? (char)(c | 0x20) : c;
}

static inline bool tr__is_digit(char c)
{
    return c >= '0' && c <= '9';
}

static inline bool tr__is_alpha(char c)
{
    return tr__lower(c) >= 'a' && tr__lower(c) <= 'z';
}

/* The value of a hex digit; -1: it is none. */
static inline int tr__hex_value(char c)
{
    if (tr__is_digit(c))
        return c - '0';
    return tr__lower(c) >= 'a' && tr__lower(c) <= 'f' ? tr__lower(c) - 'a' + 10 : -1;
}

static inline bool tr__slice_equals(tr__slice a, tr__slice b)
{
    return a.bytes == b.bytes && (a.bytes == 0 || memcmp(a.at, b.at, a.bytes) == 0);
}

static inline bool tr__slice_equals_ignoring_case(tr__slice a, tr__slice b)
{
    if (a.bytes != b.bytes)
        return false;
    for (size_t i = 0; i < a.bytes; i++)
        if (tr__lower(a.at[i]) != tr__lower(b.at[i]))
            return false;
    return true;
}

static inline bool tr__slice_is(tr__slice slice, const char *text)
{
    return tr__slice_equals(slice, tr__slice_of(text));
}

static inline bool tr__slice_is_ignoring_case(tr__slice slice, const char *text)
{
    return tr__slice_equals_ignoring_case(slice, tr__slice_of(text));
}

static inline bool tr__slice_begins(tr__slice slice, const char *text)
{
    size_t bytes = strlen(text);

    return slice.bytes >= bytes && (bytes == 0 || memcmp(slice.at, text, bytes) == 0);
}

/* Where a byte stands first; the slice's length: nowhere. */
static inline size_t tr__slice_index(tr__slice slice, char c)
{
    const char *found = slice.bytes > 0 ? (const char *)memchr(slice.at, c, slice.bytes) : NULL;

    return found != NULL ? (size_t)(found - slice.at) : slice.bytes;
}

/* Its first bytes; what is behind them. Both take at most its length. */
static inline tr__slice tr__slice_head(tr__slice slice, size_t bytes)
{
    return (tr__slice){ slice.at, bytes };
}

static inline tr__slice tr__slice_tail(tr__slice slice, size_t bytes)
{
    return bytes == 0 ? slice : (tr__slice){ slice.at + bytes, slice.bytes - bytes };
}

static inline bool tr__is_blank(char c)
{
    return c == ' ' || c == '\t';
}

/* Without the blanks around it (OWS, RFC 9110, 5.6.3). */
static inline tr__slice tr__slice_trim(tr__slice slice)
{
    while (slice.bytes > 0 && tr__is_blank(slice.at[0]))
        slice = tr__slice_tail(slice, 1);
    while (slice.bytes > 0 && tr__is_blank(slice.at[slice.bytes - 1]))
        slice.bytes--;
    return slice;
}

/* Take the piece before the next separator off, and the separator: with at least one byte in rest
 * there is a piece, which may be empty. What stands behind a last separator counts only if it is
 * not empty. */
static inline bool tr__slice_split(tr__slice *rest, char separator, tr__slice *piece)
{
    size_t at = tr__slice_index(*rest, separator);

    if (rest->bytes == 0)
        return false;
    *piece = tr__slice_head(*rest, at);
    *rest = tr__slice_tail(*rest, at < rest->bytes ? at + 1 : at);
    return true;
}

/* Digits and nothing else. false: it is no number, or above most; *out is left alone. */
static inline bool tr__slice_to_u64(tr__slice slice, uint64_t most, uint64_t *out)
{
    uint64_t value = 0;

    if (slice.bytes == 0)
        return false;
    for (size_t i = 0; i < slice.bytes; i++) {
        uint64_t digit = (uint64_t)(slice.at[i] - '0');

        if (!tr__is_digit(slice.at[i]) || digit > most || value > (most - digit) / 10)
            return false;
        value = value * 10 + digit;
    }
    *out = value;
    return true;
}

#endif
