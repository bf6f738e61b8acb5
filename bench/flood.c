/* Producers that send as fast as they can: counting, crossflood, fanin, foreign, fjthroughput.
 *
 * counting: one producer, one counter, n messages. crossflood: the same from loop 0 to loop 1.
 * fanin: 64 producers, n messages each, one consumer. foreign: --threads threads, n messages
 * each, one consumer. fjthroughput: one producer, 60 receivers, n messages each. An operation is
 * a message.
 *
 * Producers that are actors send in slices, and hand the loop over between them. The slices of
 * fanin are small: 64 producers share the loop with one consumer, and all have the same right to
 * it, so what they make in a round should be what it can take in a round. */
#include "load.h"

#include <pthread.h>
#include <stdlib.h>

enum { FANIN_PRODUCERS = 64, FJ_RECEIVERS = 60, SLICE = 1000, FANIN_SLICE = 16 };

/* ---- the consumer: adds up `count` loads, then sends the sum ---- */

typedef struct consumer_args {
    tr_pid out;
    int64_t count;
} consumer_args;

typedef struct consumer {
    tr_pid out;
    int64_t left;
    int64_t sum;
} consumer;

static int consumer_init(tr_self *self, void *state, const void *args)
{
    const consumer_args *given = args;
    consumer *c = state;

    (void)self;
    c->out = given->out;
    c->left = given->count;
    return 0;
}

LOAD_INLINE int consumer_receive(tr_self *self, void *state, tr_msg *msg, size_t size)
{
    const int64_t *value = load_value(msg, size);
    consumer *c = state;

    (void)self;
    if (!value)
        return TR_UNHANDLED;
    c->sum += *value;
    return --c->left > 0 ? 0 : tr_send(c->out, bench_value, .value = c->sum);
}

LOAD_CLASSES(consumer_class, consumer_receive, .name = "consumer", .state_size = sizeof(consumer),
             .args_size = sizeof(consumer_args), .init = consumer_init);

/* ---- the producer: sends `n` loads in slices, then asks for the count if it is to ---- */

TR_MESSAGE(count_query)
{
    tr_pid out;
};

typedef struct producer_args {
    tr_pid to;
    tr_pid out; /* TR_PID_NONE: no query at the end */
    int64_t n;  /* in the producer's state: what is left */
    int64_t slice;
} producer_args;

static int producer_init(tr_self *self, void *state, const void *args)
{
    *(producer_args *)state = *(const producer_args *)args;
    return tr_send(tr_self_pid(self), bench_go_on);
}

LOAD_INLINE int producer_receive(tr_self *self, void *state, tr_msg *msg, size_t size)
{
    producer_args *job = state;
    int64_t i, now = bench_min(job->n, job->slice);
    int rc = 0;

    if (!tr_is(msg, bench_go_on))
        return TR_UNHANDLED;
    for (i = 0; i < now && rc >= 0; i++)
        rc = load_send(job->to, 1, size);
    job->n -= now;
    if (rc < 0)
        return rc;
    if (job->n > 0)
        return tr_send(tr_self_pid(self), bench_go_on);
    return tr_pid_is_none(job->out) ? 0 : tr_send(job->to, count_query, .out = job->out);
}

LOAD_CLASSES(producer_class, producer_receive, .name = "producer",
             .state_size = sizeof(producer_args), .args_size = sizeof(producer_args),
             .init = producer_init);

/* ---- counting, crossflood ---- */

typedef struct counter {
    int64_t count;
} counter;

LOAD_INLINE int counter_receive(tr_self *self, void *state, tr_msg *msg, size_t size)
{
    const struct count_query *query;
    counter *c = state;

    (void)self;
    if (load_value(msg, size)) {
        c->count++;
        return 0;
    }
    if ((query = tr_as(msg, count_query)))
        return tr_send(query->out, bench_value, .value = c->count);
    return TR_UNHANDLED;
}

LOAD_CLASSES(counter_class, counter_receive, .name = "counter", .state_size = sizeof(counter));

typedef struct counting_args {
    producer_args producer; /* to: filled in by the root */
    size_t size;
} counting_args;

/* The root spawns counter and producer next to each other. */
static int counting_init(tr_self *self, void *state, const void *args)
{
    counting_args given = *(const counting_args *)args;
    int index = load_index(given.size);
    tr_pid producer_pid;
    int rc = tr_spawn(&given.producer.to, &counter_class[index], NULL);

    (void)state;
    if (rc >= 0)
        rc = tr_spawn(&producer_pid, &producer_class[index], &given.producer);
    return rc < 0 ? rc : tr_exit(self, 0);
}

static const tr_actor_class counting_class = {
    .name = "counting",
    .args_size = sizeof(counting_args),
    .init = counting_init,
    .receive = bench_no_receive,
};

int bench_counting(bench_context *context)
{
    const bench_options *options = context->options;
    counting_args args = { .size = options->size };

    args.producer.out = context->out;
    args.producer.n = options->n;
    args.producer.slice = bench_slice(options, SLICE);
    return bench_measure(context, &counting_class, &args, (double)options->n, options->n);
}

int bench_crossflood(bench_context *context)
{
    const bench_options *options = context->options;
    int index = load_index(options->size);
    tr_spawn_options first = { .on = TR_LOOP(0) }, second = { .on = TR_LOOP(1) };
    producer_args args = { .out = context->out, .n = options->n };
    tr_pid producer_pid;

    if (tr_loop_count() < 2)
        return bench_fail(context, "needs two loops (--loops 2)");
    args.slice = bench_slice(options, SLICE);
    bench_begin(context);
    if (bench_spawn_root(context, &args.to, &counter_class[index], NULL, &second) < 0 ||
        bench_spawn_root(context, &producer_pid, &producer_class[index], &args, &first) < 0 ||
        bench_expect(context, options->n) < 0)
        return -1;
    bench_end(context, (double)options->n);
    return 0;
}

