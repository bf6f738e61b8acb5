/* POST /transfers. */
#ifndef LEDGER_TRANSFERS_H
#define LEDGER_TRANSFERS_H

#include <troupe/net.h>

#include "accounts.h"
#include "feed.h"
#include "metrics.h"

/* What transfers stand on. */
struct transfers {
    tr_db *db;
    const struct accounts *accounts;
    struct feed *feed;
    struct metrics *metrics;
    double patience; /* seconds that a request waits for the database */
};

int transfers_routes(struct transfers *transfers, tr_http_server *srv);

/* Have a job of the database done that moves money, and tell the accounts and the feed of it.
 * Returns what tr_db_write has returned; TR_ETIMEDOUT: not in time; TR_ECANCELED: the caller was
 * cancelled. After these two it may be done yet, by itself. job gets `size` bytes, a copy of *arg,
 * which is copied back when it has ended; a struct move stands in it at `offset`. */
int transfers_write(struct transfers *transfers, tr_db_fn job, void *arg, size_t size,
                    size_t offset);

#endif
