/* Files to sockets, by a pipe (splice). */
#include "net/file_pipe.h"

#include <troupe/core.h>

#include "net/system.h"

/* Of it; a system lets a user have 64 MiB in such pipes (pipe-user-pages-soft), and the rest gets
 * smaller ones. */
enum { BYTES = 512 * 1024 };

bool tr__file_pipe_open(tr__file_pipe *pipe)
{
    int ends[2];

    *pipe = TR__FILE_PIPE_CLOSED;
    if (tr__sys_pipe(ends) < 0)
        return false;
    pipe->out = ends[0];
    pipe->in = ends[1];
    pipe->capacity = tr__sys_pipe_grow(pipe->in, BYTES);
    return true;
}

void tr__file_pipe_close(tr__file_pipe *pipe)
{
    if (!tr__file_pipe_is_open(pipe))
        return;
    tr__sys_close(pipe->in);
    tr__sys_close(pipe->out);
    *pipe = TR__FILE_PIPE_CLOSED;
}

ssize_t tr__file_pipe_fill(tr__file_pipe *pipe, int file, int64_t *at, size_t bytes)
{
    ssize_t count =
        tr__sys_splice(file, at, pipe->in, bytes < pipe->capacity ? bytes : pipe->capacity);

    pipe->held = count > 0 ? (size_t)count : 0;
    return count;
}

int tr__file_pipe_empty(tr__file_pipe *pipe, int socket)
{
    while (pipe->held > 0) {
        ssize_t moved = tr__sys_splice(pipe->out, NULL, socket, pipe->held);

        if (moved < 0)
            return (int)moved;
        if (moved == 0)
            return TR_EPIPE; /* it can't be: the pipe is not empty */
        pipe->held -= (size_t)moved;
    }
    return 0;
}
