/* Queues. */
#include <poll.h>
#include <stdlib.h>
#include <string.h>

#include "sync/queues.h"

struct put_and_note_args {
    tr_queue *q;
    int item;
};

static int put_and_note(void *arg)
{
    const struct put_and_note_args *a = arg;
    int rc = tr_queue_put(a->q, &a->item);

    if (rc == 0)
        note((char)('a' + a->item));
    return rc;
}

struct get_and_note_args {
    tr_queue *q;
};

static int get_and_note(void *arg)
{
    const struct get_and_note_args *a = arg;
    int item;
    int rc = tr_queue_get(a->q, &item);

    if (rc == 0)
        note((char)('a' + item));
    return rc;
}

/* ---- waiting ---- */

CASE(who_gets_from_an_empty_queue_waits_for_an_item)
{
    tr_queue *q = new_queue(4);
    int rc;

    TR_SCOPE(s, &rc) {
        tr_go(s, get_and_note, q);
        let_others_run();
        EXPECT(strcmp(notes(), "") == 0);
        put(q, 3);
    }
    EXPECT(rc == 0 && strcmp(notes(), "d") == 0);
    free_queue(q);
}

struct get_args {
    tr_queue *q;
    int expected;
};

static int get_expected(void *arg)
{
    const struct get_args *a = arg;
    int item = -1;
    int rc = tr_queue_get(a->q, &item);

    EXPECT(rc < 0 || item == a->expected);
    return rc;
}

CASE(items_go_to_whoever_waits_first)
{
    tr_queue *q = new_queue(4);
    struct get_args args[] = { { q, 0 }, { q, 1 }, { q, 2 } };
    int rc;

    TR_SCOPE(s, &rc) {
        for (int i = 0; i < 3; i++) {
            EXPECT(tr_scope_spawn(s, get_expected, &args[i]) == 0);
            let_others_run();
        }
        for (int i = 0; i < 3; i++)
            put(q, i);
    }
    EXPECT(rc == 0);
    free_queue(q);
}

CASE(who_puts_into_a_full_queue_waits_for_room)
{
    tr_queue *q = new_queue(1);
    int rc;

    put(q, 0);
    EXPECT(tr_queue_try_put(q, &(int){ 5 }) == TR_EFULL);
    TR_SCOPE(s, &rc) {
        tr_go(s, put_and_note, q, 1);
        tr_go(s, put_and_note, q, 2);
        let_others_run();
        EXPECT(strcmp(notes(), "") == 0);
        EXPECT(get(q) == 0);
        EXPECT(tr_queue_count(q) == 1); /* the first who waited has put his at once */
        let_others_run();
        EXPECT(strcmp(notes(), "b") == 0);
        EXPECT(get(q) == 1);
        EXPECT(get(q) == 2);
    }
    EXPECT(rc == 0 && strcmp(notes(), "bc") == 0);
    free_queue(q);
}

CASE(in_a_rendezvous_who_puts_waits_for_who_gets)
{
    tr_queue *q = new_queue(TR_RENDEZVOUS);
    int rc;

    EXPECT(tr_queue_try_put(q, &(int){ 5 }) == TR_EFULL);
    EXPECT(tr_queue_put_for(q, &(int){ 5 }, 0) == TR_ETIMEDOUT);
    TR_SCOPE(s, &rc) {
        tr_go(s, put_and_note, q, 1);
        let_others_run();
        EXPECT(strcmp(notes(), "") == 0);
        EXPECT(tr_queue_count(q) == 0);
        EXPECT(get(q) == 1);
    }
    EXPECT(rc == 0 && strcmp(notes(), "b") == 0);
    TR_SCOPE(s, &rc) {
        tr_go(s, get_and_note, q);
        let_others_run();
        put(q, 2);
    }
    EXPECT(rc == 0 && strcmp(notes(), "bc") == 0);
    free_queue(q);
}

