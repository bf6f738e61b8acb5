/* See metrics.h. */
#include "metrics.h"

#include <inttypes.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

enum { ROUTES = 20, CLASSES = 4, VERDICTS = TOO_LITTLE + 2, FAILED = TOO_LITTLE + 1 };

static const double bounds[] = { 0.0005, 0.001, 0.0025, 0.005, 0.01, 0.025,
                                 0.05,   0.1,   0.25,   0.5,   1,    2.5 };
enum { BOUNDS = sizeof(bounds) / sizeof(bounds[0]) };

/* Of a method and pattern. */
struct route_figures {
    char method[8];
    char pattern[32];
    uint64_t answers[CLASSES]; /* 2xx to 5xx */
    uint64_t
        buckets[BOUNDS + 1]; /* that took no longer than a bound, and longer than the one before */
    double seconds;
};

struct figures {
    struct route_figures routes[ROUTES];
    size_t routes_count;
    uint64_t verdicts[VERDICTS];
};

struct metrics {
    int loops;
    struct figures of[]; /* one for each loop */
};

struct metrics *metrics_new(void)
{
    int loops = tr_loop_count();
    struct metrics *m = calloc(1, sizeof(struct metrics) + (size_t)loops * sizeof(struct figures));

    if (m != NULL)
        m->loops = loops;
    return m;
}

void metrics_free(struct metrics *metrics)
{
    free(metrics);
}

/* ---- counting ---- */

static struct figures *mine(struct metrics *metrics)
{
    return &metrics->of[tr_loop_current() - TR_LOOP(0)];
}

/* The figures of a route; NULL: there are more than we have room for. What no route answered has
 * "". */
static struct route_figures *figures_of(struct figures *f, const char *method, const char *pattern)
{
    struct route_figures *r;

    for (r = f->routes; r < f->routes + f->routes_count; r++)
        if (strcmp(r->pattern, pattern) == 0 && strcmp(r->method, method) == 0)
            return r;
    if (f->routes_count == ROUTES || strlen(pattern) >= sizeof(r->pattern) ||
        strlen(method) >= sizeof(r->method))
        return NULL;
    f->routes_count++;
    (void)snprintf(r->method, sizeof(r->method), "%s", method);
    (void)snprintf(r->pattern, sizeof(r->pattern), "%s", pattern);
    return r;
}

static void count(struct route_figures *r, int status, double seconds)
{
    size_t bucket = 0;

    if (status >= 200 && status < 600)
        r->answers[status / 100 - 2]++;
    while (bucket < BOUNDS && seconds > bounds[bucket])
        bucket++;
    r->buckets[bucket]++;
    r->seconds += seconds;
}

static double now(void)
{
    struct timespec t;

    (void)clock_gettime(CLOCK_MONOTONIC, &t); /* it can't fail */
    return (double)t.tv_sec + (double)t.tv_nsec * 1e-9;
}

/* Who goes before there is an answer is no failure of ours: 499, as nginx has it. Who leaves a feed
 * has been answered. */
static int status_of(int rc, const tr_http_response *res)
{
    int answered = tr_http_answer_status(res);

    if (rc == TR_ECANCELED)
        return answered != 0 ? answered : 499;
    return rc < 0 ? 500 : answered;
}

static int measure(tr_http_request *req, tr_http_response *res, tr_http_next *next, void *metrics)
{
    double start = now();
    int rc = tr_http_next_call(next);
    const char *pattern = tr_http_pattern(req);
    /* What has no pattern is named by its client: such methods would be without end. */
    struct route_figures *r =
        figures_of(mine(metrics), pattern[0] != 0 ? tr_http_method(req) : "", pattern);

    if (r != NULL)
        count(r, status_of(rc, res), now() - start);
    return rc;
}

tr_http_middleware metrics_middleware(struct metrics *metrics)
{
    return (tr_http_middleware){ .fn = measure, .ctx = metrics };
}

void metrics_count_verdict(struct metrics *metrics, verdict outcome)
{
    mine(metrics)->verdicts[outcome]++;
}

void metrics_count_failure(struct metrics *metrics)
{
    mine(metrics)->verdicts[FAILED]++;
}

