/* A run of a simulated world. */
#include <dirent.h>
#include <inttypes.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <troupe/runtime.h>

#include "base/seam.h"
#include "runtime/topology.h"
#include "sim/exhaust.h"
#include "sim/run.h"
#include "sim/sockets.h"
#include "sim/world.h"

#define STEP_LIMIT   (100 * 1000 * 1000)
#define LATENCY_MOST 3600 /* seconds */
#define OLD_KERNELS  16   /* one of so many seeds has one */

/* The linker takes a file of a library for a symbol that it still needs. Where a sanitizer has
 * functions of the names that these define, it would not need any. */
static __attribute__((used))
const char *const needed[] = { &tr__sim_has_clocks, &tr__sim_has_transfers, &tr__sim_has_network };

/* ---- the seams ---- */

static void *take(size_t bytes)
{
    void *block = malloc(bytes);

    tr__sim.blocks += block != NULL;
    return block;
}

static void give(void *block)
{
    tr__sim.blocks -= block != NULL;
    free(block);
}

void tr__memory_leaves(void)
{
    tr__sim.blocks--;
}

void tr__memory_returns(void)
{
    tr__sim.blocks++;
}

static uint64_t throw_dice(void)
{
    return tr__random_next(&tr__sim.program);
}

/* By the seed, the kernel is an older one, which has no such guards: then the stacks of tasks are
 * forbidden at their ends. */
static bool guard(void *at, size_t bytes)
{
    if (tr__sim.is_old_kernel)
        return false;
    (void)tr__pages_guard_really(at, bytes); /* where the real one has none, there is none */
    return true;
}

static const tr__seam simulated = {
    .alloc = take,
    .free = give,
    .now_ns = tr__sim_clock_ns,
    .dice = throw_dice,
    .thread_start = tr__sim_start_thread,
    .pages_guard = guard,
};

/* ---- options ---- */

static bool is_chance(double chance)
{
    return chance >= 0 && chance <= 1; /* NaN is not */
}

bool tr__sim_options_are_valid(const tr_sim_options *o)
{
    return o->preempt <= 1 && is_chance(o->late) && is_chance(o->stall) &&
           is_chance(o->fail_memory) && is_chance(o->fail_thread) && is_chance(o->fail_call) &&
           is_chance(o->short_transfer) && is_chance(o->reset) && is_chance(o->slow_job) &&
           is_chance(o->partition) && is_chance(o->drop) && is_chance(o->duplicate) &&
           is_chance(o->reorder) && o->latency <= LATENCY_MOST && o->time_limit >= 0 &&
           o->cores >= 0 && o->cores <= 1024 && o->together >= 0;
}

/* A number above 0 of the environment. */
static bool read_number(const char *name, const char *what, uint64_t *number)
{
    const char *text = getenv(name);
    uint64_t read;
    char *end;

    if (text == NULL || *text == '\0')
        return false;
    read = strtoull(text, &end, 0);
    if (*end == '\0' && read != 0) {
        *number = read;
        return true;
    }
    (void)fprintf(stderr, "sim: %s=%s is no %s (a number above 0): ignored\n", name, text, what);
    return false;
}

bool tr__sim_seed_from_environment(uint64_t *seed)
{
    return read_number("TROUPE_SEED", "seed", seed);
}

uint64_t tr__sim_seeds_from_environment(uint64_t usual)
{
    (void)read_number("TROUPE_SEEDS", "number of seeds", &usual);
    return usual;
}

uint64_t tr__sim_seed_by_chance(void)
{
    return tr__dice() >> 32 | 1; /* the real dice: short enough to be typed */
}

/* ---- the world ---- */

/* A world of that seed. The kinds of chance have dice of their own. */
static void make_world(const tr_sim_options *options, uint64_t seed)
{
    static const uint64_t means[] = { 2, 8, 32, 128, 512, 2048, 8192, 0 };
    tr__random random = { seed };

    memset(&tr__sim, 0, sizeof(tr__sim));
    tr__sim.is_loud = getenv("TROUPE_SIM_TRACE") != NULL;
    tr__sim.options = *options;
    if (options->time_limit == 0)
        tr__sim.options.time_limit = 24 * 3600;
    if (options->step_limit == 0)
        tr__sim.options.step_limit = STEP_LIMIT;
    if (options->cores == 0)
        tr__sim.options.cores = 2;
    tr__sim.now_ns = TR__SIM_EPOCH_NS;
    tr__sim.moved_ns = TR__SIM_EPOCH_NS;
    tr__sim.figures.seed = seed;
    tr__sim.figures.trace = UINT64_C(0xcbf29ce484222325);
    tr__sim.preemptions.state = tr__random_next(&random);
    tr__sim.schedule.state = tr__random_next(&random);
    tr__sim.faults.state = tr__random_next(&random);
    tr__sim.program.state = tr__random_next(&random);
    tr__sim.mean = means[tr__random_next(&random) % (sizeof(means) / sizeof(means[0]))];
    tr__sim.network.state = tr__random_next(&random);
    tr__network_begin();
    tr__sim.is_old_kernel = tr__random_next(&random) % OLD_KERNELS == 0;
    if (options->preempt > 0)
        tr__sim.mean = (uint64_t)(1 / options->preempt);
    else if (options->preempt < 0)
        tr__sim.mean = 0;
}

