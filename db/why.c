/* The sentence about the last failure: a task's own, or a thread's. */
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include "base/seam.h"
#include "db/rows.h"
#include "runtime/task.h"

static const tr_local why_of_task = { "the last failure of a database" };

/* Of a thread that is no loop's. */
static TR__THREAD_LOCAL char why_of_thread[TR__WHY_BYTES];

static char out_of_memory[] = "out of memory";

/* The table of a task's values is shared with its children: so each sentence is a new one. Without
 * memory for it the old one must not stay; it does, where there is none for that either. */
static void set_of_task(const char *why)
{
    char *copy = tr__copy_string(why);

    if (copy == NULL || tr_local_set(&why_of_task, copy, tr__free) < 0)
        (void)tr_local_set(&why_of_task, out_of_memory, NULL); /* see above */
}

void tr__why_set(const char *why)
{
    tr__connection *here = tr__connection_here();

    if (here != NULL) {
        if (why != here->why)
            memmove(here->why, why, strlen(why) + 1);
    } else if (tr__task_here() != NULL) {
        set_of_task(why);
    } else {
        memcpy(why_of_thread, why, strlen(why) + 1);
    }
}

int tr__rows_refuse(int rc, const char *format, ...)
{
    char why[TR__WHY_BYTES];
    va_list arguments;

    va_start(arguments, format);
    (void)vsnprintf(why, sizeof(why), format, arguments); /* cut */
    va_end(arguments);
    tr__why_set(why);
    return rc;
}

const char *tr_db_why(void)
{
    const tr__connection *here = tr__connection_here();
    const char *of_task = tr_local_get(&why_of_task);

    if (here != NULL)
        return here->why;
    return of_task != NULL ? of_task : why_of_thread;
}
