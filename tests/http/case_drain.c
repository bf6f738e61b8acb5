/* The end of a server under load: whoever could connect is answered. */
#include "http/service.h"

static int hello(tr_http_request *req, tr_http_response *res, void *ctx)
{
    (void)req;
    (void)ctx;
    return tr_http_text(res, 200, "hello");
}

/* One request a connection, until there is no more server. */
static int ask_until_the_end(void *arg)
{
    const service *s = arg;
    char text[1024];
    tr_io *io;

    while (tr_tcp_connect(&io, s->address, NULL) == 0) {
        say(io, "GET / HTTP/1.1\r\nHost: a\r\n\r\n");
        EXPECT(hear(io, text, sizeof(text)) == 200);
        EXPECT(tr_close(io) == 0);
    }
    return 0;
}

CASE(whoever_could_connect_is_answered)
{
    tr_http_server *server = new_server(&(tr_http_config){ 0 });
    service s;
    int rc;

    EXPECT(tr_http_route(server, "GET", "/", hello, NULL) == 0);
    begin_service(&s, server);
    TR_SCOPE(scope, &rc) {
        for (int i = 0; i < 8; i++)
            EXPECT(tr_scope_spawn_on(scope, TR_LOOP(i % 2), ask_until_the_end, &s) == 0);
        EXPECT(tr_sleep(0.02) == 0);
        end_service(&s);
    }
    EXPECT(rc == 0);
}

CASES("drain", whoever_could_connect_is_answered)
