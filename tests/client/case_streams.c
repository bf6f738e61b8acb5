/* Bodies that are streamed, in both directions; times; and calls that are cut off. */
#include "client/scripted.h"
#include "http/service.h"

enum { LARGE = CASES_SIMULATED ? 1000000 : 20000000 };

/* Gives the body back as it comes. */
static int echo(tr_http_request *req, tr_http_response *res, void *ctx)
{
    char piece[4096];
    ssize_t count = 0;
    int rc = tr_http_begin(res, 200, NULL, -1);

    (void)ctx;
    while (rc == 0 && (count = tr_http_read(req, piece, sizeof(piece))) > 0)
        rc = tr_http_write(res, piece, (size_t)count);
    return rc < 0 ? rc : (int)count;
}

/* A head, and a little; then nothing, as long as the client is there. */
static int stall(tr_http_request *req, tr_http_response *res, void *ctx)
{
    int rc = 0;

    (void)ctx;
    if (tr_http_query(req, "head") != NULL) {
        rc = tr_http_begin(res, 200, NULL, 100);
        if (rc == 0)
            rc = tr_http_write(res, "some", 4);
        if (rc == 0)
            rc = tr_http_flush(res);
    }
    return rc < 0 ? rc : tr_sleep(1000);
}

/* Short where it is real; long enough for a slow network where it is not. */
#define SHORT_S (CASES_SIMULATED ? 5.0 : 0.02)

static int hello(tr_http_request *req, tr_http_response *res, void *ctx)
{
    (void)req;
    (void)ctx;
    return tr_http_text(res, 200, "hello");
}

static void begin(service *s)
{
    const tr_http_route_options streams = { .streams_body = true, .body_most = LARGE };
    tr_http_server *server = new_server(&(tr_http_config){ .drain = 0.01 });

    EXPECT(tr_http_route_with(server, "POST", "/echo", echo, NULL, &streams) == 0);
    EXPECT(tr_http_route(server, "GET", "/stall", stall, NULL) == 0);
    EXPECT(tr_http_route(server, "GET", "/hello", hello, NULL) == 0);
    begin_service(s, server);
}

static tr_http_client *new_client(const service *s, tr_http_client_config config)
{
    tr_http_client *client;
    char base[128];

    (void)snprintf(base, sizeof(base), "http://%s", s->address);
    config.base = base;
    EXPECT(tr_http_client_new(&client, &config) == 0);
    return client;
}

/* Bytes that count, as many as there are to be; or an error in their place. */
typedef struct supply {
    uint64_t left;
    uint64_t made;
    int error;
} supply;

static ssize_t supply_some(void *ctx, void *buffer, size_t room)
{
    supply *s = ctx;
    size_t count = s->left < room ? (size_t)s->left : room;

    if (s->left == 0 && s->error != 0)
        return s->error;
    for (size_t i = 0; i < count; i++)
        ((char *)buffer)[i] = (char)(s->made + i);
    s->left -= count;
    s->made += count;
    return (ssize_t)count;
}

static void expect_echo(tr_http_client *client, bool is_sized)
{
    supply s = { .left = LARGE };
    uint64_t heard = 0;
    char piece[5000];
    tr_http_reply *reply;
    ssize_t count;

    EXPECT(tr_http_fetch(&reply, client,
                         &(tr_http_call){ .url = "/echo",
                                          .source = supply_some,
                                          .source_ctx = &s,
                                          .source_bytes = is_sized ? LARGE : 0,
                                          .streams = true }) == 0);
    EXPECT(tr_http_reply_status(reply) == 200 && tr_http_reply_text(reply)[0] == 0);
    while ((count = tr_http_reply_read(reply, piece, sizeof(piece))) > 0)
        for (ssize_t i = 0; i < count; i++)
            EXPECT(piece[i] == (char)heard++);
    EXPECT(count == 0 && heard == LARGE);
    EXPECT(tr_http_reply_read(reply, piece, sizeof(piece)) == 0);
    tr_http_reply_free(reply);
}

CASE(what_is_small_enough_streams_both_ways)
{
    tr_http_client *client;
    tr_http_client_stats stats;
    supply few = { .left = 5000 };
    tr_http_reply *reply;
    size_t bytes;
    service s;

    begin(&s);
    client = new_client(&s, (tr_http_client_config){ 0 });
    for (int i = 0; i < 4; i++) {
        few = (supply){ .left = 5000 };
        EXPECT(tr_http_fetch(&reply, client,
                             &(tr_http_call){ .url = "/echo",
                                              .source = supply_some,
                                              .source_ctx = &few,
                                              .source_bytes = i % 2 == 0 ? 5000 : 0 }) == 0);
        (void)tr_http_reply_body(reply, &bytes);
        EXPECT(bytes == 5000);
        tr_http_reply_free(reply);
    }
    EXPECT(tr_http_client_statistics(client, &stats) == 0);
    EXPECT(stats.connections == 1);
    tr_http_client_unref(client);
    end_service(&s);
}

