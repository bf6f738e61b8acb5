/* Contexts: what a switch keeps, what it hands on, and how one begins and ends. */
#include <errno.h>
#include <execinfo.h>
#include <pthread.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include "runtime/context.h"
#include "runtime/stack.h"
#include "support/kit.h"

#define SWITCHES 100000

/* A context with its stack, and where it goes back to. */
typedef struct fiber {
    tr__context context;
    tr__context *home;
    tr__stack *stack;
    void (*body)(struct fiber *fiber);
    void *arg;
    bool is_over;
} fiber;

static tr__stack_pool pool;
static tr__context thread;

static void leave(fiber *f)
{
    tr__context_switch(&f->context, f->home);
}

static void enter(fiber *f)
{
    tr__context_switch(f->home, &f->context);
}

static void run_body(void *arg)
{
    fiber *f = arg;

    f->body(f);
    f->is_over = true;
    tr__context_exit(&f->context, f->home);
}

static void fiber_init(fiber *f, void (*body)(fiber *f), void *arg)
{
    *f = (fiber){ .home = &thread, .stack = tr__stack_take(&pool), .body = body, .arg = arg };
    ck_assert_ptr_nonnull(f->stack);
    tr__context_make(&f->context, f->stack->low, f->stack->top, run_body, f);
}

static void fiber_fini(fiber *f)
{
    ck_assert(f->is_over);
    tr__context_fini(&f->context);
    tr__stack_give(&pool, f->stack);
}

static void set_up(void)
{
    tr__stack_pool_init(&pool, 0, true, NULL);
    tr__context_init_thread(&thread);
}

static void tear_down(void)
{
    tr__context_fini_thread(&thread);
    tr__stack_pool_fini(&pool);
}

/* Run a body that leaves any number of times. */
static void run(void (*body)(fiber *f), void *arg)
{
    fiber f;

    set_up();
    fiber_init(&f, body, arg);
    while (!f.is_over)
        enter(&f);
    fiber_fini(&f);
    tear_down();
}

/* ---- how one begins ---- */

static void note_itself(fiber *f)
{
    *(fiber **)f->arg = f;
}

START_TEST(context_begins_with_its_argument)
{
    fiber *noted = NULL;

    run(note_itself, &noted);
    ck_assert_ptr_nonnull(noted);
}
END_TEST

static void note_frame(fiber *f)
{
    *(char **)f->arg = __builtin_frame_address(0);
}

START_TEST(context_runs_on_its_stack_and_not_far_from_its_top)
{
    char *frame = NULL;
    fiber f;

    set_up();
    fiber_init(&f, note_frame, &frame);
    enter(&f);
    ck_assert_int_gt(f.stack->top - frame, 0);
    ck_assert_int_lt(f.stack->top - frame, 2048);
    fiber_fini(&f);
    tear_down();
}
END_TEST

/* Both print with instructions that want the stack aligned. */
static void print_floats(fiber *f)
{
    _Alignas(32) double pair[2] = { 0.5, -1e100 };
    char text[64];

    ck_assert_uint_eq((uintptr_t)pair % 32, 0);
    (void)snprintf(text, sizeof(text), "%.1f %g %.1Lf", pair[0], pair[1], (long double)0.25);
    ck_assert_str_eq(text, "0.5 -1e+100 0.2");
    leave(f);
    (void)snprintf(text, sizeof(text), "%.1f %g", pair[0], pair[1]);
    ck_assert_str_eq(text, "0.5 -1e+100");
}

START_TEST(context_has_an_aligned_stack)
{
    run(print_floats, NULL);
}
END_TEST

/* ---- what a switch keeps ---- */

enum { VALUES = 16 };

