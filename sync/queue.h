/* Queues, for tasks that choose among several things. */
#ifndef TR_SYNC_QUEUE_H
#define TR_SYNC_QUEUE_H

#include <troupe/queue.h>

#include "sync/wait_queue.h"

/* Stand in line for an item, or for room; the waiter's place says where the item goes, or comes
 * from. false: it can be had now, and nobody stands in line. */
bool tr__queue_stand_to_get(tr_queue *q, tr__queued *waiter, tr__choice *choice);
bool tr__queue_stand_to_put(tr_queue *q, tr__queued *waiter, tr__choice *choice);

#endif
