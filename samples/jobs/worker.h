/* Workers: tasks that take jobs from the queue, and run them. */
#ifndef JOBS_WORKER_H
#define JOBS_WORKER_H

#include <stdio.h>

#include "queue.h"

/* How a job is done: 0; or below 0, and why in `why`. It may be cancelled. */
typedef int (*job_fn)(const struct job *job, char *why, size_t room);

struct crew {
    tr_db *db;
    job_fn fn;
    int workers;        /* jobs at a time */
    double lease;       /* seconds, which are renewed as long as the job runs */
    double poll;        /* seconds between looks at an empty queue */
    double first_delay; /* before the second attempt; each further one is twice as late */
    double longest_delay;
    double grace;  /* seconds that running jobs have when it is to end */
    bool is_drain; /* end when nothing is due, or will be tried again */
    FILE *out;     /* for a line about each attempt; NULL: nobody watches */
    tr_event stop; /* of its own */
};

/* Work until the calling task is cancelled; then let those that run end, and give back those that
 * can't: 0. */
int crew_work(struct crew *crew);

#endif
