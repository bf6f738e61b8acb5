/* Transactions as scopes (TR_DB_TRANSACTION, TR_DB_SNAPSHOT): a task that has a connection for
 * itself, with a transaction that was begun on it.
 *
 *     begun ----> committed            tr_db_commit, or the block's end without an error
 *       |
 *       +-------> rolled back          the block is left in another way; or SQLite has done it
 *
 * One that is over holds nothing any more; its memory lasts until the block is left. One within
 * another, or within a job, is a savepoint of that: it holds nothing of its own. */
#include <stdio.h>
#include <string.h>

#include "base/seam.h"
#include "db/database.h"
#include "db/writer.h"

typedef struct transaction {
    tr_db face;     /* first: what the program is given */
    tr_db *outer;   /* that it is part of; NULL: it has a connection of its own */
    bool writes;    /* that is the one that writes */
    bool is_quiet;  /* which is kept from writing */
    unsigned inner; /* that are part of it, and not over */
    bool is_over;
    bool has_ended; /* it was committed or rolled back, on the connection's thread */
    bool commits;
    int status; /* why SQLite has rolled it back */
    char why[TR__WHY_BYTES];
} transaction;

static transaction *of_face(tr_db *db)
{
    return TR__CONTAINER_OF(db, transaction, face);
}

/* ---- running on its connection ---- */

typedef struct part {
    tr__read read; /* first: of a snapshot it is one */
    transaction *tx;
    tr_db_fn fn;
    void *arg;
} part;

/* On the thread. A transaction that SQLite has rolled back is known by it from then on. */
static int run_part(tr_db *job, void *arg)
{
    const part *p = arg;
    const tr__connection *c = job->connection;
    int rc = p->fn(job, p->arg);

    if (p->tx->status == 0 && c->is_inside)
        p->tx->status = c->undone;
    return rc;
}

static int read_part(tr__read *read)
{
    const part *p = (const part *)read;
    tr_db job;
    int rc;

    read->keeps = true;
    tr__db_job_init(&job, read->base, read->connection);
    rc = p->fn(&job, p->arg);
    tr__db_job_fini(&job);
    return rc;
}

/* Its sentence is in tx->why. */
static int run_here(transaction *tx, tr_db_fn fn, void *arg)
{
    tr__database *base = tx->face.base;
    part p = {
        .read = { .fn = read_part, .base = base, .connection = tx->face.connection },
        .tx = tx,
        .fn = fn,
        .arg = arg,
    };
    int rc;

    tx->why[0] = '\0';
    if (tx->outer != NULL)
        return tr__db_run_write(tx->outer, fn, arg, tx->why);
    if (tx->writes)
        return tr__writer_run_owned(base, run_part, &p, tx->why);
    rc = tr__readers_run(&p.read);
    memcpy(tx->why, p.read.why, TR__WHY_BYTES);
    return rc;
}

static int refuse(transaction *tx, int rc, const char *why)
{
    (void)snprintf(tx->why, sizeof(tx->why), "%s", why); /* it fits */
    return rc;
}

static int run_transaction(tr_db *self, tr_db_fn fn, void *arg)
{
    transaction *tx = of_face(self);

    if (tx->is_over)
        return refuse(tx, TR_EALREADY, "the transaction has ended");
    if (tx->status < 0)
        return refuse(tx, tx->status, "the transaction has been rolled back before");
    return run_here(tx, fn, arg);
}

/* ---- the end ---- */

static int end_part(tr__connection *c, bool commits)
{
    int rc = tr__connection_check(c);

    if (rc < 0)
        return rc;
    if (!commits)
        rc = tr__connection_do(c, "rollback to part");
    return rc == 0 ? tr__connection_do(c, "release part") : rc;
}

static int end_whole(transaction *tx, tr__connection *c)
{
    uint64_t begun_ns = tr__now_ns();
    int rc = tx->commits ? tr__connection_check(c) : 0;

    if (rc == 0 && tx->commits)
        rc = tr__connection_do(c, "commit");
    if (rc == 0 && tx->commits && tx->writes)
        tr__writer_count_commit(tx->face.base->writer, 1, tr__now_ns() - begun_ns);
    tr__connection_roll_back(c);
    tr__connection_end(c);
    if (tx->is_quiet) /* it can't fail but for memory; then a later write says so */
        (void)tr__connection_do(c, "pragma query_only = false");
    return rc;
}

static int end_here(tr_db *job, void *arg)
{
    transaction *tx = arg;

    tr__db_rows_end(&tx->face);
    tx->has_ended = true;
    return tx->outer != NULL ? end_part(job->connection, tx->commits)
                             : end_whole(tx, job->connection);
}

/* Where no thread can do it, the caller does: nobody else uses the connection. */
static void end_at_once(transaction *tx)
{
    tr__connection *c = tx->face.connection;
    tr_db job;

    tr__connection_enter(c);
    tr__db_job_init(&job, tx->face.base, c);
    (void)end_here(&job, tx); /* a rollback: why is told already */
    tr__db_job_fini(&job);
    tr__connection_leave(c);
}

/* Whatever stops the commit from being tried, a rollback is done. */
static int end(transaction *tx, bool commits)
{
    char why[TR__WHY_BYTES];
    int rc = 0;

    tx->commits = commits;
    if (commits)
        rc = run_here(tx, end_here, tx);
    memcpy(why, tx->why, sizeof(why));
    tx->commits = commits && tx->has_ended;
    TR_SHIELD(TR_FOREVER) {
        if (!tx->has_ended)
            (void)run_here(tx, end_here, tx); /* a rollback: why is told already */
    }
    if (!tx->has_ended)
        end_at_once(tx);
    if (commits)
        memcpy(tx->why, why, sizeof(why));
    return rc;
}

