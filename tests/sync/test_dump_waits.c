/* What tr_dump says of each thing that a task can wait for. */
#include "sync/drawn.h"
#include "sync/queues.h"

/* ---- what there is to wait for ---- */

TR_MESSAGE(waits_answer)
{
    int value;
};
TR_REQUEST(waits_question, waits_answer)
{
    int value;
};

/* Held, empty, full, or not yet there: so that who wants something of it waits. */
typedef struct things {
    int loop; /* where the waiter runs */
    tr_mutex mutex;
    tr_rwlock rwlock;
    tr_semaphore semaphore;
    tr_event event;
    tr_cond cond;
    tr_mutex cond_mutex;
    tr_barrier barrier;
    tr_once once;
    tr_wait_group group;
    tr_limiter limiter;
    tr_queue *empty;
    tr_queue *full;
    tr_broadcast *broadcast;
    tr_subscription *subscription;
    tr_watch *watch;
    tr_batcher *batcher;
    tr_future *fs[2]; /* an open one, and a task's */
    tr_pool *pool;
    tr_pid actor;
} things;

static int sleeps(void *unused)
{
    return sleep_for_ever(unused);
}

static int never_called(void *const *items, size_t n, void *ctx)
{
    (void)items;
    (void)n;
    (void)ctx;
    return 0;
}

static int keep_asker(tr_self *self, void *state, tr_msg *msg)
{
    (void)msg;
    *(tr_asker *)state = tr_take_asker(self);
    return 0;
}

static void make_queues(things *t)
{
    int item = 1;

    t->empty = new_queue(1);
    t->full = new_queue(1);
    put(t->full, 1);
    EXPECT(tr_broadcast_new(&t->broadcast, sizeof(int), 1) == 0);
    EXPECT(tr_broadcast_subscribe(&t->subscription, t->broadcast) == 0);
    EXPECT(tr_watch_new(&t->watch, sizeof(int), &item) == 0);
    EXPECT(tr_batcher_new(&t->batcher,
                          &(tr_batcher_options){ .fn = never_called, .longest = 1000 }) == 0);
}

static void make_things(things *t, int loop)
{
    static const tr_actor_class silent = { .name = "silent",
                                           .state_size = sizeof(tr_asker),
                                           .receive = keep_asker };

    *t = (things){ .loop = loop,
                   .semaphore = TR_SEMAPHORE_INIT(1),
                   .barrier = TR_BARRIER_INIT(2),
                   .limiter = TR_LIMITER_INIT(0.001, 1) };
    EXPECT(tr_lock(&t->mutex) == 0);
    EXPECT(tr_rwlock_write_lock(&t->rwlock) == 0);
    EXPECT(tr_wait_group_add(&t->group, 1) == 0);
    EXPECT(tr_limiter_acquire(&t->limiter) == 0);
    make_queues(t);
    t->fs[0] = open_future(0);
    EXPECT(tr_submit(&t->fs[1], TR_LOOP(0), sleeps, NULL) == 0);
    EXPECT(tr_spawn(&t->actor, &silent, NULL) == 0);
    let_others_run();
}

static void free_things(things *t)
{
    EXPECT(tr_stop(t->actor) == 0);
    for (int i = 0; i < 2; i++) {
        (void)tr_future_cancel(t->fs[i]); /* a race may have cancelled it */
        EXPECT(tr_await(t->fs[i]) == TR_ECANCELED);
    }
    unref_all(t->fs, 2);
    EXPECT(tr_batcher_close(t->batcher) == 0 && tr_batcher_join(t->batcher) == 0);
    EXPECT(tr_batcher_free(t->batcher) == 0);
    EXPECT(tr_watch_free(t->watch) == 0);
    tr_subscription_free(t->subscription);
    EXPECT(tr_broadcast_free(t->broadcast) == 0);
    free_queue(t->empty);
    free_queue(t->full);
    EXPECT(tr_rwlock_unlock(&t->rwlock) == 0);
    EXPECT(tr_unlock(&t->mutex) == 0);
}

/* ---- each wait ---- */

static int sleep_long(things *t)
{
    (void)t;
    return tr_sleep(1000);
}

static int sleep_always(things *t)
{
    (void)t;
    return tr_sleep(TR_FOREVER);
}

static int want_mutex(things *t)
{
    return tr_lock(&t->mutex);
}

static int want_mutex_soon(things *t)
{
    return tr_lock_for(&t->mutex, 1000);
}

