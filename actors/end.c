/* Ending actors: by themselves, on request, and all at a shutdown. */
#include "actors/end.h"

#include "actors/deliver.h"
#include "actors/fibered.h"
#include "actors/registry.h"
#include "actors/request.h"
#include "actors/spawn.h"
#include "actors/timed.h"

/* What the three bits of a slot's word stand for. A later one outranks an earlier one. */
static const int reasons[] = { 0, TR_ESTOPPED, TR_EFULL, TR_ESHUTDOWN, TR_EKILLED };

static uint32_t code_of(int reason)
{
    uint32_t code = 1;

    while (code + 1 < sizeof(reasons) / sizeof(reasons[0]) && reasons[code] != reason)
        code++;
    return code;
}

static void free_state(tr__home *home, tr_self *self)
{
    size_t bytes = self->cls->state_size;

    if (self->state == NULL)
        return;
    if (bytes <= TR__CLASS_MAX_BYTES)
        tr__slab_give(&home->loop.slab, self->state, tr__class_of(bytes));
    else
        tr__free(self->state);
    self->state = NULL;
}

void tr__dissolve(tr__home *home, tr_self *self, int reason)
{
    tr_pid pid = tr__slot_pid(self);
    tr_msg *msg;

    if (self->word & TR__SLOT_NAMED)
        tr__registry_forget(home, self);
    tr__timed_end(home, self);
    tr__requests_end(home, self);
    /* From here on the pid is stale. relaxed: only this loop sends to it; see the halt's walk. */
    tr__store_relaxed_u32(&self->generation, self->generation + 1);
    /* A timer's message is gone with its actor, no dead letter: it was cancelled just now. */
    while ((msg = tr__mailbox_pop_local(&self->mailbox)) != NULL)
        if (!(msg->tr__head & TR__MSG_TIMED) || tr__timed_admit(home, msg))
            tr__bury(home, pid, msg, reason);
    free_state(home, self);
    tr__fibered_free(home, self);
    if (self->more != NULL)
        tr__slab_give(&home->loop.slab, self->more, tr__class_of(sizeof(*self->more)));
    self->more = NULL;
    home->lasting -= tr__lasts(self);
    home->alive--;
    tr__slot_give(&home->slots, self);
}

void tr__end_now(tr__home *home, tr_self *self, int reason)
{
    tr_task *task = tr__fibered_task_here(home, self);
    tr__deadline shield;
    tr__frame saved;

    self->word |= TR__SLOT_QUEUED; /* what stop sends to itself must not schedule it */
    if (self->cls->stop != NULL) {
        tr__frame_enter(home, self, &saved);
        if (task != NULL)
            tr__fibered_stop_begin(home, self, task, &shield);
        self->cls->stop(self, self->state, reason);
        if (task != NULL)
            tr__fibered_stop_end(&shield);
        tr__frame_leave(home, &saved);
    }
    tr__bump_u64(&home->ledger.ended, 1);
    tr__dissolve(home, self, reason == TR_ESHUTDOWN ? TR_ESHUTDOWN : TR_EDEAD);
}

/* The run function of an actor that is to end. */
static uint32_t run_end(tr__runnable *runnable, tr__loop *loop)
{
    tr__home *home = tr__home_from(loop);
    tr_self *self = TR__CONTAINER_OF(runnable, tr_self, runnable);
    int reason = reasons[(self->word & TR__SLOT_ENDING) >> TR__SLOT_ENDING_SHIFT];

    if (self->word & TR__SLOT_STARTING)
        tr__start_refuse(home, self, reason);
    else if (self->cls->awaits)
        tr__fibered_end(home, self, reason);
    else
        tr__end_now(home, self, reason);
    return 1;
}

/* The frame in which a function of this actor runs, or NULL. */
static tr__frame *frame_of(tr__home *home, const tr_self *self)
{
    for (tr__frame *frame = &home->frame; frame != NULL; frame = frame->outer)
        if (frame->self == self)
            return frame;
    return NULL;
}

void tr__end_soon(tr__home *home, tr_self *self, int reason)
{
    tr__frame *frame = frame_of(home, self);
    uint32_t code = code_of(reason);

    if (self == home->asker)
        return; /* no actor: it ends with its loop */
    if (frame != NULL) {
        if (!(frame->attention & TR__ATTENTION_EXIT) || reason == TR_EKILLED)
            frame->reason = reason;
        frame->attention |= TR__ATTENTION_EXIT;
        return;
    }
    tr__fibered_interrupt(self);
    if (tr__fibered_exits(self) && reason != TR_EKILLED)
        return;
    if (code > (self->word & TR__SLOT_ENDING) >> TR__SLOT_ENDING_SHIFT)
        self->word = (self->word & ~TR__SLOT_ENDING) | code << TR__SLOT_ENDING_SHIFT;
    self->runnable.run = run_end;
    if (self->word & TR__SLOT_QUEUED)
        return;
    self->word |= TR__SLOT_QUEUED;
    tr__loop_schedule(&home->loop, &self->runnable);
}

void tr__end_all(tr__home *home, bool lasting)
{
    uint32_t end = tr__table_end();

    for (uint32_t index = 1; index < end; index++) {
        tr_self *self = &tr__slots.slots[index];

        /* acquire: pairs with the release in tr__slot_settle: an actor seen alive has its home set,
         * so what lives elsewhere is not mistaken for ours. */
        if (tr__load_acquire_u32(&self->generation) % 2 != 0 &&
            tr__home_of((tr_pid){ index }) == home->loop.number && tr__lasts(self) == lasting)
            tr__end_soon(home, self, TR_ESHUTDOWN);
    }
}

/* ---- the public calls ---- */

static int request_end(tr_pid pid, int reason)
{
    tr__parcel parcel = {
        .to = pid.tr__id,
        .head = (uint32_t)TR__PARCEL_END << TR__PARCEL_KIND_SHIFT,
        .word = { (uint64_t)(int64_t)reason },
    };
    tr__home *home = tr__home_here();
    tr_self *self;

    if (home == NULL || !tr__lives_here(home, pid))
        return tr__send_parcel(pid, &parcel);
    self = tr__slot_of(pid);
    if (self == NULL)
        return TR_EDEAD;
    tr__end_soon(home, self, reason);
    return 0;
}

int tr_stop(tr_pid pid)
{
    return request_end(pid, TR_ESTOPPED);
}

int tr_kill(tr_pid pid)
{
    return request_end(pid, TR_EKILLED);
}

int tr_exit(tr_self *self, int reason)
{
    tr__home *home = tr__home_of_handler(self);

    if (home == NULL)
        return TR_EWRONGPLACE;
    if (reason > 0)
        return TR_EINVAL;
    if (!(home->frame.attention & TR__ATTENTION_EXIT)) {
        home->frame.reason = reason;
        home->frame.attention |= reason < 0 ? TR__ATTENTION_FAILED : 0;
    }
    home->frame.attention |= TR__ATTENTION_EXIT;
    return 0;
}

int tr_fail(tr_self *self, int error)
{
    if (tr__home_of_handler(self) == NULL)
        return TR_EWRONGPLACE;
    return error < 0 ? tr_exit(self, error) : TR_EINVAL;
}
