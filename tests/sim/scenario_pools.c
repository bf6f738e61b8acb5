/* Scenarios of pools, of shutdowns in the middle, and of starting again. */
#include "sim/scenarios.h"

#include <errno.h>
#include <string.h>
#include <unistd.h>

static bool is_end(int rc)
{
    return is_fine(rc) || rc == TR_ECANCELED || rc == TR_ESHUTDOWN || rc == TR_ETIMEDOUT;
}

/* A job, and what became of it. */
typedef struct work {
    int offered;
    int begun;
    int ended;
    int dropped;
} work;

static int do_work(void *arg)
{
    work *w = arg;

    w->begun++;
    if (once_in(3))
        tr_sim_sleep(0.2); /* as a call that blocks would */
    w->ended++;
    return 0;
}

static void drop_work(void *arg)
{
    ((work *)arg)->dropped++;
}

/* ---- jobs of tasks: ended before the await returns, or never begun ---- */

static void use_once(tr_pool *pool)
{
    work w = { 1, 0, 0, 0 };
    double begun = tr_sim_now();
    int rc = pool ? tr_pool_run(pool, do_work, &w) : tr_to_thread(do_work, &w);

    EXPECT(is_end(rc));
    EXPECT(w.begun == w.ended); /* nobody uses w any more */
    EXPECT(rc < 0 || w.ended == 1);
    /* Those in line before it take less; a thread that sleeps would look again after 10 s. */
    EXPECT(tr_sim_now() - begun < 9);
}

static int use_pool(void *arg)
{
    for (int i = 0; i < 5; i++)
        use_once(arg);
    return 0;
}

static int use_pool_together(void *arg)
{
    int rc = 0;

    TR_SCOPE(s, &rc) {
        for (int i = 0; i < 4; i++)
            tr_scope_spawn_on(s, TR_LOOP(i % 2), use_pool, arg);
        if (once_in(2)) {
            (void)tr_sleep(0.3); /* nobody cancels this one */
            (void)tr_scope_cancel(s);
        }
    }
    return is_end(rc) ? 0 : rc;
}

static void *use_pool_from_outside(void *arg)
{
    (void)use_pool(arg);
    return NULL;
}

static void run_on(tr_pool *pool)
{
    tr_sim_thread *thread;
    tr_future *f = NULL;

    EXPECT(tr_sim_thread_start(&thread, "works", use_pool_from_outside, pool) == 0);
    EXPECT_OK(tr_submit(&f, TR_LOOP(0), use_pool_together, pool));
    if (f)
        EXPECT(is_end(tr_future_wait(f, TR_FOREVER)));
    tr_future_unref(f);
    (void)tr_sim_thread_join(thread);
}

void scenario_pools(void *arg)
{
    (void)arg;
    if (!begin(2))
        return;
    run_on(once_in(2) ? TR_POOL_CPU : NULL);
    finish();
}

void scenario_own_pools(void *arg)
{
    tr_pool *pool;

    (void)arg;
    if (!begin(2))
        return;
    if (tr_pool_new(&pool, "own", (int)(1 + tr_sim_random() % 3)) == 0) {
        run_on(pool);
        EXPECT(tr_pool_free(pool) == 0);
    }
    finish();
}

/* ---- one job at a time: each comes about when the only thread falls asleep after the last ---- */

void scenario_lone_jobs(void *arg)
{
    tr_pool *pool;

    (void)arg;
    if (!begin(2))
        return;
    if (tr_pool_new(&pool, "lone", 1) == 0) {
        for (int i = 0; i < 20; i++)
            use_once(pool);
        EXPECT(tr_pool_free(pool) == 0);
    }
    finish();
}

/* ---- jobs that go on only when the one behind them has begun: a pool calls its threads ---- */

typedef struct link_of_chain {
    bool has_begun;
    struct link_of_chain *next;
} link_of_chain;

enum { LINKS = 3 };

/* They live longer than the task; see below. */
static link_of_chain chain[LINKS];

static int pull(void *arg)
{
    link_of_chain *l = arg;
    double begun = tr_sim_now();

    l->has_begun = true;
    if (faults_are_on())
        return 0; /* there may be no more threads */
    while (l->next && !l->next->has_begun) {
        EXPECT(tr_sim_now() - begun < 5);
        tr_sim_sleep(0.01);
    }
    return 0;
}

static int pull_chain(void *arg)
{
    tr_future *f[LINKS] = { NULL };

    for (int i = 0; i < LINKS; i++) {
        EXPECT_OK(tr_pool_submit(&f[i], arg, pull, &chain[i], NULL));
        if (once_in(2))
            (void)tr_sleep(0.001); /* nobody cancels it */
    }
    for (int i = 0; i < LINKS; i++) {
        if (f[i])
            EXPECT_OK(tr_await(f[i]));
        tr_future_unref(f[i]);
    }
    return 0;
}

