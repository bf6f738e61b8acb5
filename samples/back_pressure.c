/* back_pressure: a mailbox that has an end, and three ways to live with it.
 *
 * A send never blocks, so a mailbox without a limit grows as long as its actor is slower than those
 * who send (asyncio: a Queue without maxsize). Here a producer makes records as fast as it can:
 *   - the disk must get all of them. Its mailbox holds 4, and refuses more: tr_try_send_msg tells
 *     the producer, and leaves it the message. It can't wait, so it keeps that one, stops making
 *     others, and tries again a moment later (Go: a channel of capacity 4 would block it);
 *   - the display wants the latest number only. Its mailbox holds 1, and a new message takes the
 *     place of the old one, which is a dead letter: the producer need not care;
 *   - the disk itself writes blocks of 8. It puts records off by keeping the messages, without a
 *     copy, until there are 8; and a damaged one it sends on to the main thread as it is.
 *
 * A sender learns of a full mailbox only on the receiver's own loop: so all live on one here.
 * Across loops, let the receiver say when it wants more, as wordcount does.
 *
 *   Build:   cc back_pressure.c $(pkg-config --cflags --libs troupe)
 *   Prints:  damaged: record 13
 *            the disk wrote 19 records in 3 blocks; it was full 5 times, and lost nothing
 *            the display showed 5 numbers, the last was 20; 15 were out of date */
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <troupe.h>

enum { RECORDS = 20, DAMAGED = 13, DISK_LIMIT = 4, BLOCK = 8 };

TR_MESSAGE(record)
{
    unsigned number;
    bool damaged;
};
TR_NOTICE(end_of_records);
TR_MESSAGE(progress) /* to the display */
{
    unsigned number;
};
TR_NOTICE(go_on); /* from the producer to itself */

/* To the main thread. */
TR_MESSAGE(shown)
{
    unsigned number;
};
TR_MESSAGE(produced)
{
    unsigned times_full;
};
TR_MESSAGE(written)
{
    unsigned records, blocks;
};

/* ---- the disk ---- */

typedef struct {
    tr_pid main;
    tr_msg *kept[BLOCK]; /* records that are not written yet: ours to free */
    unsigned count;
    struct written written;
} disk;

static int disk_init(tr_self *self, void *state, const void *args)
{
    disk *d = state;

    (void)self;
    d->main = *(const tr_pid *)args;
    return 0;
}

/* Here it would be written. */
static void write_block(disk *d)
{
    if (d->count == 0)
        return;
    d->written.records += d->count;
    d->written.blocks++;
    while (d->count > 0)
        tr_msg_free(d->kept[--d->count]);
}

static int disk_record(disk *d, tr_msg *msg, bool damaged)
{
    tr_msg *kept = tr_msg_keep(msg); /* lent until now, ours from here on */

    if (!kept)
        return TR_ENOMEM;
    if (damaged)
        return tr_send_msg(d->main, kept);
    d->kept[d->count++] = kept;
    if (d->count == BLOCK)
        write_block(d);
    return 0;
}

static int disk_receive(tr_self *self, void *state, tr_msg *msg)
{
    disk *d = state;
    const struct record *r;

    (void)self;
    if ((r = tr_as(msg, record)))
        return disk_record(d, msg, r->damaged);
    if (tr_is(msg, end_of_records)) {
        write_block(d);
        return tr_send_value(d->main, written, &d->written);
    }
    return TR_UNHANDLED;
}

/* If it ends early: what was kept is freed by nobody else. */
static void disk_stop(tr_self *self, void *state, int reason)
{
    disk *d = state;

    (void)self;
    (void)reason;
    while (d->count > 0)
        tr_msg_free(d->kept[--d->count]);
}

static const tr_actor_class disk_class = {
    .name = "disk",
    .state_size = sizeof(disk),
    .args_size = sizeof(tr_pid),
    .init = disk_init,
    .receive = disk_receive,
    .stop = disk_stop,
    .mailbox_limit = DISK_LIMIT,
    .on_full = TR_FULL_REJECT,
};

/* ---- the display ---- */

static int display_receive(tr_self *self, void *state, tr_msg *msg)
{
    const tr_pid *listener = state;
    const struct progress *p = tr_as(msg, progress);

    (void)self;
    return p ? tr_send(*listener, shown, .number = p->number) : TR_UNHANDLED;
}

/* Without an init, the args become the state. */
static const tr_actor_class display_class = {
    .name = "display",
    .state_size = sizeof(tr_pid),
    .args_size = sizeof(tr_pid),
    .receive = display_receive,
    .mailbox_limit = 1,
    .on_full = TR_FULL_DROP_OLD,
};

/* ---- the producer ---- */

