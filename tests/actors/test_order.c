/* Order from each sender to each receiver, between loops and from foreign threads; and fairness. */
#include <pthread.h>

#include "support/actors.h"

enum { LOOPS = 4, SENDERS = 8, RECEIVERS = 8, MESSAGES = 1000, THREADS = 3 };

static tr_pid receivers[RECEIVERS];
static uint32_t finished;

typedef struct receiver {
    int64_t next[SENDERS + THREADS];
    int64_t left;
} receiver;

static int receiver_init(tr_self *self, void *state, const void *args)
{
    (void)self;
    ((receiver *)state)->left = *(const int64_t *)args;
    return 0;
}

static int take_turn(receiver *r, int64_t sender, int64_t number)
{
    if (r->next[sender] != number)
        ck_abort_msg("sender %d: %d comes, %d was to come", (int)sender, (int)number,
                     (int)r->next[sender]);
    r->next[sender]++;
    if (--r->left == 0)
        kit_count(&finished);
    return 0;
}

static int receiver_receive(tr_self *self, void *state, tr_msg *msg)
{
    const struct kit_value *value = tr_as(msg, kit_value);
    const struct kit_large *large = tr_as(msg, kit_large);

    (void)self;
    if (value != NULL)
        return take_turn(state, value->b, value->a);
    return large != NULL ? take_turn(state, large->text[0], large->a) : TR_UNHANDLED;
}

static const tr_actor_class receiver_class = {
    .name = "receiver",
    .state_size = sizeof(receiver),
    .args_size = sizeof(int64_t),
    .init = receiver_init,
    .receive = receiver_receive,
};

/* Small and large ones in turn: they travel differently, and must not overtake each other. */
static void send_number(int64_t sender, int64_t number)
{
    for (int to = 0; to < RECEIVERS; to++) {
        int rc = number % 3 == 2
                     ? tr_send(receivers[to], kit_large, .a = number, .text = { (char)sender })
                     : tr_send(receivers[to], kit_value, .a = number, .b = sender);

        if (rc < 0)
            ck_abort_msg("a send failed");
    }
}

/* Sends ten of each, then lets others run: .a is the next number, .b the sender. */
static int sender_receive(tr_self *self, void *state, tr_msg *msg)
{
    const struct kit_value *at = tr_as(msg, kit_value);

    (void)state;
    for (int64_t i = at->a; i < at->a + 10; i++)
        send_number(at->b, i);
    return at->a + 10 < MESSAGES
               ? tr_send(tr_self_pid(self), kit_value, .a = at->a + 10, .b = at->b)
               : 0;
}

static const tr_actor_class sender_class = { .name = "sender", .receive = sender_receive };

static void *send_from_thread(void *arg)
{
    for (int64_t i = 0; i < MESSAGES; i++)
        send_number((int64_t)(intptr_t)arg, i);
    return NULL;
}

static void spawn_receivers(int64_t senders)
{
    int64_t all = senders * MESSAGES;

    kit_start(LOOPS);
    for (int i = 0; i < RECEIVERS; i++)
        receivers[i] = kit_spawn(&receiver_class, &all, i % LOOPS);
}

static void await_receivers(void)
{
    while (kit_counted(&finished) < RECEIVERS)
        kit_settle(0);
    kit_stop();
}

START_TEST(messages_from_one_sender_arrive_in_order)
{
    spawn_receivers(SENDERS);
    for (int i = 0; i < SENDERS; i++)
        ck_assert_int_eq(tr_send(kit_spawn(&sender_class, NULL, i / 2 % LOOPS), kit_value, .b = i),
                         0);
    await_receivers();
}
END_TEST

START_TEST(messages_from_foreign_threads_arrive_in_order)
{
    pthread_t threads[THREADS];

    spawn_receivers(SENDERS + THREADS);
    for (int i = 0; i < SENDERS; i++)
        ck_assert_int_eq(tr_send(kit_spawn(&sender_class, NULL, i % LOOPS), kit_value, .b = i), 0);
    for (intptr_t i = 0; i < THREADS; i++)
        ck_assert_int_eq(pthread_create(&threads[i], NULL, send_from_thread, (void *)(SENDERS + i)),
                         0);
    for (int i = 0; i < THREADS; i++)
        pthread_join(threads[i], NULL);
    await_receivers();
}
END_TEST

/* ---- fairness ---- */

enum { RUNNABLE = 20, ROUNDS = 200, BUDGET = 8 };

static int turns[RUNNABLE];
static int widest;
static int batch_of;
static int batch_length;
static int longest_batch;

/* Counts activations: a change of the actor that runs. */
static void note_turn(int who)
{
    int least = turns[who];
    int most = turns[who];

    batch_length = batch_of == who ? batch_length + 1 : 1;
    batch_of = who;
    if (batch_length > longest_batch)
        longest_batch = batch_length;
    if (batch_length == 1)
        turns[who]++;
    for (int i = 0; i < RUNNABLE; i++) {
        least = turns[i] < least ? turns[i] : least;
        most = turns[i] > most ? turns[i] : most;
    }
    if (most < ROUNDS && most - least > widest)
        widest = most - least;
}

static int busy_receive(tr_self *self, void *state, tr_msg *msg)
{
    const struct kit_value *value = tr_as(msg, kit_value);

    if (value == NULL)
        return kit_act_or_unhandled(self, state, msg);
    note_turn((int)value->a);
    return turns[value->a] < ROUNDS ? tr_send(tr_self_pid(self), kit_value, .a = value->a) : 0;
}

static const tr_actor_class busy_class = { .name = "busy", .receive = busy_receive };

static int begin_all(tr_self *self, void *arg)
{
    const tr_pid *all = arg;

    (void)self;
    /* Never idle: each has twice its budget queued, all the time. */
    for (int i = 0; i < RUNNABLE; i++)
        for (int n = 0; n < 2 * BUDGET; n++)
            ck_assert_int_eq(tr_send(all[i], kit_value, .a = i), 0);
    return 0;
}

static int do_nothing(tr_self *self, void *arg)
{
    (void)self;
    (void)arg;
    return 0;
}

START_TEST(none_waits_longer_than_a_turn_of_each_other)
{
    tr_pid all[RUNNABLE];

    batch_of = -1;
    kit_start_with(&(tr_config){ .loops = 1, .budget_msgs = BUDGET });
    for (int i = 0; i < RUNNABLE; i++)
        all[i] = kit_spawn(&busy_class, NULL, 0);
    kit_do(kit_actor(0), begin_all, all);
    for (int i = 0; i < RUNNABLE; i++)
        kit_do(all[i], do_nothing, NULL); /* it waits in line as the others do */
    kit_stop();
    ck_assert_int_le(widest, 1);
    ck_assert_int_le(longest_batch, BUDGET);
}
END_TEST

KIT_MAIN("order", messages_from_one_sender_arrive_in_order,
         messages_from_foreign_threads_arrive_in_order, none_waits_longer_than_a_turn_of_each_other)
