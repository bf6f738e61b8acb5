/* The simulated disk (<troupe/sim_disk.h>), under SQLite alone: connections of several threads
 * write, the power is cut at some moment, and what is found afterwards is compared with what was
 * acknowledged. */
#include <sqlite3.h>
#include <stdio.h>
#include <string.h>
#include <troupe/check.h>
#include <troupe/sim.h>
#include <troupe/sim_disk.h>

#include "support/suite.h"

enum { WRITERS = 3, PAIRS = 6, ROUNDS = 300 };

typedef struct kind {
    const char *setup;
    double failures;
    bool is_cut;
} kind;

static const kind *how;
static tr_sim_disk *disk;
static bool was_acknowledged[WRITERS][PAIRS];
/* Of all rounds. */
static int acknowledged, lost, half, broken;

/* ---- SQLite, plainly ---- */

static sqlite3 *open_database(void)
{
    sqlite3 *db = NULL;

    (void)sqlite3_open_v2("a.db", &db,
                          SQLITE_OPEN_READWRITE | SQLITE_OPEN_CREATE | SQLITE_OPEN_NOMUTEX,
                          tr_sim_disk_name(disk)); /* of a disk that fails: each call says so */
    (void)sqlite3_busy_timeout(db, 60000);
    (void)sqlite3_exec(db, how->setup, NULL, NULL, NULL);
    return db;
}

static bool does(sqlite3 *db, const char *sql)
{
    return sqlite3_exec(db, sql, NULL, NULL, NULL) == SQLITE_OK;
}

/* The number that a query yields; -1: it fails. */
static int64_t number(sqlite3 *db, const char *sql)
{
    sqlite3_stmt *statement = NULL;
    int64_t result = -1;

    if (sqlite3_prepare_v2(db, sql, -1, &statement, NULL) == SQLITE_OK &&
        sqlite3_step(statement) == SQLITE_ROW)
        result = sqlite3_column_int64(statement, 0);
    (void)sqlite3_finalize(statement);
    return result;
}

/* ---- who writes ---- */

/* Two rows that belong together. */
static bool write_pair(sqlite3 *db, int key)
{
    char sql[256];
    bool is_done;

    (void)snprintf(sql, sizeof(sql),
                   "begin immediate;"
                   "insert into halves values (%d, 0, randomblob(3000));"
                   "insert into halves values (%d, 1, randomblob(20));"
                   "commit",
                   key, key);
    is_done = does(db, sql);
    if (!is_done)
        (void)does(db, "rollback"); /* it may have been done already */
    return is_done;
}

static void *write_pairs(void *arg)
{
    bool *acks = arg;
    int writer = (int)((acks - was_acknowledged[0]) / PAIRS);
    sqlite3 *db = open_database();

    for (int i = 0; i < PAIRS; i++)
        acks[i] = write_pair(db, writer * PAIRS + i);
    (void)sqlite3_close(db);
    return NULL;
}

static void write_all(void)
{
    tr_sim_thread *writers[WRITERS];

    for (int i = 0; i < WRITERS; i++)
        ck_assert_int_eq(
            tr_sim_thread_start(&writers[i], "writer", write_pairs, was_acknowledged[i]), 0);
    if (how->is_cut) {
        tr_sim_sleep((double)(tr_sim_random() % 1000) / 1000 * 0.4);
        tr_sim_disk_cut_power(disk);
    }
    for (int i = 0; i < WRITERS; i++)
        (void)tr_sim_thread_join(writers[i]);
}

/* ---- what is found ---- */

static void examine(sqlite3 *db)
{
    broken += number(db, "select count(*) from pragma_integrity_check where "
                         "integrity_check <> 'ok'") != 0;
    half += number(db, "select count(*) from (select 1 from halves group by key having "
                       "count(*) <> 2)") > 0;
    for (int key = 0; key < WRITERS * PAIRS; key++) {
        char sql[128];

        (void)snprintf(sql, sizeof(sql), "select count(*) from halves where key = %d", key);
        if (!was_acknowledged[key / PAIRS][key % PAIRS])
            continue;
        acknowledged++;
        lost += number(db, sql) != 2;
    }
}

static void try_once(void *unused)
{
    sqlite3 *db;

    (void)unused;
    memset(was_acknowledged, 0, sizeof(was_acknowledged));
    ck_assert_int_eq(tr_sim_disk_new(&disk), 0);
    db = open_database();
    ck_assert(does(db, "create table halves (key integer, half integer, filler blob)"));
    tr_sim_disk_set_latency(disk, 0.02);
    tr_sim_disk_set_failures(disk, how->failures);
    write_all();
    (void)sqlite3_close(db);
    tr_sim_disk_set_failures(disk, 0);
    db = open_database();
    examine(db);
    ck_assert_int_eq(sqlite3_close(db), SQLITE_OK);
    tr_sim_disk_free(disk);
}