CASE(a_reply_may_be_left_unread)
{
    tr_http_client *client;
    tr_http_client_stats stats;
    tr_http_reply *reply;
    char byte;
    service s;

    begin(&s);
    client = new_client(&s, (tr_http_client_config){ 0 });
    EXPECT(tr_http_fetch(&reply, client, &(tr_http_call){ .url = "/hello", .streams = true }) == 0);
    tr_http_reply_free(reply); /* what is left is at hand */
    EXPECT(tr_http_client_statistics(client, &stats) == 0);
    EXPECT(stats.open == stats.idle);
    EXPECT(tr_http_fetch(&reply, client,
                         &(tr_http_call){ .url = "/stall?head=1", .streams = true }) == 0);
    EXPECT(tr_http_reply_read(reply, &byte, 1) == 1 && byte == 's');
    tr_http_reply_free(reply);
    EXPECT(tr_http_client_statistics(client, &stats) == 0);
    EXPECT(stats.open == stats.idle && stats.failures == 0);
    EXPECT(tr_http_fetch(&reply, client, &(tr_http_call){ .url = "/hello" }) == 0);
    EXPECT(tr_http_reply_read(reply, &byte, 1) == TR_EWRONGPLACE);
    tr_http_reply_free(reply);
    tr_http_client_unref(client);
    end_service(&s);
}

CASE(a_source_that_fails_fails_the_call)
{
    tr_http_client *client;
    tr_http_client_stats stats;
    tr_http_reply *reply;
    service s;

    begin(&s);
    client = new_client(&s, (tr_http_client_config){ 0 });
    for (int i = 0; i < 4; i++) {
        supply some = { .left = i % 2 == 0 ? 0 : 70000, .error = i < 2 ? TR_EBUSY : 0 };
        int rc = tr_http_fetch(&reply, client,
                               &(tr_http_call){ .url = "/echo",
                                                .source = supply_some,
                                                .source_ctx = &some,
                                                .source_bytes = 70001 });

        EXPECT(rc == (i < 2 ? TR_EBUSY : TR_EINVAL) && reply == NULL);
    }
    EXPECT(tr_http_client_statistics(client, &stats) == 0);
    EXPECT(stats.failures == 4 && stats.open == 0);
    tr_http_client_unref(client);
    end_service(&s);
}

/* What stands before the stall, in whatever pieces. */
static void expect_some(tr_http_reply *reply)
{
    char bytes[4];

    for (ssize_t count, all = 0; all < 4; all += count)
        EXPECT((count = tr_http_reply_read(reply, bytes, (size_t)(4 - all))) > 0);
}

CASE(each_phase_has_its_time)
{
    tr_http_client *client;
    tr_http_client_stats stats;
    tr_http_reply *reply;
    char byte[10];
    service s;

    begin(&s);
    client =
        new_client(&s, (tr_http_client_config){ .head_timeout = SHORT_S, .read_timeout = SHORT_S });
    EXPECT(tr_http_fetch(&reply, client, &(tr_http_call){ .url = "/stall" }) == TR_ETIMEDOUT);
    EXPECT(tr_http_fetch(&reply, client, &(tr_http_call){ .url = "/stall?head=1" }) ==
           TR_ETIMEDOUT);
    EXPECT(tr_http_fetch(&reply, client,
                         &(tr_http_call){ .url = "/stall?head=1", .streams = true }) == 0);
    expect_some(reply);
    EXPECT(tr_http_reply_read(reply, byte, 10) == TR_ETIMEDOUT);
    EXPECT(tr_http_reply_read(reply, byte, 10) == TR_ETIMEDOUT);
    tr_http_reply_free(reply);
    EXPECT(tr_http_client_statistics(client, &stats) == 0);
    EXPECT(stats.open == 0 && stats.failures == 2);
    tr_http_client_unref(client);
    end_service(&s);
}

CASE(a_call_has_its_time_in_all)
{
    tr_http_client *client;
    tr_http_reply *reply;
    char byte[10];
    service s;

    begin(&s);
    client = new_client(&s, (tr_http_client_config){ .timeout = SHORT_S });
    EXPECT(tr_http_fetch(&reply, client, &(tr_http_call){ .url = "/stall?head=1" }) ==
           TR_ETIMEDOUT);
    EXPECT(
        tr_http_fetch(&reply, client, &(tr_http_call){ .url = "/stall", .timeout = SHORT_S / 2 }) ==
        TR_ETIMEDOUT);
    EXPECT(tr_http_fetch(&reply, client,
                         &(tr_http_call){ .url = "/stall?head=1",
                                          .streams = true,
                                          .timeout = 10 * SHORT_S }) == 0);
    expect_some(reply);
    EXPECT(tr_http_reply_read(reply, byte, 10) == TR_ETIMEDOUT);
    tr_http_reply_free(reply);
    tr_http_client_unref(client);
    end_service(&s);
}

struct get_stalled_args {
    tr_http_client *client;
};

