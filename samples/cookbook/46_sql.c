/* SQL: statements, values, and rows one by one.
 *
 *   Prints:  3 are in
 *            apple costs 0.50
 *            bread costs 2.20
 *            cheap ones: 2; the dearest: cheese
 *            apple is there already
 *            UNIQUE constraint failed: items.name */
#include <stdio.h>
#include <troupe/db.h>

static const tr_db_migration schema[] = {
    { .name = "items",
      .sql = "create table items (id integer primary key, name text unique, price real);" },
    { 0 }
};

static int fill(tr_db *db) /* values stand for the question marks, and never become SQL */
{
    static const char add[] = "insert into items (name, price) values (?, ?)";
    int rc;

    if ((rc = tr_db_exec(db, add, "apple", 0.5)) < 0 ||
        (rc = tr_db_exec(db, add, "bread", 2.2)) < 0 || (rc = tr_db_exec(db, add, "cheese", 9)) < 0)
        return rc; /* each is on disk when it returns; how many rows it has changed */
    return printf("3 are in\n");
}

static int show(tr_db *db)
{
    tr_db_rows *dearest tr_cleanup_rows = NULL; /* closed however this ends */
    int rc, cheap = 0;

    TR_DB_EACH(row, &rc, db, "select name, price from items where price < ? order by id", 5) {
        printf("%s costs %.2f\n", tr_db_text(row, 0), tr_db_real(row, 1));
        cheap++;
    }
    if (rc == 0) /* a single row; TR_ENOENT: there is none */
        rc = tr_db_one(&dearest, db, "select name from items order by price desc");
    return rc < 0 ? rc : printf("cheap ones: %d; the dearest: %s\n", cheap, tr_db_text(dearest, 0));
}

static int app(void *arg)
{
    tr_db *db = NULL;
    int rc = tr_db_open(&db, &(tr_db_config){ .path = "shop.db", .migrations = schema });

    (void)arg;
    if (rc == 0)
        rc = fill(db);
    if (rc >= 0)
        rc = show(db);
    if (rc >= 0)
        rc = tr_db_exec(db, "insert into items (name) values (?)", "apple");
    if (rc == TR_EEXIST)
        rc = printf("apple is there already\n%s\n", tr_db_why());
    (void)tr_db_close(db); /* nobody holds rows of it any more */
    return rc;
}

int main(int argc, char **argv)
{
    return tr_main(argc, argv, app, NULL, NULL);
}