static void try_all(const kind *one)
{
    how = one;
    acknowledged = lost = half = broken = 0;
    for (uint64_t seed = 1; seed <= ROUNDS; seed++)
        ck_assert_int_eq(
            tr_sim_run(try_once, NULL, &(tr_sim_options){ .seed = seed, .late = 0.02 }, NULL), 0);
    ck_assert_int_gt(acknowledged, ROUNDS);
}

#define WAL "pragma journal_mode = wal;"

START_TEST(what_was_synced_survives_a_power_cut)
{
    try_all(&(kind){ .setup = WAL "pragma synchronous = full", .is_cut = true });
    ck_assert_int_eq(lost + half + broken, 0);
    try_all(&(kind){ .setup = "pragma synchronous = extra", .is_cut = true });
    ck_assert_int_eq(lost + half + broken, 0);
}
END_TEST

START_TEST(without_syncs_writes_are_lost_and_files_broken)
{
    try_all(&(kind){ .setup = WAL "pragma synchronous = off; pragma wal_autocheckpoint = 5",
                     .is_cut = true });
    ck_assert_int_gt(lost, 0);
    ck_assert_int_gt(broken, 0);
}
END_TEST

/* Its commits wait for no sync of the folder: the journal may be there again. */
START_TEST(a_journal_comes_back_where_its_folder_was_not_synced)
{
    try_all(&(kind){ .setup = "pragma synchronous = full", .is_cut = true });
    ck_assert_int_gt(lost, 0);
    ck_assert_int_eq(half + broken, 0);
}
END_TEST

START_TEST(a_log_that_is_synced_now_and_then_loses_the_last_writes_only)
{
    try_all(&(kind){ .setup = WAL "pragma synchronous = normal; pragma wal_autocheckpoint = 5",
                     .is_cut = true });
    ck_assert_int_gt(lost, 0);
    ck_assert_int_eq(half + broken, 0);
}
END_TEST

START_TEST(a_disk_that_fails_loses_nothing_that_was_acknowledged)
{
    try_all(&(kind){ .setup = WAL "pragma synchronous = full; pragma wal_autocheckpoint = 5",
                     .failures = 0.01 });
    ck_assert_int_eq(lost + half + broken, 0);
}
END_TEST

/* To SQLite alone: troupe-db writes it again (db/log.c, tests/db/simulated_power.c). */
START_TEST(what_a_failed_sync_forgets_is_lost_when_the_power_goes)
{
    try_all(&(kind){ .setup = WAL "pragma synchronous = full; pragma wal_autocheckpoint = 5",
                     .failures = 0.01,
                     .is_cut = true });
    ck_assert_int_gt(lost + broken, 0);
}
END_TEST

/* ---- the folder of a log that is not new ---- */

/* A reader makes the log, and syncs nothing; whoever writes to it then has to sync its folder. */
static void write_to_the_log_of_another(void *unused)
{
    sqlite3 *reader, *writer, *after;
    bool is_done;

    (void)unused;
    ck_assert_int_eq(tr_sim_disk_new(&disk), 0);
    after = open_database();
    ck_assert(does(after, "create table t (x)"));
    ck_assert_int_eq(sqlite3_close(after), SQLITE_OK); /* its log is gone */
    reader = open_database();
    ck_assert_int_eq(number(reader, "select count(*) from t"), 0);
    writer = open_database();
    is_done = does(writer, "insert into t values (1)");
    tr_sim_disk_cut_power(disk);
    (void)sqlite3_close(reader);
    (void)sqlite3_close(writer);
    after = open_database();
    ck_assert(is_done);
    ck_assert_int_eq(number(after, "select count(*) from t"), 1);
    ck_assert_int_eq(sqlite3_close(after), SQLITE_OK);
    tr_sim_disk_free(disk);
}

START_TEST(who_writes_to_a_log_first_keeps_its_name)
{
    static const kind synced = { .setup = WAL "pragma synchronous = full" };

    how = &synced;
    for (uint64_t seed = 1; seed <= 20; seed++)
        ck_assert_int_eq(
            tr_sim_run(write_to_the_log_of_another, NULL, &(tr_sim_options){ .seed = seed }, NULL),
            0);
}
END_TEST

/* ---- limits ---- */

