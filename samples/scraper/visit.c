/* See visit.h. */
#include "visit.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <time.h>

#include "address.h"
#include "links.h"

enum { ROBOTS_MOST = 1 << 20, REDIRECTS_OF_ROBOTS = 5 };
static const double FIRST_DELAY = 0.2, LONGEST_DELAY = 10, LONGEST_RETRY_AFTER = 60;

static double now(void)
{
    struct timespec t = { 0 };

    (void)clock_gettime(CLOCK_MONOTONIC, &t); /* can't fail for this clock */
    return (double)t.tv_sec + (double)t.tv_nsec * 1e-9;
}

/* ---- robots.txt ---- */

static void set_rate(struct host *host)
{
    double rate = host->crawl->options->rate, delay = host->robots.delay;

    if (rate <= 0)
        rate = 1e6;
    if (delay > 0 && rate > 1 / delay)
        rate = 1 / delay;
    host->limiter = (tr_limiter)TR_LIMITER_INIT(rate, rate > 20 ? rate / 10 : 1);
}

/* As RFC 9309 wants it: a site without the file forbids nothing, one that fails everything. */
static int take_robots(struct host *host, tr_http_reply *reply)
{
    int status = tr_http_reply_status(reply);

    if (status >= 500 || status == 429) {
        host->refuses = TR_ESTATUS;
        return 0;
    }
    if (status < 200 || status >= 300)
        return 0;
    return robots_read(&host->robots, tr_http_reply_text(reply), host->crawl->options->agent);
}

static int read_robots(void *arg)
{
    struct host *host = arg;
    tr_http_reply *reply tr_cleanup_reply = NULL;
    char *url = NULL;
    int rc = address_join(&url, host->url, "/robots.txt");

    if (rc != 0)
        return TR_ENOMEM; /* nothing else can be wrong with it */
    rc = tr_http_fetch(&reply, host->crawl->client,
                       &(tr_http_call){ .url = url,
                                        .timeout = host->crawl->options->timeout,
                                        .redirects_most = REDIRECTS_OF_ROBOTS,
                                        .body_most = ROBOTS_MOST });
    free(url);
    if (rc == 0)
        rc = take_robots(host, reply);
    else if (rc != TR_ECANCELED && rc != TR_ENOMEM && rc != TR_ESHUTDOWN) {
        host->refuses = rc;
        rc = 0;
    }
    set_rate(host);
    return rc;
}

/* ---- one page ---- */

struct attempt {
    struct host *host;
    struct page *page;
    tr_http_reply *reply;
    struct result result;
};

static bool is_transient(int rc, int status)
{
    if (rc < 0)
        return rc == TR_ETIMEDOUT || rc == TR_ECONNRESET || rc == TR_EPIPE || rc == TR_EEND ||
               rc == TR_ECONNREFUSED || rc == TR_ERESOLVE;
    return status == 429 || status == 502 || status == 503 || status == 504;
}

static bool ends_the_crawl(int rc)
{
    return rc == TR_ECANCELED || rc == TR_ENOMEM || rc == TR_ESHUTDOWN;
}

/* Each attempt stands in the host's line. Redirects are not followed here: where they lead is a
 * page as any other, which robots.txt may forbid, or which is known. */
static int try_once(struct attempt *a)
{
    struct crawl *c = a->host->crawl;
    static const char *const headers[] = { "Accept: text/html, */*;q=0.1", NULL };
    double start;
    int rc = tr_limiter_acquire(&a->host->limiter);

    if (rc < 0)
        return rc;
    start = now();
    tr_http_reply_free(a->reply);
    rc = tr_http_fetch(&a->reply, c->client,
                       &(tr_http_call){ .url = a->page->url,
                                        .headers = headers,
                                        .timeout = c->options->timeout,
                                        .redirects_most = -1,
                                        .body_most = c->options->page_bytes });
    a->result.seconds = now() - start;
    a->result.was_tried = true;
    a->result.attempts++;
    c->sum.requests++;
    return rc;
}

/* What the server asks for, or what grows from attempt to attempt; with some chance, so that not
 * all come again at once. */
static double delay_of(struct attempt *a)
{
    const char *wanted = a->reply != NULL ? tr_http_reply_header(a->reply, "Retry-After") : NULL;
    double delay = FIRST_DELAY;

    if (wanted != NULL && *wanted >= '0' && *wanted <= '9') {
        delay = strtod(wanted, NULL);
        return delay < LONGEST_RETRY_AFTER ? delay : LONGEST_RETRY_AFTER;
    }
    for (int64_t i = 1; i < a->result.attempts && delay < LONGEST_DELAY; i++)
        delay *= 2;
    return delay * (0.5 + 0.5 * (double)rand() / RAND_MAX); /* NOLINT: no secret */
}

