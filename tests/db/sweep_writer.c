/* Each allocation in turn fails, of the library's and of SQLite's own, and each call that may,
 * while a database is opened, migrated, written to in all ways, copied, and closed: nothing hangs
 * or is left, what was told as done is there, and what was told as failed is not. */
#include <sqlite3.h>
#include <troupe/db.h>
#include <troupe/sim_disk.h>

#include "base/seam.h"
#include "support/sweep.h"

/* ---- SQLite's memory ---- */

enum { HEADER = 16 };

static void *allocate(int bytes)
{
    char *block = tr__alloc((size_t)bytes + HEADER);

    if (block == NULL)
        return NULL;
    *(int *)(void *)block = bytes;
    return block + HEADER;
}

static void release(void *data)
{
    if (data != NULL)
        tr__free((char *)data - HEADER);
}

static int size_of(void *data)
{
    return data != NULL ? *(int *)(void *)((char *)data - HEADER) : 0;
}

static void *reallocate(void *data, int bytes)
{
    void *larger = allocate(bytes);

    if (larger == NULL)
        return NULL;
    memcpy(larger, data, (size_t)(size_of(data) < bytes ? size_of(data) : bytes));
    release(data);
    return larger;
}

static int round_up(int bytes)
{
    return (bytes + 7) & ~7;
}

static int begin_memory(void *unused)
{
    (void)unused;
    return SQLITE_OK;
}

static void end_memory(void *unused)
{
    (void)unused;
}

static void take_sqlites_memory(void)
{
    static sqlite3_mem_methods methods = {
        allocate, release, reallocate, size_of, round_up, begin_memory, end_memory, NULL,
    };

    ck_assert_int_eq(sqlite3_config(SQLITE_CONFIG_MALLOC, &methods), SQLITE_OK);
}

/* ---- the program ---- */

static int insert_two(tr_db *tx, void *arg)
{
    const int *key = arg;
    int rc = tr_db_exec(tx, "insert into t values (?, 1)", *key);

    return rc < 0 ? rc : tr_db_exec(tx, "insert into t values (?, 2)", *key);
}

static int insert_in_transaction(tr_db *db, int key)
{
    int rc;

    TR_DB_TRANSACTION(tx, &rc, db) {
        rc = tr_db_exec(tx, "insert into t values (?, 1)", key);
        if (rc > 0)
            rc = tr_db_write(tx, insert_two, &(int){ key + 10 });
        if (rc > 0)
            rc = tr_db_exec(tx, "insert into t values (?, 2)", key);
    }
    return rc;
}

static int insert_and_leave(tr_db *db, int key)
{
    int rc;

    TR_DB_TRANSACTION(tx, &rc, db) {
        rc = tr_db_exec(tx, "insert into t values (?, 1)", key);
        break; /* it is rolled back */
    }
    return rc;
}

struct write_one_args {
    tr_db *db;
    int key;
    int *result;
};

static int write_one(void *arg)
{
    const struct write_one_args *a = arg;

    *a->result = tr_db_write(a->db, insert_two, (void *)(uintptr_t)&a->key);
    return 0;
}

static int rows_of(tr_db *db, int key)
{
    tr_db_rows *row;
    int rows = -1;

    if (tr_db_one(&row, db, "select count(*) from t where key = ?", key) < 0)
        return -1;
    rows = (int)tr_db_int(row, 0);
    tr_db_rows_close(row);
    return rows;
}

/* A call may have failed after all; then nothing is known. */
static void must_be(tr_db *db, int key, int rc, bool was_tried)
{
    int rows = was_tried ? rows_of(db, key) : 0;

    MUST(rc >= 0 || has_struck());
    MUST(rows == (rc >= 0 ? 2 : 0) || (rows < 0 && has_struck()) || rc == TR_EIO);
}

static int open_it(tr_db **db)
{
    static const tr_db_migration steps[] = {
        { .name = "t", .sql = "create table t (key, half)" },
        { 0 },
    };

    return tr_db_open(db, &(tr_db_config){ .path = "a.db", .migrations = steps, .readers = 1 });
}

static void write_all(tr_db *db)
{
    int results[3] = { TR_ENOMEM, TR_ENOMEM, TR_ENOMEM };
    int rc = insert_and_leave(db, 7), tx;
    bool has_struck_before = has_struck();

    MUST(rc >= 0 || has_struck_before);
    TR_SCOPE(s, &rc) {
        for (int i = 0; i < 3; i++)
            (void)tr_go(s, write_one, .db = db, .key = i, .result = &results[i]); /* see results */
    }
    MUST(rc == 0 || has_struck());
    tx = insert_in_transaction(db, 5);
    MUST(tx >= 0 || !has_struck_before); /* what has failed is over */
    rc = rows_of(db, 7);
    MUST(rc == 0 || (rc < 0 && !has_struck_before && has_struck()));
    for (int i = 0; i < 3; i++)
        must_be(db, i, results[i], true);
    must_be(db, 5, tx, true);
    must_be(db, 15, tx, true);
}

static int use_database(void *unused)
{
    tr_db *db = NULL;
    int rc = open_it(&db);

    (void)unused;
    MUST(rc == 0 || (has_struck() && db == NULL));
    if (rc < 0)
        return 0;
    write_all(db);
    rc = tr_db_backup(db, "b.db");
    MUST(rc == 0 || has_struck());
    MUST(tr_db_close(db) == 0);
    return 0;
}

static void run(void *unused)
{
    tr_sim_disk *disk;
    int rc;

    rc = tr_sim_disk_new(&disk);
    MUST(rc == 0 || has_struck()); /* SQLite itself begins here */
    if (rc == 0)
        rc = tr_run(use_database, unused, &(tr_config){ .loops = 1, .signals = -1 });
    MUST(rc == 0 || has_struck());
    tr_sim_disk_free(disk);
    (void)sqlite3_shutdown(); /* what it keeps for the process, too */
}

START_TEST(whatever_fails_nothing_is_left_and_what_was_told_is_so)
{
    take_sqlites_memory();
    sweep(run);
    ck_assert_uint_gt(sweep_now.end, 1000); /* SQLite's are among them */
}
END_TEST

SUITE_MAIN("db/sweep_writer", whatever_fails_nothing_is_left_and_what_was_told_is_so)
