/* One statement: what goes in, what comes out, and what is refused. */
#include <inttypes.h>
#include <math.h>

#include "db/places.h"

CASE(what_is_written_is_read)
{
    tr_db *db = open_db();
    tr_db_rows *row;
    int rc;
    int count = 0;

    EXPECT(tr_db_exec(db, "create table t (id integer primary key, name text)") == 0);
    EXPECT(tr_db_exec(db, "insert into t (name) values (?), (?)", "one", "two") == 2);
    EXPECT(tr_db_exec(db, "update t set name = ? where id = ?", "zwei", 2) == 1);
    EXPECT(tr_db_exec(db, "update t set name = ? where id = ?", "drei", 3) == 0);
    EXPECT(tr_db_exec(db, "create table empty (a)") == 0); /* not the figure of the one before */
    EXPECT(tr_db_one(&row, db, "select name, id from t where id = ?", 2) == 0);
    EXPECT(strcmp(tr_db_text(row, 0), "zwei") == 0 && tr_db_int(row, 1) == 2);
    EXPECT(tr_db_next(row) == 0 && tr_db_next(row) == 0);
    tr_db_rows_close(row);
    TR_DB_EACH(r, &rc, db, "select id, name from t order by id") {
        count++;
        EXPECT(tr_db_int(r, 0) == count);
    }
    EXPECT(rc == 0 && count == 2);
    close_db(db);
}

CASE(each_kind_of_value_goes_in_and_comes_out)
{
    tr_db *db = open_db();
    const char *nothing = NULL;
    tr_db_rows *row;
    size_t bytes;

    EXPECT(tr_db_one(&row, db, "select ?, ?, ?, ?, ?, ?, ?", INT64_MIN, 0.5, "text", TR_NULL,
                     TR_BLOB("a\0b", 3), TR_CHARS("chars", 2), nothing) == 0);
    EXPECT(tr_db_columns(row) == 7);
    EXPECT(tr_db_int(row, 0) == INT64_MIN && tr_db_kind_of(row, 0) == TR_DB_INTEGER);
    EXPECT(tr_db_real(row, 1) == 0.5 && tr_db_kind_of(row, 1) == TR_DB_REAL);
    EXPECT(strcmp(tr_db_text(row, 2), "text") == 0 && tr_db_kind_of(row, 2) == TR_DB_TEXT);
    EXPECT(tr_db_is_null(row, 3) && tr_db_text(row, 3) == NULL && tr_db_int(row, 3) == 0);
    EXPECT(memcmp(tr_db_blob(row, 4, &bytes), "a\0b", 4) == 0 && bytes == 3);
    EXPECT(tr_db_kind_of(row, 4) == TR_DB_BLOB);
    EXPECT(strcmp(tr_db_text(row, 5), "ch") == 0);
    EXPECT(tr_db_is_null(row, 6) && !tr_db_is_null(row, 0));
    EXPECT(tr_db_is_null(row, 7) && tr_db_is_null(row, -1)); /* not there */
    EXPECT(tr_db_column_name(row, 7) == NULL);
    tr_db_rows_close(row);
    close_db(db);
}

CASE(a_column_of_another_type_is_converted_as_sqlite_does)
{
    tr_db *db = open_db();
    tr_db_rows *row;
    size_t bytes;

    EXPECT(tr_db_one(&row, db,
                     "select 42 as a, 1.5 as b, ' 12abc' as c, '1.5e1x' as d, '0x10' as e, 1e300 "
                     "as f, 'inf' as g, x'3137' as h, 2.0 as i") == 0);
    EXPECT(strcmp(tr_db_column_name(row, 2), "c") == 0);
    EXPECT(strcmp(tr_db_text(row, 0), "42") == 0 && strcmp(tr_db_text(row, 1), "1.5") == 0);
    EXPECT(strcmp(tr_db_text(row, 0), "42") == 0 && strcmp(tr_db_text(row, 8), "2.0") == 0);
    EXPECT(memcmp(tr_db_blob(row, 0, &bytes), "42", 3) == 0 && bytes == 2);
    EXPECT(tr_db_real(row, 0) == 42 && tr_db_int(row, 1) == 1);
    EXPECT(tr_db_int(row, 2) == 12 && tr_db_real(row, 2) == 12);
    EXPECT(tr_db_int(row, 3) == 1 && tr_db_real(row, 3) == 15);
    EXPECT(tr_db_int(row, 4) == 0 && tr_db_real(row, 4) == 0);
    EXPECT(tr_db_int(row, 5) == INT64_MAX && tr_db_real(row, 6) == 0);
    EXPECT(tr_db_int(row, 7) == 17 && tr_db_real(row, 7) == 17);
    tr_db_rows_close(row);
    close_db(db);
}

