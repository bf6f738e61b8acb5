/* Tasks: the order of their turns, results, names, options, what survives an await, sleeping and
 * yielding. */
#include <errno.h>
#include <limits.h>
#include <math.h>
#include <sched.h>
#include <stdio.h>
#include <string.h>

#include "base/atomic.h"
#include "base/seam.h"
#include "support/kit.h"

/* What happened, in order, on one loop. */
static char trace[1024];

static void note(const char *text)
{
    ck_assert_uint_lt(strlen(trace) + strlen(text), sizeof(trace));
    strcat(trace, text);
}

static int note_name(void *name)
{
    note(name);
    return 0;
}

static int give(void *result)
{
    return *(const int *)result;
}

static int forever(void *unused)
{
    (void)unused;
    return tr_sleep(TR_FOREVER);
}

/* ---- turns ---- */

static int spawn_and_return(void *unused)
{
    (void)unused;
    for (const char *name = "abc"; *name != '\0'; name++) {
        static char names[3][2];
        char *copy = names[*name - 'a'];

        copy[0] = *name;
        ck_assert_int_eq(tr_task_spawn(NULL, note_name, copy), 0);
    }
    note("-");
    return 0;
}

START_TEST(task_begins_when_its_parent_returns)
{
    kit_start(1);
    ck_assert_int_eq(kit_in_task(0, spawn_and_return, NULL), 0);
    kit_stop();
    ck_assert_str_eq(trace, "-abc");
}
END_TEST

static int spawn_and_await(void *unused)
{
    (void)spawn_and_return(unused);
    ck_assert_int_eq(tr_yield(), 0);
    note("=");
    return 0;
}

START_TEST(task_begins_when_its_parent_awaits_and_first_come_run_first)
{
    kit_start(1);
    ck_assert_int_eq(kit_in_task(0, spawn_and_await, NULL), 0);
    kit_stop();
    ck_assert_str_eq(trace, "-abc=");
}
END_TEST

static int take_three_turns(void *name)
{
    for (int turn = 0; turn < 3; turn++) {
        note(name);
        ck_assert_int_eq(tr_yield(), 0);
    }
    return 0;
}

static int spawn_turners(void *unused)
{
    (void)unused;
    ck_assert_int_eq(tr_task_spawn(NULL, take_three_turns, (char *)"x"), 0);
    ck_assert_int_eq(tr_task_spawn(NULL, take_three_turns, (char *)"y"), 0);
    ck_assert_int_eq(tr_task_spawn(NULL, take_three_turns, (char *)"z"), 0);
    return take_three_turns((char *)"p");
}

START_TEST(tasks_that_yield_take_turns_in_order)
{
    kit_start(1);
    ck_assert_int_eq(kit_in_task(0, spawn_turners, NULL), 0);
    kit_stop();
    ck_assert_str_eq(trace, "pxyzpxyzpxyz");
}
END_TEST

static int count_plainly(void *counter)
{
    for (int i = 0; i < 1000; i++) {
        int before = *(int *)counter;

        *(int *)counter = before + 1; /* no lock: siblings never run at the same time */
        if (i % 10 == 0)
            ck_assert_int_eq(tr_yield(), 0);
    }
    return 0;
}

static int count_together(void *counter)
{
    tr_task *tasks[20];

    for (int i = 0; i < 20; i++)
        ck_assert_int_eq(tr_task_spawn(&tasks[i], count_plainly, counter), 0);
    for (int i = 0; i < 20; i++) {
        ck_assert_int_eq(tr_task_wait(tasks[i], TR_FOREVER), 0);
        tr_task_unref(tasks[i]);
    }
    return 0;
}

START_TEST(siblings_never_run_at_the_same_time)
{
    int counter = 0;

    kit_start(4);
    ck_assert_int_eq(kit_in_task(2, count_together, &counter), 0);
    kit_stop();
    ck_assert_int_eq(counter, 20000);
}
END_TEST

TR_REQUEST(question, kit_value)
{
    int64_t a;
};

