/* The command line. */
#ifndef JOBS_OPTIONS_H
#define JOBS_OPTIONS_H

#include "worker.h"

enum command { COMMAND_ADD, COMMAND_WORK, COMMAND_LIST, COMMAND_RETRY_DEAD };

struct options {
    enum command command;
    const char *path; /* of the database */
    bool is_json;
    struct job job; /* add: but for its due, which is `at`, or else `in` seconds from now */
    const char *at; /* a date and time, as SQLite reads it */
    double in;
    struct crew crew;  /* work */
    const char *state; /* list: only those; NULL: all */
    int64_t id;        /* retry-dead: only that one; 0: all */
};

/* Read the command line. For --help and mistakes, it says what there is to say and ends the
 * program. */
void options_read(struct options *o, int argc, char **argv);

#endif