CASE(waiting_ends_with_its_time)
{
    tr_queue *q = new_queue(1);
    int item = 7;

    EXPECT(tr_queue_get_for(q, &item, 0) == TR_ETIMEDOUT);
    EXPECT(tr_queue_get_for(q, &item, 0.001) == TR_ETIMEDOUT);
    EXPECT(item == 7);
    EXPECT(tr_queue_put_for(q, &item, 0) == 0);
    EXPECT(tr_queue_put_for(q, &item, 0) == TR_ETIMEDOUT);
    EXPECT(tr_queue_put_for(q, &item, 0.001) == TR_ETIMEDOUT);
    EXPECT(tr_queue_count(q) == 1);
    EXPECT(tr_queue_join_for(q, 0.001) == TR_ETIMEDOUT);
    EXPECT(tr_queue_get_for(q, &item, 0.001) == 0);
    free_queue(q);
}

/* ---- cancellation ---- */

CASE(one_who_is_cancelled_gets_nothing_and_loses_nothing)
{
    tr_queue *q = new_queue(4);
    tr_task *first;
    struct get_and_note_args args = { q };
    int rc;

    TR_SCOPE(s, &rc) {
        EXPECT(tr_task_spawn(&first, get_and_note, &args) == 0);
        let_others_run();
        tr_go(s, get_and_note, q);
        let_others_run();
        EXPECT(tr_task_cancel(first) == 1);
        put(q, 2);
    }
    EXPECT(rc == 0 && strcmp(notes(), "c") == 0);
    EXPECT(tr_task_wait(first, TR_FOREVER) == TR_ECANCELED);
    tr_task_unref(first);
    free_queue(q);
}

CASE(an_item_that_was_handed_over_stays_so_though_the_task_is_cancelled)
{
    tr_queue *q = new_queue(4);
    struct get_and_note_args args = { q };
    tr_task *getter;

    EXPECT(tr_task_spawn(&getter, get_and_note, &args) == 0);
    let_others_run();
    put(q, 2);
    EXPECT(tr_task_cancel(getter) == 1);
    EXPECT(tr_task_wait(getter, TR_FOREVER) == 0);
    tr_task_unref(getter);
    EXPECT(strcmp(notes(), "c") == 0);
    EXPECT(tr_queue_count(q) == 0);
    free_queue(q);
}

CASE(one_who_is_cancelled_while_he_waits_for_room_has_put_nothing)
{
    tr_queue *q = new_queue(1);
    struct put_and_note_args args = { q, 1 };
    tr_task *putter;

    put(q, 0);
    EXPECT(tr_task_spawn(&putter, put_and_note, &args) == 0);
    let_others_run();
    EXPECT(tr_task_cancel(putter) == 1);
    EXPECT(tr_task_wait(putter, TR_FOREVER) == TR_ECANCELED);
    tr_task_unref(putter);
    EXPECT(get(q) == 0);
    EXPECT(tr_queue_count(q) == 0);
    EXPECT(strcmp(notes(), "") == 0);
    free_queue(q);
}

CASE(a_task_that_is_cancelled_does_not_even_get_what_is_there)
{
    tr_queue *q = new_queue(1);
    int item = 0;
    int rc;

    put(q, 0);
    TR_SCOPE(s, &rc) {
        EXPECT(tr_scope_cancel(s) == 1);
        EXPECT(tr_queue_get(q, &item) == TR_ECANCELED);
        EXPECT(tr_queue_put(q, &item) == TR_ECANCELED);
        EXPECT(tr_queue_join(q) == TR_ECANCELED);
        EXPECT(tr_queue_try_get(q, &item) == 0);
    }
    free_queue(q);
}

typedef struct transfer {
    tr_queue *q;
    tr_task *rival;
    int sent; /* by the victim */
    int got;
} transfer;

static int send_some(void *arg)
{
    transfer *t = arg;

    for (int i = 0; i < 4; i++) {
        int rc = AWAIT(tr_queue_put(t->q, &i));

        if (rc < 0)
            return rc;
        t->sent++;
    }
    return 0;
}

static int get_all(void *arg)
{
    transfer *t = arg;
    int item;

    while (tr_queue_get(t->q, &item) == 0) {
        EXPECT(item == t->got);
        t->got++;
    }
    return 0;
}

static void begin_to_get(void *arg)
{
    transfer *t = arg;

    *t = (transfer){ .q = new_queue(1) };
    EXPECT(tr_task_spawn_on(&t->rival, TR_LOOP(1), get_all, t) == 0);
}

