/* The model of futures and jobs: what each was given, who ended it, and what was seen of it. */
#ifndef TR_TESTS_FUZZ_CELLS_H
#define TR_TESTS_FUZZ_CELLS_H

#include "fuzz/fuzz.h"

enum { CELLS = 6, WORKS = 64, POSTS = 96, POSTERS = 8, CELL_CODE = -23456, WORK_CODE = -24567 };

/* A future of the program's own, which anybody may resolve, cancel, await, and take from. */
typedef struct cell {
    tr_future *f;
    bool is_taken;                          /* somebody makes it, or has */
    bool may_resolve, may_fail, may_cancel; /* somebody has tried to */
    int winners;
    bool is_seen;
    int status; /* as it was seen first */
    int offered, dropped, taken;
    int thens, calls; /* continuations that were accepted, and called */
} cell;

/* A job. */
typedef struct work {
    int offered, begun, ended, dropped;
    bool may_cancel;
    bool is_accepted; /* with a future, or none */
    uint8_t how;
    tr_pool *pool;
    double asked_at;
} work;

extern cell cells[CELLS];
extern bool cells_are_stopping; /* tr_shutdown has been called */

void cells_begin(void);
/* After the shutdown: all has ended, and was dropped once. */
void cells_end(void);

/* Whether the library may refuse anything with that code. */
bool cells_may_refuse(int rc);

void cell_make(int number);
void cell_resolve(int number);
void cell_fail(int number);
void cell_cancel(int number);
void cell_take(int number);
void cell_then(int number, int loop);
/* It was seen to have ended so. */
void cell_seen(int number, int status);
/* All futures that nobody has ended end now. */
void cells_close(void);

enum { POOLS = 3 };

/* The pools that there are, and how many threads each may have. */
void work_pools(tr_pool *const pools[POOLS], const int most[POOLS]);
/* A new job; NULL: there are enough. */
work *work_new(uint8_t how, tr_pool *pool);
int work_run(void *arg);
void work_drop(void *arg);
/* A call that waits for it has returned; is_cancelled: the caller may have been. */
void work_returned(const work *w, int rc, bool is_cancelled);
/* Its future has ended. */
void work_seen(const work *w, int status);

/* Post a call to a loop, from the loop of the caller, or a thread (below 0). */
void post_something(int loop, int poster);

#endif
