/* Pools of stacks: where stacks lie, what they cost, and what happens when there is no more. */
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>

#include "base/log.h"
#include "runtime/stack.h"
#include "runtime/topology.h"
#include "support/kit.h"

enum { REGION = 64, SLACK = 1024 /* mappings that sanitizers make for themselves */ };

/* Sanitizers keep accounts of memory, in memory; and have handlers for faults. */
#if defined(TR__ASAN) || defined(TR__TSAN)
enum { IS_SANITIZED = 1 };
#else
enum { IS_SANITIZED = 0 };
#endif

/* ---- a kernel without guards ---- */

static uint64_t any_time(void)
{
    return 1;
}

static int no_thread(pthread_t *out, void *(*entry)(void *), void *arg)
{
    (void)out;
    (void)entry;
    (void)arg;
    return TR_EAGAIN;
}

static const tr__seam without_guards = {
    .alloc = malloc,
    .free = free,
    .now_ns = any_time,
    .dice = any_time,
    .thread_start = no_thread,
};

/* ---- helpers ---- */

/* Take count stacks, linked by their records: there may be too many for an array. */
static tr__stack *take_many(tr__stack_pool *pool, int count)
{
    tr__stack *all = NULL;

    for (int i = 0; i < count; i++) {
        tr__stack *stack = tr__stack_take(pool);

        ck_assert_ptr_nonnull(stack);
        stack->next = all;
        all = stack;
    }
    return all;
}

static void give_all(tr__stack_pool *pool, tr__stack *all)
{
    while (all != NULL) {
        tr__stack *stack = all;

        all = stack->next;
        tr__stack_give(pool, stack);
    }
}

static long resident_pages(void)
{
    FILE *file = fopen("/proc/self/statm", "r");
    long size;
    long resident;

    ck_assert_ptr_nonnull(file);
    ck_assert_int_eq(fscanf(file, "%ld %ld", &size, &resident), 2);
    (void)fclose(file);
    return resident;
}

static int count_mappings(void)
{
    FILE *file = fopen("/proc/self/maps", "r");
    int count = 0;
    int c;

    ck_assert_ptr_nonnull(file);
    while ((c = getc(file)) != EOF)
        count += c == '\n';
    (void)fclose(file);
    return count;
}

/* ---- where they lie ---- */

static void expect_whole(const tr__stack *stack, size_t bytes, bool guarded)
{
    size_t page = tr__page_bytes();
    const char *end = stack->low - (guarded ? page : 0) + bytes;

    ck_assert_uint_eq(stack->bytes, bytes);
    ck_assert_uint_eq((uintptr_t)stack->low % page, 0);
    ck_assert_uint_eq((uintptr_t)stack->top % TR__CACHE_LINE, 0);
    ck_assert_ptr_eq(stack->top, (const char *)stack);
    ck_assert_int_gt(end - stack->top, 0);
    ck_assert_int_le(end - stack->top, TR__CACHE_LINE * TR__STACK_COLOURS);
    memset(stack->low, 0x5a, (size_t)(stack->top - stack->low));
}

START_TEST(stack_is_usable_from_its_low_end_to_its_record)
{
    static const size_t sizes[] = { 0, 1, 16384, 65536, 100000, 1 << 20 };
    static const size_t made[] = { 65536, 16384, 16384, 65536, 102400, 1 << 20 };

    for (int i = 0; i < 12; i++) {
        tr__stack_pool pool;
        tr__stack *stack;

        tr__stack_pool_init(&pool, sizes[i / 2], i % 2, NULL);
        stack = tr__stack_take(&pool);
        ck_assert_ptr_nonnull(stack);
        expect_whole(stack, made[i / 2], i % 2);
        tr__stack_give(&pool, stack);
        tr__stack_pool_fini(&pool);
    }
}
END_TEST

START_TEST(stack_tops_have_sixteen_colours)
{
    int colours[TR__STACK_COLOURS] = { 0 };
    tr__stack_pool pool;
    tr__stack *all;

    tr__stack_pool_init(&pool, 0, true, NULL);
    all = take_many(&pool, 2 * REGION);
    for (tr__stack *stack = all; stack != NULL; stack = stack->next)
        colours[(uintptr_t)stack->top % 4096 / 64 % TR__STACK_COLOURS]++;
    for (int i = 0; i < TR__STACK_COLOURS; i++)
        ck_assert_int_eq(colours[i], 2 * REGION / TR__STACK_COLOURS);
    give_all(&pool, all);
    tr__stack_pool_fini(&pool);
}
END_TEST

