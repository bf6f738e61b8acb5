/* Many items on the threads of a pool: tr_parallel_for, tr_map_reduce. */
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "sync/cases.h"

enum { MANY = 300 };

typedef struct board {
    counter runs[MANY];
    counter running;
    counter above; /* times that more than `most` ran at once */
    uint32_t most;
    int bad; /* the item that fails; -1: none */
    int error;
    counter done;
    counter reports;
    int report_rc;
    size_t last_report;
    tr_pool *pool;
    tr_event begun; /* item 0 */
    tr_event go;    /* it waits for this, if it is to */
    bool holds;
} board;

static board *new_board(void)
{
    board *b = calloc(1, sizeof(*b));

    EXPECT(b != NULL);
    b->bad = -1;
    b->most = MANY;
    return b;
}

static int do_item(size_t i, void *arg)
{
    board *b = arg;

    count_up(&b->running);
    if (count_of(&b->running) > b->most)
        count_up(&b->above);
    count_up(&b->runs[i]);
    if (i == 0 && b->holds) {
        EXPECT(tr_event_set(&b->begun) == 0);
        EXPECT(tr_event_wait(&b->go) == 0);
    }
    count_down(&b->running);
    if ((int)i == b->bad)
        return b->error;
    count_up(&b->done);
    return 0;
}

/* None is running, and n have been done once. */
static void expect_done(board *b, size_t n)
{
    EXPECT(count_of(&b->running) == 0 && count_of(&b->above) == 0);
    EXPECT(count_of(&b->done) == n);
    for (size_t i = 0; i < MANY; i++)
        EXPECT(count_of(&b->runs[i]) <= 1);
    memset(b->runs, 0, sizeof(b->runs));
    b->done = (counter){ 0 };
}

/* ---- from all places ---- */

static void compute_some(void *arg)
{
    static const size_t counts[] = { 1, 2, 3, 17, MANY };
    board *b = arg;

    for (size_t i = 0; i < sizeof(counts) / sizeof(counts[0]); i++) {
        EXPECT(tr_parallel_for(counts[i], do_item, b) == 0);
        expect_done(b, counts[i]);
    }
}

static int compute_some_as_job(void *b)
{
    compute_some(b);
    return 0;
}

CASE(each_item_is_done_once)
{
    board *b = new_board();

    compute_some(b);
    free(b);
}

CASE(a_thread_takes_part_itself)
{
    board *b = new_board();

    foreign_end(foreign_start(compute_some, b));
    free(b);
}

CASE(a_job_may_use_its_own_pool_and_others)
{
    board *b = new_board();

    EXPECT(tr_pool_run(TR_POOL_CPU, compute_some_as_job, b) == 0);
    EXPECT(tr_to_thread(compute_some_as_job, b) == 0);
    free(b);
}

static int do_nothing(size_t i, void *arg)
{
    (void)i;
    (void)arg;
    EXPECT(false);
    return 0;
}

CASE(of_nothing_nothing_is_done)
{
    EXPECT(tr_parallel_for(0, do_nothing, NULL) == 0);
}

static int compute_inner(size_t i, void *arg)
{
    (void)i;
    EXPECT(tr_parallel_for(10, do_item, arg) == 0);
    return 0;
}

CASE(loops_stand_within_loops)
{
    board *b = new_board();

    EXPECT(tr_parallel_for(6, compute_inner, b) == 0);
    EXPECT(count_of(&b->done) == 60);
    free(b);
}

/* ---- how many threads ---- */

CASE(no_more_threads_work_than_allowed)
{
    board *b = new_board();
    tr_pool *pool;

    EXPECT(tr_pool_new(&pool, "cases", 4) == 0);
    for (int threads = 1; threads <= 4; threads++) {
        b->most = (uint32_t)threads;
        EXPECT(tr_parallel_for_with(MANY, do_item, b,
                                    &(tr_parallel_options){ .pool = pool, .threads = threads }) ==
               0);
        expect_done(b, MANY);
    }
    EXPECT(tr_pool_free(pool) == 0);
    free(b);
}

