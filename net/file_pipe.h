/* A part of a file on its way to a socket. No loop may wait for a disk: so a thread of the pool
 * lets the kernel put pages of the file into a pipe, and the loop lets it move them on to the
 * socket. Nothing is copied.
 *
 * Threads: one at a time. */
#ifndef TR_NET_FILE_PIPE_H
#define TR_NET_FILE_PIPE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

typedef struct tr__file_pipe {
    int in, out; /* -1: it is not open */
    size_t capacity;
    size_t held; /* bytes that are in it */
} tr__file_pipe;

#define TR__FILE_PIPE_CLOSED ((tr__file_pipe){ .in = -1, .out = -1 })

/* false: there are no descriptors. */
bool tr__file_pipe_open(tr__file_pipe *pipe);
/* Nothing happens if it is not open. */
void tr__file_pipe_close(tr__file_pipe *pipe);
static inline bool tr__file_pipe_is_open(const tr__file_pipe *pipe)
{
    return pipe->in >= 0;
}

/* In a thread of the pool: fill one that is empty, from *at on, which moves on: how many bytes
 * came, at most so many; 0 where the file ends. On error a copy may do, or else tells what is
 * wrong: not all files can be moved so. */
ssize_t tr__file_pipe_fill(tr__file_pipe *pipe, int file, int64_t *at, size_t bytes);
/* Move on what it holds, as far as the socket takes it: 0 when it is empty; -EAGAIN. */
int tr__file_pipe_empty(tr__file_pipe *pipe, int socket);

#endif
