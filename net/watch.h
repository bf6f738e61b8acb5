/* Watching files, inside: which directories are watched, and finding those below (watch_tree.c);
 * and what becomes of what the system tells (watch.c).
 *
 * Threads: the generator's loop; while a job runs, the pool's. */
#ifndef TR_NET_WATCH_H
#define TR_NET_WATCH_H

#include <limits.h>
#include <troupe/watch.h>

#include "base/list.h"
#include "net/ready.h"

enum { TR__WATCH_FOUND_MOST = 1024 };

/* A path in a list. */
typedef struct tr__watch_path {
    tr__list link;
    bool is_directory;
    char path[];
} tr__watch_path;

typedef struct tr__watch_folder {
    int watch; /* its number; the table is sorted by it, for new ones have higher ones */
    char *path;
} tr__watch_folder;

typedef struct tr__watcher {
    int fd; /* until the generator has begun; -1 then */
    tr__ready ready;
    tr_watch_options options;
    char root[TR_PATH_BYTES]; /* what was asked for */
    char name[NAME_MAX + 1];  /* of the one file; empty: a directory is watched */
    int root_watch;
    tr__watch_folder *folders;
    size_t count, capacity;
    tr__list todo;  /* directories that are to be watched */
    tr__list found; /* what was found in one that is new */
    size_t found_count;
    bool is_new; /* what is found is to be told */
    bool is_over;
    size_t bytes; /* of events in the buffer */
    tr_watch_event event;
    char buffer[4096] __attribute__((aligned(8)));
} tr__watcher;

/* A descriptor of the watcher. */
int tr__watch_fd(const tr__watcher *w);

/* A job: find out what root is, and watch it, with all below if that is asked for. */
int tr__watch_begin_job(void *watch);
/* A job: watch the first directory of todo, and find what is in it. */
int tr__watch_adopt_job(void *watch);
/* Let a directory be watched soon. false: out of memory. */
bool tr__watch_plan(tr__watcher *w, const char *path);

/* NULL: it is not watched any more. */
tr__watch_folder *tr__watch_find(const tr__watcher *w, int watch);
void tr__watch_forget(tr__watcher *w, int watch);
/* A directory has left: with all below. */
void tr__watch_forget_below(tr__watcher *w, const char *path);
/* It has another name: TR_ENOMEM. Paths that would be too long are forgotten. */
int tr__watch_rename_below(tr__watcher *w, const char *from, const char *to);
/* Forget all, and free what was found. */
void tr__watch_clear(tr__watcher *w);
/* The next that was found, until the call after; NULL: none. */
tr__watch_path *tr__watch_take(tr__list *list);

#endif
