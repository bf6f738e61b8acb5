/* Migrations: a schema that grows with its program.
 *
 *   Prints:  the first version keeps names
 *            the second has lower case ones, too: ann, bob */
#include <ctype.h>
#include <stdio.h>
#include <troupe/db.h>

static const char path[] = "people.db";
static const char create[] = "create table people (name text); insert into people values ('Ann');";

/* A step may be a function, for what SQL can't say. */
static int add_lower(tr_db *tx, void *arg)
{
    int rc, done = tr_db_exec(tx, "alter table people add column lower text");

    (void)arg;
    if (done < 0)
        return done;
    TR_DB_EACH(row, &rc, tx, "select rowid, name from people") {
        char lower[100];
        int i;

        for (i = 0; i < 99 && tr_db_text(row, 1)[i] != 0; i++)
            lower[i] = (char)tolower((unsigned char)tr_db_text(row, 1)[i]);
        if ((done = tr_db_exec(tx, "update people set lower = ? where rowid = ?",
                               TR_CHARS(lower, (size_t)i), tr_db_int(row, 0))) < 0)
            return done; /* the step is undone, and tried again when the program next starts */
    }
    return rc;
}

static int open_first(void)
{
    static const tr_db_migration steps[] = { { .name = "people", .sql = create }, { 0 } };
    tr_db *db = NULL;
    int rc = tr_db_open(&db, &(tr_db_config){ .path = path, .migrations = steps });

    if (rc == 0)
        rc = tr_db_exec(db, "insert into people values (?)", "Bob");
    (void)tr_db_close(db);
    return rc < 0 ? rc : printf("the first version keeps names\n");
}

static int open_second(void)
{
    static const tr_db_migration steps[] = { { .name = "people", .sql = create },
                                             { .name = "lower", .fn = add_lower },
                                             { 0 } };
    tr_db_rows *rows = NULL;
    tr_db *db = NULL;
    int rc = tr_db_open(&db, &(tr_db_config){ .path = path, .migrations = steps });

    if (rc == 0)
        rc = tr_db_one(&rows, db, "select group_concat(lower, ', ') from people");
    if (rc == 0)
        rc = printf("the second has lower case ones, too: %s\n", tr_db_text(rows, 0));
    tr_db_rows_close(rows);
    (void)tr_db_close(db);
    return rc;
}

static int app(void *arg)
{
    int rc = open_first();

    (void)arg;
    return rc < 0 ? rc : open_second();
}

int main(int argc, char **argv)
{
    return tr_main(argc, argv, app, NULL, NULL);
}
