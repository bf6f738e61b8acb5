/* The seam of this room, as system.h: watching files. */
#ifndef TR_NET_SYSTEM_WATCH_H
#define TR_NET_SYSTEM_WATCH_H

#include <stdint.h>
#include <sys/inotify.h>

int tr__sys_watcher_new(void);
/* The number of the watch; of a directory that is watched already, the one that it has. */
int tr__sys_watch_add(int watcher, const char *path, uint32_t mask);
/* Events that have been queued may still come. */
void tr__sys_watch_remove(int watcher, int watch);

#endif
