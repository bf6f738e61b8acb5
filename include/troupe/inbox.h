/* An inbox: a mailbox with a pid for a foreign thread, or for a task. Actors can't tell the
 * difference. It belongs to the thread that made it, or, made by a task, to the loop of that
 * task. */
#ifndef TROUPE_INBOX_H
#define TROUPE_INBOX_H

#include <troupe/actor.h>
#include <troupe/select.h>

#ifdef __cplusplus
extern "C" {
#endif

typedef struct tr_inbox tr_inbox;

/* Make an inbox that holds at most limit messages (0: any number); what comes beyond becomes a dead
 * letter with reason TR_EFULL. *out is NULL on error.
 * Ownership: the caller's, until tr_inbox_free.
 * Threads:   foreign threads; tasks.
 * Errors:    TR_ENOMEM; TR_EINVAL; TR_EWRONGPLACE; TR_ESHUTDOWN; TR_EFORKED. */
TR_API int tr_inbox_new(tr_inbox **out, size_t limit);

/* Close and free an inbox; NULL is allowed. What it holds, and what comes later, becomes dead
 * letters. It may be called after the runtime has stopped, too.
 * Threads: the foreign thread, or the loop, that it belongs to. */
TR_API void tr_inbox_free(tr_inbox *in);

/* The pid to give to actors; TR_PID_NONE for NULL.
 * Threads: any. */
TR_API tr_pid tr_inbox_pid(const tr_inbox *in);

/* Wait for the next message, at most timeout seconds: a foreign thread blocks, a task awaits. *out
 * is NULL on error.
 * Ownership: the message is borrowed until the next receive from this inbox or its end; tr_msg_keep
 *            makes it the caller's.
 * Threads:   one foreign thread at a time; tasks of the loop that it belongs to.
 * Errors:    TR_ETIMEDOUT; TR_ESHUTDOWN the runtime has stopped and nothing is left to receive;
 *            TR_ECANCELED the task is cancelled; TR_EBUSY another task waits for this inbox;
 *            TR_EWRONGPLACE elsewhere; TR_EINVAL. */
TR_API int tr_inbox_receive(tr_inbox *in, tr_msg **out, double timeout);

TR_API int tr__inbox_request(tr_inbox *in, tr_pid to, double timeout, uint64_t tag, tr_type *type,
                             const void *payload, size_t size, size_t answer_size);

/* Ask an actor: tr_inbox_request(in, to, timeout, tag, type, .field = value, ...). The answer, or a
 * tr_request_failed, arrives in the inbox, and tr_msg_tag(msg) is the tag. Exactly one of both
 * comes, unless the inbox is freed or full, memory runs out, or the runtime stops, first.
 * Ownership: as tr_send.
 * Threads:   the foreign thread, or the loop, that it belongs to; never blocks.
 * Errors:    TR_ENOMEM; TR_EINVAL; TR_EWRONGPLACE elsewhere; TR_ESHUTDOWN: nothing was sent,
 *            nothing will come. Everything else comes as tr_request_failed. */
#define tr_inbox_request(in, to, timeout, tag, ...)                                                \
    TR__INBOX_ASK(in, to, timeout, tag, __VA_ARGS__, )
#define TR__INBOX_ASK(in, to, timeout, tag, type, ...)                                             \
    tr__inbox_request((in), (to), (timeout), (tag), &tr_type_##type,                               \
                      TR__LITERAL(type, __VA_ARGS__), sizeof(struct type),                         \
                      sizeof(tr_answer_of_##type))

/* A case of tr_select: as tr_inbox_receive, for a task's inbox. *out is NULL until it is taken.
 * Threads: any, as all that makes cases. */
TR_API tr_case tr_case_receive(tr_inbox *in, tr_msg **out);

/* A descriptor that is readable while messages wait, for a foreign thread's poll or event loop. Do
 * not read from it: tr_inbox_receive(in, &msg, 0) does what is needed.
 * Ownership: the inbox's; do not close it.
 * Threads:   any.
 * Errors:    TR_EINVAL; TR_EWRONGPLACE it is a task's. */
TR_API int tr_inbox_fd(const tr_inbox *in);

#ifdef __cplusplus
}
#endif
#endif
