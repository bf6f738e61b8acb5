/* Broadcasts, and watched values. */
#include <string.h>

#include "sync/cases.h"

static tr_broadcast *new_broadcast(size_t capacity)
{
    tr_broadcast *b = NULL;

    EXPECT(tr_broadcast_new(&b, sizeof(int), capacity) == 0);
    return b;
}

static tr_subscription *subscribe(tr_broadcast *b)
{
    tr_subscription *s = NULL;

    EXPECT(tr_broadcast_subscribe(&s, b) == 0);
    return s;
}

static void send_numbers(tr_broadcast *b, int from, int to)
{
    for (int i = from; i < to; i++)
        EXPECT(tr_broadcast_send(b, &i) >= 0);
}

static void expect_next(tr_subscription *s, int wanted, uint64_t wanted_missed)
{
    uint64_t missed = 99;
    int item = -1;

    EXPECT(tr_subscription_receive(s, &item, &missed) == 0);
    EXPECT(item == wanted && missed == wanted_missed);
}

CASE(each_who_has_subscribed_receives_each_item)
{
    tr_broadcast *b = new_broadcast(4);
    tr_subscription *first = subscribe(b);
    tr_subscription *second;

    EXPECT(tr_broadcast_send(b, &(int){ 0 }) == 1);
    second = subscribe(b);
    EXPECT(tr_broadcast_send(b, &(int){ 1 }) == 2);
    expect_next(first, 0, 0);
    expect_next(first, 1, 0);
    expect_next(second, 1, 0); /* what was sent before is not for it */
    tr_subscription_free(first);
    tr_subscription_free(second);
    EXPECT(tr_broadcast_send(b, &(int){ 2 }) == 0);
    EXPECT(tr_broadcast_free(b) == 0);
}

CASE(who_is_too_slow_is_told_how_many_it_has_missed)
{
    tr_broadcast *b = new_broadcast(3);
    tr_subscription *s = subscribe(b);

    send_numbers(b, 0, 10);
    expect_next(s, 7, 7);
    expect_next(s, 8, 0);
    send_numbers(b, 10, 12);
    expect_next(s, 9, 0);
    send_numbers(b, 12, 16);
    expect_next(s, 13, 3);
    tr_subscription_free(s);
    EXPECT(tr_broadcast_free(b) == 0);
}

struct listen_until_closed_args {
    tr_broadcast *b;
    tr_semaphore *ready;
    counter *sum;
};

static int listen_until_closed(void *arg)
{
    const struct listen_until_closed_args *a = arg;
    tr_subscription *s = subscribe(a->b);
    uint64_t missed;
    int last = -1;
    int item;
    int rc;

    EXPECT(tr_semaphore_release(a->ready) == 0);
    while ((rc = tr_subscription_receive(s, &item, &missed)) == 0) {
        EXPECT(item == last + 1 + (int)missed);
        last = item;
        for (uint64_t i = 0; i <= missed; i++)
            count_up(a->sum);
    }
    EXPECT(rc == TR_EPIPE || rc == TR_ECANCELED);
    tr_subscription_free(s);
    return rc == TR_EPIPE ? 0 : rc;
}

static void listen_as_thread(void *arg)
{
    EXPECT(listen_until_closed(arg) == 0);
}

CASE(tasks_of_all_loops_and_threads_receive_all_or_are_told)
{
    tr_broadcast *b = new_broadcast(2);
    tr_semaphore ready = { 0 };
    counter sum = { 0 };
    struct listen_until_closed_args args = { b, &ready, &sum };
    foreign *thread = foreign_start(listen_as_thread, &args);
    int rc;

    TR_SCOPE(s, &rc) {
        for (int i = 0; i < 4; i++)
            EXPECT(tr_go_on(s, TR_LOOP(i % 2), listen_until_closed, b, &ready, &sum) == 0);
        EXPECT(tr_semaphore_acquire_many(&ready, 5, TR_FOREVER) == 0);
        for (int i = 0; i < 50; i++) {
            send_numbers(b, i, i + 1);
            if (i % 3 == 0)
                EXPECT(tr_yield() == 0);
        }
        EXPECT(tr_broadcast_close(b) == 0);
    }
    foreign_end(thread);
    EXPECT(rc == 0);
    EXPECT(count_of(&sum) == 5 * 50);
    EXPECT(tr_broadcast_free(b) == 0);
}

