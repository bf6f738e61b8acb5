/* Watching files: what the system tells, read by a generator, and told as a stream.
 *
 * The queue is the system's, which is bounded, and says when it was not enough. What was read from
 * it at once is looked at as a whole: so changes are told once, and the two halves of a move
 * meet. */
#include "net/watch.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <troupe/pool.h>

#include "base/seam.h"
#include "net/system.h"
#include "net/system_watch.h"
#include "sync/stream.h"

typedef struct inotify_event told;

enum { CHANGES = IN_MODIFY | IN_CLOSE_WRITE };

static const told *told_at(const tr__watcher *w, size_t at)
{
    return (const told *)(const void *)(w->buffer + at);
}

static size_t bytes_of(const told *t)
{
    return sizeof(*t) + t->len;
}

static const char *name_of(const told *t)
{
    return t->len > 0 ? t->name : "";
}

static bool is_of_same(const told *one, const told *other)
{
    return one->wd == other->wd && strcmp(name_of(one), name_of(other)) == 0;
}

/* Whether the last before that has happened to the same file, among what was read with it, tells
 * of a change, too, or of its beginning. */
static bool is_repeated(const tr__watcher *w, size_t at)
{
    const told *t = told_at(w, at);
    bool is_so = false;

    if ((t->mask & CHANGES) == 0)
        return false;
    for (size_t before = 0; before < at; before += bytes_of(told_at(w, before)))
        if (is_of_same(told_at(w, before), t))
            is_so = (told_at(w, before)->mask & (CHANGES | IN_CREATE)) != 0;
    return is_so;
}

/* The other half of a move, behind; NULL: it was not read with it. */
static const told *arrival_of(const tr__watcher *w, size_t at)
{
    const told *t = told_at(w, at);

    for (at += bytes_of(t); at < w->bytes; at += bytes_of(told_at(w, at)))
        if ((told_at(w, at)->mask & IN_MOVED_TO) != 0 && told_at(w, at)->cookie == t->cookie)
            return told_at(w, at);
    return NULL;
}

/* Whether it has been told with its other half already. */
static bool is_told(const tr__watcher *w, size_t at)
{
    const told *t = told_at(w, at);

    for (size_t before = 0; before < at; before += bytes_of(told_at(w, before)))
        if ((told_at(w, before)->mask & IN_MOVED_FROM) != 0 &&
            told_at(w, before)->cookie == t->cookie)
            return true;
    return false;
}

/* ---- telling ---- */

/* Where it was: false, if that is not known any more, or too long. */
static bool locate(const tr__watcher *w, const told *t, char path[TR_PATH_BYTES])
{
    const tr__watch_folder *folder = tr__watch_find(w, t->wd);
    bool has_slash;

    if (folder == NULL)
        return false;
    has_slash = folder->path[strlen(folder->path) - 1] == '/';
    return snprintf(path, TR_PATH_BYTES, "%s%s%s", folder->path, has_slash ? "" : "/", name_of(t)) <
           TR_PATH_BYTES;
}

static int emit(tr_stream *out, tr__watcher *w, tr_watch_kind kind, bool is_directory)
{
    w->event.kind = kind;
    w->event.is_directory = is_directory;
    if (kind != TR_WATCH_MOVED)
        w->event.from[0] = 0;
    return tr_emit(out, &w->event);
}

static int emit_root(tr_stream *out, tr__watcher *w, tr_watch_kind kind)
{
    memcpy(w->event.path, w->root, sizeof(w->root));
    return emit(out, w, kind, w->name[0] == 0);
}

/* All directories that are planned, each with what is in it by now. */
static int adopt_all(tr_stream *out, tr__watcher *w)
{
    int rc = 0;

    while (rc == 0 && !tr__list_is_empty(&w->todo)) {
        tr__watch_path *p;

        rc = tr__pool_run(TR_POOL_IO, tr__watch_adopt_job, w, "watching a directory");
        while (rc == 0 && (p = tr__watch_take(&w->found)) != NULL) {
            memcpy(w->event.path, p->path, strlen(p->path) + 1);
            rc = emit(out, w, TR_WATCH_CREATED, p->is_directory);
            tr__free(p);
        }
        if (rc == 0 && w->found_count > TR__WATCH_FOUND_MOST)
            rc = emit_root(out, w, TR_WATCH_OVERFLOW);
    }
    return rc;
}

