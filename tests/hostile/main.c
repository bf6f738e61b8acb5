/* Attacks a server of ours, in all the ways that attacks.c knows, and prints what has come of it.
 * */
#include "hostile/hostile.h"

#include <errno.h>
#include <getopt.h>
#include <poll.h>
#include <signal.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

/* What is resident of an instrumented program says nothing. */
#ifndef HOSTILE_WEIGHS
#define HOSTILE_WEIGHS 1
#endif

#define MIB 1048576.0

enum {
    SAMPLE_MS = 10,
    SETTLE_MS = 50,
    SETTLE_TRIES = 600,
    SLACK_BYTES =
        16 * 1024 * 1024,         /* that it may have more at the peak, whatever the connections */
    KEPT_BYTES = 8 * 1024 * 1024, /* that it may have kept for what comes next */
    SPARE = 200                   /* descriptors for other things */
};

typedef struct options {
    long connections;
    const char *only;
    bool is_short, is_json, lists;
} options;

/* How it goes to the server, as that tells it. */
typedef struct state {
    long used;     /* bytes of the heap */
    long warnings; /* lines of the log, so far */
} state;

/* What has come of an attack. */
typedef struct result {
    crowd_report crowd;
    guest_report guest;
    long count;
    long before, peak; /* resident */
    state first, last; /* before, and when it was over */
} result;

typedef struct server {
    pid_t pid;
    int port;
    patience times;
    bool is_stopped;
} server;

/* A process, and the pipe that it reports through. */
typedef struct child {
    pid_t pid;
    int told;
    int stop; /* of a guest: it is closed to end it */
} child;

static int failures;

void die(const char *format, ...)
{
    va_list args;

    va_start(args, format);
    (void)fputs("hostile: ", stderr);
    (void)vfprintf(stderr, format, args);
    (void)fputc('\n', stderr);
    va_end(args);
    exit(1);
}

void *allocate(size_t bytes)
{
    void *memory = calloc(1, bytes);

    if (memory == NULL)
        die("out of memory");
    return memory;
}

double now_s(void)
{
    struct timespec t;

    (void)clock_gettime(CLOCK_MONOTONIC, &t); /* always there on Linux */
    return (double)t.tv_sec + (double)t.tv_nsec / 1e9;
}

__attribute__((format(printf, 2, 3))) static void complain(const char *where, const char *format,
                                                           ...)
{
    va_list args;

    va_start(args, format);
    (void)fprintf(stderr, "hostile: %s: ", where);
    (void)vfprintf(stderr, format, args);
    (void)fputc('\n', stderr);
    va_end(args);
    failures++;
}

/* ---- processes ---- */

static void open_pipe(int ends[2])
{
    if (pipe(ends))
        die("pipe: %s", strerror(errno));
}

static pid_t fork_child(void)
{
    pid_t pid;

    (void)fflush(NULL); /* so that nothing is printed twice */
    pid = fork();
    if (pid < 0)
        die("fork: %s", strerror(errno));
    return pid;
}

static void read_all(int fd, void *data, size_t bytes, const char *whose)
{
    for (size_t filled = 0; filled < bytes;) {
        ssize_t count = read(fd, (char *)data + filled, bytes - filled);

        if (count <= 0)
            die("the %s has ended without a report", whose);
        filled += (size_t)count;
    }
}

static void reap(child *c)
{
    (void)close(c->told);
    (void)waitpid(c->pid, NULL, 0); /* it has reported: how it ends does not matter */
}

static void start_server(server *s)
{
    int ends[2];

    open_pipe(ends);
    s->pid = fork_child();
    if (s->pid == 0)
        exit(server_run(&s->times, ends[1]));
    (void)close(ends[1]);
    read_all(ends[0], &s->port, sizeof(s->port), "server");
    (void)close(ends[0]);
}

static child start_guest(const server *s)
{
    int told[2];
    int stop[2];
    pid_t pid;

    open_pipe(told);
    open_pipe(stop);
    pid = fork_child();
    if (pid == 0) {
        (void)close(stop[1]);
        guest_run(s->port, stop[0], told[1]);
    }
    (void)close(told[1]);
    (void)close(stop[0]);
    return (child){ .pid = pid, .told = told[0], .stop = stop[1] };
}

