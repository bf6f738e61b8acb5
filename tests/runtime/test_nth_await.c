/* A tree of tasks that uses every await there is, cancelled at its n-th await, for every n: nothing
 * is lost, nothing hangs, and everything that was begun has ended. */
#include <sched.h>
#include <stdlib.h>

#include "base/atomic.h"
#include "support/jobs.h"

/* How the tree is cancelled: before the n-th await begins, or while it waits. */
typedef enum way { BEFORE, MEANWHILE } way;

static way chosen;
static uint32_t awaits; /* begun, on all loops, in this round */
static uint32_t victim; /* the n-th */
static tr_task *root;
static uint32_t made; /* values and what else must be given back */
static uint32_t freed;
static tr_pid helper;   /* on loop 1 */
static tr_pool *narrow; /* of one thread */

static void count(uint32_t *counter)
{
    (void)tr__add_ordered_u32(counter, 1); /* ordered: a counter */
}

static void cancel_root(void *task)
{
    (void)tr_task_cancel(task); /* it may have ended */
    tr_task_unref(task);
}

/* Called before each await. */
static void strike(void)
{
    /* ordered: only one is the n-th. */
    if (tr__add_ordered_u32(&awaits, 1) + 1 != victim)
        return;
    if (chosen == BEFORE)
        cancel_root(tr_task_ref(root));
    else
        ck_assert_int_eq(tr_post(TR_LOOP_ANY, cancel_root, tr_task_ref(root)), 0);
}

/* The result of an await; a cancelled one ends the function. */
#define AWAIT(await)                                                                               \
    do {                                                                                           \
        int result_;                                                                               \
                                                                                                   \
        strike();                                                                                  \
        result_ = (await);                                                                         \
        if (result_ < 0) {                                                                         \
            ck_assert_int_eq(result_, TR_ECANCELED);                                               \
            return result_;                                                                        \
        }                                                                                          \
    } while (0)

/* ---- what must be given back ---- */

static void drop_value(void *value)
{
    free(value);
    count(&freed);
}

static void *make_value(void)
{
    count(&made);
    return malloc(1);
}

TR_MESSAGE_OWNING(treasure, nth_treasure_drop)
{
    void *value;
};

void nth_treasure_drop(struct treasure *payload)
{
    drop_value(payload->value);
}

static void unref_future(void *future)
{
    tr_future_unref(*(tr_future **)future);
    count(&freed);
}

static void unref_task(void *task)
{
    tr_task_unref(*(tr_task **)task);
    count(&freed);
}

static void free_inbox(void *in)
{
    tr_inbox_free(*(tr_inbox **)in);
    count(&freed);
}

/* Also when it is cancelled, it may await. */
static void say_goodbye(void *unused)
{
    (void)unused;
    ck_assert_int_eq(tr_yield(), 0);
    ck_assert_int_eq(tr_sleep(0.00001), 0);
    count(&freed);
}

/* ---- who answers ---- */

TR_REQUEST(question, kit_value)
{
    int64_t a;
};
TR_MESSAGE(please_send)
{
    tr_pid to;
};

static int help(tr_self *self, void *state, tr_msg *msg)
{
    const struct please_send *please = tr_as(msg, please_send);

    (void)state;
    if (please != NULL)
        return tr_send(please->to, treasure, .value = make_value());
    return tr_is(msg, question) ? tr_reply(self, kit_value, .a = 7) : TR_UNHANDLED;
}

static const tr_actor_class helper_class = { .name = "helper", .receive = help };

/* ---- the awaits ---- */

static int sleep_and_yield(void *unused)
{
    (void)unused;
    TR_DEFER(say_goodbye, NULL);
    count(&made);
    AWAIT(tr_yield());
    AWAIT(tr_sleep(0));
    AWAIT(tr_sleep(0.0001));
    return 0;
}

static int resolve(void *future)
{
    TR_DEFER(unref_future, &future);
    AWAIT(tr_yield());
    (void)tr_future_resolve(future, make_value(), drop_value); /* it may be cancelled */
    return 0;
}

static int make_future(void *future)
{
    int rc = tr_future_new(future);

    count(&made);
    return rc;
}

