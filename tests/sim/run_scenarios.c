/* Runs the scenarios under many seeds: ./dev sim. */
#include <getopt.h>
#include <inttypes.h>
#include <stdio.h>
#include <string.h>
#include <time.h>

#include "sim/scenarios.h"

static void print_usage(FILE *to)
{
    (void)fputs("scenarios [NAME...] [--seeds N] [--first SEED] [--kind K] [--list]\n"
                "Runs the scenarios (all, or those named) under N seeds in all (default 10000),\n"
                "with all kinds of faults in turn.\n"
                "  --seeds N     how many\n"
                "  --first SEED  the first one; default: by chance, and printed\n"
                "  --kind K      only faults of that kind: 0 none; 1 late threads; 2 few; 3 many\n"
                "  --list        print the names\n"
                "TROUPE_SEED=SEED runs that one alone, in this process, for a debugger (with the\n"
                "name of the scenario, and the kind).\n"
                "Exit status: 0 all well; 1 one has failed; 2 wrong usage.\n",
                to);
}

/* Faults of increasing wickedness. */
static const tr_sim_options options_of[] = {
    { .seed = 0 },
    { .late = 0.2, .stall = 0.05, .slow_job = 0.05 },
    { .fail_memory = 0.01, .fail_call = 0.01, .late = 0.05 },
    { .fail_memory = 0.1, .fail_thread = 0.2, .fail_call = 0.1 },
};
enum { KINDS = sizeof(options_of) / sizeof(options_of[0]), TOGETHER = 64 };

static void drop_line(void *unused, tr_log_level level, const char *line)
{
    (void)unused;
    (void)level;
    (void)line;
}

/* Only one kind; KINDS: all. false: it has failed. */
static bool run(const scenario *s, uint64_t first, uint64_t seeds, size_t only)
{
    for (size_t kind = 0; kind < KINDS; kind++) {
        tr_sim_options options = options_of[kind];

        if (only < KINDS && kind != only)
            continue;
        options.seed = first + kind * seeds;
        options.together = TOGETHER;
        faults_turn(options.fail_memory > 0);
        if (tr_sim_explore(s->fn, NULL, seeds, &options) != 0) {
            (void)fprintf(stderr,
                          "scenarios: again: TROUPE_SEED=(as above) scenarios %s --kind %zu\n",
                          s->name, kind);
            return false;
        }
    }
    return true;
}

static bool is_wanted(const scenario *s, char *const *names)
{
    if (!*names)
        return true;
    for (; *names; names++)
        if (strcmp(*names, s->name) == 0)
            return true;
    return false;
}

int main(int argc, char **argv)
{
    static const struct option longs[] = {
        { "seeds", required_argument, NULL, 's' }, { "first", required_argument, NULL, 'f' },
        { "kind", required_argument, NULL, 'k' },  { "list", no_argument, NULL, 'l' },
        { "help", no_argument, NULL, 'h' },        { NULL, 0, NULL, 0 },
    };
    uint64_t seeds = 10000, first = 0, each, ran = 0, failed = 0;
    size_t only = KINDS;
    int option;

    while ((option = getopt_long(argc, argv, "h", longs, NULL)) >= 0) {
        switch (option) {
        case 's':
            seeds = strtoull(optarg, NULL, 0);
            break;
        case 'f':
            first = strtoull(optarg, NULL, 0);
            break;
        case 'k':
            only = strtoull(optarg, NULL, 0);
            break;
        case 'l':
            for (size_t i = 0; i < scenario_count; i++)
                puts(scenarios[i].name);
            return 0;
        case 'h':
            print_usage(stdout);
            return 0;
        default:
            print_usage(stderr);
            return 2;
        }
    }
    tr_log_set(drop_line, NULL);
    if (first == 0)
        first = (uint64_t)time(NULL) * 1000003 % 1000000007;
    for (size_t i = 0; i < scenario_count; i++)
        ran += is_wanted(&scenarios[i], argv + optind);
    each = ran > 0 ? (seeds + ran * KINDS - 1) / (ran * KINDS) : 0;
    printf("%" PRIu64 " scenarios, %d kinds of faults, %" PRIu64 " seeds each, from %" PRIu64 "\n",
           ran, KINDS, each, first);
    for (size_t i = 0; i < scenario_count; i++)
        if (is_wanted(&scenarios[i], argv + optind)) {
            bool is_well = run(&scenarios[i], first, each, only);

            printf("%-20s %s\n", scenarios[i].name, is_well ? "ok" : "FAILED");
            failed += !is_well;
        }
    return failed > 0 ? 1 : ran > 0 ? 0 : 2;
}
