/* Streams. */
#include <stdlib.h>
#include <string.h>

#include "sync/cases.h"

struct count_args {
    int from;
    int to;
    int result;
    bool notes;
};

static int count(tr_stream *out, void *arg)
{
    const struct count_args *a = arg;
    int rc = 0;

    if (a->notes)
        note('<');
    for (int i = a->from; rc == 0 && i < a->to; i++)
        rc = tr_emit(out, &i);
    if (a->notes)
        note(rc == TR_ECANCELED ? '!' : '>');
    return rc < 0 ? rc : a->result;
}

static tr_stream *numbers(int from, int to)
{
    tr_stream *s = NULL;

    EXPECT(tr_generate(&s, sizeof(int), count, from, to, 0, false) == 0);
    return s;
}

static tr_stream *noted(int from, int to)
{
    tr_stream *s = NULL;

    EXPECT(tr_generate(&s, sizeof(int), count, from, to, 0, true) == 0);
    return s;
}

static void release(tr_stream *s)
{
    EXPECT(tr_stream_free(s) == 0);
}

/* The items of a stream that ends well; it is freed. */
static void expect_items(tr_stream *s, const int *items, size_t n)
{
    size_t i = 0;

    EXPECT(s != NULL);
    TR_FOREACH(int, item, s)
    {
        EXPECT(i < n && item == items[i]);
        i++;
    }
    EXPECT(i == n);
    EXPECT(tr_stream_status(s) == 0);
    release(s);
}

#define EXPECT_ITEMS(s, ...)                                                                       \
    expect_items((s), (const int[]){ __VA_ARGS__ }, sizeof((int[]){ __VA_ARGS__ }) / sizeof(int))

/* ---- generators ---- */

CASE(items_come_in_the_order_in_which_they_were_emitted)
{
    EXPECT_ITEMS(numbers(1, 6), 1, 2, 3, 4, 5);
}

CASE(a_stream_may_be_empty)
{
    expect_items(numbers(1, 1), NULL, 0);
}

CASE(a_generator_begins_when_it_is_asked)
{
    tr_stream *s = noted(0, 2);
    int item = -1;

    let_others_run();
    EXPECT(strcmp(notes(), "") == 0);
    EXPECT(tr_stream_status(s) == TR_EAGAIN);
    EXPECT(tr_stream_next(s, &item) == 1 && item == 0);
    EXPECT(tr_stream_next(s, &item) == 1 && item == 1);
    EXPECT(tr_stream_next(s, &item) == 0 && item == 1);
    EXPECT(tr_stream_next(s, &item) == 0);
    EXPECT(tr_stream_status(s) == 0);
    EXPECT(strcmp(notes(), "<>") == 0);
    release(s);
}

CASE(a_generator_that_was_never_asked_never_begins)
{
    release(noted(0, 5));
    EXPECT(strcmp(notes(), "") == 0);
    release(NULL);
}

CASE(leaving_early_lets_the_generator_clean_up)
{
    tr_stream *s = noted(0, 100);
    int seen = 0;

    TR_FOREACH(int, item, s)
    {
        EXPECT(item == seen);
        if (++seen == 3)
            break;
    }
    EXPECT(strcmp(notes(), "<!") == 0);
    EXPECT(seen == 3);
    EXPECT(tr_stream_status(s) == 0);
    release(s);
}

static int first_of(tr_stream *s)
{
    TR_FOREACH(int, item, s)
    {
        return item;
    }
    return -1;
}

CASE(returning_from_the_loop_lets_it_clean_up_too)
{
    tr_stream *s = noted(7, 100);

    EXPECT(first_of(s) == 7);
    EXPECT(strcmp(notes(), "<!") == 0);
    release(s);
}

CASE(continuing_takes_the_next)
{
    tr_stream *s = numbers(0, 10);
    int sum = 0;

    TR_FOREACH(int, item, s)
    {
        if (item % 2 == 0)
            continue;
        sum += item;
    }
    EXPECT(sum == 1 + 3 + 5 + 7 + 9);
    release(s);
}

