/* See options.h. */
#include "options.h"

#include <errno.h>
#include <getopt.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <troupe/core.h>

enum {
    MAX_LOOPS = 1024,
    MAX_ACCOUNTS = 1000000,
    MAX_GROUP = 100000,
    MAX_HASH_COST = 1 << 18, /* 256 MiB */
    EXIT_USAGE = 2
};

static const char usage[] =
    "Usage: ledger [OPTION]...\n"
    "Accounts, and transfers between them, by HTTP; a transfer is answered when it is on\n"
    "disk. Open / with a browser; /docs says what else there is.\n"
    "\n"
    "      --listen ADDRESS  where (default 127.0.0.1:8080; port 0: the system chooses)\n"
    "      --db FILE         the database, made where it is not (default ledger.db)\n"
    "      --loops N         event loops (default: one for each core)\n"
    "      --accounts N      open N accounts to play with, if there are none; and a user\n"
    "                        demo with the password demo\n"
    "      --auth            who changes something has to log in before\n"
    "      --user NAME       let NAME log in with the password LEDGER_PASSWORD\n"
    "      --group-most N    transfers that share one fsync at most (default 256)\n"
    "      --hash-cost N     scrypt's N for new passwords, a power of two: each 1024 take\n"
    "                        1 MiB, and some 9 ms (default 16384)\n"
    "      --idle SECONDS    an account that nobody asks for leaves memory (default 60)\n"
    "      --patience SECONDS\n"
    "                        that a request waits for the database: then 503 (default 5)\n"
    "      --log             print a line for each request\n"
    "      --json            print lines of JSON\n"
    "      --help            print this, and end\n"
    "      --version         print the version, and end\n"
    "\n"
    "Each option that takes a value may be given by the environment: LEDGER_LISTEN,\n"
    "LEDGER_DB, LEDGER_GROUP_MOST ... Ctrl-C or SIGTERM ends it well.\n"
    "Exit status: 0; 1 if it could not serve; 2 for a wrong option.\n";

static _Noreturn void refuse(void)
{
    fprintf(stderr, "Try 'ledger --help'.\n");
    exit(EXIT_USAGE);
}

/* Only digits: strtoull alone would let "-1" pass. `from` is where it stands: "--loops". */
static long read_number(const char *from, const char *text, long least, long most)
{
    char *end = NULL;
    unsigned long long value;

    errno = 0;
    value = strtoull(text, &end, 10);
    if (text[0] < '0' || text[0] > '9' || *end != '\0' || errno != 0 ||
        value < (unsigned long long)least || value > (unsigned long long)most) {
        fprintf(stderr, "ledger: %s %s: give a number from %ld to %ld\n", from, text, least, most);
        refuse();
    }
    return (long)value;
}

static uint64_t read_hash_cost(const char *from, const char *text)
{
    long value = read_number(from, text, 2, MAX_HASH_COST);

    if ((value & (value - 1)) != 0) {
        fprintf(stderr, "ledger: %s %s: give a power of two\n", from, text);
        refuse();
    }
    return (uint64_t)value;
}

static double read_seconds(const char *from, const char *text)
{
    char *end = NULL;
    double value = strtod(text, &end);

    if (end == text || *end != '\0' || !isfinite(value) || value <= 0) {
        fprintf(stderr, "ledger: %s %s: give seconds, more than 0\n", from, text);
        refuse();
    }
    return value;
}

/* Print it all, or fail: what can't be written is not ignored. */
static _Noreturn void print_and_exit(const char *text)
{
    if (fputs(text, stdout) < 0 || fflush(stdout) != 0) {
        perror("ledger: standard output");
        exit(EXIT_FAILURE);
    }
    exit(EXIT_SUCCESS);
}

static const struct option known[] = {
    { "listen", required_argument, NULL, 'L' },
    { "db", required_argument, NULL, 'd' },
    { "loops", required_argument, NULL, 'l' },
    { "accounts", required_argument, NULL, 'a' },
    { "user", required_argument, NULL, 'u' },
    { "group-most", required_argument, NULL, 'g' },
    { "idle", required_argument, NULL, 'i' },
    { "patience", required_argument, NULL, 'p' },
    { "hash-cost", required_argument, NULL, 'c' },
    { "auth", no_argument, NULL, 'A' },
    { "log", no_argument, NULL, 'o' },
    { "json", no_argument, NULL, 'j' },
    { "help", no_argument, NULL, 'h' },
    { "version", no_argument, NULL, 'v' },
    { NULL, 0, NULL, 0 },
};

static void take(struct options *o, int option, const char *from, const char *value)
{
    switch (option) {
    case 'L':
        o->listen = value;
        break;
    case 'd':
        o->db = value;
        break;
    case 'l':
        o->loops = (int)read_number(from, value, 1, MAX_LOOPS);
        break;
    case 'a':
        o->accounts = read_number(from, value, 0, MAX_ACCOUNTS);
        break;
    case 'u':
        o->user = value;
        break;
    case 'g':
        o->group_most = (size_t)read_number(from, value, 1, MAX_GROUP);
        break;
    case 'c':
        o->hash_cost = read_hash_cost(from, value);
        break;
    case 'i':
        o->idle = read_seconds(from, value);
        break;
    default: /* 'p': the last that takes a value */
        o->patience = read_seconds(from, value);
    }
}

/* --group-most is LEDGER_GROUP_MOST. */
static void take_environment(struct options *o)
{
    char variable[32];

    for (const struct option *k = known; k->name != NULL; k++) {
        const char *value;
        char *c;

        if (k->has_arg != required_argument)
            continue;
        (void)snprintf(variable, sizeof(variable), "LEDGER_%s", k->name);
        for (c = variable; *c != 0; c++)
            *c = *c == '-' ? '_' : (char)(*c >= 'a' && *c <= 'z' ? *c - 'a' + 'A' : *c);
        value = getenv(variable);
        if (value != NULL && value[0] != 0)
            take(o, k->val, variable, value);
    }
    o->password = getenv("LEDGER_PASSWORD");
}

static void take_flag(struct options *o, int option)
{
    switch (option) {
    case 'A':
        o->auth = true;
        break;
    case 'o':
        o->log = true;
        break;
    case 'j':
        o->json = true;
        break;
    case 'h':
        print_and_exit(usage);
    case 'v':
        print_and_exit("ledger (troupe) " TR_VERSION "\n");
    default:
        refuse(); /* getopt has said why */
    }
}

void options_read(struct options *o, int argc, char **argv)
{
    int option, index = 0;
    char from[32];

    *o = (struct options){ .listen = "127.0.0.1:8080",
                           .db = "ledger.db",
                           .idle = 60,
                           .patience = 5,
                           .hash_cost = 1 << 14 };
    take_environment(o);
    while ((option = getopt_long(argc, argv, "", known, &index)) != -1) {
        (void)snprintf(from, sizeof(from), "--%s", known[index].name);
        if (option != '?' && known[index].has_arg == required_argument)
            take(o, option, from, optarg);
        else
            take_flag(o, option);
    }
    if (optind < argc) {
        fprintf(stderr, "ledger: %s: it takes options only\n", argv[optind]);
        refuse();
    }
    if (o->user != NULL && o->user[0] == 0) {
        fprintf(stderr, "ledger: --user has to name somebody\n");
        refuse();
    }
    if (o->user != NULL && (o->password == NULL || strlen(o->password) < 8)) {
        fprintf(stderr, "ledger: --user %s: LEDGER_PASSWORD has to have 8 bytes or more\n",
                o->user);
        refuse();
    }
}
