/* Group commit: who shares a transaction, what becomes of others when one fails, and who is told
 * what. */
#include <sqlite3.h>

#include "db/places.h"

/* ---- those who write ---- */

typedef struct pen {
    tr_db *db;
    const char *sql;
    tr_db_fn fn; /* in the place of sql */
    int calls;   /* of fn */
    int result;
    char why[128];
    tr_future *begun; /* resolved by fn, if it is there */
    tr_task *task;
} pen;

static int write_it(void *arg)
{
    pen *p = arg;

    p->result = p->fn != NULL ? tr_db_write(p->db, p->fn, p) : tr_db_exec(p->db, p->sql);
    (void)snprintf(p->why, sizeof(p->why), "%s", p->result < 0 ? tr_db_why() : "");
    return 0;
}

static void start(pen *p)
{
    EXPECT(tr_task_spawn(&p->task, write_it, p) == 0);
}

static int end(pen *p)
{
    EXPECT(tr_task_wait(p->task, TR_FOREVER) == 0);
    tr_task_unref(p->task);
    return p->result;
}

static tr_db_stats figures_of(tr_db *db)
{
    tr_db_stats s;

    EXPECT(tr_db_statistics(db, &s) == 0);
    return s;
}

static void wait_for_line(tr_db *db, long length)
{
    while (figures_of(db).waiting < length)
        EXPECT(tr_yield() == 0);
}

/* They all stand in line, in this order, before the first of them is taken. */
static void run_together(tr_db *db, pen *pens, int count)
{
    int rc;

    TR_DB_TRANSACTION(tx, &rc, db) {
        for (int i = 0; i < count; i++) {
            pens[i].db = db;
            start(&pens[i]);
            wait_for_line(db, i + 1);
        }
    }
    EXPECT(rc == 0);
}

static tr_db *open_table(void)
{
    tr_db *db = open_db();

    EXPECT(tr_db_exec(db, "create table t (x integer primary key, y)") == 0);
    return db;
}

/* ---- groups ---- */

CASE(writes_that_wait_share_a_commit)
{
    tr_db *db = open_table();
    pen pens[20] = { 0 };
    tr_db_stats before = figures_of(db), after;

    for (int i = 0; i < 20; i++)
        pens[i].sql = "insert into t (y) values (1)";
    run_together(db, pens, 20);
    for (int i = 0; i < 20; i++)
        EXPECT(end(&pens[i]) == 1);
    after = figures_of(db);
    EXPECT(after.writes == before.writes + 21 && after.groups == before.groups + 2);
    EXPECT(number_of(db, "select count(*) from t") == 20);
    close_db(db);
}

CASE(a_group_has_a_limit)
{
    tr_db *db = NULL;
    pen pens[9] = { 0 };
    tr_db_stats before;

    make_root();
    EXPECT(tr_db_open(&db, &(tr_db_config){ .path = db_path, .group_most = 4 }) == 0);
    EXPECT(tr_db_exec(db, "create table t (x)") == 0);
    before = figures_of(db);
    for (int i = 0; i < 9; i++)
        pens[i].sql = "insert into t values (1)";
    run_together(db, pens, 9);
    for (int i = 0; i < 9; i++)
        EXPECT(end(&pens[i]) == 1);
    EXPECT(figures_of(db).groups == before.groups + 1 + 3);
    close_db(db);
}

static int insert_late(tr_db *tx, void *arg)
{
    pen *p = arg;

    p->calls++;
    (void)tr_future_resolve(p->begun, NULL, NULL); /* the second time it has been */
    return tr_db_exec(tx, "insert into t (y) values (1)");
}

