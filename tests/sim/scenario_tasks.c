/* Scenarios of tasks and futures. */
#include "sim/scenarios.h"

static bool is_end(int rc)
{
    return is_fine(rc) || rc == TR_ECANCELED || rc == TR_ESHUTDOWN || rc == TR_ETIMEDOUT;
}

/* Submit a task to loop 0, wait for it, and shut down. */
static void run_alone(tr_task_fn fn)
{
    tr_future *f = NULL;
    int rc;

    if (!begin(2))
        return;
    rc = tr_submit(&f, TR_LOOP(0), fn, NULL);
    EXPECT_OK(rc);
    if (f)
        EXPECT(is_end(tr_future_wait(f, TR_FOREVER)));
    tr_future_unref(f);
    finish();
}

/* ---- scopes: a tree whose nodes fail, are cancelled, and clean up ---- */

static int tasks_inside;

static void leave_node(void *unused)
{
    (void)unused;
    (void)tr_sleep(0.01); /* fails when it is cancelled: a clean-up that awaits */
    tasks_inside--;
}

struct node_args {
    int depth;
};

static int node(void *arg)
{
    const struct node_args *a = arg;
    int rc = 0;

    tasks_inside++;
    TR_DEFER(leave_node, NULL);
    TR_SCOPE(s, &rc) {
        for (int i = 0; i < 2 && a->depth > 0; i++)
            tr_go_on(s, once_in(2) ? TR_LOOP_ANY : TR_LOOP(tr_sim_random() % 2), node,
                     .depth = a->depth - 1);
        rc = tr_sleep(1);
        if (once_in(5))
            return TR_EINVAL; /* a way out of the scope: it cancels and joins */
        if (once_in(5))
            (void)tr_scope_cancel(s); /* in its own task: it can't fail */
    }
    return once_in(8) ? TR_EINVAL : rc;
}

static int tree(void *arg)
{
    struct node_args top = { .depth = 3 };
    int rc;

    (void)arg;
    tasks_inside = 0;
    rc = node(&top);
    EXPECT(tasks_inside == 0); /* all have ended before their parent */
    return rc == TR_EINVAL ? 0 : rc;
}

void scenario_scopes(void *arg)
{
    (void)arg;
    run_alone(tree);
}

/* ---- deadlines and shields ---- */

static int watch_clock(void *arg)
{
    double begun = tr_sim_now();
    int rc = 0, inner = 0;

    (void)arg;
    TR_DEADLINE(10, &rc) {
        TR_SHIELD(5) {
            inner = tr_sleep(3);
            EXPECT(inner == 0 || tr_cancel_requested());
        }
        TR_DEADLINE(2, &inner) {
            inner = tr_sleep(100);
            EXPECT(inner == TR_ECANCELED);
        }
        EXPECT(inner == TR_ETIMEDOUT || inner == TR_ECANCELED);
        rc = tr_sleep(100);
        EXPECT(rc == TR_ECANCELED);
    }
    EXPECT(rc == TR_ETIMEDOUT || rc == TR_ECANCELED);
    EXPECT(tr_sim_now() - begun < 12);
    return 0;
}

static int watch_clocks(void *arg)
{
    int rc = 0;

    (void)arg;
    TR_SCOPE(s, &rc) {
        for (int i = 0; i < 4; i++)
            tr_scope_spawn_on(s, TR_LOOP(i % 2), watch_clock, NULL);
        if (once_in(2)) {
            (void)tr_sleep((double)(tr_sim_random() % 9)); /* nobody cancels this one */
            (void)tr_scope_cancel(s);
        }
    }
    return is_end(rc) ? 0 : rc;
}

void scenario_deadlines(void *arg)
{
    (void)arg;
    run_alone(watch_clocks);
}

/* ---- futures: resolved, cancelled and awaited from everywhere ---- */

typedef struct shared_future {
    tr_future *f;
    uint64_t dropped;
    uint64_t taken;
    uint64_t offered; /* values that were given to it */
} shared_future;