/* What this statement ends with, and that its sentence says this. */
static void expect_refused(tr_db *db, const char *sql, int code, const char *sentence)
{
    EXPECT(tr_db_exec(db, sql) == code);
    EXPECT(strstr(tr_db_why(), sentence) != NULL);
}

CASE(what_is_wrong_is_refused_with_a_sentence)
{
    tr_db *db = open_db();
    tr_db_rows *row;

    EXPECT(strcmp(tr_db_why(), "") == 0);
    EXPECT(tr_db_exec(
               db, "create table t (id integer primary key, n text unique not null) strict") == 0);
    EXPECT(tr_db_exec(db, "insert into t (n) values ('a')") == 1);
    expect_refused(db, "selct 1", TR_ESQL, "syntax error");
    expect_refused(db, "", TR_ESQL, "no statement");
    expect_refused(db, " -- nothing", TR_ESQL, "no statement");
    expect_refused(db, "select 1; select 2", TR_ESQL, "more than one");
    expect_refused(db, "insert into t (n) values ('a')", TR_EEXIST, "UNIQUE");
    expect_refused(db, "insert into t (n) values (null)", TR_ECONSTRAINT, "NOT NULL");
    expect_refused(db, "insert into t (id, n) values ('x', 'b')", TR_EVALUE, "mismatch");
    expect_refused(db, "insert into t (n) values (?)", TR_ESQL, "1 question marks, but 0 values");
    expect_refused(db, "select \"a\"", TR_ESQL, "no such column");
    EXPECT(tr_db_exec(db, "select 1", 2) == TR_ESQL);
    EXPECT(tr_db_exec(db, "select ?", UINT64_MAX) == TR_EVALUE);
    EXPECT(strstr(tr_db_why(), "value 1") != NULL);
    EXPECT(tr_db_exec(db, "select ?, ?", 1, (double)NAN) == TR_EVALUE);
    EXPECT(strstr(tr_db_why(), "value 2") != NULL);
    EXPECT(tr_db_one(&row, db, "select 1 where 0") == TR_ENOENT && row == NULL);
    EXPECT(tr_db_query(&row, db, "select nothing") == TR_ESQL && row == NULL);
    EXPECT(tr_db_exec(db, "select 1; ;\n -- and a comment") == 0);
    EXPECT(number_of(db, "select count(*) from t") == 1);
    close_db(db);
}

CASE(what_would_change_one_connection_is_refused)
{
    tr_db *db = open_db();
    int rc;

    expect_refused(db, "begin", TR_ESQL, "TR_DB_TRANSACTION");
    expect_refused(db, "commit", TR_ESQL, "TR_DB_TRANSACTION");
    expect_refused(db, "rollback", TR_ESQL, "TR_DB_TRANSACTION");
    expect_refused(db, "savepoint a", TR_ESQL, "TR_DB_TRANSACTION");
    expect_refused(db, "attach ':memory:' as b", TR_ESQL, "setup");
    expect_refused(db, "pragma foreign_keys = off", TR_ESQL, "setup");
    expect_refused(db, "pragma journal_mode = delete", TR_ESQL, "setup");
    expect_refused(db, "select load_extension('x')", TR_ESQL, "not authorized");
    TR_DB_EACH(row, &rc, db, "pragma foreign_keys") {
        EXPECT(tr_db_int(row, 0) == 1);
    }
    EXPECT(rc == 0);
    TR_DB_EACH(row, &rc, db, "begin") {
        EXPECT(false);
    }
    EXPECT(rc == TR_ESQL);
    close_db(db);
}

