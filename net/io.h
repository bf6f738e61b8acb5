/* Streams of bytes, inside.
 *
 * What a stream does by itself, whether its bytes go to the system as they are or through TLS, is
 * in its kind: calls that never wait. All waiting, buffering and taking turns is common (io_read.c,
 * io_write.c).
 *
 *     tr_read ---> input buffer <--- try_read  <--- [TLS] <--- descriptor
 *     tr_write --> output buffer --> try_write ---> [TLS] ---> descriptor
 *
 * Threads: its loop's. */
#ifndef TR_NET_IO_H
#define TR_NET_IO_H

#include <troupe/io.h>
#include <troupe/sync.h>

#include "net/ready.h"

/* Each returns -EAGAIN where it has to wait for the descriptor. */
typedef struct tr__io_kind {
    const char *awaits_in; /* for people: "data from a socket" */
    const char *awaits_out;
    bool is_plain; /* a read that takes less than it could has taken all that was there */
    /* At least a byte; 0: the end. */
    ssize_t (*try_read)(tr_io *io, void *buffer, size_t bytes);
    /* At least a byte of these, which are at most 1024. */
    ssize_t (*try_write)(tr_io *io, const struct iovec *parts, int count);
    /* Let go out what the kind holds back: 0 when all is out. */
    int (*try_flush)(tr_io *io);
    /* Whether it holds something back; NULL: never. */
    bool (*holds_back)(const tr_io *io);
    /* Say that nothing more comes: 0 when that is out. */
    int (*try_end)(tr_io *io);
    /* It is about to be closed: say so to the other side, if that can be done at once. NULL:
     * nothing to say. */
    void (*part)(tr_io *io);
    /* Before it is freed; NULL: nothing to do. */
    void (*fini)(tr_io *io);
} tr__io_kind;

/* Bytes from begin to end, which others have not taken yet. */
typedef struct tr__buffer {
    char *bytes;
    size_t begin, end, capacity;
} tr__buffer;

static inline size_t tr__buffer_count(const tr__buffer *buffer)
{
    return buffer->end - buffer->begin;
}

/* Make room for so many more bytes behind the end. false: out of memory; nothing has changed. */
bool tr__buffer_reserve(tr__buffer *buffer, size_t bytes);
/* Take so many away. */
void tr__buffer_take(tr__buffer *buffer, size_t bytes);
void tr__buffer_free(tr__buffer *buffer);

struct tr_io {
    tr__ready ready;
    const tr__io_kind *kind;
    void *secret; /* the kind's own */
    bool is_socket;
    /* Reading. */
    tr__buffer in;
    bool is_dry;     /* the last read took all that was there */
    bool is_reading; /* a task is in a read */
    uint8_t streak;  /* reads and writes that did not wait, in a row */
    /* Tasks that are in a call: it is freed when it is closed and the last of them has left. */
    bool is_closed;
    uint32_t users;
    /* Writing. */
    tr_mutex turn; /* of tasks that write */
    tr__buffer out;
    size_t high, low;
    int failure; /* of what went out in the background; 0 */
    bool has_ended;
    bool is_cut; /* a write has failed, or was cancelled: nobody waits for its rest */
    tr__flush flush;
    tr__way_waiter flusher; /* waits for the descriptor while `out` goes out */
    /* For people; made when asked for. */
    char *local, *peer;
};

/* The kind of what goes to the system as it is. */
extern const tr__io_kind tr__io_plain;

/* A stream of a descriptor, which is non-blocking. As tr_io_open. */
int tr__io_new(tr_io **out, int fd, bool is_socket);

/* A task begins a call: 0, or why it can't. Others run first, after many calls that did not wait.
 * */
int tr__io_enter(tr_io *io);
/* It ends the call, whose result this is. The stream may be gone then. */
ssize_t tr__io_leave(tr_io *io, ssize_t result);

ssize_t tr__io_plain_read(tr_io *io, void *buffer, size_t bytes);
ssize_t tr__io_plain_write(tr_io *io, const struct iovec *parts, int count);

void tr__io_init_writing(tr_io *io);
/* A task begins to write, when it is its turn: 0, or why it can't. */
int tr__io_begin_writing(tr_io *io);
/* It ends that, with this result. The stream may be gone then. */
ssize_t tr__io_end_writing(tr_io *io, ssize_t result);
/* Who has the turn waits until something can be written. */
int tr__io_await_room(tr_io *io);
/* Who has the turn waits until what is buffered has fallen to `low`, or all is out, what the kind
 * has included. */
int tr__io_drain(tr_io *io, size_t low);
/* Who has the turn writes all of these, which are changed, behind what is buffered. */
int tr__io_write_parts(tr_io *io, struct iovec *parts, int count);
/* Whether something that tr_write was given has not gone out yet. */
bool tr__io_has_unsent(const tr_io *io);
/* Nothing is written in the background any more. */
void tr__io_stop_flusher(tr_io *io);

#endif
