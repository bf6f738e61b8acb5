/* Names of actors, as these have them. */
#ifndef TR_ACTORS_REGISTRY_H
#define TR_ACTORS_REGISTRY_H

#include "actors/home.h"
#include "actors/names.h"

/* Foreign threads may look in between. */
void tr__registry_open(void);
void tr__registry_close(void);

/* On its loop: let an actor have a name. Ownership: of the second, takes the name on success.
 * Errors: as tr__name_take; TR_ENOMEM. */
int tr__register_here(tr__home *home, tr_self *self, const char *text);
int tr__register_adopt(tr__home *home, tr_self *self, tr__name *name);

/* An actor ends: its names are free. */
void tr__registry_forget(tr__home *home, const tr_self *self);

#endif
