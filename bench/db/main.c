/* ./dev bench --db: what a write and a read of troupe-db cost, by so many tasks of one loop at
 * a time, with group commit and without; and beside it the same statements by SQLite alone, in
 * one thread.
 *
 * Rounds: each case once in turn, on a fresh database; medians. */
#include "db.h"

#include <errno.h>
#include <getopt.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

enum { ROUNDS_MOST = 99, EXIT_USAGE = 2 };

static const struct bench_case cases[] = {
    { "writes", "sqlite alone", 1, run_plain_writes, 0 },
    { "writes", "group commit", 1, run_writes, 0 },
    { "writes", "group commit", 16, run_writes, 0 },
    { "writes", "group commit", 256, run_writes, 0 },
    { "writes", "each alone", 1, run_writes, 1 },
    { "writes", "each alone", 16, run_writes, 1 },
    { "writes", "each alone", 256, run_writes, 1 },
    { "reads", "sqlite alone", 1, run_plain_reads, 0 },
    { "reads", "tr_db_one", 1, run_reads, 0 },
    { "reads", "tr_db_one", 64, run_reads, 0 },
    { "reads", "tr_db_read, 100 each", 1, run_read_jobs, 0 },
};
enum { CASES = sizeof(cases) / sizeof(cases[0]) };

static const char usage[] =
    "Usage: db-bench [--rounds N] [--seconds S] [--folder DIR] [--json]\n"
    "Writes and reads of troupe-db, beside SQLite alone. Databases are made in DIR (default: the\n"
    "current folder), and removed.\n";

double now_s(void)
{
    struct timespec t;

    (void)clock_gettime(CLOCK_MONOTONIC, &t); /* always there on Linux */
    return (double)t.tv_sec + (double)t.tv_nsec / 1e9;
}

static double cpu_s(void)
{
    struct rusage u;

    (void)getrusage(RUSAGE_SELF, &u); /* cannot fail so */
    return (double)(u.ru_utime.tv_sec + u.ru_stime.tv_sec) +
           (double)(u.ru_utime.tv_usec + u.ru_stime.tv_usec) / 1e6;
}

void begin_counting(struct run *run)
{
    run->count = 0;
    run->cpu_s = cpu_s();
    run->begun_s = now_s();
    run->until_s = run->begun_s + run->seconds;
}

void end_counting(struct run *run)
{
    run->took_s = now_s() - run->begun_s;
    run->cpu_s = cpu_s() - run->cpu_s;
}

static void remove_database(const char *path)
{
    static const char *const ends[] = { "", "-wal", "-shm", "-journal" };
    char name[PATH_BYTES + 16];

    for (size_t i = 0; i < sizeof(ends) / sizeof(ends[0]); i++) {
        (void)snprintf(name, sizeof(name), "%s%s", path, ends[i]);
        if (unlink(name) != 0 && errno != ENOENT)
            perror(name);
    }
}

/* ---- medians ---- */

struct figures {
    double per_second[ROUNDS_MOST];
    double cpu_us[ROUNDS_MOST];
};

static int compare(const void *a, const void *b)
{
    double x = *(const double *)a;
    double y = *(const double *)b;

    return x < y ? -1 : x > y;
}

static double median(double *values, int count)
{
    qsort(values, (size_t)count, sizeof(double), compare);
    return (values[(count - 1) / 2] + values[count / 2]) / 2;
}

static void print(struct figures *all, int rounds, bool json)
{
    if (!json)
        printf("%-8s %-22s %5s %12s %12s %10s\n", "", "", "tasks", "a second", "us each", "CPU us");
    for (int i = 0; i < CASES; i++) {
        double per_second = median(all[i].per_second, rounds);
        double cpu_us = median(all[i].cpu_us, rounds);

        printf(json ? "{\"workload\": \"%s\", \"by\": \"%s\", \"tasks\": %d, \"per_second\": %.1f, "
                      "\"us\": %.3f, \"cpu_us\": %.3f}\n"
                    : "%-8s %-22s %5d %12.0f %12.2f %10.2f\n",
               cases[i].workload, cases[i].by, cases[i].tasks, per_second, 1e6 / per_second,
               cpu_us);
    }
}

/* ---- running ---- */

struct options {
    int rounds;
    double seconds;
    const char *folder;
    bool json;
};

static int run_case(const struct bench_case *c, const struct options *o, struct figures *into,
                    int round)
{
    struct run run = { .of = c, .seconds = o->seconds };
    int rc;

    (void)snprintf(run.path, sizeof(run.path), "%s/db-bench-%ld.db", o->folder, (long)getpid());
    remove_database(run.path);
    rc = c->fn(&run);
    remove_database(run.path);
    if (rc < 0 || run.count == 0) {
        fprintf(stderr, "db-bench: %s, %s, %d: %s\n", c->workload, c->by, c->tasks,
                rc < 0 ? tr_strerror(rc) : "nothing was done");
        return -1;
    }
    into->per_second[round] = (double)run.count / run.took_s;
    into->cpu_us[round] = run.cpu_s * 1e6 / (double)run.count;
    return 0;
}

static bool read_options(struct options *o, int argc, char **argv)
{
    static const struct option known[] = { { "rounds", required_argument, NULL, 'r' },
                                           { "seconds", required_argument, NULL, 's' },
                                           { "folder", required_argument, NULL, 'f' },
                                           { "json", no_argument, NULL, 'j' },
                                           { NULL, 0, NULL, 0 } };
    int option;

    while ((option = getopt_long(argc, argv, "", known, NULL)) != -1)
        switch (option) {
        case 'r':
            o->rounds = (int)strtol(optarg, NULL, 10);
            break;
        case 's':
            o->seconds = strtod(optarg, NULL);
            break;
        case 'f':
            o->folder = optarg;
            break;
        case 'j':
            o->json = true;
            break;
        default:
            return false;
        }
    return optind == argc && o->rounds > 0 && o->rounds <= ROUNDS_MOST && o->seconds > 0;
}

int main(int argc, char **argv)
{
    static struct figures all[CASES];
    struct options o = { .rounds = 3, .seconds = 2, .folder = "." };

    if (!read_options(&o, argc, argv) || strlen(o.folder) > PATH_BYTES - 32) {
        fputs(usage, stderr);
        return EXIT_USAGE;
    }
    for (int round = 0; round < o.rounds; round++)
        for (int i = 0; i < CASES; i++)
            if (run_case(&cases[i], &o, &all[i], round) < 0)
                return EXIT_FAILURE;
    print(all, o.rounds, o.json);
    return 0;
}