static void drop_value(void *value)
{
    ((shared_future *)value)->dropped++;
}

static void touch(shared_future *s)
{
    void *value;

    switch (tr_sim_random() % 4) {
    case 0:
        s->offered++;
        (void)tr_future_resolve(s->f, s, drop_value); /* it may have ended */
        break;
    case 1:
        (void)tr_future_cancel(s->f); /* all ends are allowed */
        break;
    case 2:
        if (tr_future_take(s->f, &value) == 0)
            s->taken += value != NULL;
        break;
    default:
        (void)tr_future_peek(s->f);
    }
}

/* It gives up almost at once; others still wait for it. */
static int await_shortly(tr_future *f)
{
    int rc = 0;

    TR_DEADLINE((double)(tr_sim_random() % 100) / 1e7, &rc) {
        rc = tr_await(f);
    }
    return rc;
}

static int await_it(void *arg)
{
    shared_future *s = arg;

    if (once_in(2))
        EXPECT(is_end(await_shortly(s->f)));

    if (once_in(2))
        touch(s);
    EXPECT(is_end(once_in(3) ? tr_wait_for(s->f, 1) : tr_await(s->f)));
    touch(s);
    return 0;
}

static void *wait_for_it(void *arg)
{
    shared_future *s = arg;

    if (once_in(2))
        touch(s);
    EXPECT(is_end(tr_future_wait(s->f, once_in(3) ? 1 : TR_FOREVER)));
    touch(s);
    return NULL;
}

void scenario_futures(void *arg)
{
    shared_future s = { NULL, 0, 0, 0 };
    tr_sim_thread *threads[2] = { NULL, NULL };
    tr_future *tasks[3] = { NULL, NULL, NULL };

    (void)arg;
    if (!begin(2))
        return;
    EXPECT_OK(tr_future_new(&s.f));
    for (int i = 0; i < 3 && s.f; i++)
        EXPECT_OK(tr_submit(&tasks[i], TR_LOOP(i % 2), await_it, &s));
    for (int i = 0; i < 2 && s.f; i++)
        EXPECT(tr_sim_thread_start(&threads[i], "waits", wait_for_it, &s) == 0);
    if (s.f) {
        tr_sim_sleep(0.5);
        s.offered++;
        (void)tr_future_resolve(s.f, &s, drop_value); /* it may have ended */
    }
    if (once_in(3) && tasks[0])
        (void)tr_future_cancel(tasks[0]); /* it may have ended */
    for (int i = 0; i < 3; i++) {
        if (tasks[i])
            EXPECT(is_end(tr_future_wait(tasks[i], TR_FOREVER)));
        tr_future_unref(tasks[i]);
    }
    for (int i = 0; i < 2; i++)
        if (threads[i])
            (void)tr_sim_thread_join(threads[i]);
    tr_future_unref(s.f);
    finish();
    EXPECT(s.dropped + s.taken == s.offered); /* each exactly once */
}

/* ---- claims: all end the same futures at the same time ---- */

enum { CLAIMED = 8 };

static void *claim_all(void *arg)
{
    shared_future *all = arg;

    for (int i = 0; i < CLAIMED; i++) {
        all[i].offered++;
        (void)tr_future_resolve(all[i].f, &all[i], drop_value); /* only one can */
    }
    return NULL;
}

void scenario_claims(void *arg)
{
    shared_future all[CLAIMED] = { { NULL, 0, 0, 0 } };
    tr_sim_thread *threads[3];

    (void)arg;
    if (!begin(2))
        return;
    for (int i = 0; i < CLAIMED; i++)
        EXPECT_OK(tr_future_new(&all[i].f));
    for (int i = 0; i < 3; i++)
        EXPECT(tr_sim_thread_start(&threads[i], "claims", claim_all, all) == 0);
    for (int i = 0; i < 3; i++)
        (void)tr_sim_thread_join(threads[i]);
    finish();
    for (int i = 0; i < CLAIMED; i++) {
        tr_future_unref(all[i].f);
        EXPECT(all[i].dropped == all[i].offered); /* each exactly once */
    }
}

