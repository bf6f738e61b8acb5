/* What debug mode says of futures that nobody has looked at, and of locks that a task has at its
 * end; and that it says nothing else. */
#include <semaphore.h>

#include "support/actors.h"
#include "support/futures.h"
#include "support/tasks.h"

static void start(int debug)
{
    kit_start_with(&(tr_config){ .loops = 2, .debug = debug });
    kit_log_clear();
}

/* ---- futures ---- */

static int give_five(void *unused)
{
    (void)unused;
    return 5;
}

static int give_error(void *unused)
{
    (void)unused;
    return TR_EBUSY;
}

static tr_future *submit(int loop)
{
    tr_future *f;

    ck_assert_int_eq(tr_submit(&f, TR_LOOP(loop), give_five, NULL), 0);
    return f;
}

/* In a task; *(int *)loop is where the other one runs. */
typedef int (*with_future)(void *loop);

/* Let a task do that, with a task of its own loop and of the other one, and say whether this one
 * was named. */
static bool is_named(with_future fn, int debug)
{
    bool named[4];

    for (int i = 0; i < 4; i++) {
        int loop = i / 2;

        start(debug);
        ck_assert_int_eq(kit_in_task(i % 2, fn, &loop), 0);
        for (int l = 0; l < 4; l++) /* what they have sent each other has come */
            kit_settle(l % 2);
        kit_stop();
        named[i] = kit_log_contains("nobody has looked at how task 'give_five' ended: await its "
                                    "future, or start it without one; from ");
        ck_assert(named[i] || !kit_log_contains("nobody has looked"));
        ck_assert(!named[i] || kit_log_contains("test_reports"));
        ck_assert_int_eq(named[i], named[0]);
    }
    return named[0];
}

static int drop_at_once(void *loop)
{
    tr_future_unref(submit(*(int *)loop));
    return 0;
}

static int drop_after_its_end(void *loop)
{
    tr_future *f = submit(*(int *)loop);
    tr_future *later = submit(*(int *)loop); /* which comes behind it */

    ck_assert_int_eq(tr_await(later), 5);
    ck_assert(tr_future_is_done(f)); /* which is not to look at it */
    tr_future_unref(f);
    tr_future_unref(later);
    return 0;
}

static int drop_a_spawned_one(void *loop)
{
    tr_task *t;

    ck_assert_int_eq(tr_task_spawn_on(&t, TR_LOOP(*(int *)loop), give_five, NULL), 0);
    tr_task_unref(t);
    return 0;
}

START_TEST(a_task_whose_end_nobody_has_looked_at_is_named)
{
    static const with_future fns[] = { drop_at_once, drop_after_its_end, drop_a_spawned_one };

    for (size_t i = 0; i < sizeof(fns) / sizeof(fns[0]); i++)
        ck_assert(is_named(fns[i], 1));
}
END_TEST

START_TEST(without_debug_mode_no_task_is_named)
{
    ck_assert(!is_named(drop_at_once, 0));
    ck_assert(!is_named(drop_after_its_end, 0));
    ck_assert(!is_named(drop_a_spawned_one, -1));
}
END_TEST

/* ---- those that are looked at, one way or another ---- */

static int await_it(void *loop)
{
    tr_future *f = submit(*(int *)loop);

    ck_assert_int_eq(tr_await(f), 5);
    tr_future_unref(f);
    return 0;
}

static int wait_for_it(void *loop)
{
    tr_future *f = submit(*(int *)loop);

    ck_assert_int_eq(tr_wait_for(f, TR_FOREVER), 5);
    tr_future_unref(f);
    return 0;
}

static int ask_its_status(void *loop)
{
    tr_future *f = submit(*(int *)loop);
    tr_future *later = submit(*(int *)loop);

    ck_assert_int_eq(tr_await(later), 5);
    ck_assert_int_eq(tr_future_status(f), 5);
    tr_future_unref(f);
    tr_future_unref(later);
    return 0;
}

