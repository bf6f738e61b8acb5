/* Words and how often they came: a table of them, and batches of them to be sent.
 *
 * A word of less than 16 letters is two numbers, its small letters with zeros behind, the first
 * letter in the lowest byte: so words are compared and hashed without a look at single letters. A
 * longer one, which is rare, has its hash and its length there instead, and letters of its own.
 *
 *     key[0]                    key[1]                    letters
 *     "counting"                "them\0\0\0\0"            NULL
 *     hash of all letters       length | LONG_WORD        -> "internationalisation"
 *
 * The table uses open addressing; its size is a power of two, and at most half of it is used: most
 * words are found at the first look. A slot with count 0 is free. */
#ifndef WORDCOUNT_TABLE_H
#define WORDCOUNT_TABLE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>
#include <troupe/bytes.h>

enum { SHORT_WORD = 16 };             /* bytes of its letters and at least one 0 */
#define LONG_WORD (UINT64_C(1) << 63) /* the highest byte of a short word's key is 0 */

struct entry {
    uint64_t key[2];
    uint64_t count;
    const char *letters;
};

struct table {
    struct entry *slots;
    size_t size; /* 0 or a power of two */
    size_t used;
};

/* The lower bits choose a word's slot in a table, the upper ones its shard. */
static inline uint64_t hash_key(uint64_t low, uint64_t high)
{
    uint64_t hash = (low ^ (high * UINT64_C(0x9fb21c651e98df25))) * UINT64_C(0x9e3779b97f4a7c15);

    return hash ^ (hash >> 32);
}

static inline bool is_long(const struct entry *entry)
{
    return (entry->key[1] & LONG_WORD) != 0;
}

static inline size_t long_length(const struct entry *entry)
{
    return (size_t)(entry->key[1] & ~LONG_WORD);
}

static inline bool same_word(const struct entry *a, const struct entry *b)
{
    return a->key[0] == b->key[0] && a->key[1] == b->key[1] &&
           (!b->letters || !a->letters || memcmp(a->letters, b->letters, long_length(b)) == 0);
}

/* Where a word is looked for first. The table must not be of size 0. */
static inline struct entry *table_first_slot(const struct table *table, uint64_t low, uint64_t high)
{
    return &table->slots[(size_t)hash_key(low, high) & (table->size - 1)];
}

/* The slot that has the word, or the free one where it belongs. */
static inline struct entry *table_slot(const struct table *table, const struct entry *entry)
{
    struct entry *slot = table_first_slot(table, entry->key[0], entry->key[1]);

    while (slot->count != 0 && !same_word(slot, entry))
        slot = slot + 1 < table->slots + table->size ? slot + 1 : table->slots;
    return slot;
}

/* Put a word that is not in the table yet into its slot. Errors: TR_ENOMEM, nothing has changed. */
int table_insert(struct table *table, struct entry *slot, const struct entry *entry);

/* Make a table for at least so many words. Errors: TR_ENOMEM. */
int table_init(struct table *table, size_t words);

/* Count entry->count more of a word; a long one's letters are copied if it is new.
 * Errors: TR_ENOMEM, and nothing has changed. */
static inline int table_add(struct table *table, const struct entry *entry)
{
    struct entry *slot = table_slot(table, entry);

    if (__builtin_expect(slot->count == 0, 0))
        return table_insert(table, slot, entry);
    slot->count += entry->count;
    return 0;
}

/* The next used slot from *slot on, which moves past it; NULL at the end. */
struct entry *table_next(const struct table *table, size_t *slot);

/* Make the table empty, and keep its memory for the next use. */
void table_clear(struct table *table);
void table_fini(struct table *table);

/* The most frequent words, and maybe some more: at least top, if there are as many, sorted. *out
 * is an array for the caller to free; their letters stay the table's. Errors: TR_ENOMEM. */
int table_top(const struct table *table, size_t top, struct entry **out, size_t *n);

/* For qsort: the most frequent first; of the same frequency, by their letters. */
int compare_entries(const void *left, const void *right);

/* The letters of a word, and how many; those of a short one are written to buffer. */
const char *entry_letters(const struct entry *entry, char buffer[SHORT_WORD], size_t *length);

/* ---- batches ---- */

struct batch_writer {
    char *data;
    size_t size;
    size_t capacity;
};

/* Append a word and its count. Errors: TR_ENOMEM, and nothing has changed. */
int batch_write(struct batch_writer *writer, const struct entry *entry);

/* Make what was written into shared bytes (NULL if it was nothing), and begin anew.
 * Errors: TR_ENOMEM, and nothing has changed. */
int batch_take(tr_bytes **out, struct batch_writer *writer);

/* The word at *offset, which moves past it; false at the end. Its letters are lent by bytes. */
bool batch_read(struct entry *entry, const tr_bytes *bytes, size_t *offset);

/* A table's words, each in the batch of the shard that owns it.
 * Errors: TR_ENOMEM; some may have been written. */
int table_write(const struct table *table, struct batch_writer *writers, size_t shards);

#endif
