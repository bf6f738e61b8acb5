/* A server, inside: one for the program, with a worker on each of its loops.
 *
 * The server's routes and configuration do not change while it is served, and are read by all. A
 * worker has all that changes: its connections, and what they lend each other.
 *
 * A group is a server, too, with a root: it has a prefix and middleware, and no routes of its own.
 * */
#ifndef TR_HTTP_SERVER_H
#define TR_HTTP_SERVER_H

#include <troupe/http.h>
#include <troupe/event.h>

#include "http/message.h"
#include "http/route.h"
#include "net/home.h"
#include "net/listener.h"
#include "net/visitors.h"

/* How long a connection may be as it is. */
typedef enum tr__http_limit {
    TR__LIMIT_IDLE,
    TR__LIMIT_HEAD,
    TR__LIMIT_BODY,
    TR__LIMIT_WRITE,
    TR__LIMIT_LINGER,
    TR__LIMIT_COUNT
} tr__http_limit;

struct tr__http_worker {
    tr_http_server *server;
    tr__net *net;
    tr__acceptor acceptor;
    tr_event is_open; /* it listens, or could not, as rc says */
    int rc;
    bool is_draining;
    bool is_closing; /* the answers that are on their way are the last: who asks on is not heard */
    /* Connections by what limits them, the first to be late first. */
    tr__list limited[TR__LIMIT_COUNT];
    tr__list handled; /* those whose handlers run */
    tr__timer timer;  /* at the first of them */
    size_t connections;
    tr_event is_empty; /* no connection is left, while draining */
    /* What they lend. */
    tr_http_request *spare_requests;
    size_t spare_request_count;
    void *spare_blocks; /* of input buffers, a list */
    size_t spare_block_count;
    /* The date, as it goes out. */
    char date[64];
    size_t date_bytes;
    uint64_t date_until_ns;
};

/* ---- worker.c: what connections have of their worker ---- */

/* One more, and one less, which is gone. */
void tr__worker_opened(tr__http_conn *conn);
void tr__worker_closed(tr__http_worker *worker, tr__visitor *visitor);
/* While draining: nobody asks any more; who idles now is told. */
void tr__worker_close_idle(tr__http_worker *worker);
/* From now on it is limited so, in the place of what limited it before; or not at all. */
void tr__worker_limit(tr__http_conn *conn, tr__http_limit limit);
void tr__worker_unlimit(tr__http_conn *conn);
/* A request, cleared; NULL: out of memory. */
tr_http_request *tr__worker_take_request(tr__http_worker *worker);
void tr__worker_give_request(tr__http_worker *worker, tr_http_request *req);
/* Room for more at the end of a buffer, which may be empty; for so many bytes. false: out of
 * memory. */
bool tr__worker_lend_room(tr__http_worker *worker, tr__buffer *buffer);
bool tr__worker_lend(tr__http_worker *worker, tr__buffer *buffer, size_t bytes);
/* Take an empty buffer's memory back; one with bytes in it is left alone. */
void tr__worker_give_block(tr__http_worker *worker, tr__buffer *buffer);
void tr__worker_free_spares(tr__http_worker *worker);
/* The Date header, as it goes out. */
tr__slice tr__worker_date(tr__http_worker *worker);

struct tr_http_server {
    tr_http_server *root; /* itself; of a group: the server */
    /* Of the server only. */
    uint32_t refs;         /* shared: who serves it, or waits until it does */
    tr_http_config config; /* with all defaults filled in */
    tr__router router;
    tr__http_route *routes; /* the last one first */
    tr__http_route lost;    /* what no route answers: only what stands around it */
    tr_http_server *groups;
    tr__http_worker *workers;
    int worker_count;
    int error; /* the first that happened to a route */
    bool is_served;
    tr_event stop;
    tr_event ready; /* it listens, or could not */
    int ready_rc;
    char *address;
    int port;
    char *description; /* OpenAPI; NULL: it has no title */
    size_t description_bytes;
    uint64_t connections;   /* of all workers: shared */
    tr__visitors *visitors; /* by address, also shared; NULL: they are not limited */
    /* Of groups, too. */
    tr_http_server *outer; /* NULL: the server */
    tr_http_server *next;  /* another group */
    char *prefix;
    tr__http_layer *layers; /* middleware, the outermost first */
};

#endif
