/* How much of their stacks tasks have used, and SIGUSR1, which asks for it and for the tree. */
#include <pthread.h>
#include <sched.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include "observe/marks.h"
#include "base/atomic.h"
#include "support/debug.h"
#include "support/tasks.h"

/* ASan puts variables elsewhere; valgrind wants nobody to look. */
static bool skips(void)
{
#ifdef TR__ASAN
    bool is_elsewhere = true;
#else
    bool is_elsewhere = tr__valgrind_listens();
#endif

    if (is_elsewhere)
        printf("observe/marks: what is on stacks is not known in this build: skipped\n");
    return is_elsewhere;
}

/* Volatile, so that it is really there. */
static TR__NOINLINE int use(size_t bytes)
{
    volatile char block[1024];

    block[0] = 1;
    block[sizeof(block) - 1] = 1;
    return bytes > sizeof(block) ? use(bytes - sizeof(block)) + block[0] : block[1023];
}

static int dive(void *bytes)
{
    return use(*(size_t *)bytes) > 0 ? 0 : -1;
}

/* Under another name, and with a stack of that size. */
typedef struct diver {
    const char *name;
    size_t stack_bytes;
    size_t used;
} diver;

static int send_diver(void *arg)
{
    diver *d = arg;
    tr_task *task;

    ck_assert_int_eq(
        tr_task_spawn_with(&task, dive, &d->used,
                           &(tr_task_options){ .name = d->name, .stack_bytes = d->stack_bytes }),
        0);
    return kit_end_task(task);
}

/* The line about a name; false: there is none. */
static bool find_mark(const char *name, size_t *used, size_t *bytes, unsigned *tasks)
{
    char *text = NULL;
    size_t length = 0;
    FILE *out = open_memstream(&text, &length);
    char wanted[64];
    bool is_found = false;
    char *rest;
    char *line;

    ck_assert_ptr_nonnull(out);
    tr__marks_print(out);
    fclose(out);
    (void)snprintf(wanted, sizeof(wanted), "  %s", name);
    rest = text;
    while ((line = strsep(&rest, "\n")) != NULL)
        if (strlen(line) > strlen(wanted) &&
            strcmp(line + strlen(line) - strlen(wanted), wanted) == 0)
            is_found =
                sscanf(line, "stack %*u%%  %zu of %zu bytes  tasks %u", used, bytes, tasks) == 3;
    free(text);
    return is_found;
}

static void expect_mark(const char *name, size_t least, size_t most)
{
    unsigned tasks;
    size_t used;
    size_t bytes;

    ck_assert_msg(find_mark(name, &used, &bytes, &tasks), "nothing is known of %s", name);
    ck_assert_uint_ge(used, least);
    ck_assert_uint_le(used, most);
}

static void send(const char *name, size_t stack_bytes, size_t used)
{
    diver d = { .name = name, .stack_bytes = stack_bytes, .used = used };

    ck_assert_int_eq(kit_in_task(0, send_diver, &d), 0);
}

START_TEST(mark_is_what_the_deepest_task_of_a_name_has_used)
{
    if (skips())
        return;
    kit_start_debug(1);
    send("deep", 0, 20000);
    send("shallow", 0, 0); /* on the same stack */
    send("deep", 0, 30000);
    send("deep", 0, 10000);
    expect_mark("deep", 30000, 40000);
    expect_mark("shallow", 1024, 8000);
    kit_stop();
}
END_TEST

START_TEST(tasks_of_a_name_are_counted)
{
    unsigned tasks = 0;
    size_t used;
    size_t bytes;

    if (skips())
        return;
    kit_start_debug(1);
    for (int i = 0; i < 3; i++)
        send("three", 0, 0);
    ck_assert(find_mark("three", &used, &bytes, &tasks));
    ck_assert_uint_eq(tasks, 3);
    kit_stop();
}
END_TEST

START_TEST(stacks_of_other_sizes_are_looked_at_too)
{
    if (skips())
        return;
    kit_start_debug(1);
    send("large", 8 << 20, 2 << 20);
    expect_mark("large", 2 << 20, 3 << 20);
    send("large later", 8 << 20, 0); /* on the same stack */
    expect_mark("large later", 1024, 8000);
    kit_stop();
}
END_TEST

START_TEST(task_that_uses_more_than_three_quarters_is_named_in_the_end)
{
    if (skips())
        return;
    kit_start_debug(1);
    send("half", 0, 32 << 10);
    send("nearly all", 0, 50 << 10);
    ck_assert_int_eq(kit_log_count("of its stack's"), 0);
    kit_stop();
    ck_assert_int_eq(kit_log_count("of its stack's"), 1);
    kit_expect_line("task 'nearly all' has used 5", "");
}
END_TEST

START_TEST(names_beyond_those_that_have_room_are_known_together)
{
    unsigned tasks = 0;
    size_t used;
    size_t bytes;

    if (skips())
        return;
    kit_start_debug(1);
    for (int i = 0; i < 300; i++) {
        char name[16];

        (void)snprintf(name, sizeof(name), "task %d", i);
        send(name, 0, i == 299 ? 20000 : 0);
    }
    ck_assert(find_mark("(others)", &used, &bytes, &tasks));
    ck_assert_uint_ge(tasks, 300 - 255);
    ck_assert_uint_ge(used, 20000);
    kit_stop();
}
END_TEST

