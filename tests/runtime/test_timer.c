/* The timing wheel: single timers, and many against an oracle that only compares due times. */
#include <string.h>

#include "base/random.h"
#include "base/seam.h"
#include "runtime/timer.h"
#include "support/kit.h"

#define TICK_NS (UINT64_C(1) << TR__TICK_SHIFT)

typedef struct probe {
    tr__timer timer; /* first */
    int fired;
} probe;

static void note(tr__timer *timer)
{
    ck_assert(!tr__timer_is_started(timer));
    ((probe *)(void *)timer)->fired++;
}

static void start(tr__wheel *wheel, probe *p, uint64_t due_ns)
{
    tr__timer_start(wheel, &p->timer, due_ns, note);
}

START_TEST(wheel_that_is_empty_waits_for_ever)
{
    static tr__wheel wheel;

    tr__wheel_init(&wheel, 12345);
    ck_assert_uint_eq(tr__wheel_next_ns(&wheel), UINT64_MAX);
    ck_assert_uint_eq(tr__wheel_advance(&wheel, UINT64_MAX / 2, SIZE_MAX), 0);
    ck_assert_uint_eq(tr__wheel_next_ns(&wheel), UINT64_MAX);
}
END_TEST

START_TEST(timer_never_fires_early_nor_a_tick_late)
{
    const uint64_t starts[] = { 0, 1, TICK_NS - 1, TICK_NS, 255 * TICK_NS + 77, 1000000007 };
    const uint64_t delays[] = {
        1, TICK_NS - 1, TICK_NS, TICK_NS + 1, 2 * TICK_NS, 256 * TICK_NS, 65536 * TICK_NS + 5
    };

    for (size_t s = 0; s < sizeof(starts) / sizeof(starts[0]); s++)
        for (size_t d = 0; d < sizeof(delays) / sizeof(delays[0]); d++) {
            uint64_t due = starts[s] + delays[d];
            static tr__wheel wheel;
            probe p = { .fired = 0 };

            tr__wheel_init(&wheel, starts[s]);
            start(&wheel, &p, due);
            (void)tr__wheel_advance(&wheel, due - 1, SIZE_MAX);
            ck_assert_int_eq(p.fired, 0);
            (void)tr__wheel_advance(&wheel, due + TICK_NS - 1, SIZE_MAX);
            ck_assert_int_eq(p.fired, 1);
            ck_assert_uint_eq(wheel.count, 0);
        }
}
END_TEST

START_TEST(timer_that_is_due_already_fires_at_the_next_advance)
{
    static tr__wheel wheel;
    probe p[2] = { { .fired = 0 } };

    tr__wheel_init(&wheel, 50 * TICK_NS);
    start(&wheel, &p[0], 0);
    start(&wheel, &p[1], 50 * TICK_NS);
    ck_assert_uint_eq(tr__wheel_next_ns(&wheel), 0);
    ck_assert_uint_eq(tr__wheel_advance(&wheel, 50 * TICK_NS, SIZE_MAX), 2);
    ck_assert_int_eq(p[0].fired, 1);
    ck_assert_int_eq(p[1].fired, 1);
}
END_TEST

/* Before, at and behind each boundary between levels. */
START_TEST(timer_at_a_boundary_of_levels_fires_in_its_tick)
{
    for (unsigned level = 0; level < TR__WHEEL_LEVELS - 1; level++)
        for (int off = -1; off <= 1; off++) {
            uint64_t boundary = UINT64_C(1) << ((level + 1) * TR__WHEEL_BITS);
            uint64_t due_tick = boundary + (uint64_t)(int64_t)off;
            static tr__wheel wheel;
            probe p = { .fired = 0 };

            tr__wheel_init(&wheel, 3 * TICK_NS);
            start(&wheel, &p, due_tick * TICK_NS);
            ck_assert_uint_le(tr__wheel_next_ns(&wheel), due_tick * TICK_NS);
            (void)tr__wheel_advance(&wheel, due_tick * TICK_NS - 1, SIZE_MAX);
            ck_assert_int_eq(p.fired, 0);
            (void)tr__wheel_advance(&wheel, due_tick * TICK_NS, SIZE_MAX);
            ck_assert_int_eq(p.fired, 1);
        }
}
END_TEST

