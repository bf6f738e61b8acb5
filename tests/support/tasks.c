/* What tests of tasks share. */
#include "support/tasks.h"

#include <string.h>

#include "support/actors.h"

void kit_run_task(int loops, tr_task_fn fn, void *arg)
{
    kit_start(loops);
    ck_assert_int_eq(kit_in_task(0, fn, arg), 0);
    kit_stop();
}

/* ---- tasks ---- */

int kit_give(void *result)
{
    return result != NULL ? *(const int *)result : 0;
}

int kit_forever(void *unused)
{
    (void)unused;
    return tr_sleep(TR_FOREVER);
}

int kit_count_turns(void *turns)
{
    do
        ++*(int *)turns;
    while (tr_yield() == 0);
    return 0;
}

int kit_hold_out(void *stubborn)
{
    kit_stubborn *s = stubborn;

    kit_count(&s->begun);
    ck_assert_int_eq(tr_sleep(TR_FOREVER), TR_ECANCELED);
    kit_count(&s->cancelled);
    TR_SHIELD(TR_FOREVER) {
        for (int i = 0; i < 50; i++)
            ck_assert_int_eq(tr_yield(), 0);
    }
    kit_count(&s->ended);
    return s->result;
}

tr_task *kit_spawn_task(int loop, tr_task_fn fn, void *arg)
{
    tr_task *task;

    ck_assert_int_eq(tr_task_spawn_on(&task, loop, fn, arg), 0);
    return task;
}

int kit_end_task(tr_task *task)
{
    int rc = tr_task_wait(task, TR_FOREVER);

    tr_task_unref(task);
    return rc;
}

void kit_let_others_run(void)
{
    for (int i = 0; i < 10; i++)
        ck_assert_int_eq(tr_yield(), 0);
}

/* ---- what happened, in order ---- */

static char trace[1024];

void kit_note(const char *text)
{
    ck_assert_uint_lt(strlen(trace) + strlen(text), sizeof(trace));
    strcat(trace, text);
}

int kit_note_name(void *name)
{
    kit_note(name);
    return 0;
}

const char *kit_trace(void)
{
    return trace;
}

void kit_trace_clear(void)
{
    trace[0] = '\0';
}