static void end_guest(child *guest, guest_report *report)
{
    if (guest->stop < 0)
        return;
    (void)close(guest->stop);
    guest->stop = -1;
    read_all(guest->told, report, sizeof(*report), "good client");
    reap(guest);
}

static child start_crowd(const server *s, const attack *a, long count, int source,
                         const child *guest)
{
    int told[2];
    pid_t pid;

    open_pipe(told);
    pid = fork_child();
    if (pid == 0) {
        (void)close(guest->stop); /* else it would not hear that it is to end */
        crowd_run(a, count, s->port, source, &s->times, told[1]);
    }
    (void)close(told[1]);
    return (child){ .pid = pid, .told = told[0] };
}

/* ---- the server's state ---- */

static state state_now(const server *s)
{
    state now;
    char text[64];
    char *rest;

    if (guest_ask(s->port, "/state", text, sizeof(text)) != 200)
        die("the server does not answer");
    now.used = strtol(text, &rest, 10);
    now.warnings = strtol(rest, NULL, 10);
    return now;
}

/* When nothing more goes away, or all that may has gone. */
static state settle(const server *s, long enough)
{
    state now = state_now(s);

    for (int i = 0; i < SETTLE_TRIES && now.used > enough && HOSTILE_WEIGHS; i++) {
        (void)poll(NULL, 0, SETTLE_MS);
        now = state_now(s);
    }
    return now;
}

/* ---- an attack ---- */

/* Look at the server's memory until something comes from the crowd. */
static void watch(const server *s, const child *crowd, result *r)
{
    struct pollfd waits = { .fd = crowd->told, .events = POLLIN };

    do {
        long now = memory_resident(s->pid);

        if (now > r->peak)
            r->peak = now;
    } while (poll(&waits, 1, SAMPLE_MS) == 0);
}

/* Let it end; it is there until it is waited for. */
static void stop_server(server *s)
{
    if (!s->is_stopped)
        (void)kill(s->pid, SIGTERM); /* a second one would be no request any more */
    s->is_stopped = true;
}

static void reap_server(const server *s)
{
    int status;

    if (waitpid(s->pid, &status, 0) != s->pid || !WIFEXITED(status) || WEXITSTATUS(status) != 0)
        complain("the server", "it has not ended as it should: %d", status);
}

static void run_attack(server *s, const attack *a, long count, int source, result *r)
{
    child guest, crowd;
    char held;

    *r = (result){ .count = count };
    r->first = state_now(s);
    r->before = r->peak = memory_resident(s->pid);
    guest = start_guest(s);
    crowd = start_crowd(s, a, count, source, &guest);
    watch(s, &crowd, r);
    if (a->ending == HOLDS) {
        read_all(crowd.told, &held, 1, "crowd");
        end_guest(&guest, &r->guest);
        (void)state_now(s); /* and so only what is in use is resident */
        r->peak = memory_resident(s->pid);
        r->last = r->first;
        stop_server(s);
    }
    read_all(crowd.told, &r->crowd, sizeof(r->crowd), "crowd");
    reap(&crowd);
    end_guest(&guest, &r->guest);
    if (!s->is_stopped)
        r->last = settle(s, r->first.used + KEPT_BYTES);
}

/* ---- judging ---- */

static bool may_be(const attack *a, int code)
{
    for (int i = 0; i < STATUSES; i++)
        if (a->may[i] == code && code != 0)
            return true;
    return false;
}

static void judge_answers(const attack *a, const crowd_report *c)
{
    for (int code = 0; code < CODES; code++)
        if (c->heard[code] > 0 && !may_be(a, code))
            complain(a->name, "%u answers of %d", c->heard[code], code);
    if (c->reset > 0 && !a->may_be_reset)
        complain(a->name, "%u connections were reset", c->reset);
    if (c->silent > c->reset && !a->may_be_silent)
        complain(a->name, "%u connections had no answer", c->silent);
    if (a->is_counted && c->heard[200] != c->whole)
        complain(a->name, "%lu requests were whole, and %u answered", (unsigned long)c->whole,
                 c->heard[200]);
}

