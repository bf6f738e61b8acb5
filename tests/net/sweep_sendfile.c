/* Sweeps over files that are sent to streams: what has come is of the file, and all of it where the
 * sender says so. See support/sweep.h. */
#include <fcntl.h>
#include <sys/stat.h>
#include <troupe/net.h>

#include "support/sweep.h"

enum { BYTES = 300000, OFFSET = 3 };

static char path[64];
static bool to_pipe; /* which takes copies only */

static char byte_at(size_t i)
{
    return (char)('a' + i % 23);
}

static void make_file(void)
{
    static char text[BYTES];
    int fd;

    (void)snprintf(path, sizeof(path), "/tmp/troupe_sweep.XXXXXX");
    fd = mkstemp(path);
    for (size_t i = 0; i < BYTES; i++)
        text[i] = byte_at(i);
    MUST(fd >= 0 && write(fd, text, BYTES) == BYTES && close(fd) == 0);
}

typedef struct reader {
    tr_io *io;
    size_t got;
    bool has_begun;
    int rc;
} reader;

static int read_all(void *arg)
{
    static char piece[10000];
    reader *r = arg;
    ssize_t count;

    r->has_begun = true;
    while ((count = tr_read(r->io, piece, sizeof(piece))) > 0)
        for (ssize_t i = 0; i < count; i++)
            MUST(piece[i] == byte_at(OFFSET + r->got++));
    r->rc = (int)count;
    return 0;
}

/* What is sent is right, or the sender is told. */
static int send_by(tr_io *one, const tr_file *f)
{
    ssize_t sent = TR_ETIMEDOUT;
    int rc = 0;

    TR_DEADLINE(10, &rc) {
        sent = tr_sendfile(one, f, OFFSET, BYTES);
    }
    MUST(sent < 0 || sent == BYTES - OFFSET);
    return rc < 0 ? rc : sent < 0 ? (int)sent : 0;
}

static int attempt(void)
{
    reader r = { .rc = 0 };
    tr_io *one;
    tr_file *f;
    tr_task *task;
    int rc = to_pipe ? tr_pipe(&r.io, &one) : tr_socketpair(&one, &r.io);

    if (rc < 0)
        return rc;
    rc = tr_file_open(&f, path, O_RDONLY, 0);
    if (rc == 0)
        rc = tr_task_spawn(&task, read_all, &r);
    if (rc == 0) {
        rc = send_by(one, f);
        (void)tr_close(one); /* what has failed may be told once more */
        (void)tr_task_wait(task, TR_FOREVER);
        tr_task_unref(task);
        MUST(rc < 0 || r.rc < 0 || r.got == BYTES - OFFSET);
        rc = rc < 0 ? rc : !r.has_begun ? TR_ENOMEM : r.rc;
    } else {
        (void)tr_close(one);
    }
    (void)tr_file_close(f); /* NULL, where it could not be opened */
    (void)tr_close(r.io);
    return rc;
}

static int root(void *unused)
{
    int rc;

    (void)unused;
    sweep_begins();
    rc = attempt();
    sweep_ends();
    MUST(rc == 0 || has_struck());
    MUST(rc == 0 || attempt() == 0);
    return 0;
}

static void run(void *unused)
{
    int rc = tr_run(root, unused, &(tr_config){ .loops = 1, .signals = -1 });

    MUST(rc == 0 || has_struck());
}

static void sweep_to(bool pipe)
{
    to_pipe = pipe;
    make_file();
    sweep(run);
    MUST(unlink(path) == 0);
}

START_TEST(a_file_is_sent_whole_to_a_socket_or_the_sender_is_told)
{
    sweep_to(false);
}
END_TEST

START_TEST(a_file_is_sent_whole_to_a_pipe_or_the_sender_is_told)
{
    sweep_to(true);
}
END_TEST

SUITE_MAIN("net/sweep_sendfile", a_file_is_sent_whole_to_a_socket_or_the_sender_is_told,
           a_file_is_sent_whole_to_a_pipe_or_the_sender_is_told)
