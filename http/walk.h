/* All declarations that some refer to, each once, also where they do so in circles. */
#ifndef TR_HTTP_WALK_H
#define TR_HTTP_WALK_H

#include <troupe/declare.h>

#include "http/arena.h"

typedef struct tr__walk {
    tr__arena *arena;
    const tr_declaration **list; /* in the order in which they are met */
    size_t count;
    size_t room;
} tr__walk;

/* Add a declaration and what it refers to; NULL adds nothing.
 * Errors: TR_ENOMEM. */
int tr__walk_add(tr__walk *walk, const tr_declaration *declaration);

#endif