static int gather_them(void *loop)
{
    tr_future *fs[2] = { submit(*(int *)loop), submit(0) };

    ck_assert_int_eq(tr_gather(fs, 2, 0), 0);
    tr_future_unref(fs[0]);
    tr_future_unref(fs[1]);
    return 0;
}

/* The one that loses is cancelled, or has been looked at, too. */
static int race_them(void *loop)
{
    tr_future *fs[2] = { submit(*(int *)loop), submit(1) };

    ck_assert_int_eq(tr_race(NULL, fs, 2), 5);
    tr_future_unref(fs[0]);
    tr_future_unref(fs[1]);
    return 0;
}

static int take_what_succeeds(void *loop)
{
    tr_future *fs[2] = { submit(*(int *)loop), submit(0) };

    ck_assert_int_eq(tr_any(NULL, fs, 2), 5);
    tr_future_unref(fs[0]);
    tr_future_unref(fs[1]);
    return 0;
}

static int wait_for_all(void *loop)
{
    tr_future *fs[2] = { submit(*(int *)loop), submit(1) };

    ck_assert_int_eq(tr_wait(fs, 2, TR_ALL_COMPLETED, TR_FOREVER), 2);
    tr_future_unref(fs[0]);
    tr_future_unref(fs[1]);
    return 0;
}

static int choose_it(void *loop)
{
    tr_future *f = submit(*(int *)loop);
    int which;

    ck_assert_int_eq(tr_select(&which, tr_case_future(f), tr_case_sleep(TR_FOREVER)), 5);
    tr_future_unref(f);
    return 0;
}

static int see_each(void *loop)
{
    tr_future *fs[2] = { submit(*(int *)loop), submit(0) };
    int rc;

    TR_FOREACH_COMPLETED(&rc, i, fs, 2);
    ck_assert_int_eq(rc, 0);
    tr_future_unref(fs[0]);
    tr_future_unref(fs[1]);
    return 0;
}

static void go_on(tr_future *f, int status, void *done)
{
    (void)f;
    ck_assert_int_eq(status, 5);
    ck_assert_int_eq(tr_event_set(done), 0);
}

static int go_on_then(void *loop)
{
    tr_event done = { 0 };
    tr_future *f = submit(*(int *)loop);

    ck_assert_int_eq(tr_future_then(f, TR_LOOP(0), go_on, &done), 0);
    tr_future_unref(f);
    return tr_event_wait(&done);
}

static int cancel_it(void *loop)
{
    tr_future *f;

    ck_assert_int_eq(tr_submit(&f, TR_LOOP(*(int *)loop), kit_forever, NULL), 0);
    ck_assert_int_eq(tr_future_cancel(f), 1);
    tr_future_unref(f);
    return 0;
}

static int start_without_a_future(void *loop)
{
    tr_scope_error error;
    int rc;

    ck_assert_int_eq(tr_submit(NULL, TR_LOOP(*(int *)loop), give_five, NULL), 0);
    ck_assert_int_eq(tr_task_spawn(NULL, give_five, NULL), 0);
    TR_SCOPE(s, &rc) {
        ck_assert_int_eq(tr_scope_spawn_on(s, TR_LOOP(*(int *)loop), give_five, NULL), 0);
        ck_assert_uint_eq(tr_scope_errors(s, &error, 1), 0);
    }
    return rc;
}

static int detach_it(void *loop)
{
    tr_task *t;

    ck_assert_int_eq(tr_task_spawn_on(&t, TR_LOOP(*(int *)loop), give_five, NULL), 0);
    tr_task_detach(t);
    tr_task_detach(NULL);
    return 0;
}

static int fail_to_start(void *loop)
{
    tr_task_options wrong = { .on = TR_LOOP(*(int *)loop), .stack_bytes = 1 };
    tr_task *t;
    tr_future *f;

    ck_assert_int_eq(tr_task_spawn_with(&t, give_five, NULL, &wrong), TR_EINVAL);
    ck_assert_int_eq(tr_submit(&f, TR_LOOP(7), give_five, NULL), TR_EINVAL);
    return 0;
}

