#include "sync/held.h"

void tr__held_note(const void *lock, const char *what, const void *place)
{
    tr_task *task = tr__task_here();

    if (task == NULL)
        return; /* a handler, a callback, or a foreign thread: it has no end */
    task->locks_held++;
    tr__upper_observer.take_lock(task, lock, what, place);
}

void tr__held_drop(const void *lock)
{
    tr_task *task = tr__task_here();

    if (task != NULL && task->locks_held > 0 && tr__upper_observer.give_lock(task, lock))
        task->locks_held--;
}
