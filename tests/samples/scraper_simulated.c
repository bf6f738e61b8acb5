/* The sample scraper, in a simulation: it crawls the site of the sample, which has all that makes
 * crawling hard, one that wants requests to be far between, and one whose robots.txt can't be had;
 * over a network that is well, or resets and parts; and it is stopped in the middle.
 *
 * Each URL that is found is told once, with what became of it, and the sums are those of the lines.
 * What robots.txt forbids is never asked for, and no host more often than it is to be. */
#include <math.h>

#include "samples/program.h"
#include "samples/scraper/options.h"
#include "samples/scraper/report.h"
#include "samples/scraper/site.h"

#define SITE    "http://10.0.0.1"
#define SLOW    "http://10.0.0.2"
#define CLOSED  "http://10.0.0.3"
#define RATE    20
#define DELAY_S 2 /* between requests to SLOW */

enum { PAGES = 120, SLOW_PAGES = 5, TOLD_MOST = 2 * PAGES, ASKED_MOST = 6 * PAGES, ATTEMPTS = 2 };

/* A line of the sample's. */
struct told {
    char *url, *outcome, *reason, *type, *title, *to;
    int64_t status, bytes, links, depth, attempts;
    double seconds;
};

TR_DECLARE_STRICT(told, TR_TEXT(told, url, .required = true),
                  TR_TEXT(told, outcome, .required = true), TR_TEXT(told, reason),
                  TR_TEXT(told, type), TR_TEXT(told, title), TR_TEXT(told, to),
                  TR_INTEGER(told, status), TR_INTEGER(told, bytes), TR_INTEGER(told, links),
                  TR_INTEGER(told, depth), TR_INTEGER(told, attempts), TR_NUMBER(told, seconds));

/* ---- what it asks for: the linker puts this around the client's function ---- */

static struct {
    char url[64];
    double at;
} asked[ASKED_MOST];
static int asked_count;

int __real_tr__http_fetch(tr_http_reply **out, tr_http_client *who, const tr_http_call *call,
                          size_t call_size);
int __wrap_tr__http_fetch(tr_http_reply **out, tr_http_client *who, const tr_http_call *call,
                          size_t call_size);
int __wrap_tr__http_fetch(tr_http_reply **out, tr_http_client *who, const tr_http_call *call,
                          size_t call_size)
{
    MUST(asked_count < ASKED_MOST);
    (void)snprintf(asked[asked_count].url, sizeof(asked[0].url), "%s", call->url);
    asked[asked_count++].at = tr_sim_now();
    return __real_tr__http_fetch(out, who, call, call_size);
}

static bool begins_with(const char *text, const char *beginning)
{
    return strncmp(text, beginning, strlen(beginning)) == 0;
}

static bool is_robots(const char *url)
{
    size_t bytes = strlen(url), end = strlen("/robots.txt");

    return bytes > end && strcmp(url + bytes - end, "/robots.txt") == 0;
}

static int count_asked(const char *url)
{
    int count = 0;

    for (int i = 0; i < asked_count; i++)
        count += strcmp(asked[i].url, url) == 0;
    return count;
}

/* The n-th request comes no sooner than n - 1 times the interval after robots.txt was asked for,
 * however late tasks are; where they are not, any two of them are that far from each other. */
static void check_rate(const char *host, double interval, bool is_late)
{
    double first = 0, before = -INFINITY;
    int count = 0;

    for (int i = 0; i < asked_count; i++) {
        if (!begins_with(asked[i].url, host))
            continue;
        if (is_robots(asked[i].url)) {
            first = asked[i].at;
            continue;
        }
        MUST(asked[i].at - first > count++ * interval - 1e-3);
        MUST(is_late || asked[i].at - before > interval - 5e-3);
        before = asked[i].at;
    }
}

/* ---- what it says ---- */

static struct {
    struct told told; /* its texts are lent */
    tr_parsed *parsed;
} lines[TOLD_MOST];
static int lines_count;
static struct summary sum;
static struct failures failures;
static struct skips skips;

