/* Chunks for lanes. */
#include "mailbox/spsc.h"

#include "base/seam.h"

static tr__chunk *chunk_new(void)
{
    tr__chunk *chunk = tr__alloc(sizeof(*chunk));

    if (chunk != NULL)
        chunk->next = NULL;
    return chunk;
}

tr__lane *tr__lane_new(void)
{
    tr__lane *lane = tr__alloc_lines_zeroed(sizeof(*lane));

    if (lane == NULL)
        return NULL;
    lane->first = chunk_new();
    lane->last = lane->first;
    lane->first_end = TR__CHUNK;
    if (lane->first == NULL) {
        tr__free_lines(lane);
        return NULL;
    }
    return lane;
}

void tr__lane_free(tr__lane *lane)
{
    if (lane == NULL)
        return;
    while (lane->first != NULL) {
        tr__chunk *chunk = lane->first;

        lane->first = chunk->next;
        tr__free(chunk);
    }
    tr__free(lane->spare);
    tr__free_lines(lane);
}

bool tr__lane_grow_spsc(tr__lane *lane)
{
    /* acquire: pairs with the release in tr__lane_advance_spsc: the consumer is done with it. */
    tr__chunk *chunk = tr__load_acquire_ptr(&lane->spare);

    if (chunk != NULL) {
        /* relaxed: it only says that the slot is free; the consumer reads nothing through it. */
        tr__store_relaxed_ptr(&lane->spare, NULL);
        chunk->next = NULL;
    } else {
        chunk = chunk_new();
    }
    if (chunk == NULL)
        return false;
    lane->last->next = chunk;
    lane->last = chunk;
    return true;
}

void tr__lane_advance_spsc(tr__lane *lane)
{
    tr__chunk *empty = lane->first;

    lane->first = empty->next;
    lane->first_end += TR__CHUNK;
    /* relaxed: whether the slot is free; only this side fills it. */
    if (tr__load_relaxed_ptr(&lane->spare) == NULL)
        /* release: our reads of the chunk come before the producer's writes; pairs with the acquire
         * in tr__lane_grow_spsc. */
        tr__store_release_ptr(&lane->spare, empty);
    else
        tr__free(empty);
}
