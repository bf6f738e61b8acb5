/* The protocols between threads, in all interleavings with a few preemptions, and with a few stores
 * that are seen late: the real code of lanes, inlets, parking, keepers, slots, and futures. */
#include <stdio.h>
#include <stdlib.h>
#include <sys/epoll.h>
#include <sys/wait.h>
#include <unistd.h>

#include "actors/slot.h"
#include "base/seam.h"
#include "base/threads.h"
#include "mailbox/mpsc.h"
#include "mailbox/spsc.h"
#include "runtime/loop.h"
#include "runtime/pool.h"
#include "runtime/port.h"
#include "runtime/runtime.h"
#include "sim/all_ways.h"
#include "support/suite.h"

/* ---- the lane: staged, published, seen in order ---- */

enum { PARCELS = 3 };

static void *send_parcels(void *arg)
{
    tr__lane *lane = arg;

    for (uint32_t i = 0; i < PARCELS; i++) {
        const tr__parcel parcel = { .head = i };

        HOLDS(tr__lane_stage_spsc(lane, &parcel));
        if (i != 1)
            tr__lane_publish_spsc(lane);
    }
    return NULL;
}

static uint32_t receive_parcels(tr__lane *lane, uint32_t seen)
{
    const tr__parcel *parcel;

    while ((parcel = tr__lane_peek_spsc(lane)) != NULL) {
        HOLDS(parcel->head == seen);
        seen++;
        tr__lane_pop_spsc(lane);
    }
    return seen;
}

/* So that the next parcels cross from one chunk to the next. */
static void approach_chunk_end(tr__lane *lane)
{
    const tr__parcel parcel = { .head = 0 };

    for (int i = 0; i < TR__CHUNK - 2; i++) {
        HOLDS(tr__lane_stage_spsc(lane, &parcel));
        tr__lane_publish_spsc(lane);
        HOLDS(tr__lane_peek_spsc(lane) != NULL);
        tr__lane_pop_spsc(lane);
    }
}

static void use_lane(bool at_chunk_end)
{
    tr__lane *lane = tr__lane_new();
    tr_sim_thread *sender;
    uint32_t seen = 0;

    HOLDS(lane != NULL);
    if (at_chunk_end)
        approach_chunk_end(lane);
    sender = start("sends", send_parcels, lane);
    for (int i = 0; i < 2; i++)
        seen = receive_parcels(lane, seen);
    (void)tr_sim_thread_join(sender);
    HOLDS(receive_parcels(lane, seen) == PARCELS);
    tr__fence_full(); /* what frees it looks without atomics, as at the end of a loop's thread */
    tr__lane_free(lane);
}

static void lane_in_one_chunk(void *unused)
{
    (void)unused;
    use_lane(false);
}

static void lane_across_chunks(void *unused)
{
    (void)unused;
    use_lane(true);
}

START_TEST(parcels_of_a_lane_come_in_order_and_all)
{
    go_all_ways_late("lane", lane_in_one_chunk, 6, 1);
}
END_TEST

START_TEST(parcels_of_a_lane_cross_chunks)
{
    go_all_ways_late("lane, two chunks", lane_across_chunks, 5, 1);
}
END_TEST

/* ---- the inlet: two push, one takes and closes ---- */

typedef struct node {
    tr__link link;
    int pusher;
    int number;
    bool was_taken;
} node;

static struct {
    tr__inlet inlet;
    node nodes[2][2];
    bool was_accepted[2][2];
    int last[2]; /* number that was taken last, of each pusher */
} hall;

static void *push_nodes(void *arg)
{
    int me = *(const int *)arg;

    for (int i = 0; i < 2; i++)
        hall.was_accepted[me][i] =
            tr__inlet_push_mpsc(&hall.inlet, &hall.nodes[me][i].link) != TR__PUSH_CLOSED;
    return NULL;
}

static void take_nodes(tr__link *link)
{
    while (link != NULL) {
        node *n = TR__CONTAINER_OF(link, node, link);

        link = link->next;
        HOLDS(!n->was_taken);
        n->was_taken = true;
        HOLDS(n->number > hall.last[n->pusher]);
        hall.last[n->pusher] = n->number;
    }
}

static void use_inlet(void *unused)
{
    static const int me[2] = { 0, 1 };
    tr_sim_thread *pushers[2];

    (void)unused;
    for (int p = 0; p < 2; p++) {
        hall.last[p] = 0;
        for (int i = 0; i < 2; i++)
            hall.nodes[p][i] = (node){ .pusher = p, .number = i + 1 };
    }
    tr__inlet_open(&hall.inlet);
    for (int p = 0; p < 2; p++)
        pushers[p] = start("pushes", push_nodes, (void *)(uintptr_t)&me[p]);
    take_nodes(tr__inlet_take_mpsc(&hall.inlet));
    take_nodes(tr__inlet_close(&hall.inlet));
    for (int p = 0; p < 2; p++)
        (void)tr_sim_thread_join(pushers[p]);
    for (int p = 0; p < 2; p++)
        for (int i = 0; i < 2; i++)
            HOLDS(hall.nodes[p][i].was_taken == hall.was_accepted[p][i]);
}

