/* Answers that are compressed while they are written. */
#ifndef TR_HTTP_COMPRESS_H
#define TR_HTTP_COMPRESS_H

#include "http/message.h"
#include "http/route.h"

typedef enum tr__encode_how { TR__ENCODE_MORE, TR__ENCODE_FLUSH, TR__ENCODE_END } tr__encode_how;

/* The head of an answer in pieces is about to go out: compress what follows, if that was agreed on,
 * and there is memory for it. */
void tr__encoder_begin(tr_http_response *res);
/* Encode a piece, and put what comes of it, if anything does yet. false: put has said so. */
bool tr__encode(tr_http_response *res, const char *data, size_t bytes, tr__encode_how how,
                bool (*put)(tr_http_response *res, const char *data, size_t bytes));
void tr__encoder_free(tr_http_response *res);

#endif
