/* foreign_thread: threads of your own talk with an actor, and hear from it in two ways.
 *
 * Any thread may tr_send to any actor: it never blocks (Go: a send to a channel without limit;
 * asyncio: call_soon_threadsafe). To hear from actors, a thread makes an inbox, a mailbox with a
 * pid:
 *   - a worker here waits in tr_inbox_receive, which blocks: right for a thread that has nothing
 *     else to do;
 *   - the main thread has an event loop of its own, here a bare poll(), that waits for other
 *     things, too: it watches the descriptor tr_inbox_fd, and takes what is there with a timeout
 *     of 0.
 *
 * Three workers send the numbers 1 to 10000 each to an adder. Messages from one thread to one
 * actor are handled in the order sent: so the answer to a worker's last question counts all of
 * its numbers.
 *
 *   Build:   cc foreign_thread.c $(pkg-config --cflags --libs troupe) -lpthread
 *   Prints:  worker 1: my numbers make 50005000
 *            worker 2: my numbers make 50005000
 *            worker 3: my numbers make 50005000
 *            main: 30 reports and 3 goodbyes; in all 150015000 */
#include <inttypes.h>
#include <poll.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <troupe.h>
#include <unistd.h>

enum { WORKERS = 3, NUMBERS = 10000, REPORT_EVERY = 1000 };

TR_MESSAGE(number)
{
    uint32_t worker;
    uint32_t value;
};
TR_MESSAGE(sum_wanted)
{
    uint32_t worker;
    tr_pid inbox;
};
TR_MESSAGE(sum)
{
    uint64_t value;
};
TR_MESSAGE(report)
{
    uint64_t numbers_added;
    uint64_t total;
};

/* ---- the adder ---- */

typedef struct {
    tr_pid listener; /* hears of each REPORT_EVERY numbers */
    uint64_t sums[WORKERS];
    uint64_t total;
    uint64_t numbers_added;
} adder;

static int adder_init(tr_self *self, void *state, const void *args)
{
    adder *a = state;

    (void)self;
    a->listener = *(const tr_pid *)args;
    return 0;
}

static int add(adder *a, const struct number *n)
{
    a->sums[n->worker] += n->value;
    a->total += n->value;
    a->numbers_added++;
    if (a->numbers_added % REPORT_EVERY != 0)
        return 0;
    return tr_send(a->listener, report, .numbers_added = a->numbers_added, .total = a->total);
}

static int adder_receive(tr_self *self, void *state, tr_msg *msg)
{
    adder *a = state;
    const struct number *n;
    const struct sum_wanted *w;

    (void)self;
    if ((n = tr_as(msg, number)))
        return add(a, n);
    if ((w = tr_as(msg, sum_wanted)))
        return tr_send(w->inbox, sum, .value = a->sums[w->worker]);
    return TR_UNHANDLED;
}

static const tr_actor_class adder_class = {
    .name = "adder",
    .state_size = sizeof(adder),
    .args_size = sizeof(tr_pid),
    .init = adder_init,
    .receive = adder_receive,
};

static void check(int rc, const char *what)
{
    if (rc < 0) {
        fprintf(stderr, "foreign_thread: %s: %s\n", what, tr_strerror(rc));
        exit(EXIT_FAILURE);
    }
}

/* ---- the workers: they send, then block on an inbox ---- */

struct worker {
    pthread_t thread;
    uint32_t index;
    tr_pid adder;
    int goodbye_fd; /* a pipe: one of the other things that the main thread waits for */
    uint64_t sum;
};

