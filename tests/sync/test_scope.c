/* Scopes: no child outlives its block, whichever way that ends; who is cancelled by a failure; what
 * the block's result is. */
#include <string.h>

#include "sync/cases.h"

struct work_args {
    tr_event *go;     /* that it waits for; NULL: for nothing that ever comes */
    int result;       /* that it ends with then */
    int when_cut;     /* ... when it is cancelled before; 0: TR_ECANCELED */
    counter *ended;   /* may be NULL */
    const char *note; /* a letter, at its end; may be NULL */
};

static int work(void *arg)
{
    const struct work_args *a = arg;
    int rc = a->go != NULL ? tr_event_wait(a->go) : tr_sleep(TR_FOREVER);

    if (rc < 0) {
        TR_SHIELD(TR_FOREVER) {
            EXPECT(tr_sleep(0.0001) == 0);
        }
    }
    if (a->ended != NULL)
        count_up(a->ended);
    if (a->note != NULL)
        note(*a->note);
    if (rc == 0)
        return a->result;
    return a->when_cut != 0 ? a->when_cut : rc;
}

struct end_args {
    int result;
    double after; /* seconds */
};

static int end(void *arg)
{
    const struct end_args *a = arg;
    int rc = tr_sleep(a->after);

    return rc < 0 ? rc : a->result;
}

static void cancel_and_unref(void *task)
{
    (void)tr_task_cancel(task);
    tr_task_unref(task);
}

static void cancel_from(int loop, tr_task *task)
{
    EXPECT(tr_post(TR_LOOP(loop), cancel_and_unref, tr_task_ref(task)) == 0);
}

/* ---- ways out ---- */

typedef enum way { END, RETURN, BREAK, CONTINUE, JOIN, FAILURE, WAYS } way;

struct linger_args {
    counter *ended;
};

static int linger(void *arg)
{
    const struct linger_args *a = arg;

    TR_SHIELD(TR_FOREVER) {
        EXPECT(tr_sleep(0.0002) == 0);
    }
    count_up(a->ended);
    return 0;
}

static int leave(way how, counter *ended)
{
    int rc = 1;

    TR_SCOPE(s, &rc) {
        EXPECT(tr_go_on(s, TR_LOOP(0), linger, ended) == 0);
        EXPECT(tr_go_on(s, TR_LOOP(1), linger, ended) == 0);
        if (how == RETURN)
            return (int)count_of(ended);
        if (how == BREAK)
            break;
        if (how == CONTINUE)
            continue;
        if (how == JOIN)
            EXPECT(tr_scope_join(s) == 0 && count_of(ended) == 2);
        if (how == FAILURE)
            tr_go(s, end, TR_EBUSY, 0);
    }
    return rc;
}

CASE(every_way_out_of_a_block_awaits_its_children)
{
    for (way how = END; how < WAYS; how++) {
        counter ended = { 0 };

        /* What is returned is evaluated before they are awaited. */
        EXPECT(leave(how, &ended) == (how == FAILURE ? TR_EBUSY : 0));
        EXPECT(count_of(&ended) == 2);
    }
}

CASE(a_block_without_children_just_ends)
{
    int rc = 1;

    TR_SCOPE(s, &rc) {
    }
    EXPECT(rc == 0);
    TR_SCOPE(s, &rc) {
        EXPECT(tr_scope_join(s) == 0);
        EXPECT(tr_scope_join(s) == 0); /* once more does nothing */
    }
    EXPECT(rc == 0);
}

CASE(many_children_on_all_loops_are_all_awaited)
{
    counter ended = { 0 };
    int rc;

    TR_SCOPE(s, &rc) {
        for (int i = 0; i < 60; i++)
            EXPECT(tr_go_on(s, TR_LOOP(i % 2), linger, &ended) == 0);
    }
    EXPECT(rc == 0 && count_of(&ended) == 60);
}

