/* Target request: a server and a connection's bytes, which mean the same whole and in pieces. */
/* Bytes: the dice; what the network and the connection do (see fuzz_read_plan); and what is sent:
 * once as one piece, once cut. Neither may the server understand what a strict reader does not
 * (requests.h), nor answer what it was not asked, nor answer otherwise because of the cuts. */
#include <string.h>

#include "fuzz/answers.h"
#include "fuzz/peer.h"
#include "fuzz/requests.h"
#include "fuzz/routes.h"
#include "fuzz/world.h"

enum { SLOW_NETWORK = 1, CHOPPY = 2, NARROW = 4, REPLIES = FUZZ_ASKED + 1 };
#define MEMORY_MOST (512 * 1024)

/* Two servers, of which one has narrow limits. */
static struct server {
    tr_http_server *server;
    tr_future *end;
    int port;
} servers[2];

/* What a connection was answered, besides 100 (Continue). */
typedef struct heard {
    int status[REPLIES];
    size_t count;
    bool may_be_cut; /* where it ends depends on when what came */
} heard;

static uint8_t answer_room[4 * 1024 * 1024];

/* ---- the servers ---- */

static int serve(void *server)
{
    return tr_http_serve(server);
}

static void open_server(struct server *s, bool is_narrow)
{
    tr_http_config config = { .listen = "127.0.0.1:0", .loops = 1, .drain = 0.1, .title = "fuzz" };

    config.body_most = FUZZ_BODY_BYTES / 2;
    config.target_most = FUZZ_TARGET_BYTES / 2;
    if (is_narrow) {
        config.head_bytes_most = 300;
        config.headers_most = 8;
        config.target_most = 40;
        config.body_most = 100;
        config.handler_timeout = 5;
    }
    EXPECT(tr_http_server_new(&s->server, &config) == 0);
    fuzz_add_routes(s->server);
    EXPECT(tr_submit(&s->end, 0, serve, s->server) == 0);
    EXPECT(tr_http_await_ready(s->server) == 0);
    s->port = tr_http_port(s->server);
}

static void begin(void)
{
    EXPECT(tr_start(&(tr_config){ .loops = 1 }) == 0);
    open_server(&servers[0], false);
    open_server(&servers[1], true);
}

static void end(void)
{
    for (size_t i = 0; i < 2; i++) {
        tr_http_stop(servers[i].server);
        EXPECT(tr_future_wait(servers[i].end, TR_FOREVER) == 0);
        tr_future_unref(servers[i].end);
    }
    EXPECT(tr_shutdown(10) == 0);
}

/* ---- what holds for each connection ---- */

/* Whatever a handler got to see, a strict reader sees. */
static void compare_requests(tr__slice text)
{
    static fuzz_request there[FUZZ_REQUESTS];
    size_t count = fuzz_read_requests(text, there, FUZZ_REQUESTS);

    EXPECT(fuzz_asked_for.count <= count);
    for (size_t i = 0; i < fuzz_asked_for.count; i++) {
        const fuzz_asked *asked = &fuzz_asked_for.asked[i];

        EXPECT(tr__slice_is(there[i].method, asked->method));
        EXPECT(tr__slice_is(there[i].target, asked->target));
        EXPECT(asked->body_bytes <= there[i].body_bytes);
        EXPECT(memcmp(asked->body, there[i].body, asked->body_bytes) == 0);
        if (asked->has_whole_body)
            EXPECT(there[i].is_whole && asked->body_bytes == there[i].body_bytes);
        EXPECT(i + 1 == fuzz_asked_for.count || there[i].is_whole);
    }
}

/* The next one that is no 100. */
static bool next_reply(tr__slice *text, bool is_head, fuzz_reply *reply)
{
    do {
        if (!fuzz_read_reply(text, is_head, reply))
            return false;
        EXPECT(reply->status >= 200 || reply->status == 100 || reply->is_cut);
    } while (reply->status < 200 && !reply->is_cut);
    return true;
}

/* Whether less came than was said: of a handler that has failed half-way; or of a refusal of HEAD,
 * for it is not known here what was refused. */
static bool may_be_cut(const fuzz_reply *reply, const fuzz_asked *asked, tr__slice sent)
{
    if (asked != NULL)
        return asked->is_failing;
    return reply->has_length && reply->body.bytes == 0 &&
           memmem(sent.at, sent.bytes, "HEAD ", 5) != NULL;
}

