/* TLS that is cut, garbled, closed or cancelled; and much of it at once. */
#include <string.h>
#include <troupe/net.h>

#include "sync/cases.h"

#include "net/certificates.h"

enum { MUCH = 300000 };

static char much[MUCH];

/* Both contexts, and the files they are of. */
typedef struct world {
    certificates c;
    tr_tls *of_server, *of_client;
} world;

static void begin_world(world *w)
{
    tr_tls_options options = { 0 };

    begin_certificates(&w->c);
    make_certificate(&w->c, "leaf", "localhost", "DNS:localhost", 30, &w->c.good);
    options.certificate = file_of(&w->c, "leaf.pem");
    options.key = file_of(&w->c, "leaf.key");
    EXPECT(tr_tls_server_new(&w->of_server, &options) == 0);
    options = (tr_tls_options){ .authorities = file_of(&w->c, "good.pem") };
    EXPECT(tr_tls_client_new(&w->of_client, &options) == 0);
}

static void end_world(world *w)
{
    tr_tls_unref(w->of_server);
    tr_tls_unref(w->of_client);
    end_certificates(&w->c);
}

static int end_of(tr_task *task)
{
    int rc = tr_task_wait(task, TR_FOREVER);

    tr_task_unref(task);
    return rc;
}

/* ---- a network in the middle ---- */

typedef struct wire {
    tr_io *from, *to;
    long garbled; /* the byte of which a bit is flipped; -1: none */
    long cut;     /* after so many bytes it ends; -1: never */
    long at;
} wire;

/* Byte by byte. */
static int carry(void *arg)
{
    wire *w = arg;
    char byte;

    while (w->at != w->cut && tr_read(w->from, &byte, 1) == 1) {
        if (w->at++ == w->garbled)
            byte ^= 0x10;
        if (tr_write_all(w->to, &byte, 1) < 0)
            break;
    }
    (void)tr_close_write(w->to); /* it may have gone */
    return 0;
}

typedef struct side {
    tr_io *io;
    tr_tls *tls;
    int shaken;
    long count;
} side;

/* Shakes hands, and echoes to the end. */
static int answer(void *arg)
{
    side *s = arg;
    char piece[100];
    ssize_t n = 0;
    int rc = 0;

    s->shaken = tr_tls_wrap_server(&s->io, s->tls);
    while (s->shaken == 0 && rc == 0 && (n = tr_read(s->io, piece, sizeof(piece))) > 0)
        rc = tr_write_all(s->io, piece, (size_t)n);
    (void)tr_close(s->io); /* NULL is fine */
    return rc < 0 ? rc : (int)n;
}

/* A word that is echoed: 0, or an error; anything else would be a word that was changed. */
static int talk(tr_io **io, tr_tls *tls)
{
    char text[5] = "";
    int rc = tr_tls_wrap_client(io, tls, "localhost");

    if (rc == 0)
        rc = tr_write_all(*io, "hello", 5);
    if (rc == 0)
        rc = tr_read_exact(*io, text, 5);
    EXPECT(rc < 0 || memcmp(text, "hello", 5) == 0);
    return rc;
}

/* Over wires of which one is as told; how many bytes it has carried. */
static long talk_over(world *w, bool is_to_server, long garbled, long cut, int *rc)
{
    tr_task *server, *carriers[2];
    side s = { .tls = w->of_server };
    tr_io *client, *left, *right;
    wire wires[2];

    EXPECT(tr_socketpair(&client, &left) == 0 && tr_socketpair(&s.io, &right) == 0);
    wires[0] = (wire){ right, left, -1, -1, 0 };
    wires[1] = (wire){ left, right, -1, -1, 0 };
    wires[is_to_server].garbled = garbled;
    wires[is_to_server].cut = cut;
    for (int i = 0; i < 2; i++)
        EXPECT(tr_task_spawn(&carriers[i], carry, &wires[i]) == 0);
    EXPECT(tr_task_spawn(&server, answer, &s) == 0);
    *rc = talk(&client, w->of_client);
    (void)tr_close(client); /* NULL is fine */
    (void)tr_close_write(left);
    (void)end_of(server);
    (void)tr_close_write(right);
    for (int i = 0; i < 2; i++)
        EXPECT(end_of(carriers[i]) == 0);
    EXPECT(tr_close(left) == 0 && tr_close(right) == 0);
    return wires[is_to_server].at;
}

CASE(bytes_may_come_one_by_one)
{
    world w;
    int rc;

    begin_world(&w);
    EXPECT(talk_over(&w, true, -1, -1, &rc) > 100 && rc == 0);
    end_world(&w);
}

CASE(a_flipped_bit_is_noticed_wherever_it_is)
{
    world w;
    int rc;

    begin_world(&w);
    for (long at = 0; at < 700; at += 233) {
        (void)talk_over(&w, false, at, -1, &rc);
        EXPECT(rc < 0);
    }
    end_world(&w);
}

CASE(a_cut_is_noticed_wherever_it_is)
{
    world w;
    int rc;

    begin_world(&w);
    for (long at = 0; at < 700; at += 233) {
        (void)talk_over(&w, false, -1, at, &rc);
        EXPECT(rc == TR_EEND);
        (void)talk_over(&w, true, -1, at / 3, &rc);
        EXPECT(rc < 0);
    }
    end_world(&w);
}

