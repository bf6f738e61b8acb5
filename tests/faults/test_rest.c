/* Everything else while memory, descriptors and threads run out: starting, stopping, timers,
 * become, keep, inboxes, bytes, posting, closers, signals. */
#include <errno.h>
#include <sched.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>

#include "base/atomic.h"
#include "base/seam.h"
#include "support/actors.h"

static uint32_t made;
static uint32_t dropped;

TR_MESSAGE_OWNING(parcel, rest_parcel_drop)
{
    uint64_t number;
};
TR_MESSAGE_OWNING(crate, rest_crate_drop)
{
    char text[600];
};
TR_REQUEST(question, kit_value)
{
    int64_t a;
};

void rest_parcel_drop(struct parcel *payload)
{
    (void)payload;
    (void)tr__add_ordered_u32(&dropped, 1); /* ordered: a counter */
}

void rest_crate_drop(struct crate *payload)
{
    (void)payload;
    (void)tr__add_ordered_u32(&dropped, 1); /* ordered: a counter */
}

static uint32_t load(const uint32_t *counter)
{
    return tr__load_acquire_u32(counter); /* acquire: a counter */
}

static void expect_done(int rc)
{
    ck_assert_msg(rc == 0 || rc == TR_ENOMEM, "gave %d", rc);
}

static void check_nothing(void *ctx, bool struck)
{
    (void)ctx;
    (void)struck;
}

/* ---- starting and stopping ---- */

static int started;

static void try_start(void *ctx)
{
    started = tr_start(ctx);
}

static int descriptors;
static int threads;

static void check_start(void *ctx, bool struck)
{
    (void)ctx;
    kit_end_start(started, struck);
    ck_assert_int_eq(tr_loop_count(), 0);
    ck_assert_int_eq(kit_open_descriptors(), descriptors);
    while (kit_threads() > threads)
        sched_yield();
}

START_TEST(start_fails_whole_and_can_be_tried_again)
{
    const kit_faulty steps = { .attempt = try_start, .check = check_start };
    tr_config config = { .loops = 3 };

    kit_start(1); /* what a first thread brings with it is there to stay */
    kit_stop();
    descriptors = kit_open_descriptors();
    threads = kit_threads();
    ck_assert_int_gt(kit_for_every_fault_of(&steps, &config, false), 10);
    ck_assert_int_gt(kit_for_every_fault_of(&steps, &config, true), 10);
}
END_TEST

static tr_pid spawn_sink(int loop)
{
    tr_pid pid;

    ck_assert_int_eq(
        tr_spawn_with(&pid, &kit_ignoring_class, NULL, &(tr_spawn_options){ .on = TR_LOOP(loop) }),
        0);
    return pid;
}

static int send_to_other_loop(tr_self *self, void *arg)
{
    (void)self;
    for (int i = 0; i < 100; i++)
        (void)tr_send(*(tr_pid *)arg, parcel, .number = 1);
    return 0;
}

static void fill_runtime(void *ctx)
{
    tr_pid sinks[2];
    tr_pid puppet;

    (void)ctx;
    kit_start(2);
    puppet = kit_puppet(0);
    for (int i = 0; i < 2; i++)
        sinks[i] = spawn_sink(i);
    for (int i = 0; i < 50; i++) {
        (void)tr_send(sinks[i % 2], parcel, .number = 1);
        (void)tr_send(sinks[i % 2], crate, .text = "x");
    }
    kit_in_handler(puppet, send_to_other_loop, &sinks[1]);
    made += 200;
}

static void try_shutdown(void *ctx)
{
    (void)ctx;
    ck_assert_int_eq(tr_shutdown(KIT_PATIENCE_S), 0);
}

static void check_shutdown(void *ctx, bool struck)
{
    (void)ctx;
    (void)struck;
    kit_expect_balance();
    ck_assert_uint_eq(dropped, made);
}

START_TEST(shutdown_needs_no_memory)
{
    const kit_faulty steps = {
        .begin = fill_runtime,
        .attempt = try_shutdown,
        .check = check_shutdown,
    };

    (void)kit_for_every_fault_of(&steps, NULL, true);
}
END_TEST

/* ---- an actor's own affairs ---- */

typedef struct owner_state {
    struct owner_trial *trial;
} owner_state;

typedef struct owner_trial {
    uint64_t n;
    bool lasting;
    bool struck;
    uint32_t fired; /* timers that came */
    uint32_t due;   /* timers that will come */
    uint32_t begun;
} owner_trial;

