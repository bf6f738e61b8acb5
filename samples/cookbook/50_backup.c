/* Backup: a copy of one moment, while others go on.
 *
 *   Prints:  there is a copy: it exists already
 *            the copy has as many lines as its counter says
 *            it can't be written to: Read-only file system */
#include <errno.h>
#include <stdio.h>
#include <troupe/db.h>

static const tr_db_migration schema[] = { { .name = "lines",
                                            .sql = "create table lines (text text);"
                                                   "create table counter (lines integer);"
                                                   "insert into counter values (0);" },
                                          { 0 } };

static int add_line(tr_db *tx, void *arg)
{
    int rc = tr_db_exec(tx, "insert into lines values ('something happened')");

    (void)arg;
    return rc < 0 ? rc : tr_db_exec(tx, "update counter set lines = lines + 1");
}

static int go_on(void *db)
{
    int rc = 0;

    for (int i = 0; rc >= 0 && i < 5; i++)
        rc = tr_db_write(db, add_line, NULL);
    return rc;
}

static int look_at_copy(void)
{
    tr_db_rows *rows = NULL;
    tr_db *copy = NULL;
    int rc = tr_db_open(&copy, &(tr_db_config){ .path = "copy.db", .is_read_only = true });

    if (rc == 0)
        rc = tr_db_one(&rows, copy, "select count(*) = (select lines from counter) from lines");
    if (rc == 0 && tr_db_int(rows, 0) == 1)
        rc = printf("the copy has as many lines as its counter says\n");
    tr_db_rows_close(rows);
    if (rc >= 0 && (rc = tr_db_exec(copy, "delete from lines")) == -EROFS)
        rc = printf("it can't be written to: %s\n", tr_strerror(-EROFS));
    (void)tr_db_close(copy);
    return rc;
}

static int app(void *arg)
{
    tr_db *db = NULL;
    int copied = 0, rc = tr_db_open(&db, &(tr_db_config){ .path = "log.db", .migrations = schema });

    (void)arg;
    if (rc < 0)
        return rc;
    TR_SCOPE(s, &rc) {
        tr_scope_spawn(s, go_on, db);
        copied = tr_db_backup(db, "copy.db");
    }
    if (copied == 0 && rc == 0 && (copied = tr_db_backup(db, "copy.db")) == TR_EEXIST)
        copied = printf("there is a copy: %s\n", tr_strerror(TR_EEXIST));
    (void)tr_db_close(db);
    return rc < 0 ? rc : copied < 0 ? copied : look_at_copy();
}

int main(int argc, char **argv)
{
    return tr_main(argc, argv, app, NULL, NULL);
}
