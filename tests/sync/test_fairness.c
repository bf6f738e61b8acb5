/* Fairness: tasks that do nothing but yield hold nobody up for longer than is promised. What is
 * promised in time (I/O is polled when 20 us have passed, a timer fires a tick after its time) is
 * done at the loop's next look up, at most 64 turns later; and whoever can go on has his turn after
 * those who can go on already. So turns are counted here, and time only says from when. */
#include <ev.h>
#include <time.h>
#include <unistd.h>

#include "sync/cases.h"

enum {
    TURNS_TO_LOOK = 64,                /* of a loop, until it looks up */
    POLL_NS = 20 * 1000,               /* of work, until it polls I/O */
    TICK_NS = 132 * 1000,              /* a timer's, and a little more */
    ROUNDS = CASES_SIMULATED ? 5 : 20, /* of each case, beside each number of yielders */
    MANY = CASES_SIMULATED ? 40 : 1200 /* more than a loop takes for a crowd (runtime/ahead.h) */
};

/* From when on something should have happened: `delay` after the first turn that comes once it is
 * awaited. */
typedef struct due {
    bool is_awaited;
    uint64_t delay_ns;
    uint64_t since_ns; /* 0: no turn has come yet */
    uint64_t turn;     /* 0: the time has not come */
} due;

static uint64_t yielders;
static uint64_t turns; /* that they have had, together */
static bool is_over;
static due next_due;

static uint64_t now_ns(void)
{
    struct timespec now;

    EXPECT(clock_gettime(CLOCK_MONOTONIC, &now) == 0);
    return (uint64_t)now.tv_sec * 1000000000 + (uint64_t)now.tv_nsec;
}

static void await_within(uint64_t delay_ns)
{
    next_due = (due){ .is_awaited = true, .delay_ns = delay_ns };
}

static void look_at_clock(void)
{
    if (!next_due.is_awaited || next_due.turn != 0)
        return;
    if (next_due.since_ns == 0)
        next_due.since_ns = now_ns();
    else if (now_ns() >= next_due.since_ns + next_due.delay_ns)
        next_due.turn = turns;
}

/* It has happened: no more than that many turns after it was due. */
static void expect_in_time(uint64_t most)
{
    EXPECT(next_due.turn == 0 || turns - next_due.turn <= most);
    next_due.is_awaited = false;
}

/* Now and then a turn takes so long that a loop grants fewer turns until it looks up, and then more
 * again. */
static void dawdle_at_times(void)
{
    static uint64_t next;

    if (turns < next && next < turns + 200)
        return;
    next = turns + 60 + turns % 61;
    EXPECT(usleep(21 + (unsigned)(turns % 19)) == 0);
}

static int only_yield(void *dawdles)
{
    while (!is_over) {
        uint64_t before = ++turns;

        if (dawdles != NULL)
            dawdle_at_times();
        look_at_clock();
        EXPECT(tr_yield() == 0);
        EXPECT(turns - before < yielders); /* each other one has had one turn */
    }
    return 0;
}

/* Run the task beside so many that only yield. */
static void run_beside(uint64_t count, tr_task_fn fn)
{
    int rc;

    yielders = count;
    turns = 0;
    is_over = false;
    TR_SCOPE(s, &rc) {
        for (uint64_t i = 0; i < count; i++)
            tr_scope_spawn(s, only_yield, i == 0 ? &turns : NULL);
        EXPECT(fn(NULL) == 0);
        is_over = true;
    }
    EXPECT(rc == 0);
}

static void run_beside_few_and_many(tr_task_fn fn)
{
    run_beside(1, fn);
    run_beside(10, fn);
    run_beside(MANY, fn);
}

/* ---- other tasks ---- */

struct wake_args {
    tr_event *event;
    uint64_t *turn;
};

static int wake(void *arg)
{
    const struct wake_args *a = arg;

    *a->turn = turns;
    return tr_event_set(a->event);
}

static int be_woken_again_and_again(void *unused)
{
    int rc;

    (void)unused;
    for (int round = 0; round < ROUNDS; round++) {
        tr_event event = { 0 };
        uint64_t woken = 0;

        TR_SCOPE(s, &rc) {
            tr_go(s, wake, &event, &woken);
            EXPECT(tr_event_wait(&event) == 0);
            EXPECT(turns - woken <= yielders);
        }
        EXPECT(rc == 0);
    }
    return 0;
}

CASE(a_task_that_is_woken_waits_for_one_turn_of_each_that_yields)
{
    run_beside_few_and_many(be_woken_again_and_again);
}

