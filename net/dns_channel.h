/* A channel of c-ares on a loop: its sockets are watched by libev, its time limits are a timer of
 * the loop's, and its system calls are this room's.
 *
 * Threads: the loop's own. From within a callback of c-ares, questions may be asked, but the
 *          channel
 * must not be closed. */
#ifndef TR_NET_DNS_CHANNEL_H
#define TR_NET_DNS_CHANNEL_H

#include <ares.h>

#include "net/dns_config.h"
#include "net/home.h"
#include "runtime/timer.h"

typedef struct tr__dns_channel {
    tr__net *net;
    ares_channel ares;
    struct ares_options system; /* what it has found out: the search domains */
    tr__list sockets;
    tr__timer timer;
} tr__dns_channel;

/* Errors: TR_ENOMEM; TR_ERESOLVE the system's configuration can't be read. */
int tr__dns_channel_open(tr__dns_channel *channel, tr__net *net, const tr__dns_config *config);
/* What is being asked ends with ARES_EDESTRUCTION, within this call. */
void tr__dns_channel_close(tr__dns_channel *channel);
/* After each question: let the timer know what c-ares waits for. */
void tr__dns_channel_settle(tr__dns_channel *channel);
/* The code for how a question has ended; 0 for success. */
int tr__dns_error(int status);

#endif
