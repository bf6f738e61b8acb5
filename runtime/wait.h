/* What a task waits for, and how that is told to people.
 *
 * How to await something: fill in a tr__wait on the task's own stack, give it to whoever will call
 * tr__wait_end, and call tr__wait_suspend (task.h). Exactly one of the two happens to a wait, both
 * on the task's loop: tr__wait_end, or withdraw returns true when the task is cancelled. What was
 * handed over is never withdrawn: after tr__wait_end a cancellation shows at the next await. */
#ifndef TR_RUNTIME_WAIT_H
#define TR_RUNTIME_WAIT_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

typedef struct tr_task tr_task;

/* So many are told. */
enum { TR__BLOCKERS = 4 };

/* Who can end a wait: a task by its address, an actor by its pid, a loop (for handlers and
 * callbacks) by its address, a foreign thread by its pthread_t. It must not be looked at: it may be
 * gone. */
typedef struct tr__blocker {
    uint64_t id; /* 0: nobody is known */
    bool is_actor;
} tr__blocker;

/* A wait, for people. */
typedef struct tr__awaited {
    const char *what;                    /* "a mutex"; in storage that lasts */
    const void *object;                  /* its address; NULL */
    const struct tr__scope *children_of; /* the end of all children of that scope; NULL */
    uint64_t until_ns;                   /* 0: no limit of its own is known */
    tr__blocker blockers[TR__BLOCKERS];
    const char *roles[TR__BLOCKERS]; /* what each has to do with it: "has it", or "is to end" */
    size_t count;                    /* of blockers, also of those for whom there was no place */
    bool is_guess;                   /* others may end it, too */
    bool is_choice; /* it waits for the first of several things, of which not all may be known; else
                       each is needed */
} tr__awaited;

/* Nothing happens if nobody is known. */
static inline void tr__awaited_add(tr__awaited *awaited, const char *role, tr__blocker blocker)
{
    if (blocker.id == 0)
        return;
    if (awaited->count < TR__BLOCKERS) {
        awaited->blockers[awaited->count] = blocker;
        awaited->roles[awaited->count] = role;
    }
    awaited->count++;
}

/* What a task awaits that sleeps. */
#define TR__AWAITED_TIME "a time"

typedef struct tr__wait tr__wait;

typedef struct tr__wait_kind {
    /* Take the wait back; true: tr__wait_end will not be called. It must not end other waits of
     * tasks that run now. NULL: it can't be taken back. */
    bool (*withdraw)(tr__wait *wait);
    /* On the task's loop, while it waits. */
    void (*describe)(const tr__wait *wait, tr__awaited *awaited);
} tr__wait_kind;

struct tr__wait {
    tr_task *task;
    const tr__wait_kind *kind;
    int result;
};

#endif
