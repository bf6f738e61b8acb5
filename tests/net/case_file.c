/* Files and directories. */
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <troupe/net.h>
#include <unistd.h>

#include "sync/cases.h"

/* A directory of the case's own, and paths in it. */
static char root[64];

/* In memory, where the system has that: thousands of fsync take a while on a disk. */
static void make_root(void)
{
    bool is_fast = access("/dev/shm", W_OK) == 0;

    (void)snprintf(root, sizeof(root), "%s/troupe-file-XXXXXX", is_fast ? "/dev/shm" : "/tmp");
    EXPECT(mkdtemp(root) != NULL);
}

static void remove_root(void)
{
    EXPECT(rmdir(root) == 0); /* so nothing was left in it */
}

static const char *in_root(const char *name)
{
    static char paths[4][128];
    static int next;
    char *path = paths[next++ % 4];

    (void)snprintf(path, sizeof(paths[0]), "%s/%s", root, name);
    return path;
}

static void expect_content(const char *path, const char *content)
{
    char *data;
    size_t bytes;

    EXPECT(tr_file_load(&data, &bytes, path, 1000) == 0);
    EXPECT(bytes == strlen(content) && strcmp(data, content) == 0);
    tr_file_data_free(data);
}

CASE(what_is_written_is_read)
{
    char buffer[16] = "";
    struct stat status;
    tr_file *f;

    make_root();
    EXPECT(tr_file_open(&f, in_root("a"), O_RDWR | O_CREAT | O_EXCL, 0640) == 0);
    EXPECT(tr_file_fd(f) >= 0);
    EXPECT(tr_file_write(f, "hello ", 6) == 0 && tr_file_write(f, "world", 5) == 0);
    EXPECT(tr_file_read(f, buffer, sizeof(buffer)) == 0); /* its position is the end */
    EXPECT(tr_file_seek(f, 2, SEEK_SET) == 2);
    EXPECT(tr_file_read(f, buffer, 3) == 3 && memcmp(buffer, "llo", 3) == 0);
    EXPECT(tr_file_read(f, buffer, sizeof(buffer)) == 6 && memcmp(buffer, " world", 6) == 0);
    EXPECT(tr_file_write_at(f, "J", 1, 0) == 0);
    EXPECT(tr_file_read_at(f, buffer, 4, 0) == 4 && memcmp(buffer, "Jell", 4) == 0);
    EXPECT(tr_file_truncate(f, 5) == 0);
    EXPECT(tr_file_sync(f) == 0 && tr_file_datasync(f) == 0);
    EXPECT(tr_file_stat(f, &status) == 0 && status.st_size == 5);
    EXPECT((status.st_mode & 07137) == 0);
    EXPECT(tr_file_close(f) == 0);
    expect_content(in_root("a"), "Jello");
    EXPECT(tr_file_open(&f, in_root("a"), O_RDWR | O_CREAT | O_EXCL, 0) == -EEXIST && f == NULL);
    EXPECT(tr_unlink(in_root("a")) == 0);
    EXPECT(tr_stat(&status, in_root("a")) == TR_ENOENT && status.st_size == 0);
    remove_root();
}

CASE(files_larger_than_allowed_are_not_loaded)
{
    char *data;
    size_t bytes;

    make_root();
    EXPECT(tr_file_save(in_root("a"), "12345", 5, 0) == 0);
    EXPECT(tr_file_load(&data, &bytes, in_root("a"), 4) == TR_ETOOLARGE);
    EXPECT(data == NULL && bytes == 0);
    EXPECT(tr_file_load(&data, &bytes, in_root("a"), 5) == 0 && bytes == 5);
    tr_file_data_free(data);
    /* One that does not tell its size. */
    EXPECT(tr_file_load(&data, &bytes, "/proc/self/status", 10) == TR_ETOOLARGE);
    EXPECT(tr_file_load(&data, &bytes, "/proc/self/status", 1 << 20) == 0 && bytes > 100);
    EXPECT(strlen(data) == bytes);
    tr_file_data_free(data);
    EXPECT(tr_file_load(&data, &bytes, root, 100) == -EISDIR);
    EXPECT(tr_file_load(&data, &bytes, in_root("none"), 100) == TR_ENOENT);
    EXPECT(tr_unlink(in_root("a")) == 0);
    remove_root();
}

