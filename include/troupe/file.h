/* Files and directories.
 *
 *     char *text = NULL;
 *     size_t bytes;
 *     int rc = tr_file_load(&text, &bytes, "settings.json", 1 << 20);
 *     if (rc == 0)
 *         rc = tr_file_save("settings.bak", text, bytes, 0);
 *     tr_file_data_free(text);
 *
 *     tr_stream *entries tr_cleanup_stream = NULL;
 *     rc = tr_directory_walk(&entries, "src", NULL);
 *     TR_FOREACH(tr_directory_entry, e, entries)
 *         printf("%s\n", e.path);
 *
 * The system has no way to wait for a file: each call is a job of TR_POOL_IO, for which a task
 * waits, and its loop does not. A task that is cancelled takes its job back if it has not begun
 * (TR_ECANCELED); else it waits for the job's end, so that what the job works on may stand on the
 * task's stack, and is told what the job did.
 *
 * Unless a comment says something else, what is here may be called by tasks, which await, and by
 * foreign threads, which block; elsewhere it is TR_EWRONGPLACE. Errors of the system come as they
 * are, such as TR_ENOENT, -EACCES, -ENOSPC; those of the pool are TR_EAGAIN and TR_ESHUTDOWN. Paths
 * count from the directory of the process.
 *
 * This is for regular files and directories: opening a FIFO that has no other end keeps a thread of
 * the pool waiting. For what can be waited for there is tr_io_open. */
#ifndef TROUPE_FILE_H
#define TROUPE_FILE_H

#include <sys/stat.h>
#include <sys/types.h>
#include <troupe/io.h>
#include <troupe/stream.h>

