/* Listening sockets, and who accepts by callbacks.
 *
 * How serving ends without resetting anybody: the system completes handshakes by itself, and resets
 * what it has completed when the socket is closed. So first a filter at the socket drops segments
 * with SYN (who comes now tries again, and finds it closed); then those that have been completed
 * are accepted for a while, and for as long as the system knows of others that have begun; then it
 * is closed.
 *
 * Threads: the loop's on which it was opened. */
#ifndef TR_NET_LISTENER_H
#define TR_NET_LISTENER_H

#include <ev.h>
#include <troupe/tcp.h>

#include "net/address.h"
#include "net/home.h"
#include "net/system.h"

/* How long handshakes that have begun have to be completed, whether the system tells of them or
 * not; and how long where it does: what is lost is sent again after a second. */
#define TR__LISTEN_LINGER_S      0.1
#define TR__LISTEN_LINGER_MOST_S 3.0

/* The file of a Unix socket that listens. */
typedef struct tr__socket_file {
    char *path; /* of tr__alloc; NULL: there is none */
    tr__file_id id;
} tr__socket_file;

/* A socket that listens, or an error, and its file. */
int tr__listen_socket(const char *address, const tr_listen_options *options, tr__socket_file *file);
/* Close it (fd below 0: it has been), and remove its file, unless another's stands there now. */
void tr__listen_end(int fd, tr__socket_file *file);
/* Let nobody begin a connection any more; where the system can't, nothing happens. */
void tr__listen_softly(int fd);
/* Whether accepting failed for a while only, for want of something. */
bool tr__accept_is_starved(int rc);

typedef struct tr__acceptor tr__acceptor;

/* A connection; the descriptor is the callee's, and non-blocking. */
typedef void (*tr__accept_fn)(tr__acceptor *acceptor, int fd, const tr_address *from);

struct tr__acceptor {
    tr__tenant tenant;
    tr__net *net; /* NULL: closed */
    ev_io watcher;
    tr__timer retry; /* descriptors had run out */
    tr__accept_fn fn;
    /* Whether there is room for one more just now; NULL: there always is. Where there is none, it
     * is asked again after a while, or when the acceptor is resumed. */
    bool (*may_accept)(tr__acceptor *acceptor);
    tr__socket_file file;
    char address[TR__ADDRESS_TEXT];
    bool is_starved; /* it has said so */
};

/* Listen on the caller's loop.
 * Errors: as tr_listen. */
int tr__acceptor_open(tr__acceptor *acceptor, const char *address, const tr_listen_options *options,
                      tr__accept_fn fn);
/* Look again at once, where it waits until there is room. */
void tr__acceptor_resume(tr__acceptor *acceptor);
/* Nobody new begins; who has begun is still accepted. */
void tr__acceptor_stop(tr__acceptor *acceptor);
/* After that, in a shielded task: wait for who has begun, at most so long: how many seconds. */
double tr__acceptor_linger(tr__acceptor *acceptor, double most_s);
/* Accept those that wait, and close. Nothing happens if it is closed. */
void tr__acceptor_close(tr__acceptor *acceptor);

#endif
