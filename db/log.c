/* What a sync that has failed may have forgotten.
 *
 * Linux calls pages clean whose write has failed: a later sync does not write them again. What is
 * in SQLite's log behind its last commit does not matter, for the next commit writes there. But
 *
 *   - a log that is found when a database is opened may have, for all that is read, a commit in it
 *     whose sync has failed. What is committed behind it would be lost with it: so all of the log
 *     is written once more, and synced, before anything is added to it;
 *   - pages that checkpoints have copied out of the log, and not all of which were synced at once,
 *     may be lost with the log: so all that is in it counts as not copied.
 *
 * Until that is done nothing is copied, and no transaction begins. It needs the lock of who writes:
 * so nobody adds to the log meanwhile. */
#include <limits.h>

#include "base/atomic.h"
#include "db/code.h"
#include "db/connection.h"
#include "db/statement.h"

enum {
    PIECE_BYTES = 4096,
    /* As SQLite's documents describe the database's file (fileformat2.html): the versions for who
     * writes and who reads it. */
    VERSIONS_AT = 18,
    OF_WAL = 2,
    /* And the index of the log (walformat.html). */
    INDEX_BYTES = 32 * 1024,
    COPIED_AT = 96, /* how many frames are in the database file, a number of 32 bits */
    CHECKPOINT_LOCK = 1
};

static sqlite3_file *file_of(const tr__connection *c, const char *name, int which)
{
    sqlite3_file *file = NULL;

    (void)sqlite3_file_control(c->handle, name, which, &file); /* it leaves NULL, then */
    return file != NULL && file->pMethods != NULL ? file : NULL;
}

/* Another database that the setup has attached may have a journal. */
static bool has_log(sqlite3_file *file)
{
    unsigned char versions[2] = { 0 };

    return file->pMethods->iVersion >= 2 && /* it has shared memory */
           file->pMethods->xRead(file, versions, sizeof(versions), VERSIONS_AT) == SQLITE_OK &&
           versions[0] == OF_WAL && versions[1] == OF_WAL;
}

static int write_again(sqlite3_file *log)
{
    char piece[PIECE_BYTES];
    sqlite3_int64 bytes = 0;
    int code = log->pMethods->xFileSize(log, &bytes);

    for (sqlite3_int64 at = 0; code == SQLITE_OK && at < bytes; at += PIECE_BYTES) {
        int count = bytes - at < PIECE_BYTES ? (int)(bytes - at) : PIECE_BYTES;

        code = log->pMethods->xRead(log, piece, count, at);
        if (code == SQLITE_OK)
            code = log->pMethods->xWrite(log, piece, count, at);
    }
    return code == SQLITE_OK && bytes > 0 ? log->pMethods->xSync(log, SQLITE_SYNC_NORMAL) : code;
}

/* Nothing of the log counts as copied. */
static int copy_again(sqlite3_file *file)
{
    const sqlite3_io_methods *methods = file->pMethods;
    void volatile *index = NULL;
    int code = methods->xShmLock(file, CHECKPOINT_LOCK, 1, SQLITE_SHM_LOCK | SQLITE_SHM_EXCLUSIVE);

    if (code != SQLITE_OK)
        return code;
    code = methods->xShmMap(file, 0, INDEX_BYTES, 0, &index);
    /* release: as SQLite's own, which other processes read; nothing but the number is published. */
    if (code == SQLITE_OK && index != NULL)
        tr__store_release_u32((uint32_t *)((uintptr_t)index + COPIED_AT), 0);
    (void)methods->xShmLock(file, CHECKPOINT_LOCK, 1, SQLITE_SHM_UNLOCK | SQLITE_SHM_EXCLUSIVE);
    return code;
}

int tr__log_secure(tr__connection *connection)
{
    int code = SQLITE_OK;
    const char *name;

    for (int i = 0; code == SQLITE_OK && (name = sqlite3_db_name(connection->handle, i)) != NULL;
         i++) {
        sqlite3_file *file = file_of(connection, name, SQLITE_FCNTL_FILE_POINTER);
        sqlite3_file *log = file_of(connection, name, SQLITE_FCNTL_JOURNAL_POINTER);

        if (file == NULL || log == NULL || !has_log(file))
            continue; /* it is in memory, or not there yet */
        code = write_again(log);
        if (code == SQLITE_OK && connection->has_forgotten)
            code = copy_again(file);
    }
    if (code != SQLITE_OK)
        return tr__connection_refuse(
            connection, tr__db_code(code),
            "the log could not be written again, as a sync that has failed, "
            "or may have before, wants it: %s",
            sqlite3_errstr(code));
    connection->is_secure = true;
    connection->has_forgotten = false;
    return 0;
}

void tr__log_forgot(tr__connection *connection)
{
    connection->is_secure = false;
    connection->has_forgotten = true;
}

/* In the place of SQLite's own, which does not tell what has become of it. */
static int on_commit(void *ctx, sqlite3 *handle, const char *name, int frames)
{
    tr__connection *c = ctx;

    if (frames < c->checkpoint_frames || !c->is_secure)
        return SQLITE_OK;
    if (sqlite3_wal_checkpoint_v2(handle, name, SQLITE_CHECKPOINT_PASSIVE, NULL, NULL) ==
        SQLITE_IOERR_FSYNC)
        tr__log_forgot(c);
    return SQLITE_OK; /* the commit is done all the same, and the next one tries again */
}

int tr__log_watch(tr__connection *connection)
{
    tr__statement *s;
    int rc = tr__statement_take(connection, "pragma wal_autocheckpoint", true, &s);

    if (rc < 0)
        return rc;
    rc = tr__statement_step(connection, s);
    connection->checkpoint_frames = rc == 1 ? sqlite3_column_int(s->handle, 0) : 0;
    tr__statement_give(connection, s);
    if (connection->checkpoint_frames <= 0)
        connection->checkpoint_frames = INT_MAX;
    (void)sqlite3_wal_hook(connection->handle, on_commit, connection); /* returns the old one's */
    return rc < 0 ? rc : 0;
}
