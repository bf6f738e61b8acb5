/* Jobs with options: priorities, limits, interruption. */
#include <errno.h>
#include <string.h>
#include <unistd.h>

#include "sync/cases.h"

static tr_pool *pool_of(int max)
{
    tr_pool *pool;

    EXPECT(tr_pool_new(&pool, "cases", max) == 0);
    return pool;
}

/* ---- a thread that is kept busy ---- */

typedef struct keeper {
    tr_event begun;
    tr_event go;
    tr_future *job;
} keeper;

static int keep_busy(void *arg)
{
    keeper *k = arg;

    EXPECT(tr_event_set(&k->begun) == 0);
    EXPECT(tr_event_wait(&k->go) == 0);
    return 0;
}

static void occupy(keeper *k, tr_pool *pool)
{
    *k = (keeper){ .job = NULL };
    EXPECT(tr_pool_submit(&k->job, pool, keep_busy, k, NULL) == 0);
    EXPECT(tr_event_wait(&k->begun) == 0);
}

static void release(keeper *k)
{
    EXPECT(tr_event_set(&k->go) == 0);
    EXPECT(tr_await(k->job) == 0);
    tr_future_unref(k->job);
}

/* ---- priorities ---- */

static int note_job(void *letter)
{
    note(*(const char *)letter);
    return 0;
}

static const char letters[] = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ";

/* Submit a job for each of these priorities, lettered in that order, and let them run. */
static void run_by_priority(const int *priorities, int n)
{
    tr_pool *pool = pool_of(1);
    keeper k;

    occupy(&k, pool);
    for (int i = 0; i < n; i++)
        EXPECT(tr_pool_submit_with(NULL, pool, note_job, (void *)&letters[i], NULL,
                                   &(tr_job_options){ .priority = priorities[i] }) == 0);
    release(&k);
    EXPECT(tr_pool_free(pool) == 0);
}

CASE(jobs_of_higher_priority_pass_the_others)
{
    static const int priorities[] = { 0, TR_PRIORITY_LOW, TR_PRIORITY_HIGH, 0, TR_PRIORITY_HIGH };

    run_by_priority(priorities, 5);
    EXPECT(strcmp(notes(), "ceadb") == 0);
}

CASE(jobs_of_one_priority_keep_their_order)
{
    static const int priorities[] = { TR_PRIORITY_LOW, TR_PRIORITY_LOW, TR_PRIORITY_LOW };

    run_by_priority(priorities, 3);
    EXPECT(strcmp(notes(), "abc") == 0);
}

CASE(every_sixteenth_time_the_lowest_has_its_turn)
{
    int priorities[40];

    for (int i = 0; i < 40; i++)
        priorities[i] = i < 2 ? TR_PRIORITY_LOW : TR_PRIORITY_HIGH;
    run_by_priority(priorities, 40);
    EXPECT(strlen(notes()) == 40);
    EXPECT(strchr(notes(), 'a') - notes() == 15);
    EXPECT(strchr(notes(), 'b') - notes() == 31);
}

static int run_high(void *pool)
{
    return tr_pool_run_with(pool, note_job, (void *)"h",
                            &(tr_job_options){ .priority = TR_PRIORITY_HIGH });
}

CASE(who_waits_for_a_job_may_give_it_a_priority)
{
    tr_pool *pool = pool_of(1);
    tr_task *task;
    keeper k;

    occupy(&k, pool);
    EXPECT(tr_pool_submit(NULL, pool, note_job, (void *)"u", NULL) == 0);
    EXPECT(tr_task_spawn(&task, run_high, pool) == 0);
    let_others_run();
    release(&k);
    EXPECT(tr_task_wait(task, TR_FOREVER) == 0);
    tr_task_unref(task);
    EXPECT(tr_pool_free(pool) == 0);
    EXPECT(strcmp(notes(), "hu") == 0);
}

static int run_low_cancelled(void *pool)
{
    return tr_pool_run_with(pool, note_job, (void *)"x",
                            &(tr_job_options){ .priority = TR_PRIORITY_LOW });
}

