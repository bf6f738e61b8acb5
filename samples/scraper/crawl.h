/* The crawl: pages, hosts, and the tasks that fetch.
 *
 *    app            crawl_run          a host: its queue of pages, its limiter,
 *     |               |                and so many tasks (--connections)
 *     +- writes lines |                     |
 *     |               +- starts hosts ------+- takes a page, asks for it,
 *     +- progress     |                     |  again if it must
 *                     +- waits until        +- TR_POOL_CPU: reads its links,
 *                        no page is left    |  each of which goes to its host's queue
 *                                           +- says what became of it
 *
 * All of them are on one loop, so there is no lock. Each URL that is found becomes one page, and is
 * said to be fetched, redirected, failed or skipped once. */
#ifndef SCRAPER_CRAWL_H
#define SCRAPER_CRAWL_H

#include <troupe/net.h>

#include "options.h"
#include "report.h"
#include "robots.h"

struct host;

struct page {
    char *url;
    struct host *host; /* NULL: it was never to be fetched */
    struct page *next; /* of all, in the order in which they were found */
    size_t depth;
    bool is_told;  /* what became of it */
    bool is_first; /* given by the command line */
};

struct host {
    struct crawl *crawl;
    struct host *next;
    const char *url; /* of a page of it: lent */
    tr_queue *pages;
    tr_once robots_once;
    struct robots robots;
    int refuses; /* why robots.txt could not be read; 0 */
    tr_limiter limiter;
};

struct crawl {
    const struct options *options;
    tr_http_client *client;
    tr_queue *lines;  /* char *: to standard output */
    tr_scope *scope;  /* of the hosts' tasks */
    void *known;      /* a tree (tsearch) of pages by their URLs */
    struct page *all; /* and a list of them, from its end */
    struct page **end;
    struct host *hosts;
    size_t waiting;     /* pages that are queued, or being fetched */
    size_t begun;       /* pages that were asked for */
    tr_event is_over;   /* nothing waits */
    bool first_failed;  /* a page of the command line */
    struct summary sum; /* with failures and skips */
    struct failures failures;
    struct skips skips;
};

/* Crawl from the URLs of the options on; all that was found is accounted for afterwards, also when
 * it was cancelled. */
int crawl_run(struct crawl *crawl);
void crawl_fini(struct crawl *crawl);

/* A link was found, on a page or (from NULL) on the command line. */
int crawl_find(struct crawl *crawl, const char *url, const struct page *from);
/* What became of a page: the rest of the result is filled in. Not to be cancelled. */
int crawl_tell(struct crawl *crawl, struct page *page, struct result *result);

#endif
