/* Who follows the feed of the ledger: one by a WebSocket, one as an EventSource does. Whatever
 * becomes of its connection, it goes on behind the last posting that it has seen; and sees each,
 * once, in order. */
#ifndef TR_TESTS_LEDGER_FOLLOWERS_H
#define TR_TESTS_LEDGER_FOLLOWERS_H

#include "samples/ledger/customers.h"

typedef struct follower {
    tr_http_client *client;
    const weather *weather;
    bool is_fickle;  /* it leaves now and then, and comes again */
    int connections; /* that were made */
    record record;   /* it survives the ledger */
} follower;

/* Tasks of a follower *: until they are cancelled. */
int follow_by_websocket(void *arg);
int follow_by_events(void *arg);

#endif
