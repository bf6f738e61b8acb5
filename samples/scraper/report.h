/* What became of each URL, as lines of JSON on standard output; and the sums.
 *
 *     found = fetched + redirected + failed + skipped */
#ifndef SCRAPER_REPORT_H
#define SCRAPER_REPORT_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* Of a URL; texts that are NULL, and figures that are not there, are left out. */
struct result {
    const char *url;
    const char *outcome; /* "fetched", "redirected", "failed", "skipped" */
    const char *reason;  /* of skipping, or a failure */
    int64_t status;
    bool has_status;
    const char *type;
    const char *title;
    const char *to; /* where it redirects to */
    int64_t bytes;
    int64_t links;
    bool has_body;
    int64_t depth;
    int64_t attempts;
    bool was_tried;
    double seconds; /* that the last attempt took */
};

struct failures {
    int64_t status; /* 400 and more */
    int64_t timeout;
    int64_t connection; /* none, or lost before the end */
    int64_t other;
};

struct skips {
    int64_t robots;
    int64_t host; /* another one */
    int64_t depth;
    int64_t pages; /* there are enough */
    int64_t malformed;
    int64_t stopped; /* by Ctrl-C */
};

struct summary {
    bool partial;
    int64_t found;
    int64_t fetched;
    int64_t redirected;
    int64_t failed;
    int64_t skipped;
    struct failures *failures;
    struct skips *skips;
    int64_t requests; /* attempts of all of them */
    int64_t retries;
    int64_t bytes;
    int64_t hosts;
    double seconds;
};

/* The line, with its newline, is the caller's to free; NULL: out of memory. */
char *report_line(const struct result *result);

/* To standard error. */
void report_summary(const struct summary *summary, bool json);
void report_progress(const struct summary *summary);
void report_progress_end(void);
__attribute__((format(printf, 1, 2))) void complain(const char *format, ...);

#endif
