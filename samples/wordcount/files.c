/* See files.h.
 *
 * The mutex guards the walk through directories, and the list of large files that others may read
 * from, too; files are read outside of it. They are opened within: who found nothing to read while
 * another opens a large file would go home, and leave it alone with that. A large file is read by
 * many at a time, each at an offset of its own:
 *
 *     the sea was cal|m when they sailed away, a|nd nobody knew
 *                    ^ offset                   ^ offset + piece
 *     the piece:        when they sailed away, and
 *
 * One byte more in front tells whether a word is under way already, which is skipped; and some more
 * behind let the last word end. */
#include "files.h"

#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <sys/types.h>
#include <sys/stat.h>
#include <fts.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <troupe.h>
#include <unistd.h>

#include "output.h"
#include "scan.h"

/* A large piece takes some 10 ms to split. With shorter jobs it would show that a lane waits for
 * its turn on a core each time, and that its table moves to the caches of another core: 1 MiB made
 * the whole a fifth slower for 1 GB. Of smaller files each lane is to get its share. */
enum { LEAST_PIECE = 1 << 20, LARGEST_PIECE = 8 << 20, PIECES = 32 };
enum { BEHIND_BYTES = 256, ENOUGH_BYTES = LEAST_PIECE };

struct file {
    struct file *next; /* in source->large */
    char *path;
    int fd;
    off_t piece; /* bytes of each */
    /* Guarded by the source's mutex: */
    off_t size;       /* as far as is known */
    off_t offset;     /* of the next piece */
    unsigned readers; /* pieces that are being read */
    bool failed;
};

struct source {
    pthread_mutex_t mutex;
    char *const *paths; /* not begun yet */
    FTS *walk;          /* through the path that was begun; NULL: none */
    char *root;         /* the path of the walk, which fts wants to be its own */
    struct file *large; /* more pieces than are being read */
    struct progress progress;
};

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

/* The mutex is held. */
static void report(struct source *s, const char *path, int error)
{
    s->progress.problems++;
    complain("%s: %s; %s", path, strerror(error), advice(error));
}

/* ---- the walk: the mutex is held ---- */

/* What was asked for by name and is not read deserves a word. */
static void note_skipped(const FTSENT *entry)
{
    if (entry->fts_level > FTS_ROOTLEVEL)
        return;
    if (S_ISLNK(entry->fts_statp->st_mode))
        complain("%s: skipped, a symbolic link; name what it points to", entry->fts_path);
    else
        complain("%s: skipped, not a regular file; copy it to one first", entry->fts_path);
}

/* Whether it is a file to be read. */
static bool visit(struct source *s, const FTSENT *entry)
{
    switch (entry->fts_info) {
    case FTS_F:
        return true;
    case FTS_D:
    case FTS_DP:
        return false;
    case FTS_DNR:
    case FTS_ERR:
    case FTS_NS:
        report(s, entry->fts_path, entry->fts_errno);
        return false;
    default:
        note_skipped(entry);
        return false;
    }
}

static void end_walk(struct source *s)
{
    if (s->walk)
        (void)fts_close(s->walk); /* nothing was written */
    free(s->root);
    s->walk = NULL;
    s->root = NULL;
}

/* FTS_NOCHDIR: the working directory belongs to the whole process, hence to all threads. */
static int begin_walk(struct source *s, const char *path)
{
    char *root = strdup(path);
    char *const roots[] = { root, NULL };

    if (!root)
        return TR_ENOMEM;
    s->root = root;
    s->walk = fts_open(roots, FTS_PHYSICAL | FTS_NOCHDIR, NULL);
    if (!s->walk) {
        report(s, path, errno);
        end_walk(s);
    }
    return 0;
}

/* The next file that the present walk finds; NULL: it has come to its end. */
static const FTSENT *walk_on(struct source *s)
{
    const FTSENT *entry;

    while ((entry = fts_read(s->walk)))
        if (visit(s, entry))
            return entry;
    if (errno != 0) /* fts_read sets it to 0 at the end */
        report(s, s->root, errno);
    end_walk(s);
    return NULL;
}

