/* What is wrong with a body: a bounded list, in an arena. */
#ifndef TR_HTTP_PROBLEMS_H
#define TR_HTTP_PROBLEMS_H

#include <troupe/declare.h>

#include "http/arena.h"

typedef struct tr__problems {
    size_t count;
    size_t more; /* that there was no room for */
    tr_problem list[TR_PROBLEMS_MOST];
} tr__problems;

/* A text in the arena, as of printf, of at most 255 bytes; NULL: no memory. */
const char *tr__arena_print(tr__arena *arena, const char *format, ...)
    __attribute__((format(printf, 2, 3)));

/* Note one; its texts must last as long as the list.
 * Errors: TR_ENOMEM where is NULL, or what is. */
int tr__problems_add(tr__problems *problems, tr_problem problem);

#endif
