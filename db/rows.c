#include "db/rows.h"

#include <string.h>

#include "base/seam.h"

enum {
    FIRST_BYTES = 1024,  /* of a batch: a row or two */
    CONVERTED_BYTES = 32 /* of a number as text */
};

/* ---- room ---- */

/* Let there be so many bytes more. */
static int make_room(tr__batch *batch, size_t bytes)
{
    size_t room = batch->room != 0 ? batch->room : FIRST_BYTES;
    char *memory;

    if (bytes <= batch->room - batch->used)
        return 0;
    while (room - batch->used < bytes)
        room *= 2;
    memory = tr__alloc(room);
    if (memory == NULL)
        return TR_ENOMEM;
    if (batch->used > 0)
        memcpy(memory, batch->memory, batch->used);
    tr__free(batch->memory);
    batch->memory = memory;
    batch->room = room;
    return 0;
}

/* Rows begin where a cell may. */
static size_t padded(size_t bytes)
{
    return (bytes + sizeof(uint64_t) - 1) & ~(sizeof(uint64_t) - 1);
}

static size_t header_bytes(const tr_db_rows *rows)
{
    return sizeof(uint64_t) + (size_t)rows->columns * sizeof(tr__cell);
}

/* ---- filling, on the thread ---- */

/* The kind of a cell and what fits into it; of a text or blob, how many bytes it has. */
static size_t measure(tr__cell *cell, sqlite3_stmt *handle, int column)
{
    *cell = (tr__cell){ .kind = TR_DB_NULL };
    switch (sqlite3_column_type(handle, column)) {
    case SQLITE_INTEGER:
        cell->kind = TR_DB_INTEGER;
        cell->as.integer = sqlite3_column_int64(handle, column);
        return 0;
    case SQLITE_FLOAT:
        cell->kind = TR_DB_REAL;
        cell->as.real = sqlite3_column_double(handle, column);
        return 0;
    case SQLITE_TEXT:
        cell->kind = TR_DB_TEXT;
        break;
    case SQLITE_BLOB:
        cell->kind = TR_DB_BLOB;
        break;
    default:
        return 0;
    }
    cell->bytes = (uint32_t)sqlite3_column_bytes(handle, column);
    return (size_t)cell->bytes + 1;
}

/* NULL where SQLite had no memory to make it UTF-8. */
static const void *data_of(sqlite3_stmt *handle, int column, tr_db_kind kind)
{
    return kind == TR_DB_TEXT ? (const void *)sqlite3_column_text(handle, column)
                              : sqlite3_column_blob(handle, column);
}

/* With room for it. */
static int put_text(tr__batch *batch, size_t row_at, tr__cell *cell, const void *data)
{
    if (data == NULL && cell->bytes > 0)
        return TR_ENOMEM;
    cell->as.at = batch->used - row_at;
    if (cell->bytes > 0)
        memcpy(batch->memory + batch->used, data, cell->bytes);
    batch->memory[batch->used + cell->bytes] = '\0';
    batch->used += (size_t)cell->bytes + 1;
    return 0;
}

static int put_cell(tr_db_rows *rows, size_t row_at, int column)
{
    sqlite3_stmt *handle = rows->statement->handle;
    tr__batch *batch = &rows->batch;
    tr__cell cell;
    size_t bytes = measure(&cell, handle, column);
    int rc = make_room(batch, bytes);

    if (rc == 0 && bytes > 0)
        rc = put_text(batch, row_at, &cell, data_of(handle, column, (tr_db_kind)cell.kind));
    if (rc == 0)
        memcpy(batch->memory + row_at + sizeof(uint64_t) + (size_t)column * sizeof(cell), &cell,
               sizeof(cell));
    return rc;
}

/* The row that the statement is at, behind the others. It begins with its length. */
static int put_row(tr_db_rows *rows)
{
    tr__batch *batch = &rows->batch;
    size_t row_at = batch->used;
    uint64_t bytes;
    int rc = make_room(batch, header_bytes(rows));

    if (rc < 0)
        return rc;
    batch->used += header_bytes(rows);
    for (int i = 0; rc == 0 && i < rows->columns; i++)
        rc = put_cell(rows, row_at, i);
    if (rc == 0)
        rc = make_room(batch, sizeof(uint64_t)); /* for the padding */
    if (rc < 0) {
        batch->used = row_at;
        return rc;
    }
    batch->used = padded(batch->used);
    bytes = batch->used - row_at;
    memcpy(batch->memory + row_at, &bytes, sizeof(bytes));
    return 0;
}

