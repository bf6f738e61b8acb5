/* The functions that block, and what stands in their place. */
#include "observe/blocking.h"

#include <errno.h>
#include <fcntl.h>
#include <netdb.h>
#include <poll.h>
#include <pthread.h>
#include <semaphore.h>
#include <stdlib.h>
#include <sys/epoll.h>
#include <sys/file.h>
#include <sys/mman.h>
#include <sys/resource.h>
#include <sys/select.h>
#include <sys/socket.h>
#include <sys/uio.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "base/log.h"
#include "observe/hooks.h"
#include "observe/sites.h"
#include "observe/watched.h"

#define SLEEP "tr_sleep in a task"
#define NAMES "tr_pool_run on TR_POOL_DNS in a task"
#define FILES "tr_to_thread in a task"
#define LOCKS "tr_cond, tr_semaphore, or tr_to_thread in a task"
#define ENDS  "tr_to_thread in a task"
#define READY "a libev watcher (tr_loop_ev), or tr_to_thread in a task"
#define BYTES "O_NONBLOCK with a libev watcher (tr_loop_ev), or tr_to_thread in a task"

/* What calls become by _FORTIFY_SOURCE, where it is off. */
#if !defined(__USE_FORTIFY_LEVEL) || __USE_FORTIFY_LEVEL == 0
extern ssize_t __read_chk(int fd, void *to, size_t bytes, size_t room);
extern ssize_t __recv_chk(int fd, void *to, size_t bytes, size_t room, int flags);
extern ssize_t __recvfrom_chk(int fd, void *to, size_t bytes, size_t room, int flags,
                              struct sockaddr *from, socklen_t *length);
extern int __poll_chk(struct pollfd *fds, nfds_t count, int timeout, size_t room);
extern int __ppoll_chk(struct pollfd *fds, nfds_t count, const struct timespec *timeout,
                       const sigset_t *mask, size_t room);
#endif

/* What it is called in reports, and what to use instead. In the order of their names, for
 * hooks.h. */
#define FUNCTIONS(X)                                                                               \
    X(__poll_chk, "poll", READY)                                                                   \
    X(__ppoll_chk, "ppoll", READY)                                                                 \
    X(__read_chk, "read", BYTES)                                                                   \
    X(__recv_chk, "recv", BYTES)                                                                   \
    X(__recvfrom_chk, "recvfrom", BYTES)                                                           \
    X(accept, "accept", BYTES)                                                                     \
    X(accept4, "accept4", BYTES)                                                                   \
    X(clock_nanosleep, "clock_nanosleep", SLEEP)                                                   \
    X(connect, "connect", BYTES)                                                                   \
    X(epoll_pwait, "epoll_pwait", READY)                                                           \
    X(epoll_wait, "epoll_wait", READY)                                                             \
    X(fdatasync, "fdatasync", FILES)                                                               \
    X(flock, "flock", FILES)                                                                       \
    X(fsync, "fsync", FILES)                                                                       \
    X(getaddrinfo, "getaddrinfo", NAMES)                                                           \
    X(gethostbyaddr, "gethostbyaddr", NAMES)                                                       \
    X(gethostbyname, "gethostbyname", NAMES)                                                       \
    X(gethostbyname2, "gethostbyname2", NAMES)                                                     \
    X(gethostbyname_r, "gethostbyname_r", NAMES)                                                   \
    X(getnameinfo, "getnameinfo", NAMES)                                                           \
    X(lockf, "lockf", FILES)                                                                       \
    X(lockf64, "lockf64", FILES)                                                                   \
    X(msync, "msync", FILES)                                                                       \
    X(nanosleep, "nanosleep", SLEEP)                                                               \
    X(poll, "poll", READY)                                                                         \
    X(ppoll, "ppoll", READY)                                                                       \
    X(pselect, "pselect", READY)                                                                   \
    X(pthread_cond_clockwait, "pthread_cond_clockwait", LOCKS)                                     \
    X(pthread_cond_timedwait, "pthread_cond_timedwait", LOCKS)                                     \
    X(pthread_cond_wait, "pthread_cond_wait", LOCKS)                                               \
    X(pthread_join, "pthread_join", ENDS)                                                          \
    X(read, "read", BYTES)                                                                         \
    X(readv, "readv", BYTES)                                                                       \
    X(recv, "recv", BYTES)                                                                         \
    X(recvfrom, "recvfrom", BYTES)                                                                 \
    X(recvmsg, "recvmsg", BYTES)                                                                   \
    X(select, "select", READY)                                                                     \
    X(sem_timedwait, "sem_timedwait", LOCKS)                                                       \
    X(sem_wait, "sem_wait", LOCKS)                                                                 \
    X(send, "send", BYTES)                                                                         \
    X(sendmsg, "sendmsg", BYTES)                                                                   \
    X(sendto, "sendto", BYTES)                                                                     \
    X(sleep, "sleep", SLEEP)                                                                       \
    X(sync, "sync", FILES)                                                                         \
    X(syncfs, "syncfs", FILES)                                                                     \
    X(system, "system", ENDS)                                                                      \
    X(usleep, "usleep", SLEEP)                                                                     \
    X(wait, "wait", ENDS)                                                                          \
    X(wait4, "wait4", ENDS)                                                                        \
    X(waitid, "waitid", ENDS)                                                                      \
    X(waitpid, "waitpid", ENDS)                                                                    \
    X(write, "write", BYTES)                                                                       \
    X(writev, "writev", BYTES)

