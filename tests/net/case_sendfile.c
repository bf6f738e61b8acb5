/* Files that are sent by streams. */
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <troupe/net.h>
#include <unistd.h>

#include "sync/cases.h"

#include "net/certificates.h"

enum {
    LARGE = 2500 * 1000 /* more than two pieces, and than any socket holds */
};

static char byte_at(size_t i)
{
    return (char)(i * 7 + i / 1000);
}

/* A file of so many bytes, which has no name any more. */
static tr_file *new_file(size_t bytes)
{
    char path[] = "/tmp/troupe-sendfile-XXXXXX";
    char *data = malloc(bytes + 1);
    int fd = mkstemp(path);
    tr_file *f;

    EXPECT(fd >= 0 && data != NULL && close(fd) == 0);
    for (size_t i = 0; i < bytes; i++)
        data[i] = byte_at(i);
    EXPECT(tr_file_open(&f, path, O_RDWR, 0) == 0);
    EXPECT(tr_file_write(f, data, bytes) == 0 && unlink(path) == 0);
    free(data);
    return f;
}

typedef struct sender {
    tr_io *io;
    const tr_file *f;
    uint64_t offset;
    size_t bytes;
    ssize_t sent;
    tr_task *task;
} sender;

static int run_sender(void *arg)
{
    sender *s = arg;

    s->sent = tr_sendfile(s->io, s->f, s->offset, s->bytes);
    return s->sent < 0 ? (int)s->sent : tr_close_write(s->io);
}

static void start(sender *s)
{
    EXPECT(tr_task_spawn(&s->task, run_sender, s) == 0);
}

static void end(sender *s, int result)
{
    EXPECT(tr_task_wait(s->task, TR_FOREVER) == result);
    tr_task_unref(s->task);
}

/* What comes until the end are these bytes of the file. */
static void expect_bytes(tr_io *io, size_t first, size_t bytes)
{
    char buffer[5000];
    size_t at = first;
    ssize_t count;

    while ((count = tr_read(io, buffer, sizeof(buffer))) > 0)
        for (ssize_t i = 0; i < count; i++)
            EXPECT(buffer[i] == byte_at(at++));
    EXPECT(count == 0 && at == first + bytes);
}

static void expect_sent(tr_io *from, tr_io *to, size_t file_bytes, uint64_t offset, size_t wanted,
                        size_t sent)
{
    tr_file *f = new_file(file_bytes);
    sender s = { .io = from, .f = f, .offset = offset, .bytes = wanted };

    start(&s);
    expect_bytes(to, offset, sent);
    end(&s, 0);
    EXPECT(s.sent == (ssize_t)sent);
    EXPECT(tr_close(from) == 0 && tr_close(to) == 0 && tr_file_close(f) == 0);
}

static void expect_sent_by_sockets(size_t file_bytes, uint64_t offset, size_t wanted, size_t sent)
{
    tr_io *one, *other;

    EXPECT(tr_socketpair(&one, &other) == 0);
    expect_sent(one, other, file_bytes, offset, wanted, sent);
}

CASE(a_part_is_sent)
{
    expect_sent_by_sockets(1000, 100, 300, 300);
}

CASE(it_is_sent_to_its_end_and_says_how_many_bytes_these_were)
{
    expect_sent_by_sockets(1000, 0, 1000, 1000);
    expect_sent_by_sockets(1000, 900, 300, 100);
    expect_sent_by_sockets(1000, 10, SIZE_MAX, 990);
}

CASE(of_nothing_nothing_is_sent)
{
    expect_sent_by_sockets(1000, 100, 0, 0);
    expect_sent_by_sockets(1000, 1000, 10, 0);
    expect_sent_by_sockets(1000, INT64_MAX, SIZE_MAX, 0);
    expect_sent_by_sockets(0, 0, 10, 0);
}

CASE(a_large_one_goes_in_pieces_at_the_reader_s_pace)
{
    expect_sent_by_sockets(LARGE, 4321, SIZE_MAX, LARGE - 4321);
}

