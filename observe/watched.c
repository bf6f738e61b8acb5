/* What a loop's thread writes down for the watcher. */
#include "observe/watched.h"

#include <stdio.h>

#include "actors/home.h"
#include "base/atomic.h"
#include "base/seam.h"
#include "base/threads.h"
#include "runtime/task.h"

#define NS_PER_S UINT64_C(1000000000)

enum { REPORTS_A_SECOND = 4 };

/* Async-signal-safe, unlike the C library's functions. */
static void copy_name(char *to, size_t bytes, const char *from)
{
    size_t length = 0;

    while (length + 1 < bytes && from[length] != '\0') {
        to[length] = from[length];
        length++;
    }
    to[length] = '\0';
}

void tr__runner_note(tr__runner *runner, tr__loop *loop)
{
    const tr__home *home = tr__home_from(loop);
    const tr_self *self = home->frame.self;
    const tr_task *task = loop->task;

    if (self != NULL && self->cls != NULL) {
        runner->kind = TR__RUNS_ACTOR;
        runner->pid = tr__slot_pid(self).tr__id;
        copy_name(runner->name, sizeof(runner->name), self->cls->name);
    } else if (task != NULL) {
        runner->kind = TR__RUNS_TASK;
        copy_name(runner->name, sizeof(runner->name), task->name);
    } else {
        runner->kind = TR__RUNS_CALLBACK;
    }
}

void tr__runner_write(const tr__runner *runner, char *text, size_t text_bytes)
{
    switch (runner->kind) {
    case TR__RUNS_ACTOR:
        (void)snprintf(text, text_bytes, "actor " TR_PID_FMT " (%s)",
                       TR_PID_ARG(((tr_pid){ runner->pid })), runner->name);
        break;
    case TR__RUNS_TASK:
        (void)snprintf(text, text_bytes, "task '%s'", runner->name);
        break;
    default:
        (void)snprintf(text, text_bytes, "a callback");
    }
}

uint64_t tr__watched_start_ns(const tr__watched *watched)
{
    /* relaxed: figures of another thread, or of this one. */
    uint64_t now_ns = tr__load_relaxed_u64(&watched->loop->now_ns);
    uint64_t resumed_ns = tr__load_relaxed_u64(&watched->resumed_ns); /* relaxed: as above */

    return now_ns > resumed_ns ? now_ns : resumed_ns;
}

void tr__watched_answer(const tr__watched *watched, tr__moment *answer)
{
    answer->now_ns = tr__now_ns();
    answer->since_ns = answer->now_ns;
    answer->start_ns = tr__watched_start_ns(watched);
    answer->is_resting = tr__load_relaxed_u32(&watched->rests) != 0; /* relaxed: our own */
    answer->credit = watched->loop->credit;
    answer->credit_then = watched->loop->credit_then;
}

bool tr__quota_take(tr__quota *quota, uint64_t now_ns)
{
    if (now_ns - quota->second_ns >= NS_PER_S) {
        quota->second_ns = now_ns;
        quota->reports = 0;
    }
    return quota->reports < REPORTS_A_SECOND && ++quota->reports != 0;
}

void tr__watched_enter_call(tr__watched *watched, const char *call, const tr__trace *trace)
{
    tr__mutex_lock(&watched->lock);
    tr__watched_answer(watched, &watched->call.answer);
    tr__runner_note(&watched->call.runner, watched->loop);
    watched->call.trace = *trace;
    watched->call.call = call;
    watched->is_in_call = true;
    tr__mutex_unlock(&watched->lock);
}

void tr__watched_leave_call(tr__watched *watched)
{
    tr__mutex_lock(&watched->lock);
    watched->is_in_call = false;
    tr__mutex_unlock(&watched->lock);
}
