/* What the two kinds of inboxes share: those of foreign threads (inbox.c), which a lock guards, and
 * those of tasks (inbox_task.c), which only their loop touches. */
#ifndef TR_ACTORS_INBOX_H
#define TR_ACTORS_INBOX_H

#include <troupe/inbox.h>

#include "actors/home.h"

struct tr_inbox {
    tr_pid pid;
    size_t limit;                   /* 0: none */
    tr_msg *lent;                   /* the receiver's */
    int fd;                         /* of a foreign thread's; -1 */
    uint16_t loop;                  /* of a task's: the number of its loop; 0: a foreign thread's */
    struct tr__inbox_wait *waiting; /* a task; NULL: none */
    tr__gate gate;                  /* guards what follows, if it is a foreign thread's; and
                                       references, always */
    tr__mailbox box;
    size_t count;
    bool is_closed;      /* its actor has ended */
    uint32_t references; /* of the actor, and of the receiver */
};

/* Take the oldest message out, which there is, and lend it. */
tr_msg *tr__inbox_lend(tr_inbox *in);
/* What was lent last goes. home NULL: on a foreign thread. */
void tr__inbox_reclaim(tr__home *home, tr_inbox *in);
/* It is a dead letter instead of handled: the result for the inbox's actor. */
int tr__inbox_refuse(tr_self *self, tr_msg *msg, int reason);

/* ---- of tasks; on their loop ---- */

/* A message has come to its actor. */
int tr__inbox_put_here(tr_self *self, tr_inbox *in, tr_msg *msg);
/* Its actor ends: nobody will receive what is left. */
void tr__inbox_close_here(tr_inbox *in, int reason);
int tr__inbox_receive_here(tr_inbox *in, tr_msg **out, double timeout);

#endif
