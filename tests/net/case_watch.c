/* Watching files and directories. */
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <troupe/net.h>
#include <unistd.h>

#include "sync/cases.h"

static char root[64];

/* In memory, where the system has that: thousands of fsync take a while on a disk. */
static void make_root(void)
{
    bool is_fast = access("/dev/shm", W_OK) == 0;

    (void)snprintf(root, sizeof(root), "%s/troupe-watch-XXXXXX", is_fast ? "/dev/shm" : "/tmp");
    EXPECT(mkdtemp(root) != NULL);
}

static void remove_root(void)
{
    EXPECT(rmdir(root) == 0);
}

static const char *in_root(const char *name)
{
    static char paths[4][128];
    static int next;
    char *path = paths[next++ % 4];

    (void)snprintf(path, sizeof(paths[0]), "%s/%s", root, name);
    return path;
}

static void write_to(const char *name, const char *text)
{
    int fd = open(in_root(name), O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0600);

    EXPECT(fd >= 0);
    EXPECT(write(fd, text, strlen(text)) == (ssize_t)strlen(text));
    EXPECT(close(fd) == 0);
}

static tr_stream *watch(const char *path, bool recursive)
{
    tr_stream *events;

    EXPECT(tr_watch(&events, path, &(tr_watch_options){ .recursive = recursive }) == 0);
    return events;
}

/* The next event, as a text: "+a", "~a", "-a", "a>b"; directories with a slash. */
static const char *next(tr_stream *events)
{
    static char text[256];
    static tr_watch_event e;
    size_t above = strlen(root) + 1;
    const char *slash;

    EXPECT(tr_stream_next(events, &e) == 1);
    slash = e.is_directory ? "/" : "";
    EXPECT(e.kind != TR_WATCH_OVERFLOW);
    if (e.kind == TR_WATCH_MOVED) {
        (void)snprintf(text, sizeof(text), "%.99s%s>%.99s%s", e.from + above, slash, e.path + above,
                       slash);
        return text;
    }
    EXPECT(e.from[0] == 0);
    (void)snprintf(text, sizeof(text), "%c%.99s%s", "?+~-"[e.kind],
                   strlen(e.path) >= above ? e.path + above : ".", slash);
    return text;
}

static void expect_next(tr_stream *events, const char *text)
{
    const char *got = next(events);

    if (strcmp(got, text) != 0)
        (void)fprintf(stderr, "%s, not %s\n", got, text);
    EXPECT(strcmp(got, text) == 0);
}

/* Changes may come as one, or as several; what is in a new directory may come twice. */
static void expect_at_last(tr_stream *events, const char *text)
{
    const char *got;

    do
        got = next(events);
    while ((got[0] == '~' || got[0] == '+') && strcmp(got, text) != 0);
    EXPECT(strcmp(got, text) == 0);
}

static void expect_nothing_more(tr_stream *events)
{
    tr_watch_event e;

    EXPECT(tr_stream_next_for(events, &e, 0.01) == TR_ETIMEDOUT);
    EXPECT(tr_stream_free(events) == 0);
}

CASE(what_happens_in_a_directory_comes_in_its_order)
{
    tr_stream *events;

    make_root();
    events = watch(root, false);
    write_to("a", "text"); /* before anybody asks */
    EXPECT(rename(in_root("a"), in_root("b")) == 0);
    write_to("b", "other text");
    EXPECT(unlink(in_root("b")) == 0);
    EXPECT(mkdir(in_root("c"), 0700) == 0);
    EXPECT(rmdir(in_root("c")) == 0);
    expect_next(events, "+a");
    expect_next(events, "a>b"); /* that it was written to as it was made is told already */
    expect_next(events, "~b");
    expect_next(events, "-b");
    expect_next(events, "+c/");
    expect_next(events, "-c/");
    expect_nothing_more(events);
    remove_root();
}

CASE(what_happens_while_it_waits_comes)
{
    tr_stream *events;

    make_root();
    write_to("a", "text");
    events = watch(root, false);
    for (int i = 0; i < 3; i++) {
        write_to("a", "more");
        expect_next(events, "~a");
    }
    EXPECT(unlink(in_root("a")) == 0);
    expect_at_last(events, "-a");
    expect_nothing_more(events);
    remove_root();
}

CASE(what_comes_from_afar_is_new_and_what_goes_there_is_gone)
{
    tr_stream *events;

    make_root();
    EXPECT(mkdir(in_root("inner"), 0700) == 0);
    events = watch(in_root("inner"), false);
    write_to("a", "text");
    EXPECT(rename(in_root("a"), in_root("inner/a")) == 0);
    EXPECT(rename(in_root("inner/a"), in_root("b")) == 0);
    expect_next(events, "+inner/a");
    expect_next(events, "-inner/a");
    EXPECT(unlink(in_root("b")) == 0);
    expect_nothing_more(events);
    EXPECT(rmdir(in_root("inner")) == 0);
    remove_root();
}

