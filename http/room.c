/* Rooms of WebSockets, over all loops.
 *
 * A room has a list of members for each loop, which only that loop touches. A message is encoded
 * once, and posted to each loop that has members, where one frame that refers to it is queued with
 * all of them. */
#include <stdarg.h>
#include <string.h>

#include "base/atomic.h"
#include "base/seam.h"
#include "http/print.h"
#include "http/utf8.h"
#include "http/ws.h"
#include "runtime/loop.h"
#include "runtime/task.h"

enum { DEFLATED_LEAST = 128 }; /* of a message: a shorter one gains nothing */

typedef struct hall { /* of one loop */
    TR__ALIGNED(TR__CACHE_LINE) tr__list members;
    uint64_t count;     /* written by the loop, read by all */
    uint64_t deflating; /* of them */
} hall;

struct tr_room {
    uint32_t refs; /* shared */
    int halls;
    hall hall[];
};

typedef struct membership {
    tr__list in_hall;
    tr__list in_ws;
    tr_room *room;
    tr_ws *ws;
} membership;

/* ---- making ---- */

int tr_room_new(tr_room **out)
{
    int loops = tr_loop_count();
    tr_room *room;

    if (out == NULL)
        return TR_EINVAL;
    *out = NULL;
    if (loops == 0)
        return TR_ESHUTDOWN;
    room = tr__alloc_lines_zeroed(sizeof(*room) + (size_t)loops * sizeof(room->hall[0]));
    if (room == NULL)
        return TR_ENOMEM;
    room->refs = 1;
    room->halls = loops;
    for (int i = 0; i < loops; i++)
        tr__list_init(&room->hall[i].members);
    *out = room;
    return 0;
}

tr_room *tr_room_ref(tr_room *room)
{
    /* relaxed enough, though ordered: who refers to it already has it. */
    if (room != NULL)
        (void)tr__add_ordered_u32(&room->refs, 1);
    return room;
}

void tr_room_unref(tr_room *room)
{
    /* ordered: what others did with the room comes before it is freed; pairs with itself. */
    if (room != NULL && tr__add_ordered_u32(&room->refs, UINT32_MAX) == 1)
        tr__free_lines(room);
}

/* ---- who is in it ---- */

static hall *hall_here(tr_room *room)
{
    int number = (int)tr__loop_here()->number - 1;

    return number < room->halls ? &room->hall[number] : NULL;
}

static membership *find(const tr_room *room, tr_ws *ws)
{
    for (tr__list *node = ws->memberships.next; node != &ws->memberships; node = node->next) {
        membership *m = TR__CONTAINER_OF(node, membership, in_ws);

        if (m->room == room)
            return m;
    }
    return NULL;
}

static int check(const tr_room *room, const tr_ws *ws)
{
    if (room == NULL || ws == NULL)
        return TR_EINVAL;
    if (tr__loop_here() == NULL ||
        (ws->io->ready.net != NULL && ws->io->ready.net->loop != tr__loop_here()))
        return TR_EWRONGPLACE;
    return 0;
}

int tr_room_join(tr_room *room, tr_ws *ws)
{
    int rc = check(room, ws);
    membership *m;
    hall *here;

    if (rc < 0)
        return rc;
    if (ws->is_client) /* its frames would have to be masked, each otherwise */
        return TR_EINVAL;
    if (ws->is_closing || ws->is_over)
        return TR_EPIPE;
    here = hall_here(room);
    if (here == NULL || find(room, ws) != NULL)
        return here == NULL ? TR_EINVAL : TR_EALREADY;
    m = tr__alloc_zeroed(sizeof(*m));
    if (m == NULL)
        return TR_ENOMEM;
    m->room = tr_room_ref(room);
    m->ws = ws;
    tr__list_append(&here->members, &m->in_hall);
    tr__list_append(&ws->memberships, &m->in_ws);
    tr__bump_u64(&here->count, 1);
    tr__bump_u64(&here->deflating, ws->is_deflating);
    return 0;
}

static void leave(membership *m)
{
    hall *here = hall_here(m->room);

    tr__list_remove(&m->in_hall);
    tr__list_remove(&m->in_ws);
    tr__bump_u64(&here->count, UINT64_MAX);
    if (m->ws->is_deflating)
        tr__bump_u64(&here->deflating, UINT64_MAX);
    tr_room_unref(m->room);
    tr__free(m);
}

int tr_room_leave(tr_room *room, tr_ws *ws)
{
    int rc = check(room, ws);
    membership *m;

    if (rc < 0)
        return rc;
    m = find(room, ws);
    if (m == NULL)
        return TR_EALREADY;
    leave(m);
    return 0;
}

void tr__rooms_leave(tr_ws *ws)
{
    while (!tr__list_is_empty(&ws->memberships))
        leave(TR__CONTAINER_OF(ws->memberships.next, membership, in_ws));
}

size_t tr_room_size(const tr_room *room)
{
    uint64_t count = 0;

    for (int i = 0; room != NULL && i < room->halls; i++)
        count += tr__load_relaxed_u64(&room->hall[i].count); /* relaxed: a figure */
    return (size_t)count;
}

/* ---- messages ---- */