static void fill(void *unused)
{
    tr_sim_disk_figures before, after;
    sqlite3 *db;

    (void)unused;
    ck_assert_int_eq(tr_sim_disk_new(&disk), 0);
    db = open_database();
    ck_assert(does(db, "create table t (x blob)"));
    tr_sim_disk_get(disk, &before);
    tr_sim_disk_set_space(disk, before.bytes + 20000);
    ck_assert(does(db, "insert into t values (randomblob(100))"));
    ck_assert(!does(db, "insert into t values (randomblob(100000))"));
    ck_assert_int_eq(sqlite3_errcode(db), SQLITE_FULL);
    tr_sim_disk_get(disk, &after);
    ck_assert_uint_le(after.bytes, before.bytes + 20000);
    tr_sim_disk_set_space(disk, SIZE_MAX);
    ck_assert(does(db, "insert into t values (randomblob(100000))"));
    ck_assert_int_eq(number(db, "select count(*) from t"), 2);
    ck_assert_int_eq(sqlite3_close(db), SQLITE_OK);
    tr_sim_disk_free(disk);
}

START_TEST(a_full_disk_says_so_until_there_is_room)
{
    how = &(kind){ .setup = WAL };
    ck_assert_int_eq(tr_sim_run(fill, NULL, &(tr_sim_options){ .seed = 1 }, NULL), 0);
}
END_TEST

static void fail_each(void *unused)
{
    bool is_done = false;

    (void)unused;
    for (uint64_t n = 1; !is_done; n++) {
        tr_sim_disk_figures figures;
        sqlite3 *db;

        ck_assert_int_eq(tr_sim_disk_new(&disk), 0);
        tr_sim_disk_fail_next(disk, n, 1);
        db = open_database();
        is_done = does(db, "create table t (x)") && does(db, "insert into t values (1)");
        is_done = number(db, "select count(*) from t") == 1 && is_done;
        (void)sqlite3_close(db);
        tr_sim_disk_get(disk, &figures);
        ck_assert_uint_eq(figures.failures, figures.operations >= n);
        is_done = is_done && figures.failures == 0;
        tr_sim_disk_free(disk);
        ck_assert_uint_lt(n, 1000);
    }
}

START_TEST(each_operation_can_fail_once)
{
    how = &(kind){ .setup = WAL };
    ck_assert_int_eq(tr_sim_run(fail_each, NULL, &(tr_sim_options){ .seed = 1 }, NULL), 0);
}
END_TEST

/* ---- seeds ---- */

static int64_t last_random;

static void look_at_chance(void *unused)
{
    sqlite3 *db;

    (void)unused;
    ck_assert_int_eq(tr_sim_disk_new(&disk), 0);
    db = open_database();
    ck_assert(does(db, "create table t (x); insert into t values (random())"));
    ck_assert_int_eq(number(db, "select strftime('%Y')"), 2000);
    last_random = number(db, "select x from t");
    ck_assert_int_eq(sqlite3_close(db), SQLITE_OK);
    tr_sim_disk_free(disk);
}

START_TEST(chance_and_time_are_those_of_the_seed)
{
    tr_sim_figures once, again;
    int64_t first;

    how = &(kind){ .setup = WAL };
    ck_assert_int_eq(tr_sim_run(look_at_chance, NULL, &(tr_sim_options){ .seed = 7 }, &once), 0);
    first = last_random;
    ck_assert_int_eq(tr_sim_run(look_at_chance, NULL, &(tr_sim_options){ .seed = 7 }, &again), 0);
    ck_assert_int_eq(last_random, first);
    ck_assert_uint_eq(once.trace, again.trace);
    ck_assert_int_eq(tr_sim_run(look_at_chance, NULL, &(tr_sim_options){ .seed = 8 }, &again), 0);
    ck_assert_int_ne(last_random, first);
}
END_TEST

START_TEST(outside_of_a_simulation_there_is_no_disk)
{
    ck_assert_int_eq(tr_sim_disk_new(&disk), TR_EWRONGPLACE);
    ck_assert_ptr_null(disk);
    ck_assert_int_eq(tr_sim_disk_new(NULL), TR_EINVAL);
    ck_assert_ptr_null(tr_sim_disk_name(NULL));
    tr_sim_disk_set_space(NULL, 1);
    tr_sim_disk_set_latency(NULL, 1);
    tr_sim_disk_set_failures(NULL, 1);
    tr_sim_disk_fail_next(NULL, 1, 1);
    tr_sim_disk_cut_power(NULL);
    tr_sim_disk_get(NULL, NULL);
    tr_sim_disk_free(NULL);
}
END_TEST

SUITE_MAIN("db/disk", what_was_synced_survives_a_power_cut,
           without_syncs_writes_are_lost_and_files_broken,
           a_journal_comes_back_where_its_folder_was_not_synced,
           a_log_that_is_synced_now_and_then_loses_the_last_writes_only,
           a_disk_that_fails_loses_nothing_that_was_acknowledged,
           what_a_failed_sync_forgets_is_lost_when_the_power_goes,
           who_writes_to_a_log_first_keeps_its_name, a_full_disk_says_so_until_there_is_room,
           each_operation_can_fail_once, chance_and_time_are_those_of_the_seed,
           outside_of_a_simulation_there_is_no_disk)
