/* Reading files and directories, chunk by chunk. */
#ifndef WORDCOUNT_FILES_H
#define WORDCOUNT_FILES_H

#include <stdint.h>
#include <troupe/bytes.h>

/* Bytes in a chunk. Only a word that is longer still makes a larger one. */
enum { CHUNK_BYTES = 128 * 1024 };

struct files {
    /* Takes each chunk. Below 0 the reading ends, and files_read returns it. */
    int (*give)(void *ctx, tr_bytes *text);
    void *ctx;

    /* So far: */
    uint64_t files; /* read to their end */
    uint64_t bytes;
    uint64_t problems; /* what could not be read; each was reported on stderr */
};

/* Whether c belongs to a word. In no locale, so that it is the same everywhere. */
static inline bool is_letter(char c)
{
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z');
}

/* Read a file, or all regular files under a directory. A chunk never ends within a word; the end of
 * a file ends a word, too. What can't be read is reported, and the rest goes on.
 * Errors: what give returned; TR_ENOMEM. */
int files_read(struct files *f, const char *path);

#endif
