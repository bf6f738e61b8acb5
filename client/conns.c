/* Connections that are kept alive, and calls that wait for one. */
#include "client/conns.h"

#include <string.h>
#include <troupe/task.h>

#include "base/atomic.h"
#include "base/seam.h"
#include "base/siphash.h"
#include "net/system.h"
#include "net/tls_engine.h"
#include "runtime/task.h"

enum { BLOCK_BYTES = 16 * 1024, SPARE_BLOCKS = 256 };
#define NS_PER_S 1e9
#define LONG_S   1e9 /* longer than anything lasts */

/* A call in an origin's line. */
typedef struct waiter {
    tr__wait wait;
    tr__list link;
    tr__client_origin *origin;
    tr__client_conn *conn; /* that it was handed; NULL: it may open one */
} waiter;

/* ---- origins ---- */

static tr__client_origin **bucket_of(const tr__client_room *room, uint64_t hash)
{
    return &room->buckets[hash & (room->bucket_count - 1)];
}

/* A table that can't grow is slower, and as right. */
static void grow(tr__client_room *room)
{
    size_t count = room->bucket_count * 2;
    tr__client_origin **before = room->buckets;
    tr__client_origin **buckets = tr__alloc_zeroed(count * sizeof(tr__client_origin *));
    size_t before_count = room->bucket_count;

    if (buckets == NULL)
        return;
    room->buckets = buckets;
    room->bucket_count = count;
    for (size_t i = 0; i < before_count; i++)
        while (before[i] != NULL) {
            tr__client_origin *origin = before[i];
            tr__client_origin **bucket = bucket_of(room, origin->hash);

            before[i] = origin->next;
            origin->next = *bucket;
            *bucket = origin;
        }
    tr__free(before);
}

static tr__client_origin *add_origin(tr__client_room *room, tr__slice key, uint64_t hash)
{
    tr__client_origin *origin = tr__alloc_zeroed(sizeof(*origin) + key.bytes);
    tr__client_origin **bucket;

    if (origin == NULL)
        return NULL;
    if (room->origin_count >= room->bucket_count)
        grow(room);
    bucket = bucket_of(room, hash);
    origin->room = room;
    origin->hash = hash;
    origin->bytes = key.bytes;
    memcpy(origin->key, key.at, key.bytes);
    tr__list_init(&origin->idle);
    tr__list_init(&origin->line);
    origin->next = *bucket;
    *bucket = origin;
    room->origin_count++;
    return origin;
}

static tr__client_origin *find_origin(tr__client_room *room, tr__slice key)
{
    uint64_t hash = tr__siphash(room->hash_key, key.at, key.bytes);
    tr__client_origin *origin = *bucket_of(room, hash);

    while (origin != NULL && (origin->hash != hash || origin->bytes != key.bytes ||
                              memcmp(origin->key, key.at, key.bytes) != 0))
        origin = origin->next;
    return origin != NULL ? origin : add_origin(room, key, hash);
}

/* One that has nothing, and for which nobody waits, is forgotten. */
static void forget_unused(tr__client_origin *origin)
{
    tr__client_origin **at = bucket_of(origin->room, origin->hash);

    if (origin->open > 0 || origin->users > 0)
        return;
    while (*at != origin)
        at = &(*at)->next;
    *at = origin->next;
    origin->room->origin_count--;
    tr__free(origin);
}

/* ---- permits and the line ---- */

static bool has_permit(const tr__client_origin *origin)
{
    return origin->open < origin->room->client->config.connections_each;
}

static bool is_full(const tr__client_room *room)
{
    return (long)room->tally.open >= room->client->config.connections_most;
}

static void take_permit(tr__client_origin *origin)
{
    origin->open++;
    tr__bump_u64(&origin->room->tally.open, 1);
}

/* Keep the list of those who starve as its invariant says. */
static void judge(tr__client_origin *origin)
{
    bool starves = !tr__list_is_empty(&origin->line) && has_permit(origin);

    if (starves && !tr__list_is_linked(&origin->starved))
        tr__list_append(&origin->room->starved, &origin->starved);
    else if (!starves && tr__list_is_linked(&origin->starved))
        tr__list_remove(&origin->starved);
}

/* The first in line has what it waits for: a connection, or (NULL) a permit. */
static void serve_first(tr__client_origin *origin, tr__client_conn *conn)
{
    waiter *first = TR__CONTAINER_OF(origin->line.next, waiter, link);

    tr__list_remove(&first->link);
    tr__bump_u64(&origin->room->tally.waiting, UINT64_MAX);
    first->conn = conn;
    tr__wait_end(&first->wait, 0);
}

