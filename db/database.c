#include "db/database.h"

#include <limits.h>
#include <string.h>

#include "base/threads.h"
#include "db/rows.h"
#include "db/writer.h"

/* ---- the tr_db of a job ---- */

static int run_at_once(tr_db *self, tr_db_fn fn, void *arg)
{
    return fn(self, arg);
}

void tr__db_job_init(tr_db *job, tr__database *base, tr__connection *connection)
{
    *job = (tr_db){
        .base = base,
        .connection = connection,
        .run = run_at_once,
        .why = connection->why,
        .is_at_once = true,
    };
    tr__list_init(&job->rows);
}

void tr__db_job_fini(tr_db *job)
{
    tr__db_rows_end(job);
}

void tr__db_rows_end(tr_db *db)
{
    tr__list *link;

    while ((link = tr__list_take_first(&db->rows)) != NULL) {
        tr_db_rows *rows = TR__CONTAINER_OF(link, tr_db_rows, link);

        tr__rows_finish(rows, db->connection);
        rows->db = NULL;
        rows->status = TR_EPIPE;
        strcpy(rows->why, "the transaction has ended"); /* it fits */
    }
}

/* ---- calls ---- */

/* Whether the calling thread may use it: a job is in its own, and others are in none of this
 * database. */
static bool is_in_place(const tr_db *db)
{
    const tr__connection *here = tr__connection_here();

    if (db->is_at_once)
        return here == db->connection;
    return here == NULL || here->options != &db->base->options;
}

static int begin_call(tr__database *base)
{
    int rc = 0;

    tr__mutex_lock(&base->lock);
    if (base->is_closing)
        rc = TR_EPIPE;
    else
        base->calls++;
    tr__mutex_unlock(&base->lock);
    return rc;
}

int tr__database_enter(tr_db *db)
{
    if (db == NULL)
        return TR_EINVAL;
    if (!is_in_place(db))
        return TR_EWRONGPLACE;
    /* Those of transactions and jobs are part of what is counted already. */
    return db->run == NULL ? begin_call(db->base) : 0;
}

int tr__database_leave(tr_db *db, int rc, const char *why)
{
    tr__database *base = db->base;
    bool is_last = false;

    if (rc < 0)
        tr__why_set(why != NULL ? why : "");
    if (db->run != NULL && rc >= 0)
        return rc;
    tr__mutex_lock(&base->lock);
    if (rc < 0)
        base->failures++;
    if (db->run == NULL)
        is_last = --base->calls == 0 && base->is_closing;
    tr__mutex_unlock(&base->lock);
    if (is_last)
        (void)tr_semaphore_release(&base->is_idle); /* the database may be gone after this */
    return rc;
}

void tr__database_hold(tr__database *base)
{
    tr__mutex_lock(&base->lock);
    base->held++;
    tr__mutex_unlock(&base->lock);
}

void tr__database_let_go(tr__database *base)
{
    tr__mutex_lock(&base->lock);
    base->held--;
    tr__mutex_unlock(&base->lock);
}

/* ---- running ---- */

static int run_inside(tr_db *db, tr_db_fn fn, void *arg, char *why)
{
    int rc = db->run(db, fn, arg);

    why[0] = '\0';
    if (rc < 0)
        memcpy(why, db->why, TR__WHY_BYTES);
    return rc;
}

typedef struct reading {
    tr__read read;
    tr_db_fn fn;
    void *arg;
} reading;

static int call_with_job(tr__read *read)
{
    const reading *r = (const reading *)read;
    tr_db job;
    int rc;

    tr__db_job_init(&job, read->base, read->connection);
    rc = r->fn(&job, r->arg);
    tr__db_job_fini(&job);
    return rc;
}

int tr__db_run_read(tr_db *db, tr_db_fn fn, void *arg, char *why)
{
    reading r = { .read = { .fn = call_with_job, .base = db->base }, .fn = fn, .arg = arg };
    int rc;

    if (db->run != NULL)
        return run_inside(db, fn, arg, why);
    if (db->base->readers.count == 0)
        return tr__writer_run(db->base, fn, arg, why);
    rc = tr__readers_run(&r.read);
    memcpy(why, r.read.why, TR__WHY_BYTES);
    return rc;
}

int tr__db_run_write(tr_db *db, tr_db_fn fn, void *arg, char *why)
{
    if (db->run != NULL)
        return run_inside(db, fn, arg, why);
    /* A reader refuses what writes, with SQLite's own words. */
    if (db->base->options.is_read_only)
        return tr__db_run_read(db, fn, arg, why);
    return tr__writer_run(db->base, fn, arg, why);
}

/* ---- one statement ---- */

typedef struct statement {
    const char *sql;
    const tr_db_value *values;
    size_t count;
    int64_t changed;
} statement;

static int exec_job(tr_db *job, void *arg)
{
    statement *s = arg;

    return tr__statement_exec(job->connection, s->sql, s->values, s->count, &s->changed);
}

int tr__db_exec(tr_db *db, const char *sql, const tr_db_value *values, size_t count)
{
    statement s = { .sql = sql, .values = values, .count = count };
    char why[TR__WHY_BYTES] = "";
    int rc = sql != NULL && (values != NULL || count == 0) ? tr__database_enter(db) : TR_EINVAL;

    if (rc < 0)
        return rc;
    rc = tr__database_leave(db, tr__db_run_write(db, exec_job, &s, why), why);
    if (rc < 0)
        return rc;
    return s.changed < INT_MAX ? (int)s.changed : INT_MAX;
}

/* ---- a job that reads ---- */

typedef struct moment {
    tr_db_fn fn;
    void *arg;
} moment;

/* A transaction, so that all is of one moment; it has changed nothing, whichever way it ends. */
static int read_job(tr_db *job, void *arg)
{
    const moment *m = arg;
    int rc = tr__connection_do(job->connection, "begin");
    int end;

    if (rc < 0)
        return rc;
    rc = m->fn(job, m->arg);
    tr__db_rows_end(job);
    end = rc >= 0 ? tr__connection_do(job->connection, "commit") : 0;
    if (sqlite3_get_autocommit(job->connection->handle) == 0)
        tr__connection_roll_back(job->connection);
    return end < 0 ? end : rc;
}

/* On the connection that writes, in its transaction: there are no readers. */
static int read_without_readers(tr_db *job, void *arg)
{
    const moment *m = arg;
    int rc = tr__connection_do(job->connection, "pragma query_only = true");

    if (rc == 0)
        rc = m->fn(job, m->arg);
    /* It can't fail but for memory; then a later write says that it is read-only. */
    (void)tr__connection_do(job->connection, "pragma query_only = false");
    return rc;
}

int tr_db_read(tr_db *db, tr_db_fn fn, void *arg)
{
    moment m = { fn, arg };
    char why[TR__WHY_BYTES] = "";
    int rc = fn != NULL ? tr__database_enter(db) : TR_EINVAL;

    if (rc < 0)
        return rc;
    if (db->run != NULL)
        rc = tr__db_run_read(db, fn, arg, why);
    else
        rc = tr__db_run_read(db, db->base->readers.count > 0 ? read_job : read_without_readers, &m,
                             why);
    return tr__database_leave(db, rc, why);
}
