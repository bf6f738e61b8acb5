/* See table.h. Nothing in here knows of actors. */
#include "table.h"

#include <stdlib.h>
#include <string.h>
#include <troupe/core.h>

enum { FIRST_SIZE = 4096 };

/* FNV-1a. Its high bits are the better ones: they are mixed into the low bits, which choose the
 * slot. */
uint64_t hash_word(const char *word, size_t length)
{
    uint64_t hash = UINT64_C(0xcbf29ce484222325);

    for (size_t i = 0; i < length; i++)
        hash = (hash ^ (unsigned char)word[i]) * UINT64_C(0x100000001b3);
    return hash ^ (hash >> 32);
}

int compare_entries(const void *left, const void *right)
{
    const struct entry *a = left, *b = right;
    int order;

    if (a->count != b->count)
        return a->count > b->count ? -1 : 1;
    order = memcmp(a->word, b->word, a->length < b->length ? a->length : b->length);
    return order != 0 ? order : (a->length > b->length) - (a->length < b->length);
}

/* The slot that has the word, or the free one where it belongs. */
static struct entry *find_slot(const struct table *table, const struct entry *entry)
{
    size_t i = (size_t)entry->hash & (table->size - 1);

    while (table->slots[i].count != 0) {
        const struct entry *slot = &table->slots[i];

        if (slot->hash == entry->hash && slot->length == entry->length &&
            memcmp(slot->word, entry->word, entry->length) == 0)
            break;
        i = (i + 1) & (table->size - 1);
    }
    return &table->slots[i];
}

static int grow(struct table *table)
{
    struct table larger = { .size = table->size ? 2 * table->size : FIRST_SIZE };
    size_t slot = 0;

    larger.slots = calloc(larger.size, sizeof(*larger.slots));
    if (!larger.slots)
        return TR_ENOMEM;
    for (struct entry *entry; (entry = table_next(table, &slot)); larger.used++)
        *find_slot(&larger, entry) = *entry;
    free(table->slots);
    *table = larger;
    return 0;
}

int table_add(struct table *table, const struct entry *entry, struct entry **added)
{
    struct entry *slot;

    *added = NULL;
    if (4 * (table->used + 1) > 3 * table->size && grow(table) < 0)
        return TR_ENOMEM;
    slot = find_slot(table, entry);
    if (slot->count != 0) {
        slot->count += entry->count;
        return 0;
    }
    *slot = *entry;
    table->used++;
    *added = slot;
    return 0;
}

struct entry *table_next(const struct table *table, size_t *slot)
{
    while (*slot < table->size) {
        struct entry *entry = &table->slots[(*slot)++];

        if (entry->count != 0)
            return entry;
    }
    return NULL;
}

void table_clear(struct table *table)
{
    if (table->used > 0)
        memset(table->slots, 0, table->size * sizeof(*table->slots));
    table->used = 0;
}

int pack(struct packed *packed, const struct entry *entry)
{
    size_t size = packed->size + sizeof(*entry) + entry->length;

    if (size > packed->capacity) {
        char *data = realloc(packed->data, 2 * size);

        if (!data)
            return TR_ENOMEM;
        packed->data = data;
        packed->capacity = 2 * size;
    }
    memcpy(packed->data + packed->size, entry, sizeof(*entry));
    memcpy(packed->data + packed->size + sizeof(*entry), entry->word, entry->length);
    packed->size = size;
    return 0;
}

static void free_data(void *data, void *arg)
{
    (void)arg;
    free(data);
}

int packed_take(tr_bytes **out, struct packed *packed)
{
    int rc;

    *out = NULL;
    if (packed->size == 0)
        return 0;
    rc = tr_bytes_adopt(out, packed->data, packed->size, free_data, NULL);
    if (rc >= 0)
        *packed = (struct packed){ 0 };
    return rc;
}

bool unpack(struct entry *entry, const tr_bytes *bytes, size_t *offset)
{
    const char *data = tr_bytes_data(bytes);

    if (*offset >= tr_bytes_size(bytes))
        return false;
    memcpy(entry, data + *offset, sizeof(*entry));
    entry->word = data + *offset + sizeof(*entry);
    *offset += sizeof(*entry) + entry->length;
    return true;
}