/* All but the last one are of handlers; that one may refuse what comes to none. */
static void read_replies(tr__slice text, tr__slice sent, bool hears_all, heard *out)
{
    fuzz_reply reply;
    bool is_over = false;

    memset(out, 0, sizeof(*out));
    for (;;) {
        const fuzz_asked *asked =
            out->count < fuzz_asked_for.count ? &fuzz_asked_for.asked[out->count] : NULL;

        if (!next_reply(&text, asked != NULL && strcmp(asked->method, "HEAD") == 0, &reply))
            break;
        EXPECT(!is_over && out->count <= fuzz_asked_for.count);
        EXPECT(!reply.is_cut || !hears_all || may_be_cut(&reply, asked, sent));
        if (reply.is_cut && (asked != NULL || !hears_all))
            break;
        EXPECT(asked != NULL ? reply.status == asked->status
                             : reply.status >= 400 && reply.is_closing);
        TELL("answered %d", reply.status);
        is_over = reply.is_closing;
        out->status[out->count++] = reply.status;
    }
}

static void note_cuts(heard *out)
{
    for (size_t i = 0; i < fuzz_asked_for.count; i++)
        out->may_be_cut |=
            fuzz_asked_for.asked[i].is_failing || !fuzz_asked_for.asked[i].has_whole_body;
}

static void talk(int port, const fuzz_plan *plan, tr__slice text, heard *out)
{
    fuzz_answer answer = { .at = answer_room, .room = sizeof(answer_room) };

    fuzz_asked_for.count = 0;
    fuzz_converse(fuzz_connect(port), plan, text.at, text.bytes, &answer);
    tr_sim_sleep(30); /* what nobody hears ends, too */
    compare_requests(text);
    read_replies((tr__slice){ (const char *)answer.at, answer.bytes }, text, answer.has_ended, out);
    note_cuts(out);
    EXPECT(!answer.has_ended || out->may_be_cut || fuzz_is_tardy(plan) ||
           out->count >= fuzz_asked_for.count);
}

/* ---- what holds for two ---- */

/* Limits are looked at as bytes come: what is too long may be refused for that before something
 * worse behind it is seen. */
static bool is_refusal(int status)
{
    return status == 400 || status == 413 || status == 414 || status == 431 || status == 501 ||
           status == 505;
}

/* Who leaves a request open is told so, if it listens. */
static bool is_told_so(const heard *cut, size_t i, const fuzz_plan *plan)
{
    return plan->ending == FUZZ_LISTENS && i + 1 == cut->count &&
           (cut->status[i] == 408 || cut->status[i] == 504);
}

static void compare_statuses(const heard *whole, const heard *cut, const fuzz_plan *plan)
{
    size_t least = whole->count < cut->count ? whole->count : cut->count;
    bool is_exact = fuzz_hears_all(plan) && !whole->may_be_cut && !cut->may_be_cut;

    EXPECT(!is_exact || whole->count == cut->count ||
           (cut->count == least + 1 && is_told_so(cut, least, plan)));
    for (size_t i = 0; i < least; i++)
        EXPECT(whole->status[i] == cut->status[i] || is_told_so(cut, i, plan) ||
               (i + 1 == least && is_refusal(whole->status[i]) && is_refusal(cut->status[i])));
}

static void expect_served(int port)
{
    static const char good[] = "GET / HTTP/1.1\r\nHost: a\r\n\r\n";
    heard answered;

    talk(port, &fuzz_plainly, (tr__slice){ good, sizeof(good) - 1 }, &answered);
    EXPECT(answered.count == 1 && answered.status[0] == 200);
}

static void run(fuzz_input *in)
{
    static heard whole, cut;
    uint8_t how = fuzz_byte(in);
    fuzz_plan plan = fuzz_read_plan(in);
    tr__slice text = { (const char *)in->at, in->left };
    int port = servers[how & NARROW ? 1 : 0].port;

    talk(port, &fuzz_plainly, text, &whole);
    fuzz_set_network((fuzz_network){ how & SLOW_NETWORK, how & CHOPPY });
    talk(port, &plan, text, &cut);
    fuzz_set_network((fuzz_network){ false, false });
    if (!fuzz_is_tardy(&plan))
        compare_statuses(&whole, &cut, &plan);
    expect_served(port);
}

void fuzz_target(fuzz_input *in)
{
    static const fuzz_stay stay = { begin, run, end, MEMORY_MOST };

    fuzz_run_in_world(in, &stay);
}