START_TEST(whoever_looks_at_an_end_is_left_in_peace)
{
    static const with_future fns[] = { await_it,       wait_for_it,
                                       ask_its_status, gather_them,
                                       race_them,      take_what_succeeds,
                                       wait_for_all,   choose_it,
                                       see_each,       go_on_then,
                                       cancel_it,      detach_it,
                                       fail_to_start,  start_without_a_future };

    for (size_t i = 0; i < sizeof(fns) / sizeof(fns[0]); i++)
        if (is_named(fns[i], 1))
            ck_abort_msg("number %zu is named", i);
}
END_TEST

static void spawn_it(void *task)
{
    ck_assert_int_eq(tr_task_spawn((tr_task **)task, give_five, NULL), 0);
}

START_TEST(a_foreign_thread_that_looks_is_left_in_peace_and_one_that_does_not_is_named)
{
    tr_future *f;

    start(1);
    f = submit(1);
    ck_assert_int_eq(tr_future_wait(f, KIT_PATIENCE_S), 5);
    tr_future_unref(f);
    ck_assert(!kit_log_contains("nobody has looked"));
    f = submit(1);
    kit_settle(1);
    tr_future_unref(f);
    kit_stop();
    ck_assert(kit_log_contains("nobody has looked at how task 'give_five' ended"));
}
END_TEST

START_TEST(whoever_looks_when_the_runtime_has_stopped_is_left_in_peace)
{
    tr_future *looked_at;
    tr_task *detached;

    start(1);
    looked_at = submit(1);
    kit_on_loop(0, spawn_it, &detached);
    kit_stop();
    ck_assert_int_eq(tr_future_status(looked_at), 5);
    tr_future_unref(looked_at);
    tr_task_detach(detached);
    ck_assert(!kit_log_contains("nobody has looked"));
}
END_TEST

START_TEST(a_failure_that_nobody_has_looked_at_has_a_line_of_its_own)
{
    tr_future *f;

    start(1);
    ck_assert_int_eq(tr_submit(&f, TR_LOOP(1), give_error, NULL), 0);
    tr_future_unref(f);
    kit_settle(1);
    kit_stop();
    ck_assert(kit_log_contains("task 'give_error' ended with an error that nobody has looked at"));
    ck_assert(!kit_log_contains("nobody has looked at how"));
}
END_TEST

/* ---- asks ---- */

static int answer(tr_self *self, void *state, tr_msg *msg)
{
    (void)state;
    (void)msg;
    return tr_reply(self, kit_value, .a = 1);
}

static const tr_actor_class answering = { .name = "answering", .receive = answer };

typedef struct question {
    tr_pid to;
    bool looks;
} question;

static int ask(void *arg)
{
    const question *q = arg;
    tr_future *f;

    ck_assert_int_eq(tr_ask_future(&f, q->to, TR_FOREVER, kit_ask, .a = 1), 0);
    if (q->looks)
        ck_assert_int_ge(tr_await(f), 0);
    tr_future_unref(f);
    return 0;
}

static bool is_ask_named(bool looks, int debug)
{
    bool named;

    start(debug);
    for (int i = 0; i < 4; i++) {
        question q = { kit_spawn(&answering, NULL, i / 2), looks };

        ck_assert_int_eq(kit_in_task(i % 2, ask, &q), 0);
        for (int l = 0; l < 4; l++)
            kit_settle(l % 2);
        named = kit_log_contains("nobody has looked at how an ask ended");
        ck_assert_int_eq(named, !looks && debug > 0);
        kit_log_clear();
    }
    kit_stop();
    return named;
}

START_TEST(an_answer_that_nobody_has_looked_at_is_named)
{
    ck_assert(is_ask_named(false, 1));
    ck_assert(!is_ask_named(true, 1));
    ck_assert(!is_ask_named(false, 0));
}
END_TEST

