/* The connections of a room, by origin (scheme, host, port, and the proxy on the way, if there is
 * one): idle ones, and the calls that wait for one.
 *
 *                 tr__conns_take                            tr__conns_give
 *     nothing ---------------------> busy <-> in an exchange -----------> idle, or the next call's
 *                 (to be opened)      |                                    |
 *                                     | tr__conns_drop                      | late, closed by the
 *                                     v                                    v server, or in the way
 *                                   closed <--------------------------- closed
 *
 *     an origin's calls wait in line  =>  it has no idle connection
 *     an origin is starved  <=>  calls wait in its line, and it has fewer than connections_each
 *     an origin is starved  =>  the room has connections_most, and none of them is idle
 *
 * An idle connection has no task and no buffer: a callback hears when the server closes it, or says
 * what nobody has asked for, which ends it.
 *
 * Threads: the loop's. */
#ifndef TR_CLIENT_CONNS_H
#define TR_CLIENT_CONNS_H

#include <llhttp.h>

#include "client/client.h"
#include "net/io.h"

struct tr__client_origin {
    tr__client_origin *next; /* in its bucket */
    tr__client_room *room;
    tr__list idle;    /* the last used first */
    tr__list line;    /* calls, the first one first */
    tr__list starved; /* in the room's list */
    long open;        /* connections, and permits to open one */
    long users;       /* calls that look for one */
    uint64_t hash;
    size_t bytes;
    char key[];
};

/* What is left of an answer's body. */
typedef enum tr__framing {
    TR__FRAMING_NONE, /* all has come */
    TR__FRAMING_LENGTH,
    TR__FRAMING_CHUNKED,
    TR__FRAMING_TO_END
} tr__framing;

typedef struct tr__client_conn {
    tr__list link;             /* in the room's idle or busy ones */
    tr__list in_origin;        /* idle */
    tr__client_origin *origin; /* NULL: the room is closed */
    tr__client_room *room;
    tr_io *io;             /* NULL: it is to be opened, or the room is closed */
    tr__way_waiter waiter; /* idle */
    uint64_t due_ns;       /* idle: it is closed then */
    bool is_reused;
    bool is_heard;     /* something of the present answer has come */
    bool is_sent;      /* all of the present request has gone */
    bool keeps_alive;  /* it may be used again after this answer, as both sides say */
    size_t ahead_most; /* of an answer, that may come before the request has gone */
    /* Of the answer that is read. */
    tr__buffer in; /* a block of the room's */
    tr__framing framing;
    uint64_t left;                   /* of LENGTH */
    llhttp_t parser;                 /* of CHUNKED */
    uint64_t wire_bytes, body_bytes; /* of CHUNKED: with what is around the data, and without */
    char *sink;                      /* where decoded bytes go */
    const char *scanned;             /* of what stands around the data, up to here: */
    char before;                     /* the last byte of what stands around the data; 0: data */
} tr__client_conn;

/* Let a room have what it needs, and close all that it has.
 * Errors: TR_ENOMEM. */
int tr__conns_open(tr__client_room *room);
void tr__conns_close(tr__client_room *room);

enum { TR__CONNS_FRESH = 1, TR__CONNS_SURE = 2 };

/* A connection to an origin, for the calling task: an idle one, or one that is still to be opened
 * (its io is NULL), or else the first that another call has no more use for. *out is NULL on error.
 * TR__CONNS_FRESH: one that was used before is not trusted, and those that idle are closed.
 * TR__CONNS_SURE: the system is asked whether one that idled still lives, for the call can't be
 * repeated where it does not; else it is enough that nothing was heard when the loop last looked.
 * Ownership: tr__conns_give or tr__conns_drop takes it back.
 * Errors:    TR_ETIMEDOUT in line; TR_ECANCELED; TR_ENOMEM. */
int tr__conns_take(tr__client_conn **out, tr__client_room *room, tr__slice key, unsigned flags);
/* It can be used again. */
void tr__conns_give(tr__client_conn *conn);
/* It can't: it is closed. */
void tr__conns_drop(tr__client_conn *conn);

/* Room for reading. false: out of memory. */
bool tr__conns_lend(tr__client_room *room, tr__buffer *buffer);
/* Take an empty buffer's memory back. */
void tr__conns_give_block(tr__client_room *room, tr__buffer *buffer);

#endif
