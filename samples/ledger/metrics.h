/* What a scrape by Prometheus reads at /metrics.
 *
 * Each loop counts for itself, by plain additions: figures of loop n are touched on loop n only. A
 * scrape visits each loop with a task that copies them, and adds up the copies: so counting has
 * neither a lock nor an atomic instruction. */
#ifndef LEDGER_METRICS_H
#define LEDGER_METRICS_H

#include <troupe/db.h>
#include <troupe/net.h>

#include "store.h"

struct metrics;

/* Make them for the loops that run; NULL: out of memory. */
struct metrics *metrics_new(void);
void metrics_free(struct metrics *metrics);

/* Around all routes: counts requests, and how long they took. */
tr_http_middleware metrics_middleware(struct metrics *metrics);

/* A transfer was decided on. On a loop. */
void metrics_count_verdict(struct metrics *metrics, verdict outcome);
/* It could not be decided on. */
void metrics_count_failure(struct metrics *metrics);

/* Answer a scrape: ours, those of the database and of the runtime, and how many listen. */
int metrics_answer(struct metrics *metrics, tr_db *db, size_t sockets, tr_http_response *res);

#endif
