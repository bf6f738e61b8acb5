/* Open requests of an actor, and the two calls that make and answer them. */
#include "actors/request.h"

#include <math.h>

#include "actors/deliver.h"

enum { FIRST_CAPACITY = 4 };

/* A request of an actor's. It begins as the message that tells of its failure. */
typedef struct mailed {
    tr_msg failure;
    tr__open_request request;
    tr__ask ask; /* the message's: at the end of its block */
} mailed;

#define MAILED_CLASS 2
_Static_assert(sizeof(mailed) == 128, "fits its class, and the ask stands at its end");

typedef struct entry {
    tr__open_request *request; /* NULL: free */
    uint32_t generation;
    uint32_t next_free;
} entry;

struct tr__requests {
    uint32_t capacity;
    uint32_t first_free; /* capacity: none */
    entry *entries;
};

static TR__ALWAYS_INLINE uint64_t ref_of(const entry *open, uint32_t index)
{
    return (uint64_t)open->generation << 32 | index;
}

/* Double the table. */
static bool grow(struct tr__requests *table)
{
    uint32_t capacity = table->capacity != 0 ? 2 * table->capacity : FIRST_CAPACITY;
    entry *entries = tr__alloc_zeroed(capacity * sizeof(*entries));

    if (entries == NULL)
        return false;
    if (table->capacity != 0)
        memcpy(entries, table->entries, table->capacity * sizeof(*entries));
    for (uint32_t i = table->capacity; i < capacity; i++)
        entries[i].next_free = i + 1;
    tr__free(table->entries);
    table->entries = entries;
    table->first_free = table->capacity; /* it was full */
    table->capacity = capacity;
    return true;
}

static TR__ALWAYS_INLINE struct tr__requests *table_of(const tr_self *self)
{
    return TR__LIKELY(self->more != NULL) ? self->more->requests : NULL;
}

/* A table with room for one more; NULL: out of memory. */
static TR__COLD struct tr__requests *make_room(tr__home *home, tr_self *self)
{
    tr__more *more = tr__more_of(home, self);

    if (more != NULL && more->requests == NULL)
        more->requests = tr__alloc_zeroed(sizeof(*more->requests));
    return more != NULL && more->requests != NULL && grow(more->requests) ? more->requests : NULL;
}

/* Put a request into the table, and return its ref; UINT64_MAX: out of memory. */
static TR__ALWAYS_INLINE uint64_t enter(tr__home *home, tr_self *self, tr__open_request *request)
{
    struct tr__requests *table = table_of(self);
    uint32_t index;
    entry *open;

    if (TR__UNLIKELY(table == NULL || table->first_free == table->capacity)) {
        table = make_room(home, self);
        if (table == NULL)
            return UINT64_MAX;
    }
    index = table->first_free;
    open = &table->entries[index];
    table->first_free = open->next_free;
    open->request = request;
    request->self = self;
    request->index = index;
    return ref_of(open, index);
}

/* From here on its ref is stale. */
static TR__ALWAYS_INLINE void leave(tr__home *home, struct tr__requests *table, uint32_t index,
                                    tr__open_request *request)
{
    entry *freed = &table->entries[index];

    if (TR__UNLIKELY(tr__timer_is_started(&request->timer)))
        tr__timer_stop(&home->loop.wheel, &request->timer);
    freed->request = NULL;
    freed->generation++;
    freed->next_free = table->first_free;
    table->first_free = index;
}

void tr__request_close(tr__home *home, tr__open_request *request)
{
    leave(home, request->self->more->requests, request->index, request);
}

/* The open request that a ref names, or NULL. */
static TR__ALWAYS_INLINE tr__open_request *find(const struct tr__requests *table, uint64_t ref)
{
    uint32_t index = (uint32_t)ref;

    if (TR__UNLIKELY(table == NULL || index >= table->capacity ||
                     ref_of(&table->entries[index], index) != ref))
        return NULL;
    return table->entries[index].request;
}

static void fail(tr__home *home, tr__open_request *request, int error)
{
    tr__request_close(home, request);
    request->fail(home, request, error);
}

