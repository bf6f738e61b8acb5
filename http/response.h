/* What else answers are made of. */
#ifndef TR_HTTP_RESPONSE_H
#define TR_HTTP_RESPONSE_H

#include "http/message.h"

/* A whole answer begins, in the place of one that has not gone out; its type lasts as long as it.
 * */
int tr__response_begin(tr_http_response *res, int status, const char *type);
/* It could not be made, if rc is below 0: then there is none. Returns rc. */
int tr__response_settle(tr_http_response *res, int rc);

/* Append to a body, as it is, or as the inside of a string of JSON. false: out of memory. */
bool tr__append_text(tr__buffer *body, const char *text);
bool tr__append_escaped(tr__buffer *body, const char *text);

#endif
