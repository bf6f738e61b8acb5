/* A loop, as the watcher of debug mode sees it: what its thread writes down for it. */
#ifndef TR_OBSERVE_WATCHED_H
#define TR_OBSERVE_WATCHED_H

#include <pthread.h>
#include <sys/types.h>

#include "observe/backtrace.h"
#include "observe/steps.h"
#include "runtime/loop.h"

/* What runs on a loop, in words that outlive it. */
typedef struct tr__runner {
    enum { TR__RUNS_CALLBACK, TR__RUNS_TASK, TR__RUNS_ACTOR } kind;
    uint64_t pid;  /* of an actor */
    char name[48]; /* of a task, or of an actor's class; cut if need be */
} tr__runner;

/* On the loop's thread; async-signal-safe. */
void tr__runner_note(tr__runner *runner, tr__loop *loop);
/* "task 'name'", and the like. */
void tr__runner_write(const tr__runner *runner, char *text, size_t text_bytes);

/* What a loop's thread does at a moment. */
typedef struct tr__sample {
    tr__moment answer;
    tr__runner runner;
    tr__trace trace;
    const char *call; /* that blocks; NULL: none that is known */
} tr__sample;

/* Reports of a loop in the present second, and those that were too many. */
typedef struct tr__quota {
    uint64_t second_ns; /* when it began */
    unsigned reports;
    unsigned left_out;
} tr__quota;

/* false: there have been enough. */
bool tr__quota_take(tr__quota *quota, uint64_t now_ns);

typedef struct tr__watched {
    tr__loop *loop;
    /* Written by the loop's thread, atomically. */
    uint32_t rests;      /* it waits in the kernel for something to do */
    uint64_t resumed_ns; /* when it last came back from there */
    /* Under the lock, which its thread takes outside of handlers only. */
    pthread_mutex_t lock;
    bool is_there;    /* the thread has entered, and not left */
    pthread_t thread; /* likewise */
    pid_t id;         /* gettid */
    bool is_in_call;  /* `call` is where it is */
    tr__sample call;
    /* asked != answered: the thread's handler is to fill in `seen`, and then to set answered. */
    uint32_t asked, answered;
    tr__sample seen;
    /* The watcher's own. */
    uint64_t asked_ns; /* 0: it is not asked */
    bool is_sent;      /* the signal */
    tr__step step;
    tr__quota quota;
} tr__watched;

/* When the loop's present stretch began: it has looked at the clock, or come back from the
 * kernel. */
uint64_t tr__watched_start_ns(const tr__watched *watched);
/* On the loop's thread; async-signal-safe. */
void tr__watched_answer(const tr__watched *watched, tr__moment *answer);

/* The loop of this thread, unless it rests, or debug mode is off; NULL on other threads. */
tr__watched *tr__watched_here(void);

/* On the loop's thread, which is about to be in a call that blocks, and has come back. */
void tr__watched_enter_call(tr__watched *watched, const char *call, const tr__trace *trace);
void tr__watched_leave_call(tr__watched *watched);

#endif