CASE(children_begin_in_the_order_in_which_they_were_started)
{
    tr_event go = { 0 };
    int rc;

    TR_SCOPE(s, &rc) {
        EXPECT(tr_event_set(&go) == 0);
        tr_go(s, work, .go = &go, .note = "a");
        tr_go(s, work, .go = &go, .note = "b");
        tr_go(s, work, .go = &go, .note = "c");
        EXPECT(strcmp(notes(), "") == 0); /* none has, before the body awaits */
    }
    EXPECT(rc == 0 && strcmp(notes(), "abc") == 0);
}

/* ---- the first failure ---- */

CASE(a_failure_cancels_the_siblings_and_the_body)
{
    for (int loop = 0; loop < 2; loop++) {
        counter ended = { 0 };
        int rc;

        TR_SCOPE(s, &rc) {
            for (int i = 0; i < 4; i++)
                EXPECT(tr_go_on(s, TR_LOOP(i % 2), work, .ended = &ended) == 0);
            EXPECT(tr_go_on(s, TR_LOOP(loop), end, TR_EBUSY, 0) == 0);
            EXPECT(tr_sleep(TR_FOREVER) == TR_ECANCELED);
            EXPECT(tr_cancel_requested());
            EXPECT(tr_yield() == TR_ECANCELED);
        }
        EXPECT(rc == TR_EBUSY && count_of(&ended) == 4);
        EXPECT(!tr_cancel_requested() && tr_yield() == 0);
    }
}

CASE(a_failure_cancels_the_siblings_when_the_body_has_ended)
{
    for (int loop = 0; loop < 2; loop++) {
        counter ended = { 0 };
        int rc;

        TR_SCOPE(s, &rc) {
            EXPECT(tr_go_on(s, TR_LOOP(0), work, .ended = &ended) == 0);
            EXPECT(tr_go_on(s, TR_LOOP(1), work, .ended = &ended) == 0);
            EXPECT(tr_go_on(s, TR_LOOP(loop), end, TR_EBUSY, 0.0001) == 0);
        }
        EXPECT(rc == TR_EBUSY && count_of(&ended) == 2);
    }
}

CASE(of_many_failures_the_first_that_is_listed_is_the_blocks)
{
    tr_scope_error errors[4];
    int result = 0;
    int rc;

    TR_SCOPE(s, &rc) {
        for (int i = 0; i < 2; i++) {
            EXPECT(tr_go_on(s, TR_LOOP(i), work, .when_cut = TR_EPIPE) == 0);
            EXPECT(tr_go_on(s, TR_LOOP(i), end, TR_EBUSY, 0.0001) == 0);
        }
        result = tr_scope_join(s);
        EXPECT(tr_scope_errors(s, errors, 4) >= 3); /* one that ended late may be cancelled */
        EXPECT(errors[0].error == result);
    }
    EXPECT(rc == TR_EBUSY && result == TR_EBUSY);
}

CASE(a_child_that_was_cancelled_and_ends_well_is_no_failure)
{
    int rc;

    TR_SCOPE(s, &rc) {
        EXPECT(tr_go_on(s, TR_LOOP(0), work, .when_cut = 5) == 0);
        EXPECT(tr_go_on(s, TR_LOOP(1), work, .when_cut = 5) == 0);
        EXPECT(tr_scope_cancel(s) == 1);
        EXPECT(tr_scope_join(s) == 0 && tr_scope_errors(s, NULL, 0) == 0);
    }
    EXPECT(rc == 0);
}

CASE(a_child_that_says_it_was_cancelled_cancels_nobody)
{
    tr_event go = { 0 };
    counter ended = { 0 };
    int rc;

    TR_SCOPE(s, &rc) {
        EXPECT(tr_go_on(s, TR_LOOP(1), work, .go = &go, .ended = &ended) == 0);
        EXPECT(tr_go_on(s, TR_LOOP(0), end, TR_ECANCELED, 0) == 0);
        EXPECT(tr_go_on(s, TR_LOOP(1), end, TR_ECANCELED, 0) == 0);
        EXPECT(tr_sleep(0.001) == 0);
        EXPECT(tr_event_set(&go) == 0);
    }
    EXPECT(rc == 0 && count_of(&ended) == 1);
}

