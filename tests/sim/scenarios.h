/* The scenarios of the core: small programs that use everything at once, and check what they were
 * promised. Each runs in a simulation, under many seeds (run_scenarios.c, test_scenarios.c). */
#ifndef TR_TESTS_SCENARIOS_H
#define TR_TESTS_SCENARIOS_H

#include <stddef.h>
#include <stdlib.h>
#include <troupe.h>
#include <troupe/sim.h>

typedef struct scenario {
    const char *name;
    void (*fn)(void *arg);
} scenario;

extern const scenario scenarios[];
extern const size_t scenario_count;

/* What must hold, else the seed has failed. */
#define EXPECT(x) ((x) ? (void)0 : expect_failed(__FILE__, __LINE__, #x))
_Noreturn void expect_failed(const char *file, int line, const char *what);

/* Whether calls may fail, by the seed: then an error for want of something is no failure. */
bool faults_are_on(void);
void faults_turn(bool on);
/* Success; or, with faults, an error that says so. */
#define EXPECT_OK(rc) EXPECT(is_fine(rc))
bool is_fine(int rc);

/* Start loops; false: faults forbade it. */
bool begin(int loops);
/* Wait for so long, which counts for nothing in finish. */
void let_pass(double seconds);
/* Shut down, in time; everything has ended, and the ledger balances. */
void finish(void);

/* One chance in n, by the seed. */
bool once_in(uint64_t n);

/* ---- actors that all use ---- */

TR_MESSAGE(number)
{
    int64_t value;
};
TR_REQUEST(question, number)
{
    int64_t value;
};
/* Answers a question with its value and one more; counts numbers. */
extern const tr_actor_class answerer_class;

void scenario_asks(void *arg);
void scenario_flood(void *arg);
void scenario_lanes(void *arg);
void scenario_tenants(void *arg);
void scenario_spawning(void *arg);
void scenario_timers(void *arg);
void scenario_inboxes(void *arg);
void scenario_awaiting_actors(void *arg);
void scenario_stopping(void *arg);
void scenario_scopes(void *arg);
void scenario_deadlines(void *arg);
void scenario_futures(void *arg);
void scenario_claims(void *arg);
void scenario_continuations(void *arg);
void scenario_task_waits(void *arg);
void scenario_pools(void *arg);
void scenario_own_pools(void *arg);
void scenario_lone_jobs(void *arg);
void scenario_chains(void *arg);
void scenario_submitting(void *arg);
void scenario_taking(void *arg);
void scenario_interruptions(void *arg);
void scenario_computing(void *arg);
void scenario_shutdown(void *arg);
void scenario_restarts(void *arg);
void scenario_main_task(void *arg);
void scenario_network(void *arg);

#endif