static int want_to_read(things *t)
{
    return tr_rwlock_read_lock(&t->rwlock);
}

static int want_to_write(things *t)
{
    return tr_rwlock_write_lock(&t->rwlock);
}

static int want_permits(things *t)
{
    return tr_semaphore_acquire_many(&t->semaphore, 2, TR_FOREVER);
}

static int await_event(things *t)
{
    return tr_event_wait(&t->event);
}

static int await_notification(things *t)
{
    int rc = tr_lock(&t->cond_mutex);

    if (rc == 0)
        rc = tr_cond_wait(&t->cond, &t->cond_mutex);
    EXPECT(tr_unlock(&t->cond_mutex) == 0);
    return rc;
}

static int await_others(things *t)
{
    int rc = tr_barrier_wait(&t->barrier);

    EXPECT(tr_barrier_reset(&t->barrier) == 0);
    return rc;
}

static int await_group(things *t)
{
    return tr_wait_group_wait(&t->group);
}

static int await_tokens(things *t)
{
    return tr_limiter_acquire(&t->limiter);
}

static int want_item(things *t)
{
    int item;

    return tr_queue_get(t->empty, &item);
}

static int want_room(things *t)
{
    int item = 7;

    return tr_queue_put(t->full, &item);
}

static int await_last_item(things *t)
{
    return tr_queue_join(t->full);
}

static int await_broadcast(things *t)
{
    int item;
    uint64_t missed;

    return tr_subscription_receive(t->subscription, &item, &missed);
}

static int await_new_value(things *t)
{
    int item;
    uint64_t version;
    int rc = tr_watch_get(t->watch, &item, &version);

    EXPECT(rc == 0);
    return tr_watch_changed(t->watch, &item, &version);
}

static int await_batch(things *t)
{
    int item;

    return tr_batcher_call(t->batcher, &item);
}

static int await_open_future(things *t)
{
    return tr_await(t->fs[0]);
}

static int await_task(things *t)
{
    return tr_await(t->fs[1]);
}

static int await_first(things *t)
{
    return tr_wait(t->fs, 2, TR_FIRST_COMPLETED, 1000);
}

static int await_each(things *t)
{
    int rc;

    TR_FOREACH_COMPLETED(&rc, i, t->fs, 2);
    return rc;
}

static int choose(things *t)
{
    int item;
    int which;

    return tr_select(&which, tr_case_get(t->empty, &item), tr_case_put(t->full, &t->loop),
                     tr_case_event(&t->event), tr_case_future(t->fs[1]), tr_case_sleep(1000));
}

static int await_children(things *t)
{
    int rc;

    (void)t;
    TR_SCOPE(s, &rc) {
        EXPECT(tr_scope_spawn(s, sleeps, NULL) == 0);
    }
    return rc;
}

struct sleeps_args {
    int unused;
};

static int await_readiness(things *t)
{
    int rc;

    (void)t;
    TR_SCOPE(s, &rc) {
        rc = tr_go_start(s, sleeps, 0);
    }
    return rc;
}

static int ask(things *t)
{
    struct waits_answer answer;

    return tr_ask(&answer, t->actor, 1000, waits_question, 1);
}

static int await_answer(things *t)
{
    tr_future *f;
    int rc = tr_ask_future(&f, t->actor, TR_FOREVER, waits_question, 1);

    EXPECT(rc == 0);
    rc = tr_await(f);
    (void)tr_future_cancel(f);
    tr_future_unref(f);
    return rc;
}

static int await_message(things *t)
{
    tr_inbox *in;
    tr_msg *msg;
    int rc;

    (void)t;
    EXPECT(tr_inbox_new(&in, 0) == 0);
    rc = tr_inbox_receive(in, &msg, TR_FOREVER);
    tr_inbox_free(in);
    return rc;
}

static int emit_nothing(tr_stream *out, void *arg)
{
    (void)out;
    (void)arg;
    return tr_sleep(TR_FOREVER);
}

static int await_emitted(things *t)
{
    tr_stream *s;
    int item;
    int rc;

    (void)t;
    EXPECT(tr_stream_new(&s, emit_nothing, NULL,
                         &(tr_stream_options){ .item_bytes = sizeof(item) }) == 0);
    rc = tr_stream_next(s, &item);
    EXPECT(tr_stream_free(s) == 0);
    return rc;
}

/* ---- all of them ---- */

