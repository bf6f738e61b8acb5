/* Queues, streams, broadcasts and values of tasks while memory fails, allocation by allocation:
 * what fails says so, nothing is lost, and nobody waits for what will never come. */
#include <stdlib.h>
#include <string.h>

#include "base/atomic.h"
#include "support/tasks.h"

static uint32_t alive; /* what items and values own */

static bool is_expected(int rc)
{
    return rc >= 0 || rc == TR_ENOMEM || rc == TR_EAGAIN;
}

static void count(uint32_t amount)
{
    (void)tr__add_ordered_u32(&alive, amount); /* ordered: a counter */
}

/* Run it as a task with the n-th call failing. */
static void attempt(void *program, int n)
{
    tr_future *f;
    int rc = tr_submit(&f, TR_LOOP(n % 2), *(tr_task_fn *)program, NULL);

    ck_assert(is_expected(rc));
    if (rc < 0)
        return;
    rc = tr_future_wait(f, KIT_PATIENCE_S);
    ck_assert_msg(is_expected(rc), "gave %d", rc);
    tr_future_unref(f);
    ck_assert_uint_eq(tr__load_acquire_u32(&alive), 0); /* acquire: all have counted */
}

static void expect_fair(tr_task_fn program, int at_least)
{
    kit_start(2);
    ck_assert_int_ge(kit_for_every_fault(attempt, &program), at_least);
    kit_stop();
}

/* ---- queues ---- */

static int by_value(const void *a, const void *b)
{
    return *(const int *)a - *(const int *)b;
}

static int use_queue(tr_queue_order order)
{
    tr_queue_options options = { .item_bytes = sizeof(int),
                                 .capacity = TR_UNBOUNDED,
                                 .order = order,
                                 .compare = order == TR_QUEUE_PRIORITY ? by_value : NULL };
    tr_queue *q tr_cleanup_queue = NULL;
    int rc = tr_queue_new_with(&q, &options);
    int put = 0;

    if (rc < 0) {
        ck_assert_ptr_null(q);
        return rc;
    }
    for (int i = 0; i < 40; i++) {
        rc = tr_queue_put(q, &i);
        ck_assert(rc == 0 || rc == TR_ENOMEM);
        put += rc == 0;
    }
    ck_assert_int_eq((int)tr_queue_count(q), put);
    for (int item; put > 0; put--)
        ck_assert_int_eq(tr_queue_get(q, &item), 0);
    rc = tr_queue_fd(q);
    return rc == -EMFILE ? TR_EAGAIN : rc;
}

static int use_queues(void *unused)
{
    int rc = 0;

    (void)unused;
    for (int order = TR_QUEUE_FIFO; rc >= 0 && order <= TR_QUEUE_PRIORITY; order++)
        rc = use_queue((tr_queue_order)order);
    return rc;
}

START_TEST(a_queue_without_memory_loses_nothing)
{
    expect_fair(use_queues, 8);
}
END_TEST

/* ---- streams ---- */

static int emit_owners(tr_stream *out, void *unused)
{
    int rc = 0;

    (void)unused;
    for (int i = 0; rc == 0 && i < 12; i++) {
        int *item = malloc(sizeof(*item)); /* the test's own: it does not fail */

        *item = i;
        count(1);
        rc = tr_emit(out, &item);
        if (rc < 0) {
            free(item);
            count(-1U);
        }
    }
    return rc;
}

static void drop_owner(void *item)
{
    free(*(int **)item);
    count(-1U);
}

static bool is_even(const void *item, void *unused)
{
    (void)unused;
    return **(int *const *)item % 2 == 0;
}

static int new_owners(tr_stream **out)
{
    tr_stream_options options = { .item_bytes = sizeof(int *), .drop = drop_owner };

    return tr_stream_new(out, emit_owners, NULL, &options);
}

/* A filter, ahead by two, in chunks of three, of two sources. */
static int make_pipeline(tr_stream **out)
{
    tr_stream *sources[2] = { NULL, NULL };
    tr_stream *s = NULL;
    int rc = new_owners(&sources[0]);

    if (rc == 0)
        rc = new_owners(&sources[1]);
    if (rc < 0) {
        ck_assert_int_eq(tr_stream_free(sources[0]), 0);
        return rc;
    }
    rc = tr_stream_merge(&s, sources, 2);
    if (rc == 0)
        rc = tr_stream_filter(&s, s, is_even, NULL);
    if (rc == 0)
        rc = tr_stream_buffer(&s, s, 2);
    if (rc == 0)
        rc = tr_stream_chunk(&s, s, 3, TR_FOREVER);
    ck_assert(rc == 0 || s == NULL);
    *out = s;
    return rc;
}

