/* Rows as declared structs. A declaration is plain data: nothing of troupe-net is needed to fill
 * one. What is checked is what keeps the struct true: kinds, ranges, and what is required; what a
 * declaration says about texts and bounds is for what comes from outside. */
#include <inttypes.h>
#include <math.h>
#include <string.h>

#include "base/seam.h"
#include "db/rows.h"

enum { UNKNOWN = 255 /* column: no field has its name */ };

_Static_assert(TR__FIELDS_MOST < UNKNOWN, "a field's number is no other");

/* ---- which column is which field ---- */

static bool is_named(const tr_field *field, const char *column)
{
    return sqlite3_stricmp(field->tr__name, column) == 0 ||
           (field->name != NULL && sqlite3_stricmp(field->name, column) == 0);
}

static unsigned char find_field(const tr_declaration *declaration, const char *column)
{
    for (size_t i = 0; i < declaration->tr__count; i++)
        if (is_named(&declaration->tr__fields[i], column))
            return (unsigned char)i;
    return UNKNOWN;
}

/* It is the same for all rows. */
static void match(tr_db_rows *rows, const tr_declaration *declaration)
{
    if (rows->matched == declaration)
        return;
    for (int i = 0; i < rows->columns; i++)
        rows->matches[i] = find_field(declaration, rows->names[i]);
    rows->matched = declaration;
}

/* ---- one field ---- */

static int refuse(const tr_field *field, const char *what)
{
    return tr__rows_refuse(TR_EVALUE, "%s: %s", field->tr__name, what);
}

/* An integer as wide as the field. */
static int put_integer(const tr_field *field, char *at, int64_t value)
{
    unsigned bits = field->tr__bytes * 8U;
    int64_t most =
        bits == 64 ? INT64_MAX : (INT64_C(1) << (field->tr__is_signed ? bits - 1 : bits)) - 1;
    int64_t least = !field->tr__is_signed ? 0 : bits == 64 ? INT64_MIN : -most - 1;

    if (value < least || value > most)
        return tr__rows_refuse(TR_EVALUE, "%s: %" PRId64 " does not fit", field->tr__name, value);
    switch (field->tr__bytes) {
    case 1:
        *(int8_t *)at = (int8_t)value;
        break;
    case 2:
        memcpy(at, &(int16_t){ (int16_t)value }, 2);
        break;
    case 4:
        memcpy(at, &(int32_t){ (int32_t)value }, 4);
        break;
    default:
        memcpy(at, &value, 8);
    }
    return 0;
}

/* A number of SQLite's that is whole may be stored as either kind. */
static int fill_integer(const tr_field *field, char *at, const tr__cell *cell)
{
    double real = cell->as.real;

    if (cell->kind == TR_DB_INTEGER)
        return put_integer(field, at, cell->as.integer);
    if (cell->kind != TR_DB_REAL || real != trunc(real) || fabs(real) >= 0x1p63)
        return refuse(field, "it is no integer");
    return put_integer(field, at, (int64_t)real);
}

static int fill_number(const tr_field *field, char *at, const tr__cell *cell)
{
    double value = cell->kind == TR_DB_INTEGER ? (double)cell->as.integer : cell->as.real;

    if (cell->kind != TR_DB_INTEGER && cell->kind != TR_DB_REAL)
        return refuse(field, "it is no number");
    memcpy(at, &value, sizeof(value));
    return 0;
}

static int fill_boolean(const tr_field *field, char *at, const tr__cell *cell)
{
    if (cell->kind != TR_DB_INTEGER || (cell->as.integer != 0 && cell->as.integer != 1))
        return refuse(field, "it is neither 0 nor 1");
    *(bool *)at = cell->as.integer != 0;
    return 0;
}

/* The row's own text. */
static int fill_text(const tr_field *field, char *at, const tr__cell *cell, const char *text)
{
    if (cell->kind != TR_DB_TEXT)
        return refuse(field, "it is no text");
    if (strlen(text) != cell->bytes)
        return refuse(field, "there is a 0 byte in its text");
    memcpy(at, (const void *)&text, sizeof(text));
    return 0;
}

static int fill_value(const tr_field *field, char *at, const tr__cell *cell, const char *text)
{
    if (field->tr__is_list)
        return refuse(field, "a column is no list");
    switch ((tr_field_kind)field->tr__kind) {
    case TR_FIELD_TEXT:
        return fill_text(field, at, cell, text);
    case TR_FIELD_NUMBER:
        return fill_number(field, at, cell);
    case TR_FIELD_INTEGER:
        return fill_integer(field, at, cell);
    case TR_FIELD_BOOLEAN:
        return fill_boolean(field, at, cell);
    default:
        return refuse(field, "a column is no object");
    }
}

static void set_flag(char *out, uint32_t at, bool value)
{
    if (at > 0)
        memcpy(out + at - 1, &value, sizeof(value));
}

