/* troupe's side of ./dev bench --http: a text, JSON that is checked, and a room. */
#include <stdio.h>
#include <troupe/net.h>

struct order {
    char *name;
    double price;
    int64_t quantity;
    char *color;
    bool is_gift;
    char *note;
};

struct total {
    char *name;
    double total;
    int64_t quantity;
};

TR_DECLARE(order, TR_TEXT(order, name, .required = true, .min_length = 1, .max_length = 80),
           TR_NUMBER(order, price, .required = true, TR_MORE_THAN(0)),
           TR_INTEGER(order, quantity, .required = true, TR_AT_LEAST(1), TR_AT_MOST(1000)),
           TR_TEXT(order, color, .required = true, .one_of = "red|green|blue"),
           TR_BOOLEAN(order, is_gift), TR_TEXT(order, note, .max_length = 200));

TR_DECLARE(total, TR_TEXT(total, name), TR_NUMBER(total, total), TR_INTEGER(total, quantity));

static int hello(tr_http_request *req, tr_http_response *res, void *ctx)
{
    (void)req;
    (void)ctx;
    return tr_http_text(res, 200, "Hello, World!");
}

static int take_order(tr_http_request *req, tr_http_response *res, void *ctx)
{
    const struct order *o = tr_http_body_as(req);
    struct total answer = { .name = o->name,
                            .total = o->price * (double)o->quantity,
                            .quantity = o->quantity };

    (void)ctx;
    return tr_http_answer(res, 200, &tr_declared_total, &answer);
}

static int speak(tr_ws *ws, tr_http_request *req, void *ctx)
{
    tr_ws_message m;
    int rc = tr_room_join(ctx, ws);

    (void)req;
    while (rc >= 0 && (rc = tr_ws_receive(ws, &m)) > 0)
        rc = tr_room_send(ctx, m.type, m.data, m.bytes);
    return rc;
}

static int serve(void *address)
{
    tr_http_server *srv = NULL;
    tr_room *room = NULL;
    int rc = tr_room_new(&room);

    if (rc == 0)
        rc = tr_http_server_new(&srv, &(tr_http_config){ .listen = address,
                                                         .idle_timeout = 3600,
                                                         .connections_most = 200000 });
    if (rc == 0) {
        tr_http_route(srv, "GET", "/", hello, NULL);
        tr_http_route_with(
            srv, "POST", "/orders", take_order, NULL,
            &(tr_http_route_options){ .body = &tr_declared_order, .answer = &tr_declared_total });
        tr_http_websocket(srv, "/room", speak, room, NULL);
        rc = tr_http_serve(srv);
    }
    tr_room_unref(room);
    return rc;
}

int main(int argc, char **argv)
{
    if (argc != 2) {
        fprintf(stderr, "usage: %s ADDRESS (127.0.0.1:8080)\n", argv[0]);
        return 2;
    }
    return tr_main(argc, argv, serve, argv[1], &(tr_config){ .loops = 1 });
}
