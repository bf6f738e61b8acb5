/* Rooms of WebSockets: who comes, stays and goes, on all loops; and messages from everywhere. */
#include "http/echoes.h"

static const tr_ws_options patient = { .close_within = TR_FOREVER, .ping_every = -1 };

typedef struct hall {
    service s;
    tr_room *one;
    tr_room *other;
} hall;

static int stay_in(tr_room *room, tr_ws *ws)
{
    tr_ws_message m;
    int rc = tr_room_join(room, ws);

    while (rc >= 0 && (rc = tr_ws_receive(ws, &m)) > 0)
        rc = tr_room_send(room, m.type, m.data, m.bytes);
    return rc;
}

static int one_room(tr_ws *ws, tr_http_request *req, void *ctx)
{
    const hall *h = ctx;

    (void)req;
    return stay_in(h->one, ws);
}

static int both_rooms(tr_ws *ws, tr_http_request *req, void *ctx)
{
    const hall *h = ctx;
    int rc = tr_room_join(h->other, ws);

    (void)req;
    return rc < 0 ? rc : stay_in(h->one, ws);
}

/* Each message that comes says which room to leave. */
static int rooms_to_leave(tr_ws *ws, tr_http_request *req, void *ctx)
{
    const hall *h = ctx;
    tr_ws_message m;
    int rc = tr_room_join(h->one, ws);

    (void)req;
    if (rc == 0)
        rc = tr_room_join(h->other, ws);
    while (rc >= 0 && (rc = tr_ws_receive(ws, &m)) > 0) {
        EXPECT(tr_room_leave(m.data[0] == '1' ? h->one : h->other, ws) == 0);
        rc = tr_ws_text(ws, "left");
    }
    return rc;
}

static void begin(hall *h)
{
    tr_http_server *server = new_server(&(tr_http_config){ 0 });

    EXPECT(tr_room_new(&h->one) == 0);
    EXPECT(tr_room_new(&h->other) == 0);
    EXPECT(tr_http_websocket(server, "/one", one_room, h, &patient) == 0);
    EXPECT(tr_http_websocket(server, "/both", both_rooms, h, &patient) == 0);
    EXPECT(tr_http_websocket(server, "/leave", rooms_to_leave, h, &patient) == 0);
    begin_service(&h->s, server);
}

static void end(hall *h)
{
    end_service(&h->s);
    EXPECT(tr_room_size(h->one) == 0 && tr_room_size(h->other) == 0);
    EXPECT(tr_room_text(h->one, "is anybody there?") == 0);
    tr_room_unref(h->one);
    tr_room_unref(h->other);
}

static tr_ws *enter(const hall *h, const char *path)
{
    char url[80];
    tr_ws *ws;

    (void)snprintf(url, sizeof(url), "ws://%s%s", h->s.address, path);
    EXPECT(tr_ws_connect(&ws, url, NULL, &patient) == 0);
    return ws;
}

static void await_size(const tr_room *room, size_t size)
{
    while (tr_room_size(room) != size)
        EXPECT(tr_sleep(0.001) == 0);
}

static void expect_text(tr_ws *ws, const char *wanted)
{
    tr_ws_message m;

    EXPECT(tr_ws_receive(ws, &m) == 1 && strcmp(m.data, wanted) == 0);
}

/* ---- who is in ---- */

CASE(a_room_of_nobody_takes_messages)
{
    hall h;
    tr_ws *ws;

    begin(&h);
    EXPECT(tr_room_text(h.one, "nobody is there yet") == 0);
    ws = enter(&h, "/one");
    await_size(h.one, 1);
    EXPECT(tr_room_text(h.one, "somebody is") == 0);
    expect_text(ws, "somebody is");
    EXPECT(tr_ws_close(ws, 0, NULL) == 0);
    await_size(h.one, 0);
    EXPECT(tr_room_text(h.one, "nobody is there any more") == 0);
    end(&h);
}

CASE(a_socket_may_be_in_two_rooms)
{
    hall h;
    tr_ws *both;
    tr_ws *one;

    begin(&h);
    both = enter(&h, "/both");
    one = enter(&h, "/one");
    await_size(h.one, 2);
    await_size(h.other, 1);
    EXPECT(tr_room_text(h.other, "to the other") == 0);
    expect_text(both, "to the other");
    EXPECT(tr_room_text(h.one, "to one") == 0);
    expect_text(one, "to one");
    expect_text(both, "to one");
    EXPECT(tr_ws_close(both, 0, NULL) == 0);
    await_size(h.one, 1);
    await_size(h.other, 0);
    EXPECT(tr_ws_close(one, 0, NULL) == 0);
    end(&h);
}

CASE(who_has_left_a_room_hears_no_more_of_it)
{
    hall h;
    tr_ws *ws;

    begin(&h);
    ws = enter(&h, "/leave");
    await_size(h.other, 1);
    EXPECT(tr_ws_text(ws, "1") == 0);
    expect_text(ws, "left");
    EXPECT(tr_room_size(h.one) == 0 && tr_room_size(h.other) == 1);
    EXPECT(tr_room_text(h.one, "unheard") == 0);
    EXPECT(tr_room_text(h.other, "heard") == 0);
    expect_text(ws, "heard");
    EXPECT(tr_ws_text(ws, "2") == 0);
    expect_text(ws, "left");
    EXPECT(tr_room_text(h.other, "unheard") == 0);
    EXPECT(tr_ws_close(ws, 0, NULL) == 0);
    end(&h);
}

