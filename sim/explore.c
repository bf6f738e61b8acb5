/* Many seeds, each in a process of its own, or some of them one after the other; and a failing one
 * with ever fewer preemptions. */
#include <errno.h>
#include <inttypes.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/random.h"
#include "runtime/topology.h"
#include "sim/run.h"
#include "sim/world.h"

enum {
    SIDE_BY_SIDE_MAX = 64,
    SHRINKS_MAX = 200, /* runs that are spent on one failing seed */
    PROGRESS_EVERY = 64,
    REAL_SECONDS_MAX =
        120 /* for a seed: then it blocks in the kernel, where nothing is simulated */
};

typedef struct child {
    pid_t pid; /* 0: none */
    uint64_t seed;
    uint64_t seeds;       /* from that on */
    tr__sim_trace *trace; /* shared with it */
    int status;           /* as wait says */
} child;

typedef struct exploration {
    void (*fn)(void *arg);
    void *arg;
    const tr_sim_options *options;
    uint64_t seeds;
    uint64_t done;
    uint64_t together; /* so many in a process */
    int count;         /* of children side by side */
    child children[SIDE_BY_SIDE_MAX];
} exploration;

/* ---- children ---- */

static bool has_failed(const child *c)
{
    return !WIFEXITED(c->status) || WEXITSTATUS(c->status) != 0;
}

static tr__sim_trace *share_trace(void)
{
    void *at = mmap(NULL, sizeof(tr__sim_trace), PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS,
                    -1, 0);

    return at != MAP_FAILED ? at : NULL;
}

/* What is kept of a run: of the next one, in a child that has several. */
static void begin_trace(tr__sim_trace *trace, uint64_t seed)
{
    memset(&trace->figures, 0, sizeof(trace->figures));
    trace->seed = seed;
    trace->records = 0;
    trace->has_reported = false;
    if (!trace->is_replay)
        trace->preemptions = 0;
}

static _Noreturn void be_child(const exploration *e, const child *c)
{
    tr__sim_kept = c->trace;
    if (c->trace->is_quiet && freopen("/dev/null", "w", stderr) == NULL)
        _exit(2);
    for (uint64_t seed = c->seed; seed < c->seed + c->seeds; seed++) {
        (void)alarm(REAL_SECONDS_MAX);
        begin_trace(c->trace, seed);
        if (tr__sim_run_seed(e->fn, e->arg, e->options, seed) < 0) {
            (void)fprintf(stderr, "sim: no memory for the stack of a thread\n");
            _exit(2);
        }
    }
    (void)fflush(NULL); /* nowhere to complain */
    _exit(0);
}

/* Errors: of fork, negative. */
static int begin_child(const exploration *e, child *c, uint64_t seed, uint64_t seeds)
{
    c->seed = seed;
    c->seeds = seeds;
    begin_trace(c->trace, seed);
    (void)fflush(NULL); /* else both would print what is left */
    c->pid = fork();
    if (c->pid == 0)
        be_child(e, c);
    return c->pid > 0 ? 0 : -errno;
}

static void end_child(child *c)
{
    while (waitpid(c->pid, &c->status, 0) < 0 && errno == EINTR)
        ;
    c->pid = 0;
}

/* The one that has ended, after waiting for it; NULL: there is none. */
static child *await_child(exploration *e)
{
    int status;
    pid_t pid = waitpid(-1, &status, 0);

    for (int i = 0; i < e->count; i++)
        if (pid > 0 && e->children[i].pid == pid) {
            e->children[i].pid = 0;
            e->children[i].status = status;
            return &e->children[i];
        }
    return NULL;
}

static void stop_children(exploration *e)
{
    for (int i = 0; i < e->count; i++)
        if (e->children[i].pid > 0) {
            (void)kill(e->children[i].pid, SIGKILL); /* ours */
            end_child(&e->children[i]);
        }
}

/* ---- fewer preemptions ---- */

