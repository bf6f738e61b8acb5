/* A database is opened, read in all ways, and closed, while each call that may fail does. */
#include "support/sweep.h"

#include <troupe/db.h>

static char path[64];

struct number {
    int64_t x;
    const char *t;
};
TR_DECLARE(number, TR_INTEGER(number, x), TR_TEXT(number, t));

#define NUMBERS                                                                                    \
    "with recursive c(x) as (select 1 union all select x + 1 from c where x < ?) "                 \
    "select x, printf('%0200d', x) as t from c"

static int read_in_job(tr_db *job, void *unused)
{
    int64_t sum = 0;
    int rc;

    (void)unused;
    TR_DB_EACH(row, &rc, job, "values (1), (2)")
        sum += tr_db_int(row, 0);
    MUST(rc < 0 || sum == 3);
    return rc;
}

static int read_stream(tr_db *db)
{
    int64_t count = 0;
    int rc;

    TR_DB_EACH(row, &rc, db, NUMBERS, 600)
        MUST(tr_db_int(row, 0) == ++count && strlen(tr_db_text(row, 1)) == 200);
    MUST(rc < 0 || count == 600);
    return rc;
}

static int read_array(tr_db *db)
{
    struct number *numbers = NULL;
    size_t count = 0;
    tr_db_rows *rows tr_cleanup_rows = NULL;
    int rc = tr_db_query(&rows, db, NUMBERS, 600);

    if (rc == 0)
        rc = tr_db_all(rows, number, &numbers, &count);
    MUST(rc < 0 ? count == 0 && numbers == NULL : count == 600 && numbers[599].x == 600);
    return rc;
}

static int use(tr_db *db)
{
    tr_db_rows *row = NULL;
    int rc = tr_db_exec(db, "create table t (n)");

    if (rc == 0)
        rc = tr_db_exec(db, "insert into t values (?)", "one");
    if (rc == 1)
        rc = tr_db_one(&row, db, "select n from t");
    MUST(rc < 0 || strcmp(tr_db_text(row, 0), "one") == 0);
    tr_db_rows_close(row);
    if (rc == 0)
        rc = tr_db_read(db, read_in_job, NULL);
    if (rc == 0)
        rc = read_stream(db);
    if (rc == 0)
        rc = read_array(db);
    if (rc == 0 && tr_db_exec(db, "nonsense") != TR_ESQL) /* its sentence needs memory, too */
        rc = TR_ENOMEM;
    return rc;
}

static int root(void *unused)
{
    tr_db *db = NULL;
    int rc = tr_db_open(&db, &(tr_db_config){ .path = path, .readers = 2 });

    (void)unused;
    if (rc < 0)
        return rc;
    rc = use(db);
    MUST(tr_db_close(db) == 0);
    return rc;
}

static void run(void *unused)
{
    int rc = tr_run(root, unused, &(tr_config){ .loops = 1 });

    (void)unlink(path);
    MUST(rc == 0 || has_struck());
}

START_TEST(whatever_fails_a_database_is_closed_and_nothing_is_left)
{
    bool is_fast = access("/dev/shm", W_OK) == 0;

    (void)snprintf(path, sizeof(path), "%s/troupe-sweep-%d.db", is_fast ? "/dev/shm" : "/tmp",
                   (int)getpid());
    tr_log_set(NULL, NULL);
    sweep(run);
}
END_TEST

SUITE_MAIN("reads", whatever_fails_a_database_is_closed_and_nothing_is_left)
