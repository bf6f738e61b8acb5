/* Percent-encoding, and paths. */
#include "http/percent.h"

#include <troupe/core.h>

/* ---- decoding ---- */

/* Take a byte off, decoded; -1: malformed. */
static int take_byte(tr__slice *text, unsigned flags)
{
    int c = (unsigned char)text->at[0];
    int high, low;

    if (c != '%') {
        *text = tr__slice_tail(*text, 1);
        c = c == '+' && (flags & TR__PERCENT_PLUS) ? ' ' : c;
    } else {
        high = text->bytes > 2 ? tr__hex_value(text->at[1]) : -1;
        low = text->bytes > 2 ? tr__hex_value(text->at[2]) : -1;
        if (high < 0 || low < 0)
            return -1;
        *text = tr__slice_tail(*text, 3);
        c = high * 16 + low;
    }
    return c == 0 && !(flags & TR__PERCENT_NUL) ? -1 : c;
}

ssize_t tr__percent_decode(tr__slice text, char *out, size_t capacity, unsigned flags)
{
    size_t bytes = 0;

    while (text.bytes > 0) {
        int c = take_byte(&text, flags);

        if (c < 0)
            return TR_ESYNTAX;
        if (bytes == capacity)
            return TR_ETOOLARGE;
        out[bytes++] = (char)c;
    }
    return (ssize_t)bytes;
}

bool tr__percent_decodes_to(tr__slice text, tr__slice decoded, unsigned flags)
{
    while (text.bytes > 0 && decoded.bytes > 0) {
        if (take_byte(&text, flags) != (unsigned char)decoded.at[0])
            return false;
        decoded = tr__slice_tail(decoded, 1);
    }
    return text.bytes == 0 && decoded.bytes == 0;
}

/* ---- encoding ---- */

static bool is_unreserved(int c)
{
    return c < 0x80 && (tr__is_alpha((char)c) || tr__is_digit((char)c) || c == '-' || c == '.' ||
                        c == '_' || c == '~');
}

/* others: what need not be encoded besides the unreserved. */
static ssize_t encode(tr__slice text, const char *others, char *out, size_t capacity)
{
    static const char digits[] = "0123456789ABCDEF";
    size_t bytes = 0;

    for (size_t i = 0; i < text.bytes; i++) {
        unsigned char c = (unsigned char)text.at[i];
        bool is_plain = is_unreserved(c) || (c != 0 && strchr(others, c) != NULL);

        if (capacity - bytes < (is_plain ? 1U : 3U))
            return TR_ETOOLARGE;
        if (is_plain) {
            out[bytes++] = (char)c;
        } else {
            out[bytes++] = '%';
            out[bytes++] = digits[c >> 4];
            out[bytes++] = digits[c & 15];
        }
    }
    return (ssize_t)bytes;
}

ssize_t tr__percent_encode_segment(tr__slice text, char *out, size_t capacity)
{
    return encode(text, "!$&'()*+,;=:@", out, capacity);
}

ssize_t tr__percent_encode_query(tr__slice text, char *out, size_t capacity)
{
    return encode(text, "!$'()*,;:@/?", out, capacity);
}

/* ---- paths ---- */

static bool is_control(int c)
{
    return c < 0x20 || c == 0x7f;
}

/* Take a byte of a path off, and append it in its normal form. false: malformed. */
static bool append_normal(tr__slice *path, char *out, size_t *bytes)
{
    bool is_encoded = path->at[0] == '%';
    char high = is_encoded && path->bytes > 1 ? path->at[1] : 0;
    char low = is_encoded && path->bytes > 2 ? path->at[2] : 0;
    int c = take_byte(path, 0);

    if (c < 0 || is_control(c))
        return false;
    if (!is_encoded && (c == '\\' || c == '#' || c == '?'))
        return false;
    if (!is_encoded || is_unreserved(c)) {
        out[(*bytes)++] = (char)c;
        return true;
    }
    out[(*bytes)++] = '%';
    out[(*bytes)++] = tr__hex_value(high) > 9 ? (char)(high & ~0x20) : high;
    out[(*bytes)++] = tr__hex_value(low) > 9 ? (char)(low & ~0x20) : low;
    return true;
}

/* Where the last segment of what stands in out begins: behind its '/'. */
static size_t last_segment(const char *out, size_t bytes)
{
    while (out[bytes - 1] != '/')
        bytes--;
    return bytes;
}

/* Take a segment of dots away, which stands in out from begin on. The new end; 0: it leads above
 * the root. */
static size_t end_segment(const char *out, size_t begin, size_t end)
{
    tr__slice segment = { out + begin, end - begin };

    if (tr__slice_is(segment, "."))
        return begin;
    if (!tr__slice_is(segment, ".."))
        return end;
    return begin > 1 ? last_segment(out, begin - 1) : 0;
}

ssize_t tr__path_normalize(tr__slice path, char *out)
{
    size_t bytes = 1;

    if (path.bytes == 0 || path.at[0] != '/')
        return TR_ESYNTAX;
    out[0] = '/';
    for (path = tr__slice_tail(path, 1);; path = tr__slice_tail(path, 1)) {
        size_t begin = bytes;
        size_t end;

        while (path.bytes > 0 && path.at[0] != '/')
            if (!append_normal(&path, out, &bytes))
                return TR_ESYNTAX;
        end = end_segment(out, begin, bytes);
        if (end == 0)
            return TR_ESYNTAX;
        if (path.bytes == 0)
            return (ssize_t)end;
        /* Behind dots that are gone, the '/' of what stood before them is there already. */
        if (end == bytes)
            out[end++] = '/';
        bytes = end;
    }
}

static bool is_file_name(tr__slice segment, bool is_last)
{
    if (tr__slice_is(segment, ".") || tr__slice_is(segment, ".."))
        return false;
    return (segment.bytes > 0 || is_last) && tr__slice_index(segment, '/') == segment.bytes &&
           tr__slice_index(segment, '\\') == segment.bytes;
}

ssize_t tr__path_decode(tr__slice normal, char *out, size_t capacity)
{
    size_t bytes = 0;
    size_t at;

    if (normal.bytes == 0 || normal.at[0] != '/')
        return TR_ESYNTAX;
    for (normal = tr__slice_tail(normal, 1);; normal = tr__slice_tail(normal, at + 1)) {
        ssize_t segment;
        bool is_last;

        at = tr__slice_index(normal, '/');
        is_last = at == normal.bytes;
        segment = tr__percent_decode(tr__slice_head(normal, at), out + bytes, capacity - bytes, 0);
        if (segment < 0)
            return segment;
        if (!is_file_name((tr__slice){ out + bytes, (size_t)segment }, is_last))
            return TR_ESYNTAX;
        bytes += (size_t)segment;
        if (is_last)
            return (ssize_t)bytes;
        if (bytes == capacity)
            return TR_ETOOLARGE;
        out[bytes++] = '/';
    }
}