/* That what it is part of does not end before it. */
static void count_inner(const transaction *tx, int by)
{
    if (tx->outer->run == run_transaction)
        of_face(tx->outer)->inner += (unsigned)by;
}

/* Commit it, or roll it back, and let go of what it holds. */
static int finish(transaction *tx, bool commits)
{
    tr__database *base = tx->face.base;
    int rc = end(tx, commits);

    tx->is_over = true;
    if (tx->outer != NULL) {
        count_inner(tx, -1);
        return rc;
    }
    if (tx->writes)
        tr__writer_go_on(base);
    else
        tr__readers_give(base, tx->face.connection);
    tr__database_let_go(base);
    return rc;
}

/* ---- the beginning ---- */

static int begin_part(tr_db *job, void *unused)
{
    int rc = tr__connection_check(job->connection);

    (void)unused;
    return rc < 0 ? rc : tr__connection_do(job->connection, "savepoint part");
}

/* Its moment is now, not that of its first statement. */
static int begin_reading(tr_db *job, void *unused)
{
    int rc = tr__connection_do(job->connection, "begin");

    (void)unused;
    if (rc == 0)
        rc = tr__connection_do(job->connection, "select 0 from sqlite_schema limit 1");
    if (rc < 0)
        tr__connection_roll_back(job->connection);
    return rc;
}

static int begin_quiet(tr_db *job, void *unused)
{
    (void)unused;
    return tr__connection_do(job->connection, "pragma query_only = true");
}

/* With the connection that writes. */
static int begin_on_writer(transaction *tx)
{
    tr__database *base = tx->face.base;
    int rc = base->options.is_read_only ? -EROFS : tr__writer_take(base, tx->why);

    if (rc < 0)
        return rc;
    tr__database_hold(base);
    tx->face.connection = &base->writer->connection;
    if (tx->is_quiet)
        rc = run_here(tx, begin_quiet, NULL);
    if (rc < 0)
        (void)finish(tx, false); /* as below */
    return rc;
}

static int begin_on_reader(transaction *tx)
{
    tr__database *base = tx->face.base;
    int rc = tr__readers_take(base, &tx->face.connection);

    if (rc < 0)
        return rc;
    tr__database_hold(base);
    rc = run_here(tx, begin_reading, NULL);
    if (rc < 0) {
        char why[TR__WHY_BYTES];

        memcpy(why, tx->why, sizeof(why));
        (void)finish(tx, false); /* nothing was begun */
        memcpy(tx->why, why, sizeof(why));
    }
    return rc;
}

static int begin_inside(transaction *tx)
{
    int rc = run_here(tx, begin_part, NULL);

    if (rc == 0)
        count_inner(tx, 1);
    return rc;
}

static int begin(transaction *tx, tr_db *db, bool writes)
{
    tx->face.base = db->base;
    tx->face.run = run_transaction;
    tx->face.why = tx->why;
    tr__list_init(&tx->face.rows);
    if (db->run != NULL) {
        tx->outer = db;
        tx->face.connection = db->connection;
        tx->face.is_at_once = db->is_at_once;
        return begin_inside(tx);
    }
    tx->is_quiet = !writes && db->base->readers.count == 0;
    tx->writes = writes || tx->is_quiet;
    return tx->writes ? begin_on_writer(tx) : begin_on_reader(tx);
}

tr_db *tr__db_begin(int *rc, tr_db *db, bool writes)
{
    int result = tr__database_enter(db);
    transaction *tx = NULL;

    if (result == 0) {
        tx = tr__alloc_zeroed(sizeof(*tx));
        result = tx != NULL ? begin(tx, db, writes) : TR_ENOMEM;
        (void)tr__database_leave(db, result, tx != NULL ? tx->why : "out of memory");
    }
    if (rc != NULL)
        *rc = result;
    if (result == 0)
        return &tx->face;
    tr__free(tx);
    return NULL;
}

/* ---- leaving it ---- */

int tr_db_commit(tr_db *tx)
{
    int rc;

    if (tx == NULL || tx->run != run_transaction)
        return TR_EINVAL;
    rc = tr__database_enter(tx);
    if (rc < 0)
        return rc;
    if (of_face(tx)->is_over)
        rc = refuse(of_face(tx), TR_EALREADY, "the transaction has ended");
    else if (of_face(tx)->inner > 0)
        rc = refuse(of_face(tx), TR_EBUSY, "a transaction within it has not ended");
    else
        rc = finish(of_face(tx), true);
    return tr__database_leave(tx, rc, tx->why);
}

void tr__db_abandon(tr_db *tx)
{
    if (tx == NULL)
        return;
    if (!of_face(tx)->is_over)
        (void)finish(of_face(tx), false); /* a rollback */
    tr__free(of_face(tx));
}

void tr__db_end(tr_db **tx, int *rc)
{
    tr_db *self = *tx;
    bool is_well = rc == NULL || *rc >= 0;
    int result = 0;

    if (is_well && !of_face(self)->is_over)
        result = tr__database_leave(self, finish(of_face(self), true), self->why);
    if (is_well && rc != NULL)
        *rc = result;
    tr__db_abandon(self);
    *tx = NULL;
}