void __wrap_report_summary(const struct summary *s, bool json);
void __wrap_report_summary(const struct summary *s, bool json)
{
    MUST(json);
    sum = *s;
    failures = *s->failures;
    skips = *s->skips;
}

static void read_lines(void)
{
    char *rest = printed.text, *line;

    lines_count = 0;
    while ((line = strsep(&rest, "\n")) != NULL)
        if (*line == '{') { /* else it is the site's */
            MUST(lines_count < TOLD_MOST);
            MUST(tr_declared_parse(&lines[lines_count].parsed, told, &lines[lines_count].told, line,
                                   strlen(line), NULL) == 0);
            lines_count++;
        }
}

static void forget_lines(void)
{
    while (lines_count > 0)
        tr_parsed_free(lines[--lines_count].parsed);
}

static const struct told *find(const char *url)
{
    for (int i = 0; i < lines_count; i++)
        if (strcmp(lines[i].told.url, url) == 0)
            return &lines[i].told;
    return NULL;
}

static int64_t count_lines(const char *outcome)
{
    int64_t count = 0;

    for (int i = 0; i < lines_count; i++)
        count += strcmp(lines[i].told.outcome, outcome) == 0;
    return count;
}

/* Each once, and the sums are those of the lines. */
static void check_sums(void)
{
    int64_t requests = 0;

    MUST(sum.found == lines_count);
    MUST(sum.fetched == count_lines("fetched") && sum.redirected == count_lines("redirected"));
    MUST(sum.failed == count_lines("failed") && sum.skipped == count_lines("skipped"));
    MUST(sum.found == sum.fetched + sum.redirected + sum.failed + sum.skipped);
    MUST(sum.failed == failures.status + failures.timeout + failures.connection + failures.other);
    MUST(sum.skipped ==
         skips.robots + skips.host + skips.depth + skips.pages + skips.malformed + skips.stopped);
    for (int i = 0; i < lines_count; i++) {
        const struct told *t = &lines[i].told;

        MUST(find(t->url) == t);
        MUST(count_asked(t->url) == t->attempts || strcmp(t->outcome, "skipped") == 0);
        MUST(t->attempts <= ATTEMPTS);
    }
    for (int i = 0; i < asked_count; i++) {
        MUST(is_robots(asked[i].url) || find(asked[i].url) != NULL);
        requests += !is_robots(asked[i].url);
    }
    MUST(sum.partial || sum.requests == requests);
}

/* ---- what must have become of a page ---- */

typedef struct expected {
    const char *kind;
    const char *outcome;
    int status;
    const char *reason;
    int attempts;
} expected;

static const expected all_expected[] = {
    { "page", "fetched", 200, NULL, 1 },
    { "file", "fetched", 200, NULL, 1 },
    { "flaky", "fetched", 200, NULL, 2 },
    { "moved", "redirected", 301, NULL, 1 },
    { "round", "redirected", 302, NULL, 1 },
    { "missing", "failed", 404, "TR_ESTATUS", 1 },
    { "failing", "failed", 500, "TR_ESTATUS", 1 },
    { "slow", "failed", 0, "TR_ETIMEDOUT", ATTEMPTS },
    { "broken", "failed", 0, "TR_EEND", ATTEMPTS },
    { "private", "skipped", 0, "robots.txt", 0 },
};
enum { KINDS = sizeof(all_expected) / sizeof(all_expected[0]) };

static bool is_same(const char *a, const char *b)
{
    return a == NULL || b == NULL ? a == b : strcmp(a, b) == 0;
}

static bool is_as_expected(const struct told *t, const expected *e)
{
    return strcmp(t->outcome, e->outcome) == 0 && t->status == e->status &&
           is_same(t->reason, e->reason) && t->attempts == e->attempts;
}

/* Where the network fails, a page may fail that would have been fetched; where the crawl is
 * stopped, any may be skipped. None is ever said to be what it is not. */
static bool is_explained(const struct told *t, const expected *e)
{
    if (sum.partial && strcmp(t->outcome, "skipped") == 0 && is_same(t->reason, "stopped"))
        return true;
    if (!may_fail)
        return false;
    return strcmp(t->outcome, "failed") == 0 ||
           (strcmp(t->outcome, e->outcome) == 0 && t->status == e->status);
}

