/* Target websocket: frames of a client for our server, and of a server for our client. */
/* Bytes: the dice; what is spoken (below); what the connection does (see fuzz_read_plan); and the
 * frames, which are sent once as one piece, once cut; or all that is sent, the handshake included.
 * What a strict reader finds in the frames (frames.h), and only that, must be received, and be what
 * is sent back. */
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <troupe/net.h>
#include <unistd.h>

#include "fuzz/frames.h"
#include "fuzz/peer.h"
#include "fuzz/world.h"
#include "http/extension.h"

enum {
    SLOW_NETWORK = 1,
    CHOPPY = 2,
    DEFLATING = 4,
    OURS_IS_CLIENT = 8,
    RAW = 16, /* the handshake is the input's, too */
    MESSAGE_MOST = 1000,
    MEMORY_MOST = 512 * 1024,
    HEARD_MOST = 256
};

/* What our side has received. */
static struct heard {
    fuzz_event messages[HEARD_MOST];
    size_t count;
    char room[FUZZ_MESSAGE_BYTES];
    size_t used;
    bool has_begun;
    int end; /* what the last tr_ws_receive has returned */
} heard;

static tr_http_server *server;
static tr_future *server_end;
static int port;

/* ---- our side ---- */

static void note(const tr_ws_message *m)
{
    char *at = heard.room + heard.used;

    EXPECT(heard.count < HEARD_MOST && m->bytes <= MESSAGE_MOST && m->data[m->bytes] == 0);
    EXPECT(m->bytes <= sizeof(heard.room) - heard.used);
    memcpy(at, m->data, m->bytes);
    heard.used += m->bytes;
    heard.messages[heard.count++] =
        (fuzz_event){ .opcode = (uint8_t)m->type, .data = { at, m->bytes } };
    TELL("received %zu bytes", m->bytes);
}

/* Echoes, until nothing more comes; once it is closing, nothing is sent any more. */
static int echo(tr_ws *ws, tr_http_request *req, void *ctx)
{
    tr_ws_message m;
    int rc;

    (void)req;
    (void)ctx;
    heard.has_begun = true;
    while ((rc = tr_ws_receive(ws, &m)) > 0) {
        note(&m);
        rc = tr_ws_send(ws, m.type, m.data, m.bytes);
        EXPECT(rc == 0 || rc == TR_EPIPE);
    }
    heard.end = rc;
    TELL("it ends: %s", tr_err_name(rc));
    return rc;
}

static int connect_and_echo(void *is_deflating)
{
    const tr_ws_options options = { .message_most = MESSAGE_MOST,
                                    .is_uncompressed = is_deflating == NULL };
    char url[64];
    tr_ws *ws;
    int rc;

    (void)snprintf(url, sizeof(url), "ws://127.0.0.1:%d/chat", port);
    rc = tr_ws_connect(&ws, url, NULL, &options);
    TELL("connecting: %s", tr_err_name(rc));
    if (rc < 0)
        return rc;
    (void)echo(ws, NULL, NULL);
    return tr_ws_close(ws, 0, NULL);
}

/* ---- the other side ---- */

typedef struct talk {
    uint8_t how;
    tr__slice text;
    uint8_t room[1 << 20];
    fuzz_answer answer; /* all that ours has said */
    size_t handshake;   /* bytes of it that are no frames; 0: there was none */
} talk;

static void shake_hands(talk *t, int fd)
{
    char text[512];
    int bytes = snprintf(
        text, sizeof(text),
        "GET /%s HTTP/1.1\r\nHost: a\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n"
        "Sec-WebSocket-Version: 13\r\nSec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n%s\r\n",
        "chat", t->how & DEFLATING ? "Sec-WebSocket-Extensions: permessage-deflate\r\n" : "");

    (void)fuzz_say(fd, text, (size_t)bytes); /* if it has gone, that is seen later */
}

/* Our client has asked: answer it. */
static void accept_handshake(const talk *t, int fd)
{
    static const char name[] = "Sec-WebSocket-Key: ";
    const char *at = memmem(t->answer.at, t->handshake, name, sizeof(name) - 1);
    char key[TR__KEY_BYTES + 1] = "";
    char proof[TR__ACCEPT_BYTES + 1];
    char text[512];
    int bytes;

    EXPECT(at != NULL);
    memcpy(key, at + sizeof(name) - 1, TR__KEY_BYTES);
    EXPECT(tr__ws_accept_key(key, proof));
    bytes =
        snprintf(text, sizeof(text),
                 "HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\n"
                 "Connection: Upgrade\r\nSec-WebSocket-Accept: %s\r\n%s\r\n",
                 proof,
                 t->how & DEFLATING ? "Sec-WebSocket-Extensions: permessage-deflate; "
                                      "server_no_context_takeover; client_no_context_takeover\r\n"
                                    : "");
    (void)fuzz_say(fd, text, (size_t)bytes); /* if it has gone, that is seen later */
}

