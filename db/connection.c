#include "db/connection.h"

#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include "base/atomic.h"
#include "base/seam.h"
#include "base/threads.h"
#include "db/code.h"
#include "db/statement.h"

enum {
    LOOK_STEPS = 1000, /* of SQLite's machine, between two looks at gives_up */
    LOOK_NS = 20000,   /* that these take, about */
    MILLISECOND = 1000 * 1000,
    BUSY_LONGEST = 25 /* milliseconds between two tries to get a lock of another process */
};

static TR__THREAD_LOCAL tr__connection *connection_of_thread;

/* ---- who uses it ---- */

static bool job_is_cancelled(void *ctx)
{
    (void)ctx;
    return tr_cancelled();
}

void tr__connection_enter(tr__connection *connection)
{
    connection_of_thread = connection;
    connection->gives_up = job_is_cancelled;
    connection->gives_up_ctx = NULL;
    connection->why[0] = '\0';
}

void tr__connection_leave(tr__connection *connection)
{
    (void)connection;
    connection_of_thread = NULL;
}

tr__connection *tr__connection_here(void)
{
    return connection_of_thread;
}

static bool gives_up(tr__connection *connection)
{
    return connection->gives_up != NULL && connection->gives_up(connection->gives_up_ctx);
}

/* ---- failures ---- */

int tr__connection_refuse(tr__connection *connection, int rc, const char *format, ...)
{
    va_list arguments;

    va_start(arguments, format);
    (void)vsnprintf(connection->why, sizeof(connection->why), format, arguments); /* cut */
    va_end(arguments);
    return rc;
}

/* What the system said when a file could not be opened. */
static int of_opening(tr__connection *connection)
{
    int system = sqlite3_system_errno(connection->handle);

    return system > 0 ? -system : TR_ENOENT;
}

int tr__connection_failed(tr__connection *connection, int code)
{
    int rc = tr__db_code(code);

    if (connection->is_inside && connection->undone == 0 &&
        sqlite3_get_autocommit(connection->handle) != 0)
        connection->undone = rc;
    if (code == SQLITE_IOERR_FSYNC)
        tr__log_forgot(connection);
    /* Without memory for a handle there is none to ask. */
    if (connection->handle == NULL)
        return tr__connection_refuse(connection, rc, "%s", sqlite3_errstr(code));
    if ((code & 0xff) == SQLITE_CANTOPEN)
        rc = of_opening(connection);
    /* What the authorizer has refused has its reason already. */
    if (code == SQLITE_AUTH && connection->why[0] != '\0')
        return rc;
    return tr__connection_refuse(connection, rc, "%s", sqlite3_errmsg(connection->handle));
}

/* ---- what SQLite asks ---- */

/* In a simulation nothing that only computes takes time: but a statement does. */
#if TR__SIM
static void take_time(tr__connection *c)
{
    (void)tr__futex_wait(&c->busy_word, 0, tr__now_ns() + LOOK_NS); /* nobody wakes it */
}
#else
static void take_time(const tr__connection *c)
{
    (void)c;
}
#endif

/* Our own statements are short, and a "rollback" has to be done all the same. */
static int look(void *ctx)
{
    tr__connection *c = ctx;

    take_time(c);
    return !c->is_ours && gives_up(c);
}

/* Another process, or a checkpoint, has it locked, for the tries-th time: wait, or give up (0). */
static int wait_while_busy(void *ctx, int tries)
{
    tr__connection *c = ctx;
    uint64_t now_ns = tr__now_ns();
    uint64_t pause_ms = tries < BUSY_LONGEST ? (uint64_t)tries + 1 : BUSY_LONGEST;

    if (tries == 0) {
        c->busy_since_ns = now_ns;
        tr__bump_u64(&c->busy, 1);
    }
    if (gives_up(c) || now_ns - c->busy_since_ns >= c->options->busy_ns)
        return 0;
    (void)tr__futex_wait(&c->busy_word, 0, now_ns + pause_ms * MILLISECOND); /* until then */
    return 1;
}

