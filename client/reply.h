/* Replies, inside: one block of memory has the reply, its lines, and the head as it came, in which
 * names and values end with a 0. The body stands in a buffer of its own; or, streamed, is read from
 * the connection, which the reply then has.
 *
 * Threads: the loop's. */
#ifndef TR_CLIENT_REPLY_H
#define TR_CLIENT_REPLY_H

#include "client/conns.h"
#include "http/header_name.h"

typedef struct tr__reply_line {
    tr__slice name;
    tr__slice value;
    tr__known known;
} tr__reply_line;

/* Several values of one name, joined. */
typedef struct tr__reply_joined {
    struct tr__reply_joined *next;
    const char *name;
    char text[];
} tr__reply_joined;

typedef struct tr__decoder tr__decoder;

struct tr_http_reply {
    tr_http_client *client; /* a reference */
    int status;
    int minor; /* HTTP/1.minor */
    char *url; /* from where it comes */
    size_t line_count;
    tr__reply_line *lines;
    tr__reply_joined *joined;
    tr__decoder *decoder; /* of its body; NULL: that is taken as it is */
    tr__buffer body;      /* a 0 is behind it */
    tr_parsed *parsed;
    /* Streamed. */
    bool streams;
    tr__client_conn *conn; /* NULL: it has ended */
    int failure;           /* that reading has met, and meets again */
    uint64_t due_ns;       /* of the whole call; UINT64_MAX: never */
};

/* The value of the first line of a well-known name; at is NULL: there is none. *count, which may be
 * NULL, is how many there are. */
tr__slice tr__reply_known(const tr_http_reply *reply, tr__known known, size_t *count);

#endif
