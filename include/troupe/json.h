/* JSON of any form, as a tree of jansson's (json_t): for bodies that no struct describes. A program
 * that uses it includes <jansson.h>, and links with jansson, itself.
 *
 *     #include <jansson.h>
 *     #include <troupe/json.h>
 *
 *     json_t *tree;
 *     tr_json_fault fault;
 *     int rc = tr_json_parse(&tree, text, bytes, NULL, &fault); */
#ifndef TROUPE_JSON_H
#define TROUPE_JSON_H

#include <troupe/declare.h>

#ifdef __cplusplus
extern "C" {
#endif

struct json_t;

/* Where and why a text is refused. */
typedef struct tr_json_fault {
    size_t line; /* from 1 */
    size_t column;
    char what[160];
} tr_json_fault;

/* Parse a text into a tree: any value. Names that are there twice in an object, texts that are no
 * UTF-8 or have U+0000, and integers beyond int64_t are refused; limits and fault may be NULL.
 * Ownership: *out is the caller's, to json_decref; NULL on error.
 * Threads:   any; never blocks. A tree is of one thread at a time.
 * Errors:    TR_ESYNTAX; TR_ETOOLARGE it is larger, or deeper, than the limits; TR_EVALUE it is
 *            JSON, but beyond what a tree holds, or ambiguous; TR_EINVAL; TR_ENOMEM. */
TR_API int tr_json_parse(struct json_t **out, const char *json, size_t bytes,
                         const tr_json_limits *limits, tr_json_fault *fault);

#ifdef __cplusplus
}
#endif
#endif
