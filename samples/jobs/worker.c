/* See worker.h. A worker is cancelled only when its time to end in good order has passed: whoever
 * is told to end sets an event, and each worker looks at it between two jobs. */
#include "worker.h"

#include <inttypes.h>
#include <math.h>

enum { LONGEST_WHY = 200, PARTING_S = 5 };

/* An attempt: the job, and beside it its lease, which is kept as long as it runs. */
struct attempt {
    const struct crew *crew;
    const struct job *job;
    tr_scope *both;
    bool is_lost;
    char why[LONGEST_WHY];
};

static int keep_lease(void *arg)
{
    struct attempt *a = arg;
    int rc;

    while ((rc = tr_sleep(a->crew->lease / 3)) == 0 &&
           (rc = queue_keep(a->crew->db, a->job, a->crew->lease)) != TR_ENOENT)
        ; /* another error, as of a disk that is full, may be gone before the lease has ended */
    a->is_lost = rc == TR_ENOENT;
    if (a->is_lost)
        tr_scope_cancel(a->both); /* another worker has it: the job ends here */
    return 0;
}

static int run(void *arg)
{
    struct attempt *a = arg;
    const double timeout = a->job->timeout > 0 ? a->job->timeout : TR_FOREVER;
    int rc = 0;

    TR_DEADLINE(timeout, &rc) {
        rc = a->crew->fn(a->job, a->why, sizeof(a->why));
    }
    tr_scope_cancel(a->both); /* the lease */
    return rc;
}

static int run_with_lease(struct attempt *a)
{
    int rc, result = TR_ECANCELED;

    TR_SCOPE(s, &rc) {
        a->both = s;
        tr_scope_spawn(s, keep_lease, a);
        result = run(a);
    }
    return result; /* of the job; that of the scope says only that it was cancelled */
}

static double delay_of(const struct crew *crew, const struct job *job)
{
    return fmin(crew->longest_delay, crew->first_delay * pow(2, (double)job->attempts - 1));
}

/* Tell the queue; also when the worker is cancelled. */
static int settle(const struct attempt *a, int result)
{
    const struct crew *crew = a->crew;
    const char *why = a->why[0] != 0 ? a->why : tr_strerror(result);
    int rc = 0;

    if (a->is_lost)
        return TR_ENOENT;
    TR_SHIELD(PARTING_S) {
        if (result >= 0)
            rc = queue_succeed(crew->db, a->job);
        else if (result == TR_ECANCELED)
            rc = queue_give_back(crew->db, a->job);
        else
            rc = queue_fail(crew->db, a->job, why, delay_of(crew, a->job));
    }
    return rc;
}

/* For people who watch. */
static int tell(const struct attempt *a, int result, int settled)
{
    const struct job *job = a->job;
    const char *why = a->why[0] != 0 ? a->why : tr_strerror(result);
    FILE *out = a->crew->out;
    int rc;

    if (out == NULL)
        return 0;
    if (settled == TR_ENOENT)
        rc = fprintf(out, "job %" PRId64 ": its lease is lost\n", job->id);
    else if (result >= 0)
        rc = fprintf(out, "job %" PRId64 ": done\n", job->id);
    else if (result == TR_ECANCELED)
        rc = fprintf(out, "job %" PRId64 ": given back\n", job->id);
    else
        rc = fprintf(out, "job %" PRId64 ": attempt %" PRId64 " of %" PRId64 ": %s\n", job->id,
                     job->attempts, job->most, why);
    return rc < 0 || fflush(out) != 0 ? TR_EIO : 0;
}

/* Take one job, and do it. TR_ENOENT: none is due. */
static int work_once(const struct crew *crew)
{
    tr_db_rows *rows tr_cleanup_rows = NULL;
    struct job job;
    struct attempt a = { .crew = crew, .job = &job };
    int rc = queue_take(crew->db, crew->lease, &rows, &job), result;

    if (rc < 0)
        return rc;
    result = run_with_lease(&a);
    rc = settle(&a, result);
    return rc < 0 && rc != TR_ENOENT ? rc : tell(&a, result, rc);
}

/* What can't be said to the queue now is not lost: a job whose end is not known there runs again,
 * when its lease has ended. So no error ends a worker. */
static int work(void *arg)
{
    struct crew *crew = arg;

    while (!tr_event_is_set(&crew->stop)) {
        const int rc = work_once(crew);

        if (rc == TR_ENOENT && crew->is_drain && queue_is_empty(crew->db) == 1)
            return 0;
        if (rc < 0 && rc != TR_ENOENT && rc != TR_ECANCELED)
            (void)fprintf(stderr, "jobs: %s: %s\n", tr_strerror(rc), tr_db_why());
        if (rc < 0 && tr_event_wait_for(&crew->stop, crew->poll) == TR_ECANCELED)
            return 0;
    }
    return 0;
}

static int work_all(void *arg)
{
    struct crew *crew = arg;
    int rc;

    TR_SCOPE(s, &rc) {
        for (int i = 0; i < crew->workers; i++)
            tr_scope_spawn(s, work, crew);
    }
    return rc;
}

int crew_work(struct crew *crew)
{
    tr_task *all;
    int rc = tr_task_spawn(&all, work_all, crew);

    if (rc < 0)
        return rc;
    rc = tr_await(tr_task_future(all)); /* which is not cancelled with this task */
    if (tr_cancel_requested()) {
        (void)tr_event_set(&crew->stop);
        TR_SHIELD(TR_FOREVER) {
            rc = tr_task_wait(all, crew->grace); /* then they are cancelled */
        }
        rc = rc == TR_ETIMEDOUT || rc == TR_ECANCELED ? 0 : rc;
    }
    tr_task_unref(all);
    return rc;
}
