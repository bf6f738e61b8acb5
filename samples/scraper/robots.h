/* robots.txt (RFC 9309): where a crawler is not wanted. */
#ifndef SCRAPER_ROBOTS_H
#define SCRAPER_ROBOTS_H

#include <stdbool.h>
#include <stddef.h>

struct robots_rule {
    char *pattern; /* "/private/", "*.pdf$" */
    bool allows;
};

/* Zeroed: everything is allowed. */
struct robots {
    struct robots_rule *rules;
    size_t count;
    double delay; /* seconds between requests, that the site asks for; 0: it does not */
};

/* Read those rules that are for agent, or else those for everybody; what is malformed is no rule.
 * 0; TR_ENOMEM: then it is empty. */
int robots_read(struct robots *robots, const char *text, const char *agent);
void robots_fini(struct robots *robots);

/* Whether a path, with its query, may be asked for: the longest rule that fits it decides. */
bool robots_allow(const struct robots *robots, const char *path);

#endif
