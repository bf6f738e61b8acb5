/* Requests: who waits for which answer. Each actor that asks has a table of its open requests; a
 * ref names one, and goes stale when it has been answered, has failed, or timed out.
 *
 * A request's block is, from the start, the message that will tell of its failure: so a failure
 * needs no memory, and exactly one of answer and failure always comes. */
#ifndef TR_ACTORS_REQUEST_H
#define TR_ACTORS_REQUEST_H

#include "actors/home.h"

/* Before the first: what no later step can do without. 0, or TR_ENOMEM. */
int tr__requests_prepare(void);

/* A message that asks; its ask is still without the asker, and its ref is the tag. NULL: out of
 * memory, nothing was dropped. home NULL: a foreign thread. */
tr_msg *tr__request_make(tr__home *home, double timeout, uint64_t tag, tr_type *type,
                         const void *payload, size_t size, size_t answer_size);

/* Open a request of an actor that lives here, and send its message. TR_ENOMEM: msg is still the
 * caller's. */
int tr__request_open(tr__home *home, tr_self *self, tr_pid to, tr_msg *msg);

/* An answer has reached the asker's home. self NULL: the asker has ended. Takes msg if it returns
 * 0: delivered, or late, which is counted. */
int tr__request_answer(tr__home *home, tr_self *self, tr_msg *msg);

/* A request of an actor that lives here has failed; nothing happens if it is over already. */
void tr__request_fail(tr__home *home, tr_pid asker, uint64_t ref, int error);

/* The asker ends: forget its requests. */
void tr__requests_end(tr__home *home, tr_self *self);

#endif