CASE(a_body_in_a_shield_learns_of_a_failure_after_it)
{
    for (int loop = 0; loop < 2; loop++) {
        int rc;

        TR_SCOPE(s, &rc) {
            TR_SHIELD(TR_FOREVER) {
                EXPECT(tr_go_on(s, TR_LOOP(loop), end, TR_EBUSY, 0) == 0);
                EXPECT(tr_sleep(0.001) == 0);
                EXPECT(!tr_cancel_requested());
            }
            EXPECT(tr_sleep(TR_FOREVER) == TR_ECANCELED);
        }
        EXPECT(rc == TR_EBUSY);
    }
}

CASE(a_spawn_that_fails_is_a_failure_and_cancels_the_others)
{
    counter ended = { 0 };
    int rc;

    TR_SCOPE(s, &rc) {
        EXPECT(tr_go_on(s, TR_LOOP(1), work, .ended = &ended) == 0);
        EXPECT(tr_go_on(s, TR_LOOP(5), work, .ended = &ended) == TR_EINVAL);
        EXPECT(tr_go(s, work, .ended = &ended) == TR_ECANCELED);
        EXPECT(tr_yield() == TR_ECANCELED);
    }
    EXPECT(rc == TR_EINVAL && count_of(&ended) == 1);
}

/* ---- cancelled from outside ---- */

typedef struct family {
    int when_cut; /* what the children end with, then */
    tr_event begun;
    counter ended;
    int rc;    /* of its block */
    int after; /* of the next await */
    bool body; /* awaits, too */
} family;

static int raise_family(void *arg)
{
    family *f = arg;

    TR_SCOPE(s, &f->rc) {
        for (int i = 0; i < 4; i++)
            EXPECT(tr_go_on(s, TR_LOOP(i % 2), work, .when_cut = f->when_cut, .ended = &f->ended) ==
                   0);
        EXPECT(tr_event_set(&f->begun) == 0);
        if (f->body)
            EXPECT(tr_sleep(TR_FOREVER) == TR_ECANCELED);
    }
    EXPECT(count_of(&f->ended) == 4);
    f->after = tr_yield();
    return f->rc;
}

/* On each loop, cancelled from each. */
static void cancel_families(int when_cut, int result)
{
    for (int i = 0; i < 8; i++) {
        family f = { .when_cut = when_cut, .body = i / 4 == 0 };
        tr_task *t;

        EXPECT(tr_task_spawn_on(&t, TR_LOOP(i % 2), raise_family, &f) == 0);
        EXPECT(tr_event_wait(&f.begun) == 0);
        cancel_from(i / 2 % 2, t);
        EXPECT(tr_task_wait(t, TR_FOREVER) == result);
        EXPECT(f.rc == result && f.after == TR_ECANCELED);
        tr_task_unref(t);
    }
}

CASE(a_cancellation_from_outside_ends_the_children_and_is_not_swallowed)
{
    cancel_families(TR_ECANCELED, TR_ECANCELED);
}

CASE(it_is_not_swallowed_either_when_the_children_end_well)
{
    cancel_families(3, TR_ECANCELED);
}

CASE(an_error_outranks_a_cancellation)
{
    cancel_families(TR_EBUSY, TR_EBUSY);
}

static int fail_meanwhile(void *arg)
{
    family *f = arg;

    TR_SCOPE(s, &f->rc) {
        EXPECT(tr_go_on(s, TR_LOOP(1), work, .go = &f->begun, .result = TR_EBUSY) == 0);
    }
    f->after = tr_yield();
    return f->rc;
}

CASE(a_cancellation_that_meets_a_failure_is_not_swallowed)
{
    for (int loop = 0; loop < 2; loop++) {
        family f = { 0 };
        tr_task *t;

        EXPECT(tr_task_spawn(&t, fail_meanwhile, &f) == 0);
        let_others_run();
        EXPECT(tr_event_set(&f.begun) == 0);
        cancel_from(loop, t);
        EXPECT(tr_task_wait(t, TR_FOREVER) == f.rc);
        /* Whoever was first: it may have ended before it was cancelled. */
        EXPECT(f.rc == TR_EBUSY || (f.rc == TR_ECANCELED && f.after == TR_ECANCELED));
        tr_task_unref(t);
    }
}

