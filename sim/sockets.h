/* Sockets of the simulated network. What a program has is one end of a pair of the kernel's, so
 * that epoll, poll, dup and all transfers work on it; the other end is the simulator's. Between the
 * simulator's ends of two sockets stands the wire: bytes are taken off one, are under way for a
 * while in virtual time, and are put into the other.
 *
 *     program              simulator                      program
 *     socket <== pair ==> end ~~ out: a queue ~~> end <== pair ==> socket of the other
 *
 *     a stream:    MADE --> LISTENS
 *                    \----> CONNECTS --> CONNECTED --> OVER   (accepted: it begins CONNECTED)
 *                              \----------------------/
 *     datagrams:   MADE
 *
 * A listening socket is readable as each connection that waits puts a byte into it. One that
 * connects is not writable as the simulator fills it (its plug), until it is connected. A datagram
 * begins with a header: where it comes from.
 *
 * A program may have several descriptors of a socket: it is known by its inode. It is closed when
 * its last descriptor is, which the simulator's end shows. A record is kept until the run ends.
 *
 * All this is called in the world only; no call here is a step, nor waits. */
#ifndef TR_SIM_SOCKETS_H
#define TR_SIM_SOCKETS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/types.h>
#include <sys/un.h>

#include "sim/arrivals.h"
#include "sim/endpoint.h"

enum { TR__SOCKET_OPTIONS = 16, TR__BUFFER_BYTES = 64 * 1024 };

typedef enum tr__socket_state {
    TR__SOCKET_MADE,
    TR__SOCKET_LISTENS,
    TR__SOCKET_CONNECTS,
    TR__SOCKET_CONNECTED,
    TR__SOCKET_OVER
} tr__socket_state;

typedef enum tr__piece_kind {
    TR__PIECE_BYTES,
    TR__PIECE_CONNECTED, /* the other one is, now */
    TR__PIECE_END,       /* there is no more */
    TR__PIECE_RESET
} tr__piece_kind;

/* Something under way. */
typedef struct tr__piece tr__piece;
struct tr__piece {
    tr__piece *next;
    tr__piece_kind kind;
    uint64_t at_ns;
    size_t bytes;
    size_t done; /* of these, that the other end has taken */
    char data[];
};

/* All that is under way from one socket to its other. */
typedef struct tr__wire {
    tr__piece *first;
    tr__piece *last;
    tr__arrival arrival; /* of the first */
    uint64_t last_ns;    /* when the last arrives: none overtakes another */
    size_t bytes;
    size_t window;   /* no more than that at a time */
    bool is_blocked; /* the other end is full */
    bool has_ended;  /* TR__PIECE_END or TR__PIECE_RESET has been sent: nothing follows */
} tr__wire;

typedef struct tr__socket_option {
    int level;
    int name;
    int value;
} tr__socket_option;

/* The name of a Unix socket. */
typedef struct tr__unix_name {
    struct sockaddr_un name;
    socklen_t bytes; /* 0: none */
    dev_t device;    /* of one in the file system */
    ino_t inode;
} tr__unix_name;

typedef struct tr__socket tr__socket;
struct tr__socket {
    tr__socket *next; /* of all, the newest first */
    tr__socket *next_of_inode;
    tr__socket *next_bound; /* of those that have a name of their own */
    ino_t inode;
    int domain;
    int type;
    int end; /* the simulator's; -1: closed */
    tr__socket_state state;
    int error; /* SO_ERROR */
    bool is_closed;
    bool is_bound;
    bool has_port; /* that is counted as taken */
    bool has_peer;
    bool reads_no_more;
    bool resets_on_close; /* SO_LINGER of no time */
    bool is_deaf;         /* listening: it drops who comes */
    bool has_end;         /* the program has been told of the other's end */
    bool has_reset;       /* the other one is told of that, or will be */
    tr__endpoint local;
    tr__endpoint peer;
    tr__unix_name unix_name;
    tr__socket_option options[TR__SOCKET_OPTIONS];
    int option_count;
    /* A stream. */
    tr__socket *other;
    tr__wire out;
    size_t plug;
    tr__arrival attempt; /* to connect, or its end */
    int attempts;
    uint64_t cut_until_ns; /* nothing passes before */
    /* Listening, and waiting to be accepted. */
    tr__socket *pending; /* the first that waits */
    tr__socket *next_pending;
    int pending_fd; /* the program's end, until it is accepted */
    int backlog;
    int pending_count;
    /* Datagrams. */
    size_t datagram_bytes; /* under way */
    uint32_t errors;       /* that there have been: the last is `error`, unless it is 0 */
};

