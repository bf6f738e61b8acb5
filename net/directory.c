/* Directories: a walk is a generator, whose jobs fetch a few entries at a time.
 *
 * It holds a descriptor for each level that it is in, and opens each directory from the one above:
 * so it can't be led astray by what is renamed meanwhile. */
#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <troupe/file.h>
#include <troupe/pool.h>

#include "base/seam.h"
#include "net/system.h"
#include "net/system_file.h"

enum { DEEPEST = 64, BATCH = 16 };

struct walk_args {
    char path[TR_PATH_BYTES];
    tr_directory_options options;
};

typedef struct level {
    DIR *directory;
    size_t path_bytes;
    dev_t device; /* which directory it is */
    ino_t inode;
} level;

/* It is the job's while one runs, else the generator's. */
typedef struct walk {
    tr_directory_options options;
    level levels[DEEPEST];
    int depth; /* levels that are open */
    char path[TR_PATH_BYTES];
    tr_directory_entry batch[BATCH];
    int count;
    int error; /* with which it ends; 0 */
} walk;

/* ---- in the pool ---- */

static tr_directory_entry *next_entry(walk *w)
{
    tr_directory_entry *e = &w->batch[w->count++];
    const char *slash = strrchr(w->path, '/');

    *e = (tr_directory_entry){ .depth = w->depth };
    memcpy(e->path, w->path, strlen(w->path) + 1);
    e->name_offset = slash != NULL ? (size_t)(slash + 1 - w->path) : 0;
    return e;
}

/* Of what w->path says. What has gone meanwhile, or is something else by now, is no error. */
static void report(walk *w, int error)
{
    if (error == -ENOENT || error == -ELOOP || error == -ENOTDIR)
        return;
    if (w->options.report_errors)
        next_entry(w)->error = error;
    else
        w->error = error;
}

static void leave(walk *w)
{
    tr__sys_closedir(w->levels[--w->depth].directory);
}

static bool is_within_itself(const walk *w, const struct stat *status)
{
    for (int i = 0; i < w->depth; i++)
        if (w->levels[i].device == status->st_dev && w->levels[i].inode == status->st_ino)
            return true;
    return false;
}

/* Go into the directory of that descriptor, which is taken; w->path is its path. */
static int enter(walk *w, int fd)
{
    level *l = &w->levels[w->depth];
    struct stat status;
    int rc = tr__sys_stat(fd, &status);

    if (rc == 0 && is_within_itself(w, &status)) {
        tr__sys_close(fd);
        return 0;
    }
    if (rc == 0)
        rc = tr__sys_opendir(&l->directory, fd);
    if (rc < 0) {
        tr__sys_close(fd);
        return rc;
    }
    l->path_bytes = strlen(w->path);
    l->device = status.st_dev;
    l->inode = status.st_ino;
    w->depth++;
    return 0;
}

static int begin_job(void *arg)
{
    walk *w = arg;
    int fd = tr__sys_openat(AT_FDCWD, w->path, O_RDONLY | O_DIRECTORY, 0);

    return fd < 0 ? fd : enter(w, fd);
}

static void descend(walk *w, const level *l, const char *name)
{
    int flags = O_RDONLY | O_DIRECTORY | (w->options.follow ? 0 : O_NOFOLLOW);
    int fd = tr__sys_openat(dirfd(l->directory), name, flags, 0);
    int rc = fd < 0 ? fd : enter(w, fd);

    if (rc < 0)
        report(w, rc);
}

static int look(const walk *w, const level *l, const char *name, struct stat *status)
{
    int rc = -ENOENT;

    if (w->options.follow)
        rc = tr__sys_statat(dirfd(l->directory), name, status, 0);
    if (rc == -ENOENT || rc == -ELOOP) /* a link that leads nowhere is a link */
        rc = tr__sys_statat(dirfd(l->directory), name, status, AT_SYMLINK_NOFOLLOW);
    return rc;
}

