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

typedef struct tr__open_request {
    tr__timer timer;
    tr_self *self;
    uint32_t index;
    uint32_t answer_size : 31; /* for its owner */
    uint32_t is_timed : 1;     /* its message's deadline ends it */
    /* An answer has come, by a message (NULL: it was not even made) and its payload. Takes both. */
    void (*answer)(tr__home *home, struct tr__open_request *request, tr_msg *msg,
                   const void *payload);
    void (*fail)(tr__home *home, struct tr__open_request *request, int error);
} tr__open_request;

/* Before the first: what no later step can do without. 0, or TR_ENOMEM. */
int tr__requests_prepare(void);

/* A message that asks; its ask is still without the asker, and its ref is the tag. NULL: out of
 * memory, nothing was dropped. home NULL: a foreign thread. */
tr_msg *tr__request_make(tr__home *home, double timeout, uint64_t tag, tr_type *type,
                         const void *payload, size_t size, size_t answer_size);

/* Open a request of an actor that lives here, and send its message. TR_ENOMEM: msg is still the
 * caller's. */
int tr__request_open(tr__home *home, tr_self *self, tr_pid to, tr_msg *msg);

/* The same with a request of the caller's, whose functions are set; it may end within this call. */
int tr__request_begin(tr__home *home, tr_self *self, tr__open_request *request, tr_pid to,
                      tr_msg *msg);
/* Give an open one up: neither of its functions is called. */
void tr__request_close(tr__home *home, tr__open_request *request);

/* An answer to somebody who lives here, not yet in a message. true: it was taken, or came too late
 * and was dropped; false: it has to be sent. */
bool tr__request_answer_here(tr__home *home, tr_pid asker, uint64_t ref, const tr_type *type,
                             const void *payload);

/* An answer has reached the asker's home. self NULL: the asker has ended. Takes msg if it returns
 * 0: delivered, or late, which is counted. */
int tr__request_answer(tr__home *home, tr_self *self, tr_msg *msg);

/* A request of an actor that lives here has failed; nothing happens if it is over already. */
void tr__request_fail(tr__home *home, tr_pid asker, uint64_t ref, int error);

/* The asker ends: forget its requests. */
void tr__requests_end(tr__home *home, tr_self *self);

#endif
