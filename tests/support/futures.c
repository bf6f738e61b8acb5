/* What tests of futures share. */
#include "support/futures.h"

static void make_here(void *out)
{
    ck_assert_int_eq(tr_future_new(out), 0);
}

tr_future *kit_future_on(int loop)
{
    tr_future *f;

    kit_on_loop(loop, make_here, &f);
    return f;
}

void kit_resolve_it(void *future)
{
    ck_assert_int_eq(tr_future_resolve(future, NULL, NULL), 0);
}

void kit_fail_it(void *future)
{
    ck_assert_int_eq(tr_future_fail(future, KIT_FAILURE), 0);
}

void kit_cancel_it(void *future)
{
    ck_assert_int_eq(tr_future_cancel(future), 1);
}