/* A new file, not opened yet: 1; 0: there is no more. */
static int find_file(struct source *s, struct file **out)
{
    const FTSENT *entry = NULL;
    int rc = 0;

    *out = NULL;
    while (rc >= 0 && !entry && (s->walk || *s->paths)) {
        if (s->walk)
            entry = walk_on(s);
        else
            rc = begin_walk(s, *s->paths++);
    }
    if (!entry)
        return rc;
    *out = calloc(1, sizeof(**out));
    if (!*out)
        return TR_ENOMEM;
    **out = (struct file){ .path = strdup(entry->fts_path), .fd = -1, .readers = 1 };
    if ((*out)->path)
        return 1;
    free(*out);
    return TR_ENOMEM;
}

/* ---- files ---- */

static int take_place(struct source *s, struct file **out, off_t *at)
{
    struct file *f = s->large;

    *at = 0;
    if (!f)
        return find_file(s, out);
    *out = f;
    *at = f->offset;
    f->readers++;
    f->offset += f->piece;
    if (f->offset >= f->size)
        s->large = f->next;
    return 1;
}

/* More of a file may be read by others from now on. The mutex is held. */
static void share(struct source *s, struct file *f, off_t size)
{
    f->size = size;
    f->next = s->large;
    s->large = f;
}

/* A whole piece was read at that offset. If the file should have ended there, it has grown, or
 * lied, as files in /proc do: others may read on. */
static void go_on_behind(struct source *s, struct file *f, off_t at)
{
    (void)pthread_mutex_lock(&s->mutex);
    if (at + f->piece >= f->size)
        share(s, f, at + 2 * f->piece);
    (void)pthread_mutex_unlock(&s->mutex);
}

static off_t piece_for(off_t size)
{
    off_t piece = size / PIECES;

    return piece < LEAST_PIECE ? LEAST_PIECE : piece > LARGEST_PIECE ? LARGEST_PIECE : piece;
}

/* The mutex is held. Errors: of errno, negative. */
static int open_file(struct source *s, struct file *f)
{
    struct stat about;

    f->fd = open(f->path, O_RDONLY | O_CLOEXEC | O_NOFOLLOW | O_NOCTTY);
    if (f->fd < 0 || fstat(f->fd, &about) < 0)
        return -errno;
    (void)posix_fadvise(f->fd, 0, 0, POSIX_FADV_SEQUENTIAL); /* only advice */
    f->piece = piece_for(about.st_size);
    f->offset = f->piece;
    f->size = about.st_size;
    if (f->size > f->piece)
        share(s, f, f->size);
    return 0;
}

/* Nobody else is to begin reading it. The mutex is held. */
static void stop_sharing(struct source *s, const struct file *f)
{
    for (struct file **at = &s->large; *at; at = &(*at)->next) {
        if (*at == f) {
            *at = f->next;
            return;
        }
    }
}

static void free_file(struct file *f)
{
    if (f->fd >= 0)
        (void)close(f->fd); /* nothing was written */
    free(f->path);
    free(f);
}

/* A piece has been read, or not: then error is below 0. The last one to leave closes the file. */
static void leave_file(struct source *s, struct file *f, size_t bytes, int error)
{
    bool last;

    (void)pthread_mutex_lock(&s->mutex);
    s->progress.bytes += bytes;
    if (error < 0) {
        if (error != TR_ENOMEM && error != TR_ECANCELED && !f->failed)
            report(s, f->path, -error);
        f->failed = true;
        stop_sharing(s, f);
    }
    last = --f->readers == 0 && (f->failed || f->offset >= f->size);
    s->progress.files += last && !f->failed;
    (void)pthread_mutex_unlock(&s->mutex);
    if (last)
        free_file(f);
}

/* ---- pieces ---- */

/* Make room for more bytes, and for zeros behind them. */
static int reserve(struct piece *p, size_t more)
{
    size_t capacity = p->size + more + 1 + SCAN_PADDING;
    char *text;

    if (capacity <= p->capacity)
        return 0;
    text = realloc(p->text, capacity);
    if (!text)
        return TR_ENOMEM;
    p->text = text;
    p->capacity = capacity;
    return 0;
}

/* Read *n bytes; *n is how many there are then, less only at the end of the file. */
static int read_bytes(int fd, char *to, size_t *n, off_t at)
{
    size_t wanted = *n;

    for (*n = 0; *n < wanted;) {
        ssize_t got = pread(fd, to + *n, wanted - *n, at + (off_t)*n);

        if (tr_cancelled())
            return TR_ECANCELED;
        if (got == 0)
            break;
        if (got < 0 && errno != EINTR)
            return -errno;
        *n += got > 0 ? (size_t)got : 0;
    }
    return 0;
}

