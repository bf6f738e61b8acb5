/* libev_guest: a libev watcher of your own on one of troupe's loops feeds an actor.
 *
 * Each of troupe's loops is a libev loop, so everything that works with libev works in here, next
 * to the actors and on the same thread: a watcher, or a library with a libev adapter (asyncio:
 * loop.add_reader). A guest gets in and out by three calls:
 *   tr_post           calls a function on a loop, where watchers may be started;
 *   tr_loop_ev        is the `struct ev_loop *`, there and nowhere else;
 *   tr_loop_on_close  calls the guest when the loop closes, to stop its watchers and free what is
 *                     its own, however the program ends.
 * A watcher's callback must not block, as a handler must not. It sends like anybody else.
 *
 * Here an ev_io watches standard input, cuts what comes into lines, and sends each to an actor,
 * as a message that owns its text. The end of the input ends the program.
 *
 *   Build:   cc libev_guest.c $(pkg-config --cflags --libs troupe) -lev
 *   Run:     printf 'to be\nor not\n' | ./a.out
 *   Prints:  1: to be
 *            2: or not
 *            2 lines, 11 letters and spaces */
#include <ev.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <troupe.h>
#include <unistd.h>

/* ---- the actor ---- */

TR_MESSAGE_OWNING(line, line_drop)
{
    char *text;
};
TR_NOTICE(end_of_input);
TR_MESSAGE(finished)
{
    int error; /* 0, or why the input could not be read to its end */
};

/* Runs once for each line, wherever the message ends: also if it never reaches the actor. */
void line_drop(struct line *l)
{
    free(l->text);
}

typedef struct {
    tr_pid parent;
    unsigned long lines;
    unsigned long letters;
} printer;

static int printer_init(tr_self *self, void *state, const void *args)
{
    printer *p = state;

    (void)self;
    p->parent = *(const tr_pid *)args;
    return 0;
}

static int printer_receive(tr_self *self, void *state, tr_msg *msg)
{
    printer *p = state;
    const struct line *l;

    (void)self;
    if ((l = tr_as(msg, line))) {
        p->lines++;
        p->letters += strlen(l->text);
        printf("%lu: %s\n", p->lines, l->text);
        return 0;
    }
    if (tr_is(msg, end_of_input)) {
        printf("%lu lines, %lu letters and spaces\n", p->lines, p->letters);
        return tr_send(p->parent, finished, .error = 0);
    }
    return TR_UNHANDLED;
}

static const tr_actor_class printer_class = {
    .name = "printer",
    .state_size = sizeof(printer),
    .args_size = sizeof(tr_pid),
    .init = printer_init,
    .receive = printer_receive,
};

/* ---- the guest: all of it runs on loop 0 ---- */

struct guest {
    ev_io watcher;
    struct ev_loop *loop;
    tr_pid printer;
    tr_pid parent;
    size_t held;     /* bytes of a line whose end has not come */
    char text[4096]; /* a longer line is sent in pieces */
};

static int send_line(struct guest *g, const char *text, size_t length)
{
    char *copy = strndup(text, length);

    if (!copy)
        return TR_ENOMEM;
    return tr_send(g->printer, line, .text = copy); /* the copy is the message's, come what may */
}

/* Send each whole line, and move what remains to the front. */
static int send_whole_lines(struct guest *g)
{
    char *start = g->text, *end = g->text + g->held, *newline;
    int rc = 0;

    while (rc >= 0 && (newline = memchr(start, '\n', (size_t)(end - start)))) {
        rc = send_line(g, start, (size_t)(newline - start));
        start = newline + 1;
    }
    if (rc >= 0 && start == g->text && g->held == sizeof(g->text)) {
        rc = send_line(g, start, g->held);
        start = end;
    }
    g->held = (size_t)(end - start);
    memmove(g->text, start, g->held);
    return rc;
}

/* No more will come: the rest, if the last line lacks its newline, and the end. */
static int send_end(struct guest *g)
{
    int rc = g->held > 0 ? send_line(g, g->text, g->held) : 0;

    return rc < 0 ? rc : tr_send(g->printer, end_of_input);
}

/* Input has come: one read, which does not block since the watcher says that there is something. */
static void on_input(struct ev_loop *loop, ev_io *watcher, int events)
{
    struct guest *g = watcher->data;
    ssize_t n = read(watcher->fd, g->text + g->held, sizeof(g->text) - g->held);
    int rc;

    (void)events;
    if (n < 0 && (errno == EINTR || errno == EAGAIN))
        return;
    if (n > 0) {
        g->held += (size_t)n;
        rc = send_whole_lines(g);
    } else {
        rc = n < 0 ? -errno : send_end(g);
        ev_io_stop(loop, watcher);
    }
    if (rc < 0) {
        ev_io_stop(loop, watcher);
        (void)tr_send(g->parent, finished, .error = rc); /* main waits; nothing else to be done */
    }
}

/* The loop closes: no watcher may stay behind. Stopping one that has stopped does nothing. */
static void guest_leave(void *arg)
{
    struct guest *g = arg;

    ev_io_stop(g->loop, &g->watcher);
    free(g);
}

static void guest_enter(void *arg)
{
    struct guest *g = arg;
    int rc = tr_loop_on_close(guest_leave, g);

    g->loop = tr_loop_ev(TR_LOOP_ANY); /* the loop that we are on */
    if (rc < 0) {
        (void)tr_send(g->parent, finished, .error = rc); /* main waits */
        free(g);
        return;
    }
    ev_io_init(&g->watcher, on_input, STDIN_FILENO, EV_READ);
    g->watcher.data = g;
    ev_io_start(g->loop, &g->watcher);
}

static void check(int rc, const char *what)
{
    if (rc < 0) {
        fprintf(stderr, "libev_guest: %s: %s\n", what, tr_strerror(rc));
        exit(EXIT_FAILURE);
    }
}

int main(void)
{
    struct guest *g = calloc(1, sizeof(*g));
    tr_inbox *inbox = NULL;
    tr_msg *msg = NULL;
    const struct finished *end;

    check(g ? 0 : TR_ENOMEM, "calloc");
    check(tr_start(NULL), "tr_start");
    check(tr_inbox_new(&inbox, 0), "tr_inbox_new");
    g->parent = tr_inbox_pid(inbox);
    check(tr_spawn(&g->printer, &printer_class, &g->parent), "tr_spawn");
    check(tr_post(TR_LOOP(0), guest_enter, g), "tr_post"); /* from now on g is the loop's */

    check(tr_inbox_receive(inbox, &msg, TR_FOREVER), "tr_inbox_receive");
    if ((end = tr_as(msg, finished)))
        check(end->error, "reading standard input");
    tr_inbox_free(inbox);
    check(tr_shutdown(0), "tr_shutdown");
    return EXIT_SUCCESS;
}
