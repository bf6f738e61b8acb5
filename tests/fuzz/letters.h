/* The model of actors: each life of one, each message, each ask, and what may become of them.
 *
 * The program's own calls are told to the model as they are made; what the library does shows in
 * handlers, in the dead letters' hook, and in results. A message is open from its send until its
 * one end:
 *
 *     open ---> handled            by the life that it was sent to, in the order of its sender
 *          ---> dead               for a reason that there was
 *          ---> gone               a timer's: cancelled, replaced, or ended with its actor
 *     handled ---> open            kept, and sent on */
#ifndef TR_TESTS_FUZZ_LETTERS_H
#define TR_TESTS_FUZZ_LETTERS_H

#include "fuzz/fuzz.h"

enum {
    LIVES = 40,
    LETTERS = 1500,
    ROLES = 4,     /* of actors: each has a script */
    THREADS = 2,   /* foreign ones */
    OUTSIDERS = 4, /* they, and tasks; each may have an inbox */
    KEYS = 3       /* of timers, from 1 */
};

/* Who sends: a life, by its number, or below 0 an outsider. */
#define SENDER_OUTSIDE(n) (-1 - (n))

typedef enum letter_kind { SMALL, LARGE, OWNING, QUESTION, TICK } letter_kind;

/* What the receiver of a question does with it. */
typedef enum treatment {
    REPLY,
    REPLY_TWICE,
    REPLY_ERROR,
    REPLY_WRONG,   /* with another type than was declared */
    REPLY_NOTHING, /* the time limit ends it */
    REPLY_LATER,   /* its asker is taken */
    REFUSE,        /* TR_UNHANDLED */
    FAIL,          /* the actor fails */
    FORWARD,
    TREATMENTS
} treatment;

#define REPLY_CODE (-12345)

typedef enum letter_end { OPEN, HANDLED, DEAD, GONE } letter_end;

typedef struct letter {
    int sender;
    int life; /* to whom */
    uint32_t order;
    letter_kind kind;
    treatment treatment;
    letter_end end;
    int reason;    /* DEAD */
    bool is_unfit; /* the handler says TR_UNHANDLED */
    double sent_at;
    /* It owns something. */
    int owned, dropped, taken;
    /* It asks. */
    int asker;
    double limit; /* when its time is over; TR_FOREVER */
    bool is_over; /* the asker has heard */
    bool is_settled;
    double settled_at;
    int outcome;         /* settled: what the asker is to hear, unless its time is over before */
    bool may_cancel;     /* the asker may have been cancelled, or given up */
    bool is_lost;        /* sending it was refused: nothing comes */
    bool is_withdrawn;   /* it may never have been sent */
    int hops;            /* how often it was forwarded as its asker wished */
    bool is_asker_taken; /* it asks no more; who has the asker may answer */
    bool may_die;        /* its receiver may have been asked to end while it handled it */
    bool awaits;         /* its asker waits in a handler or a call */
    /* It is a timer's. */
    double due;
    int key;
    bool repeats;
    int ticks;
} letter;

typedef struct life {
    tr_pid pid;
    int role;     /* -1: an inbox */
    int outsider; /* of an inbox */
    const tr_actor_class *cls;
    int loop; /* where its functions run; 0: not known yet */
    int inits, stops;
    bool is_refused, is_over;
    bool may_stop, may_kill;             /* somebody has asked for it */
    uint32_t stopped[LIVES + OUTSIDERS]; /* by whom, and when in the order of sends */
    bool exits;                          /* it has said so itself */
    int exit_reason;
    int behaviour;
    int inside;           /* its functions, just now */
    int timers[KEYS + 1]; /* letters, by key; -1 */
    tr_asker asker;
    int asked; /* the letter of that asker; -1 */
    tr_msg *kept;
    int kept_letter;
} life;

typedef struct fuzz_world {
    life lives[LIVES];
    int life_count;
    letter letters[LETTERS];
    int letter_count;
    uint32_t order;
    bool is_cancelled[OUTSIDERS]; /* somebody may have cancelled this task */
    bool is_stopping;             /* tr_shutdown has been called */
    uint64_t dead[6];             /* that were found on loops, by reason */
    uint64_t unread;              /* that died in an inbox */
} fuzz_world;

extern fuzz_world world;

TR_MESSAGE(small_letter)
{
    int32_t number;
};
TR_MESSAGE(large_letter)
{
    int32_t number;
    uint8_t fill[60];
};
TR_MESSAGE_OWNING(owning_letter, drop_owning_letter)
{
    int32_t number;
};
TR_MESSAGE(answer)
{
    int64_t value;
};
TR_MESSAGE(wrong_answer)
{
    int64_t value;
};
TR_REQUEST(question, answer)
{
    int32_t number;
};
TR_MESSAGE(tick)
{
    int32_t number;
};

/* Give all types their numbers; each file that uses them has descriptors of its own. It takes steps
 * the first time: so it is done before anything else. */
static inline void name_letters(void)
{
    tr_msg *msg = tr_msg_new(owning_letter);

    tr_msg_free(tr_msg_new(small_letter));
    tr_msg_free(tr_msg_new(large_letter));
    tr_msg_free(tr_msg_new(question));
    tr_msg_free(tr_msg_new(answer));
    tr_msg_free(tr_msg_new(wrong_answer));
    tr_msg_free(tr_msg_new(tick));
    if (msg && !tr_is(msg, tr_request_failed))
        tr_msg_free(msg);
}

void world_begin(void);

/* Whether the library may refuse anything with that code. */
bool may_be_refused(int rc);

/* A new life; -1: there are enough. */
int life_new(int role, const tr_actor_class *cls);
/* Before a stop or a kill by a sender. */
void life_asked_to_end(int to, int sender, bool is_kill);
/* The call was refused. */
void life_not_asked(int to, int sender);
/* Whether a handler of this life may find itself cancelled. */
bool life_may_be_cancelled(const life *me);
/* Whether it can have ended, or never begun. */
bool life_may_be_dead(const life *l);
/* Its stop function is called. */
void life_stopped(int number, int reason);

/* The letter of that number; NULL: below 0. */
letter *letter_at(int number);
/* A new letter, before it is sent; -1: there are enough. */
int letter_new(letter_kind kind, int sender, int to);
/* It was kept, and is about to be sent, or forwarded. */
void letter_again(int number, int sender, int to);
/* What the send returned. */
void letter_sent(int number, int rc);
/* The number of the letter that a message is; -1: it is none. */
int letter_of(const tr_msg *msg);
/* A receiver has it. */
void letter_handled(int number, int to);
/* A timer's, which will not come any more. */
void letter_gone(int number);
/* The hook. */
void letter_dead(void *unused, const tr_dead_letter *dead);

/* The receiver has decided what an asker is to hear. */
void ask_settled(int number, int outcome);
/* The asker has heard it; value: of the answer. */
void ask_heard(int number, int rc, int64_t value);
/* What a question is answered with. */
int64_t value_of(int number);

/* All that could end has, though nothing was shut down. */
void expect_settled(void);
/* After the shutdown: all has. */
void expect_all_ended(void);

#endif
