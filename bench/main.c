/* troupe-bench: runs workloads and prints a line for each run. README.md says what they count.
 *
 * Several runs are made in a process each, as the peers' are: so that every run starts with fresh
 * memory. A single run stays in this process, where debuggers and profilers expect it. */
#include "bench.h"
#include "load.h"

#include <errno.h>
#include <getopt.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

enum { EXIT_USAGE = 2 };

static const bench_workload workloads[] = {
    { "pingpong", bench_pingpong, 10000000, 1, true, "ns", "a message" },
    { "ring1", bench_ring1, 10000000, 1, false, "ns", "a hop" },
    { "ring100", bench_ring100, 20000000, 1, false, "ns", "a hop" },
    { "counting", bench_counting, 20000000, 1, true, "ns", "a message" },
    { "fanin", bench_fanin, 200000, 1, true, "ns", "a message, n for each of 64 senders" },
    { "fjcreate", bench_fjcreate, 2000000, 1, false, "ns",
      "an actor: created, sent a message, ended" },
    { "fjthroughput", bench_fjthroughput, 200000, 1, false, "ns",
      "a message, n for each of 60 receivers" },
    { "big", bench_big, 50000, 1, false, "ns", "a ping or a pong, n pings by each of 120 actors" },
    { "chameneos", bench_chameneos, 2000000, 1, false, "ns", "a meeting of two of 100" },
    { "skynet", bench_skynet, 1000000, 1, false, "ns", "an actor, n leaves, spawned depth first" },
    { "skynet-async", bench_skynet_async, 1000000, 1, false, "ns",
      "an actor, n leaves, spawned breadth first" },
    { "idle", bench_idle, 1000000, 1, false, "bytes",
      "RSS of an idle actor with 16 bytes of state" },
    { "nqueens", bench_nqueens, 14, 1, false, "ns", "the whole search, n queens" },
    { "timers", bench_timers, 1000000, 1, false, "ns", "CPU time of a timer of 1 to 1000 ms" },
    { "crossflood", bench_crossflood, 10000000, 2, true, "ns", "a message from loop 0 to loop 1" },
    { "crossping", bench_crossping, 1000000, 2, true, "ns", "one way between loops 0 and 1" },
    { "foreign", bench_foreign, 2000000, 1, true, "ns",
      "a message, n from each of --threads threads" },
    { "livescale", bench_livescale, 10000000, 1, false, "ns",
      "a message among --actors live actors" },
    { "fiberswitch", bench_fiberswitch, 20000000, 1, false, "ns",
      "a switch between a task and its loop" },
    { "taskspawn", bench_taskspawn, 5000000, 1, false, "ns",
      "a task: spawned, run, awaited, dropped" },
    { "taskscope", bench_taskscope, 5000000, 1, false, "ns", "a task in a scope of ten" },
    { "await", bench_await, 5000000, 1, false, "ns",
      "a future: made, resolved by another task, awaited" },
    { "ask", bench_ask, 5000000, 1, false, "ns", "a request and its answer, awaited" },
    { "ask-timed", bench_ask_timed, 5000000, 1, false, "ns", "the same with a time limit of 1 s" },
    { "sleepers", bench_sleepers, 1000000, 1, false, "bytes", "RSS of a task that sleeps" },
    { "mutex", bench_mutex, 10000000, 1, false, "ns", "a mutex: taken, and given back" },
    { "semaphore", bench_semaphore, 2000000, 1, false, "ns",
      "a permit handed over between two tasks" },
    { "queue", bench_queue, 5000000, 1, false, "ns", "an item: put by a task, got by another" },
    { "stream", bench_stream, 2000000, 1, false, "ns", "an item: emitted, and taken" },
    { "gather", bench_gather, 10000, 1, false, "ns", "a task that sleeps 1 ms, of n gathered" },
    { "gather-warm", bench_gather_warm, 10000, 1, false, "ns", "the same, the third time" },
    { "cancelstorm", bench_cancelstorm, 100000, 1, false, "ns",
      "a task that sleeps: cancelled, and ended" },
    { "cancelstorm-warm", bench_cancelstorm_warm, 100000, 1, false, "ns",
      "the same, the third time" },
    { "mixed", bench_mixed, 1, 1, false, "ns",
      "p99 delay of short tasks beside 8 heavy jobs, over --seconds" },
    { "yieldfair", bench_yieldfair, 1, 1, false, "ns",
      "p99 delay of a pipe beside 1,000 tasks that yield, over --seconds" },
    { "offload", bench_offload, 500000, 1, false, "ns", "a tiny job on a pool, 64 in flight" },
    { "to_thread", bench_to_thread, 100000, 1, false, "ns", "a tiny job on a pool, one at a time" },
    { "parallel_for", bench_parallel_for, 20000, 1, false, "ns",
      "an item that computes 10 us, on --threads threads or all cores; a table on stderr" },
    { "map_reduce", bench_map_reduce, 20000, 1, false, "ns", "the same, whose results are summed" },
    { "idlecpu", bench_idlecpu, 1, 1, false, "ms", "CPU time of an idle runtime in --seconds" },
};

