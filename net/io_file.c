/* Sending files: to sockets without a copy, else (by TLS, to pipes, of some file systems) by a
 * buffer. The IO pool reads them, a piece at a time. */
#include <errno.h>
#include <troupe/file.h>
#include <troupe/pool.h>

#include "base/seam.h"
#include "net/file_pipe.h"
#include "net/io.h"
#include "net/system.h"
#include "net/system_file.h"

enum { COPY_PIECE = 128 * 1024 };

/* What is sent, and how. */
typedef struct sending {
    tr_io *io;
    int file;
    int64_t at;
    size_t left;
    ssize_t got;        /* by the last job */
    tr__file_pipe pipe; /* closed: it is copied */
    char *buffer;       /* NULL: it has not been copied yet */
} sending;

static size_t smaller(size_t a, size_t b)
{
    return a < b ? a : b;
}

/* ---- by a pipe ---- */

static int fill_pipe(void *arg)
{
    sending *s = arg;

    s->got = tr__file_pipe_fill(&s->pipe, s->file, &s->at, s->left);
    return 0;
}

/* What the pipe holds goes out. */
static int empty_pipe(sending *s)
{
    int rc = 0;

    while (rc == 0 && s->pipe.held > 0) {
        rc = tr__file_pipe_empty(&s->pipe, s->io->ready.fd);
        if (rc == -EAGAIN)
            rc = tr__io_await_room(s->io);
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

    if (tr__file_pipe_is_open(&s->pipe)) {
        rc = tr__pool_run(TR_POOL_IO, fill_pipe, s, "the reading of a file");
        if (rc < 0 || s->got >= 0)
            return rc;
        tr__file_pipe_close(
            &s->pipe); /* a copy may do, and else tells what is wrong with the file */
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
    sending s = {
        .io = io, .file = file, .at = offset, .left = wanted, .pipe = TR__FILE_PIPE_CLOSED
    };
    int rc = tr__io_drain(io, 0);

    if (rc < 0)
        return rc;
    if (io->is_socket && io->kind == &tr__io_plain)
        (void)tr__file_pipe_open(&s.pipe); /* else it is copied */
    rc = send_pieces(&s);
    if (rc < 0)
        io->is_cut = true;
    tr__file_pipe_close(&s.pipe);
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
