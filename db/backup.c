/* A copy of a whole database, of one moment: a connection that reads holds that moment, while pages
 * are copied some at a time. So writers go on, and it can be cancelled. The copy is synced at its
 * end; one that does not come to its end is deleted. */
#include <string.h>

#include "db/code.h"
#include "db/database.h"
#include "db/writer.h"

enum { PAGES = 256 /* between two looks at whether to go on: some milliseconds */ };

static sqlite3_vfs *vfs_of(const tr__connection *c)
{
    return sqlite3_vfs_find(c->options->vfs);
}

static int refuse_file(tr__connection *c, const char *path)
{
    int is_there = 0;
    sqlite3_vfs *vfs = vfs_of(c);

    if (vfs == NULL || vfs->xAccess(vfs, path, SQLITE_ACCESS_EXISTS, &is_there) != SQLITE_OK)
        return tr__connection_refuse(c, TR_EIO, "%s can't be looked at", path);
    return is_there ? tr__connection_refuse(c, TR_EEXIST, "%s is there already", path) : 0;
}

static int pump(tr__connection *c, sqlite3_backup *copy)
{
    int code;

    do
        code = sqlite3_backup_step(copy, PAGES);
    while (code == SQLITE_OK && !c->gives_up(c->gives_up_ctx));
    return code == SQLITE_OK ? SQLITE_INTERRUPT : code;
}

/* target is open. */
static int copy_into(tr__connection *c, sqlite3 *target)
{
    sqlite3_backup *copy = sqlite3_backup_init(target, "main", c->handle, "main");
    int code = copy != NULL ? pump(c, copy) : sqlite3_errcode(target);
    int end = sqlite3_backup_finish(copy); /* NULL is allowed */

    if (code == SQLITE_DONE)
        code = end;
    if (code == SQLITE_OK)
        return 0;
    return tr__connection_refuse(c, tr__db_code(code), "the copy: %s", sqlite3_errstr(code));
}

static int copy_to(tr__connection *c, const char *path)
{
    sqlite3 *target = NULL;
    int code = sqlite3_open_v2(path, &target,
                               SQLITE_OPEN_READWRITE | SQLITE_OPEN_CREATE | SQLITE_OPEN_NOMUTEX,
                               c->options->vfs);
    int rc = code == SQLITE_OK ? copy_into(c, target)
                               : tr__connection_refuse(c, tr__db_code(code), "%s: %s", path,
                                                       sqlite3_errstr(code));

    (void)sqlite3_close(target); /* it has no statements */
    if (rc < 0)
        (void)vfs_of(c)->xDelete(vfs_of(c), path, 0); /* it may never have been made */
    return rc;
}

static int back_up(tr_db *job, void *path)
{
    tr__connection *c = job->connection;
    int rc = refuse_file(c, path);

    if (rc == 0)
        rc = tr__connection_do(c, "begin");
    if (rc == 0)
        rc = tr__connection_do(c, "select 0 from sqlite_schema limit 1"); /* the moment is now */
    if (rc == 0)
        rc = copy_to(c, path);
    tr__connection_roll_back(c); /* it has changed nothing */
    return rc;
}

int tr_db_backup(tr_db *db, const char *path)
{
    char why[TR__WHY_BYTES] = "";
    void *arg = (void *)(uintptr_t)path; /* it is only read */
    int rc = path != NULL && path[0] != '\0' ? tr__database_enter(db) : TR_EINVAL;

    if (rc < 0)
        return rc;
    if (db->run != NULL)
        rc = TR_EWRONGPLACE; /* what is not committed yet is nobody else's */
    else if (db->base->readers.count > 0)
        rc = tr__db_run_read(db, back_up, arg, why);
    else
        rc = tr__writer_run_bare(db->base, back_up, arg, why);
    return tr__database_leave(db, rc, why);
}
