/* Names and values of headers. */
#include "http/header_name.h"

#define KNOWN_NAME(number, name, slot) [number] = { name, sizeof(name) - 1 },
static const tr__slice names[TR__KNOWN_COUNT] = { TR__KNOWN_HEADERS(KNOWN_NAME) };
#undef KNOWN_NAME

#define KNOWN_SLOT(number, name, slot) [slot] = number,
static const uint8_t slots[256] = { TR__KNOWN_HEADERS(KNOWN_SLOT) };
#undef KNOWN_SLOT

tr__known tr__header_known(tr__slice name)
{
    uint8_t known = name.bytes >= 2 ? slots[tr__known_slot(name)] : TR__KNOWN_NONE;
    const char *expected = names[known].at;

    if (known == TR__KNOWN_NONE || names[known].bytes != name.bytes)
        return TR__KNOWN_NONE;
    for (size_t i = 0; i < name.bytes; i++)
        if (tr__lower(name.at[i]) != expected[i])
            return TR__KNOWN_NONE;
    return (tr__known)known;
}

const char *tr__known_name(tr__known known)
{
    return names[known].at;
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