typedef struct kind {
    int (*wait)(things *t);
    const char *drawn; /* a pattern */
} kind;

static const kind kinds[] = {
    { sleep_long, "sleeps; *.??? s left" },
    { sleep_always, "sleeps for ever" },
    { want_mutex, "awaits a mutex (0x*), and task 'root_task' of loop 0 has it" },
    { want_mutex_soon,
      "awaits a mutex (0x*), and task 'root_task' of loop 0 has it; *.??? s left" },
    { want_to_read, "awaits a lock, to read (0x*), and task 'root_task' of loop 0 has it" },
    { want_to_write, "awaits a lock, to write (0x*), and task 'root_task' of loop 0 has it" },
    { want_permits, "awaits permits of a semaphore (0x*)" },
    { await_event, "awaits an event (0x*)" },
    { await_notification, "awaits a notification of a condition (0x*)" },
    { await_others, "awaits the others at a barrier (0x*)" },
    { await_group, "awaits a wait group (0x*)" },
    { await_tokens, "awaits a time, for a limiter (0x*); *.??? s left" },
    { want_item, "awaits an item of a queue (0x*)" },
    { want_room, "awaits room in a queue (0x*)" },
    { await_last_item, "awaits the last item of a queue to be done (0x*)" },
    { await_broadcast, "awaits an item of a broadcast (0x*)" },
    { await_new_value, "awaits a new value of a watch (0x*)" },
    { await_batch, "awaits the result of a batch (0x*)" },
    { await_emitted, "awaits an item of a queue (0x*)" },
    { await_open_future, "awaits a future (0x*)" },
    { await_task, "awaits a task (0x*), and task 'sleeps' of loop 0 is to end" },
    { await_first, "awaits futures, and task 'sleeps' of loop 0 is to end; *.??? s left" },
    { await_each, "awaits futures, and task 'sleeps' of loop 0 is to end" },
    { choose, "awaits the first of several, and task 'sleeps' of loop 0 is to end; *.??? s left" },
    { await_children, "awaits its children" },
    { await_readiness,
      "awaits the readiness of a child, and task 'sleeps' of loop ? is to be ready" },
    { ask, "awaits an answer, and actor <*> is to answer; *.??? s left" },
    { await_answer, "awaits an answer (0x*), and actor <*> is to answer" },
    { await_message, "awaits a message of an inbox (0x*)" },
};

typedef struct trial {
    const kind *kind;
    things *t;
} trial;

static int waits(void *arg)
{
    const trial *what = arg;

    return what->kind->wait(what->t);
}

/* Let a task wait, and look at it. */
static void expect_wait(things *t, const kind *k)
{
    trial what = { k, t };
    char pattern[256];
    tr_future *f;

    EXPECT(tr_submit(&f, TR_LOOP(t->loop), waits, &what) == 0);
    let_both_run();
    (void)snprintf(pattern, sizeof(pattern), "  task 'waits' of loop %d: %s", t->loop, k->drawn);
    expect_drawn(pattern, 1);
    expect_drawn("*deadlock*", 0);
    EXPECT(tr_future_cancel(f) == 1);
    EXPECT(tr_await(f) == TR_ECANCELED);
    tr_future_unref(f);
}

static void expect_waits(int loop)
{
    things t;

    make_things(&t, loop);
    for (size_t i = 0; i < sizeof(kinds) / sizeof(kinds[0]); i++)
        expect_wait(&t, &kinds[i]);
    free_things(&t);
}

CASE(each_wait_of_its_own_loop_says_what_it_is_for)
{
    expect_waits(0);
}

CASE(each_wait_of_another_loop_says_what_it_is_for)
{
    expect_waits(1);
}

/* ---- those that cancel what they wait for, or can't be cancelled ---- */

static int gather(things *t)
{
    return tr_gather(t->fs, 2, 0);
}

static int race(things *t)
{
    return tr_race(NULL, t->fs, 2);
}

static int any(things *t)
{
    return tr_any(NULL, t->fs, 2);
}

CASE(whoever_waits_for_several_futures_says_so)
{
    static int (*const fns[])(things * t) = { gather, race, any };

    for (int i = 0; i < 6; i++) {
        things t;

        make_things(&t, i % 2);
        expect_wait(&t, &(kind){ fns[i / 2], "awaits futures, and task 'sleeps' of loop 0 is "
                                             "to end" });
        free_things(&t);
    }
}

