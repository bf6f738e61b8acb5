/* Activations: how an actor handles what is queued. */
#ifndef TR_ACTORS_DISPATCH_H
#define TR_ACTORS_DISPATCH_H

#include "actors/home.h"

/* One activation, on the present stack, of an actor that awaits. */
void tr__activate(tr__home *home, tr_self *self);

/* The oldest message of an actor can't be handled: it becomes a dead letter, and the actor goes
 * on. */
void tr__give_up_message(tr__home *home, tr_self *self, int reason);

/* Choose the run function by what the actor has: limits, another behaviour, neither. */
void tr__dispatch_choose(tr_self *self);

/* After its functions have run: on to the run queue if there is something to do, else off. */
void tr__dispatch_rest(tr__home *home, tr_self *self);

#endif
