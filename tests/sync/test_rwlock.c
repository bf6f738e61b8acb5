/* Locks for readers and writers. */
#include <string.h>

#include "sync/cases.h"

static tr_rwlock lock;
static counter readers;
static counter writers;

static void be_reader(void)
{
    count_up(&readers);
    EXPECT(count_of(&writers) == 0);
}

static void be_writer(void)
{
    count_up(&writers);
    EXPECT(count_of(&writers) == 1 && count_of(&readers) == 0);
}

struct read_and_note_args {
    char letter;
};

static int read_and_note(void *arg)
{
    const struct read_and_note_args *a = arg;
    int rc = tr_rwlock_read_lock(&lock);

    if (rc < 0)
        return rc;
    be_reader();
    note(a->letter);
    rc = tr_yield();
    count_down(&readers);
    EXPECT(tr_rwlock_unlock(&lock) == 0);
    return rc;
}

struct write_and_note_args {
    char letter;
};

static int write_and_note(void *arg)
{
    const struct write_and_note_args *a = arg;
    int rc = tr_rwlock_write_lock(&lock);

    if (rc < 0)
        return rc;
    be_writer();
    note(a->letter);
    rc = tr_yield();
    count_down(&writers);
    EXPECT(tr_rwlock_unlock(&lock) == 0);
    return rc;
}

static void expect_free(void)
{
    EXPECT(tr_rwlock_try_write_lock(&lock) == 0);
    EXPECT(tr_rwlock_unlock(&lock) == 0);
}

CASE(a_lock_of_zeros_is_free_to_read_and_to_write)
{
    EXPECT(tr_rwlock_read_lock(&lock) == 0);
    EXPECT(tr_rwlock_unlock(&lock) == 0);
    EXPECT(tr_rwlock_write_lock(&lock) == 0);
    EXPECT(tr_rwlock_unlock(&lock) == 0);
    EXPECT(tr_rwlock_try_read_lock(&lock) == 0);
    EXPECT(tr_rwlock_unlock(&lock) == 0);
    EXPECT(tr_rwlock_read_lock_for(&lock, 0) == 0);
    EXPECT(tr_rwlock_unlock(&lock) == 0);
    EXPECT(tr_rwlock_write_lock_for(&lock, 0) == 0);
    EXPECT(tr_rwlock_unlock(&lock) == 0);
    expect_free();
}

CASE(many_read_at_the_same_time)
{
    int rc;

    TR_SCOPE(s, &rc) {
        EXPECT(tr_rwlock_read_lock(&lock) == 0);
        tr_go(s, read_and_note, 'a');
        tr_go(s, read_and_note, 'b');
        let_others_run();
        EXPECT(strcmp(notes(), "ab") == 0);
        EXPECT(tr_rwlock_try_read_lock(&lock) == 0);
        EXPECT(tr_rwlock_try_write_lock(&lock) == TR_EBUSY);
        EXPECT(tr_rwlock_unlock(&lock) == 0);
        EXPECT(tr_rwlock_unlock(&lock) == 0);
    }
    EXPECT(rc == 0);
    expect_free();
}

CASE(one_who_writes_is_alone)
{
    int rc;

    TR_SCOPE(s, &rc) {
        EXPECT(tr_rwlock_write_lock(&lock) == 0);
        tr_go(s, read_and_note, 'a');
        tr_go(s, write_and_note, 'w');
        tr_go(s, read_and_note, 'b');
        let_others_run();
        EXPECT(strcmp(notes(), "") == 0);
        EXPECT(tr_rwlock_unlock(&lock) == 0);
        EXPECT(tr_rwlock_try_write_lock(&lock) == TR_EBUSY); /* handed over already */
    }
    EXPECT(rc == 0);
    EXPECT(strcmp(notes(), "awb") == 0);
    expect_free();
}

