/* Media types (RFC 9110, 8.3): which one a file has, and what a Content-Type says; and parameters
 * as other headers have them, too (5.6.6).
 *
 * Threads: any. */
#ifndef TR_HTTP_MIME_H
#define TR_HTTP_MIME_H

#include "http/slice.h"

/* The type by the extension of a file's name, in any case; text comes with its charset.
 * "application/octet-stream": none is known. */
const char *tr__mime_of_file(tr__slice name);

/* A parameter: its value without the quotes, as it stands between them. */
typedef struct tr__parameter {
    tr__slice name;
    tr__slice value;
    bool is_quoted;
} tr__parameter;

/* Take the next "; name=value" off: 1; 0: there is none; or TR_ESYNTAX. */
int tr__parameter_next(tr__slice *rest, tr__parameter *out);
/* A value with its quoted pairs taken for what they stand for; as many bytes as it has are enough,
 * and out may be where it stands. How many.
 * Errors: TR_ETOOLARGE. */
int tr__parameter_decode(const tr__parameter *parameter, char *out, size_t capacity);

typedef struct tr__media_type {
    tr__slice type;
    tr__slice subtype;
    tr__slice parameters;
} tr__media_type;

/* false: malformed. The parameters are looked at when they are asked for. */
bool tr__media_type_parse(tr__slice text, tr__media_type *out);
bool tr__media_type_is(const tr__media_type *media, const char *type, const char *subtype);
/* The value of a parameter: its bytes, with a 0 behind them.
 * Errors: TR_ENOENT; TR_ESYNTAX the parameters are malformed, or it is there twice; TR_ETOOLARGE.
 *         */
int tr__media_type_parameter(const tr__media_type *media, const char *name, char *out,
                             size_t capacity);

#endif
