/* Those who wait for something of a lock, an event, a queue: tasks of all loops, and foreign
 * threads, in the order in which they came.
 *
 * A waiter stands on its own stack, and in the queue of what it waits for; the queue's lock guards
 * both. Who has something to hand over takes the waiter off under the lock, which is the
 * linearization point of the hand-over, and wakes it when it has given the lock back:
 *
 *     waits ---- granted (under the lock) ----> granted ---- woken ----> goes on with the result
 *       |                                          |
 *       +-- cancelled, or late (under the lock)    +-- cancelled meanwhile: the result stands, and
 *           goes on with an error                      the next await fails
 *
 * A granted waiter does not go on before it is woken: so its memory lasts as long as anybody needs
 * it. Waking needs no memory: on the waiter's loop it is scheduled, from elsewhere a runnable is
 * posted; a foreign thread sleeps on a word.
 *
 * One who leaves without a grant may have stood in the way of those behind: whoever waits deals
 * with that when tr__wait_in has returned an error.
 *
 * The lock is a latch (latch.h). A queue of zeros is valid, and empty. */
#ifndef TR_SYNC_WAIT_QUEUE_H
#define TR_SYNC_WAIT_QUEUE_H

#include "runtime/task.h"
#include "sync/latch.h"

typedef struct tr__line {
    struct tr__queued *first;
    struct tr__queued *last;
    size_t count; /* of those who wait in it */
} tr__line;

typedef struct tr__wait_queue {
    tr__latch latch;
    tr__line line;
} tr__wait_queue;

/* A task that waits for whichever comes first of several things: it stands in several lines.
 * Whoever grants claims it before; the first one does, and for the others it is not there. */
typedef struct tr__choice {
    tr__wait wait;
    uint32_t is_claimed; /* by compare and swap; also by the task, to withdraw */
    void *taken;         /* where the one stands that was granted; written by who has claimed it */
} tr__choice;

struct tr__queued;

/* What somebody stands in line for, for people. */
typedef struct tr__sought {
    const char *what;   /* "a mutex" */
    size_t line_offset; /* of the line, in the thing */
    /* tr__who of who has what the waiter wants; 0: nobody is known. NULL likewise. Without the
     * lock. */
    uint64_t (*holder)(const struct tr__queued *waiter);
    bool is_guess; /* others may give it, too */
} tr__sought;

typedef struct tr__queued {
    const tr__sought *sought;
    struct tr__queued *next;
    struct tr__queued *previous;
    tr__latch *latch; /* that guards its line */
    tr__line *line;
    tr__choice *choice; /* NULL: it waits for this alone */
    bool is_waiting;    /* in the line; not granted yet */
    uint64_t wants;     /* how much, or what: a matter of the queue's owner */
    void *place;        /* where to put what is handed over: likewise */
    int result;
    bool is_shielded; /* a cancellation does not end it */
    /* A task. */
    uint16_t loop; /* its number; 0: a foreign thread */
    tr__wait wait;
    tr__runnable wake; /* posted by another loop or thread that grants */
    /* A foreign thread. */
    uint32_t is_woken; /* it sleeps on this */
} tr__queued;

/* Granted waiters that are to be woken. */
typedef struct tr__wakes {
    tr__queued *first;
    tr__queued **end;
} tr__wakes;

static inline void tr__wait_queue_lock(tr__wait_queue *queue)
{
    tr__latch_lock(&queue->latch);
}

static inline void tr__wait_queue_unlock(tr__wait_queue *queue)
{
    tr__latch_unlock(&queue->latch);
}

/* The caller, among all who may hold something: a task, a loop, or a foreign thread. */
static inline uint64_t tr__who(void)
{
    const tr__loop *loop = tr__loop_here();

    if (loop == NULL)
        return (uint64_t)(uintptr_t)tr__thread_self();
    return loop->task != NULL ? (uintptr_t)loop->task : (uintptr_t)loop;
}

/* Whether the caller may wait: a task that is not cancelled, or a foreign thread.
 * Errors: TR_ECANCELED; TR_EWRONGPLACE. */
static inline int tr__may_wait(void)
{
    const tr__loop *loop = tr__loop_here();

    if (loop == NULL)
        return 0;
    return loop->task != NULL ? tr__task_checkpoint(loop->task) : TR_EWRONGPLACE;
}

/* With the lock, which it gives back: wait at the line's end, for `timeout` seconds at most.
 * Returns the result of the grant; or the waiter has left, without a grant.
 * Errors: TR_ETIMEDOUT; TR_ECANCELED. */
int tr__wait_in_line(tr__latch *latch, tr__line *line, tr__queued *waiter, double timeout);
static inline int tr__wait_in(tr__wait_queue *queue, tr__queued *waiter, double timeout)
{
    return tr__wait_in_line(&queue->latch, &queue->line, waiter, timeout);
}

/* The same in two steps, for who has something to do in between, and a timeout above 0. With the
 * lock: stand at the queue's end. Then, without it: wait. */
void tr__wait_enter(tr__wait_queue *queue, tr__queued *waiter);
int tr__wait_entered(tr__queued *waiter, double timeout);

/* With the lock: take a waiter out of its line. Nothing but tr__grant_claimed may follow; false: it
 * waits no more, for it has chosen something else. */
bool tr__claim(tr__queued *waiter);
/* The first of a line that can be claimed, claimed; NULL: there is none. */
tr__queued *tr__claim_first(tr__line *line);
/* What was handed over is in its place: let it go on with that result. */
void tr__grant_claimed(tr__queued *waiter, int result, tr__wakes *wakes);
/* Both; false: as tr__claim. */
bool tr__grant(tr__queued *waiter, int result, tr__wakes *wakes);
/* The same for all. */
void tr__grant_all(tr__line *line, int result, tr__wakes *wakes);

/* For tasks that choose: stand at the line's end, with the lock; and leave it, without, if it
 * stands there still. */
void tr__stand_in_line(tr__latch *latch, tr__line *line, tr__queued *waiter, tr__choice *choice);
void tr__leave_line(tr__queued *waiter);
/* Whether the caller is the first to claim it. */
bool tr__choice_claim(tr__choice *choice);

/* For who waits in several lines, and says so to people. */
void tr__queued_describe(const tr__queued *waiter, tr__awaited *awaited);

static inline void tr__wakes_init(tr__wakes *wakes)
{
    wakes->first = NULL;
    wakes->end = &wakes->first;
}

/* Without the lock: let them go on. */
void tr__wakes_send(tr__wakes *wakes);

#endif