enum { WORKLOADS = sizeof(workloads) / sizeof(workloads[0]) };

static const char usage_text[] =
    "Usage: troupe-bench WORKLOAD... | all [options]\n"
    "Prints a line for each run: workload troupe workers n seconds ns_per_op\n"
    "\n"
    "  --loops N     event loops (default: TROUPE_LOOPS, or one a core)\n"
    "  --n N         how much; what it counts depends on the workload (--list)\n"
    "  --size BYTES  payload of a message: 8 (default), 64 or 512\n"
    "  --runs N      run each workload N times, in a process each (default 1)\n"
    "  --slice N     what a producer sends, or spawns, before it lets others run\n"
    "  --threads N   foreign: threads that send (default 1); parallel_for, map_reduce: that\n"
    "                compute (default: one a core)\n"
    "  --actors N    livescale: live actors (default 1000)\n"
    "  --seconds S   how long to measure: idlecpu (default 10), mixed (twice; default 5),\n"
    "                yieldfair (four times; default 1)\n"
    "  --timer 1     idlecpu: with an actor that has a timer of 1 s\n"
    "  --json        print a JSON object a line\n"
    "  --list        list the workloads and their default n\n"
    "  --help        print this\n"
    "\n"
    "Exit status: 0 all well; 1 a wrong result, or none; 2 wrong usage.\n";

static void print_list(void)
{
    int i;

    for (i = 0; i < WORKLOADS; i++)
        printf("%-13s n %9lld  %s: %s\n", workloads[i].name, (long long)workloads[i].default_n,
               workloads[i].unit, workloads[i].counts);
}

static const bench_workload *find_workload(const char *name)
{
    int i;

    for (i = 0; i < WORKLOADS; i++)
        if (strcmp(workloads[i].name, name) == 0)
            return &workloads[i];
    return NULL;
}

/* ---- options ---- */

static int usage_error(const char *what, const char *value)
{
    (void)fprintf(stderr, "troupe-bench: %s: %s\nTry troupe-bench --help\n", what, value);
    return -1;
}

static int parse_count(const char *text, int64_t least, int64_t most, int64_t *out)
{
    char *end;

    errno = 0;
    *out = strtoll(text, &end, 10);
    if (end == text || *end || errno || *out < least || *out > most)
        return usage_error("not a number that will do", text);
    return 0;
}

static int parse_int(const char *text, int least, int most, int *out)
{
    int64_t value = 0;
    int rc = parse_count(text, least, most, &value);

    *out = (int)value;
    return rc;
}

static int parse_seconds(const char *text, double *out)
{
    char *end;

    *out = strtod(text, &end);
    return end == text || *end || !(*out > 0 && *out <= 86400)
               ? usage_error("not a time in seconds that will do", text)
               : 0;
}

static int parse_size(const char *text, size_t *out)
{
    int64_t size;

    if (parse_count(text, 1, 512, &size) < 0)
        return -1;
    *out = (size_t)size;
    return load_size_is_valid(*out) ? 0 : usage_error("--size is 8, 64 or 512, not", text);
}