CASE(a_group_waits_for_company_where_it_is_told_to)
{
    tr_db *db = NULL;
    pen first = { .fn = insert_late }, second = { .sql = "insert into t (y) values (2)" };
    tr_db_stats before;

    make_root();
    EXPECT(tr_db_open(
               &db, &(tr_db_config){ .path = db_path, .group_most = 2, .group_longest = 60 }) == 0);
    /* The second one ends a group. */
    first.db = second.db = db;
    EXPECT(tr_future_new(&first.begun) == 0);
    {
        pen table = { .db = db, .sql = "create table t (x integer primary key, y)" };
        pen other = { .db = db, .sql = "create table u (x)" };

        start(&table);
        start(&other);
        EXPECT(end(&table) == 0 && end(&other) == 0);
    }
    before = figures_of(db);
    start(&first);
    EXPECT(tr_await(first.begun) == 0);
    start(&second);
    EXPECT(end(&first) == 1 && end(&second) == 1);
    EXPECT(figures_of(db).groups == before.groups + 1);
    tr_future_unref(first.begun);
    close_db(db);
}

CASE(one_that_fails_leaves_the_others_alone)
{
    tr_db *db = open_table();
    pen pens[] = { { .sql = "insert into t values (1, 0)" },
                   { .sql = "insert into t values (1, 0)" },
                   { .sql = "insert into nowhere values (1)" },
                   { .sql = "insert into t values (2, 0)" } };

    run_together(db, pens, 4);
    EXPECT(end(&pens[0]) == 1 && end(&pens[1]) == TR_EEXIST);
    EXPECT(end(&pens[2]) == TR_ESQL && end(&pens[3]) == 1);
    EXPECT(strcmp(pens[1].why, "UNIQUE constraint failed: t.x") == 0);
    EXPECT(strcmp(pens[2].why, "no such table: nowhere") == 0);
    EXPECT(number_of(db, "select count(*) from t") == 2);
    close_db(db);
}

CASE(where_the_first_fails_the_others_are_done)
{
    tr_db *db = open_table();
    pen pens[] = { { .sql = "insert into nowhere values (1)" },
                   { .sql = "insert into t values (2, 0)" } };

    run_together(db, pens, 2);
    EXPECT(end(&pens[0]) == TR_ESQL && end(&pens[1]) == 1);
    EXPECT(number_of(db, "select count(*) from t") == 1);
    close_db(db);
}

/* ---- jobs ---- */

static int insert_two(tr_db *tx, void *arg)
{
    pen *p = arg;
    int rc = tr_db_exec(tx, "insert into t (y) values (1)");

    p->calls++;
    return rc < 0 ? rc : tr_db_exec(tx, p->sql);
}

CASE(statements_of_a_job_are_one)
{
    tr_db *db = open_table();
    pen pens[] = { { .fn = insert_two, .sql = "insert into t values (100, 0)" },
                   { .fn = insert_two, .sql = "insert into nowhere values (1)" },
                   { .fn = insert_two, .sql = "insert into t values (50, 0)" } };

    run_together(db, pens, 3);
    EXPECT(end(&pens[0]) == 1 && end(&pens[1]) == TR_ESQL && end(&pens[2]) == 1);
    EXPECT(pens[0].calls == 1 && pens[1].calls == 1 && pens[2].calls == 1);
    EXPECT(number_of(db, "select count(*) from t") == 4);
    close_db(db);
}

/* ---- what spoils a transaction ---- */

static int insert_counted(tr_db *tx, void *arg)
{
    pen *p = arg;

    p->calls++;
    return tr_db_exec(tx, p->sql);
}

static int insert_for_ever(tr_db *tx, void *arg)
{
    pen *p = arg;

    p->calls++;
    (void)tr_future_resolve(p->begun, NULL, NULL); /* it is called once */
    return tr_db_exec(tx, "with recursive c(x) as (select 1 union all select x + 1 from c) "
                          "insert into t select x, 0 from c where x < 0");
}

CASE(one_that_is_cancelled_while_it_runs_is_interrupted_and_the_others_run_again)
{
    tr_db *db = open_table();
    pen pens[] = { { .fn = insert_counted, .sql = "insert into t values (1, 0)" },
                   { .fn = insert_for_ever },
                   { .fn = insert_counted, .sql = "insert into t values (3, 0)" } };

    EXPECT(tr_future_new(&pens[1].begun) == 0);
    run_together(db, pens, 3);
    EXPECT(tr_await(pens[1].begun) == 0);
    tr_task_cancel(pens[1].task);
    EXPECT(end(&pens[0]) == 1 && end(&pens[1]) == TR_ECANCELED && end(&pens[2]) == 1);
    EXPECT(pens[0].calls == 2 && pens[1].calls == 1 && pens[2].calls == 1);
    EXPECT(figures_of(db).repeated == 1);
    EXPECT(number_of(db, "select count(*) from t") == 2);
    tr_future_unref(pens[1].begun);
    close_db(db);
}

