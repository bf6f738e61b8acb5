/* The connection that writes: opening and closing it, and jobs that write. */
#include "db/writer.h"

#include <string.h>

#include "base/seam.h"
#include "base/threads.h"
#include "db/database.h"

/* ---- whose connection it is ---- */

typedef struct owned {
    tr__writer *writer;
    tr_db_fn fn;
    void *arg;
    char *why;
} owned;

static int run_owned(void *arg)
{
    const owned *o = arg;
    tr__connection *connection = &o->writer->connection;
    tr_db job;
    int rc;

    tr__connection_enter(connection);
    tr__db_job_init(&job, o->writer->base, connection);
    rc = o->fn(&job, o->arg);
    tr__db_job_fini(&job);
    if (rc < 0)
        memcpy(o->why, connection->why, TR__WHY_BYTES);
    tr__connection_leave(connection);
    return rc;
}

int tr__writer_run_owned(struct tr__database *base, tr_db_fn fn, void *arg, char *why)
{
    owned o = { base->writer, fn, arg, why };

    why[0] = '\0';
    return tr__pool_run(base->writer->pool, run_owned, &o, "a transaction of a database");
}

void tr__writer_count_commit(tr__writer *writer, uint64_t writes, uint64_t commit_ns)
{
    tr__mutex_lock(&writer->lock);
    writer->writes += writes;
    writer->groups++;
    writer->commit_ns = commit_ns;
    tr__mutex_unlock(&writer->lock);
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
    int rc = tr__connection_check(job->connection);
    int end;

    if (rc == 0)
        rc = tr__connection_do(job->connection, "savepoint part");
    if (rc < 0)
        return rc;
    rc = p->fn(job, p->arg);
    if (sqlite3_get_autocommit(job->connection->handle) != 0)
        return job->connection->undone; /* SQLite has rolled back everything */
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

static int open_job(tr_db *job, void *arg)
{
    tr__writer *writer = arg;

    return tr__connection_open(job->connection, &writer->base->options, TR__CONNECTION_WRITES);
}

static int close_job(void *arg)
{
    tr__connection_close(&((tr__writer *)arg)->connection);
    return 0;
}

static tr__writer *new_writer(struct tr__database *base)
{
    tr__writer *writer = tr__alloc_zeroed(sizeof(*writer));

    if (writer == NULL)
        return NULL;
    writer->base = base;
    tr__list_init(&writer->line);
    (void)pthread_mutex_init(&writer->lock, NULL); /* can't fail on Linux */
    return writer;
}

int tr__writer_open(struct tr__database *base, char *why)
{
    int rc;

    why[0] = '\0';
    base->writer = new_writer(base);
    if (base->writer == NULL)
        return TR_ENOMEM;
    rc = tr_pool_new(&base->writer->pool, "db-write", 1);
    if (rc == 0)
        rc = tr__writer_run_owned(base, open_job, base->writer, why);
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
    (void)pthread_mutex_destroy(&writer->lock); /* nobody has it */
    tr__free(writer);
    base->writer = NULL;
}
