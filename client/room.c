/* Rooms of clients: opening them on their loops, and closing them there. */
#include <string.h>

#include "base/atomic.h"
#include "base/seam.h"
#include "client/client.h"
#include "client/conns.h"
#include "runtime/loop.h"

/* The program's own client's, of this loop; NULL: it has not used it yet. */
static TR__THREAD_LOCAL tr__client_room *default_room;

/* ---- closing ---- */

/* On its loop: nobody is left who waits. */
static void close_room(tr__client_room *room)
{
    bool was_default = room->is_default;

    tr__conns_close(room);
    room->net = NULL;
    room->is_default = false;
    if (was_default) {
        default_room = NULL;
        tr__client_default_leave(room->client);
    }
    tr__client_let_go(room->client);
}

static void evict(tr__tenant *tenant)
{
    close_room(TR__CONTAINER_OF(tenant, tr__client_room, tenant));
}

/* The loop may have closed it meanwhile, and have quit: then this is called by its last thread,
 * nevertheless. */
static uint32_t run_closing(tr__runnable *runnable, tr__loop *loop)
{
    tr__client_room *room = TR__CONTAINER_OF(runnable, tr__client_room, closing);
    tr_http_client *client = room->client;

    (void)loop;
    if (room->net != NULL) {
        tr__tenant_leave(&room->tenant);
        close_room(room);
    }
    tr__client_let_go(client);
    return 1;
}

void tr__client_close_rooms(tr_http_client *client)
{
    for (size_t i = 0; i < TR__LOOPS_MAX; i++) {
        /* acquire: the room's own fields; pairs with the release where it is made. */
        tr__client_room *room = tr__load_acquire_ptr(&client->rooms[i]);

        if (room == NULL)
            continue;
        tr__client_hold(client);
        if (!tr__loop_post(room->number, &room->closing))
            tr__client_let_go(client); /* it has quit, and closed it */
    }
}

void tr__client_free_rooms(tr_http_client *client)
{
    for (size_t i = 0; i < TR__LOOPS_MAX; i++)
        tr__free(client->rooms[i]);
}

/* ---- opening ---- */

static tr__client_room *make_room(tr_http_client *client, uint32_t number)
{
    tr__client_room *room = tr__alloc_zeroed(sizeof(*room));

    if (room == NULL)
        return NULL;
    room->client = client;
    room->number = number;
    room->closing.run = run_closing;
    /* release: its fields, to those who read its figures, or close it. */
    tr__store_release_ptr(&client->rooms[number - 1], room);
    return room;
}

static int open_room(tr__client_room *room, tr__net *net)
{
    int rc = tr__conns_open(room);

    if (rc < 0)
        return rc;
    room->net = net;
    tr__tenant_enter(net, &room->tenant, evict);
    tr__client_hold(room->client);
    return 0;
}

/* The loop's own thread is the only one that writes its room: plain loads see it. */
static int room_of(tr__client_room **out, tr_http_client *client)
{
    tr__net *net;
    int rc = tr__net_here(&net);
    uint32_t number;

    if (rc < 0)
        return rc;
    number = net->loop->number;
    *out = client->rooms[number - 1];
    if (*out == NULL)
        *out = make_room(client, number);
    if (*out == NULL)
        return TR_ENOMEM;
    return (*out)->net != NULL ? 0 : open_room(*out, net);
}

static int open_default(tr__client_room **out)
{
    tr_http_client *client;
    int rc = tr__client_default(&client);

    if (rc < 0)
        return rc;
    rc = room_of(out, client);
    if (rc < 0) {
        tr__client_default_leave(client);
        return rc;
    }
    (*out)->is_default = true;
    default_room = *out;
    return 0;
}

int tr__client_room_here(tr__client_room **out, tr_http_client *client)
{
    *out = NULL;
    if (tr__loop_here() == NULL)
        return TR_EWRONGPLACE;
    if (client == NULL && default_room != NULL) {
        *out = default_room;
        return 0;
    }
    return client == NULL ? open_default(out) : room_of(out, client);
}