CASE(a_file_that_is_saved_keeps_its_mode)
{
    struct stat status;

    make_root();
    EXPECT(tr_file_save(in_root("a"), "one", 3, 0600) == 0);
    EXPECT(tr_file_save(in_root("a"), "two", 3, 0) == 0);
    EXPECT(tr_stat(&status, in_root("a")) == 0 && (status.st_mode & 0777) == 0600);
    expect_content(in_root("a"), "two");
    EXPECT(tr_file_save(in_root("a"), NULL, 0, 0644) == 0);
    EXPECT(tr_stat(&status, in_root("a")) == 0 && (status.st_mode & 0777) == 0644);
    expect_content(in_root("a"), "");
    EXPECT(tr_file_save(in_root("none/a"), "x", 1, 0) == TR_ENOENT);
    EXPECT(tr_mkdir(in_root("directory"), 0) == 0);
    EXPECT(tr_file_save(in_root("directory"), "x", 1, 0) == -EISDIR);
    EXPECT(tr_rmdir(in_root("directory")) == 0);
    EXPECT(tr_unlink(in_root("a")) == 0);
    remove_root();
}

CASE(names_are_made_changed_and_removed)
{
    make_root();
    EXPECT(tr_mkdir_all(in_root("a/b//c/"), 0) == 0);
    EXPECT(tr_mkdir_all(in_root("a/b/c"), 0) == 0);
    EXPECT(tr_mkdir(in_root("a"), 0) == -EEXIST);
    EXPECT(tr_rmdir(in_root("a/b")) == -ENOTEMPTY);
    EXPECT(tr_file_save(in_root("a/file"), "x", 1, 0) == 0);
    EXPECT(tr_mkdir_all(in_root("a/file/b"), 0) == -ENOTDIR);
    EXPECT(tr_rename(in_root("a/file"), in_root("a/b/file")) == 0);
    expect_content(in_root("a/b/file"), "x");
    EXPECT(tr_unlink(in_root("a/b/file")) == 0);
    EXPECT(tr_unlink(in_root("a/b/file")) == TR_ENOENT);
    EXPECT(tr_rmdir(in_root("a/b/c")) == 0);
    EXPECT(tr_rmdir(in_root("a/b")) == 0);
    EXPECT(tr_rmdir(in_root("a")) == 0);
    remove_root();
}

/* ---- directories ---- */

/* a/  a/one  a/b/  a/b/two  a/b/up -> ..  dangling -> nowhere */
static void make_tree(void)
{
    make_root();
    EXPECT(tr_mkdir_all(in_root("a/b"), 0) == 0);
    EXPECT(tr_file_save(in_root("a/one"), "1", 1, 0) == 0);
    EXPECT(tr_file_save(in_root("a/b/two"), "22", 2, 0) == 0);
    EXPECT(symlink("..", in_root("a/b/up")) == 0);
    EXPECT(symlink("nowhere", in_root("dangling")) == 0);
}

static void remove_tree(void)
{
    EXPECT(unlink(in_root("dangling")) == 0);
    EXPECT(unlink(in_root("a/b/up")) == 0);
    EXPECT(unlink(in_root("a/b/two")) == 0);
    EXPECT(unlink(in_root("a/one")) == 0);
    EXPECT(rmdir(in_root("a/b")) == 0);
    EXPECT(rmdir(in_root("a")) == 0);
    remove_root();
}

/* The names, in alphabetical order, each with its kind. */
static void list(char *text, const char *path, const tr_directory_options *options)
{
    tr_stream *entries tr_cleanup_stream = NULL;
    char seen[16][32];
    size_t count = 0;

    EXPECT(tr_directory_walk(&entries, path, options) == 0);
    TR_FOREACH(tr_directory_entry, e, entries)
    {
        char kind = S_ISDIR(e.mode) ? '/' : S_ISLNK(e.mode) ? '@' : S_ISREG(e.mode) ? '.' : '?';
        size_t at = count++;

        EXPECT(count <= 16 && e.error == 0);
        for (; at > 0 && strcmp(seen[at - 1], e.path + strlen(path) + 1) > 0; at--)
            memcpy(seen[at], seen[at - 1], sizeof(seen[0]));
        (void)snprintf(seen[at], sizeof(seen[0]), "%.20s%c", e.path + strlen(path) + 1, kind);
    }
    EXPECT(tr_stream_status(entries) == 0);
    text[0] = 0;
    for (size_t i = 0; i < count; i++)
        strcat(strcat(text, seen[i]), " ");
}

