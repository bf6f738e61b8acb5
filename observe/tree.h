/* A picture, for people. */
#ifndef TR_OBSERVE_TREE_H
#define TR_OBSERVE_TREE_H

#include <stdio.h>

#include "observe/picture.h"

/* A figure, and what it awaits, without a newline. now_ns: the time, for limits. */
void tr__figure_print(const tr__picture *picture, const tr__figure *figure, uint64_t now_ns,
                      FILE *out);
void tr__tree_print(const tr__picture *picture, uint64_t now_ns, FILE *out);

#endif
