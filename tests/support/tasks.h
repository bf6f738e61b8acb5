/* What tests of tasks share: tasks that do one thing, and what happened, in order. */
#ifndef TR_TESTS_TASKS_H
#define TR_TESTS_TASKS_H

#include "support/kit.h"

/* Start with that many loops, run fn(arg) as a task on loop 0, which must succeed, and stop. */
void kit_run_task(int loops, tr_task_fn fn, void *arg);

/* ---- tasks ---- */

/* Returns *(const int *)result; without a result, 0. */
int kit_give(void *result);
/* Sleeps until it is cancelled. */
int kit_forever(void *unused);
/* Counts how often it gets a turn, in an int, until it is cancelled. */
int kit_count_turns(void *turns);

/* Sleeps until it is cancelled, cleans up for a while, and ends with the result. */
typedef struct kit_stubborn {
    uint32_t begun;
    uint32_t cancelled;
    uint32_t ended;
    int result;
} kit_stubborn;

int kit_hold_out(void *stubborn);

/* Start a task on a loop (TR_LOOP, or TR_LOOP_ANY), by a task or a handler. */
tr_task *kit_spawn_task(int loop, tr_task_fn fn, void *arg);
/* Wait for its end without a limit, and give it back; its result. */
int kit_end_task(tr_task *task);
/* In a task: let everything else on this loop run, also what others start. */
void kit_let_others_run(void);

/* ---- what happened, in order, on one loop ---- */

void kit_note(const char *text);
/* A task that notes its name. */
int kit_note_name(void *name);
const char *kit_trace(void);
void kit_trace_clear(void);

#endif
