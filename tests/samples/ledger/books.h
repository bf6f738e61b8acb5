/* What was asked of the ledger, what it answered, and whether its database says the same. It is
 * kept by those who ask, so it outlives the ledger. */
#ifndef TR_TESTS_LEDGER_BOOKS_H
#define TR_TESTS_LEDGER_BOOKS_H

#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <troupe/db.h>

#include "samples/ledger/store.h"

/* What must hold; else the run ends, and with it its seed. */
#define MUST(x) ((x) ? (void)0 : must_have(__FILE__, __LINE__, #x))

static inline _Noreturn void must_have(const char *file, int line, const char *what)
{
    (void)fprintf(stderr, "%s:%d: this must hold, and does not: %s\n", file, line, what);
    abort();
}

enum {
    CUSTOMERS = 5,
    DIRECTOR = CUSTOMERS, /* asks, too */
    ORDERS_EACH = 48,
    SHARED = 4, /* accounts 1 to so many are everybody's */
    PURSE_CENTS = 50000,
    POSTINGS_MOST = 4000
};

/* What came of asking once. */
typedef enum outcome {
    DONE,
    REFUSED,  /* for a reason that lies in the request */
    NOT_DONE, /* for one that lies in the ledger */
    LOST      /* nobody knows */
} outcome;

/* A transfer that was asked for, under its key as often as it took. */
typedef struct order {
    char key[24];
    int64_t from, to, cents;
    const char *memo;
    int64_t id;   /* as it was answered; 0: it was not yet */
    int asking;   /* requests that have no answer yet */
    bool is_lost; /* an answer: it may be there without one */
} order;

/* What one who follows the feed has seen. */
typedef struct record {
    int64_t last;
    struct posting seen[POSTINGS_MOST]; /* by id; without memo and time */
} record;

/* Begin anew, with the seed. */
void books_clear(void);

/* An order of a customer's, with a key of its own; NULL: there are enough. */
order *books_order(int customer);
/* It is asked for; and what came of that. */
void books_ask(order *o);
void books_note(order *o, outcome came, int64_t id);
/* One of a customer's that was answered; NULL. */
order *books_answered(int customer);
/* Of the last that was answered. */
int64_t books_newest(void);

/* The purse of a customer, which nobody else takes from, nor pays into; 0: it has none yet. It is
 * between these, both included. */
void books_open(int customer, int64_t account, const char *owner);
int64_t books_purse(int customer);
void books_bounds(int customer, int64_t *least, int64_t *most);

/* A posting has come: it is behind the last one, or was seen before as it is now. */
void books_see(record *r, const struct posting *p);

/* Read all that there is in the database, and compare. */
void books_compare(tr_db *db, const record *const *records, size_t count);

#endif
