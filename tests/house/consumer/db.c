/* What a user of the installed troupe-db might write first: consumer-db FILE. The exit status says
 * whether all went well. */
#include <stdio.h>
#include <string.h>

#include <troupe/db.h>

static int app(void *path)
{
    tr_db *db = NULL;
    int64_t sum = 0;
    int rc = tr_db_open(&db, &(tr_db_config){ .path = path });

    if (rc < 0)
        return rc;
    rc = tr_db_exec(db, "create table if not exists seen (n integer)");
    if (rc >= 0)
        rc = tr_db_exec(db, "insert into seen values (?), (?)", 40, 2);
    if (rc >= 0)
        TR_DB_EACH(row, &rc, db, "select n from seen")
            sum += tr_db_int(row, 0);
    printf("%s %d\n", rc < 0 ? tr_db_why() : "sum", (int)sum);
    (void)tr_db_close(db);
    return rc < 0 ? rc : sum > 0 && sum % 42 == 0 ? 0 : TR_EIO;
}

int main(int argc, char **argv)
{
    return argc == 2 ? tr_main(argc, argv, app, argv[1], NULL) : 2;
}
