/* A function for each item of an array, so many at once. */
#include <string.h>

#include "sync/cases.h"

typedef struct job {
    int number;
    int result; /* of fn */
    int doubled;
    bool was_cut;
} job;

/* How many run, and the most that ever did: all on one loop. */
static int running;
static int most;

static void count_in(void)
{
    running++;
    if (running > most)
        most = running;
}

static int double_it(void *item)
{
    job *j = item;

    count_in();
    for (int i = 0; i < (j->result < 0 ? 1 : 3); i++) {
        int rc = tr_yield();

        if (rc < 0) {
            j->was_cut = true;
            running--;
            return rc;
        }
    }
    running--;
    j->doubled = 2 * j->number;
    return j->result;
}

static void fill(job *jobs, int n)
{
    running = 0;
    most = 0;
    for (int i = 0; i < n; i++)
        jobs[i] = (job){ .number = i };
}

static int done(const job *jobs, int n)
{
    int count = 0;

    for (int i = 0; i < n; i++)
        count += jobs[i].doubled == 2 * i && jobs[i].doubled > 0;
    return count;
}

CASE(each_item_is_done_in_its_place)
{
    job jobs[20];

    fill(jobs, 20);
    EXPECT(tr_map(jobs, 20, sizeof(jobs[0]), 4, double_it) == 0);
    for (int i = 0; i < 20; i++)
        EXPECT(jobs[i].doubled == 2 * i);
    EXPECT(most == 4 && running == 0);
}

CASE(without_a_limit_all_run_at_once)
{
    job jobs[20];

    fill(jobs, 20);
    EXPECT(tr_map(jobs, 20, sizeof(jobs[0]), 0, double_it) == 0);
    EXPECT(most == 20 && done(jobs, 20) == 19);
}

CASE(a_limit_of_one_is_one_after_the_other)
{
    job jobs[5];

    fill(jobs, 5);
    EXPECT(tr_map(jobs, 5, sizeof(jobs[0]), 1, double_it) == 0);
    EXPECT(most == 1 && done(jobs, 5) == 4);
}

CASE(a_limit_above_their_number_does_not_matter)
{
    job jobs[3];

    fill(jobs, 3);
    EXPECT(tr_map(jobs, 3, sizeof(jobs[0]), SIZE_MAX, double_it) == 0);
    EXPECT(most == 3 && done(jobs, 3) == 2);
}

CASE(of_nothing_nothing_is_done)
{
    EXPECT(tr_map(NULL, 0, 0, 0, double_it) == 0);
    EXPECT(tr_map(NULL, 0, 4, 7, double_it) == 0);
}

static int note_item(void *item)
{
    note(*(const char *)item);
    return 0;
}

CASE(items_are_begun_in_their_order)
{
    char letters[] = "abcdef";

    EXPECT(tr_map(letters, 6, 1, 2, note_item) == 0);
    EXPECT(strcmp(notes(), "abcdef") == 0);
}

CASE(results_above_zero_are_success)
{
    job jobs[3];

    fill(jobs, 3);
    jobs[1].result = 5;
    EXPECT(tr_map(jobs, 3, sizeof(jobs[0]), 0, double_it) == 0);
}

CASE(the_first_failure_cancels_the_others)
{
    job jobs[6];

    fill(jobs, 6);
    jobs[1].result = TR_EBUSY;
    jobs[3].result = TR_EPIPE;
    EXPECT(tr_map(jobs, 6, sizeof(jobs[0]), 0, double_it) == TR_EBUSY);
    EXPECT(running == 0 && jobs[2].was_cut && jobs[5].was_cut);
}

CASE(after_a_failure_no_more_are_begun)
{
    job jobs[20];

    fill(jobs, 20);
    jobs[4].result = TR_EBUSY;
    EXPECT(tr_map(jobs, 20, sizeof(jobs[0]), 2, double_it) == TR_EBUSY);
    EXPECT(running == 0 && most == 2);
    for (int i = 6; i < 20; i++)
        EXPECT(jobs[i].doubled == 0 && !jobs[i].was_cut);
}

static int fail_at_once(void *item)
{
    note('f');
    (void)item;
    return TR_EAGAIN;
}

CASE(a_failure_without_an_await_is_one_too)
{
    char letters[8] = { 0 };

    EXPECT(tr_map(letters, sizeof(letters), 1, 1, fail_at_once) == TR_EAGAIN);
    EXPECT(strcmp(notes(), "f") == 0);
}

static int cancel_oneself(void *item)
{
    return *(const int *)item % 2 == 0 ? TR_ECANCELED : 0;
}

