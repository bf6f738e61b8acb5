/* Whatever happens to the disk, what was acknowledged is there, and nothing is there by half: tasks
 * write in all ways that there are, to a disk (<troupe/sim_disk.h>) that is slow, fails, is full,
 * or whose power is cut; then the database is opened again, and looked at.
 *
 * Each write is two rows of one key. What was told as done must be there, both rows of it. What was
 * told as failed must not be, but where the disk has failed (TR_EIO, TR_ENOSPC): a commit that was
 * written, and whose sync fails, may be there when all begins anew. */
#include <sqlite3.h>
#include <stdio.h>
#include <string.h>
#include <troupe/check.h>
#include <troupe/db.h>
#include <troupe/sim.h>
#include <troupe/sim_disk.h>

#include "support/suite.h"

enum { WRITERS = 8, WRITES = 6, KEYS = WRITERS * WRITES };

typedef struct kind {
    double failures;
    bool heals; /* it is a good disk again, and the power is cut at the end of all */
    bool is_cut;
    bool is_full;
    bool is_impatient; /* tasks are cancelled now and then */
    tr_db_durability durability;
    const char *setup;
    size_t group_most;
} kind;

typedef enum fate { UNKNOWN, DONE, NOT_DONE } fate;

static const kind *how;
static tr_sim_disk *disk;
static fate fates[KEYS];
static int first_write, end_of_writes; /* of each task, in this part of a round */
static int rounds_that_lost;           /* where that is what is looked for */

#define MUST(x) ((x) ? (void)0 : must_failed(__LINE__, #x))
static _Noreturn void must_failed(int line, const char *what)
{
    (void)fprintf(stderr, "%s:%d: this must hold, and does not: %s\n", __FILE__, line, what);
    abort();
}

/* ---- writing ---- */

static int insert_both(tr_db *tx, void *arg)
{
    const int *key = arg;
    int rc = tr_db_exec(tx, "insert into halves values (?, 0, randomblob(2000))", *key);

    return rc < 0 ? rc : tr_db_exec(tx, "insert into halves values (?, 1, randomblob(9))", *key);
}

static int write_as_transaction(tr_db *db, int key)
{
    int rc;

    TR_DB_TRANSACTION(tx, &rc, db) {
        rc = tr_db_exec(tx, "insert into halves values (?, 0, randomblob(2000))", key);
        if (rc == 1)
            rc = tr_yield();
        if (rc == 0)
            rc = tr_db_exec(tx, "insert into halves values (?, 1, randomblob(9))", key);
    }
    return rc;
}

static int write_as_statement(tr_db *db, int key)
{
    return tr_db_exec(db, "insert into halves values (?1, 0, randomblob(2000)), (?1, 1, 'x')", key);
}

static int write_key(tr_db *db, int key)
{
    switch (tr_sim_random() % 4) {
    case 0:
        return write_as_transaction(db, key);
    case 1:
        return write_as_statement(db, key);
    default:
        return tr_db_write(db, insert_both, &key);
    }
}

static fate fate_of(int rc)
{
    if (rc >= 0)
        return DONE;
    return rc == TR_EIO || rc == TR_ENOSPC || rc == TR_ECORRUPT ? UNKNOWN : NOT_DONE;
}

struct write_keys_args {
    tr_db *db;
    int number;
};

static int write_keys(void *arg)
{
    const struct write_keys_args *w = arg;

    for (int i = first_write; i < end_of_writes; i++) {
        int key = w->number * WRITES + i;
        int rc = 0;

        if (how->is_impatient)
            TR_DEADLINE((double)(tr_sim_random() % 1000) / 1000 * 0.1, &rc) {
                rc = write_key(w->db, key);
            }
        else
            rc = write_key(w->db, key);
        fates[key] = fate_of(rc);
    }
    return 0;
}

/* Who reads keeps checkpoints from copying all: so some are not synced, and the next one's sync is
 * for them, too. */
struct read_slowly_args {
    tr_db *db;
};

