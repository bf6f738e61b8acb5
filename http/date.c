/* Dates. */
#include "http/date.h"

enum { DAY_S = 86400, CENTURY = 100 };

static const char day_names[] = "SunMonTueWedThuFriSat";
static const char month_names[] = "JanFebMarAprMayJunJulAugSepOctNovDec";

typedef struct date {
    int64_t year;
    int month; /* from 0 */
    int day;   /* from 1 */
    int hour, minute, second;
} date;

/* ---- the calendar ---- */

/* Years begin in March here, so that a leap day is the last of its year: then the days before a
 * month are a straight line, rounded. Howard Hinnant describes that in 'chrono-compatible low-level
 * date algorithms'. */
static int64_t days_of(int64_t year, int month, int day)
{
    int64_t y = month < 2 ? year - 1 : year;
    int64_t in_year = (153 * ((month + 10) % 12) + 2) / 5 + day - 1;

    return y * 365 + y / 4 - y / 100 + y / 400 + in_year - 719468;
}

static bool is_leap(int64_t year)
{
    return year % 4 == 0 && (year % 100 != 0 || year % 400 == 0);
}

static int days_of_month(int64_t year, int month)
{
    static const char days[] = { 31, 28, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31 };

    return days[month] + (month == 1 && is_leap(year));
}

static int64_t in_range(int64_t seconds)
{
    int64_t first = days_of(1, 0, 1) * DAY_S;
    int64_t last = days_of(10000, 0, 1) * DAY_S - 1;

    return seconds < first ? first : seconds > last ? last : seconds;
}

static int64_t whole_days(int64_t seconds)
{
    return seconds / DAY_S - (seconds % DAY_S < 0);
}

/* Of what is in range. */
static date date_of(int64_t seconds)
{
    int64_t days = whole_days(seconds);
    int64_t rest = seconds - days * DAY_S;
    date d = { .hour = (int)(rest / 3600),
               .minute = (int)(rest / 60 % 60),
               .second = (int)(rest % 60) };

    /* By the mean year: it may be one or two too late. */
    d.year = days * 400 / 146097 + 1970 + 1;
    while (days_of(d.year, 0, 1) > days)
        d.year--;
    days -= days_of(d.year, 0, 1);
    while (days >= days_of_month(d.year, d.month))
        days -= days_of_month(d.year, d.month++);
    d.day = (int)days + 1;
    return d;
}

/* ---- formatting ---- */

static void put_number(char *at, int digits, int64_t value)
{
    while (digits-- > 0) {
        at[digits] = (char)('0' + value % 10);
        value /= 10;
    }
}

void tr__date_format(int64_t seconds, char text[TR__DATE_BYTES + 1])
{
    static const char model[] = "Sun, 00 Jan 0000 00:00:00 GMT";
    int64_t days = whole_days(in_range(seconds));
    date d = date_of(in_range(seconds));

    memcpy(text, model, sizeof(model));
    /* The first day of year 1, a Monday, is 719162 days before 1970. */
    memcpy(text, day_names + (days + 719162 + 1) % 7 * 3, 3);
    put_number(text + 5, 2, d.day);
    memcpy(text + 8, month_names + d.month * 3, 3);
    put_number(text + 12, 4, d.year);
    put_number(text + 17, 2, d.hour);
    put_number(text + 20, 2, d.minute);
    put_number(text + 23, 2, d.second);
}

/* ---- parsing ---- */

static bool take_number(tr__slice *text, size_t digits, int64_t *out)
{
    uint64_t value;

    if (text->bytes < digits || !tr__slice_to_u64(tr__slice_head(*text, digits), 9999, &value))
        return false;
    *text = tr__slice_tail(*text, digits);
    *out = (int64_t)value;
    return true;
}

/* One of these names, each three letters long. */
static bool take_name(tr__slice *text, const char *names, int *out)
{
    if (text->bytes < 3)
        return false;
    for (int i = 0; names[i * 3] != 0; i++)
        if (memcmp(text->at, names + i * 3, 3) == 0) {
            *text = tr__slice_tail(*text, 3);
            *out = i;
            return true;
        }
    return false;
}