void scenario_chains(void *arg)
{
    tr_pool *pool;
    tr_future *f = NULL;

    (void)arg;
    if (!begin(2))
        return;
    for (int i = 0; i < LINKS; i++)
        chain[i] = (link_of_chain){ .next = i + 1 < LINKS ? &chain[i + 1] : NULL };
    if (tr_pool_new(&pool, "chain", LINKS) == 0) {
        EXPECT_OK(tr_submit(&f, TR_LOOP(0), pull_chain, pool));
        if (f)
            EXPECT_OK(tr_future_wait(f, TR_FOREVER));
        tr_future_unref(f);
        EXPECT(tr_pool_free(pool) == 0);
    }
    finish();
}

/* ---- jobs with futures: cancelled at every stage ---- */

/* Their pool may be the last to let go of a future: so they live longer than the task. */
static work submitted[6];

static int submit_some(void *arg)
{
    work *w = submitted;
    tr_future *f[6] = { NULL };
    int rc;

    (void)arg;
    for (int i = 0; i < 6; i++) {
        w[i].offered++;
        rc = tr_pool_submit(&f[i], TR_POOL_CPU, do_work, &w[i], drop_work);
        EXPECT(is_end(rc));
        if (f[i] && once_in(3))
            (void)tr_future_cancel(f[i]); /* it may have ended */
    }
    TR_SHIELD(TR_FOREVER) {
        for (int i = 0; i < 6; i++) {
            if (f[i])
                EXPECT(is_end(tr_await(f[i])));
            tr_future_unref(f[i]);
        }
    }
    return 0;
}

void scenario_submitting(void *arg)
{
    tr_future *f = NULL;

    (void)arg;
    if (!begin(2))
        return;
    memset(submitted, 0, sizeof(submitted));
    EXPECT_OK(tr_submit(&f, TR_LOOP(0), submit_some, NULL));
    if (f)
        EXPECT(is_end(tr_future_wait(f, TR_FOREVER)));
    finish();
    for (int i = 0; i < 6; i++) {
        EXPECT(submitted[i].begun == submitted[i].ended);
        EXPECT(submitted[i].dropped == submitted[i].offered);
    }
    tr_future_unref(f);
}

/* ---- jobs of several threads: a pool that is not full takes them all ---- */

static int do_nothing(void *arg)
{
    (void)arg;
    return 0;
}

static void *submit_from_outside(void *arg)
{
    for (int i = 0; i < 8; i++)
        EXPECT_OK(tr_pool_submit(NULL, arg, do_nothing, NULL, NULL));
    return NULL;
}

void scenario_taking(void *arg)
{
    tr_sim_thread *threads[3];
    tr_pool *pool;

    (void)arg;
    if (!begin(1))
        return;
    if (tr_pool_new(&pool, "takes", 2) == 0) {
        for (int i = 0; i < 3; i++)
            EXPECT(tr_sim_thread_start(&threads[i], "submits", submit_from_outside, pool) == 0);
        for (int i = 0; i < 3; i++)
            (void)tr_sim_thread_join(threads[i]);
        EXPECT(tr_pool_free(pool) == 0);
    }
    finish();
}

/* ---- a shutdown in the middle of everything ---- */

static int keep_busy(void *arg)
{
    const tr_pid *to = arg;
    struct number answer;
    int rc = 0;

    while (rc >= 0) {
        rc = tr_ask(&answer, *to, 5, question, .value = 1);
        if (rc >= 0)
            rc = use_pool(NULL);
        if (rc >= 0)
            rc = tr_sleep(0.1);
    }
    TR_SHIELD(5) {
        EXPECT_OK(tr_sleep(once_in(2))); /* a clean-up that takes its time: the loops wait for it */
    }
    return is_end(rc) || rc == TR_EDEAD ? 0 : rc;
}

static int keep_all_busy(void *arg)
{
    int rc = 0;

    TR_SCOPE(s, &rc) {
        for (int i = 0; i < 4; i++)
            tr_scope_spawn_on(s, TR_LOOP(i % 2), keep_busy, arg);
    }
    return is_end(rc) ? 0 : rc;
}

static void *send_until_refused(void *arg)
{
    const tr_pid *to = arg;
    int rc = 0;

    for (int i = 0; i < 50 && rc >= 0; i++)
        rc = tr_send(*to, number, .value = i);
    EXPECT(is_end(rc) || rc == TR_EDEAD);
    return NULL;
}

void scenario_shutdown(void *arg)
{
    tr_pid to = { 0 };
    tr_sim_thread *thread;
    tr_future *f = NULL;

    (void)arg;
    if (!begin(2))
        return;
    EXPECT_OK(tr_spawn_with(&to, &answerer_class, NULL, &(tr_spawn_options){ .on = TR_LOOP(1) }));
    EXPECT(tr_sim_thread_start(&thread, "sends", send_until_refused, &to) == 0);
    EXPECT_OK(tr_submit(&f, TR_LOOP(0), keep_all_busy, &to));
    tr_sim_sleep((double)(tr_sim_random() % 1000) / 1000);
    finish();
    (void)tr_sim_thread_join(thread);
    if (f)
        EXPECT(tr_future_is_done(f));
    tr_future_unref(f);
}

