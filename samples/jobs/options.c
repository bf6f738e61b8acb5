/* See options.h. */
#include "options.h"

#include <errno.h>
#include <getopt.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { EXIT_USAGE = 2, MOST_WORKERS = 1000, MOST_ATTEMPTS = 1000000 };

static const char usage[] =
    "Usage: jobs [--db FILE] [--json] COMMAND\n"
    "A queue of commands in the background, kept in FILE (default: $JOBS_DB, or jobs.db).\n"
    "\n"
    "jobs add [OPTION]... 'SHELL COMMAND'    add a job, and print its number. It runs as\n"
    "                     sh -c 'SHELL COMMAND'; $1 is the job's number, $2 the attempt's\n"
    "  -p, --priority N   higher ones first (default 0)\n"
    "      --in SECONDS   not before so many seconds have passed\n"
    "      --at TIME      not before: '2026-12-24 18:00', in UTC\n"
    "      --every SECONDS    again and again, this time apart\n"
    "      --attempts N   after so many that failed it is dead (default 5)\n"
    "      --timeout SECONDS  an attempt that takes longer is killed, and has failed\n"
    "jobs work [OPTION]...    do what is due, until SIGTERM or Ctrl-C\n"
    "  -n, --workers N    so many at a time (default 4)\n"
    "      --drain        end when nothing is due, or will be tried again\n"
    "      --lease SECONDS    after which a worker that is not heard of is dead (default 30)\n"
    "      --delay SECONDS    before the second attempt; then twice as long (default 1)\n"
    "      --grace SECONDS    for running jobs when it ends; then they are killed, and run\n"
    "                     again another time (default 10)\n"
    "jobs list [--state waiting|running|done|dead]    show jobs; --json: an object a line\n"
    "jobs retry-dead [NUMBER]     let dead jobs run again, all or one\n"
    "\n"
    "Exit status: 0; 1 if it failed; 2 for a wrong option.\n";

enum option_code {
    OPTION_DB = 256,
    OPTION_JSON,
    OPTION_IN,
    OPTION_AT,
    OPTION_EVERY,
    OPTION_ATTEMPTS,
    OPTION_TIMEOUT,
    OPTION_DRAIN,
    OPTION_LEASE,
    OPTION_DELAY,
    OPTION_GRACE,
    OPTION_STATE
};

static _Noreturn void refuse(const char *what, const char *why)
{
    (void)fprintf(stderr, "jobs: %s: %s\nTry 'jobs --help'.\n", what, why);
    exit(EXIT_USAGE);
}

static int64_t read_integer(const char *name, const char *text, int64_t least, int64_t most)
{
    char *end = NULL;
    long long value;

    errno = 0;
    value = strtoll(text, &end, 10);
    if (end == text || *end != 0 || errno != 0 || value < least || value > most)
        refuse(name, "give a whole number in its range");
    return value;
}

static double read_seconds(const char *name, const char *text, bool may_be_zero)
{
    char *end = NULL;
    double value = strtod(text, &end);

    if (end == text || *end != 0 || !isfinite(value) || value < 0 || (value == 0 && !may_be_zero))
        refuse(name, "give a number of seconds");
    return value;
}

static const char *read_state(const char *text)
{
    static const char *const states[] = { "waiting", "running", "done", "dead" };

    for (size_t i = 0; i < sizeof(states) / sizeof(states[0]); i++)
        if (strcmp(text, states[i]) == 0)
            return states[i];
    refuse("--state", "waiting, running, done or dead");
}

static void read_of_job(struct options *o, int option, const char *value)
{
    switch (option) {
    case 'p':
        o->job.priority = read_integer("--priority", value, INT32_MIN, INT32_MAX);
        break;
    case OPTION_IN:
        o->in = read_seconds("--in", value, true);
        break;
    case OPTION_AT:
        o->at = value;
        break;
    case OPTION_EVERY:
        o->job.every = read_seconds("--every", value, false);
        break;
    case OPTION_ATTEMPTS:
        o->job.most = read_integer("--attempts", value, 1, MOST_ATTEMPTS);
        break;
    case OPTION_TIMEOUT:
        o->job.timeout = read_seconds("--timeout", value, false);
        break;
    default:
        break; /* another's */
    }
}

