/* Declarations as JSON Schema, 2020-12, and what writes JSON member by member: commas come of
 * themselves. */
#ifndef TR_HTTP_SCHEMA_H
#define TR_HTTP_SCHEMA_H

#include <troupe/declare.h>

#include "http/number.h"
#include "http/walk.h"
#include "http/write.h"

typedef struct tr__api_out {
    tr__json_out *out;
    const tr__walk *walk; /* all declarations that are referred to */
    bool is_behind;       /* a value: what comes next in this list or object needs a comma */
} tr__api_out;

void tr__api_open(tr__api_out *o, char bracket);
void tr__api_close(tr__api_out *o, char bracket);
void tr__api_name(tr__api_out *o, const char *name);
void tr__api_name_of(tr__api_out *o, const char *name, size_t bytes);
/* The same in parts, between the two. */
void tr__api_name_begin(tr__api_out *o);
void tr__api_name_end(tr__api_out *o);
void tr__api_string(tr__api_out *o, const char *text);
void tr__api_string_of(tr__api_out *o, const char *text, size_t bytes);
void tr__api_boolean(tr__api_out *o, bool value);
/* A text; NULL: no such member. */
void tr__api_member(tr__api_out *o, const char *name, const char *text);

/* JSON Schema's name of a kind. */
const char *tr__api_type(tr_field_kind kind);

/* { "$ref": ... } */
void tr__api_reference(tr__api_out *o, const tr_declaration *declaration);
/* The same to RFC 9457's problem document, with the list of errors. */
void tr__api_reference_to_problem(tr__api_out *o);

/* "schemas": each declaration of the walk, and the problem document. */
void tr__api_schemas(tr__api_out *o);

#endif
