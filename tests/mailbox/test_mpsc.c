/* The inlet: letters from many threads. */
#include <pthread.h>
#include <stdlib.h>

#include "mailbox/mpsc.h"
#include "support/kit.h"

enum { PRODUCERS = 4, LETTERS = 100000 };

static tr__letter *letter_of(uint64_t from, uint64_t number)
{
    tr__letter *letter = calloc(1, sizeof(*letter));

    letter->parcel.to = from;
    letter->parcel.word[0] = number;
    return letter;
}

static void free_all(tr__link *link)
{
    while (link != NULL) {
        tr__link *next = link->next;

        free(tr__letter_of(link));
        link = next;
    }
}

START_TEST(inlet_is_closed_until_it_is_opened)
{
    tr__inlet inlet = TR__INLET_INIT;
    tr__letter letter = { .link = { NULL } };

    ck_assert(tr__inlet_is_empty(&inlet));
    ck_assert_ptr_null(tr__inlet_take_mpsc(&inlet));
    ck_assert_int_eq(tr__inlet_push_mpsc(&inlet, &letter.link), TR__PUSH_CLOSED);
    tr__inlet_open(&inlet);
    ck_assert(tr__inlet_is_empty(&inlet));
    ck_assert_int_eq(tr__inlet_push_mpsc(&inlet, &letter.link), TR__PUSH_FIRST);
    ck_assert(!tr__inlet_is_empty(&inlet));
    ck_assert_ptr_eq(tr__inlet_take_mpsc(&inlet), &letter.link);
}
END_TEST

START_TEST(inlet_tells_the_first_push_after_each_take)
{
    tr__inlet inlet = TR__INLET_INIT;
    tr__letter letters[3] = { { .link = { NULL } } };

    tr__inlet_open(&inlet);
    for (int round = 0; round < 3; round++) {
        ck_assert_int_eq(tr__inlet_push_mpsc(&inlet, &letters[0].link), TR__PUSH_FIRST);
        ck_assert_int_eq(tr__inlet_push_mpsc(&inlet, &letters[1].link), TR__PUSH_OK);
        ck_assert_int_eq(tr__inlet_push_mpsc(&inlet, &letters[2].link), TR__PUSH_OK);
        ck_assert_ptr_eq(tr__inlet_take_mpsc(&inlet), &letters[0].link);
        ck_assert_ptr_eq(letters[0].link.next, &letters[1].link);
        ck_assert_ptr_eq(letters[1].link.next, &letters[2].link);
        ck_assert_ptr_null(letters[2].link.next);
        ck_assert_ptr_null(tr__inlet_take_mpsc(&inlet));
    }
}
END_TEST

START_TEST(inlet_that_closes_returns_what_is_left_and_opens_again)
{
    tr__inlet inlet = TR__INLET_INIT;
    tr__letter letters[2] = { { .link = { NULL } } };

    for (int round = 0; round < 3; round++) {
        tr__inlet_open(&inlet);
        ck_assert_int_eq(tr__inlet_push_mpsc(&inlet, &letters[0].link), TR__PUSH_FIRST);
        ck_assert_int_eq(tr__inlet_push_mpsc(&inlet, &letters[1].link), TR__PUSH_OK);
        ck_assert_ptr_eq(tr__inlet_close(&inlet), &letters[0].link);
        ck_assert_ptr_eq(letters[0].link.next, &letters[1].link);
        ck_assert_ptr_null(letters[1].link.next);
        ck_assert_int_eq(tr__inlet_push_mpsc(&inlet, &letters[0].link), TR__PUSH_CLOSED);
        ck_assert_ptr_null(tr__inlet_take_mpsc(&inlet));
        ck_assert_ptr_null(tr__inlet_close(&inlet)); /* a second time: nothing is left */
    }
    tr__inlet_open(&inlet);
    ck_assert_ptr_null(tr__inlet_close(&inlet));
}
END_TEST

/* ---- many threads ---- */

typedef struct crowd {
    tr__inlet inlet;
    uint64_t next_number; /* of producers */
    uint64_t firsts;      /* pushes that were told to wake the owner */
} crowd;

static void *produce(void *arg)
{
    crowd *c = arg;
    uint64_t me = tr__add_relaxed_u64(&c->next_number, 1);
    uint64_t accepted = 0;

    for (uint64_t n = 0; n < LETTERS; n++) {
        tr__letter *letter = letter_of(me, n);
        tr__push_result result = tr__inlet_push_mpsc(&c->inlet, &letter->link);

        if (result == TR__PUSH_CLOSED) {
            free(letter);
            break;
        }
        accepted++;
        (void)tr__add_relaxed_u64(&c->firsts, result == TR__PUSH_FIRST);
    }
    return (void *)(uintptr_t)accepted;
}

/* Each producer's letters must come in order, without a gap. */
static uint64_t receive(tr__link *links, uint64_t *expected)
{
    uint64_t count = 0;

    for (tr__link *link = links; link != NULL; link = link->next, count++) {
        const tr__parcel *parcel = &tr__letter_of(link)->parcel;

        if (parcel->word[0] != expected[parcel->to]++)
            ck_abort_msg("producer %d: a letter is lost or out of order", (int)parcel->to);
    }
    free_all(links);
    return count;
}

static void start_crowd(crowd *c, pthread_t *threads)
{
    tr__inlet_open(&c->inlet);
    for (int i = 0; i < PRODUCERS; i++)
        ck_assert_int_eq(pthread_create(&threads[i], NULL, produce, c), 0);
}

START_TEST(inlet_keeps_the_order_of_each_producer)
{
    crowd c = { .inlet = TR__INLET_INIT };
    uint64_t expected[PRODUCERS] = { 0 };
    pthread_t threads[PRODUCERS];
    uint64_t received = 0;
    uint64_t takes = 0;

    start_crowd(&c, threads);
    while (received < (uint64_t)PRODUCERS * LETTERS) {
        uint64_t some = receive(tr__inlet_take_mpsc(&c.inlet), expected);

        takes += some > 0;
        received += some;
    }
    for (int i = 0; i < PRODUCERS; i++)
        pthread_join(threads[i], NULL);
    ck_assert(tr__inlet_is_empty(&c.inlet));
    ck_assert_uint_eq(c.firsts, takes); /* each filling of an empty inlet was told once */
}
END_TEST

START_TEST(inlet_that_closes_amid_pushes_loses_no_accepted_letter)
{
    crowd c = { .inlet = TR__INLET_INIT };
    uint64_t expected[PRODUCERS] = { 0 };
    pthread_t threads[PRODUCERS];
    uint64_t accepted = 0;
    uint64_t received = 0;

    start_crowd(&c, threads);
    while (received < LETTERS / 4)
        received += receive(tr__inlet_take_mpsc(&c.inlet), expected);
    received += receive(tr__inlet_close(&c.inlet), expected);
    for (int i = 0; i < PRODUCERS; i++) {
        void *count;

        pthread_join(threads[i], &count);
        accepted += (uint64_t)(uintptr_t)count;
    }
    ck_assert_uint_eq(received, accepted);
}
END_TEST

KIT_MAIN("mailbox/mpsc", inlet_is_closed_until_it_is_opened,
         inlet_tells_the_first_push_after_each_take,
         inlet_that_closes_returns_what_is_left_and_opens_again,
         inlet_keeps_the_order_of_each_producer,
         inlet_that_closes_amid_pushes_loses_no_accepted_letter)