CASE(the_error_of_a_generator_comes_after_its_items)
{
    tr_stream *s;
    int seen = 0;
    int item;

    EXPECT(tr_generate(&s, sizeof(int), count, 0, 3, TR_EBUSY, false) == 0);
    TR_FOREACH(int, i, s)
    {
        EXPECT(i == seen);
        seen++;
    }
    EXPECT(seen == 3);
    EXPECT(tr_stream_status(s) == TR_EBUSY);
    EXPECT(tr_stream_next(s, &item) == TR_EBUSY);
    release(s);
}

CASE(a_stream_of_other_items_is_refused_by_the_loop)
{
    tr_stream *s = numbers(0, 3);

    TR_FOREACH(char, item, s)
    {
        EXPECT(item != item);
    }
    EXPECT(tr_stream_status(s) == TR_EINVAL);
    release(s);
    TR_FOREACH(int, item, NULL)
    {
        EXPECT(item != item);
    }
}

static int emit_in_children(tr_stream *out, void *arg);

struct emit_some_args {
    tr_stream *out;
    int from;
};

static int emit_some(void *arg)
{
    const struct emit_some_args *a = arg;
    int rc = 0;

    for (int i = 0; rc == 0 && i < 10; i++)
        rc = tr_emit(a->out, &(int){ a->from + i });
    return rc;
}

static int emit_in_children(tr_stream *out, void *arg)
{
    int rc;

    (void)arg;
    TR_SCOPE(s, &rc) {
        tr_go(s, emit_some, out, 0);
        EXPECT(tr_go_on(s, TR_LOOP(1), emit_some, out, 100) == 0);
    }
    return rc;
}

CASE(children_of_a_generator_may_emit_also_on_other_loops)
{
    tr_stream *s;
    int next[2] = { 0, 100 };

    EXPECT(tr_stream_new(&s, emit_in_children, NULL,
                         &(tr_stream_options){ .item_bytes = sizeof(int) }) == 0);
    TR_FOREACH(int, item, s)
    {
        EXPECT(item == next[item >= 100]);
        next[item >= 100]++;
    }
    EXPECT(next[0] == 10 && next[1] == 110);
    release(s);
}

/* ---- time and cancellation ---- */

static int never(tr_stream *out, void *arg)
{
    int rc = tr_sleep(TR_FOREVER);

    (void)out;
    note('c');
    return arg != NULL ? *(int *)arg : rc;
}

static tr_stream *silent(int *result)
{
    tr_stream *s = NULL;

    EXPECT(tr_stream_new(&s, never, result, &(tr_stream_options){ .item_bytes = sizeof(int) }) ==
           0);
    return s;
}

CASE(waiting_for_an_item_ends_with_its_time)
{
    tr_stream *s = silent(NULL);
    int item = 5;

    EXPECT(tr_stream_next_for(s, &item, 0) == TR_ETIMEDOUT);
    EXPECT(tr_stream_next_for(s, &item, 0.001) == TR_ETIMEDOUT);
    EXPECT(item == 5);
    EXPECT(tr_stream_status(s) == TR_EAGAIN); /* it goes on */
    release(s);
    EXPECT(strcmp(notes(), "c") == 0);
}

CASE(a_loop_that_is_cancelled_says_so)
{
    tr_stream *s = silent(NULL);
    int rc = 0;

    TR_DEADLINE(0.001, &rc) {
        TR_FOREACH(int, item, s)
        {
            EXPECT(item != item);
        }
        rc = tr_stream_status(s);
        EXPECT(rc == TR_ECANCELED);
    }
    EXPECT(rc == TR_ETIMEDOUT);
    EXPECT(strcmp(notes(), "c") == 0);
    release(s);
}

CASE(an_error_of_the_clean_up_is_the_status)
{
    int result = TR_EBUSY;
    tr_stream *s = silent(&result);
    int item;

    EXPECT(tr_stream_next_for(s, &item, 0.001) == TR_ETIMEDOUT);
    EXPECT(tr_stream_close(s) == 0);
    EXPECT(tr_stream_close(s) == 0);
    EXPECT(tr_stream_status(s) == TR_EBUSY);
    EXPECT(tr_stream_next(s, &item) == TR_EBUSY);
    release(s);
}

static void take_as_thread(void *s)
{
    int item;

    for (int i = 0; i < 5; i++)
        EXPECT(tr_stream_next(s, &item) == 1 && item == i);
    EXPECT(tr_stream_next_for(s, &item, 1000) == 1 && item == 5);
    EXPECT(tr_stream_close(s) == 0);
}

