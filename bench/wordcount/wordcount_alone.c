/* wordcount_alone: what the sample wordcount does to the bytes, on one thread and without troupe's
 * help: its own scan.c and table.c in a loop around read. So the difference between it and
 * wordcount is what tasks, pools and actors cost and gain; the rest of the difference to
 * wordcount_single is eight letters at a time instead of one.
 *
 *   wordcount_alone TOP FILE: prints the TOP most frequent words, as `uniq -c | sort -rn` does */
#include <fcntl.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "scan.h"
#include "table.h"

enum { BLOCK = 1 << 20 };

/* Count all that ends in the block; an unfinished word goes to its beginning. Words longer than a
 * block do not come in a benchmark's text. */
static size_t count_block(struct table *table, char *block, size_t size)
{
    size_t whole = size;

    while (whole > 0 && is_letter(block[whole - 1]))
        whole--;
    if (scan_words(table, block, whole) < 0)
        exit(EXIT_FAILURE);
    memmove(block, block + whole, size - whole);
    return size - whole;
}

static void count_file(struct table *table, int fd)
{
    static char block[BLOCK + SCAN_PADDING];
    size_t held = 0;
    ssize_t n;

    while ((n = read(fd, block + held, BLOCK - held)) > 0)
        held = count_block(table, block, held + (size_t)n);
    memset(block + held, 0, SCAN_PADDING);
    if (n < 0 || scan_words(table, block, held) < 0)
        exit(EXIT_FAILURE);
}

int main(int argc, char **argv)
{
    size_t top = argc == 3 ? strtoul(argv[1], NULL, 10) : 0, n, length;
    int fd = argc == 3 ? open(argv[2], O_RDONLY) : -1;
    char buffer[SHORT_WORD];
    struct entry *words;
    struct table table;

    if (fd < 0) {
        fprintf(stderr, "usage: wordcount_alone TOP FILE\n");
        return 2;
    }
    if (table_init(&table, 0) < 0)
        return EXIT_FAILURE;
    count_file(&table, fd);
    if (table_top(&table, top, &words, &n) < 0)
        return EXIT_FAILURE;
    for (size_t i = 0; i < n && i < top; i++) {
        const char *letters = entry_letters(&words[i], buffer, &length);

        printf("%7" PRIu64 " %.*s\n", words[i].count, (int)length, letters);
    }
    free(words);
    table_fini(&table);
    return fflush(stdout) == 0 ? EXIT_SUCCESS : EXIT_FAILURE;
}
