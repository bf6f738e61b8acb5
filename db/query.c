/* Asking for rows, and taking them. */
#include <string.h>

#include "base/seam.h"
#include "db/rows.h"
#include "db/writer.h"

/* What is asked. */
typedef struct question {
    tr__read read; /* first: of a read it is one */
    tr_db_rows *rows;
    const char *sql;
    const tr_db_value *values;
    size_t count;
    bool is_for_one;
} question;

/* ---- on the connection's thread ---- */

/* Prepare it, and fetch what comes first. */
static int begin(const question *q, tr__connection *connection, bool must_read)
{
    int rc;

    tr__rows_clear(q->rows);
    rc = tr__rows_begin(q->rows, connection, q->sql, q->values, q->count, must_read);
    if (rc == 0)
        rc = tr__rows_fetch(q->rows, connection, TR__BATCH_BYTES, q->is_for_one ? 1 : SIZE_MAX);
    if (rc == 0 && q->is_for_one)
        tr__rows_finish(q->rows, connection);
    return rc;
}

/* A reader stays with the rows while there are more. */
static void keep_if_more(tr_db_rows *rows, tr__read *read)
{
    read->keeps = rows->statement != NULL;
    rows->connection = read->keeps ? read->connection : NULL;
}

static int begin_on_reader(tr__read *read)
{
    const question *q = (const question *)read;
    int rc = begin(q, read->connection, !read->base->options.is_read_only);

    keep_if_more(q->rows, read);
    return rc;
}

static int begin_inside(tr_db *job, void *arg)
{
    const question *q = arg;

    return begin(q, job->connection, false);
}

/* The writer is not kept from others: all rows at once. */
static int begin_on_writer(tr_db *job, void *arg)
{
    const question *q = arg;
    int rc = begin(q, job->connection, false);

    if (rc == 0 && q->rows->statement != NULL)
        rc = tr__rows_fetch(q->rows, job->connection, TR__ROWS_MOST, SIZE_MAX);
    if (rc < 0 || q->rows->statement == NULL)
        return rc;
    tr__rows_finish(q->rows, job->connection);
    return tr__connection_refuse(job->connection, TR_ETOOLARGE,
                                 "there are more than 64 MiB of rows");
}

/* ---- where to ask ---- */

/* A guess, which spares what writes a useless way: the writer can do all, and a reader says if it
 * can't. */
static bool looks_like_writing(const char *sql)
{
    static const char *const words[] = { "insert", "update", "delete", "replace" };

    while (*sql == ' ' || *sql == '\n' || *sql == '\t' || *sql == '\r')
        sql++;
    for (size_t i = 0; i < sizeof(words) / sizeof(words[0]); i++)
        if (sqlite3_strnicmp(sql, words[i], (int)strlen(words[i])) == 0)
            return true;
    return false;
}

static int ask_database(question *q, char *why)
{
    tr__database *base = q->read.base;
    int rc = TR_EALREADY; /* it can't be a reader's */

    if (base->options.is_read_only || (base->readers.count > 0 && !looks_like_writing(q->sql))) {
        rc = tr__readers_run(&q->read);
        memcpy(why, q->read.why, TR__WHY_BYTES);
        if (q->rows->connection != NULL)
            tr__database_hold(base);
    }
    return rc == TR_EALREADY ? tr__writer_run(base, begin_on_writer, q, why) : rc;
}

/* Inside of a transaction or job, whose connection it is anyway. */
static int ask_inside(question *q, char *why)
{
    tr_db *db = q->rows->db;
    int rc = tr__db_run_read(db, begin_inside, q, why);

    if (rc == 0 && q->rows->statement != NULL) {
        q->rows->connection = db->connection;
        tr__list_append(&db->rows, &q->rows->link);
    }
    return rc;
}

static int ask(tr_db_rows **out, tr_db *db, question *q)
{
    char why[TR__WHY_BYTES] = "";
    int rc;

    q->rows = tr__alloc_zeroed(sizeof(*q->rows));
    if (q->rows == NULL)
        return tr__database_leave(db, TR_ENOMEM, "out of memory");
    q->rows->db = db;
    q->read = (tr__read){ .fn = begin_on_reader, .base = db->base };
    rc = db->run != NULL ? ask_inside(q, why) : ask_database(q, why);
    if (rc < 0) {
        tr__rows_free(q->rows);
        return tr__database_leave(db, rc, why);
    }
    *out = q->rows;
    return tr__database_leave(db, 0, NULL);
}

static int check_and_ask(tr_db_rows **out, tr_db *db, question *q)
{
    int rc;

    if (out == NULL)
        return TR_EINVAL;
    *out = NULL;
    if (q->sql == NULL || (q->values == NULL && q->count > 0))
        return TR_EINVAL;
    rc = tr__database_enter(db);
    return rc < 0 ? rc : ask(out, db, q);
}