static const struct option long_options[] = {
    { "loops", required_argument, NULL, 'l' },
    { "n", required_argument, NULL, 'n' },
    { "size", required_argument, NULL, 's' },
    { "runs", required_argument, NULL, 'r' },
    { "slice", required_argument, NULL, 'S' },
    { "threads", required_argument, NULL, 't' },
    { "actors", required_argument, NULL, 'a' },
    { "seconds", required_argument, NULL, 'T' },
    { "timer", required_argument, NULL, 'i' },
    { "json", no_argument, NULL, 'j' },
    { "list", no_argument, NULL, 'L' },
    { "help", no_argument, NULL, 'h' },
    { NULL, 0, NULL, 0 },
};

static int parse_option(int letter, bench_options *options)
{
    int timer = 0, rc;

    switch (letter) {
    case 'l':
        return parse_int(optarg, 1, 1024, &options->loops);
    case 'n':
        return parse_count(optarg, 1, INT64_C(1000000000000), &options->n);
    case 's':
        return parse_size(optarg, &options->size);
    case 'r':
        return parse_int(optarg, 1, 10000, &options->runs);
    case 'S':
        return parse_count(optarg, 1, INT64_C(1000000000), &options->slice);
    case 't':
        return parse_int(optarg, 1, 1000, &options->threads);
    case 'a':
        return parse_count(optarg, 1, INT64_C(1000000000), &options->actors);
    case 'T':
        return parse_seconds(optarg, &options->seconds);
    case 'i':
        rc = parse_int(optarg, 0, 1, &timer);
        options->timer = timer != 0;
        return rc;
    case 'j':
        options->json = true;
        return 0;
    default: /* getopt_long has said what is wrong */
        return -1;
    }
}

/* ---- running ---- */

/* No workload loses a message, so the ledger must not show a dead letter. */
static int check_ledger(const bench_context *context)
{
    uint64_t dead;
    tr_stats stats;
    int rc = tr_stats_get(&stats);

    if (rc < 0)
        return bench_fail(context, "tr_stats_get: %s", tr_strerror(rc));
    dead = stats.dead_ended + stats.dead_full + stats.dead_unhandled + stats.dead_memory;
    return dead ? bench_fail(context, "%llu dead letters", (unsigned long long)dead) : 0;
}

static int run_started(const bench_workload *workload, bench_context *context)
{
    int rc = tr_inbox_new(&context->inbox, 0);

    if (rc < 0)
        return bench_fail(context, "tr_inbox_new: %s", tr_strerror(rc));
    context->out = tr_inbox_pid(context->inbox);
    context->outcome.workers = tr_loop_count();
    rc = workload->run(context);
    tr_inbox_free(context->inbox);
    return rc;
}

/* One run: start the runtime, measure, stop it. */
static int run_here(const bench_workload *workload, const bench_options *options,
                    bench_outcome *outcome)
{
    bench_context context = { .name = workload->name, .options = options };
    int stopped, rc = tr_start(&(tr_config){ .loops = options->loops });

    if (rc < 0)
        return bench_fail(&context, "tr_start: %s", tr_strerror(rc));
    rc = run_started(workload, &context);
    stopped = tr_shutdown(0);
    if (stopped < 0)
        rc = bench_fail(&context, "tr_shutdown: %s", tr_strerror(stopped));
    if (rc == 0)
        rc = check_ledger(&context);
    *outcome = context.outcome;
    return rc;
}

/* The child's half: its outcome goes through the pipe, its errors to stderr. */
static void run_child(const bench_workload *workload, const bench_options *options, int fd)
{
    bench_outcome outcome;

    if (run_here(workload, options, &outcome) < 0 ||
        write(fd, &outcome, sizeof(outcome)) != (ssize_t)sizeof(outcome))
        _exit(EXIT_FAILURE);
    _exit(EXIT_SUCCESS);
}