CASE(a_grain_does_not_lose_an_item)
{
    static const size_t grains[] = { 1, 2, 7, 100, MANY - 1, MANY, MANY + 1, SIZE_MAX };
    board *b = new_board();

    for (size_t i = 0; i < sizeof(grains) / sizeof(grains[0]); i++) {
        EXPECT(tr_parallel_for_with(MANY, do_item, b,
                                    &(tr_parallel_options){ .grain = grains[i] }) == 0);
        expect_done(b, MANY);
    }
    free(b);
}

/* The pool has one thread, in a job for long: what can't begin is not waited for. */
static int hold_thread(void *arg)
{
    board *b = arg;

    EXPECT(tr_event_set(&b->begun) == 0);
    EXPECT(tr_event_wait(&b->go) == 0);
    return 0;
}

static void compute_in_busy_pool(void *arg)
{
    board *b = arg;

    EXPECT(tr_parallel_for_with(MANY, do_item, b, &(tr_parallel_options){ .pool = b->pool }) == 0);
    expect_done(b, MANY);
}

CASE(a_thread_does_it_alone_where_its_pool_is_full)
{
    board *b = new_board();
    tr_future *f;

    EXPECT(tr_pool_new(&b->pool, "cases", 2) == 0);
    EXPECT(tr_pool_submit(&f, b->pool, hold_thread, b, NULL) == 0);
    EXPECT(tr_event_wait(&b->begun) == 0);
    foreign_end(foreign_start(compute_in_busy_pool, b));
    compute_in_busy_pool(b); /* a task, on the other thread */
    EXPECT(!tr_future_is_done(f));
    EXPECT(tr_event_set(&b->go) == 0);
    EXPECT(tr_await(f) == 0);
    tr_future_unref(f);
    EXPECT(tr_pool_free(b->pool) == 0);
    free(b);
}

/* ---- failures ---- */

CASE(the_first_failure_ends_it)
{
    board *b = new_board();

    b->error = TR_EBUSY;
    for (b->bad = 0; b->bad < MANY; b->bad += 50) {
        EXPECT(tr_parallel_for(MANY, do_item, b) == TR_EBUSY);
        EXPECT(count_of(&b->running) == 0 && count_of(&b->done) < MANY);
        memset(b->runs, 0, sizeof(b->runs));
        b->done = (counter){ 0 };
    }
    free(b);
}

static void compute_with_failure(void *arg)
{
    board *b = arg;

    b->bad = 20;
    b->error = TR_EPIPE;
    EXPECT(tr_parallel_for(MANY, do_item, b) == TR_EPIPE);
    EXPECT(count_of(&b->running) == 0 && count_of(&b->done) < MANY);
}

CASE(a_thread_hears_of_the_failure_of_others)
{
    board *b = new_board();

    foreign_end(foreign_start(compute_with_failure, b));
    free(b);
}

/* ---- cancellation ---- */

static int wait_until_cancelled(size_t i, void *arg)
{
    board *b = arg;

    count_up(&b->running);
    if (i == 0)
        EXPECT(tr_event_set(&b->begun) == 0);
    while (!tr_cancelled())
        EXPECT(tr_event_wait_for(&b->go, 0.0001) == TR_ETIMEDOUT);
    count_down(&b->running);
    return 0;
}

static int compute_for_ever(void *arg)
{
    return tr_parallel_for(MANY, wait_until_cancelled, arg);
}

CASE(cancelling_its_task_ends_it)
{
    for (int loop = 0; loop < 2; loop++) {
        board *b = new_board();
        tr_task *task;

        EXPECT(tr_task_spawn_on(&task, TR_LOOP(loop), compute_for_ever, b) == 0);
        EXPECT(tr_event_wait(&b->begun) == 0);
        EXPECT(tr_task_cancel(task) == 1);
        EXPECT(tr_task_wait(task, TR_FOREVER) == TR_ECANCELED);
        EXPECT(count_of(&b->running) == 0);
        tr_task_unref(task);
        free(b);
    }
}

