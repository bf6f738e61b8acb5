/* The queue and the workers of the sample jobs, in a simulation: time is virtual, so that leases
 * end and delays pass at once, and a seed decides what meets what. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <troupe/sim.h>

#include "samples/jobs/worker.h"
#include "support/suite.h"

/* What must hold; else the run ends, and with it its seed. */
#define EXPECT(x) ((x) ? (void)0 : expect_failed(__LINE__, #x))

static void expect_failed(int line, const char *what)
{
    (void)fprintf(stderr, "%s:%d: this must hold, and does not: %s\n", __FILE__, line, what);
    abort();
}

enum { JOBS = 20, MOST = 3, LEASE_S = 3 };

/* By its number modulo 4. */
enum kind { SUCCEEDS, FAILS_TWICE, FAILS, IS_SLOW };

static int runs[JOBS + 1];
static int running[JOBS + 1];

static int do_job(const struct job *job, char *why, size_t room)
{
    const int id = (int)job->id;
    const double seconds =
        id % 4 == IS_SLOW ? 5.0 * LEASE_S : (double)(tr_sim_random() % 100) / 100;
    int rc;

    EXPECT(++running[id] == 1); /* a lease is of one worker */
    rc = tr_sleep(seconds);
    running[id]--;
    if (rc < 0)
        return rc;
    runs[id]++;
    if (id % 4 == FAILS || (id % 4 == FAILS_TWICE && runs[id] <= 2)) {
        (void)snprintf(why, room, "run %d", runs[id]);
        return TR_EIO;
    }
    return 0;
}

static struct crew new_crew(tr_db *db)
{
    return (struct crew){ .db = db,
                          .fn = do_job,
                          .workers = 3,
                          .lease = LEASE_S,
                          .poll = 0.1,
                          .first_delay = 1,
                          .longest_delay = 60,
                          .grace = 0.5,
                          .is_drain = true };
}

static tr_db *new_queue(void)
{
    tr_db *db;

    memset(runs, 0, sizeof(runs));
    memset(running, 0, sizeof(running));
    EXPECT(queue_open(&db, ":memory:") == 0);
    for (int i = 1; i <= JOBS; i++)
        EXPECT(queue_add(db, &(struct job){ .command = "", .priority = i % 3, .most = MOST }) == i);
    return db;
}

static void check_job(const struct job *job)
{
    const int id = (int)job->id;
    const bool is_dead = id % 4 == FAILS;
    const int attempts = is_dead || id % 4 == FAILS_TWICE ? 3 : 1;

    EXPECT(strcmp(job->state, is_dead ? "dead" : "done") == 0);
    EXPECT(job->attempts == attempts && runs[id] == attempts);
    EXPECT(is_dead == (job->error != NULL));
    EXPECT(!is_dead || strcmp(job->error, "run 3") == 0);
}

static void check_all(tr_db *db)
{
    struct job job;
    int rc, count = 0;

    TR_DB_EACH(row, &rc, db, "select id, state, attempts, error from jobs") {
        EXPECT(tr_db_row(row, job, &job) == 0);
        check_job(&job);
        count++;
    }
    EXPECT(rc == 0 && count == JOBS);
}

static void finish(tr_db *db)
{
    struct crew crew = new_crew(db);

    EXPECT(crew_work(&crew) == 0);
    check_all(db);
    EXPECT(queue_revive(db, 0) == JOBS / 4 && queue_is_empty(db) == 0);
    EXPECT(tr_db_close(db) == 0);
}

static int work_all(void *unused)
{
    (void)unused;
    finish(new_queue());
    return 0;
}

static int be_crew(void *crew)
{
    return crew_work(crew);
}

/* What was interrupted is given back, and counts as no attempt; in the end it is as if nobody had
 * been. */
static int be_interrupted(void *unused)
{
    tr_db *db = new_queue();

    (void)unused;
    for (int i = 0; i < 5; i++) {
        struct crew crew = new_crew(db);
        tr_task *task;

        EXPECT(tr_task_spawn(&task, be_crew, &crew) == 0);
        EXPECT(tr_sleep((double)(tr_sim_random() % 3000) / 1000) == 0);
        EXPECT(tr_task_cancel(task) >= 0 && tr_task_wait(task, TR_FOREVER) == 0);
        tr_task_unref(task);
    }
    finish(db);
    return 0;
}

/* ---- the tests ---- */

enum { SEEDS_HERE = SEEDS / 2 + 1 };

static void explore(void (*run)(void *unused))
{
    const tr_sim_options options = { .seed = 1, .late = 0.05, .stall = 0.01, .slow_job = 0.01 };

    ck_assert_int_eq(tr_sim_explore(run, NULL, SEEDS_HERE, &options), 0);
}

static void run_work_all(void *unused)
{
    EXPECT(tr_run(work_all, unused, NULL) == 0);
}

static void run_be_interrupted(void *unused)
{
    EXPECT(tr_run(be_interrupted, unused, NULL) == 0);
}

START_TEST(each_job_runs_as_often_as_it_has_to)
{
    explore(run_work_all);
}
END_TEST

START_TEST(a_job_that_is_interrupted_is_as_if_it_had_not_begun)
{
    explore(run_be_interrupted);
}
END_TEST

SUITE_MAIN("samples/jobs", each_job_runs_as_often_as_it_has_to,
           a_job_that_is_interrupted_is_as_if_it_had_not_begun)
