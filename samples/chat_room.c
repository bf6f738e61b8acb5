/* chat_room: an actor that knows its members by their pids, and tells all of them one thing.
 *
 * A pid is a value: it can be copied, compared and hashed, and is never given to another actor
 * again. So an actor can keep a table of what it knows of others (Erlang: a map with pids as keys).
 * The room's is an open hash table: tr_pid_hash says where to look first, tr_pid_is_none marks a
 * slot that is free.
 *
 * Short texts are copied with the message: names and what is said are arrays in it. What goes to
 * many is made once, tr_bytes_new, and each message has a reference to it; a message that owns
 * something is declared TR_MESSAGE_OWNING, and drops it when nobody wants it any more.
 *
 * Actors would be members here. That they are inboxes, and all of the main thread, is only to
 * print in good order: what one thread sends to one actor is handled in the order sent.
 *
 *   Build:   cc chat_room.c $(pkg-config --cflags --libs troupe)
 *   Prints:  to Ann: Ann is here
 *            to Ann: Bob is here
 *            to Ann: Bob says: hello
 *            to Ann: Eve is here
 *            to Ann: Bob has left
 *            to Ann: Eve says: where is Bob?
 *            to Bob: Bob is here
 *            to Bob: Bob says: hello
 *            to Bob: Eve is here
 *            to Bob: Bob has left
 *            to Bob: you are not in the room
 *            to Eve: Eve is here
 *            to Eve: Bob has left
 *            to Eve: Eve says: where is Bob? */
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <troupe.h>

enum { NAME_BYTES = 32, TEXT_BYTES = 96, LINE_BYTES = 160 };

TR_MESSAGE(join)
{
    tr_pid member;
    char name[NAME_BYTES];
};
TR_MESSAGE(say)
{
    tr_pid member;
    char text[TEXT_BYTES];
};
TR_MESSAGE(leave)
{
    tr_pid member;
};
TR_MESSAGE_OWNING(heard, heard_drop)
{
    tr_bytes *line;
};

void heard_drop(struct heard *h)
{
    tr_bytes_unref(h->line);
}

/* ---- the table: linear probing ---- */

enum { SLOTS = 64, MEMBERS_AT_MOST = 48 }; /* a power of two; never full, so that a search ends */

struct member {
    tr_pid pid; /* TR_PID_NONE: the slot is free */
    char name[NAME_BYTES];
};

typedef struct {
    struct member slots[SLOTS]; /* zeroed, as all state is at first: all free */
    unsigned count;
} room;

static size_t home_of(tr_pid pid)
{
    return tr_pid_hash(pid) % SLOTS;
}

/* The slot of pid, or the free one where it would be. */
static struct member *find(room *r, tr_pid pid)
{
    size_t i = home_of(pid);

    while (!tr_pid_is_none(r->slots[i].pid) && !tr_pid_eq(r->slots[i].pid, pid))
        i = (i + 1) % SLOTS;
    return &r->slots[i];
}

/* Free a slot. Those after it move up if they are nearer to their home then: a search stops at the
 * first free slot, and must not stop before them. */
static void remove_member(room *r, struct member *m)
{
    size_t hole = (size_t)(m - r->slots), i = hole;

    for (;;) {
        i = (i + 1) % SLOTS;
        if (tr_pid_is_none(r->slots[i].pid))
            break;
        if ((i - home_of(r->slots[i].pid)) % SLOTS >= (i - hole) % SLOTS) {
            r->slots[hole] = r->slots[i];
            hole = i;
        }
    }
    r->slots[hole].pid = TR_PID_NONE;
    r->count--;
}

/* ---- the room ---- */

/* Tell one, or everybody: the line is made once. */
__attribute__((format(printf, 3, 4))) static int tell(const room *r, tr_pid only,
                                                      const char *format, ...)
{
    char line[LINE_BYTES];
    tr_bytes *bytes = NULL;
    va_list args;
    int rc;

    va_start(args, format);
    (void)vsnprintf(line, sizeof(line), format, args); /* longer than any line that comes */
    va_end(args);
    rc = tr_bytes_new(&bytes, line, strlen(line));
    if (rc < 0)
        return rc;
    if (!tr_pid_is_none(only))
        return tr_send(only, heard, .line = bytes); /* our own reference goes along */
    for (size_t i = 0; i < SLOTS; i++)
        if (!tr_pid_is_none(r->slots[i].pid)) /* one that has ended should not silence the rest */
            (void)tr_send(r->slots[i].pid, heard, .line = tr_bytes_ref(bytes));
    tr_bytes_unref(bytes);
    return 0;
}

