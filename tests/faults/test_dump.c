/* tr_dump while memory fails: once, or from then on. It writes nothing, or a picture that says that
 * it is short, or all of it; it returns TR_ENOMEM unless all is there, and keeps nothing. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "runtime/runtime.h"
#include "support/actors.h"
#include "support/holder.h"
#include "support/tasks.h"

enum { COUNT = 200 }; /* more than its arrays begin with */

typedef struct crowd {
    tr_future *parent;
    tr_future *opposed[2];
    tr_mutex locks[2];
    tr_barrier both_have;
    tr_future *drawer; /* a task on a loop that draws; NULL */
    tr_event is_time;  /* for it */
    FILE *out;
    char *text;
    size_t bytes;
    int rc;
} crowd;

static int keep_children(void *unused)
{
    int rc;

    (void)unused;
    TR_SCOPE(s, &rc) {
        for (int i = 0; i < COUNT; i++)
            ck_assert_int_eq(tr_scope_spawn_on(s, TR_LOOP(i % 2), kit_forever, NULL), 0);
    }
    return rc;
}

static int lock_both(crowd *c, int first)
{
    int rc;

    ck_assert_int_eq(tr_lock(&c->locks[first]), 0);
    ck_assert_int_ge(tr_barrier_wait(&c->both_have), 0);
    rc = tr_lock(&c->locks[1 - first]);
    if (rc == 0)
        ck_assert_int_eq(tr_unlock(&c->locks[1 - first]), 0);
    ck_assert_int_eq(tr_unlock(&c->locks[first]), 0);
    return rc;
}

static int lock_first(void *arg)
{
    return lock_both(arg, 0);
}

static int lock_second(void *arg)
{
    return lock_both(arg, 1);
}

static void start_crowd(crowd *c)
{
    *c = (crowd){ .both_have = TR_BARRIER_INIT(3) };
    ck_assert_int_eq(tr_submit(&c->parent, TR_LOOP(0), keep_children, NULL), 0);
    ck_assert_int_eq(tr_submit(&c->opposed[0], TR_LOOP(0), lock_first, c), 0);
    ck_assert_int_eq(tr_submit(&c->opposed[1], TR_LOOP(1), lock_second, c), 0);
    ck_assert_int_ge(tr_barrier_wait(&c->both_have), 0);
    for (int i = 0; i < 6; i++)
        kit_settle(i % 2); /* all of them wait */
}

static void end_one(tr_future *f)
{
    (void)tr_future_cancel(f);
    (void)tr_future_wait(f, KIT_PATIENCE_S); /* the other of two gets the lock, perhaps */
    tr_future_unref(f);
}

static void end_crowd(crowd *c)
{
    end_one(c->parent);
    end_one(c->opposed[0]);
    end_one(c->opposed[1]);
}

static void open_stream(void *arg)
{
    crowd *c = arg;

    c->out = open_memstream(&c->text, &c->bytes);
    ck_assert_ptr_nonnull(c->out);
}

static void dump_it(void *arg)
{
    crowd *c = arg;

    c->rc = tr_dump(c->out);
}

/* What it begins with if all are in it. */
static const char *whole_of(const crowd *c)
{
    return c->drawer == NULL ? "troupe: loops: 2, tasks: 203, " : "troupe: loops: 2, tasks: 204, ";
}

static void check_text(void *arg, bool struck)
{
    crowd *c = arg;
    bool is_whole;

    ck_assert_int_eq(fclose(c->out), 0);
    is_whole = strstr(c->text, whole_of(c)) != NULL && strstr(c->text, "\ndeadlock: ") != NULL;
    ck_assert(c->rc == 0 || c->rc == TR_ENOMEM);
    ck_assert(struck || c->rc == 0);
    ck_assert(c->rc != 0 || is_whole);
    if (c->bytes != 0 && strstr(c->text, whole_of(c)) == NULL)
        ck_assert_ptr_nonnull(strstr(c->text, "  memory was short: there are more\n"));
    free(c->text);
}

