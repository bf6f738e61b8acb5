/* Bodies that come compressed (RFC 9110, 8.4.1): gzip (RFC 1952), and "deflate", by which servers
 * mean either zlib's form (RFC 1950), as the standard has it, or the bare one (RFC 1951).
 *
 *     wire --> tr__decompress(&in) --> out, as much as there is room for
 *
 * gzip's may have several members, one behind the other. What stands behind the last one, or the
 * end of the other form, is refused (TR_ESYNTAX): somebody has put it there. A body that ends
 * before its compression does was cut: TR_EEND. One of no byte at all is an empty one.
 *
 * No output is made that nobody has room for, so a small body that unfolds without end costs what
 * its reader is ready to pay.
 *
 * Threads: one at a time. */
#ifndef TR_CLIENT_DECOMPRESS_H
#define TR_CLIENT_DECOMPRESS_H

#include <sys/types.h>

#include "http/slice.h"

typedef struct tr__decompressor tr__decompressor;

typedef enum tr__coding {
    TR__CODING_NONE,
    TR__CODING_GZIP,
    TR__CODING_DEFLATE,
    TR__CODING_UNKNOWN, /* or several: the body is handed on as it is */
} tr__coding;

/* Which one a Content-Encoding says. */
tr__coding tr__coding_of(tr__slice header);
/* What a request says it takes. */
#define TR__CODINGS_TAKEN "gzip, deflate"

/* coding is gzip or deflate.
 * Errors: TR_ENOMEM. */
int tr__decompressor_new(tr__decompressor **out, tr__coding coding);
/* NULL is allowed. */
void tr__decompressor_free(tr__decompressor *d);

/* Decompress: take bytes off `in`, and put at most room of them, which is not 0, into out: how
 * many. 0: all of `in` is taken, and nothing comes of it yet.
 * Errors: TR_ESYNTAX; TR_ENOMEM; again each time. */
ssize_t tr__decompress(tr__decompressor *d, tr__slice *in, char *out, size_t room);
/* All has been taken, and nothing more comes: 0 if it was whole.
 * Errors: TR_EEND; TR_ESYNTAX, TR_ENOMEM as above. */
int tr__decompress_end(const tr__decompressor *d);

#endif