CASE(a_writer_who_waits_is_not_passed_by_readers)
{
    int rc;

    TR_SCOPE(s, &rc) {
        EXPECT(tr_rwlock_read_lock(&lock) == 0);
        tr_go(s, write_and_note, 'w');
        let_others_run();
        tr_go(s, read_and_note, 'r');
        let_others_run();
        EXPECT(tr_rwlock_try_read_lock(&lock) == TR_EBUSY);
        EXPECT(strcmp(notes(), "") == 0);
        EXPECT(tr_rwlock_unlock(&lock) == 0);
    }
    EXPECT(rc == 0);
    EXPECT(strcmp(notes(), "wr") == 0);
}

CASE(readers_behind_a_writer_go_on_together)
{
    int rc;

    EXPECT(tr_rwlock_write_lock(&lock) == 0);
    TR_SCOPE(s, &rc) {
        tr_go(s, read_and_note, 'a');
        tr_go(s, read_and_note, 'b');
        tr_go(s, write_and_note, 'w');
        tr_go(s, read_and_note, 'c');
        let_others_run();
        EXPECT(tr_rwlock_unlock(&lock) == 0);
        EXPECT(tr_yield() == 0);
        EXPECT(strcmp(notes(), "ab") == 0); /* both are inside */
    }
    EXPECT(rc == 0);
    EXPECT(strcmp(notes(), "abwc") == 0);
}

CASE(a_writer_who_gives_up_lets_the_readers_behind_go)
{
    tr_task *writer;
    int rc;

    TR_SCOPE(s, &rc) {
        EXPECT(tr_rwlock_read_lock(&lock) == 0);
        EXPECT(tr_task_spawn(&writer, write_and_note, &(struct write_and_note_args){ 'w' }) == 0);
        let_others_run();
        tr_go(s, read_and_note, 'a');
        tr_go(s, read_and_note, 'b');
        let_others_run();
        EXPECT(strcmp(notes(), "") == 0);
        EXPECT(tr_task_wait(writer, 0) == TR_ETIMEDOUT);
        tr_task_unref(writer);
        let_others_run();
        EXPECT(strcmp(notes(), "ab") == 0);
        EXPECT(tr_rwlock_unlock(&lock) == 0);
    }
    EXPECT(rc == 0);
    expect_free();
}

static void write_in_vain(void *arg)
{
    (void)arg;
    EXPECT(tr_rwlock_write_lock_for(&lock, 0.001) == TR_ETIMEDOUT);
}

CASE(a_writing_thread_that_is_late_lets_the_readers_behind_go)
{
    foreign *thread;

    EXPECT(tr_rwlock_read_lock(&lock) == 0);
    thread = foreign_start(write_in_vain, NULL);
    EXPECT(tr_rwlock_read_lock(&lock) == 0); /* before it, or when it has given up */
    foreign_end(thread);
    EXPECT(tr_rwlock_unlock(&lock) == 0);
    EXPECT(tr_rwlock_unlock(&lock) == 0);
    expect_free();
}

CASE(a_reader_who_gives_up_is_in_nobodys_way)
{
    tr_task *reader;
    int rc;

    TR_SCOPE(s, &rc) {
        EXPECT(tr_rwlock_write_lock(&lock) == 0);
        EXPECT(tr_task_spawn(&reader, read_and_note, &(struct read_and_note_args){ 'r' }) == 0);
        let_others_run();
        tr_go(s, write_and_note, 'w');
        let_others_run();
        EXPECT(tr_task_wait(reader, 0) == TR_ETIMEDOUT);
        tr_task_unref(reader);
        EXPECT(tr_rwlock_unlock(&lock) == 0);
    }
    EXPECT(rc == 0);
    EXPECT(strcmp(notes(), "w") == 0);
    expect_free();
}

/* ---- between loops and threads ---- */

typedef struct pair {
    int a;
    int b; /* always as a, when nobody writes */
} pair;

