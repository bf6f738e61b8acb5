/* Names and values of headers. */
#include "http/header_name.h"

#define KNOWN_NAME(number, name, slot) [number] = { name, sizeof(name) - 1 },
static const tr__slice names[TR__KNOWN_COUNT] = { TR__KNOWN_HEADERS(KNOWN_NAME) };
#undef KNOWN_NAME

#define KNOWN_SLOT(number, name, slot) [slot] = number,
static const uint8_t slots[256] = { TR__KNOWN_HEADERS(KNOWN_SLOT) };
#undef KNOWN_SLOT

/* Where one is a letter of a well-known name, bit 0x40 is set, and the other may differ in bit
 * 0x20: that is its case. The '-' between them must be the same. */
static inline uint64_t difference(uint64_t name, uint64_t expected)
{
    const uint64_t letters = UINT64_C(0x4040404040404040);

    return (name ^ expected) & ~((expected & letters) >> 1);
}

static inline uint64_t word_at(const char *at)
{
    uint64_t word;

    memcpy(&word, at, sizeof(word));
    return word;
}

static bool equals_known(const char *name, const char *expected, size_t bytes)
{
    uint64_t found = 0;
    size_t i = 0;

    if (bytes < sizeof(found)) {
        for (; i < bytes; i++)
            found |= difference((unsigned char)name[i], (unsigned char)expected[i]);
        return found == 0;
    }
    for (; i + sizeof(found) < bytes; i += sizeof(found))
        found |= difference(word_at(name + i), word_at(expected + i));
    i = bytes - sizeof(found); /* the last of them, of which some may have been seen */
    return (found | difference(word_at(name + i), word_at(expected + i))) == 0;
}

tr__known tr__header_known(tr__slice name)
{
    uint8_t known = name.bytes >= 2 ? slots[tr__known_slot(name)] : TR__KNOWN_NONE;

    if (known == TR__KNOWN_NONE || names[known].bytes != name.bytes)
        return TR__KNOWN_NONE;
    return equals_known(name.at, names[known].at, name.bytes) ? (tr__known)known : TR__KNOWN_NONE;
}

/* What a token may hold besides letters and digits. */
static const char token_marks[] = "!#$%&'*+-.^_`|~";

bool tr__is_token_byte(char c)
{
    return tr__is_alpha(c) || tr__is_digit(c) || (c != 0 && strchr(token_marks, c) != NULL);
}

bool tr__is_token(tr__slice text)
{
    for (size_t i = 0; i < text.bytes; i++)
        if (!tr__is_token_byte(text.at[i]))
            return false;
    return text.bytes > 0;
}

bool tr__header_value_is_valid(tr__slice value)
{
    for (size_t i = 0; i < value.bytes; i++) {
        unsigned char c = (unsigned char)value.at[i];

        if ((c < 0x20 && c != '\t') || c == 0x7f)
            return false;
    }
    return true;
}
