/* Which directories are watched, and what is below them. */
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>

#include "base/seam.h"
#include "net/system.h"
#include "net/system_file.h"
#include "net/system_watch.h"
#include "net/watch.h"

enum {
    FOLDERS_FIRST = 8,
    MASK = IN_CREATE | IN_DELETE | IN_MODIFY | IN_CLOSE_WRITE | IN_MOVED_FROM | IN_MOVED_TO |
           IN_DELETE_SELF | IN_MOVE_SELF | IN_ONLYDIR | IN_EXCL_UNLINK
};

int tr__watch_fd(const tr__watcher *w)
{
    return w->fd >= 0 ? w->fd : w->ready.fd;
}

/* ---- lists of paths ---- */

static bool add_path(tr__list *list, const char *folder, const char *name, bool is_directory)
{
    size_t bytes = strlen(folder) + strlen(name) + 2;
    tr__watch_path *p = tr__alloc(sizeof(*p) + bytes);
    bool has_slash = name[0] == 0 || (folder[0] != 0 && folder[strlen(folder) - 1] == '/');

    if (p == NULL)
        return false;
    p->is_directory = is_directory;
    (void)snprintf(p->path, bytes, "%s%s%s", folder, has_slash ? "" : "/", name);
    tr__list_append(list, &p->link);
    return true;
}

tr__watch_path *tr__watch_take(tr__list *list)
{
    tr__list *node = tr__list_take_first(list);

    return node != NULL ? TR__CONTAINER_OF(node, tr__watch_path, link) : NULL;
}

static void clear_paths(tr__list *list)
{
    tr__watch_path *p;

    while ((p = tr__watch_take(list)) != NULL)
        tr__free(p);
}

bool tr__watch_plan(tr__watcher *w, const char *path)
{
    return add_path(&w->todo, path, "", true);
}

/* ---- the table ---- */

/* The first place whose watch is not below this one. */
static size_t place_of(const tr__watcher *w, int watch)
{
    size_t low = 0;
    size_t high = w->count;

    while (low < high) {
        size_t middle = low + (high - low) / 2;

        if (w->folders[middle].watch < watch)
            low = middle + 1;
        else
            high = middle;
    }
    return low;
}

tr__watch_folder *tr__watch_find(const tr__watcher *w, int watch)
{
    size_t at = place_of(w, watch);

    return at < w->count && w->folders[at].watch == watch ? &w->folders[at] : NULL;
}

static bool grow(tr__watcher *w)
{
    size_t capacity = w->capacity > 0 ? w->capacity * 2 : FOLDERS_FIRST;
    tr__watch_folder *larger;

    if (w->count < w->capacity)
        return true;
    larger = tr__alloc(capacity * sizeof(*larger));
    if (larger == NULL)
        return false;
    if (w->count > 0)
        memcpy(larger, w->folders, w->count * sizeof(*larger));
    tr__free(w->folders);
    w->folders = larger;
    w->capacity = capacity;
    return true;
}

/* One that is watched already, by another name, has this one now. */
static int enter(tr__watcher *w, int watch, const char *path)
{
    tr__watch_folder *known = tr__watch_find(w, watch);
    char *copy = tr__copy_string(path);
    size_t at;

    if (copy == NULL || (known == NULL && !grow(w))) {
        tr__free(copy);
        return TR_ENOMEM;
    }
    if (known != NULL) {
        tr__free(known->path);
        known->path = copy;
        return 0;
    }
    at = place_of(w, watch);
    memmove(&w->folders[at + 1], &w->folders[at], (w->count - at) * sizeof(w->folders[0]));
    w->folders[at] = (tr__watch_folder){ watch, copy };
    w->count++;
    return 0;
}

static void remove_at(tr__watcher *w, size_t at)
{
    tr__free(w->folders[at].path);
    w->count--;
    memmove(&w->folders[at], &w->folders[at + 1], (w->count - at) * sizeof(w->folders[0]));
}

void tr__watch_forget(tr__watcher *w, int watch)
{
    tr__watch_folder *known = tr__watch_find(w, watch);

    if (known != NULL)
        remove_at(w, (size_t)(known - w->folders));
}

static bool is_below(const char *path, const char *folder)
{
    size_t bytes = strlen(folder);

    return strncmp(path, folder, bytes) == 0 && (path[bytes] == 0 || path[bytes] == '/');
}

void tr__watch_forget_below(tr__watcher *w, const char *path)
{
    for (size_t at = w->count; at-- > 0;)
        if (is_below(w->folders[at].path, path)) {
            tr__sys_watch_remove(tr__watch_fd(w), w->folders[at].watch);
            remove_at(w, at);
        }
}