CASE(a_thread_may_take_what_a_task_makes)
{
    tr_stream *s = noted(0, 100);

    foreign_end(foreign_start(take_as_thread, s));
    EXPECT(strcmp(notes(), "<!") == 0);
    release(s);
}

typedef struct taking {
    int taken;
} taking;

static int take_some(void *arg)
{
    taking *t = arg;
    tr_stream *s = noted(0, 5);
    tr_stream *doubled tr_cleanup_stream = NULL;
    int rc;
    int item;

    EXPECT(tr_stream_buffer(&doubled, s, 2) == 0);
    while ((rc = AWAIT(tr_stream_next(doubled, &item))) == 1) {
        EXPECT(item == t->taken);
        t->taken++;
    }
    return rc;
}

static void begin_taking(void *arg)
{
    ((taking *)arg)->taken = 0;
}

static void expect_clean(void *arg, int rc)
{
    int open = 0;

    EXPECT(rc == TR_ECANCELED || (rc == 0 && ((taking *)arg)->taken == 5));
    for (const char *at = notes(); *at != '\0'; at++)
        open += *at == '<' ? 1 : -1;
    EXPECT(open == 0);
}

CASE(all_generators_clean_up_whenever_who_takes_is_cancelled)
{
    taking t;

    cancel_at_every_await(&(attempt){ begin_taking, take_some, expect_clean }, &t);
}

/* ---- stages ---- */

static int half(const void *in, void *out, void *ctx)
{
    *(double *)out = *(const int *)in / 2.0;
    return *(const int *)in == *(int *)ctx ? TR_EBUSY : 0;
}

CASE(map_makes_another_item_of_each)
{
    tr_stream *s;
    int bad = -1;
    double expected = 0.5;

    EXPECT(tr_stream_map(&s, numbers(1, 5), sizeof(double), half, &bad) == 0);
    TR_FOREACH(double, item, s)
    {
        EXPECT(item == expected);
        expected += 0.5;
    }
    EXPECT(expected == 2.5);
    EXPECT(tr_stream_status(s) == 0);
    release(s);
}

CASE(an_error_of_map_ends_the_stream)
{
    tr_stream *s;
    int bad = 3;
    int seen = 0;

    EXPECT(tr_stream_map(&s, noted(1, 50), sizeof(double), half, &bad) == 0);
    TR_FOREACH(double, item, s)
    {
        EXPECT(item < 1.5);
        seen++;
    }
    EXPECT(seen == 2);
    EXPECT(tr_stream_status(s) == TR_EBUSY);
    EXPECT(strcmp(notes(), "<!") == 0); /* the source, too, has been closed */
    release(s);
}

static bool is_even(const void *item, void *ctx)
{
    (void)ctx;
    return *(const int *)item % 2 == 0;
}

CASE(filter_keeps_some)
{
    tr_stream *s;

    EXPECT(tr_stream_filter(&s, numbers(1, 9), is_even, NULL) == 0);
    EXPECT_ITEMS(s, 2, 4, 6, 8);
}

CASE(take_ends_early_and_closes_its_source)
{
    tr_stream *s;

    EXPECT(tr_stream_take(&s, noted(1, 1000), 3) == 0);
    EXPECT_ITEMS(s, 1, 2, 3);
    EXPECT(strcmp(notes(), "<!") == 0);
    EXPECT(tr_stream_take(&s, numbers(1, 3), 10) == 0);
    EXPECT_ITEMS(s, 1, 2);
    EXPECT(tr_stream_take(&s, numbers(1, 3), 0) == 0);
    expect_items(s, NULL, 0);
}

CASE(buffer_lets_the_source_run_ahead)
{
    tr_stream *s;
    int item;

    EXPECT(tr_stream_buffer(&s, noted(0, 4), 8) == 0);
    EXPECT(tr_stream_next(s, &item) == 1 && item == 0);
    let_others_run();
    EXPECT(strcmp(notes(), "<>") == 0); /* it has made all, though nobody has asked */
    for (int i = 1; i < 4; i++)
        EXPECT(tr_stream_next(s, &item) == 1 && item == i);
    EXPECT(tr_stream_next(s, &item) == 0);
    release(s);
}

