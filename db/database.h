/* What is behind a tr_db.
 *
 * A tr_db is one of three: it has a function that runs something on its connection, and that is all
 * in which they differ.
 *
 *     a database      run is NULL: what reads goes to a reader (readers.h), what writes to the
 *                     writer (writer.h)
 *     a transaction   run lets a job of the pool of its connection do it (transaction.c)
 *     a job's         run does it at once, for the job is there already
 *
 * Whatever runs is a tr_db_fn, which is given a job's tr_db.
 *
 *     task                          a thread of the pool
 *      |  tr_db_exec                     |
 *      |  tr__database_enter             |
 *      |  tr__writer_run(fn) ----------> enter the connection, fn(job, arg), leave it
 *      |  tr__database_leave  <--------- result, and the sentence if it has failed
 *
 * Each call is counted while it is under way, under the lock, and so is what holds a connection
 * beyond that: rows and transactions. tr_db_close waits for the calls, and refuses while something
 * is held. */
#ifndef TROUPE_DB_DATABASE_H
#define TROUPE_DB_DATABASE_H

#include <pthread.h>
#include <troupe/db.h>

#include "db/connection.h"
#include "db/readers.h"

struct tr__writer;

struct tr_db {
    struct tr__database *base;
    tr__connection *connection; /* NULL of a database */
    /* Run fn with a job's tr_db on the connection. NULL of a database. */
    int (*run)(tr_db *self, tr_db_fn fn, void *arg);
    const char *why; /* where run leaves the sentence of a failure; NULL of a database */
    bool is_at_once; /* it is used on the connection's own thread */
    tr__list rows;   /* open ones, of a transaction or job: they end with it */
};

typedef struct tr__database {
    tr_db face;
    tr__db_options options;
    tr__readers readers;
    struct tr__writer *writer; /* NULL where the database is read-only */

    pthread_mutex_t lock; /* of all below */
    bool is_closing;
    size_t calls;         /* under way */
    size_t held;          /* rows and transactions that hold a connection */
    tr_semaphore is_idle; /* a permit when it is closing and no call is under way any more */
    size_t waiting_reads; /* in line for a thread, or a connection */
    uint64_t reads;
    uint64_t failures;
} tr__database;

/* A call begins, of which nothing is known but the handle that it was given.
 * Errors: TR_EINVAL; TR_EPIPE it is being closed; TR_EWRONGPLACE a job's tr_db in another thread,
 *         or the database's own in one of its jobs, which would wait for itself. */
int tr__database_enter(tr_db *db);
/* It ends, with this result, which is returned. why: what SQLite says where it is an error; NULL or
 * "": nothing. */
int tr__database_leave(tr_db *db, int rc, const char *why);

/* Something holds a connection from now on, or does not any more. */
void tr__database_hold(tr__database *base);
void tr__database_let_go(tr__database *base);

/* Run fn(job, arg) where it can write, or read: whatever db is. The call has been entered. why: of
 * TR__WHY_BYTES; gets the sentence of a failure, else "". */
int tr__db_run_write(tr_db *db, tr_db_fn fn, void *arg, char *why);
int tr__db_run_read(tr_db *db, tr_db_fn fn, void *arg, char *why);

/* Make the tr_db of a job, for a connection that the calling thread has entered; and end it, with
 * the rows that it has left open. */
void tr__db_job_init(tr_db *job, tr__database *base, tr__connection *connection);
void tr__db_job_fini(tr_db *job);

/* On the connection's thread: the rows that are open on it end; who takes the next one is told
 * TR_EPIPE. Before the transaction's end. */
void tr__db_rows_end(tr_db *db);

/* What tr_db_why says to the calling task, job or thread from now on. */
void tr__why_set(const char *why);

#endif