/* A future of the loop that is given, resolved there. */
static int await_future_of(int loop)
{
    tr_future *f = NULL;
    tr_task *maker = NULL;
    void *value;

    TR_DEFER(unref_task, &maker);
    count(&made);
    ck_assert_int_eq(tr_task_spawn_on(&maker, loop, make_future, &f), 0);
    TR_SHIELD(TR_FOREVER) {
        ck_assert_int_eq(tr_task_wait(maker, TR_FOREVER), 0);
    }
    TR_DEFER(unref_future, &f);
    count(&made); /* the resolver's */
    ck_assert_int_eq(tr_task_spawn_on(NULL, loop, resolve, tr_future_ref(f)), 0);
    AWAIT(tr_await(f));
    AWAIT(tr_wait_for(f, TR_FOREVER));
    ck_assert_int_eq(tr_future_take(f, &value), 0);
    drop_value(value);
    return 0;
}

static int await_futures(void *unused)
{
    tr_future *never;
    int rc;

    (void)unused;
    rc = await_future_of(TR_LOOP(0));
    if (rc == 0)
        rc = await_future_of(TR_LOOP(1));
    if (rc < 0)
        return rc;
    ck_assert_int_eq(make_future(&never), 0);
    TR_DEFER(unref_future, &never);
    TR_DEADLINE(0.0001, &rc) {
        strike();
        rc = tr_await(never);
    }
    if (rc == TR_ECANCELED)
        return rc;
    ck_assert_int_eq(rc, TR_ETIMEDOUT);
    strike();
    rc = tr_wait_for(never, 0.0001);
    ck_assert(rc == TR_ETIMEDOUT || rc == TR_ECANCELED);
    ck_assert_int_eq(tr_future_status(never), TR_ECANCELED);
    return rc == TR_ECANCELED ? rc : 0;
}

static int wait_for_tasks(void *unused)
{
    (void)unused;
    for (int loop = 0; loop < 2; loop++) {
        tr_task *t = NULL;

        TR_DEFER(unref_task, &t);
        count(&made);
        ck_assert_int_eq(tr_task_spawn_on(&t, TR_LOOP(loop), sleep_and_yield, NULL), 0);
        AWAIT(tr_task_wait(t, TR_FOREVER));
    }
    return 0;
}

static int ask_and_receive(void *unused)
{
    struct kit_value value;
    tr_inbox *in;
    tr_msg *msg;

    (void)unused;
    ck_assert_int_eq(tr_inbox_new(&in, 0), 0);
    TR_DEFER(free_inbox, &in);
    count(&made);
    AWAIT(tr_ask(&value, helper, TR_FOREVER, question, .a = 1));
    ck_assert_int_eq(value.a, 7);
    ck_assert_int_eq(tr_send(helper, please_send, .to = tr_inbox_pid(in)), 0);
    AWAIT(tr_inbox_receive(in, &msg, TR_FOREVER));
    ck_assert(tr_is(msg, treasure));
    return 0;
}

static int spawn_actors(void *unused)
{
    (void)unused;
    for (int loop = 0; loop < 2; loop++) {
        tr_pid pid;

        AWAIT(tr_spawn_with(&pid, &helper_class, NULL, &(tr_spawn_options){ .on = loop + 1 }));
        ck_assert_int_eq(tr_stop(pid), 0);
    }
    return 0;
}

/* ---- the awaits of pools ---- */

/* What has become of a job. */
typedef struct fate {
    uint32_t begun;
    uint32_t ended;
    uint32_t dropped;
} fate;

/* It gives way, so that its task may be cancelled meanwhile. */
static int live(void *arg)
{
    fate *job = arg;

    count(&job->begun);
    for (int i = 0; i < 3 && !tr_cancelled(); i++)
        sched_yield();
    count(&job->ended);
    return 0;
}