/* It does not look at what its statements say. */
static int roll_back_and_go_on(tr_db *tx, void *arg)
{
    pen *p = arg;

    p->calls++;
    EXPECT(tr_db_exec(tx, "insert into t values (7, 0)") == 1);
    EXPECT(tr_db_exec(tx, "insert or rollback into t values (7, 0)") == TR_EEXIST);
    EXPECT(tr_db_exec(tx, "insert into t values (8, 0)") == TR_EEXIST);
    EXPECT(strcmp(tr_db_why(), "the transaction has been rolled back before") == 0);
    return 0;
}

CASE(nothing_of_a_job_is_done_outside_of_its_transaction)
{
    tr_db *db = open_table();
    pen pens[] = { { .fn = insert_counted, .sql = "insert into t values (1, 0)" },
                   { .fn = roll_back_and_go_on },
                   { .fn = insert_counted, .sql = "insert into t values (3, 0)" } };

    run_together(db, pens, 3);
    EXPECT(end(&pens[0]) == 1 && end(&pens[1]) == TR_EEXIST && end(&pens[2]) == 1);
    EXPECT(pens[0].calls == 2 && pens[1].calls == 1 && pens[2].calls == 1);
    EXPECT(number_of(db, "select sum(x) from t") == 4);
    close_db(db);
}

CASE(who_breaks_a_deferred_key_fails_alone)
{
    tr_db *db = open_table();
    pen pens[] = { { .sql = "insert into t values (1, 0)" },
                   { .sql = "insert into u values (5)" },
                   { .sql = "insert into u values (1)" } };

    EXPECT(tr_db_exec(db, "create table u (x references t deferrable initially deferred)") == 0);
    run_together(db, pens, 3);
    EXPECT(end(&pens[0]) == 1 && end(&pens[1]) == TR_ECONSTRAINT && end(&pens[2]) == 1);
    EXPECT(number_of(db, "select sum(x) from u") == 1);
    close_db(db);
}

/* ---- in line ---- */

CASE(one_that_is_cancelled_in_line_never_runs)
{
    tr_db *db = open_table();
    pen pens[2] = { { .fn = insert_counted, .sql = "insert into t values (1, 0)" },
                    { .fn = insert_counted, .sql = "insert into t values (2, 0)" } };
    int rc;

    pens[0].db = pens[1].db = db;
    TR_DB_TRANSACTION(tx, &rc, db) {
        start(&pens[0]);
        start(&pens[1]);
        wait_for_line(db, 2);
        tr_task_cancel(pens[0].task);
        EXPECT(end(&pens[0]) == TR_ECANCELED);
        EXPECT(figures_of(db).waiting == 1);
    }
    EXPECT(end(&pens[1]) == 1);
    EXPECT(pens[0].calls == 0 && number_of(db, "select sum(x) from t") == 2);
    close_db(db);
}

CASE(a_line_that_is_full_refuses_at_once)
{
    tr_db *db = NULL;
    pen pens[2] = { { .sql = "create table a (x)" }, { .sql = "create table b (x)" } };
    int rc;

    make_root();
    EXPECT(tr_db_open(&db, &(tr_db_config){ .path = db_path, .waiting_most = 1 }) == 0);
    pens[0].db = pens[1].db = db;
    TR_DB_TRANSACTION(tx, &rc, db) {
        start(&pens[0]);
        wait_for_line(db, 1);
        start(&pens[1]);
        EXPECT(end(&pens[1]) == TR_EFULL);
    }
    EXPECT(end(&pens[0]) == 0);
    close_db(db);
}