CASE(merge_has_the_items_of_all_sources)
{
    tr_stream *sources[] = { numbers(0, 10), numbers(100, 110), numbers(200, 201) };
    tr_stream *s;
    int next[] = { 0, 100, 200 };

    EXPECT(tr_stream_merge(&s, sources, 3) == 0);
    TR_FOREACH(int, item, s)
    {
        EXPECT(item == next[item / 100]);
        next[item / 100]++;
    }
    EXPECT(tr_stream_status(s) == 0);
    EXPECT(next[0] == 10 && next[1] == 110 && next[2] == 201);
    release(s);
}

CASE(the_first_source_that_fails_ends_a_merge)
{
    tr_stream *sources[2] = { noted(0, 100000), NULL };
    tr_stream *s;

    EXPECT(tr_generate(&sources[1], sizeof(int), count, 0, 2, TR_EBUSY, false) == 0);
    EXPECT(tr_stream_merge(&s, sources, 2) == 0);
    TR_FOREACH(int, item, s)
    {
        EXPECT(item >= 0);
    }
    EXPECT(tr_stream_status(s) == TR_EBUSY);
    EXPECT(strcmp(notes(), "<!") == 0);
    release(s);
}

CASE(chunk_takes_several_together)
{
    tr_stream *s;
    int next = 0;

    EXPECT(tr_stream_chunk(&s, numbers(0, 8), 3, TR_FOREVER) == 0);
    TR_FOREACH(tr_chunk, chunk, s)
    {
        EXPECT(chunk.count == (next < 6 ? 3 : 2));
        for (size_t i = 0; i < chunk.count; i++)
            EXPECT(((int *)chunk.items)[i] == next++);
        tr_chunk_free(&chunk);
        EXPECT(chunk.items == NULL && chunk.count == 0);
    }
    EXPECT(next == 8);
    EXPECT(tr_stream_status(s) == 0);
    release(s);
    tr_chunk_free(NULL);
}

static int emit_then_wait(tr_stream *out, void *arg)
{
    int rc = tr_emit(out, arg);

    return rc < 0 ? rc : tr_sleep(TR_FOREVER);
}

CASE(a_chunk_does_not_wait_longer_than_it_may)
{
    tr_stream *source;
    tr_stream *s;
    int value = 4;

    EXPECT(tr_stream_new(&source, emit_then_wait, &value,
                         &(tr_stream_options){ .item_bytes = sizeof(int) }) == 0);
    EXPECT(tr_stream_chunk(&s, source, 3, 0.002) == 0);
    TR_FOREACH(tr_chunk, chunk, s)
    {
        EXPECT(chunk.count == 1 && *(int *)chunk.items == 4);
        tr_chunk_free(&chunk);
        break;
    }
    release(s);
}

CASE(timeout_ends_a_stream_that_takes_too_long)
{
    tr_stream *s;

    EXPECT(tr_stream_timeout(&s, silent(NULL), 0.001) == 0);
    TR_FOREACH(int, item, s)
    {
        EXPECT(item != item);
    }
    EXPECT(tr_stream_status(s) == TR_ETIMEDOUT);
    EXPECT(strcmp(notes(), "c") == 0);
    release(s);
    EXPECT(tr_stream_timeout(&s, numbers(0, 3), 1000) == 0);
    EXPECT_ITEMS(s, 0, 1, 2);
}

CASE(throttle_lets_time_pass_between_items)
{
    tr_stream *s;
    int rc = 0;
    int seen = 0;

    EXPECT(tr_stream_throttle(&s, numbers(0, 100), 1000) == 0);
    TR_DEADLINE(0.01, &rc) {
        TR_FOREACH(int, item, s)
        {
            EXPECT(item == seen);
            seen++;
        }
        rc = tr_stream_status(s);
    }
    EXPECT(rc == TR_ETIMEDOUT && seen == 1);
    release(s);
    EXPECT(tr_stream_throttle(&s, numbers(0, 3), 0.0001) == 0);
    EXPECT_ITEMS(s, 0, 1, 2);
}

