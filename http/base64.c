/* Base64. */
#include "http/base64.h"

#include <troupe/core.h>

static const char letters[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";

size_t tr__base64_encode(tr__slice data, char *out)
{
    size_t bytes = 0;

    for (size_t i = 0; i < data.bytes; i += 3) {
        size_t count = data.bytes - i < 3 ? data.bytes - i : 3;
        uint32_t bits = 0;

        for (size_t k = 0; k < 3; k++)
            bits = bits << 8 | (k < count ? (unsigned char)data.at[i + k] : 0);
        for (size_t k = 0; k < 4; k++)
            out[bytes++] = k <= count ? letters[bits >> (18 - 6 * k) & 63] : '=';
    }
    return bytes;
}

/* -1: it is no letter. */
static int value_of(char c)
{
    if (c >= 'A' && c <= 'Z')
        return c - 'A';
    if (c >= 'a' && c <= 'z')
        return c - 'a' + 26;
    if (tr__is_digit(c))
        return c - '0' + 52;
    return c == '+' ? 62 : c == '/' ? 63 : -1;
}

/* The bits of the first count letters of four; -1: malformed. */
static int32_t bits_of(const char *four, size_t count)
{
    int32_t bits = 0;

    for (size_t k = 0; k < 4; k++) {
        int value = k < count ? value_of(four[k]) : 0;

        if (value < 0)
            return -1;
        bits = bits * 64 + value;
    }
    /* Those that no byte takes are 0, so that each text has one form. */
    return count < 4 && (bits & ((1 << (8 * (4 - count))) - 1)) != 0 ? -1 : bits;
}

ssize_t tr__base64_decode(tr__slice text, char *out, size_t capacity)
{
    size_t bytes = 0;

    if (text.bytes % 4 != 0)
        return TR_ESYNTAX;
    for (size_t i = 0; i < text.bytes; i += 4) {
        size_t count = 4;
        int32_t bits;

        if (i + 4 == text.bytes && text.at[i + 3] == '=')
            count = text.at[i + 2] == '=' ? 2 : 3;
        bits = bits_of(text.at + i, count);
        if (bits < 0)
            return TR_ESYNTAX;
        if (capacity - bytes < count - 1)
            return TR_ETOOLARGE;
        for (size_t k = 0; k < count - 1; k++)
            out[bytes++] = (char)(bits >> (16 - 8 * k) & 0xff);
    }
    return (ssize_t)bytes;
}