/* Whether the seed still fails with the preemptions of this list. */
static bool still_fails(const exploration *e, child *c, const tr__sim_preemption *list,
                        uint64_t count)
{
    if (count > 0)
        memcpy(c->trace->list, list, count * sizeof(*list));
    c->trace->preemptions = count;
    if (begin_child(e, c, c->seed, 1) < 0)
        return false;
    end_child(c);
    return has_failed(c);
}

/* Leave out ever smaller parts of the list, as long as the seed fails without them (Zeller's
 * delta debugging). Returns how many are left, in list. */
static uint64_t shrink(const exploration *e, child *c, tr__sim_preemption *list, uint64_t count)
{
    tr__sim_preemption *fewer = malloc((count + 1) * sizeof(*fewer));
    int runs = 0;

    if (fewer == NULL)
        return count;
    for (uint64_t part = (count + 1) / 2; part > 0 && count > 0 && runs < SHRINKS_MAX;) {
        bool left_out = false;

        for (uint64_t at = 0; at < count && runs < SHRINKS_MAX;) {
            uint64_t end = at + part < count ? at + part : count;

            memcpy(fewer, list, at * sizeof(*list));
            memcpy(fewer + at, list + end, (count - end) * sizeof(*list));
            runs++;
            if (still_fails(e, c, fewer, count - (end - at))) {
                count -= end - at;
                memcpy(list, fewer, count * sizeof(*list));
                left_out = true;
            } else {
                at = end;
            }
        }
        if (!left_out || part > count)
            part = part > 1 ? part / 2 : left_out ? 1 : 0;
    }
    free(fewer);
    return count;
}

/* ---- the report ---- */

static void print_end(const child *c)
{
    if (WIFSIGNALED(c->status))
        (void)fprintf(stderr, "sim: seed %" PRIu64 " ended by signal %d (%s)\n", c->seed,
                      WTERMSIG(c->status), strsignal(WTERMSIG(c->status)));
    else
        (void)fprintf(stderr, "sim: seed %" PRIu64 " ended with exit status %d\n", c->seed,
                      WEXITSTATUS(c->status));
}

/* Run it once more as found last, with all that it prints. */
static void show_again(const exploration *e, child *c, const tr__sim_preemption *list,
                       uint64_t count)
{
    c->trace->is_quiet = false;
    (void)still_fails(e, c, list, count); /* it does the same again */
    print_end(c);
    if (!c->trace->has_reported)
        tr__sim_print_last(c->trace);
}

/* With the preemptions of the list it fails by itself: with fewer, too? */
static void report_fewest(const exploration *e, child *c, tr__sim_preemption *list, uint64_t found)
{
    uint64_t left = shrink(e, c, list, found);

    show_again(e, c, list, left);
    (void)fprintf(stderr,
                  "sim: it fails with %" PRIu64 " of its %" PRIu64
                  " preemptions; above is what happens then\n",
                  left, found);
}

/* One that is not known to fail by itself may need those that its process ran before it. */
static void report_how_to_repeat(const child *c, uint64_t before)
{
    if (before == 0)
        (void)fprintf(stderr, "sim: to run it again: TROUPE_SEED=%" PRIu64 "\n", c->seed);
    else
        (void)fprintf(stderr,
                      "sim: to run it again, after those before it in its process: "
                      "TROUPE_SEED=%" PRIu64 " TROUPE_SEEDS=%" PRIu64 "\n",
                      c->seed - before, before + 1);
}

static void report(const exploration *e, child *c)
{
    uint64_t found = c->trace->preemptions;
    uint64_t before = c->trace->seed - c->seed;
    tr__sim_preemption *list = malloc((found + 1) * sizeof(*list));

    c->seed = c->trace->seed;
    (void)fprintf(stderr, "\n");
    print_end(c);
    if (list == NULL)
        return;
    memcpy(list, c->trace->list, found * sizeof(*list));
    c->trace->is_replay = true;
    c->trace->is_quiet = true;
    if (found < TR__SIM_PREEMPTIONS_MAX) {
        if (still_fails(e, c, list, found)) {
            report_fewest(e, c, list, found);
            before = 0;
        } else if (before > 0) {
            (void)fprintf(stderr, "sim: alone it does not fail: it needs what others have left\n");
        }
    }
    c->trace->is_replay = false;
    report_how_to_repeat(c, before);
    free(list);
}

