/* embedding: troupe within a program that has a main loop of its own.
 *
 * The main thread keeps what is its own: its poll(2), its descriptors, its signals. tr_start runs
 * the loops on threads beside it, and takes no signal (tr_main would). Three bridges lead over:
 *   - to actors: tr_send; and back: an inbox, whose descriptor is one more to poll;
 *   - to tasks: tr_submit starts one, tr_future_wait blocks until it has ended, with a time limit;
 *   - tr_future_cancel_wait ends one that is not wanted any more, and returns when it has ended.
 * (A GUI's main loop would watch the same descriptor: g_unix_fd_add, QSocketNotifier.)
 *
 *   Build:   cc embedding.c $(pkg-config --cflags --libs troupe)
 *   Run:     printf 'to be\nor not\n' | ./a.out; or type lines, and end by Ctrl-D or Ctrl-C
 *   Prints:  eb ot
 *            ton ro
 *            end of input
 *            a task has counted 2 lines
 *            a task that sleeps was cancelled: TR_ECANCELED */
#include <errno.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/signalfd.h>
#include <troupe.h>
#include <unistd.h>

/* ---- troupe's side: an actor and two tasks ---- */

TR_MESSAGE(line)
{
    char text[80];
};

static int mirror_receive(tr_self *self, void *state, tr_msg *msg)
{
    const struct line *l = tr_as(msg, line);
    struct line mirrored = { "" };
    size_t length;

    (void)self;
    if (!l)
        return TR_UNHANDLED;
    length = strlen(l->text);
    for (size_t i = 0; i < length; i++)
        mirrored.text[i] = l->text[length - 1 - i];
    return tr_send_value(*(const tr_pid *)state, line, &mirrored);
}

static const tr_actor_class mirror_class = { .name = "mirror",
                                             .state_size = sizeof(tr_pid),
                                             .args_size = sizeof(tr_pid),
                                             .receive = mirror_receive };

static int count(void *arg)
{
    int rc = tr_sleep(0.01);

    return rc < 0 ? rc : printf("a task has counted %d lines\n", *(const int *)arg);
}

static int sleep_long(void *arg)
{
    (void)arg;
    return tr_sleep(1000);
}

/* ---- the program's side ---- */

static void check(int rc, const char *what)
{
    if (rc < 0) {
        fprintf(stderr, "embedding: %s: %s\n", what, tr_strerror(rc));
        exit(EXIT_FAILURE);
    }
}

/* A descriptor for Ctrl-C. Blocked before tr_start: all threads that it starts inherit that. */
static int take_signals(void)
{
    sigset_t set;

    sigemptyset(&set);
    sigaddset(&set, SIGINT);
    sigaddset(&set, SIGTERM);
    check(-pthread_sigmask(SIG_BLOCK, &set, NULL), "pthread_sigmask");
    return signalfd(-1, &set, SFD_CLOEXEC);
}

/* Send what was typed, line by line; the rest of a line waits for its end. Returns how many. */
static int send_lines(tr_pid to)
{
    static struct line l;
    static size_t held;
    ssize_t n = read(STDIN_FILENO, l.text + held, sizeof(l.text) - 1 - held);
    char *newline;
    int sent = 0;

    if (n <= 0)
        return -1;
    held += (size_t)n;
    while ((newline = memchr(l.text, '\n', held)) || held == sizeof(l.text) - 1) {
        size_t length = newline ? (size_t)(newline - l.text) : held;
        struct line whole = { "" };

        memcpy(whole.text, l.text, length);
        check(tr_send_value(to, line, &whole), "tr_send_value");
        held -= length + (newline ? 1 : 0);
        memmove(l.text, l.text + length + (newline ? 1 : 0), held);
        sent++;
    }
    return sent;
}

/* Hear one message; the inbox's descriptor stays readable while there are more. */
static int print_line(tr_inbox *inbox)
{
    const struct line *l;
    tr_msg *msg;

    if (tr_inbox_receive(inbox, &msg, 0) < 0 || !(l = tr_as(msg, line)))
        return 0;
    printf("%s\n", l->text);
    return 1;
}

/* The main loop: until the input has ended and all answers are there, or a signal comes. */
static int run_main_loop(tr_inbox *inbox, tr_pid mirror, int signals)
{
    struct pollfd fds[] = { { .fd = signals, .events = POLLIN },
                            { .fd = tr_inbox_fd(inbox), .events = POLLIN },
                            { .fd = STDIN_FILENO, .events = POLLIN } };
    int sent = 0, heard = 0, n;

    while (!fds[0].revents && (fds[2].fd >= 0 || heard < sent)) {
        if (poll(fds, 3, -1) < 0)
            check(errno == EINTR ? 0 : -errno, "poll");
        if (fds[1].revents)
            heard += print_line(inbox);
        if (fds[2].revents) {
            n = send_lines(mirror);
            sent += n > 0 ? n : 0;
            fds[2].fd = n < 0 ? -1 : fds[2].fd; /* below 0: poll passes over it */
        }
    }
    printf("%s\n", fds[0].revents ? "interrupted" : "end of input");
    return sent;
}

int main(void)
{
    int signals = take_signals(), lines;
    tr_inbox *inbox;
    tr_future *task;
    tr_pid me, mirror;

    check(signals < 0 ? -errno : 0, "signalfd");
    (void)setvbuf(stdout, NULL, _IOLBF, 0); /* a line at a time also into a file; else, later */
    check(tr_start(NULL), "tr_start");
    check(tr_inbox_new(&inbox, 0), "tr_inbox_new");
    me = tr_inbox_pid(inbox);
    check(tr_spawn(&mirror, &mirror_class, &me), "tr_spawn");
    lines = run_main_loop(inbox, mirror, signals);

    check(tr_submit(&task, TR_LOOP_ANY, count, &lines), "tr_submit");
    check(tr_future_wait(task, TR_FOREVER), "tr_future_wait"); /* lines is on this stack */
    tr_future_unref(task);

    check(tr_submit(&task, TR_LOOP_ANY, sleep_long, NULL), "tr_submit");
    printf("a task that sleeps was cancelled: %s\n", tr_err_name(tr_future_cancel_wait(task)));
    tr_future_unref(task);

    tr_inbox_free(inbox);
    check(tr_shutdown(0), "tr_shutdown");
    return EXIT_SUCCESS;
}
