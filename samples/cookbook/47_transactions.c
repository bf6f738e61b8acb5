/* Transactions: all of it or nothing, whichever way the block is left.
 *
 *   Prints:  30 moved: Ann has 70, Bob 30
 *            100 are too many: a constraint of the database forbids it
 *            Eve has no account: No such file or directory
 *            Ann has 70, Bob 30 */
#include <stdio.h>
#include <troupe/db.h>

static const tr_db_migration schema[] = {
    { .name = "accounts",
      .sql = "create table accounts (name text primary key, cents integer check (cents >= 0));"
             "insert into accounts values ('Ann', 100), ('Bob', 0);" },
    { 0 }
};

static int move(tr_db *db, const char *from, const char *to, int cents)
{
    int rc;

    TR_DB_TRANSACTION(tx, &rc, db) { /* nobody else writes meanwhile; it may await others */
        rc = tr_db_exec(tx, "update accounts set cents = cents + ? where name = ?", cents, to);
        if (rc == 0)
            return TR_ENOENT; /* nobody of that name: rolled back */
        if (rc > 0)
            rc =
                tr_db_exec(tx, "update accounts set cents = cents - ? where name = ?", cents, from);
    } /* committed, unless rc is an error */
    return rc;
}

static int show(tr_db *db)
{
    tr_db_rows *ann tr_cleanup_rows = NULL, *bob tr_cleanup_rows = NULL;
    int rc;

    TR_DB_SNAPSHOT(tx, &rc, db) { /* both are of one moment, whoever writes */
        rc = tr_db_one(&ann, tx, "select cents from accounts where name = 'Ann'");
        if (rc == 0)
            rc = tr_db_one(&bob, tx, "select cents from accounts where name = 'Bob'");
    }
    return rc < 0 ? rc
                  : printf("Ann has %d, Bob %d\n", (int)tr_db_int(ann, 0), (int)tr_db_int(bob, 0));
}

static int move_some(tr_db *db)
{
    int rc = move(db, "Ann", "Bob", 30);

    if (rc < 0)
        return rc;
    printf("30 moved: ");
    if ((rc = show(db)) < 0)
        return rc;
    if ((rc = move(db, "Ann", "Bob", 100)) != TR_ECONSTRAINT)
        return rc;
    printf("100 are too many: %s\n", tr_strerror(rc));
    if ((rc = move(db, "Ann", "Eve", 1)) != TR_ENOENT)
        return rc;
    printf("Eve has no account: %s\n", tr_strerror(rc));
    return show(db);
}

static int app(void *arg)
{
    tr_db *db = NULL;
    int rc = tr_db_open(&db, &(tr_db_config){ .path = "bank.db", .migrations = schema });

    (void)arg;
    if (rc == 0)
        rc = move_some(db);
    (void)tr_db_close(db);
    return rc;
}

int main(int argc, char **argv)
{
    return tr_main(argc, argv, app, NULL, NULL);
}
