/* The connections that read, and the threads of the pool that uses them.
 *
 * There are as many threads as connections, but none belongs to the other: a job takes a connection
 * that is free. So a short read is one hop to a thread and back. Where none is free, because open
 * rows or snapshots hold them, the task stands in line, and comes again with a connection in its
 * hand.
 *
 * A permit of `permits` is the right to a connection on the stack `free`: who has one finds one
 * there. Who comes does not pass those who stand in line. */
#ifndef TROUPE_DB_READERS_H
#define TROUPE_DB_READERS_H

#include <pthread.h>
#include <troupe/db.h>
#include <troupe/sync.h>

#include "db/connection.h"

struct tr__database;

typedef struct tr__reader {
    tr__connection connection; /* first: a connection of a reader is a reader */
    struct tr__reader *next;   /* among those that are free */
} tr__reader;

typedef struct tr__readers {
    tr_pool *pool; /* NULL: there are none */
    tr__reader *all;
    int count;
    tr_semaphore permits;
    pthread_mutex_t lock;
    tr__reader *free;
} tr__readers;

/* A job for a reader: filled in by who wants it, on its stack. */
typedef struct tr__read {
    int (*fn)(struct tr__read *self); /* on the thread; the connection is entered */
    struct tr__database *base;
    tr__connection *connection; /* that it has; before: NULL, or the one that it holds */
    bool has_begun;             /* it has left the line, with a connection */
    bool keeps;                 /* set by fn: the connection is not given back */
    char why[TR__WHY_BYTES];
} tr__read;

/* Open them, on threads that may block. On error there is nothing to close, and why says what.
 * Errors: those of the database; those of tr_pool_run. */
int tr__readers_open(struct tr__database *base, char *why);
/* Close them. Nobody uses one. */
void tr__readers_close(struct tr__database *base);

/* Run read->fn on a reader. Awaits; blocks a foreign thread. Whatever the result: the connection
 * has been given back, or read->connection is it, if fn has kept it.
 * Errors: fn's; TR_ECANCELED; TR_EFULL; those of tr_pool_run. Where fn was never called, a
 *         connection that read had is still there. */
int tr__readers_run(tr__read *read);

/* Hold a connection for longer, and give it back, from whatever thread; nothing runs on it. *out is
 * NULL on error.
 * Errors: TR_ECANCELED; TR_EFULL. */
int tr__readers_take(struct tr__database *base, tr__connection **out);
void tr__readers_give(struct tr__database *base, tr__connection *connection);

#endif
