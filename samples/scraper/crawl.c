/* See crawl.h. */
#define _GNU_SOURCE
#include "crawl.h"

#include <search.h>
#include <stdlib.h>
#include <string.h>

#include "address.h"
#include "visit.h"

/* ---- pages ---- */

static int compare_pages(const void *a, const void *b)
{
    return strcmp(((const struct page *)a)->url, ((const struct page *)b)->url);
}

/* The page of that URL; *is_new: it was not known. NULL: out of memory. */
static struct page *know(struct crawl *c, const char *url, bool *is_new)
{
    struct page probe = { 0 }, *page, **at;

    probe.url = (char *)url; /* only looked at */
    *is_new = false;
    at = tfind(&probe, &c->known, compare_pages);
    if (at != NULL)
        return *at;
    page = calloc(1, sizeof(*page));
    if (page == NULL || (page->url = strdup(url)) == NULL ||
        tsearch(page, &c->known, compare_pages) == NULL) {
        if (page != NULL)
            free(page->url);
        free(page);
        return NULL;
    }
    *c->end = page;
    c->end = &page->next;
    c->sum.found++;
    *is_new = true;
    return page;
}

static int skip(struct crawl *c, struct page *page, const char *reason, int64_t *count)
{
    (*count)++;
    return crawl_tell(c, page, &(struct result){ .outcome = "skipped", .reason = reason });
}

static void count_result(struct crawl *c, const struct page *page, const struct result *r)
{
    switch (r->outcome[0]) {
    case 'r':
        c->sum.redirected++;
        break;
    case 's':
        c->sum.skipped++;
        break;
    case 'f':
        if (strcmp(r->outcome, "fetched") == 0) {
            c->sum.fetched++;
        } else {
            c->sum.failed++;
            c->first_failed |= page->is_first;
        }
        break;
    default:
        break;
    }
}

int crawl_tell(struct crawl *c, struct page *page, struct result *r)
{
    char *line;
    int rc = TR_ENOMEM;

    r->url = page->url;
    r->depth = (int64_t)page->depth;
    page->is_told = true;
    count_result(c, page, r);
    line = report_line(r);
    if (line == NULL)
        return TR_ENOMEM;
    TR_SHIELD(TR_FOREVER) {
        rc = tr_queue_put(c->lines, &line); /* waits where standard output is slow */
    }
    if (rc < 0)
        free(line);
    return rc;
}

/* ---- hosts ---- */

static int work_for(void *arg)
{
    struct host *host = arg;
    struct crawl *c = host->crawl;
    struct page *page = NULL;
    int rc;

    while ((rc = tr_queue_get(host->pages, &page)) == 0) {
        if ((rc = visit(host, page)) < 0)
            return rc;
        if (--c->waiting == 0)
            (void)tr_event_set(&c->is_over);
    }
    return rc == TR_EPIPE ? 0 : rc; /* it is closed when all is over */
}

static int start_host(struct host **out, struct crawl *c, const char *url)
{
    struct host *host = calloc(1, sizeof(*host));
    int rc = host == NULL ? TR_ENOMEM : 0;

    if (rc == 0)
        rc = tr_queue_new(&host->pages, sizeof(struct page *), TR_UNBOUNDED, NULL);
    if (rc < 0) {
        free(host);
        return rc;
    }
    host->crawl = c;
    host->url = url;
    host->next = c->hosts;
    c->hosts = host;
    c->sum.hosts++;
    for (size_t i = 0; rc == 0 && i < c->options->connections; i++)
        rc = tr_scope_spawn(c->scope, work_for, host);
    *out = host;
    return rc;
}

static struct host *host_of(const struct crawl *c, const char *url)
{
    struct host *host = c->hosts;

    while (host != NULL && !address_same_host(host->url, url))
        host = host->next;
    return host;
}

/* A host that is not known is one of the command line's, or all are welcome. */
static int queue_page(struct crawl *c, struct page *page)
{
    struct host *host = host_of(c, page->url);
    int rc = 0;

    if (host == NULL) {
        if (!page->is_first && !c->options->all_hosts)
            return skip(c, page, "another host", &c->skips.host);
        rc = start_host(&host, c, page->url);
        if (rc < 0)
            return rc;
    }
    page->host = host;
    rc = tr_queue_try_put(host->pages, &page);
    if (rc == 0)
        c->waiting++;
    return rc;
}

int crawl_find(struct crawl *c, const char *url, const struct page *from)
{
    bool is_new, is_url = strncmp(url, "http://", 7) == 0 || strncmp(url, "https://", 8) == 0;
    struct page *page = know(c, url, &is_new);

    if (page == NULL)
        return TR_ENOMEM;
    if (!is_new)
        return 0;
    page->is_first = from == NULL;
    page->depth = from == NULL ? 0 : from->depth + 1;
    if (!is_url || address_path(url) == NULL)
        return skip(c, page, "malformed", &c->skips.malformed);
    if (page->depth > c->options->depth)
        return skip(c, page, "too deep", &c->skips.depth);
    return queue_page(c, page);
}

/* ---- the whole ---- */

static int find_first(struct crawl *c)
{
    int rc = 0;

    for (char **url = c->options->urls; rc == 0 && *url != NULL; url++) {
        char *settled = NULL;

        rc = address_join(&settled, NULL, *url);
        if (rc == 1 || rc == TR_EINVAL) {
            complain("%s: this is no URL of http or https", *url);
            rc = 0;
            c->first_failed = true;
        } else if (rc == 0) {
            rc = crawl_find(c, settled, NULL);
        }
        free(settled);
    }
    return rc;
}

static int stop_rest(struct crawl *c)
{
    int rc = 0;

    for (struct page *page = c->all; rc == 0 && page != NULL; page = page->next)
        if (!page->is_told)
            rc = skip(c, page, "stopped", &c->skips.stopped);
    return rc;
}

/* The tasks of hosts may be started as long as this block lasts: it waits until nothing is left. */
static int crawl_all(struct crawl *c)
{
    int rc = 0, found = 0;

    TR_SCOPE(hosts, &rc) {
        c->scope = hosts;
        found = find_first(c);
        if (found == 0 && c->waiting > 0)
            found = tr_event_wait(&c->is_over);
        for (struct host *host = c->hosts; host != NULL; host = host->next)
            (void)tr_queue_close(host->pages);
        if (found < 0)
            tr_scope_cancel(hosts);
        c->scope = NULL;
    }
    return rc < 0 ? rc : found;
}

int crawl_run(struct crawl *c)
{
    int rc, stopped = 0;

    c->end = &c->all;
    c->sum.failures = &c->failures;
    c->sum.skips = &c->skips;
    rc = crawl_all(c);
    c->sum.partial = rc < 0;
    stopped = stop_rest(c);
    return rc < 0 ? rc : stopped;
}

static void forget(void *unused)
{
    (void)unused; /* the list has them, too */
}

void crawl_fini(struct crawl *c)
{
    tdestroy(c->known, forget);
    while (c->hosts != NULL) {
        struct host *host = c->hosts;

        c->hosts = host->next;
        robots_fini(&host->robots);
        (void)tr_queue_free(host->pages);
        free(host);
    }
    while (c->all != NULL) {
        struct page *page = c->all;

        c->all = page->next;
        free(page->url);
        free(page);
    }
}