CASE(a_job_of_any_priority_can_be_taken_back)
{
    tr_pool *pool = pool_of(1);
    tr_task *task;
    keeper k;

    occupy(&k, pool);
    EXPECT(tr_task_spawn_on(&task, TR_LOOP(1), run_low_cancelled, pool) == 0);
    EXPECT(tr_pool_submit_with(NULL, pool, note_job, (void *)"h", NULL,
                               &(tr_job_options){ .priority = TR_PRIORITY_HIGH }) == 0);
    let_others_run();
    EXPECT(tr_task_cancel(task) == 1);
    EXPECT(tr_task_wait(task, TR_FOREVER) == TR_ECANCELED);
    tr_task_unref(task);
    release(&k);
    EXPECT(tr_pool_free(pool) == 0);
    EXPECT(strcmp(notes(), "h") == 0);
}

/* ---- limits ---- */

typedef struct limited {
    tr_semaphore limit;
    counter running;
    counter most; /* that ever were too many */
    counter runs;
    uint32_t bound;
    int result;
} limited;

static int run_limited(void *arg)
{
    limited *l = arg;

    count_up(&l->running);
    if (count_of(&l->running) > l->bound)
        count_up(&l->most);
    count_up(&l->runs);
    count_down(&l->running);
    return l->result;
}

static int await_limited(void *arg)
{
    limited *l = arg;
    int rc = tr_pool_run_with(TR_POOL_IO, run_limited, l, &(tr_job_options){ .limit = &l->limit });

    EXPECT(rc == l->result || rc == TR_ECANCELED);
    return 0;
}

CASE(no_more_jobs_run_than_their_limit_has_permits)
{
    limited l = { .limit = TR_SEMAPHORE_INIT(2), .bound = 2 };
    int rc = 0;

    TR_SCOPE(s, &rc) {
        for (int i = 0; i < 10; i++)
            (void)tr_scope_spawn_on(s, TR_LOOP(i % 2), await_limited, &l);
    }
    EXPECT(rc == 0 && count_of(&l.runs) == 10 && count_of(&l.most) == 0);
    EXPECT(tr_semaphore_permits(&l.limit) == 2);
}

CASE(a_job_that_fails_gives_its_permit_back)
{
    limited l = { .limit = TR_SEMAPHORE_INIT(1), .bound = 1, .result = TR_EBUSY };

    EXPECT(await_limited(&l) == 0 && await_limited(&l) == 0);
    EXPECT(tr_semaphore_permits(&l.limit) == 1 && count_of(&l.runs) == 2);
}

CASE(a_limit_keeps_the_other_threads_of_a_pool_free)
{
    limited l = { .limit = TR_SEMAPHORE_INIT(1), .bound = 1 };
    tr_pool *pool = pool_of(2);
    keeper k = { .job = NULL };
    tr_task *second;

    EXPECT(tr_pool_submit_with(&k.job, pool, keep_busy, &k, NULL,
                               &(tr_job_options){ .limit = &l.limit }) == 0);
    EXPECT(tr_event_wait(&k.begun) == 0);
    EXPECT(tr_task_spawn(&second, await_limited, &l) == 0);
    let_others_run();
    EXPECT(tr_pool_run(pool, run_limited, &l) == 0); /* the other thread is there for this one */
    EXPECT(count_of(&l.runs) == 1);
    release(&k);
    EXPECT(tr_task_wait(second, TR_FOREVER) == 0);
    tr_task_unref(second);
    EXPECT(count_of(&l.runs) == 2);
    EXPECT(tr_pool_free(pool) == 0);
}

CASE(a_submitted_job_has_given_its_permit_back_when_its_future_ends)
{
    limited l = { .limit = TR_SEMAPHORE_INIT(1), .bound = 1 };

    for (int i = 0; i < 5; i++) {
        tr_future *f;

        EXPECT(tr_pool_submit_with(&f, TR_POOL_CPU, run_limited, &l, NULL,
                                   &(tr_job_options){ .limit = &l.limit }) == 0);
        EXPECT(tr_await(f) == 0);
        EXPECT(tr_semaphore_permits(&l.limit) == 1);
        tr_future_unref(f);
    }
}

static void count_drop(void *dropped)
{
    count_up(dropped);
}

static int never_called(void *unused)
{
    (void)unused;
    EXPECT(false);
    return 0;
}

