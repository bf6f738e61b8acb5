#include "db/statement.h"

#include <math.h>
#include <string.h>

#include "base/atomic.h"
#include "base/seam.h"

/* ---- keeping ---- */

static tr__statement *of_link(tr__list *link)
{
    return TR__CONTAINER_OF(link, tr__statement, link);
}

static void finalize(tr__statement *s)
{
    (void)sqlite3_finalize(s->handle); /* tells what the last step has told */
    tr__free(s);
}

void tr__statements_forget(tr__connection *connection)
{
    tr__list *link;

    while ((link = tr__list_take_first(&connection->statements)) != NULL)
        finalize(of_link(link));
    connection->statement_count = 0;
}

/* The lengths tell most of them apart. */
static tr__statement *find(tr__connection *c, const char *sql, size_t bytes, bool is_ours)
{
    for (tr__list *link = c->statements.next; link != &c->statements; link = link->next) {
        tr__statement *s = of_link(link);

        if (s->sql_bytes == bytes && s->is_ours == is_ours && memcmp(s->sql, sql, bytes) == 0)
            return s;
    }
    return NULL;
}

/* ---- preparing ---- */

/* Whether something follows the first statement but blanks and comments. */
static bool has_more(tr__connection *c, const char *tail)
{
    sqlite3_stmt *handle = NULL;
    int code = SQLITE_OK;

    while (*tail == ' ' || *tail == '\n' || *tail == '\t' || *tail == '\r' || *tail == ';')
        tail++;
    if (*tail != '\0')
        code = sqlite3_prepare_v2(c->handle, tail, -1, &handle, NULL);
    (void)sqlite3_finalize(handle); /* it never ran */
    return handle != NULL || code != SQLITE_OK;
}

static int compile(tr__connection *c, tr__statement *s)
{
    const char *tail;
    int code = sqlite3_prepare_v3(c->handle, s->sql, (int)s->sql_bytes + 1,
                                  SQLITE_PREPARE_PERSISTENT, &s->handle, &tail);

    if (code != SQLITE_OK)
        return tr__connection_failed(c, code);
    if (s->handle == NULL)
        return tr__connection_refuse(c, TR_ESQL, "there is no statement in it");
    if (has_more(c, tail))
        return tr__connection_refuse(c, TR_ESQL, "it is more than one statement");
    s->columns = sqlite3_column_count(s->handle);
    s->values = sqlite3_bind_parameter_count(s->handle);
    s->is_read_only = sqlite3_stmt_readonly(s->handle) != 0;
    tr__bump_u64(&c->prepared, 1);
    return 0;
}

static int prepare(tr__connection *c, const char *sql, size_t bytes, bool is_ours,
                   tr__statement **out)
{
    tr__statement *s;
    int rc;

    if (bytes > (size_t)sqlite3_limit(c->handle, SQLITE_LIMIT_SQL_LENGTH, -1))
        return tr__connection_refuse(c, TR_ETOOLARGE, "the statement is too long");
    s = tr__alloc_zeroed(sizeof(*s) + bytes + 1);
    if (s == NULL)
        return tr__connection_refuse(c, TR_ENOMEM, "out of memory");
    memcpy(s->sql, sql, bytes);
    s->sql_bytes = bytes;
    s->is_ours = is_ours;
    c->is_ours = is_ours;
    rc = compile(c, s);
    c->is_ours = false;
    if (rc < 0) {
        finalize(s);
        return rc;
    }
    *out = s;
    return 0;
}

int tr__statement_take(tr__connection *connection, const char *sql, bool is_ours,
                       tr__statement **out)
{
    size_t bytes = strlen(sql);
    int rc = tr__connection_settle(connection);

    *out = NULL;
    if (rc == 0 && !is_ours)
        rc = tr__connection_check(connection);
    if (rc < 0)
        return rc;
    *out = find(connection, sql, bytes, is_ours);
    if (*out == NULL)
        return prepare(connection, sql, bytes, is_ours, out);
    tr__list_remove(&(*out)->link);
    connection->statement_count--;
    return 0;
}