static void read_pair(const pair *p)
{
    EXPECT(tr_rwlock_read_lock(&lock) == 0);
    be_reader();
    EXPECT(p->a == p->b);
    count_down(&readers);
    EXPECT(tr_rwlock_unlock(&lock) == 0);
}

static void write_pair(pair *p, bool is_task)
{
    EXPECT(tr_rwlock_write_lock(&lock) == 0);
    be_writer();
    p->a++;
    if (is_task)
        EXPECT(tr_yield() == 0);
    p->b++;
    count_down(&writers);
    EXPECT(tr_rwlock_unlock(&lock) == 0);
}

static int read_and_write_often(void *p)
{
    for (int i = 0; i < 20; i++) {
        read_pair(p);
        if (i % 4 == 0)
            write_pair(p, true);
    }
    return 0;
}

static void read_and_write_as_thread(void *p)
{
    for (int i = 0; i < 20; i++) {
        read_pair(p);
        if (i % 4 == 0)
            write_pair(p, false);
    }
}

CASE(readers_see_what_writers_have_finished_on_all_loops_and_threads)
{
    pair p = { 0, 0 };
    foreign *thread = foreign_start(read_and_write_as_thread, &p);
    int rc;

    TR_SCOPE(s, &rc) {
        for (int i = 0; i < 6; i++)
            EXPECT(tr_scope_spawn_on(s, TR_LOOP(i % 2), read_and_write_often, &p) == 0);
    }
    foreign_end(thread);
    EXPECT(rc == 0);
    EXPECT(p.a == 5 * 7 && p.b == p.a);
    expect_free();
}

static void wait_in_vain(void *arg)
{
    (void)arg;
    EXPECT(tr_rwlock_read_lock_for(&lock, 0) == TR_ETIMEDOUT);
    EXPECT(tr_rwlock_write_lock_for(&lock, 0) == TR_ETIMEDOUT);
    EXPECT(tr_rwlock_read_lock_for(&lock, 0.001) == TR_ETIMEDOUT);
    EXPECT(tr_rwlock_write_lock_for(&lock, 0.001) == TR_ETIMEDOUT);
    EXPECT(tr_rwlock_try_read_lock(&lock) == TR_EBUSY);
    EXPECT(tr_rwlock_unlock(&lock) == TR_EPERM);
}

CASE(a_thread_waits_as_long_as_it_wants)
{
    EXPECT(tr_rwlock_write_lock(&lock) == 0);
    foreign_end(foreign_start(wait_in_vain, NULL));
    EXPECT(tr_rwlock_unlock(&lock) == 0);
    expect_free();
}

static int wait_in_vain_as_task(void *arg)
{
    wait_in_vain(arg);
    return 0;
}

CASE(a_task_waits_as_long_as_it_wants)
{
    int rc;

    EXPECT(tr_rwlock_write_lock(&lock) == 0);
    TR_SCOPE(s, &rc) {
        EXPECT(tr_scope_spawn_on(s, TR_LOOP(0), wait_in_vain_as_task, NULL) == 0);
        EXPECT(tr_scope_spawn_on(s, TR_LOOP(1), wait_in_vain_as_task, NULL) == 0);
    }
    EXPECT(rc == 0);
    EXPECT(tr_rwlock_unlock(&lock) == 0);
    expect_free();
}

/* ---- cancellation ---- */

CASE(what_was_handed_over_stays_so_though_the_task_is_cancelled)
{
    struct write_and_note_args args = { 'w' };
    tr_task *writer;

    EXPECT(tr_rwlock_read_lock(&lock) == 0);
    EXPECT(tr_task_spawn(&writer, write_and_note, &args) == 0);
    let_others_run();
    EXPECT(tr_rwlock_unlock(&lock) == 0);
    EXPECT(tr_task_cancel(writer) == 1); /* it has not run yet */
    EXPECT(tr_rwlock_try_read_lock(&lock) == TR_EBUSY);
    EXPECT(tr_task_wait(writer, TR_FOREVER) == TR_ECANCELED);
    tr_task_unref(writer);
    EXPECT(strcmp(notes(), "w") == 0);
    expect_free();
}

