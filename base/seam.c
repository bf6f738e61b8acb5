/* The real world behind the seams. The only file that calls the allocator, the clock and the kernel
 * directly. */
#include "base/seam.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <sched.h>
#include <signal.h>
#include <spawn.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/random.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "base/assert.h"
#include "base/atomic.h"
#include "base/sanitize.h"
#include <troupe/core.h>

static uint64_t real_now_ns(void)
{
    struct timespec now;

    (void)clock_gettime(CLOCK_MONOTONIC, &now); /* can't fail: the clock exists, now is ours */
    return (uint64_t)now.tv_sec * UINT64_C(1000000000) + (uint64_t)now.tv_nsec;
}

static uint64_t real_dice(void)
{
    uint64_t bits;

    if (getrandom(&bits, sizeof(bits), GRND_NONBLOCK) == (ssize_t)sizeof(bits))
        return bits;
    return real_now_ns() * UINT64_C(0x9e3779b97f4a7c15); /* early boot: spread, not secret */
}

/* A library whose locks are simulated has no real threads. */
static int real_thread_start(pthread_t *out, void *(*entry)(void *), void *arg)
{
    if (TR__SIM)
        return TR_EWRONGPLACE;
    return pthread_create(out, NULL, entry, arg) == 0 ? 0 : TR_EAGAIN;
}

#ifndef MADV_GUARD_INSTALL
#define MADV_GUARD_INSTALL 102 /* Linux 6.13 */
#endif
#ifndef PIDFD_SELF
#define PIDFD_SELF (-10000) /* Linux 6.14 */
#endif

/* Emulators (qemu-user 7.2) accept advice that they don't follow: the kernel is asked to write
 * there. */
static bool is_out_of_bounds(void *at)
{
    return getrandom(at, 1, GRND_NONBLOCK) < 0 && errno == EFAULT;
}

bool tr__pages_guard_really(void *at, size_t bytes)
{
    enum { UNKNOWN, FOLLOWED, IGNORED };
    static uint32_t advice; /* what becomes of it in this process */
    /* relaxed: whoever finds it unknown looks, with the same result. */
    uint32_t known = tr__load_relaxed_u32(&advice);

    if (known == IGNORED || madvise(at, bytes, MADV_GUARD_INSTALL) != 0)
        return false;
    if (known == UNKNOWN) {
        known = is_out_of_bounds(at) ? FOLLOWED : IGNORED;
        tr__store_relaxed_u32(&advice, known); /* relaxed: as above */
    }
    return known == FOLLOWED;
}

static const tr__seam real = {
    .alloc = malloc,
    .free = free,
    .now_ns = real_now_ns,
    .dice = real_dice,
    .thread_start = real_thread_start,
    .pages_guard = tr__pages_guard_really,
};

static tr__seam current = {
    .alloc = malloc,
    .free = free,
    .now_ns = real_now_ns,
    .dice = real_dice,
    .thread_start = real_thread_start,
    .pages_guard = tr__pages_guard_really,
};

void tr__seam_set(const tr__seam *seam)
{
    current = seam != NULL ? *seam : real;
}

/* ---- faults ---- */

#if TR__FAULTS && !TR__SIM

/* Calls left until the one that fails; 0: not armed, or past. */
static uint64_t calls_left;
/* Whether all calls after that one fail, too. */
static uint64_t lasts;
static uint64_t struck;

/* All accesses are relaxed: they are for tests, and publish nothing. */
bool tr__fault_strikes(tr__fault kind)
{
    (void)kind;
    if (tr__load_relaxed_u64(&calls_left) == 0) /* relaxed: see above */
        /* relaxed: see above */
        return tr__load_relaxed_u64(&struck) != 0 && tr__load_relaxed_u64(&lasts) != 0;
    if (tr__add_relaxed_u64(&calls_left, (uint64_t)-1) != 1) /* relaxed: see above */
        return false;
    tr__store_relaxed_u64(&struck, 1); /* relaxed: see above */
    return true;
}

bool tr__faults_are_armed(void)
{
    return tr__load_relaxed_u64(&calls_left) != 0 || /* relaxed: see above */
           tr__load_relaxed_u64(&struck) != 0;       /* relaxed: see above */
}

void tr__fault_arm(uint64_t n, bool lasting)
{
    tr__store_relaxed_u64(&struck, 0);      /* relaxed: see above */
    tr__store_relaxed_u64(&lasts, lasting); /* relaxed: see above */
    tr__store_relaxed_u64(&calls_left, n);  /* relaxed: see above */
}