static int enter_late(void *arg)
{
    family *f = arg;

    EXPECT(tr_yield() == TR_ECANCELED);
    TR_SCOPE(s, &f->rc) {
        EXPECT(tr_go(s, end, 0, 0) == TR_ECANCELED);
        EXPECT(tr_go_on(s, TR_LOOP(1), end, 0, 0) == TR_ECANCELED);
    }
    EXPECT(f->rc == TR_ECANCELED);
    TR_SCOPE(s, &f->rc) {
    }
    return f->rc;
}

CASE(a_block_in_what_is_cancelled_starts_nothing_and_says_so)
{
    family f = { 0 };
    tr_task *t;

    EXPECT(tr_task_spawn(&t, enter_late, &f) == 0);
    EXPECT(tr_task_cancel(t) == 1);
    EXPECT(tr_task_wait(t, TR_FOREVER) == TR_ECANCELED);
    tr_task_unref(t);
}

static int work_in_a_shield(void *arg)
{
    family *f = arg;

    TR_SHIELD(TR_FOREVER) {
        TR_SCOPE(s, &f->rc) {
            EXPECT(tr_go_on(s, TR_LOOP(0), work, .go = &f->begun, .ended = &f->ended) == 0);
            EXPECT(tr_go_on(s, TR_LOOP(1), work, .go = &f->begun, .ended = &f->ended) == 0);
        }
        EXPECT(f->rc == 0 && count_of(&f->ended) == 2);
    }
    return tr_yield();
}

CASE(a_block_in_a_shield_does_not_learn_of_it)
{
    family f = { 0 };
    tr_task *t;

    EXPECT(tr_task_spawn(&t, work_in_a_shield, &f) == 0);
    let_others_run();
    EXPECT(tr_task_cancel(t) == 1);
    let_others_run();
    EXPECT(tr_event_set(&f.begun) == 0);
    EXPECT(tr_task_wait(t, TR_FOREVER) == TR_ECANCELED);
    tr_task_unref(t);
}

/* ---- cancelled from inside ---- */

CASE(a_block_that_cancels_itself_has_not_failed)
{
    counter ended = { 0 };
    int rc;

    TR_SCOPE(s, &rc) {
        EXPECT(tr_go_on(s, TR_LOOP(0), work, .ended = &ended) == 0);
        EXPECT(tr_go_on(s, TR_LOOP(1), work, .ended = &ended) == 0);
        EXPECT(tr_scope_cancel(s) == 1);
        EXPECT(tr_scope_cancel(s) == 0); /* it is already */
        EXPECT(tr_sleep(0) == TR_ECANCELED);
        EXPECT(tr_go(s, work, .ended = &ended) == TR_ECANCELED);
    }
    EXPECT(rc == 0 && count_of(&ended) == 2); /* those that had not begun began, and cleaned up */
    EXPECT(tr_yield() == 0);
}

struct cancel_args {
    tr_scope *s;
    int result;
};

static int cancel(void *arg)
{
    const struct cancel_args *a = arg;

    EXPECT(tr_scope_cancel(a->s) == a->result);
    return 0;
}

CASE(a_child_may_cancel_the_others)
{
    counter ended = { 0 };
    int rc;

    TR_SCOPE(s, &rc) {
        EXPECT(tr_go_on(s, TR_LOOP(0), work, .ended = &ended) == 0);
        EXPECT(tr_go_on(s, TR_LOOP(1), work, .ended = &ended) == 0);
        tr_go(s, cancel, s, 1);
        tr_go(s, cancel, s, 0);
        EXPECT(tr_sleep(TR_FOREVER) == TR_ECANCELED);
    }
    EXPECT(rc == 0 && count_of(&ended) == 2);
}

struct meddle_args {
    tr_scope *s;
};

static int meddle(void *arg)
{
    const struct meddle_args *a = arg;

    EXPECT(tr_scope_cancel(a->s) == TR_EWRONGPLACE);
    EXPECT(tr_go(a->s, end, 0, 0) == TR_EWRONGPLACE);
    return 0;
}

