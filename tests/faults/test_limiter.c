/* Keyed limiters while memory runs out. */
#include "support/kit.h"

static void make_and_use(void *unused, int n)
{
    static const char *const keys[] = { "ann", "bob", "eve" };
    tr_keyed_limiter *l;
    size_t known = 0;
    int rc = tr_keyed_limiter_new(&l, 1.0 / 3600, 2, 3);

    (void)unused;
    (void)n;
    ck_assert_int_eq(l != NULL, rc == 0);
    if (rc < 0) {
        ck_assert_int_eq(rc, TR_ENOMEM);
        return;
    }
    for (int i = 0; i < 3; i++) {
        double wait = 7;

        rc = tr_keyed_limiter_try_acquire(l, keys[i], &wait);
        ck_assert_msg(rc == 0 || rc == TR_ENOMEM, "gave %d", rc);
        ck_assert(wait == 0);
        known += rc == 0;
        ck_assert_uint_eq(tr_keyed_limiter_keys(l), known);
    }
    ck_assert_int_eq(tr_keyed_limiter_free(l), 0);
}

START_TEST(a_keyed_limiter_fails_whole_when_one_allocation_fails)
{
    ck_assert_int_eq(kit_for_every_fault(make_and_use, NULL),
                     6); /* itself, two tables, three keys */
}
END_TEST

static void acquire(void *arg)
{
    tr_keyed_limiter *l = *(tr_keyed_limiter **)arg;
    int rc = tr_keyed_limiter_acquire_for(l, "eve", 0);

    ck_assert_msg(rc == 0 || rc == TR_ENOMEM, "gave %d", rc);
}

static void begin(void *arg)
{
    tr_keyed_limiter **l = arg;

    ck_assert_int_eq(tr_keyed_limiter_new(l, 1e9, 1, 1), 0);
    ck_assert_int_eq(tr_keyed_limiter_acquire(*l, "ann"), 0);
    ck_assert_int_eq(tr_keyed_limiter_acquire(*l, "ann"), 0); /* the first token is back */
}

static void check(void *arg, bool struck)
{
    tr_keyed_limiter *l = *(tr_keyed_limiter **)arg;

    /* The one whose bucket was full may be forgotten, the new one is not half known. */
    ck_assert_uint_eq(tr_keyed_limiter_keys(l), struck ? 0 : 1);
    ck_assert_int_eq(tr_keyed_limiter_acquire(l, "eve"), 0);
    ck_assert_int_eq(tr_keyed_limiter_free(l), 0);
}

START_TEST(a_key_that_finds_no_memory_is_not_known)
{
    const kit_faulty steps = { begin, acquire, check };
    tr_keyed_limiter *l;

    ck_assert_int_eq(kit_for_every_fault_of(&steps, &l, false), 1);
}
END_TEST

KIT_MAIN("limiter", a_keyed_limiter_fails_whole_when_one_allocation_fails,
         a_key_that_finds_no_memory_is_not_known)
