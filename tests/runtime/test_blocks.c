/* Every way out of a block: its clean-up runs once, in order, and what is returned was evaluated
 * before. */
#include <math.h>
#include <string.h>

#include "runtime/task.h"
#include "support/kit.h"

#ifndef __OPTIMIZE__
/* Without optimization gcc takes every way out of a clean-up for one that may be gone: so it
 * believes that a function may go on behind a block that always returns. */
#pragma GCC diagnostic ignored "-Wreturn-type"
#endif

static char trace[256];
static int ran; /* children */
static int written;

static void note(void *text)
{
    strcat(trace, text);
}

static int child(void *unused)
{
    (void)unused;
    ran++;
    return 0;
}

static int bad_child(void *unused)
{
    (void)unused;
    ran++;
    written = -5;
    return TR_EDEAD;
}

/* Nothing that was entered is left, and the task can go on. */
static void expect_outside(void)
{
    const tr_task *task = tr__task_here();

    ck_assert_ptr_eq(task->innermost, tr__task_root(task));
    ck_assert_ptr_null(task->innermost->inner);
    ck_assert(isinf(tr_deadline_left()));
    ck_assert(!tr_cancel_requested());
    ck_assert_int_eq(tr_yield(), 0);
    trace[0] = '\0';
    ran = 0;
}

/* ---- scopes ---- */

static int fall_through(void)
{
    int rc = 1;

    TR_SCOPE(s, &rc) {
        ck_assert_int_eq(rc, 0);
        tr_scope_spawn(s, child, NULL);
        tr_scope_spawn(s, bad_child, NULL);
    }
    return rc;
}

static int leave_by_break(void)
{
    int rc = 1;

    TR_SCOPE(s, &rc) {
        tr_scope_spawn(s, child, NULL);
        if (ran == 0)
            break;
        ran = 100;
    }
    return rc;
}

static int leave_by_continue(void)
{
    int rc = 1;

    TR_SCOPE(s, &rc) {
        tr_scope_spawn(s, child, NULL);
        if (ran == 0)
            continue;
        ran = 100;
    }
    return rc;
}

static int leave_by_return(int *rc)
{
    int result = 3;

    TR_SCOPE(s, rc) {
        tr_scope_spawn(s, bad_child, NULL);
        return result;
    }
}

static int return_what_a_child_writes(void)
{
    written = 9;
    TR_SCOPE(s, NULL) {
        tr_scope_spawn(s, bad_child, NULL);
        return written;
    }
}

static int return_the_join(void)
{
    TR_SCOPE(s, NULL) {
        tr_scope_spawn(s, bad_child, NULL);
        return tr_scope_join(s);
    }
}

static int leave_by_goto(int *rc)
{
    TR_SCOPE(s, rc) {
        tr_scope_spawn(s, child, NULL);
        goto out;
    }
    ran = 100;
out:
    return 1;
}

static int scope_as_last_statement(int *rc)
{
    TR_SCOPE(s, rc)
        tr_scope_spawn(s, child, NULL);
    return ran;
}

static int leave_scopes(void *unused)
{
    int rc;

    (void)unused;
    ck_assert_int_eq(fall_through(), TR_EDEAD);
    ck_assert_int_eq(ran, 2);
    expect_outside();
    ck_assert_int_eq(leave_by_break(), 0);
    ck_assert_int_eq(ran, 1);
    expect_outside();
    ck_assert_int_eq(leave_by_continue(), 0);
    ck_assert_int_eq(ran, 1);
    expect_outside();
    ck_assert_int_eq(leave_by_return(&rc), 3);
    ck_assert_int_eq(rc, TR_EDEAD);
    ck_assert_int_eq(ran, 1);
    expect_outside();
    ck_assert_int_eq(return_what_a_child_writes(), 9);
    ck_assert_int_eq(written, -5);
    expect_outside();
    ck_assert_int_eq(return_the_join(), TR_EDEAD);
    ck_assert_int_eq(ran, 1);
    expect_outside();
    ck_assert_int_eq(leave_by_goto(&rc), 1);
    ck_assert_int_eq(ran, 1);
    ck_assert_int_eq(rc, 0);
    expect_outside();
    ck_assert_int_eq(scope_as_last_statement(&rc), 1);
    expect_outside();
    return 0;
}

START_TEST(scope_is_joined_on_every_way_out)
{
    kit_start(1);
    ck_assert_int_eq(kit_in_task(0, leave_scopes, NULL), 0);
    kit_stop();
}
END_TEST

/* ---- nested ---- */

static int nest_deadlines(int way)
{
    TR_DEADLINE(60.0) {
        TR_SHIELD(TR_FOREVER) {
            TR_SCOPE(s, NULL) {
                tr_scope_spawn(s, child, NULL);
                if (way == 1)
                    return 1;
                if (way == 2)
                    goto out;
                if (way == 3)
                    break; /* of the scope alone */
                strcat(trace, "s");
            }
            strcat(trace, "h");
        }
        strcat(trace, "d");
    }
    strcat(trace, "e");
out:
    return 0;
}

