/* Streams when memory or a system call fails; and when the runtime stops while they are open. */
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <troupe/net.h>
#include <unistd.h>

#include "support/tasks.h"

/* ---- every call fails in turn ---- */

static int use_pair(void *unused)
{
    const char *data = NULL;
    tr_io *one, *other;
    char text[4];
    int rc = tr_socketpair(&one, &other);

    (void)unused;
    if (rc < 0) {
        ck_assert(one == NULL && other == NULL);
        return rc;
    }
    rc = tr_write(one, "line\n", 5);
    if (rc == 0)
        rc = tr_write_all(one, "rest", 4);
    if (rc == 0)
        rc = tr_close_write(one);
    if (rc == 0)
        rc = (int)tr_read_until(other, &data, "\n", 100);
    if (rc >= 0)
        rc = tr_read_exact(other, text, 4);
    (void)tr_close(one); /* what had failed before may be told once more */
    ck_assert_int_eq(tr_close(other), 0);
    return rc;
}

static int use_pipe(void *unused)
{
    tr_io *in, *out;
    char text[4];
    int rc = tr_pipe(&in, &out);

    (void)unused;
    if (rc < 0) {
        ck_assert(in == NULL && out == NULL);
        return rc;
    }
    rc = tr_write(out, "text", 4);
    if (rc == 0)
        rc = tr_flush(out);
    if (rc == 0)
        rc = tr_read_exact(in, text, 4);
    (void)tr_close(out); /* as above */
    ck_assert_int_eq(tr_close(in), 0);
    return rc;
}

/* Whatever fails, no file stays. */
static int use_socket_file(void *unused)
{
    char address[64];
    struct stat status;
    tr_listener *l;
    int rc;

    (void)unused;
    (void)snprintf(address, sizeof(address), "unix:/tmp/troupe_faults.%d", (int)getpid());
    rc = tr_listen(&l, address, &(tr_listen_options){ .mode = 0600 });
    ck_assert((rc < 0) == (l == NULL));
    ck_assert_int_eq(tr_listener_close(l), 0);
    ck_assert_int_lt(stat(address + 5, &status), 0);
    return rc;
}

static int use_sendfile(void *unused)
{
    char path[] = "/tmp/troupe-sendfile-XXXXXX";
    int fd = mkstemp(path);
    tr_io *one = NULL;
    tr_io *other = NULL;
    tr_file *f = NULL;
    char text[4];
    int rc;

    (void)unused;
    ck_assert(fd >= 0 && write(fd, "text", 4) == 4 && close(fd) == 0);
    rc = tr_file_open(&f, path, O_RDONLY, 0);
    ck_assert_int_eq(unlink(path), 0);
    if (rc == 0)
        rc = tr_socketpair(&one, &other);
    if (rc == 0)
        rc = (int)tr_sendfile(one, f, 0, SIZE_MAX);
    ck_assert(rc < 0 || rc == 4);
    if (rc == 4)
        rc = tr_read_exact(other, text, 4);
    ck_assert(rc < 0 || memcmp(text, "text", 4) == 0);
    (void)tr_close(one); /* as above */
    ck_assert_int_eq(tr_close(other), 0);
    ck_assert_int_eq(tr_file_close(f), 0);
    return rc;
}

static int result;

static void attempt(void *fn)
{
    tr_future *f;

    result = tr_submit(&f, TR_LOOP(0), *(tr_task_fn *)fn, NULL);
    if (result < 0)
        return;
    result = tr_future_wait(f, KIT_PATIENCE_S);
    tr_future_unref(f);
}

static void check(void *fn, bool struck)
{
    (void)fn;
    ck_assert(struck || result >= 0);
}

static void try_each(tr_task_fn use)
{
    const kit_faulty steps = { NULL, attempt, check };

    kit_start(1);
    ck_assert_int_gt(kit_for_every_fault_of(&steps, &use, false), 3);
    ck_assert_int_gt(kit_for_every_fault_of(&steps, &use, true), 3);
    kit_stop();
}

START_TEST(streams_tell_what_has_failed_and_leave_nothing)
{
    try_each(use_pair);
    try_each(use_pipe);
    try_each(use_socket_file);
    try_each(use_sendfile);
}
END_TEST

/* ---- the runtime stops ---- */

typedef struct ends {
    tr_io *one, *other;
    bool is_open;
} ends;

static int leave_open(void *arg)
{
    ends *e = arg;

    ck_assert_int_eq(tr_socketpair(&e->one, &e->other), 0);
    return tr_write(e->one, "last", 4);
}

/* It is cancelled when the runtime stops, and writes once more. */
static int write_at_the_end(void *arg)
{
    ends *e = arg;
    char byte;

    e->is_open = true;
    ck_assert_int_eq(tr_read(e->one, &byte, 1), TR_ECANCELED);
    TR_SHIELD(TR_FOREVER) {
        ck_assert_int_eq(tr_write(e->one, "late", 4), 0);
    }
    return 0;
}

START_TEST(a_stream_may_outlive_the_runtime)
{
    ends e;
    tr_io *fresh;
    char byte;

    ck_assert_int_eq(tr_io_open(&fresh, 0), TR_EWRONGPLACE);
    ck_assert_ptr_null(fresh);
    kit_start(1);
    ck_assert_int_eq(kit_in_task(0, leave_open, &e), 0);
    kit_stop();
    ck_assert_int_eq(tr_io_fd(e.one), -1);
    ck_assert_int_eq(tr_read(e.one, &byte, 1), TR_EWRONGPLACE);
    ck_assert_str_eq(tr_io_local(e.one), "");
    ck_assert_int_eq(tr_close(e.one), 0);
    ck_assert_int_eq(tr_close(e.other), 0);
}
END_TEST

START_TEST(what_is_written_when_the_runtime_stops_harms_nobody)
{
    tr_future *f;
    ends e = { 0 };

    kit_start(1);
    ck_assert_int_eq(kit_in_task(0, leave_open, &e), 0);
    ck_assert_int_eq(tr_submit(&f, TR_LOOP(0), write_at_the_end, &e), 0);
    kit_settle(0);
    kit_stop();
    ck_assert(e.is_open);
    tr_future_unref(f);
    ck_assert_int_le(tr_close(e.one), 0); /* whether it went out depends on who was first */
    ck_assert_int_eq(tr_close(e.other), 0);
}
END_TEST

KIT_MAIN("net/io_faults", streams_tell_what_has_failed_and_leave_nothing,
         a_stream_may_outlive_the_runtime, what_is_written_when_the_runtime_stops_harms_nobody)