START_TEST(a_job_whose_end_nobody_has_looked_at_is_named)
{
    tr_future *f;

    start(1);
    ck_assert_int_eq(tr_pool_submit(&f, TR_POOL_IO, give_five, NULL, NULL), 0);
    ck_assert_int_eq(tr_future_wait(f, KIT_PATIENCE_S), 5);
    tr_future_unref(f);
    ck_assert_int_eq(tr_pool_submit(NULL, TR_POOL_IO, give_five, NULL, NULL), 0);
    ck_assert(!kit_log_contains("nobody has looked"));
    ck_assert_int_eq(tr_pool_submit(&f, TR_POOL_IO, give_five, NULL, NULL), 0);
    tr_future_unref(f);
    kit_stop();
    ck_assert(kit_log_contains("nobody has looked at how job give_five ("));
}
END_TEST

START_TEST(an_open_future_is_not_wanted_by_anybody)
{
    tr_future *f;

    start(1);
    f = kit_future_on(0);
    kit_resolve_it(f);
    tr_future_unref(f);
    kit_stop();
    ck_assert(!kit_log_contains("nobody has looked"));
}
END_TEST

/* ---- locks ---- */

typedef struct locks {
    tr_mutex mutex;
    tr_mutex other;
    tr_rwlock rwlock;
    tr_cond cond;
    tr_event taken;
    tr_event waits;
} locks;

static int keep_mutex(void *arg)
{
    return tr_lock(&((locks *)arg)->mutex);
}

static int keep_mutex_for(void *arg)
{
    return tr_lock_for(&((locks *)arg)->mutex, TR_FOREVER);
}

static int keep_tried_mutex(void *arg)
{
    return tr_try_lock(&((locks *)arg)->mutex);
}

static int keep_read_lock(void *arg)
{
    return tr_rwlock_read_lock(&((locks *)arg)->rwlock);
}

static int keep_write_lock(void *arg)
{
    return tr_rwlock_write_lock(&((locks *)arg)->rwlock);
}

static int keep_tried_read_lock(void *arg)
{
    return tr_rwlock_try_read_lock(&((locks *)arg)->rwlock);
}

static int keep_tried_write_lock(void *arg)
{
    return tr_rwlock_try_write_lock(&((locks *)arg)->rwlock);
}

static int keep_one_of_two(void *arg)
{
    locks *l = arg;

    ck_assert_int_eq(tr_lock(&l->other), 0);
    ck_assert_int_eq(tr_lock(&l->mutex), 0);
    return tr_unlock(&l->other);
}

/* Another task has it, and hands it over. */
static int keep_inherited_mutex(void *arg)
{
    locks *l = arg;
    int rc;

    ck_assert_int_eq(tr_event_wait(&l->taken), 0);
    ck_assert_int_eq(tr_event_set(&l->waits), 0);
    rc = tr_lock(&l->mutex);
    return rc;
}

static int hand_over(void *arg)
{
    locks *l = arg;

    ck_assert_int_eq(tr_lock(&l->mutex), 0);
    ck_assert_int_eq(tr_event_set(&l->taken), 0);
    ck_assert_int_eq(tr_event_wait(&l->waits), 0);
    for (int i = 0; i < 10; i++)
        ck_assert_int_eq(tr_yield(), 0);
    return tr_unlock(&l->mutex);
}

static void expect_kept(tr_task_fn fn, const char *said, int debug)
{
    for (int loop = 0; loop < 2; loop++) {
        locks l = { 0 };

        start(debug);
        ck_assert_int_eq(kit_in_task(loop, fn, &l), 0);
        kit_stop();
        if (debug > 0 && !kit_log_contains(said))
            ck_abort_msg("nothing of '%s'", said);
        ck_assert_int_eq(kit_log_contains("nobody will ever get it"), debug > 0);
    }
}

START_TEST(a_task_that_ends_with_a_lock_is_named)
{
    expect_kept(keep_mutex, "has ended and holds a mutex (0x", 1);
    expect_kept(keep_mutex_for, "has ended and holds a mutex (0x", 1);
    expect_kept(keep_tried_mutex, "has ended and holds a mutex (0x", 1);
    expect_kept(keep_read_lock, "has ended and holds a rwlock (0x", 1);
    expect_kept(keep_write_lock, "has ended and holds a rwlock (0x", 1);
    expect_kept(keep_tried_read_lock, "has ended and holds a rwlock (0x", 1);
    expect_kept(keep_tried_write_lock, "has ended and holds a rwlock (0x", 1);
    expect_kept(keep_one_of_two, "has ended and holds a mutex (0x", 1);
}
END_TEST