START_TEST(timer_in_the_farthest_future_neither_fires_nor_wakes)
{
    const uint64_t dues[] = { UINT64_MAX,
                              UINT64_MAX - 1,
                              UINT64_MAX - TICK_NS,
                              UINT64_MAX - TICK_NS + 1,
                              UINT64_MAX - 2 * TICK_NS,
                              UINT64_C(1) << 63 };

    for (size_t i = 0; i < sizeof(dues) / sizeof(dues[0]); i++) {
        uint64_t now = UINT64_C(1) << 40;
        static tr__wheel wheel;
        probe p = { .fired = 0 };

        tr__wheel_init(&wheel, now);
        start(&wheel, &p, dues[i]);
        ck_assert_uint_gt(tr__wheel_next_ns(&wheel), now);
        ck_assert_uint_eq(tr__wheel_advance(&wheel, now + (UINT64_C(1) << 60), SIZE_MAX), 0);
        ck_assert_uint_gt(tr__wheel_next_ns(&wheel), now + (UINT64_C(1) << 60));
        tr__timer_stop(&wheel, &p.timer);
        ck_assert_int_eq(p.fired, 0);
        ck_assert_uint_eq(wheel.count, 0);
        ck_assert_uint_eq(tr__wheel_next_ns(&wheel), UINT64_MAX);
    }
}
END_TEST

START_TEST(timer_that_is_stopped_does_not_fire)
{
    static tr__wheel wheel;
    probe p[3] = { { .fired = 0 } };

    tr__wheel_init(&wheel, 0);
    tr__timer_stop(&wheel, &p[0].timer); /* was never started */
    for (int i = 0; i < 3; i++)
        start(&wheel, &p[i], 1000 * TICK_NS); /* all in one slot */
    tr__timer_stop(&wheel, &p[1].timer);
    tr__timer_stop(&wheel, &p[1].timer);
    ck_assert_uint_eq(wheel.count, 2);
    ck_assert_uint_eq(tr__wheel_advance(&wheel, 1000 * TICK_NS, SIZE_MAX), 2);
    ck_assert_int_eq(p[1].fired, 0);
    start(&wheel, &p[1], 1001 * TICK_NS);
    ck_assert_uint_eq(tr__wheel_advance(&wheel, 1001 * TICK_NS, SIZE_MAX), 1);
    ck_assert_int_eq(p[1].fired, 1);
}
END_TEST

START_TEST(wheel_fires_no_more_than_it_may_and_the_rest_next_time)
{
    static tr__wheel wheel;
    probe p[10];

    memset(p, 0, sizeof(p));
    tr__wheel_init(&wheel, 0);
    for (int i = 0; i < 10; i++)
        start(&wheel, &p[i], TICK_NS);
    ck_assert_uint_eq(tr__wheel_advance(&wheel, TICK_NS, 4), 4);
    ck_assert_uint_eq(tr__wheel_next_ns(&wheel), 0);
    tr__timer_stop(&wheel, &p[9].timer); /* stands among the expired ones */
    ck_assert_uint_eq(tr__wheel_advance(&wheel, TICK_NS, SIZE_MAX), 5);
    ck_assert_int_eq(p[9].fired, 0);
    ck_assert_uint_eq(wheel.count, 0);
}
END_TEST

/* ---- against an oracle ---- */

enum { TIMERS = 300, STEPS = 4000 };

typedef struct subject {
    tr__timer timer; /* first */
    struct trial *trial;
    uint64_t due_ns;
    bool is_started;
} subject;

typedef struct trial {
    tr__wheel wheel;
    tr__random random;
    uint64_t seed;
    int step;
    uint64_t now_ns;
    bool is_advancing;
    subject subjects[TIMERS];
} trial;

/* Check's own assertions are slow in such numbers. */
#define EXPECT(t, what)                                                                            \
    do {                                                                                           \
        if (!(what))                                                                               \
            ck_abort_msg("%s: seed %llu, step %d", #what, (unsigned long long)(t)->seed,           \
                         (t)->step);                                                               \
    } while (0)

static uint64_t chance(trial *t, uint64_t below)
{
    return tr__random_next(&t->random) % below;
}

/* Delays of all magnitudes, and due times just around multiples of ticks and of slots. */
static uint64_t some_due(trial *t)
{
    uint64_t due = t->now_ns + (tr__random_next(&t->random) >> (4 + chance(t, 60)));
    unsigned shift = TR__TICK_SHIFT + (unsigned)chance(t, 4) * TR__WHEEL_BITS;

    if (chance(t, 3) == 0)
        due = ((due >> shift | 1) << shift) + chance(t, 3) - 1;
    if (chance(t, 20) == 0)
        due = chance(t, t->now_ns + 1);
    return due;
}

static void fire(tr__timer *timer);

static void start_some(trial *t, subject *s)
{
    s->due_ns = some_due(t);
    s->is_started = true;
    tr__timer_start(&t->wheel, &s->timer, s->due_ns, fire);
}

static void stop_some(trial *t, subject *s)
{
    EXPECT(t, tr__timer_is_started(&s->timer) == s->is_started);
    tr__timer_stop(&t->wheel, &s->timer);
    s->is_started = false;
}

static void toggle(trial *t, subject *s)
{
    if (s->is_started)
        stop_some(t, s);
    else
        start_some(t, s);
}