START_TEST(stack_given_last_is_taken_first)
{
    tr__stack_pool pool;
    tr__stack *a;
    tr__stack *b;

    tr__stack_pool_init(&pool, 0, true, NULL);
    a = tr__stack_take(&pool);
    b = tr__stack_take(&pool);
    ck_assert_ptr_ne(a, b);
    tr__stack_give(&pool, a);
    tr__stack_give(&pool, b);
    ck_assert_ptr_eq(tr__stack_take(&pool), b);
    ck_assert_ptr_eq(tr__stack_take(&pool), a);
    tr__stack_give(&pool, b);
    tr__stack_give(&pool, a);
    tr__stack_pool_fini(&pool);
}
END_TEST

/* ---- guards ---- */

typedef struct guarded {
    tr__stack_pool pool;
    tr__stack *stack;
} guarded;

static void touch_guard(void *arg)
{
    const guarded *g = arg;

    (void)signal(SIGSEGV, SIG_DFL); /* a sanitizer's would write a report */
    memset(g->stack->low - 1, 0, 1);
}

static void expect_guard(const tr__seam *seam)
{
    char text[256];
    guarded g;
    int status;

    tr__seam_set(seam);
    tr__stack_pool_init(&g.pool, 0, true, NULL);
    g.stack = tr__stack_take(&g.pool);
    ck_assert_ptr_nonnull(g.stack);
    status = kit_in_child(touch_guard, &g, text, sizeof(text));
    ck_assert(WIFSIGNALED(status));
    ck_assert_int_eq(WTERMSIG(status), SIGSEGV);
    tr__stack_give(&g.pool, g.stack);
    tr__stack_pool_fini(&g.pool);
    tr__seam_set(NULL);
}

START_TEST(guard_is_not_to_be_touched)
{
    expect_guard(NULL);
}
END_TEST

START_TEST(guard_of_an_older_kernel_is_not_to_be_touched)
{
    expect_guard(&without_guards);
}
END_TEST

static void expect_guard_page(const tr__stack *stack)
{
    const char *low = stack->low;

    ck_assert(!tr__stack_guards(stack, low));
    ck_assert(tr__stack_guards(stack, low - 1));
    ck_assert(tr__stack_guards(stack, low - tr__page_bytes()));
    ck_assert(!tr__stack_guards(stack, low - tr__page_bytes() - 1));
    ck_assert(!tr__stack_guards(stack, NULL));
    ck_assert(!tr__stack_guards(stack, stack));
}

START_TEST(guard_is_the_page_below_the_stack)
{
    tr__stack_pool pool;
    tr__stack *stack;

    tr__stack_pool_init(&pool, 0, true, NULL);
    stack = tr__stack_take(&pool);
    expect_guard_page(stack);
    tr__stack_give(&pool, stack);
    stack = tr__stack_take_sized(&pool, 1 << 20);
    expect_guard_page(stack);
    tr__stack_give(&pool, stack);
    tr__stack_pool_fini(&pool);

    tr__stack_pool_init(&pool, 0, false, NULL);
    stack = tr__stack_take(&pool);
    ck_assert(!tr__stack_guards(stack, stack->low - 1));
    tr__stack_give(&pool, stack);
    tr__stack_pool_fini(&pool);
}
END_TEST

static char last_line[256];
static int line_count;

static void note_line(void *ctx, tr_log_level level, const char *line)
{
    (void)ctx;
    (void)level;
    (void)snprintf(last_line, sizeof(last_line), "%s", line);
    line_count++;
}