static int count_message(tr_self *self, void *state, tr_msg *msg)
{
    (void)state;
    (void)msg;
    note("m");
    return tr_reply(self, kit_value, .a = 1);
}

static const tr_actor_class counting_class = { .name = "counting", .receive = count_message };

static int yield_beside_actors(void *unused)
{
    tr_pid pids[3];

    (void)unused;
    for (int i = 0; i < 3; i++)
        ck_assert_int_eq(tr_spawn(&pids[i], &counting_class, NULL), 0);
    for (int i = 0; i < 3; i++)
        ck_assert_int_eq(tr_send(pids[i], kit_notice), 0);
    ck_assert_int_eq(tr_task_spawn(NULL, note_name, (char *)"t"), 0);
    ck_assert_int_eq(tr_yield(), 0);
    note(".");
    return 0;
}

START_TEST(yield_lets_actors_and_tasks_run_once)
{
    kit_start(1);
    ck_assert_int_eq(kit_in_task(0, yield_beside_actors, NULL), 0);
    kit_stop();
    ck_assert_str_eq(trace, "mmmt.");
}
END_TEST

/* ---- results and handles ---- */

static int wait_for_results(void *unused)
{
    static const int results[] = { 0, 1, INT_MAX, TR_EDEAD, TR_ECANCELED, TR_ETIMEDOUT, INT_MIN };

    (void)unused;
    for (size_t i = 0; i < sizeof(results) / sizeof(results[0]); i++) {
        tr_task *t;

        ck_assert_int_eq(tr_task_spawn(&t, give, (void *)(uintptr_t)&results[i]), 0);
        ck_assert(!tr_future_is_done(tr_task_future(t)));
        ck_assert_int_eq(tr_task_wait(t, TR_FOREVER), results[i]);
        ck_assert_int_eq(tr_task_wait(t, 0), results[i]); /* again */
        ck_assert_int_eq(tr_task_wait(t, -1), results[i]);
        ck_assert_int_eq(tr_future_status(tr_task_future(t)), results[i]);
        ck_assert_int_eq(tr_await(tr_task_future(t)), results[i]);
        ck_assert_int_eq(tr_task_cancel(t), 0);
        ck_assert_int_eq(tr_future_status(tr_task_future(t)), results[i]);
        tr_task_unref(t);
    }
    return 0;
}

START_TEST(result_of_a_task_can_be_had_again_and_again)
{
    kit_start(1);
    ck_assert_int_eq(kit_in_task(0, wait_for_results, NULL), 0);
    ck_assert(!kit_log_contains("nobody has looked at"));
    kit_stop();
}
END_TEST

static int keep_handles(void *handle)
{
    static int result = 5;

    ck_assert_int_eq(tr_task_spawn((tr_task **)handle, give, &result), 0);
    ck_assert_ptr_eq(tr_task_ref(*(tr_task **)handle), *(tr_task **)handle);
    return 0;
}

START_TEST(handle_outlives_the_runtime)
{
    tr_task *t;

    kit_start(1);
    ck_assert_int_eq(kit_in_task(0, keep_handles, &t), 0);
    kit_stop();
    ck_assert_int_eq(tr_future_status(tr_task_future(t)), 5);
    ck_assert_int_eq(tr_task_wait(t, 0), 5);
    ck_assert_int_eq(tr_task_cancel(t), 0);
    tr_task_unref(t);
    tr_task_detach(t);
}
END_TEST

static int fail_alone(void *results)
{
    tr_task *t;

    ck_assert_int_eq(tr_task_spawn(NULL, give, results), 0);
    ck_assert_int_eq(tr_task_spawn(&t, give, (int *)results + 1), 0);
    tr_task_detach(t);
    ck_assert_int_eq(tr_yield(), 0);
    ck_assert_int_eq(tr_task_spawn(&t, give, (int *)results + 2), 0);
    ck_assert_int_eq(tr_yield(), 0);
    ck_assert(kit_log_contains("task 'give' ended with an error that nobody has looked at: the "
                               "actor has ended, or never was (TR_EDEAD)"));
    kit_log_clear();
    ck_assert(!kit_log_contains("(TR_EFULL)")); /* somebody may look yet */
    tr_task_unref(t);
    ck_assert(kit_log_contains("(TR_EFULL)"));
    return 0;
}

