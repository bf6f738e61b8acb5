/* Those who wait for each other in a circle. */
#ifndef TR_OBSERVE_CYCLES_H
#define TR_OBSERVE_CYCLES_H

#include "observe/picture.h"

/* So many figures of a cycle are told. */
enum { TR__CYCLE_MOST = 16 };

typedef struct tr__cycle {
    const tr__figure *members[TR__CYCLE_MOST]; /* each waits for the next, and the last for the
                                                  first */
    size_t count;                              /* there may be more than have a place */
    bool is_guess;                             /* somebody else may help them */
    bool has_limit;                            /* one of them waits for a limited time only */
} tr__cycle;

/* Call fn for each cycle of a finished picture: of such that share members, for one at least.
 * false: out of memory. */
bool tr__cycles_find(const tr__picture *picture, void (*fn)(void *ctx, const tr__cycle *cycle),
                     void *ctx);

/* Whether the members of a cycle stand in an earlier or a later picture as in their own: then none
 * of them has moved in between. Each picture is finished before the next one is begun. */
bool tr__cycle_stands_in(const tr__cycle *cycle, const tr__picture *other);

#endif
