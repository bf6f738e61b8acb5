/* Items of one size, by value: a ring that grows, or a heap. Without a lock of its own. */
#ifndef TR_SYNC_ITEMS_H
#define TR_SYNC_ITEMS_H

#include <troupe/queue.h>

typedef struct tr__items {
    char *slots; /* NULL: none yet */
    size_t item_bytes;
    size_t slot_bytes; /* of an item, and of its number in a heap */
    size_t slot_count; /* a power of two, or 0 */
    size_t first;      /* of a ring: where the oldest stands */
    size_t count;
    uint64_t number; /* of the next item of a heap: among equals the oldest comes first */
    tr_queue_order order;
    int (*compare)(const void *a, const void *b);
} tr__items;

/* Room for one more; false: out of memory. */
bool tr__items_reserve(tr__items *items);
/* Where there is room. */
void tr__items_push(tr__items *items, const void *item);
/* Where there is one: the next by the order. */
void tr__items_pop(tr__items *items, void *item);
/* Drop what is left (drop may be NULL), and give the memory back; it is empty then. */
void tr__items_clear(tr__items *items, void (*drop)(void *item));

#endif