typedef struct {
    tr_pid main, disk, display;
    unsigned made;  /* records so far; one more than RECORDS: the end, too */
    tr_msg *unsent; /* what the disk would not take, ours until it does; NULL: nothing */
    unsigned times_full;
} producer;

static tr_msg *make_next(producer *p)
{
    p->made++;
    if (p->made > RECORDS)
        return tr_msg_new(end_of_records);
    return tr_msg_new(record, .number = p->made, .damaged = p->made == DAMAGED);
}

/* The message at hand, or a new one, to the disk. */
static int produce_one(producer *p)
{
    int rc;

    if (!p->unsent)
        p->unsent = make_next(p);
    if (!p->unsent)
        return TR_ENOMEM;
    rc = tr_try_send_msg(p->disk, p->unsent);
    if (rc < 0)
        return rc; /* it is still ours */
    p->unsent = NULL;
    return p->made > RECORDS ? 0 : tr_send(p->display, progress, .number = p->made);
}

static int producer_receive(tr_self *self, void *state, tr_msg *msg)
{
    producer *p = state;
    int rc = 0;

    if (!tr_is(msg, go_on))
        return TR_UNHANDLED;
    while (rc >= 0 && (p->unsent || p->made <= RECORDS))
        rc = produce_one(p);
    if (rc == TR_EFULL) {
        p->times_full++;
        return tr_send_after(self, 0.001, 0, go_on);
    }
    return rc < 0 ? rc : tr_send(p->main, produced, .times_full = p->times_full);
}

static void producer_stop(tr_self *self, void *state, int reason)
{
    producer *p = state;

    (void)self;
    (void)reason;
    tr_msg_free(p->unsent); /* NULL is fine */
}

static const tr_actor_class producer_class = {
    .name = "producer",
    .state_size = sizeof(producer),
    .args_size = sizeof(producer),
    .receive = producer_receive,
    .stop = producer_stop,
};

/* ---- the main thread ---- */

static atomic_uint out_of_date; /* counted on the loop, read here */

/* Dead letters are expected here, and counted. Without this, the log would warn of them. */
static void on_dead_letter(void *ctx, const tr_dead_letter *letter)
{
    (void)ctx;
    if (letter->reason == TR_EFULL)
        atomic_fetch_add(&out_of_date, 1);
}

static void check(int rc, const char *what)
{
    if (rc < 0) {
        fprintf(stderr, "back_pressure: %s: %s\n", what, tr_strerror(rc));
        exit(EXIT_FAILURE);
    }
}

static void start_actors(tr_pid main_pid)
{
    static const tr_spawn_options here = { .on = TR_LOOP(0) };
    producer args = { .main = main_pid };
    tr_pid pid;

    check(tr_spawn_with(&args.disk, &disk_class, &main_pid, &here), "tr_spawn_with disk");
    check(tr_spawn_with(&args.display, &display_class, &main_pid, &here), "tr_spawn_with display");
    check(tr_spawn_with(&pid, &producer_class, &args, &here), "tr_spawn_with producer");
    check(tr_send(pid, go_on), "tr_send");
}

struct tally {
    bool done;
    unsigned times_full, times_shown, last_shown;
    struct written written;
};

static void hear_one(tr_inbox *inbox, struct tally *t)
{
    tr_msg *msg = NULL;
    const struct record *r;
    const struct shown *s;
    const struct produced *p;
    const struct written *w;

    check(tr_inbox_receive(inbox, &msg, 10.0), "tr_inbox_receive");
    if ((r = tr_as(msg, record)))
        printf("damaged: record %u\n", r->number);
    if ((p = tr_as(msg, produced)))
        t->times_full = p->times_full;
    if ((s = tr_as(msg, shown))) {
        t->times_shown++;
        t->last_shown = s->number;
    }
    if ((w = tr_as(msg, written))) {
        t->written = *w;
        t->done = true;
    }
}

int main(void)
{
    struct tally t = { 0 };
    tr_inbox *inbox = NULL;

    check(tr_on_dead_letter(on_dead_letter, NULL), "tr_on_dead_letter");
    check(tr_start(NULL), "tr_start");
    check(tr_inbox_new(&inbox, 0), "tr_inbox_new");
    start_actors(tr_inbox_pid(inbox));
    while (!t.done || t.times_full == 0 || t.last_shown < RECORDS)
        hear_one(inbox, &t);

    printf("the disk wrote %u records in %u blocks; it was full %u times, and lost nothing\n",
           t.written.records, t.written.blocks, t.times_full);
    printf("the display showed %u numbers, the last was %u; %u were out of date\n", t.times_shown,
           t.last_shown, atomic_load(&out_of_date));
    tr_inbox_free(inbox);
    check(tr_shutdown(0), "tr_shutdown");
    return EXIT_SUCCESS;
}
