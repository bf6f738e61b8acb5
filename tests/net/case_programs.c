/* Programs, where time is virtual and where it is not. */
#include <troupe/net.h>

#include "sync/cases.h"

CASE(a_program_is_not_for_simulations)
{
    const char *const argv[] = { "true", NULL };
    tr_process_result r;
    tr_process *p;
    int rc = tr_process_spawn(&p, argv, NULL);

    EXPECT(rc == (CASES_SIMULATED ? TR_EWRONGPLACE : 0));
    EXPECT(tr_process_run(&r, argv, NULL) == rc);
    EXPECT(tr_process_free(p) == 0);
    tr_process_result_free(&r);
}

CASES("programs", a_program_is_not_for_simulations)
