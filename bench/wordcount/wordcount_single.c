/* wordcount_single: the words of a file, counted by one thread, as one writes it in C without a
 * library: large reads, one look at each byte (a table says whether it is a letter, and which small
 * one), the hash computed on the way, open addressing.
 *
 *   wordcount_single TOP FILE: prints the TOP most frequent words, as `uniq -c | sort -rn` does */
#include <fcntl.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

enum { BLOCK = 1 << 20, FIRST_SIZE = 4096 };

struct entry {
    const char *word; /* not terminated */
    uint32_t length;
    uint32_t hash;
    uint64_t count; /* 0: a free slot */
};

static struct entry *slots;
static size_t size = FIRST_SIZE, used;
static unsigned char small[256]; /* the small letter; 0: no letter */

static void *checked(void *memory)
{
    if (memory)
        return memory;
    perror("wordcount_single");
    exit(EXIT_FAILURE);
}

static void grow(void)
{
    struct entry *old = slots;
    size_t old_size = size;

    size *= 2;
    slots = checked(calloc(size, sizeof(*slots)));
    for (size_t i = 0; i < old_size; i++) {
        size_t slot = old[i].hash & (size - 1);

        if (old[i].count == 0)
            continue;
        while (slots[slot].count != 0)
            slot = (slot + 1) & (size - 1);
        slots[slot] = old[i];
    }
    free(old);
}

static void add(struct entry *entry, const char *word, size_t length, uint32_t hash)
{
    char *copy = checked(malloc(length));

    memcpy(copy, word, length);
    *entry = (struct entry){ copy, (uint32_t)length, hash, 1 };
    if (2 * ++used > size)
        grow();
}

static void count(const char *word, size_t length, uint32_t hash)
{
    size_t slot;

    hash ^= hash >> 15; /* FNV's upper bits are the better ones */
    for (slot = hash & (size - 1); slots[slot].count != 0; slot = (slot + 1) & (size - 1)) {
        struct entry *entry = &slots[slot];

        if (entry->hash == hash && entry->length == length &&
            memcmp(entry->word, word, length) == 0) {
            entry->count++;
            return;
        }
    }
    add(&slots[slot], word, length, hash);
}

/* A word may go on from one block to the next: so its letters are gathered apart. */
static void count_file(int fd)
{
    static unsigned char block[BLOCK];
    size_t length = 0, capacity = 256;
    char *word = checked(malloc(capacity));
    uint32_t hash = 2166136261U;
    ssize_t n;

    while ((n = read(fd, block, sizeof(block))) > 0) {
        for (ssize_t i = 0; i < n; i++) {
            unsigned char letter = small[block[i]];

            if (letter) {
                if (length == capacity)
                    word = checked(realloc(word, capacity *= 2));
                word[length++] = (char)letter;
                hash = (hash ^ letter) * 16777619U;
            } else if (length > 0) {
                count(word, length, hash);
                length = 0;
                hash = 2166136261U;
            }
        }
    }
    if (n < 0)
        perror("wordcount_single: read");
    if (length > 0)
        count(word, length, hash);
    free(word);
}

static int compare(const void *left, const void *right)
{
    const struct entry *a = left, *b = right;
    int order;

    if (a->count != b->count)
        return a->count > b->count ? -1 : 1;
    order = memcmp(a->word, b->word, a->length < b->length ? a->length : b->length);
    return order != 0 ? order : (a->length > b->length) - (a->length < b->length);
}

int main(int argc, char **argv)
{
    size_t top = argc == 3 ? strtoul(argv[1], NULL, 10) : 0, n = 0;
    int fd = argc == 3 ? open(argv[2], O_RDONLY) : -1;

    if (fd < 0) {
        fprintf(stderr, "usage: wordcount_single TOP FILE\n");
        return 2;
    }
    for (int letter = 'a'; letter <= 'z'; letter++)
        small[letter] = small[letter - 'a' + 'A'] = (unsigned char)letter;
    slots = checked(calloc(size, sizeof(*slots)));
    count_file(fd);
    for (size_t i = 0; i < size; i++)
        if (slots[i].count != 0)
            slots[n++] = slots[i];
    qsort(slots, n, sizeof(*slots), compare);
    for (size_t i = 0; i < n && i < top; i++)
        printf("%7" PRIu64 " %.*s\n", slots[i].count, (int)slots[i].length, slots[i].word);
    return fflush(stdout) == 0 ? EXIT_SUCCESS : EXIT_FAILURE;
}
