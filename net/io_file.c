/* Sending files. No loop may wait for a disk, so that a file is read by the IO pool, a piece at a
 * time: into a pipe, which takes its pages without a copy, and from there the kernel moves them to
 * the socket; or, where it can't (TLS, pipes, some file systems), into a buffer. */
#include <stdio.h>
#include <troupe/file.h>
#include <troupe/pool.h>

#include "base/seam.h"
#include "net/io.h"
#include "net/system.h"
#include "net/system_file.h"

enum {
    PIPE_PIECE = 1024 * 1024, /* or what the system lets a pipe hold */
    COPY_PIECE = 128 * 1024
};

/* What is sent, and how. */
typedef struct sending {
    tr_io *io;
    int file;
    int64_t at;
    size_t left;
    ssize_t got;      /* by the last job */
    int pipe_ends[2]; /* -1: it is copied */
    size_t pipe_bytes;
    char *buffer; /* NULL: it is not copied */
} sending;

static size_t smaller(size_t a, size_t b)
{
    return a < b ? a : b;
}

/* ---- by a pipe ---- */

static void close_pipe(sending *s)
{
    for (int i = 0; i < 2; i++)
        if (s->pipe_ends[i] >= 0)
            tr__sys_close(s->pipe_ends[i]);
    s->pipe_ends[0] = s->pipe_ends[1] = -1;
}

static void open_pipe(sending *s)
{
    if (!s->io->is_socket || s->io->kind != &tr__io_plain || tr__sys_pipe(s->pipe_ends) < 0)
        s->pipe_ends[0] = s->pipe_ends[1] = -1;
    else
        s->pipe_bytes = tr__sys_pipe_grow(s->pipe_ends[1], PIPE_PIECE);
}

static int fill_pipe(void *arg)
{
    sending *s = arg;

    s->got = tr__sys_splice(s->file, &s->at, s->pipe_ends[1], smaller(s->left, s->pipe_bytes));
    return 0;
}

/* What the pipe holds goes out. */
static int empty_pipe(sending *s)
{
    ssize_t rest = s->got;
    int rc = 0;

    while (rc == 0 && rest > 0) {
        ssize_t moved = tr__sys_splice(s->pipe_ends[0], NULL, s->io->ready.fd, (size_t)rest);

        if (moved > 0)
            rest -= moved;
        else if (moved == -EAGAIN)
            rc = tr__io_await_room(s->io);
        else
            rc = moved < 0 ? (int)moved : TR_EPIPE;
    }
    return rc;
}

/* ---- by a buffer ---- */

static int fill_buffer(void *arg)
{
    sending *s = arg;

    s->got = tr__sys_file_read(s->file, s->buffer, smaller(s->left, COPY_PIECE), s->at);
    if (s->got > 0)
        s->at += s->got;
    return 0;
}

static int empty_buffer(sending *s)
{
    struct iovec part = { s->buffer, (size_t)s->got };

    return tr__io_write_parts(s->io, &part, 1);
}

/* ---- all of it ---- */

/* What a piece of the file is: s->got bytes, 0 at its end, or an error. */
static int read_piece(sending *s)
{
    int rc;

    if (s->pipe_ends[0] >= 0) {
        rc = tr__pool_run(TR_POOL_IO, fill_pipe, s, "the reading of a file");
        if (rc < 0 || s->got >= 0)
            return rc;
        close_pipe(s); /* a copy may do, and else tells what is wrong with the file */
    }
    if (s->buffer == NULL)
        s->buffer = tr__alloc(COPY_PIECE);
    if (s->buffer == NULL)
        return TR_ENOMEM;
    rc = tr__pool_run(TR_POOL_IO, fill_buffer, s, "the reading of a file");
    return rc == 0 && s->got < 0 ? (int)s->got : rc;
}

static int send_pieces(sending *s)
{
    int rc = 0;

    while (rc == 0 && s->left > 0) {
        rc = read_piece(s);
        if (rc == 0 && s->io->is_closed)
            rc = TR_EPIPE; /* meanwhile, by another task */
        if (rc < 0 || s->got == 0)
            break;
        rc = s->buffer != NULL ? empty_buffer(s) : empty_pipe(s);
        if (rc == 0)
            s->left -= (size_t)s->got;
    }
    return rc;
}

static ssize_t send_file(tr_io *io, int file, int64_t offset, size_t bytes)
{
    size_t wanted = smaller(bytes, (size_t)(INT64_MAX - offset)); /* no file has more */
    sending s = { .io = io, .file = file, .at = offset, .left = wanted };
    int rc = tr__io_drain(io, 0);

    if (rc < 0)
        return rc;
    open_pipe(&s);
    rc = send_pieces(&s);
    if (rc < 0)
        io->is_cut = true;
    close_pipe(&s);
    tr__free(s.buffer);
    return rc < 0 ? rc : (ssize_t)(wanted - s.left);
}

ssize_t tr_sendfile(tr_io *io, const tr_file *f, uint64_t offset, size_t bytes)
{
    int rc = f == NULL || offset > INT64_MAX ? TR_EINVAL : tr__io_begin_writing(io);

    if (rc < 0)
        return rc;
    return tr__io_end_writing(io, send_file(io, tr_file_fd(f), (int64_t)offset, bytes));
}
