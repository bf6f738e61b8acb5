/* A connection of the server.
 *
 *        +--> READS ---- a request has come ----> HANDLES ----> WRITES --+
 *        |      |      (a task is started, and      |      (what the     |
 *        |      |       answers all that have come)  |       system did   |
 *        |      |                                    |       not take)    |
 *        |      |                                    |                    |
 *        +------|------------------------------------+--------------------+
 *               |                                    |                    |
 *               +--- malformed, too large, late ---> WRITES ---> LINGERS (reads until the client
 *               has
 *                                                                  closed: else it would be reset,
 *                                                                  and the answer lost) ---> closed
 *
 * Only HANDLES has a task. In all other states callbacks of libev do the work. A connection that
 * idles has neither buffers nor a request; one that waits for the rest of a head has what has come
 * of it, and no more (partial.c); one that waits for a body has its request, with the head.
 *
 * Threads: its loop's. */
#ifndef TR_HTTP_CONNECTION_H
#define TR_HTTP_CONNECTION_H

#include <ev.h>

#include "http/server.h"
#include "net/file_pipe.h"
#include "net/tls_engine.h"
#include "runtime/future.h"
#include "runtime/wait.h"

typedef enum tr__http_state {
    TR__CONN_READS,
    TR__CONN_HANDLES,
    TR__CONN_WRITES,
    TR__CONN_LINGERS
} tr__http_state;

/* A large body, which is not copied into the output buffer. */
typedef struct tr__tail {
    char *data; /* NULL: none */
    size_t bytes, sent;
    void (*drop)(void *data);
} tr__tail;

typedef struct tr__partial tr__partial;

struct tr__http_conn {
    ev_io watcher;
    tr__http_worker *worker;
    tr__list link; /* in the list of its limit, or of those that are handled */
    uint64_t due_ns;
    tr__http_limit limit; /* that it stands under; TR__LIMIT_COUNT: none */
    tr__visitor *visitor; /* whose it is; NULL: they are not limited */
    tr__tls *tls;         /* NULL: plain */
    tr__buffer in;
    tr__buffer out;
    tr__tail tail;        /* goes out behind it */
    tr_http_request *req; /* NULL: it idles, or what has come of it is put away: */
    tr__partial *partial; /* NULL: nothing is */
    tr_task *task;        /* HANDLES: of its handlers */
    tr__waiter unborn;    /* told if that ends before it has begun: there was no stack for it */
    tr__wait *waiter;     /* the task waits for the descriptor; NULL */
    char *peer;           /* for people; made when asked for */
    tr__http_state state;
    uint8_t streak;      /* calls of its handler that did not wait, in a row */
    bool is_last;        /* it is closed after the answer */
    bool has_peer_ended; /* nothing more comes */
    bool is_broken;      /* nothing can be sent, nor received */
    bool is_handshaken;
    /* It speaks something else now, over a stream that has its descriptor. */
    bool is_detached;
    void *upgraded;
    void (*on_drain)(tr__http_conn *conn); /* the server stops; NULL */
};

/* Take a descriptor that was accepted.
 * Ownership: takes fd, also on error; visitor on success. false: out of memory. */
bool tr__conn_open(tr__http_worker *worker, int fd, tr__visitor *visitor);
/* Close it, wherever it stands; not while it HANDLES. */
void tr__conn_close(tr__http_conn *conn);
/* Say to one that idles that nothing more is answered. */
void tr__conn_end_idle(tr__http_conn *conn);
/* Let a handler that runs end soon. */
void tr__conn_cancel(tr__http_conn *conn);
/* Its limit has passed. */
void tr__conn_expire(tr__http_conn *conn, tr__http_limit limit);

/* ---- for the handler's task ---- */

/* Send what has been written: 0 when at most `low` bytes wait.
 * Errors: TR_EPIPE, TR_ECONNRESET; TR_ETIMEDOUT; TR_ECANCELED; TR_ENOMEM. */
int tr__conn_flush(tr__http_conn *conn, size_t low);
/* Send all that has been written, and what a pipe holds.
 * Errors: as tr__conn_flush. */
int tr__conn_send_file(tr__http_conn *conn, tr__file_pipe *pipe);
/* Read more of the body: 0; req->is_complete: no more comes.
 * Errors: as tr_http_read. */
int tr__conn_read_body(tr__http_conn *conn);
/* Whether anything has come behind the request: it costs a call of the system. */
bool tr__conn_has_more(const tr__http_conn *conn);
/* Let go of the descriptor, when all that was put has gone out: the stream has it, and what was
 * read ahead.
 * Errors: as tr__conn_flush; those of tr__net_here. */
int tr__conn_detach(tr__http_conn *conn, tr_io **out);
/* Room for so many bytes at the end of what goes out; NULL: out of memory. Then say how many of
 * them were used. */
char *tr__conn_room(tr__http_conn *conn, size_t bytes);
static inline void tr__conn_put(tr__http_conn *conn, size_t bytes)
{
    conn->out.end += bytes;
}
/* A body that goes out behind all that: there is none yet.
 * Ownership: takes data. */
void tr__conn_put_tail(tr__http_conn *conn, void *data, size_t bytes, void (*drop)(void *data));

/* ---- partial.c: what has come of a head, while the rest does not ---- */

/* What is longer stays in the buffer where it came: it is no more than twice as large. */
enum { TR__PARTIAL_MOST = 8 * 1024 };

/* Put it into memory of its own size, and let go of the request and of the buffer, which are
 * larger. Without memory, or where it is long, it stays as it is. */
void tr__partial_put_away(tr__http_conn *conn);
/* Have what was put away in a request and a buffer again. false: out of memory; nothing has
 * changed. */
bool tr__partial_take_up(tr__http_conn *conn);
void tr__partial_drop(tr__http_conn *conn);

/* ---- between connection.c and connection_task.c ---- */

/* Let events of libev's wake it: these, or none. */
void tr__conn_watch(tr__http_conn *conn, int events);
void tr__conn_unwatch(tr__http_conn *conn);
/* Its task waits: let it go on, with this result. */
void tr__conn_end_wait(tr__http_conn *conn, int result);
/* Copy the head out of the input buffer, which is then free for the body, or for others.
 * Errors: TR_ENOMEM. */
int tr__conn_move_head(tr__http_conn *conn);
/* Tell a client that still waits for it to send the body. false: out of memory. */
bool tr__conn_send_continue(tr__http_conn *conn);

/* ---- transport.c: bytes, as they are or by TLS ---- */

/* Receive some: how many; 0 at the end; -EAGAIN. */
ssize_t tr__conn_receive(tr__http_conn *conn, void *buffer, size_t bytes);
/* Send what is to go out: 0 when all is out; -EAGAIN. */
int tr__conn_send(tr__http_conn *conn);
/* Say that nothing more comes. */
void tr__conn_end(tr__http_conn *conn);
size_t tr__conn_unsent(const tr__http_conn *conn);
/* Whether receiving would find something without any more from the network. */
static inline bool tr__conn_has_pending(const tr__http_conn *conn)
{
    return conn->tls != NULL && tr__tls_has_pending(conn->tls);
}

#endif
