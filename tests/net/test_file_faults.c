/* Files and directories while calls fail, one by one: what fails says so, and nothing is left. */
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
static char path[128];

/* In memory, where the system has that: thousands of fsync take a while on a disk. */
static void make_root(void)
{
    bool is_fast = access("/dev/shm", W_OK) == 0;

    (void)snprintf(root, sizeof(root), "%s/troupe-faults-XXXXXX", is_fast ? "/dev/shm" : "/tmp");
    ck_assert_ptr_nonnull(mkdtemp(root));
    (void)snprintf(path, sizeof(path), "%s/a", root);
}

static void remove_root(void)
{
    ck_assert_int_eq(rmdir(root), 0); /* so nothing was left in it */
}

static bool is_expected(int rc)
{
    return rc >= 0 || rc == TR_ENOMEM || rc == TR_EAGAIN || rc == TR_EMFILE || rc == -EIO ||
           rc == -ENOSPC;
}

static void attempt(void *program, int n)
{
    tr_future *f;
    int rc = tr_submit(&f, TR_LOOP_ANY, *(tr_task_fn *)program, NULL);

    (void)n;
    if (rc == 0) {
        rc = tr_future_wait(f, KIT_PATIENCE_S);
        tr_future_unref(f);
    }
    ck_assert_msg(is_expected(rc), "gave %d", rc);
    ck_assert(unlink(path) == 0 || errno == ENOENT);
}

static int try_all(tr_task_fn program)
{
    int tried;

    make_root();
    kit_start(1);
    tried = kit_for_every_fault(attempt, &program);
    kit_stop();
    remove_root();
    return tried;
}

/* Whoever looks finds all of the old one, or all of the new one. */
static int save_over(void *unused)
{
    static const char old[] = "old", new[] = "newer";
    char text[16] = "";
    FILE *f = fopen(path, "w");
    int rc;

    (void)unused;
    ck_assert_ptr_nonnull(f);
    ck_assert_int_ge(fputs(old, f), 0);
    ck_assert_int_eq(fclose(f), 0);
    rc = tr_file_save(path, new, strlen(new), 0);
    f = fopen(path, "r");
    ck_assert_ptr_nonnull(f);
    ck_assert_ptr_nonnull(fgets(text, sizeof(text), f));
    ck_assert_int_eq(fclose(f), 0);
    ck_assert(strcmp(text, new) == 0 || (rc < 0 && strcmp(text, old) == 0));
    return rc;
}

START_TEST(a_file_whose_saving_fails_is_whole)
{
    ck_assert_int_ge(try_all(save_over), 8);
}
END_TEST

static int use_file(tr_file *f)
{
    struct stat status;
    char buffer[8];
    int rc = tr_file_write(f, "text", 4);

    if (rc == 0)
        rc = (int)tr_file_seek(f, 0, SEEK_SET);
    if (rc >= 0)
        rc = (int)tr_file_read(f, buffer, sizeof(buffer));
    if (rc >= 0)
        rc = tr_file_sync(f);
    if (rc == 0)
        rc = tr_file_datasync(f);
    if (rc == 0)
        rc = tr_file_truncate(f, 1);
    if (rc == 0)
        rc = tr_file_stat(f, &status);
    ck_assert_int_eq(tr_file_close(f), 0);
    return rc;
}

static int use_names(void)
{
    char directory[136];
    char *data;
    size_t bytes;
    struct stat status;
    int rc = tr_file_load(&data, &bytes, path, 10);

    if (rc == 0)
        ck_assert_uint_eq(bytes, 1);
    tr_file_data_free(data);
    if (rc == 0)
        rc = tr_stat(&status, path);
    if (rc == 0)
        rc = tr_rename(path, path);
    (void)snprintf(directory, sizeof(directory), "%s/b/c", root);
    if (rc == 0)
        rc = tr_mkdir_all(directory, 0);
    if (rc == 0)
        rc = tr_mkdir_all(directory, 0);
    if (rc == 0)
        rc = tr_rmdir(directory);
    (void)rmdir(directory); /* where a call has failed */
    directory[strlen(directory) - 2] = 0;
    (void)rmdir(directory);
    return rc;
}

static int use_all(void *unused)
{
    tr_file *f;
    int rc = tr_file_open(&f, path, O_RDWR | O_CREAT, 0);

    (void)unused;
    if (rc == 0)
        rc = use_file(f);
    return rc == 0 ? use_names() : rc;
}

START_TEST(files_whose_calls_fail_say_so)
{
    ck_assert_int_ge(try_all(use_all), 15);
}
END_TEST

static bool reports;
static int reported; /* of the errors of one walk */

static int walk_root(void *unused)
{
    tr_stream *entries tr_cleanup_stream = NULL;
    int rc = tr_directory_walk(&entries, root, &(tr_directory_options){ .report_errors = reports });
    int errors = 0;

    (void)unused;
    if (rc < 0)
        return rc;
    TR_FOREACH(tr_directory_entry, e, entries)
    {
        ck_assert(is_expected(e.error));
        errors += e.error < 0;
    }
    ck_assert(reports || errors == 0);
    reported += errors;
    return tr_stream_status(entries);
}

START_TEST(a_walk_that_fails_ends_or_reports_it)
{
    char inner[136];

    for (int i = 0; i < 2; i++) {
        make_root();
        (void)snprintf(inner, sizeof(inner), "%s/b", root);
        ck_assert_int_eq(mkdir(inner, 0777), 0);
        reports = i == 1;
        kit_start(1);
        ck_assert_int_ge(kit_for_every_fault(attempt, &(tr_task_fn){ walk_root }), 10);
        kit_stop();
        ck_assert_int_eq(rmdir(inner), 0);
        remove_root();
    }
    ck_assert_int_ge(reported, 3);
}
END_TEST

KIT_MAIN("net/file_faults", a_file_whose_saving_fails_is_whole, files_whose_calls_fail_say_so,
         a_walk_that_fails_ends_or_reports_it)
