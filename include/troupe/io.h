/* Streams of bytes: sockets, pipes, terminals, and TLS over any of them.
 *
 * A tr_io is one open end. It belongs to the loop on which it was opened: only tasks of that loop
 * may use it. Calls read as blocking ones do, and suspend the task, never the loop; each obeys
 * deadlines (TR_DEADLINE) and cancellation. One task may read while another writes; tasks that
 * write at the same time take turns, call by call; a second reader is refused with TR_EBUSY.
 *
 * After TR_ECANCELED or TR_ETIMEDOUT a read has taken nothing, and may be tried again; of a write,
 * any part may have gone out: close the stream then.
 *
 * A stream that is still open when the runtime stops is closed then; tr_close still frees it.
 *
 *     tr_io *io tr_cleanup_io = NULL;
 *     int rc = tr_tcp_connect(&io, "example.org:80", NULL);
 *     if (rc == 0)
 *         rc = tr_write_all(io, "GET / HTTP/1.0\r\n\r\n", 18);
 *     while (rc == 0 && (n = tr_read(io, buffer, sizeof(buffer))) > 0)
 *         ... */
#ifndef TROUPE_IO_H
#define TROUPE_IO_H

#include <sys/types.h>
#include <sys/uio.h>
#include <troupe/core.h>