/* ---- who comes and goes meanwhile ---- */

enum { VISITS = 3 };

typedef struct visitor {
    const hall *h;
    int stays; /* for so many messages */
    tr_task *task;
} visitor;

/* Whoever is in a room misses nothing from the first message that was heard on. */
static int visit(void *arg)
{
    const visitor *v = arg;

    for (int visits = 0; visits < VISITS; visits++) {
        tr_ws *ws = enter(v->h, visits % 2 == 0 ? "/one" : "/both");
        tr_ws_message m;
        long before = -1;

        for (int i = 0; i < v->stays; i++) {
            long number;

            EXPECT(tr_ws_receive(ws, &m) == 1);
            number = strtol(m.data, NULL, 10);
            EXPECT(before < 0 || number == before + 1);
            before = number;
        }
        EXPECT(tr_ws_close(ws, 0, NULL) == 0);
    }
    return 0;
}

CASE(members_may_come_and_go_while_messages_are_sent)
{
    enum { VISITORS = 6 };
    visitor visitors[VISITORS];
    int left = VISITORS;
    hall h;

    begin(&h);
    for (int i = 0; i < VISITORS; i++) {
        visitors[i] = (visitor){ .h = &h, .stays = 1 + 3 * i };
        EXPECT(tr_task_spawn_on(&visitors[i].task, TR_LOOP(i % 2), visit, &visitors[i]) == 0);
    }
    for (int number = 0; left > 0; number++) {
        EXPECT(tr_room_text(h.one, "%d", number) == 0);
        EXPECT(tr_sleep(0.0005) == 0);
        while (left > 0 && tr_future_is_done(tr_task_future(visitors[left - 1].task)))
            left--;
    }
    for (int i = 0; i < VISITORS; i++) {
        EXPECT(tr_task_wait(visitors[i].task, TR_FOREVER) == 0);
        tr_task_unref(visitors[i].task);
    }
    end(&h);
}

/* ---- messages from everywhere ---- */

enum { SENDERS = 5, EACH = 8 };

typedef struct sender {
    tr_room *room;
    int number;
} sender;

static void send_all(void *arg)
{
    const sender *s = arg;

    for (int i = 0; i < EACH; i++)
        EXPECT(tr_room_text(s->room, "%d %d", s->number, i) == 0);
}

static int send_in_task(void *arg)
{
    const sender *s = arg;

    for (int i = 0; i < EACH; i++) {
        EXPECT(tr_room_text(s->room, "%d %d", s->number, i) == 0);
        EXPECT(tr_yield() == 0);
    }
    return 0;
}

static int send_in_job(void *arg)
{
    send_all(arg);
    return 0;
}

/* The messages of each sender come in order, and all of them. */
static void expect_all(tr_ws *ws)
{
    int next[SENDERS] = { 0 };

    for (int i = 0; i < SENDERS * EACH; i++) {
        tr_ws_message m;
        char *end;
        long from;

        EXPECT(tr_ws_receive(ws, &m) == 1);
        from = strtol(m.data, &end, 10);
        EXPECT(from >= 0 && from < SENDERS);
        EXPECT(strtol(end, NULL, 10) == next[from]++);
    }
}

CASE(messages_come_from_all_loops_and_threads)
{
    enum { MEMBERS = 4 };
    sender senders[SENDERS];
    tr_ws *members[MEMBERS];
    tr_task *tasks[2];
    foreign *thread;
    hall h;

    begin(&h);
    for (int i = 0; i < MEMBERS; i++)
        members[i] = enter(&h, "/one");
    await_size(h.one, MEMBERS);
    for (int i = 0; i < SENDERS; i++)
        senders[i] = (sender){ h.one, i };
    thread = foreign_start(send_all, &senders[0]);
    for (int i = 0; i < 2; i++)
        EXPECT(tr_task_spawn_on(&tasks[i], TR_LOOP(i), send_in_task, &senders[1 + i]) == 0);
    EXPECT(tr_to_thread(send_in_job, &senders[3]) == 0);
    in_place(OTHER_LOOP, send_all, &senders[4]);
    for (int i = 0; i < MEMBERS; i++)
        expect_all(members[i]);
    foreign_end(thread);
    for (int i = 0; i < 2; i++) {
        EXPECT(tr_task_wait(tasks[i], TR_FOREVER) == 0);
        tr_task_unref(tasks[i]);
    }
    for (int i = 0; i < MEMBERS; i++)
        EXPECT(tr_ws_close(members[i], 0, NULL) == 0);
    end(&h);
}

/* The last of them frees it. */
CASE(a_room_may_be_left_to_its_members)
{
    hall h;
    tr_ws *ws;

    begin(&h);
    ws = enter(&h, "/one");
    await_size(h.one, 1);
    EXPECT(tr_room_ref(h.one) == h.one);
    tr_room_unref(h.one);
    tr_room_unref(h.one);
    EXPECT(tr_ws_text(ws, "still here") == 0);
    expect_text(ws, "still here");
    EXPECT(tr_ws_close(ws, 0, NULL) == 0);
    end_service(&h.s);
    tr_room_unref(h.other);
}

CASES("websocket_rooms", a_room_of_nobody_takes_messages, a_socket_may_be_in_two_rooms,
      who_has_left_a_room_hears_no_more_of_it, members_may_come_and_go_while_messages_are_sent,
      messages_come_from_all_loops_and_threads, a_room_may_be_left_to_its_members)
