/* Asking from tasks: the slot that their requests belong to. */
#ifndef TR_ACTORS_ASK_H
#define TR_ACTORS_ASK_H

#include "actors/home.h"

/* The loop ends: whoever still waits hears TR_ESHUTDOWN. */
void tr__asker_close(tr__home *home);

#endif