CASE(a_walk_sees_all_and_follows_no_links)
{
    char text[512];

    make_tree();
    list(text, root, NULL);
    EXPECT(strcmp(text, "a/ a/b/ a/b/two. a/b/up@ a/one. dangling@ ") == 0);
    list(text, root, &(tr_directory_options){ .depth = 2 });
    EXPECT(strcmp(text, "a/ a/b/ a/one. dangling@ ") == 0);
    list(text, root, &(tr_directory_options){ .follow = true });
    EXPECT(strcmp(text, "a/ a/b/ a/b/two. a/b/up/ a/one. dangling@ ") == 0);
    remove_tree();
}

CASE(a_list_is_of_one_directory)
{
    tr_stream *entries tr_cleanup_stream = NULL;
    int count = 0;

    make_tree();
    EXPECT(tr_directory_list(&entries, in_root("a")) == 0);
    TR_FOREACH(tr_directory_entry, e, entries)
    {
        EXPECT(e.depth == 1);
        if (strcmp(e.path + e.name_offset, "one") == 0)
            EXPECT(S_ISREG(e.mode) && e.bytes == 1 && e.modified > 1e9);
        count++;
    }
    EXPECT(tr_stream_status(entries) == 0 && count == 2);
    remove_tree();
}

CASE(a_directory_precedes_what_is_in_it)
{
    tr_stream *entries tr_cleanup_stream = NULL;
    bool was_a = false;

    make_tree();
    EXPECT(tr_directory_walk(&entries, root, NULL) == 0);
    TR_FOREACH(tr_directory_entry, e, entries)
    {
        was_a = was_a || (e.depth == 1 && strcmp(e.path + e.name_offset, "a") == 0);
        EXPECT(was_a || e.depth == 1);
    }
    EXPECT(was_a);
    remove_tree();
}

CASE(a_directory_that_is_not_there_ends_the_stream)
{
    tr_stream *entries tr_cleanup_stream = NULL;
    tr_directory_entry e;

    make_root();
    EXPECT(tr_directory_list(&entries, in_root("none")) == 0);
    EXPECT(tr_stream_next(entries, &e) == TR_ENOENT);
    EXPECT(tr_stream_status(entries) == TR_ENOENT);
    remove_root();
}

CASE(a_walk_may_be_left_at_any_entry)
{
    make_tree();
    for (int most = 0; most < 7; most++) {
        tr_stream *entries tr_cleanup_stream = NULL;
        int count = 0;

        EXPECT(tr_directory_walk(&entries, root, NULL) == 0);
        TR_FOREACH(tr_directory_entry, e, entries)
        {
            EXPECT(e.depth > 0);
            if (count++ == most)
                break;
        }
        EXPECT(tr_stream_status(entries) == 0);
    }
    remove_tree();
}

/* A directory of more entries than are fetched at once. */
CASE(many_entries_come_once_each)
{
    enum { FILES = 100 };
    tr_stream *entries tr_cleanup_stream = NULL;
    bool seen[FILES] = { false };
    char name[16];
    int count = 0;

    make_root();
    for (int i = 0; i < FILES; i++) {
        (void)snprintf(name, sizeof(name), "%d", i);
        EXPECT(close(open(in_root(name), O_CREAT | O_WRONLY | O_CLOEXEC, 0600)) == 0);
    }
    EXPECT(tr_directory_list(&entries, root) == 0);
    TR_FOREACH(tr_directory_entry, e, entries)
    {
        int i = atoi(e.path + e.name_offset);

        EXPECT(!seen[i]);
        seen[i] = true;
        count++;
        EXPECT(unlink(e.path) == 0);
    }
    EXPECT(count == FILES);
    remove_root();
}

