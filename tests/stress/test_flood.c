/* Millions of messages between loops, of mixed sizes, both ways at once: each arrives once, whole,
 * and in the order sent; kept ones cross threads and come back. */
#include <pthread.h>
#include <string.h>

#include "base/atomic.h"
#include "support/kit.h"

#ifdef __SANITIZE_THREAD__
enum { MESSAGES = 30000, KEPT = 20000 };
#elif defined(__SANITIZE_ADDRESS__) || KIT_EMULATED
enum { MESSAGES = 150000, KEPT = 50000 };
#else
enum { MESSAGES = 450000, KEPT = 200000 };
#endif

enum {
    LOOPS = 3,
    BATCH = 200,
    SENDERS = 3,
    FROM_NODE = MESSAGES / LOOPS, /* to each node */
    FROM_OUTSIDE = FROM_NODE / 4,
    PER_NODE = FROM_NODE * LOOPS + FROM_OUTSIDE * SENDERS
};

TR_MESSAGE(tiny)
{
    uint64_t number;
    uint32_t sender;
};
TR_MESSAGE(middle)
{
    uint64_t number;
    uint32_t sender;
    char text[180];
};
TR_MESSAGE(bulky)
{
    uint64_t number;
    uint32_t sender;
    char text[5000];
};
TR_MESSAGE(go_on)
{
    uint64_t number;
};

typedef struct node {
    tr_pid done; /* hears of it when all have come */
    tr_pid peers[LOOPS];
    uint64_t sent[LOOPS];
    uint64_t seen[LOOPS + SENDERS];
    uint64_t total;
    uint32_t index;
} node;

TR_MESSAGE(meet)
{
    tr_pid done;
    tr_pid peers[LOOPS];
};

static void send_sized(tr_pid to, uint32_t sender, uint64_t number)
{
    char mark = (char)number;
    int rc;

    if (number % 97 == 0) {
        struct bulky large = { .number = number, .sender = sender };

        memset(large.text, mark, sizeof(large.text));
        rc = tr_send_value(to, bulky, &large);
    } else if (number % 5 == 0) {
        struct middle some = { .number = number, .sender = sender };

        memset(some.text, mark, sizeof(some.text));
        rc = tr_send_value(to, middle, &some);
    } else {
        rc = tr_send(to, tiny, .number = number, .sender = sender);
    }
    ck_assert_int_eq(rc, 0);
}

static void send_batch(tr_self *self, node *n)
{
    bool is_done = true;

    for (uint32_t peer = 0; peer < LOOPS; peer++)
        for (int i = 0; i < BATCH && n->sent[peer] < FROM_NODE; i++) {
            send_sized(n->peers[peer], n->index, ++n->sent[peer]);
            is_done = false;
        }
    if (!is_done)
        ck_assert_int_eq(tr_send(tr_self_pid(self), go_on), 0);
}

static void check_text(const char *text, size_t bytes, uint64_t number)
{
    ck_assert_int_eq(text[0], (char)number);
    ck_assert_int_eq(memcmp(text, text + 1, bytes - 1), 0);
}

static void take_in(node *n, uint32_t sender, uint64_t number)
{
    ck_assert_uint_lt(sender, LOOPS + SENDERS);
    ck_assert_uint_eq(number, n->seen[sender] + 1);
    n->seen[sender] = number;
    if (++n->total == PER_NODE)
        ck_assert_int_eq(tr_send(n->done, kit_notice), 0);
}

static int node_receive(tr_self *self, void *state, tr_msg *msg)
{
    node *n = state;
    const struct tiny *small = tr_as(msg, tiny);
    const struct middle *some;
    const struct bulky *large;
    const struct meet *met;

    if (small != NULL) {
        take_in(n, small->sender, small->number);
    } else if ((some = tr_as(msg, middle)) != NULL) {
        check_text(some->text, sizeof(some->text), some->number);
        take_in(n, some->sender, some->number);
    } else if ((large = tr_as(msg, bulky)) != NULL) {
        check_text(large->text, sizeof(large->text), large->number);
        take_in(n, large->sender, large->number);
    } else if ((met = tr_as(msg, meet)) != NULL) {
        memcpy(n->peers, met->peers, sizeof(n->peers));
        n->done = met->done;
        n->index = (uint32_t)tr_loop_current() - 1;
        send_batch(self, n);
    } else {
        send_batch(self, n);
    }
    return 0;
}

static const tr_actor_class node_class = {
    .name = "node",
    .state_size = sizeof(node),
    .receive = node_receive,
};

typedef struct sender {
    pthread_t thread;
    const tr_pid *peers;
    uint32_t index;
} sender;