static void expect_all_got(void *arg, int rc)
{
    transfer *t = arg;

    EXPECT(rc == 0 || rc == TR_ECANCELED);
    EXPECT(tr_queue_close(t->q) == 0);
    EXPECT(tr_task_wait(t->rival, TR_FOREVER) == 0);
    tr_task_unref(t->rival);
    EXPECT(t->got == t->sent);
    free_queue(t->q);
}

CASE(what_was_put_is_got_whenever_who_puts_is_cancelled)
{
    transfer t;

    cancel_at_every_await(&(attempt){ begin_to_get, send_some, expect_all_got }, &t);
}

static int get_some(void *arg)
{
    transfer *t = arg;

    for (int i = 0; i < 4; i++) {
        int item;
        int rc = AWAIT(tr_queue_get(t->q, &item));

        if (rc < 0)
            return rc;
        EXPECT(item == t->got);
        t->got++;
    }
    return 0;
}

static int put_four(void *arg)
{
    transfer *t = arg;

    for (int i = 0; i < 4 && tr_queue_put(t->q, &i) == 0; i++)
        t->sent++;
    return 0;
}

static void begin_to_put(void *arg)
{
    transfer *t = arg;

    *t = (transfer){ .q = new_queue(1) };
    EXPECT(tr_task_spawn_on(&t->rival, TR_LOOP(1), put_four, t) == 0);
}

static void expect_rest_there(void *arg, int rc)
{
    transfer *t = arg;
    int item;

    EXPECT(rc == 0 || rc == TR_ECANCELED);
    EXPECT(tr_queue_close(t->q) == 0);
    EXPECT(tr_task_wait(t->rival, TR_FOREVER) == 0);
    tr_task_unref(t->rival);
    while (tr_queue_get(t->q, &item) == 0) {
        EXPECT(item == t->got);
        t->got++;
    }
    EXPECT(t->got == t->sent);
    free_queue(t->q);
}

CASE(nothing_is_lost_whenever_who_gets_is_cancelled)
{
    transfer t;

    cancel_at_every_await(&(attempt){ begin_to_put, get_some, expect_rest_there }, &t);
}

/* ---- joining ---- */

static int join_and_note(void *arg)
{
    int rc = tr_queue_join(arg);

    note(rc == 0 ? 'j' : 'f');
    return rc;
}

CASE(a_queue_into_which_nothing_was_put_is_joined_at_once)
{
    tr_queue *q = new_queue(4);

    EXPECT(tr_queue_join(q) == 0);
    EXPECT(tr_queue_task_done(q) == TR_EINVAL);
    free_queue(q);
}

CASE(joining_waits_until_all_items_are_done)
{
    tr_queue *q = new_queue(4);
    int rc;

    put(q, 0);
    put(q, 1);
    TR_SCOPE(s, &rc) {
        EXPECT(tr_scope_spawn(s, join_and_note, q) == 0);
        EXPECT(tr_scope_spawn(s, join_and_note, q) == 0);
        EXPECT(get(q) == 0 && get(q) == 1);
        EXPECT(tr_queue_task_done(q) == 0);
        let_others_run();
        EXPECT(strcmp(notes(), "") == 0);
        EXPECT(tr_queue_task_done(q) == 0);
    }
    EXPECT(rc == 0 && strcmp(notes(), "jj") == 0);
    EXPECT(tr_queue_task_done(q) == TR_EINVAL); /* one too many */
    free_queue(q);
}

CASE(an_item_that_goes_from_hand_to_hand_counts_too)
{
    tr_queue *q = new_queue(TR_RENDEZVOUS);
    int rc;

    TR_SCOPE(s, &rc) {
        tr_go(s, get_and_note, q);
        let_others_run();
        put(q, 0);
        EXPECT(tr_queue_join_for(q, 0) == TR_ETIMEDOUT);
        EXPECT(tr_queue_task_done(q) == 0);
        EXPECT(tr_queue_join_for(q, 0) == 0);
    }
    EXPECT(rc == 0);
    free_queue(q);
}

/* ---- closing ---- */