/* On its way to the members of one loop. */
typedef struct delivery {
    tr__runnable runnable;
    struct delivery *next;
    tr_room *room;
    int number; /* of the hall */
    tr_bytes *plain;
    tr_bytes *deflated; /* NULL: nobody wants it */
} delivery;

static void free_delivery(delivery *d)
{
    tr_bytes_unref(d->plain);
    tr_bytes_unref(d->deflated);
    tr_room_unref(d->room);
    tr__free(d);
}

static void deliver(delivery *d)
{
    hall *here = &d->room->hall[d->number];
    tr__frame *plain = tr__frame_new(tr_bytes_ref(d->plain), false);
    tr__frame *deflated =
        d->deflated != NULL ? tr__frame_new(tr_bytes_ref(d->deflated), false) : NULL;

    for (tr__list *node = here->members.next; node != &here->members; node = node->next) {
        tr_ws *ws = TR__CONTAINER_OF(node, membership, in_hall)->ws;

        tr__ws_offer(ws, ws->is_deflating && deflated != NULL ? deflated : plain);
    }
    tr__frame_unref(plain);
    tr__frame_unref(deflated);
    free_delivery(d);
}

static uint32_t run_delivery(tr__runnable *runnable, tr__loop *loop)
{
    (void)loop;
    deliver(TR__CONTAINER_OF(runnable, delivery, runnable));
    return 1;
}

static bool wants_deflated(const tr_room *room)
{
    uint64_t count = 0;

    for (int i = 0; i < room->halls; i++)
        count += tr__load_relaxed_u64(&room->hall[i].deflating); /* relaxed: a hint */
    return count > 0;
}

static int encode_deflated(tr_bytes **out, tr_ws_type type, tr__slice data)
{
    tr__buffer deflated = { 0 };
    int rc = tr__deflate_message(data, &deflated);

    if (rc == 0) {
        *out = tr__frame_encode(type, (tr__slice){ deflated.bytes, tr__buffer_count(&deflated) },
                                true, false);
        rc = *out != NULL ? 0 : TR_ENOMEM;
    }
    tr__buffer_free(&deflated);
    return rc;
}

static delivery *new_delivery(tr_room *room, int number, tr_bytes *plain, tr_bytes *deflated)
{
    delivery *d = tr__alloc_zeroed(sizeof(*d));

    if (d == NULL)
        return NULL;
    d->runnable.run = run_delivery;
    d->room = tr_room_ref(room);
    d->number = number;
    d->plain = tr_bytes_ref(plain);
    d->deflated = tr_bytes_ref(deflated);
    return d;
}

/* One for each loop that has members; all, or none. */
static int make_deliveries(tr_room *room, tr_bytes *plain, tr_bytes *deflated, delivery **all)
{
    *all = NULL;
    for (int i = 0; i < room->halls; i++) {
        delivery *d;

        /* acquire: who has joined before it was told of this message is seen; pairs with whatever
         * told it. */
        if (tr__load_acquire_u64(&room->hall[i].count) == 0)
            continue;
        d = new_delivery(room, i, plain, deflated);
        if (d == NULL) {
            while ((d = *all) != NULL) {
                *all = d->next;
                free_delivery(d);
            }
            return TR_ENOMEM;
        }
        d->next = *all;
        *all = d;
    }
    return 0;
}

static void send_deliveries(delivery *all)
{
    const tr__loop *here = tr__loop_here();

    while (all != NULL) {
        delivery *d = all;

        all = d->next;
        if (here != NULL && (int)here->number - 1 == d->number)
            deliver(d);
        else if (!tr__loop_post((uint32_t)d->number + 1, &d->runnable))
            free_delivery(d); /* it has quit, and has no members any more */
    }
}

int tr_room_send(tr_room *room, tr_ws_type type, const void *data, size_t bytes)
{
    tr__slice slice = { data != NULL ? data : "", bytes };
    tr_bytes *deflated = NULL;
    tr_bytes *plain;
    delivery *all;
    int rc = 0;

    if (room == NULL || (data == NULL && bytes > 0) ||
        (type != TR_WS_TEXT && type != TR_WS_BINARY) ||
        (type == TR_WS_TEXT && !tr__utf8_is_valid(slice.at, bytes)))
        return TR_EINVAL;
    plain = tr__frame_encode(type, slice, false, false);
    if (plain == NULL)
        return TR_ENOMEM;
    if (bytes >= DEFLATED_LEAST && wants_deflated(room))
        rc = encode_deflated(&deflated, type, slice);
    if (rc == 0)
        rc = make_deliveries(room, plain, deflated, &all);
    tr_bytes_unref(plain);
    tr_bytes_unref(deflated);
    if (rc == 0)
        send_deliveries(all);
    return rc;
}

int tr_room_text(tr_room *room, const char *format, ...)
{
    char *text;
    size_t bytes;
    va_list args;
    int rc;

    if (format == NULL)
        return TR_EINVAL;
    va_start(args, format);
    rc = tr__print(&text, &bytes, format, args);
    va_end(args);
    if (rc < 0)
        return rc;
    rc = tr_room_send(room, TR_WS_TEXT, text, bytes);
    tr__free(text);
    return rc;
}