static int run_once(void *o)
{
    return tr_once_run(o, sleep_for_ever, NULL);
}

static int await_once(things *t)
{
    return tr_once_run(&t->once, sleep_for_ever, NULL);
}

CASE(whoever_waits_for_what_is_done_once_says_who_does_it)
{
    for (int loop = 0; loop < 2; loop++) {
        things t;
        tr_future *f;

        make_things(&t, loop);
        EXPECT(tr_submit(&f, TR_LOOP(0), run_once, &t.once) == 0);
        let_both_run();
        expect_wait(&t, &(kind){ await_once, "awaits the end of what is done once (0x*), and "
                                             "task 'run_once' of loop 0 has it" });
        EXPECT(tr_future_cancel(f) == 1);
        EXPECT(tr_await(f) == TR_ECANCELED);
        tr_future_unref(f);
        free_things(&t);
    }
}

static int use_limiter(void *l)
{
    return tr_limiter_acquire(l);
}

CASE(whoever_waits_behind_another_at_a_limiter_awaits_his_turn)
{
    for (int loop = 0; loop < 2; loop++) {
        things t;
        tr_future *f;

        make_things(&t, loop);
        EXPECT(tr_submit(&f, TR_LOOP(0), use_limiter, &t.limiter) == 0);
        let_both_run();
        expect_wait(&t, &(kind){ await_tokens, "awaits its turn at a limiter (0x*)" });
        EXPECT(tr_future_cancel(f) == 1);
        EXPECT(tr_await(f) == TR_ECANCELED);
        tr_future_unref(f);
        free_things(&t);
    }
}

static int hand_in(void *b)
{
    int item;

    return tr_batcher_call(b, &item);
}

static int await_all_batches(things *t)
{
    return tr_batcher_join(t->batcher);
}

CASE(whoever_waits_for_all_batches_says_so)
{
    for (int loop = 0; loop < 2; loop++) {
        things t;
        tr_future *f;

        make_things(&t, loop);
        EXPECT(tr_submit(&f, TR_LOOP(0), hand_in, t.batcher) == 0);
        let_both_run();
        expect_wait(&t, &(kind){ await_all_batches, "awaits the end of all batches (0x*)" });
        EXPECT(tr_future_cancel(f) == 1);
        EXPECT(tr_await(f) == TR_ECANCELED);
        tr_future_unref(f);
        free_things(&t);
    }
}

/* ---- pools, and actors that start ---- */

typedef struct work {
    tr_pool *pool;
    tr_event go;
    tr_event begun;
} work;

static int work_on(void *arg)
{
    work *w = arg;

    EXPECT(tr_event_set(&w->begun) == 0);
    return tr_event_wait(&w->go);
}

static int run_job(void *arg)
{
    work *w = arg;

    return tr_pool_run(w->pool, work_on, w);
}

static int free_pool(void *arg)
{
    return tr_pool_free(((work *)arg)->pool);
}

CASE(whoever_waits_for_a_job_or_for_the_end_of_a_pool_says_so)
{
    for (int loop = 0; loop < 2; loop++) {
        work w = { NULL };
        tr_future *fs[2];

        EXPECT(tr_pool_new(&w.pool, "work", 1) == 0);
        EXPECT(tr_submit(&fs[0], TR_LOOP(loop), run_job, &w) == 0);
        EXPECT(tr_event_wait(&w.begun) == 0);
        EXPECT(tr_submit(&fs[1], TR_LOOP(loop), free_pool, &w) == 0);
        let_both_run();
        expect_drawn("*'run_job'*: awaits a job", 1);
        expect_drawn("*'free_pool'*: awaits the end of a pool", 1);
        EXPECT(tr_event_set(&w.go) == 0);
        EXPECT(tr_await(fs[0]) == 0 && tr_await(fs[1]) == 0);
        unref_all(fs, 2);
    }
}

static int look_meanwhile(tr_self *self, void *state, const void *args)
{
    (void)self;
    (void)state;
    (void)args;
    expect_drawn("*'spawn_elsewhere'*: awaits the init of an actor", 1);
    return 0;
}

static int spawn_elsewhere(void *unused)
{
    static const tr_actor_class looking = { .name = "looking",
                                            .init = look_meanwhile,
                                            .receive = keep_asker };
    int other = tr_loop_current() == TR_LOOP(0) ? 1 : 0;
    tr_pid pid;
    int rc = tr_spawn_with(&pid, &looking, NULL, &(tr_spawn_options){ .on = TR_LOOP(other) });

    (void)unused;
    return rc == 0 ? tr_stop(pid) : rc;
}