CASE(cancelling_its_job_ends_it)
{
    board *b = new_board();
    tr_future *f;

    EXPECT(tr_pool_submit(&f, TR_POOL_IO, compute_for_ever, b, NULL) == 0);
    EXPECT(tr_event_wait(&b->begun) == 0);
    EXPECT(tr_future_cancel(f) == 1);
    EXPECT(tr_await(f) == TR_ECANCELED);
    EXPECT(count_of(&b->running) == 0);
    tr_future_unref(f);
    free(b);
}

CASE(a_deadline_ends_it)
{
    board *b = new_board();
    int rc = 0;

    TR_DEADLINE(0.001, &rc) {
        rc = compute_for_ever(b);
    }
    EXPECT(rc == TR_ETIMEDOUT && count_of(&b->running) == 0);
    free(b);
}

static int compute_awaited(void *b)
{
    return AWAIT(tr_parallel_for(20, do_item, b));
}

static int reduce_awaited(void *arg);
static void clear(void *b)
{
    *(board *)b = (board){ .bad = -1, .most = MANY };
}

static void expect_whole(void *arg, int rc)
{
    board *b = arg;

    EXPECT(rc == 0 || rc == TR_ECANCELED);
    EXPECT(count_of(&b->running) == 0 && (rc < 0 || count_of(&b->done) == 20));
}

CASE(whenever_it_is_cancelled_nothing_is_left_running)
{
    static const attempt loop = { clear, compute_awaited, expect_whole };
    static const attempt sum = { clear, reduce_awaited, expect_whole };
    board *b = new_board();

    cancel_at_every_await(&loop, b);
    cancel_at_every_await(&sum, b);
    free(b);
}

/* ---- progress ---- */

static int report(size_t done, size_t n, void *arg)
{
    board *b = arg;

    EXPECT(done < n && n == MANY && done >= b->last_report);
    b->last_report = done;
    count_up(&b->reports);
    if (b->holds && (count_of(&b->reports) == 3 || b->report_rc < 0))
        EXPECT(tr_event_set(&b->go) == 0);
    return b->report_rc;
}

static const tr_parallel_options reporting = { .progress = report, .progress_s = 0.0001 };

static void compute_reporting(void *arg)
{
    board *b = arg;

    b->holds = true; /* the first item waits for the third report */
    EXPECT(tr_parallel_for_with(MANY, do_item, b, &reporting) == 0);
    EXPECT(count_of(&b->reports) >= 3);
    expect_done(b, MANY);
}

CASE(the_caller_hears_of_progress)
{
    board *b = new_board();

    compute_reporting(b);
    free(b);
}

/* It works itself, and reports between two items: so none can wait for that. */
static const tr_parallel_options reporting_all = { .progress = report, .progress_s = 1e-9 };

static void compute_and_report(void *arg)
{
    board *b = arg;

    EXPECT(tr_parallel_for_with(MANY, do_item, b, &reporting_all) == 0);
    EXPECT(count_of(&b->reports) > 0);
    expect_done(b, MANY);
}

CASE(so_does_a_thread)
{
    board *b = new_board();

    foreign_end(foreign_start(compute_and_report, b));
    free(b);
}

static void compute_and_refuse(void *arg)
{
    board *b = arg;

    b->report_rc = TR_EBUSY;
    EXPECT(tr_parallel_for_with(MANY, do_item, b, &reporting_all) == TR_EBUSY);
    EXPECT(count_of(&b->running) == 0); /* the last item may have been on its way */
}

CASE(who_reports_may_end_it)
{
    board *b = new_board();

    b->holds = true;
    compute_and_refuse(b);
    *b = (board){ .bad = -1, .most = MANY };
    foreign_end(foreign_start(compute_and_refuse, b));
    free(b);
}

