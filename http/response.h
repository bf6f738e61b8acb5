/* What else answers are made of. */
#ifndef TR_HTTP_RESPONSE_H
#define TR_HTTP_RESPONSE_H

#include <string.h>

#include "http/message.h"
#include "net/file_pipe.h"

/* A whole answer begins, in the place of one that has not gone out; its type lasts as long as it.
 * */
int tr__response_begin(tr_http_response *res, int status, const char *type);
/* It could not be made, if rc is below 0: then there is none. Returns rc. */
int tr__response_settle(tr_http_response *res, int rc);

/* So many bytes of the body are about to be written: 1; 0: they are counted only, for no body goes
 * out.
 * Errors: as tr_http_write. */
int tr__response_count(tr_http_response *res, size_t bytes);
/* Whether the body may come from a pipe, when it has begun to be written: it goes out as it is. */
bool tr__response_takes_files(tr_http_response *res);
/* Write what a pipe holds.
 * Errors: as tr_http_write. */
int tr__response_put_file(tr_http_response *res, tr__file_pipe *pipe);

/* Put bytes, for which there is room; returns where the next ones go. */
static inline char *tr__put(char *at, const char *data, size_t bytes)
{
    memcpy(at, data, bytes);
    return at + bytes;
}
#define TR__PUT(at, literal) tr__put((at), (literal), sizeof(literal) - 1)

/* The drop function of what tr__alloc gave. */
void tr__response_free_block(void *data);

/* Append to a body, as it is, or as the inside of a string of JSON. false: out of memory. */
bool tr__append_text(tr__buffer *body, const char *text);
bool tr__append_escaped(tr__buffer *body, const char *text);

#endif
