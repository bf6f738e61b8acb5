/* Timers of actors. */
#include "actors/timed.h"

#include <math.h>

#include "actors/deliver.h"
#include "actors/type.h"

#define SHORTEST_PERIOD_S 0.0001
#define NS_PER_S          1e9
#define LONGEST_PERIOD_S  1e9 /* 31 years: what is longer does not come again */

static bool is_cancelled(const tr__timed *timed)
{
    return !tr__list_is_linked(&timed->link);
}

/* Stop it for good; its message is ended now, or when the dispatcher comes to it. */
static void cancel(tr__home *home, tr__timed *timed)
{
    tr__timer_stop(&home->loop.wheel, &timed->timer);
    tr__list_remove(&timed->link);
    if (!timed->is_queued)
        tr__msg_end(home, timed->msg);
}

/* Start a repeating timer again, at the next multiple of its period that is still to come. */
static void start_again(tr__home *home, tr__timed *timed, tr__timer_fn fire)
{
    uint64_t now_ns = home->loop.now_ns;
    uint64_t due_ns = timed->timer.due_ns + timed->period_ns;

    if (due_ns <= now_ns)
        due_ns += (now_ns - due_ns) / timed->period_ns * timed->period_ns + timed->period_ns;
    tr__timer_start(&home->loop.wheel, &timed->timer, due_ns, fire);
}

static void on_fire(tr__timer *timer)
{
    tr__timed *timed = TR__CONTAINER_OF(timer, tr__timed, timer);
    tr__home *home = tr__home_here();

    if (timed->period_ns != 0)
        start_again(home, timed, on_fire);
    if (timed->is_queued)
        return; /* the actor lags behind: this one is left out */
    timed->is_queued = true;
    tr__bump_u64(&home->ledger.sent, 1);
    (void)tr__push_limited(home, timed->self, timed->msg); /* control: it is always let in */
}

bool tr__timed_admit(tr__home *home, tr_msg *msg)
{
    tr__timed *timed = tr__msg_timed(msg);

    if (is_cancelled(timed)) {
        tr__bump_u64(&home->ledger.returned, 1);
        tr__msg_end(home, msg);
        return false;
    }
    if (timed->period_ns != 0) {
        home->frame.attention |= TR__ATTENTION_TIMED;
    } else {
        tr__list_remove(&timed->link);
        msg->tr__head &= ~(TR__MSG_TIMED | TR__MSG_CONTROL); /* an ordinary message from here on */
    }
    return true;
}

void tr__timed_handled(tr__home *home, tr_msg *msg)
{
    tr__timed *timed = tr__msg_timed(msg);

    timed->is_queued = false;
    if (is_cancelled(timed))
        tr__msg_end(home, msg);
}

tr_msg *tr__timed_copy(tr__home *home, const tr_msg *msg)
{
    size_t size = tr__type_info_of(msg->tr__head)->size;
    tr_msg *copy = tr__msg_take(&home->loop.slab, size, false);

    if (copy == NULL)
        return NULL;
    copy->tr__head |= msg->tr__head & TR__TYPE_MASK;
    copy->tr__from = msg->tr__from;
    memcpy(copy->tr__payload, msg->tr__payload, size);
    return copy;
}

static void end_list(tr__home *home, tr__list *list)
{
    while (!tr__list_is_empty(list))
        cancel(home, TR__CONTAINER_OF(list->next, tr__timed, link));
}

void tr__timed_end(tr__home *home, tr_self *self)
{
    if (self->more == NULL)
        return;
    end_list(home, &self->more->timers);
    end_list(home, &self->more->keyed);
}

/* The actor's timer of that key, or NULL. */
static tr__timed *find(const tr_self *self, uint64_t key)
{
    const tr__list *keyed = self->more != NULL ? &self->more->keyed : NULL;

    if (keyed == NULL)
        return NULL;
    for (tr__list *node = keyed->next; node != keyed; node = node->next) {
        tr__timed *timed = TR__CONTAINER_OF(node, tr__timed, link);

        if (timed->key == key)
            return timed;
    }
    return NULL;
}

int tr_timer_cancel(tr_self *self, uint64_t key)
{
    tr__home *home = tr__home_of_handler(self);
    tr__timed *timed;

    if (home == NULL)
        return TR_EWRONGPLACE;
    if (key == 0)
        return TR_EINVAL;
    timed = find(self, key);
    if (timed == NULL)
        return 0;
    cancel(home, timed);
    return 1;
}

/* A timer in the block of its message; NULL: out of memory. */
static tr__timed *make(tr__home *home, tr_self *self, uint32_t id, const void *payload, size_t size)
{
    tr_msg *msg = tr__msg_take(&home->loop.slab, (size + 7) / 8 * 8 + sizeof(tr__timed), false);
    tr__timed *timed;

    if (msg == NULL)
        return NULL;
    msg->tr__head |= id | TR__MSG_TIMED | TR__MSG_CONTROL;
    msg->tr__from = home->frame.index;
    memcpy(msg->tr__payload, payload, size);
    timed = tr__msg_timed(msg);
    memset(timed, 0, sizeof(*timed));
    timed->self = self;
    timed->msg = msg;
    return timed;
}

static int check_timed(const tr__home *home, double seconds, bool repeat, const tr_type *type)
{
    if (home == NULL)
        return TR_EWRONGPLACE;
    if (isnan(seconds) || (repeat && (seconds < SHORTEST_PERIOD_S || seconds > LONGEST_PERIOD_S)) ||
        (repeat && type->tr__drop != NULL))
        return TR_EINVAL;
    return 0;
}

int tr__send_timed(tr_self *self, double seconds, bool repeat, uint64_t key, tr_type *type,
                   const void *payload, size_t size)
{
    tr__home *home = tr__home_of_handler(self);
    uint32_t id = tr__type_id(type, size);
    int rc = check_timed(home, seconds, repeat, type);
    tr__timed *timed = NULL;
    tr__timed *earlier;

    if (rc == 0 && id != 0 && tr__more_of(home, self) != NULL)
        timed = make(home, self, id, payload, size);
    if (timed == NULL) {
        tr__payload_drop(type, payload);
        return rc < 0 ? rc : TR_ENOMEM;
    }
    earlier = key != 0 ? find(self, key) : NULL;
    if (earlier != NULL)
        cancel(home, earlier);
    timed->key = key;
    timed->period_ns = repeat ? (uint64_t)(seconds * NS_PER_S) : 0;
    tr__list_append(key != 0 ? &self->more->keyed : &self->more->timers, &timed->link);
    tr__timer_start(&home->loop.wheel, &timed->timer, tr__deadline_ns(tr__now_ns(), seconds),
                    on_fire);
    return 0;
}