/* As long as the room has permits, those who starve get them, an origin after the other. */
static void grant(tr__client_room *room)
{
    while (!is_full(room) && !tr__list_is_empty(&room->starved)) {
        tr__client_origin *origin =
            TR__CONTAINER_OF(room->starved.next, tr__client_origin, starved);

        tr__list_remove(&origin->starved);
        take_permit(origin);
        serve_first(origin, NULL);
        judge(origin);
    }
}

static void give_permit(tr__client_origin *origin)
{
    tr__client_room *room = origin->room;

    origin->open--;
    tr__bump_u64(&room->tally.open, UINT64_MAX);
    judge(origin);
    grant(room);
    forget_unused(origin);
}

static bool withdraw(tr__wait *wait)
{
    waiter *w = TR__CONTAINER_OF(wait, waiter, wait);

    tr__list_remove(&w->link);
    tr__bump_u64(&w->origin->room->tally.waiting, UINT64_MAX);
    judge(w->origin);
    return true;
}

static void describe(const tr__wait *wait, tr__awaited *awaited)
{
    awaited->what = "a connection of an HTTP client";
    awaited->object = TR__CONTAINER_OF(wait, waiter, wait)->origin;
}

static const tr__wait_kind kind = { withdraw, describe };

static int wait_in_line(tr__client_origin *origin, tr__client_conn **out)
{
    waiter w = { .wait = { .kind = &kind, .task = tr__task_here() }, .origin = origin };
    int rc = tr__task_checkpoint(tr__task_here());

    if (rc < 0)
        return rc;
    tr__list_append(&origin->line, &w.link);
    tr__bump_u64(&origin->room->tally.waiting, 1);
    judge(origin);
    rc = tr__wait_suspend(&w.wait);
    *out = rc == 0 ? w.conn : NULL;
    return rc;
}

/* ---- idle connections ---- */

static void unlist_idle(tr__client_conn *conn)
{
    if (conn->io != NULL)
        tr__ready_call_off(&conn->io->ready.in, &conn->waiter);
    tr__list_remove(&conn->link);
    tr__list_remove(&conn->in_origin);
    tr__bump_u64(&conn->room->tally.idle, UINT64_MAX);
}

static void free_conn(tr__client_conn *conn)
{
    (void)tr_close(conn->io); /* on its loop; what it would say, nobody wants to know */
    tr__buffer_free(&conn->in);
    tr__free(conn);
}

static void close_idle(tr__client_conn *conn)
{
    tr__client_origin *origin = conn->origin;

    unlist_idle(conn);
    free_conn(conn);
    give_permit(origin);
}

static tr__client_conn *first_idle(const tr__client_room *room)
{
    return tr__list_is_empty(&room->idle)
               ? NULL
               : TR__CONTAINER_OF(room->idle.next, tr__client_conn, link);
}

static void on_timer(tr__timer *timer);

/* All have the same time: so the first in the list is the first to be late. The timer may ring too
 * early, for one that has gone; never too late. */
static void arm(tr__client_room *room)
{
    const tr__client_conn *first = first_idle(room);

    if (first != NULL && !tr__timer_is_started(&room->timer))
        tr__timer_start(&room->net->loop->wheel, &room->timer, first->due_ns, on_timer);
}

static void on_timer(tr__timer *timer)
{
    tr__client_room *room = TR__CONTAINER_OF(timer, tr__client_room, timer);
    uint64_t now_ns = room->net->loop->now_ns;
    tr__client_conn *conn;

    while ((conn = first_idle(room)) != NULL && conn->due_ns <= now_ns)
        close_idle(conn);
    arm(room);
}

/* Whether nothing has come, not even the end: what is there now would be taken for the answer of
 * the next request. TLS may have had something to say that is no data. */
static bool is_silent(tr__client_conn *conn)
{
    tr_io *io = conn->io;
    char byte;

    if (io->ready.net == NULL || tr__buffer_count(&io->in) > 0)
        return false;
    return (io->kind->is_plain ? tr__sys_peek(io->ready.fd) : io->kind->try_read(io, &byte, 1)) ==
           -EAGAIN;
}

/* The same; but where the last read has said that nothing more was there, and nothing was heard
 * since, it is believed, unless the caller must be sure. */
static bool is_usable(tr__client_conn *conn, unsigned flags)
{
    const tr_io *io = conn->io;

    if ((flags & TR__CONNS_SURE) == 0 && io->is_dry && io->ready.net != NULL &&
        tr__buffer_count(&io->in) == 0)
        return true;
    return is_silent(conn);
}

