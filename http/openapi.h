/* What a server offers, as an OpenAPI 3.1 document: from its routes and their declarations. */
#ifndef TR_HTTP_OPENAPI_H
#define TR_HTTP_OPENAPI_H

#include <troupe/declare.h>

#include "http/write.h"

/* A parameter of the query, or of the path; one of the path that is not described is a text. */
typedef struct tr__api_parameter {
    const char *name;
    const char *about; /* may be NULL */
    tr_field_kind kind;
    bool required; /* of the query: those of the path always are */
    bool is_in_query;
} tr__api_parameter;

/* An answer besides those that go without saying. */
typedef struct tr__api_status {
    int status;
    const char *about;
    const tr_declaration *body; /* NULL: none that is declared */
} tr__api_status;

typedef struct tr__api_route {
    const char *method;  /* "GET" */
    const char *pattern; /* "/items/:id", "/files/ *path" */
    const char *summary; /* these four may be NULL */
    const char *about;
    const char *tag;
    const tr_declaration *request;
    const tr_declaration *answer;
    int status; /* of the answer; 0: 200 */
    const tr__api_parameter *parameters;
    size_t parameter_count;
    const tr__api_status *statuses;
    size_t status_count;
} tr__api_route;

typedef struct tr__api {
    const char *title;
    const char *version;
    const char *about; /* may be NULL */
    const tr__api_route *routes;
    size_t route_count;
} tr__api;

/* Write the document; as with all of tr__json_out, what does not fit is counted. Schemas have the
 * names of their declarations; of several of one name, all but the first get a number behind it.
 * Errors: TR_ENOMEM. */
int tr__openapi_write(const tr__api *api, tr__json_out *out);

#endif
