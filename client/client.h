/* The HTTP client, inside: what a client has for the program, and for each loop.
 *
 *     tr_http_client ----> room of loop 0: origins, connections, figures
 *                    ----> room of loop 1: ...
 *
 * A room belongs to its loop, which alone touches it: with plain loads and stores. It is made when
 * a loop first uses the client, and lasts as long as the client does; it is open from that use
 * until its loop closes, or nobody refers to the client any more. It may be opened again, when the
 * runtime has been started anew.
 *
 * Two counts: `refs` are users (the program's references, calls, replies); with the last one the
 * rooms are closed, each on its loop. `holds` keep the memory: one for all users together, one for
 * each open room, and one for each that is on its way to be closed.
 *
 *     refs > 0  =>  holds > 0        a room is open  =>  it has a hold
 *
 * Threads: what is not said to be shared is the loop's. */
#ifndef TR_CLIENT_CLIENT_H
#define TR_CLIENT_CLIENT_H

#include <pthread.h>
#include <troupe/client.h>

#include "base/list.h"
#include "client/proxy.h"
#include "http/slice.h"
#include "net/home.h"
#include "runtime/port.h"
#include "runtime/timer.h"

typedef struct tr__client_room tr__client_room;
struct tr__jar;
typedef struct tr__client_origin tr__client_origin;

/* A header, apart. */
typedef struct tr__client_line {
    tr__slice name;
    tr__slice value;
} tr__client_line;

/* Figures, written by their loop and read by all. */
typedef struct tr__client_tally {
    uint64_t calls, failures, connections, reused, redirects, retries;
    uint64_t open, idle, waiting; /* now */
} tr__client_tally;

enum { TR__CLIENT_BUCKETS = 64 }; /* of a room's table at first; it doubles when it is full */

struct tr__client_room {
    tr_http_client *client;
    uint32_t number; /* of its loop, from 1 */
    tr__net *net;    /* NULL: it is closed */
    tr__tenant tenant;
    tr__runnable closing;
    bool is_default; /* it has a reference to the program's own client */
    /* Origins, by their keys. */
    tr__client_origin **buckets;
    uint64_t hash_key[2]; /* servers' names come from anybody */
    size_t bucket_count, origin_count;
    /* Connections: those that nobody uses, the one that has been idle for longest first; and
     * others. */
    tr__list idle;
    tr__list busy;
    tr__timer timer; /* at the first idle one's end, or before */
    /* Origins whose calls wait though they may open a connection: the room may not. */
    tr__list starved;
    /* Buffers that are lent to connections. */
    void *spare_blocks;
    size_t spare_block_count;
    tr__client_tally tally;
};

struct tr_http_client {
    uint32_t refs;                /* shared */
    uint32_t holds;               /* shared */
    tr_http_client_config config; /* with all defaults filled in; its texts are copies */
    tr__client_line *lines;       /* of config.headers, which they point into */
    size_t line_count;
    char *agent; /* of the User-Agent header */
    tr__proxies proxies;
    struct tr__jar *jar;  /* NULL: it keeps no cookies */
    pthread_mutex_t lock; /* of: */
    tr_tls *tls;          /* config.tls; else made when first needed */
    /* Each written by its loop, once, and read by all. */
    tr__client_room *rooms[TR__LOOPS_MAX];
};

/* ---- client.c ---- */

/* The client that NULL stands for: *out gets a reference.
 * Errors: TR_ENOMEM. */
int tr__client_default(tr_http_client **out);
/* One loop less uses it: the reference that came with it goes. */
void tr__client_default_leave(tr_http_client *client);
/* One hold more; one less, and with the last one all is freed. */
void tr__client_hold(tr_http_client *client);
void tr__client_let_go(tr_http_client *client);
/* The context for https: lent. A task calls it.
 * Errors: those of tr_tls_client_new; TR_ECANCELED. */
int tr__client_tls(tr_http_client *client, tr_tls **out);

/* ---- room.c ---- */

/* The room of the caller's loop, open. client may be NULL: the program's own.
 * Errors: TR_ENOMEM; TR_ESHUTDOWN; TR_EWRONGPLACE. */
int tr__client_room_here(tr__client_room **out, tr_http_client *client);
/* Nobody uses the client any more: have each of its rooms closed, on its loop. */
void tr__client_close_rooms(tr_http_client *client);
void tr__client_free_rooms(tr_http_client *client);

#endif
