/* The wrong place: a foreign thread instead of a handler, a loop callback instead of a handler,
 * another actor's self, a handler instead of a foreign thread; and the wrong time: before the first
 * start, after the end, in a child of fork. Nothing crashes, and what a message owns is dropped. */
#include <signal.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include "support/actors.h"
#include "support/parcels.h"

static void nothing(void *arg)
{
    (void)arg;
}

static void on_signal(void *arg, int signo)
{
    (void)arg;
    (void)signo;
}

/* ---- handlers' functions elsewhere ---- */

/* All that only the handler of that very actor may call. */
static void call_as_stranger(void *arg)
{
    tr_self *self = arg;
    uint32_t before = kit_drops;

    ck_assert_int_eq(tr_request(self, TR_PID_NONE, 1, 1, kit_ask, .a = 1), TR_EWRONGPLACE);
    ck_assert_int_eq(tr_reply(self, kit_value, .a = 1), TR_EWRONGPLACE);
    ck_assert_int_eq(tr_reply(self, kit_parcel, .number = 1), TR_EWRONGPLACE);
    ck_assert_int_eq(tr_reply_error(self, -5), TR_EWRONGPLACE);
    ck_assert(tr_asker_is_none(tr_take_asker(self)));
    ck_assert_int_eq(tr_become(self, kit_ignore), TR_EWRONGPLACE);
    ck_assert_int_eq(tr_exit(self, 0), TR_EWRONGPLACE);
    ck_assert_int_eq(tr_fail(self, -5), TR_EWRONGPLACE);
    ck_assert_int_eq(tr_send_after(self, 1, 1, kit_parcel, .number = 1), TR_EWRONGPLACE);
    ck_assert_int_eq(tr_send_every(self, 1, 1, kit_value, .a = 1), TR_EWRONGPLACE);
    ck_assert_int_eq(tr_timer_cancel(self, 1), TR_EWRONGPLACE);
    ck_assert_uint_eq(kit_drops, before + 2);
}

static int lend_self(tr_self *self, void *arg)
{
    *(tr_self **)arg = self;
    return 0;
}

static int call_as_other_actor(tr_self *self, void *arg)
{
    (void)self;
    call_as_stranger(arg);
    return 0;
}

/* The init of an actor that is spawned within the handler of arg's actor. */
static int call_in_inner_init(tr_self *self, void *state, const void *args)
{
    (void)self;
    (void)state;
    call_as_stranger((void *)(uintptr_t)args);
    return 0;
}

static int spawn_inner(tr_self *self, void *arg)
{
    const tr_actor_class cls = {
        .name = "inner",
        .init = call_in_inner_init,
        .receive = kit_ignore,
    };
    static tr_actor_class kept;
    tr_pid pid;

    (void)arg;
    kept = cls;
    ck_assert_int_eq(tr_spawn(&pid, &kept, self), 0);
    return 0;
}

START_TEST(handlers_functions_are_refused_elsewhere)
{
    tr_self *self = NULL;
    tr_pid puppet;

    call_as_stranger(NULL); /* before the first start */
    kit_start(2);
    puppet = kit_puppet(0);
    kit_in_handler(puppet, lend_self, &self);
    call_as_stranger(NULL);
    call_as_stranger(self);
    kit_on_loop(0, call_as_stranger, NULL);
    kit_on_loop(0, call_as_stranger, self);
    kit_on_loop(1, call_as_stranger, self);
    kit_in_handler(kit_puppet(0), call_as_other_actor, NULL);
    kit_in_handler(kit_puppet(0), call_as_other_actor, self);
    kit_in_handler(kit_puppet(1), call_as_other_actor, self);
    kit_in_handler(puppet, spawn_inner, NULL);
    kit_in_handler(puppet, lend_self, &self); /* it lives on */
    kit_stop();
    call_as_stranger(NULL); /* after the end */
}
END_TEST

