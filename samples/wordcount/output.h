/* What is printed. */
#ifndef WORDCOUNT_OUTPUT_H
#define WORDCOUNT_OUTPUT_H

#include <stdbool.h>

#include "table.h"

struct summary {
    uint64_t files;
    uint64_t bytes;
    uint64_t problems;
    uint64_t words;
    uint64_t distinct;
    double seconds;
    int loops;
};

/* Seconds of a clock that is never set. */
double now(void);

/* Say on stderr how far it is, now and then, if that is a terminal. */
void progress_show(uint64_t files, uint64_t bytes);

/* Wipe it out, if there was any. */
void progress_end(void);

/* Print n words and the summary. Errors: a code of errno, negative. */
int output_print(bool json, const struct entry *words, size_t n, const struct summary *s);

#endif