/* The first of the bytes from `from` to `to` that is no letter; `to`: all are. */
static size_t skip_letters(const char *bytes, size_t from, size_t to)
{
    while (from < to && is_letter(bytes[from]))
        from++;
    return from;
}

/* A word goes on behind the *n bytes that were read at an offset: read until it ends, at *end. */
static int read_on(int fd, struct piece *p, size_t *n, size_t *end, off_t at)
{
    size_t more = *n;
    int rc = 0;

    while (rc >= 0 && *end == *n && more > 0) {
        more = *n;
        rc = reserve(p, *n + more);
        if (rc >= 0)
            rc = read_bytes(fd, p->text + p->size + *n, &more, at + (off_t)*n);
        if (rc >= 0)
            *n += more;
        *end = skip_letters(p->text + p->size, *end, *n);
    }
    return rc;
}

/* Read the part of a file at an offset, behind what the piece has already; *own is how many of its
 * bytes are there. */
static int read_part(struct source *s, struct file *f, off_t at, struct piece *p, size_t *own)
{
    size_t piece = (size_t)f->piece, front = at > 0 ? 1 : 0;
    size_t wanted = front + piece + BEHIND_BYTES, n = wanted;
    size_t begin = front, end;
    int rc = reserve(p, wanted);

    *own = 0;
    if (rc >= 0)
        rc = read_bytes(f->fd, p->text + p->size, &n, at - (off_t)front);
    if (rc < 0 || n <= front)
        return rc;
    end = n < front + piece ? n : front + piece;
    *own = end - front;
    if (*own == piece)
        go_on_behind(s, f, at);
    if (front > 0 && is_letter(p->text[p->size]))
        begin = skip_letters(p->text + p->size, front, end);
    if (begin == end)
        return 0; /* all of it is the middle of a very long word */
    memset(p->text + p->size, 0, begin);
    end = skip_letters(p->text + p->size, end - 1, n);
    if (end == n && n == wanted)
        rc = read_on(f->fd, p, &n, &end, at - (off_t)front);
    p->size += end;
    memset(p->text + p->size, 0, 1 + SCAN_PADDING);
    p->size++; /* what comes next does not go on with this word */
    return rc;
}

/* Read a part of whatever file: 1; 0: there is no more. */
static int read_more(struct source *s, struct piece *p)
{
    struct file *f;
    size_t own = 0;
    off_t at;
    int rc, found;

    (void)pthread_mutex_lock(&s->mutex);
    found = take_place(s, &f, &at);
    rc = found > 0 && f->fd < 0 ? open_file(s, f) : 0;
    (void)pthread_mutex_unlock(&s->mutex);
    if (found <= 0)
        return found;
    if (rc >= 0)
        rc = read_part(s, f, at, p, &own);
    leave_file(s, f, own, rc);
    return rc == TR_ENOMEM || rc == TR_ECANCELED ? rc : 1; /* others concern only this file */
}

/* ---- the source ---- */

int source_new(struct source **out, char *const *paths)
{
    *out = calloc(1, sizeof(**out));
    if (!*out)
        return TR_ENOMEM;
    (*out)->paths = paths;
    (void)pthread_mutex_init(&(*out)->mutex, NULL); /* can't fail here, says the manual */
    return 0;
}

void source_free(struct source *s)
{
    struct file *f;

    if (!s)
        return;
    while ((f = s->large)) { /* they were not read to their end */
        s->large = f->next;
        free_file(f);
    }
    end_walk(s);
    (void)pthread_mutex_destroy(&s->mutex);
    free(s);
}

int source_read(struct source *s, struct piece *p)
{
    int rc = 1;

    p->size = 0;
    while (rc > 0 && p->size < ENOUGH_BYTES)
        rc = read_more(s, p);
    if (p->size > 0 && rc != TR_ENOMEM)
        return 1; /* also when it is cancelled: what has been read is to be counted */
    return rc;
}

struct progress source_progress(struct source *s)
{
    struct progress progress;

    (void)pthread_mutex_lock(&s->mutex);
    progress = s->progress;
    (void)pthread_mutex_unlock(&s->mutex);
    return progress;
}
