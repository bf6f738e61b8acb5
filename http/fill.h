/* JSON into declared structs: what is shared by fill.c, which follows lists and objects, and
 * fill_scalar.c, for what stands in them.
 *
 * Functions that return false have ended the whole, with a code in `rc` or with what is no JSON. */
#ifndef TR_HTTP_FILL_H
#define TR_HTTP_FILL_H

#include <string.h>

#include "http/check.h"
#include "http/declare.h"

typedef struct tr__fill_frame {
    struct tr__fill_frame *outer;
    const tr_declaration *of; /* an object's; a list's is that of the object around it */
    const tr_field *field;    /* an object's: the one at which it is; a list's: its own */
    const char *opened;       /* its { or [ */
    char *out;                /* the struct; of a list: the struct that holds it */
    uint64_t seen;            /* an object's fields, a bit each */
    uint32_t next;            /* the field that is likely next */
    bool is_list;
    bool is_begun; /* there is a member or an item before */
    size_t count;  /* of a list: items that came */
    size_t room;
    size_t item_bytes;
    char *items;
} tr__fill_frame;

typedef struct tr__fill {
    tr__scan scan;
    tr__arena *arena;
    tr__problems *problems;
    tr__fill_frame *top;
    tr__fill_frame *spare;
    size_t memory_left; /* for lists and objects */
    bool is_too_large;
    int rc; /* what ends it early */
} tr__fill;

/* End it, with a code. */
static inline bool tr__fill_end_with(tr__fill *p, int rc)
{
    p->rc = rc;
    return false;
}

/* Note what is wrong at a place; false only if there is no memory for it. */
bool tr__fill_note(tr__fill *p, const tr__fill_frame *innermost, const char *at, tr__finding found);

/* A value of the innermost frame: a string, a number or a boolean, as its field is. */
bool tr__fill_text(tr__fill *p, const tr_field *field, char *at);
bool tr__fill_number(tr__fill *p, const tr_field *field, char *at);
bool tr__fill_boolean(tr__fill *p, char *at, bool value);

/* An integer of so many bytes. */
static inline void tr__fill_set_integer(char *at, size_t bytes, int64_t value)
{
    uint64_t bits = (uint64_t)value;

    /* As the machine has it: all that we run on have the lowest byte first. */
    memcpy(at, &bits, bytes);
}

#endif
