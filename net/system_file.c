/* Files, and their failures on demand. */
#include "net/system_file.h"

#include <errno.h>
#include <linux/openat2.h>
#include <sys/syscall.h>
#include <stdio.h>
#include <unistd.h>

#include "base/seam.h"

static bool strikes(void)
{
    return tr__fault_strikes(TR__FAULT_CALL);
}

static int64_t result(int64_t returned)
{
    return returned >= 0 ? returned : -errno;
}

int tr__sys_openat(int directory, const char *path, int flags, mode_t mode)
{
    int fd;

    if (strikes())
        return -EMFILE;
    do
        fd = openat(directory, path, flags | O_CLOEXEC, mode);
    while (fd < 0 && errno == EINTR);
    return (int)result(fd);
}

int tr__sys_open_beneath(int directory, const char *path, int flags)
{
    struct open_how how = {
        .flags = (uint64_t)flags | O_CLOEXEC,
        .resolve = RESOLVE_BENEATH | RESOLVE_NO_MAGICLINKS,
    };
    long fd;

    if (tr__fault_strikes(TR__FAULT_CALL))
        return -EMFILE;
    do
        fd = syscall(SYS_openat2, directory, path, &how, sizeof(how));
    while (fd < 0 && (errno == EINTR || errno == EAGAIN));
    return fd < 0 ? -errno : (int)fd;
}

ssize_t tr__sys_file_read(int fd, void *buffer, size_t bytes, int64_t offset)
{
    ssize_t count;

    if (strikes())
        return -EIO;
    do
        count = offset < 0 ? read(fd, buffer, bytes) : pread(fd, buffer, bytes, offset);
    while (count < 0 && errno == EINTR);
    return result(count);
}

ssize_t tr__sys_file_write(int fd, const void *data, size_t bytes, int64_t offset)
{
    ssize_t count;

    if (strikes())
        return -ENOSPC;
    do
        count = offset < 0 ? write(fd, data, bytes) : pwrite(fd, data, bytes, offset);
    while (count < 0 && errno == EINTR);
    return result(count);
}

int64_t tr__sys_seek(int fd, int64_t offset, int whence)
{
    if (strikes())
        return -EIO;
    return result(lseek(fd, offset, whence));
}

int tr__sys_sync(int fd)
{
    return strikes() ? -EIO : (int)result(fsync(fd));
}

int tr__sys_datasync(int fd)
{
    return strikes() ? -EIO : (int)result(fdatasync(fd));
}

int tr__sys_truncate(int fd, int64_t bytes)
{
    return strikes() ? -EIO : (int)result(ftruncate(fd, bytes));
}

int tr__sys_chmod(int fd, mode_t mode)
{
    return strikes() ? -EIO : (int)result(fchmod(fd, mode));
}

int tr__sys_stat(int fd, struct stat *out)
{
    return strikes() ? -EIO : (int)result(fstat(fd, out));
}

int tr__sys_statat(int directory, const char *path, struct stat *out, int flags)
{
    return strikes() ? -EIO : (int)result(fstatat(directory, path, out, flags));
}

int tr__sys_renameat(int from_directory, const char *from, int to_directory, const char *to)
{
    return strikes() ? -EIO : (int)result(renameat(from_directory, from, to_directory, to));
}

int tr__sys_unlinkat(int directory, const char *path, int flags)
{
    return strikes() ? -EIO : (int)result(unlinkat(directory, path, flags));
}

int tr__sys_mkdir(const char *path, mode_t mode)
{
    return strikes() ? -EIO : (int)result(mkdir(path, mode));
}

int tr__sys_opendir(DIR **out, int fd)
{
    *out = strikes() ? NULL : fdopendir(fd);
    return *out != NULL ? 0 : -ENOMEM; /* the descriptor is a directory's: no more can fail */
}

int tr__sys_readdir(DIR *directory, struct dirent **out)
{
    errno = strikes() ? EIO : 0;
    *out = errno == 0 ? readdir(directory) : NULL;
    if (*out != NULL)
        return 1;
    return -errno;
}

void tr__sys_closedir(DIR *directory)
{
    (void)closedir(directory); /* its descriptor is gone whatever the answer */
}