/* Pragmas that would change one connection, or take from under the library what it stands on. */
static bool is_for_setup(const char *pragma)
{
    static const char *const names[] = {
        "foreign_keys",
        "journal_mode",
        "locking_mode",
        "query_only",
        "synchronous",
        "trusted_schema",
        "temp_store",
        "writable_schema",
        "cache_size",
        "busy_timeout",
        "mmap_size",
        "wal_autocheckpoint",
        "recursive_triggers",
        "read_uncommitted",
        "case_sensitive_like",
        "temp_store_directory",
        "data_store_directory",
        "hard_heap_limit",
        "soft_heap_limit",
        "threads",
        "automatic_index",
        "cell_size_check",
        "ignore_check_constraints",
        "legacy_alter_table",
        "reverse_unordered_selects",
        "journal_size_limit",
        "page_size",
        "cache_spill",
    };

    for (size_t i = 0; i < sizeof(names) / sizeof(names[0]); i++)
        if (sqlite3_stricmp(pragma, names[i]) == 0)
            return true;
    return false;
}

static int refuse(tr__connection *c, const char *what, const char *instead)
{
    (void)tr__connection_refuse(c, 0, "%s can't be said here: %s", what, instead);
    return SQLITE_DENY;
}

static int authorize(void *ctx, int action, const char *a, const char *b, const char *schema,
                     const char *inside)
{
    tr__connection *c = ctx;

    (void)schema;
    (void)inside;
    if (c->is_ours)
        return SQLITE_OK;
    switch (action) {
    case SQLITE_TRANSACTION:
    case SQLITE_SAVEPOINT:
        return refuse(c, a, "TR_DB_TRANSACTION and tr_db_write make transactions");
    case SQLITE_ATTACH:
        return refuse(c, "ATTACH", "it belongs into tr_db_config.setup");
    case SQLITE_DETACH:
        return refuse(c, "DETACH", "all connections have the same databases");
    case SQLITE_PRAGMA:
        return b != NULL && is_for_setup(a)
                   ? refuse(c, a, "this pragma belongs into tr_db_config.setup")
                   : SQLITE_OK;
    default:
        return SQLITE_OK;
    }
}

/* ---- opening ---- */

/* Against absurd input: each is far above what a program means, and low enough that neither the
 * stack nor the memory ends before. */
static void set_limits(sqlite3 *handle)
{
    static const struct {
        int limit;
        int value;
    } limits[] = {
        { SQLITE_LIMIT_LENGTH, 64 << 20 },          { SQLITE_LIMIT_SQL_LENGTH, 1 << 20 },
        { SQLITE_LIMIT_EXPR_DEPTH, 200 },           { SQLITE_LIMIT_COMPOUND_SELECT, 100 },
        { SQLITE_LIMIT_TRIGGER_DEPTH, 50 },         { SQLITE_LIMIT_VDBE_OP, 10 * 1000 * 1000 },
        { SQLITE_LIMIT_LIKE_PATTERN_LENGTH, 1000 }, { SQLITE_LIMIT_WORKER_THREADS, 0 },
    };

    for (size_t i = 0; i < sizeof(limits) / sizeof(limits[0]); i++)
        (void)sqlite3_limit(handle, limits[i].limit, limits[i].value); /* returns the old one */
}

static int set_switches(sqlite3 *handle)
{
    static const struct {
        int op;
        int is_on;
    } switches[] = {
        { SQLITE_DBCONFIG_DEFENSIVE, 1 },
        { SQLITE_DBCONFIG_TRUSTED_SCHEMA, 0 },
        { SQLITE_DBCONFIG_ENABLE_LOAD_EXTENSION, 0 },
        { SQLITE_DBCONFIG_ENABLE_FKEY, 1 },
        { SQLITE_DBCONFIG_DQS_DML, 0 },
    };
    int code = SQLITE_OK;

    for (size_t i = 0; code == SQLITE_OK && i < sizeof(switches) / sizeof(switches[0]); i++)
        code = sqlite3_db_config(handle, switches[i].op, switches[i].is_on, NULL);
    return code;
}