int tr__db_query(tr_db_rows **out, tr_db *db, const char *sql, const tr_db_value *values,
                 size_t count)
{
    return check_and_ask(out, db, &(question){ .sql = sql, .values = values, .count = count });
}

int tr__db_one(tr_db_rows **out, tr_db *db, const char *sql, const tr_db_value *values,
               size_t count)
{
    question q = { .sql = sql, .values = values, .count = count, .is_for_one = true };
    int rc = check_and_ask(out, db, &q);

    if (rc < 0 || tr__rows_advance(*out))
        return rc;
    tr_db_rows_close(*out);
    *out = NULL;
    tr__why_set("there is no such row");
    return TR_ENOENT;
}

/* ---- taking ---- */

static int fetch_on_reader(tr__read *read)
{
    tr_db_rows *rows = ((question *)read)->rows;
    int rc = tr__rows_fetch(rows, read->connection, TR__BATCH_BYTES, SIZE_MAX);

    keep_if_more(rows, read);
    return rc;
}

static int fetch_inside(tr_db *job, void *arg)
{
    return tr__rows_fetch(arg, job->connection, TR__BATCH_BYTES, SIZE_MAX);
}

static int finish_on_reader(tr__read *read)
{
    tr_db_rows *rows = ((question *)read)->rows;

    tr__rows_finish(rows, read->connection);
    keep_if_more(rows, read);
    return 0;
}

static int finish_inside(tr_db *job, void *arg)
{
    tr__rows_finish(arg, job->connection);
    return 0;
}

/* Do something with the connection that the rows hold. */
static int with_connection(tr_db_rows *rows, int (*on_reader)(tr__read *read), tr_db_fn inside)
{
    tr_db *db = rows->db;
    question q = {
        .read = { .fn = on_reader, .base = db->base, .connection = rows->connection },
        .rows = rows,
    };
    int rc;

    if (db->run != NULL)
        return tr__db_run_read(db, inside, rows, rows->why);
    rc = tr__readers_run(&q.read);
    memcpy(rows->why, q.read.why, sizeof(rows->why));
    return rc;
}

/* The statement is finished: they hold nothing any more. */
static void let_go(tr_db_rows *rows)
{
    tr_db *db = rows->db;

    rows->connection = NULL;
    rows->db = NULL;
    if (db->run != NULL)
        tr__list_remove(&rows->link);
    else
        tr__database_let_go(db->base);
}

static int fetch(tr_db_rows *rows)
{
    tr__rows_clear(rows);
    rows->status = with_connection(rows, fetch_on_reader, fetch_inside);
    if (rows->statement == NULL)
        let_go(rows);
    return rows->status;
}

/* The batch lasts from now on; the next one is filled into other memory. */
static int keep_batch(tr_db_rows *rows)
{
    int rc =
        rows->batch.memory != NULL ? tr__rows_keep(rows, rows->batch.memory, rows->batch.room) : 0;

    if (rc == 0)
        rows->batch = (tr__batch){ 0 };
    return rc;
}

int tr__rows_next(tr_db_rows *rows, bool keep)
{
    int rc = 0;

    if (tr__rows_advance(rows))
        return 1;
    if (rows->status == 0 && rows->statement != NULL) {
        rc = keep ? keep_batch(rows) : 0;
        if (rc < 0)
            return tr__rows_refuse(rc, "out of memory");
        if (fetch(rows) == 0)
            return tr__rows_advance(rows) ? 1 : 0;
    }
    if (rows->status < 0)
        tr__why_set(rows->why);
    return rows->status;
}

int tr_db_next(tr_db_rows *rows)
{
    return rows != NULL ? tr__rows_next(rows, false) : TR_EINVAL;
}

/* A connection is given back whatever happens: where no thread can do it, here. */
static void finish(tr_db_rows *rows)
{
    tr__connection *connection = rows->connection;
    tr__database *base = rows->db->run == NULL ? rows->db->base : NULL;

    TR_SHIELD(TR_FOREVER) {
        (void)with_connection(rows, finish_on_reader, finish_inside); /* see above */
    }
    if (rows->statement != NULL) {
        tr__rows_finish(rows, connection);
        if (base != NULL)
            tr__readers_give(base, connection);
    }
    let_go(rows);
}

void tr_db_rows_close(tr_db_rows *rows)
{
    if (rows == NULL)
        return;
    if (rows->statement != NULL)
        finish(rows);
    tr__rows_free(rows);
}

/* ---- each ---- */

tr_db_rows *tr__db_each(int *rc, tr_db *db, const char *sql, const tr_db_value *values,
                        size_t count)
{
    tr_db_rows *rows = NULL;
    int result = tr__db_query(&rows, db, sql, values, count);

    if (rc != NULL)
        *rc = result;
    return rows;
}

bool tr__db_each_next(tr_db_rows *rows, int *rc)
{
    int result;

    if (rows == NULL)
        return false;
    result = tr_db_next(rows);
    if (rc != NULL)
        *rc = result < 0 ? result : 0;
    return result == 1;
}
