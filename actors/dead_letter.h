/* Dead letters: counted by reason, told to the hook, or logged at each doubling. */
#ifndef TR_ACTORS_DEAD_LETTER_H
#define TR_ACTORS_DEAD_LETTER_H

#include "actors/home.h"

/* home NULL: on a foreign thread, or without a runtime; it is not in the ledger then. msg NULL: it
 * could not be made; type is then its type's id. One that somebody asked with is not logged: the
 * asker is told. */
void tr__dead_letter(tr__home *home, tr_pid to, uint32_t type, const tr_msg *msg, int reason);

#endif
