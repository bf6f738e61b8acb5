/* Routing, limits, and the ends of messages. */
#include "actors/deliver.h"

#include "actors/dead_letter.h"
#include "actors/end.h"
#include "actors/request.h"
#include "actors/type.h"

/* ---- ends ---- */

static void drop_payload(tr_msg *msg)
{
    if (msg->tr__head & TR__MSG_OWNS) {
        msg->tr__head &= ~TR__MSG_OWNS;
        tr__drop_call(tr__type_info_of(msg->tr__head)->drop, msg->tr__payload);
    }
}

void tr__msg_end(tr__home *home, tr_msg *msg)
{
    drop_payload(msg);
    if (home != NULL)
        tr__msg_give(&home->loop.slab, NULL, msg);
    else if (tr__msg_class(msg) == TR__MSG_CLASS_HEAP)
        tr__msg_give(NULL, NULL, msg); /* also when the runtime, with its depot, is gone */
    else
        tr__msg_give(NULL, tr__runtime.depot, msg);
}

int tr__fail_asker(tr__home *home, tr_pid asker, uint64_t ref, int error)
{
    tr__parcel parcel = {
        .head = (uint32_t)TR__PARCEL_FAIL << TR__PARCEL_KIND_SHIFT,
        .to = asker.tr__id,
        .word = { ref, (uint64_t)(int64_t)error },
    };

    if (home == NULL || !tr__lives_here(home, asker))
        return tr__send_parcel(asker, &parcel);
    tr__request_fail(home, asker, ref, error);
    return 0;
}

/* A failure that travels in the block of the message that asked: so it needs no memory. */
typedef struct failure {
    tr__runnable runnable;
    tr_pid asker;
    uint64_t ref;
    int error;
    uint32_t class_bits; /* of the message's head */
} failure;

_Static_assert(sizeof(failure) <= TR__MSG_HEADER + sizeof(tr__ask), "fits each block with an ask");

static uint32_t run_failure(tr__runnable *runnable, tr__loop *loop)
{
    failure f = *TR__CONTAINER_OF(runnable, failure, runnable);
    tr_msg *msg = (tr_msg *)(void *)runnable;

    msg->tr__head = f.class_bits;
    tr__msg_give(&loop->slab, NULL, msg);
    tr__request_fail(tr__home_from(loop), f.asker, f.ref, f.error);
    return 1;
}

/* false: the asker's loop has quit. The message owns nothing any more. */
static bool send_failure(tr_msg *msg, tr__ask ask, int error)
{
    failure *f = (failure *)(void *)msg;
    uint32_t number = tr__home_of(ask.pid);
    uint32_t class_bits = tr__msg_class(msg) << TR__MSG_CLASS_SHIFT;

    if (number == 0)
        return false;
    *f = (failure){ .runnable = { .run = run_failure },
                    .asker = ask.pid,
                    .ref = ask.ref,
                    .error = error,
                    .class_bits = class_bits };
    if (tr__loop_post(number, &f->runnable))
        return true;
    msg->tr__head = class_bits;
    return false;
}

void tr__msg_fail(tr__home *home, tr_msg *msg, int error)
{
    tr__ask ask = *tr__msg_ask(msg);

    msg->tr__head &= ~TR__MSG_ASKS;
    if (tr__fail_asker(home, ask.pid, ask.ref, error) == TR_ENOMEM) {
        drop_payload(msg);
        if (send_failure(msg, ask, error))
            return;
    }
    tr__msg_end(home, msg);
}

void tr__bury(tr__home *home, tr_pid to, tr_msg *msg, int reason)
{
    uint32_t asks = msg->tr__head & TR__MSG_ASKS;

    if (reason == TR_ENOMEM) /* an answer that can't be sent: its asker is told at least that */
        asks |= msg->tr__head & TR__MSG_ANSWERS;
    msg->tr__head &= ~TR__MSG_ASKS;
    tr__dead_letter(home, to, 0, msg, reason);
    if (asks != 0)
        tr__msg_fail(home, msg, reason);
    else
        tr__msg_end(home, msg);
}

void tr__bury_small(tr__home *home, tr_pid to, uint32_t type, const uint64_t *word, int reason)
{
    tr_msg msg = {
        .tr__head = type & TR__TYPE_MASK,
        .tr__from = home != NULL ? home->frame.index : 0,
        .tr__payload = { word[0], word[1] },
    };

    tr__dead_letter(home, to, 0, &msg, reason);
    drop_payload(&msg);
}

void tr__bury_unmade(tr__home *home, tr_pid to, uint32_t type, const void *payload)
{
    const tr__type_info *info = tr__type_info_of(type);

    tr__dead_letter(home, to, type, NULL, TR_ENOMEM);
    if (info->drop != NULL)
        tr__drop_call(info->drop, payload);
}

/* ---- limits ---- */

static bool is_full(const tr_self *self, const tr_msg *msg)
{
    const tr_actor_class *cls = self->cls;
    size_t limit = cls->mailbox_limit;

    if (msg->tr__head & TR__MSG_CONTROL)
        return false;
    if (limit != 0 && tr__slot_queued(self) >= limit)
        return true;
    return cls->mailbox_bytes != 0 &&
           self->more->queued_bytes + tr__msg_bytes(msg) > cls->mailbox_bytes;
}