/* A handler's self is of no use in its own loop's callbacks, before and after its handler. */
static void send_from_callback(void *arg)
{
    const tr_pid *to = arg;

    ck_assert_int_eq(tr_send(*to, kit_parcel, .number = 1), 0);
    ck_assert_int_eq(tr_stop(*to), 0);
}

START_TEST(callbacks_may_send_and_stop)
{
    tr_pid pid;

    kit_start(2);
    kit_drops = 0;
    for (int loop = 0; loop < 2; loop++) {
        ck_assert_int_eq(tr_spawn(&pid, &kit_ignoring_class, NULL), 0);
        kit_on_loop(loop, send_from_callback, &pid);
    }
    kit_stop();
    ck_assert_uint_eq(kit_drops, 2);
}
END_TEST

/* ---- foreign threads' functions on a loop ---- */

static void ignore_letter(void *ctx, const tr_dead_letter *letter)
{
    (void)ctx;
    (void)letter;
}

/* A request that owns something. */
typedef struct kit_value tr_answer_of_own_question;
TR__DESCRIBE(own_question, __LINE__, "own_question", &tr_type_kit_value, tr_drop_kit_parcel);
struct own_question {
    uint64_t number;
};

/* Where nothing may await. */
static void expect_no_ask(void)
{
    uint32_t before = kit_drops;
    struct kit_value answer = { .a = 7 };
    tr_inbox *in = (tr_inbox *)(uintptr_t)1;

    ck_assert_int_eq(tr_ask(&answer, TR_PID_NONE, 1, own_question), TR_EWRONGPLACE);
    ck_assert_int_eq(answer.a, 0);
    ck_assert_int_eq(tr_ask(NULL, TR_PID_NONE, 1, own_question), TR_EWRONGPLACE);
    ck_assert_uint_eq(kit_drops, before + 2);
    ck_assert_int_eq(tr_inbox_new(&in, 0), TR_EWRONGPLACE);
    ck_assert_ptr_null(in);
}

static void call_as_loop(void *arg)
{
    tr_inbox *in = arg;
    tr_inbox *other = (tr_inbox *)(uintptr_t)1;
    tr_msg *msg = (tr_msg *)(uintptr_t)1;

    ck_assert_int_eq(tr_start(NULL), TR_EWRONGPLACE);
    ck_assert_int_eq(tr_shutdown(0), TR_EWRONGPLACE);
    ck_assert_int_eq(tr_inbox_new(&other, 0), TR_EWRONGPLACE);
    ck_assert_ptr_null(other);
    ck_assert_int_eq(tr_inbox_receive(in, &msg, 1), TR_EWRONGPLACE);
    ck_assert_ptr_null(msg);
    ck_assert_int_eq(tr_inbox_request(in, TR_PID_NONE, 1, 1, kit_ask, .a = 1), TR_EWRONGPLACE);
    expect_no_ask();
    ck_assert_int_eq(tr_on_dead_letter(ignore_letter, NULL), TR_EBUSY);
    ck_assert_int_ge(tr_inbox_fd(in), 0);
    ck_assert(!tr_pid_is_none(tr_inbox_pid(in)));
}

static int call_in_handler(tr_self *self, void *arg)
{
    (void)self;
    call_as_loop(arg);
    return 0;
}

static void spawn_elsewhere(void *arg)
{
    tr_spawn_options there = { .on = TR_LOOP(1) };
    tr_spawn_options spread = { .place = TR_PLACE_SPREAD };
    tr_pid pid = { 1 };

    (void)arg;
    ck_assert_int_eq(tr_spawn_with(&pid, &kit_ignoring_class, NULL, &there), TR_EWRONGPLACE);
    ck_assert_int_eq(tr_spawn_with(&pid, &kit_ignoring_class, NULL, &spread), TR_EWRONGPLACE);
    ck_assert(tr_pid_is_none(pid));
    ck_assert_int_eq(tr_on_signal(SIGUSR1, on_signal, NULL), 0);
    ck_assert_int_eq(tr_on_signal(SIGUSR1, NULL, NULL), 0);
}