/* ---- adding up ---- */

static void add_route(struct figures *sum, const struct route_figures *from)
{
    struct route_figures *to = figures_of(sum, from->method, from->pattern);

    if (to == NULL)
        return;
    for (size_t i = 0; i < CLASSES; i++)
        to->answers[i] += from->answers[i];
    for (size_t i = 0; i <= BOUNDS; i++)
        to->buckets[i] += from->buckets[i];
    to->seconds += from->seconds;
}

struct copy_figures_args {
    struct metrics *metrics;
    struct figures *copy;
};

/* A task on the loop whose figures these are. */
static int copy_figures(void *arg)
{
    const struct copy_figures_args *a = arg;

    *a->copy = *mine(a->metrics);
    return 0;
}

static int add_up(struct metrics *metrics, struct figures *sum)
{
    struct figures *copies = calloc((size_t)metrics->loops, sizeof(*copies));
    int rc = 0;

    if (copies == NULL)
        return TR_ENOMEM;
    TR_SCOPE(s, &rc) {
        for (int i = 0; i < metrics->loops; i++)
            tr_go_on(s, TR_LOOP(i), copy_figures, .metrics = metrics, .copy = &copies[i]);
    }
    for (int i = 0; rc >= 0 && i < metrics->loops; i++) {
        for (size_t k = 0; k < copies[i].routes_count; k++)
            add_route(sum, &copies[i].routes[k]);
        for (size_t k = 0; k < VERDICTS; k++)
            sum->verdicts[k] += copies[i].verdicts[k];
    }
    free(copies);
    return rc;
}

/* ---- writing: the text format, version 0.0.4 ---- */

static __attribute__((format(printf, 2, 3))) void say(FILE *out, const char *format, ...)
{
    va_list args;

    va_start(args, format);
    (void)vfprintf(out, format, args); /* into memory: the stream's error is looked at in the end */
    va_end(args);
}

static void say_head(FILE *out, const char *name, const char *type, const char *help)
{
    say(out, "# HELP %s %s\n# TYPE %s %s\n", name, help, name, type);
}

static void say_one(FILE *out, const char *name, const char *type, const char *help, double value)
{
    say_head(out, name, type, help);
    say(out, "%s %.17g\n", name, value);
}

static void say_requests(FILE *out, const struct figures *f)
{
    static const char name[] = "http_requests_total";

    say_head(out, name, "counter", "Requests that were answered.");
    for (size_t i = 0; i < f->routes_count; i++)
        for (int k = 0; k < CLASSES; k++)
            if (f->routes[i].answers[k] > 0)
                say(out, "%s{method=\"%s\",route=\"%s\",status=\"%dxx\"} %" PRIu64 "\n", name,
                    f->routes[i].method, f->routes[i].pattern, k + 2, f->routes[i].answers[k]);
}

static void say_latency(FILE *out, const struct route_figures *r)
{
    static const char name[] = "http_request_duration_seconds";
    uint64_t sum = 0;

    for (size_t i = 0; i < BOUNDS; i++) {
        sum += r->buckets[i];
        say(out, "%s_bucket{method=\"%s\",route=\"%s\",le=\"%g\"} %" PRIu64 "\n", name, r->method,
            r->pattern, bounds[i], sum);
    }
    sum += r->buckets[BOUNDS];
    say(out, "%s_bucket{method=\"%s\",route=\"%s\",le=\"+Inf\"} %" PRIu64 "\n", name, r->method,
        r->pattern, sum);
    say(out, "%s_sum{method=\"%s\",route=\"%s\"} %.9g\n", name, r->method, r->pattern, r->seconds);
    say(out, "%s_count{method=\"%s\",route=\"%s\"} %" PRIu64 "\n", name, r->method, r->pattern,
        sum);
}

