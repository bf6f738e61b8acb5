/* The connection that writes: one at a time, in the order in which they came. */
#ifndef TROUPE_DB_WRITER_H
#define TROUPE_DB_WRITER_H

#include <troupe/db.h>

struct tr__database;

/* Open it, on a thread that may block, which makes the file where it is not: base->writer. On error
 * there is nothing to close, and why (TR__WHY_BYTES) says what.
 * Errors: those of the database; those of tr_pool_run. */
int tr__writer_open(struct tr__database *base, char *why);
/* Close it; what waits in line has been done. */
void tr__writer_close(struct tr__database *base);

/* Run fn(job, arg), whose statements are one, and return its result when they are on disk. Awaits;
 * blocks a foreign thread. fn may be called again. why (TR__WHY_BYTES): gets the sentence of a
 * failure, else "".
 * Errors: fn's; those of the database; TR_ECANCELED it was not done; TR_EFULL; those of
 *         tr_pool_run. */
int tr__writer_run(struct tr__database *base, tr_db_fn fn, void *arg, char *why);

/* Run fn(job, arg) on the writer's connection, outside of any transaction: for what can't be in one.
 * Only while nobody else uses it: when the database is opened. */
int tr__writer_run_bare(struct tr__database *base, tr_db_fn fn, void *arg, char *why);

#endif
