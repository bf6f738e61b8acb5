/* An actor that is told by each ask what to do with it. */
#ifndef TR_TESTS_TOLD_H
#define TR_TESTS_TOLD_H

#include "support/actors.h"

/* What it does with a kit_ask: its a. */
enum {
    TOLD_ANSWER = 1,
    TOLD_ANSWER_TWICE,
    TOLD_ANSWER_ERROR,
    TOLD_ANSWER_WRONG_TYPE,
    TOLD_IGNORE,
    TOLD_FAIL,
    TOLD_EXIT,
    TOLD_EXIT_AND_DEAD_SEND,
    TOLD_UNHANDLED,
    TOLD_TAKE, /* the asker, into told_taken */
    TOLD_KEEP_AND_FREE,
    TOLD_TAKE_TWICE,
    TOLD_BAD_ERROR,
    TOLD_DEAD_SEND
};

/* What the asker hears of each: the answer's a, or the error; 0: nothing. */
int64_t told_outcome(int64_t what);

/* Handles kit_ask, told_query (500 is the answer), and kit_act. */
TR_QUERY(told_query, kit_value);
extern const tr_actor_class told_class;
int told_receive(tr_self *self, void *state, tr_msg *msg);

/* Who asked it to TOLD_TAKE, the last time; and how often that was so far. */
extern tr_asker told_taken;
extern uint32_t told_takes;
/* Wait until it was that often. */
void told_await_takes(uint32_t takes);

/* ---- asking one of them, in a task of a loop, or in a foreign thread ---- */

enum { TOLD_FOREIGN = -1, TOLD_PLACES_END = 2 };

typedef struct told_asking {
    tr_pid to;
    double timeout;
    int64_t what;
    struct kit_value answer;
} told_asking;

/* tr_ask; what it returns. On error the answer must be zeroed. */
int told_ask(void *asking);
int told_ask_from(int loop, told_asking *a);

/* Keep an actor's thread busy until *go, a counter, is not 0: to be told. */
int told_occupy(tr_self *self, void *go);

#endif