/* ---- cancellation ---- */

typedef struct copying {
    tr_file *file;
    char *data;
    tr_stream *entries;
} copying;

static int copy(void *arg)
{
    copying *c = arg;
    tr_directory_entry e;
    char buffer[8];
    size_t bytes;
    ssize_t rc = AWAIT(tr_file_save(in_root("a"), "12345678", 8, 0));

    if (rc == 0)
        rc = AWAIT(tr_file_open(&c->file, in_root("a"), O_RDONLY, 0));
    if (rc == 0)
        rc = AWAIT(tr_file_read(c->file, buffer, sizeof(buffer)));
    if (rc >= 0)
        rc = AWAIT(tr_file_load(&c->data, &bytes, in_root("a"), 100));
    if (rc == 0)
        rc = tr_directory_list(&c->entries, root);
    if (rc == 0)
        rc = AWAIT(tr_stream_next(c->entries, &e));
    return (int)rc;
}

static void give_back(void *arg, int rc)
{
    copying *c = arg;

    EXPECT(rc == 1 || rc == TR_ECANCELED);
    EXPECT(tr_file_close(c->file) == 0);
    tr_file_data_free(c->data);
    EXPECT(tr_stream_free(c->entries) == 0);
    *c = (copying){ 0 };
    EXPECT(unlink(in_root("a")) == 0 || errno == ENOENT);
    remove_root(); /* no half of a file is left */
    make_root();
}

CASE(cancelled_at_any_await_nothing_is_left)
{
    const attempt steps = { .attempt = copy, .check = give_back };
    copying c = { 0 };

    make_root();
    cancel_at_every_await(&steps, &c);
    remove_root();
}

/* ---- places, and refusals ---- */

static void call_in_the_wrong_place(void *arg)
{
    struct stat status;
    tr_file *f;
    char *data;
    size_t bytes;
    char byte;

    EXPECT(tr_file_open(&f, "/", O_RDONLY, 0) == TR_EWRONGPLACE && f == NULL);
    EXPECT(tr_file_read(arg, &byte, 1) == TR_EWRONGPLACE);
    EXPECT(tr_file_write(arg, "x", 1) == TR_EWRONGPLACE);
    EXPECT(tr_file_sync(arg) == TR_EWRONGPLACE);
    EXPECT(tr_file_load(&data, &bytes, "/", 1) == TR_EWRONGPLACE);
    EXPECT(tr_file_save(in_root("b"), "x", 1, 0) == TR_EWRONGPLACE);
    EXPECT(tr_stat(&status, "/") == TR_EWRONGPLACE);
    EXPECT(tr_unlink("/") == TR_EWRONGPLACE);
    EXPECT(tr_mkdir_all(in_root("c"), 0) == TR_EWRONGPLACE);
    EXPECT(tr_file_close(arg) == 0); /* it may be closed anywhere */
}

static void save_and_load(void *unused)
{
    (void)unused;
    EXPECT(tr_file_save(in_root("a"), "x", 1, 0) == 0);
    expect_content(in_root("a"), "x");
    EXPECT(tr_unlink(in_root("a")) == 0);
}

CASE(files_are_for_tasks_and_foreign_threads)
{
    tr_file *f;

    make_root();
    foreign_end(foreign_start(save_and_load, NULL));
    EXPECT(tr_file_open(&f, root, O_RDONLY, 0) == 0);
    in_place(OTHER_LOOP, call_in_the_wrong_place, f);
    remove_root();
}