static int read_slowly(void *arg)
{
    tr_db *db = ((const struct read_slowly_args *)arg)->db;

    for (int i = 0; i < 8; i++) {
        tr_db_rows *rows;
        int rc = tr_db_query(&rows, db, "select key from halves");

        while (rc == 0 && tr_db_next(rows) > 0)
            if (tr_sim_random() % 16 == 0)
                (void)tr_sleep(0.05);
        tr_db_rows_close(rows); /* NULL, where the disk has failed */
        (void)tr_sleep((double)(tr_sim_random() % 100) / 1000);
    }
    return 0;
}

/* ---- what is found ---- */

static int64_t number_of(tr_db *db, const char *sql)
{
    tr_db_rows *row;
    int64_t number;

    MUST(tr_db_one(&row, db, sql) == 0);
    number = tr_db_int(row, 0);
    tr_db_rows_close(row);
    return number;
}

static int64_t rows_of_key(tr_db *db, int key)
{
    tr_db_rows *row;
    int64_t number;

    MUST(tr_db_one(&row, db, "select count(*) from halves where key = ?", key) == 0);
    number = tr_db_int(row, 0);
    tr_db_rows_close(row);
    return number;
}

/* How many acknowledged ones are missing. */
static int examine(tr_db *db)
{
    int lost = 0;

    MUST(number_of(
             db, "select count(*) from pragma_integrity_check where integrity_check <> 'ok'") == 0);
    for (int key = 0; key < KEYS; key++) {
        int64_t rows = rows_of_key(db, key);

        MUST(rows == 0 || rows == 2);
        MUST(fates[key] != NOT_DONE || rows == 0);
        lost += fates[key] == DONE && rows != 2;
    }
    return lost;
}

/* ---- a round ---- */

static int open_it(tr_db **db)
{
    static const tr_db_migration steps[] = {
        { .name = "halves", .sql = "create table halves (key integer, half integer, filler blob)" },
        { 0 },
    };

    return tr_db_open(db, &(tr_db_config){ .path = "a.db",
                                           .migrations = steps,
                                           .readers = 2,
                                           .durability = how->durability,
                                           .setup = how->setup,
                                           .group_most = how->group_most });
}

static void spoil_the_disk(void)
{
    tr_sim_disk_figures figures;

    tr_sim_disk_get(disk, &figures);
    tr_sim_disk_set_latency(disk, 0.02);
    tr_sim_disk_set_failures(disk, how->failures);
    if (how->is_full)
        tr_sim_disk_set_space(disk, figures.bytes + (size_t)(tr_sim_random() % (200 * 1000)));
}

static void write_all(tr_db *db)
{
    int rc;

    TR_SCOPE(s, &rc) {
        if (how->heals)
            MUST(tr_go(s, read_slowly, .db = db) == 0);
        for (int i = 0; i < WRITERS; i++)
            MUST(tr_go_on(s, TR_LOOP(i % 2), write_keys, .db = db, .number = i) == 0);
        if (how->is_cut) {
            MUST(tr_sleep((double)(tr_sim_random() % 1000) / 1000 * 0.5) == 0);
            tr_sim_disk_cut_power(disk);
        }
    }
    MUST(rc == 0);
}

static void heal_the_disk(void)
{
    tr_sim_disk_set_failures(disk, 0);
    tr_sim_disk_set_space(disk, SIZE_MAX);
}

/* The disk is a good one again: all that is written now is acknowledged; then the power goes. */
static tr_db *write_more(tr_db *db)
{
    bool is_closed = tr_sim_random() % 2 == 0;

    if (is_closed)
        MUST(tr_db_close(db) == 0);
    heal_the_disk();
    if (is_closed)
        MUST(open_it(&db) == 0);
    first_write = WRITES / 2;
    end_of_writes = WRITES;
    write_all(db);
    for (int i = 0; i < KEYS; i++)
        MUST(i % WRITES < WRITES / 2 || fates[i] == DONE);
    tr_sim_disk_cut_power(disk);
    return db;
}

