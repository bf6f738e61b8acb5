/* Sending while memory runs out, at each place where it can: nothing that is owned is lost, or
 * dropped twice, and the runtime goes on. */
#include <sched.h>

#include "base/atomic.h"
#include "base/seam.h"
#include "support/actors.h"

static uint32_t made; /* owning payloads that were handed to troupe */
static uint32_t dropped;

static void count_drop(void)
{
    (void)tr__add_ordered_u32(&dropped, 1); /* ordered: a counter */
}

TR_MESSAGE_OWNING(small, faults_small_drop)
{
    uint64_t number;
};
TR_MESSAGE_OWNING(large, faults_large_drop)
{
    char text[500];
};
TR_MESSAGE_OWNING(huge, faults_huge_drop)
{
    char text[9000];
};

void faults_small_drop(struct small *payload)
{
    (void)payload;
    count_drop();
}

void faults_large_drop(struct large *payload)
{
    (void)payload;
    count_drop();
}

void faults_huge_drop(struct huge *payload)
{
    (void)payload;
    count_drop();
}

/* ---- what is tried ---- */

typedef struct trial {
    tr_pid to;
    uint64_t n;
    int copies;
    bool lasting;
    bool struck;
} trial;

static void expect_sent(int rc)
{
    made++;
    ck_assert_msg(rc == 0 || rc == TR_ENOMEM, "sending gave %d", rc);
}

static void send_made(tr_pid to)
{
    tr_msg *msg = tr_msg_new(large, .text = "x");
    int rc;

    made++;
    if (msg != NULL)
        (void)tr_send_msg(to, msg);
    msg = tr_msg_new(small, .number = 1);
    made++;
    if (msg != NULL && (rc = tr_try_send_msg(to, msg)) < 0) {
        ck_assert_int_eq(rc, TR_ENOMEM);
        tr_msg_free(msg); /* still ours */
    }
    msg = tr_msg_new(huge, .text = "x");
    made++;
    if (msg != NULL)
        (void)tr_forward(msg, to);
}

static void send_each_kind(const trial *t)
{
    for (int i = 0; i < t->copies; i++) {
        expect_sent(tr_send(t->to, small, .number = 1));
        (void)tr_send(t->to, kit_notice);
    }
    expect_sent(tr_send(t->to, large, .text = "x"));
    expect_sent(tr_send(t->to, huge, .text = "x"));
    send_made(t->to);
}

static void send_with_fault(void *arg)
{
    trial *t = arg;

    tr__fault_arm(t->n, t->lasting);
    send_each_kind(t);
    if (t->lasting)
        t->struck = tr__fault_disarm();
}

static int send_in_handler(tr_self *self, void *arg)
{
    (void)self;
    send_with_fault(arg);
    return 0;
}

/* ---- who tries it ---- */

typedef enum sender { FOREIGN, CALLBACK, HANDLER } sender;

static uint32_t load(const uint32_t *counter)
{
    return tr__load_acquire_u32(counter); /* acquire: a counter */
}

/* A fresh runtime each time, so that lanes, magazines and arenas are made again. */
static bool try_once(sender who, int loops, bool relayed, trial *t)
{
    int target = loops - 1;
    tr_pid puppet;

    kit_start(loops);
    made = 0;
    dropped = 0;
    puppet = kit_puppet(0);
    ck_assert_int_eq(tr_spawn_with(&t->to, &kit_ignoring_class, NULL,
                                   &(tr_spawn_options){ .on = TR_LOOP(target) }),
                     0);
    if (relayed) /* there and back again */
        ck_assert_int_eq(tr_spawn_with(&t->to, &kit_forwarder_class, &(tr_pid){ puppet.tr__id },
                                       &(tr_spawn_options){ .on = TR_LOOP(target) }),
                         0);
    if (who == FOREIGN)
        send_with_fault(t);
    else if (who == CALLBACK)
        kit_on_loop(0, send_with_fault, t);
    else
        kit_in_handler(puppet, send_in_handler, t);
    while (load(&dropped) < load(&made)) /* the fault may come in landing, too */
        sched_yield();
    if (!t->lasting)
        t->struck = tr__fault_disarm();
    for (int loop = 0; loop < loops; loop++)
        kit_settle(loop);
    kit_stop();
    ck_assert_uint_eq(dropped, made);
    return t->struck;
}

static void try_every(sender who, int loops, bool relayed)
{
    for (int lasting = 0; lasting < 2; lasting++)
        for (uint64_t n = 1;; n++) {
            trial t = { .n = n, .copies = 3, .lasting = lasting };

            if (!try_once(who, loops, relayed, &t))
                break;
            ck_assert_uint_lt(n, 1000);
        }
}

START_TEST(foreign_thread_sends_without_memory)
{
    try_every(FOREIGN, 1, false);
    try_every(FOREIGN, 2, false);
}
END_TEST

START_TEST(callback_sends_without_memory)
{
    try_every(CALLBACK, 1, false);
    try_every(CALLBACK, 2, false);
}
END_TEST

START_TEST(handler_sends_without_memory)
{
    try_every(HANDLER, 1, false);
    try_every(HANDLER, 2, false);
}
END_TEST

START_TEST(relay_forwards_without_memory)
{
    try_every(FOREIGN, 2, true);
    try_every(HANDLER, 1, true);
    try_every(HANDLER, 2, true);
}
END_TEST

/* More than two chunks of a lane at once; the steps keep it short. */
START_TEST(lane_grows_without_memory)
{
    for (int lasting = 0; lasting < 2; lasting++)
        for (uint64_t n = 1; n < 3000; n += n < 8 ? 1 : n / 5) {
            trial t = { .n = n, .copies = 600, .lasting = lasting };

            (void)try_once(HANDLER, 2, false, &t);
        }
}
END_TEST

KIT_MAIN("send", foreign_thread_sends_without_memory, callback_sends_without_memory,
         handler_sends_without_memory, relay_forwards_without_memory, lane_grows_without_memory)
