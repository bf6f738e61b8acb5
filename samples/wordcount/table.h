/* Words and how often they came: a table, and entries packed into bytes to be sent.
 *
 * The table uses open addressing; its size is a power of two, and at most three quarters of it are
 * used. A slot with count 0 is free. The letters of a word stay where they are: whoever owns the
 * table looks after them. */
#ifndef WORDCOUNT_TABLE_H
#define WORDCOUNT_TABLE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <troupe/bytes.h>

struct entry {
    const char *word; /* not terminated */
    size_t length;
    uint64_t hash;
    uint64_t count;
};

struct table {
    struct entry *slots;
    size_t size;
    size_t used;
};

struct packed {
    char *data;
    size_t size;
    size_t capacity;
};

uint64_t hash_word(const char *word, size_t length);

/* For qsort: the most frequent first; of the same frequency, by the word. */
int compare_entries(const void *left, const void *right);

/* Count entry->count more of entry->word. *added is its slot if it is new here, else NULL.
 * Errors: TR_ENOMEM, and nothing has changed. */
int table_add(struct table *table, const struct entry *entry, struct entry **added);

/* The next used slot from *slot on, which moves past it; NULL at the end. */
struct entry *table_next(const struct table *table, size_t *slot);

/* Make the table empty, and keep its memory for the next use. */
void table_clear(struct table *table);

/* Append a copy of an entry and its letters. Errors: TR_ENOMEM, and nothing has changed. */
int pack(struct packed *packed, const struct entry *entry);

/* Make what was packed into shared bytes (NULL if it was nothing), and begin anew.
 * Errors: TR_ENOMEM, and nothing has changed. */
int packed_take(tr_bytes **out, struct packed *packed);

/* The entry at *offset, which moves past it; false at the end. Its letters are lent by bytes. */
bool unpack(struct entry *entry, const tr_bytes *bytes, size_t *offset);

#endif