START_TEST(nodes_of_an_inlet_are_taken_once_or_refused)
{
    go_all_ways_late("inlet", use_inlet, 3, 1);
}
END_TEST

/* ---- park and wake: nobody sleeps while there is work ---- */

static struct {
    tr__port port;
    tr__lane *lane;
    int epoll;
    bool is_unfenced; /* the mistake that would lose wake-ups */
} house;

static void *bring_by_lane(void *unused)
{
    const tr__parcel parcel = { .head = 0 };

    (void)unused;
    HOLDS(tr__lane_stage_spsc(house.lane, &parcel));
    tr__lane_publish_spsc(house.lane);
    if (!house.is_unfenced)
        tr__fence_full(); /* as tr__loop_publish */
    tr__port_ring(&house.port);
    return NULL;
}

static tr__runnable brought;

static void *bring_by_inlet(void *unused)
{
    (void)unused;
    HOLDS(tr__port_post_run(&house.port, &brought));
    return NULL;
}

/* What the owner finds; as land and has_arrivals of a loop do. */
static int take_work(void)
{
    int found = 0;

    if (tr__lane_peek_spsc(house.lane) != NULL) {
        tr__lane_pop_spsc(house.lane);
        found++;
    }
    return found + (tr__inlet_take_mpsc(&house.port.runs) != NULL);
}

static bool has_work(void)
{
    return tr__lane_peek_spsc(house.lane) != NULL || !tr__inlet_is_empty(&house.port.runs);
}

/* As park of a loop: without an end if a wake-up is lost. */
static void park(void)
{
    struct epoll_event event;

    if (!tr__port_fall_asleep(&house.port))
        return;
    if (!has_work() && epoll_wait(house.epoll, &event, 1, -1) == 1)
        tr__eventfd_clear(house.port.wake_fd);
    tr__port_wake_up(&house.port);
}

static void park_and_wake(void *unused)
{
    tr_sim_thread *bringers[2];
    struct epoll_event event = { .events = EPOLLIN };

    (void)unused;
    house.port = (tr__port){ .inlet = TR__INLET_INIT, .runs = TR__INLET_INIT };
    house.port.wake_fd = tr__eventfd_new();
    house.epoll = epoll_create1(0);
    house.lane = tr__lane_new();
    HOLDS(epoll_ctl(house.epoll, EPOLL_CTL_ADD, house.port.wake_fd, &event) == 0);
    tr__inlet_open(&house.port.runs);
    bringers[0] = start("lane", bring_by_lane, NULL);
    bringers[1] = start("inlet", bring_by_inlet, NULL);
    for (int found = 0; found < 2;) {
        int now = take_work();

        found += now;
        if (now == 0)
            park();
    }
    tr__port_settle(&house.port);
    for (int i = 0; i < 2; i++)
        (void)tr_sim_thread_join(bringers[i]);
    (void)tr__inlet_close(&house.port.runs);
    tr__fence_full(); /* as above */
    tr__lane_free(house.lane);
    (void)close(house.epoll);
    tr__descriptor_close(house.port.wake_fd);
}

START_TEST(nobody_sleeps_while_there_is_work)
{
    go_all_ways_late("park and wake", park_and_wake, 3, 1);
}
END_TEST

START_TEST(a_missing_fence_is_found)
{
    const tr__exhaust_options options = { .preemptions = 2, .delays = 1 };
    int status;
    pid_t pid = fork();

    ck_assert_int_ge(pid, 0);
    if (pid == 0) {
        house.is_unfenced = true;
        if (freopen("/dev/null", "w", stderr)) /* what it finds is expected */
            (void)tr__exhaust(park_and_wake, NULL, &options);
        _exit(0);
    }
    ck_assert_int_eq(waitpid(pid, &status, 0), pid);
    ck_assert(WIFSIGNALED(status)); /* it hangs */
}
END_TEST

/* ---- a keeper that finds its pool empty, and a job that comes just then ---- */

static struct {
    tr__loop loop;
    tr_pool pool; /* one of its two workers is awake, and may run its job for long */
    tr__job job;
} shop;

static void open_shop(void)
{
    static const pthread_mutex_t unlocked = PTHREAD_ADAPTIVE_MUTEX_INITIALIZER_NP;

    shop.loop = (tr__loop){ .number = 1 };
    tr__list_init(&shop.loop.kept);
    shop.pool = (tr_pool){ .awake = 1, .max = 2, .lock = unlocked, .keeper = shop.loop.number };
    tr__list_init(&shop.pool.line);
    tr__list_append(&shop.loop.kept, &shop.pool.kept);
    tr__inlet_open(&shop.pool.inlet);
    tr__inlet_open(&tr__ports[0].runs); /* for who makes the loop the keeper from elsewhere */
}

static void *bring_job(void *unused)
{
    (void)unused;
    HOLDS(tr__pool_push(&shop.pool, &shop.job) == 0);
    return NULL;
}

