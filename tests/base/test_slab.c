/* Slabs and their depot. */
#include <stdlib.h>
#include <string.h>

#include "base/random.h"
#include "base/slab.h"
#include "support/kit.h"

enum { MANY = 3 * TR__MAGAZINE };

typedef struct pools {
    tr__depot depot;
    tr__slab a;
    tr__slab b;
} pools;

static void open_pools(pools *p)
{
    tr__depot_init(&p->depot);
    tr__slab_init(&p->a, &p->depot);
    tr__slab_init(&p->b, &p->depot);
}

static void *take(tr__slab *slab, unsigned size_class)
{
    void *block = tr__slab_take(slab, size_class);

    ck_assert_ptr_nonnull(block);
    return block;
}

/* The invariants of slab.h. */
static void expect_valid(const tr__slab *slab)
{
    for (unsigned c = 0; c < TR__CLASSES; c++) {
        const tr__magazine *magazine = &slab->magazines[c];
        uint32_t count = 0;

        for (const tr__block *block = magazine->top; block != NULL; block = block->next)
            count++;
        ck_assert_uint_eq(count, magazine->count);
        ck_assert_uint_lt(count, TR__MAGAZINE);
        count = TR__MAGAZINE;
        for (const tr__block *block = magazine->spare; block != NULL; block = block->next)
            count--;
        ck_assert_uint_eq(count, magazine->spare != NULL ? 0 : TR__MAGAZINE);
    }
}

static int depot_lists(const tr__depot *depot, unsigned size_class)
{
    int lists = 0;

    for (const tr__block *l = depot->lists[size_class]; l != NULL; l = l->next_list)
        lists++;
    return lists;
}

START_TEST(class_is_the_least_that_holds_the_bytes)
{
    ck_assert_uint_eq(tr__class_of(0), 0);
    for (size_t bytes = 1; bytes <= TR__CLASS_MAX_BYTES; bytes++) {
        unsigned c = tr__class_of(bytes);

        ck_assert_uint_lt(c, TR__CLASSES);
        ck_assert_uint_ge(tr__class_bytes(c), bytes);
        if (c > 0)
            ck_assert_uint_lt(tr__class_bytes(c - 1), bytes);
    }
    ck_assert_uint_ge(tr__class_of(TR__CLASS_MAX_BYTES + 1), TR__CLASSES);
}
END_TEST

static int by_address(const void *a, const void *b)
{
    const char *const *left = a;
    const char *const *right = b;

    return *left < *right ? -1 : *left > *right;
}

/* Blocks of each class do not overlap, and are aligned. */
START_TEST(slab_blocks_of_a_class_do_not_overlap)
{
    enum { BLOCKS = 1000 };
    pools p;

    open_pools(&p);
    for (unsigned c = 0; c < TR__CLASSES; c++) {
        static char *blocks[BLOCKS];

        for (int i = 0; i < BLOCKS; i++) {
            blocks[i] = take(&p.a, c);
            memset(blocks[i], 0xee, tr__class_bytes(c));
        }
        qsort(blocks, BLOCKS, sizeof(blocks[0]), by_address);
        for (int i = 0; i < BLOCKS; i++) {
            ck_assert_uint_eq((uintptr_t)blocks[i] % 32, 0);
            ck_assert(i == 0 || blocks[i - 1] + tr__class_bytes(c) <= blocks[i]);
        }
        for (int i = 0; i < BLOCKS; i++)
            tr__slab_give(&p.a, blocks[i], c);
    }
    expect_valid(&p.a);
    tr__depot_fini(&p.depot);
}
END_TEST

START_TEST(slab_gives_the_block_freed_last_first)
{
    pools p;
    void *first;
    void *second;

    open_pools(&p);
    ck_assert_ptr_null(tr__slab_take_ready(&p.a, 0)); /* nothing was given back yet */
    first = take(&p.a, 0);
    second = take(&p.a, 0);
    tr__slab_give(&p.a, first, 0);
    tr__slab_give(&p.a, second, 0);
    ck_assert_ptr_eq(tr__slab_take_ready(&p.a, 0), second);
    ck_assert_ptr_eq(take(&p.a, 0), first);
    expect_valid(&p.a);
    tr__depot_fini(&p.depot);
}
END_TEST

START_TEST(slab_keeps_a_magazine_and_a_spare_and_passes_on_the_rest)
{
    void *blocks[MANY];
    pools p;

    open_pools(&p);
    for (int i = 0; i < MANY; i++)
        blocks[i] = take(&p.a, 2);
    for (int i = 0; i < MANY; i++) {
        tr__slab_give(&p.a, blocks[i], 2);
        expect_valid(&p.a);
        ck_assert_int_eq(depot_lists(&p.depot, 2),
                         (i + 1) / TR__MAGAZINE - (i + 1 >= TR__MAGAZINE));
    }
    ck_assert_int_eq(depot_lists(&p.depot, 2), 2);
    tr__depot_fini(&p.depot);
}
END_TEST