CASE(a_job_that_is_taken_back_gives_its_permit_back)
{
    tr_semaphore limit = TR_SEMAPHORE_INIT(1);
    tr_pool *pool = pool_of(1);
    counter drops = { 0 };
    tr_future *f;
    keeper k;

    occupy(&k, pool);
    EXPECT(tr_pool_submit_with(&f, pool, never_called, &drops, count_drop,
                               &(tr_job_options){ .limit = &limit }) == 0);
    EXPECT(tr_semaphore_permits(&limit) == 0);
    EXPECT(tr_future_cancel(f) == 1);
    EXPECT(tr_await(f) == TR_ECANCELED);
    EXPECT(tr_semaphore_permits(&limit) == 1 && count_of(&drops) == 1);
    tr_future_unref(f);
    release(&k);
    EXPECT(tr_pool_free(pool) == 0);
}

typedef struct refusal {
    tr_semaphore limit;
    counter drops;
} refusal;

static void submit_in_vain(void *arg)
{
    refusal *r = arg;
    tr_future *f;

    EXPECT(tr_pool_submit_with(&f, TR_POOL_IO, never_called, &r->drops, count_drop,
                               &(tr_job_options){ .limit = &r->limit }) == TR_EAGAIN);
    EXPECT(f == NULL);
}

CASE(only_a_task_awaits_a_permit_for_what_it_submits)
{
    refusal r = { .limit = TR_SEMAPHORE_INIT(0) };

    call_elsewhere(submit_in_vain, &r);
    EXPECT(count_of(&r.drops) == 3);
}

static int await_permit_to_run(void *arg)
{
    limited *l = arg;

    return AWAIT(
        tr_pool_run_with(TR_POOL_IO, run_limited, l, &(tr_job_options){ .limit = &l->limit }));
}

static int await_permit_to_submit(void *arg)
{
    limited *l = arg;

    return AWAIT(tr_pool_submit_with(NULL, TR_POOL_IO, run_limited, l, NULL,
                                     &(tr_job_options){ .limit = &l->limit }));
}

static void begin_limited(void *arg)
{
    limited *l = arg;

    l->runs = (counter){ 0 };
}

static void expect_permit_back(void *arg, int rc)
{
    limited *l = arg;

    EXPECT(rc == 0 || rc == TR_ECANCELED);
    /* Whoever has submitted a job does not wait for it. */
    EXPECT(tr_semaphore_acquire(&l->limit) == 0 && tr_semaphore_release(&l->limit) == 0);
    EXPECT(count_of(&l->runs) == (rc == 0));
}

CASE(whenever_its_task_is_cancelled_the_permit_is_back)
{
    static const attempt running = { begin_limited, await_permit_to_run, expect_permit_back };
    static const attempt submitting = { begin_limited, await_permit_to_submit, expect_permit_back };
    limited l = { .limit = TR_SEMAPHORE_INIT(1), .bound = 1 };

    cancel_at_every_await(&running, &l);
    cancel_at_every_await(&submitting, &l);
}

/* ---- interruption ---- */

/* A job that reads from a pipe, where nothing comes until somebody writes. */
typedef struct reader {
    tr_pool *pool;
    int pipe[2];
    tr_event begun;
    int stubborn; /* so often it tries again after EINTR, though it is cancelled */
} reader;

static int read_byte(void *arg)
{
    reader *r = arg;
    int tries = r->stubborn;
    char byte;
    ssize_t n;

    EXPECT(tr_event_set(&r->begun) == 0);
    do {
        n = read(r->pipe[0], &byte, 1);
    } while (n < 0 && errno == EINTR && (!tr_cancelled() || tries-- > 0));
    return n == 1 ? byte : n == 0 ? TR_EPIPE : -errno;
}

static const tr_job_options interruptible = { .interrupt = true };

static int run_reader(void *arg)
{
    reader *r = arg;

    return tr_pool_run_with(r->pool, read_byte, r, &interruptible);
}

static void begin_reading(reader *r)
{
    *r = (reader){ .pool = pool_of(1) };
    EXPECT(pipe(r->pipe) == 0);
}

static void end_reading(reader *r)
{
    (void)close(r->pipe[0]);
    (void)close(r->pipe[1]);
    EXPECT(tr_pool_free(r->pool) == 0);
}