bool tr__fault_disarm(void)
{
    bool reached = tr__load_relaxed_u64(&struck) != 0; /* relaxed: see above */

    tr__fault_arm(0, false);
    return reached;
}

#endif

/* ---- memory ---- */

void *tr__alloc(size_t bytes)
{
    if (tr__fault_strikes(TR__FAULT_MEMORY))
        return NULL;
    return current.alloc(bytes != 0 ? bytes : 1);
}

void *tr__alloc_zeroed(size_t bytes)
{
    void *block = tr__alloc(bytes);

    if (block != NULL)
        memset(block, 0, bytes);
    return block;
}

/* The allocator gives 16-aligned blocks: take a line more, and keep the block's own address in the
 * word below the aligned one. */
void *tr__alloc_lines_zeroed(size_t bytes)
{
    char *block;
    char *aligned;

    if (bytes > SIZE_MAX - 2 * TR__CACHE_LINE)
        return NULL;
    block = tr__alloc_zeroed(bytes + 2 * TR__CACHE_LINE);
    if (block == NULL)
        return NULL;
    aligned = block + TR__CACHE_LINE;
    aligned += (TR__CACHE_LINE - (uintptr_t)aligned % TR__CACHE_LINE) % TR__CACHE_LINE;
    memcpy(aligned - sizeof(block), &block, sizeof(block));
    return aligned;
}

void tr__free_lines(void *aligned)
{
    char *block;

    if (aligned == NULL)
        return;
    memcpy(&block, (char *)aligned - sizeof(block), sizeof(block));
    tr__free(block);
}

char *tr__copy_string(const char *text)
{
    size_t bytes = strlen(text) + 1;
    char *copy = tr__alloc(bytes);

    if (copy != NULL)
        memcpy(copy, text, bytes);
    return copy;
}

void tr__free(void *block)
{
    current.free(block);
}

static void *map(size_t bytes, int protection)
{
    void *at = mmap(NULL, bytes, protection, MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);

    return at != MAP_FAILED ? at : NULL;
}

void *tr__pages_reserve(size_t bytes)
{
    return tr__fault_strikes(TR__FAULT_MEMORY) ? NULL : map(bytes, PROT_NONE);
}

bool tr__pages_commit(void *at, size_t bytes)
{
    return !tr__fault_strikes(TR__FAULT_MEMORY) && mprotect(at, bytes, PROT_READ | PROT_WRITE) == 0;
}

void *tr__pages_map(size_t bytes, size_t align)
{
    char *at;
    size_t before;

    if (tr__fault_strikes(TR__FAULT_MEMORY))
        return NULL;
    at = map(bytes + align, PROT_READ | PROT_WRITE);
    if (at == NULL)
        return NULL;
    before = (align - (uintptr_t)at % align) % align;
    if (before != 0)
        tr__pages_unmap(at, before);
    tr__pages_unmap(at + before + bytes, align - before);
    return at + before;
}

void tr__pages_prefer_huge(void *at, size_t bytes)
{
    (void)madvise(at, bytes, MADV_HUGEPAGE); /* a hint: small pages serve as well */
}

void tr__pages_prefer_small(void *at, size_t bytes)
{
    (void)madvise(at, bytes, MADV_NOHUGEPAGE); /* a hint: huge pages serve, too, and cost memory */
}

bool tr__pages_guard(void *at, size_t bytes)
{
    return !tr__fault_strikes(TR__FAULT_CALL) && current.pages_guard != NULL &&
           current.pages_guard(at, bytes);
}

bool tr__pages_forbid(void *at, size_t bytes)
{
    return !tr__fault_strikes(TR__FAULT_CALL) && mprotect(at, bytes, PROT_NONE) == 0;
}

bool tr__pages_discard(void *at, size_t bytes)
{
    return !tr__fault_strikes(TR__FAULT_CALL) && madvise(at, bytes, MADV_DONTNEED) == 0;
}

/* Give advice on all runs in one call; returns how many of the first it was taken for: none on
 * older kernels. */
static size_t advise_each(const struct iovec *runs, size_t count, int advice)
{
    size_t done = 0;
    long bytes;

    /* valgrind does not know the call, and says so each time. */
    if (count == 0 || tr__fault_strikes(TR__FAULT_CALL) || tr__valgrind_listens())
        return 0;
    bytes = syscall(SYS_process_madvise, PIDFD_SELF, runs, count, advice, 0);
    /* In a simulation, all kernels know it: a seed does the same on each. */
    while (done < count && (TR__SIM || bytes >= (long)runs[done].iov_len))
        bytes -= (long)runs[done++].iov_len;
    return done;
}

