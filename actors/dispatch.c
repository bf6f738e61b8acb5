/* The dispatcher. An activation handles what was queued when it began, at most the budget, and
 * stops early when 500 us have passed; what is left waits for its next turn. */
#include "actors/dispatch.h"

#include "actors/dead_letter.h"
#include "actors/deliver.h"
#include "actors/end.h"
#include "actors/fibered.h"
#include "actors/timed.h"
#include "base/log.h"

enum {
    /* Messages before the first look at the clock in an activation, and between two looks at most:
     * the stretches double. */
    FIRST_CHECK = 16,
    LAST_CHECK = 256,
    LONGEST_NS = 500 * 1000
};

/* Before a timer's message, and a request that has expired. false: it is not to be handled; it is
 * gone. */
static TR__NOINLINE bool admit_slowly(tr__home *home, tr_self *self, tr_msg *msg)
{
    if (msg->tr__head & TR__MSG_TIMED)
        return tr__timed_admit(home, msg);
    msg->tr__head &= ~TR__MSG_ASKS; /* the asker's own time limit has told it */
    tr__bury(home, tr__slot_pid(self), msg, TR_ETIMEDOUT);
    return false;
}

/* Before a message that is not an ordinary one. false: as above. */
static TR__ALWAYS_INLINE bool admit(tr__home *home, tr_self *self, tr_msg *msg)
{
    if (!(msg->tr__head & TR__MSG_TIMED) && tr__msg_ask(msg)->deadline_ns > home->loop.now_ns)
        return true;
    return admit_slowly(home, self, msg);
}

/* The message's end, after its handler; the asker of a handler that failed hears of it. */
static void finish_message(tr__home *home, tr_self *self, tr_msg *msg, int rc, uint32_t attention)
{
    if (attention & TR__ATTENTION_KEPT) {
        if (rc == TR_EUNHANDLED && !(attention & TR__ATTENTION_BURIED))
            tr__bump_u64(&home->ledger.handled, 1); /* who keeps it has dealt with it */
        return;
    }
    if (attention & TR__ATTENTION_TIMED) {
        if (rc == TR_EUNHANDLED)
            tr__dead_letter(home, tr__slot_pid(self), 0, msg, rc);
        tr__timed_handled(home, msg);
    } else if (rc == TR_EUNHANDLED) {
        tr__bury(home, tr__slot_pid(self), msg, rc);
    } else {
        if (msg->tr__head & TR__MSG_ASKS) {
            bool failed = rc < 0 && rc != TR_EDEAD && rc != TR_EFULL;
            bool ends = (attention & TR__ATTENTION_EXIT) || (self->word & TR__SLOT_ENDING);

            if (failed || ends || (attention & TR__ATTENTION_UNTOLD)) {
                tr__msg_fail(home, msg, (attention & TR__ATTENTION_UNTOLD) ? TR_ENOMEM : TR_EDEAD);
                return;
            }
        }
        tr__msg_end(home, msg);
    }
}

/* How an activation goes on. */
typedef enum outlook { GO_ON, LEAVE, ACTOR_ENDS } outlook;

/* After a handler that did something out of the ordinary. */
static TR__NOINLINE outlook settle(tr__home *home, tr_self *self, tr_msg *msg, int rc)
{
    uint32_t attention = home->frame.attention;
    bool failed = rc < 0 && rc != TR_EUNHANDLED && rc != TR_EDEAD && rc != TR_EFULL;

    home->frame.attention = 0;
    finish_message(home, self, msg, rc, attention);
    if (self->word & TR__SLOT_ENDING)
        return LEAVE; /* it was stopped while it awaited: that is the reason */
    if (!failed && !(attention & TR__ATTENTION_EXIT))
        return (attention & TR__ATTENTION_TURN) ? LEAVE : GO_ON;
    if (!(attention & TR__ATTENTION_EXIT))
        home->frame.reason = rc;
    if (home->frame.reason < 0 && (failed || (attention & TR__ATTENTION_FAILED)))
        tr__log(TR_LOG_WARN, "actor " TR_PID_FMT " (%s) failed: %s (%s)",
                TR_PID_ARG(tr__slot_pid(self)), self->cls->name, tr_strerror(home->frame.reason),
                tr_err_name(home->frame.reason));
    return ACTOR_ENDS;
}

static TR__ALWAYS_INLINE void end_message(tr__home *home, tr_msg *msg)
{
    uint32_t head = msg->tr__head;

    if (TR__LIKELY((head >> TR__MSG_CLASS_SHIFT) < TR__CLASSES && !(head & TR__MSG_OWNS)))
        tr__slab_give(&home->loop.slab, msg, head >> TR__MSG_CLASS_SHIFT);
    else
        tr__msg_end(home, msg);
}

static TR__COLD void warn_of_length(tr__home *home, const tr_self *self)
{
    uint32_t queued = tr__slot_queued(self);

    tr__log(TR_LOG_WARN, "actor " TR_PID_FMT " (%s) has %u messages queued: it does not keep up",
            TR_PID_ARG(tr__slot_pid(self)), self->cls->name, queued);
    while (home->high_water <= queued && home->high_water < UINT32_MAX / 2)
        home->high_water *= 2;
}

/* In the course of a long activation: let other loops begin with what it has sent. false: it has
 * lasted long enough (it began at the last look at the clock, or up to CREDIT short activations
 * later). */
static TR__NOINLINE bool may_go_on(tr__home *home)
{
    tr__loop_publish(&home->loop);
    return tr__now_ns() - home->loop.now_ns <= LONGEST_NS;
}

