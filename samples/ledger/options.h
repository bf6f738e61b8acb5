/* The command line, and the environment. */
#ifndef LEDGER_OPTIONS_H
#define LEDGER_OPTIONS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct options {
    const char *listen;
    const char *db;
    int loops;          /* 0: troupe's default */
    long accounts;      /* of the demo, opened where the database has none */
    double idle;        /* seconds after which an account's actor ends */
    double patience;    /* seconds that an answer may take: then 503 */
    size_t group_most;  /* transfers that share an fsync; 0: troupe-db's default */
    uint64_t hash_cost; /* scrypt's N, for passwords that are set from now on */
    bool auth;          /* who changes something has to have logged in */
    bool json;          /* the access log, and what is said at the start, are lines of JSON */
    bool log;           /* an access log is written */
    const char *user;   /* is given LEDGER_PASSWORD as password; NULL: nobody */
    const char *password;
};

/* Read both: an option outranks its variable. For --help, --version and mistakes, it says what
 * there is to say and ends the program. */
void options_read(struct options *o, int argc, char **argv);

#endif
