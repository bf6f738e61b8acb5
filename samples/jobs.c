/* jobs: a queue of commands that run in the background, and lose nothing.
 *
 * What Celery, RQ or Sidekiq do with a broker beside them, in one file of SQLite: jobs with
 * priorities, at a time or again and again; workers in any number of processes, each of which
 * leases what it does, so that what a worker that was killed has begun is done by another; retries
 * that wait longer each time; jobs that failed too often, which are listed and can be revived. A
 * job runs at least once: one whose worker dies at its very end runs again, and "$1", its number,
 * is the same then.
 *
 *   Build:   cc jobs.c jobs/queue.c jobs/worker.c jobs/options.c -lm
 *                $(pkg-config --cflags --libs troupe-net troupe-db)
 *   Run:     ./jobs add 'echo hello >hello.txt'; ./jobs work --drain; ./jobs list
 *   Prints:  1
 *            job 1: done
 *            1       done      0   1/5  echo hello >hello.txt */
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <troupe/db.h>
#include <troupe/net.h>

#include "jobs/options.h"
#include "jobs/queue.h"
#include "jobs/worker.h"

enum { DONE_ARE_KEPT_S = 24 * 60 * 60 };

/* ---- a job is a command of the shell ---- */

/* The last line of its complaints says best what was wrong; else how it ended. */
static void explain(const tr_process_result *r, char *why, size_t room)
{
    size_t end = r->err_bytes, begin;

    while (end > 0 && r->err[end - 1] == '\n')
        end--;
    for (begin = end; begin > 0 && r->err[begin - 1] != '\n';)
        begin--;
    if (end > begin)
        (void)snprintf(why, room, "%.*s", (int)(end - begin), r->err + begin);
    else if (r->status < 0)
        (void)snprintf(why, room, "ended by signal %d (%s)", -r->status, strsignal(-r->status));
    else
        (void)snprintf(why, room, "exit status %d", r->status);
}

static int run_command(const struct job *job, char *why, size_t room)
{
    char id[24], attempt[24];
    const char *const argv[] = { "/bin/sh", "-c", job->command, "jobs", id, attempt, NULL };
    tr_process_result r tr_cleanup_process_result = { 0 };
    int rc;

    (void)snprintf(id, sizeof(id), "%" PRId64, job->id);
    (void)snprintf(attempt, sizeof(attempt), "%" PRId64, job->attempts);
    rc = tr_process_run(&r, argv, &(tr_process_options){ .new_session = true });
    if (rc < 0 || r.status == 0)
        return rc;
    explain(&r, why, room);
    return TR_EIO;
}

/* ---- what there is to do ---- */

static int add(tr_db *db, struct options *o)
{
    tr_db_rows *rows tr_cleanup_rows = NULL;
    int64_t id;
    int rc;

    o->job.due = queue_now() + o->in;
    if (o->at != NULL) {
        if ((rc = tr_db_one(&rows, db, "select unixepoch(?)", o->at)) < 0)
            return rc;
        if (tr_db_is_null(rows, 0)) {
            (void)fprintf(stderr, "jobs: --at %s: give a date and time: '2026-12-24 18:00'\n",
                          o->at);
            return TR_EINVAL;
        }
        o->job.due = tr_db_real(rows, 0);
    }
    if ((id = queue_add(db, &o->job)) < 0)
        return (int)id;
    return printf(o->is_json ? "{\"id\":%" PRId64 "}\n" : "%" PRId64 "\n", id);
}

static int print_json(const struct job *job)
{
    const ssize_t bytes = tr_declared_write(job, job, NULL, 0);
    char *text = bytes < 0 ? NULL : malloc((size_t)bytes + 1);
    int rc = bytes < 0 ? (int)bytes : TR_ENOMEM;

    if (text != NULL && tr_declared_write(job, job, text, (size_t)bytes + 1) == bytes)
        rc = printf("%s\n", text);
    free(text);
    return rc;
}

static int print(const struct job *job)
{
    return printf("%-6" PRId64 "  %-8s %3" PRId64 "  %2" PRId64 "/%-2" PRId64 " %s%s%s\n", job->id,
                  job->state, job->priority, job->attempts, job->most, job->command,
                  job->error != NULL ? "   # " : "", job->error != NULL ? job->error : "");
}

static int list(tr_db *db, const struct options *o)
{
    struct job job;
    int rc;

    TR_DB_EACH(row, &rc, db,
               "select id, state, command, priority, due, every, timeout, attempts, most, error"
               " from jobs where state = coalesce(?, state) order by id",
               o->state) {
        if ((rc = tr_db_row(row, job, &job)) < 0)
            return rc;
        if ((rc = o->is_json ? print_json(&job) : print(&job)) < 0)
            return rc;
    }
    return rc;
}

static int retry_dead(tr_db *db, const struct options *o)
{
    const int revived = queue_revive(db, o->id);

    if (revived < 0)
        return revived;
    if (revived == 0 && o->id != 0) {
        (void)fprintf(stderr, "jobs: no job with the number %" PRId64 " is dead\n", o->id);
        return TR_ENOENT;
    }
    return printf(o->is_json ? "{\"revived\":%d}\n" : "%d revived\n", revived);
}

static int work(tr_db *db, struct options *o)
{
    int rc = queue_forget(db, queue_now() - DONE_ARE_KEPT_S);

    o->crew.db = db;
    o->crew.fn = run_command;
    o->crew.out = stdout;
    return rc < 0 ? rc : crew_work(&o->crew);
}

static int app(void *arg)
{
    struct options *o = arg;
    tr_db *db = NULL;
    int rc = queue_open(&db, o->path);

    if (rc < 0)
        return rc;
    switch (o->command) {
    case COMMAND_ADD:
        rc = add(db, o);
        break;
    case COMMAND_LIST:
        rc = list(db, o);
        break;
    case COMMAND_RETRY_DEAD:
        rc = retry_dead(db, o);
        break;
    case COMMAND_WORK:
        rc = work(db, o);
    }
    (void)tr_db_close(db); /* nobody holds rows of it any more */
    return rc < 0 ? rc : 0;
}

int main(int argc, char **argv)
{
    struct options o;

    options_read(&o, argc, argv);
    return tr_main(argc, argv, app, &o, NULL);
}
