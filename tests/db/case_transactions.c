/* Transactions as scopes: every way out, what is part of what, and who waits meanwhile. */
#include "db/places.h"

static tr_db *open_table(void)
{
    tr_db *db = open_db();

    EXPECT(tr_db_exec(db, "create table t (x integer primary key)") == 0);
    return db;
}

static int64_t count(tr_db *db)
{
    return number_of(db, "select count(*) from t");
}

/* ---- every way out ---- */

typedef enum way { TO_THE_END, BY_CONTINUE, BY_BREAK, BY_RETURN, BY_GOTO, BY_ERROR, BY_COMMIT } way;

static int leave_by(tr_db *db, way how)
{
    int rc = TR_EIO;

    TR_DB_TRANSACTION(tx, &rc, db) {
        EXPECT(rc == 0);
        EXPECT(tr_db_exec(tx, "insert into t default values") == 1);
        rc = tr_db_exec(tx, "insert into t default values");
        EXPECT(count(tx) == 2 && count(db) == 0);
        switch (how) {
        case BY_CONTINUE:
            continue;
        case BY_RETURN:
            return TR_EBUSY;
        case BY_GOTO:
            goto out;
        case BY_ERROR:
            rc = TR_EDEAD;
            continue;
        case BY_COMMIT:
            return tr_db_commit(tx);
        default:
            break;
        }
        if (how == BY_BREAK)
            break;
    }
out:
    return rc;
}

CASE(a_transaction_is_committed_at_its_end_alone)
{
    static const struct {
        way how;
        int rc;
        int rows;
    } ways[] = {
        { TO_THE_END, 0, 2 },       { BY_CONTINUE, 0, 2 }, { BY_BREAK, 1, 0 },
        { BY_RETURN, TR_EBUSY, 0 }, { BY_GOTO, 1, 0 },     { BY_ERROR, TR_EDEAD, 0 },
        { BY_COMMIT, 0, 2 },
    };

    for (size_t i = 0; i < sizeof(ways) / sizeof(ways[0]); i++) {
        tr_db *db = open_table();

        EXPECT(leave_by(db, ways[i].how) == ways[i].rc);
        EXPECT(count(db) == ways[i].rows);
        EXPECT(tr_db_exec(db, "insert into t default values") == 1); /* others may write */
        close_db(db);
    }
}

CASE(nothing_can_be_done_with_one_that_has_ended)
{
    tr_db *db = open_table();
    tr_db_rows *rows;
    int rc;

    TR_DB_TRANSACTION(tx, &rc, db) {
        EXPECT(tr_db_exec(tx, "insert into t values (1), (2)") == 2);
        EXPECT(tr_db_query(&rows, tx, "select x from t") == 0);
        EXPECT(tr_db_commit(tx) == 0);
        EXPECT(tr_db_commit(tx) == TR_EALREADY);
        EXPECT(strcmp(tr_db_why(), "the transaction has ended") == 0);
        EXPECT(tr_db_exec(tx, "insert into t values (3)") == TR_EALREADY);
        tr_db_rows_close(rows);
    }
    EXPECT(rc == 0 && count(db) == 2);
    EXPECT(tr_db_commit(NULL) == TR_EINVAL && tr_db_commit(db) == TR_EINVAL);
    close_db(db);
}

CASE(a_transaction_that_sqlite_has_rolled_back_says_so)
{
    tr_db *db = open_table();
    int rc;

    TR_DB_TRANSACTION(tx, &rc, db) {
        EXPECT(tr_db_exec(tx, "insert into t values (1)") == 1);
        EXPECT(tr_db_exec(tx, "insert or rollback into t values (1)") == TR_EEXIST);
        EXPECT(tr_db_exec(tx, "insert into t values (2)") == TR_EEXIST);
        EXPECT(strcmp(tr_db_why(), "the transaction has been rolled back before") == 0);
    }
    EXPECT(rc == TR_EEXIST);
    EXPECT(count(db) == 0);
    TR_DB_TRANSACTION(tx, &rc, db) {
        rc = tr_db_exec(tx, "insert into t values (2)");
    }
    EXPECT(rc == 0 && count(db) == 1);
    close_db(db);
}

/* ---- within another ---- */

static int insert_and_fail(tr_db *tx, void *unused)
{
    (void)unused;
    EXPECT(tr_db_exec(tx, "insert into t values (10)") == 1);
    return TR_EDEAD;
}

static int insert_within(tr_db *job, void *unused)
{
    int rc;

    (void)unused;
    TR_DB_TRANSACTION(tx, &rc, job) {
        rc = tr_db_exec(tx, "insert into t values (20)");
    }
    EXPECT(rc == 0);
    TR_DB_TRANSACTION(tx, &rc, job) {
        EXPECT(tr_db_exec(tx, "insert into t values (21)") == 1);
        rc = TR_EBUSY;
    }
    EXPECT(rc == TR_EBUSY);
    return 0;
}

CASE(one_within_another_is_part_of_it)
{
    tr_db *db = open_table();
    int rc, inner;

    TR_DB_TRANSACTION(tx, &rc, db) {
        EXPECT(tr_db_exec(tx, "insert into t values (1)") == 1);
        TR_DB_TRANSACTION(part, &inner, tx) {
            EXPECT(tr_db_exec(part, "insert into t values (2)") == 1);
            EXPECT(tr_db_commit(tx) == TR_EBUSY);
            inner = TR_EDEAD;
        }
        EXPECT(inner == TR_EDEAD && count(tx) == 1);
        TR_DB_TRANSACTION(part, &inner, tx) {
            inner = tr_db_exec(part, "insert into t values (3)");
        }
        EXPECT(inner == 0 && count(tx) == 2);
        EXPECT(tr_db_write(tx, insert_and_fail, NULL) == TR_EDEAD);
        EXPECT(tr_db_write(tx, insert_within, NULL) == 0);
        EXPECT(count(tx) == 3);
    }
    EXPECT(rc == 0 && number_of(db, "select sum(x) from t") == 1 + 3 + 20);
    EXPECT(tr_db_write(db, insert_and_fail, NULL) == TR_EDEAD);
    EXPECT(tr_db_exec(db, "delete from t") == 3);
    EXPECT(tr_db_write(db, insert_within, NULL) == 0);
    EXPECT(number_of(db, "select sum(x) from t") == 20);
    close_db(db);
}