START_TEST(failure_that_nobody_looks_at_is_logged_once)
{
    static int results[] = { TR_EDEAD, TR_ECANCELED, TR_EFULL };

    kit_start(1);
    ck_assert_int_eq(kit_in_task(0, fail_alone, results), 0);
    kit_stop();
    ck_assert(!kit_log_contains("(TR_EDEAD)"));
    ck_assert(!kit_log_contains("(TR_ECANCELED)")); /* it was asked for */
}
END_TEST

static int wait_in_every_case(void *unused)
{
    static int result = TR_EDEAD;
    tr_task *t;

    (void)unused;
    /* It is over in time, and has a result of its own. */
    ck_assert_int_eq(tr_task_spawn(&t, give, &result), 0);
    ck_assert_int_eq(tr_task_wait(t, KIT_PATIENCE_S), TR_EDEAD);
    tr_task_unref(t);
    /* It is not: it is cancelled, and has ended. */
    ck_assert_int_eq(tr_task_spawn(&t, forever, NULL), 0);
    ck_assert_int_eq(tr_task_wait(t, 0.001), TR_ETIMEDOUT);
    ck_assert_int_eq(tr_future_status(tr_task_future(t)), TR_ECANCELED);
    tr_task_unref(t);
    /* Without any time, it begins, cancelled. */
    ck_assert_int_eq(tr_task_spawn(&t, forever, NULL), 0);
    ck_assert_int_eq(tr_task_wait(t, 0), TR_ETIMEDOUT);
    ck_assert_int_eq(tr_future_status(tr_task_future(t)), TR_ECANCELED);
    tr_task_unref(t);
    ck_assert_int_eq(tr_task_spawn(&t, forever, NULL), 0);
    ck_assert_int_eq(tr_task_wait(t, -INFINITY), TR_ETIMEDOUT);
    tr_task_unref(t);
    /* It was cancelled by somebody. */
    ck_assert_int_eq(tr_task_spawn(&t, forever, NULL), 0);
    ck_assert_int_eq(tr_task_cancel(t), 1);
    ck_assert_int_eq(tr_task_cancel(t), 1);
    ck_assert_int_eq(tr_task_wait(t, TR_FOREVER), TR_ECANCELED);
    ck_assert_int_eq(tr_task_cancel(t), 0);
    tr_task_unref(t);
    return 0;
}

START_TEST(task_can_be_waited_for_in_every_case)
{
    kit_start(1);
    ck_assert_int_eq(kit_in_task(0, wait_in_every_case, NULL), 0);
    kit_stop();
}
END_TEST

static int wait_and_be_cancelled(void *handle)
{
    return tr_task_wait(handle, TR_FOREVER);
}

static int clean_up_slowly(void *unused)
{
    int rc = tr_sleep(TR_FOREVER);

    (void)unused;
    TR_SHIELD(TR_FOREVER) {
        for (int i = 0; i < 3; i++)
            ck_assert_int_eq(tr_yield(), 0);
        note("clean");
    }
    return rc;
}

static int cancel_a_waiter(void *unused)
{
    tr_task *victim;
    tr_task *waiter;

    (void)unused;
    ck_assert_int_eq(tr_task_spawn(&victim, clean_up_slowly, NULL), 0);
    ck_assert_int_eq(tr_task_spawn(&waiter, wait_and_be_cancelled, victim), 0);
    ck_assert_int_eq(tr_yield(), 0);
    ck_assert_int_eq(tr_task_cancel(waiter), 1);
    ck_assert_int_eq(tr_task_wait(waiter, TR_FOREVER), TR_ECANCELED);
    ck_assert_str_eq(trace, "clean"); /* it has really ended */
    ck_assert(tr_future_is_done(tr_task_future(victim)));
    ck_assert_int_eq(tr_future_status(tr_task_future(victim)), TR_ECANCELED);
    tr_task_unref(victim);
    tr_task_unref(waiter);
    return 0;
}