START_TEST(guards_that_cost_mappings_leave_half_of_them_to_others)
{
    int most = (int)tr__topology_mappings();
    int before = count_mappings();
    int without = 0;
    tr__stack_pool pool;
    tr__stack *all;

    tr_log_set(note_line, NULL);
    tr__seam_set(&without_guards);
    for (int round = 1; round <= 2; round++) { /* the second one finds them given back */
        tr__stack_pool_init(&pool, 0, true, NULL);
        all = take_many(&pool, most / 4 + 2 * REGION);
        for (const tr__stack *stack = all; stack != NULL; stack = stack->next)
            without += stack->guard_bytes == 0;
        ck_assert_int_ge(without, round * 2 * REGION - 1);
        ck_assert_int_le(without, round * 3 * REGION);
        ck_assert_int_le(count_mappings(), before + most / 2 + SLACK);
        ck_assert_int_eq(line_count, 1);
        ck_assert_ptr_nonnull(strstr(last_line, "no guard page"));
        give_all(&pool, all);
        tr__stack_pool_fini(&pool);
    }
    tr__seam_set(NULL);
}
END_TEST

static bool kernel_marks_guards(void)
{
    size_t bytes = tr__page_bytes();
    void *at = tr__pages_map(bytes, bytes);
    bool marked = tr__pages_guard(at, bytes);

    tr__pages_unmap(at, bytes);
    return marked;
}

START_TEST(stacks_with_marked_guards_are_few_mappings)
{
    int before = count_mappings();
    int guards = 0;
    tr__stack_pool pool;
    tr__stack *all;

    tr__stack_pool_init(&pool, 0, true, NULL);
    all = take_many(&pool, 100000);
    if (kernel_marks_guards()) {
        ck_assert_int_le(count_mappings(), before + 3 * 100000 / REGION + SLACK);
        for (const tr__stack *stack = all; stack != NULL; stack = stack->next)
            guards += stack->guard_bytes != 0;
        ck_assert_int_eq(guards, 100000);
    }
    give_all(&pool, all);
    tr__stack_pool_fini(&pool);
}
END_TEST

/* ---- memory ---- */

START_TEST(stack_that_is_touched_at_its_top_costs_one_page)
{
    enum { STACKS = 10 * REGION };
    tr__stack_pool pool;
    tr__stack *all;
    long before;

    tr__stack_pool_init(&pool, 0, true, NULL);
    before = resident_pages();
    all = take_many(&pool, STACKS);
    for (tr__stack *stack = all; stack != NULL; stack = stack->next)
        memset(stack->top - 1024, 1, 1024);
    if (!IS_SANITIZED)
        ck_assert_int_le(resident_pages() - before, STACKS + STACKS / 4);
    give_all(&pool, all);
    tr__stack_pool_fini(&pool);
}
END_TEST

/* ---- memory that is given back ---- */

static uint64_t clock_ns;

static uint64_t clock_of_test(void)
{
    return clock_ns;
}

static const tr__seam with_clock = {
    .alloc = malloc,
    .free = free,
    .now_ns = clock_of_test,
    .dice = any_time,
    .thread_start = no_thread,
};

/* A pool with as many free stacks as it keeps, and some spare ones, at a time that stands still. */
enum { SPARE = 3 * REGION, A_BIT_NS = 160000 /* more than a tick */ };

typedef struct rich {
    tr__wheel wheel;
    tr__stack_pool pool;
    tr__stack *taken;
} rich;

static void take_all(rich *r)
{
    r->taken = take_many(&r->pool, TR__STACKS_FREE_MAX + SPARE);
    for (tr__stack *stack = r->taken; stack != NULL; stack = stack->next)
        memset(stack->top - 64, 1, 64);
}

static void give_back(rich *r)
{
    give_all(&r->pool, r->taken);
    ck_assert_uint_eq(r->pool.free_count, TR__STACKS_FREE_MAX);
    ck_assert_uint_eq(r->pool.spare_count, SPARE);
}

static void begin_rich(rich *r)
{
    tr__seam_set(&with_clock);
    clock_ns = 12345;
    tr__wheel_init(&r->wheel, clock_ns);
    tr__stack_pool_init(&r->pool, 0, false, &r->wheel);
    take_all(r);
    ck_assert_uint_eq(r->wheel.count, 0);
    give_back(r);
}

static void end_rich(rich *r)
{
    tr__stack_pool_fini(&r->pool);
    ck_assert_uint_eq(r->wheel.count, 0);
    tr__seam_set(NULL);
}

/* So much time passes, at the end of which the loop looks at its timers; returns how many stacks
 * have become cold. */
