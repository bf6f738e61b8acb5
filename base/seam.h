/* The seams: everything that troupe asks of the outside world goes through here, so that tests and
 * a simulation can answer in its place. None of these stands on the hot path.
 *
 * The table may be replaced only while no runtime runs. With -DTR__FAULTS=1 (the library that tests
 * link) each allocation, mapping, system call that may fail and thread start first asks
 * tr__fault_strikes; without it that is the constant false. */
#ifndef TR_BASE_SEAM_H
#define TR_BASE_SEAM_H

#include <pthread.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/uio.h>
#include <sys/types.h>

#include "base/compiler.h"

typedef struct tr__seam {
    void *(*alloc)(size_t bytes); /* malloc, 16-aligned */
    void (*free)(void *block);
    uint64_t (*now_ns)(void); /* monotonic */
    uint64_t (*dice)(void);   /* 64 random bits, to seed generators with */
    int (*thread_start)(pthread_t *out, void *(*entry)(void *), void *arg);
    /* Mark pages as guards; NULL: as on a kernel that can't. */
    bool (*pages_guard)(void *at, size_t bytes);
} tr__seam;

/* Replace the table; NULL restores the real one. */
void tr__seam_set(const tr__seam *seam);

/* ---- memory ---- */

/* At least bytes of memory, not zeroed; NULL when there is none. Free it with tr__free. */
TR__SHARED void *tr__alloc(size_t bytes);
TR__SHARED void *tr__alloc_zeroed(size_t bytes);
/* The same, aligned to a cache line. */
TR__SHARED void *tr__alloc_lines_zeroed(size_t bytes);
TR__SHARED void tr__free_lines(void *block);
/* A copy of a text; NULL when there is no memory. */
TR__SHARED char *tr__copy_string(const char *text);
TR__SHARED void tr__free(void *block);
/* A block is not the library's any more: it lasts as long as the process, or the program frees it.
 * Only a simulation, which counts them, wants to know. */
#if TR__SIM
void tr__memory_leaves(void);
/* It is to be freed by the library after all. */
void tr__memory_returns(void);
#else
static inline void tr__memory_leaves(void)
{
}

static inline void tr__memory_returns(void)
{
}
#endif

/* Address space without memory behind it; NULL on failure. */
void *tr__pages_reserve(size_t bytes);
/* Put zeroed memory behind a part of what was reserved. false: out of memory. */
bool tr__pages_commit(void *at, size_t bytes);
/* Zeroed memory, aligned to align (a power of two, of whole pages); NULL on failure. */
void *tr__pages_map(size_t bytes, size_t align);
/* Advise the kernel to back a mapping with huge pages; a hint, it can't fail. */
void tr__pages_prefer_huge(void *at, size_t bytes);
/* Advise against that. */
void tr__pages_prefer_small(void *at, size_t bytes);
/* Let each access to these committed pages be a SIGSEGV, without splitting their mapping (Linux
 * 6.13). false: it can't be done. */
bool tr__pages_guard(void *at, size_t bytes);
/* The same, whatever seam is set: for those that are. */
bool tr__pages_guard_really(void *at, size_t bytes);
/* The same at the price of a mapping or two. */
bool tr__pages_forbid(void *at, size_t bytes);
/* Take the memory behind committed pages away: they are zeroed when touched again. false: they stay
 * as they are. */
bool tr__pages_discard(void *at, size_t bytes);
/* The same two for count runs of pages by one system call (Linux 6.14). Return how many of the
 * first it is done for; for the others, try one by one. */
size_t tr__pages_guard_each(const struct iovec *runs, size_t count);
size_t tr__pages_discard_each(const struct iovec *runs, size_t count);
/* Let a part of a loaded object, in whole pages, be written to, or only be read again. */
bool tr__pages_set_writable(void *at, size_t bytes, bool is_writable);
/* Which of these pages have memory behind them: the lowest bit of a byte for each. false: the
 * system does not tell. */
bool tr__pages_resident(void *at, size_t bytes, unsigned char *pages);
/* The size of a page. */
size_t tr__page_bytes(void);
void tr__pages_unmap(void *at, size_t bytes);

/* ---- time and chance ---- */

TR__SHARED uint64_t tr__now_ns(void);
TR__SHARED uint64_t tr__dice(void);

/* What a thread of this process has had of cores; figures that the system does not tell are 0. */
typedef struct tr__usage {
    uint64_t cpu_ns;
    uint64_t queue_ns; /* waited for a core, each time until it got one */
    bool is_runnable;  /* has a core, or waits for one */
} tr__usage;

/* thread must not have been joined; id is its gettid. */
tr__usage tr__thread_usage(pthread_t thread, pid_t id);

/* ---- threads ---- */

/* 0, or TR_EAGAIN; TR_EWRONGPLACE: outside of a simulation, in the library of simulations. */
int tr__thread_start(pthread_t *out, void *(*entry)(void *), void *arg);

/* A pool's thread is about to run a job: a simulation may let it take longer. */
#if TR__SIM
void tr__job_begins(void);
#else
static inline void tr__job_begins(void)
{
}
#endif

/* ---- descriptors ---- */

/* Close an event descriptor. */
void tr__descriptor_close(int fd);

/* Write to stderr what can be written; async-signal-safe. */
void tr__stderr_write(const char *text, size_t bytes);

/* ---- programs ---- */

/* Run a program, which is found as a shell finds it, and read what it prints; what it complains
 * about is lost. argv ends with NULL. gives_up is asked now and then: true ends the program. The
 * number of bytes, of which there are at most text_bytes - 1, and a 0 behind them.
 * Errors: -errno it could not be run; TR_ECANCELED gives_up said so. */
ssize_t tr__program_read(char *const *argv, char *text, size_t text_bytes, bool (*gives_up)(void));

/* ---- faults ---- */

#ifndef TR__FAULTS
#define TR__FAULTS 0
#endif

/* What may fail: memory of whatever kind; the start of a thread; another system call; and, in
 * simulations, a read or write that moves less than it could, or finds its connection reset. */
typedef enum tr__fault {
    TR__FAULT_MEMORY,
    TR__FAULT_THREAD,
    TR__FAULT_CALL,
    TR__FAULT_SHORT,
    TR__FAULT_RESET
} tr__fault;

#if TR__FAULTS
/* Whether this call is the one that is to fail. */
bool tr__fault_strikes(tr__fault kind);
/* Whether some call is to fail: then short cuts around tr__fault_strikes are closed. */
bool tr__faults_are_armed(void);
/* Let the n-th call from now on fail (1: the next), and all after it if lasting. */
void tr__fault_arm(uint64_t n, bool lasting);
/* End that; returns whether the n-th call was reached. */
bool tr__fault_disarm(void);
#else
static inline bool tr__fault_strikes(tr__fault kind)
{
    (void)kind;
    return false;
}

static inline bool tr__faults_are_armed(void)
{
    return false;
}
#endif

#endif
