/* Rows as a stream: batches, the line for readers, and their end. */
#include "base/threads.h"
#include "db/database.h"
#include "db/places.h"

/* The numbers from 1 to n, with a text that makes a row some 200 bytes. */
#define NUMBERS                                                                                    \
    "with recursive c(x) as (select 1 union all select x + 1 from c where x < ?) "                 \
    "select x, printf('%0200d', x) as t from c"
#define FOR_EVER                                                                                   \
    "with recursive c(x) as (select 1 union all select x + 1 from c) select count(*) from c"

static const tr_db_config two_readers = { .readers = 2 };

static tr_db *open_with(tr_db_config config)
{
    tr_db *db = NULL;

    make_root();
    config.path = db_path;
    EXPECT(tr_db_open(&db, &config) == 0);
    return db;
}

CASE(more_rows_than_a_batch_come_in_order)
{
    tr_db *db = open_with(two_readers);
    int64_t count = 0;
    int rc;

    TR_DB_EACH(row, &rc, db, NUMBERS, 2000) {
        EXPECT(tr_db_int(row, 0) == ++count);
        EXPECT(strlen(tr_db_text(row, 1)) == 200 && atoi(tr_db_text(row, 1)) == count);
    }
    EXPECT(rc == 0 && count == 2000);
    close_db(db);
}

CASE(rows_may_be_left_early)
{
    tr_db *db = open_with(two_readers);
    int rc;

    for (int i = 0; i < 5; i++) { /* there are but two readers */
        TR_DB_EACH(row, &rc, db, NUMBERS, 2000)
            if (tr_db_int(row, 0) == 500)
                break;
        EXPECT(rc == 0);
    }
    close_db(db);
}

CASE(a_database_whose_rows_are_open_is_not_closed)
{
    tr_db *db = open_with(two_readers);
    tr_db_rows *rows;

    EXPECT(tr_db_query(&rows, db, NUMBERS, 2000) == 0);
    EXPECT(tr_db_next(rows) == 1);
    EXPECT(tr_db_close(db) == TR_EBUSY);
    EXPECT(tr_db_next(rows) == 1);
    tr_db_rows_close(rows);
    close_db(db);
}

CASE(rows_that_have_been_fetched_outlive_their_database)
{
    tr_db *db = open_with(two_readers);
    tr_db_rows *rows;

    EXPECT(tr_db_query(&rows, db, "values (1), (2)") == 0);
    close_db(db);
    EXPECT(tr_db_next(rows) == 1 && tr_db_next(rows) == 1 && tr_db_next(rows) == 0);
    tr_db_rows_close(rows);
    tr_db_rows_close(NULL);
}

/* ---- the line ---- */

struct read_one_args {
    tr_db *db;
    char letter;
};

static int read_one(void *arg)
{
    const struct read_one_args *r = arg;
    int64_t number = number_of(r->db, "select 7");

    note(r->letter);
    return number == 7 ? 0 : TR_EIO;
}

static void wait_for_waiting(tr_db *db, size_t count)
{
    size_t waiting = 0;

    while (waiting != count) {
        EXPECT(tr_sleep(0.001) == 0);
        tr__mutex_lock(&db->base->lock);
        waiting = db->base->waiting_reads;
        tr__mutex_unlock(&db->base->lock);
    }
}

CASE(who_waits_for_a_reader_stands_in_line)
{
    tr_db *db = open_with((tr_db_config){ .readers = 1 });
    tr_db_rows *rows;
    int rc;

    EXPECT(tr_db_query(&rows, db, NUMBERS, 2000) == 0);
    TR_SCOPE(s, &rc) {
        for (char letter = 'a'; letter < 'd'; letter++) {
            tr_go(s, read_one, .db = db, .letter = letter);
            wait_for_waiting(db, (size_t)(letter - 'a') + 1);
        }
        EXPECT(strcmp(notes(), "") == 0);
        tr_db_rows_close(rows);
    }
    EXPECT(rc == 0);
    EXPECT(strcmp(notes(), "abc") == 0);
    close_db(db);
}

