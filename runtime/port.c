/* Doors of loops. */
#include "runtime/port.h"

#include "base/seam.h"
#include "base/threads.h"

tr__port tr__ports[TR__LOOPS_MAX] = { [0 ... TR__LOOPS_MAX - 1] = { .inlet = TR__INLET_INIT,
                                                                    .runs = TR__INLET_INIT } };

void tr__port_wake(tr__port *port)
{
    /* ordered: only one wins the right to signal; see the transitions in the header. */
    if (!tr__cas_ordered_u32(&port->sleep, TR__ASLEEP, TR__WAKING))
        return;
    tr__eventfd_signal(port->wake_fd);
    /* release: the signal is done; pairs with the acquire in tr__port_settle. */
    tr__store_release_u32(&port->sleep, TR__AWAKE);
}

static bool push_and_ring(tr__port *port, tr__inlet *inlet, tr__link *link)
{
    switch (tr__inlet_push_mpsc(inlet, link)) {
    case TR__PUSH_FIRST:
        tr__port_ring(port); /* the push was a full fence */
        return true;
    case TR__PUSH_OK:
        return true; /* who pushed the first one rings, or the owner is on its way */
    default:
        return false;
    }
}

bool tr__port_post(tr__port *port, tr__letter *letter)
{
    return push_and_ring(port, &port->inlet, &letter->link);
}

bool tr__port_post_run(tr__port *port, tr__runnable *runnable)
{
    return push_and_ring(port, &port->runs, &runnable->link);
}

bool tr__port_fall_asleep(tr__port *port)
{
    /* ordered: the full fence between this flag and the last look at the inlets. */
    if (tr__cas_ordered_u32(&port->sleep, TR__AWAKE, TR__ASLEEP))
        return true;
    tr__thread_yield(); /* its signaller may have lost the core, and we be spinning on it */
    return false;
}

void tr__port_wake_up(tr__port *port)
{
    /* ordered: fails when somebody is waking us, who will set it AWAKE. */
    (void)tr__cas_ordered_u32(&port->sleep, TR__ASLEEP, TR__AWAKE);
}

void tr__port_settle(tr__port *port)
{
    /* acquire: pairs with the release in tr__port_wake. */
    while (tr__load_acquire_u32(&port->sleep) != TR__AWAKE)
        tr__thread_yield(); /* the other is about to leave a system call */
}
