/* See scan.h. This is where the time goes: each byte of the text is looked at once, eight at a
 * time, in one 64-bit number. There is a branch or two for each word, none for each letter: a
 * processor guesses wrong where a word ends, and a wrong guess costs as much as all the rest. */
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

/* A word of 8 letters at least, of which those are in entry->key[0]. */
static int scan_longer(struct table *table, char *word, struct entry *entry, size_t *length)
{
    uint64_t eight = load_eight(word + 8), others = find_others(eight);

    if (others == 0)
        return scan_long(table, word, length);
    entry->key[1] = letters_before(eight, others);
    *length = 8 + bytes_before(others);
    return table_add(table, entry);
}

int scan_words(struct table *table, char *text, size_t size)
{
    char *end = text + size;
    int rc = 0;

    while (rc >= 0 && text < end) {
        uint64_t eight = load_eight(text), others = find_others(eight);
        struct entry entry = { .key = { eight | MAKE_SMALL, 0 }, .count = 1 };
        size_t length = 8;

        if (others == HIGHEST) { /* no letter at all */
            text += 8;
            continue;
        }
        if (others & 0x80) { /* the first one is none */
            text += bytes_before(others ^ HIGHEST);
            continue;
        }
        if (__builtin_expect(others == 0, 0)) {
            rc = scan_longer(table, text, &entry, &length);
        } else {
            entry.key[0] = letters_before(eight, others);
            length = bytes_before(others);
            rc = table_add(table, &entry);
        }
        text += length + 1; /* what ends a word is no letter */
    }
    return rc;
}