TR_MESSAGE(begin_owner)
{
    owner_trial *trial;
};

static int receive_timers(tr_self *self, void *state, tr_msg *msg);

static void start_timers(tr_self *self, owner_trial *t)
{
    int rc = tr_send_after(self, 0.001, 0, parcel, .number = 1);

    expect_done(rc);
    t->due += rc == 0;
    rc = tr_send_after(self, 60, 5, crate, .text = "replaced, or dropped at the end");
    expect_done(rc);
    rc = tr_send_after(self, 0.001, 5, parcel, .number = 2);
    expect_done(rc);
    t->due += rc == 0;
    made += 3;
    rc = tr_send_every(self, 0.001, 6, kit_value, .a = 1);
    expect_done(rc);
    t->due += rc == 0;
    expect_done(tr_become(self, receive_timers));
}

static int receive_owner(tr_self *self, void *state, tr_msg *msg)
{
    const struct begin_owner *begin = tr_as(msg, begin_owner);
    owner_state *s = state;
    owner_trial *t;

    if (begin == NULL)
        return receive_timers(self, state, msg);
    t = s->trial = begin->trial;
    tr__fault_arm(t->n, t->lasting);
    start_timers(self, t);
    if (t->lasting)
        t->struck = tr__fault_disarm();
    tr__store_release_u32(&t->begun, 1); /* release: due is set */
    return 0;
}

static int receive_timers(tr_self *self, void *state, tr_msg *msg)
{
    owner_trial *t = ((owner_state *)state)->trial;
    tr_msg *kept;

    if (tr_is(msg, crate))
        return 0;
    if (tr_is(msg, kit_value)) {
        ck_assert_int_eq(tr_timer_cancel(self, 6), 1);
        kept = tr_msg_keep(msg); /* a copy */
        if (kept != NULL)
            (void)tr_send_msg(tr_self_pid(self), kept);
        else
            ck_assert(t->n != 0);
        tr__add_ordered_u32(&t->fired, 1); /* ordered: a counter */
        expect_done(tr_become(self, NULL));
        expect_done(tr_become(self, kit_ignore));
        return 0;
    }
    ck_assert(tr_is(msg, parcel));
    tr__add_ordered_u32(&t->fired, 1); /* ordered: a counter */
    return 0;
}

static const tr_actor_class owner_class = {
    .name = "owner",
    .state_size = sizeof(owner_state),
    .receive = receive_owner,
};

static bool try_owner(owner_trial *t)
{
    tr_pid owner;

    kit_start(1);
    made = 0;
    dropped = 0;
    ck_assert_int_eq(tr_spawn(&owner, &owner_class, NULL), 0);
    ck_assert_int_eq(tr_send(owner, begin_owner, .trial = t), 0);
    /* After the repeating timer's message the actor ignores what comes. */
    while (load(&t->begun) == 0 || (t->due > 0 && load(&t->fired) == 0))
        sched_yield();
    if (!t->lasting)
        t->struck = tr__fault_disarm();
    kit_settle(0);
    kit_stop();
    ck_assert_uint_eq(dropped, made);
    return t->struck;
}

START_TEST(timers_and_become_without_memory)
{
    for (int lasting = 0; lasting < 2; lasting++)
        for (uint64_t n = 1;; n++) {
            owner_trial t = { .n = n, .lasting = lasting };

            if (!try_owner(&t))
                break;
            ck_assert_uint_lt(n, 100);
        }
}
END_TEST

/* ---- inboxes ---- */

static void try_inbox(void *ctx)
{
    tr_inbox **in = ctx;
    int rc = tr_inbox_new(in, 0);

    ck_assert(rc == 0 || rc == TR_ENOMEM || rc == -EMFILE);
    ck_assert_int_eq(*in == NULL, rc < 0);
}

static void check_inbox(void *ctx, bool struck)
{
    tr_inbox **in = ctx;

    if (!struck)
        ck_assert_ptr_nonnull(*in);
    if (*in != NULL) {
        ck_assert_int_eq(tr_send(tr_inbox_pid(*in), kit_value, .a = 3), 0);
        (void)kit_expect_value(*in, 3);
    }
    tr_inbox_free(*in);
}

