/* multipart/form-data (RFC 7578, RFC 2046), as it comes: whatever the pieces, the same events.
 *
 *     preamble  CRLF--boundary CRLF  head CRLF CRLF  data  CRLF--boundary--  epilogue
 *     skipped                        begin           data  end               skipped
 *
 * Each part must be form-data with a name, once. In names, "\"" and "\\" stand for what is quoted,
 * and %22, %0D and %0A for what browsers write so; nothing else is decoded. filename* is refused,
 * as RFC 7578 forbids it: two names for one file are an invitation. What is decoded may hold an end
 * of a line; a file's name is the client's word, and no path.
 *
 * Memory: this structure, whatever comes.
 * Threads: one at a time. */
#ifndef TR_HTTP_MULTIPART_H
#define TR_HTTP_MULTIPART_H

#include "http/slice.h"

enum { TR__BOUNDARY_BYTES = 70, TR__PART_HEAD_BYTES = 4096 };

/* Valid until the call that it is given to returns. */
typedef struct tr__part {
    tr__slice name;
    tr__slice filename; /* at is NULL: it is no file */
    tr__slice type;     /* at is NULL: none is said; that is text/plain */
} tr__part;

/* What is called. A code below 0 ends all, and is what tr__multipart_feed returns. */
typedef struct tr__multipart_events {
    int (*begin)(void *context, const tr__part *part);
    int (*data)(void *context, const char *at, size_t bytes); /* at least one */
    int (*end)(void *context);
} tr__multipart_events;

typedef enum tr__multipart_state {
    TR__MULTIPART_PREAMBLE,
    TR__MULTIPART_DATA,
    TR__MULTIPART_BEHIND, /* a delimiter */
    TR__MULTIPART_PADDING,
    TR__MULTIPART_NEWLINE,
    TR__MULTIPART_DASH,
    TR__MULTIPART_HEAD,
    TR__MULTIPART_EPILOGUE
} tr__multipart_state;

typedef struct tr__multipart {
    const tr__multipart_events *events;
    void *context;
    size_t parts_left;
    tr__multipart_state state;
    int error;      /* which all further calls return */
    size_t matched; /* bytes of the delimiter that have come */
    size_t delimiter_bytes;
    size_t head_bytes;
    char delimiter[4 + TR__BOUNDARY_BYTES];
    char head[TR__PART_HEAD_BYTES];
} tr__multipart;

/* With at most so many parts. events must outlive it; there is nothing to free.
 * Errors: TR_ESYNTAX this is no boundary: 1 to 70 bytes of those that RFC 2046 names. */
int tr__multipart_init(tr__multipart *multipart, tr__slice boundary, size_t parts_most,
                       const tr__multipart_events *events, void *context);
/* Errors: TR_ESYNTAX; TR_ETOOLARGE too many parts, or a head is too long; what an event said. */
int tr__multipart_feed(tr__multipart *multipart, const char *at, size_t bytes);
/* Nothing more comes.
 * Errors: TR_ESYNTAX that is too early; what tr__multipart_feed said. */
int tr__multipart_end(const tr__multipart *multipart);

#endif
