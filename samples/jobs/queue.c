/* See queue.h. */
#include "queue.h"

#include <math.h>
#include <time.h>

/* The index is what a worker looks for: so it costs the same however many jobs are done. */
static const tr_db_migration schema[] = {
    { .name = "jobs",
      .sql = "create table jobs ("
             "  id integer primary key, command text not null, priority integer not null,"
             "  due real not null, every real not null, timeout real not null,"
             "  attempts integer not null default 0, most integer not null,"
             "  state text not null default 'waiting'"
             "    check (state in ('waiting', 'running', 'done', 'dead')),"
             "  leased_until real, error text);"
             "create index jobs_to_take on jobs (state, priority desc, due);" },
    { 0 }
};

#define COLUMNS "id, state, command, priority, due, every, timeout, attempts, most, error"

double queue_now(void)
{
    struct timespec now;

    (void)clock_gettime(CLOCK_REALTIME, &now); /* it can't fail */
    return (double)now.tv_sec + (double)now.tv_nsec / 1e9;
}

int queue_open(tr_db **out, const char *path)
{
    return tr_db_open(out, &(tr_db_config){ .path = path, .migrations = schema });
}

int64_t queue_add(tr_db *db, const struct job *job)
{
    tr_db_rows *rows tr_cleanup_rows = NULL;
    int rc = tr_db_one(&rows, db,
                       "insert into jobs (command, priority, due, every, timeout, most)"
                       " values (?, ?, ?, ?, ?, ?) returning id",
                       job->command, job->priority, job->due, job->every, job->timeout, job->most);

    return rc < 0 ? rc : tr_db_int(rows, 0);
}

/* Workers that have died can't say so: their leases end. Who died with it too often may be killed
 * by it. */
static int end_leases(tr_db *db, double now)
{
    return tr_db_exec(db,
                      "update jobs set state = iif(attempts >= most, 'dead', 'waiting'),"
                      " leased_until = null, error = 'its worker has died'"
                      " where state = 'running' and leased_until < ?",
                      now);
}

int queue_take(tr_db *db, double lease, tr_db_rows **rows, struct job *job)
{
    const double now = queue_now();
    int rc = end_leases(db, now);

    *rows = NULL;
    if (rc >= 0)
        rc = tr_db_one(rows, db,
                       "update jobs set state = 'running', leased_until = ?,"
                       " attempts = attempts + 1"
                       " where id = (select id from jobs where state = 'waiting' and due <= ?"
                       "             order by priority desc, due, id limit 1)"
                       " returning " COLUMNS,
                       now + lease, now);
    return rc < 0 ? rc : tr_db_row(*rows, job, job);
}

/* The result of a statement that was about one lease. */
static int lost_if_none(int rows)
{
    return rows > 0 ? 0 : rows == 0 ? TR_ENOENT : rows;
}

#define OF_THIS_LEASE " where id = ? and state = 'running' and attempts = ?"

int queue_keep(tr_db *db, const struct job *job, double lease)
{
    return lost_if_none(tr_db_exec(db, "update jobs set leased_until = ?" OF_THIS_LEASE,
                                   queue_now() + lease, job->id, job->attempts));
}

/* One that comes again waits for its next time: those that it has missed are left out. */
int queue_succeed(tr_db *db, const struct job *job)
{
    const double now = queue_now();
    const double next = job->every > 0 ? fmax(now, job->due + job->every) : now;

    return lost_if_none(tr_db_exec(
        db,
        "update jobs set state = iif(every > 0, 'waiting', 'done'), due = ?, leased_until = null,"
        " error = null, attempts = iif(every > 0, 0, attempts)" OF_THIS_LEASE,
        next, job->id, job->attempts));
}

/* Jobs that failed together, as when what all of them need was away, do not come back together:
 * half of the delay is left to chance. */
int queue_fail(tr_db *db, const struct job *job, const char *error, double delay)
{
    return lost_if_none(tr_db_exec(
        db,
        "update jobs set state = iif(attempts >= most, 'dead', 'waiting'), leased_until = null,"
        " due = ? + ? * (0.5 + abs(random() % 1000) / 2000.0), error = ?" OF_THIS_LEASE,
        queue_now(), delay, error, job->id, job->attempts));
}

int queue_give_back(tr_db *db, const struct job *job)
{
    return lost_if_none(tr_db_exec(db,
                                   "update jobs set state = 'waiting', leased_until = null,"
                                   " attempts = attempts - 1" OF_THIS_LEASE,
                                   job->id, job->attempts));
}

int queue_revive(tr_db *db, int64_t id)
{
    return tr_db_exec(db,
                      "update jobs set state = 'waiting', attempts = 0, due = ?"
                      " where state = 'dead' and (id = ? or ? = 0)",
                      queue_now(), id, id);
}

int queue_forget(tr_db *db, double before)
{
    return tr_db_exec(db, "delete from jobs where state = 'done' and due < ?", before);
}

int queue_is_empty(tr_db *db)
{
    tr_db_rows *rows tr_cleanup_rows = NULL;
    int rc = tr_db_one(&rows, db,
                       "select 1 from jobs where state = 'running' or"
                       " (state = 'waiting' and (due <= ? or attempts > 0)) limit 1",
                       queue_now());

    return rc == TR_ENOENT ? 1 : rc;
}