CASE(a_closed_queue_is_drained_and_then_fails)
{
    tr_queue *q = new_queue(4);
    int item = 9;

    put(q, 1);
    put(q, 2);
    EXPECT(!tr_queue_is_closed(q));
    EXPECT(tr_queue_close(q) == 0);
    EXPECT(tr_queue_close(q) == 0);
    EXPECT(tr_queue_is_closed(q));
    EXPECT(tr_queue_put(q, &item) == TR_EPIPE);
    EXPECT(tr_queue_try_put(q, &item) == TR_EPIPE);
    EXPECT(get(q) == 1 && get(q) == 2);
    EXPECT(tr_queue_get(q, &item) == TR_EPIPE);
    EXPECT(tr_queue_try_get(q, &item) == TR_EPIPE);
    EXPECT(item == 9);
    free_queue(q);
}

CASE(closing_lets_all_go_who_wait)
{
    tr_queue *full = new_queue(1);
    tr_queue *empty = new_queue(1);
    tr_task *putter, *getter;
    struct put_and_note_args into_full = { full, 1 };
    struct get_and_note_args from_empty = { empty };

    put(full, 0);
    EXPECT(tr_task_spawn_on(&putter, TR_LOOP(1), put_and_note, &into_full) == 0);
    EXPECT(tr_task_spawn(&getter, get_and_note, &from_empty) == 0);
    let_others_run();
    EXPECT(tr_queue_close(full) == 0);
    EXPECT(tr_queue_close(empty) == 0);
    EXPECT(tr_task_wait(putter, TR_FOREVER) == TR_EPIPE);
    EXPECT(tr_task_wait(getter, TR_FOREVER) == TR_EPIPE);
    tr_task_unref(putter);
    tr_task_unref(getter);
    EXPECT(get(full) == 0);
    free_queue(full);
    free_queue(empty);
}

static void drop(void *item)
{
    note((char)('a' + *(int *)item));
}

CASE(closing_at_once_drops_what_is_there_and_lets_who_joins_go)
{
    tr_queue *q;
    int item = 9;
    tr_task *joiner;

    EXPECT(tr_queue_new(&q, sizeof(int), 8, drop) == 0);
    put(q, 0);
    put(q, 1);
    put(q, 2);
    EXPECT(get(q) == 0);
    EXPECT(tr_task_spawn(&joiner, join_and_note, q) == 0);
    let_others_run();
    EXPECT(tr_queue_close_now(q) == 0);
    EXPECT(tr_task_wait(joiner, TR_FOREVER) == TR_EPIPE);
    tr_task_unref(joiner);
    EXPECT(strcmp(notes(), "bcf") == 0);
    EXPECT(tr_queue_get(q, &item) == TR_EPIPE);
    EXPECT(tr_queue_join(q) == TR_EPIPE);
    EXPECT(tr_queue_close_now(q) == 0);
    free_queue(q);
}

CASE(freeing_drops_what_is_left)
{
    tr_queue *q;

    EXPECT(tr_queue_new(&q, sizeof(int), TR_UNBOUNDED, drop) == 0);
    for (int i = 0; i < 12; i++)
        put(q, i);
    for (int i = 0; i < 4; i++)
        (void)get(q);
    free_queue(q);
    EXPECT(strcmp(notes(), "efghijkl") == 0);
    EXPECT(tr_queue_free(NULL) == 0);
}

CASE(a_queue_where_somebody_waits_is_not_freed)
{
    tr_queue *q = new_queue(1);
    struct get_and_note_args args = { q };
    tr_task *getter;

    EXPECT(tr_task_spawn(&getter, get_and_note, &args) == 0);
    let_others_run();
    EXPECT(tr_queue_free(q) == TR_EBUSY);
    EXPECT(tr_queue_close_now(q) == 0);
    EXPECT(tr_task_wait(getter, TR_FOREVER) == TR_EPIPE);
    tr_task_unref(getter);
    free_queue(q);
}

/* ---- all at once ---- */

enum { EACH = 40, PRODUCERS = 4 };

struct produce_args {
    tr_queue *q;
    int item; /* the first of them, divided by EACH */
};

static int produce(void *arg)
{
    const struct produce_args *a = arg;

    for (int i = 0; i < EACH; i++) {
        int item = a->item * EACH + i;

        EXPECT(tr_queue_put(a->q, &item) == 0);
    }
    return 0;
}

static void produce_as_thread(void *arg)
{
    EXPECT(produce(arg) == 0);
}

typedef struct consumer {
    tr_queue *q;
    int last[PRODUCERS];
    int count;
} consumer;