CASE(who_waits_for_a_reader_can_be_cancelled)
{
    tr_db *db = open_with((tr_db_config){ .readers = 1 });
    tr_db_rows *rows;
    tr_db_rows *row = NULL;
    int rc = 0;

    EXPECT(tr_db_query(&rows, db, NUMBERS, 2000) == 0);
    TR_DEADLINE(0.01)
        rc = tr_db_one(&row, db, "select 1");
    EXPECT(rc == TR_ETIMEDOUT || rc == TR_ECANCELED);
    EXPECT(row == NULL);
    tr_db_rows_close(rows);
    EXPECT(number_of(db, "select 7") == 7);
    close_db(db);
}

CASE(too_many_in_line_are_refused)
{
    tr_db *db = open_with((tr_db_config){ .readers = 1, .waiting_most = 1 });
    tr_db_rows *rows;
    tr_db_rows *row;
    int rc;

    EXPECT(tr_db_query(&rows, db, NUMBERS, 2000) == 0);
    TR_SCOPE(s, &rc) {
        tr_go(s, read_one, .db = db, .letter = 'a');
        wait_for_waiting(db, 1);
        EXPECT(tr_db_one(&row, db, "select 1") == TR_EFULL && row == NULL);
        tr_db_rows_close(rows);
    }
    EXPECT(rc == 0);
    close_db(db);
}

/* ---- cancellation ---- */

CASE(a_statement_that_runs_is_interrupted)
{
    tr_db *db = open_with((tr_db_config){ .readers = 1 });
    tr_db_rows *row = NULL;
    int rc = 0;

    TR_DEADLINE(0.01)
        rc = tr_db_one(&row, db, FOR_EVER);
    EXPECT((rc == TR_ETIMEDOUT || rc == TR_ECANCELED) && row == NULL);
    TR_DEADLINE(0.01)
        rc = tr_db_exec(db, FOR_EVER);
    EXPECT(rc == TR_ETIMEDOUT || rc == TR_ECANCELED);
    EXPECT(number_of(db, "select 7") == 7); /* nothing is left of it */
    EXPECT(tr_db_exec(db, "create table t (n)") == 0);
    close_db(db);
}

typedef struct taking {
    tr_db *db;
    int64_t taken;
} taking;

static void begin_taking(void *arg)
{
    ((taking *)arg)->taken = 0;
}

static int take_rows(void *arg)
{
    taking *t = arg;
    tr_db_rows *rows tr_cleanup_rows = NULL;
    int rc = AWAIT(tr_db_query(&rows, t->db, NUMBERS, 800));

    if (rc < 0)
        return rc;
    do
        rc = t->taken % 200 == 0 ? AWAIT(tr_db_next(rows)) : tr_db_next(rows);
    while (rc == 1 && ++t->taken > 0);
    return rc;
}

static void expect_taken(void *arg, int rc)
{
    taking *t = arg;

    EXPECT(rc == TR_ECANCELED || (rc == 0 && t->taken == 800));
    EXPECT(number_of(t->db, "select 7") == 7);
}

CASE(rows_can_be_cancelled_at_each_await)
{
    tr_db *db = open_with((tr_db_config){ .readers = 1 });
    taking t = { .db = db };

    cancel_at_every_await(&(attempt){ begin_taking, take_rows, expect_taken }, &t);
    close_db(db);
}

/* ---- elsewhere ---- */

static void use_from_thread(void *arg)
{
    tr_db *db = arg;
    int64_t count = 0;
    int rc;

    EXPECT(tr_db_exec(db, "create table t (n int)") == 0);
    EXPECT(tr_db_exec(db, "insert into t values (?)", 7) == 1);
    EXPECT(number_of(db, "select n from t") == 7);
    TR_DB_EACH(row, &rc, db, NUMBERS, 1000)
        count++;
    EXPECT(rc == 0 && count == 1000);
    EXPECT(tr_db_exec(db, "nonsense") == TR_ESQL && strstr(tr_db_why(), "nonsense") != NULL);
}

CASE(a_foreign_thread_may_do_all)
{
    tr_db *db = open_with(two_readers);

    foreign_end(foreign_start(use_from_thread, db));
    close_db(db);
}

static void use_in_handler(void *arg)
{
    tr_db_rows *row;

    EXPECT(tr_db_exec(arg, "create table t (n)") == TR_EWRONGPLACE);
    EXPECT(tr_db_one(&row, arg, "select 1") == TR_EWRONGPLACE && row == NULL);
    EXPECT(tr_db_query(&row, arg, "select 1") == TR_EWRONGPLACE && row == NULL);
    EXPECT(tr_db_close(arg) == TR_EWRONGPLACE);
}