START_TEST(without_debug_mode_no_lock_is_named)
{
    expect_kept(keep_mutex, "", 0);
    expect_kept(keep_write_lock, "", 0);
}
END_TEST

START_TEST(a_lock_that_was_handed_over_is_the_heirs)
{
    for (int i = 0; i < 4; i++) {
        locks l = { 0 };
        tr_future *fs[2];

        start(1);
        ck_assert_int_eq(tr_submit(&fs[0], TR_LOOP(i % 2), hand_over, &l), 0);
        ck_assert_int_eq(tr_submit(&fs[1], TR_LOOP(i / 2), keep_inherited_mutex, &l), 0);
        for (int k = 0; k < 2; k++) {
            ck_assert_int_eq(tr_future_wait(fs[k], KIT_PATIENCE_S), 0);
            tr_future_unref(fs[k]);
        }
        kit_stop();
        ck_assert(kit_log_contains("task 'keep_inherited_mutex' has ended and holds a mutex (0x"));
        ck_assert(!kit_log_contains("task 'hand_over'"));
    }
}
END_TEST

/* ---- locks that are given back ---- */

static int lock_in_blocks(void *arg)
{
    locks *l = arg;
    int rc;

    TR_LOCKED(&rc, &l->mutex)
    {
        ck_assert_int_eq(tr_lock(&l->mutex), TR_EDEADLK);
    }
    ck_assert_int_eq(rc, 0);
    TR_READ_LOCKED(&rc, &l->rwlock)
    {
    }
    ck_assert_int_eq(rc, 0);
    TR_WRITE_LOCKED(&rc, &l->rwlock)
    {
        TR_LOCK_HERE(&l->other, &rc);
        ck_assert_int_eq(rc, 0);
        return 0; /* from within */
    }
    return TR_EBUSY;
}

static int lock_and_unlock(void *arg)
{
    locks *l = arg;

    for (int i = 0; i < 3; i++) {
        ck_assert_int_eq(tr_lock(&l->mutex), 0);
        ck_assert_int_eq(tr_rwlock_read_lock(&l->rwlock), 0);
        ck_assert_int_eq(tr_rwlock_read_lock(&l->rwlock), 0); /* twice */
        ck_assert_int_eq(tr_unlock(&l->mutex), 0);
        ck_assert_int_eq(tr_unlock(&l->mutex), TR_EPERM);
        ck_assert_int_eq(tr_rwlock_unlock(&l->rwlock), 0);
        ck_assert_int_eq(tr_rwlock_unlock(&l->rwlock), 0);
        ck_assert_int_eq(tr_rwlock_unlock(&l->rwlock), TR_EPERM);
    }
    return 0;
}

static int fail_to_lock(void *arg)
{
    locks *l = arg;
    int rc;

    ck_assert_int_eq(tr_try_lock(&l->mutex), TR_EBUSY);
    ck_assert_int_eq(tr_lock_for(&l->mutex, 0), TR_ETIMEDOUT);
    ck_assert_int_eq(tr_lock_for(&l->mutex, 0.0001), TR_ETIMEDOUT);
    TR_DEADLINE(0.0001, &rc) {
        rc = tr_lock(&l->mutex);
    }
    ck_assert_int_eq(rc, TR_ETIMEDOUT);
    return 0;
}

static int lock_in_vain(void *arg)
{
    locks *l = arg;
    tr_future *f;
    int rc;

    ck_assert_int_eq(tr_lock(&l->mutex), 0);
    ck_assert_int_eq(tr_submit(&f, TR_LOOP_ANY, fail_to_lock, l), 0);
    rc = tr_await(f);
    tr_future_unref(f);
    ck_assert_int_eq(tr_unlock(&l->mutex), 0);
    return rc;
}