static void judge_memory(const attack *a, const result *r)
{
    long most = r->before + SLACK_BYTES + r->count * (long)a->bytes_each;

    if (!HOSTILE_WEIGHS)
        return;
    if (r->peak > most)
        complain(a->name, "%.1f MiB of memory, where %.1f had been enough", (double)r->peak / MIB,
                 (double)most / MIB);
    if (r->last.used > r->first.used + KEPT_BYTES)
        complain(a->name, "%.1f MiB are in use afterwards, %.1f before", (double)r->last.used / MIB,
                 (double)r->first.used / MIB);
}

static void judge(const attack *a, const result *r)
{
    if (r->crowd.opened != r->count)
        complain(a->name, "%u of %ld were connected", r->crowd.opened, r->count);
    if (r->guest.wrong > 0 || r->guest.right == 0)
        complain(a->name, "a good client had %lu right answers, and %lu wrong ones",
                 (unsigned long)r->guest.right, (unsigned long)r->guest.wrong);
    if (r->last.warnings > r->first.warnings)
        complain(a->name, "the log has %ld more lines", r->last.warnings - r->first.warnings);
    judge_answers(a, &r->crowd);
    judge_memory(a, r);
}

/* ---- printing ---- */

/* "408: 10000, closed 10000" */
static void list_ends(const crowd_report *c, char *text, size_t room)
{
    const struct {
        const char *name;
        uint32_t count;
    } ends[] = { { "closed", c->closed }, { "reset", c->reset }, { "left", c->left } };
    size_t at = 0;

    text[0] = 0;
    for (int code = 0; code < CODES && at < room; code++)
        if (c->heard[code] > 0)
            at += (size_t)snprintf(text + at, room - at, "%d: %u, ", code, c->heard[code]);
    for (size_t i = 0; i < sizeof(ends) / sizeof(ends[0]) && at < room; i++)
        if (ends[i].count > 0)
            at += (size_t)snprintf(text + at, room - at, "%s %u, ", ends[i].name, ends[i].count);
    if (at >= 2 && at < room)
        text[at - 2] = 0;
}

static void print_head(const options *o)
{
    if (!o->is_json)
        printf("%-36s %6s %8s %7s %8s %8s %7s %7s  %s\n", "attack", "conns", "peak MiB", "KiB each",
               "sent MiB", "left MiB", "served", "late ms", "answers, ends");
}

static void print_result(const options *o, const attack *a, const result *r, bool is_first)
{
    char ends[512];
    double grown = (double)(r->peak - r->before);
    double each = r->count > 0 ? grown / (double)r->count : 0;
    double left = (double)(r->last.used - r->first.used) / MIB;

    list_ends(&r->crowd, ends, sizeof(ends));
    if (!o->is_json)
        printf("%-36s %6ld %8.1f %7.2f %8.1f %8.1f %7lu %7.1f  %s\n", a->name, r->count,
               grown / MIB, each / 1024, (double)r->crowd.sent / MIB, left,
               (unsigned long)r->guest.right, r->guest.worst_s * 1e3, ends);
    else
        printf("%s{\"attack\":\"%s\",\"connections\":%ld,\"peak_bytes\":%ld,\"sent_bytes\":%lu,"
               "\"left_bytes\":%ld,\"served\":%lu,\"wrong\":%lu,\"worst_s\":%.6f,\"ends\":\"%s\"}",
               is_first ? "" : ",\n ", a->name, r->count, r->peak - r->before,
               (unsigned long)r->crowd.sent, r->last.used - r->first.used,
               (unsigned long)r->guest.right, (unsigned long)r->guest.wrong, r->guest.worst_s,
               ends);
    (void)fflush(stdout);
}

/* ---- all of them ---- */

/* As many as are asked for; but each text, and each cut, at least once. */
static long count_of(const options *o, const attack *a)
{
    long count = o->connections / a->one_of;
    long least = a->is_cut ? (long)a->texts[0].count + 1 : a->text_count;

    if (count < least)
        count = least;
    return a->most > 0 && count > a->most ? a->most : count;
}

