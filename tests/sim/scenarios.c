/* The list, and what all scenarios share. */
#include "sim/scenarios.h"

#include <stdio.h>

const scenario scenarios[] = {
    { "asks", scenario_asks },
    { "flood", scenario_flood },
    { "lanes", scenario_lanes },
    { "tenants", scenario_tenants },
    { "spawning", scenario_spawning },
    { "timers", scenario_timers },
    { "inboxes", scenario_inboxes },
    { "awaiting_actors", scenario_awaiting_actors },
    { "stopping", scenario_stopping },
    { "scopes", scenario_scopes },
    { "deadlines", scenario_deadlines },
    { "futures", scenario_futures },
    { "claims", scenario_claims },
    { "continuations", scenario_continuations },
    { "task_waits", scenario_task_waits },
    { "pools", scenario_pools },
    { "own_pools", scenario_own_pools },
    { "lone_jobs", scenario_lone_jobs },
    { "chains", scenario_chains },
    { "submitting", scenario_submitting },
    { "taking", scenario_taking },
    { "interruptions", scenario_interruptions },
    { "computing", scenario_computing },
    { "shutdown", scenario_shutdown },
    { "restarts", scenario_restarts },
    { "main_task", scenario_main_task },
    { "network", scenario_network },
};
const size_t scenario_count = sizeof(scenarios) / sizeof(scenarios[0]);

/* All that a scenario does takes less. A loop with nothing to do wakes every minute all the same,
 * by libev's own rule: so a wake-up that is lost shows in nothing but the time. */
static const double LONGEST = 50;

static bool has_faults;
static double too_late; /* to be still running */

void expect_failed(const char *file, int line, const char *what)
{
    (void)fprintf(stderr, "%s:%d: at %.6f s this must hold, and does not: %s\n", file, line,
                  tr_sim_now(), what);
    abort();
}

bool faults_are_on(void)
{
    return has_faults;
}

void faults_turn(bool on)
{
    has_faults = on;
}

bool is_fine(int rc)
{
    return rc >= 0 || (has_faults && (rc == TR_ENOMEM || rc == TR_EAGAIN || rc == -EMFILE));
}

bool once_in(uint64_t n)
{
    return tr_sim_random() % n == 0;
}

bool begin(int loops)
{
    /* As with many cores, or with one: who does not spin falls asleep at once. */
    int rc = tr_start(&(tr_config){ .loops = loops, .spin_us = once_in(2) ? -1 : 0 });

    EXPECT_OK(rc);
    too_late = tr_sim_now() + LONGEST;
    return rc == 0;
}

void let_pass(double seconds)
{
    tr_sim_sleep(seconds);
    too_late += seconds;
}

void finish(void)
{
    tr_stats s;

    EXPECT(tr_shutdown(1000) == 0);
    EXPECT(tr_sim_now() < too_late);
    EXPECT(tr_stats_get(&s) == 0);
    EXPECT(s.sent == s.handled + s.returned + s.expired + s.late_replies + s.dead_ended +
                         s.dead_full + s.dead_unhandled + s.dead_shutdown + s.dead_memory);
    EXPECT(s.spawned == s.ended);
    EXPECT(s.tasks_spawned == s.tasks_ended);
    EXPECT(s.jobs_submitted == s.jobs_run + s.jobs_cancelled);
}

/* ---- the answerer ---- */

static int answerer_receive(tr_self *self, void *state, tr_msg *msg)
{
    const struct question *q = tr_as(msg, question);

    (void)state;
    if (q)
        return tr_reply(self, number, .value = q->value + 1);
    return tr_is(msg, number) ? 0 : TR_UNHANDLED;
}

const tr_actor_class answerer_class = { .name = "answerer", .receive = answerer_receive };
