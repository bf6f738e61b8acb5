/* The current row: its cells, and what they are as values of C. A conversion does what SQLite does
 * with a column of another type. */
#include <inttypes.h>
#include <locale.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "db/rows.h"

enum { CONVERTED_BYTES = 32, LONGEST_NUMBER = 400 };

static const tr__cell *cell_of(const tr_db_rows *rows, int column)
{
    static const tr__cell none = { .kind = TR_DB_NULL };

    if (rows == NULL || rows->cells == NULL || column < 0 || column >= rows->columns)
        return &none;
    return &rows->cells[column];
}

const char *tr__rows_data(const tr_db_rows *rows, const tr__cell *cell)
{
    if (cell->kind != TR_DB_TEXT && cell->kind != TR_DB_BLOB)
        return NULL;
    return (const char *)rows->cells - sizeof(uint64_t) + cell->as.at; /* where the row begins */
}

int tr_db_columns(const tr_db_rows *rows)
{
    return rows != NULL ? rows->columns : 0;
}

const char *tr_db_column_name(const tr_db_rows *rows, int column)
{
    return rows != NULL && column >= 0 && column < rows->columns ? rows->names[column] : NULL;
}

tr_db_kind tr_db_kind_of(const tr_db_rows *rows, int column)
{
    return (tr_db_kind)cell_of(rows, column)->kind;
}

bool tr_db_is_null(const tr_db_rows *rows, int column)
{
    return cell_of(rows, column)->kind == TR_DB_NULL;
}

/* ---- numbers ---- */

/* What is no number of that range is the nearest one. */
static int64_t integer_of_real(double real)
{
    if (real <= (double)INT64_MIN)
        return INT64_MIN;
    if (real >= (double)INT64_MAX)
        return INT64_MAX;
    return (int64_t)real;
}

int64_t tr_db_int(const tr_db_rows *rows, int column)
{
    const tr__cell *cell = cell_of(rows, column);

    switch (cell->kind) {
    case TR_DB_INTEGER:
        return cell->as.integer;
    case TR_DB_REAL:
        return integer_of_real(cell->as.real);
    case TR_DB_TEXT:
    case TR_DB_BLOB:
        /* As SQLite: what it begins with, cut to the range. */
        return strtoll(tr__rows_data(rows, cell), NULL, 10);
    default:
        return 0;
    }
}

static size_t digits(const char *text)
{
    size_t count = 0;

    while (text[count] >= '0' && text[count] <= '9')
        count++;
    return count;
}

/* How much of a text is a number: strtod knows hexadecimal ones, and "inf"; SQLite does not. */
static size_t number_bytes(const char *text)
{
    size_t at = strspn(text, " \t\n\v\f\r");
    size_t exponent;

    at += text[at] == '-' || text[at] == '+';
    at += digits(text + at);
    if (text[at] == '.')
        at += 1 + digits(text + at + 1);
    if (text[at] != 'e' && text[at] != 'E')
        return at;
    exponent = at + 1;
    exponent += text[exponent] == '-' || text[exponent] == '+';
    return digits(text + exponent) > 0 ? exponent + digits(text + exponent) : at;
}

/* In C's own locale, which exists without being made: others write decimal points as commas. */
static double real_of_text(const char *text)
{
    char copy[LONGEST_NUMBER];
    size_t bytes = number_bytes(text);

    if (bytes >= sizeof(copy)) /* its end tells nothing about so small a number */
        bytes = sizeof(copy) - 1;
    memcpy(copy, text, bytes);
    copy[bytes] = '\0';
    return strtod_l(copy, NULL, newlocale(LC_ALL_MASK, "C", (locale_t)0)); /* static storage */
}

double tr_db_real(const tr_db_rows *rows, int column)
{
    const tr__cell *cell = cell_of(rows, column);

    switch (cell->kind) {
    case TR_DB_INTEGER:
        return (double)cell->as.integer;
    case TR_DB_REAL:
        return cell->as.real;
    case TR_DB_TEXT:
    case TR_DB_BLOB:
        return real_of_text(tr__rows_data(rows, cell));
    default:
        return 0;
    }
}

/* ---- texts ---- */

/* A number, in the column's own room. */
static const char *text_of_number(const tr_db_rows *rows, int column, const tr__cell *cell)
{
    char *room = rows->converted + (size_t)column * CONVERTED_BYTES;

    if (cell->kind == TR_DB_INTEGER)
        (void)snprintf(room, CONVERTED_BYTES, "%" PRId64, cell->as.integer); /* it fits */
    else
        (void)sqlite3_snprintf(CONVERTED_BYTES, room, "%!.15g", cell->as.real); /* SQLite's own */
    return room;
}

const void *tr_db_blob(const tr_db_rows *rows, int column, size_t *bytes)
{
    const tr__cell *cell = cell_of(rows, column);
    const char *data = NULL;
    size_t length = 0;

    if (cell->kind == TR_DB_TEXT || cell->kind == TR_DB_BLOB) {
        data = tr__rows_data(rows, cell);
        length = cell->bytes;
    } else if (cell->kind != TR_DB_NULL) {
        data = text_of_number(rows, column, cell);
        length = strlen(data);
    }
    if (bytes != NULL)
        *bytes = length;
    return data;
}

const char *tr_db_text(const tr_db_rows *rows, int column)
{
    return tr_db_blob(rows, column, NULL);
}
