/* A picture, for people. */
#ifndef TR_OBSERVE_TREE_H
#define TR_OBSERVE_TREE_H

#include <stdio.h>

#include "observe/picture.h"

/* Names of figures and of what they await, without a newline. */
void tr__figure_print(const tr__picture *picture, const tr__figure *figure, uint64_t now_ns,
                      FILE *out);
void tr__tree_print(const tr__picture *picture, uint64_t now_ns, FILE *out);

#endif