/* ---- fanin ---- */

static int fanin_init(tr_self *self, void *state, const void *args)
{
    counting_args given = *(const counting_args *)args;
    consumer_args total = { .out = given.producer.out,
                            .count = FANIN_PRODUCERS * given.producer.n };
    int i, index = load_index(given.size);
    int rc = tr_spawn(&given.producer.to, &consumer_class[index], &total);
    tr_pid producer_pid;

    (void)state;
    given.producer.out = TR_PID_NONE;
    for (i = 0; rc >= 0 && i < FANIN_PRODUCERS; i++)
        rc = tr_spawn(&producer_pid, &producer_class[index], &given.producer);
    return rc < 0 ? rc : tr_exit(self, 0);
}

static const tr_actor_class fanin_class = {
    .name = "fanin",
    .args_size = sizeof(counting_args),
    .init = fanin_init,
    .receive = bench_no_receive,
};

int bench_fanin(bench_context *context)
{
    const bench_options *options = context->options;
    int64_t total = FANIN_PRODUCERS * options->n;
    counting_args args = { .size = options->size };

    args.producer.out = context->out;
    args.producer.n = options->n;
    args.producer.slice = bench_slice(options, FANIN_SLICE);
    return bench_measure(context, &fanin_class, &args, (double)total, total);
}

/* ---- foreign ---- */

typedef struct foreign_job {
    pthread_t thread;
    tr_pid to;
    int64_t n;
    size_t size;
    int rc; /* read after the join */
} foreign_job;

static void *foreign_main(void *arg)
{
    foreign_job *job = arg;
    int64_t i;

    for (i = 0; i < job->n && job->rc >= 0; i++)
        job->rc = load_send(job->to, 1, job->size);
    return NULL;
}

static int foreign_start(bench_context *context, foreign_job *jobs, tr_pid to, int *started)
{
    const bench_options *options = context->options;

    for (*started = 0; *started < options->threads; ++*started) {
        foreign_job *job = &jobs[*started];

        *job = (foreign_job){ .to = to, .n = options->n, .size = options->size };
        if (pthread_create(&job->thread, NULL, foreign_main, job) != 0)
            return bench_fail(context, "can't start a thread");
    }
    return 0;
}

static int foreign_join(bench_context *context, foreign_job *jobs, int started)
{
    int i, rc = 0;

    for (i = 0; i < started; i++) {
        (void)pthread_join(jobs[i].thread, NULL); /* can't fail: it was started, and not joined */
        if (jobs[i].rc < 0)
            rc = bench_fail(context, "send: %s", tr_strerror(jobs[i].rc));
    }
    return rc;
}

int bench_foreign(bench_context *context)
{
    const bench_options *options = context->options;
    int64_t total = options->threads * options->n;
    consumer_args args = { .out = context->out, .count = total };
    foreign_job *jobs = calloc((size_t)options->threads, sizeof(*jobs));
    tr_pid to;
    int rc, started = 0;

    if (!jobs)
        return bench_fail(context, "out of memory");
    bench_begin(context);
    rc = bench_spawn_root(context, &to, &consumer_class[load_index(options->size)], &args, NULL);
    if (rc == 0)
        rc = foreign_start(context, jobs, to, &started);
    if (rc == 0)
        rc = bench_expect(context, total);
    bench_end(context, (double)total);
    if (foreign_join(context, jobs, started) < 0)
        rc = -1;
    free(jobs);
    return rc;
}

/* ---- fjthroughput: each receiver is a sink, and so is what adds up their sums ---- */

typedef struct fj_producer {
    producer_args job; /* job.n rounds are left */
    tr_pid receivers[FJ_RECEIVERS];
} fj_producer;

static int fj_producer_init(tr_self *self, void *state, const void *args)
{
    fj_producer *fj = state;
    tr_pid sink;
    int i, rc;

    fj->job = *(const producer_args *)args;
    rc = bench_spawn_sink(&sink, fj->job.out, FJ_RECEIVERS);
    for (i = 0; rc >= 0 && i < FJ_RECEIVERS; i++)
        rc = bench_spawn_sink(&fj->receivers[i], sink, fj->job.n);
    return rc < 0 ? rc : tr_send(tr_self_pid(self), bench_go_on);
}

static int fj_producer_receive(tr_self *self, void *state, tr_msg *msg)
{
    fj_producer *fj = state;
    int64_t round, rounds = bench_min(fj->job.n, fj->job.slice);
    int i, rc = 0;

    if (!tr_is(msg, bench_go_on))
        return TR_UNHANDLED;
    for (round = 0; round < rounds; round++)
        for (i = 0; i < FJ_RECEIVERS && rc >= 0; i++)
            rc = tr_send(fj->receivers[i], bench_value, .value = 1);
    fj->job.n -= rounds;
    return rc < 0 || fj->job.n == 0 ? rc : tr_send(tr_self_pid(self), bench_go_on);
}

static const tr_actor_class fj_producer_class = {
    .name = "fj_producer",
    .state_size = sizeof(fj_producer),
    .args_size = sizeof(producer_args),
    .init = fj_producer_init,
    .receive = fj_producer_receive,
};

int bench_fjthroughput(bench_context *context)
{
    const bench_options *options = context->options;
    int64_t total = FJ_RECEIVERS * options->n;
    int64_t rounds = bench_slice(options, SLICE) / FJ_RECEIVERS;
    producer_args args = { .out = context->out, .n = options->n, .slice = rounds ? rounds : 1 };

    return bench_measure(context, &fj_producer_class, &args, (double)total, total);
}