/* It is cancelled by its task's end; the task is on that loop. */
static void interrupt_reader(reader *r, int loop)
{
    tr_task *task;

    r->begun = (tr_event){ 0 };
    EXPECT(tr_task_spawn_on(&task, TR_LOOP(loop), run_reader, r) == 0);
    EXPECT(tr_event_wait(&r->begun) == 0);
    EXPECT(tr_task_cancel(task) == 1);
    EXPECT(tr_task_wait(task, TR_FOREVER) == -EINTR);
    tr_task_unref(task);
}

CASE(cancelling_frees_a_job_that_blocks_in_read)
{
    reader r;

    begin_reading(&r);
    for (int i = 0; i < 6; i++)
        interrupt_reader(&r, i % 2);
    end_reading(&r);
}

CASE(a_job_that_does_not_give_up_at_once_is_interrupted_again)
{
    reader r;

    begin_reading(&r);
    r.stubborn = 5;
    interrupt_reader(&r, 0);
    interrupt_reader(&r, 1);
    end_reading(&r);
}

CASE(a_deadline_frees_a_job_that_blocks_in_read)
{
    reader r;
    int rc = 0;

    begin_reading(&r);
    TR_DEADLINE(0.002) {
        rc = run_reader(&r);
    }
    EXPECT(rc == -EINTR || rc == TR_ECANCELED); /* the latter: it had not begun */
    end_reading(&r);
}

static void cancel_future(void *f)
{
    EXPECT(tr_future_cancel(f) == 1);
}

CASE(cancelling_its_future_frees_a_job_from_everywhere)
{
    reader r;

    begin_reading(&r);
    for (int i = 0; i < PLACES; i++) {
        tr_future *f;

        r.begun = (tr_event){ 0 };
        EXPECT(tr_pool_submit_with(&f, r.pool, read_byte, &r, NULL, &interruptible) == 0);
        EXPECT(tr_event_wait(&r.begun) == 0);
        in_place((where)i, cancel_future, f);
        EXPECT(tr_await(f) == -EINTR);
        tr_future_unref(f);
    }
    end_reading(&r);
}

/* The thread of a job that was interrupted goes on to one that must not be. */
CASE(the_next_job_of_its_thread_is_not_interrupted)
{
    reader r;

    begin_reading(&r);
    for (int i = 0; i < 10; i++) {
        tr_future *next;

        interrupt_reader(&r, i % 2);
        r.begun = (tr_event){ 0 };
        EXPECT(tr_pool_submit(&next, r.pool, read_byte, &r, NULL) == 0);
        EXPECT(tr_event_wait(&r.begun) == 0);
        EXPECT(write(r.pipe[1], "!", 1) == 1);
        EXPECT(tr_await(next) == '!');
        tr_future_unref(next);
    }
    end_reading(&r);
}

CASE(a_job_that_did_not_ask_for_it_is_not_interrupted)
{
    tr_future *f;
    reader r;

    begin_reading(&r);
    EXPECT(tr_pool_submit(&f, r.pool, read_byte, &r, NULL) == 0);
    EXPECT(tr_event_wait(&r.begun) == 0);
    EXPECT(tr_future_cancel(f) == 1);
    EXPECT(tr_sleep(0.01) == 0);
    EXPECT(!tr_future_is_done(f));
    EXPECT(write(r.pipe[1], "?", 1) == 1);
    EXPECT(tr_await(f) == '?');
    tr_future_unref(f);
    end_reading(&r);
}

CASE(a_job_that_is_not_cancelled_is_not_interrupted)
{
    tr_future *f;
    reader r;

    begin_reading(&r);
    EXPECT(tr_pool_submit_with(&f, r.pool, read_byte, &r, NULL, &interruptible) == 0);
    EXPECT(tr_event_wait(&r.begun) == 0);
    EXPECT(write(r.pipe[1], "?", 1) == 1);
    EXPECT(tr_await(f) == '?');
    EXPECT(tr_future_cancel(f) == 0);
    tr_future_unref(f);
    end_reading(&r);
}

static int run_reader_awaited(void *arg)
{
    return AWAIT(run_reader(arg));
}

