/* Schemas that are brought up to date, copies, and figures. */
#include <sys/stat.h>

#include "db/places.h"

static int open_with(tr_db **db, const tr_db_migration *steps)
{
    return tr_db_open(db, &(tr_db_config){ .path = db_path, .migrations = steps });
}

static int fill(tr_db *tx, void *arg)
{
    return tr_db_exec(tx, "insert into t values (?)", *(const int *)arg);
}

CASE(each_migration_is_applied_once)
{
    int five = 5;
    const tr_db_migration steps[] = {
        { .name = "t", .sql = "create table t (x); insert into t values (1);" },
        { .name = "fill", .fn = fill, .arg = &five },
        { .name = "more", .sql = "insert into t values (2)" },
        { 0 },
    };
    const tr_db_migration first[] = { steps[0], { 0 } };
    tr_db *db = NULL;

    make_root();
    EXPECT(open_with(&db, first) == 0);
    EXPECT(number_of(db, "select sum(x) from t") == 1);
    EXPECT(tr_db_close(db) == 0);
    for (int i = 0; i < 2; i++) {
        EXPECT(open_with(&db, steps) == 0);
        EXPECT(number_of(db, "select sum(x) from t") == 8);
        EXPECT(number_of(db, "select count(*) from troupe_migrations") == 3);
        EXPECT(tr_db_close(db) == 0);
    }
    EXPECT(open_with(&db, NULL) == 0); /* who has none does not look */
    close_db(db);
}

CASE(one_that_is_unknown_or_was_changed_is_refused)
{
    const tr_db_migration steps[] = {
        { .name = "a", .sql = "create table a (x)" },
        { .name = "b", .sql = "create table b (x)" },
        { 0 },
    };
    const tr_db_migration older[] = { steps[0], { 0 } };
    const tr_db_migration edited[] = { steps[0],
                                       { .name = "b", .sql = "create table c (x)" },
                                       { 0 } };
    const tr_db_migration twice[] = { steps[0], steps[0], { 0 } };
    const tr_db_migration idle[] = { { .name = "idle" }, { 0 } };
    tr_db *db = NULL;

    make_root();
    EXPECT(open_with(&db, steps) == 0 && tr_db_close(db) == 0);
    EXPECT(open_with(&db, older) == TR_EMIGRATION && db == NULL);
    EXPECT(strstr(tr_db_why(), "\"b\" was applied, and is unknown") != NULL);
    EXPECT(open_with(&db, edited) == TR_EMIGRATION && db == NULL);
    EXPECT(strstr(tr_db_why(), "\"b\" had another text") != NULL);
    EXPECT(open_with(&db, twice) == TR_EINVAL && open_with(&db, idle) == TR_EINVAL);
    EXPECT(open_with(&db, steps) == 0);
    close_db(db);
}

CASE(one_that_fails_leaves_nothing)
{
    const tr_db_migration bad[] = {
        { .name = "good", .sql = "create table t (x)" },
        { .name = "bad", .sql = "insert into t values (1); insert into nowhere values (1)" },
        { 0 },
    };
    const tr_db_migration good[] = { bad[0], { 0 } };
    tr_db *db = NULL;

    make_root();
    EXPECT(open_with(&db, bad) == TR_ESQL && db == NULL);
    EXPECT(strcmp(tr_db_why(), "the migration \"bad\": no such table: nowhere") == 0);
    EXPECT(open_with(&db, good) == 0);
    EXPECT(number_of(db, "select count(*) from t") == 0);
    close_db(db);
}

CASE(a_database_that_is_only_read_must_be_up_to_date)
{
    const tr_db_migration steps[] = {
        { .name = "a", .sql = "create table a (x)" },
        { .name = "b", .sql = "create table b (x)" },
        { 0 },
    };
    const tr_db_migration first[] = { steps[0], { 0 } };
    tr_db *db = NULL, *keeper = NULL;

    make_root();
    EXPECT(open_with(&keeper, first) == 0);
    EXPECT(tr_db_open(&db, &(tr_db_config){ .path = db_path,
                                            .migrations = steps,
                                            .is_read_only = true }) == TR_EMIGRATION);
    EXPECT(strstr(tr_db_why(), "\"b\" was not applied") != NULL);
    EXPECT(tr_db_open(&db, &(tr_db_config){
                               .path = db_path, .migrations = first, .is_read_only = true }) == 0);
    EXPECT(tr_db_close(db) == 0);
    close_db(keeper);
}

/* ---- copies ---- */

CASE(a_backup_is_a_database_of_one_moment)
{
    char path[sizeof(db_path) + 8];
    tr_db *db = open_db(), *copy = NULL;
    struct stat status;

    (void)snprintf(path, sizeof(path), "%s.copy", db_path);
    EXPECT(tr_db_exec(db, "create table t (x)") == 0);
    for (int i = 0; i < 50; i++)
        EXPECT(tr_db_exec(db, "insert into t values (randomblob(3000))") == 1);
    EXPECT(tr_db_backup(db, path) == 0);
    EXPECT(tr_db_backup(db, path) == TR_EEXIST);
    EXPECT(tr_db_exec(db, "delete from t") == 50);
    EXPECT(tr_db_open(&copy, &(tr_db_config){ .path = path, .is_read_only = false }) == 0);
    EXPECT(number_of(copy, "select count(*) from t") == 50);
    EXPECT(tr_db_close(copy) == 0);
    EXPECT(unlink(path) == 0);
    EXPECT(tr_db_backup(db, "/nowhere/at/all.db") == TR_ENOENT);
    EXPECT(tr_db_backup(db, NULL) == TR_EINVAL && tr_db_backup(NULL, path) == TR_EINVAL);
    EXPECT(stat(path, &status) < 0);
    close_db(db);
}

CASE(a_database_in_memory_can_be_copied_to_a_file)
{
    tr_db *db = NULL;

    make_root();
    EXPECT(tr_db_open(&db, &(tr_db_config){ .path = ":memory:" }) == 0);
    EXPECT(tr_db_exec(db, "create table t (x)") == 0);
    EXPECT(tr_db_exec(db, "insert into t values (7)") == 1);
    EXPECT(tr_db_backup(db, db_path) == 0);
    EXPECT(tr_db_close(db) == 0);
    EXPECT(open_with(&db, NULL) == 0);
    EXPECT(number_of(db, "select x from t") == 7);
    close_db(db);
}

CASE(figures_tell_what_was_done)
{
    tr_db *db = open_db();
    tr_db_stats s;

    EXPECT(tr_db_statistics(NULL, &s) == TR_EINVAL && tr_db_statistics(db, NULL) == TR_EINVAL);
    EXPECT(tr_db_exec(db, "create table t (x unique)") == 0);
    EXPECT(tr_db_exec(db, "insert into t values (7)") == 1);
    EXPECT(tr_db_exec(db, "insert into t values (7)") == TR_EEXIST);
    EXPECT(tr_db_statistics(db, &s) == 0);
    EXPECT(s.writes == 2 && s.groups == 2 && s.failures == 1 && s.waiting == 0);
    EXPECT(s.repeated == 0 && s.busy == 0 && s.prepared >= 2 && s.last_commit > 0);
    close_db(db);
}

CASES("migrations", each_migration_is_applied_once, one_that_is_unknown_or_was_changed_is_refused,
      one_that_fails_leaves_nothing, a_database_that_is_only_read_must_be_up_to_date,
      a_backup_is_a_database_of_one_moment, a_database_in_memory_can_be_copied_to_a_file,
      figures_tell_what_was_done)
