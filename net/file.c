/* Files: each call is a job of the IO pool. */
#include <troupe/file.h>

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdio.h>
#include <string.h>
#include <troupe/pool.h>

#include "base/seam.h"
#include "net/system.h"
#include "net/system_file.h"

enum {
    PART = 1024 * 1024 /* that is written before a look at the cancellation */
};

struct tr_file {
    int fd;
};

/* What a job is about; which of these it needs is its own affair. */
typedef struct request {
    const char *path;
    const char *to;
    int fd;
    int flags;
    mode_t mode;
    char *buffer;
    const char *data;
    size_t bytes;
    int64_t offset; /* below 0: the file's own position */
    struct stat *stat;
} request;

static int run(tr_job_fn fn, request *r, const char *name)
{
    return tr__pool_run(TR_POOL_IO, fn, r, name);
}

/* ---- an open file ---- */

static int open_job(void *arg)
{
    request *r = arg;

    r->fd = tr__sys_openat(AT_FDCWD, r->path, r->flags, r->mode);
    return r->fd < 0 ? r->fd : 0;
}

int tr_file_open(tr_file **out, const char *path, int flags, mode_t mode)
{
    request r = { .path = path, .flags = flags, .mode = mode != 0 ? mode : 0666 };
    tr_file *f;
    int rc;

    if (out == NULL)
        return TR_EINVAL;
    *out = NULL;
    if (path == NULL)
        return TR_EINVAL;
    f = tr__alloc(sizeof(*f));
    if (f == NULL)
        return TR_ENOMEM;
    rc = run(open_job, &r, "the opening of a file");
    if (rc < 0) {
        tr__free(f);
        return rc;
    }
    f->fd = r.fd;
    *out = f;
    return 0;
}

static int close_job(void *arg)
{
    tr__sys_close(((request *)arg)->fd);
    return 0;
}

int tr_file_close(tr_file *f)
{
    request r = { 0 };
    int rc = 0;

    if (f == NULL)
        return 0;
    r.fd = f->fd;
    TR_SHIELD(TR_FOREVER) {
        rc = run(close_job, &r, "the closing of a file");
    }
    if (rc < 0)
        tr__sys_close(f->fd); /* no thread did it */
    tr__free(f);
    return 0;
}

int tr_file_fd(const tr_file *f)
{
    return f != NULL ? f->fd : TR_EINVAL;
}

/* To its end: the count is left in r->bytes. */
static int read_job(void *arg)
{
    request *r = arg;
    size_t done = 0;
    ssize_t count = 1;

    while (done < r->bytes && count > 0) {
        count = tr__sys_file_read(r->fd, r->buffer + done, r->bytes - done,
                                  r->offset < 0 ? -1 : r->offset + (int64_t)done);
        if (count > 0)
            done += (size_t)count;
    }
    r->bytes = done;
    return done > 0 || count >= 0 ? 0 : (int)count;
}

static ssize_t read_file(tr_file *f, void *buffer, size_t bytes, int64_t offset)
{
    request r = { .buffer = buffer, .bytes = bytes, .offset = offset };
    int rc;

    if (f == NULL || (buffer == NULL && bytes > 0) || bytes > SSIZE_MAX)
        return TR_EINVAL;
    r.fd = f->fd;
    rc = run(read_job, &r, "reading a file");
    return rc < 0 ? rc : (ssize_t)r.bytes;
}

ssize_t tr_file_read(tr_file *f, void *buffer, size_t bytes)
{
    return read_file(f, buffer, bytes, -1);
}

ssize_t tr_file_read_at(tr_file *f, void *buffer, size_t bytes, uint64_t offset)
{
    if (offset > INT64_MAX - (uint64_t)SSIZE_MAX / 2 || bytes > SSIZE_MAX / 2)
        return TR_EINVAL;
    return read_file(f, buffer, bytes, (int64_t)offset);
}

static int write_all(int fd, const char *data, size_t bytes, int64_t offset)
{
    size_t done = 0;

    while (done < bytes) {
        size_t part = bytes - done < PART ? bytes - done : PART;
        ssize_t count =
            tr__sys_file_write(fd, data + done, part, offset < 0 ? -1 : offset + (int64_t)done);

        if (count < 0)
            return (int)count;
        done += (size_t)count;
        if (done < bytes && tr_cancelled())
            return TR_ECANCELED;
    }
    return 0;
}

static int write_job(void *arg)
{
    const request *r = arg;

    return write_all(r->fd, r->data, r->bytes, r->offset);
}

static int write_file(tr_file *f, const void *data, size_t bytes, int64_t offset)
{
    request r = { .data = data, .bytes = bytes, .offset = offset };

    if (f == NULL || (data == NULL && bytes > 0) || bytes > SSIZE_MAX)
        return TR_EINVAL;
    r.fd = f->fd;
    return run(write_job, &r, "writing a file");
}

int tr_file_write(tr_file *f, const void *data, size_t bytes)
{
    return write_file(f, data, bytes, -1);
}

