/* Prepared statements of a connection, which are kept by their SQL, the most recently used of them.
 *
 * A statement is taken, used by one, and given back: two who run the same SQL at a time have one
 * each. */
#ifndef TROUPE_DB_STATEMENT_H
#define TROUPE_DB_STATEMENT_H

#include "db/connection.h"

struct tr__statement {
    tr__list link; /* among those that are not in use */
    sqlite3_stmt *handle;
    int columns;
    int values; /* question marks */
    bool is_read_only;
    bool is_ours; /* the library's own: programs don't get it */
    size_t sql_bytes;
    char sql[]; /* as it was asked for, with a 0 behind it */
};

/* Take the statement of this SQL; prepare it if it is not at hand. *out is NULL on error.
 * Errors: those of the database; TR_ESQL also: it is none, or several. */
int tr__statement_take(tr__connection *connection, const char *sql, bool is_ours,
                       tr__statement **out);
/* Give it back: it holds no lock any more, and no values. */
void tr__statement_give(tr__connection *connection, tr__statement *statement);
/* Finalize all that are not in use. */
void tr__statements_forget(tr__connection *connection);

/* Let the values stand for its question marks. is_lent: texts and blobs last until it is given
 * back; else they are copied.
 * Errors: TR_ESQL there are too few, or too many; TR_EVALUE an integer is too large, or a number is
 *         none; TR_ETOOLARGE; TR_ENOMEM. */
int tr__statement_bind(tr__connection *connection, tr__statement *statement,
                       const tr_db_value *values, size_t count, bool is_lent);

/* Go on: 1 there is a row; 0 it is done; below 0 an error. */
int tr__statement_step(tr__connection *connection, tr__statement *statement);

/* Take it, run it to its end, and give it back. *changed: rows that it has changed. */
int tr__statement_exec(tr__connection *connection, const char *sql, const tr_db_value *values,
                       size_t count, int64_t *changed);

#endif
