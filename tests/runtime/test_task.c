/* Tasks: the order of their turns, handles, names, stacks, and what survives an await. */
#include <errno.h>
#include <math.h>
#include <string.h>

#include "support/tasks.h"

/* ---- turns ---- */

static int spawn_and_return(void *unused)
{
    (void)unused;
    for (const char *name = "abc"; *name != '\0'; name++) {
        static char names[3][2];
        char *copy = names[*name - 'a'];

        copy[0] = *name;
        ck_assert_int_eq(tr_task_spawn(NULL, kit_note_name, copy), 0);
    }
    kit_note("-");
    return 0;
}

START_TEST(task_begins_when_its_parent_returns)
{
    kit_run_task(1, spawn_and_return, NULL);
    ck_assert_str_eq(kit_trace(), "-abc");
}
END_TEST

static int spawn_and_await(void *unused)
{
    (void)spawn_and_return(unused);
    ck_assert_int_eq(tr_yield(), 0);
    kit_note("=");
    return 0;
}

START_TEST(task_begins_when_its_parent_awaits_and_first_come_run_first)
{
    kit_run_task(1, spawn_and_await, NULL);
    ck_assert_str_eq(kit_trace(), "-abc=");
}
END_TEST

static int take_three_turns(void *name)
{
    for (int turn = 0; turn < 3; turn++) {
        kit_note(name);
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
    kit_run_task(1, spawn_turners, NULL);
    ck_assert_str_eq(kit_trace(), "pxyzpxyzpxyz");
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
    kit_note("m");
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
    ck_assert_int_eq(tr_task_spawn(NULL, kit_note_name, (char *)"t"), 0);
    ck_assert_int_eq(tr_yield(), 0);
    kit_note(".");
    return 0;
}

START_TEST(yield_lets_actors_and_tasks_run_once)
{
    kit_run_task(1, yield_beside_actors, NULL);
    ck_assert_str_eq(kit_trace(), "mmmt.");
}
END_TEST

/* ---- results and handles ---- */

static int keep_handles(void *handle)
{
    static int result = 5;

    ck_assert_int_eq(tr_task_spawn((tr_task **)handle, kit_give, &result), 0);
    ck_assert_ptr_eq(tr_task_ref(*(tr_task **)handle), *(tr_task **)handle);
    return 0;
}

START_TEST(handle_outlives_the_runtime)
{
    tr_task *t;

    kit_run_task(1, keep_handles, &t);
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

    ck_assert_int_eq(tr_task_spawn(NULL, kit_give, results), 0);
    ck_assert_int_eq(tr_task_spawn(&t, kit_give, (int *)results + 1), 0);
    tr_task_detach(t);
    ck_assert_int_eq(tr_yield(), 0);
    ck_assert_int_eq(tr_task_spawn(&t, kit_give, (int *)results + 2), 0);
    ck_assert_int_eq(tr_yield(), 0);
    ck_assert(kit_log_contains("task 'kit_give' ended with an error that nobody has looked at: the "
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

    kit_run_task(1, fail_alone, results);
    ck_assert(!kit_log_contains("(TR_EDEAD)"));
    ck_assert(!kit_log_contains("(TR_ECANCELED)")); /* it was asked for */
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
    ck_assert_int_eq(tr_task_spawn(&t, kit_forever, NULL), 0);
    ck_assert_str_eq(tr_task_name(t), "kit_forever");
    ck_assert_int_eq(tr_task_set_name(t, "sleeper"), 0); /* before it began, and afterwards */
    ck_assert_int_eq(tr_yield(), 0);
    ck_assert_int_eq(tr_task_set_name(t, tr_task_name(t)), 0); /* its own */
    ck_assert_str_eq(tr_task_name(t), "sleeper");
    ck_assert_int_eq(tr_task_wait(t, 0), TR_ETIMEDOUT);
    ck_assert_int_eq(tr_task_set_name(t, "ended"), 0);
    ck_assert_str_eq(tr_task_name(t), "ended");
    tr_task_unref(t);
    ck_assert_int_eq(
        tr_task_spawn_with(&t, kit_forever, NULL, &(tr_task_options){ .name = "by option" }), 0);
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
    kit_run_task(1, use_large_stacks, NULL);
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

        ck_assert_int_eq(tr_task_spawn_with(&t, kit_give, &result,
                                            &(tr_task_options){ .stack_bytes = sizes[i] }),
                         0);
        ck_assert_int_eq(tr_task_wait(t, TR_FOREVER), 0);
        tr_task_unref(t);
    }
    return 0;
}

START_TEST(stacks_of_many_sizes_do)
{
    kit_run_task(1, spawn_with_each_size, NULL);
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
    kit_run_task(1, keep_errno, NULL);
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
    kit_run_task(1, compute_side_by_side, NULL);
}
END_TEST

/* ---- stopping and starting ---- */

static int spawn_forever(void *handle)
{
    return tr_task_spawn((tr_task **)handle, kit_forever, NULL);
}

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
         yield_lets_actors_and_tasks_run_once, handle_outlives_the_runtime,
         failure_that_nobody_looks_at_is_logged_once, task_runs_on_the_loop_that_it_is_spawned_on,
         task_has_the_name_of_its_function_until_it_is_renamed,
         task_with_a_large_stack_uses_a_mebibyte_of_it, default_stack_is_the_configured_one,
         stacks_of_many_sizes_do, errno_survives_awaits, values_in_registers_survive_awaits,
         runtime_with_tasks_starts_and_stops_many_times)
