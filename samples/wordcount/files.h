/* The files to be counted, piece by piece. Everything in here blocks, and may be called on many
 * threads at a time: it is for a pool. */
#ifndef WORDCOUNT_FILES_H
#define WORDCOUNT_FILES_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* Where the pieces come from. */
struct source;

/* Some text, whole words only, followed by SCAN_PADDING zeros. The memory is kept from one piece to
 * the next; who has read the last one frees it. */
struct piece {
    char *text;
    size_t size;
    size_t capacity;
};

/* So far. */
struct progress {
    uint64_t files; /* read to their end */
    uint64_t bytes;
    uint64_t problems; /* what could not be read; each was reported on stderr */
};

/* Make a source of files, and of all regular files under directories: paths ends with NULL, and
 * must live as long. Errors: TR_ENOMEM. */
int source_new(struct source **out, char *const *paths);
void source_free(struct source *source);

/* Read the next piece: a part of a large file, or several small ones. A word is in exactly one
 * piece, the one in which it begins; the end of a file ends a word, too. What can't be read is
 * reported, and the rest goes on.
 * Returns 1; 0: there is no more.
 * Errors: TR_ENOMEM; TR_ECANCELED the job that calls it is cancelled. */
int source_read(struct source *source, struct piece *piece);

struct progress source_progress(struct source *source);

#endif