static int take_chunks(void *unused)
{
    tr_stream *s tr_cleanup_stream = NULL;
    int rc = make_pipeline(&s);
    int seen = 0;

    (void)unused;
    if (rc < 0)
        return rc;
    TR_FOREACH(tr_chunk, chunk, s)
    {
        for (size_t i = 0; i < chunk.count; i++)
            drop_owner((int **)chunk.items + i);
        seen += (int)chunk.count;
        tr_chunk_free(&chunk);
    }
    rc = tr_stream_status(s);
    ck_assert(rc == TR_ENOMEM || (rc == 0 && seen == 12));
    return rc;
}

START_TEST(a_stream_without_memory_ends_with_an_error)
{
    expect_fair(take_chunks, 20);
}
END_TEST

/* ---- one to many ---- */

static int tell_many(void *unused)
{
    tr_broadcast *b = NULL;
    tr_subscription *s = NULL;
    tr_watch *w = NULL;
    int item = 5;
    int rc = tr_broadcast_new(&b, sizeof(int), 4);

    (void)unused;
    if (rc == 0)
        rc = tr_broadcast_subscribe(&s, b);
    if (rc == 0)
        rc = tr_watch_new(&w, sizeof(int), &item);
    if (rc == 0)
        rc = tr_broadcast_send(b, &item);
    if (rc == 1)
        rc = tr_subscription_receive(s, &item, NULL);
    tr_subscription_free(s);
    ck_assert_int_eq(tr_broadcast_free(b), 0);
    ck_assert_int_eq(tr_watch_free(w), 0);
    return rc;
}

START_TEST(who_can_not_subscribe_is_told)
{
    expect_fair(tell_many, 3);
}
END_TEST

/* ---- values, starts and choices ---- */

static const tr_local key = { "key" };

static void drop_value(void *value)
{
    free(value);
    count(-1U);
}

static int set_value(void)
{
    count(1);
    return tr_local_set(&key, malloc(1), drop_value);
}

struct have_value_args {
    int unused;
};

static int have_value(void *arg)
{
    (void)arg;
    (void)tr_ready(); /* it is a task */
    return tr_yield();
}

static int set_and_start(void *unused)
{
    int started = 0;
    int rc = set_value();

    (void)unused;
    if (rc == 0)
        rc = set_value();
    if (rc < 0)
        return tr_local_set(&key, NULL, NULL) == 0 ? rc : TR_ENOMEM;
    TR_SCOPE(s, &rc) {
        started = tr_go_start(s, have_value, 0);
        tr_go(s, have_value, 0);
        ck_assert((tr_scope_join(s) == 0) == (tr_scope_errors(s, NULL, 0) == 0));
    }
    return rc < 0 ? rc : started;
}

START_TEST(values_are_dropped_once_whatever_fails)
{
    expect_fair(set_and_start, 4);
}
END_TEST

static int make_future(void *out)
{
    return tr_future_new(out);
}

static int choose_afar(void *unused)
{
    tr_future *f = NULL;
    tr_task *maker;
    int which;
    int rc = tr_task_spawn_on(&maker, TR_LOOP(1 - tr_loop_current()), make_future, &f);

    (void)unused;
    if (rc == 0) {
        rc = tr_task_wait(maker, TR_FOREVER);
        tr_task_unref(maker);
    }
    if (rc == 0)
        rc = tr_select(&which, tr_case_future(f), tr_case_sleep(0.0001));
    tr_future_unref(f);
    return rc;
}

START_TEST(a_choice_that_can_not_be_waited_for_says_so)
{
    expect_fair(choose_afar, 3);
}
END_TEST

KIT_MAIN("faults/stream", a_queue_without_memory_loses_nothing,
         a_stream_without_memory_ends_with_an_error, who_can_not_subscribe_is_told,
         values_are_dropped_once_whatever_fails, a_choice_that_can_not_be_waited_for_says_so)
