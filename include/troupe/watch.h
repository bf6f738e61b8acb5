/* Watching files and directories, as a stream of what happens to them.
 *
 *     tr_stream *events tr_cleanup_stream = NULL;
 *     int rc = tr_watch(&events, "settings.json", NULL);
 *     TR_FOREACH(tr_watch_event, e, events)
 *         if (e.kind != TR_WATCH_REMOVED)
 *             reload(e.path);
 */
#ifndef TROUPE_WATCH_H
#define TROUPE_WATCH_H

#include <troupe/file.h>
#include <troupe/stream.h>

#ifdef __cplusplus
extern "C" {
#endif

typedef enum tr_watch_kind {
    TR_WATCH_CREATED = 1, /* it is there now; also: it has come from where nobody watches */
    TR_WATCH_CHANGED, /* what is in it has; of a watched file also: another has taken its place */
    TR_WATCH_REMOVED, /* it is not there any more; also: it has gone where nobody watches */
    TR_WATCH_MOVED,   /* it has another name, path, in the place of from */
    TR_WATCH_OVERFLOW /* more has happened than could be kept: look at all of it */
} tr_watch_kind;

typedef struct tr_watch_event {
    tr_watch_kind kind;
    bool is_directory;        /* what it happened to */
    char path[TR_PATH_BYTES]; /* begins with the path that is watched */
    char from[TR_PATH_BYTES]; /* TR_WATCH_MOVED only, else empty */
} tr_watch_event;

/* A field that is 0 takes its default. */
typedef struct tr_watch_options {
    bool recursive; /* of a directory: with all directories below, also new ones */
} tr_watch_options;

TR_API int tr__watch(tr_stream **out, const char *path, const tr_watch_options *options,
                     size_t options_size);

/* Watch a directory and what is in it, or a file: tr_watch(&stream, path, &options). Of a file, its
 * name is watched, so that it may be removed, made again, and replaced by rename, as tr_file_save
 * does; it need not be there yet, but its directory must. options may be NULL.
 *
 * What happens from this call on comes in its order; several changes of a file, one behind the
 * other, may come as one. The system keeps what has not been taken, up to a limit
 * (fs.inotify.max_queued_events): what is beyond is told as TR_WATCH_OVERFLOW, and so is a new
 * directory with more than 1,024 entries. Where a directory is new, what is in it by then is told
 * as created, some of it perhaps twice.
 *
 * The stream ends when the watched directory, or the file's, is removed or renamed, after a
 * TR_WATCH_REMOVED. Symbolic links below are not followed; directories that may not be read are
 * left out. *out is NULL on error.
 * Ownership: the caller's, until tr_stream_free.
 * Threads:   tasks (awaits); foreign threads (blocks).
 * Errors:    TR_ENOENT, others of the system; TR_EMFILE no more watchers; -ENOSPC no more watches
 *            (fs.inotify.max_user_watches), also as the end of the stream; -ENAMETOOLONG;
 *            TR_ENOMEM; TR_ECANCELED; TR_EAGAIN; TR_EINVAL; TR_EWRONGPLACE; TR_ESHUTDOWN. */
#define tr_watch(out, path, ...) tr__watch((out), (path), (__VA_ARGS__), sizeof(tr_watch_options))

#ifdef __cplusplus
}
#endif
#endif
