/* The other side of a connection, which sends an input's bytes in the pieces that the input says,
 * and takes down all that it is answered.
 *
 * Threads: of the simulation, no loop's. */
#ifndef TR_TESTS_FUZZ_PEER_H
#define TR_TESTS_FUZZ_PEER_H

#include "fuzz/fuzz.h"

/* How it ends, when all is sent. */
typedef enum fuzz_ending {
    FUZZ_HALF_CLOSES, /* and listens until the other side closes, too */
    FUZZ_LISTENS,     /* and waits for that */
    FUZZ_CLOSES,      /* at once, whether anything is unread or not */
    FUZZ_RESETS
} fuzz_ending;

enum { FUZZ_CUTS = 6 };

typedef struct fuzz_plan {
    fuzz_ending ending;
    bool listens_between;
    /* The pieces, over and over: how long, and what is waited for behind it. All 0: one piece. */
    uint8_t cuts[FUZZ_CUTS];
} fuzz_plan;

/* All at once, and then a half close. */
extern const fuzz_plan fuzz_plainly;

/* A plan of an input. */
fuzz_plan fuzz_read_plan(fuzz_input *in);
/* Whether it waits longer than a server likes. */
bool fuzz_is_tardy(const fuzz_plan *plan);
/* Whether it hears all that it is answered. */
bool fuzz_hears_all(const fuzz_plan *plan);

typedef struct fuzz_answer {
    uint8_t *at; /* the caller's room */
    size_t room;
    size_t bytes;
    bool has_ended; /* properly: not reset */
} fuzz_answer;

/* A connection to a port of this machine. */
int fuzz_connect(int port);
/* Listen at any port: its descriptor. */
int fuzz_listen(int *port);
/* Say all that at once; false: nobody listens any more. */
bool fuzz_say(int fd, const void *data, size_t bytes);
/* Say all that as planned, and close the descriptor; answer may have something already. More than
 * there is room for must not come. */
void fuzz_converse(int fd, const fuzz_plan *plan, const void *data, size_t bytes,
                   fuzz_answer *answer);
/* Hear until `end` has come, at most: where that ends; 0: it has not come. */
size_t fuzz_hear_until(int fd, const char *end, fuzz_answer *answer);

#endif
