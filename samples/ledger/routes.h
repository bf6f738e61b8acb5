/* What can be asked of accounts, but for transfers. */
#ifndef LEDGER_ROUTES_H
#define LEDGER_ROUTES_H

#include <troupe/net.h>

#include "accounts.h"
#include "transfers.h"

struct routes {
    tr_db *db;
    const struct accounts *accounts;
    struct feed *feed;
    struct metrics *metrics;
    double patience; /* seconds that a request waits for the database */
    struct transfers transfers;
};

/* POST and GET /accounts, /accounts/:id, its statement, /audit, /metrics, /healthz and /readyz. An
 * error is the server's to remember. */
void routes_add(struct routes *routes, tr_http_server *srv);

#endif
