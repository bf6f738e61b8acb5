/* Batches while memory fails, allocation by allocation, and while the runtime stops: each caller
 * hears of it, and nothing is left. */
#include <pthread.h>
#include <sched.h>

#include "support/actors.h"
#include "support/tasks.h"

typedef struct batches {
    tr_batcher *b;
    tr_future *tasks[2];
    uint32_t done;
    uint32_t answered;
} batches;

static int count_items(void *const *items, size_t n, void *ctx)
{
    batches *x = ctx;

    for (size_t i = 0; i < n; i++) {
        ++*(int *)items[i];
        kit_count(&x->done);
    }
    return tr_yield(); /* TR_ECANCELED in a shutdown */
}

static bool is_sound(int rc)
{
    return rc == 0 || rc == TR_ENOMEM;
}

static int hand_in(void *arg)
{
    batches *x = arg;
    int item = 0;
    int rc = tr_batcher_call(x->b, &item);

    ck_assert_int_eq(item, rc == 0);
    kit_count(&x->answered);
    return rc;
}

static void make(batches *x, size_t most, double longest)
{
    *x = (batches){ .b = NULL };
    ck_assert_int_eq(tr_batcher_new(&x->b, &(tr_batcher_options){ .fn = count_items,
                                                                  .ctx = x,
                                                                  .most = most,
                                                                  .longest = longest,
                                                                  .on = TR_LOOP(1) }),
                     0);
}

static void unmake(batches *x)
{
    ck_assert_int_eq(tr_batcher_close(x->b), 0);
    ck_assert_int_eq(tr_batcher_join(x->b), 0);
    ck_assert_int_eq(tr_batcher_free(x->b), 0);
}

/* ---- without memory ---- */

static void attempt_new(void *unused, int n)
{
    tr_batcher *b;
    int rc = tr_batcher_new(&b, &(tr_batcher_options){ .fn = count_items });

    (void)unused;
    (void)n;
    ck_assert(is_sound(rc));
    ck_assert((b != NULL) == (rc == 0));
    ck_assert_int_eq(tr_batcher_free(b), 0);
}

START_TEST(batcher_is_made_or_not)
{
    ck_assert_int_ge(kit_for_every_fault(attempt_new, NULL), 1);
}
END_TEST

static void begin_one(void *arg)
{
    make(arg, 1, 1000);
}

static void attempt_one(void *arg)
{
    ck_assert(is_sound(hand_in(arg)));
}

static void check_one(void *arg, bool struck)
{
    batches *x = arg;

    ck_assert(struck || kit_counted(&x->done) == 1);
    unmake(x);
}

START_TEST(thread_hears_that_its_batch_had_no_memory)
{
    static const kit_faulty steps = { begin_one, attempt_one, check_one };

    for (int lasting = 0; lasting < 2; lasting++) {
        batches x;

        kit_start(2);
        /* The batch, its task, and a stack. */
        ck_assert_int_ge(kit_for_every_fault_of(&steps, &x, lasting), 3);
        kit_stop();
    }
}
END_TEST

static void begin_two(void *arg)
{
    make(arg, 2, 1000);
}

/* Two tasks, the second of which makes it full; if one could not be started, a flush does. */
static void attempt_two(void *arg)
{
    batches *x = arg;
    uint32_t started = 0;

    for (int i = 0; i < 2; i++) {
        int rc = tr_submit(&x->tasks[i], TR_LOOP(i), hand_in, x);

        ck_assert(is_sound(rc));
        started += rc == 0;
    }
    for (int i = 0; i < 2; i++)
        while (x->tasks[i] != NULL && !tr_future_is_done(x->tasks[i])) {
            ck_assert_int_eq(tr_batcher_flush(x->b), 0);
            sched_yield();
        }
    ck_assert_uint_le(kit_counted(&x->answered), started);
}

static void check_two(void *arg, bool struck)
{
    batches *x = arg;

    for (int i = 0; i < 2; i++) {
        if (x->tasks[i] != NULL)
            ck_assert(is_sound(tr_future_status(x->tasks[i])));
        tr_future_unref(x->tasks[i]);
    }
    ck_assert(struck || kit_counted(&x->done) == 2);
    unmake(x);
}

START_TEST(tasks_hear_that_their_batch_had_no_memory)
{
    static const kit_faulty steps = { begin_two, attempt_two, check_two };

    for (int lasting = 0; lasting < 2; lasting++) {
        batches x;

        kit_start(2);
        ck_assert_int_ge(kit_for_every_fault_of(&steps, &x, lasting), 3);
        kit_stop();
    }
}
END_TEST

/* ---- in a shutdown ---- */

static void *call_as_thread(void *arg)
{
    batches *x = arg;
    int item = 0;

    ck_assert_int_eq(tr_batcher_call(x->b, &item), TR_ECANCELED); /* of fn: it has an await */
    ck_assert_int_eq(item, 1);
    return NULL;
}

START_TEST(shutdown_does_what_was_handed_in)
{
    pthread_t thread;
    batches x;
    int item = 0;

    kit_start(2);
    make(&x, 2, TR_FOREVER);
    ck_assert_int_eq(pthread_create(&thread, NULL, call_as_thread, &x), 0);
    while (tr_batcher_join_for(x.b, 0) == 0) /* it has not handed it in yet */
        sched_yield();
    ck_assert_int_eq(tr_shutdown(KIT_PATIENCE_S), 0);
    ck_assert_int_eq(pthread_join(thread, NULL), 0);
    ck_assert_uint_eq(kit_counted(&x.done), 1);
    ck_assert_int_eq(tr_batcher_call(x.b, &item), TR_ESHUTDOWN);
    ck_assert_int_eq(tr_batcher_free(x.b), 0);
}
END_TEST

/* A task that cleans up by way of a batch, when no more are begun. */
static int call_when_cancelled(void *arg)
{
    batches *x = arg;
    int item = 0;

    ck_assert_int_eq(tr_sleep(TR_FOREVER), TR_ECANCELED);
    TR_SHIELD(TR_FOREVER) {
        ck_assert_int_eq(tr_batcher_call(x->b, &item), TR_ESHUTDOWN);
    }
    kit_count(&x->answered);
    return 0;
}

START_TEST(shutdown_begins_no_batch)
{
    batches x;

    kit_start(2);
    make(&x, 2, TR_FOREVER);
    ck_assert_int_eq(tr_submit(NULL, TR_LOOP(0), call_when_cancelled, &x), 0);
    kit_stop();
    ck_assert_uint_eq(kit_counted(&x.answered), 1);
    ck_assert_int_eq(tr_batcher_free(x.b), 0);
}
END_TEST

KIT_MAIN("faults/batcher", batcher_is_made_or_not, thread_hears_that_its_batch_had_no_memory,
         tasks_hear_that_their_batch_had_no_memory, shutdown_does_what_was_handed_in,
         shutdown_begins_no_batch)