START_TEST(inbox_is_made_whole_or_not_at_all)
{
    const kit_faulty steps = { .attempt = try_inbox, .check = check_inbox };
    tr_inbox *in;

    kit_start(2);
    ck_assert_int_gt(kit_for_every_fault_of(&steps, &in, false), 3);
    (void)kit_for_every_fault_of(&steps, &in, true);
    kit_stop();
}
END_TEST

static void send_to_inbox(void *ctx)
{
    tr_inbox *in = ctx;
    tr_msg *msg;

    for (int i = 0; i < 3; i++) {
        expect_done(tr_send(tr_inbox_pid(in), parcel, .number = 1));
        expect_done(tr_send(tr_inbox_pid(in), crate, .text = "x"));
        made += 2;
    }
    /* What gets through is received; the rest was dropped. */
    while (load(&dropped) < made)
        (void)tr_inbox_receive(in, &msg, 0);
}

static void check_to_inbox(void *ctx, bool struck)
{
    (void)struck;
    (void)ctx;
    ck_assert_uint_eq(dropped, made);
}

START_TEST(message_to_an_inbox_without_memory_is_dropped_once)
{
    const kit_faulty steps = { .attempt = send_to_inbox, .check = check_to_inbox };
    tr_inbox *in;

    kit_start(2);
    made = 0;
    dropped = 0;
    in = kit_inbox();
    ck_assert_int_gt(kit_for_every_fault_of(&steps, in, false), 6);
    tr_inbox_free(in);
    kit_stop();
    ck_assert_uint_eq(dropped, made);
}
END_TEST

static int reply_receive(tr_self *self, void *state, tr_msg *msg)
{
    (void)state;
    (void)msg;
    (void)tr_reply(self, kit_value, .a = 1);
    return 0;
}

static const tr_actor_class replier_class = { .name = "replier", .receive = reply_receive };

enum { MOST_REQUESTS = 1000 };

typedef struct asking {
    tr_inbox *in;
    tr_pid replier;
    uint32_t tags; /* so far */
    uint32_t accepted;
    uint32_t outcomes;
    uint8_t is_open[MOST_REQUESTS];
} asking;

static void note_outcome(asking *a, tr_msg *msg)
{
    uint64_t tag = tr_msg_tag(msg);

    ck_assert(tr_is(msg, kit_value) || tr_is(msg, tr_request_failed));
    ck_assert_uint_lt(tag, MOST_REQUESTS);
    ck_assert(a->is_open[tag]); /* accepted, and nothing has come yet */
    a->is_open[tag] = 0;
    a->outcomes++;
}

static void ask_from_inbox(void *ctx)
{
    asking *a = ctx;
    tr_msg *msg;

    for (int i = 0; i < 3; i++) {
        uint32_t tag = ++a->tags;
        int rc = tr_inbox_request(a->in, a->replier, 0.05, tag, question, .a = 1);

        ck_assert_uint_lt(tag, MOST_REQUESTS);
        expect_done(rc);
        a->is_open[tag] = rc == 0;
        a->accepted += rc == 0;
    }
    /* An outcome that there was no memory for on its way into the inbox is a dead letter. */
    while (a->outcomes + kit_stats().dead_memory < a->accepted)
        if (tr_inbox_receive(a->in, &msg, 0) == 0)
            note_outcome(a, msg);
}

static void note_rest(asking *a)
{
    tr_msg *msg;

    kit_settle(0);
    while (tr_inbox_receive(a->in, &msg, 0) == 0)
        note_outcome(a, msg);
    tr_inbox_free(a->in);
}

START_TEST(request_from_an_inbox_gets_one_outcome)
{
    const kit_faulty steps = { .attempt = ask_from_inbox, .check = check_nothing };

    for (int loops = 1; loops < 3; loops++) {
        asking a = { .tags = 0 };

        kit_start(loops);
        a.in = kit_inbox();
        ck_assert_int_eq(tr_spawn_with(&a.replier, &replier_class, NULL,
                                       &(tr_spawn_options){ .on = TR_LOOP(loops - 1) }),
                         0);
        ck_assert_int_gt(kit_for_every_fault_of(&steps, &a, false), 3);
        note_rest(&a);
        kit_stop();
        ck_assert_uint_le(a.outcomes, a.accepted);
    }
}
END_TEST

/* ---- bytes ---- */

static void count_free(void *data, void *arg)
{
    (void)data;
    (*(int *)arg)++;
}