static int run(void *unused)
{
    tr_db *db = NULL;
    int lost;

    (void)unused;
    MUST(open_it(&db) == 0);
    spoil_the_disk();
    first_write = 0;
    end_of_writes = how->heals ? WRITES / 2 : WRITES;
    write_all(db);
    if (how->heals)
        db = write_more(db);
    MUST(tr_db_close(db) == 0);
    heal_the_disk();
    MUST(open_it(&db) == 0);
    lost = examine(db);
    MUST(tr_db_close(db) == 0);
    rounds_that_lost += lost > 0;
    return 0;
}

static void try_once(void *unused)
{
    memset(fates, 0, sizeof(fates));
    MUST(tr_sim_disk_new(&disk) == 0);
    MUST(tr_run(run, unused, &(tr_config){ .loops = 2, .signals = -1 }) == 0);
    tr_sim_disk_free(disk);
}

static void be_quiet(void *unused, tr_log_level level, const char *line)
{
    (void)unused;
    (void)level;
    (void)line;
}

static int rounds(void)
{
    const char *many = getenv("TROUPE_ROUNDS");

    return many != NULL ? (int)strtol(many, NULL, 10) : SEEDS;
}

static void try_all(const kind *one)
{
    tr_log_set(be_quiet, NULL);
    how = one;
    rounds_that_lost = 0;
    for (int seed = 1; seed <= rounds(); seed++)
        ck_assert_int_eq(
            tr_sim_run(try_once, NULL,
                       &(tr_sim_options){ .seed = (uint64_t)seed, .preempt = 0.002, .late = 0.02 },
                       NULL),
            0);
}

/* Many checkpoints. */
#define SMALL_LOG "pragma wal_autocheckpoint = 20"

START_TEST(what_was_acknowledged_survives_a_power_cut)
{
    try_all(&(kind){ .is_cut = true, .setup = SMALL_LOG });
    ck_assert_int_eq(rounds_that_lost, 0);
}
END_TEST

START_TEST(so_it_does_where_each_write_has_its_own_commit)
{
    try_all(&(kind){ .is_cut = true, .setup = SMALL_LOG, .group_most = 1 });
    ck_assert_int_eq(rounds_that_lost, 0);
}
END_TEST

START_TEST(so_it_does_where_tasks_are_cancelled)
{
    try_all(&(kind){ .is_cut = true, .setup = SMALL_LOG, .is_impatient = true });
    ck_assert_int_eq(rounds_that_lost, 0);
    try_all(&(kind){ .is_impatient = true });
    ck_assert_int_eq(rounds_that_lost, 0);
}
END_TEST

START_TEST(so_it_does_on_a_disk_that_fails)
{
    try_all(&(kind){ .failures = 0.02, .setup = SMALL_LOG });
    ck_assert_int_eq(rounds_that_lost, 0);
    try_all(&(kind){ .failures = 0.01, .is_cut = true, .setup = SMALL_LOG });
    ck_assert_int_eq(rounds_that_lost, 0);
}
END_TEST

START_TEST(so_it_does_on_a_disk_that_is_full)
{
    try_all(&(kind){ .is_full = true, .setup = SMALL_LOG });
    ck_assert_int_eq(rounds_that_lost, 0);
    try_all(&(kind){ .is_full = true, .is_cut = true, .is_impatient = true, .setup = SMALL_LOG });
    ck_assert_int_eq(rounds_that_lost, 0);
}
END_TEST

START_TEST(so_it_does_where_the_disk_is_a_good_one_again)
{
    try_all(&(kind){ .failures = 0.05, .heals = true, .setup = SMALL_LOG });
    ck_assert_int_eq(rounds_that_lost, 0);
}
END_TEST

/* Else the tests above would find nothing. */
START_TEST(without_a_sync_for_each_group_it_would_not)
{
    try_all(&(kind){ .is_cut = true, .durability = TR_DB_NORMAL });
    ck_assert_int_gt(rounds_that_lost, 0);
}
END_TEST

