/* Cookies. */
#include "http/cookie.h"

#include <math.h>
#include <stdarg.h>
#include <stdio.h>
#include <troupe/core.h>

#include "http/date.h"
#include "http/header_name.h"

/* ---- what comes ---- */

static tr__slice without_quotes(tr__slice value)
{
    if (value.bytes >= 2 && value.at[0] == '"' && value.at[value.bytes - 1] == '"')
        return (tr__slice){ value.at + 1, value.bytes - 2 };
    return value;
}

bool tr__cookie_next(tr__slice *rest, tr__slice *name, tr__slice *value)
{
    tr__slice pair;

    while (tr__slice_split(rest, ';', &pair)) {
        size_t at = tr__slice_index(pair, '=');

        *name = tr__slice_trim(tr__slice_head(pair, at));
        if (at == pair.bytes || name->bytes == 0)
            continue;
        *value = without_quotes(tr__slice_trim(tr__slice_tail(pair, at + 1)));
        return true;
    }
    return false;
}

bool tr__cookie_find(tr__slice header, tr__slice name, tr__slice *value)
{
    tr__slice it;
    tr__slice its_value;

    while (tr__cookie_next(&header, &it, &its_value))
        if (tr__slice_equals(it, name)) {
            *value = its_value;
            return true;
        }
    return false;
}

/* ---- what goes out ---- */

/* cookie-octet: no blank, '"', ',', ';', '\\', nor anything that is not ASCII. */
static bool is_value(const char *text)
{
    for (; *text != 0; text++)
        if (*text <= ' ' || *text >= 0x7f || strchr("\",;\\", *text) != NULL)
            return false;
    return true;
}

static bool is_path(const char *text)
{
    if (*text != '/')
        return false;
    for (; *text != 0; text++)
        if (*text < ' ' || *text >= 0x7f || *text == ';')
            return false;
    return true;
}

static bool is_domain(const char *text)
{
    const char *first = text;

    for (; *text != 0; text++)
        if (!tr__is_alpha(*text) && !tr__is_digit(*text) && *text != '-' && *text != '.')
            return false;
    return text > first;
}

/* One of the three, as it is written; NULL: it is none. */
static const char *same_site_of(const char *text)
{
    static const char *const all[] = { "Strict", "Lax", "None" };

    if (text == NULL)
        return "Lax";
    for (size_t i = 0; i < sizeof(all) / sizeof(all[0]); i++)
        if (tr__slice_is_ignoring_case(tr__slice_of(text), all[i]))
            return all[i];
    return NULL;
}

static bool has_prefix(const char *name, const char *prefix)
{
    tr__slice slice = tr__slice_of(name);
    size_t bytes = strlen(prefix);

    return slice.bytes >= bytes && tr__slice_is_ignoring_case(tr__slice_head(slice, bytes), prefix);
}

/* Whether browsers would take it. */
static bool is_consistent(const char *name, const tr__cookie_options *options, bool is_secure)
{
    bool is_host = has_prefix(name, "__Host-");
    bool wants_secure = is_host || has_prefix(name, "__Secure-") || options->is_partitioned ||
                        strcmp(same_site_of(options->same_site), "None") == 0;

    if (wants_secure && !is_secure)
        return false;
    return !is_host ||
           (options->domain == NULL && (options->path == NULL || strcmp(options->path, "/") == 0));
}

static bool is_valid(const char *name, const char *value, const tr__cookie_options *options)
{
    return tr__is_token(tr__slice_of(name)) && is_value(value) &&
           (options->path == NULL || is_path(options->path)) &&
           (options->domain == NULL || is_domain(options->domain)) && !isnan(options->max_age) &&
           same_site_of(options->same_site) != NULL;
}

typedef struct line {
    char *text;
    size_t bytes;
    size_t capacity; /* beyond which bytes may count */
} line;

static __attribute__((format(printf, 2, 3))) void append(line *l, const char *format, ...)
{
    size_t at = l->bytes < l->capacity ? l->bytes : l->capacity;
    va_list args;
    int count;

    va_start(args, format);
    count = vsnprintf(l->text + at, l->capacity - at, format, args);
    va_end(args);
    l->bytes += (size_t)count;
}

/* Browsers keep none longer than 400 days. */
static void append_age(line *l, const tr__cookie_options *options)
{
    const double longest = 400.0 * 86400;
    double age = options->max_age;
    char date[TR__DATE_BYTES + 1];

    if (age < 0)
        append(l, "; Max-Age=0");
    else if (age > 0)
        append(l, "; Max-Age=%d", (int)ceil(age < longest ? age : longest));
    if (options->expires == 0)
        return;
    tr__date_format(options->expires, date);
    append(l, "; Expires=%s", date);
}

int tr__cookie_format(const char *name, const char *value, const tr__cookie_options *options,
                      bool is_secure, char *text, size_t capacity)
{
    line l = { .capacity = capacity };

    l.text = text;
    is_secure = is_secure && !options->is_insecure;
    if (!is_valid(name, value, options) || !is_consistent(name, options, is_secure))
        return TR_EINVAL;
    append(&l, "%s=%s; Path=%s", name, value, options->path != NULL ? options->path : "/");
    if (options->domain != NULL)
        append(&l, "; Domain=%s", options->domain);
    append_age(&l, options);
    append(&l, "; SameSite=%s", same_site_of(options->same_site));
    if (!options->is_script_seen)
        append(&l, "; HttpOnly");
    if (is_secure)
        append(&l, "; Secure");
    if (options->is_partitioned)
        append(&l, "; Partitioned");
    return l.bytes < capacity ? (int)l.bytes : TR_ETOOLARGE;
}
