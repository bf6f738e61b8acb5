/* Inboxes of tasks: all on one loop, without a lock. */
#include <math.h>

#include "actors/deliver.h"
#include "actors/inbox.h"
#include "runtime/task.h"
#include "sync/select.h"

typedef struct tr__inbox_wait {
    tr__wait wait;
    tr__timer timer;
    tr_inbox *in;
    tr__choice *choice; /* NULL: it waits for this alone */
    tr_msg **out;       /* of a choice: where the message is lent */
} tr__inbox_wait;

/* The same for a task that chooses: it has the message at once, unless it has chosen already. The
 * inbox may be gone when it leaves the line. */
static void end_choice(tr__inbox_wait *w, int result)
{
    tr_inbox *in = w->in;

    w->in = NULL;
    if (!tr__choice_claim(w->choice))
        return;
    if (result == 0)
        *w->out = tr__inbox_lend(in);
    w->choice->taken = w;
    tr__wait_end(&w->choice->wait, result);
}

/* The task that waits goes on. */
static void end_wait(tr_inbox *in, int result)
{
    tr__inbox_wait *w = in->waiting;

    if (w == NULL)
        return;
    in->waiting = NULL;
    if (w->choice != NULL) {
        end_choice(w, result);
        return;
    }
    tr__timer_stop(&tr__loop_here()->wheel, &w->timer);
    tr__wait_end(&w->wait, result);
}

int tr__inbox_put_here(tr_self *self, tr_inbox *in, tr_msg *msg)
{
    tr_msg *kept = tr_msg_keep(msg); /* an inbox has no timers: it can't fail */

    if (in->limit != 0 && in->count >= in->limit)
        return tr__inbox_refuse(self, kept, TR_EFULL);
    tr__mailbox_push_local(&in->box, kept);
    in->count++;
    end_wait(in, 0);
    return 0;
}

void tr__inbox_close_here(tr_inbox *in, int reason)
{
    tr__home *home = tr__home_here();
    tr_msg *msg;

    in->is_closed = true;
    while ((msg = tr__mailbox_pop_local(&in->box)) != NULL) {
        tr__bump_u64(&home->ledger.handled, (uint64_t)-1); /* its actor did; nobody else has */
        tr__bury(home, in->pid, msg, reason == TR_ESHUTDOWN ? TR_ESHUTDOWN : TR_EDEAD);
    }
    in->count = 0;
    tr__inbox_reclaim(home, in);
    end_wait(in, TR_ESHUTDOWN);
}

static bool withdraw(tr__wait *wait)
{
    tr__inbox_wait *w = TR__CONTAINER_OF(wait, tr__inbox_wait, wait);

    w->in->waiting = NULL;
    tr__timer_stop(&tr__loop_here()->wheel, &w->timer);
    return true;
}

static void describe(const tr__wait *wait, tr__awaited *awaited)
{
    const tr__inbox_wait *w = TR__CONTAINER_OF(wait, const tr__inbox_wait, wait);

    awaited->what = "a message of an inbox";
    awaited->object = w->in;
    awaited->until_ns = w->timer.due_ns;
}

static const tr__wait_kind wait_kind = { withdraw, describe };

static void on_time(tr__timer *timer)
{
    end_wait(TR__CONTAINER_OF(timer, tr__inbox_wait, timer)->in, TR_ETIMEDOUT);
}

static int wait_here(tr_inbox *in, tr_task *task, uint64_t due_ns)
{
    tr__inbox_wait w = { .wait = { .task = task, .kind = &wait_kind }, .in = in };

    if (in->waiting != NULL)
        return TR_EBUSY;
    if (due_ns <= tr__loop_here()->now_ns)
        return TR_ETIMEDOUT;
    if (due_ns != UINT64_MAX)
        tr__timer_start(&tr__loop_here()->wheel, &w.timer, due_ns, on_time);
    in->waiting = &w;
    return tr__wait_suspend(&w.wait);
}

int tr__inbox_receive_here(tr_inbox *in, tr_msg **out, double timeout)
{
    tr_task *task = tr__task_here();
    uint64_t due_ns = 0;
    bool has_waited = false;
    int rc;

    if (task == NULL || task->loop != in->loop)
        return TR_EWRONGPLACE;
    rc = tr__task_checkpoint(task);
    if (rc < 0)
        return rc;
    tr__inbox_reclaim(tr__home_here(), in);
    while (in->count == 0) {
        if (in->is_closed)
            return TR_ESHUTDOWN;
        if (!has_waited)
            due_ns = tr__due_ns(timeout);
        else if ((rc = tr__task_checkpoint(task)) < 0)
            return rc; /* another task was quicker, and this one has been cancelled */
        rc = wait_here(in, task, due_ns);
        if (rc < 0)
            return rc;
        has_waited = true;
    }
    *out = tr__inbox_lend(in);
    return 0;
}

/* ---- choosing ---- */

static bool take_receive(tr_case *c, int *status)
{
    tr_inbox *in = c->tr__source;

    *status = 0;
    if (tr__task_here()->loop != in->loop) {
        *status = TR_EWRONGPLACE;
        return true;
    }
    tr__inbox_reclaim(tr__home_here(), in);
    if (in->count > 0)
        *(tr_msg **)c->tr__place = tr__inbox_lend(in);
    else if (in->is_closed)
        *status = TR_ESHUTDOWN;
    else if (in->waiting != NULL)
        *status = TR_EBUSY;
    else
        return false;
    return true;
}

static bool stand_to_receive(tr_case *c, tr__choice *choice)
{
    tr_inbox *in = c->tr__source;
    tr__inbox_wait *w = tr__case_place(c);

    if (in->waiting != NULL)
        return in->waiting->choice == choice; /* the same inbox twice */
    if (in->count > 0 || in->is_closed)
        return false;
    *w = (tr__inbox_wait){ .in = in, .choice = choice, .out = c->tr__place };
    in->waiting = w;
    return true;
}

static void leave_inbox(tr_case *c)
{
    tr__inbox_wait *w = tr__case_place(c);

    if (w->in != NULL)
        w->in->waiting = NULL;
    w->in = NULL;
}

static void describe_case(tr_case *c, tr__awaited *awaited)
{
    (void)c;
    (void)awaited; /* who will send to it is not known */
}

static const tr__case_kind receive_kind = { take_receive, stand_to_receive, leave_inbox,
                                            describe_case };

_Static_assert(sizeof(tr__inbox_wait) <= sizeof(((tr_case *)0)->tr__opaque), "fits its place");

tr_case tr_case_receive(tr_inbox *in, tr_msg **out)
{
    tr_case c = { .tr__kind = in != NULL && out != NULL ? &receive_kind : NULL,
                  .tr__error = TR_EINVAL,
                  .tr__source = in,
                  .tr__place = out };

    if (out != NULL)
        *out = NULL;
    return c;
}