static int nest_in_a_loop(int way)
{
    int turns = 0;

    for (int i = 0; i < 3; i++)
        TR_SHIELD(TR_FOREVER) {
            if (way == 1)
                return 100;
            turns++;
            if (i == 1)
                break; /* of the block, not of the loop */
            turns += 10;
        }
    return turns;
}

static int nest_else(int way)
{
    TR_DEADLINE(1.0)
        if (way)
            return 5;
        else
            return 6;
    return 7;
}

static int nest_all(void *unused)
{
    static const char *const traces[] = { "shde", "", "", "hde" };

    (void)unused;
    for (int way = 0; way < 4; way++) {
        ck_assert_int_eq(nest_deadlines(way), way == 1);
        ck_assert_int_eq(ran, 1);
        ck_assert_str_eq(trace, traces[way]);
        expect_outside();
    }
    ck_assert_int_eq(nest_in_a_loop(0), 23);
    expect_outside();
    ck_assert_int_eq(nest_in_a_loop(1), 100);
    expect_outside();
    ck_assert_int_eq(nest_else(0), 6);
    ck_assert_int_eq(nest_else(1), 5);
    expect_outside();
    return 0;
}

START_TEST(nested_blocks_are_left_from_within)
{
    kit_start(1);
    ck_assert_int_eq(kit_in_task(0, nest_all, NULL), 0);
    kit_stop();
}
END_TEST

/* ---- as statements ---- */

static int without_braces(int way)
{
    if (way)
        TR_SHIELD(TR_FOREVER) {
            ran = 1;
        }
    else
        ran = 2;
    return ran;
}

static int single(void)
{
    TR_SHIELD(TR_FOREVER)
        ran = 7;
    TR_DEADLINE(1.0)
        ran++;
    return ran;
}

static int in_a_for_loop(void)
{
    int n = 0;

    for (int i = 0; i < 5; i++) {
        TR_DEADLINE(60.0) {
            n++;
            if (i == 2)
                continue; /* of the block: it is at its end */
            n += 10;
        }
    }
    return n;
}

static int in_a_while_loop(void)
{
    int n = 0;

    while (1) {
        if (n++ > 3)
            return n;
        TR_SHIELD(TR_FOREVER) {
            continue;
        }
    }
}

static int in_a_switch(int way)
{
    switch (way) {
    case 1:
        TR_SHIELD(TR_FOREVER) {
            ran = 1;
            break; /* of the block */
        }
        ran = 50;
        break;
    case 2:
        TR_SCOPE(s, NULL) {
            tr_scope_spawn(s, child, NULL);
            break;
        }
        break;
    default:
        ran = 9;
    }
    return ran;
}

static int loop_within(void)
{
    int n = 0;

    TR_DEADLINE(60.0) {
        for (int i = 0; i < 10; i++) {
            if (i == 2)
                continue; /* of the loop */
            if (i == 5)
                break;
            n += i;
        }
        n += 100;
    }
    return n;
}

static int jump_back(void)
{
    int n = 0;

again:
    TR_SCOPE(s, NULL) {
        tr_scope_spawn(s, child, NULL);
        if (++n < 5)
            goto again;
    }
    return n;
}

/* clang-format off: all on one line */
static int on_one_line(void)
{
    TR_SHIELD(1.0) {
        TR_SHIELD(1.0) {
            TR_SHIELD(1.0) {
                return 1;
            }
        }
    }
}
/* clang-format on */

static int state_all(void *unused)
{
    (void)unused;
    ck_assert_int_eq(without_braces(1), 1);
    ck_assert_int_eq(without_braces(0), 2);
    ck_assert_int_eq(single(), 8);
    expect_outside();
    ck_assert_int_eq(in_a_for_loop(), 45);
    ck_assert_int_eq(in_a_while_loop(), 5);
    ck_assert_int_eq(loop_within(), 108);
    expect_outside();
    ck_assert_int_eq(in_a_switch(1), 50);
    ck_assert_int_eq(in_a_switch(3), 9);
    expect_outside();
    ck_assert_int_eq(in_a_switch(2), 1);
    expect_outside();
    ck_assert_int_eq(jump_back(), 5);
    ck_assert_int_eq(ran, 5);
    expect_outside();
    ck_assert_int_eq(on_one_line(), 1);
    expect_outside();
    return 0;
}

START_TEST(block_is_a_statement)
{
    kit_start(1);
    ck_assert_int_eq(kit_in_task(0, state_all, NULL), 0);
    kit_stop();
}
END_TEST

/* ---- deferred calls ---- */