/* w->path is that of the directory, and becomes that of the name in it. */
static bool append(walk *w, size_t path_bytes, const char *name)
{
    bool has_slash = path_bytes > 0 && w->path[path_bytes - 1] == '/';
    size_t bytes = strlen(name) + 1;

    if (path_bytes + !has_slash + bytes > sizeof(w->path))
        return false;
    if (!has_slash)
        w->path[path_bytes++] = '/';
    memcpy(w->path + path_bytes, name, bytes);
    return true;
}

static void visit(walk *w, const level *l, const char *name)
{
    tr_directory_entry *e;
    struct stat status;
    int rc;

    if (!append(w, l->path_bytes, name)) {
        report(w, -ENAMETOOLONG);
        return;
    }
    rc = look(w, l, name, &status);
    if (rc < 0) {
        report(w, rc);
        return;
    }
    e = next_entry(w);
    e->mode = status.st_mode;
    e->bytes = (uint64_t)status.st_size;
    e->modified = (double)status.st_mtim.tv_sec + (double)status.st_mtim.tv_nsec / 1e9;
    if (S_ISDIR(status.st_mode) && w->depth < w->options.depth)
        descend(w, l, name);
}

static void step(walk *w)
{
    const level *l = &w->levels[w->depth - 1];
    struct dirent *found;
    int rc = tr__sys_readdir(l->directory, &found);

    w->path[l->path_bytes] = 0;
    if (rc <= 0) {
        if (rc < 0)
            report(w, rc);
        leave(w);
    } else if (strcmp(found->d_name, ".") != 0 && strcmp(found->d_name, "..") != 0)
        visit(w, l, found->d_name);
}

/* A step makes two entries at most: a directory, and why it can't be opened. */
static int fetch_job(void *arg)
{
    walk *w = arg;

    w->count = 0;
    while (w->depth > 0 && w->error == 0 && w->count + 2 <= BATCH && !tr_cancelled())
        step(w);
    return 0;
}

/* ---- the generator ---- */

static int emit_all(tr_stream *out, const walk *w)
{
    for (int i = 0; i < w->count; i++) {
        int rc = tr_emit(out, &w->batch[i]);

        if (rc < 0)
            return rc;
    }
    return w->error;
}

static int run_walk(tr_stream *out, void *arg)
{
    const struct walk_args *a = arg;
    walk *w = tr__alloc_zeroed(sizeof(*w));
    int rc;

    if (w == NULL)
        return TR_ENOMEM;
    w->options = a->options;
    memcpy(w->path, a->path, sizeof(w->path));
    rc = tr__pool_run(TR_POOL_IO, begin_job, w, "opening a directory");
    while (rc == 0 && w->depth > 0) {
        rc = tr__pool_run(TR_POOL_IO, fetch_job, w, "reading a directory");
        if (rc == 0)
            rc = emit_all(out, w);
    }
    while (w->depth > 0)
        leave(w);
    tr__free(w);
    return rc;
}

int tr__directory_walk(tr_stream **out, const char *path, const tr_directory_options *options,
                       size_t options_size)
{
    static const tr_stream_options of_entries = { .item_bytes = sizeof(tr_directory_entry) };
    struct walk_args *a;
    int rc;

    if (out == NULL)
        return TR_EINVAL;
    *out = NULL;
    if (path == NULL || path[0] == 0)
        return TR_EINVAL;
    if (strlen(path) >= TR_PATH_BYTES)
        return -ENAMETOOLONG;
    a = tr__alloc_zeroed(sizeof(*a));
    if (a == NULL)
        return TR_ENOMEM;
    memcpy(a->path, path, strlen(path));
    if (options != NULL)
        memcpy(&a->options, options,
               options_size < sizeof(a->options) ? options_size : sizeof(a->options));
    if (a->options.depth == 0)
        a->options.depth = DEEPEST;
    if (a->options.depth < 0 || a->options.depth > DEEPEST)
        rc = TR_EINVAL;
    else
        rc = tr__stream_new(out, &of_entries, sizeof(of_entries), run_walk, NULL, a, sizeof(*a));
    tr__free(a);
    return rc;
}

int tr_directory_list(tr_stream **out, const char *path)
{
    const tr_directory_options flat = { .depth = 1 };

    return tr__directory_walk(out, path, &flat, sizeof(flat));
}
