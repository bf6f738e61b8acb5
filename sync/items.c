#include "sync/items.h"

#include <string.h>

#include "base/seam.h"

enum { FIRST_SLOTS = 8 };

static char *slot(const tr__items *items, size_t index)
{
    return items->slots + index * items->slot_bytes;
}

/* The i-th of a ring, from the oldest. */
static char *nth(const tr__items *items, size_t i)
{
    return slot(items, (items->first + i) & (items->slot_count - 1));
}

bool tr__items_reserve(tr__items *items)
{
    size_t wanted = items->slot_count != 0 ? items->slot_count * 2 : FIRST_SLOTS;
    char *slots;

    if (items->count < items->slot_count)
        return true;
    /* One more: see spare. */
    slots =
        wanted < SIZE_MAX / items->slot_bytes ? tr__alloc((wanted + 1) * items->slot_bytes) : NULL;
    if (slots == NULL)
        return false;
    for (size_t i = 0; i < items->count; i++)
        memcpy(slots + i * items->slot_bytes, nth(items, i), items->slot_bytes);
    tr__free(items->slots);
    items->slots = slots;
    items->slot_count = wanted;
    items->first = 0;
    return true;
}

/* The slot behind the last: for the one that is looking for its place in a heap. */
static char *spare(const tr__items *items)
{
    return slot(items, items->slot_count);
}

/* ---- a heap: each comes before its two children (Williams 1964) ---- */

static uint64_t number_of(const tr__items *items, const char *at)
{
    uint64_t number;

    memcpy(&number, at + items->slot_bytes - sizeof(number), sizeof(number));
    return number;
}

static bool comes_before(const tr__items *items, const char *a, const char *b)
{
    int order = items->compare(a, b);

    return order != 0 ? order < 0 : number_of(items, a) < number_of(items, b);
}

/* Let the spare one rise to its place from a slot that is free: those above it move down. */
static void rise(tr__items *items, size_t at)
{
    while (at > 0) {
        size_t parent = (at - 1) / 2;

        if (!comes_before(items, spare(items), slot(items, parent)))
            break;
        memcpy(slot(items, at), slot(items, parent), items->slot_bytes);
        at = parent;
    }
    memcpy(slot(items, at), spare(items), items->slot_bytes);
}

/* Let it sink to its place from the top, which is free: those below it move up. */
static void sink(tr__items *items)
{
    size_t at = 0;
    size_t child;

    while ((child = 2 * at + 1) < items->count) {
        if (child + 1 < items->count &&
            comes_before(items, slot(items, child + 1), slot(items, child)))
            child++;
        if (!comes_before(items, slot(items, child), spare(items)))
            break;
        memcpy(slot(items, at), slot(items, child), items->slot_bytes);
        at = child;
    }
    memcpy(slot(items, at), spare(items), items->slot_bytes);
}

static void push_to_heap(tr__items *items, const void *item)
{
    char *moved = spare(items);

    memcpy(moved, item, items->item_bytes);
    memcpy(moved + items->slot_bytes - sizeof(items->number), &items->number,
           sizeof(items->number));
    items->number++;
    rise(items, items->count++);
}

static void pop_from_heap(tr__items *items, void *item)
{
    memcpy(item, slot(items, 0), items->item_bytes);
    if (--items->count == 0)
        return;
    memcpy(spare(items), slot(items, items->count), items->slot_bytes);
    sink(items);
}

/* ---- whichever it is ---- */

void tr__items_push(tr__items *items, const void *item)
{
    if (items->order == TR_QUEUE_PRIORITY)
        push_to_heap(items, item);
    else
        memcpy(nth(items, items->count++), item, items->item_bytes);
}

void tr__items_pop(tr__items *items, void *item)
{
    if (items->order == TR_QUEUE_PRIORITY) {
        pop_from_heap(items, item);
    } else if (items->order == TR_QUEUE_LIFO) {
        memcpy(item, nth(items, --items->count), items->item_bytes);
    } else {
        memcpy(item, nth(items, 0), items->item_bytes);
        items->first = (items->first + 1) & (items->slot_count - 1);
        items->count--;
    }
}

void tr__items_clear(tr__items *items, void (*drop)(void *item))
{
    for (size_t i = 0; drop != NULL && i < items->count; i++)
        drop(nth(items, i));
    tr__free(items->slots);
    items->slots = NULL;
    items->slot_count = 0;
    items->count = 0;
}
