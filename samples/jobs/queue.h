/* The queue: jobs in a table, which any number of processes share.
 *
 *              add                  take                     succeeds
 *     nothing -----> waiting ------------------> running -----------------> done
 *                     ^  ^  <------------------   |  |                       |
 *                     |  |   fails, after a delay |  | fails for the last    |
 *                     |  |   its lease has ended  |  | time                  |
 *                     |  |                        v  v                       |
 *                     |  +----------------------- dead                       |
 *                     |         revive                                       |
 *                     +------------------------------------------------------+
 *                                     of those that come again
 *
 * Each change is one statement, so that a kill at any moment leaves either state. A running job is
 * leased by one worker, who must keep the lease; when it has ended, the job may be taken by
 * another. The number of its attempt tells one lease from another: what a late worker has to say of
 * a lease that was lost is not heard. So a job runs at least once, and may run twice. */
#ifndef JOBS_QUEUE_H
#define JOBS_QUEUE_H

#include <stdbool.h>
#include <stdint.h>
#include <troupe/db.h>

/* Times are seconds since 1970. */
struct job {
    int64_t id;
    const char *state;
    const char *command;
    int64_t priority;  /* higher ones first */
    double due;        /* it does not begin before; of one that is done: when that was */
    double every;      /* seconds from one run to the next; 0: it runs once */
    double timeout;    /* seconds that an attempt may take; 0: any time */
    int64_t attempts;  /* that were begun, of this run */
    int64_t most;      /* after so many that failed it is dead */
    const char *error; /* of the last attempt */
};

TR_DECLARE(job, TR_INTEGER(job, id), TR_TEXT(job, state), TR_TEXT(job, command),
           TR_INTEGER(job, priority), TR_NUMBER(job, due), TR_NUMBER(job, every),
           TR_NUMBER(job, timeout), TR_INTEGER(job, attempts), TR_INTEGER(job, most),
           TR_TEXT(job, error));

/* Now. */
double queue_now(void);

/* Open it, and make it where it is not. */
int queue_open(tr_db **out, const char *path);

/* Add a job: its command, priority, due, every, timeout and most. Below 0, or its number. */
int64_t queue_add(tr_db *db, const struct job *job);

/* Take the job that is due and has the highest priority, and lease it for some seconds.
 * Ownership: what job points to belongs to *rows, which the caller closes.
 * Errors:    TR_ENOENT none is due. */
int queue_take(tr_db *db, double lease, tr_db_rows **rows, struct job *job);

/* Of a job that was taken: TR_ENOENT the lease is lost. */
int queue_keep(tr_db *db, const struct job *job, double lease);
int queue_succeed(tr_db *db, const struct job *job);
/* Again in about so many seconds, or never, when it was the last attempt. */
int queue_fail(tr_db *db, const struct job *job, const char *error, double delay);
/* At once, and as if it had not been begun. */
int queue_give_back(tr_db *db, const struct job *job);

/* Let dead jobs wait again; id 0: all of them. How many there were. */
int queue_revive(tr_db *db, int64_t id);

/* 1: nothing runs, is due, or will be tried again; 0. */
int queue_is_empty(tr_db *db);

/* Forget jobs that were done before a time. */
int queue_forget(tr_db *db, double before);

#endif