size_t tr__pages_guard_each(const struct iovec *runs, size_t count)
{
    /* The first one tells whether guards are to be had at all. */
    if (count == 0 || !tr__pages_guard(runs[0].iov_base, runs[0].iov_len))
        return 0;
    return 1 + advise_each(runs + 1, count - 1, MADV_GUARD_INSTALL);
}

size_t tr__pages_discard_each(const struct iovec *runs, size_t count)
{
    return advise_each(runs, count, MADV_DONTNEED);
}

bool tr__pages_set_writable(void *at, size_t bytes, bool is_writable)
{
    return !tr__fault_strikes(TR__FAULT_CALL) &&
           mprotect(at, bytes, is_writable ? PROT_READ | PROT_WRITE : PROT_READ) == 0;
}

bool tr__pages_resident(void *at, size_t bytes, unsigned char *pages)
{
    return !tr__fault_strikes(TR__FAULT_CALL) && mincore(at, bytes, pages) == 0;
}

size_t tr__page_bytes(void)
{
    return (size_t)sysconf(_SC_PAGESIZE); /* can't fail: the C library knows it from the start */
}

void tr__pages_unmap(void *at, size_t bytes)
{
    /* It can fail only for want of a mapping to split; then the pages stay until the process
     * ends. */
    (void)munmap(at, bytes);
}

/* ---- time and chance ---- */

uint64_t tr__now_ns(void)
{
    return current.now_ns();
}

uint64_t tr__dice(void)
{
    return current.dice();
}

static uint64_t cpu_of(pthread_t thread)
{
    clockid_t clock;
    struct timespec used;

    if (pthread_getcpuclockid(thread, &clock) != 0 || clock_gettime(clock, &used) != 0)
        return 0;
    return (uint64_t)used.tv_sec * UINT64_C(1000000000) + (uint64_t)used.tv_nsec;
}

/* The first line of a thread's file in /proc; empty when there is none. */
static void read_of_thread(pid_t id, const char *name, char *text, size_t text_bytes)
{
    char path[64];
    FILE *file;

    (void)snprintf(path, sizeof(path), "/proc/self/task/%d/%s", (int)id, name);
    file = fopen(path, "re");
    if (file == NULL || fgets(text, (int)text_bytes, file) == NULL)
        text[0] = '\0';
    if (file != NULL)
        (void)fclose(file); /* it was only read */
}

tr__usage tr__thread_usage(pthread_t thread, pid_t id)
{
    tr__usage usage = { .cpu_ns = cpu_of(thread) };
    char text[256];
    char *at;

    read_of_thread(id, "schedstat", text, sizeof(text)); /* cpu, queue, slices */
    (void)strtoull(text, &at, 10);
    usage.queue_ns = strtoull(at, NULL, 10);
    read_of_thread(id, "stat", text, sizeof(text)); /* id (name) state ... */
    at = strrchr(text, ')');
    usage.is_runnable = at != NULL && at[1] == ' ' && at[2] == 'R';
    return usage;
}

/* ---- threads ---- */

int tr__thread_start(pthread_t *out, void *(*entry)(void *), void *arg)
{
    return tr__fault_strikes(TR__FAULT_THREAD) ? TR_EAGAIN : current.thread_start(out, entry, arg);
}

/* ---- descriptors ---- */

void tr__descriptor_close(int fd)
{
    (void)close(fd); /* an eventfd: there is nothing to be lost */
}

void tr__stderr_write(const char *text, size_t bytes)
{
    while (bytes > 0) {
        ssize_t done = write(STDERR_FILENO, text, bytes);

        if (done > 0) {
            text += done;
            bytes -= (size_t)done;
        } else if (done == 0 || errno != EINTR) {
            return; /* nobody is there to be told */
        }
    }
}

/* ---- programs ---- */

/* It begins as a program does, not as this thread, whose signals are blocked. These fail for want
 * of memory only. */