static void on_readable(tr__way_waiter *way, int result)
{
    tr__client_conn *conn = TR__CONTAINER_OF(way, tr__client_conn, waiter);

    if (result == 0 && is_silent(conn))
        tr__ready_call(&conn->io->ready, &conn->io->ready.in, &conn->waiter);
    else
        close_idle(conn);
}

static void keep_idle(tr__client_conn *conn)
{
    tr__client_room *room = conn->room;
    double seconds = room->client->config.idle_timeout;

    conn->due_ns =
        room->net->loop->now_ns + (uint64_t)((seconds < LONG_S ? seconds : LONG_S) * NS_PER_S);
    conn->waiter.end = on_readable;
    tr__list_remove(&conn->link);
    tr__list_append(&room->idle, &conn->link);
    tr__list_append(conn->origin->idle.next, &conn->in_origin); /* in front of the first */
    tr__bump_u64(&room->tally.idle, 1);
    tr__ready_call(&conn->io->ready, &conn->io->ready.in, &conn->waiter);
    arm(room);
}

/* The one that was used last has the most time left. NULL: there is none that still lives. */
static tr__client_conn *take_idle(tr__client_origin *origin, unsigned flags)
{
    while (!tr__list_is_empty(&origin->idle)) {
        tr__client_conn *conn = TR__CONTAINER_OF(origin->idle.next, tr__client_conn, in_origin);

        if (!is_usable(conn, flags)) {
            close_idle(conn);
            continue;
        }
        unlist_idle(conn);
        tr__list_append(&conn->room->busy, &conn->link);
        return conn;
    }
    return NULL;
}

/* ---- taking one ---- */

static tr__client_conn *make_conn(tr__client_origin *origin)
{
    tr__client_conn *conn = tr__alloc_zeroed(sizeof(*conn));

    if (conn == NULL)
        return NULL;
    conn->origin = origin;
    conn->room = origin->room;
    tr__list_append(&origin->room->busy, &conn->link);
    return conn;
}

/* A permit that is there, or becomes so as one that idles elsewhere is closed; false: all are busy,
 * or others have been waiting for longer. */
static bool get_permit(tr__client_origin *origin)
{
    tr__client_room *room = origin->room;

    if (!tr__list_is_empty(&origin->line) || !has_permit(origin))
        return false;
    if (is_full(room) && first_idle(room) == NULL)
        return false;
    take_permit(origin); /* first, so that the origin does not go with an idle one of its own */
    if ((long)room->tally.open > room->client->config.connections_most)
        close_idle(first_idle(room));
    return true;
}

static void close_io(tr__client_conn *conn)
{
    (void)tr_close(conn->io); /* on its loop */
    conn->io = NULL;
}

static int take(tr__client_origin *origin, tr__client_conn **out, unsigned flags)
{
    const double seconds = origin->room->client->config.wait_timeout;
    int rc = 0;

    *out = take_idle(origin, flags);
    if (*out != NULL)
        return 0;
    if (!get_permit(origin)) {
        TR_DEADLINE(seconds, &rc) {
            rc = wait_in_line(origin, out);
        }
        if (*out != NULL && ((flags & TR__CONNS_FRESH) != 0 || !is_usable(*out, flags)))
            close_io(*out); /* the permit stays, for a new one */
        if (rc < 0 || *out != NULL)
            return rc;
    }
    *out = make_conn(origin);
    if (*out == NULL)
        give_permit(origin);
    return *out == NULL ? TR_ENOMEM : 0;
}

static void begin_use(tr__client_conn *conn)
{
    conn->is_reused = conn->io != NULL;
    conn->is_heard = false;
    conn->is_sent = false;
    conn->keeps_alive = false;
    if (conn->is_reused)
        tr__bump_u64(&conn->room->tally.reused, 1);
}

int tr__conns_take(tr__client_conn **out, tr__client_room *room, tr__slice key, unsigned flags)
{
    tr__client_origin *origin = find_origin(room, key);
    int rc;

    *out = NULL;
    if (origin == NULL)
        return TR_ENOMEM;
    origin->users++;
    while ((flags & TR__CONNS_FRESH) != 0 && !tr__list_is_empty(&origin->idle))
        close_idle(TR__CONTAINER_OF(origin->idle.next, tr__client_conn, in_origin));
    rc = take(origin, out, flags);
    origin->users--;
    forget_unused(origin);
    if (*out != NULL)
        begin_use(*out);
    return rc;
}