#define ADDRESS(fn, shown, instead) __typeof__(&(fn)) fn;
static struct {
    FUNCTIONS(ADDRESS)
} real;
#undef ADDRESS

#define REAL(fn) real.fn

/* ---- would it block? ---- */

/* Neither ready nor non-blocking. */
static bool is_slow(int fd, short events)
{
    struct pollfd asked = { .fd = fd, .events = events };
    int error = errno;
    int flags = fcntl(fd, F_GETFL);
    bool is_slow = flags >= 0 && !(flags & O_NONBLOCK) && REAL(poll)(&asked, 1, 0) == 0;

    errno = error;
    return is_slow;
}

static bool is_slow_socket(int fd, short events, int flags)
{
    return !(flags & MSG_DONTWAIT) && is_slow(fd, events);
}

/* A stream over a network, whose other side has to answer. */
static bool connects_slowly(int fd, const struct sockaddr *address)
{
    socklen_t bytes = sizeof(int);
    int type = 0;
    int error = errno;
    int flags = fcntl(fd, F_GETFL);
    bool is_slow = flags >= 0 && !(flags & O_NONBLOCK) && address != NULL &&
                   (address->sa_family == AF_INET || address->sa_family == AF_INET6) &&
                   getsockopt(fd, SOL_SOCKET, SO_TYPE, &type, &bytes) == 0 && type == SOCK_STREAM;

    errno = error;
    return is_slow;
}

static bool polls_slowly(struct pollfd *fds, nfds_t count, bool is_limited)
{
    int error = errno;
    bool is_slow = !is_limited && REAL(poll)(fds, count, 0) == 0;

    errno = error;
    return is_slow;
}

static bool is_no_time(const struct timespec *t)
{
    return t != NULL && t->tv_sec == 0 && t->tv_nsec == 0;
}

static bool is_taken(sem_t *semaphore)
{
    int value;

    return sem_getvalue(semaphore, &value) == 0 && value <= 0;
}

/* Children there are, but none that has anything to tell. */
static bool waits_slowly(idtype_t kind, id_t id, int options)
{
    siginfo_t info = { .si_pid = 0 };
    int events = options & (WSTOPPED | WEXITED | WCONTINUED);
    int error = errno;
    bool is_slow = !(options & WNOHANG) &&
                   REAL(waitid)(kind, id, &info, events | WNOHANG | WNOWAIT) == 0 &&
                   info.si_pid == 0;

    errno = error;
    return is_slow;
}

static bool waits_slowly_for(pid_t pid, int options)
{
    options |= WEXITED;
    if (pid > 0)
        return waits_slowly(P_PID, (id_t)pid, options);
    if (pid == -1)
        return waits_slowly(P_ALL, 0, options);
    return waits_slowly(P_PGID, (id_t)-pid, options);
}

/* ---- around a call ---- */

#define PLACE(fn, shown, instead) AT_##fn,
enum { FUNCTIONS(PLACE) FUNCTIONS_COUNT };
#undef PLACE

#define CALL(fn, shown, what) [AT_##fn] = { .name = (shown), .instead = (what) },
static const tr__blocking_call calls[] = { FUNCTIONS(CALL) };
#undef CALL