static void begin_with_a_byte(void *arg)
{
    reader *r = arg;

    r->begun = (tr_event){ 0 };
    EXPECT(write(r->pipe[1], "y", 1) == 1);
}

/* It has the byte, or left it in the pipe. */
static void expect_byte(void *arg, int rc)
{
    reader *r = arg;
    char byte;

    EXPECT(rc == 'y' || rc == -EINTR || rc == TR_ECANCELED);
    if (rc != 'y')
        EXPECT(read(r->pipe[0], &byte, 1) == 1);
}

CASE(whenever_it_is_cancelled_no_byte_is_lost)
{
    static const attempt steps = { begin_with_a_byte, run_reader_awaited, expect_byte };
    reader r;

    begin_reading(&r);
    cancel_at_every_await(&steps, &r);
    end_reading(&r);
}

/* ---- wrong ---- */

CASE(bad_options_are_refused)
{
    static const int priorities[] = { TR_PRIORITY_HIGH + 1, TR_PRIORITY_LOW - 1, INT32_MAX };
    counter drops = { 0 };
    tr_future *f;

    for (size_t i = 0; i < 3; i++) {
        const tr_job_options options = { .priority = priorities[i] };

        EXPECT(tr_pool_run_with(TR_POOL_IO, never_called, NULL, &options) == TR_EINVAL);
        EXPECT(tr_pool_submit_with(&f, TR_POOL_IO, never_called, &drops, count_drop, &options) ==
               TR_EINVAL);
        EXPECT(f == NULL && count_of(&drops) == i + 1);
    }
    EXPECT(tr__pool_run_with(TR_POOL_IO, never_called, NULL, "n", NULL, 0) == TR_EINVAL);
    EXPECT(tr__pool_run_with(TR_POOL_IO, never_called, NULL, "n", NULL, 1000) == TR_EINVAL);
    EXPECT(tr_pool_run_with(NULL, never_called, NULL, NULL) == TR_EINVAL);
    EXPECT(tr_pool_submit_with(NULL, TR_POOL_IO, NULL, NULL, NULL, NULL) == TR_EINVAL);
}

static void run_in_the_wrong_place(void *limit)
{
    const tr_job_options options = { .limit = limit };

    EXPECT(tr_pool_run_with(TR_POOL_IO, never_called, NULL, &options) == TR_EWRONGPLACE);
    EXPECT(tr_pool_run_with(TR_POOL_IO, never_called, NULL, NULL) == TR_EWRONGPLACE);
}

CASE(handlers_and_callbacks_do_not_wait_for_jobs)
{
    tr_semaphore limit = TR_SEMAPHORE_INIT(1);

    call_in_handler(false, run_in_the_wrong_place, &limit);
    in_place(OTHER_LOOP, run_in_the_wrong_place, &limit);
    EXPECT(tr_semaphore_permits(&limit) == 1);
}

CASES("job_options", jobs_of_higher_priority_pass_the_others, jobs_of_one_priority_keep_their_order,
      every_sixteenth_time_the_lowest_has_its_turn, who_waits_for_a_job_may_give_it_a_priority,
      a_job_of_any_priority_can_be_taken_back, no_more_jobs_run_than_their_limit_has_permits,
      a_job_that_fails_gives_its_permit_back, a_limit_keeps_the_other_threads_of_a_pool_free,
      a_submitted_job_has_given_its_permit_back_when_its_future_ends,
      a_job_that_is_taken_back_gives_its_permit_back,
      only_a_task_awaits_a_permit_for_what_it_submits,
      whenever_its_task_is_cancelled_the_permit_is_back, cancelling_frees_a_job_that_blocks_in_read,
      a_job_that_does_not_give_up_at_once_is_interrupted_again,
      a_deadline_frees_a_job_that_blocks_in_read, cancelling_its_future_frees_a_job_from_everywhere,
      the_next_job_of_its_thread_is_not_interrupted,
      a_job_that_did_not_ask_for_it_is_not_interrupted,
      a_job_that_is_not_cancelled_is_not_interrupted, whenever_it_is_cancelled_no_byte_is_lost,
      bad_options_are_refused, handlers_and_callbacks_do_not_wait_for_jobs)
