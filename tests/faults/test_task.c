/* Tasks and scopes while memory and mappings run out: what fails says so, what was accepted ends,
 * and everything that needs no memory goes on. */
#include "base/atomic.h"
#include "base/seam.h"
#include "support/kit.h"

static uint32_t begun;
static uint32_t ended;

static void count(uint32_t *counter)
{
    (void)tr__add_ordered_u32(counter, 1); /* ordered: a counter */
}

static bool is_expected(int rc)
{
    return rc == 0 || rc == TR_ENOMEM || rc == TR_ECANCELED;
}

static void expect_fair(int rc)
{
    ck_assert_msg(is_expected(rc), "gave %d", rc);
}

/* ---- children ---- */

static int sleep_a_little(void *unused)
{
    int rc;

    (void)unused;
    count(&begun);
    rc = tr_sleep(0.00001);
    if (rc == 0)
        rc = tr_yield();
    count(&ended);
    ck_assert(rc == 0 || rc == TR_ECANCELED); /* these need no memory */
    return rc;
}

static int await_afar(void *future)
{
    int rc;

    count(&begun);
    rc = tr_await(future);
    count(&ended);
    expect_fair(rc);
    return rc;
}

struct carry_args {
    char bytes[9000];
};

static int carry(void *arg)
{
    const struct carry_args *a = arg;

    count(&begun);
    ck_assert_int_eq(a->bytes[8999], 'x');
    count(&ended);
    return 0;
}

/* ---- every way to spawn ---- */

typedef struct trial {
    int result;
} trial;

static int spawn_children(tr_future *f)
{
    int rc = 1;

    TR_SCOPE(s, &rc) {
        for (int loop = 0; loop < 3; loop++) { /* from any to the second */
            expect_fair(tr_go_on(s, loop, carry, .bytes[8999] = 'x'));
            expect_fair(tr_scope_spawn_on(s, loop, sleep_a_little, NULL));
            expect_fair(tr_scope_spawn_on(s, loop, await_afar, f));
        }
        expect_fair(tr_yield());
        ck_assert_int_eq(tr_future_resolve(f, NULL, NULL), 0);
        expect_fair(tr_scope_join(s));
    }
    return rc;
}

static int spawn_with_handles(void)
{
    int result = 0;

    for (int loop = 0; loop < 3; loop++) {
        const tr_task_options options = {
            .on = loop,
            .name = "named",
            .stack_bytes = loop == 0 ? (size_t)1 << 20 : 0,
        };
        tr_task *t = (tr_task *)(uintptr_t)1;
        int rc = tr_task_spawn_with(&t, sleep_a_little, NULL, &options);

        expect_fair(rc);
        ck_assert_int_eq(t == NULL, rc < 0);
        if (rc == 0)
            rc = tr_task_wait(t, loop == 2 ? 0 : KIT_PATIENCE_S);
        ck_assert(is_expected(rc) || rc == TR_ETIMEDOUT);
        ck_assert(t == NULL || tr_future_is_done(tr_task_future(t)));
        tr_task_unref(t);
        if (rc < 0 && rc != TR_ETIMEDOUT)
            result = rc;
    }
    return result;
}

static void try_all(void *ctx)
{
    trial *t = ctx;
    tr_future *f;
    int rc = tr_future_new(&f);

    expect_fair(rc);
    if (rc == 0)
        rc = spawn_children(f);
    tr_future_unref(f);
    t->result = spawn_with_handles();
    if (rc < 0)
        t->result = rc;
}

static void check_all(void *ctx, bool struck)
{
    const trial *t = ctx;

    expect_fair(t->result);
    if (!struck)
        ck_assert_int_eq(t->result, 0);
    ck_assert_uint_eq(tr__load_acquire_u32(&begun), tr__load_acquire_u32(&ended));
    ck_assert_int_eq(tr_yield(), 0);
}

static int fail_all(void *unused)
{
    const kit_faulty steps = { .attempt = try_all, .check = check_all };
    trial t;

    (void)unused;
    ck_assert_int_gt(kit_for_every_fault_of(&steps, &t, false), 15);
    ck_assert_int_gt(kit_for_every_fault_of(&steps, &t, true), 5);
    return 0;
}

START_TEST(tasks_and_scopes_fail_whole_and_what_has_begun_ends)
{
    for (int round = 0; round < 3; round++) {
        kit_start(2);
        ck_assert_int_eq(kit_in_task(0, fail_all, NULL), 0);
        kit_stop();
    }
}
END_TEST

/* ---- without any memory ---- */

static void note_call(void *called)
{
    ck_assert_int_eq(tr_yield(), 0);
    *(bool *)called = true;
}

