/* Backtraces of threads and tasks, and the names of what is in them. */
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <ucontext.h>

#include "observe/backtrace.h"
#include "observe/symbols.h"
#include "runtime/context.h"
#include "runtime/stack.h"
#include "support/debug.h"

enum { TEXT_BYTES = 2000 };

static char text[TEXT_BYTES];
static tr__trace trace;

static bool never(void)
{
    return false;
}

static bool at_once(void)
{
    return true;
}

static void open_all(void)
{
    tr__trace_prepare();
    ck_assert_int_eq(tr__symbols_open(never), 0);
}

static void write_trace(void)
{
    tr__trace_write(&trace, text, sizeof(text));
}

static void expect(const char *what)
{
    ck_assert_msg(strstr(text, what) != NULL, "no %s in: %s", what, text);
}

/* Something comes behind each call: else the compiler jumps there, and nobody calls it. */
static int calls;

static TR__NOINLINE void take_here(void)
{
    tr__trace_take(&trace, __builtin_return_address(0), false);
    calls++;
}

static TR__NOINLINE void outer(void)
{
    take_here();
    calls++;
}

START_TEST(trace_begins_at_the_caller_and_names_files_and_lines)
{
    open_all();
    outer();
    write_trace();
    if (kit_places_are_exact()) {
        ck_assert_ptr_eq(strstr(text, "outer (observe/test_backtrace.c:"), text);
        expect(" < ");
    }
    tr__symbols_close();
}
END_TEST

/* ---- on the stack of a context ---- */

static tr__context thread;
static tr__context context;

static void run_in_context(void *unused)
{
    (void)unused;
    outer();
    tr__context_exit(&context, &thread);
}

static void in_context(void (*entry)(void *arg))
{
    tr__stack_pool pool;
    tr__stack *stack;

    tr__stack_pool_init(&pool, 0, true, NULL);
    tr__context_init_thread(&thread);
    stack = tr__stack_take(&pool);
    tr__context_make(&context, stack->low, stack->top, entry, NULL);
    tr__context_switch(&thread, &context);
    tr__context_fini(&context);
    tr__stack_give(&pool, stack);
    tr__context_fini_thread(&thread);
    tr__stack_pool_fini(&pool);
}

START_TEST(trace_of_a_context_ends_where_it_began)
{
    open_all();
    in_context(run_in_context);
    ck_assert_int_ge(trace.count, 2);
    ck_assert_int_le(trace.count, 5); /* with those of a sanitizer */
    write_trace();
    ck_assert_ptr_null(strstr(text, "tr__context"));
    tr__symbols_close();
}
END_TEST

static void on_signal(int signo, siginfo_t *info, void *machine)
{
    void *place = NULL;

    (void)signo;
    (void)info;
#if defined(__x86_64__)
    place = (void *)(uintptr_t)((ucontext_t *)machine)->uc_mcontext.gregs[REG_RIP];
#elif defined(__aarch64__)
    place = (void *)(uintptr_t)((ucontext_t *)machine)->uc_mcontext.pc;
#endif
    tr__trace_take(&trace, place, true);
}

static TR__NOINLINE void raise_here(void)
{
    raise(SIGUSR2);
    calls++;
}

static void raise_in_context(void *unused)
{
    (void)unused;
    raise_here();
    tr__context_exit(&context, &thread);
}

START_TEST(trace_of_a_signal_begins_where_it_struck_and_ends_where_the_context_began)
{
    struct sigaction action = { .sa_flags = SA_SIGINFO };

    open_all();
    action.sa_sigaction = on_signal;
    sigaction(SIGUSR2, &action, NULL);
    in_context(raise_in_context);
    write_trace();
    if (kit_places_are_exact()) {
        ck_assert_int_ge(trace.count, 3);
        ck_assert_int_lt(trace.count, TR__FRAMES_MAX);
        expect("raise_here (observe/test_backtrace.c:");
        ck_assert_ptr_null(strstr(text, "on_signal"));
    }
    tr__symbols_close();
}
END_TEST

/* ---- names ---- */

START_TEST(addresses_without_addr2line_are_named_by_their_object)
{
    setenv("TROUPE_ADDR2LINE", "", 1);
    open_all();
    outer();
    write_trace();
    expect("test_backtrace+0x");
    ck_assert_ptr_null(strstr(text, "test_backtrace.c"));
    tr__symbols_close();
}
END_TEST

START_TEST(addr2line_that_is_missing_is_asked_for_once)
{
    kit_start(1); /* for its log */
    setenv("TROUPE_ADDR2LINE", "/nonexistent/addr2line", 1);
    open_all();
    outer();
    write_trace();
    expect("test_backtrace+0x");
    take_here();
    write_trace();
    ck_assert_int_eq(kit_log_count("'/nonexistent/addr2line' can't be run"), 1);
    tr__symbols_close();
    kit_stop();
}
END_TEST

START_TEST(addr2line_that_prints_nonsense_does_no_harm)
{
    setenv("TROUPE_ADDR2LINE", "yes", 1); /* which prints its arguments, without end */
    open_all();
    tr__symbols_close();
    setenv("TROUPE_ADDR2LINE", "echo", 1);
    open_all();
    outer();
    write_trace();
    expect("test_backtrace+0x");
    tr__symbols_close();
}
END_TEST

START_TEST(addr2line_is_ended_when_time_is_up)
{
    setenv("TROUPE_ADDR2LINE", "yes", 1); /* it never ends */
    tr__trace_prepare();
    ck_assert_int_eq(tr__symbols_open(at_once), 0);
    outer();
    write_trace();
    expect("test_backtrace+0x");
    tr__symbols_close();
}
END_TEST

START_TEST(address_that_is_nobodys_has_a_name_too)
{
    open_all();
    trace = (tr__trace){ .count = 1, .is_exact = true, .frame = { (void *)16 } };
    write_trace();
    ck_assert_str_eq(text, "?+0x10");
    tr__symbols_close();
}
END_TEST

START_TEST(trace_that_is_too_long_for_its_text_is_cut)
{
    open_all();
    outer();
    tr__trace_write(&trace, text, 60);
    ck_assert_uint_lt(strlen(text), 60);
    ck_assert_ptr_nonnull(strstr(text, "..."));
    tr__symbols_close();
}
END_TEST

KIT_MAIN("observe/backtrace", trace_begins_at_the_caller_and_names_files_and_lines,
         trace_of_a_context_ends_where_it_began,
         trace_of_a_signal_begins_where_it_struck_and_ends_where_the_context_began,
         addresses_without_addr2line_are_named_by_their_object,
         addr2line_that_is_missing_is_asked_for_once, addr2line_that_prints_nonsense_does_no_harm,
         addr2line_is_ended_when_time_is_up, address_that_is_nobodys_has_a_name_too,
         trace_that_is_too_long_for_its_text_is_cut)
