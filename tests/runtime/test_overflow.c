/* The handler that names a task whose stack overflowed, and those that were there before it. */
#include <setjmp.h>
#include <signal.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/wait.h>
#include <unistd.h>

#include "runtime/context.h"
#include "runtime/overflow.h"
#include "support/kit.h"

/* Built with a sanitizer, it leaves faults to that. */
#if defined(TR__ASAN) || defined(TR__TSAN)
enum { IS_OURS = 0 };
#else
enum { IS_OURS = 1 };
#endif

#define NAMED "troupe: task 'diver' overflowed its stack of 65536 bytes: spawn it with a larger "

static tr__context thread;
static tr__context context;
static tr__stack_pool pool;
static tr__stack *running; /* NULL: nothing does */
static const char *running_name = "diver";
static void *page; /* that may not be touched, and is no guard */

static bool find(const tr__stack **stack, const char **name)
{
    *stack = running;
    *name = running_name;
    return running != NULL;
}

static void say(const char *text)
{
    ssize_t done = write(STDERR_FILENO, text, strlen(text));

    (void)done;
}

/* ---- how to die ---- */

/* Volatile, so that the compiler believes in it. */
static TR__NOINLINE int dive(volatile char *above)
{
    volatile char frame[256];

    frame[0] = (char)(above[0] + 1);
    return running != NULL ? dive(frame) + frame[0] : 0;
}

static void overflow(void *unused)
{
    volatile char first[1] = { 0 };

    (void)unused;
    (void)dive(first);
}

static void touch_page(void *unused)
{
    (void)unused;
    memset(page, 1, 1);
}

static void send_segv(void *unused)
{
    (void)unused;
    (void)raise(SIGSEGV);
}

static void return_home(void *unused)
{
    (void)unused;
    running = NULL;
    tr__context_exit(&context, &thread);
}

/* ---- a program ---- */

typedef struct program {
    void (*before)(void); /* sets handlers; may be NULL */
    void (*body)(void *arg);
    bool on_thread; /* not in a context */
} program;

