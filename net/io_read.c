/* Reading from streams. */
#include <errno.h>
#include <string.h>

#include "base/compiler.h"
#include "net/io.h"
#include "net/system.h"
#include "runtime/task.h"

enum {
    PIECE = 16 * 1024, /* that is read ahead at once */
    KEPT = 16 * 1024,  /* of an empty buffer */
    PEEKED_MOST = 16 * 1024 * 1024,
    DELIMITER_MOST = 16
};

/* ---- as the system has it ---- */

ssize_t tr__io_plain_read(tr_io *io, void *buffer, size_t bytes)
{
    if (io->is_socket)
        return tr__sys_recv(io->ready.fd, buffer, bytes);
    return tr__sys_read(io->ready.fd, buffer, bytes);
}

/* ---- waiting ---- */

typedef struct read_attempt {
    tr__way_attempt attempt;
    tr_io *io;
    void *buffer;
    size_t bytes;
    ssize_t count; /* what came of it */
} read_attempt;

/* Where the read has taken less than it could, nothing was left. */
static ssize_t try_read(tr_io *io, void *buffer, size_t bytes)
{
    ssize_t count = io->kind->try_read(io, buffer, bytes);

    io->is_dry = count == -EAGAIN || (io->kind->is_plain && count > 0 && (size_t)count < bytes);
    return count;
}

static bool run_attempt(tr__way_attempt *attempt)
{
    read_attempt *a = TR__CONTAINER_OF(attempt, read_attempt, attempt);

    a->count = try_read(a->io, a->buffer, a->bytes);
    return a->count != -EAGAIN;
}

/* Wait, and read as soon as something comes; of TLS only the wait, for what its reads do and call
 * is no matter for the loop. -EAGAIN: now it may succeed. */
static ssize_t await_some(tr_io *io, void *buffer, size_t bytes)
{
    read_attempt a = {
        .attempt = { run_attempt }, .io = io, .buffer = buffer, .bytes = bytes, .count = -EAGAIN
    };
    int rc = tr__ready_attempt(&io->ready, &io->ready.in, io->kind->awaits_in,
                               io->kind->is_plain ? &a.attempt : NULL);

    if (rc < 0)
        return rc;
    io->streak = 0;
    return a.count;
}

/* Read some as soon as there is any. Where nothing was left by the last read, it waits first, and
 * saves a call that would say so. */
static ssize_t read_some(tr_io *io, void *buffer, size_t bytes)
{
    ssize_t count = io->is_dry ? -EAGAIN : try_read(io, buffer, bytes);

    while (count == -EAGAIN) {
        count = await_some(io, buffer, bytes);
        if (count == -EAGAIN)
            count = try_read(io, buffer, bytes);
    }
    return count;
}

/* What each read does first and last: only one at a time, and what is lent ends. */
static int enter(tr_io *io)
{
    int rc = tr__io_enter(io);

    if (rc < 0)
        return rc;
    if (io->is_reading)
        return (int)tr__io_leave(io, TR_EBUSY);
    if (tr__buffer_count(&io->in) == 0 && io->in.capacity > KEPT)
        tr__buffer_free(&io->in);
    io->is_reading = true;
    return 0;
}

static ssize_t leave(tr_io *io, ssize_t result)
{
    io->is_reading = false;
    return tr__io_leave(io, result);
}

/* Let at least so many bytes stand in the buffer: how many do; fewer at the end only. */
static ssize_t fill(tr_io *io, size_t at_least)
{
    while (tr__buffer_count(&io->in) < at_least) {
        size_t missing = at_least - tr__buffer_count(&io->in);
        ssize_t count;

        if (!tr__buffer_reserve(&io->in, missing > PIECE ? missing : PIECE))
            return TR_ENOMEM;
        count = read_some(io, io->in.bytes + io->in.end, io->in.capacity - io->in.end);
        if (count < 0)
            return count;
        if (count == 0)
            break;
        io->in.end += (size_t)count;
    }
    return (ssize_t)tr__buffer_count(&io->in);
}

static size_t take_buffered(tr_io *io, void *buffer, size_t bytes)
{
    size_t count = tr__buffer_count(&io->in);

    if (count > bytes)
        count = bytes;
    memcpy(buffer, io->in.bytes + io->in.begin, count);
    tr__buffer_take(&io->in, count);
    return count;
}

/* ---- the API ---- */

ssize_t tr_read(tr_io *io, void *buffer, size_t bytes)
{
    int rc = buffer == NULL || bytes == 0 || bytes > SSIZE_MAX ? TR_EINVAL : enter(io);

    if (rc < 0)
        return rc;
    if (tr__buffer_count(&io->in) > 0)
        return leave(io, (ssize_t)take_buffered(io, buffer, bytes));
    return leave(io, read_some(io, buffer, bytes));
}

int tr_read_exact(tr_io *io, void *buffer, size_t bytes)
{
    int rc = buffer == NULL || bytes > SSIZE_MAX / 4 ? TR_EINVAL : enter(io);
    ssize_t count;

    if (rc < 0)
        return rc;
    count = fill(io, bytes);
    if (count >= 0 && (size_t)count < bytes)
        count = TR_EEND;
    if (count > 0)
        (void)take_buffered(io, buffer, bytes); /* all of it is there */
    return (int)leave(io, count < 0 ? count : 0);
}

ssize_t tr_peek(tr_io *io, const char **data, size_t at_least)
{
    ssize_t count;
    int rc;

    if (data == NULL)
        return TR_EINVAL;
    *data = NULL;
    rc = at_least == 0 || at_least > PEEKED_MOST ? TR_EINVAL : enter(io);
    if (rc < 0)
        return rc;
    count = fill(io, at_least);
    if (count > 0)
        *data = io->in.bytes + io->in.begin;
    return leave(io, count);
}

/* Behind the first delimiter in what is buffered; 0: there is none. No byte is looked at twice. */
static size_t find(const tr_io *io, const char *delimiter, size_t *searched)
{
    size_t bytes = strlen(delimiter);
    const char *begin = io->in.bytes + io->in.begin;
    size_t count = tr__buffer_count(&io->in);
    const char *found = memmem(begin + *searched, count - *searched, delimiter, bytes);

    if (found != NULL)
        return (size_t)(found - begin) + bytes;
    *searched = count >= bytes ? count - bytes + 1 : 0;
    return 0;
}

static ssize_t read_until(tr_io *io, const char *delimiter, size_t most)
{
    size_t searched = 0;
    size_t found;

    while (tr__buffer_count(&io->in) == 0 || (found = find(io, delimiter, &searched)) == 0) {
        size_t before = tr__buffer_count(&io->in);
        ssize_t count;

        if (before >= most)
            return TR_ETOOLARGE;
        count = fill(io, before + 1);
        if (count < 0)
            return count;
        if ((size_t)count == before)
            return before == 0 ? 0 : TR_EEND;
    }
    return found <= most ? (ssize_t)found : TR_ETOOLARGE;
}

ssize_t tr_read_until(tr_io *io, const char **data, const char *delimiter, size_t most)
{
    ssize_t count;
    int rc;

    if (data == NULL)
        return TR_EINVAL;
    *data = NULL;
    if (delimiter == NULL || delimiter[0] == 0 || strlen(delimiter) > DELIMITER_MOST || most == 0)
        return TR_EINVAL;
    rc = enter(io);
    if (rc < 0)
        return rc;
    count = read_until(io, delimiter, most);
    if (count > 0) {
        *data = io->in.bytes + io->in.begin;
        tr__buffer_take(&io->in, (size_t)count); /* it stays where it is */
    }
    return leave(io, count);
}
