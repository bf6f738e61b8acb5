/* Sending: the hot path, and the public calls around it. */
#include "actors/dead_letter.h"
#include "actors/deliver.h"
#include "actors/timed.h"
#include "actors/type.h"

/* ---- small messages: 16 bytes that come in registers ----
 *
 * The way below is a leaf: whatever is out of the ordinary is a call in the last place, so that no
 * register is saved for it, and the payload never goes by way of the stack (two stores of 8 bytes
 * that are read back as one of 16 stall the core). */

static TR__COLD int refuse_small(tr__home *home, tr_pid to, uint32_t id, uint64_t low,
                                 uint64_t high, int rc)
{
    uint64_t word[2] = { low, high };

    tr__bury_small(home, to, id, word, rc);
    return rc;
}

static TR__NOINLINE int send_small_foreign(tr_pid to, uint32_t id, uint64_t low, uint64_t high)
{
    tr__parcel parcel = { .to = to.tr__id, .head = id, .word = { low, high } };
    int rc = tr__send_parcel(to, &parcel);

    return rc < 0 ? refuse_small(NULL, to, id, low, high, rc) : 0;
}

static TR__NOINLINE int send_small_far(tr__home *home, tr_pid to, uint32_t id, uint64_t low,
                                       uint64_t high)
{
    tr__parcel parcel = {
        .to = to.tr__id,
        .head = id,
        .from = home->frame.index,
        .word = { low, high },
    };
    uint32_t number = tr__home_of(to);
    int rc = number != 0 ? tr__loop_carry(&home->loop, number - 1, &parcel) : TR_EDEAD;

    tr__bump_u64(&home->ledger.sent, 1);
    return rc < 0 ? refuse_small(home, to, id, low, high, rc) : 0;
}

static TR__ALWAYS_INLINE void fill_small(tr_msg *msg, uint32_t id, uint32_t from, uint64_t low,
                                         uint64_t high)
{
    msg->tr__head = id; /* class 0, no flags */
    msg->tr__from = from;
    msg->tr__payload[0] = low;
    msg->tr__payload[1] = high;
}

/* To an actor of this loop that has ended, or has limits, or when the magazine is empty. */
static TR__NOINLINE int send_small_slowly(tr__home *home, tr_pid to, uint32_t id, uint64_t low,
                                          uint64_t high)
{
    tr_msg *msg = NULL;
    int rc = TR_EDEAD;

    if (tr__slot_of(to) != NULL) {
        msg = tr__slab_take(&home->loop.slab, 0);
        rc = TR_ENOMEM;
    }
    if (msg == NULL) {
        tr__bump_u64(&home->ledger.sent, 1);
        return refuse_small(home, to, id, low, high, rc);
    }
    fill_small(msg, id, home->frame.index, low, high);
    return tr__dispatch(home, to, msg);
}

int tr__send_small(tr_pid to, uint32_t id, uint64_t low, uint64_t high)
{
    tr__home *home = tr__home_here();
    tr_self *self;
    tr_msg *msg;

    if (TR__UNLIKELY(home == NULL))
        return send_small_foreign(to, id, low, high);
    if (TR__UNLIKELY(!tr__lives_here(home, to)))
        return send_small_far(home, to, id, low, high);
    self = tr__slot_of(to);
    if (TR__UNLIKELY(self == NULL || (self->word & TR__SLOT_LIMITED)))
        return send_small_slowly(home, to, id, low, high);
    msg = tr__slab_take_ready(&home->loop.slab, 0);
    if (TR__UNLIKELY(msg == NULL))
        return send_small_slowly(home, to, id, low, high);
    fill_small(msg, id, home->frame.index, low, high);
    tr__bump_u64(&home->ledger.sent, 1);
    tr__push(home, self, msg);
    return 0;
}

/* ---- larger ones ---- */

/* A message with a copy of the payload, from the loop's slab, or for a foreign thread from the
 * allocator. NULL: out of memory; nothing was dropped. */
static tr_msg *make(tr__home *home, uint32_t id, const void *payload, size_t size)
{
    tr_msg *msg = tr__msg_take(home != NULL ? &home->loop.slab : NULL, size, false);

    if (msg == NULL)
        return NULL;
    msg->tr__head |= id;
    msg->tr__from = home != NULL ? home->frame.index : 0;
    memcpy(msg->tr__payload, payload, size);
    return msg;
}

int tr__send_large(tr_pid to, uint32_t id, const void *payload, size_t size)
{
    tr__home *home = tr__home_here();
    tr_msg *msg = make(home, id, payload, size);

    if (TR__LIKELY(msg != NULL))
        return tr__dispatch_anywhere(to, msg);
    if (home != NULL)
        tr__bump_u64(&home->ledger.sent, 1);
    tr__bury_unmade(home, to, id, payload);
    return TR_ENOMEM;
}

