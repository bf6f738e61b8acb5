/* Tasks: fiberswitch, taskspawn, taskscope, await, ask, ask-timed, sleepers.
 *
 * Each runs as a task on loop 0. fiberswitch: two tasks yield to each other and the loop, n times
 * together; an operation is a switch, of which a yield takes two. taskspawn: n times spawn a task,
 * await its end, drop it; the task does nothing. await: n times two tasks hand a future to each
 * other, which the other one makes and this one resolves. ask: n times ask an actor and await its
 * answer. sleepers: n tasks asleep at once; the bytes of resident memory for each. */
#include "bench.h"

/* ---- fiberswitch ---- */

static int yielder(void *arg)
{
    int64_t n = *(const int64_t *)arg;
    int rc = 0;

    while (n-- > 0 && rc == 0)
        rc = tr_yield();
    return rc;
}

static int fiberswitch(void *arg)
{
    const bench_task *run = arg;
    int64_t half = run->n / 4; /* two tasks, two switches a yield */
    int rc;

    bench_begin(run->context);
    TR_SCOPE(s, &rc) {
        tr_scope_spawn(s, yielder, &half);
        tr_scope_spawn(s, yielder, &half);
    }
    bench_end(run->context, (double)half * 4);
    return rc;
}

int bench_fiberswitch(bench_context *context)
{
    return bench_measure_task(context, fiberswitch);
}

/* ---- taskspawn ---- */

static int do_nothing(void *arg)
{
    (void)arg;
    return 0;
}

static int taskspawn(void *arg)
{
    const bench_task *run = arg;
    int rc = 0;

    bench_begin(run->context);
    for (int64_t i = 0; i < run->n && rc == 0; i++) {
        tr_task *task;

        rc = tr_task_spawn(&task, do_nothing, NULL);
        if (rc == 0)
            rc = tr_await(tr_task_future(task));
        tr_task_unref(task);
    }
    bench_end(run->context, (double)run->n);
    return rc;
}

int bench_taskspawn(bench_context *context)
{
    return bench_measure_task(context, taskspawn);
}

/* The same by scopes of ten. */
static int taskscope(void *arg)
{
    const bench_task *run = arg;
    int64_t scopes = run->n / 10;
    int rc = 0;

    bench_begin(run->context);
    for (int64_t i = 0; i < scopes && rc == 0; i++)
        TR_SCOPE(s, &rc)
            for (int k = 0; k < 10; k++)
                tr_scope_spawn(s, do_nothing, NULL);
    bench_end(run->context, (double)scopes * 10);
    return rc;
}

int bench_taskscope(bench_context *context)
{
    return bench_measure_task(context, taskscope);
}

/* ---- await ---- */

typedef struct await_pair {
    tr_future *turn[2]; /* what each of the two waits for */
    int64_t n;
} await_pair;

struct player_args {
    await_pair *pair;
    int me;
};

/* Wait for one's turn, make the future for the next one, and give the turn away. */
static int player(void *arg)
{
    const struct player_args *a = arg;
    await_pair *pair = a->pair;
    int rc = 0;

    for (int64_t i = 0; i < pair->n && rc == 0; i++) {
        tr_future *mine = pair->turn[a->me];

        rc = tr_await(mine);
        tr_future_unref(mine);
        if (rc == 0)
            rc = tr_future_new(&pair->turn[a->me]);
        if (rc == 0)
            rc = tr_future_resolve(pair->turn[!a->me], NULL, NULL);
    }
    return rc;
}

static int await_run(void *arg)
{
    const bench_task *run = arg;
    await_pair pair = { .n = run->n / 2 };
    int rc = tr_future_new(&pair.turn[0]);

    if (rc == 0)
        rc = tr_future_new(&pair.turn[1]);
    if (rc == 0)
        rc = tr_future_resolve(pair.turn[0], NULL, NULL);
    if (rc < 0)
        return rc;
    bench_begin(run->context);
    TR_SCOPE(s, &rc) {
        tr_go(s, player, .pair = &pair, .me = 0);
        tr_go(s, player, .pair = &pair, .me = 1);
    }
    bench_end(run->context, (double)pair.n * 2);
    tr_future_unref(pair.turn[0]);
    tr_future_unref(pair.turn[1]);
    return rc;
}

int bench_await(bench_context *context)
{
    return bench_measure_task(context, await_run);
}

/* ---- ask ---- */

TR_MESSAGE(ask_answer)
{
    int64_t value;
};
TR_REQUEST(ask_question, ask_answer)
{
    int64_t value;
};

static int answer_receive(tr_self *self, void *state, tr_msg *msg)
{
    const struct ask_question *q = tr_as(msg, ask_question);

    (void)state;
    return q ? tr_reply(self, ask_answer, .value = q->value + 1) : TR_UNHANDLED;
}

static const tr_actor_class answer_class = { .name = "answerer", .receive = answer_receive };

static int ask_for(const bench_task *run, double timeout)
{
    int64_t sum = 0;
    tr_pid answerer;
    int rc = tr_spawn(&answerer, &answer_class, NULL);

    bench_begin(run->context);
    for (int64_t i = 0; i < run->n && rc == 0; i++) {
        struct ask_answer answer;

        rc = tr_ask(&answer, answerer, timeout, ask_question, .value = i);
        sum += answer.value - i;
    }
    bench_end(run->context, (double)run->n);
    if (rc == 0)
        rc = tr_stop(answerer);
    return rc == 0 && sum != run->n ? TR_EPROTO : rc;
}

static int ask(void *arg)
{
    return ask_for(arg, TR_FOREVER);
}

static int ask_timed(void *arg)
{
    return ask_for(arg, 1.0);
}

int bench_ask(bench_context *context)
{
    return bench_measure_task(context, ask);
}

int bench_ask_timed(bench_context *context)
{
    return bench_measure_task(context, ask_timed);
}

/* ---- sleepers ---- */

static int sleeper(void *arg)
{
    (void)arg;
    return tr_sleep(3600); /* with a timer, as the peers' have */
}

static int sleepers(void *arg)
{
    const bench_task *run = arg;
    int64_t before = bench_rss_bytes();
    int rc;

    bench_begin(run->context);
    TR_SCOPE(s, &rc) {
        for (int64_t i = 0; i < run->n; i++)
            tr_scope_spawn(s, sleeper, NULL);
        rc = tr_yield(); /* all have begun when this returns */
        bench_end(run->context, (double)run->n);
        run->context->outcome.per_op = (double)(bench_rss_bytes() - before) / (double)run->n;
        (void)tr_scope_cancel(s); /* can't fail in its own task */
    }
    return rc;
}

int bench_sleepers(bench_context *context)
{
    return bench_measure_task(context, sleepers);
}