/* So many messages fewer are queued. The count has 24 bits: beyond 16 million messages it has
 * wrapped, and says too little; it is right again when the mailbox has become empty. */
static TR__ALWAYS_INLINE void discount(tr_self *self, uint32_t messages)
{
    uint32_t queued = tr__slot_queued(self);

    self->word -= (messages < queued ? messages : queued) << TR__SLOT_COUNT_SHIFT;
}

/* One activation; is_full: of an actor with limits, or another behaviour. A count of 0 says nothing
 * (see discount): then it handles up to the budget. */
static TR__ALWAYS_INLINE uint32_t activate(tr__home *home, tr_self *self, bool is_full)
{
    tr_receive_fn receive =
        is_full && self->more->receive != NULL ? self->more->receive : self->cls->receive;
    void *state = self->state;
    uint32_t queued = tr__slot_queued(self);
    uint32_t most = queued - 1 < home->loop.budget ? queued : home->loop.budget;
    uint32_t taken = 0;
    uint32_t handled = 0;
    uint32_t check = FIRST_CHECK;
    outlook then = GO_ON;
    tr_msg *msg;

    if (TR__UNLIKELY(queued >= home->high_water))
        warn_of_length(home, self);
    home->frame.index = tr__slot_index(self);
    /* relaxed: for another thread that names what runs; the slot's memory is always there. */
    tr__store_relaxed_ptr(&home->frame.self, self);
    while (taken < most && (msg = tr__mailbox_pop_local(&self->mailbox)) != NULL) {
        int rc;

        taken++;
        if (is_full) {
            if (!self->cls->awaits)
                discount(self, 1);
            self->more->queued_bytes -= (self->word & TR__SLOT_LIMITED) ? tr__msg_bytes(msg) : 0;
        }
        if (TR__UNLIKELY(msg->tr__head & TR__MSG_SPECIAL) && !admit(home, self, msg)) {
            if (is_full && self->cls->awaits)
                discount(self, 1);
            continue;
        }
        home->frame.msg = msg;
        rc = receive(self, state, msg);
        handled += rc != TR_EUNHANDLED;
        if (is_full && self->cls->awaits)
            discount(self, 1); /* one that is suspended counts as queued */
        if (TR__UNLIKELY((rc < 0) | (home->frame.attention != 0) |
                         (is_full && (self->word & TR__SLOT_ENDING)))) {
            then = settle(home, self, msg, rc);
            if (then != GO_ON)
                break;
        } else {
            end_message(home, msg);
        }
        if (TR__UNLIKELY(taken == check)) {
            if (!may_go_on(home))
                break;
            check += check < LAST_CHECK ? check : LAST_CHECK;
        }
    }
    if (!is_full)
        discount(self, taken);
    tr__bump_u64(&home->ledger.handled, handled);
    home->frame.msg = NULL;
    home->frame.index = 0;
    tr__store_relaxed_ptr(&home->frame.self, NULL); /* relaxed: as above */
    if (is_full && self->cls->awaits && then != ACTOR_ENDS)
        self->more->fibered->task = NULL; /* it ends when this returns */
    if (TR__UNLIKELY(then == ACTOR_ENDS))
        tr__end_now(home, self, home->frame.reason);
    else
        tr__dispatch_rest(home, self);
    return taken;
}

static uint32_t activate_plain(tr__runnable *runnable, tr__loop *loop)
{
    return activate(tr__home_from(loop), TR__CONTAINER_OF(runnable, tr_self, runnable), false);
}

static uint32_t activate_full(tr__runnable *runnable, tr__loop *loop)
{
    return activate(tr__home_from(loop), TR__CONTAINER_OF(runnable, tr_self, runnable), true);
}

void tr__activate(tr__home *home, tr_self *self)
{
    (void)activate(home, self, true);
}

/* A message that will not be handled; a repeating timer's stays with its timer. */
static void give_up(tr__home *home, tr_self *self, tr_msg *msg, int reason)
{
    if ((msg->tr__head & TR__MSG_TIMED) && !tr__timed_admit(home, msg))
        return;
    if (home->frame.attention & TR__ATTENTION_TIMED) {
        tr__dead_letter(home, tr__slot_pid(self), 0, msg, reason);
        tr__timed_handled(home, msg);
    } else {
        tr__bury(home, tr__slot_pid(self), msg, reason);
    }
    home->frame.attention = 0;
}

void tr__give_up_message(tr__home *home, tr_self *self, int reason)
{
    tr_msg *msg = tr__mailbox_pop_local(&self->mailbox);

    if (msg != NULL) {
        discount(self, 1);
        self->more->queued_bytes -= (self->word & TR__SLOT_LIMITED) ? tr__msg_bytes(msg) : 0;
        give_up(home, self, msg, reason);
    }
    tr__dispatch_rest(home, self);
}

void tr__dispatch_choose(tr_self *self)
{
    bool is_full =
        (self->word & TR__SLOT_LIMITED) || (self->more != NULL && self->more->receive != NULL);

    if (self->cls->awaits)
        self->runnable.run = tr__fibered_activate;
    else
        self->runnable.run = is_full ? activate_full : activate_plain;
}

void tr__dispatch_rest(tr__home *home, tr_self *self)
{
    if (!tr__mailbox_is_empty(&self->mailbox) || (self->word & TR__SLOT_ENDING))
        tr__loop_schedule(&home->loop, &self->runnable);
    else
        self->word &= ~TR__SLOT_QUEUED;
}