static void say_transfers(FILE *out, const struct figures *f)
{
    static const char *const names[VERDICTS] = { [MOVED] = "done",
                                                 [MOVED_BEFORE] = "repeated",
                                                 [KEY_IS_TAKEN] = "other_body",
                                                 [NO_SOURCE] = "no_source",
                                                 [NO_DESTINATION] = "no_destination",
                                                 [TOO_LITTLE] = "too_little",
                                                 [FAILED] = "failed" };

    say_head(out, "ledger_transfers_total", "counter",
             "Transfers that were answered, by what became of them.");
    for (int i = 0; i < VERDICTS; i++)
        say(out, "ledger_transfers_total{outcome=\"%s\"} %" PRIu64 "\n", names[i], f->verdicts[i]);
}

static void say_database(FILE *out, const tr_db_stats *s)
{
    say_one(out, "db_writes_total", "counter", "Writes that are on disk.", (double)s->writes);
    say_one(out, "db_groups_total", "counter", "Transactions that they shared.", (double)s->groups);
    say_one(out, "db_reads_total", "counter", "Reads.", (double)s->reads);
    say_one(out, "db_failures_total", "counter", "Calls that ended with an error.",
            (double)s->failures);
    say_one(out, "db_repeated_total", "counter", "Writes that ran again in another group.",
            (double)s->repeated);
    say_one(out, "db_busy_total", "counter", "Times that another process was waited for.",
            (double)s->busy);
    say_one(out, "db_waiting_writes", "gauge", "Writes in line.", (double)s->waiting);
    say_one(out, "db_waiting_reads", "gauge", "Reads in line.", (double)s->waiting_reads);
    say_one(out, "db_last_commit_seconds", "gauge", "What the last commit took.", s->last_commit);
}

static void say_runtime(FILE *out, const tr_stats *s, int loops, size_t sockets)
{
    uint64_t dead =
        s->dead_ended + s->dead_full + s->dead_unhandled + s->dead_shutdown + s->dead_memory;

    say_one(out, "troupe_loops", "gauge", "Event loops.", loops);
    say_one(out, "troupe_actors", "gauge", "Actors: accounts in memory.",
            (double)(s->spawned - s->ended));
    say_one(out, "troupe_tasks", "gauge", "Tasks.", (double)(s->tasks_spawned - s->tasks_ended));
    say_one(out, "troupe_messages_sent_total", "counter", "Messages.", (double)s->sent);
    say_one(out, "troupe_messages_dead_total", "counter", "Messages that nobody handled.",
            (double)dead);
    say_one(out, "troupe_jobs_submitted_total", "counter", "Jobs of pools.",
            (double)s->jobs_submitted);
    say_one(out, "troupe_jobs_run_total", "counter", "Jobs that have ended.", (double)s->jobs_run);
    say_one(out, "ledger_feed_sockets", "gauge", "WebSockets that follow the postings.",
            (double)sockets);
}

static void say_all(FILE *out, const struct figures *f, tr_db *db, size_t sockets, int loops)
{
    tr_db_stats of_db;
    tr_stats of_runtime;

    say_requests(out, f);
    say_head(out, "http_request_duration_seconds", "histogram", "How long they took.");
    for (size_t i = 0; i < f->routes_count; i++)
        say_latency(out, &f->routes[i]);
    say_transfers(out, f);
    if (tr_db_statistics(db, &of_db) == 0)
        say_database(out, &of_db);
    if (tr_stats_get(&of_runtime) == 0)
        say_runtime(out, &of_runtime, loops, sockets);
}

int metrics_answer(struct metrics *metrics, tr_db *db, size_t sockets, tr_http_response *res)
{
    struct figures *sum = calloc(1, sizeof(*sum)); /* too large for a task's stack */
    char *text = NULL;
    size_t bytes = 0;
    FILE *out;
    int rc = sum == NULL ? TR_ENOMEM : add_up(metrics, sum);

    if (rc >= 0) {
        out = open_memstream(&text, &bytes);
        if (out != NULL)
            say_all(out, sum, db, sockets, metrics->loops);
        if (out == NULL || fclose(out) != 0)
            rc = TR_ENOMEM;
    }
    free(sum);
    if (rc < 0) {
        free(text);
        return rc;
    }
    return tr_http_send_taken(res, 200, "text/plain; version=0.0.4; charset=utf-8", text, bytes,
                              free);
}