CASE(after_closing_what_is_left_is_received)
{
    tr_broadcast *b = new_broadcast(4);
    tr_subscription *s = subscribe(b);
    int item = 7;

    send_numbers(b, 0, 2);
    EXPECT(tr_broadcast_close(b) == 0);
    EXPECT(tr_broadcast_close(b) == 0);
    EXPECT(tr_broadcast_send(b, &item) == TR_EPIPE);
    expect_next(s, 0, 0);
    expect_next(s, 1, 0);
    EXPECT(tr_subscription_receive(s, &item, NULL) == TR_EPIPE && item == 7);
    tr_subscription_free(s);
    EXPECT(tr_broadcast_free(b) == 0);
}

CASE(waiting_for_an_item_ends_with_its_time)
{
    tr_broadcast *b = new_broadcast(4);
    tr_subscription *s = subscribe(b);
    int item = 7;

    EXPECT(tr_subscription_receive_for(s, &item, NULL, 0) == TR_ETIMEDOUT);
    EXPECT(tr_subscription_receive_for(s, &item, NULL, 0.001) == TR_ETIMEDOUT);
    send_numbers(b, 0, 1);
    expect_next(s, 0, 0);
    EXPECT(tr_broadcast_free(b) == TR_EBUSY);
    tr_subscription_free(s);
    EXPECT(tr_broadcast_free(b) == 0);
}

static int receive_one(void *s)
{
    int item;

    return tr_subscription_receive(s, &item, NULL);
}

CASE(one_at_a_time_receives_by_a_subscription)
{
    tr_broadcast *b = new_broadcast(4);
    tr_subscription *s = subscribe(b);
    tr_task *first;
    int item;

    EXPECT(tr_task_spawn(&first, receive_one, s) == 0);
    let_others_run();
    EXPECT(tr_subscription_receive(s, &item, NULL) == TR_EBUSY);
    EXPECT(tr_task_cancel(first) == 1);
    EXPECT(tr_task_wait(first, TR_FOREVER) == TR_ECANCELED);
    tr_task_unref(first);
    send_numbers(b, 0, 1);
    expect_next(s, 0, 0);
    tr_subscription_free(s);
    EXPECT(tr_broadcast_free(b) == 0);
}

typedef struct listening {
    tr_broadcast *b;
    tr_subscription *s;
    tr_task *sender;
    uint64_t seen;
} listening;

static int listen_a_while(void *arg)
{
    listening *l = arg;
    int item;
    uint64_t missed;

    while (l->seen < 4) {
        int rc = AWAIT(tr_subscription_receive(l->s, &item, &missed));

        if (rc < 0)
            return rc;
        EXPECT((uint64_t)item == l->seen + missed);
        l->seen += missed + 1;
    }
    return 0;
}

static int send_four(void *arg)
{
    listening *l = arg;

    for (int i = 0; i < 4; i++) {
        EXPECT(tr_broadcast_send(l->b, &i) == 1);
        EXPECT(tr_yield() == 0);
    }
    return 0;
}

static void begin_listening(void *arg)
{
    listening *l = arg;

    *l = (listening){ .b = new_broadcast(2) };
    l->s = subscribe(l->b);
    EXPECT(tr_task_spawn_on(&l->sender, TR_LOOP(1), send_four, l) == 0);
}

static void expect_rest(void *arg, int rc)
{
    listening *l = arg;
    uint64_t missed;
    int item;

    EXPECT(rc == 0 || rc == TR_ECANCELED);
    EXPECT(tr_task_wait(l->sender, TR_FOREVER) == 0);
    tr_task_unref(l->sender);
    EXPECT(tr_broadcast_close(l->b) == 0);
    while (tr_subscription_receive(l->s, &item, &missed) == 0)
        l->seen += missed + 1;
    EXPECT(l->seen == 4);
    tr_subscription_free(l->s);
    EXPECT(tr_broadcast_free(l->b) == 0);
}

CASE(no_item_is_lost_in_silence_whenever_who_receives_is_cancelled)
{
    listening l;

    cancel_at_every_await(&(attempt){ begin_listening, listen_a_while, expect_rest }, &l);
}

/* ---- watched values ---- */

static tr_watch *new_watch(int value)
{
    tr_watch *w = NULL;

    EXPECT(tr_watch_new(&w, sizeof(int), &value) == 0);
    return w;
}