START_TEST(cancelled_waiter_cancels_the_task_too_and_returns_when_it_has_ended)
{
    kit_start(1);
    ck_assert_int_eq(kit_in_task(0, cancel_a_waiter, NULL), 0);
    kit_stop();
}
END_TEST

static int spawn_forever(void *handle)
{
    return tr_task_spawn((tr_task **)handle, forever, NULL);
}

START_TEST(foreign_thread_waits_for_a_task)
{
    tr_task *t;

    kit_start(2);
    ck_assert_int_eq(kit_in_task(1, spawn_forever, &t), 0);
    ck_assert_int_eq(tr_task_wait(t, 0.001), TR_ETIMEDOUT);
    ck_assert_int_eq(tr_future_status(tr_task_future(t)), TR_ECANCELED);
    ck_assert_int_eq(tr_task_wait(t, 0), TR_ECANCELED);
    tr_task_unref(t);
    ck_assert_int_eq(kit_in_task(1, spawn_forever, &t), 0);
    ck_assert_int_eq(tr_task_wait(t, 0), TR_ETIMEDOUT);
    ck_assert(tr_future_is_done(tr_task_future(t)));
    tr_task_unref(t);
    ck_assert_int_eq(kit_in_task(1, spawn_forever, &t), 0);
    ck_assert_int_eq(tr_task_cancel(t), 1);
    ck_assert_int_eq(tr_task_wait(t, TR_FOREVER), TR_ECANCELED);
    tr_task_unref(t);
    kit_stop();
}
END_TEST

static int tell_loop(void *loop)
{
    *(int *)loop = tr_loop_current();
    return 0;
}

static int spawn_on_each(void *unused)
{
    (void)unused;
    for (int i = 0; i < tr_loop_count(); i++) {
        int loop = 0;
        tr_task *t;

        ck_assert_int_eq(tr_task_spawn_on(&t, TR_LOOP(i), tell_loop, &loop), 0);
        ck_assert_int_eq(tr_task_wait(t, TR_FOREVER), 0);
        ck_assert_int_eq(loop, TR_LOOP(i));
        tr_task_unref(t);
        ck_assert_int_eq(tr_task_spawn_on(&t, TR_LOOP(i), forever, NULL), 0);
        ck_assert_int_eq(tr_task_wait(t, 0.001), TR_ETIMEDOUT);
        ck_assert_int_eq(tr_future_status(tr_task_future(t)), TR_ECANCELED);
        tr_task_unref(t);
    }
    return 0;
}

START_TEST(task_runs_on_the_loop_that_it_is_spawned_on)
{
    int loop = 0;

    kit_start(3);
    for (int i = 0; i < 3; i++)
        ck_assert_int_eq(kit_in_task(i, spawn_on_each, NULL), 0);
    ck_assert_int_eq(kit_in_task(1, tell_loop, &loop), 0);
    ck_assert_int_eq(loop, TR_LOOP(1));
    kit_stop();
}
END_TEST

/* ---- names ---- */

