/* What simulations of servers and clients share, in which the network and the process fail by the
 * seed: each answer is the right one, or is seen to fail; nothing hangs, and nothing is left. */
#ifndef TR_TESTS_SIMULATED_H
#define TR_TESTS_SIMULATED_H

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <troupe/check.h>
#include <troupe/net.h>
#include <troupe/sim.h>

#include "support/suite.h"

#define MUST(x) ((x) ? (void)0 : must_have(__FILE__, __LINE__, #x))

enum { CLIENTS_MOST = 16 };

static bool may_fail; /* of this run */

static inline _Noreturn void must_have(const char *file, int line, const char *what)
{
    fprintf(stderr, "%s:%d: this must hold, and does not: %s\n", file, line, what);
    abort();
}

/* ---- clients ---- */

typedef struct client {
    const char *address;
    int number;
    tr_task *task;
} client;

/* So many, on both loops, and wait for their ends. */
static inline void run_clients(int count, tr_task_fn fn, const char *address)
{
    client clients[CLIENTS_MOST];

    for (int i = 0; i < count; i++) {
        clients[i] = (client){ address, i, NULL };
        MUST(tr_task_spawn_on(&clients[i].task, TR_LOOP(i % 2), fn, &clients[i]) == 0 || may_fail);
    }
    for (int i = 0; i < count; i++)
        if (clients[i].task != NULL) {
            (void)tr_task_wait(clients[i].task, TR_FOREVER);
            tr_task_unref(clients[i].task);
        }
}

/* ---- a server ---- */

static bool has_begun; /* the task had a stack: so it has freed the server at its end */

static inline int serve(void *server)
{
    has_begun = true;
    return tr_http_serve(server);
}

/* Wait until it serves; false: it could not. (Where its task had no stack, nobody else says so.) */
static inline bool is_serving(tr_http_server *server, tr_task *task)
{
    while (!tr_future_is_done(tr_task_future(task))) {
        if (tr_http_port(server) != 0)
            return true;
        if (tr_sleep(0.01) < 0)
            return false;
    }
    return false;
}

/* Serve so many clients, each of which is a task of fn, and stop.
 * Ownership: takes the server. */
static inline void serve_clients(tr_http_server *server, int count, tr_task_fn fn)
{
    tr_task *task = NULL;
    char address[64];
    int rc;

    has_begun = false;
    rc = tr_task_spawn(&task, serve, server);
    MUST(rc == 0 || may_fail);
    if (rc == 0 && is_serving(server, task)) {
        (void)snprintf(address, sizeof(address), "%s", tr_http_address(server));
        run_clients(count, fn, address);
        tr_http_stop(server);
    }
    if (rc == 0)
        rc = tr_task_wait(task, TR_FOREVER);
    MUST(rc == 0 || may_fail);
    tr_task_unref(task);
    if (!has_begun)
        tr_http_server_free(server);
}

/* ---- a run ---- */

static inline void run_root(void *root)
{
    int rc = tr_run(*(tr_task_fn *)root, NULL, &(tr_config){ .loops = 2, .signals = -1 });

    MUST(rc == 0 || may_fail);
}

static inline void be_quiet(void *unused, tr_log_level level, const char *line)
{
    (void)unused;
    (void)level;
    (void)line;
}

/* A root task under SEEDS seeds. */
static inline void explore(tr_task_fn root, tr_sim_options options, bool fails)
{
    may_fail = fails;
    tr_log_set(be_quiet, NULL);
    options.seed = 1;
    options.together = 1000; /* as many as there are */
    ck_assert_int_eq(tr_sim_explore(run_root, (void *)&root, SEEDS, &options), 0);
}

#endif
