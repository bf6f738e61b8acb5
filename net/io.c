/* Streams of bytes: opening and closing. */
#include "net/io.h"

#include <errno.h>
#include <sys/socket.h>
#include <troupe/task.h>

#include "base/seam.h"
#include "net/address.h"
#include "net/system.h"
#include "runtime/task.h"

static const double GOODBYE_S = 1; /* until there is room for it */

/* ---- the plain kind ---- */

static int plain_flush(tr_io *io)
{
    (void)io;
    return 0;
}

/* A pipe has no other way to say it than to be closed. */
static int plain_end(tr_io *io)
{
    int rc;

    if (!io->is_socket) {
        tr__ready_close(&io->ready);
        return 0;
    }
    rc = tr__sys_shutdown(io->ready.fd, SHUT_WR);
    return rc == -ENOTCONN ? TR_EPIPE : rc;
}

const tr__io_kind tr__io_plain = {
    .awaits_in = "data from a stream",
    .awaits_out = "room in a stream",
    .is_plain = true,
    .try_read = tr__io_plain_read,
    .try_write = tr__io_plain_write,
    .try_flush = plain_flush,
    .try_end = plain_end,
};

/* ---- opening ---- */

int tr__io_new(tr_io **out, int fd, bool is_socket)
{
    tr_io *io = tr__alloc_zeroed(sizeof(*io));
    int rc = io == NULL ? TR_ENOMEM : tr__ready_open(&io->ready, fd);

    *out = NULL;
    if (rc < 0) {
        tr__free(io);
        return rc;
    }
    io->kind = &tr__io_plain;
    io->is_socket = is_socket;
    tr__io_init_writing(io);
    *out = io;
    return 0;
}

int tr_io_open(tr_io **out, int fd)
{
    int rc;

    if (out == NULL)
        return TR_EINVAL;
    *out = NULL;
    if (fd < 0)
        return TR_EINVAL;
    rc = tr__sys_set_nonblocking(fd);
    return rc < 0 ? rc : tr__io_new(out, fd, tr__sys_is_socket(fd));
}

/* Both ends of something, or none. */
static int open_both(tr_io **one, tr_io **other, const int ends[2], bool are_sockets)
{
    int rc = tr__io_new(one, ends[0], are_sockets);

    if (rc < 0) {
        tr__sys_close(ends[0]);
        tr__sys_close(ends[1]);
        return rc;
    }
    rc = tr__io_new(other, ends[1], are_sockets);
    if (rc < 0) {
        (void)tr_close(*one); /* on its loop, and nothing is buffered */
        *one = NULL;
        tr__sys_close(ends[1]);
    }
    return rc;
}

static int make_both(tr_io **one, tr_io **other, int (*make)(int ends[2]), bool are_sockets)
{
    int ends[2];
    int rc;

    if (one != NULL)
        *one = NULL;
    if (other != NULL)
        *other = NULL;
    if (one == NULL || other == NULL)
        return TR_EINVAL;
    if (tr__loop_here() == NULL)
        return TR_EWRONGPLACE;
    rc = make(ends);
    return rc < 0 ? rc : open_both(one, other, ends, are_sockets);
}

int tr_pipe(tr_io **read_end, tr_io **write_end)
{
    return make_both(read_end, write_end, tr__sys_pipe, false);
}

int tr_socketpair(tr_io **one, tr_io **other)
{
    return make_both(one, other, tr__sys_socketpair, true);
}

/* ---- closing ---- */

static void free_io(tr_io *io)
{
    if (io->kind->fini != NULL)
        io->kind->fini(io);
    tr__buffer_free(&io->in);
    tr__buffer_free(&io->out);
    tr__free(io->local);
    tr__free(io->peer);
    tr__free(io);
}

int tr__io_enter(tr_io *io)
{
    int rc = io == NULL ? TR_EINVAL : tr__ready_check(&io->ready);

    if (rc < 0)
        return rc;
    io->users++;
    rc = tr__ready_take_turns(&io->ready, &io->streak);
    return rc < 0 ? (int)tr__io_leave(io, rc) : 0;
}

ssize_t tr__io_leave(tr_io *io, ssize_t result)
{
    io->users--;
    if (io->is_closed && io->users == 0)
        free_io(io);
    return result;
}

static bool is_elsewhere(const tr_io *io)
{
    return io->ready.net != NULL && io->ready.net->loop != tr__loop_here();
}

/* Say goodbye, where the kind has one. That all was written before is not known to the other side
 * without it; but nobody waits for long until there is room for it. */
static void part(tr_io *io, bool may_wait)
{
    int rc = 0;

    if (io->kind->part == NULL)
        return;
    io->kind->part(io);
    if (!may_wait || !tr__io_has_unsent(io))
        return;
    TR_DEADLINE(GOODBYE_S, &rc) {
        rc = tr_flush(io);
    }
    tr__io_stop_flusher(io); /* of a goodbye that was too late; the stream closes in any case */
}

int tr_close(tr_io *io)
{
    bool may_wait;
    int rc = 0;

    if (io == NULL)
        return 0;
    if (is_elsewhere(io))
        return TR_EWRONGPLACE;
    may_wait = !io->is_cut && tr__ready_check(&io->ready) == 0;
    if (tr__io_has_unsent(io) && may_wait)
        rc = tr_flush(io);
    else if (tr__io_has_unsent(io))
        rc = TR_ECANCELED; /* nobody is left to wait for it */
    if (io->ready.net != NULL) {
        tr__io_stop_flusher(io);
        part(io, may_wait && rc == 0);
    }
    tr__ready_close(&io->ready);
    io->is_closed = true;
    if (io->users == 0)
        free_io(io);
    return rc;
}

int tr_io_fd(const tr_io *io)
{
    return io != NULL ? io->ready.fd : -1;
}

int tr_io_take_fd(tr_io **io)
{
    tr_io *taken = io != NULL ? *io : NULL;
    int fd;

    if (taken == NULL || taken->kind != &tr__io_plain)
        return TR_EINVAL;
    if (is_elsewhere(taken))
        return TR_EWRONGPLACE;
    if (taken->users > 0 || tr__buffer_count(&taken->in) > 0 || tr__buffer_count(&taken->out) > 0)
        return TR_EBUSY;
    fd = tr__ready_take(&taken->ready);
    free_io(taken);
    *io = NULL;
    return fd < 0 ? TR_EPIPE : fd;
}

/* ---- addresses ---- */

static const char *name_of(tr_io *io, char **kept,
                           int (*ask)(int fd, struct sockaddr_storage *name, socklen_t *bytes))
{
    char text[TR__ADDRESS_TEXT];
    tr_address address;

    if (io == NULL || !io->is_socket)
        return "";
    if (*kept == NULL && io->ready.fd >= 0 &&
        ask(io->ready.fd, &address.tr__storage, &address.tr__bytes) == 0) {
        (void)tr_address_format(&address, text, sizeof(text)); /* it fits */
        *kept = tr__copy_string(text);
    }
    return *kept != NULL ? *kept : "";
}

const char *tr_io_local(tr_io *io)
{
    return io != NULL ? name_of(io, &io->local, tr__sys_local_name) : "";
}

const char *tr_io_peer(tr_io *io)
{
    return io != NULL ? name_of(io, &io->peer, tr__sys_peer_name) : "";
}