static int rename_others(void *unused)
{
    char name[8] = "first";
    tr_task *t;

    (void)unused;
    ck_assert_int_eq(tr_task_set_name(NULL, name), 0);
    name[0] = 'x'; /* it was copied */
    ck_assert_str_eq(tr_task_name(NULL), "first");
    ck_assert_int_eq(tr_task_set_name(NULL, ""), 0);
    ck_assert_str_eq(tr_task_name(NULL), "");
    ck_assert_int_eq(tr_task_set_name(NULL, "second"), 0);
    ck_assert_int_eq(tr_task_set_name(NULL, NULL), TR_EINVAL);
    ck_assert_str_eq(tr_task_name(NULL), "second");
    ck_assert_int_eq(tr_task_spawn(&t, forever, NULL), 0);
    ck_assert_str_eq(tr_task_name(t), "forever");
    ck_assert_int_eq(tr_task_set_name(t, "sleeper"), 0); /* before it began, and afterwards */
    ck_assert_int_eq(tr_yield(), 0);
    ck_assert_int_eq(tr_task_set_name(t, tr_task_name(t)), 0); /* its own */
    ck_assert_str_eq(tr_task_name(t), "sleeper");
    ck_assert_int_eq(tr_task_wait(t, 0), TR_ETIMEDOUT);
    ck_assert_int_eq(tr_task_set_name(t, "ended"), 0);
    ck_assert_str_eq(tr_task_name(t), "ended");
    tr_task_unref(t);
    ck_assert_int_eq(
        tr_task_spawn_with(&t, forever, NULL, &(tr_task_options){ .name = "by option" }), 0);
    ck_assert_str_eq(tr_task_name(t), "by option");
    ck_assert_int_eq(tr_task_wait(t, 0), TR_ETIMEDOUT);
    tr_task_unref(t);
    return 0;
}

START_TEST(task_has_the_name_of_its_function_until_it_is_renamed)
{
    kit_start(1);
    ck_assert_int_eq(kit_in_task(0, rename_others, NULL), 0);
    ck_assert_str_eq(tr_task_name(NULL), "");
    kit_stop();
}
END_TEST

/* ---- stacks ---- */

/* Touch the whole of a frame of 1 KiB, `left` times, and await at the bottom. */
static int descend(int left)
{
    volatile char frame[1024];
    int below;

    memset((char *)(uintptr_t)frame, left & 0x7f, sizeof(frame));
    below = left > 0 ? descend(left - 1) : tr_yield();
    for (size_t i = 0; i < sizeof(frame); i += 64)
        ck_assert_int_eq(frame[i], left & 0x7f);
    return below;
}

static int descend_far(void *depth)
{
    return descend(*(int *)depth);
}

static int use_large_stacks(void *unused)
{
    static int depth = 1024; /* KiB, without what a frame needs beyond its array */
    const tr_task_options options = { .stack_bytes = (size_t)3 << 20, .name = "deep" };
    tr_task *tasks[3];

    (void)unused;
    for (int i = 0; i < 3; i++)
        ck_assert_int_eq(tr_task_spawn_with(&tasks[i], descend_far, &depth, &options), 0);
    for (int i = 0; i < 3; i++) {
        ck_assert_int_eq(tr_task_wait(tasks[i], TR_FOREVER), 0);
        tr_task_unref(tasks[i]);
    }
    return 0;
}

START_TEST(task_with_a_large_stack_uses_a_mebibyte_of_it)
{
    kit_start(1);
    ck_assert_int_eq(kit_in_task(0, use_large_stacks, NULL), 0);
    kit_stop();
}
END_TEST

START_TEST(default_stack_is_the_configured_one)
{
    static int depth = 1024;

    kit_start_with(&(tr_config){ .loops = 1, .stack_bytes = (size_t)4 << 20 });
    ck_assert_int_eq(kit_in_task(0, descend_far, &depth), 0);
    kit_stop();
}
END_TEST

static int spawn_with_each_size(void *unused)
{
    static const size_t sizes[] = { 16 << 10, 17 << 10, 20001, 64 << 10, 1 << 20, 100 << 20 };
    static int result;

    (void)unused;
    for (size_t i = 0; i < sizeof(sizes) / sizeof(sizes[0]); i++) {
        tr_task *t;

        ck_assert_int_eq(
            tr_task_spawn_with(&t, give, &result, &(tr_task_options){ .stack_bytes = sizes[i] }),
            0);
        ck_assert_int_eq(tr_task_wait(t, TR_FOREVER), 0);
        tr_task_unref(t);
    }
    return 0;
}

START_TEST(stacks_of_many_sizes_do)
{
    kit_start(1);
    ck_assert_int_eq(kit_in_task(0, spawn_with_each_size, NULL), 0);
    kit_stop();
}
END_TEST

/* ---- what survives an await ---- */

