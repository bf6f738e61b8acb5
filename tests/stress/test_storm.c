/* A storm: four foreign threads and the actors themselves spawn, send, ask, start timers, stop and
 * kill, to pids that live and that do not, and the runtime is stopped in the middle of it. In the
 * end the ledger balances, what messages own was dropped once, and each actor that began has
 * ended. */
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>

#include "base/atomic.h"
#include "support/kit.h"

#ifdef __SANITIZE_THREAD__
enum { ROUNDS = 40 };
#elif defined(__SANITIZE_ADDRESS__) || KIT_EMULATED
enum { ROUNDS = 100 };
#else
enum { ROUNDS = 250 };
#endif

enum { THREADS = 4, KNOWN = 64, SHORTEST = 200, LONGEST = 3000 };

static uint32_t made;
static uint32_t dropped;
static uint32_t inits;
static uint32_t stops;

static void count(uint32_t *counter)
{
    (void)tr__add_ordered_u32(counter, 1); /* ordered: a counter */
}

TR_MESSAGE_OWNING(parcel, storm_parcel_drop)
{
    uint64_t number;
};
TR_MESSAGE_OWNING(crate, storm_crate_drop)
{
    uint64_t number;
    char text[400];
};
TR_REQUEST(question, kit_value)
{
    uint64_t dice;
};
TR_MESSAGE(gust)
{
    uint64_t dice;
};

void storm_parcel_drop(struct parcel *payload)
{
    (void)payload;
    count(&dropped);
}

void storm_crate_drop(struct crate *payload)
{
    (void)payload;
    count(&dropped);
}

/* ---- chance ---- */

static uint64_t roll(uint64_t *seed)
{
    *seed ^= *seed << 13;
    *seed ^= *seed >> 7;
    *seed ^= *seed << 17;
    return *seed;
}

/* ---- pids that all know; many of them are stale ---- */

static uint64_t known[KNOWN];

static void publish(tr_pid pid, uint64_t dice)
{
    __atomic_store_n(&known[dice % KNOWN], pid.tr__id, __ATOMIC_RELEASE);
}

static tr_pid someone(uint64_t dice)
{
    return (tr_pid){ __atomic_load_n(&known[dice % KNOWN], __ATOMIC_ACQUIRE) };
}

/* ---- actors ---- */

typedef struct gale {
    uint64_t seed;
    uint32_t asked;
    uint32_t answered;
    tr_asker waiting;
    tr_msg *kept;
} gale;

static int gale_init(tr_self *self, void *state, const void *args)
{
    gale *g = state;

    g->seed = *(const uint64_t *)args | 1;
    if (roll(&g->seed) % 16 == 0)
        return -9;
    publish(tr_self_pid(self), roll(&g->seed));
    count(&inits);
    if (roll(&g->seed) % 32 == 0)
        return tr_exit(self, 0);
    return 0;
}

static void gale_stop(tr_self *self, void *state, int reason)
{
    gale *g = state;

    ck_assert_int_le(reason, 0);
    ck_assert_uint_le(g->answered, g->asked);
    count(&made);
    (void)tr_send(tr_self_pid(self), parcel, .number = 0); /* it ends with the mailbox */
    (void)tr_answer(g->waiting, kit_value, .a = 1);
    tr_msg_free(g->kept);
    count(&stops);
}

static int gale_receive(tr_self *self, void *state, tr_msg *msg);
static int other_receive(tr_self *self, void *state, tr_msg *msg);

static const tr_actor_class classes[] = {
    { .name = "gale",
      .state_size = sizeof(gale),
      .args_size = 8,
      .init = gale_init,
      .receive = gale_receive,
      .stop = gale_stop },
    { .name = "limited",
      .state_size = sizeof(gale),
      .args_size = 8,
      .init = gale_init,
      .receive = gale_receive,
      .stop = gale_stop,
      .mailbox_limit = 4,
      .on_full = TR_FULL_DROP_OLD },
    { .name = "brittle",
      .state_size = sizeof(gale),
      .args_size = 8,
      .init = gale_init,
      .receive = gale_receive,
      .stop = gale_stop,
      .mailbox_limit = 8,
      .on_full = TR_FULL_STOP },
    { .name = "narrow",
      .state_size = sizeof(gale),
      .args_size = 8,
      .init = gale_init,
      .receive = gale_receive,
      .stop = gale_stop,
      .mailbox_bytes = 2000 },
    { .name = "choosy",
      .state_size = 6000,
      .args_size = 8,
      .init = gale_init,
      .receive = gale_receive,
      .stop = gale_stop,
      .mailbox_limit = 3,
      .on_full = TR_FULL_DROP_NEW },
};

