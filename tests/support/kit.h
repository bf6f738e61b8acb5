/* What all tests share: a runtime that is started and must end clean, a log that can be read,
 * probes, and calls on loops. Nothing here sleeps: tests wait for what they expect, with a hang
 * guard. */
#ifndef TR_TESTS_KIT_H
#define TR_TESTS_KIT_H

#include <stdbool.h>
#include <troupe.h>
#include <troupe/check.h>

/* Set where an emulator of another machine runs the tests: it is slow, and what it says in the
 * kernel's place is not always so. */
#ifndef KIT_EMULATED
#define KIT_EMULATED 0
#endif

/* How long a test waits for what must happen: a hang guard, not a speed limit. (5,000 fibers take
 * TSan a minute on a busy machine.) */
#define KIT_PATIENCE_S 200.0

/* ---- a runtime that ends clean ---- */

/* Start with that many loops; from now on the log is captured. */
void kit_start(int loops);
void kit_start_with(const tr_config *config);
/* Shut down; the ledger must balance, and no thread, descriptor or mapping may be left. */
void kit_stop(void);
/* What tr_start gave while a call may have failed (struck): it must be 0, or an error of such a
 * call. A runtime that was started is shut down. */
void kit_end_start(int rc, bool struck);
/* The ledger: sent = handled + returned + expired + late + dead; all tasks have ended, all jobs
 * were run or cancelled. Only after a shutdown. */
void kit_expect_balance(void);
tr_stats kit_stats(void);

/* ---- the log ---- */

bool kit_log_contains(const char *text);
/* How often it contains it. */
int kit_log_count(const char *text);
/* A copy of the first line that contains it; false: there is none. */
bool kit_log_first_line(const char *text, char *line, size_t line_bytes);
/* Whether one line contains both. */
bool kit_log_has_line(const char *text, const char *other);
void kit_log_clear(void);

/* ---- probes ---- */

/* What tests send. */
TR_MESSAGE(kit_value)
{
    int64_t a;
    int64_t b;
};
TR_NOTICE(kit_notice);
TR_MESSAGE(kit_large)
{
    int64_t a;
    char text[504];
};

tr_inbox *kit_inbox(void);
/* One with a limit. */
tr_inbox *kit_inbox_of(size_t limit);
/* The next message must be a kit_value with that a; its b is returned. */
int64_t kit_expect_value(tr_inbox *in, int64_t a);
/* The next message, whatever it is. */
tr_msg *kit_next(tr_inbox *in);

/* ---- on loops ---- */

/* Call fn(arg) on that loop (from 0), and wait until it has returned. */
void kit_on_loop(int loop, void (*fn)(void *arg), void *arg);
/* Run fn(arg) as a task on that loop, and wait until it has ended; returns its result. */
int kit_in_task(int loop, tr_task_fn fn, void *arg);
/* An actor on that loop that does what it is told, until it is stopped. */
tr_pid kit_puppet(int loop);
/* Let a puppet call fn(self, arg) in its handler, which returns fn's result, and wait until fn has
 * returned. */
void kit_in_handler(tr_pid puppet, int (*fn)(tr_self *self, void *arg), void *arg);
/* Wait until everything sent to that loop by this thread before has been taken in and handled. */
void kit_settle(int loop);

/* ---- faults ---- */

/* Call attempt(ctx) with the n-th allocation, mapping or system call failing, for n = 1, 2, ...
 * until it passes without one having failed. attempt checks for itself that nothing is lost.
 * Returns how many failures were tried. */
int kit_for_every_fault(void (*attempt)(void *ctx, int n), void *ctx);

/* The same in three steps: begin(ctx) without a fault, attempt(ctx) with the n-th call failing, and
 * check(ctx, struck) without one again: struck tells whether attempt met a fault. lasting: all
 * calls from the n-th on fail until attempt has returned. */
typedef struct kit_faulty {
    void (*begin)(void *ctx); /* may be NULL */
    void (*attempt)(void *ctx);
    void (*check)(void *ctx, bool struck);
} kit_faulty;

int kit_for_every_fault_of(const kit_faulty *steps, void *ctx, bool lasting);

/* ---- the process ---- */

int kit_open_descriptors(void);
int kit_threads(void);
/* Call fn(arg) in a child process of its own environment, limits and signals, which then ends with
 * status 0. What it wrote to stderr is put into text. Returns its status, as of waitpid. */
int kit_in_child(void (*fn)(void *arg), void *arg, char *text, size_t text_bytes);
/* End that process at once, from wherever, also from a handler of a signal: _exit, but what it has
 * reached counts for ./dev coverage. */
_Noreturn void kit_end_child(int status);

/* ---- running ---- */

/* main of a test program: KIT_MAIN("mailbox", a_test, another_test) */
int kit_main(const char *suite_name, const TTest *const *tests, int count);

#define KIT_MAIN(name, ...)                                                                        \
    int main(void)                                                                                 \
    {                                                                                              \
        const TTest *const tests[] = { __VA_ARGS__ };                                              \
                                                                                                   \
        return kit_main(name, tests, (int)(sizeof(tests) / sizeof(tests[0])));                     \
    }

#endif