CASE(what_is_no_tls_is_refused)
{
    side s;
    tr_task *server;
    tr_io *client;
    world w;

    begin_world(&w);
    s = (side){ .tls = w.of_server };
    EXPECT(tr_socketpair(&client, &s.io) == 0);
    EXPECT(tr_task_spawn(&server, answer, &s) == 0);
    EXPECT(tr_write_all(client, "GET / HTTP/1.0\r\n\r\n", 18) == 0);
    (void)end_of(server);
    EXPECT(s.shaken == TR_ETLS && s.io == NULL);
    EXPECT(tr_close(client) == 0);
    end_world(&w);
}

/* ---- handshakes that don't end ---- */

CASE(a_handshake_obeys_a_deadline)
{
    tr_io *one, *other;
    world w;
    int rc = 0;

    begin_world(&w);
    EXPECT(tr_socketpair(&one, &other) == 0);
    TR_DEADLINE(0.01, &rc) {
        rc = tr_tls_wrap_client(&one, w.of_client, "localhost");
    }
    EXPECT(rc == TR_ETIMEDOUT && one == NULL);
    EXPECT(tr_close(other) == 0);
    end_world(&w);
}

CASE(a_stream_is_closed_in_its_handshake)
{
    side s;
    tr_task *server;
    tr_io *other;
    world w;

    begin_world(&w);
    s = (side){ .tls = w.of_server };
    EXPECT(tr_socketpair(&other, &s.io) == 0);
    EXPECT(tr_task_spawn(&server, answer, &s) == 0);
    let_others_run();
    EXPECT(tr_close(s.io) == 0);
    (void)end_of(server);
    EXPECT(s.shaken == TR_EPIPE && s.io == NULL);
    EXPECT(tr_close(other) == 0);
    end_world(&w);
}

/* ---- much ---- */

static int read_all(void *arg)
{
    side *s = arg;
    char piece[5000];
    ssize_t n;

    while ((n = tr_read(s->io, piece, sizeof(piece))) > 0)
        s->count += n;
    return (int)n;
}

static int shake_only(void *arg)
{
    side *s = arg;

    s->shaken = tr_tls_wrap_server(&s->io, s->tls);
    return s->shaken;
}

static void shake(world *w, side *server, side *client)
{
    tr_task *task;

    *server = (side){ .tls = w->of_server };
    *client = (side){ .tls = w->of_client };
    EXPECT(tr_socketpair(&client->io, &server->io) == 0);
    EXPECT(tr_task_spawn(&task, shake_only, server) == 0);
    EXPECT(tr_tls_wrap_client(&client->io, w->of_client, "localhost") == 0);
    EXPECT(end_of(task) == 0);
}

/* Also where all of it is encrypted, and the system takes no more. */
CASE(what_is_buffered_goes_out_before_a_close)
{
    side server, client;
    tr_task *reader;
    world w;

    begin_world(&w);
    for (long bytes = MUCH / 2; bytes <= MUCH; bytes += MUCH / 4) {
        shake(&w, &server, &client);
        EXPECT(tr_io_set_water(client.io, 2 * MUCH, MUCH) == 0);
        EXPECT(tr_write(client.io, much, (size_t)bytes) == 0);
        let_others_run();
        EXPECT(tr_task_spawn(&reader, read_all, &server) == 0);
        EXPECT(tr_close(client.io) == 0);
        EXPECT(end_of(reader) == 0 && server.count == bytes);
        EXPECT(tr_close(server.io) == 0);
    }
    end_world(&w);
}

/* The other side takes nothing, and never will. */
CASE(who_gives_up_writing_need_not_wait_to_close)
{
    side server, client;
    world w;
    int rc = 0;

    begin_world(&w);
    shake(&w, &server, &client);
    TR_DEADLINE(0.01, &rc) {
        while (rc == 0)
            rc = tr_write_all(client.io, much, MUCH);
    }
    EXPECT(rc == TR_ETIMEDOUT);
    EXPECT(tr_close(client.io) <= 0 && tr_close(server.io) == 0);
    end_world(&w);
}

CASE(much_goes_both_ways_at_once)
{
    side server, client;
    tr_task *readers[2];
    world w;

    begin_world(&w);
    shake(&w, &server, &client);
    EXPECT(tr_task_spawn(&readers[0], read_all, &server) == 0);
    EXPECT(tr_task_spawn(&readers[1], read_all, &client) == 0);
    EXPECT(tr_write_all(server.io, much, MUCH) == 0 && tr_write_all(client.io, much, MUCH) == 0);
    EXPECT(tr_close_write(server.io) == 0 && tr_close_write(client.io) == 0);
    EXPECT(end_of(readers[0]) == 0 && end_of(readers[1]) == 0);
    EXPECT(server.count == MUCH && client.count == MUCH);
    EXPECT(tr_close(server.io) == 0 && tr_close(client.io) == 0);
    end_world(&w);
}

CASES("tls_ends", bytes_may_come_one_by_one, a_flipped_bit_is_noticed_wherever_it_is,
      a_cut_is_noticed_wherever_it_is, what_is_no_tls_is_refused, a_handshake_obeys_a_deadline,
      a_stream_is_closed_in_its_handshake, what_is_buffered_goes_out_before_a_close,
      who_gives_up_writing_need_not_wait_to_close, much_goes_both_ways_at_once)