static void watch_signal_elsewhere(void *arg)
{
    (void)arg;
    ck_assert_int_eq(tr_on_signal(SIGUSR1, on_signal, NULL), TR_EWRONGPLACE);
}

START_TEST(what_blocks_is_refused_on_a_loop)
{
    tr_inbox *in;

    kit_start(2);
    in = kit_inbox();
    kit_on_loop(0, call_as_loop, in);
    kit_on_loop(1, call_as_loop, in);
    kit_in_handler(kit_puppet(0), call_in_handler, in);
    kit_on_loop(0, spawn_elsewhere, NULL);
    kit_on_loop(1, watch_signal_elsewhere, NULL);
    ck_assert_int_eq(tr_loop_on_close(nothing, NULL), TR_EWRONGPLACE);
    ck_assert_ptr_null(tr_loop_ev(TR_LOOP_ANY));
    ck_assert_int_eq(tr_loop_current(), TR_EWRONGPLACE);
    ck_assert_int_eq(tr_on_dead_letter(NULL, NULL), TR_EBUSY);
    tr_inbox_free(in);
    kit_stop();
}
END_TEST

/* ---- where nothing may await, though a task or a handler that may is around it ---- */

static uint32_t refusals;

static void refuse(void)
{
    expect_no_ask();
    refusals++;
}

static int refuse_init(tr_self *self, void *state, const void *args)
{
    (void)self;
    (void)state;
    (void)args;
    refuse();
    return 0;
}

static void refuse_stop(tr_self *self, void *state, int reason)
{
    (void)self;
    (void)state;
    (void)reason;
    refuse();
}

static const tr_actor_class refuse_class = {
    .name = "refuse",
    .init = refuse_init,
    .receive = kit_ignore,
    .stop = refuse_stop,
};

TR_MESSAGE_OWNING(nosy, places_nosy_drop)
{
    uint64_t number;
};

void places_nosy_drop(struct nosy *payload)
{
    (void)payload;
    refuse();
}

static void refuse_letter(void *ctx, const tr_dead_letter *letter)
{
    (void)ctx;
    if (strcmp(letter->type, "kit_notice") == 0)
        refuse();
}

static void refuse_then(tr_future *f, int status, void *arg)
{
    (void)f;
    (void)status;
    (void)arg;
    refuse();
}

static int call_from_task(void *arg)
{
    tr_future *f;
    tr_pid pid;

    (void)arg;
    ck_assert_int_eq(tr_spawn(&pid, &refuse_class, NULL), 0);
    ck_assert_uint_eq(refusals, 1); /* init */
    ck_assert_int_eq(tr_send(TR_PID_NONE, kit_notice), TR_EDEAD);
    ck_assert_uint_eq(refusals, 2); /* the hook of dead letters */
    ck_assert_int_lt(tr_send(TR_PID_NONE, nosy, .number = 1), 0);
    tr_msg_free(tr_msg_new(nosy, .number = 1));
    ck_assert_uint_eq(refusals, 4); /* what drops */
    ck_assert_int_eq(tr_future_new(&f), 0);
    ck_assert_int_eq(tr_future_then(f, TR_LOOP_ANY, refuse_then, NULL), 0);
    ck_assert_int_eq(tr_future_resolve(f, NULL, NULL), 0);
    ck_assert_int_eq(tr_await(f), 0);
    while (refusals < 5)
        ck_assert_int_eq(tr_yield(), 0); /* a continuation */
    tr_future_unref(f);
    ck_assert_int_eq(tr_stop(pid), 0);
    while (refusals < 6)
        ck_assert_int_eq(tr_yield(), 0); /* stop */
    return 0;
}

START_TEST(what_awaits_is_refused_within_a_task_where_it_may_not)
{
    ck_assert_int_eq(tr_on_dead_letter(refuse_letter, NULL), 0);
    kit_start(1);
    ck_assert_int_eq(kit_in_task(0, call_from_task, NULL), 0);
    ck_assert_uint_eq(refusals, 6);
    kit_stop();
}
END_TEST