static void enter(tr__watched *watched, int function, int fd, void *place)
{
    tr__blocking_call call = calls[function];
    int error = errno;
    tr__trace trace;

    call.fd = fd;
    call.place = place;
    tr__sites_note(watched, &call, &trace);
    tr__watched_enter_call(watched, call.name, &trace);
    errno = error;
}

/* A function that stands in the place of another: `parameters` as of that one; may_block, an
 * expression of these, is asked on a loop's thread that runs something. */
#define STAND_IN(type, fn, parameters, arguments, descriptor, may_block)                           \
    static type our_##fn parameters                                                                \
    {                                                                                              \
        tr__watched *watched = tr__watched_here();                                                 \
        type result;                                                                               \
                                                                                                   \
        if (TR__LIKELY(watched == NULL) || !(may_block))                                           \
            return REAL(fn) arguments;                                                             \
        enter(watched, AT_##fn, descriptor, __builtin_return_address(0));                          \
        result = REAL(fn) arguments;                                                               \
        tr__watched_leave_call(watched);                                                           \
        return result;                                                                             \
    }

/* ---- time ---- */

STAND_IN(unsigned, sleep, (unsigned seconds), (seconds), -1, seconds != 0)
STAND_IN(int, usleep, (useconds_t us), (us), -1, us != 0)
STAND_IN(int, nanosleep, (const struct timespec *t, struct timespec *left), (t, left), -1,
         !is_no_time(t))
STAND_IN(int, clock_nanosleep,
         (clockid_t clock, int flags, const struct timespec *t, struct timespec *left),
         (clock, flags, t, left), -1, (flags & TIMER_ABSTIME) || !is_no_time(t))

/* ---- names ---- */

STAND_IN(int, getaddrinfo,
         (const char *node, const char *service, const struct addrinfo *hints,
          struct addrinfo **found),
         (node, service, hints, found), -1,
         node != NULL && (hints == NULL || !(hints->ai_flags & AI_NUMERICHOST)))
STAND_IN(int, getnameinfo,
         (const struct sockaddr *address, socklen_t length, char *host, socklen_t host_bytes,
          char *service, socklen_t service_bytes, int flags),
         (address, length, host, host_bytes, service, service_bytes, flags), -1,
         host != NULL && !(flags & NI_NUMERICHOST))
STAND_IN(struct hostent *, gethostbyname, (const char *host), (host), -1, true)
STAND_IN(struct hostent *, gethostbyname2, (const char *host, int family), (host, family), -1, true)
STAND_IN(struct hostent *, gethostbyaddr, (const void *address, socklen_t length, int family),
         (address, length, family), -1, true)
STAND_IN(int, gethostbyname_r,
         (const char *host, struct hostent *entry, char *room, size_t bytes, struct hostent **found,
          int *error),
         (host, entry, room, bytes, found, error), -1, true)

/* ---- files ---- */

STAND_IN(int, fsync, (int fd), (fd), fd, true)
STAND_IN(int, fdatasync, (int fd), (fd), fd, true)
STAND_IN(int, syncfs, (int fd), (fd), fd, true)
STAND_IN(int, msync, (void *at, size_t bytes, int flags), (at, bytes, flags), -1, flags &MS_SYNC)

static void our_sync(void)
{
    tr__watched *watched = tr__watched_here();

    if (watched != NULL)
        enter(watched, AT_sync, -1, __builtin_return_address(0));
    REAL(sync)();
    if (watched != NULL)
        tr__watched_leave_call(watched);
}

/* Whether somebody else has the lock; if not, it is taken now, and again by the call itself. */
static bool flocks_slowly(int fd, int operation)
{
    int error = errno;
    bool is_slow = !(operation & (LOCK_NB | LOCK_UN)) &&
                   REAL(flock)(fd, operation | LOCK_NB) != 0 && errno == EWOULDBLOCK;

    errno = error;
    return is_slow;
}

static bool locks_slowly(int fd, int command, off_t bytes)
{
    int error = errno;
    bool is_slow = command == F_LOCK && REAL(lockf)(fd, F_TLOCK, bytes) != 0 &&
                   (errno == EACCES || errno == EAGAIN);

    errno = error;
    return is_slow;
}

STAND_IN(int, flock, (int fd, int operation), (fd, operation), fd, flocks_slowly(fd, operation))
STAND_IN(int, lockf, (int fd, int command, off_t bytes), (fd, command, bytes), fd,
         locks_slowly(fd, command, bytes))
STAND_IN(int, lockf64, (int fd, int command, off64_t bytes), (fd, command, bytes), fd,
         locks_slowly(fd, command, (off_t)bytes))

/* ---- threads and processes ---- */

STAND_IN(int, pthread_cond_wait, (pthread_cond_t * condition, pthread_mutex_t *mutex),
         (condition, mutex), -1, true)
STAND_IN(int, pthread_cond_timedwait,
         (pthread_cond_t * condition, pthread_mutex_t *mutex, const struct timespec *until),
         (condition, mutex, until), -1, true)
STAND_IN(int, pthread_cond_clockwait,
         (pthread_cond_t * condition, pthread_mutex_t *mutex, clockid_t clock,
          const struct timespec *until),
         (condition, mutex, clock, until), -1, true)
STAND_IN(int, sem_wait, (sem_t * semaphore), (semaphore), -1, is_taken(semaphore))
STAND_IN(int, sem_timedwait, (sem_t * semaphore, const struct timespec *until), (semaphore, until),
         -1, is_taken(semaphore))
STAND_IN(pid_t, wait, (int *status), (status), -1, waits_slowly_for(-1, 0))
STAND_IN(pid_t, waitpid, (pid_t pid, int *status, int options), (pid, status, options), -1,
         waits_slowly_for(pid, options))
STAND_IN(pid_t, wait4, (pid_t pid, int *status, int options, struct rusage *usage),
         (pid, status, options, usage), -1, waits_slowly_for(pid, options))
STAND_IN(int, waitid, (idtype_t kind, id_t id, siginfo_t *info, int options),
         (kind, id, info, options), -1, waits_slowly(kind, id, options))
STAND_IN(int, system, (const char *command), (command), -1, command != NULL)

static int our_pthread_join(pthread_t thread, void **value)
{
    tr__watched *watched = tr__watched_here();
    int rc = watched != NULL ? pthread_tryjoin_np(thread, value) : EBUSY;

    if (rc != EBUSY)
        return rc; /* it has ended already */
    if (watched != NULL)
        enter(watched, AT_pthread_join, -1, __builtin_return_address(0));
    rc = REAL(pthread_join)(thread, value);
    if (watched != NULL)
        tr__watched_leave_call(watched);
    return rc;
}

/* ---- readiness ---- */

STAND_IN(int, poll, (struct pollfd * fds, nfds_t count, int timeout), (fds, count, timeout), -1,
         polls_slowly(fds, count, timeout == 0))
STAND_IN(int, __poll_chk, (struct pollfd * fds, nfds_t count, int timeout, size_t room),
         (fds, count, timeout, room), -1, polls_slowly(fds, count, timeout == 0))
STAND_IN(int, ppoll,
         (struct pollfd * fds, nfds_t count, const struct timespec *timeout, const sigset_t *mask),
         (fds, count, timeout, mask), -1, polls_slowly(fds, count, is_no_time(timeout)))
STAND_IN(int, __ppoll_chk,
         (struct pollfd * fds, nfds_t count, const struct timespec *timeout, const sigset_t *mask,
          size_t room),
         (fds, count, timeout, mask, room), -1, polls_slowly(fds, count, is_no_time(timeout)))
STAND_IN(int, select,
         (int count, fd_set *reads, fd_set *writes, fd_set *errors, struct timeval *timeout),
         (count, reads, writes, errors, timeout), -1,
         timeout == NULL || timeout->tv_sec != 0 || timeout->tv_usec != 0)
STAND_IN(int, pselect,
         (int count, fd_set *reads, fd_set *writes, fd_set *errors, const struct timespec *timeout,
          const sigset_t *mask),
         (count, reads, writes, errors, timeout, mask), -1, !is_no_time(timeout))
STAND_IN(int, epoll_wait, (int fd, struct epoll_event *events, int most, int timeout),
         (fd, events, most, timeout), fd, timeout != 0)
STAND_IN(int, epoll_pwait,
         (int fd, struct epoll_event *events, int most, int timeout, const sigset_t *mask),
         (fd, events, most, timeout, mask), fd, timeout != 0)

/* ---- bytes ---- */

STAND_IN(ssize_t, read, (int fd, void *to, size_t bytes), (fd, to, bytes), fd, is_slow(fd, POLLIN))
STAND_IN(ssize_t, __read_chk, (int fd, void *to, size_t bytes, size_t room), (fd, to, bytes, room),
         fd, is_slow(fd, POLLIN))
STAND_IN(ssize_t, readv, (int fd, const struct iovec *to, int count), (fd, to, count), fd,
         is_slow(fd, POLLIN))
STAND_IN(ssize_t, recv, (int fd, void *to, size_t bytes, int flags), (fd, to, bytes, flags), fd,
         is_slow_socket(fd, POLLIN, flags))
STAND_IN(ssize_t, __recv_chk, (int fd, void *to, size_t bytes, size_t room, int flags),
         (fd, to, bytes, room, flags), fd, is_slow_socket(fd, POLLIN, flags))
STAND_IN(ssize_t, recvfrom,
         (int fd, void *to, size_t bytes, int flags, struct sockaddr *from, socklen_t *length),
         (fd, to, bytes, flags, from, length), fd, is_slow_socket(fd, POLLIN, flags))
STAND_IN(ssize_t, __recvfrom_chk,
         (int fd, void *to, size_t bytes, size_t room, int flags, struct sockaddr *from,
          socklen_t *length),
         (fd, to, bytes, room, flags, from, length), fd, is_slow_socket(fd, POLLIN, flags))
STAND_IN(ssize_t, recvmsg, (int fd, struct msghdr *msg, int flags), (fd, msg, flags), fd,
         is_slow_socket(fd, POLLIN, flags))
STAND_IN(int, accept, (int fd, struct sockaddr *from, socklen_t *length), (fd, from, length), fd,
         is_slow(fd, POLLIN))
STAND_IN(int, accept4, (int fd, struct sockaddr *from, socklen_t *length, int flags),
         (fd, from, length, flags), fd, is_slow(fd, POLLIN))
STAND_IN(ssize_t, write, (int fd, const void *from, size_t bytes), (fd, from, bytes), fd,
         is_slow(fd, POLLOUT))
STAND_IN(ssize_t, writev, (int fd, const struct iovec *from, int count), (fd, from, count), fd,
         is_slow(fd, POLLOUT))
STAND_IN(ssize_t, send, (int fd, const void *from, size_t bytes, int flags),
         (fd, from, bytes, flags), fd, is_slow_socket(fd, POLLOUT, flags))
STAND_IN(ssize_t, sendto,
         (int fd, const void *from, size_t bytes, int flags, const struct sockaddr *to,
          socklen_t length),
         (fd, from, bytes, flags, to, length), fd, is_slow_socket(fd, POLLOUT, flags))
STAND_IN(ssize_t, sendmsg, (int fd, const struct msghdr *msg, int flags), (fd, msg, flags), fd,
         is_slow_socket(fd, POLLOUT, flags))
STAND_IN(int, connect, (int fd, const struct sockaddr *to, socklen_t length), (fd, to, length), fd,
         connects_slowly(fd, to))

/* ---- all of them ---- */

/* C has no cast from a function to void *. */
#define HOOK(fn, shown, instead)                                                                   \
    [AT_##fn] = { #fn, (void *)(uintptr_t)our_##fn, (void **)(void *)&real.fn },

static const tr__hook hooks[] = { FUNCTIONS(HOOK) };

#undef HOOK

static void warn_once(bool is_complete)
{
    static bool is_warned; /* the watcher's, and before it starts */

    if (!is_complete && !is_warned)
        tr__log(TR_LOG_WARN, "debug mode: some objects can't be written to: calls from there that "
                             "block a loop are not seen");
    is_warned |= !is_complete;
}

int tr__blocking_open(void)
{
    int rc = tr__sites_open();

    if (rc == 0)
        warn_once(tr__hooks_install(hooks, FUNCTIONS_COUNT));
    return rc;
}

void tr__blocking_close(void)
{
    tr__hooks_remove();
    tr__sites_close();
}

void tr__blocking_follow(void)
{
    warn_once(tr__hooks_follow());
}

void tr__blocking_report(bool is_last)
{
    tr__sites_report(is_last);
}
