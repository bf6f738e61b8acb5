/* Programs, and their failures on demand.
 *
 * A program is started as by vfork: by a process that shares this one's memory on a stack of its
 * own, so that the size of this one does not count. What goes wrong in it, exec included, is told
 * through that memory. It has no signal that tells of its end: so nobody hears of what could not
 * be started. */
#include "net/system_process.h"

#include <errno.h>
#include <fcntl.h>
#include <grp.h>
#include <sched.h>
#include <signal.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/compiler.h"
#include "base/sanitize.h"
#include "base/seam.h"

/* For TSan it must be a copy of this process: TSan would take the program's for its own threads. */
#ifdef TR__TSAN
enum { SHARED = 0 };
#else
enum { SHARED = CLONE_VM };
#endif

enum { STACK_BYTES = 64 * 1024, PIDFD = 3 /* P_PIDFD, which older headers lack */ };

typedef struct start {
    tr__child *child;
    int *error; /* an errno; in memory that both have */
} start;

/* ---- in the new process ---- */

/* As a program expects them, not as this library's threads have them. Handlers must be gone before
 * a signal may come: they would run in this process's memory. */
static void reset_signals(void)
{
    struct sigaction as_usual = { .sa_handler = SIG_DFL };

    for (int signo = 1; signo < NSIG; signo++)
        (void)sigaction(signo, &as_usual, NULL); /* those that can't be changed need not be */
}

/* Without glibc, which would change all threads of the process whose memory this is. */
static int change_user(const tr__child *child)
{
    if (child->uid == 0)
        return 0;
    if (syscall(SYS_setgroups, 1, &child->gid) < 0 ||
        syscall(SYS_setresgid, child->gid, child->gid, child->gid) < 0 ||
        syscall(SYS_setresuid, child->uid, child->uid, child->uid) < 0)
        return -1;
    return 0;
}

/* Out of the way of 0, 1 and 2. */
static int lift(int fd)
{
    return fd < 0 || fd > STDERR_FILENO ? fd : fcntl(fd, F_DUPFD_CLOEXEC, STDERR_FILENO + 1);
}

static int place(int fd, int at)
{
    int null;

    if (fd == TR__CHILD_INHERITS) {
        (void)fcntl(at, F_SETFD, 0); /* where there is none, there is none */
        return 0;
    }
    if (fd == TR__CHILD_OUT)
        return dup2(STDOUT_FILENO, at);
    if (fd != TR__CHILD_NULL)
        return dup2(fd, at);
    null = open("/dev/null", O_RDWR | O_CLOEXEC);
    if (null < 0 || null == at)
        return null < 0 ? -1 : fcntl(at, F_SETFD, 0);
    return dup2(null, at);
}

static int place_files(const tr__child *child)
{
    int files[3];

    for (int i = 0; i < 3; i++) {
        files[i] = lift(child->files[i]);
        if (files[i] < 0 && child->files[i] >= 0)
            return -1;
    }
    for (int i = 0; i < 3; i++)
        if (place(files[i], i) < 0)
            return -1;
    /* This process has a table of its own: what is closed here is open there. */
    return (int)syscall(SYS_close_range, STDERR_FILENO + 1, ~0U, 0);
}

static int become(void *arg)
{
    const start *s = arg;
    const tr__child *child = s->child;
    sigset_t none;

    reset_signals();
    if (child->has_session)
        (void)setsid(); /* it can't be a group's leader */
    if ((child->cwd == NULL || chdir(child->cwd) == 0) && change_user(child) == 0 &&
        place_files(child) == 0) {
        (void)sigemptyset(&none); /* neither can fail */
        (void)sigprocmask(SIG_SETMASK, &none, NULL);
        (void)execvpe(child->argv[0], (char *const *)child->argv,
                      child->env != NULL ? (char *const *)child->env : environ);
    }
    *s->error = errno;
    return 127;
}

/* ---- in this one ---- */

/* Room for what exec needs to try a text as a shell's script, too. */
static size_t stack_bytes(const tr__child *child)
{
    size_t count = 0;

    while (child->argv[count] != NULL)
        count++;
    return STACK_BYTES + (count + 4) / 2 * 2 * sizeof(char *);
}

static pid_t start_on(char *stack, size_t bytes, start *s)
{
    sigset_t all;
    sigset_t before;
    pid_t pid;
    int error;

    (void)sigfillset(&all); /* none of these can fail */
    (void)pthread_sigmask(SIG_SETMASK, &all, &before);
    pid = clone(become, stack + bytes, SHARED | CLONE_VFORK | CLONE_PIDFD, s, &s->child->pidfd);
    error = errno;
    (void)pthread_sigmask(SIG_SETMASK, &before, NULL);
    return pid < 0 ? -error : pid;
}

static int start_child(start *s)
{
    tr__child *child = s->child;
    size_t bytes = stack_bytes(child);
    char *stack = tr__alloc(bytes);
    pid_t pid;

    if (stack == NULL)
        return -ENOMEM;
    pid = start_on(stack, bytes, s);
    tr__free(stack);
    if (pid < 0)
        return pid;
    child->pid = pid;
    if (*s->error == 0)
        return 0;
    (void)close(child->pidfd);
    child->pidfd = -1;
    while (waitpid(pid, NULL, __WALL) < 0 && errno == EINTR)
        ;
    return -*s->error;
}

/* valgrind knows no such processes. */
int tr__sys_spawn(tr__child *child)
{
    int *error;
    int rc;

    child->pidfd = -1;
    if (tr__fault_strikes(TR__FAULT_CALL) || tr__valgrind_listens())
        return -EAGAIN;
    if (SHARED) {
        int own = 0;

        return start_child(&(start){ child, &own });
    }
    error = mmap(NULL, sizeof(*error), PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
    if (error == MAP_FAILED)
        return -errno;
    rc = start_child(&(start){ child, error });
    (void)munmap(error, sizeof(*error));
    return rc;
}

int tr__sys_kill(int pidfd, int signo)
{
    if (tr__fault_strikes(TR__FAULT_CALL))
        return -EPERM;
    return syscall(SYS_pidfd_send_signal, pidfd, signo, NULL, 0) == 0 ? 0 : -errno;
}

int tr__sys_reap(int pidfd, bool may_wait, int *status)
{
    siginfo_t info = { .si_pid = 0 };
    int rc;

    do
        rc = waitid((idtype_t)PIDFD, (id_t)pidfd, &info, WEXITED | (may_wait ? 0 : WNOHANG));
    while (rc < 0 && errno == EINTR);
    if (rc < 0)
        return -errno;
    if (info.si_pid == 0)
        return -EAGAIN;
    *status = info.si_code == CLD_EXITED ? info.si_status : -info.si_status;
    return 0;
}

int tr__sys_pipe_half(int ends[2], int ours)
{
    if (tr__fault_strikes(TR__FAULT_CALL))
        return -EMFILE;
    if (pipe2(ends, O_CLOEXEC) < 0)
        return -errno;
    (void)fcntl(ends[ours], F_SETFL, O_NONBLOCK); /* it can't fail */
    return 0;
}
