/* Who asks the ledger: customers, as tasks. Each logs in, opens a purse, moves money, asks again
 * where an answer is lost or where the ledger can't, and looks; and each answer must be one that
 * there may be. */
#ifndef TR_TESTS_LEDGER_CUSTOMERS_H
#define TR_TESTS_LEDGER_CUSTOMERS_H

#include <troupe/net.h>

#include "samples/ledger/books.h"

#define ADDRESS "127.0.0.1:8080"

/* What is the matter at this moment, or was lately: so answers may be missing, or 500. */
typedef struct weather {
    bool is_over;          /* customers leave */
    bool is_out_of_memory; /* of this life of the ledger */
} weather;

typedef struct customer {
    int number;
    tr_http_client *client;
    const weather *weather;
    char token[80]; /* "": not logged in yet. It survives the ledger */
} customer;

/* Until the weather says that it is over. */
void customer_ask(customer *c);

/* Ask for a transfer by its key until it is answered 200, for `patience` seconds; a new one. */
void customer_insist(customer *c, double patience);

/* All the money must be there, says the ledger. */
void customer_must_find_books_right(customer *c);

#endif