/* ---- continuations ---- */

static void count_call(tr_future *f, int status, void *arg)
{
    EXPECT(tr_future_is_done(f) && status == tr_future_status(f));
    __atomic_add_fetch((int *)arg, 1, __ATOMIC_RELAXED); /* on whichever loop */
}

static void *resolve_it(void *arg)
{
    shared_future *s = arg;

    (void)(once_in(2) ? tr_future_resolve(s->f, NULL, NULL) : tr_future_cancel(s->f));
    return NULL;
}

typedef struct continuer {
    tr_future *f;
    int calls;
    int accepted;
} continuer;

static void *continue_it(void *arg)
{
    continuer *c = arg;

    for (int i = 0; i < 6; i++)
        c->accepted += tr_future_then(c->f, TR_LOOP(i % 2), count_call, &c->calls) == 0;
    return NULL;
}

/* Also amid a shutdown. */
void scenario_continuations(void *arg)
{
    shared_future s = { NULL, 0, 0, 0 };
    continuer c = { NULL, 0, 0 };
    tr_sim_thread *thread = NULL, *other = NULL;
    int calls = 0, accepted = 0;

    (void)arg;
    if (!begin(2))
        return;
    EXPECT_OK(tr_future_new(&s.f));
    c.f = s.f;
    if (s.f) {
        EXPECT(tr_sim_thread_start(&thread, "resolves", resolve_it, &s) == 0);
        EXPECT(tr_sim_thread_start(&other, "continues", continue_it, &c) == 0);
    }
    for (int i = 0; i < 3 && s.f; i++)
        accepted += tr_future_then(s.f, TR_LOOP(i % 2), count_call, &calls) == 0;
    if (thread)
        (void)tr_sim_thread_join(thread);
    finish();
    if (other)
        (void)tr_sim_thread_join(other);
    tr_future_unref(s.f);
    EXPECT(calls == accepted); /* each exactly once, also when a shutdown comes between */
    EXPECT(c.calls == c.accepted);
}

/* ---- tasks that wait for tasks ---- */

static int short_life(void *arg)
{
    (void)arg;
    return once_in(2) ? tr_sleep(1) : tr_yield();
}

/* Longer than a scenario may take. */
static int long_life(void *arg)
{
    (void)arg;
    return tr_sleep(1000);
}

static int wait_for_tasks(void *arg)
{
    (void)arg;
    for (int i = 0; i < 4; i++) {
        bool is_long = once_in(3);
        tr_task *t;
        int rc = tr_task_spawn_on(&t, TR_LOOP(tr_sim_random() % 2),
                                  is_long ? long_life : short_life, NULL);

        EXPECT(is_end(rc));
        if (rc < 0)
            continue;
        if (is_long || once_in(3))
            (void)tr_task_cancel(t); /* it may have ended, or not begun */
        if (once_in(3))
            tr_task_detach(tr_task_ref(t));
        EXPECT(is_end(tr_task_wait(t, once_in(2) ? 0.5 : TR_FOREVER)));
        tr_task_unref(t);
    }
    return 0;
}

static int wait_for_waiters(void *arg)
{
    int rc = 0;

    (void)arg;
    TR_SCOPE(s, &rc) {
        for (int i = 0; i < 3; i++)
            tr_scope_spawn_on(s, TR_LOOP(i % 2), wait_for_tasks, NULL);
        if (once_in(3))
            (void)tr_scope_cancel(s);
    }
    return is_end(rc) ? 0 : rc;
}

void scenario_task_waits(void *arg)
{
    (void)arg;
    run_alone(wait_for_waiters);
}

/* ---- the main task ---- */

void scenario_main_task(void *arg)
{
    (void)arg;
    EXPECT(is_end(tr_run(once_in(2) ? tree : wait_for_waiters, NULL,
                         &(tr_config){ .loops = 2, .signals = -1 })) ||
           faults_are_on());
}
