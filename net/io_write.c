/* Writing to streams. Whoever writes has the turn; what tr_write has buffered goes out before
 * anything else, by a callback of the loop where nobody has it. */
#include <errno.h>
#include <limits.h>
#include <string.h>

#include "net/io.h"
#include "net/system.h"
#include "runtime/task.h"

enum {
    HIGH = 64 * 1024,
    LOW = HIGH / 4,
    KEPT = 16 * 1024, /* of an empty buffer */
    PARTS_MOST = 1024 /* that the system takes */
};

/* ---- as the system has it ---- */

ssize_t tr__io_plain_write(tr_io *io, const struct iovec *parts, int count)
{
    if (!io->is_socket)
        return tr__sys_writev(io->ready.fd, parts, count);
    if (count == 1)
        return tr__sys_send(io->ready.fd, parts->iov_base, parts->iov_len);
    return tr__sys_sendmsg(io->ready.fd, &(struct msghdr){ .msg_iov = (struct iovec *)parts,
                                                           .msg_iovlen = (size_t)count });
}

/* ---- in the background ---- */

/* Send what is buffered, as far as it goes: 0 when all is out. */
static int send_buffered(tr_io *io)
{
    while (tr__buffer_count(&io->out) > 0) {
        struct iovec part = { io->out.bytes + io->out.begin, tr__buffer_count(&io->out) };
        ssize_t count = io->kind->try_write(io, &part, 1);

        if (count < 0)
            return (int)count;
        tr__buffer_take(&io->out, (size_t)count);
    }
    if (io->out.capacity > KEPT)
        tr__buffer_free(&io->out);
    return io->kind->try_flush(io);
}

static void go_on(tr_io *io)
{
    int rc = send_buffered(io);

    if (rc == -EAGAIN)
        tr__ready_call(&io->ready, &io->ready.out, &io->flusher);
    else if (rc < 0)
        io->failure = rc;
}

static void on_flush(tr__flush *flush)
{
    tr_io *io = TR__CONTAINER_OF(flush, tr_io, flush);

    if (io->ready.out.waiter == NULL) /* else whoever has the turn sends it */
        go_on(io);
}

static void on_writable(tr__way_waiter *waiter, int result)
{
    if (result == 0)
        go_on(TR__CONTAINER_OF(waiter, tr_io, flusher));
}

bool tr__io_has_unsent(const tr_io *io)
{
    return tr__buffer_count(&io->out) > 0 ||
           (io->kind->holds_back != NULL && io->kind->holds_back(io));
}

void tr__io_stop_flusher(tr_io *io)
{
    tr__flush_call_off(&io->flush);
    tr__ready_call_off(&io->ready.out, &io->flusher);
}

/* ---- with the turn ---- */

int tr__io_begin_writing(tr_io *io)
{
    int rc = tr__io_enter(io);

    if (rc < 0)
        return rc;
    rc = tr_lock(&io->turn);
    if (rc == 0 && io->is_closed)
        rc = TR_EPIPE;
    else if (rc == 0)
        rc = io->has_ended ? TR_EPIPE : io->failure;
    else
        return (int)tr__io_leave(io, rc);
    if (rc < 0) {
        (void)tr_unlock(&io->turn); /* it is ours */
        return (int)tr__io_leave(io, rc);
    }
    tr__io_stop_flusher(io);
    return 0;
}

/* Who leaves without having sent all that is buffered hands it back to the background: that the
 * caller was cancelled, say, is not the fault of what others have written. */
ssize_t tr__io_end_writing(tr_io *io, ssize_t result)
{
    if (io->ready.net != NULL && tr__io_has_unsent(io))
        tr__flush_ask(io->ready.net, &io->flush);
    (void)tr_unlock(&io->turn); /* it is ours */
    return tr__io_leave(io, result);
}

int tr__io_await_room(tr_io *io)
{
    io->streak = 0;
    return tr__ready_await(&io->ready, &io->ready.out, io->kind->awaits_out);
}

int tr__io_drain(tr_io *io, size_t low)
{
    int rc;

    while ((rc = send_buffered(io)) == -EAGAIN && (low == 0 || tr__buffer_count(&io->out) > low))
        if ((rc = tr__io_await_room(io)) < 0)
            return rc;
    return rc == -EAGAIN ? 0 : rc;
}

/* Parts behind the bytes that have been written. */
static void advance(struct iovec *parts, int count, int *first, size_t written)
{
    while (*first < count && written >= parts[*first].iov_len)
        written -= parts[(*first)++].iov_len;
    if (*first < count) {
        parts[*first].iov_base = (char *)parts[*first].iov_base + written;
        parts[*first].iov_len -= written;
    }
}