/* A job on this stack: when its await returns it has ended, or it will never begin. */
static int run_job_on(tr_pool *pool)
{
    fate job = { 0 };
    int rc = tr_pool_run(pool, live, &job);

    ck_assert(rc == 0 || rc == TR_ECANCELED);
    ck_assert_uint_eq(tr__load_acquire_u32(&job.begun), rc == 0);
    ck_assert_uint_eq(tr__load_acquire_u32(&job.ended), rc == 0);
    return rc;
}

static int run_jobs(void *unused)
{
    fate job = { 0 };

    (void)unused;
    AWAIT(run_job_on(narrow));
    AWAIT(tr_to_thread(live, &job));
    ck_assert_uint_eq(tr__load_acquire_u32(&job.ended), 1);
    AWAIT(run_job_on(narrow));
    return 0;
}

/* While it is shut, the only thread of `narrow` waits at it; one task of the tree shuts it. */
static struct {
    sem_t go;
    uint32_t is_shut;
    uint32_t reached;
} gate;

static int wait_at_gate(void *unused)
{
    (void)unused;
    count(&gate.reached);
    while (sem_wait(&gate.go) != 0)
        ; /* a signal came */
    return 0;
}

static void open_gate(void *unused)
{
    (void)unused;
    /* ordered: it is opened once. */
    if (tr__cas_ordered_u32(&gate.is_shut, 1, 0))
        sem_post(&gate.go);
}

static int shut_gate(void)
{
    int rc;

    gate.reached = 0;
    rc = tr_pool_submit(NULL, narrow, wait_at_gate, NULL, NULL);
    if (rc < 0)
        return rc;
    while (tr__load_acquire_u32(&gate.reached) == 0)
        sched_yield();
    tr__store_release_u32(&gate.is_shut, 1);
    return 0;
}

/* Before an await that the gate holds up: if that is the n-th, it is cancelled before the gate is
 * opened. */
static void strike_and_open(void)
{
    strike();
    ck_assert_int_eq(tr_post(TR_LOOP_ANY, open_gate, NULL), 0);
}

static int run_job_in_line(void *unused)
{
    int rc = shut_gate();

    TR_DEFER(open_gate, unused);
    if (rc < 0)
        return rc;
    strike_and_open();
    return run_job_on(narrow);
}

static int do_nothing(void *unused)
{
    (void)unused;
    return 0;
}

static int fill_pool(void)
{
    int rc = 0;

    for (int i = 0; i < TR__POOL_BACKLOG && rc == 0; i++)
        rc = tr_pool_submit(NULL, narrow, do_nothing, make_value(), drop_value);
    return rc;
}

static fate late; /* it has no stack to stand on */

static int run_late(void *value)
{
    (void)value;
    return live(&late);
}

static void drop_late(void *value)
{
    ck_assert_uint_eq(late.begun, late.ended);
    count(&late.dropped);
    drop_value(value);
}

/* The pool is full: to submit is to await a turn. */
static int submit_when_full(void *unused)
{
    tr_future *f;
    int rc = shut_gate();

    TR_DEFER(open_gate, unused);
    if (rc == 0)
        rc = fill_pool();
    if (rc < 0)
        return rc;
    late = (fate){ 0 };
    strike_and_open();
    rc = tr_pool_submit(&f, narrow, run_late, make_value(), drop_late);
    if (rc < 0) {
        ck_assert_int_eq(rc, TR_ECANCELED);
        ck_assert_ptr_null(f);
        ck_assert_uint_eq(tr__load_acquire_u32(&late.begun), 0);
        ck_assert_uint_eq(tr__load_acquire_u32(&late.dropped), 1);
        return rc;
    }
    TR_DEFER(unref_future, &f);
    count(&made);
    AWAIT(tr_await(f));
    ck_assert_uint_eq(tr__load_acquire_u32(&late.ended), 1);
    ck_assert_uint_eq(tr__load_acquire_u32(&late.dropped), 0);
    return 0;
}

/* To free a pool is to await its jobs, whoever is cancelled. */
static int free_pool_with_jobs(void *unused)
{
    fate jobs = { 0 };
    tr_pool *pool = kit_pool(1);
    uint32_t accepted = 0;

    (void)unused;
    while (accepted < 5 && tr_pool_submit(NULL, pool, live, &jobs, NULL) == 0)
        accepted++;
    strike();
    ck_assert_int_eq(tr_pool_free(pool), 0);
    ck_assert_uint_eq(tr__load_acquire_u32(&jobs.ended), accepted);
    return accepted == 5 ? 0 : TR_ECANCELED;
}