static int open_handle(tr__connection *c, tr__connection_kind kind)
{
    const tr__db_options *options = c->options;
    int flags = SQLITE_OPEN_NOMUTEX | SQLITE_OPEN_EXRESCODE;
    int code;

    if (options->is_read_only)
        flags |= SQLITE_OPEN_READONLY;
    else
        flags |= SQLITE_OPEN_READWRITE | (kind == TR__CONNECTION_WRITES ? SQLITE_OPEN_CREATE : 0);
    code = sqlite3_open_v2(options->path, &c->handle, flags, options->vfs);
    if (code != SQLITE_OK)
        return code;
    set_limits(c->handle);
    code = set_switches(c->handle);
    if (code == SQLITE_OK)
        code = sqlite3_busy_handler(c->handle, wait_while_busy, c);
    if (code == SQLITE_OK)
        code = sqlite3_set_authorizer(c->handle, authorize, c);
    sqlite3_progress_handler(c->handle, LOOK_STEPS, look, c);
    return code;
}

/* SQLite answers with the mode that it is in, whatever was asked for; and it answers before it has
 * written so into the file, which the next step does. Where that fails, it goes on with a journal,
 * and may undo at the next power cut what it has committed. */
static int enter_wal(tr__connection *c)
{
    tr__statement *s;
    int rc = tr__statement_take(c, "pragma journal_mode = wal", true, &s);
    bool is_wal = false;

    if (rc < 0)
        return rc;
    rc = tr__statement_step(c, s);
    if (rc == 1) {
        is_wal = sqlite3_stricmp((const char *)sqlite3_column_text(s->handle, 0), "wal") == 0;
        rc = tr__statement_step(c, s);
    }
    tr__statement_give(c, s);
    if (rc >= 0 && !is_wal)
        return tr__connection_refuse(c, -ENOTSUP,
                                     "the file system has no shared memory, which WAL needs");
    return rc < 0 ? rc : 0;
}

static int prepare_undo(tr__connection *c)
{
    int code;

    c->is_ours = true;
    code = sqlite3_prepare_v3(c->handle, "rollback", -1, SQLITE_PREPARE_PERSISTENT, &c->undo, NULL);
    c->is_ours = false;
    return code == SQLITE_OK ? 0 : tr__connection_failed(c, code);
}

static int set_up(tr__connection *c, tr__connection_kind kind)
{
    const tr__db_options *options = c->options;
    int rc = prepare_undo(c);

    if (rc == 0 && !options->is_memory && !options->is_read_only && kind == TR__CONNECTION_WRITES)
        rc = enter_wal(c);
    if (rc == 0)
        rc =
            tr__connection_do(c, options->durability == TR_DB_FULL ? "pragma synchronous = full"
                                                                   : "pragma synchronous = normal");
    if (rc == 0 && options->setup != NULL)
        rc = tr__connection_script(c, options->setup, true);
    if (rc < 0)
        return rc;
    if (kind == TR__CONNECTION_READS)
        return tr__connection_do(c, "pragma query_only = true");
    c->is_secure = options->is_memory || options->is_read_only; /* where there is no log of ours */
    return c->is_secure ? 0 : tr__log_watch(c);
}

static bool never_waits(void *unused)
{
    (void)unused;
    return true;
}

/* Where it can't be, it is tried again when a transaction begins. */
static void secure(tr__connection *c)
{
    if (c->is_secure || tr__connection_begin(c) < 0)
        return;
    tr__connection_roll_back(c);
    tr__connection_end(c);
}

