/* Events, for tasks that choose among several things. */
#ifndef TR_SYNC_EVENT_H
#define TR_SYNC_EVENT_H

#include <troupe/event.h>

#include "sync/wait_queue.h"

/* Whether it has happened; then whoever has set it has left it. */
bool tr__event_take(tr_event *e);
/* Stand in line until it happens. false: it has, and nobody stands in line. */
bool tr__event_stand(tr_event *e, tr__queued *waiter, tr__choice *choice);

#endif