static void check_page(const struct told *t, const expected *e, int number)
{
    char text[64];

    if (!is_as_expected(t, e) && !is_explained(t, e))
        (void)fprintf(stderr, "%s: %s, %s, %d, %d attempts\n", t->url, t->outcome,
                      t->reason != NULL ? t->reason : "", (int)t->status, (int)t->attempts);
    MUST(is_as_expected(t, e) || is_explained(t, e));
    MUST(strcmp(e->kind, "private") != 0 || count_asked(t->url) == 0);
    if (strcmp(t->outcome, "fetched") == 0 && strcmp(e->kind, "file") != 0) {
        (void)snprintf(text, sizeof(text), "Page %d & more", number);
        MUST(is_same(t->title, text) && t->links > 0);
    }
    if (strcmp(t->outcome, "redirected") == 0) {
        (void)snprintf(text, sizeof(text), SITE "/%s/%d",
                       strcmp(e->kind, "moved") == 0 ? "page" : "round",
                       strcmp(e->kind, "moved") == 0 ? number + 1 : number);
        MUST(is_same(t->to, text));
    }
}

static const struct told *find_number(int number, const expected **e)
{
    char url[64];

    for (*e = all_expected; *e < all_expected + KINDS; ++*e) {
        const struct told *t;

        (void)snprintf(url, sizeof(url), SITE "/%s/%d", (*e)->kind, number);
        t = find(url);
        if (t != NULL)
            return t;
    }
    return NULL;
}

static void check_site(void)
{
    const expected *e;
    const struct told *first = find_number(0, &e);
    bool is_read = first != NULL && strcmp(first->outcome, "fetched") == 0;

    MUST(is_read || may_fail || sum.partial);
    for (int i = 0; i < PAGES; i++) {
        const struct told *t = find_number(i, &e);

        /* The first chapter leads to all of its pages. */
        MUST(t != NULL || i > 100 || !is_read);
        MUST(t != NULL || may_fail || sum.partial);
        if (t != NULL)
            check_page(t, e, i);
    }
}

static void check_others(void)
{
    const struct told *t = find(CLOSED "/");

    for (int i = 0; i < asked_count; i++) {
        MUST(strstr(asked[i].url, "/forbidden") == NULL);
        MUST(!begins_with(asked[i].url, CLOSED) || is_robots(asked[i].url));
    }
    MUST(t != NULL); /* a first page is found, whatever happens */
    MUST(strcmp(t->outcome, sum.partial ? t->outcome : "failed") == 0);
    t = find(SLOW "/forbidden");
    MUST(t != NULL || may_fail || sum.partial);
    MUST(t == NULL || strcmp(t->outcome, "skipped") == 0 || may_fail);
    for (int i = 1; i <= SLOW_PAGES && !may_fail && !sum.partial; i++) {
        char url[64];

        (void)snprintf(url, sizeof(url), SLOW "/%d", i);
        t = find(url);
        MUST(t != NULL && strcmp(t->outcome, "fetched") == 0);
    }
}

/* ---- the other sites ---- */

static int send_slow_page(tr_http_request *req, tr_http_response *res, void *ctx)
{
    char html[512] = "<a href=/forbidden>not for you</a>\n";

    (void)req, (void)ctx;
    for (int i = 1; i <= SLOW_PAGES; i++)
        (void)snprintf(html + strlen(html), 64, "<a href=/%d>%d</a>\n", i, i);
    return tr_http_send(res, 200, "text/html", html, strlen(html));
}

static int send_slow_robots(tr_http_request *req, tr_http_response *res, void *ctx)
{
    (void)req, (void)ctx;
    return tr_http_text(res, 200, "User-agent: *\nCrawl-delay: %d\nDisallow: /forbidden\n",
                        DELAY_S);
}

static int send_no_robots(tr_http_request *req, tr_http_response *res, void *ctx)
{
    (void)req, (void)ctx;
    return tr_http_problem(res, 500, "not today");
}

