/* See files.h. */
#include "files.h"

#include <errno.h>
#include <fcntl.h>
#include <sys/types.h>
#include <sys/stat.h>
#include <fts.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <troupe/core.h>
#include <unistd.h>

#include "output.h"

static const char *advice(int error)
{
    switch (error) {
    case ENOENT:
    case ENOTDIR:
        return "check the name";
    case EACCES:
    case EPERM:
        return "run as a user who may read it, or leave it out";
    case EMFILE:
    case ENFILE:
        return "allow more open files (ulimit -n)";
    case ELOOP:
        return "name the file that it points to";
    default:
        return "put that right and run again";
    }
}

static void report(struct files *f, const char *path, int error)
{
    f->problems++;
    progress_end();
    fprintf(stderr, "wordcount: %s: %s; %s\n", path, strerror(error), advice(error));
}

static void free_data(void *data, void *arg)
{
    (void)arg;
    free(data);
}

/* What is being read: size bytes, of which the first whole ones can go, since a word ends there. */
struct buffer {
    char *data;
    size_t size;
    size_t capacity;
    size_t whole;
};

/* Make room behind what a buffer holds. */
static int reserve(struct buffer *b)
{
    size_t capacity = b->capacity ? 2 * b->capacity : CHUNK_BYTES;
    char *data;

    if (b->size < b->capacity)
        return 0;
    data = realloc(b->data, capacity);
    if (!data)
        return TR_ENOMEM;
    b->data = data;
    b->capacity = capacity;
    return 0;
}

/* Give the whole words away; the rest becomes the beginning of a new buffer. */
static int give_whole(struct files *f, struct buffer *b)
{
    struct buffer rest = { .size = b->size - b->whole };
    tr_bytes *text = NULL;
    int rc;

    if (rest.size > 0) {
        rest.capacity = rest.size + CHUNK_BYTES;
        rest.data = malloc(rest.capacity);
        if (!rest.data)
            return TR_ENOMEM;
        memcpy(rest.data, b->data + b->whole, rest.size);
    }
    rc = tr_bytes_adopt(&text, b->data, b->whole, free_data, NULL);
    if (rc < 0) {
        free(rest.data);
        return rc;
    }
    *b = rest;
    return f->give(f->ctx, text);
}

/* Count n bytes as read, and find out up to where words are whole now. */
static void note_read(struct files *f, struct buffer *b, size_t n)
{
    size_t end = b->size + n;

    f->bytes += n;
    for (size_t i = end; i > b->size; i--) {
        if (!is_letter(b->data[i - 1])) {
            b->whole = i;
            break;
        }
    }
    b->size = end;
}

/* Read to the end; chunks go as soon as they are full. */
static int read_open_file(struct files *f, const char *path, int fd, struct buffer *b)
{
    int rc = 0;

    while (rc >= 0) {
        ssize_t n;

        rc = reserve(b);
        if (rc < 0)
            break;
        n = read(fd, b->data + b->size, b->capacity - b->size);
        if (n < 0 && errno == EINTR)
            continue;
        if (n < 0)
            report(f, path, errno);
        if (n <= 0)
            break;
        note_read(f, b, (size_t)n);
        if (b->size == b->capacity && b->whole > 0)
            rc = give_whole(f, b);
    }
    b->whole = b->size;
    return rc >= 0 && b->size > 0 ? give_whole(f, b) : rc;
}

static int read_file(struct files *f, const char *path)
{
    int fd = open(path, O_RDONLY | O_CLOEXEC | O_NOFOLLOW | O_NOCTTY);
    struct buffer buffer = { 0 };
    uint64_t problems = f->problems;
    int rc;

    if (fd < 0) {
        report(f, path, errno);
        return 0;
    }
    rc = read_open_file(f, path, fd, &buffer);
    free(buffer.data);
    (void)close(fd); /* nothing was written */
    if (rc >= 0 && f->problems == problems)
        f->files++;
    return rc;
}

/* What was asked for by name and is not read deserves a word. */
static void note_skipped(const FTSENT *entry)
{
    if (entry->fts_level > FTS_ROOTLEVEL)
        return;
    progress_end();
    if (S_ISLNK(entry->fts_statp->st_mode))
        fprintf(stderr, "wordcount: %s: skipped, a symbolic link; name what it points to\n",
                entry->fts_path);
    else
        fprintf(stderr, "wordcount: %s: skipped, not a regular file; copy it to one first\n",
                entry->fts_path);
}

static int visit(struct files *f, const FTSENT *entry)
{
    switch (entry->fts_info) {
    case FTS_F:
        return read_file(f, entry->fts_accpath);
    case FTS_D:
    case FTS_DP:
        return 0;
    case FTS_DNR:
    case FTS_ERR:
    case FTS_NS:
        report(f, entry->fts_path, entry->fts_errno);
        return 0;
    default:
        note_skipped(entry);
        return 0;
    }
}

int files_read(struct files *f, const char *path)
{
    char *name = strdup(path);
    char *const paths[] = { name, NULL };
    FTSENT *entry;
    FTS *walk;
    int rc = 0;

    if (!name)
        return TR_ENOMEM;
    /* FTS_NOCHDIR: the working directory belongs to the whole process, hence to all threads. */
    walk = fts_open(paths, FTS_PHYSICAL | FTS_NOCHDIR, NULL);
    if (!walk) {
        report(f, path, errno);
        free(name);
        return 0;
    }
    while (rc >= 0 && (entry = fts_read(walk)))
        rc = visit(f, entry);
    if (rc >= 0 && errno != 0) /* fts_read sets it to 0 at the end */
        report(f, path, errno);
    (void)fts_close(walk); /* nothing was written */
    free(name);
    return rc;
}
