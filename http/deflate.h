/* permessage-deflate without context takeover (RFC 7692, 7.1.1): each message is compressed alone,
 * so that one compressed frame serves all, and no socket holds a window of 32 KiB.
 *
 * Threads: any. */
#ifndef TR_HTTP_DEFLATE_H
#define TR_HTTP_DEFLATE_H

#include <stddef.h>

#include "http/slice.h"
#include "net/io.h"

/* Compress a message behind what stands in the buffer.
 * Errors: TR_ENOMEM. */
int tr__deflate_message(tr__slice data, tr__buffer *out);
/* Inflate one; at most so many bytes.
 * Errors: TR_ENOMEM; TR_ETOOLARGE; TR_ESYNTAX. */
int tr__inflate_message(tr__slice data, tr__buffer *out, size_t most);

#endif