/* Served by a task until it is stopped. */
static tr_http_server *begin_site(tr_task **task, const char *address, tr_http_handler robots)
{
    tr_http_server *server;

    MUST(tr_http_server_new(&server, &(tr_http_config){ .listen = address, .drain = 1 }) == 0);
    MUST(tr_http_route(server, "GET", "/robots.txt", robots, NULL) == 0);
    MUST(tr_http_route(server, "GET", "/*path", send_slow_page, NULL) == 0);
    MUST(tr_task_spawn(task, serve, server) == 0);
    MUST(is_serving(server, *task));
    return server;
}

static void end_task(tr_task *task)
{
    (void)tr_task_cancel(task);
    (void)tr_task_wait(task, TR_FOREVER); /* that of a server that was cancelled */
    tr_task_unref(task);
}

/* ---- a run ---- */

static double stopped_within; /* seconds; 0: it is not stopped */
static bool is_late;          /* tasks stand still */

static void examine(int rc)
{
    read_lines();
    MUST(sum.partial ? rc == TR_ECANCELED && stopped_within > 0 : rc == 0);
    check_sums();
    check_site();
    check_others();
    check_rate(SITE, 1.0 / RATE, is_late);
    check_rate(SLOW, DELAY_S, is_late);
    forget_lines();
}

static void crawl(void)
{
    char rate[16] = "";
    char *command[] = {
        "scraper",    "--json", "--no-progress", "--timeout", "5",        "--rate", rate,
        "--attempts", "2",      SITE "/",        SLOW "/",    CLOSED "/", NULL
    };

    (void)snprintf(rate, sizeof(rate), "%d", RATE);
    begin_program(command, 1);
    if (stopped_within > 0) {
        MUST(tr_sleep((double)(tr_sim_random() % 1000) / 1000 * stopped_within) == 0);
        cancel_program();
    }
    examine(await_program());
}

static int run(void *unused)
{
    const struct options of_site = { .site = "10.0.0.1:80", .site_pages = PAGES };
    tr_task *site, *slow, *closed;

    (void)unused;
    asked_count = 0;
    keep_output();
    MUST(tr_task_spawn(&site, site_serve, (void *)&of_site) == 0);
    await_listening(site);
    (void)begin_site(&slow, "10.0.0.2:80", send_slow_robots);
    (void)begin_site(&closed, "10.0.0.3:80", send_no_robots);
    crawl();
    end_task(site);
    end_task(slow);
    end_task(closed);
    forget_output();
    return 0;
}

/* ---- the tests ---- */

enum { SEEDS_EACH = SEEDS / 4 + 1 };

static void try_all(tr_sim_options options, bool fails)
{
    static tr_task_fn root = run;

    may_fail = fails;
    tr_log_set(be_quiet, NULL);
    options.seed = 1;
    ck_assert_int_eq(tr_sim_explore(run_root, &root, SEEDS_EACH, &options), 0);
}

START_TEST(each_page_is_told_once_and_asked_for_politely)
{
    stopped_within = 0;
    is_late = false;
    try_all((tr_sim_options){ .short_transfer = 0.3 }, false);
}
END_TEST

START_TEST(so_it_is_where_threads_are_late_and_jobs_slow)
{
    stopped_within = 0;
    is_late = true;
    try_all((tr_sim_options){ .late = 0.05, .stall = 0.01, .slow_job = 0.1 }, false);
}
END_TEST

START_TEST(so_it_is_where_connections_are_reset_or_parted)
{
    stopped_within = 0;
    is_late = true;
    try_all((tr_sim_options){ .reset = 0.01, .partition = 0.002, .short_transfer = 0.3 }, true);
}
END_TEST

START_TEST(what_was_found_is_told_where_it_is_stopped)
{
    stopped_within = 15;
    is_late = true;
    try_all((tr_sim_options){ .late = 0.05, .reset = 0.002 }, true);
}
END_TEST

SUITE_MAIN("samples/scraper", each_page_is_told_once_and_asked_for_politely,
           so_it_is_where_threads_are_late_and_jobs_slow,
           so_it_is_where_connections_are_reset_or_parted,
           what_was_found_is_told_where_it_is_stopped)
