/* Cases: what tasks do with each other, on two loops, written once and run twice. With real threads
 * (so also under the sanitizers), and in a simulation under many seeds, where threads are late and
 * jobs are slow.
 *
 *     CASE(a_lock_is_given_to_whoever_waits_first)
 *     {
 *         ... what its root task does, on loop 0 ...
 *         EXPECT(...);
 *     }
 *
 *     CASES("mutex", a_lock_is_given_to_whoever_waits_first, ...)
 *
 * Nothing may be left when a case has ended: the runtime is stopped, and must have ended clean. */
#ifndef TR_TESTS_CASES_H
#define TR_TESTS_CASES_H

#include <stddef.h>
#include <troupe.h>
#include <troupe/check.h>

#include "support/suite.h"

/* What must hold, anywhere; else the process ends, and says where. */
#define EXPECT(x) ((x) ? (void)0 : expect_failed(__FILE__, __LINE__, #x))
_Noreturn void expect_failed(const char *file, int line, const char *what);

#define CASE(name) CASE_RUN_BY(run_case, name)
/* In debug mode. */
#define DEBUG_CASE(name) CASE_RUN_BY(run_case_in_debug_mode, name)
#define CASE_RUN_BY(run, name)                                                                     \
    static void name##_body(void);                                                                 \
    static void name##_fn(int i)                                                                   \
    {                                                                                              \
        (void)i;                                                                                   \
        run(name##_body);                                                                          \
    }                                                                                              \
    static const TTest name##_ttest = { #name, name##_fn, __FILE__, __LINE__ };                    \
    static const TTest *const name = &name##_ttest;                                                \
    static void name##_body(void)

void run_case(void (*body)(void));
void run_case_in_debug_mode(void (*body)(void));

#define CASES(suite, ...) SUITE_MAIN(suite, __VA_ARGS__)

/* ---- helpers ---- */

/* In a task: let all that can run on this loop run, until it waits. */
void let_others_run(void);

/* Sleeps until it is cancelled. */
int sleep_for_ever(void *unused);

/* A future that is at home on that loop (from 0), for the test to end. */
tr_future *open_future(int loop);

/* A task that waits until it is let go, and returns the result; when it is cancelled before, it
 * cleans up for a while. */
typedef struct errand {
    tr_event go;
    int result;
    bool was_done; /* read these when it has ended */
    bool was_cut;
} errand;

int run_errand(void *errand);
/* Start one on that loop (from 0); the future is the caller's. */
tr_future *start_errand(errand *e, int loop);
void let_go(errand *e);

/* Callbacks that end a future, without a value or with TR_EBUSY. */
void resolve(void *future);
void fail_future(void *future);
void unref_all(tr_future **fs, int n);

/* In a task: call fn(arg) on the other loop, in the handler of an actor, which may await if it
 * `awaits`. */
void call_in_handler(bool awaits, void (*fn)(void *arg), void *arg);
/* The same where nobody may await, one after the other: in a handler, a loop callback, a foreign
 * thread. */
void call_elsewhere(void (*fn)(void *arg), void *arg);

/* A thread that is no loop's, which runs fn(arg), and its end. */
typedef struct foreign foreign;
foreign *foreign_start(void (*fn)(void *arg), void *arg);
/* Await it, in a task. */
void foreign_end(foreign *thread);

/* A call that can be awaited: tr_post(loop, call_posted, &c), and then tr_event_wait(&c.done). */
typedef struct posted_call {
    void (*fn)(void *arg);
    void *arg;
    tr_event done;
} posted_call;

void call_posted(void *posted_call);

/* Call fn(arg) there, from a task on loop 0, and wait until it has returned. */
typedef enum where { OWN_LOOP, OTHER_LOOP, THREAD, PLACES } where;
void in_place(where there, void (*fn)(void *arg), void *arg);

/* What happened, in order: letters, from any thread. Each case begins with none. */
void note(char letter);
const char *notes(void);

/* A number that is counted up and down by anybody; atomic. */
typedef struct counter {
    uint32_t value;
} counter;

void count_up(counter *c);
void count_down(counter *c);
uint32_t count_of(const counter *c);

/* Cancellation at every await: begin(arg) prepares, and may start others; a task runs attempt(arg),
 * and is cancelled at the n-th await, for n = 1, 2, ... until it has fewer; then check(arg, rc) is
 * told its result. On both loops; it is cancelled just before the await, and while it waits, from
 * its own loop and from the other one. */
typedef struct attempt {
    void (*begin)(void *arg); /* may be NULL */
    int (*attempt)(void *arg);
    void (*check)(void *arg, int rc);
} attempt;

void cancel_at_every_await(const attempt *steps, void *arg);

/* Around each await of an attempt. */
#define AWAIT(call) (await_begins(), (call))
void await_begins(void);

#endif
