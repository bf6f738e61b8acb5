/* Watching files, and its failures on demand. */
#include "net/system_watch.h"

#include <errno.h>

#include "base/seam.h"

int tr__sys_watcher_new(void)
{
    int fd = tr__fault_strikes(TR__FAULT_CALL) ? -1 : inotify_init1(IN_NONBLOCK | IN_CLOEXEC);

    return fd >= 0 ? fd : -EMFILE; /* of this user's watchers, or of this process's descriptors */
}

int tr__sys_watch_add(int watcher, const char *path, uint32_t mask)
{
    int watch;

    if (tr__fault_strikes(TR__FAULT_CALL))
        return -ENOSPC;
    watch = inotify_add_watch(watcher, path, mask);
    return watch >= 0 ? watch : -errno;
}

void tr__sys_watch_remove(int watcher, int watch)
{
    (void)inotify_rm_watch(watcher,
                           watch); /* what was watched may be gone, and its watch with it */
}
