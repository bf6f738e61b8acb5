/* Memory that is freed all at once. */
#include "http/arena.h"

#include <string.h>

#include "base/seam.h"
#include "support/kit.h"

START_TEST(blocks_are_aligned_and_do_not_overlap)
{
    tr__arena arena = { 0 };
    char *blocks[300];

    for (size_t i = 0; i < 300; i++) {
        blocks[i] = tr__arena_take(&arena, i);
        ck_assert_ptr_nonnull(blocks[i]);
        ck_assert_uint_eq((uintptr_t)blocks[i] % TR__ARENA_ALIGN, 0);
        memset(blocks[i], (int)(i % 251), i);
    }
    for (size_t i = 0; i < 300; i++) {
        for (size_t k = 0; k < i; k++)
            ck_assert_int_eq((unsigned char)blocks[i][k], (int)(i % 251));
    }
    tr__arena_fini(&arena);
    ck_assert_ptr_null(arena.chunks);
    tr__arena_fini(&arena);
}
END_TEST

START_TEST(texts_lie_side_by_side)
{
    tr__arena arena = { 0 };
    char *one = tr__arena_copy(&arena, "one", 3);
    char *two = tr__arena_copy(&arena, "two and more", 3);

    ck_assert_str_eq(one, "one");
    ck_assert_str_eq(two, "two");
    ck_assert_ptr_eq(two, one + 4);
    ck_assert_str_eq(tr__arena_copy(&arena, NULL, 0), "");
    tr__arena_fini(&arena);
}
END_TEST

START_TEST(a_large_block_leaves_the_rest_of_the_newest_chunk)
{
    tr__arena arena = { 0 };
    char *small = tr__arena_take(&arena, 16);
    char *large = tr__arena_take(&arena, 10 << 20);
    char *next = tr__arena_take(&arena, 16);

    ck_assert_ptr_nonnull(large);
    memset(large, 1, 10 << 20);
    ck_assert_ptr_eq(next, small + 16);
    tr__arena_fini(&arena);
}
END_TEST

START_TEST(a_large_block_may_be_the_first)
{
    tr__arena arena = { 0 };

    ck_assert_ptr_nonnull(tr__arena_take_zeroed(&arena, 1 << 20));
    ck_assert_ptr_nonnull(tr__arena_take(&arena, 1));
    tr__arena_fini(&arena);
}
END_TEST

START_TEST(a_reset_arena_keeps_one_chunk)
{
    tr__arena arena = { 0 };
    char *first;

    tr__arena_reset(&arena);
    for (int i = 0; i < 1000; i++)
        (void)tr__arena_take(&arena, 100);
    tr__arena_reset(&arena);
    ck_assert_ptr_null(arena.chunks->next);
    first = tr__arena_take(&arena, 8);
    ck_assert_ptr_nonnull(first);
    tr__arena_reset(&arena);
    ck_assert_ptr_eq(tr__arena_take(&arena, 8), first);
    tr__arena_fini(&arena);
}
END_TEST

START_TEST(the_last_block_can_be_trimmed_and_no_other)
{
    tr__arena arena = { 0 };
    char *one = tr__arena_take(&arena, 64);
    char *two = tr__arena_take(&arena, 64);

    tr__arena_trim(&arena, one, 64, 16);
    ck_assert_ptr_eq(arena.at, two + 64);
    tr__arena_trim(&arena, two, 64, 16);
    ck_assert_ptr_eq(tr__arena_take(&arena, 1), two + 16);
    tr__arena_fini(&arena);
}
END_TEST

START_TEST(without_memory_there_is_no_block_and_nothing_is_lost)
{
    tr__arena arena = { 0 };

    tr__fault_arm(1, true);
    ck_assert_ptr_null(tr__arena_take(&arena, 10));
    ck_assert_ptr_null(tr__arena_take_zeroed(&arena, 10));
    ck_assert_ptr_null(tr__arena_copy(&arena, "text", 4));
    ck_assert(tr__fault_disarm());
    ck_assert_ptr_nonnull(tr__arena_take(&arena, 10));
    tr__fault_arm(1, true);
    ck_assert_ptr_null(tr__arena_take(&arena, 100000));
    ck_assert(tr__fault_disarm());
    ck_assert_ptr_null(tr__arena_take(&arena, SIZE_MAX - 8));
    ck_assert_ptr_null(tr__arena_copy(&arena, "", SIZE_MAX));
    tr__arena_fini(&arena);
}
END_TEST

KIT_MAIN("http/arena", blocks_are_aligned_and_do_not_overlap, texts_lie_side_by_side,
         a_large_block_leaves_the_rest_of_the_newest_chunk, a_large_block_may_be_the_first,
         a_reset_arena_keeps_one_chunk, the_last_block_can_be_trimmed_and_no_other,
         without_memory_there_is_no_block_and_nothing_is_lost)