static bool take_long_day(tr__slice *text)
{
    static const char *const names[] = { "Sunday",   "Monday", "Tuesday", "Wednesday",
                                         "Thursday", "Friday", "Saturday" };

    for (size_t i = 0; i < sizeof(names) / sizeof(names[0]); i++)
        if (tr__slice_begins(*text, names[i])) {
            *text = tr__slice_tail(*text, strlen(names[i]));
            return true;
        }
    return false;
}

static bool take_small(tr__slice *text, int *out)
{
    int64_t value;

    if (!take_number(text, 2, &value))
        return false;
    *out = (int)value;
    return true;
}

static bool take_day_of_asctime(tr__slice *text, int *out)
{
    int64_t value;

    if (text->bytes == 0 || text->at[0] != ' ')
        return take_small(text, out);
    *text = tr__slice_tail(*text, 1);
    if (!take_number(text, 1, &value))
        return false;
    *out = (int)value;
    return true;
}

/* Of the years that end so, the one in [now - 49, now + 50]. */
static bool take_short_year(tr__slice *text, int64_t now, int64_t *out)
{
    int64_t latest = now + CENTURY / 2;
    int64_t value;

    if (!take_number(text, 2, &value))
        return false;
    *out = latest - (latest - value) % CENTURY;
    return true;
}

/* Take what a letter of a pattern stands for off: 'D' a day's name, 'L' a long one, 'O' a month's,
 * 'd' a day of two digits, 'e' the same with a blank for its first, 'y' a year of two digits, 'Y'
 * of four, 'h' 'm' 's' the time; all else stands for itself. */
static bool take_field(tr__slice *text, char field, int64_t now, date *d)
{
    int ignored;

    switch (field) {
    case 'D':
        return take_name(text, day_names, &ignored);
    case 'L':
        return take_long_day(text);
    case 'O':
        return take_name(text, month_names, &d->month);
    case 'd':
        return take_small(text, &d->day);
    case 'e':
        return take_day_of_asctime(text, &d->day);
    case 'y':
        return take_short_year(text, now, &d->year);
    case 'Y':
        return take_number(text, 4, &d->year);
    case 'h':
        return take_small(text, &d->hour);
    case 'm':
        return take_small(text, &d->minute);
    case 's':
        return take_small(text, &d->second);
    default:
        if (text->bytes == 0 || text->at[0] != field)
            return false;
        *text = tr__slice_tail(*text, 1);
        return true;
    }
}

static bool matches(tr__slice text, const char *pattern, int64_t now, date *d)
{
    for (; *pattern != 0; pattern++)
        if (!take_field(&text, *pattern, now, d))
            return false;
    return text.bytes == 0;
}

/* A leap second is taken for the one behind it. */
static bool is_date(const date *d)
{
    return d->year > 0 && d->day > 0 && d->day <= days_of_month(d->year, d->month) &&
           d->hour < 24 && d->minute < 60 && d->second <= 60;
}

static int64_t seconds_of(const date *d)
{
    return days_of(d->year, d->month, d->day) * DAY_S + d->hour * 3600 + d->minute * 60 + d->second;
}

bool tr__date_of_fields(const int fields[6], int64_t *out)
{
    date d = { .year = fields[0],
               .month = fields[1],
               .day = fields[2],
               .hour = fields[3],
               .minute = fields[4],
               .second = fields[5] };

    if (d.month < 0 || d.month > 11 || d.hour < 0 || d.minute < 0 || d.second < 0 || !is_date(&d))
        return false;
    *out = seconds_of(&d);
    return true;
}

bool tr__date_parse(tr__slice text, int64_t now, int64_t *out)
{
    /* IMF-fixdate, RFC 850's, and asctime's. */
    static const char *const patterns[] = { "D, d O Y h:m:s GMT", "L, d-O-y h:m:s GMT",
                                            "D O e h:m:s Y" };
    date d = { 0 };

    for (size_t i = 0; i < sizeof(patterns) / sizeof(patterns[0]); i++)
        if (matches(text, patterns[i], date_of(in_range(now)).year, &d) && is_date(&d)) {
            *out = seconds_of(&d);
            return true;
        }
    return false;
}