CASE(a_child_on_another_loop_has_no_business_with_the_scope)
{
    int rc;

    TR_SCOPE(s, &rc) {
        EXPECT(tr_go_on(s, TR_LOOP(1), meddle, s) == 0);
        EXPECT(tr_scope_join(s) == 0 && tr_scope_errors(s, NULL, 0) == 0);
    }
    EXPECT(rc == 0);
}

/* ---- a block that is closing ---- */

struct follow_args {
    tr_scope *s;
    tr_event *go;
    int expected;
};

static int follow(void *arg)
{
    const struct follow_args *a = arg;

    EXPECT(tr_event_wait(a->go) == 0);
    EXPECT(tr_go(a->s, end, 0, 0) == a->expected);
    return 0;
}

static int set_later(void *event)
{
    EXPECT(tr_sleep(0.0001) == 0);
    return tr_event_set(event);
}

CASE(children_start_siblings_until_the_body_has_ended)
{
    tr_event go = { 0 };
    tr_task *setter;
    int rc;

    TR_SCOPE(s, &rc) {
        EXPECT(tr_event_set(&go) == 0);
        tr_go(s, follow, s, &go, 0);
        let_others_run();
    }
    EXPECT(rc == 0);
    EXPECT(tr_event_clear(&go) == 0);
    EXPECT(tr_task_spawn_on(&setter, TR_LOOP(1), set_later, &go) == 0);
    TR_SCOPE(s, &rc) {
        tr_go(s, follow, s, &go, TR_EALREADY);
    }
    EXPECT(rc == TR_EALREADY); /* which is a failure, as any spawn that fails */
    EXPECT(tr_task_wait(setter, TR_FOREVER) == 0);
    tr_task_unref(setter);
}

CASE(a_joined_block_starts_no_more)
{
    counter ended = { 0 };
    int rc;

    TR_SCOPE(s, &rc) {
        EXPECT(tr_go_on(s, TR_LOOP(1), linger, &ended) == 0);
        EXPECT(tr_scope_join(s) == 0 && count_of(&ended) == 1);
        EXPECT(tr_go_on(s, TR_LOOP(1), linger, &ended) == TR_EALREADY);
    }
    EXPECT(rc == TR_EALREADY && count_of(&ended) == 1);
}

CASE(a_deadline_around_a_join_ends_the_children)
{
    for (int loop = 0; loop < 2; loop++) {
        counter ended = { 0 };
        int joined = 0;
        int rc;

        TR_SCOPE(s, &rc) {
            EXPECT(tr_go_on(s, TR_LOOP(loop), work, .ended = &ended) == 0);
            TR_DEADLINE(0.0005, &joined) {
                joined = tr_scope_join(s);
                EXPECT(count_of(&ended) == 1);
            }
        }
        EXPECT(joined == TR_ECANCELED); /* with the scope, which is around it */
        EXPECT(rc == 0);
        EXPECT(tr_yield() == 0);
    }
}

/* ---- blocks in blocks ---- */

CASE(an_inner_failure_stays_inside)
{
    tr_event go = { 0 };
    counter ended = { 0 };
    int inner, outer;

    TR_SCOPE(a, &outer) {
        EXPECT(tr_go_on(a, TR_LOOP(1), work, .go = &go, .ended = &ended) == 0);
        TR_SCOPE(b, &inner) {
            EXPECT(tr_go_on(b, TR_LOOP(1), end, TR_EBUSY, 0) == 0);
            EXPECT(tr_sleep(TR_FOREVER) == TR_ECANCELED);
        }
        EXPECT(inner == TR_EBUSY);
        EXPECT(tr_yield() == 0 && count_of(&ended) == 0);
        EXPECT(tr_event_set(&go) == 0);
    }
    EXPECT(outer == 0 && count_of(&ended) == 1);
}

