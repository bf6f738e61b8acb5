/* The answer to a body that is not as declared: a problem document (RFC 9457). */
#ifndef TR_HTTP_PROBLEM_DOCUMENT_H
#define TR_HTTP_PROBLEM_DOCUMENT_H

#include "http/problems.h"
#include "http/write.h"

#define TR__PROBLEM_TYPE "application/problem+json"

/* The status for what parsing gave: 422, 400 for what is no JSON, 413 for what is too much; 500. */
int tr__problem_status(int rc);

/* Write the document: `errors` lists the problems, `more_errors` counts those left out. */
void tr__problem_write(int rc, const tr__problems *problems, tr__json_out *out);

#endif
