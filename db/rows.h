/* Rows, as they are handed from a connection's thread to who takes them.
 *
 * A batch is a piece of memory with rows in it, one behind the other:
 *
 *     +--------+--------+-----+--------+-------------------------+--------+--------
 *     | cell 0 | cell 1 | ... | cell n | texts and blobs, each   | cell 0 | ...
 *     |        |        |     |        | with a 0 behind it, pad |        |
 *     +--------+--------+-----+--------+-------------------------+--------+--------
 *     ^ row                                                      ^ the next row
 *
 * A text's cell says where it begins, counted from the row's own begin; so a batch may move while
 * it grows. The thread fills it up to some 64 KiB and ends; the taker uses it up, and lets the
 * thread fill it again.
 *
 * Who touches what: while a job fills a batch, its task waits for it. So there is no lock. */
#ifndef TROUPE_DB_ROWS_H
#define TROUPE_DB_ROWS_H

#include "db/database.h"
#include "db/statement.h"

enum {
    TR__BATCH_BYTES = 64 * 1024,     /* that are fetched at a time, or a little more */
    TR__ROWS_MOST = 64 * 1024 * 1024 /* bytes of rows that have to be in memory all at once */
};

typedef struct tr__cell {
    union {
        int64_t integer;
        double real;
        size_t at; /* of a text or blob, from the row's begin */
    } as;
    uint32_t bytes; /* of a text or blob, without the 0 */
    uint8_t kind;   /* tr_db_kind */
} tr__cell;

typedef struct tr__batch {
    char *memory;
    size_t room;
    size_t used;
} tr__batch;

/* Memory that lasts as long as the rows: batches that are pointed into, and arrays. */
typedef struct tr__kept {
    struct tr__kept *next;
    char *memory;
} tr__kept;

struct tr_db_rows {
    tr_db *db;
    tr__list link;              /* among those of a transaction or job; zero: of none */
    tr__connection *connection; /* that it holds; NULL: none */
    tr__statement *statement;   /* that has rows left; NULL: none */
    int status;                 /* why it has ended, below 0 */
    char why[TR__WHY_BYTES];    /* of that */

    int columns;
    const char **names;
    char *converted;        /* room for a number as text, for each column */
    unsigned char *matches; /* for each column, the field of `matched` that it fills */
    const tr_declaration *matched;

    tr__batch batch;
    size_t next_at;  /* where the row after the current one begins */
    tr__cell *cells; /* of the current row; NULL: there is none */
    tr__kept *kept;
    size_t kept_bytes;
};

/* ---- on the connection's thread ---- */

/* Prepare the statement of these rows, give it values, and learn the names of its columns.
 * must_read: TR_EALREADY, and nothing is held, if it may write. */
int tr__rows_begin(tr_db_rows *rows, tr__connection *connection, const char *sql,
                   const tr_db_value *values, size_t count, bool must_read);
/* Fetch rows until there are so many bytes of them, or so many rows, or no more: then the statement
 * has been given back. */
int tr__rows_fetch(tr_db_rows *rows, tr__connection *connection, size_t bytes, size_t most);
/* Give the statement back, if there is one. */
void tr__rows_finish(tr_db_rows *rows, tr__connection *connection);

/* ---- where they are taken ---- */

/* Make the next row of the batch the current one; false: it is used up. */
bool tr__rows_advance(tr_db_rows *rows);
/* The next row: 1; 0 at the end. keep: what was fetched before lasts as long as the rows; else it
 * is overwritten.
 * Errors: those of the database; TR_ENOMEM. */
int tr__rows_next(tr_db_rows *rows, bool keep);
/* Let memory last as long as the rows.
 * Ownership: takes it, but not on error.
 * Errors:    TR_ENOMEM. */
int tr__rows_keep(tr_db_rows *rows, char *memory, size_t bytes);
/* A failure of ours: returns rc, and tr_db_why says the sentence. */
__attribute__((format(printf, 2, 3))) int tr__rows_refuse(int rc, const char *format, ...);
/* What a text or blob of the current row is; NULL: it is neither. */
const char *tr__rows_data(const tr_db_rows *rows, const tr__cell *cell);
/* Forget all that was fetched. */
void tr__rows_clear(tr_db_rows *rows);
/* Free it; it holds nothing. */
void tr__rows_free(tr_db_rows *rows);

#endif