static int run_forked(const bench_workload *workload, const bench_options *options,
                      bench_outcome *outcome)
{
    bench_context context = { .name = workload->name };
    ssize_t got;
    int ends[2], status;
    pid_t child;

    if (pipe(ends) != 0)
        return bench_fail(&context, "pipe: %s", strerror(errno));
    child = fork();
    if (child == 0)
        run_child(workload, options, ends[1]);
    (void)close(ends[1]); /* the child's end */
    got = child < 0 ? -1 : read(ends[0], outcome, sizeof(*outcome));
    (void)close(ends[0]);
    if (child < 0)
        return bench_fail(&context, "fork: %s", strerror(errno));
    if (waitpid(child, &status, 0) != child)
        return bench_fail(&context, "waitpid: %s", strerror(errno));
    if (WIFSIGNALED(status))
        return bench_fail(&context, "%s", strsignal(WTERMSIG(status)));
    return got == (ssize_t)sizeof(*outcome) && status == 0 ? 0 : -1;
}

/* All runs of one workload. */
static int run_workload(const bench_workload *workload, const bench_options *given, bool forked)
{
    bench_options options = *given;
    bench_outcome *outcomes = calloc((size_t)options.runs, sizeof(*outcomes));
    int i, rc = 0;

    if (!outcomes)
        return usage_error("out of memory", workload->name);
    if (options.n == 0)
        options.n = workload->default_n;
    for (i = 0; i < options.runs && rc == 0; i++) {
        rc = forked ? run_forked(workload, &options, &outcomes[i])
                    : run_here(workload, &options, &outcomes[i]);
        if (rc == 0)
            bench_report(workload, &options, &outcomes[i]);
    }
    if (rc == 0 && options.runs > 1)
        bench_summarize(workload, outcomes, options.runs);
    free(outcomes);
    return rc;
}

/* Whether the loops that are asked for, if any, are enough. */
static bool has_loops(const bench_workload *workload, const bench_options *options)
{
    return options->loops == 0 || options->loops >= workload->min_loops;
}

/* One that fails does not keep the others from running. */
static int run_all(const bench_options *options)
{
    int i, rc = 0;

    for (i = 0; i < WORKLOADS; i++)
        if (has_loops(&workloads[i], options) && run_workload(&workloads[i], options, true) < 0)
            rc = -1;
    return rc;
}

static int run_named(char **names, int count, const bench_options *options)
{
    bool forked = count > 1 || options->runs > 1;
    int i, rc = 0;

    for (i = 0; i < count; i++)
        if (run_workload(find_workload(names[i]), options, forked) < 0)
            rc = -1;
    return rc;
}

static int check_names(char **names, int count, const bench_options *options)
{
    int i;

    if (count == 0)
        return usage_error("which workload?", "one of --list, or all");
    for (i = 0; i < count; i++) {
        const bench_workload *workload = find_workload(names[i]);

        if (!workload)
            return usage_error("unknown workload", names[i]);
        if (options->size != 8 && !workload->sized)
            return usage_error("--size means nothing to", names[i]);
        if (!has_loops(workload, options))
            return usage_error("more loops are needed by", names[i]);
    }
    return 0;
}

int main(int argc, char **argv)
{
    bench_options options = { .size = 8, .runs = 1, .threads = 1, .actors = 1000 };
    int letter, rc;

    while ((letter = getopt_long(argc, argv, "h", long_options, NULL)) != -1) {
        if (letter == 'h')
            return fputs(usage_text, stdout) < 0 ? EXIT_FAILURE : EXIT_SUCCESS;
        if (letter == 'L') {
            print_list();
            return EXIT_SUCCESS;
        }
        if (parse_option(letter, &options) < 0)
            return EXIT_USAGE;
    }
    if (argc - optind == 1 && strcmp(argv[optind], "all") == 0) {
        rc = run_all(&options);
    } else {
        if (check_names(argv + optind, argc - optind, &options) < 0)
            return EXIT_USAGE;
        rc = run_named(argv + optind, argc - optind, &options);
    }
    return rc < 0 ? EXIT_FAILURE : EXIT_SUCCESS;
}