/* w->event.path is that of something new. */
static int tell_arrival(tr_stream *out, tr__watcher *w, bool is_directory)
{
    bool is_watched = is_directory && w->options.recursive;
    int rc = is_watched && !tr__watch_plan(w, w->event.path) ? TR_ENOMEM : 0;

    if (rc == 0)
        rc = emit(out, w, TR_WATCH_CREATED, is_directory);
    return rc == 0 ? adopt_all(out, w) : rc;
}

/* It was at w->event.path. */
static int tell_departure(tr_stream *out, tr__watcher *w, const told *arrival, bool is_directory)
{
    int rc = 0;

    memcpy(w->event.from, w->event.path, sizeof(w->event.from));
    if (arrival == NULL || !locate(w, arrival, w->event.path)) {
        memcpy(w->event.path, w->event.from, sizeof(w->event.path));
        if (is_directory)
            tr__watch_forget_below(w, w->event.path);
        return emit(out, w, TR_WATCH_REMOVED, is_directory);
    }
    if (is_directory)
        rc = tr__watch_rename_below(w, w->event.from, w->event.path);
    return rc == 0 ? emit(out, w, TR_WATCH_MOVED, is_directory) : rc;
}

/* Of one that happened in a directory. */
static int tell(tr_stream *out, tr__watcher *w, size_t at)
{
    const told *t = told_at(w, at);
    bool is_directory = (t->mask & IN_ISDIR) != 0;

    if (!locate(w, t, w->event.path) || is_repeated(w, at))
        return 0;
    if ((t->mask & IN_CREATE) != 0)
        return tell_arrival(out, w, is_directory);
    if ((t->mask & IN_MOVED_TO) != 0)
        return is_told(w, at) ? 0 : tell_arrival(out, w, is_directory);
    if ((t->mask & IN_MOVED_FROM) != 0)
        return tell_departure(out, w, arrival_of(w, at), is_directory);
    if ((t->mask & IN_DELETE) != 0)
        return emit(out, w, TR_WATCH_REMOVED, is_directory);
    return (t->mask & CHANGES) != 0 ? emit(out, w, TR_WATCH_CHANGED, is_directory) : 0;
}

/* The same where one file alone is watched. */
static int tell_of_file(tr_stream *out, tr__watcher *w, size_t at)
{
    const told *t = told_at(w, at);

    if (strcmp(name_of(t), w->name) != 0 || is_repeated(w, at))
        return 0;
    if ((t->mask & IN_CREATE) != 0)
        return emit_root(out, w, TR_WATCH_CREATED);
    if ((t->mask & (CHANGES | IN_MOVED_TO)) != 0)
        return emit_root(out, w, TR_WATCH_CHANGED);
    return emit_root(out, w, TR_WATCH_REMOVED);
}

static int tell_one(tr_stream *out, tr__watcher *w, size_t at)
{
    const told *t = told_at(w, at);

    if ((t->mask & IN_Q_OVERFLOW) != 0)
        return emit_root(out, w, TR_WATCH_OVERFLOW);
    if ((t->mask & (IN_DELETE_SELF | IN_MOVE_SELF | IN_UNMOUNT | IN_IGNORED)) != 0) {
        bool is_root = t->wd == w->root_watch;

        if ((t->mask & IN_IGNORED) != 0)
            tr__watch_forget(w, t->wd);
        if (!is_root || w->is_over)
            return 0; /* the directory above tells of it */
        w->is_over = true;
        return emit_root(out, w, TR_WATCH_REMOVED);
    }
    return w->name[0] != 0 ? tell_of_file(out, w, at) : tell(out, w, at);
}

/* ---- the generator ---- */

