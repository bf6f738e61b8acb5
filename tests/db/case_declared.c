/* Rows as declared structs. */
#include "db/places.h"

struct item {
    char *name;
    double price;
    int8_t small;
    uint16_t count;
    int64_t large;
    bool is_sold;
    bool has_price;
    bool was_asked;
    const char *note;
};

TR_DECLARE(item, TR_TEXT(item, name, .required = true),
           TR_NUMBER(item, price, TR_HAS(item, has_price), .default_number = 2.5,
                     TR_SENT(item, was_asked)),
           TR_INTEGER(item, small), TR_INTEGER(item, count, .default_integer = 3),
           TR_INTEGER(item, large), TR_BOOLEAN(item, is_sold, .default_boolean = true),
           TR_TEXT(item, note, .name = "remark", .default_text = "none"));

/* A row of its own. */
static int fill(tr_db *db, const char *sql, struct item *out, tr_db_rows **row)
{
    EXPECT(tr_db_one(row, db, sql) == 0);
    return tr_db_row(*row, item, out);
}

CASE(a_row_fills_a_declared_struct)
{
    tr_db *db = open_db();
    struct item item;
    tr_db_rows *row;

    EXPECT(fill(db,
                "select 'nail' as Name, 1 as price, -128 as small, 65535 as count, "
                "-9223372036854775808 as large, 0 as is_sold, 'rusty' as remark, x'00' as unknown",
                &item, &row) == 0);
    EXPECT(strcmp(item.name, "nail") == 0 && item.price == 1 && item.small == -128);
    EXPECT(item.count == 65535 && item.large == INT64_MIN && !item.is_sold);
    EXPECT(item.has_price && item.was_asked && strcmp(item.note, "rusty") == 0);
    tr_db_rows_close(row);
    close_db(db);
}

CASE(what_is_absent_or_null_is_its_default_or_nothing)
{
    tr_db *db = open_db();
    struct item item;
    tr_db_rows *row;

    EXPECT(fill(db, "select 'nail' as name", &item, &row) == 0);
    EXPECT(item.price == 2.5 && !item.has_price && !item.was_asked && item.count == 3);
    EXPECT(item.is_sold && strcmp(item.note, "none") == 0 && item.small == 0);
    tr_db_rows_close(row);
    EXPECT(fill(db, "select 'nail' as name, null as price, null as note", &item, &row) == 0);
    EXPECT(item.price == 0 && !item.has_price && item.was_asked && item.note == NULL);
    tr_db_rows_close(row);
    close_db(db);
}

CASE(a_value_that_does_not_fit_is_refused_by_its_name)
{
    static const struct {
        const char *sql;
        const char *sentence;
    } wrong[] = {
        { "select 'a' as name, 128 as small", "small: 128" },
        { "select 'a' as name, -129 as small", "small: -129" },
        { "select 'a' as name, -1 as count", "count: -1" },
        { "select 'a' as name, 65536 as count", "count: 65536" },
        { "select 'a' as name, 1.5 as large", "large: it is no integer" },
        { "select 'a' as name, 1e19 as large", "large: it is no integer" },
        { "select 'a' as name, '1' as price", "price: it is no number" },
        { "select 'a' as name, 2 as is_sold", "is_sold: it is neither" },
        { "select 1 as name", "name: it is no text" },
        { "select x'41' as name", "name: it is no text" },
        { "select 'a' || char(0) || 'b' as name", "name: there is a 0 byte" },
        { "select null as name", "name: it is NULL" },
        { "select 1 as small", "name: there is no such column" },
    };
    tr_db *db = open_db();
    struct item item;
    tr_db_rows *row;

    for (size_t i = 0; i < sizeof(wrong) / sizeof(wrong[0]); i++) {
        EXPECT(fill(db, wrong[i].sql, &item, &row) == TR_EVALUE);
        EXPECT(strstr(tr_db_why(), wrong[i].sentence) != NULL);
        tr_db_rows_close(row);
    }
    EXPECT(fill(db, "select 'a' as name, 3.0 as large", &item, &row) == 0 && item.large == 3);
    EXPECT(tr_db_next(row) == 0 && tr_db_row(row, item, &item) == TR_EINVAL);
    tr_db_rows_close(row);
    close_db(db);
}

#define ITEMS                                                                                      \
    "with recursive c(x) as (select 1 union all select x + 1 from c where x < ?) "                 \
    "select printf('%0200d', x) as name, x as large from c"

CASE(all_rows_are_an_array_that_lasts_as_long_as_they)
{
    tr_db *db = open_db();
    struct item *items;
    size_t count;
    tr_db_rows *rows;

    EXPECT(tr_db_query(&rows, db, ITEMS, 1500) == 0);
    EXPECT(tr_db_next(rows) == 1);
    EXPECT(tr_db_all(rows, item, &items, &count) == 0 && count == 1499);
    for (size_t i = 0; i < count; i++)
        EXPECT(items[i].large == (int64_t)i + 2 && atoi(items[i].name) == (int)i + 2);
    EXPECT(tr_db_all(rows, item, &items, &count) == 0 && count == 0 && items == NULL);
    tr_db_rows_close(rows);
    EXPECT(tr_db_query(&rows, db, "values (1), (2)") == 0);
    EXPECT(tr_db_all(rows, item, &items, &count) == TR_EVALUE && count == 0 && items == NULL);
    tr_db_rows_close(rows);
    close_db(db);
}

CASES("declared", a_row_fills_a_declared_struct, what_is_absent_or_null_is_its_default_or_nothing,
      a_value_that_does_not_fit_is_refused_by_its_name,
      all_rows_are_an_array_that_lasts_as_long_as_they)
