/* All the ways in which a thread of the library's waits for another, or gives its core away. In a
 * simulation, where one thread plays all, sim/threads.c takes the place of base/threads.c.
 *
 * Threads are started by tr__thread_start (seam.h). */
#ifndef TR_BASE_THREADS_H
#define TR_BASE_THREADS_H

#include <pthread.h>
#include <signal.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/compiler.h"

/* ---- threads ---- */

/* Wait for the end of one that was started, once. */
void tr__thread_join(pthread_t thread);
pthread_t tr__thread_self(void);
/* For people; 15 characters at most. */
void tr__thread_name(pthread_t thread, const char *name);
/* Let another thread have the core. */
void tr__thread_yield(void);
/* The calling thread is so much nicer from now on (see nice(2)), for good; and the threads that it
 * starts. */
void tr__thread_be_nice(int by);
/* The stack of the calling thread: [*low, *low + *bytes). */
void tr__thread_stack(const void **low, size_t *bytes);

/* ---- interrupting a thread that blocks in a call of the kernel ---- */

/* The signal that does so, whose handler does nothing. */
#define TR__INTERRUPT_SIGNAL SIGURG

/* Before the first one, from any thread: let the process have the handler. false: the program has
 * one of its own. */
bool tr__interrupts_allow(void);
/* The calling thread can be interrupted from now on. */
void tr__interrupt_open(void);
/* Let the call that this thread blocks in fail with EINTR. If it is just about to enter one, that
 * may be missed. */
void tr__interrupt_send(pthread_t thread);
/* In the thread, after the last one was sent to it: it has come when this returns. */
void tr__interrupt_settle(void);

/* ---- mutexes: none of these fails, for no thread takes one twice ---- */

#if TR__SIM
void tr__mutex_lock(pthread_mutex_t *mutex);
bool tr__mutex_try(pthread_mutex_t *mutex);
void tr__mutex_unlock(pthread_mutex_t *mutex);
#else
static inline void tr__mutex_lock(pthread_mutex_t *mutex)
{
    (void)pthread_mutex_lock(mutex);
}

/* false: somebody has it. */
static inline bool tr__mutex_try(pthread_mutex_t *mutex)
{
    return pthread_mutex_trylock(mutex) == 0;
}

static inline void tr__mutex_unlock(pthread_mutex_t *mutex)
{
    (void)pthread_mutex_unlock(mutex);
}
#endif

/* ---- a fence for all ---- */

/* Make tr__membarrier possible, if the kernel can; false: it can't, or must not. Called again it
 * costs little; the first time it takes milliseconds where the process has several threads. */
bool tr__membarrier_prepare(void);
/* Each thread of the process does a full fence before it returns: membarrier(2), after it has been
 * prepared. What another thread did before its fence is visible now; what it does afterwards sees
 * all that came before the call. So a thread that is quick may do with tr__fence_light, which only
 * keeps the compiler from exchanging accesses, where one that is rare calls this. */
void tr__membarrier(void);

/* ---- conditions, on the monotonic clock ---- */

void tr__condition_init(pthread_cond_t *condition);
/* With the mutex locked. false: deadline_ns (tr__now_ns; UINT64_MAX: none) has passed. */
bool tr__condition_wait(pthread_cond_t *condition, pthread_mutex_t *mutex, uint64_t deadline_ns);
/* Wake all who wait. */
void tr__condition_announce(pthread_cond_t *condition);

/* ---- sleeping on a word ---- */

/* Sleep while *word is `expected`, until deadline_ns (tr__now_ns; UINT64_MAX: none). false: the
 * deadline has passed. true: somebody called tr__futex_wake, the word is another, or there was no
 * reason at all: look again. Other processes can't wake it. */
TR__SHARED bool tr__futex_wait(const uint32_t *word, uint32_t expected, uint64_t deadline_ns);
/* Wake at most `count` of those who sleep on word. The word may be gone already: then nobody
 * sleeps on it. */
TR__SHARED void tr__futex_wake(const uint32_t *word, uint32_t count);

/* ---- event descriptors ---- */

/* A non-blocking eventfd, closed on exec; or -errno. */
int tr__eventfd_new(void);
/* Make it readable. It can't fail for longer than a signal: the counter never comes near its
 * end. */
void tr__eventfd_signal(int fd);
/* Make it unreadable. */
void tr__eventfd_clear(int fd);

#endif