static void keep_and_resign(void *unused)
{
    tr_sim_thread *bringer;

    (void)unused;
    open_shop();
    bringer = start("job", bring_job, NULL);
    tr__loop_of_thread = &shop.loop;
    tr__keeper_look(&shop.loop);
    tr__loop_of_thread = NULL;
    (void)tr_sim_thread_join(bringer);
    HOLDS(shop.pool.keeper == shop.loop.number); /* for there is a job that nobody has taken */
    (void)tr__inlet_close(&tr__ports[0].runs);
}

START_TEST(a_pool_with_a_job_has_a_keeper)
{
    go_all_ways_late("keeper: resign, push", keep_and_resign, 3, 1);
}
END_TEST

/* ---- a slot that is used again on another loop, while the one before walks over all slots ---- */

enum { BEFORE = 1, AFTERWARDS = 2 }; /* loops that its actors live on */

static struct {
    tr_self slots[2];
    uint16_t home[2];
} table;

static void *settle_again(void *unused)
{
    (void)unused;
    tr__slot_settle(&table.slots[1], AFTERWARDS);
    return NULL;
}

static void settle_and_walk(void *unused)
{
    tr__table before = tr__slots;
    tr_sim_thread *spawner;

    (void)unused;
    table.slots[1].generation = 2; /* even: its first actor has ended */
    table.home[1] = BEFORE;
    tr__slots = (tr__table){ .slots = table.slots, .home = table.home };
    spawner = start("spawns", settle_again, NULL);
    /* As tr__end_all on the loop of the first one. acquire: pairs with the release in
     * tr__slot_settle. */
    if (tr__load_acquire_u32(&table.slots[1].generation) % 2 != 0)
        HOLDS(tr__home_of((tr_pid){ 1 }) == AFTERWARDS);
    (void)tr_sim_thread_join(spawner);
    HOLDS(tr__slot_of(tr__slot_pid(&table.slots[1])) == &table.slots[1]);
    tr__slots = before;
}

START_TEST(an_actor_seen_alive_has_its_home)
{
    go_all_ways_late("slot: settle, walk", settle_and_walk, 3, 1);
}
END_TEST

/* ---- a future: ended, waited for, and given back by several ---- */

static struct {
    tr_future *f;
    int dropped;
    int taken;
} shared;

static void drop_value(void *value)
{
    (*(int *)value)++;
}

static void *resolve(void *unused)
{
    (void)unused;
    (void)tr_future_resolve(shared.f, &shared.dropped, drop_value); /* it may have ended */
    tr_future_unref(shared.f);
    return NULL;
}

static void *cancel(void *unused)
{
    (void)unused;
    (void)tr_future_cancel(shared.f); /* as above */
    tr_future_unref(shared.f);
    return NULL;
}

static void *take(void *unused)
{
    void *value;

    (void)unused;
    (void)tr_future_wait(shared.f, TR_FOREVER); /* both ends are allowed */
    HOLDS(tr_future_is_done(shared.f));
    shared.taken += tr_future_take(shared.f, &value) == 0 && value != NULL;
    tr_future_unref(shared.f);
    return NULL;
}

static void share_future(void *(*other)(void *arg))
{
    tr_sim_thread *threads[2];

    shared.dropped = 0;
    shared.taken = 0;
    tr__runtime_set_state(TR__STATE_RUNNING); /* a future needs no more of it than that */
    HOLDS(tr_future_new(&shared.f) == 0);
    (void)tr_future_ref(shared.f);
    (void)tr_future_ref(shared.f);
    threads[0] = start("resolves", resolve, NULL);
    threads[1] = start("other", other, NULL);
    (void)take(NULL);
    for (int i = 0; i < 2; i++)
        (void)tr_sim_thread_join(threads[i]);
    tr__runtime_set_state(TR__STATE_STOPPED);
    HOLDS(shared.dropped + shared.taken == 1); /* the value went one way, once */
}

static void resolve_and_cancel(void *unused)
{
    (void)unused;
    share_future(cancel);
}

static void resolve_twice(void *unused)
{
    (void)unused;
    share_future(take);
}

START_TEST(a_future_that_is_resolved_and_cancelled_ends_once)
{
    go_all_ways_late("future: resolve, cancel", resolve_and_cancel, 3, 0);
}
END_TEST

START_TEST(two_who_wait_for_a_future_both_wake)
{
    go_all_ways_late("future: two wait", resolve_twice, 3, 0);
}
END_TEST

SUITE_MAIN("sim/interleavings", parcels_of_a_lane_come_in_order_and_all,
           parcels_of_a_lane_cross_chunks, nodes_of_an_inlet_are_taken_once_or_refused,
           nobody_sleeps_while_there_is_work, a_missing_fence_is_found,
           a_pool_with_a_job_has_a_keeper, an_actor_seen_alive_has_its_home,
           a_future_that_is_resolved_and_cancelled_ends_once, two_who_wait_for_a_future_both_wake)