CASE(a_watched_value_is_the_latest)
{
    tr_watch *w = new_watch(5);
    uint64_t version = 0;
    int item = 0;

    EXPECT(tr_watch_get(w, &item, &version) == 0 && item == 5 && version == 1);
    EXPECT(tr_watch_set(w, &(int){ 6 }) == 0);
    EXPECT(tr_watch_set(w, &(int){ 7 }) == 0);
    EXPECT(tr_watch_changed(w, &item, &version) == 0);
    EXPECT(item == 7 && version == 3); /* 6 was nobody's */
    EXPECT(tr_watch_changed_for(w, &item, &version, 0) == TR_ETIMEDOUT);
    EXPECT(tr_watch_changed_for(w, &item, &version, 0.001) == TR_ETIMEDOUT);
    EXPECT(tr_watch_get(w, &item, NULL) == 0 && item == 7);
    EXPECT(tr_watch_free(w) == 0);
}

CASE(a_first_look_needs_no_change)
{
    tr_watch *w = new_watch(5);
    uint64_t version = 0;
    int item = 0;

    EXPECT(tr_watch_changed(w, &item, &version) == 0 && item == 5 && version == 1);
    EXPECT(tr_watch_free(w) == 0);
}

struct follow_args {
    tr_watch *w;
    counter *done;
};

static int follow(void *arg)
{
    const struct follow_args *a = arg;
    uint64_t version = 0;
    int last = -1;
    int item = -1;
    int rc;

    while ((rc = tr_watch_changed(a->w, &item, &version)) == 0) {
        EXPECT(item > last);
        last = item;
    }
    EXPECT(rc == TR_EPIPE);
    EXPECT(item == 20); /* the last one is seen by all */
    count_up(a->done);
    return 0;
}

static void follow_as_thread(void *arg)
{
    EXPECT(follow(arg) == 0);
}

CASE(all_who_watch_see_the_last_value)
{
    tr_watch *w = new_watch(0);
    counter done = { 0 };
    struct follow_args args = { w, &done };
    foreign *thread = foreign_start(follow_as_thread, &args);
    int rc;

    TR_SCOPE(s, &rc) {
        for (int i = 0; i < 4; i++)
            EXPECT(tr_go_on(s, TR_LOOP(i % 2), follow, w, &done) == 0);
        for (int i = 1; i <= 20; i++) {
            EXPECT(tr_watch_set(w, &i) == 0);
            if (i % 3 == 0)
                EXPECT(tr_yield() == 0);
        }
        EXPECT(tr_watch_close(w) == 0);
    }
    foreign_end(thread);
    EXPECT(rc == 0 && count_of(&done) == 5);
    EXPECT(tr_watch_set(w, &(int){ 21 }) == TR_EPIPE);
    EXPECT(tr_watch_free(w) == 0);
}

static int await_change(void *arg)
{
    uint64_t version = 1;
    int item;

    return tr_watch_changed(arg, &item, &version);
}

CASE(who_is_cancelled_watches_no_more)
{
    tr_watch *w = new_watch(0);
    tr_task *task;

    EXPECT(tr_task_spawn(&task, await_change, w) == 0);
    let_others_run();
    EXPECT(tr_watch_free(w) == TR_EBUSY);
    EXPECT(tr_task_wait(task, 0) == TR_ETIMEDOUT);
    tr_task_unref(task);
    EXPECT(tr_watch_set(w, &(int){ 1 }) == 0);
    EXPECT(tr_watch_free(w) == 0);
}

static int watch_twice(void *w)
{
    uint64_t version = 1;
    int item;
    int rc = AWAIT(tr_watch_changed(w, &item, &version));

    return rc < 0 ? rc : AWAIT(tr_watch_changed_for(w, &item, &version, 0.0001));
}

static void set_once(void *w)
{
    EXPECT(tr_watch_set(w, &(int){ 1 }) == 0);
}

static void post_a_change(void *w)
{
    EXPECT(tr_post(TR_LOOP(1), set_once, w) == 0);
}

static void expect_sane(void *w, int rc)
{
    uint64_t version;
    int item;

    EXPECT(rc == 0 || rc == TR_ECANCELED || rc == TR_ETIMEDOUT);
    EXPECT(tr_watch_get(w, &item, &version) == 0);
}

CASE(watching_survives_a_cancellation_at_every_await)
{
    tr_watch *w = new_watch(0);

    cancel_at_every_await(&(attempt){ post_a_change, watch_twice, expect_sane }, w);
    EXPECT(tr_watch_free(w) == 0);
}

/* ---- wrong ---- */

typedef struct both {
    tr_subscription *s;
    tr_watch *w;
    tr_event done;
} both;

static void wait_on_a_loop(void *arg)
{
    both *all = arg;
    uint64_t version = 1;
    int item;

    EXPECT(tr_subscription_receive(all->s, &item, NULL) == TR_EWRONGPLACE);
    EXPECT(tr_watch_changed(all->w, &item, &version) == TR_EWRONGPLACE);
    EXPECT(tr_watch_set(all->w, &item) == 0);
    EXPECT(tr_event_set(&all->done) == 0);
}

