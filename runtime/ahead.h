/* Fetching into the cache what comes next, where tasks are many.
 *
 * A task that goes on touches its block, the fiber at the top of its stack, and its frames below
 * that: some ten lines of two or three pages. Where thousands of tasks take turns none of these is
 * in the cache, nor the pages in the table of translations, and a turn is little else than waiting
 * for memory, one line after the other, for each is found through the one before. So a loop looks a
 * few turns ahead: at the third task from now it fetches the block, at the second the fiber, which
 * the block that has come meanwhile tells, and at the next one the frames.
 *
 * All of it are hints: what is fetched too early, or in vain, costs a little time. */
#ifndef TR_RUNTIME_AHEAD_H
#define TR_RUNTIME_AHEAD_H

#include "runtime/loop.h"
#include "runtime/task.h"

/* So many tasks don't fit into the caches next to a core: a megabyte, two thousand translations. */
#define TR__CROWD 1024

/* Inlined, as all here: the compiler takes calls that do nothing else to be without effect. */
static TR__ALWAYS_INLINE void tr__ahead_lines(const void *first, int lines)
{
    for (int i = 0; i < lines; i++)
        __builtin_prefetch((const char *)first + i * TR__CACHE_LINE, 1);
}

/* The task that runs there, if it is one; its block must have come. */
static TR__ALWAYS_INLINE const tr_task *tr__ahead_task(tr__link *link)
{
    const tr__runnable *runnable = tr__runnable_of(link);

    return runnable->run == tr__task_run ? TR__CONTAINER_OF(runnable, tr_task, runnable) : NULL;
}

/* The lines around the top of a stack: the record, the fiber, the outermost frames. */
static TR__ALWAYS_INLINE void tr__ahead_top(const tr__stack *stack, int lines)
{
    tr__ahead_lines((const char *)stack - (lines - 1) * TR__CACHE_LINE, lines);
}

/* A task that begins soon gets one of the next stacks. */
static TR__ALWAYS_INLINE void tr__ahead_fresh(const tr__stack_pool *pool)
{
    const tr__stack *stack = pool->free != NULL ? pool->free : pool->spare;

    if (stack != NULL && stack->next != NULL)
        tr__ahead_top(stack->next, 6);
}

/* After a runnable has been taken off the queue, and before it runs. */
static TR__ALWAYS_INLINE void tr__ahead_fetch(tr__loop *loop)
{
    tr__link *link = loop->queue.first;
    const tr_task *task;

    if (link == NULL)
        return;
    task = tr__ahead_task(link);
    if (task != NULL && task->stack != NULL)
        tr__ahead_lines(tr__context_frames(&tr__fiber_on(task->stack)->context), 3);
    else if (task != NULL)
        tr__ahead_fresh(&loop->stacks);
    link = link->next;
    if (link == NULL)
        return;
    task = tr__ahead_task(link);
    if (task != NULL && task->stack != NULL)
        tr__ahead_top(task->stack, 3);
    if (link->next != NULL)
        tr__ahead_lines(TR__CONTAINER_OF(tr__runnable_of(link->next), tr_task, runnable), 4);
}

#endif