static void on_timeout(tr__timer *timer)
{
    fail(tr__home_here(), TR__CONTAINER_OF(timer, tr__open_request, timer), TR_ETIMEDOUT);
}

void tr__request_fail(tr__home *home, tr_pid asker, uint64_t ref, int error)
{
    tr_self *self = tr__slot_of(asker);
    tr__open_request *request = self != NULL ? find(table_of(self), ref) : NULL;

    if (request != NULL)
        fail(home, request, error);
}

/* ---- requests of actors: both ends are messages ---- */

/* Turn it into the message that says so. */
static void fail_mailed(tr__home *home, tr__open_request *request, int error)
{
    struct tr_request_failed payload = { .error = error };
    mailed *m = TR__CONTAINER_OF(request, mailed, request);
    tr_self *self = request->self;
    tr_msg *msg = &m->failure;
    tr__ask ask = m->ask;

    payload.tag = ask.ref;
    memcpy(msg->tr__payload, &payload, sizeof(payload));
    msg->tr__from = 0;
    *tr__msg_ask(msg) = ask;
    tr__bump_u64(&home->ledger.sent, 1);
    (void)tr__push_limited(home, self, msg); /* control: it is always let in */
}

static void answer_mailed(tr__home *home, tr__open_request *request, tr_msg *msg,
                          const void *payload)
{
    mailed *m = TR__CONTAINER_OF(request, mailed, request);
    tr_self *self = request->self;

    (void)payload;
    tr__msg_ask(msg)->ref = m->ask.ref;
    tr__slab_give(&home->loop.slab, m, MAILED_CLASS);
    msg->tr__head = (msg->tr__head & ~TR__MSG_ANSWERS) | TR__MSG_TAGGED;
    (void)tr__push_limited(home, self, msg); /* control, as above */
}

/* ---- answers ---- */

int tr__request_answer(tr__home *home, tr_self *self, tr_msg *msg)
{
    tr__open_request *request = self != NULL ? find(table_of(self), tr__msg_ask(msg)->ref) : NULL;

    if (request == NULL) {
        tr__bump_u64(&home->ledger.late_replies, 1);
        tr__msg_end(home, msg);
        return 0;
    }
    tr__request_close(home, request);
    request->answer(home, request, msg, msg->tr__payload);
    return 0;
}

/* It comes too late. */
static TR__COLD bool drop_late(tr__home *home, const tr_type *type, const void *payload)
{
    tr__bump_u64(&home->ledger.sent, 1);
    tr__bump_u64(&home->ledger.late_replies, 1);
    tr__payload_drop(type, payload);
    return true;
}

/* An answer to somebody who lives here, not yet in a message. true: it was taken, or came too late
 * and was dropped; false: it has to be sent. */
static TR__ALWAYS_INLINE bool answer_here(tr__home *home, tr_pid asker, uint64_t ref,
                                          const tr_type *type, const void *payload)
{
    const tr_self *self = tr__slot_of(asker);
    struct tr__requests *table = self != NULL ? table_of(self) : NULL;
    tr__open_request *request = find(table, ref);

    if (TR__UNLIKELY(request == NULL))
        return drop_late(home, type, payload);
    if (request->answer == answer_mailed)
        return false;
    tr__bump_u64(&home->ledger.sent, 1);
    tr__bump_u64(&home->ledger.handled, 1);
    leave(home, table, (uint32_t)ref, request);
    request->answer(home, request, NULL, payload);
    return true;
}

void tr__requests_end(tr__home *home, tr_self *self)
{
    struct tr__requests *table = self->more != NULL ? self->more->requests : NULL;

    if (table == NULL)
        return;
    for (uint32_t i = 0; i < table->capacity; i++) {
        tr__open_request *open = table->entries[i].request;

        if (open == NULL)
            continue;
        tr__request_close(home, open);
        if (open->fail == fail_mailed)
            tr__slab_give(&home->loop.slab, TR__CONTAINER_OF(open, mailed, request), MAILED_CLASS);
        else
            open->fail(home, open, TR_ESHUTDOWN);
    }
    tr__free(table->entries);
    tr__free(table);
    self->more->requests = NULL;
}