static void take_in(consumer *c, int item)
{
    EXPECT(item % EACH > c->last[item / EACH]); /* each producer's come in order */
    c->last[item / EACH] = item % EACH;
    c->count++;
}

static int consume(void *arg)
{
    consumer *c = arg;
    int item;
    int rc;

    while ((rc = tr_queue_get(c->q, &item)) == 0)
        take_in(c, item);
    EXPECT(rc == TR_EPIPE);
    return 0;
}

static void consume_as_thread(void *arg)
{
    EXPECT(consume(arg) == 0);
}

static void run_all(size_t capacity)
{
    tr_queue *q = new_queue(capacity);
    struct produce_args last = { q, PRODUCERS - 1 };
    consumer consumers[3];
    foreign *producing, *consuming;
    tr_task *tasks[2];
    int rc;

    for (int i = 0; i < 3; i++)
        consumers[i] = (consumer){ .q = q, .last = { -1, -1, -1, -1 } };
    consuming = foreign_start(consume_as_thread, &consumers[2]);
    for (int i = 0; i < 2; i++)
        EXPECT(tr_task_spawn_on(&tasks[i], TR_LOOP(i), consume, &consumers[i]) == 0);
    producing = foreign_start(produce_as_thread, &last);
    TR_SCOPE(s, &rc) {
        for (int i = 0; i < PRODUCERS - 1; i++)
            EXPECT(tr_go_on(s, TR_LOOP(i % 2), produce, q, i) == 0);
    }
    foreign_end(producing);
    EXPECT(tr_queue_close(q) == 0);
    for (int i = 0; i < 2; i++) {
        EXPECT(tr_task_wait(tasks[i], TR_FOREVER) == 0);
        tr_task_unref(tasks[i]);
    }
    foreign_end(consuming);
    EXPECT(rc == 0);
    EXPECT(consumers[0].count + consumers[1].count + consumers[2].count == EACH * PRODUCERS);
    free_queue(q);
}

CASE(loops_and_threads_share_a_bounded_queue)
{
    run_all(3);
}

CASE(loops_and_threads_share_an_unbounded_queue)
{
    run_all(TR_UNBOUNDED);
}

CASE(loops_and_threads_meet_in_a_rendezvous)
{
    run_all(TR_RENDEZVOUS);
}

/* ---- a descriptor ---- */

static bool is_readable(tr_queue *q)
{
    struct pollfd fd = { .fd = tr_queue_fd(q), .events = POLLIN };

    return poll(&fd, 1, 0) == 1;
}

CASE(the_descriptor_is_readable_while_there_is_an_item)
{
    tr_queue *q = new_queue(2);

    put(q, 0);
    EXPECT(is_readable(q)); /* also if it is asked for later */
    EXPECT(get(q) == 0);
    EXPECT(!is_readable(q));
    put(q, 1);
    put(q, 2);
    EXPECT(is_readable(q));
    EXPECT(get(q) == 1);
    EXPECT(is_readable(q));
    EXPECT(get(q) == 2);
    EXPECT(!is_readable(q));
    EXPECT(tr_queue_close(q) == 0);
    EXPECT(is_readable(q));
    free_queue(q);
}

CASE(the_descriptor_is_readable_while_somebody_waits_in_a_rendezvous)
{
    tr_queue *q = new_queue(TR_RENDEZVOUS);
    int rc;

    EXPECT(!is_readable(q));
    TR_SCOPE(s, &rc) {
        tr_go(s, put_and_note, q, 1);
        let_others_run();
        EXPECT(is_readable(q));
        EXPECT(get(q) == 1);
        EXPECT(!is_readable(q));
    }
    free_queue(q);
}

/* ---- wrong ---- */

static void use_on_a_loop(void *arg)
{
    tr_queue *q = ((void **)arg)[0];
    int item = 1;

    EXPECT(tr_queue_put(q, &item) == TR_EWRONGPLACE);
    EXPECT(tr_queue_get(q, &item) == TR_EWRONGPLACE);
    EXPECT(tr_queue_join(q) == TR_EWRONGPLACE);
    EXPECT(tr_queue_try_put(q, &item) == 0);
    EXPECT(tr_queue_try_get(q, &item) == 0);
    EXPECT(tr_event_set(((void **)arg)[1]) == 0);
}