static size_t pass(rich *r, uint64_t ns)
{
    size_t before = r->pool.spare_count;

    clock_ns += ns;
    (void)tr__wheel_advance(&r->wheel, clock_ns, SIZE_MAX);
    return before - r->pool.spare_count;
}

START_TEST(spare_stacks_give_their_memory_back_when_unused_for_a_second)
{
    static rich r;
    long before;

    begin_rich(&r);
    before = resident_pages();
    ck_assert_uint_eq(pass(&r, TR__STACKS_SPARE_NS / 2), 0);
    ck_assert_uint_eq(pass(&r, TR__STACKS_SPARE_NS),
                      0); /* they have not been there for all of it */
    ck_assert_uint_eq(pass(&r, TR__STACKS_SPARE_NS / 2), 0);
    (void)pass(&r, TR__STACKS_SPARE_NS / 2 + A_BIT_NS);
    while (r.pool.spare_count != 0)
        ck_assert_uint_eq(pass(&r, A_BIT_NS), TR__STACKS_COOLED);
    ck_assert_uint_eq(r.wheel.count, 0); /* nobody is woken for nothing */
    ck_assert_uint_eq(r.pool.free_count, TR__STACKS_FREE_MAX);
    if (!IS_SANITIZED)
        ck_assert_int_le(resident_pages(), before - SPARE + SPARE / 4);
    take_all(&r); /* the cold ones begin anew */
    ck_assert_ptr_null(r.pool.ready);
    give_back(&r);
    end_rich(&r);
}
END_TEST

START_TEST(spare_stacks_of_a_loop_that_sleeps_grow_cold_in_larger_steps)
{
    static rich r;

    begin_rich(&r);
    (void)pass(&r, TR__STACKS_SPARE_NS + A_BIT_NS);
    ck_assert_uint_eq(pass(&r, TR__STACKS_SPARE_NS + A_BIT_NS), TR__STACKS_COOLED);
    ck_assert_uint_eq(pass(&r, 3 * A_BIT_NS), 3 * TR__STACKS_COOLED);
    ck_assert_uint_eq(pass(&r, TR__STACKS_SPARE_NS), SPARE - 4 * TR__STACKS_COOLED);
    end_rich(&r);
}
END_TEST

START_TEST(spare_stacks_that_are_taken_every_second_stay)
{
    static rich r;

    begin_rich(&r);
    for (int round = 0; round < 5; round++) {
        ck_assert_uint_eq(pass(&r, TR__STACKS_SPARE_NS - 1000), 0);
        take_all(&r);
        ck_assert_uint_eq(r.pool.spare_count, 0);
        give_back(&r);
    }
    end_rich(&r);
}
END_TEST

START_TEST(spare_stacks_stay_as_many_as_were_needed_within_the_second)
{
    static rich r;
    tr__stack *some;

    begin_rich(&r);
    ck_assert_uint_eq(pass(&r, TR__STACKS_SPARE_NS + A_BIT_NS), 0);
    some = take_many(&r.pool, TR__STACKS_FREE_MAX + REGION);
    give_all(&r.pool, some);
    ck_assert_uint_eq(pass(&r, TR__STACKS_SPARE_NS + A_BIT_NS), TR__STACKS_COOLED);
    while (pass(&r, A_BIT_NS) != 0)
        continue;
    ck_assert_uint_eq(r.pool.spare_count, REGION);
    end_rich(&r);
}
END_TEST

START_TEST(spare_stacks_taken_while_they_grow_cold_are_not_missed)
{
    static rich r;

    begin_rich(&r);
    (void)pass(&r, TR__STACKS_SPARE_NS + A_BIT_NS);
    ck_assert_uint_eq(pass(&r, TR__STACKS_SPARE_NS + A_BIT_NS), TR__STACKS_COOLED);
    take_all(&r);
    ck_assert_uint_eq(pass(&r, A_BIT_NS), 0); /* none is left */
    give_back(&r);
    ck_assert_uint_eq(pass(&r, A_BIT_NS), 0);
    end_rich(&r);
}
END_TEST