CASE(a_close_waits_for_those_in_line)
{
    tr_db *db = open_table();
    pen pens[10] = { 0 };
    int done = 0;

    for (int i = 0; i < 10; i++) {
        pens[i] = (pen){ .db = db, .sql = "insert into t (y) values (1)" };
        start(&pens[i]);
    }
    for (int i = 0; i < 3; i++)
        EXPECT(tr_yield() == 0);
    EXPECT(tr_db_close(db) == 0);
    for (int i = 0; i < 10; i++) {
        int rc = end(&pens[i]);

        EXPECT(rc == 1 || rc == TR_EPIPE);
        done += rc == 1;
    }
    EXPECT(tr_db_open(&db, &(tr_db_config){ .path = db_path }) == 0);
    EXPECT(number_of(db, "select count(*) from t") == done);
    close_db(db);
}

/* ---- threads, and other processes ---- */

static void write_from_thread(void *arg)
{
    pen *p = arg;

    p->result = tr_db_exec(p->db, p->sql);
}

CASE(a_foreign_thread_writes_and_waits)
{
    tr_db *db = open_table();
    pen p = { .db = db, .sql = "insert into t values (1, 0)" };
    foreign *thread = foreign_start(write_from_thread, &p);

    for (int i = 0; i < 5; i++)
        EXPECT(tr_db_exec(db, "insert into t (y) values (1)") == 1);
    foreign_end(thread);
    EXPECT(p.result == 1 || p.result == TR_EEXIST); /* the others are given numbers, too */
    close_db(db);
}

static sqlite3 *lock_it(void)
{
    sqlite3 *other = NULL;

    EXPECT(sqlite3_open(db_path, &other) == SQLITE_OK);
    EXPECT(sqlite3_exec(other, "begin immediate", NULL, NULL, NULL) == SQLITE_OK);
    return other;
}

CASE(a_lock_of_others_is_waited_for_so_long)
{
    tr_db *db = NULL;
    pen waiting = { .sql = "insert into t values (1)" };
    sqlite3 *other;

    make_root();
    EXPECT(tr_db_open(&db, &(tr_db_config){ .path = db_path, .busy_timeout = 0.03 }) == 0);
    EXPECT(tr_db_exec(db, "create table t (x)") == 0);
    other = lock_it();
    EXPECT(tr_db_exec(db, "insert into t values (1)") == TR_EBUSY);
    EXPECT(strcmp(tr_db_why(), "database is locked") == 0);
    EXPECT(figures_of(db).busy >= 1);
    EXPECT(sqlite3_exec(other, "insert into t values (5); commit", NULL, NULL, NULL) == SQLITE_OK);
    EXPECT(tr_db_exec(db, "insert into t values (1)") == 1);
    EXPECT(number_of(db, "select sum(x) from t") == 6);
    EXPECT(tr_db_close(db) == 0);

    EXPECT(tr_db_open(&db, &(tr_db_config){ .path = db_path, .busy_timeout = -1 }) == 0);
    EXPECT(sqlite3_exec(other, "begin immediate", NULL, NULL, NULL) == SQLITE_OK);
    waiting.db = db;
    start(&waiting);
    while (figures_of(db).busy == 0)
        EXPECT(tr_sleep(0.001) == 0);
    tr_task_cancel(waiting.task); /* while it can't begin */
    EXPECT(end(&waiting) == TR_ECANCELED);
    start(&waiting);
    EXPECT(sqlite3_exec(other, "commit", NULL, NULL, NULL) == SQLITE_OK);
    EXPECT(end(&waiting) == 1);
    EXPECT(sqlite3_close(other) == SQLITE_OK);
    close_db(db);
}

CASES("writer", writes_that_wait_share_a_commit, a_group_has_a_limit,
      a_group_waits_for_company_where_it_is_told_to, one_that_fails_leaves_the_others_alone,
      where_the_first_fails_the_others_are_done, statements_of_a_job_are_one,
      one_that_is_cancelled_while_it_runs_is_interrupted_and_the_others_run_again,
      nothing_of_a_job_is_done_outside_of_its_transaction, who_breaks_a_deferred_key_fails_alone,
      one_that_is_cancelled_in_line_never_runs, a_line_that_is_full_refuses_at_once,
      a_close_waits_for_those_in_line, a_foreign_thread_writes_and_waits,
      a_lock_of_others_is_waited_for_so_long)