/* ---- asking ---- */

static uint32_t failed_id(void)
{
    return tr__type_id(&tr_type_tr_request_failed, sizeof(struct tr_request_failed));
}

int tr__requests_prepare(void)
{
    return failed_id() != 0 ? 0 : TR_ENOMEM;
}

int tr__request_begin(tr__home *home, tr_self *self, tr__open_request *request, tr_pid to,
                      tr_msg *msg)
{
    tr__ask *ask = tr__msg_ask(msg);
    uint64_t ref = enter(home, self, request);

    if (TR__UNLIKELY(ref == UINT64_MAX))
        return TR_ENOMEM;
    ask->pid = tr__slot_pid(self);
    ask->ref = ref;
    if (request->is_timed && ask->deadline_ns != UINT64_MAX)
        tr__timer_start(&home->loop.wheel, &request->timer, ask->deadline_ns, on_timeout);
    (void)tr__dispatch(home, to, msg); /* what fails here comes as the request's failure */
    return 0;
}

int tr__request_open(tr__home *home, tr_self *self, tr_pid to, tr_msg *msg)
{
    mailed *m = tr__slab_take(&home->loop.slab, MAILED_CLASS);

    if (m == NULL)
        return TR_ENOMEM;
    memset(m, 0, sizeof(*m));
    m->failure.tr__head = failed_id() | TR__MSG_CONTROL | TR__MSG_TAGGED | TR__MSG_EXTENDED |
                          (uint32_t)MAILED_CLASS << TR__MSG_CLASS_SHIFT;
    m->ask.ref = tr__msg_ask(msg)->ref;
    tr__request_init(&m->request, answer_mailed, fail_mailed, 0, true);
    if (tr__request_begin(home, self, &m->request, to, msg) == 0)
        return 0;
    tr__slab_give(&home->loop.slab, m, MAILED_CLASS);
    return TR_ENOMEM;
}

int tr__request(tr_self *self, tr_pid to, double timeout, uint64_t tag, tr_type *type,
                const void *payload, size_t size, size_t answer_size)
{
    tr__home *home = tr__home_of_handler(self);
    tr_msg *msg;

    if (home == NULL || isnan(timeout)) {
        tr__payload_drop(type, payload);
        return home == NULL ? TR_EWRONGPLACE : TR_EINVAL;
    }
    msg = tr__request_make(home, tr__request_deadline_ns(timeout), tag, type, payload, size,
                           answer_size);
    if (msg == NULL) {
        tr__payload_drop(type, payload);
        return TR_ENOMEM;
    }
    if (tr__request_open(home, self, to, msg) == 0)
        return 0;
    tr__msg_end(home, msg);
    return TR_ENOMEM;
}

/* ---- answering ---- */

/* Who asked by this message, if nobody has answered; it counts as answered from now on. */
static tr_asker take_asker(tr_msg *msg)
{
    tr_asker asker = { .tr__ref = 0 };

    if (msg != NULL && (msg->tr__head & TR__MSG_ASKS)) {
        const tr__ask *ask = tr__msg_ask(msg);

        msg->tr__head &= ~TR__MSG_ASKS;
        asker = (tr_asker){ ask->pid, ask->ref, ask->answer };
    }
    return asker;
}

tr_asker tr_msg_take_asker(tr_msg *msg)
{
    return take_asker(msg);
}

tr_asker tr_take_asker(tr_self *self)
{
    tr__home *home = tr__home_of_handler(self);
    bool has_msg = home != NULL && !(home->frame.attention & TR__ATTENTION_KEPT);

    return take_asker(has_msg ? home->frame.msg : NULL);
}

int tr_answer_error(tr_asker who, int error)
{
    int rc;

    if (error >= 0)
        return TR_EINVAL;
    if (tr_asker_is_none(who))
        return 0;
    rc = tr__fail_asker(tr__home_here(), who.tr__pid, who.tr__ref, error);
    return rc == TR_EDEAD ? 0 : rc;
}