CASE(a_loop_may_send_but_not_wait)
{
    tr_broadcast *b = new_broadcast(1);
    both all = { .s = subscribe(b), .w = new_watch(0) };

    EXPECT(tr_post(TR_LOOP(1), wait_on_a_loop, &all) == 0);
    EXPECT(tr_event_wait(&all.done) == 0);
    tr_subscription_free(all.s);
    EXPECT(tr_broadcast_free(b) == 0);
    EXPECT(tr_watch_free(all.w) == 0);
}

CASE(bad_arguments_are_refused)
{
    tr_broadcast *b = (tr_broadcast *)&b;
    tr_subscription *s = (tr_subscription *)&s;
    tr_watch *w = (tr_watch *)&w;
    uint64_t version = 0;
    double nan = __builtin_nan("");
    int item = 0;

    EXPECT(tr_broadcast_new(&b, 0, 1) == TR_EINVAL && b == NULL);
    EXPECT(tr_broadcast_new(&b, 64 * 1024 + 1, 1) == TR_EINVAL);
    EXPECT(tr_broadcast_new(&b, 4, 0) == TR_EINVAL);
    EXPECT(tr_broadcast_new(&b, 4, SIZE_MAX / 2) == TR_EINVAL);
    EXPECT(tr_broadcast_new(NULL, 4, 1) == TR_EINVAL);
    EXPECT(tr_broadcast_free(NULL) == 0);
    EXPECT(tr_broadcast_send(NULL, &item) == TR_EINVAL);
    EXPECT(tr_broadcast_close(NULL) == TR_EINVAL);
    EXPECT(tr_broadcast_subscribe(&s, NULL) == TR_EINVAL && s == NULL);
    b = new_broadcast(1);
    EXPECT(tr_broadcast_subscribe(NULL, b) == TR_EINVAL);
    EXPECT(tr_broadcast_send(b, NULL) == TR_EINVAL);
    s = subscribe(b);
    EXPECT(tr_subscription_receive(NULL, &item, NULL) == TR_EINVAL);
    EXPECT(tr_subscription_receive(s, NULL, NULL) == TR_EINVAL);
    EXPECT(tr_subscription_receive_for(s, &item, NULL, nan) == TR_EINVAL);
    tr_subscription_free(s);
    tr_subscription_free(NULL);
    EXPECT(tr_broadcast_free(b) == 0);
    EXPECT(tr_watch_new(&w, 0, &item) == TR_EINVAL && w == NULL);
    EXPECT(tr_watch_new(&w, 64 * 1024 + 1, &item) == TR_EINVAL);
    EXPECT(tr_watch_new(&w, 4, NULL) == TR_EINVAL);
    EXPECT(tr_watch_new(NULL, 4, &item) == TR_EINVAL);
    EXPECT(tr_watch_free(NULL) == 0);
    EXPECT(tr_watch_set(NULL, &item) == TR_EINVAL);
    EXPECT(tr_watch_get(NULL, &item, NULL) == TR_EINVAL);
    EXPECT(tr_watch_changed(NULL, &item, &version) == TR_EINVAL);
    EXPECT(tr_watch_close(NULL) == TR_EINVAL);
    w = new_watch(0);
    EXPECT(tr_watch_set(w, NULL) == TR_EINVAL);
    EXPECT(tr_watch_get(w, NULL, NULL) == TR_EINVAL);
    EXPECT(tr_watch_changed(w, NULL, &version) == TR_EINVAL);
    EXPECT(tr_watch_changed(w, &item, NULL) == TR_EINVAL);
    EXPECT(tr_watch_changed_for(w, &item, &version, nan) == TR_EINVAL);
    EXPECT(tr_watch_free(w) == 0);
}

CASES("broadcast", each_who_has_subscribed_receives_each_item,
      who_is_too_slow_is_told_how_many_it_has_missed,
      tasks_of_all_loops_and_threads_receive_all_or_are_told,
      after_closing_what_is_left_is_received, waiting_for_an_item_ends_with_its_time,
      one_at_a_time_receives_by_a_subscription,
      no_item_is_lost_in_silence_whenever_who_receives_is_cancelled, a_watched_value_is_the_latest,
      a_first_look_needs_no_change, all_who_watch_see_the_last_value,
      who_is_cancelled_watches_no_more, watching_survives_a_cancellation_at_every_await,
      a_loop_may_send_but_not_wait, bad_arguments_are_refused)
