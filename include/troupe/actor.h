/* Actors: state that only its own receive function touches, and a mailbox.
 *
 * An actor lives on one loop. Its functions (init, receive, stop) are called on that loop only, one
 * at a time: so they need no locks, and must not block, for the loop's other actors wait
 * meanwhile. */
#ifndef TROUPE_ACTOR_H
#define TROUPE_ACTOR_H

#include <troupe/future.h>
#include <troupe/message.h>
#include <troupe/runtime.h>

#ifdef __cplusplus
extern "C" {
#endif

/* The actor that is running, as its own functions see it. Valid in those calls only. */
typedef struct tr_self tr_self;

/* What an actor does with a message. The message is lent until the function returns (tr_msg_keep).
 * Result: 0 or more: handled. TR_UNHANDLED: not known here; it becomes a dead letter, and an asker
 * gets TR_EUNHANDLED. TR_EDEAD, TR_EFULL: a send of the handler's own failed, which is accounted
 * for already: handled. Any other negative code: the actor has failed, and ends with it as
 * reason. */
typedef int (*tr_receive_fn)(tr_self *self, void *state, tr_msg *msg);

/* What happens to a message that finds the mailbox full. Stops, kills and answers always get in. */
typedef enum tr_full_policy {
    TR_FULL_DEFAULT = 0, /* TR_FULL_REJECT */
    TR_FULL_REJECT,      /* refused: TR_EFULL to a sender on the same loop, else a dead letter */
    TR_FULL_DROP_NEW,    /* it becomes a dead letter; the send succeeds */
    TR_FULL_DROP_OLD,    /* the oldest ordinary message becomes a dead letter to make room */
    TR_FULL_STOP         /* the actor ends at once with reason TR_EFULL */
} tr_full_policy;

/* A kind of actor: static storage, never changed once used. */
typedef struct tr_actor_class {
    const char *name;  /* for people: logs, dead letters; must not be NULL */
    size_t state_size; /* bytes, zeroed before init; 0: state is NULL */
    size_t args_size;  /* bytes of args that spawning copies, up to 64 KiB; 0: init gets the pointer
                          itself (not with tr_spawn_async) */
    /* The first call. A negative result refuses: the actor never was, stop is not called, and
     * tr_spawn returns the code. NULL: the args are copied to the beginning of the state, which
     * must be as large. */
    int (*init)(tr_self *self, void *state, const void *args);
    tr_receive_fn receive; /* must not be NULL */
    /* The last call, whatever the reason (see tr_exit). May be NULL. */
    void (*stop)(tr_self *self, void *state, int reason);
    size_t mailbox_limit; /* messages queued at most, up to 16,000,000; 0: no limit, and a warning
                               at 100,000 and each doubling */
    size_t mailbox_bytes; /* bytes of queued messages at most; 0: no limit */
    tr_full_policy on_full;
    /* receive and stop may await, as tasks do: they run on a stack of their own, which an actor has
     * only while it handles messages. One message at a time: the others wait meanwhile. A stop
     * reaches a handler that awaits as TR_ECANCELED; stop may then await for stop_timeout. init may
     * not await. */
    bool awaits;
    double stop_timeout; /* seconds; 0: 5 */
} tr_actor_class;

typedef enum tr_place {
    TR_PLACE_DEFAULT = 0, /* TR_PLACE_NEAR */
    TR_PLACE_NEAR,        /* the spawner's loop; a foreign thread's: the one that serves it */
    TR_PLACE_SPREAD       /* the loops in turn */
} tr_place;

/* How to spawn; a field that is 0 takes its default. */
typedef struct tr_spawn_options {
    int on; /* TR_LOOP(n): live there and never move (pinned); TR_LOOP_ANY: see place */
    tr_place place;
    const char *name; /* that it has from before its init on (registry.h); copied; NULL: none */
} tr_spawn_options;

TR_API int tr_spawn_sized(tr_pid *out, const tr_actor_class *cls, size_t cls_size, const void *args,
                          const tr_spawn_options *options, size_t options_size);
TR_API int tr_spawn_async_sized(tr_pid *out, const tr_actor_class *cls, size_t cls_size,
                                const void *args, const tr_spawn_options *options,
                                size_t options_size);

/* Start an actor, and return when its init has succeeded. *out is TR_PID_NONE on error, and from
 * the beginning: args must not point to it. options may be NULL. On the same loop init runs within
 * this call; for another loop a task awaits, and a foreign thread blocks.
 * Ownership: args stay the caller's.
 * Threads:   any; handlers and loop callbacks only for actors of the same loop (else
 *            tr_spawn_async).
 * Errors:    init's own code; TR_ENOMEM; TR_EINVAL; TR_EEXIST an actor that has not ended has that
 *            name; TR_EWRONGPLACE the actor is to live on another loop, and the caller must not
 *            block; TR_ELIMIT too many actors; TR_ECANCELED the calling task is cancelled;
 *            TR_ESHUTDOWN; TR_EFORKED. */
static inline int tr_spawn_with(tr_pid *out, const tr_actor_class *cls, const void *args,
                                const tr_spawn_options *options)
{
    return tr_spawn_sized(out, cls, sizeof(tr_actor_class), args, options,
                          sizeof(tr_spawn_options));
}

/* tr_spawn_with default options: near. */
static inline int tr_spawn(tr_pid *out, const tr_actor_class *cls, const void *args)
{
    return tr_spawn_with(out, cls, args, NULL);
}

/* Start an actor on any loop, and return at once: init runs there later, before any message is
 * handled. Messages may be sent to the pid right away; should init refuse, they become dead
 * letters, and the refusal is logged.
 * Ownership: args are copied (args_size).
 * Threads:   any; never blocks.
 * Errors:    as tr_spawn_with, but for init's code and TR_EWRONGPLACE; TR_EINVAL also for args
 *            without an args_size. */
static inline int tr_spawn_async(tr_pid *out, const tr_actor_class *cls, const void *args,
                                 const tr_spawn_options *options)
{
    return tr_spawn_async_sized(out, cls, sizeof(tr_actor_class), args, options,
                                sizeof(tr_spawn_options));
}

/* ---- sending ---- */

TR_API int tr__send_small(tr_pid to, uint32_t id, uint64_t low, uint64_t high);
TR_API int tr__send_large(tr_pid to, uint32_t id, const void *payload, size_t size);
TR_API int tr__send_typeless(tr_pid to, tr_type *type, const void *payload);

static inline int tr__send(tr_pid to, tr_type *type, const void *payload, size_t size)
{
    uint32_t id = tr__type_id(type, size);

    if (__builtin_expect(id == 0, 0))
        return tr__send_typeless(to, type, payload);
    if (size <= TR__SMALL) {
        uint64_t word[2] = { 0, 0 };

        memcpy(word, payload, size);
        return tr__send_small(to, id, word[0], word[1]);
    }
    return tr__send_large(to, id, payload, size);
}

/* Send a message: tr_send(to, type, .field = value, ...). Messages from one sender (an actor, the
 * callbacks of a loop together, or a foreign thread) to one receiver are handled in the order sent.
 * Ownership: the fields are copied; what an owning message owns goes along, also on error.
 * Threads:   any; never blocks.
 * Errors:    0: on its way. To an actor of the same loop: TR_EDEAD it has ended, TR_EFULL its
 *            mailbox is full; to others these are found out later, and counted as dead letters.
 *            TR_ENOMEM; TR_ESHUTDOWN. Each is a dead letter, too. */
#define tr_send(to, ...) TR__SEND(to, __VA_ARGS__, )
#define TR__SEND(to, type, ...)                                                                    \
    tr__send((to), &tr_type_##type, TR__LITERAL(type, __VA_ARGS__), sizeof(struct type))

/* tr_send of a struct at hand: tr_send_value(to, type, &value). */
#define tr_send_value(to, type, pointer)                                                           \
    tr__send((to), &tr_type_##type, TR__TYPED(type, pointer), sizeof(struct type))
#ifndef __cplusplus
/* An error, not a warning, which would vanish in a system's header. */
#define TR__TYPED(type, pointer)                                                                   \
    _Generic((pointer), struct type * : (pointer), const struct type * : (pointer))
#else
#define TR__TYPED(type, pointer) (static_cast<const tr_payload_##type *>(pointer))
#endif

/* Send a message that the caller owns. NULL is TR_EINVAL.
 * Ownership: takes msg, also on error.
 * Threads:   any; never blocks.
 * Errors:    as tr_send; TR_EINVAL also if msg is only lent (tr_msg_keep it first). */
TR_API int tr_send_msg(tr_pid to, tr_msg *msg);

/* The same, but msg stays with the caller on error, and is no dead letter then.
 * Ownership: takes msg on success only.
 * Threads:   any; never blocks.
 * Errors:    as tr_send_msg. Only a receiver on the caller's own loop can be known to be full or
 *            dead. */
TR_API int tr_try_send_msg(tr_pid to, tr_msg *msg);

/* Hand the message that is being handled on to another actor, with the ask that came with it: the
 * other one answers the first asker. A message that the caller owns may be forwarded, too.
 * Ownership: takes msg, also on error.
 * Threads:   handlers, and owners of the message.
 * Errors:    as tr_send; TR_EINVAL. */
TR_API int tr_forward(tr_msg *msg, tr_pid to);

/* ---- asking and answering ---- */

/* Comes instead of an answer. */
TR_MESSAGE_NAMED(tr_request_failed, "troupe.request_failed/1")
{
    uint64_t tag;
    int error; /* TR_ETIMEDOUT, TR_EDEAD, TR_EFULL, TR_EUNHANDLED, TR_EPROTO, or what
                  tr_reply_error gave */
};

TR_API int tr__request(tr_self *self, tr_pid to, double timeout, uint64_t tag, tr_type *type,
                       const void *payload, size_t size, size_t answer_size);

/* Ask without waiting: tr_request(self, to, timeout, tag, type, .field = value, ...). The answer
 * arrives later as a message to this actor, and tr_msg_tag(msg) is the tag; or else a
 * tr_request_failed does. Exactly one of both comes, unless this actor ends first; never before
 * this handler has returned. A timeout of TR_FOREVER leaves it to the other side.
 * Ownership: as tr_send.
 * Threads:   handlers.
 * Errors:    TR_ENOMEM, TR_EINVAL (a timeout of NaN), TR_EWRONGPLACE: nothing was sent, nothing
 *            will come. Everything else comes as tr_request_failed. */
#define tr_request(self, to, timeout, tag, ...) TR__ASK(self, to, timeout, tag, __VA_ARGS__, )
#define TR__ASK(self, to, timeout, tag, type, ...)                                                 \
    tr__request((self), (to), (timeout), (tag), &tr_type_##type, TR__LITERAL(type, __VA_ARGS__),   \
                sizeof(struct type), sizeof(tr_answer_of_##type))

TR_API int tr__ask_await(void *out, tr_pid to, double timeout, tr_type *type, const void *payload,
                         size_t size, size_t answer_size);

/* Ask and await the answer: tr_ask(&answer, to, timeout, type, .field = value, ...) with a `struct
 * ANSWER answer` as the request declares; NULL for a bare acknowledgement. It is zeroed on error.
 * The caller's own deadline is the request's, too: one that has expired is not handled any more.
 * Ownership: as tr_send; what the answer owns is the caller's.
 * Threads:   tasks, and handlers of actors that await; foreign threads (blocks).
 * Errors:    TR_ETIMEDOUT; TR_EDEAD; TR_EFULL; TR_EUNHANDLED; TR_EPROTO; what tr_reply_error gave;
 *            TR_ECANCELED the caller is cancelled; TR_EDEADLK the other one is waiting for this
 *            actor (found out on one loop; elsewhere the time limit ends it); TR_ENOMEM; TR_EINVAL
 *            (NaN); TR_EWRONGPLACE; TR_ESHUTDOWN; TR_EFORKED. */
#define tr_ask(out, to, timeout, ...) TR__ASK_AWAIT(out, to, timeout, __VA_ARGS__, )
#define TR__ASK_AWAIT(out, to, timeout, type, ...)                                                 \
    tr__ask_await(TR__ANSWER_OF(out, type), (to), (timeout), &tr_type_##type,                      \
                  TR__LITERAL(type, __VA_ARGS__), sizeof(struct type),                             \
                  sizeof(tr_answer_of_##type))
#ifndef __cplusplus
/* A static assertion: other diagnostics would vanish in a system's header. */
#define TR__ANSWER_OF(out, type)                                                                   \
    (__extension__({                                                                               \
        _Static_assert(__builtin_types_compatible_p(__typeof__(out), tr_answer_of_##type *) ||     \
                           __builtin_types_compatible_p(__typeof__(out), void *),                  \
                       "tr_ask: out must point to the answer that " #type " declares");            \
        (out);                                                                                     \
    }))
#else
#define TR__ANSWER_OF(out, type) (static_cast<tr_answer_of_##type *>(out))
#endif

TR_API int tr__ask_future(tr_future **out, tr_pid to, double timeout, tr_type *type,
                          const void *payload, size_t size, size_t answer_size);

/* Ask, and do not wait: tr_ask_future(&future, to, timeout, type, .field = value, ...). The
 * future's value is a `struct ANSWER *`; taken (tr_future_take), it and what it owns are the
 * taker's to free, by free(3). Cancelling the future gives the request up. *out is NULL on error.
 * Ownership: as tr_send; *out is the caller's reference.
 * Threads:   any; never blocks.
 * Errors:    TR_ENOMEM; TR_EINVAL (NaN, or out is NULL); TR_ESHUTDOWN; TR_EFORKED. All else is the
 *            future's end. */
#define tr_ask_future(out, to, timeout, ...) TR__ASK_FUTURE(out, to, timeout, __VA_ARGS__, )
#define TR__ASK_FUTURE(out, to, timeout, type, ...)                                                \
    tr__ask_future((out), (to), (timeout), &tr_type_##type, TR__LITERAL(type, __VA_ARGS__),        \
                   sizeof(struct type), sizeof(tr_answer_of_##type))

TR_API int tr__reply(tr_self *self, tr_type *type, const void *payload, size_t size);

/* Answer the message that is being handled: tr_reply(self, type, .field = value, ...). Only the
 * first answer counts.
 * Ownership: as tr_send.
 * Threads:   handlers.
 * Errors:    0: answered, or nobody asked, or the asker has given up (known at once only on the
 *            same loop). TR_EPROTO the request declares another answer; TR_ENOMEM: the asker gets
 *            that, too. TR_EWRONGPLACE. */
#define tr_reply(self, ...) TR__REPLY(self, __VA_ARGS__, )
#define TR__REPLY(self, type, ...)                                                                 \
    tr__reply((self), &tr_type_##type, TR__LITERAL(type, __VA_ARGS__), sizeof(struct type))

/* Answer with an error, a negative code: the asker gets tr_request_failed. It returns 0, for the
 * handler to return: the actor lives on.
 * Threads: handlers.
 * Errors:  TR_EINVAL error is not negative; TR_ENOMEM: the asker gets that instead;
 *          TR_EWRONGPLACE. */
TR_API int tr_reply_error(tr_self *self, int error);

/* Who asked, for answering later, from anywhere. A value: copy it, keep it, drop it. */
typedef struct tr_asker {
    tr_pid tr__pid;
    uint64_t tr__ref;    /* which of the asker's requests */
    uint32_t tr__answer; /* type of the answer that it expects */
} tr_asker;

/* Take the asker of the message that is being handled, to answer later: this message counts as
 * answered. tr_asker_is_none if nobody asked, or it was answered or taken.
 * Threads: handlers. */
TR_API tr_asker tr_take_asker(tr_self *self);

/* The same for a message that the caller owns or was lent by an inbox.
 * Threads: whoever holds the message. */
TR_API tr_asker tr_msg_take_asker(tr_msg *msg);

static inline bool tr_asker_is_none(tr_asker who)
{
    return who.tr__pid.tr__id == 0;
}

TR_API int tr__answer(tr_asker who, tr_type *type, const void *payload, size_t size);

/* Answer: tr_answer(who, type, .field = value, ...). Does nothing if the asker has given up, or who
 * is none. Only the first answer counts.
 * Ownership: as tr_send.
 * Threads:   any; never blocks.
 * Errors:    TR_EPROTO another answer was declared: the asker gets that; TR_ENOMEM: it may not even
 *            have been told that; TR_ESHUTDOWN. */
#define tr_answer(who, ...) TR__ANSWER(who, __VA_ARGS__, )
#define TR__ANSWER(who, type, ...)                                                                 \
    tr__answer((who), &tr_type_##type, TR__LITERAL(type, __VA_ARGS__), sizeof(struct type))

/* Answer with an error, a negative code.
 * Threads: any; never blocks.
 * Errors:  TR_EINVAL error is not negative; TR_ENOMEM; TR_ESHUTDOWN. */
TR_API int tr_answer_error(tr_asker who, int error);

/* ---- an actor's own affairs ---- */

/* The pid of the running actor; TR_PID_NONE for NULL.
 * Threads: handlers. */
TR_API tr_pid tr_self_pid(const tr_self *self);

/* Handle messages with another function from the next one on; NULL: with the class's again.
 * Threads: handlers.
 * Errors:  TR_EWRONGPLACE; TR_ENOMEM. */
TR_API int tr_become(tr_self *self, tr_receive_fn receive);

/* End this actor when the present handler returns: with reason 0, in good order, or below 0, a
 * failure. Messages still queued become dead letters; their askers get TR_EDEAD. Returns 0, for the
 * handler to return. The first reason counts. From init it means: stay only for init's own work.
 * Reasons that stop() sees besides: TR_ESTOPPED, TR_EKILLED, TR_EFULL, TR_ESHUTDOWN, or the
 * handler's negative result.
 * Threads: handlers.
 * Errors:  TR_EINVAL reason is above 0; TR_EWRONGPLACE. */
TR_API int tr_exit(tr_self *self, int reason);

/* End this actor as failed; the same as returning error from the handler.
 * Threads: handlers.
 * Errors:  TR_EINVAL error is not negative; TR_EWRONGPLACE. */
TR_API int tr_fail(tr_self *self, int error);

/* Ask an actor to end, with reason TR_ESTOPPED, before it handles another message. tr_kill: with
 * reason TR_EKILLED, which outranks a stop.
 * Threads: any; never blocks.
 * Errors:  TR_EDEAD it has ended (known only on the same loop); TR_ENOMEM; TR_ESHUTDOWN. */
TR_API int tr_stop(tr_pid pid);
TR_API int tr_kill(tr_pid pid);

/* ---- timers ---- */

TR_API int tr__send_timed(tr_self *self, double seconds, bool repeat, uint64_t key, tr_type *type,
                          const void *payload, size_t size);

/* Send a message to this actor itself, once, in `seconds` (never earlier; resolution as tr_sleep):
 * tr_send_after(self, seconds, key, type, .field = value, ...). A key other than 0 names the timer:
 * a new one of the same key replaces it. The timer ends with the actor.
 * Ownership: as tr_send.
 * Threads:   handlers.
 * Errors:    TR_EINVAL NaN; TR_ENOMEM; TR_EWRONGPLACE. */
#define tr_send_after(self, seconds, key, ...) TR__TIMED(self, seconds, false, key, __VA_ARGS__, )
#define TR__TIMED(self, seconds, repeat, key, type, ...)                                           \
    tr__send_timed((self), (seconds), (repeat), (key), &tr_type_##type,                            \
                   TR__LITERAL(type, __VA_ARGS__), sizeof(struct type))

/* The same again and again, every `seconds` (0.0001 at least), without drift. If the actor lags
 * behind, at most one is queued, and those missed are left out. Owning messages can't be repeated.
 * Errors: TR_EINVAL, also for an owning type. Else as tr_send_after. */
#define tr_send_every(self, seconds, key, ...) TR__TIMED(self, seconds, true, key, __VA_ARGS__, )

/* Cancel the timer of that key: its message is not delivered, even if it is queued already. Returns
 * 1 if there was one, 0 if not.
 * Threads: handlers.
 * Errors:  TR_EINVAL key is 0; TR_EWRONGPLACE. */
TR_API int tr_timer_cancel(tr_self *self, uint64_t key);

/* ---- dead letters ---- */

typedef struct tr_dead_letter {
    tr_pid to;
    tr_pid from;       /* the sender, as far as known: who lives in its slot now; or none */
    const char *type;  /* name of the message's type */
    int reason;        /* TR_EDEAD, TR_EFULL, TR_EUNHANDLED, TR_ESHUTDOWN, TR_ENOMEM, TR_ETIMEDOUT
                          (an expired request) */
    const tr_msg *msg; /* read it with tr_as; NULL when it could not even be made. Until return. */
} tr_dead_letter;

/* Called for each dead letter, on the thread where it is found dead. It must not block; it may
 * send, but what it sends can become dead letters, too: beware of loops. */
typedef void (*tr_dead_letter_fn)(void *ctx, const tr_dead_letter *letter);

/* Hear of dead letters; NULL ends it. Without a hook, the log has a line for the first of each
 * reason on a loop, and at each doubling of their number.
 * Ownership: ctx stays the caller's; it must live until the runtime has stopped. What it points to
 *            may be filled in later.
 * Threads:   foreign threads, while the runtime is stopped.
 * Errors:    TR_EBUSY the runtime is running. */
TR_API int tr_on_dead_letter(tr_dead_letter_fn fn, void *ctx);

#ifdef __cplusplus
}
#endif
#endif
