/* What the programs of actors share: who does a step, and how what all can do is done. */
#ifndef TR_TESTS_FUZZ_ACTORS_H
#define TR_TESTS_FUZZ_ACTORS_H

#include "fuzz/letters.h"

/* Who does a step, and with what at hand. */
typedef struct doer {
    int number;    /* a life; an outsider: below 0 */
    tr_self *self; /* NULL: an outsider */
    tr_msg *msg;   /* that is handled; NULL: there is none, or it is gone */
    int letter;    /* the same; -1 */
    int rc;        /* what the handler returns */
} doer;

/* Who has a role now, and then the outsiders' inboxes; -1: nobody. */
extern int tenants[ROLES + OUTSIDERS];

void tenants_begin(void);

life *life_of(const doer *d);
int outsider_of(const doer *d);
bool is_task(const doer *d);
/* Whether its awaits may be cancelled. */
bool may_be_cancelled(const doer *d);
/* A receiver: usually who has a role now, or an inbox; -1: there is none. */
int target_of(uint8_t a);

void do_send(const doer *d, uint8_t a, uint8_t b);
/* Where it can be waited for, an answer is; else, or as_message, it comes as a message. */
void do_ask(const doer *d, uint8_t a, uint8_t b, bool as_message);
/* An answer, or that there is none. false: the message is no such thing. */
bool hear(tr_msg *msg);

void do_inbox_open(const doer *d, uint8_t a);
void do_inbox_read(const doer *d, uint8_t a);
void do_inbox_close(int outsider);

#endif
