/* What a page of HTML says that a crawler wants to know: its title, and where it leads. libxml2
 * reads it, as tolerant as browsers are; it computes, so it is a job for the CPU pool. */
#ifndef SCRAPER_LINKS_H
#define SCRAPER_LINKS_H

#include <stddef.h>

enum { TITLE_BYTES = 256 };

struct links {
    /* In. */
    const char *url; /* of the page */
    const char *html;
    size_t bytes;
    /* Out. */
    char title[TITLE_BYTES]; /* cut, if it is longer */
    char **found;            /* URLs as address.h has them; those that are malformed, as they are */
    size_t count;
};

/* A job: arg is a struct links. Links that say rel="nofollow", and those of pages that ask robots
 * to follow none, are left out. 0; TR_ENOMEM. */
int links_read(void *arg);
void links_fini(struct links *links);

#endif
