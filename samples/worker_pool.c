/* worker_pool: a pool on all cores that hands each job on, and survives a job without end.
 *
 * The job: how many steps does a number take to 1, halved if even, else tripled plus one? The main
 * thread asks the dispatcher, whose pid is all that it knows. The dispatcher forwards each job to
 * the next worker, tr_forward, and the ask goes along: the worker answers the main thread, and the
 * dispatcher has nothing to remember (Go: a job that carries its reply channel; Erlang: a
 * gen_server that passes From on). Workers are spread over the loops, two on each. They are spawned
 * by tr_spawn_async, for an actor must not wait until another loop has started one.
 *
 * A handler must not keep its loop busy for long. So a worker does a job in slices: what it has so
 * far, and who asked, it sends to itself. All of its jobs take turns, and it hears what else is
 * sent to it, a tr_kill, too. That is needed here: 0 never comes to 1. The worker says that a job
 * takes long, the main thread does not want it any more, and the dispatcher kills the worker,
 * answers for it, and puts another in its place. What is queued at a killed actor is lost: here the
 * next slice of the endless job, of which the log has a line, on stderr.
 *
 *   Build:   cc worker_pool.c $(pkg-config --cflags --libs troupe)
 *   Prints:  1 to 1000: 871 takes the most steps, 178
 *            every loop has worked
 *            0 takes long: it is not wanted any more
 *            0: TR_ECANCELED, and a worker has ended: TR_EKILLED
 *            1 to 1000: 871 takes the most steps, 178
 *            every loop has worked */
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <troupe.h>

enum { NUMBERS = 1000, WORKERS_PER_LOOP = 2, STEPS_PER_SLICE = 1000 };

TR_MESSAGE(way)
{
    uint64_t start;
    uint64_t steps;
    int loop; /* where it was counted, as tr_loop_current says */
};
TR_REQUEST(way_wanted, way)
{
    uint64_t start;
};
TR_MESSAGE(slice) /* from a worker to itself: a job that has not ended */
{
    tr_asker asker; /* a value, so it may travel in a message */
    uint64_t start, now, steps;
};
TR_MESSAGE(takes_long) /* from a worker to the dispatcher, and on to the main thread */
{
    uint64_t start;
    tr_pid worker;
    int loop;
    tr_asker asker;
};
TR_MESSAGE(unwanted)
{
    uint64_t start;
};
TR_MESSAGE(worker_killed)
{
    int reason;
};

/* ---- a worker ---- */

typedef struct {
    tr_pid dispatcher;
    tr_pid main;
} worker;

/* Go on for a slice; then answer, or leave the rest for later. */
static int work(tr_self *self, const worker *w, struct slice *job)
{
    int rc = 0;

    for (int i = 0; i < STEPS_PER_SLICE && job->now != 1; i++) {
        job->now = job->now % 2 == 0 ? job->now / 2 : 3 * job->now + 1;
        job->steps++;
    }
    if (job->now == 1)
        return tr_answer(job->asker, way, .start = job->start, .steps = job->steps,
                         .loop = tr_loop_current());
    if (job->steps == STEPS_PER_SLICE) /* the first slice was not enough */
        rc = tr_send(w->dispatcher, takes_long, .start = job->start, .worker = tr_self_pid(self),
                     .loop = tr_loop_current(), .asker = job->asker);
    return rc < 0 ? rc : tr_send_value(tr_self_pid(self), slice, job);
}

static int worker_receive(tr_self *self, void *state, tr_msg *msg)
{
    const struct way_wanted *wanted;
    const struct slice *s;
    struct slice job = { 0 };

    if ((wanted = tr_as(msg, way_wanted))) {
        job.asker = tr_take_asker(self);
        job.start = job.now = wanted->start;
        return work(self, state, &job);
    }
    if ((s = tr_as(msg, slice))) {
        job = *s; /* a message is for reading only */
        return work(self, state, &job);
    }
    return TR_UNHANDLED;
}

/* That the runtime stops the others at the end is no news. */
static void worker_stop(tr_self *self, void *state, int reason)
{
    const worker *w = state;

    (void)self;
    if (reason == TR_EKILLED)
        (void)tr_send(w->main, worker_killed, .reason = reason); /* main would miss it */
}

/* Without an init, the args become the state. */
static const tr_actor_class worker_class = {
    .name = "worker",
    .state_size = sizeof(worker),
    .args_size = sizeof(worker),
    .receive = worker_receive,
    .stop = worker_stop,
};

/* ---- the dispatcher ---- */

struct place {
    tr_pid worker;
    struct takes_long slow; /* the worker's latest slow job; its worker is none if there was none */
};

typedef struct {
    tr_pid main;
    size_t count, next;
    struct place *places;
} dispatcher;

static int hire(tr_self *self, const dispatcher *d, struct place *place,
                const tr_spawn_options *options)
{
    worker args = { .dispatcher = tr_self_pid(self), .main = d->main };

    *place = (struct place){ 0 };
    return tr_spawn_async(&place->worker, &worker_class, &args, options);
}

static int dispatcher_init(tr_self *self, void *state, const void *args)
{
    static const tr_spawn_options spread = { .place = TR_PLACE_SPREAD };
    dispatcher *d = state;
    int rc = 0;

    d->main = *(const tr_pid *)args;
    d->count = WORKERS_PER_LOOP * (size_t)tr_loop_count();
    d->places = calloc(d->count, sizeof(*d->places));
    if (!d->places)
        return TR_ENOMEM;
    for (size_t i = 0; rc >= 0 && i < d->count; i++)
        rc = hire(self, d, &d->places[i], &spread);
    if (rc < 0)
        free(d->places); /* stop is not called when init fails */
    return rc;
}