static int notify(void *arg)
{
    locks *l = arg;
    int rc = tr_lock(&l->mutex);

    if (rc == 0)
        rc = tr_cond_notify_all(&l->cond);
    ck_assert_int_eq(tr_unlock(&l->mutex), 0);
    return rc;
}

static int await_notification(void *arg)
{
    locks *l = arg;
    tr_future *f;

    ck_assert_int_eq(tr_lock(&l->mutex), 0);
    ck_assert_int_eq(tr_submit(&f, TR_LOOP(1), notify, l), 0);
    ck_assert_int_eq(tr_cond_wait(&l->cond, &l->mutex), 0);
    ck_assert_int_eq(tr_cond_wait_for(&l->cond, &l->mutex, 0.0001), TR_ETIMEDOUT);
    ck_assert_int_eq(tr_unlock(&l->mutex), 0);
    ck_assert_int_eq(tr_await(f), 0);
    tr_future_unref(f);
    return 0;
}

START_TEST(whoever_gives_a_lock_back_is_left_in_peace)
{
    static const tr_task_fn fns[] = { lock_in_blocks, lock_and_unlock, lock_in_vain,
                                      await_notification };

    for (int i = 0; i < 8; i++) {
        locks l = { 0 };

        start(1);
        ck_assert_int_eq(kit_in_task(i % 2, fns[i / 2], &l), 0);
        kit_stop();
        if (kit_log_contains("has ended and holds"))
            ck_abort_msg("number %d is named", i / 2);
    }
}
END_TEST

/* ---- places without an end ---- */

static void lock_from_outside(void *arg)
{
    locks *l = arg;

    ck_assert_int_eq(tr_try_lock(&l->mutex), 0);
    ck_assert_int_eq(tr_rwlock_try_read_lock(&l->rwlock), 0);
}

static int lock_in_handler(tr_self *self, void *arg)
{
    (void)self;
    lock_from_outside(arg);
    return 0;
}

START_TEST(what_is_no_task_has_no_end)
{
    locks l[3] = { 0 };
    tr_pid puppet;

    start(1);
    puppet = kit_puppet(1);
    lock_from_outside(&l[0]);
    kit_on_loop(0, lock_from_outside, &l[1]);
    kit_in_handler(puppet, lock_in_handler, &l[2]);
    kit_stop();
    ck_assert(!kit_log_contains("has ended and holds"));
}
END_TEST

static const tr_actor_class awaiting = { .name = "awaiting",
                                         .receive = kit_act_or_unhandled,
                                         .awaits = true };

START_TEST(an_actor_that_awaits_and_keeps_a_lock_after_its_handler_is_named)
{
    locks l = { 0 };
    tr_pid pid;

    start(1);
    pid = kit_spawn(&awaiting, NULL, 1);
    ck_assert_int_eq(kit_do(pid, lock_in_handler, &l), 0);
    kit_settle(1);
    kit_stop();
    ck_assert(kit_log_contains("'awaiting' has ended and holds a mutex (0x"));
    ck_assert(kit_log_contains("'awaiting' has ended and holds a rwlock (0x"));
}
END_TEST

KIT_MAIN("observe/reports", a_task_whose_end_nobody_has_looked_at_is_named,
         without_debug_mode_no_task_is_named, whoever_looks_at_an_end_is_left_in_peace,
         a_foreign_thread_that_looks_is_left_in_peace_and_one_that_does_not_is_named,
         whoever_looks_when_the_runtime_has_stopped_is_left_in_peace,
         a_failure_that_nobody_has_looked_at_has_a_line_of_its_own,
         an_answer_that_nobody_has_looked_at_is_named,
         a_job_whose_end_nobody_has_looked_at_is_named, an_open_future_is_not_wanted_by_anybody,
         a_task_that_ends_with_a_lock_is_named, without_debug_mode_no_lock_is_named,
         a_lock_that_was_handed_over_is_the_heirs, whoever_gives_a_lock_back_is_left_in_peace,
         what_is_no_task_has_no_end,
         an_actor_that_awaits_and_keeps_a_lock_after_its_handler_is_named)
