/* The end of an actor. */
#ifndef TR_ACTORS_END_H
#define TR_ACTORS_END_H

#include "actors/home.h"

/* End it before it handles another message; from within its own handler, when that returns. The
 * first reason stays, but a kill outranks it. */
void tr__end_soon(tr__home *home, tr_self *self, int reason);

/* End it now; it is off the run queue and none of its functions runs. */
void tr__end_now(tr__home *home, tr_self *self, int reason);

/* What both an actor's end and a refused init do: the pid goes stale, what is queued becomes dead
 * letters with that reason, memory goes back. */
void tr__dissolve(tr__home *home, tr_self *self, int reason);

/* End all that live on the loop, for a shutdown: first the others, then those that last. */
void tr__end_all(tr__home *home, bool lasting);

#endif
