/* Set-Cookie. */
#include "client/set_cookie.h"

#include "http/date.h"

/* ---- dates (5.1.1) ---- */

enum { YEAR, MONTH, DAY, HOUR, MINUTE, SECOND, FIELDS };

static bool is_delimiter(char c)
{
    unsigned char byte = (unsigned char)c;

    return byte == '\t' || (byte >= 0x20 && byte <= 0x2f) || (byte >= 0x3b && byte <= 0x40) ||
           (byte >= 0x5b && byte <= 0x60) || (byte >= 0x7b && byte <= 0x7e);
}

/* Take a number of so many digits off, behind which no other digit stands. */
static bool take_number(tr__slice *text, size_t least, size_t most, int *out)
{
    size_t bytes = 0;
    int value = 0;

    while (bytes < text->bytes && bytes <= most && tr__is_digit(text->at[bytes]))
        value = value * 10 + (text->at[bytes++] - '0');
    if (bytes < least || bytes > most)
        return false;
    *out = value;
    *text = tr__slice_tail(*text, bytes);
    return true;
}

static bool take_colon(tr__slice *text)
{
    if (text->bytes == 0 || text->at[0] != ':')
        return false;
    *text = tr__slice_tail(*text, 1);
    return true;
}

/* "8:49:37", whatever stands behind. */
static bool read_time(tr__slice token, int fields[FIELDS])
{
    int time[3];

    if (!take_number(&token, 1, 2, &time[0]) || !take_colon(&token) ||
        !take_number(&token, 1, 2, &time[1]) || !take_colon(&token) ||
        !take_number(&token, 1, 2, &time[2]))
        return false;
    memcpy(fields + HOUR, time, sizeof(time));
    return true;
}

static bool read_month(tr__slice token, int *month)
{
    static const char names[] = "janfebmaraprmayjunjulaugsepoctnovdec";

    if (token.bytes < 3)
        return false;
    for (int i = 0; i < 12; i++)
        if (tr__slice_equals_ignoring_case(tr__slice_head(token, 3),
                                           (tr__slice){ names + i * 3, 3 })) {
            *month = i;
            return true;
        }
    return false;
}

static bool read_year(tr__slice token, int *year)
{
    if (!take_number(&token, 2, 4, year))
        return false;
    if (*year < 100)
        *year += *year < 70 ? 2000 : 1900;
    return true;
}

/* A token is the first of these that it can be, and that no other was before. -1 is none. */
static void read_token(tr__slice token, int fields[FIELDS])
{
    int day;

    if (fields[HOUR] < 0 && read_time(token, fields))
        return;
    if (fields[DAY] < 0) {
        tr__slice rest = token;

        if (take_number(&rest, 1, 2, &day)) {
            fields[DAY] = day;
            return;
        }
    }
    if (fields[MONTH] < 0 && read_month(token, &fields[MONTH]))
        return;
    if (fields[YEAR] < 0)
        (void)read_year(token, &fields[YEAR]); /* or it is nothing */
}

bool tr__cookie_date_parse(tr__slice text, int64_t *out)
{
    int fields[FIELDS] = { -1, -1, -1, -1, -1, -1 };

    while (text.bytes > 0) {
        size_t bytes = 0;

        while (bytes < text.bytes && !is_delimiter(text.at[bytes]))
            bytes++;
        if (bytes > 0)
            read_token(tr__slice_head(text, bytes), fields);
        text = tr__slice_tail(text, bytes < text.bytes ? bytes + 1 : bytes);
    }
    return fields[YEAR] >= 1601 && fields[SECOND] < 60 && tr__date_of_fields(fields, out);
}

/* ---- attributes (5.2.1 to 5.2.6) ---- */

/* A number of seconds; what is no number is no attribute. */
static bool read_max_age(tr__slice text, int64_t now_s, int64_t *expires_s)
{
    bool is_negative = text.bytes > 0 && text.at[0] == '-';
    tr__slice digits = tr__slice_tail(text, is_negative ? 1 : 0);
    uint64_t seconds = (uint64_t)TR__COOKIE_AGE_MOST_S;

    if (text.bytes == 0)
        return false;
    for (size_t i = 0; i < digits.bytes; i++)
        if (!tr__is_digit(digits.at[i]))
            return false;
    (void)tr__slice_to_u64(digits, seconds, &seconds); /* or it is more */
    *expires_s = is_negative || seconds == 0 ? INT64_MIN : now_s + (int64_t)seconds;
    return true;
}

typedef struct ages {
    bool has_max_age; /* which counts more */
    int64_t now_s;
} ages;

static void read_expiry(tr__set_cookie *out, tr__slice name, tr__slice value, ages *a)
{
    int64_t at;

    if (tr__slice_is_ignoring_case(name, "max-age")) {
        if (read_max_age(value, a->now_s, &at)) {
            out->expires_s = at;
            a->has_max_age = true;
        }
    } else if (!a->has_max_age && tr__cookie_date_parse(value, &at)) {
        out->expires_s = at <= a->now_s                          ? INT64_MIN
                         : at - a->now_s > TR__COOKIE_AGE_MOST_S ? a->now_s + TR__COOKIE_AGE_MOST_S
                                                                 : at;
    }
}

/* The last one of a name counts. */
static void read_attribute(tr__set_cookie *out, tr__slice name, tr__slice value, ages *a)
{
    if (value.bytes > TR__COOKIE_ATTRIBUTE_MOST)
        return;
    if (tr__slice_is_ignoring_case(name, "secure"))
        out->is_secure = true;
    else if (tr__slice_is_ignoring_case(name, "domain"))
        out->domain = tr__slice_tail(value, value.bytes > 0 && value.at[0] == '.' ? 1 : 0);
    else if (tr__slice_is_ignoring_case(name, "path"))
        out->path = value.bytes > 0 && value.at[0] == '/' ? value : (tr__slice){ 0 };
    else if (tr__slice_is_ignoring_case(name, "max-age") ||
             tr__slice_is_ignoring_case(name, "expires"))
        read_expiry(out, name, value, a);
}

/* ---- the line ---- */

static bool has_control(tr__slice line)
{
    for (size_t i = 0; i < line.bytes; i++)
        if (((unsigned char)line.at[i] < 0x20 && line.at[i] != '\t') || line.at[i] == 0x7f)
            return true;
    return false;
}

/* What stands before the first '=', and behind it; without one, there is a name only. */
static void split_pair(tr__slice pair, tr__slice *name, tr__slice *value)
{
    size_t at = tr__slice_index(pair, '=');

    *name = tr__slice_trim(tr__slice_head(pair, at));
    *value = at < pair.bytes ? tr__slice_trim(tr__slice_tail(pair, at + 1)) : (tr__slice){ 0 };
}

bool tr__set_cookie_parse(tr__set_cookie *out, tr__slice line, int64_t now_s)
{
    ages a = { .now_s = now_s };
    tr__slice piece, name, value;

    *out = (tr__set_cookie){ .expires_s = INT64_MAX };
    if (has_control(line) || !tr__slice_split(&line, ';', &piece) ||
        tr__slice_index(piece, '=') == piece.bytes)
        return false;
    split_pair(piece, &out->name, &out->value);
    if (out->name.bytes == 0 || out->name.bytes + out->value.bytes > TR__COOKIE_MOST)
        return false;
    while (tr__slice_split(&line, ';', &piece)) {
        split_pair(piece, &name, &value);
        read_attribute(out, name, value, &a);
    }
    return true;
}
