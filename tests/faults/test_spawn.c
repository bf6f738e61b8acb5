/* Spawning while memory runs out: it succeeds, or says so and leaves nothing; each actor whose init
 * succeeded is stopped once. */
#include <sched.h>

#include "base/atomic.h"
#include "base/seam.h"
#include "support/actors.h"

static uint32_t made;
static uint32_t dropped;
static uint32_t inits;
static uint32_t stops;

TR_MESSAGE_OWNING(parcel, spawn_parcel_drop)
{
    uint64_t number;
};

void spawn_parcel_drop(struct parcel *payload)
{
    (void)payload;
    (void)tr__add_ordered_u32(&dropped, 1); /* ordered: a counter */
}

static int count_init(tr_self *self, void *state, const void *args)
{
    (void)self;
    (void)state;
    (void)args;
    (void)tr__add_ordered_u32(&inits, 1); /* ordered: a counter */
    return 0;
}

static void count_stop(tr_self *self, void *state, int reason)
{
    (void)self;
    (void)state;
    (void)reason;
    (void)tr__add_ordered_u32(&stops, 1); /* ordered: a counter */
}

#define COUNTED .init = count_init, .receive = kit_ignore, .stop = count_stop

static const tr_actor_class classes[] = {
    { .name = "plain", COUNTED },
    { .name = "with state", .state_size = 100, .args_size = 8, COUNTED },
    { .name = "large", .state_size = 9000, .args_size = 60000, COUNTED },
    { .name = "limited", .state_size = 32, .mailbox_limit = 5, .mailbox_bytes = 5000, COUNTED },
};

enum { CLASSES = sizeof(classes) / sizeof(classes[0]) };

static const char args[60000];

typedef struct trial {
    uint64_t n;
    int loops;
    bool async;
    bool lasting;
    bool struck;
    bool may_block;
} trial;

/* One of each class; messages may follow each that has a pid. */
static void spawn_on(const trial *t, int on)
{
    const tr_spawn_options there = { .on = on };

    for (int i = 0; i < CLASSES; i++) {
        const void *given = classes[i].args_size != 0 ? args : NULL;
        tr_pid pid;
        int rc = t->async ? tr_spawn_async(&pid, &classes[i], given, &there)
                          : tr_spawn_with(&pid, &classes[i], given, &there);

        ck_assert_msg(rc == 0 || rc == TR_ENOMEM, "spawning gave %d", rc);
        ck_assert_int_eq(tr_pid_is_none(pid), rc < 0);
        (void)tr_send(pid, parcel, .number = 1);
        made++;
    }
}

static void spawn_with_fault(void *arg)
{
    trial *t = arg;
    int first = t->async || t->may_block ? 0 : tr_loop_current() - 1;
    int last = t->async || t->may_block ? t->loops - 1 : first;

    tr__fault_arm(t->n, t->lasting);
    for (int loop = first; loop <= last; loop++)
        spawn_on(t, TR_LOOP(loop));
    if (t->lasting)
        t->struck = tr__fault_disarm();
}

static int spawn_in_handler(tr_self *self, void *arg)
{
    (void)self;
    spawn_with_fault(arg);
    return 0;
}

static bool try_once(bool foreign, trial *t)
{
    kit_start(t->loops);
    made = 0;
    dropped = 0;
    inits = 0;
    stops = 0;
    t->may_block = foreign;
    if (foreign)
        spawn_with_fault(t);
    else
        kit_in_handler(kit_puppet(t->loops - 1), spawn_in_handler, t);
    while (tr__load_acquire_u32(&dropped) < made) /* acquire: a counter */
        sched_yield();
    if (!t->lasting)
        t->struck = tr__fault_disarm();
    for (int loop = 0; loop < t->loops; loop++)
        kit_settle(loop);
    kit_stop();
    ck_assert_uint_eq(dropped, made);
    ck_assert_uint_eq(inits, stops);
    if (!t->struck)
        ck_assert_uint_eq(inits, made);
    return t->struck;
}

static void try_every(bool foreign, int loops, bool async)
{
    /* A foreign thread that waits would wait behind what has no memory to land. */
    int most = foreign && !async ? 0 : 1;

    for (int lasting = 0; lasting <= most; lasting++)
        for (uint64_t n = 1;; n++) {
            trial t = { .n = n, .loops = loops, .async = async, .lasting = lasting };

            if (!try_once(foreign, &t))
                break;
            ck_assert_uint_lt(n, 1000);
        }
}

START_TEST(foreign_thread_spawns_without_memory)
{
    try_every(true, 1, false);
    try_every(true, 2, false);
}
END_TEST

START_TEST(foreign_thread_spawns_async_without_memory)
{
    try_every(true, 1, true);
    try_every(true, 2, true);
}
END_TEST

START_TEST(handler_spawns_without_memory)
{
    try_every(false, 1, false);
    try_every(false, 2, false);
}
END_TEST

START_TEST(handler_spawns_async_without_memory)
{
    try_every(false, 1, true);
    try_every(false, 2, true);
}
END_TEST

KIT_MAIN("spawn", foreign_thread_spawns_without_memory, foreign_thread_spawns_async_without_memory,
         handler_spawns_without_memory, handler_spawns_async_without_memory)