static void fire(tr__timer *timer)
{
    subject *s = (subject *)(void *)timer;
    trial *t = s->trial;

    EXPECT(t, t->is_advancing);
    EXPECT(t, s->is_started);
    EXPECT(t, s->due_ns <= t->now_ns);
    s->is_started = false;
    if (chance(t, 2) == 0)
        toggle(t, &t->subjects[chance(t, TIMERS)]); /* itself, too, now and then */
}

/* Nothing that is due is left, and the wheel knows how many there are and until when to sleep. */
static void expect_consistent(trial *t, bool is_exhausted)
{
    uint64_t next_ns = tr__wheel_next_ns(&t->wheel);
    size_t started = 0;

    for (int i = 0; i < TIMERS; i++) {
        const subject *s = &t->subjects[i];
        uint64_t latest_ns = (s->due_ns + TICK_NS - 1) / TICK_NS * TICK_NS;

        if (!s->is_started)
            continue;
        started++;
        EXPECT(t, next_ns <= latest_ns);
        EXPECT(t, !is_exhausted || latest_ns > t->now_ns / TICK_NS * TICK_NS);
    }
    EXPECT(t, t->wheel.count == started);
    EXPECT(t, (next_ns == UINT64_MAX) == (started == 0));
    EXPECT(t, !is_exhausted || next_ns > t->now_ns);
}

static void advance(trial *t, size_t most)
{
    t->is_advancing = true;
    EXPECT(t, tr__wheel_advance(&t->wheel, t->now_ns, most) <= most);
    t->is_advancing = false;
}

/* A timer that fires may start one that is due at once: again, until nothing is. */
static void advance_to(trial *t, uint64_t now_ns)
{
    t->now_ns = now_ns;
    for (int round = 0; round < 1000; round++) {
        advance(t, chance(t, 2) == 0 ? SIZE_MAX : 1 + chance(t, 5));
        if (tr__wheel_next_ns(&t->wheel) != 0)
            break;
        expect_consistent(t, false);
    }
    expect_consistent(t, tr__wheel_next_ns(&t->wheel) != 0);
}

static void step_once(trial *t)
{
    uint64_t next_ns = tr__wheel_next_ns(&t->wheel);

    switch (chance(t, 8)) {
    case 0:
        if (next_ns != UINT64_MAX && next_ns > t->now_ns)
            advance_to(t, next_ns); /* as a loop does: it sleeps until then */
        break;
    case 1:
        advance_to(t, t->now_ns + (tr__random_next(&t->random) >> (28 + chance(t, 36))));
        break;
    default:
        toggle(t, &t->subjects[chance(t, TIMERS)]);
        expect_consistent(t, false);
    }
}

static void fire_last(tr__timer *timer)
{
    subject *s = (subject *)(void *)timer;

    EXPECT(s->trial, s->is_started && s->due_ns <= s->trial->now_ns);
    s->is_started = false;
}

/* By its own hints the wheel comes to its last timer in a bounded number of looks. */
static void run_out(trial *t)
{
    for (int i = 0; i < TIMERS; i++)
        if (i % 4 != 0 && t->subjects[i].is_started)
            stop_some(t, &t->subjects[i]);
    for (int i = 0; i < TIMERS; i++)
        t->subjects[i].timer.fire = fire_last;
    for (int looks = 0; t->wheel.count != 0; looks++) {
        EXPECT(t, looks < TIMERS * (TR__WHEEL_LEVELS + 1));
        if (tr__wheel_next_ns(&t->wheel) > t->now_ns)
            t->now_ns = tr__wheel_next_ns(&t->wheel);
        advance(t, SIZE_MAX);
        expect_consistent(t, true);
    }
}

static void try_seed(uint64_t seed)
{
    static trial t;

    memset(&t, 0, sizeof(t));
    t.seed = seed;
    t.random.state = seed;
    t.now_ns = tr__random_next(&t.random) >> (4 + seed % 40);
    tr__wheel_init(&t.wheel, t.now_ns);
    for (int i = 0; i < TIMERS; i++)
        t.subjects[i].trial = &t;
    for (t.step = 0; t.step < STEPS; t.step++)
        step_once(&t);
    run_out(&t);
}

START_TEST(wheel_does_as_a_simple_oracle_says)
{
    for (uint64_t seed = 1; seed <= 200; seed++)
        try_seed(seed);
    try_seed(tr__dice() >> 1);
}
END_TEST

KIT_MAIN("runtime/timer", wheel_that_is_empty_waits_for_ever,
         timer_never_fires_early_nor_a_tick_late,
         timer_that_is_due_already_fires_at_the_next_advance,
         timer_at_a_boundary_of_levels_fires_in_its_tick,
         timer_in_the_farthest_future_neither_fires_nor_wakes, timer_that_is_stopped_does_not_fire,
         wheel_fires_no_more_than_it_may_and_the_rest_next_time, wheel_does_as_a_simple_oracle_says)