static void raise_limit(const options *o)
{
    struct rlimit limit;

    if (getrlimit(RLIMIT_NOFILE, &limit))
        die("getrlimit: %s", strerror(errno));
    limit.rlim_cur = limit.rlim_max;
    if (setrlimit(RLIMIT_NOFILE, &limit) || (rlim_t)o->connections + SPARE > limit.rlim_cur)
        die("%ld connections are more than the %lu descriptors of a process", o->connections,
            (unsigned long)limit.rlim_cur);
}

/* Longer for more, so that all of them are there at once. */
static patience times_for(const options *o)
{
    double s = 2 + (double)o->connections / 1500;

    return (patience){ .head = s, .body = s, .write = s };
}

static void run_all(const options *o, const attack *attacks, int count)
{
    server s = { .times = times_for(o) };
    static result r;
    bool is_first = true;

    raise_limit(o);
    start_server(&s);
    print_head(o);
    if (o->is_json)
        printf("[");
    for (int i = 0; i < count && !s.is_stopped; i++) {
        if (o->only != NULL && strstr(attacks[i].name, o->only) == NULL)
            continue;
        run_attack(&s, &attacks[i], count_of(o, &attacks[i]), i + 1, &r);
        print_result(o, &attacks[i], &r, is_first);
        judge(&attacks[i], &r);
        is_first = false;
    }
    if (o->is_json)
        printf("]\n");
    stop_server(&s);
    reap_server(&s);
}

/* ---- options ---- */

static const char usage[] =
    "hostile [--connections N] [--only TEXT] [--short] [--json] [--list]\n"
    "Attacks an HTTP server of ours, in a process of its own, in many ways, while a good client\n"
    "asks on; prints for each attack: connections; how much the server's memory had grown at the\n"
    "peak (KiB each: by connection); what the clients have sent; how much memory was left in use\n"
    "afterwards; how many requests of the good client were answered meanwhile, and how late the\n"
    "latest; statuses of answers, and how connections ended (left: by the attacker).\n"
    "  --connections N  default 10000\n"
    "  --only TEXT      only attacks whose name has this in it\n"
    "  --short          8 MiB in the place of a GiB\n"
    "  --json           for machines\n"
    "  --list           print the names, and do nothing\n"
    "Exit status: 0 all well; 1 an answer was wrong, or memory not bounded; 2 wrong usage.\n";

static void parse(int argc, char **argv, options *o)
{
    static const struct option known[] = { { "connections", required_argument, NULL, 'c' },
                                           { "only", required_argument, NULL, 'o' },
                                           { "short", no_argument, NULL, 's' },
                                           { "json", no_argument, NULL, 'j' },
                                           { "list", no_argument, NULL, 'l' },
                                           { "help", no_argument, NULL, 'h' },
                                           { 0 } };
    char *end;
    int option;

    while ((option = getopt_long(argc, argv, "h", known, NULL)) != -1) {
        switch (option) {
        case 'c':
            o->connections = strtol(optarg, &end, 10);
            if (*end == 0 && o->connections > 0 && o->connections <= 1000000)
                continue;
            break;
        case 'o':
            o->only = optarg;
            continue;
        case 's':
            o->is_short = true;
            continue;
        case 'j':
            o->is_json = true;
            continue;
        case 'l':
            o->lists = true;
            continue;
        case 'h':
            (void)fputs(usage, stdout);
            exit(0);
        default:
            break;
        }
        (void)fputs(usage, stderr);
        exit(2);
    }
}

int main(int argc, char **argv)
{
    options o = { .connections = 10000 };
    const attack *attacks;
    int count;

    parse(argc, argv, &o);
    (void)signal(SIGPIPE, SIG_IGN); /* a child that has ended is seen by its pipe */
    attacks = attacks_make(o.is_short, &count);
    if (o.lists) {
        for (int i = 0; i < count; i++)
            printf("%s\n", attacks[i].name);
        return 0;
    }
    run_all(&o, attacks, count);
    return failures > 0;
}
