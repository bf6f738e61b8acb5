/* Formats of declared texts. */
#include "http/format.h"

#include <string.h>

/* What is read, from left to right. */
typedef struct text {
    const char *at;
    const char *end;
} text;

static bool is_digit(char c)
{
    return c >= '0' && c <= '9';
}

static bool is_letter(char c)
{
    return ((unsigned char)c | 32) >= 'a' && ((unsigned char)c | 32) <= 'z';
}

static bool is_alphanumeric(char c)
{
    return is_digit(c) || is_letter(c);
}

static bool is_hexadecimal(char c)
{
    return is_digit(c) || (((unsigned char)c | 32) >= 'a' && ((unsigned char)c | 32) <= 'f');
}

static bool is_among(char c, const char *set)
{
    return c != '\0' && strchr(set, c) != NULL;
}

static bool take(text *from, char wanted)
{
    if (from->at == from->end || *from->at != wanted)
        return false;
    from->at++;
    return true;
}

/* So many digits, of a number between these; negative: there is none. */
static int take_digits(text *from, int count, int least, int most)
{
    int value = 0;

    for (int i = 0; i < count; i++, from->at++) {
        if (from->at == from->end || !is_digit(*from->at))
            return -1;
        value = value * 10 + (*from->at - '0');
    }
    return value < least || value > most ? -1 : value;
}

static int days_of(int year, int month)
{
    bool is_leap = (year % 4 == 0 && year % 100 != 0) || year % 400 == 0;

    if (month == 2)
        return is_leap ? 29 : 28;
    return month == 4 || month == 6 || month == 9 || month == 11 ? 30 : 31;
}

static bool take_date(text *from)
{
    int year = take_digits(from, 4, 0, 9999);
    int month = year >= 0 && take(from, '-') ? take_digits(from, 2, 1, 12) : -1;

    return month > 0 && take(from, '-') && take_digits(from, 2, 1, days_of(year, month)) > 0;
}

static bool take_fraction(text *from)
{
    const char *first;

    if (!take(from, '.'))
        return true;
    first = from->at;
    while (from->at < from->end && is_digit(*from->at))
        from->at++;
    return from->at > first;
}

static bool take_hour_and_minute(text *from)
{
    return take_digits(from, 2, 0, 23) >= 0 && take(from, ':') && take_digits(from, 2, 0, 59) >= 0;
}

static bool take_offset(text *from)
{
    if (take(from, 'Z') || take(from, 'z'))
        return true;
    return (take(from, '+') || take(from, '-')) && take_hour_and_minute(from);
}

/* A second may be the 60th, a leap one. */
static bool take_date_time(text *from)
{
    return take_date(from) && (take(from, 'T') || take(from, 't')) && take_hour_and_minute(from) &&
           take(from, ':') && take_digits(from, 2, 0, 60) >= 0 && take_fraction(from) &&
           take_offset(from);
}

static bool take_uuid(text *from)
{
    for (int i = 0; i < 36; i++, from->at++) {
        bool is_dash = i == 8 || i == 13 || i == 18 || i == 23;

        if (from->at == from->end || (is_dash ? *from->at != '-' : !is_hexadecimal(*from->at)))
            return false;
    }
    return true;
}

/* Letters, digits and dashes between points; no dash at either end of a label; not only one label.
 */
static bool take_domain(text *from)
{
    const char *label = from->at;
    int labels = 0;

    if (from->end - from->at > 253)
        return false;
    for (;; from->at++) {
        bool is_over = from->at == from->end || *from->at == '.';

        if (!is_over && !is_alphanumeric(*from->at) && *from->at != '-')
            return false;
        if (!is_over)
            continue;
        if (from->at == label || from->at - label > 63 || *label == '-' || from->at[-1] == '-')
            return false;
        labels++;
        if (from->at == from->end)
            return labels > 1;
        label = from->at + 1;
    }
}

static bool take_email(text *from)
{
    const char *first = from->at;

    for (; from->at < from->end && *from->at != '@'; from->at++) {
        bool is_point = *from->at == '.';

        if (!is_alphanumeric(*from->at) && !is_among(*from->at, ".!#$%&'*+/=?^_`{|}~-"))
            return false;
        if (is_point && (from->at == first || from->at[-1] == '.'))
            return false;
    }
    if (from->at == first || from->at - first > 64 || from->at[-1] == '.')
        return false;
    return take(from, '@') && take_domain(from);
}

/* A scheme, and then only what a URI may contain, with each % before two hexadecimal digits. */
static bool take_uri(text *from)
{
    if (from->at == from->end || !is_letter(*from->at))
        return false;
    while (from->at < from->end && (is_alphanumeric(*from->at) || is_among(*from->at, "+-.")))
        from->at++;
    if (!take(from, ':') || from->at == from->end)
        return false;
    for (; from->at < from->end; from->at++) {
        if (*from->at == '%') {
            if (from->end - from->at < 3 || !is_hexadecimal(from->at[1]) ||
                !is_hexadecimal(from->at[2]))
                return false;
        } else if (!is_alphanumeric(*from->at) && !is_among(*from->at, "-._~:/?#[]@!$&'()*+,;=")) {
            return false;
        }
    }
    return true;
}

static bool take_any(text *from)
{
    from->at = from->end;
    return true;
}

static const struct known {
    const char *name;
    bool (*take)(text *from);
} formats[] = {
    [TR_FORMAT_ANY] = { NULL, take_any },
    [TR_FORMAT_EMAIL] = { "email", take_email },
    [TR_FORMAT_UUID] = { "uuid", take_uuid },
    [TR_FORMAT_DATE] = { "date", take_date },
    [TR_FORMAT_DATE_TIME] = { "date-time", take_date_time },
    [TR_FORMAT_URI] = { "uri", take_uri },
};

bool tr__format_is(tr_format format, const char *at, size_t bytes)
{
    text from = { at, at + bytes };

    return formats[format].take(&from) && from.at == from.end;
}

const char *tr__format_name(tr_format format)
{
    return formats[format].name;
}