static void *send_from_outside(void *arg)
{
    const sender *s = arg;

    for (uint64_t number = 1; number <= FROM_OUTSIDE; number++)
        for (int peer = 0; peer < LOOPS; peer++)
            send_sized(s->peers[peer], s->index, number);
    return NULL;
}

START_TEST(messages_of_all_sizes_cross_loops_in_order)
{
    struct meet met;
    sender senders[SENDERS];
    tr_inbox *in;

    kit_start(LOOPS);
    in = kit_inbox();
    met.done = tr_inbox_pid(in);
    for (int i = 0; i < LOOPS; i++)
        ck_assert_int_eq(tr_spawn_with(&met.peers[i], &node_class, NULL,
                                       &(tr_spawn_options){ .on = TR_LOOP(i) }),
                         0);
    for (int i = 0; i < LOOPS; i++)
        ck_assert_int_eq(tr_send_value(met.peers[i], meet, &met), 0);
    for (uint32_t i = 0; i < SENDERS; i++) {
        senders[i] = (sender){ .peers = met.peers, .index = LOOPS + i };
        ck_assert_int_eq(pthread_create(&senders[i].thread, NULL, send_from_outside, &senders[i]),
                         0);
    }
    for (int i = 0; i < SENDERS; i++)
        pthread_join(senders[i].thread, NULL);
    /* The hang guard is the test's own: TSan is slow. */
    for (int i = 0; i < LOOPS; i++) {
        tr_msg *msg;

        ck_assert_int_eq(tr_inbox_receive(in, &msg, TR_FOREVER), 0);
    }
    tr_inbox_free(in);
    kit_stop();
    ck_assert_uint_eq(kit_stats().dead_ended + kit_stats().dead_shutdown, 0);
}
END_TEST

/* ---- kept messages that cross threads ---- */

static uint32_t made;
static uint32_t dropped;

TR_MESSAGE_OWNING(heirloom, flood_heirloom_drop)
{
    uint64_t number;
    char text[100];
};

void flood_heirloom_drop(struct heirloom *payload)
{
    (void)payload;
    (void)tr__add_ordered_u32(&dropped, 1); /* ordered: a counter */
}

enum { POCKETS = 64 };

static tr_msg *pockets[POCKETS]; /* where loops and foreign threads lay down messages for others */

static tr_msg *swap(uint64_t pocket, tr_msg *msg)
{
    return __atomic_exchange_n(&pockets[pocket % POCKETS], msg, __ATOMIC_ACQ_REL);
}

static int pocket_receive(tr_self *self, void *state, tr_msg *msg)
{
    const struct heirloom *h = tr_as(msg, heirloom);
    uint64_t number = h != NULL ? h->number : 0;
    tr_msg *other;

    (void)state;
    if (number % 3 == 0)
        return 0;
    other = swap(number, tr_msg_keep(msg));
    if (number % 3 == 1)
        tr_msg_free(other);
    else if (other != NULL && (other = swap(number + 7, other)) != NULL)
        (void)tr_send_msg(tr_self_pid(self), other);
    return 0;
}

static const tr_actor_class pocket_class = { .name = "pocket", .receive = pocket_receive };

static void *handle_pockets(void *arg)
{
    const tr_pid *to = arg;

    for (uint64_t i = 1; i <= KEPT; i++) {
        tr_msg *msg = tr_msg_new(heirloom, .number = i);
        tr_msg *other = swap(i * 5, msg);

        (void)tr__add_ordered_u32(&made, 2); /* ordered: a counter */
        (void)tr_send(to[i % 2], heirloom, .number = i * 11);
        if (i % 4 == 0)
            tr_msg_free(other);
        else if (other != NULL)
            (void)tr_send_msg(to[i % 2], other);
    }
    return NULL;
}

START_TEST(kept_messages_cross_threads)
{
    pthread_t threads[2];
    tr_pid to[2];

    kit_start(2);
    for (int i = 0; i < 2; i++)
        ck_assert_int_eq(
            tr_spawn_with(&to[i], &pocket_class, NULL, &(tr_spawn_options){ .on = TR_LOOP(i) }), 0);
    for (int i = 0; i < 2; i++)
        ck_assert_int_eq(pthread_create(&threads[i], NULL, handle_pockets, to), 0);
    for (int i = 0; i < 2; i++)
        pthread_join(threads[i], NULL);
    for (int i = 0; i < 2; i++)
        ck_assert_int_eq(tr_stop(to[i]), 0);
    kit_settle(0);
    kit_settle(1);
    kit_settle(0);
    for (uint64_t i = 0; i < POCKETS; i++)
        tr_msg_free(swap(i, NULL));
    kit_stop();
    ck_assert_uint_eq(dropped, made);
}
END_TEST

KIT_MAIN("flood", messages_of_all_sizes_cross_loops_in_order, kept_messages_cross_threads)
