/* Values against what their fields are declared to be. */
#ifndef TR_HTTP_CHECK_H
#define TR_HTTP_CHECK_H

#include <troupe/declare.h>

#include "http/arena.h"

/* What is wrong with a value; `what` NULL: nothing. */
typedef struct tr__finding {
    const char *kind;
    const char *what;
} tr__finding;

/* A text, valid UTF-8, against its lengths, choices, format and pattern.
 * Errors: TR_ENOMEM; TR_EINVAL the declared pattern is none. */
int tr__check_text(const tr_field *field, struct tr__pattern_cache *cache, const char *text,
                   size_t bytes, tr__arena *arena, tr__finding *found);

/* A number, or integer, against its bounds.
 * Errors: TR_ENOMEM. */
int tr__check_number(const tr_field *field, long double value, tr__arena *arena,
                     tr__finding *found);

/* The range of an integer's C type. */
bool tr__integer_fits(const tr_field *field, int64_t value);

/* The length of a list.
 * Errors: TR_ENOMEM. */
int tr__check_count(const tr_field *field, size_t count, tr__arena *arena, tr__finding *found);

#endif