static int note_slow_job(dispatcher *d, tr_msg *msg, const struct takes_long *slow)
{
    for (size_t i = 0; i < d->count; i++)
        if (tr_pid_eq(d->places[i].worker, slow->worker))
            d->places[i].slow = *slow;
    return tr_forward(msg, d->main);
}

/* Kill whoever is at it, and hire another on the same loop. */
static int end_slow_job(tr_self *self, dispatcher *d, uint64_t start)
{
    for (size_t i = 0; i < d->count; i++) {
        struct takes_long slow = d->places[i].slow;
        tr_spawn_options there = { .on = slow.loop };
        int rc;

        if (tr_pid_is_none(slow.worker) || slow.start != start)
            continue;
        rc = tr_kill(slow.worker);
        if (rc >= 0 || rc == TR_EDEAD) /* it has ended by itself: all the same to us */
            rc = tr_answer_error(slow.asker, TR_ECANCELED);
        return rc < 0 ? rc : hire(self, d, &d->places[i], &there);
    }
    return 0;
}

static int dispatcher_receive(tr_self *self, void *state, tr_msg *msg)
{
    dispatcher *d = state;
    const struct takes_long *slow;
    const struct unwanted *u;

    if (tr_is(msg, way_wanted)) {
        d->next = (d->next + 1) % d->count;
        return tr_forward(msg, d->places[d->next].worker);
    }
    if ((slow = tr_as(msg, takes_long)))
        return note_slow_job(d, msg, slow);
    if ((u = tr_as(msg, unwanted)))
        return end_slow_job(self, d, u->start);
    return TR_UNHANDLED;
}

static void dispatcher_stop(tr_self *self, void *state, int reason)
{
    dispatcher *d = state;

    (void)self;
    (void)reason;
    free(d->places);
}

static const tr_actor_class dispatcher_class = {
    .name = "dispatcher",
    .state_size = sizeof(dispatcher),
    .args_size = sizeof(tr_pid),
    .init = dispatcher_init,
    .receive = dispatcher_receive,
    .stop = dispatcher_stop,
};

/* ---- the main thread ---- */

static void check(int rc, const char *what)
{
    if (rc < 0) {
        fprintf(stderr, "worker_pool: %s: %s\n", what, tr_strerror(rc));
        exit(EXIT_FAILURE);
    }
}

static tr_msg *hear(tr_inbox *inbox)
{
    tr_msg *msg = NULL;

    check(tr_inbox_receive(inbox, &msg, 60.0), "tr_inbox_receive");
    return msg;
}

/* Ask for all numbers at once. Which loops the answers came from is counted in jobs, by loop. */
static struct way longest_way(tr_inbox *inbox, tr_pid pool, unsigned *jobs)
{
    struct way longest = { 0 };

    for (uint64_t start = 1; start <= NUMBERS; start++)
        check(tr_inbox_request(inbox, pool, 60.0, start, way_wanted, .start = start), "asking");
    for (unsigned i = 0; i < NUMBERS; i++) {
        const struct way *w = tr_as(hear(inbox), way);

        check(w ? 0 : TR_EPROTO, "a job has failed");
        jobs[w->loop - TR_LOOP(0)]++;
        if (w->steps > longest.steps)
            longest = *w;
    }
    return longest;
}

static void use_pool(tr_inbox *inbox, tr_pid pool)
{
    unsigned *jobs = calloc((size_t)tr_loop_count(), sizeof(*jobs));
    struct way longest;
    int idle = 0;

    check(jobs ? 0 : TR_ENOMEM, "calloc");
    longest = longest_way(inbox, pool, jobs);
    printf("1 to %d: %" PRIu64 " takes the most steps, %" PRIu64 "\n", NUMBERS, longest.start,
           longest.steps);
    for (int i = 0; i < tr_loop_count(); i++)
        idle += jobs[i] == 0;
    if (idle > 0)
        printf("%d loops had nothing to do\n", idle);
    else
        printf("every loop has worked\n");
    free(jobs);
}

/* The job without end. Both of its last two messages come, in any order: from two actors. */
static void ask_for_zero(tr_inbox *inbox, tr_pid pool)
{
    int error = 0, reason = 0;

    check(tr_inbox_request(inbox, pool, TR_FOREVER, 0, way_wanted, .start = 0), "asking");
    check(tr_is(hear(inbox), takes_long) ? 0 : TR_EPROTO, "0 should not come to 1");
    printf("0 takes long: it is not wanted any more\n");
    check(tr_send(pool, unwanted, .start = 0), "tr_send unwanted");
    while (error == 0 || reason == 0) {
        tr_msg *msg = hear(inbox);
        const struct tr_request_failed *failed;
        const struct worker_killed *killed;

        if ((failed = tr_as(msg, tr_request_failed)))
            error = failed->error;
        if ((killed = tr_as(msg, worker_killed)))
            reason = killed->reason;
    }
    printf("0: %s, and a worker has ended: %s\n", tr_err_name(error), tr_err_name(reason));
}

int main(void)
{
    tr_inbox *inbox = NULL;
    tr_pid me, pool;

    check(tr_start(NULL), "tr_start");
    check(tr_inbox_new(&inbox, 0), "tr_inbox_new");
    me = tr_inbox_pid(inbox);
    check(tr_spawn(&pool, &dispatcher_class, &me), "tr_spawn");

    use_pool(inbox, pool);
    ask_for_zero(inbox, pool);
    use_pool(inbox, pool); /* as good as before */

    tr_inbox_free(inbox);
    check(tr_shutdown(0), "tr_shutdown");
    return EXIT_SUCCESS;
}
