/* The whole service, put together: begun, served, ended. ledger.c runs it as a program;
 * tests/samples/ledger_simulated.c in a simulation, where its disk and its network fail. */
#ifndef LEDGER_SERVICE_H
#define LEDGER_SERVICE_H

#include "accounts.h"
#include "feed.h"
#include "login.h"
#include "metrics.h"
#include "options.h"
#include "routes.h"

/* One in a runtime: actors may look at it until that has stopped. */
struct service {
    const struct options *options;
    tr_db *db;
    tr_semaphore work;
    struct accounts accounts;
    struct feed feed;
    struct login login;
    struct metrics *metrics;
    struct routes routes;
    bool is_listening;
    bool is_wrong; /* the books; stderr has been told how */
};

/* Open the database, and see that all the money is there. service_end has to come in any case. The
 * options are lent until then.
 * Errors: TR_ECORRUPT the books are wrong: service->is_wrong; of the database; TR_ENOMEM. */
int service_begin(struct service *service, const struct options *options);

/* Serve until the calling task is cancelled; what is asked by then is answered. `tell` is called
 * with the address when it listens. */
int service_serve(struct service *service,
                  void (*tell)(const struct options *options, const char *address));

/* What was begun is done, although nobody may wait for its answer any more; then all is given
 * back. */
int service_end(struct service *service);

#endif
