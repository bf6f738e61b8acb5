/* The table of names, in all interleavings of one who looks and one who changes it. */
#include "actors/names.h"

#include <stdio.h>
#include <string.h>

#include "base/atomic.h"
#include "base/siphash.h"
#include "sim/all_ways.h"
#include "support/suite.h"

/* As names.c has it: a hash's upper bits are the shard's, the lower ones the chain's. */
enum { SHARD_SHIFT = 58, CHAIN_MASK = 63, SHARD_CHAINS = 64, TEXT_BYTES = 12 };

static const uint64_t key[2] = { 1, 2 };

static const tr_pid first = { 0x100000001 }, second = { 0x100000002 }, third = { 0x100000003 };

static tr__name *name_of(const char *text, tr_pid pid)
{
    tr__name *name;

    HOLDS(tr__name_take(&name, text, pid) == 0);
    return name;
}

static bool finds(const char *text, tr_pid pid)
{
    return tr_pid_eq(tr__name_find(text), pid);
}

enum { OF_CHAIN = 3, OF_SHARD = SHARD_CHAINS + 1 };

/* Texts of one shard; the first of them are of one chain. */
static char texts[OF_CHAIN + OF_SHARD][TEXT_BYTES];

static void find_texts(int from, int to, bool is_same_chain)
{
    uint64_t there = tr__siphash(key, "0", 1);

    for (int n = from * 1000000; from < to; n++) {
        uint64_t hash;

        (void)snprintf(texts[from], TEXT_BYTES, "%d", n);
        hash = tr__siphash(key, texts[from], strlen(texts[from]));
        from += hash >> SHARD_SHIFT == there >> SHARD_SHIFT &&
                (!is_same_chain || ((hash ^ there) & CHAIN_MASK) == 0);
    }
}

static void prepare(void)
{
    if (texts[0][0] != 0)
        return;
    find_texts(0, OF_CHAIN, true);
    find_texts(OF_CHAIN, OF_CHAIN + OF_SHARD, false);
}

static struct {
    const char *a, *b, *c; /* of one chain */
    tr__name *name;        /* that is given back */
    tr__name *taken;
} table;

static void open_table(void)
{
    prepare();
    tr__names_open(key);
    table.a = texts[0];
    table.b = texts[1];
    table.c = texts[2];
}

static void close_table(void)
{
    tr__fence_full(); /* what frees it looks without atomics */
    tr__names_close();
}

static void *give_and_take(void *text)
{
    tr__name_give(table.name);
    table.taken = name_of(text, second);
    return NULL;
}

/* The same room is handed out again, for the same name. */
static void look_for_one_that_changes_hands(void *unused)
{
    tr_sim_thread *writer;
    tr_pid found;

    (void)unused;
    open_table();
    table.name = name_of(table.a, first);
    writer = start("changes", give_and_take, (void *)(uintptr_t)table.a);
    found = tr__name_find(table.a);
    HOLDS(tr_pid_eq(found, first) || tr_pid_eq(found, second) || tr_pid_is_none(found));
    (void)tr_sim_thread_join(writer);
    HOLDS(finds(table.a, second));
    tr__name_give(table.taken);
    close_table();
}

/* For another one: nobody is found by a name that was never his. */
static void look_for_one_whose_room_another_gets(void *unused)
{
    tr_sim_thread *writer;
    tr_pid found;

    (void)unused;
    open_table();
    table.name = name_of(table.a, first);
    writer = start("changes", give_and_take, (void *)(uintptr_t)table.b);
    found = tr__name_find(table.b);
    HOLDS(tr_pid_eq(found, second) || tr_pid_is_none(found));
    found = tr__name_find(table.a);
    HOLDS(tr_pid_eq(found, first) || tr_pid_is_none(found));
    (void)tr_sim_thread_join(writer);
    HOLDS(finds(table.b, second) && finds(table.a, TR_PID_NONE));
    tr__name_give(table.taken);
    close_table();
}

/* Whatever happens to its neighbours, who has a name is found by it. */
static void look_for_one_that_stays(void *unused)
{
    tr_sim_thread *writer;
    tr__name *stays;

    (void)unused;
    open_table();
    stays = name_of(table.c, third);
    table.name = name_of(table.a, first);
    writer = start("changes", give_and_take, (void *)(uintptr_t)table.b);
    HOLDS(finds(table.c, third));
    (void)tr_sim_thread_join(writer);
    HOLDS(finds(table.c, third));
    tr__name_give(table.taken);
    tr__name_give(stays);
    close_table();
}

static void *take_one_more(void *text)
{
    table.taken = name_of(text, second);
    return NULL;
}

/* The shard gets more chains meanwhile. */
static void look_while_the_table_grows(void *unused)
{
    tr__name *names[SHARD_CHAINS];
    tr_sim_thread *writer;

    (void)unused;
    tr__exhaust_pause();
    open_table();
    for (int i = 0; i < SHARD_CHAINS; i++)
        names[i] = name_of(texts[OF_CHAIN + i], (tr_pid){ first.tr__id + (uint64_t)i });
    tr__exhaust_resume();
    writer = start("grows", take_one_more, texts[OF_CHAIN + SHARD_CHAINS]);
    HOLDS(finds(texts[OF_CHAIN], first));
    HOLDS(finds(texts[OF_CHAIN + SHARD_CHAINS - 1],
                (tr_pid){ first.tr__id + (uint64_t)SHARD_CHAINS - 1 }));
    (void)tr_sim_thread_join(writer);
    tr__exhaust_pause();
    for (int i = 0; i < SHARD_CHAINS; i++) {
        HOLDS(finds(texts[OF_CHAIN + i], (tr_pid){ first.tr__id + (uint64_t)i }));
        tr__name_give(names[i]);
    }
    tr__name_give(table.taken);
    close_table();
}

START_TEST(a_name_that_changes_hands_is_the_one_s_or_the_other_s)
{
    go_all_ways_late("names: changes hands", look_for_one_that_changes_hands, 3, 0);
    go_all_ways_late("names: changes hands", look_for_one_that_changes_hands, 2, 1);
}
END_TEST

START_TEST(nobody_is_found_by_a_name_that_was_never_his)
{
    go_all_ways_late("names: room of another", look_for_one_whose_room_another_gets, 3, 0);
    go_all_ways_late("names: room of another", look_for_one_whose_room_another_gets, 2, 1);
}
END_TEST

START_TEST(who_has_a_name_is_found_whatever_happens_to_others)
{
    go_all_ways_late("names: a neighbour", look_for_one_that_stays, 3, 0);
    go_all_ways_late("names: a neighbour", look_for_one_that_stays, 2, 1);
}
END_TEST

START_TEST(who_has_a_name_is_found_while_the_table_grows)
{
    go_all_ways_late("names: growth", look_while_the_table_grows, 2, 0);
}
END_TEST

SUITE_MAIN("sim/names", a_name_that_changes_hands_is_the_one_s_or_the_other_s,
           nobody_is_found_by_a_name_that_was_never_his,
           who_has_a_name_is_found_whatever_happens_to_others,
           who_has_a_name_is_found_while_the_table_grows)