CASE(a_loop_may_try_but_not_wait)
{
    tr_queue *q = new_queue(1);
    tr_event done = { 0 };
    void *both[] = { q, &done };

    EXPECT(tr_post(TR_LOOP(1), use_on_a_loop, both) == 0);
    EXPECT(tr_event_wait(&done) == 0);
    free_queue(q);
}

static int by_value(const void *a, const void *b)
{
    return *(const int *)a - *(const int *)b;
}

CASE(bad_arguments_are_refused)
{
    tr_queue *q = (tr_queue *)&q;
    tr_queue_options bad[] = {
        { .item_bytes = 0, .capacity = 1 },
        { .item_bytes = 64 * 1024 + 1, .capacity = 1 },
        { .item_bytes = 4, .order = TR_QUEUE_PRIORITY },
        { .item_bytes = 4, .compare = by_value },
        { .item_bytes = 4, .order = (tr_queue_order)7 },
    };
    int item = 0;

    for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
        EXPECT(tr_queue_new_with(&q, &bad[i]) == TR_EINVAL);
        EXPECT(q == NULL);
    }
    EXPECT(tr__queue_new(&q, NULL, 0) == TR_EINVAL);
    EXPECT(tr_queue_new(NULL, 4, 4, NULL) == TR_EINVAL);
    q = new_queue(1);
    EXPECT(tr_queue_put(NULL, &item) == TR_EINVAL && tr_queue_put(q, NULL) == TR_EINVAL);
    EXPECT(tr_queue_put_for(q, &item, __builtin_nan("")) == TR_EINVAL);
    EXPECT(tr_queue_get(NULL, &item) == TR_EINVAL && tr_queue_get(q, NULL) == TR_EINVAL);
    EXPECT(tr_queue_get_for(q, &item, __builtin_nan("")) == TR_EINVAL);
    EXPECT(tr_queue_try_put(NULL, &item) == TR_EINVAL && tr_queue_try_put(q, NULL) == TR_EINVAL);
    EXPECT(tr_queue_try_get(NULL, &item) == TR_EINVAL && tr_queue_try_get(q, NULL) == TR_EINVAL);
    EXPECT(tr_queue_join(NULL) == TR_EINVAL);
    EXPECT(tr_queue_join_for(q, __builtin_nan("")) == TR_EINVAL);
    EXPECT(tr_queue_task_done(NULL) == TR_EINVAL);
    EXPECT(tr_queue_close(NULL) == TR_EINVAL && tr_queue_close_now(NULL) == TR_EINVAL);
    EXPECT(tr_queue_count(NULL) == 0 && tr_queue_is_closed(NULL));
    EXPECT(tr_queue_fd(NULL) == TR_EINVAL);
    free_queue(q);
}

CASES("queue", who_gets_from_an_empty_queue_waits_for_an_item, items_go_to_whoever_waits_first,
      who_puts_into_a_full_queue_waits_for_room, in_a_rendezvous_who_puts_waits_for_who_gets,
      waiting_ends_with_its_time, one_who_is_cancelled_gets_nothing_and_loses_nothing,
      an_item_that_was_handed_over_stays_so_though_the_task_is_cancelled,
      one_who_is_cancelled_while_he_waits_for_room_has_put_nothing,
      a_task_that_is_cancelled_does_not_even_get_what_is_there,
      what_was_put_is_got_whenever_who_puts_is_cancelled,
      nothing_is_lost_whenever_who_gets_is_cancelled,
      a_queue_into_which_nothing_was_put_is_joined_at_once, joining_waits_until_all_items_are_done,
      an_item_that_goes_from_hand_to_hand_counts_too, a_closed_queue_is_drained_and_then_fails,
      closing_lets_all_go_who_wait, closing_at_once_drops_what_is_there_and_lets_who_joins_go,
      freeing_drops_what_is_left, a_queue_where_somebody_waits_is_not_freed,
      loops_and_threads_share_a_bounded_queue, loops_and_threads_share_an_unbounded_queue,
      loops_and_threads_meet_in_a_rendezvous, the_descriptor_is_readable_while_there_is_an_item,
      the_descriptor_is_readable_while_somebody_waits_in_a_rendezvous, a_loop_may_try_but_not_wait,
      bad_arguments_are_refused)