static void try_bytes(void *ctx)
{
    int freed = 0;
    tr_bytes *b;
    int rc = tr_bytes_new(&b, "abc", 3);

    expect_done(rc);
    ck_assert_int_eq(b == NULL, rc < 0);
    tr_bytes_unref(b);
    rc = tr_bytes_adopt(&b, ctx, 1, count_free, &freed);
    expect_done(rc);
    ck_assert_int_eq(b == NULL, rc < 0);
    tr_bytes_unref(b);
    ck_assert_int_eq(freed, rc == 0); /* taken on success only */
}

START_TEST(bytes_take_data_only_on_success)
{
    const kit_faulty steps = { .attempt = try_bytes, .check = check_nothing };
    char data = 0;

    ck_assert_int_eq(kit_for_every_fault_of(&steps, &data, false), 2);
    (void)kit_for_every_fault_of(&steps, &data, true);
}
END_TEST

/* ---- posts, closers and signals ---- */

static uint32_t accepted;
static uint32_t called;

static void count_call(void *arg)
{
    (void)arg;
    (void)tr__add_ordered_u32(&called, 1); /* ordered: a counter */
}

static void try_posts(void *ctx)
{
    int loops = *(int *)ctx;

    for (int loop = 0; loop < loops; loop++) {
        int rc = tr_post(TR_LOOP(loop), count_call, NULL);

        expect_done(rc);
        accepted += rc == 0;
    }
}

static void post_with_faults(void *ctx)
{
    const kit_faulty steps = { .attempt = try_posts, .check = check_nothing };

    (void)kit_for_every_fault_of(&steps, ctx, false);
    (void)kit_for_every_fault_of(&steps, ctx, true);
}

START_TEST(what_was_accepted_is_called)
{
    for (int loops = 1; loops < 4; loops++) {
        accepted = 0;
        called = 0;
        kit_start(loops);
        post_with_faults(&loops);
        kit_on_loop(loops - 1, post_with_faults, &loops);
        kit_stop();
        ck_assert_uint_eq(called, accepted);
    }
}
END_TEST

static void try_closer(void *ctx)
{
    int rc = tr_loop_on_close(count_call, NULL);

    (void)ctx;
    expect_done(rc);
    accepted += rc == 0;
}

static void close_with_faults(void *ctx)
{
    const kit_faulty steps = { .attempt = try_closer, .check = check_nothing };

    ck_assert_int_eq(kit_for_every_fault_of(&steps, ctx, false), 1);
    ck_assert_int_eq(kit_for_every_fault_of(&steps, ctx, true), 1);
}

START_TEST(closers_that_were_accepted_are_called)
{
    accepted = 0;
    called = 0;
    kit_start(1);
    kit_on_loop(0, close_with_faults, NULL);
    kit_stop();
    ck_assert_uint_eq(accepted, 2);
    ck_assert_uint_eq(called, 2);
}
END_TEST

static void on_signal(void *arg, int signo)
{
    (void)arg;
    (void)signo;
}

static int watched;

static void try_signal(void *ctx)
{
    (void)ctx;
    watched = tr_on_signal(SIGUSR1, on_signal, NULL);
}

static void check_signal(void *ctx, bool struck)
{
    struct sigaction now;

    (void)ctx;
    expect_done(watched);
    if (!struck)
        ck_assert_int_eq(watched, 0);
    ck_assert_int_eq(sigaction(SIGUSR1, NULL, &now), 0);
    ck_assert_int_eq(now.sa_handler == SIG_DFL, watched < 0);
    ck_assert_int_eq(tr_on_signal(SIGUSR1, NULL, NULL), 0);
    ck_assert_int_eq(sigaction(SIGUSR1, NULL, &now), 0);
    ck_assert(now.sa_handler == SIG_DFL);
}

START_TEST(signal_is_watched_wholly_or_not_at_all)
{
    const kit_faulty steps = { .attempt = try_signal, .check = check_signal };

    kit_start(2);
    ck_assert_int_gt(kit_for_every_fault_of(&steps, NULL, false), 1);
    (void)kit_for_every_fault_of(&steps, NULL, true);
    kit_stop();
}
END_TEST

KIT_MAIN("rest", start_fails_whole_and_can_be_tried_again, shutdown_needs_no_memory,
         timers_and_become_without_memory, inbox_is_made_whole_or_not_at_all,
         message_to_an_inbox_without_memory_is_dropped_once, request_from_an_inbox_gets_one_outcome,
         bytes_take_data_only_on_success, what_was_accepted_is_called,
         closers_that_were_accepted_are_called, signal_is_watched_wholly_or_not_at_all)
