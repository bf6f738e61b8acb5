/* The seam of this room, as system.h: files. These calls block: they are for threads of the pool.
 * */
#ifndef TR_NET_SYSTEM_FILE_H
#define TR_NET_SYSTEM_FILE_H

#include <dirent.h>
#include <fcntl.h>
#include <stdint.h>
#include <sys/stat.h>
#include <sys/types.h>

/* Closed on exec. */
int tr__sys_openat(int directory, const char *path, int flags, mode_t mode);
/* The same of what is below a directory: no link, and no "..", leads out of it (-EXDEV). */
int tr__sys_open_beneath(int directory, const char *path, int flags);
/* At an offset; below 0: at the file's own position. */
ssize_t tr__sys_file_read(int fd, void *buffer, size_t bytes, int64_t offset);
ssize_t tr__sys_file_write(int fd, const void *data, size_t bytes, int64_t offset);
int64_t tr__sys_seek(int fd, int64_t offset, int whence);
int tr__sys_sync(int fd);
int tr__sys_datasync(int fd);
int tr__sys_truncate(int fd, int64_t bytes);
int tr__sys_chmod(int fd, mode_t mode);
int tr__sys_stat(int fd, struct stat *out);
int tr__sys_statat(int directory, const char *path, struct stat *out, int flags);
int tr__sys_renameat(int from_directory, const char *from, int to_directory, const char *to);
int tr__sys_unlinkat(int directory, const char *path, int flags);
int tr__sys_mkdir(const char *path, mode_t mode);
/* Takes fd on success. */
int tr__sys_opendir(DIR **out, int fd);
/* 1, or 0 at the end. */
int tr__sys_readdir(DIR *directory, struct dirent **out);
void tr__sys_closedir(DIR *directory);

#endif