CASE(whoever_waits_for_an_actor_to_begin_says_so)
{
    for (int loop = 0; loop < 2; loop++) {
        tr_future *f;

        EXPECT(tr_submit(&f, TR_LOOP(loop), spawn_elsewhere, NULL) == 0);
        EXPECT(tr_await(f) == 0);
        tr_future_unref(f);
    }
}

/* ---- who else may hold a lock ---- */

static int want_lock(void *m)
{
    int rc = tr_lock(m);

    if (rc == 0)
        EXPECT(tr_unlock(m) == 0);
    return rc;
}

static void take_lock(void *m)
{
    EXPECT(tr_try_lock(m) == 0);
}

static void give_lock(void *m)
{
    EXPECT(tr_unlock(m) == 0);
}

static void expect_holder(tr_mutex *m, const char *holder)
{
    char pattern[128];
    tr_future *f;

    EXPECT(tr_submit(&f, TR_LOOP(1), want_lock, m) == 0);
    let_both_run();
    (void)snprintf(pattern, sizeof(pattern), "*'want_lock'*: awaits a mutex (0x*), and %s has it",
                   holder);
    expect_drawn(pattern, 1);
    EXPECT(tr_future_cancel(f) == 1);
    EXPECT(tr_await(f) == TR_ECANCELED);
    tr_future_unref(f);
}

CASE(a_lock_of_a_callback_is_said_to_be_one)
{
    tr_mutex m = { 0 };

    in_place(OTHER_LOOP, take_lock, &m);
    expect_holder(&m, "a handler or callback");
    in_place(OTHER_LOOP, give_lock, &m);
}

typedef struct outsider {
    tr_mutex m;
    tr_event taken;
    tr_event go;
    tr_event given;
} outsider;

static void hold_lock(void *arg)
{
    outsider *o = arg;

    EXPECT(tr_lock(&o->m) == 0);
    EXPECT(tr_event_set(&o->taken) == 0);
    EXPECT(tr_event_wait(&o->go) == 0);
    EXPECT(tr_unlock(&o->m) == 0);
    EXPECT(tr_event_set(&o->given) == 0);
}

CASE(a_lock_of_a_foreign_thread_is_said_to_be_one)
{
    outsider o = { 0 };
    foreign *thread = foreign_start(hold_lock, &o);

    EXPECT(tr_event_wait(&o.taken) == 0);
    expect_holder(&o.m, "somebody who is no task");
    EXPECT(tr_event_set(&o.go) == 0);
    foreign_end(thread);
}

TR_MESSAGE(hold)
{
    outsider *o;
};

static int hold_as_asked(tr_self *self, void *state, tr_msg *msg)
{
    (void)self;
    (void)state;
    hold_lock(tr_as(msg, hold)->o);
    return 0;
}

CASE(a_lock_of_an_actor_that_awaits_is_said_to_be_one)
{
    static const tr_actor_class holders = { .name = "holder",
                                            .receive = hold_as_asked,
                                            .awaits = true };
    outsider o = { 0 };
    tr_pid pid;

    EXPECT(tr_spawn(&pid, &holders, NULL) == 0);
    EXPECT(tr_send(pid, hold, &o) == 0);
    EXPECT(tr_event_wait(&o.taken) == 0);
    expect_holder(&o.m, "actor <*> (holder) of loop 0");
    EXPECT(tr_event_set(&o.go) == 0);
    EXPECT(tr_event_wait(&o.given) == 0);
    EXPECT(tr_stop(pid) == 0);
}

CASES("dump/waits", each_wait_of_its_own_loop_says_what_it_is_for,
      each_wait_of_another_loop_says_what_it_is_for, whoever_waits_for_several_futures_says_so,
      whoever_waits_for_what_is_done_once_says_who_does_it,
      whoever_waits_behind_another_at_a_limiter_awaits_his_turn,
      whoever_waits_for_all_batches_says_so,
      whoever_waits_for_a_job_or_for_the_end_of_a_pool_says_so,
      whoever_waits_for_an_actor_to_begin_says_so, a_lock_of_a_callback_is_said_to_be_one,
      a_lock_of_a_foreign_thread_is_said_to_be_one,
      a_lock_of_an_actor_that_awaits_is_said_to_be_one)
