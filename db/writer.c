#include "db/writer.h"

#include <string.h>

#include "base/seam.h"
#include "db/database.h"

typedef struct tr__writer {
    tr_pool *pool;
    tr__connection connection;
} tr__writer;

typedef struct write {
    tr__database *base;
    tr_db_fn fn;
    void *arg;
    bool is_bare;
    char *why;
} write;

static void say(const write *w, int rc)
{
    if (rc < 0)
        memcpy(w->why, w->base->writer->connection.why, TR__WHY_BYTES);
}

/* ---- a write ---- */

static int call(const write *w, tr__connection *connection)
{
    tr_db job;
    int rc;

    tr__db_job_init(&job, w->base, connection);
    rc = w->fn(&job, w->arg);
    tr__db_job_fini(&job);
    return rc;
}

static int in_transaction(const write *w, tr__connection *connection)
{
    int rc = tr__connection_do(connection, "begin immediate");
    int end;

    if (rc < 0)
        return rc;
    rc = call(w, connection);
    end = rc >= 0 ? tr__connection_do(connection, "commit") : rc;
    if (end < 0) {
        tr__connection_roll_back(connection);
        return end;
    }
    return rc;
}

static int run(void *arg)
{
    const write *w = arg;
    tr__connection *connection = &w->base->writer->connection;
    int rc;

    tr__connection_enter(connection);
    rc = w->is_bare ? call(w, connection) : in_transaction(w, connection);
    say(w, rc);
    tr__connection_leave(connection);
    return rc;
}

static int submit(write *w)
{
    w->why[0] = '\0';
    return tr__pool_run(w->base->writer->pool, run, w, "a write");
}

int tr__writer_run(struct tr__database *base, tr_db_fn fn, void *arg, char *why)
{
    return submit(&(write){ .base = base, .fn = fn, .arg = arg, .why = why });
}

int tr__writer_run_bare(struct tr__database *base, tr_db_fn fn, void *arg, char *why)
{
    return submit(&(write){ .base = base, .fn = fn, .arg = arg, .why = why, .is_bare = true });
}

/* ---- a job ---- */

typedef struct part {
    tr_db_fn fn;
    void *arg;
} part;

/* Inside of a transaction: what fails undoes its own statements only. */
static int nested(tr_db *job, void *arg)
{
    const part *p = arg;
    int rc = tr__connection_do(job->connection, "savepoint part");
    int end;

    if (rc < 0)
        return rc;
    rc = p->fn(job, p->arg);
    if (sqlite3_get_autocommit(job->connection->handle) != 0)
        return rc; /* SQLite has rolled back everything */
    if (rc < 0)
        (void)tr__connection_do(job->connection, "rollback to part"); /* rc is to be told */
    end = tr__connection_do(job->connection, "release part");
    return rc < 0 ? rc : end < 0 ? end : rc;
}

int tr_db_write(tr_db *db, tr_db_fn fn, void *arg)
{
    part p = { fn, arg };
    char why[TR__WHY_BYTES] = "";
    int rc = fn != NULL ? tr__database_enter(db) : TR_EINVAL;

    if (rc < 0)
        return rc;
    if (db->base->options.is_read_only)
        rc = -EROFS;
    else if (db->run != NULL)
        rc = tr__db_run_write(db, nested, &p, why);
    else
        rc = tr__db_run_write(db, fn, arg, why);
    return tr__database_leave(db, rc, why);
}

/* ---- opening and closing ---- */

static int open_job(void *arg)
{
    const write *w = arg;
    int rc =
        tr__connection_open(&w->base->writer->connection, &w->base->options, TR__CONNECTION_WRITES);

    say(w, rc);
    return rc;
}

static int close_job(void *arg)
{
    tr__connection_close(&((tr__writer *)arg)->connection);
    return 0;
}

int tr__writer_open(struct tr__database *base, char *why)
{
    tr__writer *writer = tr__alloc_zeroed(sizeof(*writer));
    write w = { .base = base, .why = why };
    int rc;

    why[0] = '\0';
    if (writer == NULL)
        return TR_ENOMEM;
    base->writer = writer;
    rc = tr_pool_new(&writer->pool, "db-write", 1);
    if (rc == 0)
        rc = tr__pool_run(writer->pool, open_job, &w, "opening a database");
    if (rc < 0)
        tr__writer_close(base);
    return rc;
}

void tr__writer_close(struct tr__database *base)
{
    tr__writer *writer = base->writer;

    if (writer == NULL)
        return;
    if (writer->pool != NULL) {
        /* Where no thread can do it, the caller does. */
        if (tr__pool_run(writer->pool, close_job, writer, "closing a database") < 0)
            (void)close_job(writer);
        (void)tr_pool_free(writer->pool); /* no job is left */
    }
    tr__free(writer);
    base->writer = NULL;
}