/* ---- reducing ---- */

static int add_item(size_t i, void *gathered, void *arg)
{
    (void)arg;
    *(uint64_t *)gathered += i;
    return 0;
}

static void add_sums(void *gathered, const void *other, void *arg)
{
    (void)arg;
    *(uint64_t *)gathered += *(const uint64_t *)other;
}

static void sum_some(void *unused)
{
    static const size_t counts[] = { 0, 1, 2, 255, 256, 257, 1000 };

    (void)unused;
    for (size_t i = 0; i < sizeof(counts) / sizeof(counts[0]); i++) {
        uint64_t sum = 0;
        size_t n = counts[i];

        EXPECT(tr_map_reduce(&sum, sizeof(sum), n, add_item, add_sums, NULL) == 0);
        EXPECT(sum == (n > 0 ? n * (n - 1) / 2 : 0));
    }
}

static int sum_some_as_job(void *unused)
{
    sum_some(unused);
    return 0;
}

CASE(what_is_gathered_from_all_items_is_whole)
{
    sum_some(NULL);
    foreign_end(foreign_start(sum_some, NULL));
    EXPECT(tr_pool_run(TR_POOL_CPU, sum_some_as_job, NULL) == 0);
}

static int reduce_awaited(void *arg)
{
    board *b = arg;
    uint64_t sum = 0;
    int rc = AWAIT(tr_map_reduce(&sum, sizeof(sum), 20, add_item, add_sums, NULL));

    EXPECT(sum == (rc == 0 ? 190 : 0));
    while (rc == 0 && count_of(&b->done) < 20)
        count_up(&b->done);
    return rc;
}

/* Letters, one behind the other: associative, and nothing else. */
typedef struct text {
    size_t length;
    char letters[64];
} text;

static int append_letter(size_t i, void *gathered, void *arg)
{
    text *t = gathered;

    (void)arg;
    EXPECT(t->length < sizeof(t->letters));
    t->letters[t->length++] = (char)('A' + i);
    return 0;
}

static void append_text(void *gathered, const void *other, void *arg)
{
    text *t = gathered;
    const text *more = other;

    (void)arg;
    EXPECT(t->length + more->length <= sizeof(t->letters));
    memcpy(t->letters + t->length, more->letters, more->length);
    t->length += more->length;
}

CASE(groups_are_put_together_in_their_order)
{
    for (size_t grain = 0; grain < 12; grain++) {
        text all = { .length = 0 };

        EXPECT(tr_map_reduce_with(&all, sizeof(all), 26, append_letter, append_text, NULL,
                                  &(tr_parallel_options){ .grain = grain }) == 0);
        EXPECT(all.length == 26 && memcmp(all.letters, "ABCDEFGHIJKLMNOPQRSTUVWXYZ", 26) == 0);
    }
}

static int add_reciprocal(size_t i, void *gathered, void *arg)
{
    (void)arg;
    *(double *)gathered += 1 / (double)(i + 1);
    return 0;
}

static void add_doubles(void *gathered, const void *other, void *arg)
{
    (void)arg;
    *(double *)gathered += *(const double *)other;
}

CASE(a_sum_of_floating_point_numbers_is_the_same_on_however_many_threads)
{
    double first = 0;

    for (int threads = 1; threads <= 3; threads++) {
        double sum = 0;

        EXPECT(tr_map_reduce_with(
                   &sum, sizeof(sum), 1000, add_reciprocal, add_doubles, NULL,
                   &(tr_parallel_options){ .pool = TR_POOL_IO, .threads = threads }) == 0);
        if (threads == 1)
            first = sum;
        EXPECT(memcmp(&sum, &first, sizeof(sum)) == 0 && sum > 7 && sum < 8);
    }
}

static int add_until_bad(size_t i, void *gathered, void *arg)
{
    return i == 100 ? TR_EBUSY : add_item(i, gathered, arg);
}