/* More values than there are registers, all of them alive over the switches. */
static void expect_values_kept(tr__context *from, tr__context *to, const uint64_t *v,
                               const double *d)
{
    uint64_t a = v[0], b = v[1], c = v[2], e = v[3], g = v[4], h = v[5], i = v[6], j = v[7];
    double p = d[0], q = d[1], r = d[2], s = d[3], t = d[4], u = d[5], w = d[6], x = d[7];

    for (int round = 0; round < 100; round++) {
        tr__context_switch(from, to);
        a += v[8], b += v[9], c += v[10], e += v[11], g += v[12], h += v[13], i += v[14];
        j += v[15];
        p += d[8], q += d[9], r += d[10], s += d[11], t += d[12], u += d[13], w += d[14];
        x += d[15];
    }
    ck_assert_uint_eq(a, v[0] + 100 * v[8]);
    ck_assert_uint_eq(b, v[1] + 100 * v[9]);
    ck_assert_uint_eq(c, v[2] + 100 * v[10]);
    ck_assert_uint_eq(e, v[3] + 100 * v[11]);
    ck_assert_uint_eq(g, v[4] + 100 * v[12]);
    ck_assert_uint_eq(h, v[5] + 100 * v[13]);
    ck_assert_uint_eq(i, v[6] + 100 * v[14]);
    ck_assert_uint_eq(j, v[7] + 100 * v[15]);
    ck_assert(p == d[0] + 100 * d[8] && q == d[1] + 100 * d[9] && r == d[2] + 100 * d[10]);
    ck_assert(s == d[3] + 100 * d[11] && t == d[4] + 100 * d[12] && u == d[5] + 100 * d[13]);
    ck_assert(w == d[6] + 100 * d[14] && x == d[7] + 100 * d[15]);
}

static void fill(uint64_t *v, double *d, uint64_t seed)
{
    for (uint64_t i = 0; i < VALUES; i++) {
        v[i] = seed * 1000003 + i * 7919;
        d[i] = (double)(seed * 64 + i);
    }
}

static void keep_values(fiber *f)
{
    uint64_t v[VALUES];
    double d[VALUES];

    fill(v, d, 2);
    expect_values_kept(&f->context, f->home, v, d);
}

START_TEST(switch_keeps_the_values_of_both_sides)
{
    uint64_t v[VALUES];
    double d[VALUES];
    fiber f;

    fill(v, d, 1);
    set_up();
    fiber_init(&f, keep_values, NULL);
    expect_values_kept(&thread, &f.context, v, d);
    enter(&f);
    fiber_fini(&f);
    tear_down();
}
END_TEST

static _Thread_local int shared;

static void use_thread_locals(fiber *f)
{
    for (int i = 0; i < 100; i++) {
        ck_assert_int_eq(errno, 2 * i);
        ck_assert_int_eq(shared, 2 * i);
        errno++;
        shared++;
        leave(f);
    }
}

static void *exchange_thread_locals(void *unused)
{
    fiber f;

    set_up();
    fiber_init(&f, use_thread_locals, NULL);
    errno = shared = 0;
    for (int i = 0; i < 100; i++) {
        enter(&f);
        ck_assert_int_eq(errno, 2 * i + 1);
        ck_assert_int_eq(shared, 2 * i + 1);
        errno++;
        shared++;
    }
    enter(&f);
    fiber_fini(&f);
    tear_down();
    return unused;
}

START_TEST(switch_leaves_errno_and_thread_locals_to_the_thread)
{
    pthread_t other;

    (void)exchange_thread_locals(NULL);
    ck_assert_int_eq(pthread_create(&other, NULL, exchange_thread_locals, NULL), 0);
    pthread_join(other, NULL);
}
END_TEST

static void count(fiber *f)
{
    for (int i = 0; i < SWITCHES; i++) {
        ++*(int *)f->arg;
        leave(f);
    }
}

START_TEST(switch_after_switch_costs_no_stack)
{
    int counted = 0;

    run(count, &counted);
    ck_assert_int_eq(counted, SWITCHES);
}
END_TEST

/* ---- several ---- */

enum { RING = 7, ROUNDS = 50 };

static fiber ring[RING];
static int visits[RING * ROUNDS];
static int visit_count;

static void go_round(fiber *f)
{
    int number = (int)(f - ring);

    for (int round = 0; round < ROUNDS; round++) {
        visits[visit_count++] = number;
        if (number + 1 < RING)
            tr__context_switch(&f->context, &ring[number + 1].context);
        else
            tr__context_switch(&f->context, &ring[0].context);
    }
}

START_TEST(contexts_switch_to_each_other_in_any_order)
{
    set_up();
    for (int i = 0; i < RING; i++)
        fiber_init(&ring[i], go_round, NULL);
    enter(&ring[0]); /* until the first one has gone round often enough, and ends */
    for (int i = 1; i < RING; i++)
        enter(&ring[i]);
    for (int i = 0; i < RING * ROUNDS; i++)
        ck_assert_int_eq(visits[i], i % RING);
    for (int i = 0; i < RING; i++)
        fiber_fini(&ring[i]);
    tear_down();
}
END_TEST

