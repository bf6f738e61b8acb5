/* Actors that await, while memory runs out: a message that gets no stack is a dead letter with
 * TR_ENOMEM, and the next one is handled. */
#include "base/seam.h"
#include "support/gate.h"
#include "support/tasks.h"
#include "support/told.h"

static uint32_t handled;
static uint32_t stopped;

static int count_receive(tr_self *self, void *state, tr_msg *msg)
{
    const struct kit_ask *asked = tr_as(msg, kit_ask);

    if (tr_is(msg, kit_act))
        return kit_act_or_unhandled(self, state, msg);
    handled++;
    return asked != NULL ? tr_reply(self, kit_value, .a = 1) : tr_yield();
}

static void count_stop(tr_self *self, void *state, int reason)
{
    (void)self;
    (void)state;
    (void)reason;
    (void)tr_yield();
    stopped++;
}

static const tr_actor_class count_class = {
    .name = "counting",
    .receive = count_receive,
    .stop = count_stop,
    .awaits = true,
};

static void begin(void)
{
    kit_watch_dead_letters();
    kit_start(1);
}

/* ---- one message, and the n-th call that fails; all on one loop, from a task ---- */

static int send_with_faults(void *arg)
{
    const tr_pid *to = arg;
    int tried = 0;

    for (int lasting = 0; lasting < 2; lasting++)
        for (uint64_t n = 1;; n++) {
            uint32_t before = handled + (uint32_t)kit_dead(TR_ENOMEM);
            bool struck;

            ck_assert_int_eq(tr_send(*to, kit_notice), 0);
            tr__fault_arm(n, lasting);
            kit_let_others_run();
            struck = tr__fault_disarm();
            kit_let_others_run();
            ck_assert_uint_eq(handled + (uint32_t)kit_dead(TR_ENOMEM), before + 1);
            if (!struck)
                break;
            tried++;
        }
    return tried;
}

START_TEST(a_message_that_gets_no_stack_is_a_dead_letter)
{
    tr_pid pid;

    begin();
    pid = kit_spawn(&count_class, NULL, 0);
    ck_assert_int_ge(kit_in_task(0, send_with_faults, &pid), 2);
    ck_assert_int_ge(kit_dead(TR_ENOMEM), 2);
    ck_assert_uint_ge(handled, 2);
    kit_stop();
    ck_assert_uint_eq(stopped, 1);
    ck_assert(!kit_log_contains("nobody has looked at"));
}
END_TEST

static int ask_with_faults(void *arg)
{
    const tr_pid *to = arg;
    int failed = 0;

    for (uint64_t n = 1;; n++) {
        int rc;

        tr__fault_arm(n, false);
        rc = tr_ask(NULL, *to, TR_FOREVER, kit_ask, .a = 1);
        ck_assert(rc == 0 || rc == TR_ENOMEM);
        failed += rc < 0;
        if (!tr__fault_disarm())
            return failed;
    }
}

START_TEST(the_asker_of_one_that_gets_no_stack_is_told)
{
    tr_pid pid;

    begin();
    pid = kit_spawn(&count_class, NULL, 0);
    ck_assert_int_ge(kit_in_task(0, ask_with_faults, &pid), 2);
    kit_stop();
}
END_TEST

/* ---- timers ---- */

static int start_ticking(tr_self *self, void *arg)
{
    (void)arg;
    ck_assert_int_eq(tr_send_every(self, 0.0002, 1, kit_notice), 0);
    ck_assert_int_eq(tr_send_after(self, 0.0002, 2, kit_value, .a = 1), 0);
    return 0;
}

static int tick_with_faults(void *arg)
{
    uint32_t before;

    (void)arg;
    for (int i = 0; i < 5; i++) {
        tr__fault_arm(1, true);
        ck_assert_int_eq(tr_sleep(0.001), 0);
        ck_assert(tr__fault_disarm());
        before = handled;
        while (handled < before + 2)
            ck_assert_int_eq(tr_sleep(0.0001), 0);
    }
    return 0;
}

START_TEST(a_repeating_timer_goes_on_when_there_is_memory_again)
{
    tr_pid pid;

    begin();
    pid = kit_spawn(&count_class, NULL, 0);
    kit_do(pid, start_ticking, NULL);
    ck_assert_int_eq(kit_in_task(0, tick_with_faults, NULL), 0);
    kit_stop();
    ck_assert_int_ge(kit_dead(TR_ENOMEM), 1);
    ck_assert_uint_eq(stopped, 1);
}
END_TEST

/* ---- ends ---- */

static int stop_with_faults(void *arg)
{
    uint32_t spawned = 0;

    (void)arg;
    for (int lasting = 0; lasting < 2; lasting++)
        for (uint64_t n = 1;; n++) {
            tr_pid pid;
            bool struck;

            ck_assert_int_eq(tr_spawn(&pid, &count_class, NULL), 0);
            spawned++;
            tr__fault_arm(n, lasting);
            ck_assert_int_eq(tr_stop(pid), 0);
            kit_let_others_run();
            struck = tr__fault_disarm();
            kit_let_others_run();
            ck_assert_uint_eq(stopped, spawned); /* without a stack it can't await, but is called */
            if (!struck)
                break;
        }
    return 0;
}

START_TEST(a_stop_function_is_called_also_without_a_stack)
{
    begin();
    ck_assert_int_eq(kit_in_task(0, stop_with_faults, NULL), 0);
    kit_stop();
}
END_TEST

static int spawn_with_faults(void *arg)
{
    int failed = 0;

    (void)arg;
    for (uint64_t n = 1;; n++) {
        tr_pid pid;
        int rc;

        tr__fault_arm(n, false);
        rc = tr_spawn(&pid, &count_class, NULL);
        ck_assert(rc == 0 || rc == TR_ENOMEM);
        ck_assert_int_eq(tr_pid_is_none(pid), rc < 0);
        failed += rc < 0;
        if (!tr__fault_disarm())
            return failed;
    }
}

START_TEST(an_actor_that_gets_no_memory_does_not_start)
{
    begin();
    ck_assert_int_ge(kit_in_task(0, spawn_with_faults, NULL), 1);
    kit_stop();
}
END_TEST

KIT_MAIN("awaits", a_message_that_gets_no_stack_is_a_dead_letter,
         the_asker_of_one_that_gets_no_stack_is_told,
         a_repeating_timer_goes_on_when_there_is_memory_again,
         a_stop_function_is_called_also_without_a_stack,
         an_actor_that_gets_no_memory_does_not_start)
