/* Actors that await. */
#include "actors/fibered.h"

#include <stdio.h>

#include "actors/deliver.h"
#include "actors/dispatch.h"
#include "actors/end.h"
#include "base/log.h"
#include "runtime/task.h"

#define STOP_TIMEOUT_S 5.0

/* Asks in a row that are followed in search of a cycle. */
enum { CYCLE_MOST = 256 };

int tr__fibered_prepare(tr__home *home, tr_self *self)
{
    tr__more *more = tr__more_of(home, self);

    if (more == NULL)
        return TR_ENOMEM;
    more->fibered = tr__slab_take(&home->loop.slab, tr__class_of(sizeof(tr__fibered)));
    if (more->fibered == NULL)
        return TR_ENOMEM;
    *more->fibered = (tr__fibered){ .task = NULL };
    return 0;
}

void tr__fibered_free(tr__home *home, tr_self *self)
{
    if (self->more == NULL || self->more->fibered == NULL)
        return;
    tr__slab_give(&home->loop.slab, self->more->fibered, tr__class_of(sizeof(tr__fibered)));
    self->more->fibered = NULL;
}

/* ---- turns ---- */

static void set_frame(tr__home *home, const tr__frame *frame)
{
    tr_self *self = frame->self;

    home->frame.msg = frame->msg;
    home->frame.index = frame->index;
    home->frame.attention = frame->attention;
    home->frame.reason = frame->reason;
    home->frame.outer = frame->outer;
    home->frame.task = frame->task;
    /* relaxed: for another thread that names what runs; the slot's memory is always there. */
    tr__store_relaxed_ptr(&home->frame.self, self);
}

/* One turn of an actor's fiber, in its own frame. */
static void take_turn(tr__home *home, tr_self *self, tr_task *task)
{
    static const tr__frame nobody;

    set_frame(home, &self->more->fibered->frame);
    if (!tr__task_turn(task, &home->loop))
        self->more->fibered->frame = home->frame; /* else the actor may be gone */
    set_frame(home, &nobody);
}

static uint32_t run_again(tr__runnable *runnable, tr__loop *loop)
{
    tr_task *task = TR__CONTAINER_OF(runnable, tr_task, runnable);

    take_turn(tr__home_from(loop), task->arg, task);
    return 1;
}

/* Run fn(self) on a new fiber, at once. false: no memory for one, and fn was not called. */
static bool run_on_fiber(tr__home *home, tr_self *self, tr_task_fn fn)
{
    uint16_t number = (uint16_t)home->loop.number;
    tr_task *task = tr__task_make(fn, self, NULL, 0, self->cls->name, number, number);

    if (task == NULL)
        return false;
    task->is_actors = true;
    task->runnable.run = run_again;
    self->more->fibered->task = task;
    self->more->fibered->frame = (tr__frame){ .self = NULL };
    home->fiber_has_begun = false;
    take_turn(home, self, task);
    if (home->fiber_has_begun)
        return true;
    self->more->fibered->task = NULL; /* it got no stack, and is freed */
    return false;
}

/* ---- handling ---- */

static int handle_messages(void *arg)
{
    tr__home *home = tr__home_here();

    home->fiber_has_begun = true;
    tr__activate(home, arg);
    return 0;
}

uint32_t tr__fibered_activate(tr__runnable *runnable, tr__loop *loop)
{
    tr_self *self = TR__CONTAINER_OF(runnable, tr_self, runnable);
    tr__home *home = tr__home_from(loop);

    if (TR__LIKELY(run_on_fiber(home, self, handle_messages)))
        return 1;
    tr__give_up_message(home, self, TR_ENOMEM);
    return 1;
}

/* ---- ending ---- */

static int end_actor(void *arg)
{
    tr__home *home = tr__home_here();
    tr_self *self = arg;

    home->fiber_has_begun = true;
    tr__end_now(home, self, home->ending_reason);
    return 0;
}

void tr__fibered_end(tr__home *home, tr_self *self, int reason)
{
    home->ending_reason = reason;
    if (self->cls->stop == NULL || !run_on_fiber(home, self, end_actor))
        tr__end_now(home, self, reason); /* without a stack, its awaits are refused */
}

tr_task *tr__fibered_task_here(const tr__home *home, const tr_self *self)
{
    const tr__fibered *fibered = self->more != NULL ? self->more->fibered : NULL;

    return fibered != NULL && fibered->task == home->loop.task ? fibered->task : NULL;
}

void tr__fibered_interrupt(tr_self *self)
{
    const tr__fibered *fibered = self->more != NULL ? self->more->fibered : NULL;

    if (fibered != NULL && fibered->task != NULL && !fibered->is_ending)
        tr__task_cancel_here(fibered->task);
}

bool tr__fibered_exits(const tr_self *self)
{
    const tr__fibered *fibered = self->more != NULL ? self->more->fibered : NULL;

    return fibered != NULL && fibered->task != NULL && !fibered->is_ending &&
           (fibered->frame.attention & TR__ATTENTION_EXIT);
}

void tr__fibered_stop_begin(tr__home *home, tr_self *self, tr_task *task, tr__deadline *shield)
{
    double limit_s = self->cls->stop_timeout > 0 ? self->cls->stop_timeout : STOP_TIMEOUT_S;

    self->more->fibered->is_ending = true;
    home->loop.task = task; /* the frame has taken it away */
    tr__deadline_begin(shield, task, tr__due_ns(limit_s), true);
}

void tr__fibered_stop_end(tr__deadline *shield)
{
    (void)tr__deadline_end(shield); /* what it did not do in time is its own affair */
}

/* ---- asks in a circle ---- */

/* Whom an actor that lives here waits for; none: for nobody. */
static tr_pid asked_by(const tr__home *home, tr_pid pid)
{
    const tr_self *self = tr__lives_here(home, pid) ? tr__slot_of(pid) : NULL;

    return self != NULL && self->more != NULL && self->more->fibered != NULL
               ? self->more->fibered->asks
               : TR_PID_NONE;
}

static TR__COLD int report_cycle(const tr__home *home, tr_pid me, tr_pid to)
{
    char text[512];
    int length = snprintf(text, sizeof(text), TR_PID_FMT " (%s)", TR_PID_ARG(me),
                          home->frame.self->cls->name);

    for (tr_pid pid = to; length < (int)sizeof(text) && !tr_pid_eq(pid, me);
         pid = asked_by(home, pid))
        length += snprintf(text + length, sizeof(text) - (size_t)length, " -> " TR_PID_FMT " (%s)",
                           TR_PID_ARG(pid), tr__slot_of(pid)->cls->name);
    tr__log(TR_LOG_WARN, "an ask would wait for ever: %s -> " TR_PID_FMT, text, TR_PID_ARG(me));
    return TR_EDEADLK;
}

int tr__fibered_check_cycle(const tr__home *home, tr_pid to)
{
    const tr_self *self = home->frame.self;
    tr_pid me = tr_self_pid(self);
    tr_pid pid = to;

    if (self == NULL)
        return 0;
    for (int i = 0; i < CYCLE_MOST && !tr_pid_is_none(pid); i++) {
        if (tr_pid_eq(pid, me))
            return report_cycle(home, me, to);
        pid = asked_by(home, pid);
    }
    return 0;
}

tr_pid *tr__fibered_asks(const tr__home *home)
{
    const tr_self *self = home->frame.self;

    return self != NULL && self->more != NULL && self->more->fibered != NULL
               ? &self->more->fibered->asks
               : NULL;
}
