/* chat: rooms of people, by WebSocket, with a page.
 *
 * A room spans all loops: what one says is encoded once, and shared by all who hear it. Each
 * person has a task, which waits for what they say; who reads too slowly is closed, and holds
 * nobody up. Node has ws and a loop over its clients; Django has Channels with a Redis between.
 *
 *   Build:   cc chat.c $(pkg-config --cflags --libs troupe-net)
 *   Run:     ./chat 127.0.0.1:8080 chat     (the folder with the page), then open
 *            http://127.0.0.1:8080/ in two windows
 *   Prints:  listening on 127.0.0.1:8080 */
#include <stdio.h>
#include <string.h>
#include <troupe/net.h>

static const char *folder = "samples/chat";

static int speak(tr_ws *ws, tr_http_request *req, void *room)
{
    char name[64];
    const char *asked = tr_http_query(req, "name");
    tr_ws_message m;
    int rc;

    (void)snprintf(name, sizeof(name), "%s", asked != NULL && asked[0] != 0 ? asked : "somebody");
    rc = tr_room_join(room, ws);
    if (rc == 0)
        rc = tr_room_text(room, "%s comes in", name);
    while (rc >= 0 && (rc = tr_ws_receive(ws, &m)) > 0)
        if (m.type == TR_WS_TEXT)
            rc = tr_room_text(room, "%s: %s", name, m.data);
    (void)tr_room_leave(room, ws); /* it is in */
    (void)tr_room_text(room, "%s has left", name);
    return rc;
}

static int tell(void *srv)
{
    int rc = tr_http_await_ready(srv);

    if (rc == 0)
        printf("listening on %s\n", tr_http_address(srv));
    fflush(stdout);
    return rc;
}

static int serve(void *address)
{
    tr_http_server *srv = NULL;
    tr_room *room = NULL;
    int rc = tr_room_new(&room);

    if (rc == 0)
        rc = tr_http_server_new(&srv, &(tr_http_config){ .listen = address });
    if (rc == 0) {
        tr_http_websocket(srv, "/room", speak, room, NULL);
        tr_http_files(srv, "/", folder, NULL);
        tr_task_spawn(NULL, tell, srv);
        rc = tr_http_serve(srv);
    }
    tr_room_unref(room);
    return rc == TR_ECANCELED ? 0 : rc;
}

int main(int argc, char **argv)
{
    if (argc > 3 || (argc > 1 && strcmp(argv[1], "--help") == 0)) {
        printf("usage: %s [ADDRESS [FOLDER]]      the folder has the page: samples/chat\n",
               argv[0]);
        return argc > 3 ? 2 : 0;
    }
    if (argc == 3)
        folder = argv[2];
    return tr_main(argc, argv, serve, argc > 1 ? argv[1] : "127.0.0.1:8080", NULL);
}
