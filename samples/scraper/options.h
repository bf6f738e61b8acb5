/* The command line. */
#ifndef SCRAPER_OPTIONS_H
#define SCRAPER_OPTIONS_H

#include <stdbool.h>
#include <stddef.h>

struct options {
    size_t connections; /* at once, to one host */
    double rate;        /* requests a second to one host; 0: as many as it takes */
    size_t depth;       /* links from the first pages */
    size_t pages;       /* that are asked for, at most */
    size_t page_bytes;  /* of a page, at most */
    size_t attempts;
    double timeout; /* seconds for an attempt */
    const char *agent;
    bool all_hosts;
    bool json;
    bool progress;
    const char *site;  /* where to serve the site, in the place of crawling; NULL */
    size_t site_pages; /* that it has */
    char **urls;       /* up to NULL; borrowed from argv */
};

/* Read the command line. For --help, --version and mistakes, it says what there is to say and ends
 * the program. */
void options_read(struct options *o, int argc, char **argv);

#endif
