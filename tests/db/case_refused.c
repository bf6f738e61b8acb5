/* Bad arguments, wherever they may come. */
#include "db/places.h"

CASE(a_null_is_refused_or_harmless)
{
    tr_db *db = NULL;
    tr_db_rows *rows = (tr_db_rows *)&db;
    void *array = &db;
    size_t bytes = 1;
    int rc = 1;

    EXPECT(tr_db_open(NULL, &(tr_db_config){ .path = ":memory:" }) == TR_EINVAL);
    EXPECT(tr__db_open(&db, NULL, sizeof(tr_db_config)) == TR_EINVAL && db == NULL);
    EXPECT(tr__db_open(&db, &(tr_db_config){ .path = "x" }, 0) == TR_EINVAL);
    EXPECT(tr__db_open(&db, &(tr_db_config){ .path = "x" }, SIZE_MAX) == TR_EINVAL);
    EXPECT(tr_db_open(&db, &(tr_db_config){ .path = "" }) == TR_EINVAL);
    EXPECT(tr_db_open(&db, &(tr_db_config){ .path = "x", .readers = 1001 }) == TR_EINVAL);
    EXPECT(tr_db_close(NULL) == 0);
    EXPECT(tr_db_exec(NULL, "select 1") == TR_EINVAL);
    EXPECT(tr_db_query(&rows, NULL, "select 1") == TR_EINVAL && rows == NULL);
    EXPECT(tr_db_one(&rows, NULL, "select 1") == TR_EINVAL && rows == NULL);
    EXPECT(tr_db_read(NULL, NULL, NULL) == TR_EINVAL);
    EXPECT(tr_db_write(NULL, NULL, NULL) == TR_EINVAL);
    EXPECT(tr_db_next(NULL) == TR_EINVAL);
    tr_db_rows_close(NULL);
    EXPECT(tr_db_columns(NULL) == 0 && tr_db_column_name(NULL, 0) == NULL);
    EXPECT(tr_db_kind_of(NULL, 0) == TR_DB_NULL && tr_db_is_null(NULL, 0));
    EXPECT(tr_db_int(NULL, 0) == 0 && tr_db_real(NULL, 0) == 0 && tr_db_text(NULL, 0) == NULL);
    EXPECT(tr_db_blob(NULL, 0, &bytes) == NULL && bytes == 0);
    EXPECT(tr_db_row_as(NULL, NULL, NULL) == TR_EINVAL);
    EXPECT(tr_db_all_as(NULL, NULL, &array, &bytes) == TR_EINVAL && array == NULL);
    EXPECT(tr__db_each(&rc, NULL, "select 1", NULL, 0) == NULL && rc == TR_EINVAL);
    EXPECT(!tr__db_each_next(NULL, &rc));
    EXPECT(tr_db_why() != NULL);
}

CASE(a_database_refuses_what_is_no_statement)
{
    tr_db *db = open_db();
    tr_db_rows *rows;

    EXPECT(tr__db_exec(db, NULL, NULL, 0) == TR_EINVAL);
    EXPECT(tr__db_exec(db, "select ?", NULL, 1) == TR_EINVAL);
    EXPECT(tr__db_query(NULL, db, "select 1", NULL, 0) == TR_EINVAL);
    EXPECT(tr__db_query(&rows, db, NULL, NULL, 0) == TR_EINVAL && rows == NULL);
    EXPECT(tr_db_read(db, NULL, NULL) == TR_EINVAL);
    EXPECT(tr_db_write(db, NULL, NULL) == TR_EINVAL);
    close_db(db);
}

CASE(absurd_statements_meet_a_limit)
{
    tr_db *db = open_db();
    size_t bytes = 3 << 20;
    char *sql = malloc(bytes);
    char *at;
    tr_db_rows *row;

    EXPECT(sql != NULL);
    memset(sql, ' ', bytes - 1);
    sql[bytes - 1] = '\0';
    EXPECT(tr_db_exec(db, sql) == TR_ETOOLARGE);
    at = stpcpy(sql, "select ");
    for (int i = 0; i < 5000; i++)
        at = stpcpy(at, "1+(");
    EXPECT(tr_db_exec(db, sql) == TR_ESQL);
    EXPECT(tr_db_one(&row, db, "select zeroblob(100000000)") == TR_ETOOLARGE && row == NULL);
    EXPECT(tr_db_one(&row, db, "select length(?)", TR_CHARS(sql, bytes - 1)) == 0);
    tr_db_rows_close(row);
    free(sql);
    close_db(db);
}

CASES("refused", a_null_is_refused_or_harmless, a_database_refuses_what_is_no_statement,
      absurd_statements_meet_a_limit)