/* Refuse to send this answer: the asker hears why. */
static int refuse_answer(tr_asker who, const tr_type *type, const void *payload, int error)
{
    tr__payload_drop(type, payload);
    (void)tr_answer_error(who, error); /* else the asker's own time limit holds */
    return error;
}

int tr__answer(tr_asker who, tr_type *type, const void *payload, size_t size)
{
    tr__home *home = tr__home_here();
    uint32_t id = tr__type_id(type, size);
    tr_msg *msg;
    int rc;

    if (tr_asker_is_none(who)) {
        tr__payload_drop(type, payload);
        return 0;
    }
    if (id != who.tr__answer)
        return refuse_answer(who, type, payload, id != 0 ? TR_EPROTO : TR_ENOMEM);
    if (home != NULL && tr__lives_here(home, who.tr__pid) &&
        answer_here(home, who.tr__pid, who.tr__ref, type, payload))
        return 0;
    msg = tr__msg_take(home != NULL ? &home->loop.slab : NULL, size, true);
    if (msg == NULL)
        return refuse_answer(who, type, payload, TR_ENOMEM);
    msg->tr__head |= id | TR__MSG_ANSWERS | TR__MSG_CONTROL;
    msg->tr__from = home != NULL ? home->frame.index : 0;
    memcpy(msg->tr__payload, payload, size);
    *tr__msg_ask(msg) = (tr__ask){ .pid = who.tr__pid, .ref = who.tr__ref };
    rc = tr__dispatch_anywhere(who.tr__pid, msg);
    return rc == TR_EDEAD ? 0 : rc;
}

/* The short way of an answer: to somebody on this loop, without a message, nor a tr_asker (which
 * the compiler would build in memory only to read it back). false: it was not gone. */
static TR__ALWAYS_INLINE bool reply_here(tr__home *home, tr_type *type, const void *payload,
                                         size_t size)
{
    tr_msg *msg = home->frame.msg;
    const tr__ask *ask;

    if (msg == NULL || (home->frame.attention & TR__ATTENTION_KEPT) ||
        !(msg->tr__head & TR__MSG_ASKS))
        return false;
    ask = tr__msg_ask(msg);
    if (!tr__lives_here(home, ask->pid) || tr__type_id(type, size) != ask->answer ||
        !answer_here(home, ask->pid, ask->ref, type, payload))
        return false;
    msg->tr__head &= ~TR__MSG_ASKS; /* it counts as answered */
    return true;
}

/* Tell the one who asked by the message that is being handled of an error. Where there is no memory
 * for that, the message counts as not answered: when it has been handled, its own block carries the
 * failure. */
static int tell_asker(tr__home *home, tr_asker who, int error)
{
    int rc = tr_answer_error(who, error);

    if (rc == TR_ENOMEM) {
        home->frame.msg->tr__head |= TR__MSG_ASKS;
        home->frame.attention |= TR__ATTENTION_UNTOLD;
    }
    return rc;
}

static TR__NOINLINE int reply_slowly(tr_self *self, tr_type *type, const void *payload, size_t size)
{
    tr__home *home = tr__home_of_handler(self);
    tr_asker who;
    int rc;

    if (home == NULL) {
        tr__payload_drop(type, payload);
        return TR_EWRONGPLACE;
    }
    who = tr_take_asker(self);
    rc = tr__answer(who, type, payload, size);
    if (rc < 0)
        (void)tell_asker(home, who, rc); /* it may have been told: then this comes too late */
    return rc;
}

int tr__reply(tr_self *self, tr_type *type, const void *payload, size_t size)
{
    tr__home *home = tr__home_of_handler(self);

    if (TR__LIKELY(home != NULL && reply_here(home, type, payload, size)))
        return 0;
    return reply_slowly(self, type, payload, size);
}

int tr_reply_error(tr_self *self, int error)
{
    tr__home *home = tr__home_of_handler(self);

    if (home == NULL)
        return TR_EWRONGPLACE;
    return error < 0 ? tell_asker(home, tr_take_asker(self), error) : TR_EINVAL;
}