typedef struct program {
    void (*fn)(void *arg);
    void *arg;
} program;

static void *run_program(void *arg)
{
    const program *p = arg;

    p->fn(p->arg);
    return NULL;
}

/* ---- nothing is left ---- */

static int open_descriptors(void)
{
    /* What is run in all ways is run a hundred thousand times, for what its threads do. */
    DIR *folder = !tr__exhausting ? opendir("/proc/self/fd") : NULL;
    int count = 0;

    while (folder != NULL && readdir(folder) != NULL)
        count++;
    if (folder != NULL)
        (void)closedir(folder); /* ours */
    return count;
}

/* Two sums that must be the same. */
static void compare(const char *what, uint64_t begun, uint64_t ended)
{
    char text[128];

    if (begun == ended)
        return;
    (void)snprintf(text, sizeof(text), "%s: %" PRIu64 " began, %" PRIu64 " ended", what, begun,
                   ended);
    tr__sim_give_up(text);
}

/* The ledger of the runtime that was stopped last, and what the process had before. */
static void check_nothing_is_left(int descriptors)
{
    tr_stats s = { 0 };

    (void)tr_stats_get(&s); /* it can't fail */
    compare("messages", s.sent,
            s.handled + s.returned + s.expired + s.late_replies + s.dead_ended + s.dead_full +
                s.dead_unhandled + s.dead_shutdown + s.dead_memory);
    compare("actors", s.spawned, s.ended);
    compare("tasks", s.tasks_spawned, s.tasks_ended);
    compare("jobs", s.jobs_submitted, s.jobs_run + s.jobs_cancelled);
    if (tr__sim.blocks != 0)
        tr__sim_give_up("memory is left: a future, a task's handle, an inbox, shared bytes, or a "
                        "kept message that nobody has given back");
    if (open_descriptors() != descriptors)
        tr__sim_give_up("there are more, or fewer, open descriptors than before");
}

/* ---- writing to what the other side has closed is an error, and no signal ---- */

static void forbid_signal(sigset_t *before)
{
    sigset_t pipes;

    (void)sigemptyset(&pipes); /* none of these fails */
    (void)sigaddset(&pipes, SIGPIPE);
    (void)pthread_sigmask(SIG_BLOCK, &pipes, before);
}

static void allow_signal(const sigset_t *before)
{
    const struct timespec at_once = { .tv_sec = 0 };
    sigset_t pipes;

    (void)sigemptyset(&pipes); /* as above */
    (void)sigaddset(&pipes, SIGPIPE);
    if (sigismember(before, SIGPIPE) == 0)
        (void)sigtimedwait(&pipes, NULL, &at_once); /* EAGAIN: none came */
    (void)pthread_sigmask(SIG_SETMASK, before, NULL);
}

int tr__sim_run_seed(void (*fn)(void *arg), void *arg, const tr_sim_options *options, uint64_t seed)
{
    int descriptors = open_descriptors();
    program p = { fn, arg };
    tr_sim_thread *first;
    sigset_t signals;

    make_world(options, seed);
    first = tr__sim_thread_new("main", run_program, &p);
    if (first == NULL)
        return TR_ENOMEM;
    tr__seam_set(&simulated);
    forbid_signal(&signals);
    tr__sim_begin(first);
    tr__network_end();
    allow_signal(&signals);
    check_nothing_is_left(descriptors);
    tr__seam_set(NULL);
    tr__sim.figures.seconds = tr__sim_seconds(tr__sim.now_ns);
    if (tr__sim_kept != NULL)
        tr__sim_kept->figures = tr__sim.figures;
    return 0;
}

int tr_sim_run(void (*fn)(void *arg), void *arg, const tr_sim_options *options,
               tr_sim_figures *figures)
{
    static const tr_sim_options usual;
    static tr__sim_trace trace;
    uint64_t seed;
    int rc;

    if (options == NULL)
        options = &usual;
    if (fn == NULL || !tr__sim_options_are_valid(options))
        return TR_EINVAL;
    if (tr__sim.is_on)
        return TR_EBUSY;
    seed = options->seed;
    if (seed == 0 && !tr__sim_seed_from_environment(&seed))
        seed = tr__sim_seed_by_chance();
    memset(&trace, 0, offsetof(tr__sim_trace, list));
    trace.is_replay = false;
    trace.is_quiet = false;
    trace.has_reported = false;
    tr__sim_kept = &trace;
    rc = tr__sim_run_seed(fn, arg, options, seed);
    tr__sim_kept = NULL;
    if (rc == 0 && figures != NULL)
        *figures = tr__sim.figures;
    return rc;
}

/* ---- questions ---- */

bool tr_sim_is_on(void)
{
    return tr__sim.is_on;
}

double tr_sim_now(void)
{
    return tr__sim.is_on ? tr__sim_seconds(tr__sim_clock_ns()) : 0;
}

uint64_t tr_sim_random(void)
{
    return tr__sim.is_on ? tr__random_next(&tr__sim.program) : 0;
}

int tr__sim_cores(void)
{
    return tr__sim.is_on ? tr__sim.options.cores : 1;
}
