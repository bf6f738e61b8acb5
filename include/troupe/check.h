/* Check, the unit test framework, for programs that use troupe: include this instead of <check.h>,
 * whose function tr_msg has the name of a type of troupe's. (Check's is reachable as check_tr_msg
 * in name only: tests hardly ever need it.) Everything else of Check is as it was. */
#ifndef TROUPE_CHECK_H
#define TROUPE_CHECK_H

#define tr_msg check_tr_msg
#include <check.h>
#undef tr_msg

#endif