enum { CLASSES = sizeof(classes) / sizeof(classes[0]) };

static void blow_send(uint64_t dice)
{
    tr_pid to = someone(dice >> 8);
    tr_msg *msg;

    count(&made);
    switch (dice % 4) {
    case 0:
        (void)tr_send(to, parcel, .number = dice);
        break;
    case 1:
        (void)tr_send(to, crate, .number = dice);
        break;
    case 2:
        (void)tr_send_msg(to, tr_msg_new(crate, .number = dice));
        break;
    default:
        msg = tr_msg_new(parcel, .number = dice);
        if (tr_try_send_msg(to, msg) < 0)
            tr_msg_free(msg);
    }
    (void)tr_send(to, gust, .dice = dice);
}

static void blow_end(uint64_t dice)
{
    (void)(dice % 2 ? tr_stop(someone(dice >> 8)) : tr_kill(someone(dice >> 8)));
}

static void blow_spawn(uint64_t dice, bool async)
{
    const tr_spawn_options spread = { .place = dice % 3 ? TR_PLACE_SPREAD : TR_PLACE_NEAR };
    const tr_actor_class *cls = &classes[(dice >> 8) % CLASSES];
    tr_pid pid;
    int rc = async ? tr_spawn_async(&pid, cls, &dice, &spread) : tr_spawn(&pid, cls, &dice);

    ck_assert_msg(rc == 0 || rc == -9 || rc == TR_ESHUTDOWN, "spawning gave %d", rc);
    ck_assert_int_eq(rc < 0, tr_pid_is_none(pid));
    if (rc == 0 && async) {
        publish(pid, dice >> 20);
        blow_send(dice);
    }
}

static void blow_time(tr_self *self, uint64_t dice)
{
    uint64_t key = dice >> 8 & 3;

    count(&made);
    (void)tr_send_after(self, (double)(dice >> 16 & 1023) / 1e6, key, crate, .number = dice);
    if (dice % 8 == 0)
        (void)tr_send_every(self, 0.0001, 9, gust, .dice = dice);
    if (dice % 8 == 1 && key != 0)
        ck_assert_int_eq(tr_timer_cancel(self, key), 1);
}

static int blow(tr_self *self, gale *g, uint64_t dice)
{
    switch (dice % 16) {
    case 0:
    case 1:
        blow_spawn(roll(&g->seed), dice & 64);
        return 0;
    case 2:
    case 3:
        g->asked++;
        ck_assert_int_eq(tr_request(self, someone(dice >> 8), dice & 64 ? 0.0005 : TR_FOREVER, 3,
                                    question, .dice = roll(&g->seed)),
                         0);
        return 0;
    case 4:
        blow_time(self, roll(&g->seed));
        return 0;
    case 5:
        return tr_become(self, dice & 64 ? other_receive : NULL);
    case 6:
        if (dice >> 32 & 3)
            return 0;
        return dice & 64 ? tr_exit(self, 0) : tr_fail(self, -7);
    case 7:
        blow_end(roll(&g->seed));
        return 0;
    case 8:
        return dice & 64 ? -6 : TR_UNHANDLED;
    default:
        blow_send(roll(&g->seed));
        return 0;
    }
}

static int be_asked(tr_self *self, gale *g, tr_msg *msg, uint64_t dice)
{
    switch (dice % 8) {
    case 0:
        return tr_reply_error(self, -4);
    case 1:
        (void)tr_answer_error(g->waiting, -3);
        g->waiting = tr_take_asker(self);
        return 0;
    case 2:
        return tr_forward(msg, someone(dice >> 8)) < 0 ? TR_EDEAD : 0;
    case 3:
        tr_msg_free(g->kept);
        g->kept = tr_msg_keep(msg);
        return 0;
    case 4:
        return TR_UNHANDLED;
    case 5:
        return 0; /* nobody answers */
    default:
        (void)tr_reply(self, kit_value, .a = 1);
        return 0;
    }
}