/* ---- in the last calls of a loop ---- */

/* What a callback may still ask of a loop that closes. */
static void call_at_close(void *arg)
{
    uint32_t *calls = arg;
    tr_pid pid = { 1 };

    kit_drops = 0;
    ck_assert_int_lt(tr_send(TR_PID_NONE, kit_parcel, .number = 1), 0);
    ck_assert_int_eq(tr_spawn(&pid, &kit_ignoring_class, NULL), TR_ESHUTDOWN);
    ck_assert(tr_pid_is_none(pid));
    ck_assert_int_eq(tr_spawn_async(&pid, &kit_ignoring_class, NULL, NULL), TR_ESHUTDOWN);
    ck_assert_int_eq(tr_loop_on_close(nothing, NULL), TR_ESHUTDOWN);
    ck_assert_int_eq(tr_post(TR_LOOP_ANY, nothing, NULL), TR_ESHUTDOWN);
    ck_assert_int_eq(tr_post(TR_LOOP(0), nothing, NULL), TR_ESHUTDOWN);
    ck_assert_int_lt(tr_stop(TR_PID_NONE), 0);
    ck_assert_int_eq(tr_loop_current(), TR_LOOP(0));
    ck_assert_ptr_nonnull(tr_loop_ev(TR_LOOP_ANY));
    ck_assert_uint_eq(kit_drops, 1);
    (*calls)++;
}

static void register_close(void *arg)
{
    ck_assert_int_eq(tr_loop_on_close(call_at_close, arg), 0);
}

START_TEST(closing_loop_refuses_what_comes_too_late)
{
    uint32_t calls = 0;

    kit_start(1);
    kit_on_loop(0, register_close, &calls);
    kit_stop();
    ck_assert_uint_eq(calls, 1);
}
END_TEST

/* ---- without a runtime ---- */

static void send_without_runtime(int wanted)
{
    static const tr_pid forged = { UINT64_C(3) << 32 | 5 };
    uint32_t before = kit_drops;
    tr_msg *msg = tr_msg_new(kit_parcel, .number = 2);

    ck_assert_int_eq(tr_send(forged, kit_parcel, .number = 1), wanted);
    ck_assert_int_eq(tr_send(forged, kit_large, .a = 1), wanted);
    ck_assert_int_eq(tr_try_send_msg(forged, msg), wanted);
    ck_assert_int_eq(tr_send_msg(forged, msg), wanted); /* it was still ours */
    ck_assert_int_eq(tr_forward(tr_msg_new(kit_parcel, .number = 2), forged), wanted);
    tr_msg_free(tr_msg_keep(tr_msg_new(kit_parcel, .number = 3)));
    ck_assert_int_eq(tr_stop(forged), wanted);
    ck_assert_int_eq(tr_kill(forged), wanted);
    ck_assert_int_eq(tr_answer_error((tr_asker){ .tr__pid = forged }, -5), wanted);
    ck_assert_int_lt(tr_answer((tr_asker){ .tr__pid = forged }, kit_parcel, .number = 1), 0);
    ck_assert_uint_eq(kit_drops, before + 5);
}