/* ---- the tree ---- */

static int use_scopes(void *depth)
{
    static int less[] = { 0, 0, 1 };
    const tr_task_fn leaves[] = { sleep_and_yield, await_futures, wait_for_tasks, ask_and_receive,
                                  run_jobs };
    int rc;

    TR_DEFER(say_goodbye, NULL);
    count(&made);
    TR_SCOPE(s, &rc) {
        for (int i = 0; i < 5; i++)
            if (tr_scope_spawn_on(s, TR_LOOP(i % 2), leaves[i], NULL) < 0)
                return TR_ECANCELED;
        if (*(int *)depth > 0 &&
            tr_scope_spawn_on(s, TR_LOOP(1), use_scopes, &less[*(int *)depth]) < 0)
            return TR_ECANCELED;
        AWAIT(tr_yield());
        AWAIT(tr_scope_join(s));
    }
    return rc;
}

static int grow(void *unused)
{
    static int depth = 1;
    const tr_task_fn steps[] = {
        sleep_and_yield, await_futures,   wait_for_tasks,   ask_and_receive,     spawn_actors,
        run_jobs,        run_job_in_line, submit_when_full, free_pool_with_jobs,
    };

    (void)unused;
    for (size_t i = 0; i < sizeof(steps) / sizeof(steps[0]); i++) {
        int rc = steps[i](NULL);

        if (rc < 0)
            return rc;
    }
    return use_scopes(&depth);
}

/* One round: 0 if the tree has ended before its n-th await. */
static int cancel_at(uint32_t n)
{
    int rc;

    awaits = 0;
    victim = n;
    ck_assert_int_eq(tr_task_spawn(&root, grow, NULL), 0);
    rc = tr_task_wait(root, KIT_PATIENCE_S);
    ck_assert(rc == 0 || rc == TR_ECANCELED);
    /* Other tasks may be on their way out: they are nobody's children. */
    while (tr__load_acquire_u32(&freed) < tr__load_acquire_u32(&made))
        ck_assert_int_eq(tr_yield(), 0);
    ck_assert_uint_eq(kit_pool_length(narrow), 0);
    tr_task_unref(root);
    return awaits >= n;
}

static int cancel_at_each(void *unused)
{
    uint32_t n = 1;

    (void)unused;
    while (cancel_at(n))
        n++;
    ck_assert_uint_gt(n, 60);
    return 0;
}

static int spawn_helper(void *unused)
{
    (void)unused;
    return tr_spawn_with(&helper, &helper_class, NULL, &(tr_spawn_options){ .on = TR_LOOP(1) });
}

static void cancel_in_way(way how)
{
    chosen = how;
    made = 0;
    freed = 0;
    kit_start(2);
    narrow = kit_pool(1);
    ck_assert_int_eq(kit_in_task(0, spawn_helper, NULL), 0);
    ck_assert_int_eq(kit_in_task(0, cancel_at_each, NULL), 0);
    ck_assert(!kit_log_contains("nobody has looked at"));
    kit_pool_free(narrow);
    ck_assert_uint_gt(kit_stats().jobs_run, 0);
    ck_assert(how == BEFORE || kit_stats().jobs_cancelled > 0);
    kit_stop();
    ck_assert_uint_eq(made, freed);
}

START_TEST(tree_that_is_cancelled_before_its_nth_await_loses_nothing)
{
    for (int round = 0; round < 2; round++)
        cancel_in_way(BEFORE);
}
END_TEST

START_TEST(tree_that_is_cancelled_during_its_nth_await_loses_nothing)
{
    for (int round = 0; round < 2; round++)
        cancel_in_way(MEANWHILE);
}
END_TEST

KIT_MAIN("runtime/nth_await", tree_that_is_cancelled_before_its_nth_await_loses_nothing,
         tree_that_is_cancelled_during_its_nth_await_loses_nothing)
