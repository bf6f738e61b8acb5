/* SQLite alone, in one thread, as one writes it by hand: prepared statements, WAL, an fsync for
 * each insert. */
#include "db.h"

#include <sqlite3.h>

struct plain {
    sqlite3 *db;
    sqlite3_stmt *statement;
};

static int prepare(struct plain *p, const char *sql)
{
    return sqlite3_prepare_v3(p->db, sql, -1, SQLITE_PREPARE_PERSISTENT, &p->statement, NULL);
}

static int insert(struct plain *p, int64_t n)
{
    int rc;

    (void)sqlite3_bind_text(p->statement, 1, "an item of the benchmark", -1, SQLITE_STATIC);
    (void)sqlite3_bind_int64(p->statement, 2, n);
    rc = sqlite3_step(p->statement);
    (void)sqlite3_reset(p->statement); /* it says again what step has said */
    return rc == SQLITE_DONE ? 0 : TR_EIO;
}

static int select_one(struct plain *p, int64_t id)
{
    int rc;

    (void)sqlite3_bind_int64(p->statement, 1, id);
    rc = sqlite3_step(p->statement) == SQLITE_ROW && sqlite3_column_text(p->statement, 0) != NULL &&
                 sqlite3_column_int64(p->statement, 1) == id
             ? 0
             : TR_EIO;
    (void)sqlite3_reset(p->statement);
    return rc;
}

static int open_plain(struct plain *p, const char *path)
{
    if (sqlite3_open_v2(path, &p->db,
                        SQLITE_OPEN_READWRITE | SQLITE_OPEN_CREATE | SQLITE_OPEN_NOMUTEX, NULL) ||
        sqlite3_exec(p->db, "pragma journal_mode = wal; pragma synchronous = full; " DB_BENCH_TABLE,
                     NULL, NULL, NULL) ||
        prepare(p, DB_BENCH_INSERT))
        return TR_EIO;
    return 0;
}

static void close_plain(struct plain *p)
{
    (void)sqlite3_finalize(p->statement);
    (void)sqlite3_close(p->db);
}

int run_plain_writes(struct run *run)
{
    struct plain p = { 0 };
    int rc = open_plain(&p, run->path);

    begin_counting(run);
    while (rc == 0 && now_s() < run->until_s) {
        rc = insert(&p, run->count);
        run->count += rc == 0;
    }
    end_counting(run);
    close_plain(&p);
    return rc;
}

static int fill(struct plain *p)
{
    int rc = sqlite3_exec(p->db, "begin", NULL, NULL, NULL) == SQLITE_OK ? 0 : TR_EIO;

    for (int i = 1; i <= ROWS && rc == 0; i++)
        rc = insert(p, i);
    if (rc == 0 && sqlite3_exec(p->db, "commit", NULL, NULL, NULL) != SQLITE_OK)
        rc = TR_EIO;
    (void)sqlite3_finalize(p->statement);
    return rc == 0 && prepare(p, DB_BENCH_SELECT) == SQLITE_OK ? 0 : TR_EIO;
}

int run_plain_reads(struct run *run)
{
    struct plain p = { 0 };
    int rc = open_plain(&p, run->path);

    if (rc == 0)
        rc = fill(&p);
    begin_counting(run);
    while (rc == 0 && now_s() < run->until_s) {
        run->dice = run->dice * 1664525 + 1013904223;
        rc = select_one(&p, (int64_t)(run->dice >> 8) % ROWS + 1);
        run->count += rc == 0;
    }
    end_counting(run);
    close_plain(&p);
    return rc;
}