CASE(stages_can_be_put_one_behind_the_other)
{
    tr_stream *s;

    EXPECT(tr_stream_filter(&s, numbers(0, 1000), is_even, NULL) == 0);
    EXPECT(tr_stream_buffer(&s, s, 4) == 0);
    EXPECT(tr_stream_take(&s, s, 3) == 0);
    EXPECT_ITEMS(s, 0, 2, 4);
}

/* ---- what items own ---- */

static counter alive;

static int own(tr_stream *out, void *arg)
{
    int rc = 0;

    (void)arg;
    for (int i = 0; rc == 0 && i < 20; i++) {
        int *item = malloc(sizeof(*item));

        EXPECT(item != NULL);
        *item = i;
        count_up(&alive);
        rc = tr_emit(out, &item);
        if (rc < 0) {
            free(item);
            count_down(&alive);
        }
    }
    return rc;
}

static void disown(void *item)
{
    free(*(int **)item);
    count_down(&alive);
}

static bool is_third(const void *item, void *ctx)
{
    (void)ctx;
    return **(int *const *)item % 3 == 0;
}

static tr_stream *owners(size_t capacity)
{
    tr_stream_options options = { .item_bytes = sizeof(int *),
                                  .capacity = capacity,
                                  .drop = disown };
    tr_stream *s = NULL;

    EXPECT(tr_stream_new(&s, own, NULL, &options) == 0);
    return s;
}

CASE(what_items_own_is_dropped_where_nobody_takes_them)
{
    tr_stream *s;
    int seen = 0;

    EXPECT(tr_stream_filter(&s, owners(3), is_third, NULL) == 0);
    EXPECT(tr_stream_buffer(&s, s, 2) == 0);
    TR_FOREACH(int *, item, s)
    {
        disown(&item);
        if (++seen == 2)
            break;
    }
    release(s);
    EXPECT(count_of(&alive) == 0);
    EXPECT(tr_stream_chunk(&s, owners(0), 4, TR_FOREVER) == 0);
    EXPECT(tr_stream_buffer(&s, s, 2) == 0);
    TR_FOREACH(tr_chunk, chunk, s)
    {
        for (size_t i = 0; i < chunk.count; i++)
            disown((int **)chunk.items + i);
        tr_chunk_free(&chunk);
        break;
    }
    release(s);
    EXPECT(count_of(&alive) == 0);
}

/* ---- choosing ---- */

CASE(a_stream_is_one_thing_to_wait_for_among_others)
{
    tr_stream *s = numbers(3, 4);
    tr_event never_set = { 0 };
    int which;
    int item = -1;

    EXPECT(tr_select(&which, tr_case_event(&never_set), tr_case_next(s, &item)) == 0);
    EXPECT(which == 1 && item == 3);
    EXPECT(tr_select(&which, tr_case_event(&never_set), tr_case_next(s, &item)) == TR_EPIPE);
    EXPECT(which == 1);
    EXPECT(tr_stream_next(s, &item) == 0);
    release(s);
    EXPECT(tr_select(&which, tr_case_next(NULL, &item)) == TR_EINVAL);
}

/* ---- wrong ---- */

static void use_on_a_loop(void *arg)
{
    tr_stream *s = ((void **)arg)[0];
    int item = 0;

    EXPECT(tr_stream_next(s, &item) == TR_EWRONGPLACE);
    EXPECT(tr_emit(s, &item) == TR_EWRONGPLACE);
    EXPECT(tr_stream_close(s) == TR_EWRONGPLACE);
    EXPECT(tr_stream_free(s) == TR_EWRONGPLACE);
    EXPECT(tr_event_set(((void **)arg)[1]) == 0);
}

CASE(a_loop_can_not_wait_for_a_stream)
{
    tr_stream *s = silent(NULL);
    tr_event done = { 0 };
    void *both[] = { s, &done };
    int item;

    EXPECT(tr_stream_next_for(s, &item, 0) == TR_ETIMEDOUT); /* it has begun */
    EXPECT(tr_post(TR_LOOP(1), use_on_a_loop, both) == 0);
    EXPECT(tr_event_wait(&done) == 0);
    release(s);
}