/* ---- exploring ---- */

static void show_progress(const exploration *e)
{
    if (!isatty(STDERR_FILENO) || (e->done % PROGRESS_EVERY >= e->together && e->done != e->seeds))
        return;
    (void)fprintf(stderr, "\rsim: %" PRIu64 " of %" PRIu64 " seeds%s", e->done, e->seeds,
                  e->done == e->seeds ? "\n" : "");
    (void)fflush(stderr);
}

/* 0, or the number of failing ones: 1. Errors: of fork. */
static int explore_all(exploration *e, uint64_t first)
{
    uint64_t begun = 0;
    int rc = 0;

    while (e->done < e->seeds) {
        child *c = NULL;

        for (int i = 0; i < e->count && begun < e->seeds; i++)
            if (e->children[i].pid == 0) {
                uint64_t left = e->seeds - begun;
                uint64_t seeds = left < e->together ? left : e->together;

                rc = begin_child(e, &e->children[i], first + begun, seeds);
                if (rc < 0)
                    return rc;
                begun += seeds;
            }
        c = await_child(e);
        if (c == NULL)
            continue; /* somebody else's */
        e->done += c->seeds;
        show_progress(e);
        if (has_failed(c)) {
            stop_children(e);
            report(e, c);
            return 1;
        }
    }
    return 0;
}

static int open_children(exploration *e)
{
    for (int i = 0; i < e->count; i++) {
        e->children[i].trace = share_trace();
        if (e->children[i].trace == NULL)
            return TR_ENOMEM;
    }
    return 0;
}

static void close_children(exploration *e)
{
    stop_children(e);
    for (int i = 0; i < e->count; i++)
        if (e->children[i].trace != NULL)
            (void)munmap(e->children[i].trace, sizeof(tr__sim_trace)); /* ours */
}

static int real_cores(void)
{
    long cores = sysconf(_SC_NPROCESSORS_ONLN);

    return cores < 1 ? 1 : cores > SIDE_BY_SIDE_MAX ? SIDE_BY_SIDE_MAX : (int)cores;
}

/* In a process: so many as the cores have about the same to do. */
static uint64_t together(const exploration *e)
{
    uint64_t share = (e->seeds + (uint64_t)e->count - 1) / (uint64_t)e->count;
    uint64_t asked = e->options->together > 0 ? (uint64_t)e->options->together : 1;

    return share == 0 || asked < share ? asked : share;
}

int tr_sim_explore(void (*fn)(void *arg), void *arg, uint64_t seeds, const tr_sim_options *options)
{
    static const tr_sim_options usual;
    exploration e = { .fn = fn, .arg = arg, .count = real_cores() };
    uint64_t first;
    int rc = 0;

    e.options = options != NULL ? options : &usual;
    if (fn == NULL || !tr__sim_options_are_valid(e.options))
        return TR_EINVAL;
    if (tr__sim.is_on)
        return TR_EBUSY;
    if (tr__sim_seed_from_environment(&first)) {
        tr_sim_options once = *e.options;

        for (uint64_t left = tr__sim_seeds_from_environment(1); rc == 0 && left > 0; left--) {
            once.seed = first++;
            rc = tr_sim_run(fn, arg, &once, NULL);
        }
        return rc;
    }
    first = e.options->seed != 0 ? e.options->seed : tr__sim_seed_by_chance();
    e.seeds = tr__sim_seeds_from_environment(seeds);
    e.together = together(&e);
    rc = open_children(&e);
    if (rc == 0)
        rc = explore_all(&e, first);
    close_children(&e);
    return rc;
}