CASE(it_goes_over_tcp)
{
    tr_listener *l;
    tr_io *one, *other;

    EXPECT(tr_listen(&l, "127.0.0.1:0", NULL) == 0);
    EXPECT(tr_tcp_connect(&one, tr_listener_address(l), NULL) == 0 && tr_accept(&other, l) == 0);
    expect_sent(one, other, LARGE, 0, LARGE, LARGE);
    EXPECT(tr_listener_close(l) == 0);
}

CASE(a_pipe_takes_a_copy)
{
    tr_io *in, *out;

    EXPECT(tr_pipe(&in, &out) == 0);
    expect_sent(out, in, 300 * 1000, 11, SIZE_MAX, 300 * 1000 - 11);
}

static int wrap_server(void *arg)
{
    void **args = arg;

    return tr_tls_wrap_server(args[0], args[1]);
}

CASE(tls_takes_a_copy)
{
    certificates c;
    tr_tls_options of_server = { 0 };
    tr_tls_options of_client = { 0 };
    tr_tls *server_tls, *client_tls;
    tr_io *server, *client;
    void *args[2];
    tr_task *task;

    begin_certificates(&c);
    make_certificate(&c, "leaf", "localhost", "DNS:localhost", 30, &c.good);
    of_server.certificate = file_of(&c, "leaf.pem");
    of_server.key = file_of(&c, "leaf.key");
    of_client.authorities = file_of(&c, "good.pem");
    EXPECT(tr_tls_server_new(&server_tls, &of_server) == 0);
    EXPECT(tr_tls_client_new(&client_tls, &of_client) == 0);
    EXPECT(tr_socketpair(&server, &client) == 0);
    args[0] = &server;
    args[1] = server_tls;
    EXPECT(tr_task_spawn(&task, wrap_server, args) == 0);
    EXPECT(tr_tls_wrap_client(&client, client_tls, "localhost") == 0);
    EXPECT(tr_task_wait(task, TR_FOREVER) == 0);
    tr_task_unref(task);
    expect_sent(server, client, 300 * 1000, 11, SIZE_MAX, 300 * 1000 - 11);
    tr_tls_unref(server_tls);
    tr_tls_unref(client_tls);
    end_certificates(&c);
}

CASE(it_goes_out_behind_what_was_written_before)
{
    tr_file *f = new_file(1000);
    tr_io *one, *other;
    char text[4];

    EXPECT(tr_socketpair(&one, &other) == 0);
    EXPECT(tr_write(one, "head", 4) == 0);
    EXPECT(tr_sendfile(one, f, 0, 1000) == 1000 && tr_close(one) == 0);
    EXPECT(tr_read_exact(other, text, 4) == 0 && memcmp(text, "head", 4) == 0);
    expect_bytes(other, 0, 1000);
    EXPECT(tr_close(other) == 0 && tr_file_close(f) == 0);
}

static int write_tail(void *arg)
{
    return tr_write_all(*(tr_io **)arg, "tail", 4);
}

CASE(others_write_when_it_has_ended)
{
    tr_file *f = new_file(LARGE);
    sender s = { .f = f, .bytes = SIZE_MAX };
    tr_task *tail;
    tr_io *other;
    char *data = malloc(LARGE);
    char text[4];

    EXPECT(data != NULL && tr_socketpair(&s.io, &other) == 0);
    start(&s);
    let_others_run();
    EXPECT(tr_task_spawn(&tail, write_tail, &s.io) == 0);
    EXPECT(tr_read_exact(other, data, LARGE) == 0 && data[LARGE - 1] == byte_at(LARGE - 1));
    EXPECT(tr_read_exact(other, text, 4) == 0 && memcmp(text, "tail", 4) == 0);
    EXPECT(tr_task_wait(tail, TR_FOREVER) == 0);
    tr_task_unref(tail);
    end(&s, 0);
    EXPECT(tr_close(s.io) == 0 && tr_close(other) == 0 && tr_file_close(f) == 0);
    free(data);
}

