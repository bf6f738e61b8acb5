/* shared_bytes: one large text goes to many actors without a copy, and nothing is lost in silence.
 *
 * A message is copied as it is sent, so large things travel by reference: tr_bytes are immutable
 * and counted (Erlang's large binaries; in Go, a []byte that everybody has promised not to
 * change). A message declared TR_MESSAGE_OWNING owns what it refers to: its drop function is
 * called exactly once, wherever the message ends - handled, unknown to its receiver, or sent to
 * one that is gone - unless the receiver has taken what it owns with tr_take.
 *
 * What no actor handles is a dead letter: it is counted, and a hook may hear of it. The one here
 * tells the main thread. At rest the ledger balances: sent = handled + returned + expired + dead.
 *
 *   Build:   cc shared_bytes.c $(pkg-config --cflags --libs troupe)
 *   Prints:  reader 1: 1048576 bytes, 174762 words
 *            reader 2: 1048576 bytes, 174762 words
 *            reader 3: 1048576 bytes, 174762 words
 *            archive: keeps 1048576 bytes
 *            lost: 1 page since the actor was gone, 1 since it does not read pages
 *            the text was freed 1 time
 *            sent 12 = handled 10 + returned 0 + expired 0 + dead 2 */
#include <inttypes.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <troupe.h>

enum { TEXT_BYTES = 1024 * 1024, READERS = 3, ARCHIVE = READERS, PAGES = READERS + 3 };

TR_MESSAGE_OWNING(page, page_drop)
{
    tr_bytes *text;
};
TR_MESSAGE(page_read)
{
    unsigned reader;
    size_t bytes;
    size_t words;
};

TR_MESSAGE(page_lost)
{
    int reason;
};

void page_drop(struct page *p)
{
    tr_bytes_unref(p->text);
}

/* Who an actor is, and whom it reports to: the arguments of every actor here. */
typedef struct {
    unsigned number;
    tr_pid editor;
    tr_bytes *kept; /* the archive's; the readers keep nothing */
} reader;

static int reader_init(tr_self *self, void *state, const void *args)
{
    (void)self;
    *(reader *)state = *(const reader *)args;
    return 0;
}

static size_t count_words(const char *text, size_t size)
{
    size_t words = 0;

    for (size_t i = 0; i < size; i++)
        words += text[i] == ' ';
    return words;
}

/* A reader borrows: tr_as lends the page until the handler returns, then page_drop is called. */
static int reader_receive(tr_self *self, void *state, tr_msg *msg)
{
    const reader *r = state;
    const struct page *p = tr_as(msg, page);

    (void)self;
    if (!p)
        return TR_UNHANDLED;
    return tr_send(r->editor, page_read, .reader = r->number, .bytes = tr_bytes_size(p->text),
                   .words = count_words(tr_bytes_data(p->text), tr_bytes_size(p->text)));
}

/* The archive takes: the reference is its own now, and page_drop is not called. */
static int archive_receive(tr_self *self, void *state, tr_msg *msg)
{
    reader *r = state;
    struct page *p = tr_take(msg, page);

    (void)self;
    if (!p)
        return TR_UNHANDLED;
    tr_bytes_unref(r->kept);
    r->kept = p->text;
    return tr_send(r->editor, page_read, .reader = r->number, .bytes = tr_bytes_size(r->kept));
}

static void archive_stop(tr_self *self, void *state, int reason)
{
    reader *r = state;

    (void)self;
    (void)reason;
    tr_bytes_unref(r->kept);
}

static int deaf_receive(tr_self *self, void *state, tr_msg *msg)
{
    (void)self;
    (void)state;
    (void)msg;
    return TR_UNHANDLED;
}

static const tr_actor_class reader_class = {
    .name = "reader",
    .state_size = sizeof(reader),
    .args_size = sizeof(reader),
    .init = reader_init,
    .receive = reader_receive,
};
static const tr_actor_class archive_class = {
    .name = "archive",
    .state_size = sizeof(reader),
    .args_size = sizeof(reader),
    .init = reader_init,
    .receive = archive_receive,
    .stop = archive_stop,
};
static const tr_actor_class deaf_class = { .name = "deaf", .receive = deaf_receive };

/* Called for every dead letter, on the thread that found it so: it must not block, but it may send.
 * Only pages are passed on: were the editor itself gone, each page_lost would cause another. */
static void on_dead_letter(void *ctx, const tr_dead_letter *letter)
{
    const tr_pid *editor = ctx;

    if (strcmp(letter->type, "page") == 0)
        (void)tr_send(*editor, page_lost, .reason = letter->reason); /* it would be counted, too */
}

