/* Pings come as often as is said, however long an answer may take. */
#include "http/raw_socket.h"

static int listen_only(tr_ws *ws, tr_http_request *req, void *ctx)
{
    tr_ws_message m;
    int rc;

    (void)req;
    (void)ctx;
    while ((rc = tr_ws_receive(ws, &m)) > 0)
        ;
    return rc;
}

CASE(who_answers_soon_is_asked_again_soon)
{
    tr_http_server *server = new_server(&(tr_http_config){ 0 });
    service s;
    char data[126];
    size_t bytes;
    tr_io *io;
    int rc = 0;

    EXPECT(tr_http_websocket(server, "/listen", listen_only, NULL,
                             &(tr_ws_options){ .ping_every = 0.02, .pong_within = 10000 }) == 0);
    begin_service(&s, server);
    io = raw_open(&s, "/listen", "");
    TR_DEADLINE(1000, &rc) {
        for (int i = 0; i < 3; i++) {
            EXPECT(raw_hear(io, data, &bytes) == (FIN | PING));
            raw_put(io, FIN | PONG, data, bytes);
        }
    }
    EXPECT(rc == 0);
    raw_put(io, FIN | CLOSE, "\x03\xe8", 2);
    raw_close(io);
    end_service(&s);
}

CASES("websocket_pings", who_answers_soon_is_asked_again_soon)