static int joins(room *r, const struct join *j)
{
    struct member *m = find(r, j->member);

    if (tr_pid_is_none(j->member))
        return 0; /* nobody */
    if (!tr_pid_is_none(m->pid))
        return tell(r, j->member, "you are here already");
    if (r->count == MEMBERS_AT_MOST)
        return tell(r, j->member, "the room is full");
    *m = (struct member){ .pid = j->member };
    (void)snprintf(m->name, sizeof(m->name), "%.*s", NAME_BYTES - 1, j->name); /* it fits */
    r->count++;
    return tell(r, TR_PID_NONE, "%s is here", m->name);
}

static int says(room *r, const struct say *s)
{
    const struct member *m = find(r, s->member);

    if (tr_pid_is_none(m->pid))
        return tell(r, s->member, "you are not in the room");
    return tell(r, TR_PID_NONE, "%s says: %.*s", m->name, TEXT_BYTES, s->text);
}

static int leaves(room *r, const struct leave *l)
{
    struct member *m = find(r, l->member);
    int rc;

    if (tr_pid_is_none(m->pid))
        return 0; /* was not here */
    rc = tell(r, TR_PID_NONE, "%s has left", m->name);
    remove_member(r, m);
    return rc;
}

static int room_receive(tr_self *self, void *state, tr_msg *msg)
{
    room *r = state;
    const struct join *j;
    const struct say *s;
    const struct leave *l;

    (void)self;
    if ((j = tr_as(msg, join)))
        return joins(r, j);
    if ((s = tr_as(msg, say)))
        return says(r, s);
    if ((l = tr_as(msg, leave)))
        return leaves(r, l);
    return TR_UNHANDLED;
}

static const tr_actor_class room_class = {
    .name = "room",
    .state_size = sizeof(room),
    .receive = room_receive,
};

/* ---- the main thread: three members ---- */

enum { ANN, BOB, EVE, PEOPLE };

static const char *const name_of[PEOPLE] = { "Ann", "Bob", "Eve" };
static const unsigned lines_for[PEOPLE] = { 6, 5, 3 };

static void check(int rc, const char *what)
{
    if (rc < 0) {
        fprintf(stderr, "chat_room: %s: %s\n", what, tr_strerror(rc));
        exit(EXIT_FAILURE);
    }
}

static void send_join(tr_pid lobby, tr_pid member, const char *name)
{
    struct join j = { .member = member };

    (void)snprintf(j.name, sizeof(j.name), "%s", name); /* a longer name is cut */
    check(tr_send_value(lobby, join, &j), "tr_send_value join");
}

static void chat(tr_pid lobby, const tr_pid *people)
{
    send_join(lobby, people[ANN], name_of[ANN]);
    send_join(lobby, people[BOB], name_of[BOB]);
    check(tr_send(lobby, say, .member = people[BOB], .text = "hello"), "tr_send say");
    send_join(lobby, people[EVE], name_of[EVE]);
    check(tr_send(lobby, leave, .member = people[BOB]), "tr_send leave");
    check(tr_send(lobby, say, .member = people[BOB], .text = "one more thing"), "tr_send say");
    check(tr_send(lobby, say, .member = people[EVE], .text = "where is Bob?"), "tr_send say");
}

static void print_heard(tr_inbox *inbox, const char *name, unsigned lines)
{
    for (unsigned i = 0; i < lines; i++) {
        tr_msg *msg = NULL;
        const struct heard *h;

        check(tr_inbox_receive(inbox, &msg, 10.0), "tr_inbox_receive");
        if ((h = tr_as(msg, heard)))
            printf("to %s: %.*s\n", name, (int)tr_bytes_size(h->line),
                   (const char *)tr_bytes_data(h->line));
    }
}

int main(void)
{
    tr_inbox *inboxes[PEOPLE] = { NULL };
    tr_pid people[PEOPLE], lobby;

    check(tr_start(NULL), "tr_start");
    check(tr_spawn(&lobby, &room_class, NULL), "tr_spawn");
    for (int i = 0; i < PEOPLE; i++) {
        check(tr_inbox_new(&inboxes[i], 0), "tr_inbox_new");
        people[i] = tr_inbox_pid(inboxes[i]);
    }
    chat(lobby, people);
    for (int i = 0; i < PEOPLE; i++)
        print_heard(inboxes[i], name_of[i], lines_for[i]);

    for (int i = 0; i < PEOPLE; i++)
        tr_inbox_free(inboxes[i]);
    check(tr_shutdown(0), "tr_shutdown");
    return EXIT_SUCCESS;
}
