/* Asking and spawning actors, requests of inboxes, and what has ended elsewhere, in a tree of tasks
 * that is cancelled at its n-th await, for every n: nothing is lost, leaked or hung, whether that
 * comes before the await, while it waits, or from another loop at any time. runtime/nth_await does
 * so with all other awaits. */
#include "base/atomic.h"
#include "support/actors.h"
#include "support/futures.h"

typedef enum moment {
    BEFORE,    /* the await begins */
    MEANWHILE, /* by a call that is posted to its loop */
    ELSEWHERE, /* by another loop */
    WHENS
} moment;

typedef struct attempt {
    moment when;
    uint32_t n; /* at which await it is cancelled */
    uint32_t awaits;
    uint32_t is_cancelled;
    uint32_t drops;
    uint32_t sent; /* what will be dropped */
    tr_task *root;
    tr_pid repliers[2];
    tr_future *there; /* of the other loop */
} attempt;

static attempt *now;

static void cancel_root(void *unused)
{
    (void)unused;
    (void)tr_task_cancel(now->root);
}

/* Called before each await. */
static void step(void)
{
    if (tr__add_ordered_u32(&now->awaits, 1) + 1 != now->n) /* ordered: a counter */
        return;
    kit_count(&now->is_cancelled);
    if (now->when == BEFORE)
        cancel_root(NULL);
    else
        ck_assert_int_eq(tr_post(TR_LOOP(now->when == ELSEWHERE), cancel_root, NULL), 0);
}

/* An await that succeeds, or is cancelled: then the function returns. */
#define AWAIT(call)                                                                                \
    do {                                                                                           \
        int rc_;                                                                                   \
                                                                                                   \
        step();                                                                                    \
        rc_ = (call);                                                                              \
        if (rc_ == TR_ECANCELED)                                                                   \
            return expect_cancelled();                                                             \
        ck_assert_msg(rc_ >= 0, #call " gave %d", rc_);                                            \
    } while (0)

static int expect_cancelled(void)
{
    ck_assert_uint_eq(kit_counted(&now->is_cancelled), 1);
    ck_assert(tr_cancel_requested());
    ck_assert_int_eq(tr_yield(), TR_ECANCELED);
    return TR_ECANCELED;
}

/* ---- what is awaited ---- */

static void free_inbox(tr_inbox **in)
{
    tr_inbox_free(*in);
}

static int receive(tr_self *self, void *state, tr_msg *msg)
{
    (void)state;
    if (!tr_is(msg, kit_ask))
        return 0; /* an owned one, which is dropped */
    return tr_reply(self, kit_value, .a = tr_as(msg, kit_ask)->a);
}

static const tr_actor_class replier_class = { .name = "replier", .receive = receive };

/* It has ended already, but on another loop. */
static int use_future(void *unused)
{
    (void)unused;
    AWAIT(tr_await(now->there));
    AWAIT(tr_wait_for(now->there, 60));
    return 0;
}

static int use_actors(void *unused)
{
    (void)unused;
    for (int i = 0; i < 2; i++) {
        struct kit_value answer;
        tr_pid pid;

        kit_count(&now->sent);
        ck_assert_int_eq(tr_send(now->repliers[i], kit_owned, .drops = &now->drops), 0);
        AWAIT(tr_ask(&answer, now->repliers[i], 60, kit_ask, .a = i));
        ck_assert_int_eq(answer.a, i);
        AWAIT(tr_spawn_with(&pid, &replier_class, NULL, &(tr_spawn_options){ .on = TR_LOOP(i) }));
        kit_count(&now->sent);
        ck_assert_int_eq(tr_send(pid, kit_owned, .drops = &now->drops), 0);
    }
    return 0;
}

static int use_inbox(void *unused)
{
    tr_inbox *in __attribute__((cleanup(free_inbox))) = NULL;
    tr_msg *msg;

    (void)unused;
    ck_assert_int_eq(tr_inbox_new(&in, 0), 0);
    for (int i = 0; i < 2; i++) {
        ck_assert_int_eq(tr_inbox_request(in, now->repliers[i], 60, 7, kit_ask, .a = i), 0);
        AWAIT(tr_inbox_receive(in, &msg, 60));
        ck_assert(tr_is(msg, kit_value));
        ck_assert_int_eq(tr_as(msg, kit_value)->a, i);
    }
    kit_count(&now->sent);
    ck_assert_int_eq(tr_send(tr_inbox_pid(in), kit_owned, .drops = &now->drops), 0);
    AWAIT(tr_inbox_receive(in, &msg, 60));
    ck_assert(tr_is(msg, kit_owned));
    return 0;
}

static int use_all(void *unused)
{
    int rc = 0;

    (void)unused;
    TR_SCOPE(s, &rc) {
        (void)tr_scope_spawn(s, use_future, NULL);
        (void)tr_scope_spawn(s, use_inbox, NULL);
        (void)tr_scope_spawn(s, use_actors, NULL);
        (void)tr_scope_spawn_on(s, TR_LOOP(1), use_actors, NULL);
        (void)tr_scope_spawn_on(s, TR_LOOP(1), use_inbox, NULL);
        AWAIT(tr_scope_join(s));
    }
    return rc;
}

/* ---- attempts ---- */

static int hold_root(void *arg)
{
    attempt *a = arg;

    return tr_task_spawn(&a->root, use_all, NULL);
}

static bool try(attempt *a)
{
    int rc;

    now = a;
    kit_start(2);
    for (int i = 0; i < 2; i++)
        a->repliers[i] = kit_spawn(&replier_class, NULL, i);
    a->there = kit_future_on(1);
    kit_resolve_it(a->there);
    ck_assert_int_eq(kit_in_task(0, hold_root, a), 0);
    rc = tr_task_wait(a->root, KIT_PATIENCE_S);
    /* A cancellation from elsewhere may come too late. */
    if (kit_counted(&a->is_cancelled) == 0 || a->when == BEFORE)
        ck_assert_int_eq(rc, kit_counted(&a->is_cancelled) != 0 ? TR_ECANCELED : 0);
    ck_assert(rc == 0 || rc == TR_ECANCELED);
    kit_settle(0);
    kit_settle(1);
    tr_task_unref(a->root);
    tr_future_unref(a->there);
    kit_stop();
    ck_assert_uint_eq(kit_counted(&a->drops), kit_counted(&a->sent));
    return kit_counted(&a->is_cancelled) != 0;
}

static void try_every(moment when)
{
    for (uint32_t n = 1;; n++) {
        attempt a = { .when = when, .n = n };

        if (!try(&a)) {
            ck_assert_uint_gt(n, 16);
            return;
        }
        ck_assert_uint_lt(n, 200);
    }
}

START_TEST(cancelled_before_the_nth_await)
{
    try_every(BEFORE);
}
END_TEST

START_TEST(cancelled_while_it_waits_for_the_nth_time)
{
    try_every(MEANWHILE);
}
END_TEST

START_TEST(cancelled_by_another_loop_about_the_nth_await)
{
    try_every(ELSEWHERE);
}
END_TEST

KIT_MAIN("actors/nth_ask", cancelled_before_the_nth_await,
         cancelled_while_it_waits_for_the_nth_time, cancelled_by_another_loop_about_the_nth_await)
