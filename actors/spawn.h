/* The beginning of an actor. */
#ifndef TR_ACTORS_SPAWN_H
#define TR_ACTORS_SPAWN_H

#include "actors/home.h"

/* Let a free slot live on this loop without an init, a state or a place in the ledger. */
void tr__slot_occupy(tr__home *home, tr_self *self, const tr_actor_class *cls);

/* An actor that was to start, and will not: who waits for it hears error. */
void tr__start_refuse(tr__home *home, tr_self *self, int error);

/* The upper layer's start and stop: foreign threads may spawn in between. */
void tr__spawn_open(void);
void tr__spawn_close(void);

#endif
