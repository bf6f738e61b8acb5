/* Rooms: what one says, all in it hear, on whichever loop they are.
 *
 *   Prints:  Ann: you are number 1
 *            Bob: you are number 2
 *            Ann: hello, all
 *            Bob: hello, all
 *            Ann: one of you has left */
#include <stdio.h>
#include <troupe/net.h>

static int member(tr_ws *ws, tr_http_request *req, void *room)
{
    tr_ws_message m;
    int rc = tr_room_join(room, ws);

    (void)req;
    if (rc == 0)
        rc = tr_ws_text(ws, "you are number %zu", tr_room_size(room));
    while (rc >= 0 && (rc = tr_ws_receive(ws, &m)) > 0)
        rc = tr_room_send(room, m.type, m.data, m.bytes);
    (void)tr_room_leave(room, ws); /* it would leave by itself, but then it heard of that */
    (void)tr_room_text(room, "one of you has left");
    return rc;
}

static int enter(tr_ws **ws, tr_http_server *srv)
{
    char url[100];

    (void)snprintf(url, sizeof(url), "ws://%s/room", tr_http_address(srv));
    return tr_ws_connect(ws, url, NULL, NULL);
}

static int hear(tr_ws *ws, const char *who)
{
    tr_ws_message m;
    int rc = 0;

    TR_DEADLINE(10, &rc) { /* where memory is short, a room's message may be lost */
        rc = tr_ws_receive(ws, &m);
    }
    return rc > 0 ? printf("%s: %s\n", who, m.data) : rc < 0 ? rc : TR_EEND;
}

static int meet(tr_http_server *srv, tr_ws **ann, tr_ws **bob)
{
    int rc;

    if ((rc = enter(ann, srv)) < 0 || (rc = hear(*ann, "Ann")) < 0 || (rc = enter(bob, srv)) < 0 ||
        (rc = hear(*bob, "Bob")) < 0 || (rc = tr_ws_text(*bob, "hello, all")) < 0 ||
        (rc = hear(*ann, "Ann")) < 0 || (rc = hear(*bob, "Bob")) < 0)
        return rc;
    rc = tr_ws_close(*bob, 0, "good bye");
    *bob = NULL;
    return rc < 0 ? rc : hear(*ann, "Ann");
}

static int visit(void *srv)
{
    tr_ws *ann = NULL, *bob = NULL;
    int rc = tr_http_await_ready(srv);

    if (rc == 0)
        rc = meet(srv, &ann, &bob);
    (void)tr_ws_close(ann, 0, NULL);
    (void)tr_ws_close(bob, 0, NULL); /* NULL is allowed */
    if (rc >= 0)
        tr_http_stop(srv);
    return rc;
}

static int app(void *arg)
{
    tr_http_server *srv = NULL;
    tr_room *room;
    int rc = tr_room_new(&room), served = 0;

    (void)arg;
    if (rc == 0)
        rc = tr_http_server_new(&srv, &(tr_http_config){ .listen = "127.0.0.1:0" });
    if (rc == 0) {
        tr_http_websocket(srv, "/room", member, room, NULL);
        TR_SCOPE(s, &rc) {
            tr_scope_spawn(s, visit, srv);
            served = tr_http_serve(srv);
        }
    }
    tr_room_unref(room);
    return rc < 0 ? rc : served;
}

int main(int argc, char **argv)
{
    return tr_main(argc, argv, app, NULL, NULL);
}
