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
    EXPECT(tr_db_one(&row, db, "select name, id from t where id = ?", 2) == 0);
    EXPECT(strcmp(tr_db_text(row, 0), "zwei") == 0 && tr_db_int(row, 1) == 2);
    EXPECT(tr_db_next(row) == 0 && tr_db_next(row) == 0);
    tr_db_rows_close(row);
    TR_DB_EACH(r, &rc, db, "select id, name from t order by id")
    {
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
    tr_db_rows_close(row);
    close_db(db);
}

CASES("statements", what_is_written_is_read, each_kind_of_value_goes_in_and_comes_out)