/* At each boundary, taking and giving by turns leaves the depot alone. */
START_TEST(slab_that_alternates_at_a_boundary_leaves_the_depot_alone)
{
    static void *blocks[MANY];
    pools p;

    open_pools(&p);
    for (int i = 0; i < MANY; i++)
        blocks[i] = take(&p.a, 0);
    for (int given = 0; given < MANY; given++) {
        int lists;

        tr__slab_give(&p.a, blocks[given], 0);
        lists = depot_lists(&p.depot, 0);
        for (int i = 0; i < 5; i++) {
            void *block = take(&p.a, 0);

            expect_valid(&p.a);
            tr__slab_give(&p.a, block, 0);
            ck_assert_int_eq(depot_lists(&p.depot, 0), lists);
        }
    }
    tr__depot_fini(&p.depot);
}
END_TEST

START_TEST(slab_blocks_flow_to_another_slab_through_the_depot)
{
    enum { LAPS = 50 };
    pools p;
    const char *arenas_end;

    open_pools(&p);
    for (int lap = 0; lap < LAPS; lap++)
        for (int i = 0; i < MANY; i++)
            tr__slab_give(&p.b, take(&p.a, 3), 3);
    /* What b could not keep came back to a: no lap needed fresh memory but for the first. */
    arenas_end = p.a.magazines[3].fresh;
    for (int i = 0; i < MANY; i++)
        tr__slab_give(&p.b, take(&p.a, 3), 3);
    ck_assert_ptr_eq(arenas_end, p.a.magazines[3].fresh);
    expect_valid(&p.a);
    expect_valid(&p.b);
    tr__depot_fini(&p.depot);
}
END_TEST

START_TEST(depot_gives_blocks_of_foreign_threads_to_a_slab_that_runs_empty)
{
    void *blocks[3];
    pools p;

    open_pools(&p);
    for (int i = 0; i < 3; i++)
        blocks[i] = take(&p.a, 1);
    for (int i = 0; i < 3; i++)
        tr__depot_put(&p.depot, blocks[i], 1);
    for (int i = 2; i >= 0; i--) {
        ck_assert_ptr_eq(take(&p.b, 1), blocks[i]);
        expect_valid(&p.b);
    }
    ck_assert_ptr_null(p.depot.singles[1]);
    tr__slab_give(&p.b, blocks[0], 1);
    tr__depot_fini(&p.depot);
}
END_TEST

START_TEST(depot_gives_full_lists_before_single_blocks)
{
    static void *blocks[MANY];
    pools p;
    void *single;

    open_pools(&p);
    single = take(&p.a, 0);
    for (int i = 0; i < MANY; i++)
        blocks[i] = take(&p.a, 0);
    for (int i = 0; i < MANY; i++)
        tr__slab_give(&p.a, blocks[i], 0);
    tr__depot_put(&p.depot, single, 0);
    for (int i = 0; i < 2 * TR__MAGAZINE; i++)
        ck_assert_ptr_ne(take(&p.b, 0), single);
    ck_assert_ptr_eq(take(&p.b, 0), single);
    tr__depot_fini(&p.depot);
}
END_TEST

/* ---- want of memory ---- */

START_TEST(slab_without_memory_says_so_and_recovers)
{
    for (uint64_t n = 1; n <= 4; n++) {
        pools p;
        void *block;

        open_pools(&p);
        tr__fault_arm(n, false);
        block = tr__slab_take(&p.a, 0);
        if (n == 4) /* the block, its arena's record, its arena's pages */
            ck_assert_ptr_nonnull(block);
        else
            ck_assert_ptr_null(block);
        ck_assert_int_eq(tr__fault_disarm(), n < 4);
        ck_assert_ptr_nonnull(tr__slab_take(&p.a, 0));
        tr__depot_fini(&p.depot);
    }
}
END_TEST

START_TEST(slab_whose_second_arena_fails_lends_what_it_has)
{
    enum { FIRST_ARENA = 256 << 10 };
    pools p;
    void *last = NULL;

    open_pools(&p);
    for (int i = 0; i < FIRST_ARENA / TR__CLASS_MAX_BYTES; i++)
        last = take(&p.a, 7);
    tr__fault_arm(2, true);
    ck_assert_ptr_null(tr__slab_take(&p.a, 7));
    ck_assert_ptr_null(tr__slab_take(&p.a, 0)); /* no run is left for another class either */
    ck_assert(tr__fault_disarm());
    tr__slab_give(&p.a, last, 7);
    ck_assert_ptr_eq(take(&p.a, 7), last);
    (void)take(&p.a, 7);
    tr__depot_fini(&p.depot);
}
END_TEST