static int read_some(tr__watcher *w)
{
    ssize_t count;

    while ((count = tr__sys_read(w->ready.fd, w->buffer, sizeof(w->buffer))) == -EAGAIN ||
           count == -EINTR) {
        int rc = tr__ready_await(&w->ready, &w->ready.in, "a change of a file");

        if (rc < 0)
            return rc;
    }
    w->bytes = count > 0 ? (size_t)count : 0;
    return count < 0 ? (int)count : 0;
}

static int tell_all(tr_stream *out, tr__watcher *w)
{
    int rc = 0;

    for (size_t at = 0; rc == 0 && at < w->bytes; at += bytes_of(told_at(w, at)))
        rc = tell_one(out, w, at);
    return rc;
}

static int close_job(void *fd)
{
    tr__sys_close(*(int *)fd);
    return 0;
}

/* In the pool where it can be: for the system takes some milliseconds to end a watcher. The number
 * that the loop has watched is closed here, so that nobody has it again before the loop knows; its
 * twin there, which is the last one. */
static void close_watcher(int watched)
{
    int fd = tr__sys_dup(watched);
    int rc = 0;

    tr__sys_close(watched);
    if (fd < 0)
        return; /* that was the last one, then */
    TR_SHIELD(TR_FOREVER) {
        rc = tr__pool_run(TR_POOL_IO, close_job, &fd, "the end of a watcher");
    }
    if (rc < 0)
        tr__sys_close(fd); /* no thread did it */
}

static int generate(tr_stream *out, void *arg)
{
    tr__watcher *w = arg;
    int rc = tr__ready_open(&w->ready, w->fd);

    if (rc < 0)
        return rc;
    w->fd = -1;
    w->is_new = true;
    while (rc == 0 && !w->is_over) {
        rc = read_some(w);
        if (rc == 0)
            rc = tell_all(out, w);
    }
    close_watcher(tr__ready_take(&w->ready));
    return rc;
}

static void fini(void *arg)
{
    tr__watcher *w = arg;

    if (w->fd >= 0)
        close_watcher(w->fd);
    tr__watch_clear(w);
    tr__free(w);
}

/* ---- making ---- */

static int begin(tr_stream **out, tr__watcher *w)
{
    static const tr_stream_options of_events = { .item_bytes = sizeof(tr_watch_event) };
    int rc;

    w->fd = tr__sys_watcher_new();
    rc = w->fd >= 0 ? tr__pool_run(TR_POOL_IO, tr__watch_begin_job, w, "watching a directory")
                    : w->fd;
    if (rc == 0)
        rc = tr__stream_new(out, &of_events, sizeof(of_events), generate, w, NULL, 0);
    if (rc < 0)
        fini(w);
    else
        tr__stream_own(*out, fini);
    return rc;
}

/* Without slashes at its end: else what is removed is not found by its path. */
static int copy_path(char root[TR_PATH_BYTES], const char *path)
{
    size_t bytes = strlen(path);

    while (bytes > 1 && path[bytes - 1] == '/')
        bytes--;
    if (bytes >= TR_PATH_BYTES)
        return -ENAMETOOLONG;
    memcpy(root, path, bytes);
    root[bytes] = 0;
    return 0;
}

int tr__watch(tr_stream **out, const char *path, const tr_watch_options *options,
              size_t options_size)
{
    tr__watcher *w;
    int rc;

    if (out == NULL)
        return TR_EINVAL;
    *out = NULL;
    if (path == NULL || path[0] == 0)
        return TR_EINVAL;
    w = tr__alloc_zeroed(sizeof(*w));
    if (w == NULL)
        return TR_ENOMEM;
    if (options != NULL)
        memcpy(&w->options, options,
               options_size < sizeof(w->options) ? options_size : sizeof(w->options));
    tr__list_init(&w->todo);
    tr__list_init(&w->found);
    w->fd = -1;
    rc = copy_path(w->root, path);
    if (rc < 0) {
        tr__free(w);
        return rc;
    }
    return begin(out, w);
}
