/* Formats of declared texts: pure functions. */
#ifndef TR_HTTP_FORMAT_H
#define TR_HTTP_FORMAT_H

#include <troupe/declare.h>

/* Whether a text is of a format. */
bool tr__format_is(tr_format format, const char *text, size_t bytes);

/* Its name in JSON Schema, "date-time"; NULL for any. */
const char *tr__format_name(tr_format format);

#endif