CASE(an_outer_failure_comes_in)
{
    for (int loop = 0; loop < 2; loop++) {
        counter ended = { 0 };
        int inner, outer;

        TR_SCOPE(a, &outer) {
            EXPECT(tr_go_on(a, TR_LOOP(loop), end, TR_EBUSY, 0.0002) == 0);
            TR_SCOPE(b, &inner) {
                EXPECT(tr_go_on(b, TR_LOOP(0), work, .ended = &ended) == 0);
                EXPECT(tr_go_on(b, TR_LOOP(1), work, .ended = &ended) == 0);
            }
            EXPECT(inner == TR_ECANCELED && count_of(&ended) == 2);
            EXPECT(tr_yield() == TR_ECANCELED);
        }
        EXPECT(outer == TR_EBUSY);
    }
}

CASE(an_inner_block_that_cancels_itself_spares_the_outer_one)
{
    int inner, outer;

    TR_SCOPE(a, &outer) {
        TR_SCOPE(b, &inner) {
            EXPECT(tr_go_on(b, TR_LOOP(1), work, NULL) == 0);
            EXPECT(tr_scope_cancel(b) == 1);
        }
        EXPECT(inner == 0 && tr_yield() == 0);
        TR_SCOPE(b, &inner) {
            EXPECT(tr_go_on(b, TR_LOOP(1), work, NULL) == 0);
            EXPECT(tr_scope_cancel(a) == 1);
        }
        EXPECT(inner == TR_ECANCELED && tr_yield() == TR_ECANCELED);
    }
    EXPECT(outer == 0);
}

/* ---- grandchildren ---- */

typedef struct tree {
    counter begun;
    counter ended;
} tree;

struct grow_args {
    tree *t;
    int depth;
    int result; /* of the leaves */
    double lives;
};

static int grow(void *arg)
{
    const struct grow_args *a = arg;
    int rc;

    count_up(&a->t->begun);
    TR_SCOPE(s, &rc) {
        for (int i = 0; i < 2 && a->depth > 0; i++)
            (void)tr_go_on(s, TR_LOOP(i), grow, a->t, a->depth - 1, i == 1 ? a->result : 0,
                           a->lives);
        if (a->depth == 0)
            (void)tr_sleep(a->result < 0 ? 0.0001 : a->lives);
    }
    TR_SHIELD(TR_FOREVER) {
        EXPECT(tr_sleep(0.0001) == 0);
    }
    count_up(&a->t->ended);
    return rc == 0 && a->depth == 0 ? a->result : rc;
}

CASE(a_failure_climbs_from_grandchildren_over_all_loops)
{
    tree t = { { 0 }, { 0 } };
    int rc;

    TR_SCOPE(s, &rc) {
        tr_go(s, grow, &t, 3, TR_EBUSY, TR_FOREVER);
        EXPECT(tr_sleep(TR_FOREVER) == TR_ECANCELED);
    }
    EXPECT(rc == TR_EBUSY);
    EXPECT(count_of(&t.begun) == count_of(&t.ended));
}

CASE(a_cancellation_reaches_all_grandchildren)
{
    tree t = { { 0 }, { 0 } };
    int rc;

    TR_SCOPE(s, &rc) {
        tr_go(s, grow, &t, 3, 0, TR_FOREVER);
        EXPECT(tr_go_on(s, TR_LOOP(1), grow, &t, 3, 0, TR_FOREVER) == 0);
        EXPECT(tr_sleep(0.0005) == 0);
        EXPECT(tr_scope_cancel(s) == 1);
    }
    EXPECT(rc == 0);
    EXPECT(count_of(&t.begun) >= 2 && count_of(&t.begun) == count_of(&t.ended));
}

static void begin_tree(void *arg)
{
    *(tree *)arg = (tree){ { 0 }, { 0 } };
}

static int grow_two(void *arg)
{
    int rc;

    TR_SCOPE(s, &rc) {
        (void)AWAIT(tr_yield());
        (void)tr_go_on(s, TR_LOOP(0), grow, arg, 1, 0, 0.0002);
        (void)AWAIT(tr_sleep(0.0001));
        (void)tr_go_on(s, TR_LOOP(1), grow, arg, 1, 0, 0.0002);
        (void)AWAIT(tr_scope_join(s));
    }
    return rc;
}

