/* awaiting_actor: an actor whose handler awaits, and a task that asks it.
 *
 * With .awaits = true a receive function may await as a task does: it asks other actors and has
 * blocking work done, in the order in which it reads (Erlang: gen_server:call within a handler;
 * asyncio: an async handler with a queue in front). It handles one message at a time, so its state
 * needs no lock even then; the loop and its other actors go on meanwhile.
 *
 * The librarian asks the catalogue where a book stands, and fetches it on a thread of the pool.
 * The reader, a task, asks for a book and awaits it: tr_ask; or for several at once, and awaits
 * them in turn: tr_ask_future. An error of whoever was asked last is the error of the first ask.
 *
 *   Build:   cc awaiting_actor.c $(pkg-config --cflags --libs troupe)
 *   Prints:  Emma: 474 pages, the librarian's 1st book
 *            Dracula: 418 pages, the librarian's 2nd book
 *            Ulysses: 730 pages, the librarian's 3rd book
 *            a book that nobody wrote: an argument is invalid */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <troupe.h>

TR_MESSAGE(book)
{
    int pages, number;
};
TR_REQUEST(book_wanted, book)
{
    const char *title; /* a literal: it outlives all messages */
};
TR_MESSAGE(place)
{
    int shelf;
};
TR_REQUEST(place_wanted, place)
{
    const char *title;
};

static const char *const titles[] = { "Emma", "Dracula", "Ulysses" };

static int catalogue_receive(tr_self *self, void *state, tr_msg *msg)
{
    const struct place_wanted *w = tr_as(msg, place_wanted);

    (void)state;
    if (!w)
        return TR_UNHANDLED;
    for (int i = 0; i < 3; i++)
        if (strcmp(titles[i], w->title) == 0)
            return tr_reply(self, place, .shelf = i);
    return tr_reply_error(self, TR_EINVAL);
}

static const tr_actor_class catalogue_class = { .name = "catalogue", .receive = catalogue_receive };

/* On a thread of the pool: it might climb ladders. */
static int fetch(void *arg)
{
    static const int pages[] = { 474, 418, 730 };
    int *shelf_to_pages = arg;

    *shelf_to_pages = pages[*shelf_to_pages];
    return 0;
}

typedef struct {
    tr_pid catalogue;
    int fetched;
} librarian;

static int librarian_receive(tr_self *self, void *state, tr_msg *msg)
{
    librarian *l = state;
    const struct book_wanted *w = tr_as(msg, book_wanted);
    struct place found;
    int rc;

    if (!w)
        return TR_UNHANDLED;
    rc = tr_ask(&found, l->catalogue, 1.0, place_wanted, .title = w->title);
    if (rc >= 0)
        rc = tr_to_thread(fetch, &found.shelf);
    if (rc < 0)
        return tr_reply_error(self, rc);
    return tr_reply(self, book, .pages = found.shelf, .number = ++l->fetched);
}

/* Without an init, the args become the state. */
static const tr_actor_class librarian_class = {
    .name = "librarian",
    .state_size = sizeof(librarian),
    .args_size = sizeof(librarian),
    .receive = librarian_receive,
    .awaits = true,
};

static void print_book(const char *title, int rc, const struct book *b)
{
    static const char *const ordinal[] = { "th", "st", "nd", "rd" };

    if (rc < 0)
        printf("%s: %s\n", title, tr_strerror(rc));
    else
        printf("%s: %d pages, the librarian's %d%s book\n", title, b->pages, b->number,
               ordinal[b->number & 3]);
}

static int app(void *arg)
{
    librarian args = { .fetched = 0 };
    tr_future *wanted[2] = { NULL, NULL };
    struct book b;
    tr_pid pid;
    int rc = tr_spawn(&args.catalogue, &catalogue_class, NULL);

    (void)arg;
    if (rc < 0 || (rc = tr_spawn(&pid, &librarian_class, &args)) < 0)
        return rc;
    rc = tr_ask(&b, pid, 5.0, book_wanted, .title = titles[0]);
    print_book(titles[0], rc, &b);

    for (int i = 0; i < 2 && rc >= 0; i++)
        rc = tr_ask_future(&wanted[i], pid, 5.0, book_wanted, .title = titles[i + 1]);
    for (int i = 0; i < 2 && rc >= 0; i++) {
        rc = tr_await(wanted[i]);
        print_book(titles[i + 1], rc, tr_future_peek(wanted[i]));
    }
    tr_future_unref(wanted[0]);
    tr_future_unref(wanted[1]);

    print_book("a book that nobody wrote",
               tr_ask(&b, pid, 5.0, book_wanted, .title = "The Necronomicon"), &b);
    return rc;
}

int main(int argc, char **argv)
{
    return tr_main(argc, argv, app, NULL, NULL);
}