START_TEST(nothing_is_known_when_debug_mode_is_off)
{
    unsigned tasks;
    size_t used;
    size_t bytes;

    kit_start(1);
    send("unknown", 0, 0);
    ck_assert(!find_mark("unknown", &used, &bytes, &tasks));
    kit_stop();
}
END_TEST

/* ---- SIGUSR1 ---- */

static uint32_t is_stuck;

static bool stderr_contains(const char *text)
{
    char all[16384];
    ssize_t got = pread(STDERR_FILENO, all, sizeof(all) - 1, 0);

    all[got > 0 ? got : 0] = '\0';
    return strstr(all, text) != NULL;
}

/* Blocks its loop until the marks have been printed. */
static int be_stuck(void *unused)
{
    (void)unused;
    tr__store_release_u32(&is_stuck, 1); /* release: pairs with the acquire in ask_while_stuck */
    while (!stderr_contains("  early"))
        sched_yield();
    return 0;
}

static void ask_while_stuck(void *unused)
{
    tr_future *f;

    (void)unused;
    kit_start_debug(1);
    send("early", 0, 0);
    ck_assert_int_eq(tr_submit(&f, TR_LOOP(0), be_stuck, NULL), 0);
    while (tr__load_acquire_u32(&is_stuck) == 0) /* acquire: pairs with be_stuck */
        sched_yield();
    ck_assert_int_eq(kill(getpid(), SIGUSR1), 0);
    ck_assert_int_eq(tr_future_wait(f, KIT_PATIENCE_S), 0);
    tr_future_unref(f);
    kit_stop();
    ck_assert_ptr_eq(signal(SIGUSR1, SIG_DFL), SIG_DFL);
}

START_TEST(sigusr1_asks_for_the_tree_and_the_marks_also_while_all_loops_are_stuck)
{
    char text[16384];

    if (skips())
        return;
    ck_assert_int_eq(kit_in_child(ask_while_stuck, NULL, text, sizeof(text)), 0);
    ck_assert_ptr_nonnull(strstr(text, "troupe: loops: 1, "));
    ck_assert_ptr_nonnull(strstr(text, "  loop 0 does not answer: "));
    ck_assert_ptr_nonnull(strstr(text, "  early\n"));
}
END_TEST

static uint32_t own_signals;

static void count_signal(int signo)
{
    (void)signo;
    own_signals++;
}

static void ask_with_own_handler(void *unused)
{
    (void)unused;
    signal(SIGUSR1, count_signal);
    kit_start_debug(1);
    send("early", 0, 0);
    raise(SIGUSR1);
    ck_assert_uint_eq(own_signals, 1);
    kit_stop();
    raise(SIGUSR1);
    ck_assert_uint_eq(own_signals, 2);
}

START_TEST(sigusr1_is_left_to_a_handler_of_the_program)
{
    char text[4096];

    ck_assert_int_eq(kit_in_child(ask_with_own_handler, NULL, text, sizeof(text)), 0);
    ck_assert_ptr_null(strstr(text, "early"));
}
END_TEST

static void set_handler_later(void *unused)
{
    (void)unused;
    kit_start_debug(1);
    signal(SIGUSR1, count_signal);
    kit_stop();
    raise(SIGUSR1);
    ck_assert_uint_eq(own_signals, 1);
}

START_TEST(handler_that_was_set_later_stays)
{
    char text[4096];

    ck_assert_int_eq(kit_in_child(set_handler_later, NULL, text, sizeof(text)), 0);
}
END_TEST

static void die_of_it_in_a_child(void *unused)
{
    int status = 0;
    pid_t child;

    (void)unused;
    kit_start_debug(1);
    child = fork();
    if (child == 0) {
        raise(SIGUSR1);
        kit_end_child(0);
    }
    ck_assert_int_eq(waitpid(child, &status, 0), child);
    ck_assert(WIFSIGNALED(status) && WTERMSIG(status) == SIGUSR1);
    kit_stop();
}

START_TEST(sigusr1_ends_a_forked_child_as_ever)
{
    char text[4096];

    if (!KIT_SIGNALS_ARE_PROMPT)
        return;
    ck_assert_int_eq(kit_in_child(die_of_it_in_a_child, NULL, text, sizeof(text)), 0);
}
END_TEST

KIT_MAIN("observe/marks", mark_is_what_the_deepest_task_of_a_name_has_used,
         tasks_of_a_name_are_counted, stacks_of_other_sizes_are_looked_at_too,
         task_that_uses_more_than_three_quarters_is_named_in_the_end,
         names_beyond_those_that_have_room_are_known_together,
         nothing_is_known_when_debug_mode_is_off,
         sigusr1_asks_for_the_tree_and_the_marks_also_while_all_loops_are_stuck,
         sigusr1_is_left_to_a_handler_of_the_program, handler_that_was_set_later_stays,
         sigusr1_ends_a_forked_child_as_ever)