/* ---- the main thread, the editor ---- */

static atomic_uint times_freed; /* the last reference may go on any thread: hence atomic */

static void text_free(void *text, void *arg)
{
    (void)arg;
    free(text);
    atomic_fetch_add(&times_freed, 1);
}

static void check(int rc, const char *what)
{
    if (rc < 0) {
        fprintf(stderr, "shared_bytes: %s: %s\n", what, tr_strerror(rc));
        exit(EXIT_FAILURE);
    }
}

static tr_bytes *make_text(void)
{
    static const char word[] = "words ";
    char *text = malloc(TEXT_BYTES);
    tr_bytes *bytes = NULL;

    check(text ? 0 : TR_ENOMEM, "malloc");
    for (size_t i = 0; i < TEXT_BYTES; i++)
        text[i] = word[i % strlen(word)];
    check(tr_bytes_adopt(&bytes, text, TEXT_BYTES, text_free, NULL), "tr_bytes_adopt");
    return bytes;
}

/* A new reference travels in the message; tr_send takes it also if it fails. */
static void send_page(tr_pid to, tr_bytes *text)
{
    check(tr_send(to, page, .text = tr_bytes_ref(text)), "tr_send page");
}

static void send_to_all(tr_pid editor, tr_bytes *text)
{
    const tr_spawn_options spread = { .place = TR_PLACE_SPREAD }; /* the loops in turn */
    tr_pid to;

    for (unsigned i = 0; i < READERS; i++) {
        reader args = { .number = i, .editor = editor };

        check(tr_spawn_with(&to, &reader_class, &args, &spread), "tr_spawn_with reader");
        send_page(to, text);
    }
    check(tr_spawn(&to, &archive_class, &(reader){ .number = ARCHIVE, .editor = editor }),
          "tr_spawn archive");
    send_page(to, text);
    check(tr_spawn(&to, &deaf_class, NULL), "tr_spawn deaf");
    send_page(to, text);
    check(tr_spawn(&to, &deaf_class, NULL), "tr_spawn another");
    check(tr_stop(to), "tr_stop");
    send_page(to, text); /* too late: an actor that was stopped handles nothing more */
}

/* They come in any order; they are printed in ours. */
static void hear_from_all(tr_inbox *inbox)
{
    struct page_read read[READERS + 1] = { 0 };
    unsigned to_dead = 0, not_read = 0;

    for (unsigned i = 0; i < PAGES; i++) {
        tr_msg *msg = NULL;
        const struct page_read *r;
        const struct page_lost *lost;

        check(tr_inbox_receive(inbox, &msg, 10.0), "tr_inbox_receive");
        if ((r = tr_as(msg, page_read)))
            read[r->reader] = *r;
        if ((lost = tr_as(msg, page_lost))) {
            to_dead += lost->reason == TR_EDEAD;
            not_read += lost->reason == TR_EUNHANDLED;
        }
    }
    for (unsigned i = 0; i < READERS; i++)
        printf("reader %u: %zu bytes, %zu words\n", i + 1, read[i].bytes, read[i].words);
    printf("archive: keeps %zu bytes\n", read[ARCHIVE].bytes);
    printf("lost: %u page since the actor was gone, %u since it does not read pages\n", to_dead,
           not_read);
}

static void print_ledger(void)
{
    tr_stats s;
    uint64_t dead;

    printf("the text was freed %u time\n", atomic_load(&times_freed));
    check(tr_stats_get(&s), "tr_stats_get");
    dead = s.dead_ended + s.dead_full + s.dead_unhandled + s.dead_shutdown + s.dead_memory;
    printf("sent %" PRIu64 " = handled %" PRIu64 " + returned %" PRIu64 " + expired %" PRIu64
           " + dead %" PRIu64 "\n",
           s.sent, s.handled, s.returned, s.expired, dead);
}

int main(void)
{
    tr_inbox *inbox = NULL;
    tr_bytes *text = make_text();
    tr_pid editor = TR_PID_NONE; /* the hook's ctx: it has to be set before tr_start */

    check(tr_on_dead_letter(on_dead_letter, &editor), "tr_on_dead_letter");
    check(tr_start(NULL), "tr_start");
    check(tr_inbox_new(&inbox, 0), "tr_inbox_new");

    editor = tr_inbox_pid(inbox);
    send_to_all(editor, text);
    tr_bytes_unref(text); /* ours; the messages have theirs */
    hear_from_all(inbox);

    tr_inbox_free(inbox);
    check(tr_shutdown(0), "tr_shutdown");
    print_ledger();
    return EXIT_SUCCESS;
}
