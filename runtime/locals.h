/* Values that belong to a task, and that its children inherit: a table that is never changed, so
 * that parent and children share it, wherever they run. Whoever sets a value makes a table of his
 * own. Tables are short: they are searched one by one. */
#ifndef TR_RUNTIME_LOCALS_H
#define TR_RUNTIME_LOCALS_H

#include "runtime/task.h"

typedef struct tr__locals tr__locals;

/* One more reference; returns it. Any thread. */
tr__locals *tr__locals_ref(tr__locals *locals);
/* Give back a reference; not NULL. Any thread. */
TR__SHARED void tr__locals_unref(tr__locals *locals);

/* The calling task has no values any more: what it does next has nothing to do with what it did. */
static inline void tr__locals_forget(void)
{
    tr_task *task = tr__task_here();

    if (TR__LIKELY(task == NULL || task->locals == NULL))
        return;
    tr__locals_unref(task->locals);
    task->locals = NULL;
}

/* The caller's table, for a child of his, with a reference; NULL: there is none. Any thread. */
static inline tr__locals *tr__locals_inherit(void)
{
    const tr_task *task = tr__task_here();

    return TR__LIKELY(task == NULL || task->locals == NULL) ? NULL : tr__locals_ref(task->locals);
}

#endif