static int live_without_memory(void *unused)
{
    bool called = false;
    int rc;

    (void)unused;
    tr__fault_arm(1, true);
    for (int i = 0; i < 3; i++) {
        ck_assert_int_eq(tr_yield(), 0);
        ck_assert_int_eq(tr_sleep(0.00001), 0);
    }
    TR_DEADLINE(0.0001, &rc) {
        TR_DEFER(note_call, &called);
        rc = tr_sleep(TR_FOREVER);
        TR_SHIELD(60) {
            ck_assert_int_eq(tr_sleep(0), 0);
        }
    }
    ck_assert_int_eq(rc, TR_ETIMEDOUT);
    ck_assert(called);
    TR_SCOPE(s, &rc) {
        ck_assert_int_eq(tr_scope_cancel(s), 1);
        ck_assert_int_eq(tr_yield(), TR_ECANCELED);
    }
    ck_assert_int_eq(rc, 0);
    TR_SCOPE(s, &rc) {
        ck_assert_int_eq(tr_scope_spawn_on(s, TR_LOOP(1), sleep_a_little, NULL), TR_ENOMEM);
        ck_assert_int_eq(tr_yield(), TR_ECANCELED);
    }
    ck_assert_int_eq(rc, TR_ENOMEM);
    (void)tr__fault_disarm();
    return 0;
}

START_TEST(sleeping_yielding_and_blocks_need_no_memory)
{
    kit_start(2);
    ck_assert_int_eq(kit_in_task(0, live_without_memory, NULL), 0);
    kit_stop();
}
END_TEST

static int rename_with_faults(void *unused)
{
    (void)unused;
    ck_assert_int_eq(tr_task_set_name(NULL, "old"), 0);
    tr__fault_arm(1, false);
    ck_assert_int_eq(tr_task_set_name(NULL, "new"), TR_ENOMEM);
    (void)tr__fault_disarm();
    ck_assert_str_eq(tr_task_name(NULL), "old");
    return 0;
}

START_TEST(task_that_cant_be_renamed_keeps_its_name)
{
    kit_start(1);
    ck_assert_int_eq(kit_in_task(0, rename_with_faults, NULL), 0);
    kit_stop();
}
END_TEST

/* ---- from a foreign thread ---- */

static void try_submit(void *ctx)
{
    tr_future **f = ctx;
    int rc = tr_submit(f, TR_LOOP(1), sleep_a_little, NULL);

    expect_fair(rc);
    ck_assert_int_eq(*f == NULL, rc < 0);
    if (rc == 0)
        expect_fair(tr_future_wait(*f, KIT_PATIENCE_S));
}

static void check_submit(void *ctx, bool struck)
{
    tr_future **f = ctx;

    if (!struck)
        ck_assert_int_eq(tr_future_status(*f), 0);
    if (*f != NULL)
        ck_assert(tr_future_is_done(*f));
    tr_future_unref(*f);
}

START_TEST(submitted_task_without_memory_ends_with_that)
{
    const kit_faulty steps = { .attempt = try_submit, .check = check_submit };

    for (int round = 0; round < 10; round++) {
        tr_future *f;

        kit_start(2); /* the first stack is yet to be mapped */
        ck_assert_int_gt(kit_for_every_fault_of(&steps, &f, round % 2), 1);
        kit_stop();
    }
}
END_TEST

/* ---- cancelling and shutdowns ---- */

static int stand_about(void *unused)
{
    int rc;

    (void)unused;
    count(&begun);
    rc = tr_sleep(TR_FOREVER);
    TR_SHIELD(TR_FOREVER) {
        ck_assert_int_eq(tr_sleep(0.0001), 0);
    }
    count(&ended);
    return rc;
}

static int open_scopes(void *unused)
{
    int rc;

    (void)unused;
    TR_SCOPE(s, &rc) {
        for (int i = 0; i < 10; i++)
            ck_assert_int_eq(tr_scope_spawn_on(s, TR_LOOP(i % 2), stand_about, NULL), 0);
    }
    return rc;
}

static void fill_with_tasks(void *ctx)
{
    begun = 0;
    ended = 0;
    kit_start(2);
    for (int i = 0; i < 2; i++)
        ck_assert_int_eq(tr_submit(&((tr_future **)ctx)[i], TR_LOOP(i), open_scopes, NULL), 0);
    while (tr__load_acquire_u32(&begun) < 20)
        kit_settle(0);
}

static void try_shutdown(void *ctx)
{
    tr_future **f = ctx;

    ck_assert_int_eq(tr_future_cancel(f[0]), 1);
    ck_assert_int_eq(tr_future_wait(f[0], KIT_PATIENCE_S), TR_ECANCELED);
    ck_assert_int_eq(tr_shutdown(KIT_PATIENCE_S), 0);
}

static void check_shutdown(void *ctx, bool struck)
{
    tr_future **f = ctx;

    (void)struck;
    kit_expect_balance();
    ck_assert_uint_eq(begun, 20);
    ck_assert_uint_eq(ended, 20);
    for (int i = 0; i < 2; i++) {
        ck_assert_int_eq(tr_future_status(f[i]), TR_ECANCELED);
        tr_future_unref(f[i]);
    }
}

START_TEST(cancelling_tasks_and_shutting_them_down_needs_no_memory)
{
    const kit_faulty steps = {
        .begin = fill_with_tasks,
        .attempt = try_shutdown,
        .check = check_shutdown,
    };
    tr_future *f[2];

    (void)kit_for_every_fault_of(&steps, f, false);
    (void)kit_for_every_fault_of(&steps, f, true);
}
END_TEST

KIT_MAIN("faults/task", tasks_and_scopes_fail_whole_and_what_has_begun_ends,
         sleeping_yielding_and_blocks_need_no_memory, task_that_cant_be_renamed_keeps_its_name,
         submitted_task_without_memory_ends_with_that,
         cancelling_tasks_and_shutting_them_down_needs_no_memory)