/* ---- one file ---- */

CASE(a_file_that_is_replaced_is_still_watched)
{
    tr_stream *events;

    make_root();
    events = watch(in_root("a"), false); /* it is not there yet */
    write_to("other", "text");
    write_to("a", "text");
    expect_next(events, "+a");
    for (int i = 0; i < 3; i++) {
        EXPECT(tr_file_save(in_root("a"), "whole", 5, 0) == 0);
        expect_at_last(events, "~a");
    }
    EXPECT(unlink(in_root("a")) == 0);
    expect_at_last(events, "-a");
    write_to("a", "text");
    expect_next(events, "+a");
    EXPECT(rename(in_root("a"), in_root("b")) == 0);
    expect_at_last(events, "-a");
    expect_nothing_more(events);
    EXPECT(unlink(in_root("b")) == 0);
    EXPECT(unlink(in_root("other")) == 0);
    remove_root();
}

/* ---- all below ---- */

CASE(all_below_is_watched_also_what_is_new)
{
    tr_stream *events;

    make_root();
    EXPECT(mkdir(in_root("a"), 0700) == 0);
    events = watch(root, true);
    write_to("a/one", "text");
    expect_next(events, "+a/one");
    EXPECT(mkdir(in_root("a/b"), 0700) == 0);
    expect_at_last(events, "+a/b/");
    write_to("a/b/two", "text");
    expect_next(events, "+a/b/two");
    EXPECT(unlink(in_root("a/b/two")) == 0);
    expect_at_last(events, "-a/b/two");
    EXPECT(rmdir(in_root("a/b")) == 0);
    expect_next(events, "-a/b/");
    EXPECT(unlink(in_root("a/one")) == 0);
    expect_next(events, "-a/one");
    EXPECT(rmdir(in_root("a")) == 0);
    expect_next(events, "-a/");
    expect_nothing_more(events);
    remove_root();
}

CASE(what_is_in_a_new_directory_is_found)
{
    tr_stream *events;

    make_root();
    events = watch(root, true);
    EXPECT(mkdir(in_root("a"), 0700) == 0);
    EXPECT(mkdir(in_root("a/b"), 0700) == 0);
    write_to("a/b/two", "text");
    expect_next(events, "+a/");
    expect_next(events, "+a/b/");
    expect_next(events, "+a/b/two");
    expect_nothing_more(events);
    EXPECT(unlink(in_root("a/b/two")) == 0);
    EXPECT(rmdir(in_root("a/b")) == 0);
    EXPECT(rmdir(in_root("a")) == 0);
    remove_root();
}

CASE(a_directory_that_moves_is_watched_by_its_new_name)
{
    tr_stream *events;

    make_root();
    EXPECT(mkdir(in_root("a"), 0700) == 0 && mkdir(in_root("a/b"), 0700) == 0);
    EXPECT(mkdir(in_root("abc"), 0700) == 0);
    events = watch(root, true);
    EXPECT(rename(in_root("a"), in_root("c")) == 0);
    expect_next(events, "a/>c/");
    write_to("c/b/two", "text");
    expect_next(events, "+c/b/two");
    write_to("abc/one", "text");
    expect_at_last(events, "+abc/one");
    EXPECT(unlink(in_root("abc/one")) == 0);
    EXPECT(unlink(in_root("c/b/two")) == 0);
    EXPECT(tr_stream_free(events) == 0);
    EXPECT(rmdir(in_root("c/b")) == 0 && rmdir(in_root("c")) == 0 && rmdir(in_root("abc")) == 0);
    remove_root();
}

CASE(a_directory_that_leaves_is_watched_no_more)
{
    tr_stream *events;

    make_root();
    EXPECT(mkdir(in_root("in"), 0700) == 0 && mkdir(in_root("in/a"), 0700) == 0);
    events = watch(in_root("in"), true);
    EXPECT(rename(in_root("in/a"), in_root("out")) == 0);
    expect_next(events, "-in/a/");
    write_to("out/one", "text");
    expect_nothing_more(events);
    EXPECT(unlink(in_root("out/one")) == 0);
    EXPECT(rmdir(in_root("out")) == 0 && rmdir(in_root("in")) == 0);
    remove_root();
}

CASE(the_stream_ends_with_what_it_watches)
{
    tr_stream *events;
    tr_watch_event e;

    for (int i = 0; i < 2; i++) {
        make_root();
        events = watch(root, i == 1);
        remove_root();
        expect_next(events, "-./");
        EXPECT(tr_stream_next(events, &e) == 0);
        EXPECT(tr_stream_free(events) == 0);
    }
}

