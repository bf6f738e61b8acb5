/* SQLite, for tasks. A library of its own: link with troupe-db (pkg-config troupe-db; CMake
 * troupe::troupe-db).
 *
 *     static const tr_db_migration steps[] = {
 *         { "items", "create table items (id integer primary key, name text, price real)" },
 *         { 0 } };
 *
 *     tr_db *db = NULL;
 *     int rc = tr_db_open(&db, &(tr_db_config){ .path = "shop.db", .migrations = steps });
 *
 *     rc = tr_db_exec(db, "insert into items (name, price) values (?, ?)", "nail", 0.05);
 *
 *     TR_DB_EACH(row, &rc, db, "select id, name from items where price < ?", 1.0) {
 *         printf("%" PRId64 " %s\n", tr_db_int(row, 0), tr_db_text(row, 1));
 *     }
 *
 * No loop waits for the disk: a database is one connection that writes and several that read (in
 * WAL mode, so that readers see the last commit and hinder nobody), each of which belongs to one
 * thread of its own. Writes that come at the same time share a transaction, and so its fsync; each
 * is acknowledged after it, and fails or succeeds for itself.
 *
 * A `tr_db *` is one of three things, and is used in the same way: a database; a transaction
 * (TR_DB_TRANSACTION), whose statements belong together; or what a job is given (tr_db_write,
 * tr_db_read), which runs on the connection's thread itself, and awaits nothing.
 *
 * Values behind a statement stand for its question marks: integers of any kind, bool, double, texts
 * (char *; NULL is NULL), TR_NULL, TR_BLOB(data, bytes), TR_CHARS(text, bytes). They are copied or
 * lent for the call, and never part of the SQL: no quoting, no injection.
 *
 * Errors of all that asks the database: TR_ESQL the statement is wrong, or the number of values;
 * TR_EEXIST a value that has to be unique is there already; TR_ECONSTRAINT another constraint;
 * TR_EVALUE a value is of the wrong type; TR_EBUSY another process has it locked, for longer than
 * busy_timeout; TR_ENOSPC the disk is full; TR_EIO; TR_ECORRUPT; -EROFS; TR_ETOOLARGE; TR_EFULL too
 * many wait; TR_ECANCELED: then the statement was interrupted, or never ran; TR_ENOMEM;
 * TR_ESHUTDOWN; TR_EPIPE the database is being closed; TR_EWRONGPLACE; TR_EINVAL. What was not
 * acknowledged was not done, but for this: a caller that is cancelled while its write is being
 * committed is told what became of it. tr_db_why has SQLite's sentence. */
#ifndef TROUPE_DB_H
#define TROUPE_DB_H

#include <troupe.h>

#include <troupe/db_value.h>
#include <troupe/declare.h>