typedef struct tr__network {
    tr__socket *sockets;
    tr__socket *bound;
    uint64_t count;
} tr__network;

extern tr__network tr__network_now;

/* ---- sockets.c: who they are ---- */

/* The socket of a descriptor; NULL: it is none of ours. */
tr__socket *tr__socket_find(int fd);
tr__socket *tr__socket_of_inode(ino_t inode);
/* Make one; *fd is the program's end. 0, or -errno. flags: as of socket(). */
int tr__socket_make(tr__socket **out, int domain, int type, int flags, int *fd);
/* Nothing goes in or out any more: the simulator's end is closed, and its name is free. */
void tr__socket_close_end(tr__socket *s);
/* It has no name any more. */
void tr__socket_unbind(tr__socket *s);
/* Whether the program has closed it. */
bool tr__socket_was_closed(const tr__socket *s);

int tr__socket_get_option(const tr__socket *s, int level, int name);
int tr__socket_set_option(tr__socket *s, int level, int name, int value);

/* ---- names.c ---- */

/* 0, or -errno. */
int tr__socket_bind(tr__socket *s, int fd, const struct sockaddr *address, socklen_t bytes);
/* Give it a port, if it has none. */
int tr__socket_bind_any(tr__socket *s);
/* Who listens there, or receives from there, by the seed where there are several; NULL: nobody. */
tr__socket *tr__socket_listening(const tr__endpoint *to);
tr__socket *tr__socket_receiving(const tr__endpoint *to, const tr__endpoint *from);
/* The same for a Unix socket. 0, or -errno. */
int tr__socket_listening_unix(tr__socket **out, const struct sockaddr *address, socklen_t bytes);
/* Whether another one listens at the same place, and they don't share it. */
bool tr__socket_is_crowded(const tr__socket *s);
void tr__socket_name(const tr__socket *s, struct sockaddr *out, socklen_t *bytes);
/* 0, or -ENOTCONN. */
int tr__socket_peer_name(const tr__socket *s, struct sockaddr *out, socklen_t *bytes);
/* Forget which ports are taken. */
void tr__names_end(void);

/* ---- wire.c: streams that are connected ---- */

/* How long what is sent now takes: by the seed. */
uint64_t tr__wire_delay(void);
/* When what is sent now from that socket arrives; it may be that the seed cuts its way first. */
uint64_t tr__wire_arrival(tr__socket *s);
/* Send something that is no bytes, behind all that is under way. */
void tr__wire_send(tr__socket *s, tr__piece_kind kind);
/* The program may have written, read or closed: take what there is, and go on with what waits. */
void tr__wire_touch(tr__socket *s);
/* Its connection is over: nothing goes in or out any more; the error is what the program is told,
 * 0: it knows. */
void tr__wire_break(tr__socket *s, int error);
/* The same, and the other one is told. */
void tr__wire_reset(tr__socket *s, int error);
/* Drop all that is under way. */
void tr__wire_drop(tr__socket *s);

/* ---- connections.c ---- */

int tr__socket_listen(tr__socket *s, int backlog);
/* 0; -EINPROGRESS: its state will be another than TR__SOCKET_CONNECTS; or -errno. */
int tr__socket_connect(tr__socket *s, int fd, const struct sockaddr *address, socklen_t bytes);
/* The connection that has waited longest; its descriptor, as flags of accept4 say. fd is the
 * listening one's. Or -errno: -EAGAIN: nobody waits. */
int tr__socket_accept(tr__socket *s, int fd, int flags, struct sockaddr *from, socklen_t *bytes);
int tr__socket_shutdown(tr__socket *s, int fd, int how);
/* One of its descriptors has been closed. */
void tr__socket_released(tr__socket *s);
/* It is writable again. */
void tr__socket_unplug(tr__socket *s);

/* ---- datagrams.c ---- */

/* The bytes, or -errno. */
ssize_t tr__datagram_send(tr__socket *s, const struct msghdr *message);
/* Without waiting. Of control data there is none. */
ssize_t tr__datagram_receive(tr__socket *s, int fd, struct msghdr *message, int flags);
/* Connect to where all is sent then, and from where all comes; AF_UNSPEC: to nowhere. */
int tr__datagram_connect(tr__socket *s, const struct sockaddr *address, socklen_t bytes);
void tr__datagrams_end(void);

/* ---- network.c ---- */

void tr__network_begin(void);
/* Look at all sockets, whoever has used them; true: something has happened. */
bool tr__network_sweep(void);
/* Close all that is the simulator's. */
void tr__network_end(void);

#endif
