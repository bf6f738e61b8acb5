/* Target answer: what a server answers a client, which means the same whole and in pieces. */
/* Bytes: the dice; how the client asks, and what the network is like; what the connection does (see
 * fuzz_read_plan); and what is sent: once as one piece, once cut. The client must not make anything
 * else of it because of the cuts, nor hand on what no header may have, and it gets a good answer
 * afterwards. */
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <troupe/net.h>
#include <unistd.h>

#include "http/slice.h"
#include "fuzz/peer.h"
#include "fuzz/world.h"

enum { SLOW_NETWORK = 1, CHOPPY = 2, NARROW = 4, STREAMS = 8, ASKS_HEAD = 16, UPGRADES = 32 };
#define MEMORY_MOST (1024 * 1024)

static int listener, port;
static uint8_t request_room[64 * 1024];

/* What a call comes to. */
typedef struct heard {
    uint8_t how;
    int rc; /* of the call, or of its body */
    int status;
    size_t bytes; /* of the body, and what they are */
    uint64_t digest;
} heard;

/* ---- the client ---- */

/* FNV-1a. */
static void note(heard *h, const void *data, size_t bytes)
{
    const uint8_t *at = data;

    h->bytes += bytes;
    for (size_t i = 0; i < bytes; i++)
        h->digest = (h->digest ^ at[i]) * 0x100000001b3;
}

static void check_headers(tr_http_reply *reply)
{
    const char *name, *value;

    for (size_t i = 0; tr_http_reply_header_at(reply, i, &name, &value); i++) {
        EXPECT(*name != '\0' && strpbrk(name, "\r\n: ") == NULL);
        EXPECT(strpbrk(value, "\r\n") == NULL);
        EXPECT(tr_http_reply_header(reply, name) != NULL);
    }
}

static int read_stream(heard *h, tr_http_reply *reply)
{
    char piece[700];
    ssize_t count;

    while ((count = tr_http_reply_read(reply, piece, sizeof(piece))) > 0)
        note(h, piece, (size_t)count);
    return (int)count;
}

static int read_other_protocol(heard *h, tr_http_reply *reply)
{
    char piece[700];
    ssize_t count;
    tr_io *io;
    int rc = tr_http_reply_take_io(&io, reply);

    EXPECT(rc == 0);
    while ((count = tr_read(io, piece, sizeof(piece))) > 0)
        note(h, piece, (size_t)count);
    (void)tr_close(io); /* which may fail, for the server may be gone */
    return (int)count;
}

static int read_body(heard *h, tr_http_reply *reply)
{
    size_t bytes;
    const char *body;

    if (h->status == 101)
        return read_other_protocol(h, reply);
    if (h->how & STREAMS)
        return read_stream(h, reply);
    body = tr_http_reply_body(reply, &bytes);
    EXPECT(body[bytes] == '\0');
    note(h, body, bytes);
    return 0;
}

static tr_http_client *new_client(uint8_t how)
{
    tr_http_client_config config = { .proxy = "", .redirects_most = -1, .timeout = 300 };
    tr_http_client *client;

    config.body_most = 64 * 1024;
    if (how & NARROW) {
        config.head_bytes_most = 300;
        config.body_most = 100;
    }
    EXPECT(tr_http_client_new(&client, &config) == 0);
    return client;
}

static int ask(void *arg)
{
    heard *h = arg;
    tr_http_client *client = new_client(h->how);
    tr_http_reply *reply;
    char url[64];

    (void)snprintf(url, sizeof(url), "http://127.0.0.1:%d/", port);
    h->rc = tr_http_fetch(&reply, client,
                          &(tr_http_call){ .url = url,
                                           .method = h->how & ASKS_HEAD ? "HEAD" : "GET",
                                           .upgrade = h->how & UPGRADES ? "chat" : NULL,
                                           .streams = h->how & STREAMS });
    if (h->rc == 0) {
        h->status = tr_http_reply_status(reply);
        EXPECT(h->status >= 200 || (h->status == 101 && h->how & UPGRADES));
        check_headers(reply);
        h->rc = read_body(h, reply);
        EXPECT(!(h->how & ASKS_HEAD) || h->status == 101 || h->bytes == 0);
    }
    TELL("%s, status %d, %zu bytes", tr_strerror(h->rc), h->status, h->bytes);
    tr_http_reply_free(reply);
    tr_http_client_unref(client);
    return 0;
}

/* ---- the server ---- */

static heard talk(uint8_t how, const fuzz_plan *plan, tr__slice text)
{
    heard h = { .how = how };
    fuzz_answer request = { .at = request_room, .room = sizeof(request_room) };
    tr_future *end;
    int fd;

    EXPECT(tr_submit(&end, 0, ask, &h) == 0);
    fd = accept(listener, NULL, NULL);
    EXPECT(fd >= 0);
    EXPECT(fuzz_hear_until(fd, "\r\n\r\n", &request) > 0);
    fuzz_converse(fd, plan, text.at, text.bytes, &request);
    EXPECT(tr_future_wait(end, TR_FOREVER) == 0);
    tr_future_unref(end);
    return h;
}

/* ---- what holds ---- */

static bool may_fail_so(int rc)
{
    return rc == TR_ESYNTAX || rc == TR_EEND || rc == TR_ETOOLARGE || rc == TR_ECONNRESET ||
           rc == TR_EPIPE || rc == TR_ETIMEDOUT;
}

/* What is wrong, and too long besides, is refused for what is seen first. */
static void compare(const heard *whole, const heard *cut)
{
    EXPECT((whole->rc < 0) == (cut->rc < 0));
    if (whole->rc == 0)
        EXPECT(whole->status == cut->status && whole->bytes == cut->bytes &&
               whole->digest == cut->digest);
}

static void expect_served(void)
{
    static const char good[] = "HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nhi";
    heard h = talk(0, &fuzz_plainly, (tr__slice){ good, sizeof(good) - 1 });

    EXPECT(h.rc == 0 && h.status == 200 && h.bytes == 2);
}

static void begin(void)
{
    EXPECT(tr_start(&(tr_config){ .loops = 1 }) == 0);
    listener = fuzz_listen(&port);
}

static void end(void)
{
    EXPECT(close(listener) == 0);
    EXPECT(tr_shutdown(10) == 0);
}

static void run(fuzz_input *in)
{
    uint8_t how = fuzz_byte(in);
    fuzz_plan plan = fuzz_read_plan(in);
    tr__slice text = { (const char *)in->at, in->left };
    heard whole, cut;

    if (how & UPGRADES)
        how &= (uint8_t)~ASKS_HEAD; /* it would be refused */
    whole = talk(how, &fuzz_plainly, text);
    fuzz_set_network((fuzz_network){ how & SLOW_NETWORK, how & CHOPPY });
    cut = talk(how, &plan, text);
    fuzz_set_network((fuzz_network){ false, false });
    EXPECT(whole.rc == 0 || may_fail_so(whole.rc));
    EXPECT(cut.rc == 0 || may_fail_so(cut.rc));
    if (plan.ending == FUZZ_HALF_CLOSES && !fuzz_is_tardy(&plan))
        compare(&whole, &cut);
    expect_served();
}

void fuzz_target(fuzz_input *in)
{
    static const fuzz_stay stay = { begin, run, end, MEMORY_MOST };

    fuzz_run_in_world(in, &stay);
}