int tr_file_write_at(tr_file *f, const void *data, size_t bytes, uint64_t offset)
{
    if (offset > INT64_MAX - (uint64_t)SSIZE_MAX / 2 || bytes > SSIZE_MAX / 2)
        return TR_EINVAL;
    return write_file(f, data, bytes, (int64_t)offset);
}

int64_t tr_file_seek(tr_file *f, int64_t offset, int whence)
{
    return f != NULL ? tr__sys_seek(f->fd, offset, whence) : TR_EINVAL;
}

static int sync_job(void *arg)
{
    return tr__sys_sync(((request *)arg)->fd);
}

static int datasync_job(void *arg)
{
    return tr__sys_datasync(((request *)arg)->fd);
}

static int truncate_job(void *arg)
{
    return tr__sys_truncate(((request *)arg)->fd, ((request *)arg)->offset);
}

static int stat_file_job(void *arg)
{
    return tr__sys_stat(((request *)arg)->fd, ((request *)arg)->stat);
}

static int run_on(const tr_file *f, request *r, tr_job_fn fn, const char *name)
{
    if (f == NULL)
        return TR_EINVAL;
    r->fd = f->fd;
    return run(fn, r, name);
}

int tr_file_sync(tr_file *f)
{
    return run_on(f, &(request){ 0 }, sync_job, "bringing a file to the disk");
}

int tr_file_datasync(tr_file *f)
{
    return run_on(f, &(request){ 0 }, datasync_job, "bringing a file to the disk");
}

int tr_file_truncate(tr_file *f, uint64_t bytes)
{
    if (bytes > INT64_MAX)
        return TR_EINVAL;
    return run_on(f, &(request){ .offset = (int64_t)bytes }, truncate_job, "cutting a file");
}

int tr_file_stat(tr_file *f, struct stat *out)
{
    if (out == NULL)
        return TR_EINVAL;
    memset(out, 0, sizeof(*out));
    return run_on(f, &(request){ .stat = out }, stat_file_job, "a look at a file");
}

/* ---- names ---- */

static int stat_job(void *arg)
{
    const request *r = arg;

    return tr__sys_statat(AT_FDCWD, r->path, r->stat, 0);
}

static int rename_job(void *arg)
{
    const request *r = arg;

    return tr__sys_renameat(AT_FDCWD, r->path, AT_FDCWD, r->to);
}

static int unlink_job(void *arg)
{
    const request *r = arg;

    return tr__sys_unlinkat(AT_FDCWD, r->path, r->flags);
}

static int mkdir_job(void *arg)
{
    const request *r = arg;

    return tr__sys_mkdir(r->path, r->mode);
}

static int make_or_find(const char *path, mode_t mode)
{
    struct stat status;
    int rc = tr__sys_mkdir(path, mode);

    if (rc != -EEXIST)
        return rc;
    rc = tr__sys_statat(AT_FDCWD, path, &status, 0);
    if (rc < 0)
        return rc;
    return S_ISDIR(status.st_mode) ? 0 : -ENOTDIR;
}

/* One after the other, from above; r->buffer is a copy of the path. */
static int mkdir_all_job(void *arg)
{
    const request *r = arg;

    for (char *at = r->buffer + strspn(r->buffer, "/"); (at = strchr(at, '/')) != NULL;) {
        int rc;

        *at = 0;
        rc = make_or_find(r->buffer, r->mode);
        *at = '/';
        at += strspn(at, "/");
        if (rc < 0)
            return rc;
    }
    return make_or_find(r->buffer, r->mode);
}

int tr_stat(struct stat *out, const char *path)
{
    if (out == NULL)
        return TR_EINVAL;
    memset(out, 0, sizeof(*out));
    if (path == NULL)
        return TR_EINVAL;
    return run(stat_job, &(request){ .path = path, .stat = out }, "a look at a file");
}

int tr_rename(const char *from, const char *to)
{
    if (from == NULL || to == NULL)
        return TR_EINVAL;
    return run(rename_job, &(request){ .path = from, .to = to }, "renaming a file");
}

int tr_unlink(const char *path)
{
    if (path == NULL)
        return TR_EINVAL;
    return run(unlink_job, &(request){ .path = path }, "removing a file");
}

int tr_rmdir(const char *path)
{
    if (path == NULL)
        return TR_EINVAL;
    return run(unlink_job, &(request){ .path = path, .flags = AT_REMOVEDIR },
               "removing a directory");
}

int tr_mkdir(const char *path, mode_t mode)
{
    if (path == NULL)
        return TR_EINVAL;
    return run(mkdir_job, &(request){ .path = path, .mode = mode != 0 ? mode : 0777 },
               "making a directory");
}

int tr_mkdir_all(const char *path, mode_t mode)
{
    request r = { .mode = mode != 0 ? mode : 0777 };
    int rc;

    if (path == NULL || path[0] == 0)
        return TR_EINVAL;
    r.buffer = tr__copy_string(path);
    if (r.buffer == NULL)
        return TR_ENOMEM;
    rc = run(mkdir_all_job, &r, "making directories");
    tr__free(r.buffer);
    return rc;
}
