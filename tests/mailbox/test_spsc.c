/* Lanes: order, publishing, reuse of chunks, want of memory, and two threads. */
#include <pthread.h>

#include "base/random.h"
#include "base/seam.h"
#include "mailbox/spsc.h"
#include "support/kit.h"

/* Check's own assertions are slow in such numbers. */
#define MUST(what)                                                                                 \
    do {                                                                                           \
        if (!(what))                                                                               \
            ck_abort_msg("%s", #what);                                                             \
    } while (0)

static tr__parcel numbered(uint64_t n)
{
    return (tr__parcel){
        .to = n, .head = (uint32_t)n, .from = (uint32_t)(n >> 7), .word = { ~n, n * 3 }
    };
}

static void expect_number(const tr__parcel *parcel, uint64_t n)
{
    tr__parcel expected = numbered(n);

    MUST(parcel != NULL);
    MUST(parcel->to == expected.to && parcel->head == expected.head);
    MUST(parcel->from == expected.from && parcel->word[0] == expected.word[0]);
    MUST(parcel->word[1] == expected.word[1]);
}

static void stage(tr__lane *lane, uint64_t n)
{
    tr__parcel parcel = numbered(n);

    MUST(tr__lane_stage_spsc(lane, &parcel));
}

static void expect_next(tr__lane *lane, uint64_t n)
{
    expect_number(tr__lane_peek_spsc(lane), n);
    tr__lane_pop_spsc(lane);
}

START_TEST(lane_shows_nothing_that_is_not_published)
{
    tr__lane *lane = tr__lane_new();

    ck_assert_ptr_null(tr__lane_peek_spsc(lane));
    stage(lane, 1);
    ck_assert_uint_eq(tr__lane_unpublished(lane), 1);
    ck_assert_ptr_null(tr__lane_peek_spsc(lane));
    tr__lane_publish_spsc(lane);
    ck_assert_uint_eq(tr__lane_unpublished(lane), 0);
    stage(lane, 2);
    expect_next(lane, 1);
    ck_assert_ptr_null(tr__lane_peek_spsc(lane));
    tr__lane_publish_spsc(lane);
    expect_next(lane, 2);
    ck_assert_ptr_null(tr__lane_peek_spsc(lane));
    tr__lane_free(lane);
}
END_TEST

START_TEST(lane_shows_the_same_parcel_until_it_is_popped)
{
    tr__lane *lane = tr__lane_new();
    const tr__parcel *first;

    stage(lane, 1);
    stage(lane, 2);
    tr__lane_publish_spsc(lane);
    first = tr__lane_peek_spsc(lane);
    ck_assert_ptr_eq(tr__lane_peek_spsc(lane), first);
    expect_number(first, 1);
    tr__lane_pop_spsc(lane);
    expect_next(lane, 2);
    tr__lane_free(lane);
}
END_TEST

START_TEST(lane_keeps_order_over_many_chunks)
{
    enum { PARCELS = 10 * TR__CHUNK + 3 };
    tr__lane *lane = tr__lane_new();

    for (uint64_t n = 0; n < PARCELS; n++)
        stage(lane, n);
    tr__lane_publish_spsc(lane);
    for (uint64_t n = 0; n < PARCELS; n++)
        expect_next(lane, n);
    ck_assert_ptr_null(tr__lane_peek_spsc(lane));
    tr__lane_free(lane);
}
END_TEST

/* Staging, publishing and popping by turns of random length. */
START_TEST(lane_keeps_order_when_sides_alternate)
{
    enum { STEPS = 20000 };
    tr__random random = { 99 };
    tr__lane *lane = tr__lane_new();
    uint64_t staged = 0;
    uint64_t published = 0;
    uint64_t popped = 0;

    for (int step = 0; step < STEPS; step++) {
        uint64_t some = tr__random_next(&random) % 150;

        for (uint64_t i = 0; i < some; i++)
            stage(lane, staged++);
        if (tr__random_next(&random) % 3 != 0) {
            tr__lane_publish_spsc(lane);
            published = staged;
        }
        MUST(tr__lane_unpublished(lane) == staged - published);
        for (some = tr__random_next(&random) % 160; some > 0 && popped < published; some--)
            expect_next(lane, popped++);
        if (popped == published)
            MUST(tr__lane_peek_spsc(lane) == NULL);
    }
    tr__lane_free(lane);
}
END_TEST

START_TEST(lane_that_keeps_up_reuses_its_chunks)
{
    tr__lane *lane = tr__lane_new();
    uint64_t n = 0;

    /* After two chunks there is a spare one, and no more is asked for. */
    for (uint64_t lap = 0; lap < 20; lap++) {
        if (lap == 3)
            tr__fault_arm(1, true);
        for (int i = 0; i < TR__CHUNK; i++, n++) {
            stage(lane, n);
            tr__lane_publish_spsc(lane);
            expect_next(lane, n);
        }
    }
    ck_assert(!tr__fault_disarm());
    tr__lane_free(lane);
}
END_TEST

START_TEST(lane_hands_back_no_more_than_one_chunk)
{
    tr__lane *lane = tr__lane_new();
    uint64_t n;

    for (n = 0; n < UINT64_C(4) * TR__CHUNK; n++)
        stage(lane, n);
    tr__lane_publish_spsc(lane);
    for (n = 0; n < UINT64_C(4) * TR__CHUNK; n++)
        expect_next(lane, n);
    ck_assert_ptr_nonnull(lane->spare);
    tr__fault_arm(1, true);
    for (uint64_t i = 0; i < TR__CHUNK; i++)
        stage(lane, n + i); /* goes into the spare one */
    ck_assert(!tr__fault_disarm());
    tr__lane_free(lane); /* with parcels in it: they are forgotten */
}
END_TEST

START_TEST(lane_that_can_not_grow_loses_nothing)
{
    tr__lane *lane = tr__lane_new();
    uint64_t n;
    tr__parcel parcel;

    for (n = 0; n < TR__CHUNK; n++)
        stage(lane, n);
    parcel = numbered(n);
    tr__fault_arm(1, true);
    ck_assert(!tr__lane_stage_spsc(lane, &parcel));
    ck_assert(!tr__lane_stage_spsc(lane, &parcel));
    ck_assert_uint_eq(tr__lane_unpublished(lane), TR__CHUNK);
    ck_assert(tr__fault_disarm());
    stage(lane, n++);
    tr__lane_publish_spsc(lane);
    for (uint64_t i = 0; i < n; i++)
        expect_next(lane, i);
    ck_assert_ptr_null(tr__lane_peek_spsc(lane));
    tr__lane_free(lane);
}
END_TEST

static void make_lane(void *ctx, int n)
{
    tr__lane *lane = tr__lane_new();

    (void)ctx;
    ck_assert_int_eq(lane == NULL, n <= 2); /* the lane, and its first chunk */
    tr__lane_free(lane);
}

START_TEST(lane_that_can_not_be_made_is_null)
{
    ck_assert_int_eq(kit_for_every_fault(make_lane, NULL), 2);
}
END_TEST

/* ---- two threads ---- */

enum { PARCELS = 3000000 };

static void *produce(void *arg)
{
    tr__lane *lane = arg;
    tr__random random = { 5 };
    uint64_t burst = 0;

    for (uint64_t n = 0; n < PARCELS; n++) {
        tr__parcel parcel = numbered(n);

        if (!tr__lane_stage_spsc(lane, &parcel))
            return lane;
        if (burst-- == 0) {
            tr__lane_publish_spsc(lane);
            burst = tr__random_next(&random) % 100;
        }
    }
    tr__lane_publish_spsc(lane);
    return NULL;
}

START_TEST(lane_carries_millions_of_parcels_between_two_threads)
{
    tr__lane *lane = tr__lane_new();
    pthread_t producer;
    void *failed;

    ck_assert_int_eq(pthread_create(&producer, NULL, produce, lane), 0);
    for (uint64_t n = 0; n < PARCELS; n++) {
        const tr__parcel *parcel;

        while ((parcel = tr__lane_peek_spsc(lane)) == NULL)
            tr__spin_pause();
        expect_number(parcel, n);
        tr__lane_pop_spsc(lane);
    }
    pthread_join(producer, &failed);
    ck_assert_ptr_null(failed);
    ck_assert_ptr_null(tr__lane_peek_spsc(lane));
    tr__lane_free(lane);
}
END_TEST

START_TEST(parcel_knows_its_kind)
{
    for (uint32_t kind = TR__PARCEL_SMALL; kind <= TR__PARCEL_FAIL; kind++) {
        tr__parcel parcel = { .head = kind << TR__PARCEL_KIND_SHIFT | 0x0fffffffU };

        ck_assert_uint_eq(tr__parcel_kind_of(&parcel), kind);
    }
}
END_TEST

KIT_MAIN("mailbox/spsc", lane_shows_nothing_that_is_not_published,
         lane_shows_the_same_parcel_until_it_is_popped, lane_keeps_order_over_many_chunks,
         lane_keeps_order_when_sides_alternate, lane_that_keeps_up_reuses_its_chunks,
         lane_hands_back_no_more_than_one_chunk, lane_that_can_not_grow_loses_nothing,
         lane_that_can_not_be_made_is_null, lane_carries_millions_of_parcels_between_two_threads,
         parcel_knows_its_kind)
