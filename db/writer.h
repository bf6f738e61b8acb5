/* The connection that writes, and its line.
 *
 * Whoever writes puts a tr__write, which stands on its own stack, at the line's end, and waits. A
 * job of a pool of one thread takes one after the other into a transaction, until none is left in
 * line; commits it; and then tells each what became of it. What comes while it commits is the next
 * group.
 *
 *     tasks, threads            line             the writer's thread
 *        fn, arg  ---- push -->  o o o  -- take -->  begin immediate
 *           :                                          savepoint, fn, release     each
 *           :                                        commit (fsync)
 *           <------------------ told, by loops --------|
 *
 * The life of a write, and who may touch it:
 *
 *     IN_LINE  ---- taken, under the lock ---> TAKEN --- told ---> its caller's again
 *        |
 *        +-- cancelled, under the lock ------> its caller's again: it never ran
 *
 *     TAKEN     the writer's thread; a caller that is cancelled sets is_cancelled, no more
 *
 * What has spoilt the transaction (SQLite rolls all of it back when it is interrupted, or has no
 * memory, or the disk fails) is told so; all others that were in it run again, in the same order.
 * So a result that is told is one of a transaction that was committed, or of what has changed
 * nothing in it. Where the commit itself fails, all are told so.
 *
 * A transaction of a task (transaction.c) stands in the same line: when its turn has come, the
 * connection is its own, and the job ends. What is in line then waits for tr__writer_go_on. */
#ifndef TROUPE_DB_WRITER_H
#define TROUPE_DB_WRITER_H

#include <pthread.h>
#include <troupe/db.h>

#include "db/connection.h"
#include "runtime/pool.h"
#include "runtime/task.h"

struct tr__database;

typedef enum tr__write_kind {
    TR__WRITE_FN,          /* fn, in a group's transaction */
    TR__WRITE_BARE,        /* fn, outside of any */
    TR__WRITE_TRANSACTION, /* have the connection, with a transaction begun */
} tr__write_kind;

typedef struct tr__write {
    tr__list link; /* in line, or in a group */
    tr__write_kind kind;
    tr_db_fn fn;
    void *arg;
    char *why; /* of TR__WHY_BYTES */
    struct tr__writer *writer;
    bool is_taken;         /* under the lock */
    uint32_t is_cancelled; /* set by its caller, read by the thread */
    int result;
    /* Who waits: a task; */
    tr__wait wait;
    uint16_t loop;     /* its loop's number; 0: a foreign thread, which sleeps on is_told */
    tr__runnable wake; /* posted there, of the first of a chain */
    struct tr__write *next_woken;
    uint32_t is_told;
} tr__write;

typedef struct tr__writer {
    struct tr__database *base;
    tr_pool *pool;
    tr__connection connection;
    tr__job job; /* pushed while is_running */

    pthread_mutex_t lock; /* of all below */
    tr__list line;
    size_t waiting;     /* in it */
    bool is_running;    /* the job is, or is about to */
    bool is_owned;      /* a task's transaction has the connection */
    bool wants_company; /* the thread sleeps on arrivals */
    uint32_t arrivals;  /* that it was told of */
    uint64_t writes;    /* figures: see tr_db_stats */
    uint64_t groups;
    uint64_t repeated;
    uint64_t commit_ns; /* that the last one took */
} tr__writer;

/* Open it, on a thread that may block, which makes the file where it is not: base->writer. On error
 * there is nothing to close, and why (TR__WHY_BYTES) says what.
 * Errors: those of the database; those of tr_pool_run. */
int tr__writer_open(struct tr__database *base, char *why);
/* Close it; what waits in line has been done. */
void tr__writer_close(struct tr__database *base);

/* Run fn(job, arg), whose statements are one, and return its result when they are on disk. Awaits;
 * blocks a foreign thread. fn may be called again. why (TR__WHY_BYTES): gets the sentence of a
 * failure, else "".
 * Errors: fn's; those of the database; TR_ECANCELED it was not done; TR_EFULL; those of
 *         tr_pool_run. */
int tr__writer_run(struct tr__database *base, tr_db_fn fn, void *arg, char *why);

/* Run fn(job, arg) on the writer's connection, outside of any transaction: for what can't be in
 * one. */
int tr__writer_run_bare(struct tr__database *base, tr_db_fn fn, void *arg, char *why);

/* ---- for transactions ---- */

/* Have the connection for the caller alone, with a transaction begun.
 * Errors: as tr__writer_run. */
int tr__writer_take(struct tr__database *base, char *why);
/* Run fn(job, arg) on the connection, which the caller has.
 * Errors: fn's; those of tr_pool_run. */
int tr__writer_run_owned(struct tr__database *base, tr_db_fn fn, void *arg, char *why);
/* Give it back; no transaction is open. */
void tr__writer_go_on(struct tr__database *base);
/* Count a commit that took so long. */
void tr__writer_count_commit(tr__writer *writer, uint64_t writes, uint64_t commit_ns);

/* ---- within the writer ---- */

/* On its thread (group.c): do all that is in line, until nothing is, or a transaction has the
 * connection. */
int tr__writer_work(void *writer);

/* The line (line.c). Of which kind the first one is; false: there is none. */
bool tr__line_peek(tr__writer *writer, tr__write_kind *kind);
/* Take the first one, if it is of that kind; NULL. */
tr__write *tr__line_take(tr__writer *writer, tr__write_kind kind);
/* Wait until one comes; false: deadline_ns has passed before. */
bool tr__line_await(tr__writer *writer, uint64_t deadline_ns);
/* Take all that are in line. */
void tr__line_take_all(tr__writer *writer, tr__list *out);
/* Tell those of a list, whose results are written; none of them may be touched afterwards. */
void tr__writes_tell(tr__list *writes);

#endif
