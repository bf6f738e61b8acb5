/* See table.h. Nothing in here knows of actors or tasks. */
#include "table.h"

#include <endian.h>
#include <stdlib.h>
#include <troupe/core.h>

enum { FIRST_SIZE = 4096 };

int table_init(struct table *table, size_t words)
{
    *table = (struct table){ .size = FIRST_SIZE };
    while (table->size < 2 * words)
        table->size *= 2;
    table->slots = calloc(table->size, sizeof(*table->slots));
    return table->slots ? 0 : TR_ENOMEM;
}

static int grow(struct table *table)
{
    struct table larger;
    struct entry *entry;
    size_t slot = 0;

    if (table_init(&larger, table->size) < 0)
        return TR_ENOMEM;
    while ((entry = table_next(table, &slot)))
        *table_slot(&larger, entry) = *entry;
    larger.used = table->used;
    free(table->slots);
    *table = larger;
    return 0;
}

int table_insert(struct table *table, struct entry *slot, const struct entry *entry)
{
    char *letters = NULL;

    if (2 * (table->used + 1) > table->size) {
        if (grow(table) < 0)
            return TR_ENOMEM;
        slot = table_slot(table, entry);
    }
    if (is_long(entry)) {
        letters = malloc(long_length(entry) + 1); /* never 0 bytes */
        if (!letters)
            return TR_ENOMEM;
        memcpy(letters, entry->letters, long_length(entry));
    }
    *slot = *entry;
    slot->letters = letters;
    table->used++;
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
    for (size_t i = 0; i < table->size; i++)
        free((char *)table->slots[i].letters);
    if (table->used > 0)
        memset(table->slots, 0, table->size * sizeof(*table->slots));
    table->used = 0;
}

void table_fini(struct table *table)
{
    table_clear(table);
    free(table->slots);
    *table = (struct table){ 0 };
}

/* ---- the most frequent ---- */

const char *entry_letters(const struct entry *entry, char buffer[SHORT_WORD], size_t *length)
{
    uint64_t key[2] = { htole64(entry->key[0]), htole64(entry->key[1]) };

    if (is_long(entry)) {
        *length = long_length(entry);
        return entry->letters;
    }
    memcpy(buffer, key, SHORT_WORD);
    *length = strlen(buffer);
    return buffer;
}

int compare_entries(const void *left, const void *right)
{
    const struct entry *a = left, *b = right;
    char buffer[2][SHORT_WORD];
    const char *letters[2];
    size_t length[2];
    int order;

    if (a->count != b->count)
        return a->count > b->count ? -1 : 1;
    letters[0] = entry_letters(a, buffer[0], &length[0]);
    letters[1] = entry_letters(b, buffer[1], &length[1]);
    order = memcmp(letters[0], letters[1], length[0] < length[1] ? length[0] : length[1]);
    return order != 0 ? order : (length[0] > length[1]) - (length[0] < length[1]);
}

/* The highest bit of a count, which is not 0. */
static int magnitude(uint64_t count)
{
    return 63 - __builtin_clzll(count);
}

/* The largest magnitude such that at least top words have it or a larger one; else 0. So only
 * these few have to be sorted, not a whole table. */
static int magnitude_of_top(const struct table *table, size_t top)
{
    size_t of_magnitude[64] = { 0 }, slot = 0, n = 0;
    const struct entry *entry;
    int least = 63;

    while ((entry = table_next(table, &slot)))
        of_magnitude[magnitude(entry->count)]++;
    while (least > 0 && (n += of_magnitude[least]) < top)
        least--;
    return least;
}

int table_top(const struct table *table, size_t top, struct entry **out, size_t *n)
{
    int least = magnitude_of_top(table, top);
    const struct entry *entry;
    size_t slot = 0;

    *n = 0;
    *out = calloc(table->used + 1, sizeof(**out)); /* one more: never a size of 0 */
    if (!*out)
        return TR_ENOMEM;
    while ((entry = table_next(table, &slot)))
        if (magnitude(entry->count) >= least)
            (*out)[(*n)++] = *entry;
    qsort(*out, *n, sizeof(**out), compare_entries);
    return 0;
}

/* ---- batches: key and count of each word, and the letters of a long one ---- */

enum { FIXED_BYTES = offsetof(struct entry, letters) };

int batch_write(struct batch_writer *writer, const struct entry *entry)
{
    size_t letters = is_long(entry) ? long_length(entry) : 0;
    size_t size = writer->size + FIXED_BYTES + letters;

    if (size > writer->capacity) {
        char *data = realloc(writer->data, 2 * size);

        if (!data)
            return TR_ENOMEM;
        writer->data = data;
        writer->capacity = 2 * size;
    }
    memcpy(writer->data + writer->size, entry, FIXED_BYTES);
    if (letters > 0)
        memcpy(writer->data + writer->size + FIXED_BYTES, entry->letters, letters);
    writer->size = size;
    return 0;
}

static void free_data(void *data, void *arg)
{
    (void)arg;
    free(data);
}

int batch_take(tr_bytes **out, struct batch_writer *writer)
{
    int rc;

    *out = NULL;
    if (writer->size == 0)
        return 0;
    rc = tr_bytes_adopt(out, writer->data, writer->size, free_data, NULL);
    if (rc >= 0)
        *writer = (struct batch_writer){ 0 };
    return rc;
}

bool batch_read(struct entry *entry, const tr_bytes *bytes, size_t *offset)
{
    const char *data = tr_bytes_data(bytes);

    if (*offset >= tr_bytes_size(bytes))
        return false;
    memcpy(entry, data + *offset, FIXED_BYTES);
    entry->letters = is_long(entry) ? data + *offset + FIXED_BYTES : NULL;
    *offset += FIXED_BYTES + (is_long(entry) ? long_length(entry) : 0);
    return true;
}

int table_write(const struct table *table, struct batch_writer *writers, size_t shards)
{
    const struct entry *entry;
    size_t slot = 0;
    int rc = 0;

    while (rc >= 0 && (entry = table_next(table, &slot)))
        rc = batch_write(&writers[(hash_key(entry->key[0], entry->key[1]) >> 32) % shards], entry);
    return rc;
}