CASE(whoever_sends_can_be_cancelled)
{
    tr_file *f = new_file(LARGE);
    sender s = { .f = f, .bytes = SIZE_MAX };
    tr_io *other;
    char byte;

    EXPECT(tr_socketpair(&s.io, &other) == 0);
    start(&s);
    EXPECT(tr_read_exact(other, &byte, 1) == 0 && byte == byte_at(0)); /* it is under way */
    EXPECT(tr_task_cancel(s.task) >= 0);
    end(&s, TR_ECANCELED);
    EXPECT(tr_close(s.io) == 0 && tr_close(other) == 0 && tr_file_close(f) == 0);
}

CASE(whoever_sends_is_told_that_the_stream_was_closed)
{
    tr_file *f = new_file(LARGE);
    sender s = { .f = f, .bytes = SIZE_MAX };
    tr_io *other;

    EXPECT(tr_socketpair(&s.io, &other) == 0);
    start(&s);
    let_others_run();
    (void)tr_close(s.io); /* what it had to say is the sender's now */
    end(&s, TR_EPIPE);
    EXPECT(tr_close(other) == 0 && tr_file_close(f) == 0);
}

CASE(whoever_sends_is_told_that_the_reader_has_gone)
{
    tr_file *f = new_file(LARGE);
    sender s = { .f = f, .bytes = SIZE_MAX };
    tr_io *other;
    char byte;

    EXPECT(tr_socketpair(&s.io, &other) == 0);
    start(&s);
    EXPECT(tr_read_exact(other, &byte, 1) == 0);
    EXPECT(tr_close(other) == 0);
    EXPECT(tr_task_wait(s.task, TR_FOREVER) < 0);
    EXPECT(s.sent == TR_EPIPE || s.sent == TR_ECONNRESET);
    tr_task_unref(s.task);
    EXPECT(tr_close(s.io) == 0 && tr_file_close(f) == 0);
}

CASE(what_can_t_be_read_is_told)
{
    tr_io *one, *other;
    tr_file *f;

    EXPECT(tr_socketpair(&one, &other) == 0);
    EXPECT(tr_file_open(&f, "/tmp", O_RDONLY | O_DIRECTORY, 0) == 0);
    EXPECT(tr_sendfile(one, f, 0, 10) == -EISDIR);
    EXPECT(tr_file_close(f) == 0 && tr_close(one) == 0 && tr_close(other) == 0);
}

CASE(bad_arguments_are_refused)
{
    tr_file *f = new_file(10);
    tr_io *one, *other;

    EXPECT(tr_socketpair(&one, &other) == 0);
    EXPECT(tr_sendfile(NULL, f, 0, 1) == TR_EINVAL);
    EXPECT(tr_sendfile(one, NULL, 0, 1) == TR_EINVAL);
    EXPECT(tr_sendfile(one, f, UINT64_MAX, 1) == TR_EINVAL);
    EXPECT(tr_close_write(one) == 0);
    EXPECT(tr_sendfile(one, f, 0, 1) == TR_EPIPE);
    EXPECT(tr_close(one) == 0 && tr_close(other) == 0 && tr_file_close(f) == 0);
}

CASES("sendfile", a_part_is_sent, it_is_sent_to_its_end_and_says_how_many_bytes_these_were,
      of_nothing_nothing_is_sent, a_large_one_goes_in_pieces_at_the_reader_s_pace, it_goes_over_tcp,
      a_pipe_takes_a_copy, tls_takes_a_copy, it_goes_out_behind_what_was_written_before,
      others_write_when_it_has_ended, whoever_sends_can_be_cancelled,
      whoever_sends_is_told_that_the_stream_was_closed,
      whoever_sends_is_told_that_the_reader_has_gone, what_can_t_be_read_is_told,
      bad_arguments_are_refused)
