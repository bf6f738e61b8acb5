/* What a server uses: read from /proc, of the process and all that it has started. */
#include "load.h"

#include <dirent.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#define PROCESSES_MOST 256

/* Read a file of /proc as a text: false when there is none, as of a process that has ended. */
static bool read_text(char *text, size_t room, const char *path)
{
    FILE *file = fopen(path, "re");
    size_t bytes;

    if (!file)
        return false;
    bytes = fread(text, 1, room - 1, file);
    text[bytes] = 0;
    (void)fclose(file);
    return bytes > 0;
}

/* Add the processes that the threads of one have started. */
static void add_children(pid_t *pids, size_t *count, pid_t parent)
{
    char path[400];
    char text[4096];
    struct dirent *entry;
    DIR *threads;

    (void)snprintf(path, sizeof(path), "/proc/%d/task", (int)parent);
    threads = opendir(path);
    while (threads && (entry = readdir(threads))) {
        (void)snprintf(path, sizeof(path), "/proc/%d/task/%s/children", (int)parent, entry->d_name);
        if (entry->d_name[0] == '.' || !read_text(text, sizeof(text), path))
            continue;
        for (char *rest, *word = strtok_r(text, " ", &rest); word && *count < PROCESSES_MOST;
             word = strtok_r(NULL, " ", &rest))
            pids[(*count)++] = (pid_t)number(word);
    }
    if (threads)
        (void)closedir(threads);
}

/* The process, and its descendants: how many. */
static size_t find_tree(pid_t *pids, pid_t root)
{
    size_t count = 1;

    pids[0] = root;
    for (size_t i = 0; i < count; i++)
        add_children(pids, &count, pids[i]);
    return count;
}

static double seconds_of(const char *ticks)
{
    return strtod(ticks, NULL) / (double)sysconf(_SC_CLK_TCK);
}

/* Add the CPU time of a process, the 14th and 15th field of its stat; a space is before each, and
 * the 2nd, which may contain spaces, ends with the last parenthesis. */
static void add_cpu(struct usage *u, pid_t pid)
{
    char path[64];
    char text[1024];
    char *at;

    (void)snprintf(path, sizeof(path), "/proc/%d/stat", (int)pid);
    if (!read_text(text, sizeof(text), path) || !(at = strrchr(text, ')')))
        return;
    for (int field = 2; at && field < 14; field++)
        at = strchr(at + 1, ' ');
    if (!at)
        die("%s is not as expected", path);
    u->user += seconds_of(at);
    at = strchr(at + 1, ' ');
    u->sys += at ? seconds_of(at) : 0;
}

/* CPU seconds of the whole machine: all columns but idle, iowait (the 4th and 5th) and guests'. */
static double busy_now(void)
{
    char text[1024];
    char *rest;
    char *word;
    double busy = 0;

    if (!read_text(text, sizeof(text), "/proc/stat"))
        die("/proc/stat cannot be read");
    text[strcspn(text, "\n")] = 0;
    (void)strtok_r(text, " ", &rest);
    for (int column = 1; column <= 8 && (word = strtok_r(NULL, " ", &rest)); column++)
        busy += column == 4 || column == 5 ? 0 : seconds_of(word);
    return busy;
}

double clock_now(void)
{
    struct timespec t;

    (void)clock_gettime(CLOCK_MONOTONIC, &t); /* always there on Linux */
    return (double)t.tv_sec + (double)t.tv_nsec / 1e9;
}

struct usage usage_now(pid_t pid)
{
    struct usage u = { .now = clock_now(), .busy = busy_now() };
    pid_t pids[PROCESSES_MOST];
    size_t count = find_tree(pids, pid);

    for (size_t i = 0; i < count; i++)
        add_cpu(&u, pids[i]);
    return u;
}

void usage_print(pid_t pid, const struct usage *since, double own)
{
    struct usage u = usage_now(pid);
    double user = u.user - since->user;
    double sys = u.sys - since->sys;
    double seconds = u.now - since->now;
    double other = (u.busy - since->busy - user - sys - own) / seconds;

    printf("user %.2f sys %.2f seconds %.3f other %.3f\n", user, sys, seconds,
           other > 0 ? other : 0);
}

long memory_now(pid_t pid)
{
    pid_t pids[PROCESSES_MOST];
    size_t count = find_tree(pids, pid);
    long bytes = 0;

    for (size_t i = 0; i < count; i++) {
        char path[64];
        char text[4096];
        const char *line;

        (void)snprintf(path, sizeof(path), "/proc/%d/status", (int)pids[i]);
        if (read_text(text, sizeof(text), path) && (line = strstr(text, "\nRssAnon:")))
            bytes += strtol(line + strlen("\nRssAnon:"), NULL, 10) * 1024;
    }
    return bytes;
}

static double seconds_of_timeval(struct timeval t)
{
    return (double)t.tv_sec + (double)t.tv_usec / 1e6;
}

double cpu_own(void)
{
    struct rusage u;

    (void)getrusage(RUSAGE_SELF, &u); /* cannot fail so */
    return seconds_of_timeval(u.ru_utime) + seconds_of_timeval(u.ru_stime);
}

int run_command(pid_t pid, char **argv)
{
    struct usage since = usage_now(pid);
    struct rusage own;
    int status;
    pid_t child = fork();

    if (child < 0)
        die("cannot fork");
    if (child == 0) {
        (void)execvp(argv[0], argv);
        _exit(127);
    }
    if (wait4(child, &status, 0, &own) != child)
        die("%s was lost", argv[0]);
    usage_print(pid, &since, seconds_of_timeval(own.ru_utime) + seconds_of_timeval(own.ru_stime));
    return WIFEXITED(status) ? WEXITSTATUS(status) : 1;
}
