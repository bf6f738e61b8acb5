/* Watching files where there is too much of it, and while calls fail. */
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <troupe/net.h>
#include <unistd.h>

#include "base/seam.h"
#include "support/tasks.h"

static char root[64];

/* In memory, where the system has that: thousands of fsync take a while on a disk. */
static void make_root(void)
{
    bool is_fast = access("/dev/shm", W_OK) == 0;

    (void)snprintf(root, sizeof(root), "%s/troupe-limits-XXXXXX", is_fast ? "/dev/shm" : "/tmp");
    ck_assert_ptr_nonnull(mkdtemp(root));
}

static void remove_root(void)
{
    ck_assert_int_eq(rmdir(root), 0);
}

static const char *in_root(const char *name)
{
    static char path[128];

    (void)snprintf(path, sizeof(path), "%s/%s", root, name);
    return path;
}

static void make_file(const char *name)
{
    int fd = open(in_root(name), O_WRONLY | O_CREAT | O_CLOEXEC, 0600);

    ck_assert_int_ge(fd, 0);
    ck_assert_int_eq(close(fd), 0);
}

/* ---- too much ---- */

static long queue_limit(void)
{
    FILE *f = fopen("/proc/sys/fs/inotify/max_queued_events", "r");
    long limit = 0;

    ck_assert_ptr_nonnull(f);
    ck_assert_int_eq(fscanf(f, "%ld", &limit), 1);
    ck_assert_int_eq(fclose(f), 0);
    return limit;
}

/* How many events come until one says that there were more. */
static long await_overflow(tr_stream *events, long most)
{
    static tr_watch_event e;
    long count = 0;

    do {
        ck_assert_int_eq(tr_stream_next(events, &e), 1);
        ck_assert_int_le(++count, most);
    } while (e.kind != TR_WATCH_OVERFLOW);
    ck_assert_str_eq(e.path, root);
    return count;
}

static int flood_queue(void *unused)
{
    tr_stream *events tr_cleanup_stream = NULL;
    long limit = queue_limit();

    (void)unused;
    ck_assert_int_eq(tr_watch(&events, root, NULL), 0);
    for (long i = 0; i <= limit / 2; i++) {
        make_file("a");
        ck_assert_int_eq(unlink(in_root("a")), 0);
    }
    ck_assert_int_gt(await_overflow(events, limit + 1), 1);
    return 0;
}

START_TEST(more_than_the_queue_holds_is_told)
{
    if (queue_limit() > 100000)
        return; /* it would take long, and is the system's affair */
    make_root();
    kit_run_task(1, flood_queue, NULL);
    remove_root();
}
END_TEST

static int find_too_many(void *unused)
{
    enum { FILES = 1030 };
    tr_stream *events tr_cleanup_stream = NULL;
    char name[32];

    (void)unused;
    ck_assert_int_eq(tr_watch(&events, root, &(tr_watch_options){ .recursive = true }), 0);
    ck_assert_int_eq(mkdir(in_root("a"), 0700), 0);
    for (int i = 0; i < FILES; i++) {
        (void)snprintf(name, sizeof(name), "a/%d", i);
        make_file(name);
    }
    ck_assert_int_eq(await_overflow(events, FILES), 1 + 1024 + 1);
    for (int i = 0; i < FILES; i++) {
        (void)snprintf(name, sizeof(name), "a/%d", i);
        ck_assert_int_eq(unlink(in_root(name)), 0);
    }
    ck_assert_int_eq(rmdir(in_root("a")), 0);
    return 0;
}

START_TEST(a_new_directory_with_too_much_in_it_is_told)
{
    make_root();
    kit_run_task(1, find_too_many, NULL);
    remove_root();
}
END_TEST

/* ---- faults ---- */

static bool is_expected(int rc)
{
    return rc >= 0 || rc == TR_ENOMEM || rc == TR_EAGAIN || rc == TR_EMFILE || rc == -EIO ||
           rc == -ENOSPC;
}

/* Directories before, and directories that come, move and go while it watches. */
static int watch_all(void *unused)
{
    static tr_watch_event e;
    tr_stream *events tr_cleanup_stream = NULL;
    int rc;

    (void)unused;
    ck_assert_int_eq(mkdir(in_root("a"), 0700), 0);
    rc = tr_watch(&events, root, &(tr_watch_options){ .recursive = true });
    ck_assert_int_eq(rc < 0, events == NULL);
    ck_assert_int_eq(mkdir(in_root("b"), 0700), 0);
    make_file("b/one");
    while (rc >= 0 && (rc = tr_stream_next(events, &e)) == 1 &&
           strcmp(e.path, in_root("b/one")) != 0)
        ;
    ck_assert_int_eq(unlink(in_root("b/one")), 0);
    ck_assert_int_eq(rmdir(in_root("b")), 0);
    if (rc >= 0) {
        char from[128];

        memcpy(from, in_root("a"), sizeof(from));
        ck_assert_int_eq(rename(from, in_root("c")), 0);
        while (rc >= 0 && (rc = tr_stream_next(events, &e)) == 1 && e.kind != TR_WATCH_MOVED)
            ;
        ck_assert_int_eq(rmdir(in_root("c")), 0);
    } else
        ck_assert_int_eq(rmdir(in_root("a")), 0);
    return rc < 0 ? rc : 0;
}

static void attempt(void *unused, int n)
{
    tr_future *f;
    int rc = tr_submit(&f, TR_LOOP_ANY, watch_all, NULL);

    (void)unused;
    (void)n;
    if (rc == 0) {
        rc = tr_future_wait(f, KIT_PATIENCE_S);
        tr_future_unref(f);
    }
    ck_assert_msg(is_expected(rc), "gave %d", rc);
}

START_TEST(whatever_fails_ends_the_stream_with_it)
{
    make_root();
    kit_start(1);
    ck_assert_int_ge(kit_for_every_fault(attempt, NULL), 20);
    kit_stop();
    remove_root();
}
END_TEST

KIT_MAIN("net/watch_limits", more_than_the_queue_holds_is_told,
         a_new_directory_with_too_much_in_it_is_told, whatever_fails_ends_the_stream_with_it)