/* ---- a statement's life ---- */

/* One piece of memory for all that columns need; the names stand at its end. */
static int describe(tr_db_rows *rows, sqlite3_stmt *handle)
{
    size_t columns = (size_t)rows->columns;
    size_t bytes = columns * (sizeof(char *) + CONVERTED_BYTES + 1);
    char *at;

    for (int i = 0; i < rows->columns; i++) {
        const char *name = sqlite3_column_name(handle, i);

        if (name == NULL)
            return TR_ENOMEM;
        bytes += strlen(name) + 1;
    }
    tr__free(rows->names);
    rows->names = tr__alloc(bytes > 0 ? bytes : 1);
    if (rows->names == NULL)
        return TR_ENOMEM;
    rows->converted = (char *)(rows->names + columns);
    rows->matches = (unsigned char *)rows->converted + columns * CONVERTED_BYTES;
    at = (char *)rows->matches + columns;
    for (int i = 0; i < rows->columns; i++) {
        const char *name = sqlite3_column_name(handle, i);

        rows->names[i] = at;
        at = stpcpy(at, name) + 1;
    }
    return 0;
}

static int no_memory(tr__connection *connection, int rc)
{
    return rc == TR_ENOMEM ? tr__connection_refuse(connection, rc, "out of memory") : rc;
}

int tr__rows_begin(tr_db_rows *rows, tr__connection *connection, const char *sql,
                   const tr_db_value *values, size_t count, bool must_read)
{
    tr__statement *s;
    int rc = tr__statement_take(connection, sql, false, &s);

    if (rc < 0)
        return rc;
    rows->statement = s;
    rows->columns = s->columns;
    if (must_read && !s->is_read_only)
        rc = TR_EALREADY;
    /* Copied: they are needed until the last row has been fetched. */
    if (rc == 0)
        rc = tr__statement_bind(connection, s, values, count, false);
    if (rc == 0)
        rc = no_memory(connection, describe(rows, s->handle));
    if (rc < 0)
        tr__rows_finish(rows, connection);
    return rc;
}

void tr__rows_finish(tr_db_rows *rows, tr__connection *connection)
{
    if (rows->statement != NULL)
        tr__statement_give(connection, rows->statement);
    rows->statement = NULL;
}

int tr__rows_fetch(tr_db_rows *rows, tr__connection *connection, size_t bytes, size_t most)
{
    int rc = 1;

    for (size_t count = 0; rc == 1 && count < most && rows->batch.used < bytes; count++) {
        rc = tr__statement_step(connection, rows->statement);
        if (rc == 1 && put_row(rows) < 0)
            rc = no_memory(connection, TR_ENOMEM);
    }
    if (rc <= 0)
        tr__rows_finish(rows, connection);
    return rc < 0 ? rc : 0;
}

/* ---- taking ---- */

bool tr__rows_advance(tr_db_rows *rows)
{
    char *row = rows->batch.memory + rows->next_at;
    uint64_t bytes;

    rows->cells = NULL;
    if (rows->next_at >= rows->batch.used)
        return false;
    memcpy(&bytes, row, sizeof(bytes));
    rows->cells = (tr__cell *)(void *)(row + sizeof(bytes));
    rows->next_at += bytes;
    return true;
}

void tr__rows_clear(tr_db_rows *rows)
{
    rows->batch.used = 0;
    rows->next_at = 0;
    rows->cells = NULL;
}

int tr__rows_keep(tr_db_rows *rows, char *memory, size_t bytes)
{
    tr__kept *kept = tr__alloc(sizeof(*kept));

    if (kept == NULL)
        return TR_ENOMEM;
    kept->next = rows->kept;
    kept->memory = memory;
    rows->kept = kept;
    rows->kept_bytes += bytes;
    return 0;
}

void tr__rows_free(tr_db_rows *rows)
{
    tr__kept *next;

    for (tr__kept *kept = rows->kept; kept != NULL; kept = next) {
        next = kept->next;
        tr__free(kept->memory);
        tr__free(kept);
    }
    tr__free(rows->batch.memory);
    tr__free(rows->names);
    tr__free(rows);
}