int tr__watch_rename_below(tr__watcher *w, const char *from, const char *to)
{
    for (size_t at = w->count; at-- > 0;) {
        tr__watch_folder *f = &w->folders[at];
        size_t bytes = strlen(f->path) - strlen(from) + strlen(to) + 1;
        char *renamed;

        if (!is_below(f->path, from))
            continue;
        renamed = tr__alloc(bytes);
        if (renamed == NULL)
            return TR_ENOMEM;
        (void)snprintf(renamed, bytes, "%s%s", to, f->path + strlen(from));
        tr__free(f->path);
        f->path = renamed;
    }
    return 0;
}

void tr__watch_clear(tr__watcher *w)
{
    while (w->count > 0)
        remove_at(w, w->count - 1);
    tr__free(w->folders);
    w->folders = NULL;
    clear_paths(&w->todo);
    clear_paths(&w->found);
}

/* ---- what is in them ---- */

static bool is_directory(DIR *directory, const struct dirent *entry)
{
    struct stat status;

    if (entry->d_type != DT_UNKNOWN)
        return entry->d_type == DT_DIR;
    return tr__sys_statat(dirfd(directory), entry->d_name, &status, AT_SYMLINK_NOFOLLOW) == 0 &&
           S_ISDIR(status.st_mode);
}

static int note_entry(tr__watcher *w, const char *folder, DIR *directory,
                      const struct dirent *entry)
{
    bool is_folder = is_directory(directory, entry);

    if (strcmp(entry->d_name, ".") == 0 || strcmp(entry->d_name, "..") == 0 ||
        strlen(folder) + strlen(entry->d_name) + 2 > TR_PATH_BYTES)
        return 0;
    if (is_folder && !add_path(&w->todo, folder, entry->d_name, true))
        return TR_ENOMEM;
    if (w->is_new && w->found_count++ < TR__WATCH_FOUND_MOST &&
        !add_path(&w->found, folder, entry->d_name, is_folder))
        return TR_ENOMEM;
    return 0;
}

static int read_all(tr__watcher *w, const char *folder, DIR *directory)
{
    struct dirent *entry;
    int rc;

    while ((rc = tr__sys_readdir(directory, &entry)) > 0) {
        rc = note_entry(w, folder, directory, entry);
        if (rc < 0)
            return rc;
    }
    return rc;
}

static int find_in(tr__watcher *w, const char *folder)
{
    DIR *directory;
    int fd = tr__sys_openat(AT_FDCWD, folder, O_RDONLY | O_DIRECTORY, 0);
    int rc = fd < 0 ? fd : tr__sys_opendir(&directory, fd);

    if (rc == 0) {
        rc = read_all(w, folder, directory);
        tr__sys_closedir(directory);
    } else if (fd >= 0)
        tr__sys_close(fd);
    return rc;
}

/* Gone meanwhile, or not for us. */
static bool is_left_out(int rc)
{
    return rc == -ENOENT || rc == -ENOTDIR || rc == -EACCES || rc == -ELOOP;
}

/* First watch, then look: so nothing is missed. */
static int adopt(tr__watcher *w, const char *path, uint32_t more)
{
    int watch = tr__sys_watch_add(tr__watch_fd(w), path, MASK | more);
    int rc = watch < 0 ? watch : enter(w, watch, path);

    return rc == 0 && w->options.recursive ? find_in(w, path) : rc;
}

int tr__watch_adopt_job(void *watch)
{
    tr__watcher *w = watch;
    tr__watch_path *p = tr__watch_take(&w->todo);
    int rc;

    w->found_count = 0;
    rc = adopt(w, p->path, IN_DONT_FOLLOW);
    tr__free(p);
    return is_left_out(rc) ? 0 : rc;
}

/* The directory that a file is in: its watch. */
static int adopt_parent(tr__watcher *w)
{
    char *slash = strrchr(w->root, '/');
    const char *name = slash != NULL ? slash + 1 : w->root;
    char parent[TR_PATH_BYTES] = ".";

    if (name[0] == 0 || strlen(name) > NAME_MAX)
        return name[0] == 0 ? -ENOENT : -ENAMETOOLONG;
    memcpy(w->name, name, strlen(name) + 1);
    if (slash != NULL) {
        size_t bytes = slash > w->root ? (size_t)(slash - w->root) : 1; /* "/" */

        memcpy(parent, w->root, bytes);
        parent[bytes] = 0;
    }
    w->options.recursive = false;
    return adopt(w, parent, 0);
}

int tr__watch_begin_job(void *watch)
{
    tr__watcher *w = watch;
    struct stat status;
    int rc = tr__sys_statat(AT_FDCWD, w->root, &status, 0);

    if (rc < 0 && rc != -ENOENT)
        return rc;
    rc = rc == 0 && S_ISDIR(status.st_mode) ? adopt(w, w->root, 0) : adopt_parent(w);
    if (rc < 0)
        return rc;
    w->root_watch = w->folders[0].watch;
    while (rc == 0 && !tr__list_is_empty(&w->todo))
        rc = tr__watch_adopt_job(w);
    return rc;
}
