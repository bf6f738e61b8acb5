/* A loop as guests see it: its libev loop and its end; and a loop that has no memory. */
#include <ev.h>
#include <pthread.h>
#include <sched.h>
#include <stdlib.h>
#include <time.h>
#include <unistd.h>

#include "base/atomic.h"
#include "base/seam.h"
#include "runtime/runtime.h"
#include "support/kit.h"

/* ---- libev ---- */

typedef struct pipe_guest {
    ev_io watcher;
    int ends[2];
    int where;
    uint32_t received;
} pipe_guest;

static void on_readable(struct ev_loop *ev, ev_io *watcher, int events)
{
    pipe_guest *g = (pipe_guest *)(void *)watcher;
    char letters[8];
    ssize_t got = read(watcher->fd, letters, sizeof(letters));

    ck_assert_ptr_eq(ev, tr_loop_ev(TR_LOOP_ANY));
    ck_assert_int_eq(events, EV_READ);
    ck_assert_int_gt(got, 0);
    g->where = tr_loop_current();
    (void)tr__add_ordered_u32(&g->received, (uint32_t)got);
}

static void watch_pipe(void *arg)
{
    pipe_guest *g = arg;

    ev_io_init(&g->watcher, on_readable, g->ends[0], EV_READ);
    ev_io_start(tr_loop_ev(TR_LOOP_ANY), &g->watcher);
}

static void unwatch_pipe(void *arg)
{
    pipe_guest *g = arg;

    ev_io_stop(tr_loop_ev(TR_LOOP_ANY), &g->watcher);
}

static void open_pipe(pipe_guest *g, int loop)
{
    ck_assert_int_eq(pipe(g->ends), 0);
    kit_on_loop(loop, watch_pipe, g);
}

static void close_pipe(pipe_guest *g, int loop)
{
    kit_on_loop(loop, unwatch_pipe, g);
    close(g->ends[0]);
    close(g->ends[1]);
}

START_TEST(guest_hears_of_its_pipe_on_its_loop)
{
    pipe_guest g = { .received = 0 };

    kit_start_with(&(tr_config){ .loops = 2, .spin_us = -1 });
    open_pipe(&g, 1);
    for (uint32_t i = 1; i <= 2000; i++) {
        ck_assert_int_eq(write(g.ends[1], "x", 1), 1);
        while (tr__load_acquire_u32(&g.received) < i)
            sched_yield();
    }
    ck_assert_int_eq(g.where, TR_LOOP(1));
    close_pipe(&g, 1);
    kit_stop();
}
END_TEST

static void go_round(void *arg)
{
    uint32_t *is_over = arg;

    if (tr__load_acquire_u32(is_over) == 0)
        ck_assert_int_eq(tr_post(TR_LOOP_ANY, go_round, arg), 0);
}

START_TEST(guest_hears_of_its_pipe_on_a_loop_that_is_never_idle)
{
    pipe_guest g = { .received = 0 };
    uint32_t is_over = 0;

    kit_start(1);
    open_pipe(&g, 0);
    ck_assert_int_eq(tr_post(TR_LOOP(0), go_round, &is_over), 0);
    ck_assert_int_eq(write(g.ends[1], "xyz", 3), 3);
    while (tr__load_acquire_u32(&g.received) < 3)
        sched_yield();
    tr__store_release_u32(&is_over, 1);
    close_pipe(&g, 0);
    kit_stop();
}
END_TEST

typedef struct timer_guest {
    ev_timer watcher;
    uint32_t rings;
} timer_guest;

static void on_ring(struct ev_loop *ev, ev_timer *watcher, int events)
{
    timer_guest *g = (timer_guest *)(void *)watcher;

    (void)events;
    if (g->rings == 4)
        ev_timer_stop(ev, watcher);
    (void)tr__add_ordered_u32(&g->rings, 1);
}

static void start_ringing(void *arg)
{
    timer_guest *g = arg;

    ev_timer_init(&g->watcher, on_ring, 0.001, 0.001);
    ev_timer_start(tr_loop_ev(TR_LOOP(0)), &g->watcher);
}

START_TEST(guest_timers_wake_a_loop_that_sleeps)
{
    timer_guest g = { .rings = 0 };

    kit_start(1);
    kit_on_loop(0, start_ringing, &g);
    while (tr__load_acquire_u32(&g.rings) < 5)
        sched_yield();
    kit_stop();
}
END_TEST

static void look_for_loops(void *arg)
{
    struct ev_loop **found = arg;

    for (int i = 0; i < 5; i++)
        found[i] = tr_loop_ev(i);
    ck_assert_ptr_null(tr_loop_ev(-1));
}

