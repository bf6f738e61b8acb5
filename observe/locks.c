#include "observe/locks.h"

#include "base/list.h"
#include "base/seam.h"
#include "base/threads.h"
#include "observe/report.h"

enum { LINES = 256 };

typedef struct holding {
    struct holding *next;
    const tr_task *task;
    const void *lock;
    const char *what; /* in storage that lasts */
    const void *place;
} holding;

static pthread_mutex_t guard = PTHREAD_MUTEX_INITIALIZER;
static holding *lines[LINES]; /* by lock */

static holding **line_of(const void *lock)
{
    return &lines[((uintptr_t)lock >> 4) % LINES];
}

void tr__locks_take(const tr_task *task, const void *lock, const char *what, const void *place)
{
    holding *h = tr__alloc(sizeof(*h));

    if (h == NULL)
        return; /* it will not be told */
    *h = (holding){ .task = task, .lock = lock, .what = what, .place = place };
    tr__mutex_lock(&guard);
    h->next = *line_of(lock);
    *line_of(lock) = h;
    tr__mutex_unlock(&guard);
}

/* With the guard: take the first out of a line that is that task's, and of that lock (NULL: any).
 * */
static holding *take_out(holding **line, const tr_task *task, const void *lock)
{
    for (holding **at = line; *at != NULL; at = &(*at)->next) {
        holding *h = *at;

        if (h->task == task && (lock == NULL || h->lock == lock)) {
            *at = h->next;
            return h;
        }
    }
    return NULL;
}

bool tr__locks_give(const tr_task *task, const void *lock)
{
    holding *h;

    tr__mutex_lock(&guard);
    h = take_out(line_of(lock), task, lock);
    tr__mutex_unlock(&guard);
    tr__free(h);
    return h != NULL;
}

static holding *take_any(const tr_task *task)
{
    holding *h = NULL;

    tr__mutex_lock(&guard);
    for (int i = 0; i < LINES && h == NULL; i++)
        h = take_out(&lines[i], task, NULL);
    tr__mutex_unlock(&guard);
    return h;
}

void tr__locks_report(const tr_task *task)
{
    holding *h;

    while ((h = take_any(task)) != NULL) {
        tr__report(h->place,
                   "task '%s' has ended and holds a %s (%p) still: nobody will ever get it; "
                   "give it back on every way out, as TR_LOCKED does",
                   task->name, h->what, h->lock);
        tr__free(h);
    }
}

void tr__locks_clear(void)
{
    tr__mutex_lock(&guard);
    for (int i = 0; i < LINES; i++)
        for (holding *h; (h = lines[i]) != NULL;) {
            lines[i] = h->next;
            tr__free(h);
        }
    tr__mutex_unlock(&guard);
}
