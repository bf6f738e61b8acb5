/* Numbers as JSON writes them.
 *
 * Both ways have a short one, for numbers of few digits: where mantissa and power of ten are exact
 * as doubles, one multiplication or division is rounded once, and so correctly (Clinger 1990). The
 * others go through the C library, in its C locale, which exists without being made. */
#include "http/number.h"

#include <inttypes.h>
#include <locale.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define EXACT (UINT64_C(1) << 53)

static const double powers[] = { 1e0,  1e1,  1e2,  1e3,  1e4,  1e5,  1e6,  1e7,
                                 1e8,  1e9,  1e10, 1e11, 1e12, 1e13, 1e14, 1e15,
                                 1e16, 1e17, 1e18, 1e19, 1e20, 1e21, 1e22 };

static locale_t c_locale(void)
{
    return newlocale(LC_ALL_MASK, "C", (locale_t)0); /* static storage: it can't fail */
}

/* mantissa * 10^exponent, if text has so few digits. */
static bool parse_short(const char *text, size_t bytes, double *value)
{
    const char *at = text;
    const char *end = text + bytes;
    bool is_negative = *at == '-';
    uint64_t mantissa = 0;
    int exponent = 0;

    at += is_negative;
    for (; at < end && *at >= '0' && *at <= '9'; at++)
        mantissa = mantissa * 10 + (uint64_t)(*at - '0');
    if (at < end && *at == '.') {
        for (at++; at < end && *at >= '0' && *at <= '9'; at++, exponent--)
            mantissa = mantissa * 10 + (uint64_t)(*at - '0');
    }
    if (at < end || mantissa > EXACT)
        return false;
    *value = (double)mantissa / powers[-exponent];
    if (is_negative)
        *value = -*value;
    return true;
}

double tr__number_parse(const char *text, size_t bytes)
{
    char copy[TR__NUMBER_LONGEST + 1];
    double value;

    /* 18 digits can't overflow the mantissa. */
    if (bytes <= 19 && parse_short(text, bytes, &value))
        return value;
    memcpy(copy, text, bytes);
    copy[bytes] = '\0';
    return strtod_l(copy, NULL, c_locale());
}

bool tr__integer_parse(const char *text, size_t bytes, int64_t *value)
{
    bool is_negative = *text == '-';
    uint64_t most = (uint64_t)INT64_MAX + is_negative;
    uint64_t magnitude = 0;

    for (size_t i = is_negative; i < bytes; i++) {
        uint64_t digit = (uint64_t)(text[i] - '0');

        if (magnitude > (most - digit) / 10)
            return false;
        magnitude = magnitude * 10 + digit;
    }
    *value = (int64_t)(is_negative ? 0 - magnitude : magnitude);
    return true;
}

size_t tr__integer_write(int64_t value, char *text)
{
    char digits[20];
    uint64_t magnitude = value < 0 ? 0 - (uint64_t)value : (uint64_t)value;
    size_t count = 0;
    size_t bytes = 0;

    do {
        digits[count++] = (char)('0' + magnitude % 10);
        magnitude /= 10;
    } while (magnitude > 0);
    if (value < 0)
        text[bytes++] = '-';
    while (count > 0)
        text[bytes++] = digits[--count];
    return bytes;
}

/* Write mantissa / 10^decimals, of which no digit at the end is 0. */
static size_t write_decimal(uint64_t mantissa, int decimals, bool is_negative, char *text)
{
    char digits[24];
    size_t count = tr__integer_write((int64_t)mantissa, digits);
    size_t at = 0;

    if (is_negative)
        text[at++] = '-';
    for (size_t i = count; i <= (size_t)decimals; i++) {
        text[at++] = '0';
        if (i == count && decimals > 0)
            text[at++] = '.';
    }
    for (size_t i = 0; i < count; i++) {
        if (i > 0 && count - i == (size_t)decimals)
            text[at++] = '.';
        text[at++] = digits[i];
    }
    return at;
}

/* The shortest of the C library's that reads back as it was. */
static size_t write_long(double value, char *text)
{
    locale_t before = uselocale(c_locale());
    int bytes = 0;

    for (int digits = 15; digits <= 17; digits++) {
        bytes = snprintf(text, TR__NUMBER_ROOM, "%.*g", digits, value);
        if (strtod(text, NULL) == value)
            break;
    }
    (void)uselocale(before); /* it was in use */
    return (size_t)bytes;
}

size_t tr__number_write(double value, char *text)
{
    double magnitude = fabs(value);

    if (magnitude >= 1e-5 && magnitude < 1e15) {
        for (int decimals = 0; decimals <= 15; decimals++) {
            double mantissa = rint(magnitude * powers[decimals]);

            if (mantissa > (double)EXACT)
                break;
            if (mantissa / powers[decimals] == magnitude)
                return write_decimal((uint64_t)mantissa, decimals, value < 0, text);
        }
    }
    if (value == 0)
        return write_decimal(0, 0, signbit(value) != 0, text);
    return write_long(value, text);
}