static int spoil_errno(void *code)
{
    for (int i = 0; i < 10; i++) {
        errno = *(int *)code;
        ck_assert_int_eq(i % 2 == 0 ? tr_yield() : tr_sleep(0.0001), 0);
        ck_assert_int_eq(errno, *(int *)code);
    }
    return 0;
}

static int keep_errno(void *unused)
{
    static int codes[] = { EIO, EPERM, ENOENT };
    tr_task *tasks[3];

    (void)unused;
    for (int i = 0; i < 3; i++)
        ck_assert_int_eq(tr_task_spawn(&tasks[i], spoil_errno, &codes[i]), 0);
    errno = ESRCH;
    for (int i = 0; i < 3; i++) {
        ck_assert_int_eq(tr_await(tr_task_future(tasks[i])), 0);
        ck_assert_int_eq(errno, ESRCH);
        tr_task_unref(tasks[i]);
    }
    return 0;
}

START_TEST(errno_survives_awaits)
{
    kit_start(1);
    ck_assert_int_eq(kit_in_task(0, keep_errno, NULL), 0);
    kit_stop();
}
END_TEST

/* Many values, more than registers, alive across each await. */
static int compute(void *seed)
{
    double d[8];
    long double ld = (long double)*(int *)seed / 3;
    long a = *(int *)seed, b = a * 3, c = b + 7, e = c ^ 0x55, f = e * 5, g = f - a;

    for (int i = 0; i < 8; i++)
        d[i] = (double)*(int *)seed / (i + 1);
    for (int i = 0; i < 100; i++) {
        ck_assert_int_eq(tr_yield(), 0);
        a += i, b ^= a, c -= b, e += c, f ^= e, g += f;
        for (int j = 0; j < 8; j++)
            d[j] = d[j] * 1.0001 + (double)(a & 0xff);
        ld = ld * 1.00001L + d[7];
    }
    return (int)((unsigned long)(a ^ b ^ c ^ e ^ f ^ g) % 1000) + (int)fmodl(ld, 1000) +
           (int)fmod(d[0], 1000);
}

static int compute_side_by_side(void *unused)
{
    static int seeds[] = { 1, 1, 17, 17, 99, 99 };
    int results[6];
    tr_task *tasks[6];

    (void)unused;
    for (int i = 0; i < 6; i++)
        ck_assert_int_eq(tr_task_spawn(&tasks[i], compute, &seeds[i]), 0);
    for (int i = 0; i < 6; i++) {
        results[i] = tr_task_wait(tasks[i], TR_FOREVER);
        ck_assert_int_eq(results[i], compute(&seeds[i])); /* alone, this time */
        tr_task_unref(tasks[i]);
    }
    ck_assert_int_ne(results[0], results[2]);
    return 0;
}

START_TEST(values_in_registers_survive_awaits)
{
    kit_start(1);
    ck_assert_int_eq(kit_in_task(0, compute_side_by_side, NULL), 0);
    kit_stop();
}
END_TEST

/* ---- sleeping ---- */

static int sleep_never_early(void *unused)
{
    static const double times[] = { 0.00001, 0.0001, 0.001, 0.0015, 0.01, 0.02 };

    (void)unused;
    for (size_t i = 0; i < sizeof(times) / sizeof(times[0]); i++) {
        uint64_t before_ns = tr__now_ns();

        ck_assert_int_eq(tr_sleep(times[i]), 0);
        ck_assert_uint_ge(tr__now_ns() - before_ns, (uint64_t)(times[i] * 1e9));
    }
    return 0;
}

START_TEST(sleep_is_never_too_short)
{
    kit_start(1);
    ck_assert_int_eq(kit_in_task(0, sleep_never_early, NULL), 0);
    kit_stop();
}
END_TEST

typedef struct nap {
    double seconds;
    char name[2];
} nap;

static int take_nap(void *arg)
{
    nap *n = arg;

    ck_assert_int_eq(tr_sleep(n->seconds), 0);
    note(n->name);
    return 0;
}