static int settle_program(posix_spawn_file_actions_t *files, posix_spawnattr_t *attributes, int out)
{
    sigset_t none;
    sigset_t all;
    int rc = posix_spawn_file_actions_addopen(files, STDIN_FILENO, "/dev/null", O_RDONLY, 0);

    (void)sigemptyset(&none); /* these can't fail */
    (void)sigfillset(&all);
    (void)posix_spawnattr_setsigmask(attributes, &none);
    (void)posix_spawnattr_setsigdefault(attributes, &all);
    (void)posix_spawnattr_setflags(attributes, POSIX_SPAWN_SETSIGMASK | POSIX_SPAWN_SETSIGDEF);
    if (rc == 0)
        rc = posix_spawn_file_actions_adddup2(files, out, STDOUT_FILENO);
    if (rc == 0)
        rc = posix_spawn_file_actions_addopen(files, STDERR_FILENO, "/dev/null", O_WRONLY, 0);
    return rc;
}

/* 0, or an errno. */
static int start_program(pid_t *child, char *const *argv, int out)
{
    posix_spawn_file_actions_t files;
    posix_spawnattr_t attributes;
    int rc;

    (void)posix_spawn_file_actions_init(&files); /* these can't fail in glibc */
    (void)posix_spawnattr_init(&attributes);
    rc = settle_program(&files, &attributes, out);
    if (rc == 0)
        rc = posix_spawnp(child, argv[0], &files, &attributes, argv, environ);
    (void)posix_spawnattr_destroy(&attributes);
    (void)posix_spawn_file_actions_destroy(&files);
    return rc;
}

/* What comes beyond the room is read, too, so that the program can end. */
static ssize_t read_all(int from, char *text, size_t text_bytes, bool (*gives_up)(void))
{
    enum { ASK_MS = 100 };
    struct pollfd readable = { .fd = from, .events = POLLIN };
    size_t length = 0;
    char rest[256];

    for (;;) {
        bool has_room = length + 1 < text_bytes;
        ssize_t got;

        if (gives_up())
            return TR_ECANCELED;
        if (poll(&readable, 1, ASK_MS) <= 0)
            continue; /* nothing yet, or a signal */
        got = read(from, has_room ? text + length : rest,
                   has_room ? text_bytes - 1 - length : sizeof(rest));
        if (got <= 0)
            break;
        length += has_room ? (size_t)got : 0;
    }
    text[length] = '\0';
    return (ssize_t)length;
}

typedef struct program {
    char *const *argv;
    char *text;
    size_t text_bytes;
    bool (*gives_up)(void);
    ssize_t result;
} program;

/* In a process of its own that shares this one's memory: run the program, read, and wait for it. */
static int mind_program(void *arg)
{
    program *p = arg;
    int ends[2] = { -1, -1 };
    pid_t child = -1;

    if (pipe2(ends, O_CLOEXEC) != 0) {
        p->result = -errno;
        return 0;
    }
    p->result = -start_program(&child, p->argv, ends[1]);
    (void)close(ends[1]); /* nothing was written to it */
    if (p->result < 0)
        return 0;
    p->result = read_all(ends[0], p->text, p->text_bytes, p->gives_up);
    if (p->result < 0)
        (void)kill(child, SIGKILL); /* it is there until it is waited for */
    while (waitpid(child, NULL, 0) < 0 && errno == EINTR)
        ;
    return 0; /* which closes what is open */
}

/* TSan takes a process that shares the memory for one that has a copy, and forgets its threads;
 * valgrind knows no such processes. */
#ifdef TR__TSAN
enum { CAN_SHARE_MEMORY = 0 };
#else
enum { CAN_SHARE_MEMORY = 1 };
#endif

/* The process between has no signal that tells of its end. So the program's own SIGCHLD and wait()
 * hear neither of it nor of its child. As with vfork, this thread stands still meanwhile. */
ssize_t tr__program_read(char *const *argv, char *text, size_t text_bytes, bool (*gives_up)(void))
{
    enum { STACK_BYTES = 256 << 10 };
    program p = { .argv = argv, .text_bytes = text_bytes, .gives_up = gives_up, .result = -EAGAIN };
    char *stack;
    pid_t between;

    if (tr__fault_strikes(TR__FAULT_CALL) || !CAN_SHARE_MEMORY || tr__valgrind_listens())
        return -EAGAIN;
    stack = tr__pages_map(STACK_BYTES, tr__page_bytes());
    if (stack == NULL)
        return TR_ENOMEM;
    p.text = text;
    between = clone(mind_program, stack + STACK_BYTES, CLONE_VM | CLONE_VFORK, &p);
    if (between < 0)
        p.result = -errno;
    while (between > 0 && waitpid(between, NULL, __WALL) < 0 && errno == EINTR)
        ;
    tr__pages_unmap(stack, STACK_BYTES);
    return p.result;
}