/* ---- bounds ---- */

CASE(changes_that_nobody_takes_come_as_few)
{
    tr_stream *events;
    tr_watch_event e;
    int came = 0;

    make_root();
    write_to("a", "text");
    write_to("b", "text");
    events = watch(root, false);
    for (int i = 0; i < 100; i++) {
        write_to("a", "more");
        write_to("b", "more");
    }
    while (tr_stream_next_for(events, &e, 0.01) == 1) {
        EXPECT(e.kind == TR_WATCH_CHANGED);
        came++;
    }
    EXPECT(came >= 2 && came < 100);
    EXPECT(tr_stream_free(events) == 0);
    EXPECT(unlink(in_root("a")) == 0 && unlink(in_root("b")) == 0);
    remove_root();
}

/* ---- the end ---- */

CASE(one_that_was_never_asked_is_freed)
{
    make_root();
    EXPECT(tr_stream_free(watch(root, true)) == 0);
    remove_root();
}

static int watch_and_take(void *out)
{
    tr_stream **events = out;
    static tr_watch_event e;
    int rc = AWAIT(tr_watch(events, root, &(tr_watch_options){ .recursive = true }));

    if (rc == 0) {
        EXPECT(mkdir(in_root("a"), 0700) == 0);
        write_to("a/b", "text");
        rc = AWAIT(tr_stream_next(*events, &e));
    }
    return rc;
}

static void clean_up(void *out, int rc)
{
    tr_stream **events = out;

    EXPECT(rc == 1 || rc == TR_ECANCELED);
    EXPECT(tr_stream_free(*events) == 0);
    *events = NULL;
    (void)unlink(in_root("a/b"));
    (void)rmdir(in_root("a"));
}

CASE(cancelled_at_any_await_nothing_is_left)
{
    const attempt steps = { .attempt = watch_and_take, .check = clean_up };
    tr_stream *events = NULL;

    make_root();
    cancel_at_every_await(&steps, &events);
    remove_root();
}

static void be_refused(void *unused)
{
    tr_stream *events = (void *)1;

    (void)unused;
    EXPECT(tr_watch(&events, root, NULL) == TR_EWRONGPLACE && events == NULL);
}

static void watch_in_thread(void *unused)
{
    tr_stream *events = watch(root, false);

    (void)unused;
    write_to("a", "text");
    expect_next(events, "+a");
    EXPECT(unlink(in_root("a")) == 0);
    EXPECT(tr_stream_free(events) == 0);
}

CASE(watching_begins_in_tasks_and_foreign_threads)
{
    make_root();
    call_in_handler(false, be_refused, NULL);
    in_place(OTHER_LOOP, be_refused, NULL);
    foreign_end(foreign_start(watch_in_thread, NULL));
    remove_root();
}

CASE(what_can_not_be_watched_is_refused)
{
    char long_path[TR_PATH_BYTES + 1];
    tr_stream *events = (void *)1;

    make_root();
    EXPECT(tr_watch(NULL, root, NULL) == TR_EINVAL);
    EXPECT(tr_watch(&events, NULL, NULL) == TR_EINVAL && events == NULL);
    EXPECT(tr_watch(&events, "", NULL) == TR_EINVAL);
    EXPECT(tr_watch(&events, in_root("none/a"), NULL) == TR_ENOENT && events == NULL);
    write_to("a", "text");
    EXPECT(tr_watch(&events, in_root("a/b"), NULL) == -ENOTDIR);
    EXPECT(unlink(in_root("a")) == 0);
    memset(long_path, 'a', TR_PATH_BYTES);
    long_path[TR_PATH_BYTES] = 0;
    EXPECT(tr_watch(&events, long_path, NULL) == -ENAMETOOLONG);
    long_path[300] = 0;
    EXPECT(tr_watch(&events, long_path, NULL) == -ENAMETOOLONG && events == NULL);
    remove_root();
}

CASES("watch", what_happens_in_a_directory_comes_in_its_order, what_happens_while_it_waits_comes,
      what_comes_from_afar_is_new_and_what_goes_there_is_gone,
      a_file_that_is_replaced_is_still_watched, all_below_is_watched_also_what_is_new,
      what_is_in_a_new_directory_is_found, a_directory_that_moves_is_watched_by_its_new_name,
      a_directory_that_leaves_is_watched_no_more, the_stream_ends_with_what_it_watches,
      changes_that_nobody_takes_come_as_few, one_that_was_never_asked_is_freed,
      cancelled_at_any_await_nothing_is_left, watching_begins_in_tasks_and_foreign_threads,
      what_can_not_be_watched_is_refused)
