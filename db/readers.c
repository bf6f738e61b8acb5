#include "db/readers.h"

#include <string.h>

#include "base/seam.h"
#include "base/threads.h"
#include "db/database.h"

/* ---- the stack of those that are free ---- */

static tr__connection *pop(tr__readers *readers)
{
    tr__reader *reader;

    tr__mutex_lock(&readers->lock);
    reader = readers->free;
    readers->free = reader->next;
    tr__mutex_unlock(&readers->lock);
    return &reader->connection;
}

void tr__readers_give(struct tr__database *base, tr__connection *connection)
{
    tr__readers *readers = &base->readers;
    tr__reader *reader = TR__CONTAINER_OF(connection, tr__reader, connection);

    tr__mutex_lock(&readers->lock);
    reader->next = readers->free;
    readers->free = reader;
    tr__mutex_unlock(&readers->lock);
    (void)tr_semaphore_release(&readers->permits); /* it was taken */
}

/* ---- the line ---- */

/* One more waits to read.
 * Errors: TR_EFULL. */
static int stand_in_line(tr__database *base)
{
    int rc = 0;

    tr__mutex_lock(&base->lock);
    if (base->waiting_reads >= base->options.waiting_most)
        rc = TR_EFULL;
    else
        base->waiting_reads++;
    tr__mutex_unlock(&base->lock);
    return rc;
}

/* With a connection, or without one. */
static void leave_line(tr__database *base, bool begins)
{
    tr__mutex_lock(&base->lock);
    base->waiting_reads--;
    base->reads += begins;
    tr__mutex_unlock(&base->lock);
}

static int take(tr__database *base, tr__connection **out)
{
    int rc = tr_semaphore_acquire(&base->readers.permits);

    *out = rc == 0 ? pop(&base->readers) : NULL;
    return rc;
}

int tr__readers_take(struct tr__database *base, tr__connection **out)
{
    int rc = stand_in_line(base);

    *out = NULL;
    if (rc < 0)
        return rc;
    rc = take(base, out);
    leave_line(base, rc == 0);
    return rc;
}

/* ---- running ---- */

/* On the thread, with a connection. */
static int run(tr__read *read)
{
    tr__connection *connection = read->connection;
    int rc;

    tr__connection_enter(connection);
    rc = read->fn(read);
    if (rc < 0)
        memcpy(read->why, connection->why, sizeof(read->why));
    tr__connection_leave(connection);
    if (read->keeps)
        return rc;
    read->connection = NULL;
    tr__readers_give(read->base, connection);
    return rc;
}

enum { NONE_IS_FREE = 1 << 30 }; /* no result of a read's */

static int run_with_any(void *arg)
{
    tr__read *read = arg;
    tr__readers *readers = &read->base->readers;

    if (tr_semaphore_try_acquire(&readers->permits, 1) < 0)
        return NONE_IS_FREE;
    leave_line(read->base, true);
    read->has_begun = true;
    read->connection = pop(readers);
    return run(read);
}

static int run_with_its_own(void *arg)
{
    return run(arg);
}

/* All are held: wait for one here, without leaving the line, then go once more. */
static int wait_and_run(tr__read *read)
{
    tr__readers *readers = &read->base->readers;
    int rc = take(read->base, &read->connection);

    leave_line(read->base, rc == 0);
    read->has_begun = true;
    if (rc < 0)
        return rc;
    rc = tr__pool_run(readers->pool, run_with_its_own, read, "a read");
    if (rc < 0 && read->connection != NULL && !read->keeps) {
        tr__readers_give(read->base, read->connection); /* it never ran */
        read->connection = NULL;
    }
    return rc;
}

int tr__readers_run(tr__read *read)
{
    tr__database *base = read->base;
    int rc;

    read->keeps = false;
    read->has_begun = false;
    read->why[0] = '\0';
    if (read->connection != NULL)
        return tr__pool_run(base->readers.pool, run_with_its_own, read, "a read");
    rc = stand_in_line(base);
    if (rc < 0)
        return rc;
    rc = tr__pool_run(base->readers.pool, run_with_any, read, "a read");
    if (rc == NONE_IS_FREE)
        return wait_and_run(read);
    if (!read->has_begun)
        leave_line(base, false);
    return rc;
}

/* ---- opening and closing ---- */

static int open_all(void *arg)
{
    tr__read *read = arg;
    tr__readers *readers = &read->base->readers;
    int rc = 0;

    for (int i = 0; rc == 0 && i < readers->count; i++) {
        rc = tr__connection_open(&readers->all[i].connection, &read->base->options,
                                 TR__CONNECTION_READS);
        if (rc < 0)
            memcpy(read->why, readers->all[i].connection.why, sizeof(read->why));
    }
    return rc;
}

static int close_all(void *arg)
{
    tr__readers *readers = arg;

    for (int i = 0; i < readers->count; i++)
        tr__connection_close(&readers->all[i].connection);
    return 0;
}

int tr__readers_open(struct tr__database *base, char *why)
{
    tr__readers *readers = &base->readers;
    tr__read read = { .base = base };
    int rc;

    readers->count = base->options.readers;
    readers->permits = (tr_semaphore)TR_SEMAPHORE_INIT((uint64_t)readers->count);
    (void)pthread_mutex_init(&readers->lock, NULL); /* can't fail on Linux */
    if (readers->count == 0)
        return 0;
    readers->all = tr__alloc_zeroed((size_t)readers->count * sizeof(tr__reader));
    if (readers->all == NULL)
        return TR_ENOMEM;
    rc = tr_pool_new(&readers->pool, "db-read", readers->count);
    if (rc == 0)
        rc = tr__pool_run(readers->pool, open_all, &read, "opening a database");
    memcpy(why, read.why, sizeof(read.why));
    if (rc < 0) {
        tr__readers_close(base);
        return rc;
    }
    for (int i = 0; i < readers->count; i++) {
        readers->all[i].next = readers->free;
        readers->free = &readers->all[i];
    }
    return 0;
}

void tr__readers_close(struct tr__database *base)
{
    tr__readers *readers = &base->readers;

    if (readers->pool != NULL) {
        /* Where no thread can do it, the caller does. */
        if (tr__pool_run(readers->pool, close_all, readers, "closing a database") < 0)
            (void)close_all(readers);
        (void)tr_pool_free(readers->pool); /* no job is left */
    }
    (void)pthread_mutex_destroy(&readers->lock); /* nobody has it */
    tr__free(readers->all);
}
