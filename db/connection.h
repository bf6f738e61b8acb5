/* A connection of SQLite's, and its prepared statements.
 *
 * It is used by one thread at a time: a job of the pool that it belongs to, which says so first
 * (tr__connection_enter). So SQLite's own locks are off (SQLITE_OPEN_NOMUTEX), and nothing here is
 * atomic but two figures that others look at.
 *
 * How a statement is stopped: SQLite asks every so many steps of its machine whether to go on, and
 * we ask gives_up. No other thread reaches into the connection, so nothing can be stopped that has
 * just begun in the place of what was meant; and in a simulation it stops at the same step each
 * time.
 *
 * What programs may not say: statements of transactions (begin, commit, savepoint), for the library
 * has its own around theirs; attach, and pragmas that change a connection: they would change one
 * of several. Those belong into tr_db_config.setup, which each connection runs. */
#ifndef TROUPE_DB_CONNECTION_H
#define TROUPE_DB_CONNECTION_H

#include <sqlite3.h>
#include <troupe/db.h>

#include "base/list.h"

/* Bytes of a sentence about a failure, with the 0. Longer ones are cut. */
#define TR__WHY_BYTES 256

/* What tr_db_config says, with its defaults filled in. Its texts are copies. */
typedef struct tr__db_options {
    char *path;
    char *setup; /* NULL: none */
    char *vfs;   /* NULL: SQLite's own */
    bool is_read_only;
    bool is_memory; /* ":memory:" */
    int readers;    /* 0 where is_memory */
    tr_db_durability durability;
    uint64_t busy_ns;
    size_t group_most;
    uint64_t group_ns;
    size_t waiting_most;
    size_t statements;
} tr__db_options;

typedef struct tr__statement tr__statement;

typedef struct tr__connection {
    sqlite3 *handle; /* NULL: not open */
    const tr__db_options *options;

    /* Whether the statement that runs, or waits for another process, should end. Set by who enters
     * it; tr__connection_enter sets it to tr_cancelled. */
    bool (*gives_up)(void *ctx);
    void *gives_up_ctx;

    /* Statements that are not in use; the one used last is the first. */
    tr__list statements;
    size_t statement_count;

    /* Between tr__connection_begin and _end: what programs say must not run outside of the
     * transaction, where each statement would be one of its own. */
    bool is_inside;
    int undone; /* the failure for which SQLite has rolled it back; 0: it is open */

    /* Prepared when it opens: what must not fail needs no memory of ours then. SQLite may compile
     * it again, and have none: then that is to be done before anything else. */
    sqlite3_stmt *undo;
    bool must_undo;

    /* Of one that writes (log.c); one that reads is never secure, and leaves the log alone. */
    bool is_secure;        /* all of the log is on disk, whatever was before */
    bool has_forgotten;    /* a sync has failed */
    int checkpoint_frames; /* that the log has, for a checkpoint */

    bool is_ours;            /* what is prepared now is the library's own, or of the setup */
    uint64_t busy_since_ns;  /* when another process was found to have it locked */
    uint32_t busy_word;      /* it sleeps on this; nobody wakes it */
    char why[TR__WHY_BYTES]; /* the last failure; "": none */

    /* Figures; read by anybody. */
    uint64_t prepared;
    uint64_t busy;
} tr__connection;

typedef enum tr__connection_kind {
    TR__CONNECTION_WRITES,
    TR__CONNECTION_READS
} tr__connection_kind;

/* Open it, in the thread that may block: settings, and the options' setup. connection is zero. What
 * was wrong is in why.
 * Errors: those of the database; -ENOTSUP the file system can't do what WAL needs. */
int tr__connection_open(tr__connection *connection, const tr__db_options *options,
                        tr__connection_kind kind);
/* Close it; no statement may be in use. It may not be open. */
void tr__connection_close(tr__connection *connection);

/* The calling thread is about to use it, for a job, until it leaves. It may be inside already. */
void tr__connection_enter(tr__connection *connection);
void tr__connection_leave(tr__connection *connection);
/* The one that the calling thread has entered; NULL: none. */
tr__connection *tr__connection_here(void);

/* A call of SQLite's has failed with this: why gets its sentence. Returns troupe's code. */
int tr__connection_failed(tr__connection *connection, int code);
/* It has failed for a reason of ours. Returns rc. */
__attribute__((format(printf, 3, 4))) int tr__connection_refuse(tr__connection *connection, int rc,
                                                                const char *format, ...);

/* Do one statement of the library's own, such as "commit"; rows are left out. */
int tr__connection_do(tr__connection *connection, const char *sql);
/* Begin a transaction that writes (TR_EIO: a sync has failed before, and the disk still fails), and
 * end it, when it has been committed or rolled back. */
int tr__connection_begin(tr__connection *connection);
void tr__connection_end(tr__connection *connection);
/* Why SQLite has rolled back the transaction that it is inside; 0: it has not. */
int tr__connection_check(tr__connection *connection);
/* Undo what has been done since the transaction began, if there is one: SQLite rolls some failures
 * back by itself. why stays as it is. Where SQLite has no memory for it, nothing else is done with
 * the connection before it is undone: tr__connection_settle. */
void tr__connection_roll_back(tr__connection *connection);
/* What has to be undone is undone.
 * Errors: TR_ENOMEM it had to be: so what the caller is in the middle of is gone. */
int tr__connection_settle(tr__connection *connection);
/* Do all statements of a text. is_ours: those that programs may not say are allowed. */
int tr__connection_script(tr__connection *connection, const char *sql, bool is_ours);

/* ---- the log (log.c) ---- */

/* Checkpoints are made when the setup says, or by default; and one whose sync fails is noticed. */
int tr__log_watch(tr__connection *connection);
/* A sync has failed. */
void tr__log_forgot(tr__connection *connection);
/* Inside of a transaction that writes: what a sync may have forgotten is written again. why says
 * what has failed. */
int tr__log_secure(tr__connection *connection);

#endif