static void expect_all_ended(void *arg, int rc)
{
    const tree *t = arg;

    EXPECT(rc == 0 || rc == TR_ECANCELED);
    EXPECT(count_of(&t->begun) == count_of(&t->ended));
}

CASE(no_child_is_left_whenever_a_tree_is_cancelled)
{
    tree t;

    cancel_at_every_await(&(attempt){ begin_tree, grow_two, expect_all_ended }, &t);
}

/* ---- clean-up ---- */

static void tidy_up(void *letter)
{
    EXPECT(!tr_cancel_requested());
    EXPECT(tr_sleep(0.0001) == 0); /* it may await */
    note(*(const char *)letter);
}

struct tidy_args {
    counter *ended;
};

static int tidy(void *arg)
{
    const struct tidy_args *a = arg;
    int rc;

    TR_DEFER(tidy_up, "1");
    TR_DEFER(tidy_up, "2");
    TR_DEFER(NULL, NULL);
    rc = tr_sleep(TR_FOREVER);
    note('0');
    count_up(a->ended);
    return rc;
}

CASE(clean_up_of_a_cancelled_child_is_awaited_the_last_first)
{
    for (int loop = 0; loop < 2; loop++) {
        counter ended = { 0 };
        int rc;

        TR_SCOPE(s, &rc) {
            EXPECT(tr_go_on(s, TR_LOOP(loop), tidy, &ended) == 0);
            EXPECT(tr_go_on(s, TR_LOOP(1), end, TR_EBUSY, 0) == 0);
        }
        EXPECT(rc == TR_EBUSY && count_of(&ended) == 1);
    }
    EXPECT(strcmp(notes(), "021021") == 0);
}

CASE(clean_up_of_a_body_comes_before_its_children_are_awaited)
{
    tr_event go = { 0 };
    int rc;

    TR_SCOPE(s, &rc) {
        TR_DEFER(tidy_up, "b");
        EXPECT(tr_go_on(s, TR_LOOP(1), work, .go = &go, .note = "c") == 0);
        EXPECT(tr_scope_cancel(s) == 1);
        EXPECT(tr_yield() == TR_ECANCELED);
    }
    EXPECT(rc == 0 && strlen(notes()) == 2 && strchr(notes(), 'b') != NULL);
    EXPECT(tr_yield() == 0);
}

CASES("scope", every_way_out_of_a_block_awaits_its_children, a_block_without_children_just_ends,
      many_children_on_all_loops_are_all_awaited,
      children_begin_in_the_order_in_which_they_were_started,
      a_failure_cancels_the_siblings_and_the_body,
      a_failure_cancels_the_siblings_when_the_body_has_ended,
      of_many_failures_the_first_that_is_listed_is_the_blocks,
      a_child_that_was_cancelled_and_ends_well_is_no_failure,
      a_child_that_says_it_was_cancelled_cancels_nobody,
      a_body_in_a_shield_learns_of_a_failure_after_it,
      a_spawn_that_fails_is_a_failure_and_cancels_the_others,
      a_cancellation_from_outside_ends_the_children_and_is_not_swallowed,
      it_is_not_swallowed_either_when_the_children_end_well, an_error_outranks_a_cancellation,
      a_cancellation_that_meets_a_failure_is_not_swallowed,
      a_block_in_what_is_cancelled_starts_nothing_and_says_so,
      a_block_in_a_shield_does_not_learn_of_it, a_block_that_cancels_itself_has_not_failed,
      a_child_may_cancel_the_others, a_child_on_another_loop_has_no_business_with_the_scope,
      children_start_siblings_until_the_body_has_ended, a_joined_block_starts_no_more,
      a_deadline_around_a_join_ends_the_children, an_inner_failure_stays_inside,
      an_outer_failure_comes_in, an_inner_block_that_cancels_itself_spares_the_outer_one,
      a_failure_climbs_from_grandchildren_over_all_loops, a_cancellation_reaches_all_grandchildren,
      no_child_is_left_whenever_a_tree_is_cancelled,
      clean_up_of_a_cancelled_child_is_awaited_the_last_first,
      clean_up_of_a_body_comes_before_its_children_are_awaited)