CASE(a_result_is_left_alone_when_an_item_fails)
{
    uint64_t sum = 0;

    EXPECT(tr_map_reduce(&sum, sizeof(sum), 1000, add_until_bad, add_sums, NULL) == TR_EBUSY);
    EXPECT(sum == 0);
}

/* ---- wrong ---- */

static void compute_in_the_wrong_place(void *b)
{
    uint64_t sum = 0;

    EXPECT(tr_parallel_for(MANY, do_item, b) == TR_EWRONGPLACE);
    EXPECT(tr_map_reduce(&sum, sizeof(sum), 5, add_item, add_sums, NULL) == TR_EWRONGPLACE);
}

CASE(handlers_and_callbacks_do_not_compute)
{
    call_in_handler(false, compute_in_the_wrong_place, NULL);
    in_place(OTHER_LOOP, compute_in_the_wrong_place, NULL);
}

static void compute_here(void *b)
{
    EXPECT(tr_parallel_for(MANY, do_item, b) == 0);
}

CASE(handlers_that_await_do)
{
    board *b = new_board();

    call_in_handler(true, compute_here, b);
    expect_done(b, MANY);
    free(b);
}

CASE(bad_arguments_are_refused)
{
    static const tr_parallel_options bad[] = {
        { .threads = -1 },    { .priority = 2 },     { .priority = -2 },
        { .progress_s = -1 }, { .progress_s = NAN },
    };
    uint64_t sum = 0;

    for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
        EXPECT(tr_parallel_for_with(5, do_nothing, NULL, &bad[i]) == TR_EINVAL);
        EXPECT(tr_map_reduce_with(&sum, sizeof(sum), 5, add_item, add_sums, NULL, &bad[i]) ==
               TR_EINVAL);
    }
    EXPECT(tr_parallel_for(5, NULL, NULL) == TR_EINVAL);
    EXPECT(tr_parallel_for(SIZE_MAX, do_nothing, NULL) == TR_EINVAL);
    EXPECT(tr__parallel_for(5, do_nothing, NULL, "n", NULL, 0) == TR_EINVAL);
    EXPECT(tr__parallel_for(5, do_nothing, NULL, "n", NULL, 1000) == TR_EINVAL);
    EXPECT(tr_map_reduce(NULL, 8, 5, add_item, add_sums, NULL) == TR_EINVAL);
    EXPECT(tr_map_reduce(&sum, 0, 5, add_item, add_sums, NULL) == TR_EINVAL);
    EXPECT(tr_map_reduce(&sum, 8, 5, NULL, add_sums, NULL) == TR_EINVAL);
    EXPECT(tr_map_reduce(&sum, 8, 5, add_item, NULL, NULL) == TR_EINVAL);
    EXPECT(tr_map_reduce(&sum, SIZE_MAX / 2, 5, add_item, add_sums, NULL) == TR_ENOMEM);
    EXPECT(sum == 0);
}

CASES("parallel", each_item_is_done_once, a_thread_takes_part_itself,
      a_job_may_use_its_own_pool_and_others, of_nothing_nothing_is_done, loops_stand_within_loops,
      no_more_threads_work_than_allowed, a_grain_does_not_lose_an_item,
      a_thread_does_it_alone_where_its_pool_is_full, the_first_failure_ends_it,
      a_thread_hears_of_the_failure_of_others, cancelling_its_task_ends_it,
      cancelling_its_job_ends_it, a_deadline_ends_it,
      whenever_it_is_cancelled_nothing_is_left_running, the_caller_hears_of_progress,
      so_does_a_thread, who_reports_may_end_it, what_is_gathered_from_all_items_is_whole,
      groups_are_put_together_in_their_order,
      a_sum_of_floating_point_numbers_is_the_same_on_however_many_threads,
      a_result_is_left_alone_when_an_item_fails, handlers_and_callbacks_do_not_compute,
      handlers_that_await_do, bad_arguments_are_refused)