static void read_of_crew(struct crew *crew, int option, const char *value)
{
    switch (option) {
    case 'n':
        crew->workers = (int)read_integer("--workers", value, 1, MOST_WORKERS);
        break;
    case OPTION_DRAIN:
        crew->is_drain = true;
        break;
    case OPTION_LEASE:
        crew->lease = read_seconds("--lease", value, false);
        break;
    case OPTION_DELAY:
        crew->first_delay = read_seconds("--delay", value, true);
        break;
    case OPTION_GRACE:
        crew->grace = read_seconds("--grace", value, true);
        break;
    default:
        break; /* another's */
    }
}

/* All options are known to all commands: what a command does not use says nothing to it. */
static void read_option(struct options *o, int option, const char *value)
{
    switch (option) {
    case OPTION_DB:
        o->path = value;
        break;
    case OPTION_JSON:
        o->is_json = true;
        break;
    case OPTION_STATE:
        o->state = read_state(value);
        break;
    case 'h':
        exit(fputs(usage, stdout) < 0 || fflush(stdout) != 0 ? EXIT_FAILURE : EXIT_SUCCESS);
    case '?':
        (void)fprintf(stderr, "Try 'jobs --help'.\n");
        exit(EXIT_USAGE);
    default:
        read_of_job(o, option, value);
        read_of_crew(&o->crew, option, value);
    }
}

/* What is left: the command, and what it is about. */
static void read_command(struct options *o, int count, char **words)
{
    static const char *const names[] = { "add", "work", "list", "retry-dead" };
    int command = 0;

    if (count == 0)
        refuse("what is to be done?", "add, work, list, or retry-dead");
    while (command < 4 && strcmp(words[0], names[command]) != 0)
        command++;
    if (command == 4)
        refuse(words[0], "there is no such command");
    o->command = (enum command)command;
    if (o->command == COMMAND_ADD && count != 2)
        refuse("add", "give one shell command, in quotes");
    if (count > 2 || (count == 2 && (o->command == COMMAND_WORK || o->command == COMMAND_LIST)))
        refuse(words[count - 1], "is one argument too many");
    if (o->command == COMMAND_ADD)
        o->job.command = words[1];
    if (o->command == COMMAND_RETRY_DEAD && count == 2)
        o->id = read_integer("retry-dead", words[1], 1, INT64_MAX);
}

void options_read(struct options *o, int argc, char **argv)
{
    static const struct option known[] = {
        { "db", required_argument, NULL, OPTION_DB },
        { "json", no_argument, NULL, OPTION_JSON },
        { "priority", required_argument, NULL, 'p' },
        { "in", required_argument, NULL, OPTION_IN },
        { "at", required_argument, NULL, OPTION_AT },
        { "every", required_argument, NULL, OPTION_EVERY },
        { "attempts", required_argument, NULL, OPTION_ATTEMPTS },
        { "timeout", required_argument, NULL, OPTION_TIMEOUT },
        { "workers", required_argument, NULL, 'n' },
        { "drain", no_argument, NULL, OPTION_DRAIN },
        { "lease", required_argument, NULL, OPTION_LEASE },
        { "delay", required_argument, NULL, OPTION_DELAY },
        { "grace", required_argument, NULL, OPTION_GRACE },
        { "state", required_argument, NULL, OPTION_STATE },
        { "help", no_argument, NULL, 'h' },
        { NULL, 0, NULL, 0 },
    };
    const char *path = getenv("JOBS_DB");
    int option;

    *o = (struct options){ .path = path != NULL ? path : "jobs.db", .job = { .most = 5 } };
    o->crew = (struct crew){
        .workers = 4, .lease = 30, .poll = 0.5, .first_delay = 1, .longest_delay = 3600, .grace = 10
    };
    while ((option = getopt_long(argc, argv, "p:n:h", known, NULL)) != -1)
        read_option(o, option, optarg);
    read_command(o, argc - optind, argv + optind);
}