/* SQLite tells that it is in WAL mode before it has written so: where that fails afterwards, it
 * goes on with a journal whose end is not durable. */
static bool has_log(void)
{
    sqlite3_vfs *vfs = sqlite3_vfs_find(tr_sim_disk_name(disk));
    int exists = 0;

    return vfs->xAccess(vfs, "a.db-wal", SQLITE_ACCESS_EXISTS, &exists) == SQLITE_OK && exists != 0;
}

static int open_while_each_fails(void *unused)
{
    bool has_struck = true;

    (void)unused;
    for (uint64_t n = 1; has_struck; n++) {
        tr_sim_disk_figures figures;
        tr_db *db = NULL;

        MUST(tr_sim_disk_new(&disk) == 0);
        tr_sim_disk_fail_next(disk, n, 1);
        if (open_it(&db) == 0)
            MUST(has_log());
        MUST(db == NULL || tr_db_close(db) == 0);
        tr_sim_disk_get(disk, &figures);
        has_struck = figures.failures > 0;
        tr_sim_disk_free(disk);
    }
    return 0;
}

static void run_open(void *unused)
{
    MUST(tr_run(open_while_each_fails, unused, &(tr_config){ .loops = 2, .signals = -1 }) == 0);
}

START_TEST(what_is_open_has_a_log_whatever_has_failed)
{
    tr_log_set(be_quiet, NULL);
    how = &(kind){ .setup = NULL };
    ck_assert_int_eq(tr_sim_run(run_open, NULL, &(tr_sim_options){ .seed = 1 }, NULL), 0);
}
END_TEST

/* ---- a checkpoint that is forgotten ---- */

/* A reader of the state of now, until the rows are closed. */
static tr_db_rows *begin_reading(tr_db *db)
{
    tr_db_rows *rows;

    MUST(
        tr_db_query(&rows, db,
                    "with recursive n(i) as (select 1 union all select i + 1 from n where i < 9999)"
                    " select key from halves, n") == 0);
    MUST(tr_db_next(rows) == 1);
    return rows;
}

static void write_next(tr_db *db, int *key)
{
    fates[*key] = fate_of(write_as_statement(db, *key));
    ++*key;
}

/* Some of the log is in the database's file, and nobody has synced that: an old reader has kept the
 * checkpoint from going further, and one that is older still from beginning. */
static void copy_a_part(tr_db *db, int *key)
{
    tr_db_rows *oldest, *old;

    write_next(db, key);
    oldest = begin_reading(db);
    for (int i = 0; i < 8; i++)
        write_next(db, key);
    old = begin_reading(db);
    tr_db_rows_close(oldest);
    write_next(db, key);
    tr_db_rows_close(old);
}

/* The end of a round: nothing that was acknowledged may be missing. */
static void cut_and_examine(tr_db *db)
{
    tr_sim_disk_cut_power(disk);
    MUST(tr_db_close(db) == 0);
    MUST(open_it(&db) == 0);
    MUST(examine(db) == 0);
    MUST(tr_db_close(db) == 0);
    tr_sim_disk_free(disk);
}

/* The n-th operation fails after that; then all is well again, and the log begins anew, in this
 * process or the next. Whether it has failed. */
static bool forget_the_nth(uint64_t n, bool closes)
{
    tr_sim_disk_figures before, after;
    tr_db *db = NULL;
    int key = 0;

    memset(fates, 0, sizeof(fates));
    MUST(tr_sim_disk_new(&disk) == 0);
    MUST(open_it(&db) == 0);
    copy_a_part(db, &key);
    tr_sim_disk_get(disk, &before);
    tr_sim_disk_fail_next(disk, n, 1);
    write_next(db, &key);
    tr_sim_disk_get(disk, &after);
    tr_sim_disk_fail_next(disk, 0, 0);
    if (closes) {
        MUST(tr_db_close(db) == 0);
        MUST(open_it(&db) == 0);
    }
    for (int i = 0; i < 4; i++)
        write_next(db, &key);
    cut_and_examine(db);
    return after.failures > before.failures;
}