/* ---- again and again, by several threads ---- */

static void *start_and_stop(void *arg)
{
    tr_pid pid;

    (void)arg;
    for (int i = 0; i < 3; i++) {
        if (tr_start(&(tr_config){ .loops = 2 }) < 0)
            continue; /* another one is about to stop it, or faults */
        (void)tr_spawn(&pid, &answerer_class, NULL); /* all ends are allowed */
        EXPECT(is_end(tr_shutdown(1000)) || faults_are_on());
    }
    return NULL;
}

void scenario_restarts(void *arg)
{
    tr_sim_thread *threads[2];

    (void)arg;
    for (int i = 0; i < 2; i++)
        EXPECT(tr_sim_thread_start(&threads[i], "restarts", start_and_stop, NULL) == 0);
    for (int i = 0; i < 2; i++)
        (void)tr_sim_thread_join(threads[i]);
}

/* ---- jobs that block in a pipe, and are interrupted; more urgent ones pass ---- */

typedef struct blocker {
    int pipe[2];
    tr_pool *pool;
    int begun;
    int ended;
} blocker;

static int read_until_cancelled(void *arg)
{
    blocker *b = arg;
    char byte;
    ssize_t n;

    b->begun++;
    do
        n = read(b->pipe[0], &byte, 1);
    while (n < 0 && errno == EINTR && !tr_cancelled());
    b->ended++;
    return n == 1 ? 1 : TR_ECANCELED;
}

static int block_and_be_freed(void *arg)
{
    const tr_job_options options = {
        .interrupt = true,
        .priority = once_in(2) ? TR_PRIORITY_LOW : TR_PRIORITY_HIGH,
    };
    blocker *b = arg;
    int rc = 0;

    TR_DEADLINE((double)(tr_sim_random() % 100) / 1000, &rc) {
        rc = tr_pool_run_with(b->pool, read_until_cancelled, b, &options);
    }
    EXPECT(is_end(rc));
    return 0;
}

static int block_together(void *arg)
{
    int rc = 0;

    TR_SCOPE(s, &rc) {
        for (int i = 0; i < 4; i++)
            tr_scope_spawn_on(s, TR_LOOP(i % 2), block_and_be_freed, arg);
        tr_scope_spawn(s, use_pool, ((blocker *)arg)->pool);
    }
    return is_end(rc) ? 0 : rc;
}

void scenario_interruptions(void *arg)
{
    blocker b = { .begun = 0 };
    tr_future *f = NULL;

    (void)arg;
    if (!begin(2))
        return;
    EXPECT(pipe(b.pipe) == 0);
    if (tr_pool_new(&b.pool, "blocks", (int)(1 + tr_sim_random() % 3)) == 0) {
        EXPECT_OK(tr_submit(&f, TR_LOOP(0), block_together, &b));
        if (f)
            EXPECT(is_end(tr_future_wait(f, TR_FOREVER)));
        tr_future_unref(f);
        EXPECT(tr_pool_free(b.pool) == 0);
        EXPECT(b.begun == b.ended);
    }
    (void)close(b.pipe[0]);
    (void)close(b.pipe[1]);
    finish();
}

/* ---- many items, on threads that come and go, by a task and a thread ---- */

typedef struct items {
    int done[50];
} items;

static int do_item(size_t i, void *arg)
{
    ((items *)arg)->done[i]++;
    return once_in(500) ? TR_EBUSY : 0;
}

static void compute(void)
{
    items all = { .done = { 0 } };
    int rc = tr_parallel_for_with(50, do_item, &all,
                                  &(tr_parallel_options){ .threads = (int)(tr_sim_random() % 4) });

    EXPECT(is_end(rc) || rc == TR_EBUSY);
    for (int i = 0; i < 50; i++)
        EXPECT(all.done[i] == 1 || (rc < 0 && all.done[i] == 0));
}

static int compute_as_task(void *arg)
{
    (void)arg;
    compute();
    return 0;
}

static void *compute_as_thread(void *arg)
{
    (void)arg;
    compute();
    return NULL;
}

void scenario_computing(void *arg)
{
    tr_sim_thread *thread;
    tr_future *f = NULL;

    (void)arg;
    if (!begin(2))
        return;
    EXPECT(tr_sim_thread_start(&thread, "computes", compute_as_thread, NULL) == 0);
    EXPECT_OK(tr_submit(&f, TR_LOOP(1), compute_as_task, NULL));
    if (f) {
        if (once_in(3))
            (void)tr_future_cancel(f); /* it may have ended */
        EXPECT(is_end(tr_future_wait(f, TR_FOREVER)));
    }
    tr_future_unref(f);
    (void)tr_sim_thread_join(thread);
    finish();
}
