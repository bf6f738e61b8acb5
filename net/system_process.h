/* The seam of this room, as system.h: programs. */
#ifndef TR_NET_SYSTEM_PROCESS_H
#define TR_NET_SYSTEM_PROCESS_H

#include <stdbool.h>
#include <sys/types.h>

/* In the place of a descriptor. */
enum { TR__CHILD_INHERITS = -1, TR__CHILD_NULL = -2, TR__CHILD_OUT = -3 };

/* A program to be started; all is lent. */
typedef struct tr__child {
    const char *const *argv;
    const char *const *env; /* NULL: that of this process */
    const char *cwd;        /* NULL: that of this process */
    int files[3];           /* what is its input, output, and for complaints */
    bool has_session;       /* of its own */
    uid_t uid;              /* 0: as this process; else gid, too, and no other groups */
    gid_t gid;
    pid_t pid; /* of what was started, */
    int pidfd; /* and its descriptor */
} tr__child;

/* Start it; the calling thread stands still until the program has begun, or could not. */
int tr__sys_spawn(tr__child *child);
/* -ESRCH: it has ended, and was waited for. */
int tr__sys_kill(int pidfd, int signo);
/* Take how a process has ended: its exit status, or below 0 the signal that ended it. -EAGAIN: it
 * has not, and may_wait does not hold. -ECHILD: somebody else has taken it. */
int tr__sys_reap(int pidfd, bool may_wait, int *status);
/* A pipe whose end `ours` (0: to read from) is as ours are; the other one waits. */
int tr__sys_pipe_half(int ends[2], int ours);

#endif