/* Whether all of them had begun within less time than lies between two ends: on a busy machine it
 * may take longer, and the order be another. */
static bool take_naps(void)
{
    static nap naps[] = { { 0.04, "d" }, { 0.01, "a" }, { 0.03, "c" }, { 0.02, "b" },
                          { -1, "1" },   { 0, "2" },    { 0.02, "b" }, { -INFINITY, "3" } };
    enum { NAPS = sizeof(naps) / sizeof(naps[0]) };
    uint64_t before_ns = tr__now_ns();
    uint64_t after_ns;
    tr_task *tasks[NAPS];

    trace[0] = '\0';
    for (int i = 0; i < NAPS; i++)
        ck_assert_int_eq(tr_task_spawn(&tasks[i], take_nap, &naps[i]), 0);
    ck_assert_int_eq(tr_yield(), 0);
    after_ns = tr__now_ns();
    for (int i = 0; i < NAPS; i++) {
        ck_assert_int_eq(tr_task_wait(tasks[i], TR_FOREVER), 0);
        tr_task_unref(tasks[i]);
    }
    return after_ns - before_ns < UINT64_C(9000000);
}

static int take_naps_until_quick(void *unused)
{
    (void)unused;
    while (!take_naps())
        ;
    return 0;
}

START_TEST(sleepers_wake_in_the_order_of_their_times)
{
    kit_start(1);
    ck_assert_int_eq(kit_in_task(0, take_naps_until_quick, NULL), 0);
    kit_stop();
    ck_assert_str_eq(trace, "123abbcd");
}
END_TEST

static int sleep_for_ever(void *unused)
{
    static double times[] = { INFINITY, 1e300, 1e12 };

    (void)unused;
    for (int i = 0; i < 3; i++) {
        int rc = 0;

        TR_DEADLINE(0.001, &rc) {
            rc = tr_sleep(times[i]);
        }
        ck_assert_int_eq(rc, TR_ETIMEDOUT);
    }
    ck_assert_int_eq(tr_sleep(NAN), TR_EINVAL);
    ck_assert_int_eq(tr_sleep(-NAN), TR_EINVAL);
    return 0;
}

START_TEST(sleep_for_ever_ends_when_it_is_cancelled)
{
    kit_start(1);
    ck_assert_int_eq(kit_in_task(0, sleep_for_ever, NULL), 0);
    kit_stop();
}
END_TEST

/* ---- stopping and starting ---- */

START_TEST(runtime_with_tasks_starts_and_stops_many_times)
{
    for (int round = 0; round < 100; round++) {
        tr_task *t;

        kit_start(1 + round % 3);
        ck_assert_int_eq(kit_in_task(0, spawn_forever, &t), 0);
        kit_stop();
        ck_assert_int_eq(tr_task_wait(t, 0), TR_ECANCELED);
        tr_task_unref(t);
    }
}
END_TEST

KIT_MAIN("runtime/task", task_begins_when_its_parent_returns,
         task_begins_when_its_parent_awaits_and_first_come_run_first,
         tasks_that_yield_take_turns_in_order, siblings_never_run_at_the_same_time,
         yield_lets_actors_and_tasks_run_once, result_of_a_task_can_be_had_again_and_again,
         handle_outlives_the_runtime, failure_that_nobody_looks_at_is_logged_once,
         task_can_be_waited_for_in_every_case,
         cancelled_waiter_cancels_the_task_too_and_returns_when_it_has_ended,
         foreign_thread_waits_for_a_task, task_runs_on_the_loop_that_it_is_spawned_on,
         task_has_the_name_of_its_function_until_it_is_renamed,
         task_with_a_large_stack_uses_a_mebibyte_of_it, default_stack_is_the_configured_one,
         stacks_of_many_sizes_do, errno_survives_awaits, values_in_registers_survive_awaits,
         sleep_is_never_too_short, sleepers_wake_in_the_order_of_their_times,
         sleep_for_ever_ends_when_it_is_cancelled, runtime_with_tasks_starts_and_stops_many_times)