/* ---- giving back ---- */

static void put_first(tr__connection *c, tr__statement *s)
{
    tr__list_append(c->statements.next, &s->link);
    c->statement_count++;
}

void tr__statement_give(tr__connection *connection, tr__statement *statement)
{
    (void)sqlite3_reset(statement->handle);          /* tells what the last step has told */
    (void)sqlite3_clear_bindings(statement->handle); /* always SQLITE_OK */
    put_first(connection, statement);
    if (connection->statement_count <= connection->options->statements)
        return;
    statement = of_link(connection->statements.prev);
    tr__list_remove(&statement->link);
    connection->statement_count--;
    finalize(statement);
}

/* ---- values ---- */

static int bind_one(tr__connection *c, sqlite3_stmt *handle, int place, const tr_db_value *v,
                    bool is_lent)
{
    /* SQLITE_TRANSIENT is a number that SQLite makes a pointer. */
    void (*keep)(void *) =
        is_lent ? SQLITE_STATIC : SQLITE_TRANSIENT; /* NOLINT(performance-no-int-to-ptr) */
    int code = SQLITE_MISUSE;

    switch ((int)v->tr__kind) {
    case TR_DB_NULL:
        code = sqlite3_bind_null(handle, place);
        break;
    case TR_DB_INTEGER:
        code = sqlite3_bind_int64(handle, place, v->tr__as.integer);
        break;
    case TR_DB_REAL:
        if (isnan(v->tr__as.real)) /* SQLite would make it NULL */
            return tr__connection_refuse(c, TR_EVALUE, "value %d is not a number", place);
        code = sqlite3_bind_double(handle, place, v->tr__as.real);
        break;
    case TR_DB_TEXT:
        code = sqlite3_bind_text64(handle, place, v->tr__as.data, v->tr__bytes, keep, SQLITE_UTF8);
        break;
    case TR_DB_BLOB:
        code = sqlite3_bind_blob64(handle, place, v->tr__as.data, v->tr__bytes, keep);
        break;
    case TR__DB_UNFIT:
        return tr__connection_refuse(
            c, TR_EVALUE, "value %d is larger than 9223372036854775807, SQLite's largest", place);
    }
    return code == SQLITE_OK ? 0 : tr__connection_failed(c, code);
}

int tr__statement_bind(tr__connection *connection, tr__statement *statement,
                       const tr_db_value *values, size_t count, bool is_lent)
{
    int rc = 0;

    if (count != (size_t)statement->values)
        return tr__connection_refuse(
            connection, TR_ESQL, "the statement has %d question marks, but %zu values are given",
            statement->values, count);
    for (size_t i = 0; rc == 0 && i < count; i++)
        rc = bind_one(connection, statement->handle, (int)i + 1, &values[i], is_lent);
    return rc;
}

/* ---- running ---- */

int tr__statement_step(tr__connection *connection, tr__statement *statement)
{
    int code;

    connection->is_ours = statement->is_ours; /* it may be compiled again */
    code = sqlite3_step(statement->handle);
    connection->is_ours = false;
    if (code == SQLITE_ROW)
        return 1;
    return code == SQLITE_DONE ? 0 : tr__connection_failed(connection, code);
}

/* The figure of a statement that changes no rows is that of the one before. */
static int64_t changed_since(const tr__connection *c, int64_t total)
{
    return sqlite3_total_changes64(c->handle) == total ? 0 : sqlite3_changes64(c->handle);
}

int tr__statement_exec(tr__connection *connection, const char *sql, const tr_db_value *values,
                       size_t count, int64_t *changed)
{
    int64_t total = sqlite3_total_changes64(connection->handle);
    tr__statement *s;
    int rc = tr__statement_take(connection, sql, false, &s);

    if (rc < 0)
        return rc;
    rc = tr__statement_bind(connection, s, values, count, true);
    if (rc == 0)
        do
            rc = tr__statement_step(connection, s);
        while (rc == 1);
    tr__statement_give(connection, s);
    *changed = rc == 0 ? changed_since(connection, total) : 0;
    return rc;
}
