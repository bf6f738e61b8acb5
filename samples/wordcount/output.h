/* What is printed, and what time it is. */
#ifndef WORDCOUNT_OUTPUT_H
#define WORDCOUNT_OUTPUT_H

#include <stdbool.h>

#include "files.h"
#include "table.h"

/* Where the time went: CPU seconds, of all threads together; and for how long, all lanes together,
 * a lane had nothing to do but wait: for the disk, for a core, for the shards. */
struct stages {
    double reading;
    double splitting;
    double counting;
    double waiting;
};

struct summary {
    struct progress read;
    uint64_t words;
    uint64_t distinct;
    struct stages stages;
    double seconds;
    int loops;
    bool partial;
};

/* Seconds of a clock that is never set. */
double now(void);

/* Seconds of CPU time that the calling thread has used. */
double cpu_now(void);

/* Say on stderr how far it is, in a line that the next one replaces. */
void progress_show(struct progress progress, double seconds);

/* Wipe it out. */
void progress_end(void);

/* A line on stderr. */
void complain(const char *format, ...) __attribute__((format(printf, 1, 2)));

/* Print n words and the summary. Errors: a code of errno, negative. */
int output_print(bool json, const struct entry *words, size_t n, const struct summary *s);

#endif