CASE(a_task_that_is_cancelled_takes_nothing)
{
    int rc;

    TR_SCOPE(s, &rc) {
        EXPECT(tr_scope_cancel(s) == 1);
        EXPECT(tr_rwlock_read_lock(&lock) == TR_ECANCELED);
        EXPECT(tr_rwlock_write_lock_for(&lock, 1) == TR_ECANCELED);
        EXPECT(tr_rwlock_try_read_lock(&lock) == 0); /* this does not wait */
        EXPECT(tr_rwlock_unlock(&lock) == 0);
    }
    EXPECT(rc == 0);
    expect_free();
}

static int read_and_write(void *arg)
{
    int rc = AWAIT(tr_rwlock_read_lock(&lock));

    (void)arg;
    if (rc < 0)
        return rc;
    be_reader();
    rc = AWAIT(tr_yield());
    count_down(&readers);
    EXPECT(tr_rwlock_unlock(&lock) == 0);
    if (rc < 0 || (rc = AWAIT(tr_rwlock_write_lock(&lock))) < 0)
        return rc;
    be_writer();
    rc = AWAIT(tr_yield());
    count_down(&writers);
    EXPECT(tr_rwlock_unlock(&lock) == 0);
    return rc;
}

static tr_task *rivals[2];

static int rival(void *arg)
{
    pair p = { 0, 0 };

    (void)arg;
    for (int i = 0; i < 3; i++) {
        read_pair(&p);
        write_pair(&p, true);
    }
    return 0;
}

static void start_rivals(void *arg)
{
    for (int i = 0; i < 2; i++)
        EXPECT(tr_task_spawn_on(&rivals[i], TR_LOOP(i), rival, arg) == 0);
}

static void expect_free_again(void *arg, int rc)
{
    (void)arg;
    EXPECT(rc == 0 || rc == TR_ECANCELED);
    for (int i = 0; i < 2; i++) {
        EXPECT(tr_task_wait(rivals[i], TR_FOREVER) == 0);
        tr_task_unref(rivals[i]);
    }
    expect_free();
}

CASE(a_lock_survives_a_cancellation_at_every_await)
{
    cancel_at_every_await(&(attempt){ start_rivals, read_and_write, expect_free_again }, NULL);
}

/* ---- blocks ---- */

static int return_from_a_block(int result)
{
    int rc;

    TR_WRITE_LOCKED(&rc, &lock)
    {
        return result;
    }
    return rc;
}

CASE(a_block_gives_the_lock_back_whichever_way_it_is_left)
{
    int rc = 1;
    int runs = 0;

    TR_READ_LOCKED(&rc, &lock)
    {
        runs++;
        EXPECT(tr_rwlock_try_write_lock(&lock) == TR_EBUSY);
    }
    EXPECT(rc == 0 && runs == 1);
    TR_WRITE_LOCKED(&rc, &lock)
    {
        EXPECT(tr_rwlock_try_write_lock(&lock) == TR_EDEADLK);
        break;
    }
    EXPECT(return_from_a_block(7) == 7);
    expect_free();
}

CASE(a_block_without_the_lock_does_not_run)
{
    int rc = 1;

    EXPECT(tr_rwlock_write_lock(&lock) == 0);
    TR_READ_LOCKED(&rc, &lock)
    {
        EXPECT(!"this must not run");
    }
    EXPECT(rc == TR_EDEADLK);
    TR_WRITE_LOCKED(&rc, NULL)
    {
        EXPECT(!"this must not run");
    }
    EXPECT(rc == TR_EINVAL);
    EXPECT(tr_rwlock_try_read_lock(&lock) == TR_EDEADLK); /* nothing was given back */
    EXPECT(tr_rwlock_unlock(&lock) == 0);
}

/* ---- wrong ---- */