/* ---- and giving it back ---- */

/* Whether something has been read already that nobody has asked for. What has not been read is
 * looked for when it is taken. */
static bool has_more(tr__client_conn *conn)
{
    return conn->io->ready.net == NULL || tr__buffer_count(&conn->in) > 0 ||
           tr__buffer_count(&conn->io->in) > 0 ||
           (!conn->io->kind->is_plain && tr__tls_has_pending(conn->io->secret) && !is_silent(conn));
}

/* Where the room has closed, only its memory is left. */
static bool is_orphan(tr__client_conn *conn)
{
    if (conn->origin != NULL)
        return false;
    free_conn(conn);
    return true;
}

void tr__conns_drop(tr__client_conn *conn)
{
    tr__client_origin *origin = conn->origin;

    if (is_orphan(conn))
        return;
    tr__list_remove(&conn->link);
    if (tr__buffer_count(&conn->in) > 0)
        tr__buffer_take(&conn->in, tr__buffer_count(&conn->in));
    tr__conns_give_block(conn->room, &conn->in);
    free_conn(conn);
    give_permit(origin);
}

void tr__conns_give(tr__client_conn *conn)
{
    tr__client_origin *origin = conn->origin;

    if (origin == NULL || has_more(conn)) {
        tr__conns_drop(conn);
        return;
    }
    tr__conns_give_block(conn->room, &conn->in);
    if (!tr__list_is_empty(&origin->line)) {
        serve_first(origin, conn);
        judge(origin);
    } else if (!tr__list_is_empty(&conn->room->starved)) {
        tr__conns_drop(conn);
    } else {
        keep_idle(conn);
    }
}

/* ---- buffers ---- */

typedef struct block {
    struct block *next;
} block;

bool tr__conns_lend(tr__client_room *room, tr__buffer *buffer)
{
    block *taken = room->spare_blocks;

    if (buffer->end < buffer->capacity)
        return true;
    if (buffer->bytes != NULL)
        return tr__buffer_reserve(buffer, BLOCK_BYTES / 4);
    if (taken == NULL) {
        buffer->bytes = tr__alloc(BLOCK_BYTES);
    } else {
        room->spare_blocks = taken->next;
        room->spare_block_count--;
        buffer->bytes = (char *)taken;
    }
    buffer->capacity = buffer->bytes != NULL ? BLOCK_BYTES : 0;
    return buffer->bytes != NULL;
}

void tr__conns_give_block(tr__client_room *room, tr__buffer *buffer)
{
    if (buffer->bytes == NULL || tr__buffer_count(buffer) > 0)
        return;
    if (buffer->capacity != BLOCK_BYTES || room->spare_block_count >= SPARE_BLOCKS) {
        tr__buffer_free(buffer);
        return;
    }
    ((block *)(void *)buffer->bytes)->next = room->spare_blocks;
    room->spare_blocks = buffer->bytes;
    room->spare_block_count++;
    *buffer = (tr__buffer){ 0 };
}

/* ---- the room's own ---- */

int tr__conns_open(tr__client_room *room)
{
    room->buckets = tr__alloc_zeroed(TR__CLIENT_BUCKETS * sizeof(tr__client_origin *));
    if (room->buckets == NULL)
        return TR_ENOMEM;
    room->bucket_count = TR__CLIENT_BUCKETS;
    room->hash_key[0] = tr__dice();
    room->hash_key[1] = tr__dice();
    room->origin_count = 0;
    tr__list_init(&room->idle);
    tr__list_init(&room->busy);
    tr__list_init(&room->starved);
    return 0;
}

/* Those that streamed replies still have are closed, and left to these. */
static void orphan(tr__client_conn *conn)
{
    tr__client_origin *origin = conn->origin;

    tr__list_remove(&conn->link);
    (void)tr_close(conn->io); /* on its loop */
    conn->io = NULL;
    conn->origin = NULL;
    give_permit(origin);
}

void tr__conns_close(tr__client_room *room)
{
    tr__client_conn *conn;

    while ((conn = first_idle(room)) != NULL)
        close_idle(conn);
    while (!tr__list_is_empty(&room->busy))
        orphan(TR__CONTAINER_OF(room->busy.next, tr__client_conn, link));
    tr__timer_stop(&room->net->loop->wheel, &room->timer);
    while (room->spare_blocks != NULL) {
        block *spare = room->spare_blocks;

        room->spare_blocks = spare->next;
        tr__free(spare);
    }
    room->spare_block_count = 0;
    tr__free(room->buckets);
    room->buckets = NULL;
}