static void try_every_fault(bool lasting)
{
    static const kit_faulty steps = { open_stream, dump_it, check_text };
    crowd c;

    kit_start(2);
    start_crowd(&c);
    ck_assert_int_gt(kit_for_every_fault_of(&steps, &c, lasting), 10);
    end_crowd(&c);
    kit_stop();
}

START_TEST(each_allocation_of_a_picture_may_fail)
{
    try_every_fault(false);
}
END_TEST

START_TEST(memory_may_end_while_a_picture_is_drawn)
{
    try_every_fault(true);
}
END_TEST

static int dump_when_told(void *arg)
{
    crowd *c = arg;

    ck_assert_int_eq(tr_event_wait(&c->is_time), 0);
    dump_it(c);
    return 0;
}

static void begin_drawer(void *arg)
{
    crowd *c = arg;

    open_stream(c);
    c->is_time = (tr_event){ 0 };
    ck_assert_int_eq(tr_submit(&c->drawer, TR_LOOP(1), dump_when_told, c), 0);
    kit_settle(1); /* it has its stack, and waits */
}

static void let_it_draw(void *arg)
{
    crowd *c = arg;

    ck_assert_int_eq(tr_event_set(&c->is_time), 0);
    ck_assert_int_eq(tr_future_wait(c->drawer, KIT_PATIENCE_S), 0);
}

static void check_drawer(void *arg, bool struck)
{
    crowd *c = arg;

    tr_future_unref(c->drawer);
    check_text(c, struck);
}

START_TEST(a_loop_that_draws_without_memory_says_so)
{
    static const kit_faulty steps = { begin_drawer, let_it_draw, check_drawer };
    crowd c;

    kit_start(2);
    start_crowd(&c);
    ck_assert_int_gt(kit_for_every_fault_of(&steps, &c, false), 10);
    end_crowd(&c);
    kit_stop();
}
END_TEST

START_TEST(without_a_runtime_there_is_nothing_to_draw)
{
    ck_assert_int_eq(tr_dump(stderr), TR_ESHUTDOWN);
    kit_start(2);
    kit_stop();
    ck_assert_int_eq(tr_dump(NULL), TR_ESHUTDOWN);
}
END_TEST

static void dump_to_stderr(void *unused)
{
    (void)unused;
    ck_assert_int_eq(tr_start(&(tr_config){ .loops = 1 }), 0);
    ck_assert_int_eq(tr_dump(NULL), 0);
    ck_assert_int_eq(tr_shutdown(10), 0);
}

START_TEST(a_picture_goes_to_stderr_unless_it_is_told_otherwise)
{
    char text[1024];

    ck_assert_int_eq(kit_in_child(dump_to_stderr, NULL, text, sizeof(text)), 0);
    ck_assert_str_eq(text, "troupe: loops: 1, tasks: 0, actors: 0\n");
}
END_TEST

/* As when somebody stops the runtime just now: what the loop does can't be asked for. */
START_TEST(a_loop_that_does_not_answer_is_named_though_the_gate_is_shut)
{
    kit_holder holder;
    char *text;
    size_t bytes;
    FILE *out = open_memstream(&text, &bytes);

    kit_start(1);
    kit_hold(&holder, 0);
    tr__gate_lock(&tr__runtime_gate);
    ck_assert_int_eq(tr_dump(out), 0);
    tr__gate_unlock(&tr__runtime_gate);
    kit_let_go(&holder);
    kit_stop();
    ck_assert_int_eq(fclose(out), 0);
    ck_assert_ptr_nonnull(strstr(text, "  loop 0 does not answer\n"));
    free(text);
}
END_TEST

KIT_MAIN("faults/dump", a_loop_that_does_not_answer_is_named_though_the_gate_is_shut,
         each_allocation_of_a_picture_may_fail, memory_may_end_while_a_picture_is_drawn,
         a_loop_that_draws_without_memory_says_so, without_a_runtime_there_is_nothing_to_draw,
         a_picture_goes_to_stderr_unless_it_is_told_otherwise)