START_TEST(loop_ev_is_there_on_its_loop_alone)
{
    struct ev_loop *first[5];
    struct ev_loop *second[5];

    ck_assert_ptr_null(tr_loop_ev(TR_LOOP_ANY));
    kit_start(3);
    kit_on_loop(0, look_for_loops, first);
    kit_on_loop(1, look_for_loops, second);
    ck_assert_ptr_null(tr_loop_ev(TR_LOOP_ANY));
    ck_assert_ptr_null(tr_loop_ev(TR_LOOP(0)));
    ck_assert_ptr_nonnull(first[TR_LOOP_ANY]);
    ck_assert_ptr_eq(first[TR_LOOP(0)], first[TR_LOOP_ANY]);
    ck_assert_ptr_null(first[TR_LOOP(1)]);
    ck_assert_ptr_null(first[TR_LOOP(2)]);
    ck_assert_ptr_null(first[TR_LOOP(3)]);
    ck_assert_ptr_nonnull(second[TR_LOOP(1)]);
    ck_assert_ptr_null(second[TR_LOOP(0)]);
    ck_assert_ptr_ne(first[TR_LOOP(0)], second[TR_LOOP(1)]);
    kit_stop();
}
END_TEST

/* ---- the end of a loop ---- */

typedef struct closings {
    char order[8];
    int count;
    int where;
    bool actor_has_ended;
} closings;

static closings closed;

static void close_one(void *arg)
{
    closed.order[closed.count++] = *(const char *)arg;
    closed.where = tr_loop_current();
}

static void register_closers(void *unused)
{
    static const char names[] = "abc";

    (void)unused;
    ck_assert_int_eq(tr_loop_on_close(NULL, NULL), TR_EINVAL);
    for (int i = 0; i < 3; i++)
        ck_assert_int_eq(tr_loop_on_close(close_one, (void *)(uintptr_t)&names[i]), 0);
}

static int ignore(tr_self *self, void *state, tr_msg *msg)
{
    (void)self;
    (void)state;
    (void)msg;
    return 0;
}

static void note_end(tr_self *self, void *state, int reason)
{
    (void)self;
    (void)state;
    ck_assert_int_eq(reason, TR_ESHUTDOWN);
    ck_assert_int_eq(closed.count, 0); /* guests are still there while actors end */
    closed.actor_has_ended = true;
}

static const tr_actor_class resident = { .name = "resident", .receive = ignore, .stop = note_end };

START_TEST(loop_that_closes_calls_the_last_guest_first_after_its_actors)
{
    tr_pid pid;

    kit_start(2);
    kit_on_loop(1, register_closers, NULL);
    ck_assert_int_eq(tr_spawn_with(&pid, &resident, NULL, &(tr_spawn_options){ .on = TR_LOOP(1) }),
                     0);
    kit_stop();
    ck_assert_str_eq(closed.order, "cba");
    ck_assert_int_eq(closed.where, TR_LOOP(1));
    ck_assert(closed.actor_has_ended);
}
END_TEST

START_TEST(loop_on_close_is_for_loops_only)
{
    ck_assert_int_eq(tr_loop_on_close(close_one, NULL), TR_EWRONGPLACE);
    kit_start(1);
    ck_assert_int_eq(tr_loop_on_close(close_one, NULL), TR_EWRONGPLACE);
    kit_stop();
}
END_TEST

static void register_without_memory(void *unused)
{
    (void)unused;
    tr__fault_arm(1, false);
    ck_assert_int_eq(tr_loop_on_close(close_one, NULL), TR_ENOMEM);
    ck_assert(tr__fault_disarm());
}

START_TEST(loop_on_close_without_memory_says_so)
{
    kit_start(1);
    kit_on_loop(0, register_without_memory, NULL);
    kit_stop();
    ck_assert_int_eq(closed.count, 0);
}
END_TEST

/* ---- without memory ---- */

/* The loop, as TR_LOOP(n), that gets no memory; 0: all do. */
static uint32_t drought;
static uint64_t refused; /* allocations of loops, meanwhile */

static void *alloc_in_drought(size_t bytes)
{
    if (tr__loop_here() == NULL || tr__loop_here()->number != tr__load_acquire_u32(&drought))
        return malloc(bytes);
    (void)tr__add_relaxed_u64(&refused, 1);
    return NULL;
}

static uint64_t real_time(void)
{
    struct timespec now;

    clock_gettime(CLOCK_MONOTONIC, &now);
    return (uint64_t)now.tv_sec * UINT64_C(1000000000) + (uint64_t)now.tv_nsec;
}

