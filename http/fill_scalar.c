/* JSON into declared structs: strings, numbers and booleans, and where something is wrong. */
#include "http/fill.h"

#include <math.h>

#include "http/number.h"

/* ---- problems ---- */

/* The length of one part of a pointer, written to `to` unless that is NULL. */
static size_t put_part(const tr__fill_frame *at, char *to)
{
    const char *name;
    char digits[24];
    size_t bytes = 0;

    if (at->is_list) {
        size_t length = tr__integer_write((int64_t)at->count, digits);

        if (to != NULL) {
            to[0] = '/';
            memcpy(to + 1, digits, length);
        }
        return length + 1;
    }
    if (to != NULL)
        to[0] = '/';
    for (name = tr__field_name(at->field), bytes = 1; *name != '\0'; name++, bytes++) {
        bool is_escaped = *name == '~' || *name == '/';

        if (to != NULL)
            to[bytes] = is_escaped ? '~' : *name;
        bytes += is_escaped;
        if (to != NULL && is_escaped)
            to[bytes] = *name == '~' ? '0' : '1';
    }
    return bytes;
}

/* The JSON pointer to where the innermost frame is; NULL: no memory. */
static const char *pointer_to(tr__fill *p, const tr__fill_frame *innermost)
{
    size_t bytes = 0;
    char *text;

    for (const tr__fill_frame *at = innermost; at != NULL; at = at->outer)
        bytes += put_part(at, NULL);
    text = tr__arena_take_aligned(p->arena, bytes + 1, 1);
    if (text == NULL)
        return NULL;
    text[bytes] = '\0';
    for (const tr__fill_frame *at = innermost; at != NULL; at = at->outer) {
        bytes -= put_part(at, NULL);
        (void)put_part(at, text + bytes); /* its length is known */
    }
    return text;
}

bool tr__fill_note(tr__fill *p, const tr__fill_frame *innermost, const char *at, tr__finding found)
{
    tr_problem problem = { .kind = found.kind, .what = found.what };
    int rc;

    if (p->problems->count == TR_PROBLEMS_MOST) {
        p->problems->more++;
        return true;
    }
    problem.where = pointer_to(p, innermost);
    tr__scan_place(&p->scan, at, &problem.line, &problem.column);
    rc = tr__problems_add(p->problems, problem);
    return rc == 0 ? true : tr__fill_end_with(p, rc);
}

/* ---- scalars ---- */

bool tr__fill_text(tr__fill *p, const tr_field *field, char *at)
{
    const char *began = p->scan.at;
    tr__finding found = { NULL, NULL };
    tr__json_string string;
    size_t bytes;
    char *text;
    int rc;

    if (!tr__scan_string(&p->scan, &string))
        return false;
    if (string.has_zero)
        return tr__fill_note(p, p->top, began,
                             (tr__finding){ "zero", "must not contain the character U+0000" });
    text = tr__arena_take_aligned(p->arena, string.bytes + 1, 1);
    if (text == NULL)
        return tr__fill_end_with(p, TR_ENOMEM);
    bytes = tr__json_unescape(&string, text);
    text[bytes] = '\0';
    tr__arena_trim(p->arena, text, string.bytes + 1, bytes + 1);
    rc = tr__check_text(field, &p->top->of->tr__patterns[field - p->top->of->tr__fields], text,
                        bytes, p->arena, &found);
    if (rc < 0)
        return tr__fill_end_with(p, rc);
    memcpy(at, &text, sizeof(text));
    return found.what == NULL || tr__fill_note(p, p->top, began, found);
}

static bool check_bounds(tr__fill *p, const tr_field *field, long double value, const char *began)
{
    tr__finding found = { NULL, NULL };
    int rc;

    if ((field->minimum.tr__kind | field->maximum.tr__kind) == 0)
        return true;
    rc = tr__check_number(field, value, p->arena, &found);
    if (rc < 0)
        return tr__fill_end_with(p, rc);
    return found.what == NULL || tr__fill_note(p, p->top, began, found);
}

static bool fill_double(tr__fill *p, const tr_field *field, char *at, const tr__json_number *number)
{
    double value = tr__number_parse(number->at, number->bytes);

    if (isinf(value))
        return tr__fill_note(p, p->top, number->at,
                             (tr__finding){ "range", "is larger than a number can be" });
    memcpy(at, &value, sizeof(value));
    return check_bounds(p, field, value, number->at);
}

/* 2.0 and 1e3 are integers, too, as JSON Schema has it. */
static bool integer_of(const tr__json_number *number, int64_t *value, bool *is_integer)
{
    double inexact;

    *is_integer = true;
    if (number->is_whole)
        return tr__integer_parse(number->at, number->bytes, value);
    inexact = tr__number_parse(number->at, number->bytes);
    *is_integer = isinf(inexact) || inexact == rint(inexact);
    if (!(fabs(inexact) < 0x1p63))
        return false;
    *value = (int64_t)inexact;
    return true;
}

static bool fill_integer(tr__fill *p, const tr_field *field, char *at,
                         const tr__json_number *number)
{
    bool is_integer;
    int64_t value = 0;
    bool is_in_range = integer_of(number, &value, &is_integer);

    if (!is_integer)
        return tr__fill_note(p, p->top, number->at,
                             (tr__finding){ "integer", "must be an integer" });
    if (!is_in_range || !tr__integer_fits(field, value))
        return tr__fill_note(p, p->top, number->at,
                             (tr__finding){ "range", "is beyond the integers that fit here" });
    tr__fill_set_integer(at, field->tr__bytes, value);
    return check_bounds(p, field, value, number->at);
}

bool tr__fill_number(tr__fill *p, const tr_field *field, char *at)
{
    tr__json_number number;

    if (!tr__scan_number(&p->scan, &number))
        return false;
    if (number.bytes > TR__NUMBER_LONGEST)
        return tr__fill_note(p, p->top, number.at, (tr__finding){ "range", "has too many digits" });
    return field->tr__kind == TR_FIELD_NUMBER ? fill_double(p, field, at, &number)
                                              : fill_integer(p, field, at, &number);
}

bool tr__fill_boolean(tr__fill *p, char *at, bool value)
{
    memcpy(at, &value, sizeof(value));
    return tr__scan_word(&p->scan, value ? "true" : "false");
}