static bool go_on_after_the_nth(uint64_t n)
{
    return forget_the_nth(n, false);
}

static bool close_after_the_nth(uint64_t n)
{
    return forget_the_nth(n, true);
}

/* A process that ends when its n-th operation has failed, and leaves its log as it is. */
static void end_badly(uint64_t n)
{
    sqlite3 *handle;

    MUST(sqlite3_open_v2("a.db", &handle, SQLITE_OPEN_READWRITE, tr_sim_disk_name(disk)) ==
         SQLITE_OK);
    MUST(sqlite3_db_config(handle, SQLITE_DBCONFIG_NO_CKPT_ON_CLOSE, 1, NULL) == SQLITE_OK);
    MUST(sqlite3_exec(handle, "insert into halves values (0, 0, 'x'), (0, 1, 'x')", NULL, NULL,
                      NULL) == SQLITE_OK);
    tr_sim_disk_fail_next(disk, n, 1);
    (void)sqlite3_exec(handle, "insert into halves values (1, 0, 'x'), (1, 1, 'x')", NULL, NULL,
                       NULL);
    tr_sim_disk_fail_next(disk, 0, 0);
    MUST(sqlite3_close(handle) == SQLITE_OK);
}

/* What is committed behind a commit that was forgotten does not go with it. Whether something has
 * failed. */
static bool find_what_was_left(uint64_t n)
{
    tr_sim_disk_figures figures;
    tr_db *db = NULL;
    int key = 2;

    memset(fates, 0, sizeof(fates));
    MUST(tr_sim_disk_new(&disk) == 0);
    MUST(open_it(&db) == 0);
    MUST(tr_db_close(db) == 0);
    end_badly(n);
    fates[0] = DONE;
    tr_sim_disk_get(disk, &figures);
    MUST(open_it(&db) == 0);
    write_next(db, &key);
    MUST(fates[2] == DONE);
    cut_and_examine(db);
    return figures.failures > 0;
}

static bool (*try_nth)(uint64_t n);

static int try_each(void *unused)
{
    (void)unused;
    for (uint64_t n = 1; try_nth(n); n++) {
    }
    return 0;
}

static void run_each(void *unused)
{
    MUST(tr_run(try_each, unused, &(tr_config){ .loops = 2, .signals = -1 }) == 0);
}

/* With each operation failing, one after the other. */
static void sweep(bool (*one)(uint64_t n), const kind *in)
{
    tr_log_set(be_quiet, NULL);
    how = in;
    try_nth = one;
    for (uint64_t seed = 1; seed <= 8; seed++)
        ck_assert_int_eq(tr_sim_run(run_each, NULL, &(tr_sim_options){ .seed = seed }, NULL), 0);
}

START_TEST(so_it_does_where_a_checkpoint_is_forgotten)
{
    static const kind copies_at_each = { .setup = "pragma wal_autocheckpoint = 1" };

    sweep(go_on_after_the_nth, &copies_at_each);
    sweep(close_after_the_nth, &copies_at_each);
}
END_TEST

START_TEST(so_it_does_behind_a_commit_that_is_forgotten)
{
    static const kind plain = { 0 };

    sweep(find_what_was_left, &plain);
}
END_TEST

SUITE_MAIN("db/power", what_was_acknowledged_survives_a_power_cut,
           so_it_does_where_each_write_has_its_own_commit, so_it_does_where_tasks_are_cancelled,
           so_it_does_on_a_disk_that_fails, so_it_does_on_a_disk_that_is_full,
           so_it_does_where_the_disk_is_a_good_one_again,
           so_it_does_where_a_checkpoint_is_forgotten, so_it_does_behind_a_commit_that_is_forgotten,
           without_a_sync_for_each_group_it_would_not, what_is_open_has_a_log_whatever_has_failed)
