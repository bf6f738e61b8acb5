/* Values against what their fields are declared to be. */
#include "http/check.h"

#include <string.h>

#include "http/format.h"
#include "http/number.h"
#include "http/pattern.h"
#include "http/problems.h"

/* What was found; TR_ENOMEM if there was no memory to say it. */
static int find(tr__finding *found, const char *kind, const char *what)
{
    *found = (tr__finding){ kind, what };
    return what == NULL ? TR_ENOMEM : 0;
}

static size_t characters_in(const char *text, size_t bytes)
{
    size_t count = 0;

    for (size_t i = 0; i < bytes; i++)
        count += ((unsigned char)text[i] & 0xc0) != 0x80;
    return count;
}

static const char *plural_of(size_t count)
{
    return count == 1 ? "" : "s";
}

/* Whether text is one of "red|green|blue". */
static bool is_one_of(const char *choices, const char *text, size_t bytes)
{
    for (;;) {
        size_t length = strcspn(choices, "|");

        if (length == bytes && memcmp(choices, text, bytes) == 0)
            return true;
        if (choices[length] == '\0')
            return false;
        choices += length + 1;
    }
}

/* Characters are at most as many as bytes, and at least a quarter: mostly nobody has to count. */
static int check_length(const tr_field *field, const char *text, size_t bytes, tr__arena *arena,
                        tr__finding *found)
{
    if (bytes < field->min_length ||
        (bytes / 4 < field->min_length && characters_in(text, bytes) < field->min_length))
        return find(found, "too_short",
                    tr__arena_print(arena, "must have at least %zu character%s", field->min_length,
                                    plural_of(field->min_length)));
    if (field->max_length > 0 && bytes > field->max_length &&
        characters_in(text, bytes) > field->max_length)
        return find(found, "too_long",
                    tr__arena_print(arena, "must have at most %zu character%s", field->max_length,
                                    plural_of(field->max_length)));
    return 0;
}

static int check_pattern(const tr_field *field, struct tr__pattern_cache *cache, const char *text,
                         size_t bytes, tr__arena *arena, tr__finding *found)
{
    int rc = tr__pattern_matches(cache, field->pattern, text, bytes);

    if (rc == 0)
        return find(found, "pattern",
                    tr__arena_print(arena, "must match the pattern %s", field->pattern));
    return rc < 0 ? rc : 0;
}

int tr__check_text(const tr_field *field, struct tr__pattern_cache *cache, const char *text,
                   size_t bytes, tr__arena *arena, tr__finding *found)
{
    int rc = check_length(field, text, bytes, arena, found);

    if (rc < 0 || found->what != NULL)
        return rc;
    if (field->one_of != NULL && !is_one_of(field->one_of, text, bytes))
        return find(found, "one_of", tr__arena_print(arena, "must be one of: %s", field->one_of));
    if (field->format != TR_FORMAT_ANY && !tr__format_is(field->format, text, bytes))
        return find(
            found, "format",
            tr__arena_print(arena, "must have the format %s", tr__format_name(field->format)));
    if (field->pattern != NULL)
        return check_pattern(field, cache, text, bytes, arena, found);
    return 0;
}

/* A bound as JSON would have it. */
static const char *print_bound(tr__arena *arena, const char *before, long double bound)
{
    char text[TR__NUMBER_ROOM];
    bool is_whole = bound >= -0x1p63L && bound < 0x1p63L && (long double)(int64_t)bound == bound;
    size_t bytes =
        is_whole ? tr__integer_write((int64_t)bound, text) : tr__number_write((double)bound, text);

    return tr__arena_print(arena, "must be %s %.*s", before, (int)bytes, text);
}

int tr__check_number(const tr_field *field, long double value, tr__arena *arena, tr__finding *found)
{
    const tr_bound *least = &field->minimum;
    const tr_bound *most = &field->maximum;

    if (least->tr__kind == TR__BOUND_INCLUSIVE && value < least->tr__value)
        return find(found, "too_small", print_bound(arena, "at least", least->tr__value));
    if (least->tr__kind == TR__BOUND_EXCLUSIVE && value <= least->tr__value)
        return find(found, "too_small", print_bound(arena, "more than", least->tr__value));
    if (most->tr__kind == TR__BOUND_INCLUSIVE && value > most->tr__value)
        return find(found, "too_large", print_bound(arena, "at most", most->tr__value));
    if (most->tr__kind == TR__BOUND_EXCLUSIVE && value >= most->tr__value)
        return find(found, "too_large", print_bound(arena, "less than", most->tr__value));
    return 0;
}

bool tr__integer_fits(const tr_field *field, int64_t value)
{
    unsigned bits = 8U * field->tr__bytes;

    if (bits >= 64)
        return true;
    if (field->tr__is_signed)
        return value >= -(INT64_C(1) << (bits - 1)) && value < INT64_C(1) << (bits - 1);
    return value >= 0 && value < INT64_C(1) << bits;
}

int tr__check_count(const tr_field *field, size_t count, tr__arena *arena, tr__finding *found)
{
    if (count < field->min_items)
        return find(found, "too_few",
                    tr__arena_print(arena, "must have at least %zu item%s", field->min_items,
                                    plural_of(field->min_items)));
    if (field->max_items > 0 && count > field->max_items)
        return find(found, "too_many",
                    tr__arena_print(arena, "must have at most %zu item%s", field->max_items,
                                    plural_of(field->max_items)));
    return 0;
}