static void call_without_runtime(int wanted)
{
    tr_pid pid = { 1 };
    tr_inbox *in = (tr_inbox *)(uintptr_t)1;
    tr_future *f = (tr_future *)(uintptr_t)1;

    send_without_runtime(wanted);
    ck_assert_int_eq(tr_shutdown(0), wanted);
    ck_assert_int_eq(tr_spawn(&pid, &kit_ignoring_class, NULL), wanted);
    ck_assert(tr_pid_is_none(pid));
    ck_assert_int_eq(tr_spawn_async(&pid, &kit_ignoring_class, NULL, NULL), wanted);
    ck_assert_int_eq(tr_post(TR_LOOP_ANY, nothing, NULL), wanted);
    ck_assert_int_eq(tr_post(TR_LOOP(0), nothing, NULL), wanted);
    ck_assert_int_eq(tr_on_signal(SIGUSR1, on_signal, NULL), wanted);
    ck_assert_int_eq(tr_on_signal(SIGUSR1, NULL, NULL), wanted);
    ck_assert_int_eq(tr_inbox_new(&in, 0), wanted);
    ck_assert_ptr_null(in);
    ck_assert_int_eq(tr_ask(NULL, pid, 1, kit_ask, .a = 1), wanted);
    ck_assert_int_eq(tr_ask_future(&f, pid, 1, kit_ask, .a = 1), wanted);
    ck_assert_ptr_null(f);
    ck_assert_int_eq(tr_loop_current(), TR_EWRONGPLACE);
    ck_assert_ptr_null(tr_loop_ev(TR_LOOP_ANY));
    ck_assert_int_eq(tr_loop_on_close(nothing, NULL), TR_EWRONGPLACE);
    (void)kit_stats();
}

START_TEST(everything_is_refused_before_the_first_start)
{
    ck_assert_int_eq(tr_loop_count(), 0);
    tr_log_set(NULL, NULL);
    ck_assert_int_eq(tr_on_dead_letter(ignore_letter, NULL), 0);
    call_without_runtime(TR_ESHUTDOWN);
    ck_assert_int_eq(tr_on_dead_letter(NULL, NULL), 0);
}
END_TEST

START_TEST(everything_is_refused_after_the_end)
{
    tr_inbox *in;
    tr_msg *msg;

    kit_start(2);
    in = kit_inbox();
    ck_assert_int_eq(tr_send(tr_inbox_pid(in), kit_parcel, .number = 1), 0);
    ck_assert_int_eq(tr_send(tr_inbox_pid(in), kit_parcel, .number = 2), 0);
    ck_assert_ptr_nonnull(tr_as(kit_next(in), kit_parcel));
    kit_drops = 0;
    ck_assert_int_eq(tr_shutdown(KIT_PATIENCE_S), 0);
    ck_assert_int_eq(tr_loop_count(), 0);
    call_without_runtime(TR_ESHUTDOWN);
    /* What it holds may still be received, then it says so. */
    kit_drops = 0;
    while (tr_inbox_receive(in, &msg, KIT_PATIENCE_S) == 0)
        ck_assert_ptr_nonnull(tr_as(msg, kit_parcel));
    ck_assert_int_eq(tr_inbox_receive(in, &msg, TR_FOREVER), TR_ESHUTDOWN);
    ck_assert_ptr_null(msg);
    ck_assert_int_eq(tr_inbox_request(in, TR_PID_NONE, 1, 1, kit_ask, .a = 1), TR_ESHUTDOWN);
    ck_assert_int_ge(tr_inbox_fd(in), 0);
    tr_inbox_free(in);
    kit_expect_balance();
}
END_TEST

START_TEST(child_of_fork_is_refused_everything)
{
    int status;
    pid_t child;

    kit_start(2);
    child = fork();
    ck_assert_int_ge(child, 0);
    if (child == 0) {
        ck_assert_int_eq(tr_start(NULL), TR_EFORKED);
        call_without_runtime(TR_EFORKED);
        kit_end_child(7);
    }
    ck_assert_int_eq(waitpid(child, &status, 0), child);
    ck_assert(WIFEXITED(status));
    ck_assert_int_eq(WEXITSTATUS(status), 7);
    kit_stop();
}
END_TEST

KIT_MAIN("places", handlers_functions_are_refused_elsewhere, callbacks_may_send_and_stop,
         what_blocks_is_refused_on_a_loop, what_awaits_is_refused_within_a_task_where_it_may_not,
         closing_loop_refuses_what_comes_too_late, everything_is_refused_before_the_first_start,
         everything_is_refused_after_the_end, child_of_fork_is_refused_everything)
