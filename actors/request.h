/* Requests: who waits for which answer. Each actor that asks has a table of its open requests; a
 * ref names one, and goes stale when it has been answered, has failed, or timed out. Those of a
 * loop's tasks, and of futures, stand in the table of one slot that has no actor: the loop's
 * asker.
 *
 * Two functions tell a request's owner of its end; exactly one of them is called, once, when the
 * request is out of the table. Neither may need memory: so exactly one of answer and failure always
 * comes. (An actor's request is, from the start, the message that will tell of its failure.) */
#ifndef TR_ACTORS_REQUEST_H
#define TR_ACTORS_REQUEST_H

#include "actors/home.h"
#include "actors/type.h"
#include "base/seam.h"
#include "runtime/thread.h"

typedef struct tr__open_request tr__open_request;

/* An answer has come, by a message (NULL: it was not even made) and its payload. Takes both. */
typedef void (*tr__request_answer_fn)(tr__home *home, tr__open_request *request, tr_msg *msg,
                                      const void *payload);
typedef void (*tr__request_fail_fn)(tr__home *home, tr__open_request *request, int error);

struct tr__open_request {
    tr__timer timer;
    tr_self *self;
    uint32_t index;
    uint32_t answer_size : 31; /* for its owner */
    uint32_t is_timed : 1;     /* its message's deadline ends it */
    tr__request_answer_fn answer;
    tr__request_fail_fn fail;
};

/* Field by field: the compiler clears a struct of this size with a slow instruction. */
static TR__ALWAYS_INLINE void tr__request_init(tr__open_request *request,
                                               tr__request_answer_fn answer,
                                               tr__request_fail_fn fail, size_t answer_size,
                                               bool is_timed)
{
    request->timer.link.next = NULL;
    request->timer.link.prev = NULL;
    request->answer_size = (uint32_t)answer_size;
    request->is_timed = is_timed;
    request->answer = answer;
    request->fail = fail;
}

/* Before the first: what no later step can do without. 0, or TR_ENOMEM. */
int tr__requests_prepare(void);

/* When a request's time is over. */
static inline uint64_t tr__request_deadline_ns(double timeout)
{
    return timeout < TR_FOREVER ? tr__deadline_ns(tr__now_ns(), timeout) : UINT64_MAX;
}

/* A message that asks; its ask is still without the asker, and its ref is the tag. NULL: out of
 * memory, nothing was dropped. home NULL: a foreign thread. */
static TR__ALWAYS_INLINE tr_msg *tr__request_make(tr__home *home, uint64_t deadline_ns,
                                                  uint64_t tag, tr_type *type, const void *payload,
                                                  size_t size, size_t answer_size)
{
    uint32_t id = tr__type_id(type, size);
    uint32_t answer = tr__type_id(type->tr__answer, answer_size);
    tr_msg *msg = NULL;

    if (TR__UNLIKELY(id == 0 || answer == 0))
        return NULL;
    if (home != NULL)
        msg = tr__msg_take_ready(&home->loop.slab, size, true);
    if (TR__UNLIKELY(msg == NULL)) {
        msg = tr__msg_take(home != NULL ? &home->loop.slab : NULL, size, true);
        if (msg == NULL)
            return NULL;
    }
    msg->tr__head |= id | TR__MSG_ASKS;
    msg->tr__from = home != NULL ? home->frame.index : 0;
    tr__payload_copy(msg->tr__payload, payload, size);
    *tr__msg_ask(msg) = (tr__ask){
        .ref = tag,
        .deadline_ns = deadline_ns,
        .answer = answer,
    };
    return msg;
}

/* Open a request of an actor that lives here, and send its message. TR_ENOMEM: msg is still the
 * caller's. */
int tr__request_open(tr__home *home, tr_self *self, tr_pid to, tr_msg *msg);

/* The same with a request of the caller's, whose functions are set; it may end within this call. */
int tr__request_begin(tr__home *home, tr_self *self, tr__open_request *request, tr_pid to,
                      tr_msg *msg);
/* Give an open one up: neither of its functions is called. */
void tr__request_close(tr__home *home, tr__open_request *request);

/* An answer has reached the asker's home. self NULL: the asker has ended. Takes msg if it returns
 * 0: delivered, or late, which is counted. */
int tr__request_answer(tr__home *home, tr_self *self, tr_msg *msg);

/* A request of an actor that lives here has failed; nothing happens if it is over already. */
void tr__request_fail(tr__home *home, tr_pid asker, uint64_t ref, int error);

/* The asker ends: forget its requests. */
void tr__requests_end(tr__home *home, tr_self *self);

#endif
