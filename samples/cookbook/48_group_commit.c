/* Group commit: what comes at the same time shares a transaction, and its fsync.
 *
 *   Prints:  19 visitors are on disk, 1 was refused
 *            the count is 19 */
#include <stdio.h>
#include <troupe/db.h>

enum { VISITORS = 20 };

static const tr_db_migration schema[] = {
    { .name = "visitors",
      .sql = "create table visitors (name text unique);"
             "create table figures (name text primary key, value integer);"
             "insert into figures values ('visitors', 0);" },
    { 0 }
};

struct visit_args {
    tr_db *db;
    int number;
    int *refused; /* siblings never run at the same time: they need no lock */
};

/* Statements that belong together: it runs on the thread of the database, in one transaction with
 * those of others, and fails for itself. */
static int write_visit(tr_db *tx, void *arg)
{
    const struct visit_args *a = arg;
    char name[24];
    int rc = tr_db_exec(tx, "update figures set value = value + 1 where name = 'visitors'");

    (void)snprintf(name, sizeof(name), "visitor %d", a->number % (VISITORS - 1)); /* 0 and 19 */
    return rc < 0 ? rc : tr_db_exec(tx, "insert into visitors values (?)", name);
}

static int visit(void *arg)
{
    struct visit_args *a = arg;
    int rc = tr_db_write(a->db, write_visit, a); /* when it returns, it is on disk */

    if (rc == TR_EEXIST)
        rc = ++*a->refused;
    return rc;
}

static int show(tr_db *db, int refused)
{
    tr_db_rows *figures tr_cleanup_rows = NULL;
    int rc = tr_db_one(&figures, db, "select (select count(*) from visitors), value from figures");

    if (rc < 0)
        return rc;
    printf("%d visitors are on disk, %d was refused\n", (int)tr_db_int(figures, 0), refused);
    return printf("the count is %d\n", (int)tr_db_int(figures, 1));
}

static int app(void *arg)
{
    tr_db *db = NULL;
    int refused = 0, rc = tr_db_open(&db, &(tr_db_config){ .path = "v.db", .migrations = schema });

    (void)arg;
    if (rc < 0)
        return rc;
    TR_SCOPE(s, &rc) {
        for (int i = 0; i < VISITORS; i++)
            tr_go(s, visit, .db = db, .number = i, .refused = &refused);
    }
    if (rc == 0)
        rc = show(db, refused);
    (void)tr_db_close(db);
    return rc;
}

int main(int argc, char **argv)
{
    return tr_main(argc, argv, app, NULL, NULL);
}