static uint64_t any_dice(void)
{
    return 4;
}

static int start_thread(pthread_t *out, void *(*entry)(void *), void *arg)
{
    return pthread_create(out, NULL, entry, arg) == 0 ? 0 : TR_EAGAIN;
}

static const tr__seam dry = {
    .alloc = alloc_in_drought,
    .free = free,
    .now_ns = real_time,
    .dice = any_dice,
    .thread_start = start_thread,
};

static uint64_t handled;

static int count_up(tr_self *self, void *state, tr_msg *msg)
{
    const struct kit_value *value = tr_as(msg, kit_value);

    (void)self;
    (void)state;
    ck_assert_ptr_nonnull(value);
    ck_assert_int_eq(value->a, (int64_t)handled);
    (void)tr__add_relaxed_u64(&handled, 1);
    return 0;
}

static const tr_actor_class counter = { .name = "counter", .receive = count_up };

static void start_dry(tr_pid *pid, int loop)
{
    tr__seam_set(&dry);
    kit_start_with(&(tr_config){ .loops = loop + 1, .spin_us = 50 });
    ck_assert_int_eq(tr_spawn_with(pid, &counter, NULL, &(tr_spawn_options){ .on = TR_LOOP(loop) }),
                     0);
}

static void wait_for_handled(uint64_t count)
{
    while (tr__load_relaxed_u64(&handled) < count)
        sched_yield();
}

/* A loop tries again once a millisecond, and does not spin meanwhile: the number of its tries is
 * bounded by the time that has passed, however long that is. */
START_TEST(loop_without_memory_tries_again_in_peace)
{
    uint64_t begin_ns = real_time();
    uint64_t passed_ms;
    tr_pid pid;

    start_dry(&pid, 0);
    tr__store_release_u32(&drought, TR_LOOP(0));
    ck_assert_int_eq(tr_send(pid, kit_value, .a = 0), 0); /* its block would be the loop's first */
    while (tr__load_relaxed_u64(&refused) < 20)
        sched_yield();
    tr__store_release_u32(&drought, 0);
    wait_for_handled(1);
    passed_ms = (real_time() - begin_ns) / 1000000;
    ck_assert_uint_le(tr__load_relaxed_u64(&refused), passed_ms * 2 + 10);
    kit_stop();
    tr__seam_set(NULL);
}
END_TEST

/* What waits for memory is for actors that end now: it becomes dead letters, which take none. */
START_TEST(loop_without_memory_can_be_stopped)
{
    tr_pid pid;

    start_dry(&pid, 0);
    tr__store_release_u32(&drought, TR_LOOP(0));
    for (int64_t i = 0; i < 5; i++)
        ck_assert_int_eq(tr_send(pid, kit_value, .a = i), 0);
    while (tr__load_relaxed_u64(&refused) < 3)
        sched_yield();
    kit_stop();
    ck_assert_uint_eq(kit_stats().sent, 5);
    ck_assert_uint_eq(kit_stats().handled, 0);
    tr__seam_set(NULL);
}
END_TEST

typedef struct burst {
    tr_pid to;
    int64_t count;
} burst;

static void send_burst(void *arg)
{
    const burst *b = arg;

    for (int64_t i = 0; i < b->count; i++)
        ck_assert_int_eq(tr_send(b->to, kit_value, .a = i), 0);
}

START_TEST(messages_of_another_loop_wait_for_memory_in_order)
{
    burst b = { .count = 2000 };

    start_dry(&b.to, 1);
    tr__store_release_u32(&drought, TR_LOOP(1));
    kit_on_loop(0, send_burst, &b);
    while (tr__load_relaxed_u64(&refused) < 3)
        sched_yield();
    ck_assert_uint_eq(tr__load_relaxed_u64(&handled), 0);
    tr__store_release_u32(&drought, 0);
    wait_for_handled(2000);
    kit_stop();
    tr__seam_set(NULL);
}
END_TEST

KIT_MAIN("runtime/loop", guest_hears_of_its_pipe_on_its_loop,
         guest_hears_of_its_pipe_on_a_loop_that_is_never_idle, guest_timers_wake_a_loop_that_sleeps,
         loop_ev_is_there_on_its_loop_alone,
         loop_that_closes_calls_the_last_guest_first_after_its_actors,
         loop_on_close_is_for_loops_only, loop_on_close_without_memory_says_so,
         loop_without_memory_tries_again_in_peace, loop_without_memory_can_be_stopped,
         messages_of_another_loop_wait_for_memory_in_order)
