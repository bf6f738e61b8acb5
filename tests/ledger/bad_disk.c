/* A disk that fails on demand, for a program that knows nothing of it: put before its C library by
 * LD_PRELOAD.
 *
 * In the folder that BAD_DISK names, a file says what is the matter, as long as it is there:
 *     full    what is written does not fit: ENOSPC
 *     broken  what is written fails: EIO
 *     stuck   what is to be on disk waits, until the file is gone */
#include <dlfcn.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/types.h>
#include <unistd.h>

static int has(const char *what)
{
    const char *folder = getenv("BAD_DISK");
    char path[4096];
    int before = errno, is_there;

    if (folder == NULL)
        return 0;
    (void)snprintf(path, sizeof(path), "%s/%s", folder, what);
    is_there = access(path, F_OK) == 0;
    errno = before;
    return is_there;
}

/* 0, or the error of whoever writes now. */
static int trouble(void)
{
    return has("full") ? ENOSPC : has("broken") ? EIO : 0;
}

typedef ssize_t (*write_fn)(int, const void *, size_t, off_t);
typedef int (*sync_fn)(int);

static ssize_t write_at(const char *name, int fd, const void *data, size_t bytes, off_t at)
{
    write_fn next = (write_fn)dlsym(RTLD_NEXT, name);
    int error = trouble();

    if (error != 0) {
        errno = error;
        return -1;
    }
    return next(fd, data, bytes, at);
}

ssize_t pwrite(int fd, const void *data, size_t bytes, off_t at)
{
    return write_at("pwrite", fd, data, bytes, at);
}

ssize_t pwrite64(int fd, const void *data, size_t bytes, off_t at)
{
    return write_at("pwrite64", fd, data, bytes, at);
}

static int sync_by(const char *name, int fd)
{
    sync_fn next = (sync_fn)dlsym(RTLD_NEXT, name);

    while (has("stuck"))
        (void)usleep(5000);
    return next(fd);
}

int fsync(int fd)
{
    return sync_by("fsync", fd);
}

int fdatasync(int fd)
{
    return sync_by("fdatasync", fd);
}
