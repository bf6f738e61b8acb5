/* Inboxes: an actor that hands its messages over to a foreign thread.
 *
 * The actor and the thread share the tr_inbox, each with a reference. Messages cross in memory from
 * the allocator, since the loop's slab is not the thread's. */
#include <troupe/inbox.h>

#include <math.h>

#include "actors/dead_letter.h"
#include "actors/deliver.h"
#include "actors/request.h"
#include "actors/type.h"

struct tr_inbox {
    tr_pid pid;
    size_t limit; /* 0: none */
    tr_msg *lent; /* the thread's */
    int fd;
    tr__gate gate; /* guards what follows */
    tr__mailbox box;
    size_t count;
    bool is_closed;      /* its actor has ended */
    uint32_t references; /* of the actor, and of the thread */
};

static void release(tr_inbox *in)
{
    uint32_t left;
    tr_msg *msg;

    tr__gate_lock(&in->gate);
    left = --in->references;
    tr__gate_unlock(&in->gate);
    if (left > 0)
        return;
    while ((msg = tr__mailbox_pop_local(&in->box)) != NULL)
        tr__bury(NULL, in->pid, msg, TR_EDEAD);
    tr__descriptor_close(in->fd);
    tr__gate_fini(&in->gate);
    tr__free(in);
}

/* ---- on the loop ---- */

typedef struct inbox_state {
    tr_inbox *in;
} inbox_state;

static int inbox_init(tr_self *self, void *state, const void *args)
{
    inbox_state *s = state;

    (void)self;
    s->in = *(tr_inbox *const *)args;
    return 0;
}

/* A copy of a message for a foreign thread; what it owns, and its asker, go along. */
static tr_msg *export_message(tr_msg *msg)
{
    bool is_extended = msg->tr__head & TR__MSG_EXTENDED;
    size_t size = tr__type_info_of(msg->tr__head)->size;
    tr_msg *copy = tr__msg_take(NULL, size, is_extended);

    if (copy == NULL)
        return NULL;
    copy->tr__head |= msg->tr__head & (TR__TYPE_MASK | TR__MSG_ASKS | TR__MSG_TAGGED);
    copy->tr__from = msg->tr__from;
    memcpy(copy->tr__payload, msg->tr__payload, size);
    if (is_extended)
        *tr__msg_ask(copy) = *tr__msg_ask(msg);
    msg->tr__head &= ~(TR__MSG_OWNS | TR__MSG_ASKS);
    return copy;
}

/* Append; false: it is full. */
static bool put(tr_inbox *in, tr_msg *msg)
{
    bool fits;

    tr__gate_lock(&in->gate);
    fits = in->limit == 0 || in->count < in->limit;
    if (fits) {
        tr__mailbox_push_local(&in->box, msg);
        if (in->count++ == 0)
            tr__eventfd_signal(in->fd);
        tr__gate_announce(&in->gate);
    }
    tr__gate_unlock(&in->gate);
    return fits;
}

/* It is a dead letter instead of handled. */
static int refuse(tr_self *self, tr_msg *msg, int reason)
{
    tr__home *home = tr__home_here();

    tr__bury(home, tr__slot_pid(self), msg, reason);
    home->frame.attention |= TR__ATTENTION_BURIED;
    return TR_EUNHANDLED;
}

static int inbox_receive(tr_self *self, void *state, tr_msg *msg)
{
    const inbox_state *s = state;
    tr_msg *copy = export_message(msg);

    if (copy == NULL)
        return refuse(self, tr_msg_keep(msg), TR_ENOMEM);
    if (put(s->in, copy))
        return 0;
    tr__msg_end(tr__home_here(), tr_msg_keep(msg)); /* what it owned is the copy's */
    return refuse(self, copy, TR_EFULL);
}

static void inbox_stop(tr_self *self, void *state, int reason)
{
    const inbox_state *s = state;

    (void)self;
    (void)reason;
    tr__gate_lock(&s->in->gate);
    s->in->is_closed = true;
    tr__eventfd_signal(s->in->fd); /* so that a poller comes and hears of it */
    tr__gate_announce(&s->in->gate);
    tr__gate_unlock(&s->in->gate);
    release(s->in);
}

const tr_actor_class tr__inbox_class = {
    .name = "inbox",
    .state_size = sizeof(inbox_state),
    .args_size = sizeof(tr_inbox *),
    .init = inbox_init,
    .receive = inbox_receive,
    .stop = inbox_stop,
};

/* ---- on the foreign thread ---- */