CASE(bad_arguments_are_refused)
{
    tr_stream *entries = (void *)1;
    char *data = (void *)1;
    char long_path[TR_PATH_BYTES + 1];
    struct stat status;
    tr_file *f = (void *)1;
    size_t bytes;
    char byte;

    EXPECT(tr_file_open(NULL, "a", 0, 0) == TR_EINVAL);
    EXPECT(tr_file_open(&f, NULL, 0, 0) == TR_EINVAL && f == NULL);
    EXPECT(tr_file_close(NULL) == 0 && tr_file_fd(NULL) == TR_EINVAL);
    EXPECT(tr_file_read(NULL, &byte, 1) == TR_EINVAL);
    EXPECT(tr_file_write(NULL, "x", 1) == TR_EINVAL);
    EXPECT(tr_file_open(&f, "/dev/null", O_RDWR, 0) == 0);
    EXPECT(tr_file_read(f, NULL, 1) == TR_EINVAL && tr_file_write(f, NULL, 1) == TR_EINVAL);
    EXPECT(tr_file_read(f, NULL, 0) == 0 && tr_file_write(f, NULL, 0) == 0);
    EXPECT(tr_file_read_at(f, &byte, 1, UINT64_MAX) == TR_EINVAL);
    EXPECT(tr_file_write_at(f, "x", 1, UINT64_MAX) == TR_EINVAL);
    EXPECT(tr_file_truncate(f, UINT64_MAX) == TR_EINVAL);
    EXPECT(tr_file_seek(f, 0, 77) == TR_EINVAL);
    EXPECT(tr_file_stat(f, NULL) == TR_EINVAL);
    EXPECT(tr_file_close(f) == 0);
    EXPECT(tr_file_seek(NULL, 0, SEEK_SET) == TR_EINVAL);
    EXPECT(tr_file_sync(NULL) == TR_EINVAL && tr_file_datasync(NULL) == TR_EINVAL);
    EXPECT(tr_file_truncate(NULL, 0) == TR_EINVAL && tr_file_stat(NULL, &status) == TR_EINVAL);
    EXPECT(tr_file_load(&data, &bytes, NULL, 1) == TR_EINVAL && data == NULL);
    EXPECT(tr_file_load(NULL, &bytes, "a", 1) == TR_EINVAL);
    EXPECT(tr_file_load(&data, NULL, "a", 1) == TR_EINVAL);
    tr_file_data_free(NULL);
    EXPECT(tr_file_save(NULL, "x", 1, 0) == TR_EINVAL);
    EXPECT(tr_file_save("a/", "x", 1, 0) == TR_EINVAL);
    EXPECT(tr_file_save("", "x", 1, 0) == TR_EINVAL);
    EXPECT(tr_file_save("a", NULL, 1, 0) == TR_EINVAL);
    EXPECT(tr_stat(NULL, "a") == TR_EINVAL && tr_stat(&status, NULL) == TR_EINVAL);
    EXPECT(tr_rename(NULL, "a") == TR_EINVAL && tr_rename("a", NULL) == TR_EINVAL);
    EXPECT(tr_unlink(NULL) == TR_EINVAL && tr_rmdir(NULL) == TR_EINVAL);
    EXPECT(tr_mkdir(NULL, 0) == TR_EINVAL && tr_mkdir_all(NULL, 0) == TR_EINVAL);
    EXPECT(tr_mkdir_all("", 0) == TR_EINVAL);
    EXPECT(tr_directory_list(NULL, "a") == TR_EINVAL);
    EXPECT(tr_directory_list(&entries, NULL) == TR_EINVAL && entries == NULL);
    EXPECT(tr_directory_list(&entries, "") == TR_EINVAL);
    for (int depth = -1; depth <= 65; depth += 66)
        EXPECT(tr_directory_walk(&entries, "a", &(tr_directory_options){ .depth = depth }) ==
               TR_EINVAL);
    memset(long_path, 'a', TR_PATH_BYTES);
    long_path[TR_PATH_BYTES] = 0;
    EXPECT(tr_directory_list(&entries, long_path) == -ENAMETOOLONG);
}

CASES("file", what_is_written_is_read, files_larger_than_allowed_are_not_loaded,
      a_file_that_is_saved_keeps_its_mode, names_are_made_changed_and_removed,
      a_walk_sees_all_and_follows_no_links, a_list_is_of_one_directory,
      a_directory_precedes_what_is_in_it, a_directory_that_is_not_there_ends_the_stream,
      a_walk_may_be_left_at_any_entry, many_entries_come_once_each,
      cancelled_at_any_await_nothing_is_left, files_are_for_tasks_and_foreign_threads,
      bad_arguments_are_refused)
