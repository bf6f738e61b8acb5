/* The command line. */
#ifndef WORDCOUNT_OPTIONS_H
#define WORDCOUNT_OPTIONS_H

#include <stdbool.h>
#include <stddef.h>

#define DEFAULT_INPUT "/usr/share/common-licenses"

struct options {
    size_t top; /* words to print */
    int loops;  /* 0: troupe's default */
    bool json;
    bool progress;      /* say on stderr how far it is */
    char *const *paths; /* up to NULL; borrowed from argv */
};

/* Read the command line. For --help, --version and mistakes, it says what there is to say and ends
 * the program. */
void options_read(struct options *o, int argc, char **argv);

#endif