static tr_inbox *make(size_t limit)
{
    tr_inbox *in = tr__alloc_zeroed(sizeof(*in));

    if (in == NULL)
        return NULL;
    in->fd = tr__eventfd_new();
    if (in->fd < 0) {
        tr__free(in);
        return NULL;
    }
    in->limit = limit;
    in->references = 2;
    tr__gate_init(&in->gate);
    tr__mailbox_init(&in->box);
    return in;
}

int tr_inbox_new(tr_inbox **out, size_t limit)
{
    tr_inbox *in;
    int rc;

    if (out == NULL)
        return TR_EINVAL;
    *out = NULL;
    if (tr__home_here() != NULL)
        return TR_EWRONGPLACE;
    rc = tr__runtime_check();
    if (rc < 0)
        return rc;
    in = make(limit);
    if (in == NULL)
        return TR_ENOMEM;
    rc = tr_spawn(&in->pid, &tr__inbox_class, &in);
    if (rc < 0) {
        in->references = 1;
        release(in);
        return rc;
    }
    *out = in;
    return 0;
}

void tr_inbox_free(tr_inbox *in)
{
    if (in == NULL)
        return;
    if (in->lent != NULL)
        tr__msg_end(NULL, in->lent);
    in->lent = NULL;
    (void)tr_stop(in->pid); /* gone with the runtime otherwise */
    release(in);
}

tr_pid tr_inbox_pid(const tr_inbox *in)
{
    return in != NULL ? in->pid : TR_PID_NONE;
}

int tr_inbox_fd(const tr_inbox *in)
{
    return in != NULL ? in->fd : TR_EINVAL;
}

/* With the gate locked: wait until there is a message. */
static int wait_for_message(tr_inbox *in, double timeout)
{
    uint64_t deadline_ns = 0; /* the clock is read only if there is a need to wait */

    while (in->count == 0) {
        if (in->is_closed)
            return TR_ESHUTDOWN;
        if (deadline_ns == 0)
            deadline_ns = timeout > 0 ? tr__deadline_ns(tr__now_ns(), timeout) : 1;
        if (timeout <= 0 || (!tr__gate_wait(&in->gate, deadline_ns) && in->count == 0))
            return in->is_closed ? TR_ESHUTDOWN : TR_ETIMEDOUT;
    }
    return 0;
}

/* With the gate locked: the oldest message, lent. */
static tr_msg *lend(tr_inbox *in)
{
    tr_msg *msg = tr__mailbox_pop_local(&in->box);

    if (--in->count == 0 && !in->is_closed)
        tr__eventfd_clear(in->fd);
    msg->tr__head |= TR__MSG_LENT;
    msg->tr__next = (tr_msg *)(void *)&in->lent;
    in->lent = msg;
    return msg;
}

int tr_inbox_receive(tr_inbox *in, tr_msg **out, double timeout)
{
    int rc;

    if (out != NULL)
        *out = NULL;
    if (in == NULL || out == NULL || isnan(timeout))
        return TR_EINVAL;
    if (tr__home_here() != NULL)
        return TR_EWRONGPLACE;
    if (in->lent != NULL)
        tr__msg_end(NULL, in->lent);
    in->lent = NULL;
    tr__gate_lock(&in->gate);
    rc = wait_for_message(in, timeout);
    if (rc == 0)
        *out = lend(in);
    tr__gate_unlock(&in->gate);
    return rc;
}

int tr__inbox_request(tr_inbox *in, tr_pid to, double timeout, uint64_t tag, tr_type *type,
                      const void *payload, size_t size, size_t answer_size)
{
    tr__parcel parcel = { .head = (uint32_t)TR__PARCEL_ASK << TR__PARCEL_KIND_SHIFT };
    bool is_refused = in == NULL || isnan(timeout) || tr__home_here() != NULL;
    tr_msg *msg = NULL;
    int rc;

    if (!is_refused)
        msg = tr__request_make(NULL, timeout, tag, type, payload, size, answer_size);
    if (msg == NULL) {
        tr__payload_drop(type, payload);
        if (!is_refused)
            return TR_ENOMEM;
        return tr__home_here() != NULL ? TR_EWRONGPLACE : TR_EINVAL;
    }
    parcel.to = in->pid.tr__id;
    parcel.word[0] = (uint64_t)(uintptr_t)msg;
    parcel.word[1] = to.tr__id;
    rc = tr__send_parcel(in->pid, &parcel);
    if (rc < 0)
        tr__msg_end(NULL, msg);
    return rc;
}
