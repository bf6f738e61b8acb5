/* Inboxes: an actor that hands its messages over to a foreign thread, or to a task.
 *
 * The actor and the receiver share the tr_inbox, each with a reference. To a foreign thread
 * messages cross in memory from the allocator, since the loop's slab is not the thread's. */
#include "actors/inbox.h"

#include <math.h>

#include "actors/dead_letter.h"
#include "actors/deliver.h"
#include "actors/request.h"
#include "actors/type.h"
#include "base/threads.h"
#include "runtime/task.h"

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
    if (in->fd >= 0)
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

int tr__inbox_refuse(tr_self *self, tr_msg *msg, int reason)
{
    tr__home *home = tr__home_here();

    tr__bury(home, tr__slot_pid(self), msg, reason);
    home->frame.attention |= TR__ATTENTION_BURIED;
    return TR_EUNHANDLED;
}

static int inbox_receive(tr_self *self, void *state, tr_msg *msg)
{
    const inbox_state *s = state;
    tr_msg *copy;

    if (s->in->loop != 0)
        return tr__inbox_put_here(self, s->in, msg);
    copy = export_message(msg);
    if (copy == NULL)
        return tr__inbox_refuse(self, tr_msg_keep(msg), TR_ENOMEM);
    if (put(s->in, copy))
        return 0;
    tr__msg_end(tr__home_here(), tr_msg_keep(msg)); /* what it owned is the copy's */
    return tr__inbox_refuse(self, copy, TR_EFULL);
}

static void close_for_thread(tr_inbox *in)
{
    tr__gate_lock(&in->gate);
    in->is_closed = true;
    tr__eventfd_signal(in->fd); /* so that a poller comes and hears of it */
    tr__gate_announce(&in->gate);
    tr__gate_unlock(&in->gate);
}

static void inbox_stop(tr_self *self, void *state, int reason)
{
    const inbox_state *s = state;

    (void)self;
    if (s->in->loop != 0)
        tr__inbox_close_here(s->in, reason);
    else
        close_for_thread(s->in);
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

/* ---- for the receiver ---- */

/* loop 0: for a foreign thread. */
static tr_inbox *make(size_t limit, uint16_t loop)
{
    tr_inbox *in = tr__alloc_zeroed(sizeof(*in));

    if (in == NULL)
        return NULL;
    in->loop = loop;
    in->fd = loop == 0 ? tr__eventfd_new() : -1;
    if (loop == 0 && in->fd < 0) {
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
    const tr_task *task = tr__task_here();
    tr_inbox *in;
    int rc;

    if (out == NULL)
        return TR_EINVAL;
    *out = NULL;
    if (tr__home_here() != NULL && task == NULL)
        return TR_EWRONGPLACE;
    rc = task == NULL ? tr__runtime_check() : 0;
    if (rc < 0)
        return rc;
    in = make(limit, task != NULL ? task->loop : 0);
    if (in == NULL)
        return TR_ENOMEM;
    rc = tr_spawn(&in->pid, &tr__inbox_class, &in); /* a task's: on its own loop */
    if (rc < 0) {
        in->references = 1;
        release(in);
        return rc;
    }
    *out = in;
    return 0;
}

void tr__inbox_reclaim(tr__home *home, tr_inbox *in)
{
    if (in->lent != NULL)
        tr__msg_end(home, in->lent);
    in->lent = NULL;
}

void tr_inbox_free(tr_inbox *in)
{
    if (in == NULL)
        return;
    /* What a task's inbox has lent was reclaimed when its actor ended, with the runtime at last. */
    if (in->loop == 0 || tr__home_here() != NULL)
        tr__inbox_reclaim(tr__home_here(), in);
    (void)tr_stop(in->pid); /* gone with the runtime otherwise */
    release(in);
}

tr_pid tr_inbox_pid(const tr_inbox *in)
{
    return in != NULL ? in->pid : TR_PID_NONE;
}

int tr_inbox_fd(const tr_inbox *in)
{
    if (in == NULL)
        return TR_EINVAL;
    return in->loop == 0 ? in->fd : TR_EWRONGPLACE;
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

tr_msg *tr__inbox_lend(tr_inbox *in)
{
    tr_msg *msg = tr__mailbox_pop_local(&in->box);

    if (--in->count == 0 && !in->is_closed && in->fd >= 0)
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
    if (in->loop != 0)
        return tr__inbox_receive_here(in, out, timeout);
    if (tr__home_here() != NULL)
        return TR_EWRONGPLACE;
    tr__inbox_reclaim(NULL, in);
    tr__gate_lock(&in->gate);
    rc = wait_for_message(in, timeout);
    if (rc == 0)
        *out = tr__inbox_lend(in);
    tr__gate_unlock(&in->gate);
    return rc;
}

/* A task's inbox: its actor lives here. */
static int request_here(tr__home *home, tr_inbox *in, tr_pid to, tr_msg *msg)
{
    tr_self *self = tr__slot_of(in->pid);
    int rc = self != NULL ? tr__request_open(home, self, to, msg) : TR_ESHUTDOWN;

    if (rc < 0)
        tr__msg_end(home, msg);
    return rc;
}

static int request_from_thread(const tr_inbox *in, tr_pid to, tr_msg *msg)
{
    tr__parcel parcel = {
        .head = (uint32_t)TR__PARCEL_ASK << TR__PARCEL_KIND_SHIFT,
        .to = in->pid.tr__id,
        .word = { (uint64_t)(uintptr_t)msg, to.tr__id },
    };
    int rc = tr__send_parcel(in->pid, &parcel);

    if (rc < 0)
        tr__msg_end(NULL, msg);
    return rc;
}

int tr__inbox_request(tr_inbox *in, tr_pid to, double timeout, uint64_t tag, tr_type *type,
                      const void *payload, size_t size, size_t answer_size)
{
    tr__home *home = tr__home_here();
    int rc = in != NULL && !isnan(timeout) ? 0 : TR_EINVAL;
    tr_msg *msg = NULL;

    if (rc == 0 && in->loop != (home != NULL ? home->loop.number : 0))
        rc = TR_EWRONGPLACE;
    if (rc == 0) {
        msg = tr__request_make(home, tr__request_deadline_ns(timeout), tag, type, payload, size,
                               answer_size);
        rc = msg != NULL ? 0 : TR_ENOMEM;
    }
    if (rc < 0) {
        tr__payload_drop(type, payload);
        return rc;
    }
    return home != NULL ? request_here(home, in, to, msg) : request_from_thread(in, to, msg);
}
