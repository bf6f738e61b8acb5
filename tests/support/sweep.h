/* Sweeps: a program runs in a simulation, again and again, and in each run another one of the calls
 * that may fail does: an allocation, a system call, a transfer. Nothing may hang, nor be left (the
 * simulation sees to that); what else must hold, the program says.
 *
 *     static void run(void *unused)
 *     {
 *         int rc = tr_run(root, unused, NULL);
 *
 *         MUST(rc == 0 || has_struck());
 *     }
 *     START_TEST(whatever_fails_nothing_is_left) { sweep(run); } END_TEST
 *
 * All calls of the run are swept; or, of one that says where, those between sweep_begins and
 * sweep_ends. TROUPE_FAIL_AT=123 lets that one fail alone, for a debugger. */
#ifndef TR_TESTS_SWEEP_H
#define TR_TESTS_SWEEP_H

#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <troupe/check.h>
#include <troupe/sim.h>
#include <unistd.h>

#include "sim/world.h"
#include "support/suite.h"

#define MUST(x) ((x) ? (void)0 : sweep_failed(__FILE__, __LINE__, #x))

/* Sanitizers are slow: there, every third call is tried. */
#if defined(__SANITIZE_ADDRESS__) || defined(__SANITIZE_THREAD__)
enum { SWEEP_SLOWNESS = 3 };
#else
enum { SWEEP_SLOWNESS = 1 };
#endif

enum { SWEEP_SEEDS = 3, SWEEP_SAMPLES = 50 };

static struct {
    uint64_t
        share; /* set by a test that has very many calls: the seeds share them among each other,
                       and of its part each tries one of so many */
    uint64_t seed;
    uint64_t n;          /* the call that fails; 0: none */
    uint64_t first, end; /* of the calls that are swept */
} sweep_now;

static inline bool has_struck(void)
{
    return tr__sim.figures.faults > 0;
}

static _Noreturn void sweep_failed(const char *file, int line, const char *what)
{
    (void)fprintf(stderr, "%s:%d: this must hold, and does not: %s\n", file, line, what);
    abort();
}

static inline void sweep_begins(void)
{
    if (sweep_now.n == 0)
        sweep_now.first = tr__sim.calls + 1;
}

static inline void sweep_ends(void)
{
    if (sweep_now.n == 0)
        sweep_now.end = tr__sim.calls;
}

/* Which one it was that the program did not survive. */
static inline void sweep_tell(int number)
{
    char text[96];
    int bytes = snprintf(text, sizeof(text), "seed %d, TROUPE_FAIL_AT=%d\n", (int)sweep_now.seed,
                         (int)sweep_now.n);

    (void)!write(STDERR_FILENO, text, (size_t)bytes);
    (void)signal(number, SIG_DFL);
    (void)raise(number);
}

static void sweep_be_quiet(void *unused, tr_log_level level, const char *line)
{
    (void)unused;
    (void)level;
    (void)line;
}

static inline void sweep_at(void (*run)(void *unused), uint64_t n)
{
    const tr_sim_options options = { .seed = sweep_now.seed,
                                     .fail_at = n,
                                     .preempt = sweep_now.seed == 1 ? -1 : 0.01 };
    tr_sim_figures figures;

    sweep_now.n = n;
    ck_assert_int_eq(tr_sim_run(run, NULL, &options, &figures), 0);
    ck_assert(n > 0 || figures.faults == 0);
}

/* All calls, by the first seed; some by the others. */
static inline uint64_t sweep_step(void)
{
    uint64_t step = (sweep_now.end - sweep_now.first) / SWEEP_SAMPLES;

    if (sweep_now.share > 0)
        return SWEEP_SEEDS * SWEEP_SLOWNESS * sweep_now.share;
    return (sweep_now.seed == 1 || step == 0 ? 1 : step) * SWEEP_SLOWNESS;
}

/* The first seed has no preemptions. */
static inline void sweep(void (*run)(void *unused))
{
    const char *only = getenv("TROUPE_FAIL_AT");

    if (getenv("TROUPE_LOG") == NULL)
        tr_log_set(sweep_be_quiet, NULL);
    (void)signal(SIGABRT, sweep_tell);
    (void)signal(SIGSEGV, sweep_tell);
    for (sweep_now.seed = 1; sweep_now.seed <= SWEEP_SEEDS; sweep_now.seed++) {
        sweep_now.first = 1;
        sweep_now.end = 0;
        sweep_at(run, 0);
        if (sweep_now.end == 0)
            sweep_now.end = tr__sim.calls;
        if (sweep_now.share > 0)
            sweep_now.first += sweep_now.seed - 1;
        if (only != NULL)
            sweep_now.first = sweep_now.end = strtoull(only, NULL, 10);
        for (uint64_t n = sweep_now.first; n <= sweep_now.end; n += sweep_step())
            sweep_at(run, n);
    }
}

#endif
