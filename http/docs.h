/* The page that shows the OpenAPI document and tries what it describes: three files, which are in
 * the library itself. They ask for /openapi.json and for nothing else, and stand a
 * Content-Security-Policy of TR__DOCS_POLICY. */
#ifndef TR_HTTP_DOCS_H
#define TR_HTTP_DOCS_H

#include <stddef.h>

#define TR__DOCS_POLICY                                                                            \
    "default-src 'none'; script-src 'self'; style-src 'self'; connect-src 'self'; img-src data:; " \
    "base-uri 'none'; form-action 'none'; frame-ancestors 'none'"

typedef struct tr__docs_asset {
    const char *path; /* "/docs" */
    const char *type; /* "text/html; charset=utf-8" */
    const char *at;
    const char *end;
} tr__docs_asset;

#define TR__DOCS_ASSETS 3

extern const tr__docs_asset tr__docs_assets[TR__DOCS_ASSETS];

#endif