START_TEST(spare_stacks_whose_memory_can_not_be_given_back_stay_until_it_can)
{
    static rich r;

    begin_rich(&r);
    (void)pass(&r, TR__STACKS_SPARE_NS + A_BIT_NS);
    tr__fault_arm(1, true);
    for (int step = 0; step < 2 * SPARE / TR__STACKS_COOLED; step++)
        ck_assert_uint_eq(pass(&r, TR__STACKS_SPARE_NS + A_BIT_NS), 0);
    ck_assert(tr__fault_disarm());
    while (r.pool.spare_count != 0)
        (void)pass(&r, TR__STACKS_SPARE_NS + A_BIT_NS);
    take_all(&r);
    give_back(&r);
    end_rich(&r);
}
END_TEST

static void grow_cold(void *ctx)
{
    rich *r = ctx;

    while (pass(r, TR__STACKS_SPARE_NS + A_BIT_NS) == 0)
        continue;
}

static void expect_all(void *ctx, bool struck)
{
    rich *r = ctx;

    (void)struck;
    take_all(r);
    ck_assert_uint_eq(r->pool.spare_count, 0);
    give_back(r);
}

/* Not all at once: one by one. */
START_TEST(spare_stacks_grow_cold_one_by_one_where_the_kernel_takes_no_more)
{
    static const kit_faulty steps = { .attempt = grow_cold, .check = expect_all };
    static rich r;

    begin_rich(&r);
    ck_assert_int_ge(kit_for_every_fault_of(&steps, &r, false), 1);
    end_rich(&r);
}
END_TEST

START_TEST(spare_stacks_without_a_wheel_stay_until_the_end)
{
    tr__stack_pool pool;
    tr__stack *all;

    tr__stack_pool_init(&pool, 0, false, NULL);
    all = take_many(&pool, TR__STACKS_FREE_MAX + 10);
    give_all(&pool, all);
    ck_assert_uint_eq(pool.spare_count, 10);
    all = take_many(&pool, TR__STACKS_FREE_MAX + 9);
    ck_assert_uint_eq(pool.spare_count, 1);
    give_all(&pool, all);
    tr__stack_pool_fini(&pool);
}
END_TEST

/* ---- other sizes ---- */

START_TEST(stack_of_another_size_is_kept_for_the_next_of_that_size)
{
    tr__stack_pool pool;
    tr__stack *large;
    tr__stack *small;

    tr__stack_pool_init(&pool, 0, true, NULL);
    large = tr__stack_take_sized(&pool, (1 << 20) - 5);
    small = tr__stack_take_sized(&pool, 1);
    expect_whole(large, 1 << 20, true);
    expect_whole(small, 16384, true);
    tr__stack_give(&pool, large);
    tr__stack_give(&pool, small);
    ck_assert_ptr_eq(tr__stack_take_sized(&pool, 1 << 20), large);
    ck_assert_ptr_eq(tr__stack_take_sized(&pool, 16384), small);
    expect_whole(large, 1 << 20, true);
    tr__stack_give(&pool, small);
    tr__stack_give(&pool, large);
    tr__stack_pool_fini(&pool);
}
END_TEST

START_TEST(stack_asked_for_with_the_default_size_is_an_ordinary_one)
{
    tr__stack_pool pool;
    tr__stack *stack;

    tr__stack_pool_init(&pool, 0, true, NULL);
    stack = tr__stack_take_sized(&pool, TR__STACK_BYTES - 1);
    tr__stack_give(&pool, stack);
    ck_assert_ptr_eq(tr__stack_take(&pool), stack);
    tr__stack_give(&pool, stack);
    tr__stack_pool_fini(&pool);
}
END_TEST

START_TEST(stacks_of_other_sizes_are_not_kept_without_end)
{
    tr__stack *stacks[2 * TR__STACKS_SIZED_MAX];
    tr__stack_pool pool;

    tr__stack_pool_init(&pool, 0, true, NULL);
    for (size_t i = 0; i < 2 * TR__STACKS_SIZED_MAX; i++) {
        stacks[i] = tr__stack_take_sized(&pool, (i + 20) * 4096);
        ck_assert_ptr_nonnull(stacks[i]);
    }
    for (size_t i = 0; i < 2 * TR__STACKS_SIZED_MAX; i++)
        tr__stack_give(&pool, stacks[i]);
    ck_assert_uint_eq(pool.sized_count, TR__STACKS_SIZED_MAX);
    ck_assert_uint_eq(pool.sized_made, TR__STACKS_SIZED_MAX);
    ck_assert_ptr_eq(pool.sized, stacks[2 * TR__STACKS_SIZED_MAX - 1]);
    tr__stack_pool_fini(&pool);
}
END_TEST