static int get_stalled(void *arg)
{
    const struct get_stalled_args *a = arg;
    tr_http_reply *reply;
    int rc = tr_http_fetch(&reply, a->client, &(tr_http_call){ .url = "/stall" });

    tr_http_reply_free(reply);
    return rc;
}

/* The line goes on without the one that gives up. */
CASE(who_waits_in_line_may_give_up)
{
    tr_http_client *client;
    tr_http_client_stats stats;
    tr_http_reply *reply;
    service s;
    int rc = 0;

    begin(&s);
    client =
        new_client(&s, (tr_http_client_config){ .connections_each = 1, .wait_timeout = SHORT_S });
    TR_SCOPE(scope, &rc) {
        tr_go(scope, get_stalled, .client = client);
        let_others_run();
        EXPECT(tr_http_fetch(&reply, client, &(tr_http_call){ .url = "/hello" }) == TR_ETIMEDOUT);
        TR_DEADLINE(SHORT_S / 2) {
            EXPECT(tr_http_fetch(&reply, client, &(tr_http_call){ .url = "/hello" }) ==
                   TR_ECANCELED);
        }
        EXPECT(tr_http_client_statistics(client, &stats) == 0);
        EXPECT(stats.waiting == 0 && stats.open == 1);
        EXPECT(tr_scope_cancel(scope) >= 0);
    }
    EXPECT(tr_http_fetch(&reply, client, &(tr_http_call){ .url = "/hello" }) == 0);
    tr_http_reply_free(reply);
    EXPECT(tr_http_client_statistics(client, &stats) == 0);
    EXPECT(stats.open == 1 && stats.idle == 1 && stats.connections == 2);
    tr_http_client_unref(client);
    end_service(&s);
}

/* Where a client has all that it may have, one that idles for another server makes room. */
CASE(idle_connections_make_room_for_others)
{
    tr_http_client *client;
    tr_http_client_stats stats;
    tr_http_reply *reply;
    char url[128];
    service s[3];

    for (int i = 0; i < 3; i++)
        begin(&s[i]);
    client = new_client(&s[0], (tr_http_client_config){ .connections_most = 2 });
    for (int i = 0; i < 6; i++) {
        (void)snprintf(url, sizeof(url), "http://%s/hello", s[i % 3].address);
        EXPECT(tr_http_fetch(&reply, client, &(tr_http_call){ .url = url }) == 0);
        tr_http_reply_free(reply);
    }
    EXPECT(tr_http_client_statistics(client, &stats) == 0);
    EXPECT(stats.open == 2 && stats.idle == 2 && stats.connections == 6);
    tr_http_client_unref(client);
    for (int i = 0; i < 3; i++)
        end_service(&s[i]);
}

CASE(idle_connections_are_closed_in_time)
{
    tr_http_client *client;
    tr_http_client_stats stats;
    tr_http_reply *reply;
    service s;

    begin(&s);
    client = new_client(&s, (tr_http_client_config){ .idle_timeout = SHORT_S });
    EXPECT(tr_http_fetch(&reply, client, &(tr_http_call){ .url = "/hello" }) == 0);
    tr_http_reply_free(reply);
    do {
        EXPECT(tr_sleep(SHORT_S / 2) == 0);
        EXPECT(tr_http_client_statistics(client, &stats) == 0);
    } while (stats.open > 0);
    EXPECT(stats.idle == 0);
    tr_http_client_unref(client);
    end_service(&s);
}

/* The client hears of it while nobody calls. */
CASE(a_server_that_closes_is_noticed)
{
    static const char *const answers[] = { "HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n\1", NULL };
    tr_http_client *client;
    tr_http_client_stats stats;
    tr_http_reply *reply;
    scripted s;

    scripted_begin(&s, answers);
    EXPECT(tr_http_client_new(&client, NULL) == 0);
    EXPECT(tr_http_fetch(&reply, client, &(tr_http_call){ .url = s.url }) == 0);
    tr_http_reply_free(reply);
    do {
        EXPECT(tr_sleep(0.001) == 0);
        EXPECT(tr_http_client_statistics(client, &stats) == 0);
    } while (stats.open > 0);
    EXPECT(stats.idle == 0 && stats.connections == 1);
    tr_http_client_unref(client);
    scripted_end(&s);
}

/* Larger than all buffers on the way: the client hears the answer while it still sends. */
CASE(what_is_sent_late_is_not_lost)
{
    tr_http_client *client;
    service s;

    begin(&s);
    client = new_client(&s, (tr_http_client_config){ 0 });
    expect_echo(client, true);
    expect_echo(client, false);
    tr_http_client_unref(client);
    end_service(&s);
}

CASES("streams", what_is_small_enough_streams_both_ways, a_reply_may_be_left_unread,
      a_source_that_fails_fails_the_call, each_phase_has_its_time, a_call_has_its_time_in_all,
      who_waits_in_line_may_give_up, idle_connections_make_room_for_others,
      idle_connections_are_closed_in_time, a_server_that_closes_is_noticed,
      what_is_sent_late_is_not_lost)
