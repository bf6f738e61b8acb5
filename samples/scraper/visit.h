/* Fetching a page: politely, again where that may help, and what it links to. */
#ifndef SCRAPER_VISIT_H
#define SCRAPER_VISIT_H

#include "crawl.h"

/* Ask for the page, and say what became of it; below 0 only where the crawl can't go on. */
int visit(struct host *host, struct page *page);

#endif
