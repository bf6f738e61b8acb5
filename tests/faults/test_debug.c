/* Debug mode starts, runs and ends with each call failing that may fail. */
#include <sched.h>
#include <stdlib.h>

#include "base/seam.h"
#include "support/debug.h"
#include "support/tasks.h"

static int started;
static int descriptors;
static int threads;

static void start(void *unused)
{
    (void)unused;
    started = tr_start(&(tr_config){ .loops = 1, .debug = 1, .slow_ms = KIT_SLOW_MS });
}

static void expect_nothing_left(void)
{
    ck_assert_int_eq(tr_loop_count(), 0);
    ck_assert_int_eq(kit_open_descriptors(), descriptors);
    while (kit_threads() > threads)
        sched_yield();
}

static void check_start(void *unused, bool struck)
{
    (void)unused;
    kit_end_start(started, struck);
    expect_nothing_left();
}

/* The log, and threads of sanitizers, are there afterwards. */
static void begin(void)
{
    setenv("TROUPE_ADDR2LINE", "", 1); /* which takes its time, and fails elsewhere */
    kit_start_debug(1);
    kit_stop();
    descriptors = kit_open_descriptors();
    threads = kit_threads();
}

START_TEST(debug_mode_starts_whole_or_not_at_all)
{
    const kit_faulty steps = { .attempt = start, .check = check_start };

    begin();
    (void)kit_for_every_fault_of(&steps, NULL, false);
    (void)kit_for_every_fault_of(&steps, NULL, true);
}
END_TEST

/* ---- while it runs ---- */

static int crunch(void *unused)
{
    (void)unused;
    kit_step_until_logged("has run for ");
    return 0;
}

static void run_and_stop(void *unused)
{
    tr_future *f = NULL;

    (void)unused;
    if (tr_submit(&f, TR_LOOP(0), kit_give, NULL) == 0)
        (void)tr_future_wait(f, KIT_PATIENCE_S); /* it may have had no stack */
    tr_future_unref(f);
    ck_assert_int_eq(tr_shutdown(KIT_PATIENCE_S), 0);
}

static void begin_run(void *unused)
{
    start(unused);
    ck_assert_int_eq(started, 0);
    kit_log_clear();
    ck_assert_int_eq(kit_in_task(0, crunch, NULL), 0);
}

static void check_run(void *unused, bool struck)
{
    (void)unused;
    (void)struck;
    expect_nothing_left();
}

/* The watcher makes calls all the time: so there is no end to the number of those that may fail. */
START_TEST(debug_mode_ends_whatever_fails_meanwhile)
{
    begin();
    for (uint64_t n = 1; n <= 60; n++) {
        begin_run(NULL);
        tr__fault_arm(n, n % 2 == 0);
        run_and_stop(NULL);
        check_run(NULL, tr__fault_disarm());
    }
}
END_TEST

KIT_MAIN("faults/debug", debug_mode_starts_whole_or_not_at_all,
         debug_mode_ends_whatever_fails_meanwhile)
