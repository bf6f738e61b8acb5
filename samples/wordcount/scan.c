/* See scan.h. This is where the time goes: each byte of the text is looked at once, eight at a
 * time, in one 64-bit number. There is a branch or two for each word, none for each letter: a
 * processor guesses wrong where a word ends, and a wrong guess costs as much as all the rest.
 *
 * A table of many words is larger than the nearest caches. So a word waits until the next few have
 * been found, while its slot is fetched from memory: that makes the whole a fifth faster. */
#include "scan.h"

#include <endian.h>
#include <troupe/core.h>

/* In each byte: */
#define EACH       UINT64_C(0x0101010101010101)
#define HIGHEST    (0x80 * EACH)
#define MAKE_SMALL (0x20 * EACH)

/* Eight letters, or others, the first one in the lowest byte. */
static inline uint64_t load_eight(const char *text)
{
    uint64_t eight;

    memcpy(&eight, text, sizeof(eight));
    return le64toh(eight);
}

/* The highest bit of each byte that is not a letter. Adding to the lower seven bits of a byte
 * carries into its highest one if it is at least 'a', or more than 'z'. */
static inline uint64_t find_others(uint64_t eight)
{
    uint64_t small = (eight | MAKE_SMALL) & ~HIGHEST;
    uint64_t from_a = small + (0x80 - 'a') * EACH, beyond_z = small + (0x7f - 'z') * EACH;

    return (~(from_a & ~beyond_z) | eight) & HIGHEST;
}

/* How many bytes stand before the first one whose highest bit is set; there is one. */
static inline size_t bytes_before(uint64_t bits)
{
    return (size_t)__builtin_ctzll(bits) / 8;
}

/* The small letters before the first other; the rest is 0. */
static inline uint64_t letters_before(uint64_t eight, uint64_t others)
{
    uint64_t lowest = others & -others;

    return (eight | MAKE_SMALL) & ((lowest >> 7) - 1);
}

enum { WAITING = 16 }; /* words that wait for their slots at most; a power of two */

/* The last WAITING words that were found; their slots are on their way. */
struct waiting {
    uint64_t key[WAITING][2];
    size_t found; /* words so far: the next one goes to found % WAITING */
};

static inline int count_waiting(struct table *table, const uint64_t key[2])
{
    struct entry entry = { .key = { key[0], key[1] }, .count = 1 };

    return table_add(table, &entry);
}

/* Let a word wait, and count the one that has waited longest. */
static inline int let_wait(struct waiting *w, struct table *table, uint64_t low, uint64_t high)
{
    uint64_t *key = w->key[w->found % WAITING];
    int rc = w->found >= WAITING ? count_waiting(table, key) : 0;

    key[0] = low;
    key[1] = high;
    w->found++;
    __builtin_prefetch(table_first_slot(table, low, high));
    return rc;
}

static int count_rest(struct waiting *w, struct table *table)
{
    size_t i = w->found > WAITING ? w->found - WAITING : 0;
    int rc = 0;

    for (; rc >= 0 && i < w->found; i++)
        rc = count_waiting(table, w->key[i % WAITING]);
    return rc;
}

/* A word of 16 letters or more: the rare case. */
static int scan_long(struct table *table, char *word, size_t *length)
{
    struct entry entry = { .count = 1, .letters = word };
    size_t n = 0;

    for (; is_letter(word[n]); n++) {
        word[n] = (char)(word[n] | 0x20);
        entry.key[0] = (entry.key[0] ^ (unsigned char)word[n]) * UINT64_C(0x100000001b3);
    }
    entry.key[1] = n | LONG_WORD;
    *length = n;
    return table_add(table, &entry);
}

/* A word of 8 letters at least, which are `first`. */
static int scan_longer(struct waiting *w, struct table *table, char *word, uint64_t first,
                       size_t *length)
{
    uint64_t eight = load_eight(word + 8), others = find_others(eight);

    if (others == 0)
        return scan_long(table, word, length);
    *length = 8 + bytes_before(others);
    return let_wait(w, table, first, letters_before(eight, others));
}

int scan_words(struct table *table, char *text, size_t size)
{
    struct waiting w = { .found = 0 };
    char *end = text + size;
    int rc = 0, rest;

    while (rc >= 0 && text < end) {
        uint64_t eight = load_eight(text), others = find_others(eight);
        size_t length;

        if (others == HIGHEST) { /* no letter at all */
            text += 8;
            continue;
        }
        if (others & 0x80) { /* the first one is none */
            text += bytes_before(others ^ HIGHEST);
            continue;
        }
        if (__builtin_expect(others == 0, 0)) {
            rc = scan_longer(&w, table, text, eight | MAKE_SMALL, &length);
        } else {
            length = bytes_before(others);
            rc = let_wait(&w, table, letters_before(eight, others), 0);
        }
        text += length + 1; /* what ends a word is no letter */
    }
    rest = count_rest(&w, table);
    return rc < 0 ? rc : rest;
}