#ifdef __cplusplus
extern "C" {
#endif

typedef struct tr_io tr_io;

/* ---- opening ---- */

/* Make a stream of a descriptor at hand: a connected socket, an end of a pipe, a terminal. It
 * becomes non-blocking. (Regular files never wait: see tr_file_open.) *out is NULL on error.
 * Ownership: takes fd on success.
 * Threads:   tasks, loop callbacks.
 * Errors:    TR_EINVAL; TR_ENOMEM; TR_EWRONGPLACE; TR_ESHUTDOWN; -EBADF. */
TR_API int tr_io_open(tr_io **out, int fd);

/* Make a pipe: what is written to one end is read from the other. Both are NULL on error.
 * Threads: as tr_io_open.
 * Errors:  TR_EMFILE, -ENFILE; else as tr_io_open. */
TR_API int tr_pipe(tr_io **read_end, tr_io **write_end);

/* Make two streams that are connected with each other.
 * Threads: as tr_io_open.
 * Errors:  as tr_pipe. */
TR_API int tr_socketpair(tr_io **one, tr_io **other);

/* ---- reading ---- */

/* Read what there is, at least a byte and at most `bytes`: how many; 0 at the end of the stream.
 * Threads: tasks of its loop.
 * Errors:  TR_ECANCELED; TR_ECONNRESET; TR_EPIPE it was closed; TR_EBUSY another task reads;
 *          TR_EWRONGPLACE; TR_EINVAL, also where bytes is 0; TR_ENOMEM; TR_ETLS; others of the
 *          system. */
TR_API ssize_t tr_read(tr_io *io, void *buffer, size_t bytes);

/* Read exactly so many: 0.
 * Threads: as tr_read.
 * Errors:  TR_EEND the stream has ended before: what had come stays, for tr_read; else as tr_read.
 *          */
TR_API int tr_read_exact(tr_io *io, void *buffer, size_t bytes);

/* Read to a delimiter, a text of 1 to 16 bytes ("\n", "\r\n\r\n"): how many bytes, the delimiter's
 * included; 0 where the stream has ended and nothing is left. *data is NULL unless some were read.
 * Ownership: *data is lent until the stream is read next.
 * Threads:   as tr_read.
 * Errors:    TR_ETOOLARGE no delimiter among the first `most` bytes, which stay, for other reads;
 *            TR_EEND the stream has ended within: what had come stays; else as tr_read. */
TR_API ssize_t tr_read_until(tr_io *io, const char **data, const char *delimiter, size_t most);

/* Look at what comes without taking it, at least so many bytes (1 to 16 MiB): how many there are;
 * fewer only where the stream has ended. *data is NULL unless there are some.
 * Ownership: *data is lent until the stream is read next.
 * Threads:   as tr_read.
 * Errors:    as tr_read. */
TR_API ssize_t tr_peek(tr_io *io, const char **data, size_t at_least);

/* ---- writing ---- */

/* Write all: 0 when the system has taken every byte.
 * Threads: tasks of its loop.
 * Errors:  TR_ECANCELED; TR_ECONNRESET; TR_EPIPE it was closed, by either side; TR_EWRONGPLACE;
 *          TR_EINVAL; TR_ENOMEM; TR_ETLS; others of the system. */
TR_API int tr_write_all(tr_io *io, const void *data, size_t bytes);

/* The same for several parts, in order, at most 1024.
 * Threads: as tr_write_all.
 * Errors:  as tr_write_all. */
TR_API int tr_writev_all(tr_io *io, const struct iovec *parts, int count);

/* Write by way of a buffer: it is copied, and goes out with what other calls add to it, when the
 * loop has run what it can run now. While more than the high-water mark waits to go out, it waits
 * until that has fallen to the low one.
 * Threads: as tr_write_all.
 * Errors:  as tr_write_all; an error that came after an earlier call returned. */
TR_API int tr_write(tr_io *io, const void *data, size_t bytes);

/* Wait until all that tr_write was given has gone out.
 * Threads: as tr_write_all.
 * Errors:  as tr_write. */
TR_API int tr_flush(tr_io *io);

/* Set the marks of tr_write, in bytes: 0 for both means the default, 64 KiB and a quarter of that.
 * Threads: its loop.
 * Errors:  TR_EINVAL low is above high; TR_EWRONGPLACE. */
TR_API int tr_io_set_water(tr_io *io, size_t high, size_t low);

/* Say that nothing more will be written: the other side reads the end. It can still be read from.
 * What tr_write was given goes out before.
 * Threads: as tr_write_all.
 * Errors:  as tr_write. */
TR_API int tr_close_write(tr_io *io);

/* ---- the rest ---- */

/* Close it, and free it; NULL is allowed. What tr_write was given goes out before, if the caller is
 * a task that is not cancelled, and no write was cut; TLS then says goodbye, for which it waits a
 * second at most. Tasks that wait for it are told TR_EPIPE.
 * Ownership: it is gone, also on error.
 * Threads:   its loop; any, when the runtime has stopped.
 * Errors:    of what went out last; TR_EWRONGPLACE: then it is not gone. */
TR_API int tr_close(tr_io *io);

/* Its descriptor, for options of the system; -1 if it is closed. Don't read, write or close it.
 * Threads: its loop. */
TR_API int tr_io_fd(const tr_io *io);

/* Take the descriptor away, to be opened elsewhere: on another loop, say. The stream is freed, and
 * *io is NULL. What has been read ahead, or not gone out, would be lost: then it is refused.
 * Ownership: the descriptor is the caller's.
 * Threads:   its loop.
 * Errors:    TR_EBUSY bytes are buffered, or a task waits for it; TR_EINVAL it is TLS;
 *            TR_EWRONGPLACE; TR_EPIPE it is closed. */
TR_API int tr_io_take_fd(tr_io **io);

/* The addresses of both ends as texts, such as "127.0.0.1:8080", "[::1]:8080", "unix:/run/x" or
 * "unix:" for one without a name; "" if it is no socket.
 * Ownership: lent until the stream is closed.
 * Threads:   its loop. */
TR_API const char *tr_io_local(tr_io *io);
TR_API const char *tr_io_peer(tr_io *io);

static inline void tr__cleanup_io(tr_io **at)
{
    (void)tr_close(*at); /* on the loop where the block ran, which is its own */
}
#define tr_cleanup_io __attribute__((cleanup(tr__cleanup_io)))

#ifdef __cplusplus
}
#endif
#endif
