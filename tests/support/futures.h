/* What tests of futures share: futures that are at home on a loop of the test's choice, and what
 * ends them, as a call that can be made in any place. */
#ifndef TR_TESTS_FUTURES_H
#define TR_TESTS_FUTURES_H

#include "support/kit.h"

/* A future that is at home on that loop (from 0). */
tr_future *kit_future_on(int loop);

/* What kit_fail_it fails one with. */
enum { KIT_FAILURE = -7 };

/* Each ends the future that it is given, which nobody has ended yet. */
void kit_resolve_it(void *future);
void kit_fail_it(void *future);
void kit_cancel_it(void *future);

#endif