CASE(an_item_that_ends_as_cancelled_has_not_failed)
{
    int numbers[6] = { 0, 1, 2, 3, 4, 5 };

    EXPECT(tr_map(numbers, 6, sizeof(numbers[0]), 2, cancel_oneself) == 0);
}

static int hold_out(void *item)
{
    job *j = item;
    int rc = tr_sleep(TR_FOREVER);

    TR_SHIELD(TR_FOREVER) {
        EXPECT(tr_sleep(0.0001) == 0);
    }
    j->was_cut = true;
    return rc;
}

CASE(a_deadline_around_it_ends_all)
{
    job jobs[5];
    int rc = 0;

    fill(jobs, 5);
    TR_DEADLINE(0.001, &rc) {
        rc = tr_map(jobs, 5, sizeof(jobs[0]), 3, hold_out);
    }
    EXPECT(rc == TR_ETIMEDOUT);
    for (int i = 0; i < 5; i++)
        EXPECT(jobs[i].was_cut == (i < 3)); /* the last two were never begun */
}

CASE(children_inherit_the_deadline_of_their_parent)
{
    job one = { .number = 1 };
    int rc = 0;

    TR_DEADLINE(1000, &rc) {
        rc = tr_map(&one, 1, sizeof(one), 0, double_it);
    }
    EXPECT(rc == 0 && one.doubled == 2);
}

static int map_within(void *item)
{
    job *row = *(job **)item;

    return tr_map(row, 4, sizeof(*row), 2, double_it);
}

CASE(maps_stand_within_maps)
{
    job jobs[12];
    job *rows[3] = { jobs, jobs + 4, jobs + 8 };

    fill(jobs, 12);
    EXPECT(tr_map(rows, 3, sizeof(rows[0]), 2, map_within) == 0);
    EXPECT(done(jobs, 12) == 11 && most == 4);
}

static int square(void *number)
{
    *(int *)number *= *(int *)number;
    return 0;
}

static int square_on_thread(void *number)
{
    return tr_to_thread(square, number);
}

CASE(work_that_blocks_is_done_by_threads)
{
    int numbers[10];

    for (int i = 0; i < 10; i++)
        numbers[i] = i;
    EXPECT(tr_map(numbers, 10, sizeof(numbers[0]), 3, square_on_thread) == 0);
    for (int i = 0; i < 10; i++)
        EXPECT(numbers[i] == i * i);
}

static int map_awaited(void *jobs)
{
    return AWAIT(tr_map((job *)jobs, 6, sizeof(job), 2, double_it));
}

static void begin_jobs(void *jobs)
{
    fill(jobs, 6);
}

static void expect_none_running(void *jobs, int rc)
{
    EXPECT(rc == TR_ECANCELED || rc == 0);
    EXPECT(running == 0 && (rc != 0 || done(jobs, 6) == 5));
}

CASE(whenever_it_is_cancelled_nothing_is_left_running)
{
    static const attempt steps = { begin_jobs, map_awaited, expect_none_running };
    job jobs[6];

    cancel_at_every_await(&steps, jobs);
}

/* ---- wrong ---- */

static void map_in_the_wrong_place(void *jobs)
{
    EXPECT(tr_map((job *)jobs, 2, sizeof(job), 0, double_it) == TR_EWRONGPLACE);
    EXPECT(tr_map(NULL, 0, 1, 0, double_it) == TR_EWRONGPLACE);
}

CASE(only_tasks_map)
{
    job jobs[2];

    fill(jobs, 2);
    call_elsewhere(map_in_the_wrong_place, jobs);
    EXPECT(most == 0);
}

CASE(bad_arguments_are_refused)
{
    job jobs[2];
    tr_task_fn none = NULL;

    fill(jobs, 2);
    EXPECT(tr_map(NULL, 2, sizeof(job), 0, double_it) == TR_EINVAL);
    EXPECT(tr_map(jobs, 2, 0, 0, double_it) == TR_EINVAL);
    EXPECT(tr_map(jobs, 2, sizeof(job), 0, none) == TR_EINVAL);
    EXPECT(most == 0);
}

CASES("map", each_item_is_done_in_its_place, without_a_limit_all_run_at_once,
      a_limit_of_one_is_one_after_the_other, a_limit_above_their_number_does_not_matter,
      of_nothing_nothing_is_done, items_are_begun_in_their_order, results_above_zero_are_success,
      the_first_failure_cancels_the_others, after_a_failure_no_more_are_begun,
      a_failure_without_an_await_is_one_too, an_item_that_ends_as_cancelled_has_not_failed,
      a_deadline_around_it_ends_all, children_inherit_the_deadline_of_their_parent,
      maps_stand_within_maps, work_that_blocks_is_done_by_threads,
      whenever_it_is_cancelled_nothing_is_left_running, only_tasks_map, bad_arguments_are_refused)
