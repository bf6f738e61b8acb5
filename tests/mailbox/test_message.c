/* Blocks for messages: their sizes, the ask at their end, and where they go back to. */
#include <pthread.h>
#include <string.h>

#include "mailbox/message.h"
#include "support/kit.h"

typedef struct pools {
    tr__depot depot;
    tr__slab slab;
} pools;

static void open_pools(pools *p)
{
    tr__depot_init(&p->depot);
    tr__slab_init(&p->slab, &p->depot);
}

/* Write all of it, so that AddressSanitizer sees what is not ours. */
static void expect_usable(tr_msg *msg, size_t payload, bool extended)
{
    size_t used = TR__MSG_HEADER + payload + (extended ? sizeof(tr__ask) : 0);

    ck_assert_ptr_nonnull(msg);
    ck_assert_uint_eq((uintptr_t)msg % 16, 0);
    ck_assert_uint_ge(tr__msg_bytes(msg), used);
    memset(msg->tr__payload, 0x77, payload);
    ck_assert_int_eq((msg->tr__head & TR__MSG_EXTENDED) != 0, extended);
    ck_assert_uint_eq(msg->tr__head & (TR__TYPE_MASK | TR__MSG_ASKS | TR__MSG_LENT), 0);
    if (!extended)
        return;
    ck_assert_uint_eq((uintptr_t)tr__msg_ask(msg) % _Alignof(tr__ask), 0);
    ck_assert((char *)tr__msg_ask(msg) >= (char *)msg->tr__payload + payload);
    ck_assert((char *)(tr__msg_ask(msg) + 1) == (char *)msg + tr__msg_bytes(msg));
    memset(tr__msg_ask(msg), 0x66, sizeof(tr__ask));
}

START_TEST(message_of_each_size_has_room_for_payload_and_ask)
{
    pools p;

    open_pools(&p);
    for (size_t payload = 0; payload <= 5000; payload++)
        for (int extended = 0; extended < 2; extended++) {
            size_t bytes = TR__MSG_HEADER + payload + (extended ? sizeof(tr__ask) : 0);
            tr_msg *msg = tr__msg_take(&p.slab, payload, extended);

            expect_usable(msg, payload, extended);
            ck_assert_int_eq(tr__msg_class(msg) == TR__MSG_CLASS_HEAP, bytes > 4096);
            tr__msg_give(&p.slab, &p.depot, msg);
        }
    tr__depot_fini(&p.depot);
}
END_TEST

START_TEST(block_that_lies_ready_is_taken_with_the_same_head)
{
    pools p;

    open_pools(&p);
    for (size_t payload = 0; payload <= 5000; payload += 3)
        for (int extended = 0; extended < 2; extended++) {
            tr_msg *msg = tr__msg_take(&p.slab, payload, extended);
            bool is_heap = tr__msg_class(msg) == TR__MSG_CLASS_HEAP;

            tr__msg_give(&p.slab, &p.depot, msg);
            msg = tr__msg_take_ready(&p.slab, payload, extended);
            ck_assert_int_eq(msg == NULL, is_heap);
            if (msg == NULL)
                continue;
            expect_usable(msg, payload, extended);
            tr__msg_give(&p.slab, &p.depot, msg);
        }
    ck_assert_ptr_null(tr__msg_take_ready(&p.slab, SIZE_MAX, true));
    tr__depot_fini(&p.depot);
}
END_TEST

START_TEST(payload_of_each_size_is_copied_whole_and_no_further)
{
    char from[40];

    for (size_t i = 0; i < sizeof(from); i++)
        from[i] = (char)(i + 1);
    for (size_t bytes = 0; bytes < sizeof(from); bytes++) {
        char to[sizeof(from)] = { 0 };

        tr__payload_copy(to, from, bytes);
        ck_assert_int_eq(memcmp(to, from, bytes), 0);
        for (size_t i = bytes; i < sizeof(to); i++)
            ck_assert_int_eq(to[i], 0);
    }
}
END_TEST