static void be_home(fiber *f)
{
    fiber inner;
    int depth = *(int *)f->arg - 1;

    if (depth == 0)
        return;
    fiber_init(&inner, be_home, &depth);
    inner.home = &f->context;
    enter(&inner);
    leave(f);
    fiber_fini(&inner);
}

START_TEST(context_is_home_to_others)
{
    int depth = 2;

    run(be_home, &depth);
}
END_TEST

START_TEST(contexts_that_ended_leave_their_stack_to_the_next)
{
    tr__stack *stack = NULL;

    set_up();
    for (int i = 0; i < 500; i++) {
        fiber *noted = NULL;
        fiber f;

        fiber_init(&f, note_itself, &noted);
        ck_assert(stack == NULL || stack == f.stack);
        stack = f.stack;
        enter(&f);
        ck_assert_ptr_eq(noted, &f);
        fiber_fini(&f);
    }
    tear_down();
}
END_TEST

/* ---- stacks ---- */

/* Each call looks into the frame of the one above, so it can't be made a loop. */
static TR__NOINLINE int dive(const fiber *f, size_t bytes, const char *above)
{
    char frame[512];
    int below = 0;

    memset(frame, above[0] + 1, sizeof(frame));
    if ((size_t)(f->stack->top - (char *)__builtin_frame_address(0)) < bytes)
        below = dive(f, bytes, frame);
    return below + (frame[sizeof(frame) - 1] == (char)(above[0] + 1));
}

static void dive_deep(fiber *f)
{
    ck_assert_int_gt(dive(f, 48 << 10, ""), 20);
    leave(f);
    ck_assert_int_gt(dive(f, 48 << 10, ""), 20);
}

START_TEST(context_may_use_48_kib_of_its_64)
{
    run(dive_deep, NULL);
}
END_TEST

/* ---- unwinding ---- */

enum { FRAMES_MAX = 64, FUNCTION_BYTES_MAX = 2048 };

typedef struct unwound {
    void *frames[FRAMES_MAX];
    int count;
} unwound;

static TR__NOINLINE int unwind(unwound *u)
{
    u->count = backtrace(u->frames, FRAMES_MAX);
    return u->count;
}

static TR__NOINLINE void unwind_from_here(fiber *f)
{
    for (int i = 0; i < 2; i++) {
        ck_assert_int_gt(unwind(f->arg), 0);
        leave(f);
    }
}

/* How many frames from the end a return into the function stands; -1: nowhere. */
static int from_end(const unwound *u, uintptr_t function)
{
    for (int i = u->count - 1; i >= 0; i--) {
        uintptr_t at = (uintptr_t)u->frames[i];

        if (at > function && at - function < FUNCTION_BYTES_MAX)
            return u->count - 1 - i;
    }
    return -1;
}

static void expect_whole(const unwound *u)
{
    int entry = from_end(u, (uintptr_t)run_body);

    ck_assert_int_lt(u->count, FRAMES_MAX);
    ck_assert_int_ge(entry, 0);
    /* What begins a context may show, and nothing more: a trampoline, tr__context_begin, and what
     * calls that; on no machine all of them. */
    ck_assert_int_le(entry, 3);
    ck_assert_int_ge(from_end(u, (uintptr_t)unwind_from_here), 0);
}

START_TEST(unwinding_ends_where_the_context_began)
{
    unwound u = { .count = 0 };
    fiber f;

    set_up();
    fiber_init(&f, unwind_from_here, &u);
    for (int i = 0; i < 2; i++) {
        enter(&f);
        expect_whole(&u);
    }
    enter(&f);
    fiber_fini(&f);
    tear_down();
}
END_TEST

KIT_MAIN("runtime/context", context_begins_with_its_argument,
         context_runs_on_its_stack_and_not_far_from_its_top, context_has_an_aligned_stack,
         switch_keeps_the_values_of_both_sides, switch_leaves_errno_and_thread_locals_to_the_thread,
         switch_after_switch_costs_no_stack, contexts_switch_to_each_other_in_any_order,
         context_is_home_to_others, contexts_that_ended_leave_their_stack_to_the_next,
         context_may_use_48_kib_of_its_64, unwinding_ends_where_the_context_began)