int tr__connection_open(tr__connection *connection, const tr__db_options *options,
                        tr__connection_kind kind)
{
    int code;
    int rc;

    connection->options = options;
    tr__list_init(&connection->statements);
    tr__connection_enter(connection);
    code = open_handle(connection, kind);
    rc = code == SQLITE_OK ? set_up(connection, kind) : tr__connection_failed(connection, code);
    if (rc < 0) {
        tr__connection_close(connection);
    } else if (kind == TR__CONNECTION_WRITES) {
        connection->gives_up = never_waits; /* until the next job: nobody waits for an opening */
        secure(connection);
        connection->why[0] = '\0';
    }
    tr__connection_leave(connection);
    return rc;
}

void tr__connection_close(tr__connection *connection)
{
    if (connection->handle == NULL)
        return;
    if (!connection->is_secure) /* the log stays, for who writes next */
        (void)sqlite3_db_config(connection->handle, SQLITE_DBCONFIG_NO_CKPT_ON_CLOSE, 1, NULL);
    tr__statements_forget(connection);
    (void)sqlite3_finalize(connection->undo); /* tells what its last step has told */
    connection->undo = NULL;
    (void)sqlite3_close_v2(connection->handle); /* it can't fail without statements */
    connection->handle = NULL;
}

/* ---- statements of our own ---- */

int tr__connection_do(tr__connection *connection, const char *sql)
{
    tr__statement *s;
    int rc = tr__statement_take(connection, sql, true, &s);

    if (rc < 0)
        return rc;
    do
        rc = tr__statement_step(connection, s);
    while (rc == 1);
    tr__statement_give(connection, s);
    return rc;
}

int tr__connection_begin(tr__connection *connection)
{
    int rc = tr__connection_do(connection, "begin immediate");

    connection->is_inside = rc == 0;
    connection->undone = 0;
    if (rc < 0 || connection->is_secure)
        return rc;
    rc = tr__log_secure(connection);
    if (rc < 0) {
        tr__connection_roll_back(connection);
        tr__connection_end(connection);
    }
    return rc;
}

int tr__connection_check(tr__connection *connection)
{
    if (!connection->is_inside || connection->undone == 0)
        return 0;
    return tr__connection_refuse(connection, connection->undone,
                                 "the transaction has been rolled back before");
}

void tr__connection_end(tr__connection *connection)
{
    connection->is_inside = false;
}

void tr__connection_roll_back(tr__connection *connection)
{
    if (sqlite3_get_autocommit(connection->handle) != 0)
        return;
    connection->is_ours = true;            /* it may be compiled again */
    (void)sqlite3_step(connection->undo);  /* what counts is what came of it: see below */
    (void)sqlite3_reset(connection->undo); /* tells the same again */
    connection->is_ours = false;
    connection->must_undo = sqlite3_get_autocommit(connection->handle) == 0;
}

int tr__connection_settle(tr__connection *connection)
{
    if (!connection->must_undo)
        return 0;
    connection->must_undo = false;
    tr__connection_roll_back(connection);
    return tr__connection_refuse(connection, TR_ENOMEM, "out of memory");
}

/* The first statement of a text; *sql is what is left of it. */
static int do_first(tr__connection *c, const char **sql)
{
    sqlite3_stmt *handle;
    int code = sqlite3_prepare_v2(c->handle, *sql, -1, &handle, sql);

    while (code == SQLITE_OK || code == SQLITE_ROW) {
        if (handle == NULL)
            return 0;
        code = sqlite3_step(handle);
    }
    if (code != SQLITE_DONE)
        code = tr__connection_failed(c, code);
    else
        code = 0;
    (void)sqlite3_finalize(handle); /* tells the same again */
    return code;
}

int tr__connection_script(tr__connection *connection, const char *sql, bool is_ours)
{
    int rc = 0;

    connection->is_ours = is_ours;
    while (rc == 0 && *sql != '\0')
        rc = do_first(connection, &sql);
    connection->is_ours = false;
    return rc;
}