static int take_in(gale *g, tr_msg *msg, uint64_t dice)
{
    struct crate *taken;

    if (dice % 4 == 0 && (taken = tr_take(msg, crate)) != NULL)
        count(&dropped); /* ours: it is not dropped for us */
    if (dice % 4 == 1) {
        tr_msg_free(g->kept);
        g->kept = tr_msg_keep(msg);
    }
    if (dice % 4 == 2)
        (void)tr_forward(msg, someone(dice >> 8));
    return 0;
}

static int gale_receive(tr_self *self, void *state, tr_msg *msg)
{
    gale *g = state;
    const struct gust *told = tr_as(msg, gust);
    const struct question *asked = tr_as(msg, question);

    if (told != NULL)
        return blow(self, g, told->dice ^ roll(&g->seed));
    if (asked != NULL)
        return be_asked(self, g, msg, roll(&g->seed));
    if (tr_is(msg, kit_value) || tr_is(msg, tr_request_failed)) {
        ck_assert_uint_eq(tr_msg_tag(msg), 3);
        g->answered++;
        ck_assert_uint_le(g->answered, g->asked);
        return 0;
    }
    return take_in(g, msg, roll(&g->seed));
}

static int other_receive(tr_self *self, void *state, tr_msg *msg)
{
    return gale_receive(self, state, msg);
}

/* ---- foreign threads ---- */

typedef struct weather {
    pthread_t thread;
    uint64_t seed;
} weather;

static void try_inbox(uint64_t dice)
{
    tr_inbox *in;
    tr_msg *msg;
    int rc = tr_inbox_new(&in, dice % 4);

    ck_assert(rc == 0 || rc == TR_ESHUTDOWN);
    if (rc < 0)
        return;
    publish(tr_inbox_pid(in), dice >> 8);
    (void)tr_inbox_request(in, someone(dice >> 16), 0.001, 3, question, .dice = dice);
    for (int i = 0; i < 4; i++) {
        rc = tr_inbox_receive(in, &msg, 0.0002);
        ck_assert(rc == 0 || rc == TR_ETIMEDOUT || rc == TR_ESHUTDOWN);
        if (rc == 0 && i % 2)
            tr_msg_free(tr_msg_keep(msg));
    }
    tr_inbox_free(in);
}

static void *storm(void *arg)
{
    weather *w = arg;

    while (tr_send(TR_PID_NONE, kit_notice) != TR_ESHUTDOWN) {
        uint64_t dice = roll(&w->seed);

        switch (dice % 16) {
        case 0:
        case 1:
            blow_spawn(roll(&w->seed), dice & 64);
            break;
        case 2:
            blow_end(roll(&w->seed));
            break;
        case 3:
            if ((dice & 0x700) == 0)
                try_inbox(roll(&w->seed));
            break;
        default:
            blow_send(roll(&w->seed));
        }
    }
    return NULL;
}

static void one_round(uint64_t seed)
{
    weather threads[THREADS];
    int loops = 2 + (int)(seed % 3);

    kit_start(loops);
    made = dropped = inits = stops = 0;
    for (int i = 0; i < THREADS; i++) {
        threads[i].seed = seed + (uint64_t)i * UINT64_C(0x9e3779b97f4a7c15) + 1;
        ck_assert_int_eq(pthread_create(&threads[i].thread, NULL, storm, &threads[i]), 0);
    }
    while (kit_stats().sent < SHORTEST + seed % (LONGEST - SHORTEST))
        sched_yield();
    ck_assert_int_eq(tr_shutdown(KIT_PATIENCE_S), 0);
    for (int i = 0; i < THREADS; i++)
        pthread_join(threads[i].thread, NULL);
    kit_expect_balance();
    ck_assert_uint_eq(dropped, made);
    ck_assert_uint_eq(inits, stops);
}

START_TEST(storm_ends_in_good_order)
{
    const char *given = getenv("TROUPE_TEST_SEED");
    uint64_t seed = given != NULL ? strtoull(given, NULL, 0) : UINT64_C(20240229);

    for (int i = 0; i < (given != NULL ? 1 : ROUNDS); i++) {
        /* Read by people, should a round fail. */
        fprintf(stderr, "%s%llu", i == 0 ? "seeds: " : " ", (unsigned long long)seed);
        one_round(seed);
        (void)roll(&seed);
    }
    fputc('\n', stderr);
}
END_TEST

KIT_MAIN("storm", storm_ends_in_good_order)