static void begin_talk(talk *t)
{
    t->answer = (fuzz_answer){ .at = t->room, .room = sizeof(t->room) };
    t->handshake = 0;
    heard.count = heard.used = 0;
    heard.has_begun = false;
    heard.end = 1;
}

static void talk_to_server(talk *t, const fuzz_plan *plan)
{
    int fd;

    begin_talk(t);
    fd = fuzz_connect(port);
    if ((t->how & RAW) == 0) {
        shake_hands(t, fd);
        t->handshake = fuzz_hear_until(fd, "\r\n\r\n", &t->answer);
    }
    fuzz_converse(fd, plan, t->text.at, t->text.bytes, &t->answer);
    tr_sim_sleep(90); /* what nobody hears ends, too */
}

static void talk_to_client(talk *t, const fuzz_plan *plan)
{
    int server_port = port;
    int listening = fuzz_listen(&port);
    tr_future *end;
    int fd;

    begin_talk(t);
    EXPECT(tr_submit(&end, 0, connect_and_echo, t->how & DEFLATING ? t : NULL) == 0);
    fd = accept(listening, NULL, NULL);
    EXPECT(fd >= 0 && close(listening) == 0);
    t->handshake = fuzz_hear_until(fd, "\r\n\r\n", &t->answer);
    EXPECT(t->handshake > 0);
    if ((t->how & RAW) == 0)
        accept_handshake(t, fd);
    fuzz_converse(fd, plan, t->text.at, t->text.bytes, &t->answer);
    (void)tr_future_wait(end, TR_FOREVER); /* whatever it has ended with */
    tr_future_unref(end);
    port = server_port;
}

/* ---- what must hold ---- */

static bool is_same(const fuzz_event *a, const fuzz_event *b)
{
    return a->opcode == b->opcode && tr__slice_equals(a->data, b->data);
}

/* The i-th of those that are (or are not) messages; NULL. */
static const fuzz_event *nth(const fuzz_frames *frames, uint8_t least, uint8_t most, size_t i)
{
    for (size_t k = 0; k < frames->count; k++)
        if (frames->events[k].opcode >= least && frames->events[k].opcode <= most && i-- == 0)
            return &frames->events[k];
    return NULL;
}

/* What ours has received is what was sent. */
static void compare_received(const fuzz_frames *sent, bool is_exact)
{
    size_t i;

    for (i = 0; i < heard.count; i++) {
        const fuzz_event *message = nth(sent, FUZZ_TEXT, FUZZ_BINARY, i);

        EXPECT(message != NULL && is_same(message, &heard.messages[i]));
    }
    EXPECT(!is_exact || nth(sent, FUZZ_TEXT, FUZZ_BINARY, i) == NULL);
}

/* Why it has ended. What is wrong with a header may be seen before it is whole, or when more comes;
 * what is too large, inflated, may be malformed behind that. */
static bool may_end_so(const fuzz_frames *sent, bool is_deflating)
{
    const fuzz_event *last = sent->count > 0 ? &sent->events[sent->count - 1] : NULL;

    if (sent->is_cut && (heard.end == TR_EEND || heard.end == TR_ESYNTAX))
        return true;
    if (sent->is_malformed)
        return heard.end == TR_ESYNTAX;
    if (sent->is_too_large)
        return heard.end == TR_ETOOLARGE || (is_deflating && heard.end == TR_ESYNTAX);
    return heard.end == (last != NULL && last->opcode == FUZZ_CLOSE ? 0 : TR_EEND);
}

/* What ours says are echoes and pongs, in order, and perhaps a ping or a goodbye. */
static void check_said(const talk *t, const fuzz_frames *sent, bool is_whole)
{
    static fuzz_frames said;
    const fuzz_dialect dialect = { .is_masked = (t->how & OURS_IS_CLIENT) != 0,
                                   .is_deflating = (t->how & DEFLATING) != 0,
                                   .message_most = MESSAGE_MOST };
    tr__slice text = { (const char *)t->answer.at + t->handshake, t->answer.bytes - t->handshake };
    size_t messages = 0;
    size_t pongs = 0;

    fuzz_read_frames(text, &dialect, &said);
    EXPECT(!said.is_malformed && !said.is_too_large);
    for (size_t i = 0; i < said.count; i++) {
        const fuzz_event *event = &said.events[i];
        const fuzz_event *ping;

        TELL("said %d, %zu bytes, %d", event->opcode, event->data.bytes, event->code);
        if (event->opcode <= FUZZ_BINARY) {
            EXPECT(messages < heard.count && is_same(event, &heard.messages[messages]));
            messages++;
        } else if (event->opcode == FUZZ_PONG && sent != NULL) {
            ping = nth(sent, FUZZ_PING, FUZZ_PING, pongs++);
            EXPECT(ping != NULL && tr__slice_equals(ping->data, event->data));
        }
    }
    EXPECT(!is_whole || said.left == 0);
}