#ifdef __cplusplus
extern "C" {
#endif

typedef struct tr_db tr_db;
typedef struct tr_db_rows tr_db_rows;

/* ---- a database ---- */

/* A step from one version of the schema to the next: each has a name, and is SQL (several
 * statements, each ended by a semicolon), or a job. What was applied is remembered, with a digest
 * of its text, in the table troupe_migrations. */
typedef struct tr_db_migration {
    const char *name;
    const char *sql;
    int (*fn)(tr_db *tx, void *arg);
    void *arg;
} tr_db_migration;

typedef enum tr_db_durability {
    TR_DB_FULL,  /* acknowledged is on disk: an fsync for each group of writes */
    TR_DB_NORMAL /* acknowledged survives the end of the process, but maybe not of the power */
} tr_db_durability;

/* Zero means the default in each field; a time or limit below 0: none. Times are seconds. */
typedef struct tr_db_config {
    const char *path; /* of the file, made where it is not; ":memory:": no file (and no readers: all
                         goes by the one connection) */
    const tr_db_migration *migrations; /* the last has no name; lent while it opens */
    const char *setup; /* SQL for each new connection: "pragma cache_size = -65536" */
    bool is_read_only;
    int readers; /* connections that read; default 4 */
    tr_db_durability durability;
    double busy_timeout; /* for locks of other processes; 5 */
    /* Group commit. */
    size_t group_most;    /* writes that share a transaction; default 256; 1: each has its own */
    double group_longest; /* seconds that a group waits for company; default 0: it takes what has
                              come while the one before was written */
    size_t waiting_most;  /* writes in line, and reads; beyond TR_EFULL; default 10,000 */
    size_t statements;    /* prepared ones that a connection keeps; default 64 */
    const char *vfs;      /* of SQLite; default its own */
} tr_db_config;

TR_API int tr__db_open(tr_db **out, const tr_db_config *config, size_t config_size);

/* Open a database, and bring its schema up to date: tr_db_open(&db, &config). Foreign keys are
 * enforced. *out is NULL on error, and the log says what was wrong.
 * Ownership: the caller's, until tr_db_close; what the config points to is copied.
 * Threads:   tasks; foreign threads (blocks).
 * Errors:    those above; TR_ENOENT, -EACCES; TR_EMIGRATION a migration that was applied has
 *            another text now, or is unknown to this program. */
#define tr_db_open(out, ...) tr__db_open((out), (__VA_ARGS__), sizeof(tr_db_config))

/* Close it: what waits in line is done; what comes from now on is refused. NULL is allowed. A task
 * that is cancelled waits all the same.
 * Threads: tasks; foreign threads (blocks). Nobody may hold rows or a transaction of it: TR_EBUSY,
 *          and it is not closed.
 * Errors:  TR_EBUSY; TR_EWRONGPLACE. */
TR_API int tr_db_close(tr_db *db);

/* ---- one statement ----
 *
 * sql is lent. A statement that changes something goes by the connection that writes, in a group;
 * one that only reads, by one of the others.
 * Threads: tasks; foreign threads (block); a job: with what it was given.
 * Errors:  those above. */

TR_API int tr__db_exec(tr_db *db, const char *sql, const tr_db_value *values, size_t count);
TR_API int tr__db_query(tr_db_rows **out, tr_db *db, const char *sql, const tr_db_value *values,
                        size_t count);
TR_API int tr__db_one(tr_db_rows **out, tr_db *db, const char *sql, const tr_db_value *values,
                      size_t count);

/* Do it, and wait until it is on disk: tr_db_exec(db, sql, values...). Returns how many rows it has
 * changed. Rows that it yields are left out. */
#define tr_db_exec(db, ...) tr__db_exec((db), TR__SQL(__VA_ARGS__))

/* Ask for rows: tr_db_query(&rows, db, sql, values...). They are fetched as they are taken, some 64
 * KiB at a time: a result may be larger than memory. As long as it is open it holds a connection
 * that reads, so close it soon. (Rows of a statement that writes, "... returning id", are all
 * fetched before it is acknowledged.) *out is NULL on error.
 * Ownership: the caller's, until tr_db_rows_close. */
#define tr_db_query(out, db, ...) tr__db_query((out), (db), TR__SQL(__VA_ARGS__))

/* The same for a single row, which is current at once, and holds no connection. *out is NULL on
 * error.
 * Errors: also TR_ENOENT there is none. Of several, the first is taken. */
#define tr_db_one(out, db, ...) tr__db_one((out), (db), TR__SQL(__VA_ARGS__))

/* The next row: 1; 0 at the end, when its connection has been given back. */
TR_API int tr_db_next(tr_db_rows *rows);

/* NULL is allowed. What has not been fetched is not. */
TR_API void tr_db_rows_close(tr_db_rows *rows);

/* ---- the current row ----
 *
 * Columns count from 0. One of another type is converted as SQLite does; texts and blobs are lent
 * until the next row, and have a 0 behind them. A column that is not there is NULL, or 0. */

TR_API int tr_db_columns(const tr_db_rows *rows);
TR_API const char *tr_db_column_name(const tr_db_rows *rows, int column);
TR_API tr_db_kind tr_db_kind_of(const tr_db_rows *rows, int column);
TR_API bool tr_db_is_null(const tr_db_rows *rows, int column);
TR_API int64_t tr_db_int(const tr_db_rows *rows, int column);
TR_API double tr_db_real(const tr_db_rows *rows, int column);
TR_API const char *tr_db_text(const tr_db_rows *rows, int column);
TR_API const void *tr_db_blob(const tr_db_rows *rows, int column, size_t *bytes);

/* The current row as a declared struct, by the names of its columns: tr_db_row(rows, item, &item).
 * Its texts are lent as those of the row. A column that the declaration does not know is left out;
 * a field that is not among the columns is as if it were absent in JSON.
 * Errors: TR_EVALUE a value does not fit its field; TR_EINVAL. */
#define tr_db_row(rows, name, out)                                                                 \
    tr_db_row_as((rows), &tr_declared_##name, TR__POINTER_TO(name, out))
TR_API int tr_db_row_as(tr_db_rows *rows, const tr_declaration *declaration, void *out);

/* All rows that are left as an array of declared structs:
 * tr_db_all(rows, item, &items, &count).
 * Ownership: the array, and all it points to, is the rows', until tr_db_rows_close.
 * Errors:    those of tr_db_next and tr_db_row; TR_ETOOLARGE more than 64 MiB. */
#define tr_db_all(rows, name, out, count)                                                          \
    tr_db_all_as((rows), &tr_declared_##name, TR__ARRAY_OF(name, out), (count))
TR_API int tr_db_all_as(tr_db_rows *rows, const tr_declaration *declaration, void **out,
                        size_t *count);

/* TR_DB_EACH(row, &rc, db, sql, values...) { }: the body runs once for each row; row is a
 * tr_db_rows *. They are closed whichever way the loop is left. Afterwards rc is 0, or why it ended
 * early. */
#define TR_DB_EACH(row, rc, db, ...)     TR__DB_EACH(__COUNTER__, row, rc, db, __VA_ARGS__)
#define TR__DB_EACH(n, row, rc, db, ...) TR__DB_EACH_(n, row, rc, db, __VA_ARGS__)
#define TR__DB_EACH_(n, row, rc, db, ...)                                                          \
    for (tr_db_rows * row TR__CLEANUP(tr__cleanup_rows) =                                          \
             tr__db_each((rc), (db), TR__SQL(__VA_ARGS__));                                        \
         tr__db_each_next(row, (rc));)
TR_API tr_db_rows *tr__db_each(int *rc, tr_db *db, const char *sql, const tr_db_value *values,
                               size_t count);
TR_API bool tr__db_each_next(tr_db_rows *rows, int *rc);

/* ---- several statements ---- */

/* A job: it runs on the connection's thread, with a tr_db of its own, all of whose statements are
 * one; below 0 undoes them. It must not await, nor touch what belongs to a loop. Where the
 * transaction that it shares has failed through another's fault, it is called again: what it leaves
 * in arg must be set anew by each call. */
typedef int (*tr_db_fn)(tr_db *tx, void *arg);

/* Let fn write, in the same group as others, and wait until that is on disk; returns its result:
 * the fastest way to do several statements. arg may be on the caller's stack. */
TR_API int tr_db_write(tr_db *db, tr_db_fn fn, void *arg);
/* Let fn read: what its statements see is of one moment. */
TR_API int tr_db_read(tr_db *db, tr_db_fn fn, void *arg);

/* TR_DB_TRANSACTION(tx, &rc, db) { tr_db_exec(tx, ...); ... }: statements of a task that may await
 * others between them. It declares tx, a tr_db *, which has the connection that writes for itself:
 * nobody else writes meanwhile, so be quick. Where its end is reached (or by `continue`) with an rc
 * that is no error, it is committed, and rc is 0 or why not; left in any other way (break, return,
 * goto), or with an error in rc, it is rolled back. Where it can't begin, rc says why, and the body
 * does not run. */
#define TR_DB_TRANSACTION(tx, rc, db) TR__DB_TX(__COUNTER__, tx, rc, db, true)
/* The same on a connection that reads: all that tx sees is of one moment. */
#define TR_DB_SNAPSHOT(tx, rc, db)       TR__DB_TX(__COUNTER__, tx, rc, db, false)
#define TR__DB_TX(n, tx, rc, db, writes) TR__DB_TX_(n, tx, rc, db, writes)
#define TR__DB_TX_(n, tx, rc, db, writes)                                                          \
    for (tr_db * tx TR__CLEANUP(tr__cleanup_tx) = tr__db_begin((rc), (db), (writes)); tx != NULL;  \
         tr__db_end(&tx, (rc)))
TR_API tr_db *tr__db_begin(int *rc, tr_db *db, bool writes);
TR_API void tr__db_end(tr_db **tx, int *rc);
TR_API void tr__db_abandon(tr_db *tx);

/* Commit it before the block's end: `return tr_db_commit(tx);`. Nothing can be done with tx any
 * more.
 * Errors: those above; then it is rolled back; TR_EALREADY. */
TR_API int tr_db_commit(tr_db *tx);

/* ---- what else ---- */

/* SQLite's sentence about the last call that failed in the calling task, or job: "UNIQUE constraint
 * failed: items.name"; "" if there is none; "out of memory" also where there was none for it.
 * Ownership: lent until the next call that fails.
 * Threads:   any. */
TR_API const char *tr_db_why(void);

/* Copy the whole database to a file, as it is at one moment, while others go on. One that is there
 * is an error.
 * Threads: as tr_db_exec.
 * Errors:  those above; TR_EEXIST. */
TR_API int tr_db_backup(tr_db *db, const char *path);

/* What it did until now. */
typedef struct tr_db_stats {
    uint64_t writes;    /* that were acknowledged */
    uint64_t groups;    /* transactions that they shared */
    uint64_t reads;     /* that had one of the connections that read: queries, jobs, snapshots */
    uint64_t failures;  /* calls that have ended with an error */
    uint64_t repeated;  /* writes that ran again, because another one spoilt their group */
    uint64_t busy;      /* times that another process was waited for */
    uint64_t prepared;  /* statements; those that were at hand are not counted */
    long waiting;       /* writes in line, now */
    long waiting_reads; /* in line for one of the connections that read */
    double last_commit; /* seconds that the last one took */
} tr_db_stats;

/* Threads: any.
 * Errors:  TR_EINVAL. */
TR_API int tr_db_statistics(tr_db *db, tr_db_stats *out);

static inline void tr__cleanup_rows(tr_db_rows **at)
{
    tr_db_rows_close(*at);
}
#define tr_cleanup_rows __attribute__((cleanup(tr__cleanup_rows)))

static inline void tr__cleanup_tx(tr_db **at)
{
    tr__db_abandon(*at);
}

#ifdef __cplusplus
}
#endif
#endif
