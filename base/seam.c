/* The real world behind the seams. The only file that calls the allocator, the clock and the kernel
 * directly. */
#include "base/seam.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/random.h>
#include <sys/syscall.h>
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

static bool real_pages_guard(void *at, size_t bytes)
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
    .pages_guard = real_pages_guard,
};

static tr__seam current = {
    .alloc = malloc,
    .free = free,
    .now_ns = real_now_ns,
    .dice = real_dice,
    .thread_start = real_thread_start,
    .pages_guard = real_pages_guard,
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
    while (done < count && bytes >= (long)runs[done].iov_len)
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
