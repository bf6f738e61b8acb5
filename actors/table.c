/* The table of slots, its blocks, and the depot of free slots. */
#include <pthread.h>
#include <string.h>

#include "actors/slot.h"
#include "base/assert.h"
#include "base/seam.h"
#include "base/threads.h"

enum {
    BLOCK_SLOTS = 2048, /* 128 KiB of slots, and just a page of the home table */
    BLOCKS = TR__SLOTS_MAX / BLOCK_SLOTS,
    SEGMENT_BLOCKS = 16, /* 2 MiB of slots: what gets memory at a time, but for the first */
    MAGAZINE = 128
};

/* No slot begins a life at or above this: the next one might wrap. */
static const uint32_t GENERATION_END = UINT32_MAX - 3;

tr__table tr__slots;

static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;
static uint32_t next_block;      /* the first that nobody has */
static uint32_t committed_block; /* the first without memory */
static tr_self *depot;           /* full magazines, linked through their first slots' mailboxes */

/* Where the generations of a block begin in this run: above all of earlier runs. */
static uint32_t first_generation[BLOCKS];

#define SLOTS_BYTES ((size_t)TR__SLOTS_MAX * sizeof(tr_self))
#define HOME_BYTES  ((size_t)TR__SLOTS_MAX * sizeof(uint16_t))

int tr__table_open(void)
{
    tr__slots.slots = tr__pages_reserve(SLOTS_BYTES);
    tr__slots.home = tr__pages_map(HOME_BYTES, 4096);
    next_block = 0;
    committed_block = 0;
    depot = NULL;
    if (tr__slots.slots != NULL && tr__slots.home != NULL)
        return 0;
    tr__table_close();
    return TR_ENOMEM;
}

/* The generation that the next run begins a block with. Slots never used in it have generation
 * 0. */
static void remember_generations(uint32_t block)
{
    const tr_self *slot = &tr__slots.slots[(size_t)block * BLOCK_SLOTS];
    uint32_t highest = first_generation[block];

    for (uint32_t i = 0; i < BLOCK_SLOTS; i++)
        if (slot[i].generation > highest)
            highest = slot[i].generation;
    first_generation[block] = (highest + 1) & ~UINT32_C(1);
}

void tr__table_close(void)
{
    for (uint32_t block = 0; block < next_block; block++)
        remember_generations(block);
    next_block = 0;
    if (tr__slots.slots != NULL)
        tr__pages_unmap(tr__slots.slots, SLOTS_BYTES);
    if (tr__slots.home != NULL)
        tr__pages_unmap(tr__slots.home, HOME_BYTES);
    tr__slots = (tr__table){ NULL, NULL };
}

uint32_t tr__table_end(void)
{
    uint32_t end;

    tr__mutex_lock(&lock);
    end = next_block * BLOCK_SLOTS;
    tr__mutex_unlock(&lock);
    return end;
}

/* With the lock held: put memory behind the next block. */
static bool commit_next(void)
{
    uint32_t blocks = next_block == 0 ? 1 : SEGMENT_BLOCKS - next_block % SEGMENT_BLOCKS;
    char *at = (char *)&tr__slots.slots[(size_t)next_block * BLOCK_SLOTS];
    size_t bytes = (size_t)blocks * BLOCK_SLOTS * sizeof(tr_self);

    if (next_block < committed_block)
        return true;
    if (!tr__pages_commit(at, bytes))
        return false;
    if (blocks == SEGMENT_BLOCKS)
        tr__pages_prefer_huge(at, bytes);
    committed_block = next_block + blocks;
    return true;
}

/* With the lock held: a block of fresh slots for the cache. 0 or an error. */
static int take_block(tr__slot_cache *cache)
{
    while (next_block < BLOCKS && first_generation[next_block] >= GENERATION_END) {
        /* Used up by earlier runs: passed over, but readable for those who walk the table. */
        if (!commit_next())
            return TR_ENOMEM;
        next_block++;
    }
    if (next_block == BLOCKS)
        return TR_ELIMIT;
    if (!commit_next())
        return TR_ENOMEM;
    cache->fresh = next_block * BLOCK_SLOTS;
    cache->fresh_end = cache->fresh + BLOCK_SLOTS;
    if (next_block == 0)
        cache->fresh = 1; /* slot 0 is nobody's, so that TR_PID_NONE is none */
    next_block++;
    return 0;
}

/* Fill an empty cache. 0 or an error. */
static int refill(tr__slot_cache *cache)
{
    int rc = 0;

    cache->top = cache->spare;
    cache->spare = NULL;
    if (cache->top == NULL) {
        tr__mutex_lock(&lock);
        if (depot != NULL) {
            cache->top = depot;
            depot = (tr_self *)(void *)cache->top->mailbox.first;
        } else if (cache->fresh == cache->fresh_end) {
            rc = take_block(cache);
        }
        tr__mutex_unlock(&lock);
    }
    cache->count = cache->top != NULL ? MAGAZINE : 0;
    return rc;
}

tr_self *tr__slot_take(tr__slot_cache *cache, int *error)
{
    tr_self *self;

    if (TR__UNLIKELY(tr__fault_strikes(TR__FAULT_MEMORY))) {
        *error = TR_ENOMEM;
        return NULL;
    }
    if (TR__UNLIKELY(cache->top == NULL) && (*error = refill(cache)) < 0)
        return NULL;
    self = cache->top;
    if (self != NULL) {
        cache->top = (tr_self *)(void *)self->runnable.link.next;
        cache->count--;
        return self;
    }
    self = &tr__slots.slots[cache->fresh];
    /* relaxed: still nobody's; the halt's walk (end.c) may look at it meanwhile. */
    tr__store_relaxed_u32(&self->generation, first_generation[cache->fresh / BLOCK_SLOTS]);
    cache->fresh++;
    return self;
}

void tr__slot_give(tr__slot_cache *cache, tr_self *self)
{
    TR_DCHECK(self->generation % 2 == 0);
    if (TR__UNLIKELY(self->generation >= GENERATION_END))
        return; /* retired */
    self->runnable.link.next = (tr__link *)(void *)cache->top;
    cache->top = self;
    if (TR__LIKELY(++cache->count < MAGAZINE))
        return;
    if (cache->spare != NULL) {
        tr__mutex_lock(&lock);
        cache->spare->mailbox.first = (tr_msg *)(void *)depot;
        depot = cache->spare;
        tr__mutex_unlock(&lock);
    }
    cache->spare = cache->top;
    cache->top = NULL;
    cache->count = 0;
}