/* ---- others ---- */

typedef struct other {
    tr_db *db;
    int rc;
} other;

static int insert_as_other(void *arg)
{
    other *o = arg;

    o->rc = tr_db_exec(o->db, "insert into t values (5)");
    return 0;
}

CASE(others_write_when_it_has_ended)
{
    tr_db *db = open_table();
    other o = { .db = db };
    tr_task *task;
    int rc;

    TR_DB_TRANSACTION(tx, &rc, db) {
        EXPECT(tr_task_spawn(&task, insert_as_other, &o) == 0);
        let_others_run();
        EXPECT(o.rc == 0);
        EXPECT(tr_db_close(db) == TR_EBUSY);
        rc = tr_db_exec(tx, "insert into t values (5)");
        EXPECT(rc == 1);
    }
    EXPECT(tr_task_wait(task, TR_FOREVER) == 0);
    tr_task_unref(task);
    EXPECT(rc == 0 && o.rc == TR_EEXIST);
    close_db(db);
}

static int begin_and_sleep(void *arg)
{
    other *o = arg;

    TR_DB_TRANSACTION(tx, &o->rc, o->db) {
        o->rc = tr_db_exec(tx, "insert into t values (5)");
        if (o->rc == 1) /* else it is cancelled already */
            o->rc = tr_sleep(TR_FOREVER);
    }
    return 0;
}

static int begin_and_be_deaf(void *arg)
{
    other *o = arg;

    TR_DB_TRANSACTION(tx, &o->rc, o->db) {
        int done = tr_db_exec(tx, "insert into t values (5)");

        EXPECT(done == 1 || done == TR_ECANCELED);
        EXPECT(tr_sleep(TR_FOREVER) == TR_ECANCELED); /* it does not care */
    }
    return 0;
}

CASE(one_whose_task_is_cancelled_is_rolled_back)
{
    tr_db *db = open_table();
    int (*const tasks[])(void *) = { begin_and_sleep, begin_and_be_deaf };

    for (int i = 0; i < 2; i++) {
        other o = { .db = db };
        tr_task *task;
        int rc = 1;

        EXPECT(tr_task_spawn(&task, tasks[i], &o) == 0);
        let_others_run();
        EXPECT(tr_task_cancel(task) == 1);
        TR_DB_TRANSACTION(tx, &rc, db) /* behind it in line, at the latest */
        {
            rc = count(tx) == 0 ? 0 : TR_EIO;
        }
        EXPECT(tr_task_wait(task, TR_FOREVER) == 0);
        tr_task_unref(task);
        EXPECT(rc == 0 && o.rc == TR_ECANCELED);
    }
    close_db(db);
}

static void begin_in_thread(void *arg)
{
    other *o = arg;

    TR_DB_TRANSACTION(tx, &o->rc, o->db) {
        o->rc = tr_db_exec(tx, "insert into t values (7)");
        EXPECT(count(tx) == 1);
    }
}

CASE(a_foreign_thread_may_have_one)
{
    tr_db *db = open_table();
    other o = { .db = db };
    foreign *thread = foreign_start(begin_in_thread, &o);

    foreign_end(thread);
    EXPECT(o.rc == 0 && count(db) == 1);
    close_db(db);
}

/* ---- snapshots ---- */

CASE(a_snapshot_is_of_one_moment)
{
    tr_db *db = open_table();
    int rc;

    TR_DB_SNAPSHOT(then, &rc, db) {
        EXPECT(tr_db_exec(db, "insert into t values (1)") == 1);
        EXPECT(count(then) == 0 && count(db) == 1);
        EXPECT(tr_db_exec(then, "insert into t values (2)") == -EROFS);
    }
    EXPECT(rc == 0 && count(db) == 1);
    close_db(db);
}

CASE(in_memory_both_go_by_the_one_connection)
{
    tr_db *db = NULL;
    int rc;

    EXPECT(tr_db_open(&db, &(tr_db_config){ .path = ":memory:" }) == 0);
    EXPECT(tr_db_exec(db, "create table t (x)") == 0);
    TR_DB_TRANSACTION(tx, &rc, db) {
        rc = tr_db_exec(tx, "insert into t values (1)");
    }
    EXPECT(rc == 0);
    TR_DB_SNAPSHOT(then, &rc, db) {
        EXPECT(count(then) == 1);
        EXPECT(tr_db_exec(then, "insert into t values (2)") == -EROFS);
    }
    EXPECT(rc == 0 && tr_db_exec(db, "insert into t values (2)") == 1);
    EXPECT(tr_db_close(db) == 0);
}

CASES("transactions", a_transaction_is_committed_at_its_end_alone,
      nothing_can_be_done_with_one_that_has_ended,
      a_transaction_that_sqlite_has_rolled_back_says_so, one_within_another_is_part_of_it,
      others_write_when_it_has_ended, one_whose_task_is_cancelled_is_rolled_back,
      a_foreign_thread_may_have_one, a_snapshot_is_of_one_moment,
      in_memory_both_go_by_the_one_connection)
