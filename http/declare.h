/* Declared bodies: JSON into structs, and structs into JSON. See <troupe/declare.h>.
 *
 * A body is parsed straight into the struct, in one pass, without a tree between (decision 029).
 * Its texts, lists and objects are in the arena, which outlives them. */
#ifndef TR_HTTP_DECLARE_H
#define TR_HTTP_DECLARE_H

#include <troupe/declare.h>

#include "http/arena.h"
#include "http/problems.h"
#include "http/scan.h"

/* The default limits. */
#define TR__JSON_BYTES  (1024 * 1024)
#define TR__JSON_MEMORY (16 * 1024 * 1024)

/* Parse, check and fill. limits may be NULL.
 * Errors: those of tr_declared_parse; each of TR_EVALUE, TR_ESYNTAX and TR_ETOOLARGE has at least
 *         one problem. */
int tr__declared_parse(const tr_declaration *declaration, const char *json, size_t bytes,
                       const tr_json_limits *limits, tr__arena *arena, void *out,
                       tr__problems *problems);

/* Whether a declaration, and those that it refers to, are sound: each pattern is one.
 * Errors: TR_EINVAL; TR_ENOMEM. */
int tr__declared_check(const tr_declaration *declaration);

/* A field's name in JSON. */
static inline const char *tr__field_name(const tr_field *field)
{
    return field->name != NULL ? field->name : field->tr__name;
}

#endif
