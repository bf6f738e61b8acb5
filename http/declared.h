/* Bodies of requests that are declared: checked, and filled into a struct, before the handler runs.
 * */
#ifndef TR_HTTP_DECLARED_H
#define TR_HTTP_DECLARED_H

#include "http/message.h"

/* Fill in the request's struct: 0. 1: it was answered what is wrong with the body (422, 400, 413,
 * 415).
 * Errors: TR_ENOMEM. */
int tr__declared_fill(tr_http_request *req, const tr_declaration *declaration);

#endif
