/* A site to be crawled, which has what makes crawling hard. Its pages have numbers, and the path of
 * one tells what it is, so that what became of it can be checked:
 *
 *     /page/N     HTML. Each hundredth is a chapter, which links to its pages and to two chapters
 *     /missing/N  404                     /moved/N    301, to a page
 *     /failing/N  500                     /round/N    302, to itself
 *     /flaky/N    503 at first, then 200  /slow/N     never answers
 *     /private/N  robots.txt forbids it   /broken/N   is cut in its middle
 *     /file/N     plain text */
#ifndef SCRAPER_SITE_H
#define SCRAPER_SITE_H

#include "options.h"

/* A task: serves until it is cancelled, and prints where. arg is a struct options. */
int site_serve(void *arg);

#endif