int tr__send_typeless(tr_pid to, tr_type *type, const void *payload)
{
    tr__home *home = tr__home_here();

    if (home != NULL)
        tr__bump_u64(&home->ledger.sent, 1);
    tr__dead_letter(home, to, 0, NULL, TR_ENOMEM);
    tr__payload_drop(type, payload);
    return TR_ENOMEM;
}

/* ---- messages in hand ---- */

tr_msg *tr__msg_new(tr_type *type, const void *payload, size_t size)
{
    uint32_t id = tr__type_id(type, size);
    tr_msg *msg = id != 0 ? make(tr__home_here(), id, payload, size) : NULL;

    if (msg == NULL)
        tr__payload_drop(type, payload);
    return msg;
}

/* What belongs to how it came here does not go on. */
static void restamp(const tr__home *home, tr_msg *msg)
{
    msg->tr__from = home != NULL ? home->frame.index : 0;
    msg->tr__head &= ~TR__MSG_PASSING;
}

/* Whether the caller may give it away. */
static bool is_owned(const tr__home *home, const tr_msg *msg)
{
    if (msg == NULL || (msg->tr__head & TR__MSG_LENT))
        return false;
    if (home == NULL)
        return true;
    for (const tr__frame *frame = &home->frame; frame != NULL; frame = frame->outer)
        if (frame->msg == msg)
            return frame->attention & TR__ATTENTION_KEPT;
    return true;
}

int tr_send_msg(tr_pid to, tr_msg *msg)
{
    tr__home *home = tr__home_here();

    if (!is_owned(home, msg))
        return TR_EINVAL;
    restamp(home, msg);
    return tr__dispatch_anywhere(to, msg);
}

int tr_try_send_msg(tr_pid to, tr_msg *msg)
{
    tr__home *home = tr__home_here();
    tr__parcel parcel = {
        .head = (uint32_t)TR__PARCEL_LARGE << TR__PARCEL_KIND_SHIFT,
        .to = to.tr__id,
        .word = { (uint64_t)(uintptr_t)msg },
    };
    int rc;

    if (!is_owned(home, msg))
        return TR_EINVAL;
    restamp(home, msg);
    if (home == NULL)
        return tr__send_parcel(to, &parcel);
    tr__bump_u64(&home->ledger.sent, 1);
    rc = tr__route(home, to, msg);
    if (rc < 0)
        tr__bump_u64(&home->ledger.returned, 1);
    return rc;
}

int tr_forward(tr_msg *msg, tr_pid to)
{
    tr__home *home = tr__home_here();

    if (msg == NULL)
        return TR_EINVAL;
    if (!is_owned(home, msg) && (msg = tr_msg_keep(msg)) == NULL)
        return TR_ENOMEM;
    restamp(home, msg);
    return tr__dispatch_anywhere(to, msg);
}

tr_msg *tr_msg_keep(tr_msg *msg)
{
    tr__home *home = tr__home_here();

    if (msg == NULL)
        return NULL;
    if (home != NULL && home->frame.msg == msg) {
        if (msg->tr__head & TR__MSG_TIMED)
            return tr__timed_copy(home, msg);
        home->frame.attention |= TR__ATTENTION_KEPT;
    } else if (msg->tr__head & TR__MSG_LENT) {
        *(tr_msg **)(void *)msg->tr__next = NULL; /* the inbox has lent nothing any more */
        msg->tr__head &= ~TR__MSG_LENT;
    }
    return msg;
}

void tr_msg_free(tr_msg *msg)
{
    tr__home *home = tr__home_here();

    if (!is_owned(home, msg))
        return;
    if (msg->tr__head & TR__MSG_ASKS) {
        const tr__ask *ask = tr__msg_ask(msg);

        (void)tr__fail_asker(home, ask->pid, ask->ref,
                             TR_EUNHANDLED); /* else its own limit holds */
    }
    tr__msg_end(home, msg);
}

const char *tr_msg_name(const tr_msg *msg)
{
    return msg != NULL ? tr__type_info_of(msg->tr__head)->name : "?";
}

uint64_t tr_msg_tag(const tr_msg *msg)
{
    return msg != NULL && (msg->tr__head & TR__MSG_TAGGED) ? tr__msg_ask(msg)->ref : 0;
}

void *tr__take(tr_msg *msg, tr_type *type, size_t size)
{
    if (msg == NULL || tr__as(msg, type, size) == NULL || !(msg->tr__head & TR__MSG_OWNS))
        return NULL;
    msg->tr__head &= ~TR__MSG_OWNS;
    return msg->tr__payload;
}
