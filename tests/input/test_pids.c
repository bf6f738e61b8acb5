/* Forged pids: numbers that no spawn gave. A forged one may name a living actor by chance, as any
 * guessed address may; nothing else happens: no crash, and nothing is lost. */

#include "base/atomic.h"
#include "support/actors.h"
#include "support/parcels.h"

enum { ROUNDS = 5000 };

static uint32_t sent;

typedef struct forger {
    uint64_t seed;
    tr_pid known; /* an actor that lived */
} forger;

static uint64_t roll(uint64_t *seed)
{
    *seed ^= *seed << 13;
    *seed ^= *seed >> 7;
    *seed ^= *seed << 17;
    return *seed;
}

static tr_pid forge(forger *f, int kind)
{
    uint64_t dice = roll(&f->seed);

    switch (kind % 7) {
    case 0:
        return (tr_pid){ dice };
    case 1: /* an index that is in use, any generation */
        return (tr_pid){ dice << 32 | dice >> 60 };
    case 2: /* even generations of somebody known */
        return (tr_pid){ f->known.tr__id + (UINT64_C(1) << 32) };
    case 3: /* beyond the table */
        return (tr_pid){ f->known.tr__id | UINT64_C(0xfc000000) };
    case 4: /* nobody's slot, with a generation */
        return (tr_pid){ dice << 32 };
    case 5: /* the last slots */
        return (tr_pid){ UINT64_C(1) << 32 | (UINT32_MAX - (dice & 7)) };
    default:
        return (tr_pid){ (dice & 0xffff) << 32 | (dice >> 40 & 0x3ffffff) };
    }
}

static void harass(forger *f, int i)
{
    tr_msg *msg = tr_msg_new(kit_parcel, .number = 4);
    tr_asker asker = { .tr__pid = forge(f, i), .tr__ref = roll(&f->seed), .tr__answer = 1 };

    (void)tr_send(forge(f, i), kit_parcel, .number = 1);
    (void)tr_send(forge(f, i), kit_crate, .number = 2);
    (void)tr_send_msg(forge(f, i), tr_msg_new(kit_crate, .number = 3));
    if (tr_try_send_msg(forge(f, i), msg) < 0)
        (void)tr_forward(msg, forge(f, i));
    (void)tr_answer(asker, kit_parcel, .number = 5);
    (void)tr_answer_error(asker, -5);
    (void)tr_stop(forge(f, i));
    (void)tr_kill(forge(f, i));
    (void)tr__add_ordered_u32(&sent, 5); /* ordered: a counter */
}

static void harass_much(void *arg)
{
    for (int i = 0; i < ROUNDS; i++)
        harass(arg, i);
}

static int harass_in_handler(tr_self *self, void *arg)
{
    forger *f = arg;

    for (int i = 0; i < ROUNDS; i++) {
        harass(f, i);
        ck_assert_int_eq(tr_request(self, forge(f, i), TR_FOREVER, 0, kit_ask, .a = 1), 0);
    }
    /* A puppet calls what it does not know unhandled: its own answers, too. */
    return 0;
}

static tr_pid ended_actor(int loop)
{
    tr_pid pid;

    ck_assert_int_eq(
        tr_spawn_with(&pid, &kit_ignoring_class, NULL, &(tr_spawn_options){ .on = TR_LOOP(loop) }),
        0);
    ck_assert_int_eq(tr_stop(pid), 0);
    kit_settle(loop);
    return pid;
}

static void forge_everywhere(int loops)
{
    forger f = { .seed = UINT64_C(88172645463325252) };

    kit_start(loops);
    kit_drops = 0;
    sent = 0;
    for (int loop = 0; loop < loops; loop++) {
        f.known = ended_actor(loop);
        harass_much(&f);
        kit_on_loop(loop, harass_much, &f);
        kit_in_handler(kit_puppet(loop), harass_in_handler, &f);
    }
    kit_stop();
    ck_assert_uint_eq(kit_drops, sent);
}

START_TEST(forged_pids_reach_nobody_on_one_loop)
{
    forge_everywhere(1);
}
END_TEST

START_TEST(forged_pids_reach_nobody_across_loops)
{
    forge_everywhere(3);
}
END_TEST

START_TEST(pids_of_an_earlier_run_are_stale)
{
    tr_pid pids[10];

    for (int run = 0; run < 20; run++) {
        kit_start(2);
        kit_drops = 0;
        for (int i = 0; run > 0 && i < 10; i++)
            (void)tr_send(pids[i], kit_parcel, .number = 1);
        for (int i = 0; i < 10; i++) {
            tr_pid pid;

            ck_assert_int_eq(tr_spawn(&pid, &kit_ignoring_class, NULL), 0);
            for (int j = 0; run > 0 && j < 10; j++)
                ck_assert(i <= j ? !tr_pid_eq(pid, pids[j]) : true);
            pids[i] = pid;
        }
        kit_stop();
        ck_assert_uint_eq(kit_stats().dead_ended, run > 0 ? 10 : 0);
        ck_assert_uint_eq(kit_drops, run > 0 ? 10 : 0);
    }
}
END_TEST

KIT_MAIN("pids", forged_pids_reach_nobody_on_one_loop, forged_pids_reach_nobody_across_loops,
         pids_of_an_earlier_run_are_stale)