START_TEST(slab_magazine_is_closed_while_faults_are_armed)
{
    pools p;
    void *block;

    open_pools(&p);
    block = take(&p.a, 0);
    tr__slab_give(&p.a, block, 0);
    tr__fault_arm(5, false);
    ck_assert_ptr_null(tr__slab_take_ready(&p.a, 0));
    ck_assert(!tr__fault_disarm());
    ck_assert_ptr_eq(tr__slab_take_ready(&p.a, 0), block);
    tr__depot_fini(&p.depot);
}
END_TEST

START_TEST(slab_opens_one_arena_after_another)
{
    enum { BLOCKS = 3000 }; /* 12 MB: the first arena, and several huge ones */
    static char *blocks[BLOCKS];
    pools p;

    open_pools(&p);
    for (int i = 0; i < BLOCKS; i++) {
        blocks[i] = take(&p.a, 7);
        memset(blocks[i], i, 4096);
    }
    for (int i = 0; i < BLOCKS; i++)
        ck_assert_int_eq(blocks[i][4095], (char)i);
    ck_assert_uint_eq((uintptr_t)p.a.run_end % (2 << 20), 0);
    tr__depot_fini(&p.depot);
}
END_TEST

/* ---- at random ---- */

typedef struct held {
    unsigned char *block;
    unsigned size_class;
    unsigned char mark;
} held;

static void give_back(pools *p, tr__random *random, const held *h)
{
    size_t same = 0;

    while (same < tr__class_bytes(h->size_class) && h->block[same] == h->mark)
        same++;
    ck_assert_uint_eq(same, tr__class_bytes(h->size_class));
    switch (tr__random_next(random) % 8) {
    case 0:
        tr__depot_put(&p->depot, h->block, h->size_class);
        break;
    case 1:
    case 2:
    case 3:
        tr__slab_give(&p->b, h->block, h->size_class);
        break;
    default:
        tr__slab_give(&p->a, h->block, h->size_class);
    }
}

START_TEST(slab_blocks_stay_their_holders_alone)
{
    enum { HELD = 2000, STEPS = 60000 };
    static held all[HELD];
    tr__random random = { 20240607 };
    pools p;

    open_pools(&p);
    for (int step = 0; step < STEPS; step++) {
        held *h = &all[tr__random_next(&random) % HELD];

        if (h->block != NULL) {
            give_back(&p, &random, h);
            h->block = NULL;
            continue;
        }
        h->size_class = (unsigned)(tr__random_next(&random) % 5);
        h->mark = (unsigned char)step;
        h->block = take(tr__random_next(&random) % 2 ? &p.a : &p.b, h->size_class);
        memset(h->block, h->mark, tr__class_bytes(h->size_class));
    }
    expect_valid(&p.a);
    expect_valid(&p.b);
    tr__depot_fini(&p.depot);
}
END_TEST

/* ---- many threads ---- */

enum { FOREIGN_BLOCKS = 20000 };

static void *put_all(void *arg)
{
    tr__block **todo = arg;
    tr__depot *depot = (tr__depot *)todo[0];

    for (int i = 1; i <= FOREIGN_BLOCKS; i++)
        tr__depot_put(depot, todo[i], 0);
    return NULL;
}

START_TEST(depot_takes_blocks_of_foreign_threads_while_slabs_use_it)
{
    static tr__block *todo[2][FOREIGN_BLOCKS + 1];
    pthread_t threads[2];
    pools p;

    open_pools(&p);
    for (int t = 0; t < 2; t++) {
        todo[t][0] = (tr__block *)&p.depot;
        for (int i = 1; i <= FOREIGN_BLOCKS; i++)
            todo[t][i] = take(&p.a, 0);
    }
    for (int t = 0; t < 2; t++)
        ck_assert_int_eq(pthread_create(&threads[t], NULL, put_all, todo[t]), 0);
    for (int i = 0; i < FOREIGN_BLOCKS; i++)
        tr__slab_give(&p.a, take(&p.b, 0), 0);
    for (int t = 0; t < 2; t++)
        pthread_join(threads[t], NULL);
    expect_valid(&p.a);
    expect_valid(&p.b);
    tr__depot_fini(&p.depot);
}
END_TEST

KIT_MAIN("base/slab", class_is_the_least_that_holds_the_bytes,
         slab_blocks_of_a_class_do_not_overlap, slab_gives_the_block_freed_last_first,
         slab_keeps_a_magazine_and_a_spare_and_passes_on_the_rest,
         slab_that_alternates_at_a_boundary_leaves_the_depot_alone,
         slab_blocks_flow_to_another_slab_through_the_depot,
         depot_gives_blocks_of_foreign_threads_to_a_slab_that_runs_empty,
         depot_gives_full_lists_before_single_blocks, slab_without_memory_says_so_and_recovers,
         slab_whose_second_arena_fails_lends_what_it_has,
         slab_magazine_is_closed_while_faults_are_armed, slab_opens_one_arena_after_another,
         slab_blocks_stay_their_holders_alone,
         depot_takes_blocks_of_foreign_threads_while_slabs_use_it)
