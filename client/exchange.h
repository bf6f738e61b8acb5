/* One exchange over one connection: a request goes out, and its answer comes in.
 *
 * The pieces, in the order of their use by call.c:
 *
 *     tr__request_write   the head, as it goes out                        (request.c)
 *     tr__request_send    head and body                                   (send.c)
 *     tr__answer_head     the answer's head: a reply is made              (answer.c)
 *     tr__body_read       some of its body                                (body.c)
 *     tr__decode_read     the same, decompressed                          (decode.c)
 *     tr__conn_done       the connection goes back, or is closed          (body.c)
 *
 * Threads: tasks of the loop. */
#ifndef TR_CLIENT_EXCHANGE_H
#define TR_CLIENT_EXCHANGE_H

#include "client/call.h"
#include "client/conns.h"
#include "client/reply.h"

enum { TR__BODY_PIECE = 16 * 1024 }; /* of a body whose length is not known */

/* The head of a request, as it goes out over this connection.
 * Errors: TR_ENOMEM. */
int tr__request_write(const tr__client_call *call, tr__buffer *out);

/* Send the request. 1: not all of it, for the answer has begun to come, or the server takes no
 * more, and may have said why; 0: all, and the connection says so.
 * Errors: TR_ETIMEDOUT; of the stream; of the call's source; TR_ENOMEM; TR_ECANCELED. */
int tr__request_send(tr__client_call *call, tr__client_conn *conn);

/* Await the head of the answer. *out is NULL on error.
 * Errors: TR_ESYNTAX; TR_ETOOLARGE; TR_EEND, TR_ECONNRESET; TR_ETIMEDOUT; TR_ENOMEM;
 *         TR_ECANCELED. */
int tr__answer_head(tr_http_reply **out, const tr__client_call *call, tr__client_conn *conn);

/* A body in chunks begins. */
void tr__body_begin_chunks(tr__client_conn *conn);
/* Some of the body: how many bytes; 0: it has ended.
 * Errors: as tr_http_reply_read. */
ssize_t tr__body_read(tr_http_reply *reply, void *buffer, size_t bytes);
/* The same, decompressed where the answer says how, for who has asked for it.
 * Errors: as tr__body_read; TR_ESYNTAX; TR_EEND. */
int tr__decode_begin(tr_http_reply *reply);
ssize_t tr__decode_read(tr_http_reply *reply, void *buffer, size_t bytes);
void tr__decode_end(tr_http_reply *reply);
/* All of it, into the reply; most: of its bytes.
 * Errors: as tr__body_read; TR_ETOOLARGE. */
int tr__body_read_all(tr_http_reply *reply, size_t most);

/* Something that was read from the connection, whatever it means: how many bytes of it; 0 at the
 * end; it is in conn->in, behind what was there. */
ssize_t tr__conn_fill(tr__client_conn *conn);

/* The exchange is over: the connection can be used again, if is_clean and both sides will. */
void tr__conn_done(tr__client_conn *conn, bool is_clean);
/* Nobody wants the rest of the answer: only where that is at hand, the connection is kept. */
void tr__conn_abandon(tr__client_conn *conn);

#endif
