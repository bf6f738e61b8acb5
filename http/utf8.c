/* Validity of UTF-8. */
#include "http/utf8.h"

#include <stdint.h>
#include <string.h>

/* How many bytes a character takes that begins so; and the range of its second byte, which excludes
 * what is overlong, a surrogate, or too large. 0: nothing begins so. */
static size_t length_of(unsigned char first, unsigned char *low, unsigned char *high)
{
    *low = 0x80;
    *high = 0xbf;
    if (first < 0xc2)
        return 0;
    if (first < 0xe0)
        return 2;
    if (first < 0xf0) {
        *low = first == 0xe0 ? 0xa0 : 0x80;
        *high = first == 0xed ? 0x9f : 0xbf;
        return 3;
    }
    *low = first == 0xf0 ? 0x90 : 0x80;
    *high = first == 0xf4 ? 0x8f : 0xbf;
    return first < 0xf5 ? 4 : 0;
}

/* Past eight bytes of ASCII at a time. */
static const unsigned char *skip_ascii(const unsigned char *at, const unsigned char *end)
{
    uint64_t word;

    while (end - at >= (ptrdiff_t)sizeof(word)) {
        memcpy(&word, at, sizeof(word));
        if ((word & UINT64_C(0x8080808080808080)) != 0)
            break;
        at += sizeof(word);
    }
    while (at < end && *at < 0x80)
        at++;
    return at;
}

bool tr__utf8_is_valid(const char *text, size_t bytes)
{
    const unsigned char *at = (const unsigned char *)text;
    const unsigned char *end = at + bytes;

    while ((at = skip_ascii(at, end)) < end) {
        unsigned char low, high;
        size_t length = length_of(*at, &low, &high);

        if (length == 0 || (size_t)(end - at) < length || at[1] < low || at[1] > high)
            return false;
        for (size_t i = 2; i < length; i++)
            if (at[i] < 0x80 || at[i] > 0xbf)
                return false;
        at += length;
    }
    return true;
}

size_t tr__utf8_cut(const char *text, size_t most)
{
    size_t bytes = strnlen(text, most + 1);

    if (bytes <= most)
        return bytes;
    for (bytes = most; bytes > 0 && ((unsigned char)text[bytes] & 0xc0) == 0x80; bytes--)
        ;
    return bytes;
}