static int try_all(struct attempt *a)
{
    struct crawl *c = a->host->crawl;
    int rc, slept;

    for (;;) {
        rc = try_once(a);
        if (a->result.attempts >= (int64_t)c->options->attempts ||
            !is_transient(rc, rc == 0 ? tr_http_reply_status(a->reply) : 0))
            return rc;
        slept = tr_sleep(delay_of(a));
        if (slept < 0)
            return slept;
        c->sum.retries++;
    }
}

/* ---- what came ---- */

static int fail(struct attempt *a, int rc, int64_t *count)
{
    a->result.outcome = "failed";
    a->result.reason = tr_err_name(rc);
    (*count)++;
    return 0;
}

static int fail_by(struct attempt *a, int rc)
{
    struct failures *f = &a->host->crawl->failures;

    switch (rc) {
    case TR_ETIMEDOUT:
        return fail(a, rc, &f->timeout);
    case TR_ESTATUS:
        return fail(a, rc, &f->status);
    case TR_ECONNREFUSED:
    case TR_ECONNRESET:
    case TR_EPIPE:
    case TR_EEND:
    case TR_ENONAME:
    case TR_ERESOLVE:
        return fail(a, rc, &f->connection);
    default:
        return fail(a, rc, &f->other);
    }
}

static bool is_html(const char *type)
{
    return type != NULL && (strncasecmp(type, "text/html", 9) == 0 ||
                            strncasecmp(type, "application/xhtml+xml", 21) == 0);
}

/* It computes, so it is the CPU pool's; the reply is ours meanwhile, for we wait. */
static int read_links(struct attempt *a, struct links *l)
{
    int rc;

    l->url = a->page->url;
    l->html = tr_http_reply_body(a->reply, &l->bytes);
    rc = tr_pool_run(TR_POOL_CPU, links_read, l);
    for (size_t i = 0; rc == 0 && i < l->count; i++)
        rc = crawl_find(a->host->crawl, l->found[i], a->page);
    return rc;
}

static int take_page(struct attempt *a, struct links *l)
{
    struct result *r = &a->result;
    size_t bytes;
    int rc = 0;

    r->outcome = "fetched";
    r->type = tr_http_reply_header(a->reply, "Content-Type");
    (void)tr_http_reply_body(a->reply, &bytes);
    r->bytes = (int64_t)bytes;
    r->has_body = true;
    a->host->crawl->sum.bytes += r->bytes;
    if (is_html(r->type)) {
        rc = read_links(a, l);
        r->links = (int64_t)l->count;
        r->title = l->title[0] != '\0' ? l->title : NULL;
    }
    return rc;
}

/* Where it leads is found, as by a link, but is no deeper; and where a first page leads is a first
 * page: sites move to "https://www.". */
static int take_redirect(struct attempt *a, char **to)
{
    struct page from = *a->page;
    const char *location = tr_http_reply_header(a->reply, "Location");
    int rc = location == NULL ? TR_EINVAL : address_join(to, a->page->url, location);

    if (rc == TR_ENOMEM)
        return rc;
    if (rc != 0)
        return fail_by(a, TR_ESYNTAX);
    a->result.outcome = "redirected";
    a->result.to = *to;
    if (from.depth > 0)
        from.depth--;
    return crawl_find(a->host->crawl, *to, from.is_first ? NULL : &from);
}

static int take(struct attempt *a, struct links *l, char **to)
{
    int status = tr_http_reply_status(a->reply);

    a->result.status = status;
    a->result.has_status = true;
    if (status >= 400)
        return fail_by(a, TR_ESTATUS);
    if (status >= 300)
        return status == 304 ? fail_by(a, TR_ESYNTAX) : take_redirect(a, to);
    return take_page(a, l);
}

static int ask_for(struct host *host, struct page *page)
{
    struct attempt a = { .host = host, .page = page };
    struct links links = { 0 };
    char *to = NULL;
    int rc = host->refuses, told;

    host->crawl->begun++;
    if (rc == 0)
        rc = try_all(&a);
    if (rc == 0)
        rc = take(&a, &links, &to);
    else if (!ends_the_crawl(rc))
        rc = fail_by(&a, rc);
    /* A page whose links could not all be taken is not told as fetched: it is stopped. */
    told = rc < 0 ? 0 : crawl_tell(host->crawl, page, &a.result);
    tr_http_reply_free(a.reply);
    links_fini(&links);
    free(to);
    return rc < 0 ? rc : told;
}

static int skip(struct host *host, struct page *page, const char *reason, int64_t *count)
{
    (*count)++;
    return crawl_tell(host->crawl, page,
                      &(struct result){ .outcome = "skipped", .reason = reason });
}

int visit(struct host *host, struct page *page)
{
    struct crawl *c = host->crawl;
    int rc = tr_once_run(&host->robots_once, read_robots, host);

    if (rc < 0)
        return rc;
    if (!robots_allow(&host->robots, address_path(page->url)))
        return skip(host, page, "robots.txt", &c->skips.robots);
    if (c->begun >= c->options->pages)
        return skip(host, page, "enough pages", &c->skips.pages);
    return ask_for(host, page);
}