/* NULL is no value, where one may be absent. */
static int fill_field(const tr_field *field, char *out, const tr__cell *cell, const char *text)
{
    set_flag(out, field->tr__sent_at, true);
    if (cell->kind == TR_DB_NULL)
        return field->required && !field->nullable ? refuse(field, "it is NULL, but required") : 0;
    set_flag(out, field->tr__has_at, true);
    return fill_value(field, out + field->tr__at, cell, text);
}

/* There is no such column. */
static int fill_absent(const tr_field *field, char *out)
{
    char *at = out + field->tr__at;

    if (field->required)
        return refuse(field, "there is no such column, but it is required");
    if (field->tr__is_list)
        return 0;
    switch ((tr_field_kind)field->tr__kind) {
    case TR_FIELD_TEXT:
        memcpy(at, (const void *)&field->default_text, sizeof(field->default_text));
        return 0;
    case TR_FIELD_NUMBER:
        memcpy(at, &field->default_number, sizeof(double));
        return 0;
    case TR_FIELD_INTEGER:
        return put_integer(field, at, field->default_integer);
    case TR_FIELD_BOOLEAN:
        *(bool *)at = field->default_boolean;
        return 0;
    default:
        return 0;
    }
}

/* ---- a row ---- */

/* The current one. */
static int fill_row(tr_db_rows *rows, const tr_declaration *declaration, char *out)
{
    uint64_t there = 0;
    int rc = 0;

    match(rows, declaration);
    memset(out, 0, declaration->tr__bytes);
    for (int i = 0; rc == 0 && i < rows->columns; i++) {
        unsigned char field = rows->matches[i];

        if (field == UNKNOWN)
            continue;
        there |= UINT64_C(1) << field;
        rc = fill_field(&declaration->tr__fields[field], out, &rows->cells[i],
                        tr__rows_data(rows, &rows->cells[i]));
    }
    for (size_t i = 0; rc == 0 && i < declaration->tr__count; i++)
        if ((there & UINT64_C(1) << i) == 0)
            rc = fill_absent(&declaration->tr__fields[i], out);
    return rc;
}

int tr_db_row_as(tr_db_rows *rows, const tr_declaration *declaration, void *out)
{
    if (rows == NULL || declaration == NULL || out == NULL)
        return TR_EINVAL;
    if (rows->cells == NULL)
        return tr__rows_refuse(TR_EINVAL, "there is no current row");
    return fill_row(rows, declaration, out);
}

/* ---- all rows ---- */

typedef struct array {
    char *items;
    size_t count;
    size_t room;
    size_t item_bytes;
} array;

enum { FIRST_ITEMS = 16 };

/* All that has been fetched, and the structs. */
static int check_size(const tr_db_rows *rows, const array *a)
{
    if (rows->kept_bytes + rows->batch.used + a->count * a->item_bytes <= TR__ROWS_MOST)
        return 0;
    return tr__rows_refuse(TR_ETOOLARGE, "there are more than 64 MiB of rows");
}

/* Let there be room for one more. */
static int grow(array *a)
{
    size_t room = a->room > 0 ? a->room * 2 : FIRST_ITEMS;
    char *items;

    if (a->items != NULL && a->count < a->room)
        return 0;
    items = tr__alloc(room * a->item_bytes);
    if (items == NULL) {
        (void)tr__rows_refuse(TR_ENOMEM, "out of memory"); /* what it returns */
        return TR_ENOMEM;
    }
    if (a->items != NULL)
        memcpy(items, a->items, a->count * a->item_bytes);
    tr__free(a->items);
    a->items = items;
    a->room = room;
    return 0;
}

static int fill_all(tr_db_rows *rows, const tr_declaration *declaration, array *a)
{
    int rc;

    while ((rc = tr__rows_next(rows, true)) == 1) {
        rc = check_size(rows, a);
        if (rc == 0)
            rc = grow(a);
        if (rc == 0)
            rc = fill_row(rows, declaration, a->items + a->count * a->item_bytes);
        if (rc < 0)
            return rc;
        a->count++;
    }
    if (rc == 0 && a->items != NULL)
        rc = tr__rows_keep(rows, a->items, a->room * a->item_bytes);
    return rc;
}

int tr_db_all_as(tr_db_rows *rows, const tr_declaration *declaration, void **out, size_t *count)
{
    array a = { 0 };
    int rc;

    if (out != NULL)
        *out = NULL;
    if (count != NULL)
        *count = 0;
    if (rows == NULL || declaration == NULL || out == NULL || count == NULL)
        return TR_EINVAL;
    a.item_bytes = declaration->tr__bytes;
    rc = fill_all(rows, declaration, &a);
    if (rc < 0) {
        tr__free(a.items);
        return rc;
    }
    *out = a.items;
    *count = a.count;
    return 0;
}
