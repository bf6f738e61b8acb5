/* What this room keeps for each loop: its libev loop, and the descriptors that are open on it.
 *
 * A loop's home is made when it is first needed, and goes when the loop closes: descriptors that
 * are still open then are closed with it.
 *
 * Threads: the loop's own. */
#ifndef TR_NET_HOME_H
#define TR_NET_HOME_H

#include <ev.h>

#include "base/list.h"
#include "runtime/loop.h"
#include "runtime/runnable.h"

typedef struct tr__net {
    tr__loop *loop;
    struct ev_loop *ev;
    tr__list tenants;
    /* Streams with buffered output that is to go out in this turn. */
    tr__list flushes;
    tr__runnable flush;
    bool is_flush_due;
} tr__net;

/* Something that lives on a loop and must not outlive it. */
typedef struct tr__tenant {
    tr__list link;
    /* The loop closes: stop the watchers, and let nothing point to it any more. No task is left on
     * the loop. The tenant has been taken off the list. */
    void (*evict)(struct tr__tenant *tenant);
} tr__tenant;

/* The home of the caller's loop. *out is NULL on error.
 * Errors: TR_EWRONGPLACE this is no loop; TR_ENOMEM; TR_ESHUTDOWN the loop is closing. */
int tr__net_here(tr__net **out);

static inline void tr__tenant_enter(tr__net *net, tr__tenant *tenant,
                                    void (*evict)(tr__tenant *tenant))
{
    tenant->evict = evict;
    tr__list_append(&net->tenants, &tenant->link);
}

static inline void tr__tenant_leave(tr__tenant *tenant)
{
    tr__list_remove(&tenant->link);
}

/* What is called when all that is ready to run has run. */
typedef struct tr__flush {
    tr__list link; /* zero: it is not asked for */
    void (*fn)(struct tr__flush *flush);
} tr__flush;

/* Have it called, once. */
void tr__flush_ask(tr__net *net, tr__flush *flush);
/* It is not called, if it was asked for. */
static inline void tr__flush_call_off(tr__flush *flush)
{
    if (tr__list_is_linked(&flush->link))
        tr__list_remove(&flush->link);
}

#endif
