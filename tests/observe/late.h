/* What late.c and test_hooks.c agree on. */
#ifndef TR_TESTS_LATE_H
#define TR_TESTS_LATE_H

enum { LATE_SAYS = 201, LATE_HEARS = 200 }; /* descriptors */

#endif