CASE(a_statement_that_writes_may_yield_rows)
{
    tr_db *db = open_db();
    tr_db_rows *row;
    int rc;
    int count = 0;

    EXPECT(tr_db_exec(db, "create table t (id integer primary key, n int)") == 0);
    EXPECT(tr_db_one(&row, db, "insert into t (n) values (?) returning id", 5) == 0);
    EXPECT(tr_db_int(row, 0) == 1);
    tr_db_rows_close(row);
    TR_DB_EACH(r, &rc, db,
               "with a(x) as (values (1), (2)) insert into t (n) select x from a returning n")
        EXPECT(tr_db_int(r, 0) == ++count);
    EXPECT(rc == 0 && count == 2);
    EXPECT(number_of(db, "select count(*) from t") == 3);
    close_db(db);
}

CASE(a_database_in_memory_has_one_connection)
{
    tr_db *db;
    int rc;
    int count = 0;

    EXPECT(tr_db_open(&db, &(tr_db_config){ .path = ":memory:" }) == 0);
    EXPECT(tr_db_exec(db, "create table t (n)") == 0);
    EXPECT(tr_db_exec(db, "insert into t values (1), (2), (3)") == 3);
    TR_DB_EACH(row, &rc, db, "select n from t")
        EXPECT(tr_db_int(row, 0) == ++count);
    EXPECT(rc == 0 && count == 3);
    EXPECT(tr_db_close(db) == 0);
}

CASE(who_only_reads_cannot_write)
{
    tr_db *db = open_db();

    EXPECT(tr_db_exec(db, "create table t (n)") == 0);
    EXPECT(tr_db_close(db) == 0);
    EXPECT(tr_db_open(&db, &(tr_db_config){ .path = db_path, .is_read_only = true }) == 0);
    EXPECT(number_of(db, "select count(*) from t") == 0);
    expect_refused(db, "insert into t values (1)", -EROFS, "readonly");
    EXPECT(tr_db_close(db) == 0);
    /* Who may write tidies up. */
    EXPECT(tr_db_open(&db, &(tr_db_config){ .path = db_path }) == 0);
    close_db(db);
}

CASE(what_cannot_be_opened_says_why)
{
    tr_db *db = NULL;
    tr_db_config config = { 0 };

    tr_log_set(NULL, NULL);
    make_root();
    EXPECT(tr_db_open(&db, &config) == TR_EINVAL && db == NULL);
    config.path = "/nowhere/at/all.db";
    EXPECT(tr_db_open(&db, &config) == TR_ENOENT && db == NULL);
    EXPECT(strstr(tr_db_why(), "unable to open") != NULL);
    config.path = db_path;
    config.busy_timeout = (double)NAN;
    EXPECT(tr_db_open(&db, &config) == TR_EINVAL);
    config.busy_timeout = 0;
    config.setup = "pragma cache_size = -100; nonsense";
    EXPECT(tr_db_open(&db, &config) == TR_ESQL && strstr(tr_db_why(), "nonsense") != NULL);
    config.setup = "pragma cache_size = -100; attach ':memory:' as extra;";
    EXPECT(tr_db_open(&db, &config) == 0);
    EXPECT(number_of(db, "select count(*) from extra.sqlite_schema") == 0);
    EXPECT(number_of(db, "pragma cache_size") == -100);
    close_db(db);
}

CASE(a_file_that_is_no_database_is_corrupt)
{
    tr_db *db = NULL;
    FILE *f;

    make_root();
    f = fopen(db_path, "w");
    EXPECT(f != NULL);
    for (int i = 0; i < 2000; i++)
        EXPECT(fputs("no database", f) >= 0);
    EXPECT(fclose(f) == 0);
    EXPECT(tr_db_open(&db, &(tr_db_config){ .path = db_path }) == TR_ECORRUPT && db == NULL);
    remove_root();
}

CASES("statements", what_is_written_is_read, each_kind_of_value_goes_in_and_comes_out,
      a_column_of_another_type_is_converted_as_sqlite_does,
      what_is_wrong_is_refused_with_a_sentence, what_would_change_one_connection_is_refused,
      a_statement_that_writes_may_yield_rows, a_database_in_memory_has_one_connection,
      who_only_reads_cannot_write, what_cannot_be_opened_says_why,
      a_file_that_is_no_database_is_corrupt)