START_TEST(stack_beyond_all_measure_is_refused)
{
    tr__stack_pool pool;

    tr__stack_pool_init(&pool, 0, true, NULL);
    ck_assert_ptr_null(tr__stack_take_sized(&pool, SIZE_MAX));
    ck_assert_ptr_null(tr__stack_take_sized(&pool, SIZE_MAX / 2));
    ck_assert_ptr_null(tr__stack_take_sized(&pool, TR__STACK_BYTES_MAX + 1));
    tr__stack_pool_fini(&pool);
    tr__stack_pool_init(&pool, SIZE_MAX, true, NULL);
    ck_assert_uint_eq(pool.bytes, TR__STACK_BYTES_MAX);
    tr__stack_pool_fini(&pool);
}
END_TEST

/* ---- faults ---- */

static void take_and_give(void *unused, int n)
{
    tr__stack_pool pool;
    tr__stack *stack;
    tr__stack *sized;

    (void)unused;
    (void)n;
    tr__stack_pool_init(&pool, 0, true, NULL);
    stack = tr__stack_take(&pool);
    sized = tr__stack_take_sized(&pool, 1 << 20);
    if (stack != NULL)
        tr__stack_give(&pool, stack);
    if (sized != NULL)
        tr__stack_give(&pool, sized);
    tr__stack_pool_fini(&pool);
}

/* Taking, the region's record, reserving, committing, the first guard, the others; and of the other
 * size: reserving, committing, its guard. */
enum { EACH_FAULT = 6 + 3 };

START_TEST(stack_without_memory_is_none_and_nothing_is_lost)
{
    ck_assert_int_ge(kit_for_every_fault(take_and_give, NULL), EACH_FAULT);
}
END_TEST

static void attempt_taking(void *arg)
{
    take_and_give(arg, 0);
}

static void nothing_to_check(void *ctx, bool struck)
{
    (void)ctx;
    (void)struck;
}

START_TEST(stack_without_memory_for_good_is_none_and_nothing_is_lost)
{
    static const kit_faulty steps = { .attempt = attempt_taking, .check = nothing_to_check };
    int before = count_mappings();

    tr_log_set(note_line, NULL);
    ck_assert_int_ge(kit_for_every_fault_of(&steps, NULL, true), EACH_FAULT);
    ck_assert_int_le(count_mappings(), before + 8); /* Check's and the C library's own */
}
END_TEST

KIT_MAIN("runtime/stack", stack_is_usable_from_its_low_end_to_its_record,
         stack_tops_have_sixteen_colours, stack_given_last_is_taken_first,
         guard_is_not_to_be_touched, guard_of_an_older_kernel_is_not_to_be_touched,
         guard_is_the_page_below_the_stack, guards_that_cost_mappings_leave_half_of_them_to_others,
         stacks_with_marked_guards_are_few_mappings,
         stack_that_is_touched_at_its_top_costs_one_page,
         spare_stacks_give_their_memory_back_when_unused_for_a_second,
         spare_stacks_of_a_loop_that_sleeps_grow_cold_in_larger_steps,
         spare_stacks_that_are_taken_every_second_stay,
         spare_stacks_stay_as_many_as_were_needed_within_the_second,
         spare_stacks_taken_while_they_grow_cold_are_not_missed,
         spare_stacks_whose_memory_can_not_be_given_back_stay_until_it_can,
         spare_stacks_grow_cold_one_by_one_where_the_kernel_takes_no_more,
         spare_stacks_without_a_wheel_stay_until_the_end,
         stack_of_another_size_is_kept_for_the_next_of_that_size,
         stack_asked_for_with_the_default_size_is_an_ordinary_one,
         stacks_of_other_sizes_are_not_kept_without_end, stack_beyond_all_measure_is_refused,
         stack_without_memory_is_none_and_nothing_is_lost,
         stack_without_memory_for_good_is_none_and_nothing_is_lost)