CASE(bad_arguments_are_refused)
{
    tr_stream *s = (tr_stream *)&s;
    tr_stream *other;
    tr_stream *pair[2];
    double nan = __builtin_nan("");
    int item;

    EXPECT(tr_generate(&s, 0, count, 0, 1, 0, false) == TR_EINVAL && s == NULL);
    EXPECT(tr_generate(&s, 64 * 1024 + 1, count, 0, 1, 0, false) == TR_EINVAL && s == NULL);
    EXPECT(tr_stream_new(NULL, never, NULL, &(tr_stream_options){ .item_bytes = 4 }) == TR_EINVAL);
    EXPECT(tr_stream_new(&s, never, NULL, NULL) == TR_EINVAL);
    EXPECT(tr_stream_new(&s, NULL, NULL, &(tr_stream_options){ .item_bytes = 4 }) == TR_EINVAL);
    EXPECT(tr_emit(NULL, &item) == TR_EINVAL);
    EXPECT(tr_stream_next(NULL, &item) == TR_EINVAL);
    EXPECT(tr_stream_status(NULL) == TR_EINVAL);
    EXPECT(tr_stream_close(NULL) == TR_EINVAL);
    s = numbers(0, 1);
    EXPECT(tr_emit(s, NULL) == TR_EINVAL);
    EXPECT(tr_stream_next(s, NULL) == TR_EINVAL);
    EXPECT(tr_stream_next_for(s, &item, nan) == TR_EINVAL);
    EXPECT(tr_stream_map(&other, s, sizeof(int), NULL, NULL) == TR_EINVAL && other == NULL);
    EXPECT(tr_stream_map(&other, NULL, sizeof(int), half, NULL) == TR_EINVAL);
    EXPECT(tr_stream_map(&other, numbers(0, 1), 0, half, NULL) == TR_EINVAL);
    EXPECT(tr_stream_filter(&other, numbers(0, 1), NULL, NULL) == TR_EINVAL);
    EXPECT(tr_stream_filter(NULL, numbers(0, 1), is_even, NULL) == TR_EINVAL);
    EXPECT(tr_stream_take(&other, NULL, 1) == TR_EINVAL);
    EXPECT(tr_stream_buffer(&other, NULL, 1) == TR_EINVAL);
    EXPECT(tr_stream_throttle(&other, numbers(0, 1), nan) == TR_EINVAL);
    EXPECT(tr_stream_timeout(&other, numbers(0, 1), nan) == TR_EINVAL);
    EXPECT(tr_stream_chunk(&other, numbers(0, 1), 0, 1) == TR_EINVAL);
    EXPECT(tr_stream_chunk(&other, numbers(0, 1), 1, nan) == TR_EINVAL);
    EXPECT(tr_stream_merge(&other, NULL, 0) == TR_EINVAL);
    pair[0] = numbers(0, 1);
    pair[1] = NULL;
    EXPECT(tr_stream_merge(&other, pair, 2) == TR_EINVAL && other == NULL);
}

CASES("stream", items_come_in_the_order_in_which_they_were_emitted, a_stream_may_be_empty,
      a_generator_begins_when_it_is_asked, a_generator_that_was_never_asked_never_begins,
      leaving_early_lets_the_generator_clean_up, returning_from_the_loop_lets_it_clean_up_too,
      continuing_takes_the_next, the_error_of_a_generator_comes_after_its_items,
      a_stream_of_other_items_is_refused_by_the_loop,
      children_of_a_generator_may_emit_also_on_other_loops, waiting_for_an_item_ends_with_its_time,
      a_loop_that_is_cancelled_says_so, an_error_of_the_clean_up_is_the_status,
      a_thread_may_take_what_a_task_makes, all_generators_clean_up_whenever_who_takes_is_cancelled,
      map_makes_another_item_of_each, an_error_of_map_ends_the_stream, filter_keeps_some,
      take_ends_early_and_closes_its_source, buffer_lets_the_source_run_ahead,
      merge_has_the_items_of_all_sources, the_first_source_that_fails_ends_a_merge,
      chunk_takes_several_together, a_chunk_does_not_wait_longer_than_it_may,
      timeout_ends_a_stream_that_takes_too_long, throttle_lets_time_pass_between_items,
      stages_can_be_put_one_behind_the_other, what_items_own_is_dropped_where_nobody_takes_them,
      a_stream_is_one_thing_to_wait_for_among_others, a_loop_can_not_wait_for_a_stream,
      bad_arguments_are_refused)