static void *worker_main(void *arg)
{
    struct worker *w = arg;
    tr_inbox *inbox = NULL;
    tr_msg *msg = NULL;
    const struct sum *s;

    for (uint32_t value = 1; value <= NUMBERS; value++)
        check(tr_send(w->adder, number, .worker = w->index, .value = value), "tr_send number");

    check(tr_inbox_new(&inbox, 0), "tr_inbox_new");
    check(tr_send(w->adder, sum_wanted, .worker = w->index, .inbox = tr_inbox_pid(inbox)),
          "tr_send sum_wanted");
    check(tr_inbox_receive(inbox, &msg, 10.0), "tr_inbox_receive"); /* blocks */
    if ((s = tr_as(msg, sum)))
        w->sum = s->value; /* msg is lent only until the inbox is used again or freed */
    tr_inbox_free(inbox);

    if (write(w->goodbye_fd, "", 1) != 1)
        check(-errno, "write to the pipe");
    return NULL;
}

/* ---- the main thread: poll() over the inbox and a pipe ---- */

struct tally {
    unsigned reports;
    unsigned goodbyes;
    uint64_t total;
};

/* Take all that is there; a limit of 0 does not wait. */
static void take_reports(tr_inbox *inbox, struct tally *t)
{
    tr_msg *msg = NULL;
    const struct report *r;
    int rc;

    while ((rc = tr_inbox_receive(inbox, &msg, 0)) >= 0) {
        if ((r = tr_as(msg, report))) {
            t->reports++;
            t->total = r->total;
        }
    }
    if (rc != TR_ETIMEDOUT)
        check(rc, "tr_inbox_receive");
}

static void take_goodbyes(int fd, struct tally *t)
{
    char bytes[WORKERS];
    ssize_t n = read(fd, bytes, sizeof(bytes));

    check(n < 0 ? -errno : 0, "read from the pipe");
    t->goodbyes += (unsigned)n;
}

static void poll_until_done(tr_inbox *inbox, int pipe_fd, struct tally *t)
{
    struct pollfd fds[2] = {
        { .fd = tr_inbox_fd(inbox), .events = POLLIN },
        { .fd = pipe_fd, .events = POLLIN },
    };

    check(fds[0].fd, "tr_inbox_fd");
    while (t->reports < WORKERS * NUMBERS / REPORT_EVERY || t->goodbyes < WORKERS) {
        int n = poll(fds, 2, 10000);

        if (n < 0 && errno == EINTR)
            continue;
        check(n < 0 ? -errno : n == 0 ? TR_ETIMEDOUT : 0, "poll");
        if (fds[0].revents)
            take_reports(inbox, t);
        if (fds[1].revents)
            take_goodbyes(fds[1].fd, t);
    }
}

int main(void)
{
    struct worker workers[WORKERS] = { 0 };
    struct tally tally = { 0 };
    tr_inbox *inbox = NULL;
    tr_pid adder_pid, listener;
    int ends[2];

    check(tr_start(NULL), "tr_start");
    check(tr_inbox_new(&inbox, 0), "tr_inbox_new");
    listener = tr_inbox_pid(inbox);
    check(tr_spawn(&adder_pid, &adder_class, &listener), "tr_spawn");
    check(pipe(ends) < 0 ? -errno : 0, "pipe");

    for (uint32_t i = 0; i < WORKERS; i++) {
        workers[i] = (struct worker){ .index = i, .adder = adder_pid, .goodbye_fd = ends[1] };
        check(-pthread_create(&workers[i].thread, NULL, worker_main, &workers[i]),
              "pthread_create");
    }
    poll_until_done(inbox, ends[0], &tally);
    for (unsigned i = 0; i < WORKERS; i++) {
        check(-pthread_join(workers[i].thread, NULL), "pthread_join");
        printf("worker %u: my numbers make %" PRIu64 "\n", i + 1, workers[i].sum);
    }
    printf("main: %u reports and %u goodbyes; in all %" PRIu64 "\n", tally.reports, tally.goodbyes,
           tally.total);

    tr_inbox_free(inbox);
    check(tr_shutdown(0), "tr_shutdown");
    (void)close(ends[0]); /* nothing was left to write */
    (void)close(ends[1]);
    return EXIT_SUCCESS;
}