/* How a goodbye is answered, and what is wrong. */
static void check_goodbye(const talk *t, const fuzz_frames *sent)
{
    const fuzz_event *last = sent->count > 0 ? &sent->events[sent->count - 1] : NULL;
    const unsigned char *end = t->answer.at + t->answer.bytes;

    if (last == NULL || last->opcode != FUZZ_CLOSE || (t->how & OURS_IS_CLIENT) != 0)
        return;
    if (last->code == 0)
        EXPECT(end[-2] == (0x80 | FUZZ_CLOSE) && end[-1] == 0);
    else
        EXPECT(end[-4] == (0x80 | FUZZ_CLOSE) && (end[-2] << 8 | end[-1]) == last->code);
}

static void check(talk *t, const fuzz_plan *plan)
{
    static fuzz_frames sent;
    const fuzz_dialect dialect = { .is_masked = (t->how & OURS_IS_CLIENT) == 0,
                                   .is_deflating = (t->how & DEFLATING) != 0,
                                   .message_most = MESSAGE_MOST };
    bool is_plain = plan->ending == FUZZ_HALF_CLOSES && !fuzz_is_tardy(plan);

    if ((t->how & RAW) == 0) {
        fuzz_read_frames(t->text, &dialect, &sent);
        EXPECT(t->handshake > 0 && (heard.has_begun || !is_plain));
        compare_received(&sent, is_plain);
        if (is_plain) {
            EXPECT(may_end_so(&sent, dialect.is_deflating));
            check_goodbye(t, &sent);
        }
        check_said(t, &sent, t->answer.has_ended);
    } else if (heard.has_begun) {
        const char *end = memmem(t->answer.at, t->answer.bytes, "\r\n\r\n", 4);

        EXPECT(end != NULL);
        t->handshake = (size_t)(end - (const char *)t->answer.at) + 4;
        t->how |= DEFLATING; /* it may have been agreed on */
        check_said(t, NULL, t->answer.has_ended);
    }
}

static void talk_as(talk *t, const fuzz_plan *plan)
{
    uint8_t how = t->how;

    if (how & OURS_IS_CLIENT)
        talk_to_client(t, plan);
    else
        talk_to_server(t, plan);
    check(t, plan);
    t->how = how;
}

static void expect_served(void)
{
    static const char good[] = "\x81\x82\0\0\0\0hi\x88\x82\0\0\0\0\x03\xe8";
    static talk t;

    t.how = 0;
    t.text = (tr__slice){ good, sizeof(good) - 1 };
    talk_as(&t, &fuzz_plainly);
    EXPECT(heard.count == 1 && heard.end == 0);
}

/* ---- the world ---- */

static int serve(void *unused)
{
    (void)unused;
    return tr_http_serve(server);
}

static void begin(void)
{
    const tr_http_config config = { .listen = "127.0.0.1:0", .loops = 1, .drain = 0.1 };
    const tr_ws_options options = { .message_most = MESSAGE_MOST, .origins = "http://a" };

    EXPECT(tr_start(&(tr_config){ .loops = 1 }) == 0);
    EXPECT(tr_http_server_new(&server, &config) == 0);
    EXPECT(tr_http_websocket(server, "/chat", echo, NULL, &options) == 0);
    EXPECT(tr_submit(&server_end, 0, serve, NULL) == 0);
    EXPECT(tr_http_await_ready(server) == 0);
    port = tr_http_port(server);
}

static void end(void)
{
    tr_http_stop(server);
    EXPECT(tr_future_wait(server_end, TR_FOREVER) == 0);
    tr_future_unref(server_end);
    EXPECT(tr_shutdown(10) == 0);
}

static void run(fuzz_input *in)
{
    static talk t;
    fuzz_plan plan;

    t.how = fuzz_byte(in);
    plan = fuzz_read_plan(in);
    t.text = (tr__slice){ (const char *)in->at, in->left };
    talk_as(&t, &fuzz_plainly);
    fuzz_set_network((fuzz_network){ t.how & SLOW_NETWORK, t.how & CHOPPY });
    talk_as(&t, &plan);
    fuzz_set_network((fuzz_network){ false, false });
    expect_served();
}

void fuzz_target(fuzz_input *in)
{
    static const fuzz_stay stay = { begin, run, end, MEMORY_MOST };

    fuzz_run_in_world(in, &stay);
}
