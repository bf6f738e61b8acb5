/* Streams of bytes: reading, writing, closing. */
#include <string.h>
#include <troupe/net.h>

#include "sync/cases.h"

static void open_pair(tr_io **one, tr_io **other)
{
    EXPECT(tr_socketpair(one, other) == 0);
}

CASE(what_is_written_is_read)
{
    char buffer[16];
    tr_io *one, *other;

    open_pair(&one, &other);
    EXPECT(tr_write_all(one, "hello", 5) == 0);
    EXPECT(tr_read_exact(other, buffer, 5) == 0);
    EXPECT(memcmp(buffer, "hello", 5) == 0);
    EXPECT(tr_close(one) == 0);
    EXPECT(tr_read(other, buffer, sizeof(buffer)) == 0);
    EXPECT(tr_close(other) == 0);
}

CASE(lines_are_read_one_by_one)
{
    const char *line;
    tr_io *one, *other;

    open_pair(&one, &other);
    EXPECT(tr_write(one, "one\ntw", 6) == 0);
    EXPECT(tr_write(one, "o\nrest", 6) == 0);
    EXPECT(tr_read_until(other, &line, "\n", 100) == 4 && memcmp(line, "one\n", 4) == 0);
    EXPECT(tr_read_until(other, &line, "\n", 100) == 4 && memcmp(line, "two\n", 4) == 0);
    EXPECT(tr_close(one) == 0);
    EXPECT(tr_read_until(other, &line, "\n", 100) == TR_EEND);
    EXPECT(tr_close(other) == 0);
}

typedef struct read_args {
    tr_io *io;
    size_t bytes;
} read_args;

static int read_some(void *arg)
{
    const read_args *a = arg;
    char buffer[64];

    return (int)tr_read(a->io, buffer, a->bytes);
}

CASE(a_second_reader_is_refused_and_a_closed_stream_tells_who_waits)
{
    char buffer[4];
    tr_task *reader;
    tr_io *one, *other;
    read_args args;

    open_pair(&one, &other);
    args = (read_args){ other, 10 };
    EXPECT(tr_task_spawn(&reader, read_some, &args) == 0);
    let_others_run();
    EXPECT(tr_read(other, buffer, sizeof(buffer)) == TR_EBUSY);
    EXPECT(tr_close(other) == 0);
    EXPECT(tr_task_wait(reader, TR_FOREVER) == TR_EPIPE);
    tr_task_unref(reader);
    EXPECT(tr_close(one) == 0);
}

CASE(a_read_that_is_late_has_taken_nothing)
{
    char buffer[16];
    tr_io *one, *other;
    int rc = 0;

    open_pair(&one, &other);
    EXPECT(tr_write_all(one, "half", 4) == 0);
    TR_DEADLINE(0.01, &rc) {
        rc = tr_read_exact(other, buffer, 8);
    }
    EXPECT(rc == TR_ETIMEDOUT);
    EXPECT(tr_write_all(one, "half", 4) == 0);
    EXPECT(tr_read_exact(other, buffer, 8) == 0 && memcmp(buffer, "halfhalf", 8) == 0);
    EXPECT(tr_close(one) == 0);
    EXPECT(tr_read_exact(other, buffer, 8) == TR_EEND);
    EXPECT(tr_close(other) == 0);
}

typedef struct write_args {
    tr_io *io;
    char letter;
} write_args;

enum { LARGE = 300000, PIECE = 1000 };

static int write_large(void *arg)
{
    const write_args *a = arg;
    static char text[2][LARGE];
    char *mine = text[a->letter - 'a'];

    memset(mine, a->letter, LARGE);
    return tr_write_all(a->io, mine, LARGE);
}

/* More than the system takes at once: both wait, and neither stands between the other's bytes. */
CASE(writers_take_turns)
{
    tr_io *one, *other;
    tr_task *tasks[2];
    write_args args[2];
    char piece[PIECE];
    char first = 0;

    open_pair(&one, &other);
    for (int i = 0; i < 2; i++) {
        args[i] = (write_args){ one, (char)('a' + i) };
        EXPECT(tr_task_spawn(&tasks[i], write_large, &args[i]) == 0);
    }
    for (int at = 0; at < 2 * LARGE; at += PIECE) {
        EXPECT(tr_read_exact(other, piece, PIECE) == 0);
        if (at == 0)
            first = piece[0];
        for (int i = 0; i < PIECE; i++)
            EXPECT((piece[i] == first) == (at + i < LARGE));
    }
    for (int i = 0; i < 2; i++) {
        EXPECT(tr_task_wait(tasks[i], TR_FOREVER) == 0);
        tr_task_unref(tasks[i]);
    }
    EXPECT(tr_close(one) == 0 && tr_close(other) == 0);
}

CASE(limits_of_reads_lose_nothing)
{
    const char *data;
    tr_io *one, *other;

    open_pair(&one, &other);
    EXPECT(tr_write_all(one, "0123456789\r\nab", 14) == 0);
    EXPECT(tr_read_until(other, &data, "\r\n", 5) == TR_ETOOLARGE && data == NULL);
    EXPECT(tr_peek(other, &data, 3) >= 3 && memcmp(data, "012", 3) == 0);
    EXPECT(tr_read_until(other, &data, "\r\n", 12) == 12 &&
           memcmp(data, "0123456789\r\n", 12) == 0);
    EXPECT(tr_close_write(one) == 0);
    EXPECT(tr_peek(other, &data, 10) == 2 && memcmp(data, "ab", 2) == 0);
    EXPECT(tr_write_all(one, "x", 1) == TR_EPIPE);
    EXPECT(tr_read(NULL, &one, 1) == TR_EINVAL && tr_read_until(other, &data, "", 1) == TR_EINVAL);
    EXPECT(tr_io_set_water(other, 1, 2) == TR_EINVAL && tr_io_set_water(other, 0, 0) == 0);
    EXPECT(tr_close(one) == 0 && tr_close(other) == 0);
}

CASE(a_descriptor_is_taken_and_opened_again)
{
    char text[4];
    tr_io *one, *other;
    int fd;

    open_pair(&one, &other);
    EXPECT(tr_write_all(one, "abc", 3) == 0);
    fd = tr_io_take_fd(&other);
    EXPECT(fd >= 0 && other == NULL);
    EXPECT(tr_io_open(&other, fd) == 0 && tr_io_fd(other) == fd);
    EXPECT(tr_read_exact(other, text, 3) == 0);
    EXPECT(tr_close(one) == 0 && tr_close(other) == 0);
    EXPECT(tr_io_open(&one, -1) == TR_EINVAL && one == NULL);
}

CASE(pipes_go_one_way)
{
    char text[8];
    tr_io *in, *out;

    EXPECT(tr_pipe(&in, &out) == 0);
    EXPECT(tr_write(out, "one ", 4) == 0 && tr_write(out, "two", 3) == 0);
    EXPECT(tr_read_exact(in, text, 7) == 0 && memcmp(text, "one two", 7) == 0);
    EXPECT(tr_close_write(out) == 0);
    EXPECT(tr_read(in, text, 1) == 0);
    EXPECT(tr_close(out) == 0 && tr_close(in) == 0);
}

CASES("io", what_is_written_is_read, lines_are_read_one_by_one,
      a_second_reader_is_refused_and_a_closed_stream_tells_who_waits,
      a_read_that_is_late_has_taken_nothing, writers_take_turns, limits_of_reads_lose_nothing,
      a_descriptor_is_taken_and_opened_again, pipes_go_one_way)
