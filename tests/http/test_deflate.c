/* Messages that are compressed and come back; and what is no compressed message, or too much of
 * one: in bounded memory. */
#include "http/deflate.h"

#include <malloc.h>
#include <stdlib.h>
#include <string.h>

#include "base/seam.h"
#include "support/kit.h"

/* Bytes that repeat now and then, as texts do. */
static void fill(char *data, size_t bytes)
{
    uint32_t seed = 1;

    for (size_t i = 0; i < bytes; i++) {
        seed = seed * 1664525 + 1013904223;
        data[i] = (char)('a' + (seed >> 24) % 5);
    }
}

static tr__slice content(const tr__buffer *buffer)
{
    return (tr__slice){ buffer->bytes + buffer->begin, tr__buffer_count(buffer) };
}

START_TEST(messages_of_each_size_come_back)
{
    static const size_t sizes[] = { 0, 1, 2, 127, 128, 4096, 16383, 16384, 16385, 1000000 };

    for (size_t i = 0; i < sizeof(sizes) / sizeof(sizes[0]); i++) {
        char *data = malloc(sizes[i] + 1);
        tr__buffer small = { 0 };
        tr__buffer large = { 0 };

        ck_assert_ptr_nonnull(data);
        fill(data, sizes[i]);
        ck_assert_int_eq(tr__deflate_message((tr__slice){ data, sizes[i] }, &small), 0);
        ck_assert_int_eq(tr__inflate_message(content(&small), &large, sizes[i]), 0);
        ck_assert_uint_eq(tr__buffer_count(&large), sizes[i]);
        ck_assert(sizes[i] == 0 || memcmp(large.bytes, data, sizes[i]) == 0);
        tr__buffer_free(&small);
        tr__buffer_free(&large);
        free(data);
    }
}
END_TEST

START_TEST(a_byte_too_many_is_too_large)
{
    static const size_t sizes[] = { 1, 128, 16384, 16385, 40000 };

    for (size_t i = 0; i < sizeof(sizes) / sizeof(sizes[0]); i++) {
        char *data = malloc(sizes[i]);
        tr__buffer small = { 0 };
        tr__buffer large = { 0 };

        ck_assert_ptr_nonnull(data);
        fill(data, sizes[i]);
        ck_assert_int_eq(tr__deflate_message((tr__slice){ data, sizes[i] }, &small), 0);
        ck_assert_int_eq(tr__inflate_message(content(&small), &large, sizes[i] - 1), TR_ETOOLARGE);
        tr__buffer_free(&small);
        tr__buffer_free(&large);
        free(data);
    }
}
END_TEST

START_TEST(a_message_that_is_cut_is_malformed)
{
    char data[300];
    tr__buffer small = { 0 };

    fill(data, sizeof(data));
    ck_assert_int_eq(tr__deflate_message((tr__slice){ data, sizeof(data) }, &small), 0);
    for (size_t cut = 1; cut < tr__buffer_count(&small); cut++) {
        tr__buffer large = { 0 };

        ck_assert_int_eq(tr__inflate_message((tr__slice){ small.bytes, cut }, &large, 1000),
                         TR_ESYNTAX);
        tr__buffer_free(&large);
    }
    tr__buffer_free(&small);
}
END_TEST

/* ---- memory ---- */

static size_t held, most_held;

static void *count_alloc(size_t bytes)
{
    void *block = malloc(bytes);

    held += block != NULL ? malloc_usable_size(block) : 0;
    most_held = held > most_held ? held : most_held;
    return block;
}

static void count_free(void *block)
{
    held -= block != NULL ? malloc_usable_size(block) : 0;
    free(block);
}

/* 16 MiB in 16 KiB: what is held is of the limit's size, and zlib's window. */
START_TEST(a_bomb_takes_no_more_than_the_limit_lets)
{
    enum { BYTES = 16 * 1024 * 1024, MOST = 64 * 1024, WINDOW = 48 * 1024 };
    const tr__seam counting = { .alloc = count_alloc, .free = count_free };
    char *zeros = calloc(1, BYTES);
    tr__buffer small = { 0 };
    tr__buffer large = { 0 };

    ck_assert_ptr_nonnull(zeros);
    ck_assert_int_eq(tr__deflate_message((tr__slice){ zeros, BYTES }, &small), 0);
    free(zeros);
    tr__seam_set(&counting);
    ck_assert_int_eq(tr__inflate_message(content(&small), &large, MOST), TR_ETOOLARGE);
    ck_assert_uint_le(most_held, 4 * MOST + WINDOW);
    tr__buffer_free(&large);
    ck_assert_uint_eq(held, 0);
    tr__seam_set(NULL);
    tr__buffer_free(&small);
}
END_TEST

static int result;

static void deflate_and_inflate(void *unused)
{
    char data[40000];
    tr__buffer small = { 0 };
    tr__buffer large = { 0 };

    (void)unused;
    fill(data, sizeof(data));
    result = tr__deflate_message((tr__slice){ data, sizeof(data) }, &small);
    if (result == 0)
        result = tr__inflate_message(content(&small), &large, sizeof(data));
    tr__buffer_free(&small);
    tr__buffer_free(&large);
}

static void check_result(void *unused, bool struck)
{
    (void)unused;
    ck_assert_int_eq(result, struck ? TR_ENOMEM : 0);
}

START_TEST(memory_that_is_short_is_told)
{
    const kit_faulty steps = { NULL, deflate_and_inflate, check_result };

    ck_assert_int_gt(kit_for_every_fault_of(&steps, NULL, false), 6);
}
END_TEST

KIT_MAIN("http/deflate", messages_of_each_size_come_back, a_byte_too_many_is_too_large,
         a_message_that_is_cut_is_malformed, a_bomb_takes_no_more_than_the_limit_lets,
         memory_that_is_short_is_told)