CASE(who_writes_would_wait_for_itself)
{
    EXPECT(tr_rwlock_write_lock(&lock) == 0);
    EXPECT(tr_rwlock_write_lock(&lock) == TR_EDEADLK);
    EXPECT(tr_rwlock_read_lock(&lock) == TR_EDEADLK);
    EXPECT(tr_rwlock_read_lock_for(&lock, 1) == TR_EDEADLK);
    EXPECT(tr_rwlock_try_read_lock(&lock) == TR_EDEADLK);
    EXPECT(tr_rwlock_unlock(&lock) == 0);
    expect_free();
}

static int unlock(void *arg)
{
    (void)arg;
    return tr_rwlock_unlock(&lock);
}

CASE(what_nobody_holds_or_another_one_writes_is_not_given_back)
{
    tr_task *other;

    EXPECT(tr_rwlock_unlock(&lock) == TR_EPERM);
    EXPECT(tr_rwlock_write_lock(&lock) == 0);
    EXPECT(tr_task_spawn(&other, unlock, NULL) == 0);
    EXPECT(tr_task_wait(other, TR_FOREVER) == TR_EPERM);
    tr_task_unref(other);
    EXPECT(tr_rwlock_unlock(&lock) == 0);
    EXPECT(tr_rwlock_unlock(&lock) == TR_EPERM);
}

static void lock_on_a_loop(void *done)
{
    EXPECT(tr_rwlock_read_lock(&lock) == TR_EWRONGPLACE);
    EXPECT(tr_rwlock_write_lock_for(&lock, 0) == TR_EWRONGPLACE);
    EXPECT(tr_rwlock_try_write_lock(&lock) == 0);
    EXPECT(tr_rwlock_unlock(&lock) == 0);
    EXPECT(tr_event_set(done) == 0);
}

CASE(a_loop_may_try_but_not_wait)
{
    tr_event done = { 0 };

    EXPECT(tr_post(TR_LOOP(1), lock_on_a_loop, &done) == 0);
    EXPECT(tr_event_wait(&done) == 0);
}

CASE(bad_arguments_are_refused)
{
    EXPECT(tr_rwlock_read_lock(NULL) == TR_EINVAL);
    EXPECT(tr_rwlock_write_lock(NULL) == TR_EINVAL);
    EXPECT(tr_rwlock_read_lock_for(&lock, __builtin_nan("")) == TR_EINVAL);
    EXPECT(tr_rwlock_write_lock_for(&lock, __builtin_nan("")) == TR_EINVAL);
    EXPECT(tr_rwlock_try_read_lock(NULL) == TR_EINVAL);
    EXPECT(tr_rwlock_try_write_lock(NULL) == TR_EINVAL);
    EXPECT(tr_rwlock_unlock(NULL) == TR_EINVAL);
}

CASES("rwlock", a_lock_of_zeros_is_free_to_read_and_to_write, many_read_at_the_same_time,
      one_who_writes_is_alone, a_writer_who_waits_is_not_passed_by_readers,
      readers_behind_a_writer_go_on_together, a_writer_who_gives_up_lets_the_readers_behind_go,
      a_writing_thread_that_is_late_lets_the_readers_behind_go,
      a_reader_who_gives_up_is_in_nobodys_way,
      readers_see_what_writers_have_finished_on_all_loops_and_threads,
      a_thread_waits_as_long_as_it_wants, a_task_waits_as_long_as_it_wants,
      what_was_handed_over_stays_so_though_the_task_is_cancelled,
      a_task_that_is_cancelled_takes_nothing, a_lock_survives_a_cancellation_at_every_await,
      a_block_gives_the_lock_back_whichever_way_it_is_left, a_block_without_the_lock_does_not_run,
      who_writes_would_wait_for_itself, what_nobody_holds_or_another_one_writes_is_not_given_back,
      a_loop_may_try_but_not_wait, bad_arguments_are_refused)
