/* Whole files: read, and written all or nothing. */
#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <limits.h>
#include <stdio.h>
#include <string.h>
#include <troupe/file.h>
#include <troupe/pool.h>

#include "base/seam.h"
#include "net/io.h"
#include "net/system.h"
#include "net/system_file.h"

enum { PART = 1024 * 1024, SMALLEST = 4096, MODE_BITS = 07777 };

/* ---- reading ---- */

typedef struct load {
    const char *path;
    size_t most;
    tr__buffer read;
} load;

/* Room for one byte more than is there tells that nothing more comes, and is that of the 0. */
static int reserve_for(load *l, int fd)
{
    struct stat status;
    int rc = tr__sys_stat(fd, &status);

    if (rc < 0)
        return rc;
    if (S_ISREG(status.st_mode) && (uint64_t)status.st_size > l->most)
        return TR_ETOOLARGE;
    return tr__buffer_reserve(&l->read, (size_t)status.st_size + 1) ? 0 : TR_ENOMEM;
}

static int read_to_end(load *l, int fd)
{
    for (;;) {
        size_t room = l->read.capacity - l->read.end;
        ssize_t count =
            tr__sys_file_read(fd, l->read.bytes + l->read.end, room < PART ? room : PART, -1);

        if (count < 0)
            return (int)count;
        if (count == 0)
            return 0;
        l->read.end += (size_t)count;
        if (l->read.end > l->most)
            return TR_ETOOLARGE;
        if (tr_cancelled())
            return TR_ECANCELED;
        if (!tr__buffer_reserve(&l->read, 1))
            return TR_ENOMEM;
    }
}

static int load_job(void *arg)
{
    load *l = arg;
    int fd = tr__sys_openat(AT_FDCWD, l->path, O_RDONLY, 0);
    int rc;

    if (fd < 0)
        return fd;
    rc = reserve_for(l, fd);
    if (rc == 0)
        rc = read_to_end(l, fd);
    tr__sys_close(fd);
    return rc;
}

int tr_file_load(char **data, size_t *bytes, const char *path, size_t most)
{
    load l = { .path = path, .most = most };
    int rc;

    if (data != NULL)
        *data = NULL;
    if (bytes != NULL)
        *bytes = 0;
    if (data == NULL || bytes == NULL || path == NULL)
        return TR_EINVAL;
    rc = tr__pool_run(TR_POOL_IO, load_job, &l, "reading a file");
    if (rc < 0) {
        tr__buffer_free(&l.read);
        return rc;
    }
    l.read.bytes[l.read.end] = 0;
    *data = l.read.bytes;
    *bytes = l.read.end;
    return 0;
}

void tr_file_data_free(char *data)
{
    tr__free(data);
}

/* ---- writing ---- */

typedef struct save {
    char *directory;
    const char *name; /* in it */
    const char *data;
    size_t bytes;
    mode_t mode;
} save;

static int write_all(int fd, const char *data, size_t bytes)
{
    while (bytes > 0) {
        ssize_t count = tr__sys_file_write(fd, data, bytes < PART ? bytes : PART, -1);

        if (count < 0)
            return (int)count;
        if (tr_cancelled())
            return TR_ECANCELED;
        data += count;
        bytes -= (size_t)count;
    }
    return 0;
}

/* As the file that it replaces. */
static int choose_mode(int directory, const save *s, mode_t *mode)
{
    struct stat status;
    int rc;

    *mode = s->mode;
    if (s->mode != 0)
        return 0;
    rc = tr__sys_statat(directory, s->name, &status, AT_SYMLINK_NOFOLLOW);
    if (rc == 0 && S_ISREG(status.st_mode))
        *mode = status.st_mode & MODE_BITS;
    return rc == -ENOENT ? 0 : rc;
}

static int write_new(int directory, const save *s, const char *name)
{
    int fd = tr__sys_openat(directory, name, O_WRONLY | O_CREAT | O_EXCL | O_NOFOLLOW, 0666);
    mode_t mode;
    int rc;

    if (fd < 0)
        return fd;
    rc = write_all(fd, s->data, s->bytes);
    if (rc == 0)
        rc = choose_mode(directory, s, &mode);
    if (rc == 0 && mode != 0)
        rc = tr__sys_chmod(fd, mode);
    if (rc == 0)
        rc = tr__sys_sync(fd);
    tr__sys_close(fd);
    if (rc == 0)
        rc = tr__sys_renameat(directory, name, directory, s->name);
    if (rc < 0)
        (void)tr__sys_unlinkat(directory, name, 0); /* nothing more can be done */
    return rc;
}

static int save_job(void *arg)
{
    const save *s = arg;
    char name[32];
    int directory = tr__sys_openat(AT_FDCWD, s->directory, O_RDONLY | O_DIRECTORY, 0);
    int rc;

    if (directory < 0)
        return directory;
    (void)snprintf(name, sizeof(name), ".tr-%016" PRIx64, tr__dice());
    rc = write_new(directory, s, name);
    if (rc == 0)
        rc = tr__sys_sync(directory);
    tr__sys_close(directory);
    return rc;
}

/* The directory of a path, as a copy. */
static char *copy_directory(const char *path, const char *name)
{
    char *copy;

    if (name == path)
        return tr__copy_string(".");
    copy = tr__copy_string(path);
    if (copy != NULL)
        copy[name - path] = 0;
    return copy;
}

int tr_file_save(const char *path, const void *data, size_t bytes, mode_t mode)
{
    const char *slash = path != NULL ? strrchr(path, '/') : NULL;
    save s = { .name = slash != NULL ? slash + 1 : path,
               .data = data,
               .bytes = bytes,
               .mode = mode & MODE_BITS };
    int rc;

    if (path == NULL || *s.name == 0 || (data == NULL && bytes > 0))
        return TR_EINVAL;
    s.directory = copy_directory(path, s.name);
    if (s.directory == NULL)
        return TR_ENOMEM;
    rc = tr__pool_run(TR_POOL_IO, save_job, &s, "saving a file");
    tr__free(s.directory);
    return rc;
}