int tr__io_write_parts(tr_io *io, struct iovec *parts, int count)
{
    int first = 0;
    int rc = tr__io_drain(io, 0);

    advance(parts, count, &first, 0); /* past empty ones */
    while (rc == 0 && first < count) {
        ssize_t written = io->kind->try_write(io, parts + first, count - first);

        if (written > 0)
            advance(parts, count, &first, (size_t)written);
        else if (written == -EAGAIN)
            rc = tr__io_await_room(io);
        else
            rc = (int)written;
    }
    if (rc == 0)
        rc = tr__io_drain(io, 0);
    io->is_cut = rc < 0;
    return rc;
}

/* ---- the API ---- */

int tr_write_all(tr_io *io, const void *data, size_t bytes)
{
    struct iovec part = { (void *)(uintptr_t)data, bytes };
    int rc =
        (data == NULL && bytes > 0) || bytes > SSIZE_MAX ? TR_EINVAL : tr__io_begin_writing(io);

    return rc < 0 ? rc : (int)tr__io_end_writing(io, tr__io_write_parts(io, &part, 1));
}

static bool are_valid(const struct iovec *parts, int count)
{
    size_t bytes = 0;

    if (count < 0 || count > PARTS_MOST || (parts == NULL && count > 0))
        return false;
    for (int i = 0; i < count; i++) {
        if (parts[i].iov_len > SSIZE_MAX - bytes || (parts[i].iov_base == NULL && parts[i].iov_len))
            return false;
        bytes += parts[i].iov_len;
    }
    return true;
}

int tr_writev_all(tr_io *io, const struct iovec *parts, int count)
{
    struct iovec copy[PARTS_MOST / 16]; /* as much as a task's stack bears */
    int rc = are_valid(parts, count) ? tr__io_begin_writing(io) : TR_EINVAL;
    int few = (int)(sizeof(copy) / sizeof(copy[0]));

    if (rc < 0)
        return rc;
    for (int done = 0; rc == 0 && done < count; done += few) {
        int some = count - done < few ? count - done : few;

        memcpy(copy, parts + done, (size_t)some * sizeof(copy[0]));
        rc = tr__io_write_parts(io, copy, some);
    }
    return (int)tr__io_end_writing(io, rc);
}

/* Copy it behind what is buffered, a high-water mark at a time. */
static int buffer_all(tr_io *io, const char *data, size_t bytes)
{
    size_t low = io->low < io->high ? io->low : io->high - 1; /* there must be some room then */
    int rc = 0;

    while (rc == 0 && bytes > 0) {
        size_t waits = tr__buffer_count(&io->out);
        size_t some = waits < io->high ? io->high - waits : 0;

        if (some > bytes)
            some = bytes;
        if (!tr__buffer_reserve(&io->out, some))
            return TR_ENOMEM;
        memcpy(io->out.bytes + io->out.end, data, some);
        io->out.end += some;
        data += some;
        bytes -= some;
        if (tr__buffer_count(&io->out) >= io->high)
            rc = tr__io_drain(io, low);
    }
    return rc;
}

int tr_write(tr_io *io, const void *data, size_t bytes)
{
    int rc =
        (data == NULL && bytes > 0) || bytes > SSIZE_MAX / 4 ? TR_EINVAL : tr__io_begin_writing(io);

    return rc < 0 ? rc : (int)tr__io_end_writing(io, buffer_all(io, data, bytes));
}

int tr_flush(tr_io *io)
{
    int rc = tr__io_begin_writing(io);

    return rc < 0 ? rc : (int)tr__io_end_writing(io, tr__io_drain(io, 0));
}

int tr_close_write(tr_io *io)
{
    int rc = tr__io_begin_writing(io);

    if (rc < 0)
        return rc;
    rc = tr__io_drain(io, 0);
    while (rc == 0 && (rc = io->kind->try_end(io)) == -EAGAIN)
        rc = tr__io_await_room(io);
    if (rc == 0)
        io->has_ended = true;
    return (int)tr__io_end_writing(io, rc);
}

int tr_io_set_water(tr_io *io, size_t high, size_t low)
{
    if (io == NULL || low > high)
        return TR_EINVAL;
    if (io->ready.net != NULL && io->ready.net->loop != tr__loop_here())
        return TR_EWRONGPLACE;
    io->high = high > 0 ? high : HIGH;
    io->low = high > 0 ? low : LOW;
    return 0;
}

void tr__io_init_writing(tr_io *io)
{
    io->high = HIGH;
    io->low = LOW;
    io->flush.fn = on_flush;
    io->flusher.end = on_writable;
}
