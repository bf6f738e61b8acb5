/* troupe-db, by tasks. */
#include "db.h"

#include <stdio.h>
#include <stdlib.h>

enum { JOB_READS = 100 };

static const tr_db_migration migrations[] = { { .name = "items", .sql = DB_BENCH_TABLE ";" },
                                              { .name = NULL } };

struct worker_args {
    struct run *run;
};

static int write_items(void *arg)
{
    struct run *run = ((struct worker_args *)arg)->run;
    int rc = 0;

    while (rc >= 0 && now_s() < run->until_s) {
        rc = tr_db_exec(run->db, DB_BENCH_INSERT, "an item of the benchmark", run->count);
        run->count += rc >= 0;
    }
    return rc < 0 ? rc : 0;
}

static int64_t any_row(struct run *run)
{
    run->dice = run->dice * 1664525 + 1013904223;
    return (int64_t)(run->dice >> 8) % ROWS + 1;
}

static int read_one(struct run *run, tr_db *db)
{
    tr_db_rows *row tr_cleanup_rows = NULL;
    int64_t id = any_row(run);
    int rc = tr_db_one(&row, db, DB_BENCH_SELECT, id);

    if (rc == 0 && tr_db_int(row, 1) != id)
        rc = TR_EIO; /* of another row */
    run->count += rc == 0;
    return rc;
}

static int read_items(void *arg)
{
    struct run *run = ((struct worker_args *)arg)->run;
    int rc = 0;

    while (rc == 0 && now_s() < run->until_s)
        rc = read_one(run, run->db);
    return rc;
}

static int read_some(tr_db *tx, void *arg)
{
    int rc = 0;

    for (int i = 0; i < JOB_READS && rc == 0; i++)
        rc = read_one(arg, tx);
    return rc;
}

static int read_by_jobs(void *arg)
{
    struct run *run = ((struct worker_args *)arg)->run;
    int rc = 0;

    while (rc >= 0 && now_s() < run->until_s)
        rc = tr_db_read(run->db, read_some, run);
    return rc < 0 ? rc : 0;
}

static int fill(tr_db *tx, void *arg)
{
    int rc = 0;

    (void)arg;
    for (int i = 1; i <= ROWS && rc >= 0; i++)
        rc = tr_db_exec(tx, DB_BENCH_INSERT, "an item of the benchmark", i);
    return rc < 0 ? rc : 0;
}

struct job {
    struct run *run;
    int (*worker)(void *arg);
    bool is_filled;
};

static int work(const struct job *job)
{
    struct run *run = job->run;
    struct worker_args args = { run };
    int rc = 0;

    if (job->is_filled)
        rc = tr_db_write(run->db, fill, NULL);
    if (rc < 0)
        return rc;
    begin_counting(run);
    TR_SCOPE(s, &rc) {
        for (int i = 0; i < run->of->tasks; i++)
            (void)tr_scope_spawn(s, job->worker, &args); /* a failure is the scope's */
    }
    end_counting(run);
    return rc;
}

static int app(void *arg)
{
    const struct job *job = arg;
    struct run *run = job->run;
    int rc = tr_db_open(&run->db, &(tr_db_config){ .path = run->path,
                                                   .migrations = migrations,
                                                   .group_most = run->of->group_most });
    int closed;

    if (rc < 0)
        return rc;
    rc = work(job);
    closed = tr_db_close(run->db);
    return rc < 0 ? rc : closed;
}

static int run_job(struct run *run, int (*worker)(void *arg), bool is_filled)
{
    struct job job = { run, worker, is_filled };

    return tr_run(app, &job, &(tr_config){ .loops = 1 });
}

int run_writes(struct run *run)
{
    return run_job(run, write_items, false);
}

int run_reads(struct run *run)
{
    return run_job(run, read_items, true);
}

int run_read_jobs(struct run *run)
{
    return run_job(run, read_by_jobs, true);
}