static void open_all(void **keep)
{
    page = mmap(NULL, 4096, PROT_NONE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    ck_assert_int_eq(tr__overflow_open(find), 0);
    ck_assert_int_eq(tr__overflow_stack_new(keep), 0);
    tr__overflow_enter_thread(*keep);
    tr__stack_pool_init(&pool, 0, true, NULL);
    tr__context_init_thread(&thread);
}

static void close_all(void *keep)
{
    tr__context_fini_thread(&thread);
    tr__stack_pool_fini(&pool);
    tr__overflow_leave_thread(keep);
    tr__overflow_stack_free(keep);
    tr__overflow_close();
}

static void run_in_context(void (*body)(void *arg))
{
    tr__stack *stack = tr__stack_take(&pool);

    tr__context_make(&context, stack->low, stack->top, body, NULL);
    running = stack;
    tr__context_switch(&thread, &context);
    running = NULL;
    tr__context_fini(&context);
    tr__stack_give(&pool, stack);
}

static void run_program(void *arg)
{
    const program *p = arg;
    void *keep;

    if (p->before != NULL)
        p->before();
    open_all(&keep);
    if (p->on_thread)
        p->body(NULL);
    else
        run_in_context(p->body);
    close_all(keep);
}

/* What a program wrote to stderr. */
static char text[512];

/* expected may be NULL: whatever. With a sanitizer nothing is to be expected. */
static void expect_death(const program *p, const char *expected)
{
    int status;

    if (!IS_OURS)
        return;
    status = kit_in_child(run_program, (void *)(uintptr_t)p, text, sizeof(text));
    ck_assert_msg(WIFSIGNALED(status) && WTERMSIG(status) == SIGSEGV, "status %d: %s", status,
                  text);
    if (expected != NULL)
        ck_assert_str_eq(text, expected);
}

static void expect_exit(const program *p, int code, const char *expected)
{
    int status;

    if (!IS_OURS)
        return;
    status = kit_in_child(run_program, (void *)(uintptr_t)p, text, sizeof(text));
    ck_assert_msg(WIFEXITED(status) && WEXITSTATUS(status) == code, "status %d: %s", status, text);
    ck_assert_str_eq(text, expected);
}

/* ---- overflows ---- */

START_TEST(overflow_names_the_task_and_dies_of_the_signal)
{
    expect_death(&(program){ .body = overflow }, NAMED ".stack_bytes\n");
}
END_TEST

static void forget_name(void)
{
    running_name = NULL;
}

static void take_long_name(void)
{
    static char name[1000];

    memset(name, 'x', sizeof(name) - 1);
    running_name = name;
}

START_TEST(overflow_is_told_whatever_the_name)
{
    expect_death(&(program){ .before = forget_name, .body = overflow }, NULL);
    ck_assert(!IS_OURS || strstr(text, "task '?' overflowed") != NULL);
    expect_death(&(program){ .before = take_long_name, .body = overflow }, NULL);
    ck_assert(!IS_OURS || strstr(text, "xxx' overflowed its stack of 65536 bytes") != NULL);
    ck_assert_uint_lt(strlen(text), 256);
}
END_TEST

START_TEST(fault_elsewhere_is_no_overflow)
{
    expect_death(&(program){ .body = touch_page }, "");
    expect_death(&(program){ .body = touch_page, .on_thread = true }, "");
}
END_TEST

START_TEST(signal_that_was_sent_is_no_overflow)
{
    expect_death(&(program){ .body = send_segv }, "");
}
END_TEST

START_TEST(context_that_returns_meets_no_handler)
{
    expect_exit(&(program){ .body = return_home }, 0, "");
}
END_TEST

/* ---- handlers that were there before ---- */

static sigjmp_buf recovery;

static void crash_handler(int signo, siginfo_t *info, void *machine)
{
    (void)machine;
    if (info->si_code <= 0)
        say("sent ");
    else if (info->si_addr == page)
        say("page ");
    else
        say("other ");
    kit_end_child(signo == SIGSEGV ? 7 : 8);
}

static void plain_handler(int signo)
{
    say("plain ");
    kit_end_child(signo == SIGSEGV ? 9 : 10);
}

static void leaping_handler(int signo)
{
    (void)signo;
    siglongjmp(recovery, 1);
}

static void polite_handler(int signo)
{
    (void)signo;
    say("polite ");
}

static void set_action(int flags, void (*handler)(int signo))
{
    struct sigaction action = { .sa_flags = flags, .sa_handler = handler };

    ck_assert_int_eq(sigaction(SIGSEGV, &action, NULL), 0);
}

static void set_crash_handler(void)
{
    struct sigaction action = { .sa_flags = SA_SIGINFO | SA_ONSTACK };

    action.sa_sigaction = crash_handler;
    ck_assert_int_eq(sigaction(SIGSEGV, &action, NULL), 0);
}

static void set_plain_handler(void)
{
    set_action(SA_ONSTACK, plain_handler);
}

static void set_leaping_handler(void)
{
    set_action(0, leaping_handler);
}

static void set_polite_handler(void)
{
    set_action(0, polite_handler);
}

static void set_polite_handler_once(void)
{
    set_action(SA_RESETHAND, polite_handler);
}

static void ignore_it(void)
{
    set_action(0, SIG_IGN);
}

START_TEST(overflow_goes_on_to_the_crash_handler)
{
    expect_exit(&(program){ .before = set_crash_handler, .body = overflow }, 7,
                NAMED ".stack_bytes\nother ");
    expect_exit(&(program){ .before = set_plain_handler, .body = overflow }, 9,
                NAMED ".stack_bytes\nplain ");
}
END_TEST

START_TEST(fault_elsewhere_goes_to_the_handler_before)
{
    expect_exit(&(program){ .before = set_crash_handler, .body = touch_page }, 7, "page ");
    expect_exit(&(program){ .before = set_plain_handler, .body = touch_page }, 9, "plain ");
    expect_exit(&(program){ .before = set_crash_handler, .body = send_segv }, 7, "sent ");
}
END_TEST

static void recover_and_touch(void *unused)
{
    (void)unused;
    if (sigsetjmp(recovery, 1) == 0)
        touch_page(NULL);
    say("recovered ");
    if (sigsetjmp(recovery, 1) == 0)
        touch_page(NULL);
    say("again");
}

START_TEST(handler_before_may_leave_by_longjmp)
{
    expect_exit(
        &(program){ .before = set_leaping_handler, .body = recover_and_touch, .on_thread = true },
        0, "recovered again");
}
END_TEST

static void send_twice(void *unused)
{
    send_segv(unused);
    send_segv(unused);
    say("alive");
}

START_TEST(handler_before_may_return)
{
    expect_exit(&(program){ .before = set_polite_handler, .body = send_twice, .on_thread = true },
                0, "polite polite alive");
}
END_TEST

START_TEST(handler_before_that_serves_once_serves_once)
{
    expect_death(
        &(program){ .before = set_polite_handler_once, .body = send_twice, .on_thread = true },
        "polite ");
}
END_TEST

START_TEST(signal_that_is_ignored_stays_so_and_a_fault_does_not)
{
    expect_exit(&(program){ .before = ignore_it, .body = send_twice, .on_thread = true }, 0,
                "alive");
    expect_death(&(program){ .before = ignore_it, .body = touch_page }, NULL);
    expect_death(&(program){ .before = ignore_it, .body = overflow }, NULL);
}
END_TEST

/* ---- opening and closing ---- */

static bool is_handled_by(void (*handler)(int signo))
{
    struct sigaction now;

    (void)sigaction(SIGSEGV, NULL, &now);
    return now.sa_handler == handler;
}

static void open_and_close(void *unused)
{
    (void)unused;
    set_polite_handler();
    for (int i = 0; i < 3; i++) {
        ck_assert_int_eq(tr__overflow_open(find), 0);
        ck_assert_int_eq(is_handled_by(polite_handler), !IS_OURS);
        tr__overflow_close();
        ck_assert(is_handled_by(polite_handler));
    }
}

START_TEST(closing_restores_the_handler_before)
{
    ck_assert_int_eq(kit_in_child(open_and_close, NULL, text, sizeof(text)), 0);
}
END_TEST

static struct sigaction below;

static void handler_above(int signo, siginfo_t *info, void *machine)
{
    say("above ");
    if (below.sa_flags & SA_SIGINFO)
        below.sa_sigaction(signo, info, machine);
    else if (below.sa_handler != SIG_DFL)
        below.sa_handler(signo);
}

/* Ours is called from above while open, while closed, and when it is opened again. */
static void set_one_above(void *unused)
{
    struct sigaction action = { .sa_flags = SA_SIGINFO };

    (void)unused;
    action.sa_sigaction = handler_above;
    set_polite_handler();
    ck_assert_int_eq(tr__overflow_open(find), 0);
    ck_assert_int_eq(sigaction(SIGSEGV, &action, &below), 0);
    (void)raise(SIGSEGV);
    tr__overflow_close();
    (void)raise(SIGSEGV);
    ck_assert_int_eq(tr__overflow_open(find), 0);
    (void)raise(SIGSEGV);
    tr__overflow_close();
}

START_TEST(handler_set_above_stays_and_may_call_ours)
{
    if (!IS_OURS)
        return; /* it would be called by nobody */
    ck_assert_int_eq(kit_in_child(set_one_above, NULL, text, sizeof(text)), 0);
    ck_assert_str_eq(text, "above polite above polite above polite ");
}
END_TEST

/* ---- threads ---- */

static bool has_handler_stack(void)
{
    stack_t now;

    (void)sigaltstack(NULL, &now);
    return !(now.ss_flags & SS_DISABLE);
}

static void *enter_and_leave(void *unused)
{
    bool before = has_handler_stack(); /* a sanitizer's */
    void *keep;

    ck_assert_int_eq(tr__overflow_stack_new(&keep), 0);
    tr__overflow_enter_thread(keep);
    ck_assert(before || has_handler_stack() == IS_OURS);
    tr__overflow_leave_thread(keep);
    tr__overflow_stack_free(keep);
    ck_assert_int_eq(has_handler_stack(), before);
    return unused;
}

START_TEST(thread_has_a_stack_for_the_handler_while_it_is_a_loops)
{
    pthread_t other;

    ck_assert_int_eq(pthread_create(&other, NULL, enter_and_leave, NULL), 0);
    pthread_join(other, NULL);
}
END_TEST

static void *enter_with_its_own(void *unused)
{
    static char room[64 << 10];
    const stack_t own = { .ss_sp = room, .ss_size = sizeof(room) };
    stack_t now;
    void *keep;

    ck_assert_int_eq(sigaltstack(&own, NULL), 0);
    ck_assert_int_eq(tr__overflow_stack_new(&keep), 0);
    tr__overflow_enter_thread(keep);
    tr__overflow_leave_thread(keep);
    tr__overflow_stack_free(keep);
    ck_assert_int_eq(sigaltstack(NULL, &now), 0);
    ck_assert_ptr_eq(now.ss_sp, room);
    return unused;
}

START_TEST(thread_that_has_a_stack_for_handlers_keeps_it)
{
    pthread_t other;

    if (!IS_OURS)
        return; /* it would be taken from the sanitizer */
    ck_assert_int_eq(pthread_create(&other, NULL, enter_with_its_own, NULL), 0);
    pthread_join(other, NULL);
}
END_TEST

START_TEST(thread_without_memory_for_the_handler_is_told)
{
    void *keep;

    if (!IS_OURS)
        return; /* nothing is asked for */
    tr__fault_arm(1, false);
    ck_assert_int_eq(tr__overflow_stack_new(&keep), TR_ENOMEM);
    ck_assert(tr__fault_disarm());
    ck_assert_ptr_null(keep);
    tr__overflow_enter_thread(keep);
    ck_assert(!has_handler_stack());
}
END_TEST

KIT_MAIN("runtime/overflow", overflow_names_the_task_and_dies_of_the_signal,
         overflow_is_told_whatever_the_name, fault_elsewhere_is_no_overflow,
         signal_that_was_sent_is_no_overflow, context_that_returns_meets_no_handler,
         overflow_goes_on_to_the_crash_handler, fault_elsewhere_goes_to_the_handler_before,
         handler_before_may_leave_by_longjmp, handler_before_may_return,
         handler_before_that_serves_once_serves_once,
         signal_that_is_ignored_stays_so_and_a_fault_does_not, closing_restores_the_handler_before,
         handler_set_above_stays_and_may_call_ours,
         thread_has_a_stack_for_the_handler_while_it_is_a_loops,
         thread_that_has_a_stack_for_handlers_keeps_it,
         thread_without_memory_for_the_handler_is_told)