CASE(who_may_not_wait_is_told_so)
{
    tr_db *db = open_with(two_readers);

    call_in_handler(false, use_in_handler, db);
    EXPECT(number_of(db, "select 7") == 7);
    close_db(db);
}

/* ---- jobs ---- */

static int read_twice(tr_db *job, void *arg)
{
    tr_db *db = arg;
    tr_db_rows *left_open;
    int64_t before = number_of(job, "select count(*) from t");
    tr_db_rows *row;

    EXPECT(tr_db_one(&row, db, "select 1") == TR_EWRONGPLACE); /* not what it was given */
    EXPECT(tr_db_exec(job, "insert into t values (2)") < 0);
    EXPECT(strlen(tr_db_why()) > 0);
    EXPECT(tr_db_query(&left_open, job, NUMBERS, 2000) == 0 && tr_db_next(left_open) == 1);
    tr_db_rows_close(left_open);
    return before == number_of(job, "select count(*) from t") ? 5 : TR_EIO;
}

CASE(a_job_reads_on_the_connections_thread)
{
    tr_db *db = open_with(two_readers);

    EXPECT(tr_db_exec(db, "create table t (n)") == 0);
    EXPECT(tr_db_read(db, read_twice, db) == 5);
    EXPECT(tr_db_close(db) == 0);
    EXPECT(tr_db_open(&db, &(tr_db_config){ .path = ":memory:" }) == 0);
    EXPECT(tr_db_exec(db, "create table t (n)") == 0);
    EXPECT(tr_db_read(db, read_twice, db) == 5);
    EXPECT(tr_db_exec(db, "insert into t values (2)") == 1);
    close_db(db);
}

/* ---- counting ---- */

static int read_nothing(tr_db *job, void *unused)
{
    (void)job;
    (void)unused;
    return 0;
}

static uint64_t reads_of(tr_db *db)
{
    tr_db_stats s;

    EXPECT(tr_db_statistics(db, &s) == 0 && s.waiting_reads == 0);
    return s.reads;
}

/* However many batches it comes in. */
CASE(each_that_had_a_reader_is_counted_once)
{
    tr_db *db = open_with(two_readers);
    uint64_t before = reads_of(db);
    int rc;

    EXPECT(number_of(db, "select 1") == 1 && reads_of(db) == before + 1);
    TR_DB_EACH(row, &rc, db, NUMBERS, 20000)
        EXPECT(!tr_db_is_null(row, 0));
    EXPECT(rc == 0 && reads_of(db) == before + 2);
    EXPECT(tr_db_read(db, read_nothing, NULL) == 0 && reads_of(db) == before + 3);
    TR_DB_SNAPSHOT(tx, &rc, db) {
        EXPECT(number_of(tx, "select 2") == 2);
    }
    EXPECT(rc == 0 && reads_of(db) == before + 4);
    EXPECT(tr_db_exec(db, "create table t (n)") == 0 && reads_of(db) == before + 4);
    close_db(db);
}

/* ---- closing ---- */

static int read_slowly(void *arg)
{
    tr_db_rows *row;
    int rc = tr_db_one(&row, arg, NUMBERS, 1000);

    if (rc == 0)
        tr_db_rows_close(row);
    return rc;
}

CASE(what_is_under_way_is_done_before_it_closes)
{
    tr_db *db = open_with(two_readers);
    tr_future *f[3];

    for (int i = 0; i < 3; i++)
        EXPECT(tr_submit(&f[i], TR_LOOP(i % 2), read_slowly, db) == 0);
    let_others_run();
    for (int i = 0; i < 3; i++)
        EXPECT(tr_await(f[i]) == 0);
    unref_all(f, 3);
    close_db(db);
}

CASES("rows", more_rows_than_a_batch_come_in_order, rows_may_be_left_early,
      a_database_whose_rows_are_open_is_not_closed,
      rows_that_have_been_fetched_outlive_their_database, who_waits_for_a_reader_stands_in_line,
      who_waits_for_a_reader_can_be_cancelled, too_many_in_line_are_refused,
      a_statement_that_runs_is_interrupted, rows_can_be_cancelled_at_each_await,
      a_foreign_thread_may_do_all, who_may_not_wait_is_told_so,
      a_job_reads_on_the_connections_thread, each_that_had_a_reader_is_counted_once,
      what_is_under_way_is_done_before_it_closes)