#ifdef __cplusplus
extern "C" {
#endif

/* ---- an open file ---- */

typedef struct tr_file tr_file;

/* Open a file. flags are those of open(2): O_RDONLY, O_WRONLY or O_RDWR, with O_CREAT, O_TRUNC,
 * O_APPEND and so on; it is closed on exec. mode is that of a file that is made; 0: 0666. The umask
 * applies. *out is NULL on error.
 * Ownership: the caller's, until tr_file_close. It may be used by any thread, also by several at
 *            the same time, but while it is closed.
 * Errors:    of the system; TR_ENOMEM; TR_EINVAL. */
TR_API int tr_file_open(tr_file **out, const char *path, int flags, mode_t mode);

/* Close it, and free it, also if the caller is cancelled; NULL is allowed. Elsewhere than in tasks
 * and foreign threads it may block.
 * Threads: any.
 * Errors:  none. What was written is on the disk only after tr_file_sync. */
TR_API int tr_file_close(tr_file *f);

/* Its descriptor, which stays the file's.
 * Threads: any.
 * Errors:  TR_EINVAL. */
TR_API int tr_file_fd(const tr_file *f);

/* Read at the file's position, or at an offset: how many bytes; fewer than were asked for only
 * where the file ends, or what follows can't be read, as the next call tells.
 * Errors: of the system; TR_EINVAL. */
TR_API ssize_t tr_file_read(tr_file *f, void *buffer, size_t bytes);
TR_API ssize_t tr_file_read_at(tr_file *f, void *buffer, size_t bytes, uint64_t offset);

/* Write all, at the file's position (at its end with O_APPEND), or at an offset: 0. On error, any
 * part may have been written.
 * Errors: of the system; TR_ECANCELED, also between two parts; TR_EINVAL. */
TR_API int tr_file_write(tr_file *f, const void *data, size_t bytes);
TR_API int tr_file_write_at(tr_file *f, const void *data, size_t bytes, uint64_t offset);

/* Move the file's position, as lseek(2): the new one. It does not wait.
 * Threads: any.
 * Errors:  of the system; TR_EINVAL. */
TR_API int64_t tr_file_seek(tr_file *f, int64_t offset, int whence);

/* Have what was written reach the disk: with all that is known of the file, or only with what is
 * needed to read it again. */
TR_API int tr_file_sync(tr_file *f);
TR_API int tr_file_datasync(tr_file *f);
/* Cut it, or lengthen it by zeros. */
TR_API int tr_file_truncate(tr_file *f, uint64_t bytes);
/* What is known of it. *out is zero on error. */
TR_API int tr_file_stat(tr_file *f, struct stat *out);

/* Send a part of a file, behind what the stream was given before: how many bytes, fewer only where
 * the file ends; SIZE_MAX means to its end. The IO pool reads it, a piece at a time, and the kernel
 * moves that to a socket without a copy (not by TLS). Where the file changes meanwhile, what is
 * sent is of either time.
 * Threads: tasks of the stream's loop; they write to it when it is their turn.
 * Errors:  as tr_write_all; of the system; TR_EAGAIN, TR_ESHUTDOWN: any part may have gone out. */
TR_API ssize_t tr_sendfile(tr_io *io, const tr_file *f, uint64_t offset, size_t bytes);

/* ---- whole files ---- */

/* Read a whole file, of at most `most` bytes. A 0 follows them, which does not count. *data is NULL
 * on error.
 * Ownership: *data is the caller's, until tr_file_data_free.
 * Errors:    TR_ETOOLARGE; of the system; TR_ENOMEM; TR_ECANCELED; TR_EINVAL. */
TR_API int tr_file_load(char **data, size_t *bytes, const char *path, size_t most);
/* NULL is allowed.
 * Threads: any. */
TR_API void tr_file_data_free(char *data);

/* Write a whole file, all or nothing: whoever opens it, also after a crash of the machine, finds
 * what it was or what it is to be. A new file is written in the same directory, brought to the
 * disk, and renamed. mode 0: that of the file that it replaces, or 0666 less the umask. A symbolic
 * link is replaced, not followed.
 * Errors: of the system; TR_ENOMEM; TR_ECANCELED; TR_EINVAL: nothing has changed, unless the very
 *         last step failed, to bring the directory to the disk. */
TR_API int tr_file_save(const char *path, const void *data, size_t bytes, mode_t mode);

/* ---- names ---- */

/* What is known of a file by its name; *out is zero on error. */
TR_API int tr_stat(struct stat *out, const char *path);
/* Rename, in the place of what had the new name. */
TR_API int tr_rename(const char *from, const char *to);
/* Remove a file, or a symbolic link. */
TR_API int tr_unlink(const char *path);
/* Make a directory; mode 0: 0777. The umask applies. */
TR_API int tr_mkdir(const char *path, mode_t mode);
/* The same with all above it; 0 also if it is there already. */
TR_API int tr_mkdir_all(const char *path, mode_t mode);
/* Remove an empty directory. */
TR_API int tr_rmdir(const char *path);

/* ---- directories ---- */

/* Bytes of a path in an entry, its 0 included. */
#define TR_PATH_BYTES 4096

/* Something in a directory. */
typedef struct tr_directory_entry {
    int error;          /* 0; else why this could not be looked at: see tr_directory_options */
    int depth;          /* 1: in the directory itself */
    mode_t mode;        /* kind and permissions: S_ISDIR(e.mode), S_ISREG, S_ISLNK */
    uint64_t bytes;     /* of a file */
    double modified;    /* seconds since 1970 */
    size_t name_offset; /* of its own name in path */
    char path[TR_PATH_BYTES]; /* with that of the directory before it */
} tr_directory_entry;

/* A field that is 0 takes its default. */
typedef struct tr_directory_options {
    int depth;          /* how deep it goes; 64, which is the most. What lies deeper is left out */
    bool follow;        /* symbolic links are followed; a directory within itself is left out */
    bool report_errors; /* what can't be looked at, or read, comes as an entry with that error;
                           default: the stream ends with it */
} tr_directory_options;

TR_API int tr__directory_walk(tr_stream **out, const char *path,
                              const tr_directory_options *options, size_t options_size);

/* All below a directory, as a stream of tr_directory_entry, each directory before what is in it:
 * tr_directory_walk(&stream, path, &options). The order is the system's. It is read as it is taken,
 * a few entries ahead, with a descriptor for each level. What is removed meanwhile is left out.
 * *out is NULL on error. options may be NULL.
 * Ownership: the caller's, until tr_stream_free.
 * Threads:   any; what is here is told by tr_stream_next, which is for tasks and foreign threads.
 * Errors:    TR_ENOMEM; TR_EINVAL; -ENAMETOOLONG. Of the stream: those of the system; -ENAMETOOLONG
 *            a path does not fit into an entry; TR_EAGAIN, TR_ESHUTDOWN. */
#define tr_directory_walk(out, path, ...)                                                          \
    tr__directory_walk((out), (path), (__VA_ARGS__), sizeof(tr_directory_options))

/* The same for what is in the directory itself.
 * Threads, errors: as tr_directory_walk. */
TR_API int tr_directory_list(tr_stream **out, const char *path);

#ifdef __cplusplus
}
#endif
#endif