static int defer_in_loops(int way)
{
    TR_DEFER(note, (char *)"a");
    TR_DEFER(note, (char *)"b");
    for (int i = 0; i < 2; i++) {
        TR_DEFER(note, (char *)"i");
        if (way == i)
            return 1;
        if (way == i + 10)
            continue;
        if (way == i + 20)
            break;
        strcat(trace, ".");
    }
    return 0;
}

static int defer_in_blocks(int way)
{
    TR_DEFER(note, (char *)"1");
    TR_SCOPE(s, NULL) {
        TR_DEFER(note, (char *)"2");
        tr_scope_spawn(s, child, NULL);
        TR_SHIELD(TR_FOREVER) {
            TR_DEFER(note, (char *)"3");
            if (way == 1)
                return 1;
            if (way == 2)
                goto out;
        }
    }
out:
    return 0;
}

static void await_and_note(void *text)
{
    ck_assert(!tr_cancel_requested());
    ck_assert(isinf(tr_deadline_left()));
    ck_assert_int_eq(tr_sleep(0.0001), 0);
    ck_assert_int_eq(tr_yield(), 0);
    note(text);
}

static int defer_while_cancelled(void)
{
    int rc = 0;

    TR_DEADLINE(0, &rc) {
        TR_DEFER(await_and_note, (char *)"x");
        TR_DEFER(await_and_note, (char *)"y");
        rc = tr_yield();
        ck_assert_int_eq(rc, TR_ECANCELED);
    }
    return rc;
}

static int defer_all(void *unused)
{
    static const struct {
        int way;
        int result;
        const char *trace;
    } cases[] = {
        { 9, 0, ".i.iba" }, { 0, 1, "iba" },    { 1, 1, ".iiba" },
        { 10, 0, "i.iba" }, { 11, 0, ".iiba" }, { 20, 0, "iba" },
    };

    (void)unused;
    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        ck_assert_int_eq(defer_in_loops(cases[i].way), cases[i].result);
        ck_assert_str_eq(trace, cases[i].trace);
        trace[0] = '\0';
    }
    for (int way = 0; way < 3; way++) {
        ck_assert_int_eq(defer_in_blocks(way), way == 1);
        ck_assert_str_eq(trace, "321");
        ck_assert_int_eq(ran, 1);
        expect_outside();
    }
    ck_assert_int_eq(defer_while_cancelled(), TR_ETIMEDOUT);
    ck_assert_str_eq(trace, "yx");
    expect_outside();
    return 0;
}

START_TEST(deferred_calls_run_last_first_on_every_way_out)
{
    kit_start(1);
    ck_assert_int_eq(kit_in_task(0, defer_all, NULL), 0);
    kit_stop();
}
END_TEST

/* ---- where no task runs ---- */

struct child_args {
    int unused;
};

static void use_blocks_outside(void *unused)
{
    int rc = 1;
    int inner = 1;

    (void)unused;
    trace[0] = '\0';
    TR_SCOPE(s, &rc) {
        ck_assert_int_eq(rc, 0);
        ck_assert_int_eq(tr_go(s, child), TR_EWRONGPLACE);
        ck_assert_int_eq(tr_scope_spawn(s, child, NULL), TR_EWRONGPLACE);
        ck_assert_int_eq(tr_scope_cancel(s), TR_EWRONGPLACE);
        ck_assert_int_eq(tr_scope_join(s), TR_EWRONGPLACE);
    }
    ck_assert_int_eq(rc, TR_EWRONGPLACE);
    TR_SCOPE(s, &rc) {
        strcat(trace, "s");
    }
    ck_assert_int_eq(rc, 0);
    rc = TR_ECANCELED;
    TR_DEADLINE(0, &rc) {
        ck_assert(!tr_cancel_requested());
        ck_assert(isinf(tr_deadline_left()));
        inner = tr_yield();
    }
    ck_assert_int_eq(inner, TR_EWRONGPLACE);
    ck_assert_int_eq(rc, TR_ECANCELED); /* no time has passed for anybody */
    TR_SHIELD(0) {
        TR_DEFER(note, (char *)"d");
        ck_assert_int_eq(tr_sleep(0), TR_EWRONGPLACE);
    }
    ck_assert_str_eq(trace, "sd");
}

static int use_blocks_in_handler(tr_self *self, void *arg)
{
    (void)self;
    use_blocks_outside(arg);
    return 0;
}

START_TEST(blocks_do_no_harm_where_no_task_runs)
{
    use_blocks_outside(NULL);
    kit_start(1);
    use_blocks_outside(NULL);
    kit_on_loop(0, use_blocks_outside, NULL);
    kit_in_handler(kit_puppet(0), use_blocks_in_handler, NULL);
    kit_stop();
    use_blocks_outside(NULL);
    ck_assert_int_eq(ran, 0);
}
END_TEST

KIT_MAIN("runtime/blocks", scope_is_joined_on_every_way_out, nested_blocks_are_left_from_within,
         block_is_a_statement, deferred_calls_run_last_first_on_every_way_out,
         blocks_do_no_harm_where_no_task_runs)