/* ---- timers ---- */

static int sleep_again_and_again(void *unused)
{
    (void)unused;
    for (int round = 0; round < ROUNDS; round++) {
        uint64_t sleep_ns = (uint64_t)(round % 5) * 50000 + 1;

        await_within(sleep_ns + TICK_NS);
        EXPECT(tr_sleep((double)sleep_ns / 1e9) == 0);
        expect_in_time(TURNS_TO_LOOK + yielders);
    }
    return 0;
}

CASE(a_task_that_sleeps_goes_on_after_a_look_and_one_turn_of_each)
{
    run_beside_few_and_many(sleep_again_and_again);
}

/* ---- descriptors ---- */

typedef struct reader {
    ev_io watcher; /* first */
    tr_event has_read;
    uint64_t turn;
} reader;

static void on_readable(struct ev_loop *ev, ev_io *watcher, int events)
{
    reader *r = (reader *)(void *)watcher;
    char byte;

    (void)ev;
    (void)events;
    expect_in_time(TURNS_TO_LOOK);
    EXPECT(read(watcher->fd, &byte, 1) == 1);
    r->turn = turns;
    EXPECT(tr_event_set(&r->has_read) == 0);
}

static int read_again_and_again(void *unused)
{
    reader r = { .turn = 0 };
    int ends[2];

    (void)unused;
    EXPECT(pipe(ends) == 0);
    ev_io_init(&r.watcher, on_readable, ends[0], EV_READ);
    ev_io_start(tr_loop_ev(TR_LOOP(0)), &r.watcher);
    for (int round = 0; round < ROUNDS; round++) {
        EXPECT(write(ends[1], "x", 1) == 1);
        await_within(POLL_NS);
        EXPECT(tr_event_wait(&r.has_read) == 0);
        EXPECT(turns - r.turn <= yielders);
        EXPECT(tr_event_clear(&r.has_read) == 0);
    }
    ev_io_stop(tr_loop_ev(TR_LOOP(0)), &r.watcher);
    EXPECT(close(ends[0]) == 0 && close(ends[1]) == 0);
    return 0;
}

CASE(a_descriptor_that_is_ready_is_seen_at_the_next_look_after_20_us)
{
    run_beside_few_and_many(read_again_and_again);
}

/* ---- other threads ---- */

/* What another thread submits is taken in at the loop's next turn, which lasts until it looks up.
 * */
static counter submitted;
static uint64_t last_seen, seen_at;

static int on_turn(void *number)
{
    if (last_seen == *(const uint64_t *)number) /* else nobody could have seen it yet */
        EXPECT(turns - seen_at <= TURNS_TO_LOOK + yielders);
    return 0;
}

static void submit_again_and_again(void *over)
{
    for (uint64_t round = 1; round <= ROUNDS; round++) {
        tr_future *f;

        EXPECT(tr_submit(&f, TR_LOOP(0), on_turn, &round) == 0);
        count_up(&submitted);
        EXPECT(tr_future_wait(f, TR_FOREVER) == 0);
        tr_future_unref(f);
    }
    EXPECT(tr_event_set(over) == 0);
}

/* One that looks for more at each of its turns. */
static int look_for_more(void *over)
{
    while (!tr_event_is_set(over)) {
        if (last_seen != count_of(&submitted)) {
            last_seen = count_of(&submitted);
            seen_at = turns;
        }
        if (CASES_SIMULATED)
            EXPECT(usleep(1) == 0); /* by some seeds a thread goes on until it waits */
        EXPECT(tr_yield() == 0);
    }
    return 0;
}

static int be_submitted_to(void *unused)
{
    tr_event over = { 0 };
    foreign *thread;
    int rc;

    (void)unused;
    submitted = (counter){ 0 };
    last_seen = 0;
    TR_SCOPE(s, &rc) {
        tr_scope_spawn(s, look_for_more, &over);
        thread = foreign_start(submit_again_and_again, &over);
        EXPECT(tr_event_wait(&over) == 0);
    }
    foreign_end(thread);
    return rc;
}

CASE(a_task_of_another_thread_begins_after_a_look_and_one_turn_of_each)
{
    run_beside_few_and_many(be_submitted_to);
}

CASES("fairness", a_task_that_is_woken_waits_for_one_turn_of_each_that_yields,
      a_task_that_sleeps_goes_on_after_a_look_and_one_turn_of_each,
      a_descriptor_that_is_ready_is_seen_at_the_next_look_after_20_us,
      a_task_of_another_thread_begins_after_a_look_and_one_turn_of_each)
