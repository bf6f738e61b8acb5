/* Doors of loops. */
#include "runtime/port.h"

#include <sched.h>

#include "base/seam.h"

tr__port tr__ports[TR__LOOPS_MAX] = { [0 ... TR__LOOPS_MAX - 1] = { .inlet = TR__INLET_INIT } };

void tr__port_wake(tr__port *port)
{
    /* ordered: only one wins the right to signal; see the transitions in the header. */
    if (!tr__cas_ordered_u32(&port->sleep, TR__ASLEEP, TR__WAKING))
        return;
    tr__eventfd_signal(port->wake_fd);
    /* release: the signal is done; pairs with the acquire in tr__port_settle. */
    tr__store_release_u32(&port->sleep, TR__AWAKE);
}

bool tr__port_post(tr__port *port, tr__letter *letter)
{
    switch (tr__inlet_push_mpsc(&port->inlet, letter)) {
    case TR__PUSH_FIRST:
        tr__port_ring(port); /* the push was a full fence */
        return true;
    case TR__PUSH_OK:
        return true; /* who pushed the first one rings, or the owner is on its way */
    default:
        return false;
    }
}

bool tr__port_fall_asleep(tr__port *port)
{
    /* ordered: the full fence between this flag and the last look at the inlets. */
    return tr__cas_ordered_u32(&port->sleep, TR__AWAKE, TR__ASLEEP);
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
        (void)sched_yield(); /* never fails on Linux; the other is about to leave a system call */
}