/* Take the oldest ordinary message out; false: there is none. */
static bool drop_oldest(tr__home *home, tr_self *self)
{
    tr_msg **link = &self->mailbox.first;
    tr_msg *oldest;

    while (*link != NULL && ((*link)->tr__head & (TR__MSG_CONTROL | TR__MSG_TIMED)))
        link = &(*link)->tr__next;
    if (*link == NULL)
        return false;
    oldest = tr__mailbox_unlink_local(&self->mailbox, link);
    self->word -= TR__SLOT_COUNT_ONE;
    self->more->queued_bytes -= tr__msg_bytes(oldest);
    tr__bury(home, tr__slot_pid(self), oldest, TR_EFULL);
    return true;
}

/* There is no room. 0: the message has been dealt with; 1: there is room now; TR_EFULL. */
static int apply_policy(tr__home *home, tr_self *self, tr_msg *msg)
{
    switch (self->cls->on_full) {
    case TR_FULL_DROP_NEW:
        tr__bury(home, tr__slot_pid(self), msg, TR_EFULL);
        return 0;
    case TR_FULL_DROP_OLD:
        if (self->cls->mailbox_bytes != 0 && tr__msg_bytes(msg) > self->cls->mailbox_bytes)
            return TR_EFULL; /* all that would be dropped for it would be dropped in vain */
        while (is_full(self, msg))
            if (!drop_oldest(home, self))
                return TR_EFULL; /* what is left is control traffic */
        return 1;
    case TR_FULL_STOP:
        tr__end_soon(home, self, TR_EFULL);
        return TR_EFULL;
    default:
        return TR_EFULL;
    }
}

int tr__push_limited(tr__home *home, tr_self *self, tr_msg *msg)
{
    if (TR__UNLIKELY(self->word & TR__SLOT_LIMITED)) {
        if (tr__more_of(home, self) == NULL) /* its init may not have run yet */
            return TR_ENOMEM;
        if (is_full(self, msg)) {
            int rc = apply_policy(home, self, msg);

            if (rc <= 0)
                return rc;
        }
        self->more->queued_bytes += tr__msg_bytes(msg);
    }
    tr__push(home, self, msg);
    return 0;
}

/* ---- routing ---- */

static int deliver_here(tr__home *home, tr_pid to, tr_msg *msg)
{
    tr_self *self = tr__slot_of(to);

    if (msg->tr__head & TR__MSG_ANSWERS)
        return tr__request_answer(home, self, msg);
    if (self == NULL)
        return TR_EDEAD;
    return tr__push_limited(home, self, msg);
}

/* Small messages travel whole, so that their block stays here. */
static int carry_message(tr__home *home, tr_pid to, tr_msg *msg, uint32_t target)
{
    bool is_small = tr__msg_class(msg) == 0 && !(msg->tr__head & TR__MSG_EXTENDED);
    tr__parcel parcel = { .to = to.tr__id, .from = msg->tr__from };
    int rc;

    if (is_small) {
        parcel.head = msg->tr__head;
        memcpy(parcel.word, msg->tr__payload, sizeof(parcel.word));
    } else {
        parcel.head = (uint32_t)TR__PARCEL_LARGE << TR__PARCEL_KIND_SHIFT;
        parcel.word[0] = (uint64_t)(uintptr_t)msg;
    }
    rc = tr__loop_carry(&home->loop, target, &parcel);
    if (rc == 0 && is_small)
        tr__msg_give(&home->loop.slab, NULL, msg);
    return rc;
}

int tr__route(tr__home *home, tr_pid to, tr_msg *msg)
{
    uint32_t number = tr__home_of(to);

    if (number == home->loop.number)
        return deliver_here(home, to, msg);
    if (number == 0)
        return TR_EDEAD;
    return carry_message(home, to, msg, number - 1);
}

int tr__dispatch_slowly(tr__home *home, tr_pid to, tr_msg *msg)
{
    int rc;

    tr__bump_u64(&home->ledger.sent, 1);
    rc = tr__route(home, to, msg);
    if (rc < 0)
        tr__bury(home, to, msg, rc);
    return rc;
}

int tr__send_parcel(tr_pid to, const tr__parcel *parcel)
{
    tr__home *home = tr__home_here();
    uint32_t number;
    int rc;

    if (home == NULL) {
        rc = tr__runtime_check();
        return rc < 0 ? rc : tr__runtime_post(tr__runtime_entry(), parcel);
    }
    number = tr__home_of(to);
    return number != 0 ? tr__loop_carry(&home->loop, number - 1, parcel) : TR_EDEAD;
}

int tr__dispatch_anywhere(tr_pid to, tr_msg *msg)
{
    tr__home *home = tr__home_here();
    tr__parcel parcel = {
        .head = (uint32_t)TR__PARCEL_LARGE << TR__PARCEL_KIND_SHIFT,
        .to = to.tr__id,
        .word = { (uint64_t)(uintptr_t)msg },
    };
    int rc;

    if (home != NULL)
        return tr__dispatch(home, to, msg);
    rc = tr__send_parcel(to, &parcel);
    if (rc < 0)
        tr__bury(NULL, to, msg, rc);
    return rc;
}
