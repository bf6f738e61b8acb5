/* An actor that requests what it is told to, and reports all that comes: the tag, and the answer's
 * a or the error. */
#ifndef TR_TESTS_ASKER_H
#define TR_TESTS_ASKER_H

#include "support/reports.h"
#include "support/told.h"

/* Reports what comes; does each kit_act. */
int asker_receive(tr_self *self, void *state, tr_msg *msg);

/* A request: kit_ask. */
typedef struct asker_call {
    tr_pid to;
    double timeout;
    uint64_t tag;
    int64_t what; /* its a; see told.h */
} asker_call;

/* Send one; an act, its arg an asker_call. */
int asker_request(tr_self *self, void *call);

/* Start two loops, and an asker on one of them, whose actors have that budget (0: the usual). */
tr_pid asker_begin(int loop, int budget);
void asker_end(void);

#endif