START_TEST(message_without_a_slab_is_from_the_allocator)
{
    for (size_t payload = 0; payload <= 5000; payload += 7)
        for (int extended = 0; extended < 2; extended++) {
            tr_msg *msg = tr__msg_take(NULL, payload, extended);

            expect_usable(msg, payload, extended);
            ck_assert_uint_eq(tr__msg_class(msg), TR__MSG_CLASS_HEAP);
            tr__msg_give(NULL, NULL, msg);
        }
}
END_TEST

START_TEST(message_with_sixteen_bytes_fills_the_smallest_class)
{
    pools p;
    tr_msg *small;
    tr_msg *larger;

    open_pools(&p);
    small = tr__msg_take(&p.slab, 16, false);
    larger = tr__msg_take(&p.slab, 17, false);
    ck_assert_uint_eq(tr__msg_class(small), 0);
    ck_assert_uint_eq(tr__msg_bytes(small), sizeof(tr_msg));
    ck_assert_uint_eq(tr__msg_class(larger), 1);
    tr__msg_give(&p.slab, NULL, small);
    tr__msg_give(&p.slab, NULL, larger);
    tr__depot_fini(&p.depot);
}
END_TEST

START_TEST(message_that_no_memory_could_hold_is_refused)
{
    pools p;

    open_pools(&p);
    ck_assert_ptr_null(tr__msg_take(&p.slab, TR__PAYLOAD_MAX + 1, false));
    ck_assert_ptr_null(tr__msg_take(NULL, SIZE_MAX, true));
    ck_assert_ptr_null(tr__msg_take(&p.slab, SIZE_MAX - 20, true)); /* the sum wraps */
    tr__depot_fini(&p.depot);
}
END_TEST

static void take_each(void *ctx, int n)
{
    pools *p = ctx;
    tr_msg *made[3] = {
        tr__msg_take(&p->slab, 100, true),
        tr__msg_take(&p->slab, 10000, true),
        tr__msg_take(NULL, 10, false),
    };
    int missing = 0;

    (void)n;
    for (int i = 0; i < 3; i++) {
        missing += made[i] == NULL;
        if (made[i] != NULL)
            tr__msg_give(&p->slab, &p->depot, made[i]);
    }
    ck_assert_int_le(missing, 1);
}

START_TEST(message_for_which_there_is_no_memory_is_null)
{
    pools p;

    open_pools(&p);
    ck_assert_int_ge(kit_for_every_fault(take_each, &p), 3);
    tr__depot_fini(&p.depot);
}
END_TEST

typedef struct foreign {
    pools *p;
    tr_msg *msg[3];
} foreign;

static void *give_from_elsewhere(void *arg)
{
    foreign *f = arg;

    for (int i = 0; i < 3; i++)
        tr__msg_give(NULL, &f->p->depot, f->msg[i]);
    return NULL;
}

/* It comes again, once the slab's own blocks are used up. */
static void expect_again(pools *p, bool extended, const tr_msg *expected)
{
    const tr_msg *msg = NULL;

    for (int i = 0; i < 2 * TR__MAGAZINE && msg != expected; i++)
        msg = tr__msg_take(&p->slab, 16, extended);
    ck_assert_ptr_eq(msg, expected);
}

START_TEST(message_given_back_by_a_foreign_thread_returns_to_the_slab)
{
    pools p;
    foreign f = { .p = &p };
    pthread_t thread;

    open_pools(&p);
    f.msg[0] = tr__msg_take(&p.slab, 16, false);
    f.msg[1] = tr__msg_take(&p.slab, 16, true);
    f.msg[2] = tr__msg_take(&p.slab, 100000, false);
    ck_assert_int_eq(pthread_create(&thread, NULL, give_from_elsewhere, &f), 0);
    pthread_join(thread, NULL);
    expect_again(&p, false, f.msg[0]);
    expect_again(&p, true, f.msg[1]);
    tr__depot_fini(&p.depot);
}
END_TEST

KIT_MAIN("mailbox/message", message_of_each_size_has_room_for_payload_and_ask,
         block_that_lies_ready_is_taken_with_the_same_head,
         payload_of_each_size_is_copied_whole_and_no_further,
         message_without_a_slab_is_from_the_allocator,
         message_with_sixteen_bytes_fills_the_smallest_class,
         message_that_no_memory_could_hold_is_refused, message_for_which_there_is_no_memory_is_null,
         message_given_back_by_a_foreign_thread_returns_to_the_slab)
